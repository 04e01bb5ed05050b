//! Compositions of trained models, sampled by the sampler of the first.

use burn::tensor::{Device, Tensor};
use ebm_models::{Coding, Energy, ImageShape};
use ebm_ops::{Interval, Noise};
use ebm_sampling::StartingPoints;
use ebm_train::using::{Composition, CompositionError, CompositionKind};

use super::{chain_options, name_kind};
use crate::error::ModelsError;
use crate::error::RunError;
use crate::kinds::AnyModel;
use crate::run::{CHAINS_AT_A_TIME, ModelFile};

/// A composition of trained models over the same images, with what is needed to sample it: the
/// sampler and the starting points of the first model.
#[derive(Clone, Debug)]
pub struct ComposedModels {
    composition: Composition<AnyModel, 4>,
    /// The first model, whose kind is named in errors.
    first: AnyModel,
    start: StartingPoints,
    range: Interval,
    shape: ImageShape,
}

impl ComposedModels {
    /// Composes models with one weight each.
    ///
    /// # Errors
    ///
    /// If weights or models don't fit each other.
    pub fn new(
        models: &[ModelFile],
        kind: CompositionKind,
        weights: &[f64],
    ) -> Result<Self, ModelsError> {
        let first = models.first().ok_or(CompositionError::Nothing)?;
        check_pixels(models, first)?;
        let range: Interval = first.config.data.range().into();
        let coding = first.takes_binary().then_some(if range.low < 0.0 {
            Coding::Spin
        } else {
            Coding::Binary
        });
        let networks = models.iter().map(|file| file.model.clone()).collect();
        let composition = Composition::new(networks, kind, weights, chain_options(first), coding)
            .map_err(|error| match error {
            CompositionError::Hidden { index, .. } => CompositionError::Hidden {
                index,
                model: models[index - 1].model.name(),
            },
            error => error,
        })?;
        Ok(Self {
            composition,
            first: first.model.clone(),
            start: first.starts.clone(),
            range,
            shape: first.shape.into(),
        })
    }

    /// The energies of images, in the unit of the models' own: `[batch, channels, height, width]`
    /// -> `[batch]`. At the temperature of the sampler they are those of the composition.
    pub fn energy(&self, images: Tensor<4>) -> Tensor<1> {
        self.composition.energy(images)
    }

    /// Draws images by chains from noise, `[count, channels, height, width]`; see
    /// [`Composition::sample`].
    ///
    /// # Errors
    ///
    /// If the sampler doesn't move chains of the composition.
    ///
    /// # Panics
    ///
    /// If `count` is 0.
    pub fn sample(
        &self,
        count: usize,
        steps: usize,
        device: &Device,
        noise: &mut Noise,
    ) -> Result<Tensor<4>, RunError> {
        let [channels, height, width] = self.shape.into();
        let batches: Result<Vec<Tensor<4>>, RunError> = (0..count)
            .step_by(CHAINS_AT_A_TIME)
            .map(|first| {
                let count = CHAINS_AT_A_TIME.min(count - first);
                let shape = [count, channels, height, width];
                let start = self.start.draw(shape, device, noise);
                let drawn = self.composition.sample(start, steps, noise);
                drawn.map_err(|error| name_kind(error, &self.first))
            })
            .collect();
        Ok(Tensor::cat(batches?, 0))
    }

    /// The shape of an image.
    pub fn shape(&self) -> ImageShape {
        self.shape
    }

    /// The range of the pixels.
    pub fn range(&self) -> Interval {
        self.range
    }
}

/// Finds out whether all models are of the same images.
fn check_pixels(models: &[ModelFile], first: &ModelFile) -> Result<(), ModelsError> {
    for (index, model) in models.iter().enumerate() {
        let index = index + 1;
        let (found_range, expected_range) = (model.config.data.range(), first.config.data.range());
        if model.shape != first.shape || found_range != expected_range {
            return Err(ModelsError::Images {
                index,
                found: model.shape.into(),
                found_range: found_range.into(),
                expected: first.shape.into(),
                expected_range: expected_range.into(),
            });
        }
        if model.takes_binary() != first.takes_binary() {
            return Err(ModelsError::Pixels { index });
        }
    }
    Ok(())
}
