//! Pictures of groups of images, such as an image with what was made of it, under titles.

use image::{Rgb, RgbImage};
use plotters::prelude::*;

use crate::drawing::picture::{check_images, draw_image};
use crate::drawing::plot::font;

/// Widest and highest that a picture is enlarged to, in pixels; images that are larger anyway
/// aren't shrunk.
const MOST: usize = 1000;
/// Higher pictures, of very many groups, have their titles in a line above instead of over each
/// column.
const HIGHEST: usize = 3000;
/// Pixels between the images of a group, and around a group.
const GAP: usize = 2;
const MARGIN: usize = 14;
/// What is around a group where there are very many.
const NARROW_MARGIN: usize = 6;
/// Height of the text, and of the strip that it stands in.
const TEXT: i32 = 16;
const STRIP: usize = 26;
/// Room on both sides of a title together.
const ASIDE: usize = 8;
/// Colours of the page, of what is between images, and of text.
const PAGE: Rgb<u8> = Rgb([246, 246, 246]);
const FRAME: Rgb<u8> = Rgb([64, 64, 64]);
const INK: RGBColor = RGBColor(30, 30, 30);

/// Images of each group that stand under one title.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TitledColumns<'a> {
    /// The title.
    pub title: &'a str,
    /// The number of images.
    pub images: usize,
    /// How many of them stand side by side; the others follow below.
    pub columns: usize,
}

impl<'a> TitledColumns<'a> {
    /// One image under a title.
    pub fn one(title: &'a str) -> Self {
        Self::row(title, 1)
    }

    /// Images side by side under a title.
    pub fn row(title: &'a str, images: usize) -> Self {
        Self {
            title,
            images,
            columns: images,
        }
    }

    /// Images in a block that is about square, under a title.
    pub fn block(title: &'a str, images: usize) -> Self {
        Self {
            title,
            images,
            columns: (images as f64).sqrt().ceil() as usize,
        }
    }
}

