//! From the `[data]` section to examples on the device.

use burn::tensor::{Device, Tensor};
use ebm_ops::Noise;

use crate::config::{ConfigError, DataConfig, FolderConfig};
use crate::error::RunError;
use ebm_train::Examples;
use ebm_train::data::{self, DataError, ImageOptions, Images, ReadOptions, Split};
use ebm_train::recipe::InvalidValue;

/// The examples of a configuration, `[count, channels, height, width]`; points of the plane have two channels of one pixel.
///
/// `noise` draws the points of the plane, those of the test set from a stream of their own.
///
/// # Errors
///
/// If files are missing, damaged or of another shape, or don't fit into memory.
pub fn examples(
    config: &DataConfig,
    split: Split,
    noise: &mut Noise,
    device: &Device,
) -> Result<Examples<4>, RunError> {
    if let Some((plane, count)) = config.plane() {
        // Held-out points come from a stream of their own.
        let points = match split {
            Split::Train => Examples::from_plane(&plane, count, noise, device),
            Split::Test => Examples::from_plane(&plane, count, &mut noise.split(), device),
        };
        return Ok(points.reshaped([count, 2, 1, 1]));
    }
    let images = match config {
        DataConfig::Folder(keys) => folder(keys, split)?,
        _ => data::digits(split)?,
    };
    tracing::info!(
        place = %config.place().display(),
        ?split,
        count = images.len(),
        shape = ?images.shape(),
        "data loaded"
    );
    let images = match config.limit() {
        Some(limit) => images.take(limit),
        None => images,
    };
    let images = match config.binarize() {
        Some(how) => images.binarized(how),
        None => images,
    };
    Ok(Examples::from_owned_images(images, config.range(), device))
}

fn folder(keys: &FolderConfig, split: Split) -> Result<Images, RunError> {
    if keys.path.as_os_str().is_empty() {
        return Err(RunError::from(InvalidValue {
            key: "data.path",
            found: "nothing".into(),
            expected: "the folder with the data: pass `--data DIR`".into(),
        }));
    }
    let shape = image_options(keys);
    let options = ReadOptions {
        limit: keys.limit,
        channels: keys.channels,
        size: keys.size,
        white: keys.white,
        scale_to: shape.as_ref().ok().copied(),
    };
    match (data::load_folder(&keys.path, split, &options), shape) {
        // Only some formats need a shape: these say which keys are missing.
        (Err(DataError::NoShape { .. }), Err(missing)) => Err(missing.into()),
        (images, _) => Ok(images?),
    }
}

fn image_options(keys: &FolderConfig) -> Result<ImageOptions, ConfigError> {
    // Both flags at once: who lacks one mostly lacks the other.
    let missing = |key, expected: &str| InvalidValue {
        key,
        found: "nothing".into(),
        expected: format!(
            "{expected}, since {} is a folder of PNG or JPEG images, which are scaled: pass for instance `--set data.channels=1 --set \
             'data.size=[28, 28]'`",
            keys.path.display()
        ),
    };
    let [height, width] = keys
        .size
        .ok_or_else(|| missing("data.size", "[height, width] in pixels"))?;
    Ok(ImageOptions {
        channels: keys
            .channels
            .ok_or_else(|| missing("data.channels", "1 (grey) or 3 (colour)"))?,
        height,
        width,
        fit: keys.fit,
    })
}

/// Whether the data are images, and not points of the plane.
pub(crate) fn is_image(config: &DataConfig) -> bool {
    config.plane().is_none()
}

/// The values of a tensor on the host.
pub(crate) fn floats<const D: usize>(x: Tensor<D>) -> Vec<f32> {
    x.into_data().convert::<f32>().iter::<f32>().collect()
}
