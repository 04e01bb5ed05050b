//! What lies in a folder of images, found without reading all of it: how many, how large, in colour
//! or not.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::decode::{decode_into, image_size};
use super::formats::{ImageFolder, has_split, sniff};
use super::{DataError, Fit, ImageOptions, ReadOptions, Split};

/// Files whose sizes are looked at, spread over all of them.
const SIZES: usize = 1000;
/// Files whose colours are looked at.
const COLOURS: usize = 200;
/// The longest side at which colours are looked at.
const SIDE: usize = 32;
/// Colours whose channels differ by no more are grey: JPEG keeps colours roughly.
const GREY: u8 = 16;

/// What lies in a folder of images.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Survey {
    /// Images of the training split.
    pub count: usize,
    /// The number of labels, if there are any.
    pub classes: Option<usize>,
    /// 1 where all images are grey, 3 where some have colours.
    pub channels: usize,
    /// Height and width: those of all images, or, where they differ, the medians.
    pub size: [usize; 2],
    /// The number of sizes among the images that were looked at.
    pub sizes: usize,
    /// Whether images can be brought to a size and to a number of channels, as PNG and JPEG can.
    pub is_scaled: bool,
    /// Whether there is a test split.
    pub has_test: bool,
}

impl Survey {
    /// Looks at a folder.
    ///
    /// # Errors
    /// Those of [`load_folder`](super::load_folder), of the files that are looked at.
    pub fn of(folder: &Path) -> Result<Self, DataError> {
        let all = ReadOptions::default();
        let has_test = has_split(folder, Split::Test, &all)?;
        let images = match sniff(folder)?.read(folder, Split::Train, &all) {
            Err(DataError::NoShape { .. }) => return Self::of_files(folder),
            read => read?,
        };
        let [channels, height, width] = images.shape();
        Ok(Self {
            count: images.len(),
            classes: images.labels().map(|labels| labels.classes()),
            channels,
            size: [height, width],
            sizes: 1,
            is_scaled: false,
            has_test,
        })
    }

    fn of_files(folder: &Path) -> Result<Self, DataError> {
        let (files, classes) = ImageFolder::training_files(folder)?;
        let sizes = in_order(spread(&files, SIZES), image_size)?;
        let mut counts: BTreeMap<[usize; 2], usize> = BTreeMap::new();
        for size in &sizes {
            *counts.entry(*size).or_default() += 1;
        }
        let median = |side: usize| {
            let mut sides: Vec<usize> = sizes.iter().map(|size| size[side]).collect();
            sides.sort_unstable();
            sides.get(sides.len() / 2).copied().unwrap_or(1)
        };
        let size = [median(0), median(1)];
        let colours = in_order(spread(&files, COLOURS), |path| has_colours(path, size))?;
        // Any image will do: what is looked at is whether there is a test folder.
        let one = ImageOptions {
            channels: 1,
            height: 1,
            width: 1,
            fit: Fit::Crop,
        };
        Ok(Self {
            count: files.len(),
            classes,
            channels: if colours.contains(&true) { 3 } else { 1 },
            size,
            sizes: counts.len(),
            is_scaled: true,
            has_test: has_split(folder, Split::Test, &one.into())?,
        })
    }
}

/// Looks at files at once; the first error in their order.
fn in_order<T: Send>(
    files: Vec<&PathBuf>,
    look: impl Fn(&Path) -> Result<T, DataError> + Sync,
) -> Result<Vec<T>, DataError> {
    let looked: Vec<Result<T, DataError>> = files.par_iter().map(|path| look(path)).collect();
    looked.into_iter().collect()
}

/// Up to `most` of the files, evenly spread.
fn spread(files: &[PathBuf], most: usize) -> Vec<&PathBuf> {
    let count = files.len().min(most);
    (0..count)
        .map(|at| &files[at * files.len() / count])
        .collect()
}

/// Whether an image has pixels that aren't grey.
fn has_colours(path: &Path, [height, width]: [usize; 2]) -> Result<bool, DataError> {
    let options = ImageOptions {
        channels: 3,
        height: height.clamp(1, SIDE),
        width: width.clamp(1, SIDE),
        fit: Fit::Crop,
    };
    let pixels = options.height * options.width;
    let mut bytes = vec![0; 3 * pixels];
    decode_into(path, &options, &mut bytes)?;
    let [red, green, blue] = [0, 1, 2].map(|channel| &bytes[channel * pixels..][..pixels]);
    let differ = |a: &[u8], b: &[u8]| a.iter().zip(b).any(|(a, b)| a.abs_diff(*b) > GREY);
    Ok(differ(red, green) || differ(green, blue))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::fs;

    use image::{Rgb, RgbImage};

    use super::super::{Images, idx};
    use super::*;

    #[test]
    fn folders_of_files_are_counted_and_measured() {
        let folder = tempfile::TempDir::new().unwrap();
        let save = |name: &str, width, height, pixel: [u8; 3]| {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            let image = RgbImage::from_fn(width, height, |x, _| {
                Rgb(pixel.map(|value| value.saturating_sub(x as u8)))
            });
            image.save(path).unwrap();
        };
        for number in 0..3 {
            save(&format!("b/{number}.png"), 6, 5, [90; 3]);
        }
        save("a/0.jpg", 8, 9, [40; 3]);
        let mut expected = Survey {
            count: 4,
            classes: Some(2),
            channels: 1,
            size: [5, 6],
            sizes: 2,
            is_scaled: true,
            has_test: false,
        };
        assert_eq!(Survey::of(folder.path()).unwrap(), expected);
        save("a/1.png", 6, 5, [90, 90, 120]);
        (expected.count, expected.channels) = (5, 3);
        assert_eq!(Survey::of(folder.path()).unwrap(), expected);
        // A file that is no image is said, and so is an empty folder.
        fs::write(folder.path().join("b/3.png"), "no image").unwrap();
        let error = Survey::of(folder.path()).unwrap_err().to_string();
        assert!(error.contains("b/3.png"), "{error}");
        let empty = tempfile::TempDir::new().unwrap();
        assert!(Survey::of(empty.path()).is_err());
    }

    #[test]
    fn splits_of_files_are_seen() {
        let folder = tempfile::TempDir::new().unwrap();
        for (split, count) in [("train", 3), ("test", 1)] {
            fs::create_dir(folder.path().join(split)).unwrap();
            for number in 0..count {
                let path = folder.path().join(split).join(format!("{number}.png"));
                RgbImage::new(4, 4).save(path).unwrap();
            }
        }
        let survey = Survey::of(folder.path()).unwrap();
        assert_eq!((survey.count, survey.classes), (3, None));
        assert!(survey.has_test);
    }

    #[test]
    fn files_of_one_shape_are_what_they_are() {
        let folder = tempfile::TempDir::new().unwrap();
        let images = Images::new(vec![7; 60], [1, 3, 4]).unwrap();
        let write = |name: &str| idx::write_images(&folder.path().join(name), &images).unwrap();
        write("train-images-idx3-ubyte");
        let mut expected = Survey {
            count: 5,
            classes: None,
            channels: 1,
            size: [3, 4],
            sizes: 1,
            is_scaled: false,
            has_test: false,
        };
        assert_eq!(Survey::of(folder.path()).unwrap(), expected);
        write("t10k-images-idx3-ubyte");
        expected.has_test = true;
        assert_eq!(Survey::of(folder.path()).unwrap(), expected);
    }
}
