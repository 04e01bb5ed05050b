//! The pictures of samples that the run wrote, from the first to the last.

use std::fs;
use std::path::Path;

use image::imageops::{FilterType, resize};

use super::Section;
use crate::report::html;
use crate::report::run_data::RunData;

/// Pictures shown.
const MOST: usize = 6;
/// A file larger than that, or wider, is scaled down, so that a page stays a few megabytes.
const MOST_BYTES: usize = 400_000;
const MOST_SIDE: u32 = 1200;
/// What it is scaled down to.
const SCALED_SIDE: u32 = 700;

pub(super) fn section(data: &RunData<'_>) -> Option<Section> {
    let body = match data.folder.sample_steps() {
        Ok(steps) if !steps.is_empty() => {
            let figures: Vec<String> = evenly(&steps, MOST)
                .into_iter()
                .map(|step| {
                    let drawn = picture(&data.folder.sample(step), step);
                    let caption = format!("Update {}", html::count(step));
                    html::figure(&caption, &drawn, "")
                })
                .collect();
            let shown = if steps.len() > MOST {
                html::paragraph(format_args!(
                    "{MOST} of {} pictures in samples/.",
                    steps.len()
                ))
            } else {
                String::new()
            };
            shown + &html::pictures(&figures)
        }
        Ok(_) => html::missing(
            "There are no pictures in samples/ yet: the first is drawn after output.sample_every updates.",
        ),
        Err(error) => html::missing(error),
    };
    Some(Section {
        id: "samples",
        title: "Samples over time",
        look_for: "Fresh chains from noise, drawn with the averaged weights, the same seed each time. They should come to look like the data and differ from each other. Samples that are all alike are mode collapse; samples that are noise after many updates mean that chains from noise don't reach the valleys that persistent chains live in.",
        body,
    })
}

/// Up to `count` of some values, evenly spread, the first and the last among them.
fn evenly(values: &[u64], count: usize) -> Vec<u64> {
    if values.len() <= count {
        return values.to_vec();
    }
    (0..count)
        .map(|at| values[at * (values.len() - 1) / (count - 1)])
        .collect()
}

/// The picture of the samples after an update.
pub(super) fn picture(path: &Path, step: u64) -> String {
    embedded(
        path,
        &format!("Samples after {} updates", html::count(step)),
    )
}

/// A PNG file of the run inside of the page.
pub(super) fn embedded(path: &Path, alternative: &str) -> String {
    let unreadable = |error: &dyn std::fmt::Display| {
        html::missing(format_args!("can't read {}: {error}", path.display()))
    };
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) => return unreadable(&error),
    };
    match image::load_from_memory_with_format(&bytes, image::ImageFormat::Png) {
        // A run that is going on may be writing it.
        Err(error) => unreadable(&error),
        Ok(image) => {
            let (width, height) = (image.width(), image.height());
            let side = width.max(height);
            if bytes.len() <= MOST_BYTES && side <= MOST_SIDE {
                return html::embedded(&bytes, (width, height), alternative);
            }
            let scaled = |length: u32| (length * SCALED_SIDE.min(side) / side).max(1);
            let size = (scaled(width), scaled(height));
            let small = resize(&image.to_rgb8(), size.0, size.1, FilterType::Triangle);
            html::picture(&small, alternative)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_and_last_are_among_those_shown() {
        let steps: Vec<u64> = (1..=100).collect();
        assert_eq!(evenly(&steps, 6), [1, 20, 40, 60, 80, 100]);
        assert_eq!(evenly(&[5, 7], 6), [5, 7]);
        assert_eq!(evenly(&(0..7).collect::<Vec<_>>(), 6), [0, 1, 2, 3, 4, 6]);
    }

    #[test]
    fn large_pictures_are_scaled_down_and_torn_ones_are_said() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("step.png");
        image::RgbImage::new(2400, 1200)
            .save(&path)
            .expect("written");
        let html = picture(&path, 5);
        assert!(
            html.contains("width=\"700\" height=\"350\""),
            "{}",
            &html[html.len() - 90..]
        );
        image::RgbImage::new(40, 20).save(&path).expect("written");
        assert!(picture(&path, 5).contains("width=\"40\" height=\"20\""));
        fs::write(&path, b"\x89PNG half").expect("written");
        assert!(picture(&path, 5).contains("class=\"missing\""));
    }
}
