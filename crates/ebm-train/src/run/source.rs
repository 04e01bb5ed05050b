//! From the `[data]` section to examples on the device.

use burn::tensor::{Device, Tensor};
use ebm_ops::Noise;

use crate::config::{ConfigError, DataConfig, FolderConfig, TwoMoonsConfig};
use crate::data::{self, DataError, Format, ImageOptions, Images, Split};
use crate::error::TrainError;
use crate::examples::Examples;

/// The examples of a configuration, `[count, channels, height, width]`; `noise` draws those that are made up, the same for
/// the same noise and others for the other split.
///
/// # Errors
///
/// If files are missing, damaged or of another shape.
pub fn examples(
    config: &DataConfig,
    split: Split,
    noise: &mut Noise,
    device: &Device,
) -> Result<Examples<4>, TrainError> {
    let images = match config {
        DataConfig::TwoMoons(keys) => {
            return Ok(match split {
                Split::Train => two_moons(keys, noise, device),
                // Other points of the same moons.
                Split::Test => two_moons(keys, &mut noise.split(), device),
            });
        }
        DataConfig::Digits(_) => data::digits(split)?,
        DataConfig::Folder(keys) => folder(keys, split)?,
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
    Ok(Examples::from_images(&images, config.range(), device))
}

fn folder(keys: &FolderConfig, split: Split) -> Result<Images, TrainError> {
    if keys.path.as_os_str().is_empty() {
        return Err(TrainError::Config(ConfigError::Value {
            key: "data.path",
            found: "nothing".into(),
            expected: "the folder with the data: pass `--data DIR`".into(),
        }));
    }
    let images = match data::sniff(&keys.path)? {
        Format::ImageFolder => {
            let options = image_options(keys)?;
            return Ok(data::load_image_folder(&keys.path, split, &options)?);
        }
        Format::Idx => data::load_idx_folder(&keys.path, split)?,
        Format::Cifar10 => data::load_cifar_folder(&keys.path, split)?,
    };
    // These files have a shape of their own; what the configuration says of it must agree.
    let [channels, height, width] = images.shape();
    let [height, width] = keys.size.unwrap_or([height, width]);
    let expected = [keys.channels.unwrap_or(channels), height, width];
    if images.shape() != expected {
        return Err(TrainError::Data(DataError::WrongShape {
            path: keys.path.clone(),
            found: images.shape(),
            expected,
        }));
    }
    Ok(images)
}

fn image_options(keys: &FolderConfig) -> Result<ImageOptions, ConfigError> {
    let missing = |key, expected: &str| ConfigError::Value {
        key,
        found: "nothing".into(),
        expected: format!(
            "{expected}, since {} is a folder of PNG or JPEG images",
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

/// Points of the plane, as images of two channels and one pixel.
fn two_moons(keys: &TwoMoonsConfig, noise: &mut Noise, device: &Device) -> Examples<4> {
    let uniforms: Tensor<1> = noise.uniform([keys.count], device);
    let normals: Tensor<2> = noise.normal([keys.count, 2], device);
    let points = data::two_moons(
        keys.count,
        keys.noise as f32,
        &floats(uniforms),
        &floats(normals),
    );
    let values = burn::tensor::TensorData::new(points.into_values(), [keys.count, 2, 1, 1]);
    Examples::from_tensor(Tensor::from_data(values, device))
}

/// The values of a tensor on the host.
pub(crate) fn floats<const D: usize>(x: Tensor<D>) -> Vec<f32> {
    x.into_data().convert::<f32>().iter::<f32>().collect()
}

/// Whether the data are images, and not points of the plane.
pub(crate) fn is_image(config: &DataConfig) -> bool {
    !matches!(config, DataConfig::TwoMoons(_))
}
