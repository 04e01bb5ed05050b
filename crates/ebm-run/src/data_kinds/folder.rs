//! A folder of images in any of the formats that are known.

use std::path::PathBuf;

use ebm_train::Examples;
use ebm_train::data::{self, Binarize, DataError, Fit, ImageOptions, Images, ReadOptions, Split};
use ebm_train::keys::{InvalidValue, check};
use serde::{Deserialize, Serialize};

use super::{DataKind, ExamplesRequest, default_range, images};
use crate::error::RunError;

/// The share of images that a new run holds out unless it is told another.
const TEST_FRACTION: f64 = 0.1;

ebm_train::keys! {
/// Keys of a folder of images.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FolderConfig {
    /// The folder of the files.
    #[serde(default)]
    pub path: PathBuf,
    /// For PNG and JPEG: 1 for grey, 3 for colour.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channels: Option<usize>,
    /// For PNG and JPEG: height and width in pixels that every image is brought to, 1 to 4096.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<[usize; 2]>,
    /// For PNG and JPEG: how an image of another size is brought to `size`: `"crop"` (scale, and
    /// cut the longer side), `"stretch"`, or `"exact"` (refuse it).
    #[serde(default)]
    pub fit: Fit,
    /// What the darkest and the brightest pixel are mapped to, the lower first.
    #[serde(default = "default_range")]
    pub range: [f64; 2],
    /// The byte in the files that is white, the brightest, 1 to 255; absent: 1 where they hold
    /// nothing but 0 and 1, and 255 otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub white: Option<u8>,
    /// How grey pixels become black or white: `"threshold"` (white from 128 up) or `"sample"`
    /// (white with the pixel's value as probability, drawn once, the same for every run); absent:
    /// they stay grey. Files that hold nothing but 0 and 1, or 0 and 255, are taken as they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub binarize: Option<Binarize>,
    /// Use only the first so many examples, 1 or more; absent: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
    /// Share of the images, 0 to below 1, that is held out of training to judge the model by, where
    /// the folder has no test set of its own: drawn by the run's `seed`, of each label its share.
    /// Absent: 0.1 in a new run, which writes it down, and 0 in a run folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test_fraction: Option<f64>,
}
}

impl DataKind for FolderConfig {
    fn place(&self, _kind: &'static str) -> PathBuf {
        self.path.clone()
    }

    fn range(&self) -> (f64, f64) {
        self.range.into()
    }

    fn validate(&self) -> Result<(), InvalidValue> {
        if let Some(channels) = self.channels {
            check(
                channels == 1 || channels == 3,
                "data.channels",
                channels,
                "1 (grey) or 3 (colour)",
            )?;
        }
        if let Some([height, width]) = self.size {
            let fits = |side: usize| (1..=4096).contains(&side);
            check(
                fits(height) && fits(width),
                "data.size",
                format!("[{height}, {width}]"),
                "[height, width] in pixels, 1 to 4096",
            )?;
        }
        if let Some(white) = self.white {
            check(white > 0, "data.white", white, "a byte, 1 to 255")?;
        }
        let share = self.test_fraction();
        check(
            (0.0..1.0).contains(&share),
            "data.test_fraction",
            format!("{share:?}"),
            "a number from 0 to below 1",
        )
    }

    fn limit(&self) -> Option<usize> {
        self.limit
    }

    fn binarize(&self) -> Option<Binarize> {
        self.binarize
    }

    fn white(&self) -> Option<u8> {
        self.white
    }

    fn path_mut(&mut self) -> Option<&mut PathBuf> {
        Some(&mut self.path)
    }

    fn test_fraction(&self) -> f64 {
        self.test_fraction.unwrap_or(0.0)
    }

    fn hold_out_by_default(&mut self) {
        self.test_fraction.get_or_insert(TEST_FRACTION);
    }

    fn holds_out_training_examples(&self) -> Result<bool, RunError> {
        Ok(self.test_fraction() > 0.0
            && !data::has_split(&self.path, Split::Test, &self.read_options(None))?)
    }

    fn examples(&self, request: ExamplesRequest<'_>) -> Result<Examples<4>, RunError> {
        if self.path.as_os_str().is_empty() {
            return Err(RunError::from(InvalidValue {
                key: "data.path",
                found: "nothing".into(),
                expected: "the folder with the data: pass `--data DIR`".into(),
            }));
        }
        let images = if self.holds_out_training_examples()? {
            let all = self.load(Split::Train, request.limit)?;
            let count = all.len();
            // Both parts are of the same draw: nothing is taken from the noise itself.
            let mut noise = request.noise.clone();
            all.part(request.split, self.test_fraction(), &mut noise)
                .ok_or_else(|| InvalidValue {
                    key: "data.test_fraction",
                    found: format!("{:?} of {count} image(s)", self.test_fraction()),
                    expected: format!(
                        "two images or more in {}, or 0 to hold none out",
                        self.path.display()
                    ),
                })?
        } else {
            self.load(request.split, request.limit)?
        };
        Ok(images::upload(self, images, &request))
    }
}

impl FolderConfig {
    /// Reads a split of the folder.
    fn load(&self, split: Split, limit: Option<usize>) -> Result<Images, RunError> {
        let images = data::load_folder(&self.path, split, &self.read_options(limit));
        match (images, self.image_options()) {
            // Only some formats need a shape: these say which keys are missing.
            (Err(DataError::NoShape { .. }), Err(missing)) => Err(missing.into()),
            (images, _) => Ok(images?),
        }
    }

    fn read_options(&self, limit: Option<usize>) -> ReadOptions {
        ReadOptions {
            limit,
            channels: self.channels,
            size: self.size,
            white: self.white,
            scale_to: self.image_options().ok(),
        }
    }

    /// The shape that images of other sizes are brought to.
    fn image_options(&self) -> Result<ImageOptions, InvalidValue> {
        // Both flags at once: who lacks one mostly lacks the other.
        let missing = |key, expected: &str| InvalidValue {
            key,
            found: "nothing".into(),
            expected: format!(
                "{expected}, since {} is a folder of PNG or JPEG images, which are scaled: pass for instance `--set data.channels=1 --set \
                 'data.size=[28, 28]'`",
                self.path.display()
            ),
        };
        let [height, width] = self
            .size
            .ok_or_else(|| missing("data.size", "[height, width] in pixels"))?;
        Ok(ImageOptions {
            channels: self
                .channels
                .ok_or_else(|| missing("data.channels", "1 (grey) or 3 (colour)"))?,
            height,
            width,
            fit: self.fit,
        })
    }
}