/// Lays groups of images out under the titles of their columns, with a gap between groups. Images
/// are enlarged by a whole factor so that the picture is up to 1000 pixels wide and high. Where so
/// many groups stand beside each other that titles would not fit over their columns, one line above
/// names them in order.
///
/// # Shapes
///
/// - `values`: `groups * sum of images` images of `[channels, height, width]`, one after the other,
///   those of a group in the order of their titles; `low` is black, `high` white. One channel is
///   grey, three are red, green and blue; of any other number the first is shown.
///
/// # Panics
///
/// If `values` doesn't hold a whole number of groups, or a title has no images or columns.
pub fn titled_grid(
    values: &[f32],
    shape: [usize; 3],
    range: (f64, f64),
    titles: &[TitledColumns<'_>],
) -> RgbImage {
    assert!(
        titles
            .iter()
            .all(|title| title.images > 0 && title.columns > 0)
            && !titles.is_empty(),
        "a title without images: {titles:?}"
    );
    let size = check_images(values, shape);
    let in_group: usize = titles.iter().map(|title| title.images).sum();
    let count = values.len() / size;
    assert!(
        count.is_multiple_of(in_group),
        "{count} images are no whole number of groups of {in_group}"
    );
    let layout = Layout::choose(count / in_group, [shape[1], shape[2]], titles);
    let (width, height) = layout.size();
    let mut picture = RgbImage::from_pixel(width as u32, height as u32, PAGE);
    for (index, image) in values.chunks_exact(size).enumerate() {
        let place = layout.place(index / in_group, index % in_group, titles);
        let (left, top) = (place.0, place.1);
        let [cell_height, cell_width] = layout.cell();
        for y in top - GAP..top + cell_height {
            for x in left - GAP..left + cell_width {
                picture.put_pixel(x as u32, y as u32, FRAME);
            }
        }
        draw_image(&mut picture, image, shape, range, (left, top), layout.zoom);
    }
    write_titles(picture, &layout, titles)
}

/// Where everything is, in pixels.
#[derive(Clone, Debug, PartialEq)]
struct Layout {
    groups: usize,
    /// Height and width of an image as it is.
    image: [usize; 2],
    /// Columns and lines of images in a group.
    columns: usize,
    lines: usize,
    zoom: usize,
    /// Groups side by side.
    across: usize,
    /// Whether titles stand over each column, or all in a line.
    over_columns: bool,
    /// Width that the line of titles takes.
    line_width: usize,
}

impl Layout {
    /// The layout whose picture is most like a screen, as large as it may be.
    fn choose(groups: usize, image: [usize; 2], titles: &[TitledColumns<'_>]) -> Self {
        let columns = titles.iter().map(|title| title.columns).sum();
        let lines = titles
            .iter()
            .map(|title| title.images.div_ceil(title.columns));
        let layout = |across: usize, zoom: usize, over_columns: bool| Self {
            groups,
            image,
            columns,
            lines: lines.clone().max().unwrap_or(1),
            zoom,
            across,
            over_columns,
            line_width: text_width(&in_a_line(titles)) + 2 * NARROW_MARGIN,
        };
        // What it takes for every title to fit over its columns.
        let fits = |zoom: usize| {
            titles.iter().all(|title| {
                let width = title.columns * (image[1] * zoom + GAP);
                width >= text_width(title.title) + ASIDE
            })
        };
        let legible = (1..).find(|&zoom| fits(zoom)).unwrap_or(1);
        let best = |over_columns: bool, least: usize| {
            let layouts = (1..=groups.max(1)).map(|across| {
                let zoom = (least..=MOST)
                    .take_while(|&zoom| {
                        let (width, height) = layout(across, zoom, over_columns).size();
                        zoom == least || width <= MOST && height <= MOST
                    })
                    .last();
                layout(across, zoom.unwrap_or(least), over_columns)
            });
            layouts.min_by(|a, b| a.badness().total_cmp(&b.badness()))
        };
        match best(true, legible) {
            Some(chosen) if chosen.size().1 <= HIGHEST || groups == 1 => chosen,
            chosen => best(false, 1)
                .or(chosen)
                .unwrap_or_else(|| layout(1, legible, true)),
        }
    }

    /// How far the picture is from one that is as wide as it may be, and no higher.
    fn badness(&self) -> f64 {
        let (width, height) = self.size();
        let (width, height, most) = (width as f64, height as f64, MOST as f64);
        // Too wide is worse than too high: pages scroll down.
        let excess = (width / most).max(1.0).ln() * 50.0 + (height / most).max(1.0).ln() * 2.0;
        excess + (most / width).max(1.0).ln() + 0.5 * (height / width).max(1.0).ln()
    }

    /// Height and width of an image in the picture, with the gap behind it.
    fn cell(&self) -> [usize; 2] {
        self.image.map(|side| side * self.zoom + GAP)
    }

    fn group_size(&self) -> (usize, usize) {
        let [height, width] = self.cell();
        (self.columns * width + GAP, self.lines * height + GAP)
    }

    fn margin(&self) -> usize {
        if self.over_columns {
            MARGIN
        } else {
            NARROW_MARGIN
        }
    }

    /// Width and height of the picture.
    fn size(&self) -> (usize, usize) {
        let (width, height) = self.group_size();
        let rows = self.groups.div_ceil(self.across);
        let width = self.across * (width + self.margin()) + self.margin();
        let width = if self.over_columns {
            width
        } else {
            width.max(self.line_width)
        };
        (
            width,
            STRIP + rows * (height + self.margin()) + self.margin(),
        )
    }

    /// Left and top of an image.
    fn place(&self, group: usize, index: usize, titles: &[TitledColumns<'_>]) -> (usize, usize) {
        let (width, height) = self.group_size();
        let left = self.margin() + group % self.across * (width + self.margin()) + GAP;
        let top = STRIP + self.margin() / 2 + group / self.across * (height + self.margin()) + GAP;
        let [cell_height, cell_width] = self.cell();
        let (mut first, mut column) = (0, 0);
        for title in titles {
            if index < first + title.images {
                let (line, beside) = (
                    (index - first) / title.columns,
                    (index - first) % title.columns,
                );
                column += beside;
                return (left + column * cell_width, top + line * cell_height);
            }
            first += title.images;
            column += title.columns;
        }
        (left, top)
    }
}

/// All titles as one line.
fn in_a_line(titles: &[TitledColumns<'_>]) -> String {
    let names: Vec<String> = titles
        .iter()
        .map(|title| match title.images {
            1 => title.title.to_string(),
            images => format!("{} ({images})", title.title),
        })
        .collect();
    format!("in each group: {}", names.join(", "))
}

/// The width of a text in pixels.
fn text_width(text: &str) -> usize {
    let size = style().font.layout_box(text);
    size.map_or(0, |((left, _), (right, _))| (right - left).max(0) as usize)
}

fn style() -> TextStyle<'static> {
    TextStyle::from((font(), TEXT).into_font()).color(&INK)
}

/// The picture with its titles, or without them if they can't be drawn.
fn write_titles(picture: RgbImage, layout: &Layout, titles: &[TitledColumns<'_>]) -> RgbImage {
    let size = picture.dimensions();
    let mut texts = Vec::new();
    if layout.over_columns {
        let [_, cell_width] = layout.cell();
        for group in 0..layout.across.min(layout.groups) {
            let mut first = 0;
            for title in titles {
                let (left, _) = layout.place(group, first, titles);
                let room = title.columns * cell_width;
                let width = text_width(title.title);
                texts.push((
                    title.title.to_string(),
                    left + room.saturating_sub(width) / 2,
                ));
                first += title.images;
            }
        }
    } else {
        texts.push((in_a_line(titles), layout.margin()));
    }
    let mut pixels = picture.clone().into_raw();
    {
        let area = BitMapBackend::with_buffer(&mut pixels, size).into_drawing_area();
        for (text, left) in texts {
            let place = (left as i32, (STRIP as i32 - TEXT) / 2 + 1);
            if area.draw_text(&text, &style(), place).is_err() {
                return picture;
            }
        }
        if area.present().is_err() {
            return picture;
        }
    }
    RgbImage::from_raw(size.0, size.1, pixels).unwrap_or(picture)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn three() -> [TitledColumns<'static>; 3] {
        ["original", "damaged", "recalled"].map(TitledColumns::one)
    }

    fn drawn(groups: usize, shape: [usize; 3], titles: &[TitledColumns<'_>]) -> RgbImage {
        let images: usize = titles.iter().map(|title| title.images).sum();
        let size: usize = shape.iter().product();
        // Every image of a group has a shade of its own.
        let values: Vec<f32> = (0..groups * images * size)
            .map(|at| (at / size % images) as f32 / images as f32)
            .collect();
        titled_grid(&values, shape, (0.0, 1.0), titles)
    }

    #[test]
    fn pictures_are_as_wide_as_a_page_whatever_is_in_them() {
        for shape in [[1, 8, 8], [1, 28, 28], [3, 32, 32], [1, 4, 40]] {
            for groups in [1, 2, 3, 8, 16, 64, 500] {
                let picture = drawn(groups, shape, &three());
                let (width, height) = picture.dimensions();
                assert!(
                    (560..=1000).contains(&width),
                    "{groups} of {shape:?}: {width} x {height}"
                );
                assert!(
                    height <= HIGHEST as u32,
                    "{groups} of {shape:?}: {width} x {height}"
                );
            }
        }
        // Large images stay as they are.
        let large = drawn(1, [1, 400, 600], &three());
        assert_eq!(large.width(), 3 * 602 + 2 + 28);
    }

    #[test]
    fn images_lie_under_their_titles_with_gaps_between_groups() {
        let titles = [
            TitledColumns::one("original"),
            TitledColumns {
                title: "drawn",
                images: 5,
                columns: 3,
            },
        ];
        let layout = Layout::choose(6, [8, 8], &titles);
        assert_eq!((layout.columns, layout.lines), (4, 2));
        let picture = drawn(6, [1, 8, 8], &titles);
        assert_eq!(
            layout.size(),
            (picture.width() as usize, picture.height() as usize)
        );
        let [height, width] = layout.cell();
        for group in 0..6 {
            for index in 0..6 {
                let (x, y) = layout.place(group, index, &titles);
                let shade = (f64::from(index as f32 / 6.0) * 255.0).round() as u8;
                for (dx, dy) in [(0, 0), (width - GAP - 1, height - GAP - 1)] {
                    let pixel = picture.get_pixel((x + dx) as u32, (y + dy) as u32);
                    assert_eq!(pixel.0, [shade; 3], "image {index} of group {group}");
                }
                assert_eq!(*picture.get_pixel((x - 1) as u32, y as u32), FRAME);
            }
            // Below the original nothing follows, and beside the group is the page.
            let (x, y) = layout.place(group, 0, &titles);
            assert_eq!(*picture.get_pixel(x as u32, (y + height + 3) as u32), PAGE);
            assert_eq!(*picture.get_pixel((x - GAP - 3) as u32, y as u32), PAGE);
        }
        // Text stands in the strip over each title's columns, and not elsewhere in it.
        let ink = |from: usize, to: usize| {
            let strip = (from..to).flat_map(|x| (0..STRIP).map(move |y| (x, y)));
            strip
                .filter(|&(x, y)| picture.get_pixel(x as u32, y as u32).0[0] < 100)
                .count()
        };
        for group in 0..layout.across {
            let (x, _) = layout.place(group, 0, &titles);
            assert!(ink(x, x + width) > 20 && ink(x + width, x + 4 * width) > 20);
            assert_eq!(ink(x - GAP - MARGIN, x - GAP), 0);
        }
    }

    /// Thousands of groups of small images: no title fits over columns of a few pixels, and one
    /// line names them.
    #[test]
    fn very_many_groups_have_one_line_of_titles() {
        let layout = Layout::choose(4096, [8, 8], &three());
        assert!(!layout.over_columns);
        assert!(layout.size().1 <= HIGHEST, "{:?}", layout.size());
        let picture = drawn(4096, [1, 8, 8], &three());
        let ink = picture
            .enumerate_pixels()
            .filter(|(_, y, pixel)| *y < STRIP as u32 && pixel.0[0] < 100);
        assert!(ink.count() > 200);
    }

    #[test]
    #[should_panic(expected = "no whole number of groups of 3")]
    fn groups_are_whole() {
        titled_grid(&[0.0; 4], [1, 1, 1], (0.0, 1.0), &three());
    }
}
