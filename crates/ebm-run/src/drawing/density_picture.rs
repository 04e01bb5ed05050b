//! Densities of the plane side by side, with points over them and a title above each.

use image::{Rgb, RgbImage};
use plotters::prelude::*;

use crate::drawing::plot::font;

/// Height of the strip for a title, and the gap around panels, in pixels.
const TITLE: usize = 26;
const GAP: usize = 8;
/// Colours from no density to the highest (the map "magma" of S. van der Walt & N. Smith, CC0, at
/// nine places).
const COLORS: [[f64; 3]; 9] = [
    [0.0, 0.0, 4.0],
    [28.0, 16.0, 68.0],
    [79.0, 18.0, 123.0],
    [129.0, 37.0, 129.0],
    [181.0, 54.0, 122.0],
    [229.0, 80.0, 100.0],
    [251.0, 135.0, 97.0],
    [254.0, 194.0, 135.0],
    [252.0, 253.0, 191.0],
];
/// Colour of points.
const POINT: Rgb<u8> = Rgb([255, 190, 70]);

/// One square of a picture of densities.
#[derive(Clone, Debug, Default)]
pub struct DensityPanel<'a> {
    /// What is written above.
    pub title: String,
    /// `side * side` values of at least 0, row by row from the top (largest second coordinate);
    /// `None` is black.
    pub density: Option<&'a [f64]>,
    /// Points over it: `[count, 2]`, one after the other; those outside of the square are left out.
    pub points: &'a [f32],
}

/// Draws panels, `columns` in a row, each a square of `side` cells over `[low, high]^2`, a cell
/// `zoom` pixels wide.
///
/// All densities share one scale, so that equal colours are equal densities: the brightest colour
/// is the highest value of the first panel that has a density (higher ones look the same), and
/// brightness goes with the square root, which keeps faint regions visible.
///
/// # Panics
///
/// If a density isn't `side * side` values, or `columns` or `zoom` is 0.
pub fn density_panels(
    panels: &[DensityPanel<'_>],
    columns: usize,
    side: usize,
    zoom: usize,
    (low, high): (f64, f64),
) -> RgbImage {
    assert!(
        columns > 0 && zoom > 0,
        "panels need columns and a zoom of 1 or more, found {columns} and {zoom}"
    );
    let cell = side * zoom;
    let columns = columns.min(panels.len()).max(1);
    let rows = panels.len().div_ceil(columns);
    let (width, height) = (
        columns * (cell + GAP) + GAP,
        rows * (cell + GAP + TITLE) + GAP,
    );
    let mut picture = RgbImage::from_pixel(width as u32, height as u32, Rgb([255, 255, 255]));
    let highest = panels.iter().find_map(|panel| panel.density);
    let highest = highest.map_or(1.0, |density| {
        density.iter().copied().fold(f64::MIN_POSITIVE, f64::max)
    });
    for (index, panel) in panels.iter().enumerate() {
        let left = GAP + index % columns * (cell + GAP);
        let top = GAP + TITLE + index / columns * (cell + GAP + TITLE);
        if let Some(density) = panel.density {
            assert_eq!(
                density.len(),
                side * side,
                "a density of side {side} has {} values",
                density.len()
            );
        }
        for y in 0..cell {
            for x in 0..cell {
                let value = panel
                    .density
                    .map_or(0.0, |density| density[y / zoom * side + x / zoom]);
                picture.put_pixel((left + x) as u32, (top + y) as u32, color(value / highest));
            }
        }
        for point in panel.points.as_chunks::<2>().0 {
            let place = |x: f32| ((f64::from(x) - low) / (high - low) * cell as f64).floor();
            let (column, row) = (place(point[0]), cell as f64 - 1.0 - place(point[1]));
            for (dx, dy) in [(0.0, 0.0), (1.0, 0.0), (0.0, 1.0), (1.0, 1.0)] {
                let (x, y) = (column + dx, row + dy);
                if (0.0..cell as f64).contains(&x) && (0.0..cell as f64).contains(&y) {
                    picture.put_pixel((left + x as usize) as u32, (top + y as usize) as u32, POINT);
                }
            }
        }
    }
    write_titles(picture, panels, columns, cell)
}

/// The colour of a share of the highest density.
fn color(share: f64) -> Rgb<u8> {
    let place = share.clamp(0.0, 1.0).sqrt() * (COLORS.len() - 1) as f64;
    let first = (place as usize).min(COLORS.len() - 2);
    let rest = place - first as f64;
    let mix = |channel: usize| {
        let (from, to) = (COLORS[first][channel], COLORS[first + 1][channel]);
        (from + (to - from) * rest).round() as u8
    };
    Rgb([mix(0), mix(1), mix(2)])
}

/// The picture with the titles above its panels, or without them if they can't be drawn.
fn write_titles(
    picture: RgbImage,
    panels: &[DensityPanel<'_>],
    columns: usize,
    cell: usize,
) -> RgbImage {
    let size = picture.dimensions();
    let mut pixels = picture.clone().into_raw();
    {
        let area = BitMapBackend::with_buffer(&mut pixels, size).into_drawing_area();
        let style = TextStyle::from((font(), 15).into_font()).color(&RGBColor(40, 40, 40));
        for (index, panel) in panels.iter().enumerate() {
            let left = GAP + index % columns * (cell + GAP);
            let top = GAP + index / columns * (cell + GAP + TITLE);
            let place = (left as i32, top as i32 + 4);
            if area.draw_text(&panel.title, &style, place).is_err() {
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

    #[test]
    fn densities_points_and_titles_lie_where_they_should() {
        // Mass in the upper left cell only; a point at the lower right.
        let density = [4.0, 0.0, 0.0, 1.0];
        let points = [0.91, -0.91, 7.0, 7.0];
        let panels = [
            DensityPanel {
                title: "first".into(),
                density: Some(&density),
                points: &[],
            },
            DensityPanel {
                points: &points,
                ..DensityPanel::default()
            },
        ];
        let picture = density_panels(&panels, 2, 2, 40, (-1.0, 1.0));
        assert_eq!(picture.dimensions(), (2 * 88 + 8, 88 + 26 + 8));
        let at = |panel: u32, x: u32, y: u32| *picture.get_pixel(8 + 88 * panel + x, 34 + y);
        assert_eq!(at(0, 10, 10), Rgb([252, 253, 191]));
        assert_eq!(at(0, 60, 10), Rgb([0, 0, 4]));
        // A quarter of the highest density is half of the way.
        assert_eq!(at(0, 60, 60), Rgb([181, 54, 122]));
        let yellow: Vec<(u32, u32)> = picture
            .enumerate_pixels()
            .filter(|(_, _, pixel)| **pixel == POINT)
            .map(|(x, y, _)| (x - 96, y - 34))
            .collect();
        assert_eq!(yellow, [(76, 76), (77, 76), (76, 77), (77, 77)]);
        let dark = |left: u32| {
            (left..left + 80)
                .flat_map(|x| (8..30).map(move |y| (x, y)))
                .filter(|&(x, y)| picture.get_pixel(x, y).0[0] < 120)
                .count()
        };
        assert!(dark(8) > 10, "a title");
        assert_eq!(dark(96), 0, "no title");
    }
}
