//! The embedded data set: 1,797 handwritten digits of 8x8, so that everything runs without a
//! download.
//!
//! Source: E. Alpaydin and C. Kaynak, "Optical Recognition of Handwritten Digits", UCI Machine
//! Learning Repository, 1998, <https://doi.org/10.24432/C50P49>, CC BY 4.0. `data/README.md` of
//! this crate says how the files were made.

use std::path::Path;

use super::idx::{images_from_bytes, labels_from_bytes};
use super::{DataError, Images, Labels, Split};

const IMAGES: &[u8] = include_bytes!("../../data/digits-images-idx3-ubyte.gz");
const LABELS: &[u8] = include_bytes!("../../data/digits-labels-idx1-ubyte.gz");

/// The first so many are the training split, the rest the test split.
const TRAIN: usize = 1_500;

const CLASSES: usize = 10;

/// The largest grey value in the files: each pixel counts the ink in a block of 4x4.
const WHITE: u16 = 16;

/// The embedded handwritten digits with their labels, 0 to 9: the first 1,500 for training, the
/// last 297 for testing.
///
/// # Shapes
/// `[1500, 1, 8, 8]` or `[297, 1, 8, 8]`, ink 255 on 0: the 17 grey values 0 to 16 of the source
/// times 255 / 16, rounded.
///
/// # Errors
/// None in a sound build: the files are part of the program, and a test reads them.
pub fn digits(split: Split) -> Result<Images, DataError> {
    let raw = images_from_bytes(IMAGES, Path::new("(embedded) digits-images-idx3-ubyte.gz"))?;
    let labels = labels_from_bytes(LABELS, Path::new("(embedded) digits-labels-idx1-ubyte.gz"))?;
    let pixels = raw.pixels().iter().map(|&value| scale(value)).collect();
    let labels = Labels::of_classes(labels, CLASSES)?;
    let all = Images::new(pixels, raw.shape())?.with_labels(labels)?;
    match split {
        Split::Train => Ok(all.take(TRAIN)),
        Split::Test => Ok(all.subset(&(TRAIN..all.len()).collect::<Vec<_>>())),
    }
}

/// `round(value * 255 / 16)`, halves up.
fn scale(value: u8) -> u8 {
    ((u16::from(value) * 255 + WHITE / 2) / WHITE).min(255) as u8
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// FNV-1a, 64 bits: enough to notice any change.
    fn checksum(bytes: impl IntoIterator<Item = u8>) -> u64 {
        let mix = |hash: u64, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        bytes.into_iter().fold(0xcbf2_9ce4_8422_2325, mix)
    }

    /// Count, class counts and checksums, computed in Python from scikit-learn's CSV, not by this
    /// code.
    #[test]
    fn the_data_are_those_of_the_source() {
        let train = [151, 151, 150, 153, 148, 152, 151, 149, 146, 149];
        let test = [27, 31, 27, 30, 33, 30, 30, 30, 28, 31];
        for (split, count, classes, pixels, labels) in [
            (
                Split::Train,
                1_500,
                train,
                0xd10b_a3fb_715f_07e0,
                0xb894_e6f2_1cfe_62ef,
            ),
            (
                Split::Test,
                297,
                test,
                0x7541_f1db_299a_8f4b,
                0x61e0_0aef_30a6_2ac3,
            ),
        ] {
            let images = digits(split).unwrap();
            assert_eq!((images.len(), images.shape()), (count, [1, 8, 8]));
            let found = images.labels().unwrap().indices();
            let counts: Vec<usize> = (0..10)
                .map(|class| found.iter().filter(|&&label| label == class).count())
                .collect();
            assert_eq!(counts, classes);
            assert_eq!(checksum(images.pixels().iter().copied()), pixels);
            assert_eq!(checksum(found.iter().map(|&label| label as u8)), labels);
        }
    }

    #[test]
    fn grey_values_are_spread_over_a_byte() {
        assert_eq!([0, 1, 8, 15, 16].map(scale), [0, 16, 128, 239, 255]);
    }
}
