//! Examples that no model of images should take for its own: noise, constants, shuffled pixels,
//! other data.

use ebm_train::host_values;
use std::path::{Path, PathBuf};

use burn::tensor::{Device, Tensor, TensorData};
use ebm_ops::Noise;

use crate::error::RunError;
use crate::run::{ModelFile, test_or_training};
use ebm_train::Examples;
use ebm_train::data::{self, DataError, Fit, ImageOptions, Images, ReadOptions};

/// Examples of another data set that are looked at, at most.
const MOST: usize = 10_000;

/// A source of outliers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OutlierSource {
    /// Every pixel uniform over its 256 values, for points of the plane over the square around the
    /// data.
    Uniform,
    /// Every image of one colour, each channel uniform.
    Constant,
    /// Held-out images, each with its pixels in an order of its own: the same colours, and no
    /// structure.
    Shuffled,
    /// A folder of images in any format that training reads; its test split where there is one.
    Folder {
        /// The folder.
        path: PathBuf,
        /// Whether images of another size are scaled, and grey made of colour or the other way
        /// round, and not refused.
        resize: bool,
    },
}

impl OutlierSource {
    /// What it is called in a table.
    pub fn name(&self) -> String {
        match self {
            Self::Uniform => "uniform".into(),
            Self::Constant => "constant".into(),
            Self::Shuffled => "shuffled".into(),
            Self::Folder { path, .. } => path.display().to_string(),
        }
    }

    /// Outliers for a model, as many as there are `held_out` examples, of a folder up to 10,000.
    /// Models of two-valued pixels get black and white ones, grey ones made so by a threshold where
    /// the configuration doesn't say how.
    ///
    /// # Errors
    ///
    /// If images can't be read, are of another size than the model takes, or a model of points is
    /// given images.
    pub fn draw(
        &self,
        model: &ModelFile,
        held_out: &Examples<4>,
        device: &Device,
        noise: &mut Noise,
    ) -> Result<Examples<4>, RunError> {
        let count = held_out.len();
        let [channels, height, width] = model.shape;
        let pixels = height * width;
        if !model.takes_images() && *self != Self::Uniform {
            return Err(RunError::NotEvaluable {
                what: "the energy of images",
                model: "model of points in the plane",
                models: "models of images",
            });
        }
        let images = match self {
            Self::Uniform if !model.takes_images() => {
                let (low, high) = model.config.data.range();
                let shape = held_out.shape();
                return Ok(Examples::from_tensor(noise.uniform_in(
                    shape,
                    [low, high],
                    device,
                )));
            }
            Self::Uniform => {
                let values = bytes(count * channels * pixels, noise);
                Images::new(values, model.shape)?
            }
            Self::Constant => {
                let colors = bytes(count * channels, noise);
                let values = colors
                    .into_iter()
                    .flat_map(|value| std::iter::repeat_n(value, pixels))
                    .collect();
                Images::new(values, model.shape)?
            }
            Self::Shuffled => return Ok(shuffled(held_out, device, noise)),
            Self::Folder { path, resize } => {
                let images = folder(model, path, *resize)?;
                return Ok(model.examples_of(images, device));
            }
        };
        Ok(model.examples_by_threshold(images, device))
    }
}

/// Uniform over 0..=255.
fn bytes(count: usize, noise: &mut Noise) -> Vec<u8> {
    let uniforms = noise.host_uniforms(count).into_iter();
    uniforms.map(|u| (u * 256.0) as u8).collect()
}

/// Each example with its pixels in an order of its own, the same in all channels.
fn shuffled(examples: &Examples<4>, device: &Device, noise: &mut Noise) -> Examples<4> {
    let [count, channels, height, width] = examples.shape();
    let pixels = height * width;
    let indices: Vec<usize> = (0..count).collect();
    let values = host_values(examples.batch(&indices).x);
    let mut shuffled = Vec::with_capacity(values.len());
    for image in values.chunks_exact(channels * pixels) {
        let order = noise.permutation(pixels);
        for plane in image.chunks_exact(pixels) {
            shuffled.extend(order.iter().map(|&pixel| plane[pixel]));
        }
    }
    let data = TensorData::new(shuffled, [count, channels, height, width]);
    Examples::from_tensor(Tensor::from_data(data, device))
}

fn folder(model: &ModelFile, path: &Path, resize: bool) -> Result<Images, RunError> {
    let [channels, height, width] = model.shape;
    let options = ImageOptions {
        channels,
        height,
        width,
        fit: if resize { Fit::Crop } else { Fit::Exact },
    };
    let some = ReadOptions {
        limit: Some(MOST),
        ..options.into()
    };
    let load = |split| data::load_folder(path, split, &some);
    let refused = |error| match error {
        DataError::WrongShape {
            path,
            found,
            expected,
        } => RunError::WrongOutliers {
            path,
            found,
            expected,
        },
        error => error.into(),
    };
    let images = test_or_training(load).map_err(refused)?;
    if images.shape() == model.shape {
        return Ok(images);
    }
    if !resize {
        return Err(RunError::WrongOutliers {
            path: path.to_path_buf(),
            found: images.shape(),
            expected: model.shape,
        });
    }
    Ok(images.resized(&options)?)
}
