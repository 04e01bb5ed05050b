//! How large a model of a kind would be: what it takes to be trained has to fit into memory.

use std::ops::RangeInclusive;

use burn::tensor::Device;
use ebm_models::ImageShape;
use ebm_train::files::memory;
use ebm_train::keys::{InvalidValue, check};

use super::{ModelConfig, unfitting};
use crate::error::RunError;

/// What a width may be; a product of two, and one with an image, can still be computed.
pub(super) const WIDTHS: RangeInclusive<usize> = 1..=1 << 20;

/// Fails if there are more hidden units than a width may have; none is fine.
pub(super) fn check_most(key: &'static str, hidden: usize) -> Result<(), InvalidValue> {
    check(
        hidden <= *WIDTHS.end(),
        key,
        hidden,
        format!("a whole number up to {}", WIDTHS.end()),
    )
}

/// The number of weights and biases of fully connected layers of these widths, inputs first.
pub(super) fn layers(widths: &[usize]) -> u128 {
    widths.windows(2).fold(0_u128, |total, pair| {
        let parameters = memory::product(pair).saturating_add(pair[1] as u128);
        total.saturating_add(parameters)
    })
}

/// The number of couplings and biases of so many visible and hidden units.
pub(super) fn pairwise(visible: usize, hidden: usize) -> u128 {
    let units = (visible as u128).saturating_add(hidden as u128);
    units.saturating_mul(units.saturating_add(1))
}

/// The number of units of all layers.
pub(super) fn units(widths: &[usize]) -> u128 {
    widths.iter().map(|&width| width as u128).sum()
}

/// The number of parameters of a model, biases of convolutions and offsets left out.
///
/// # Errors
///
/// If its layers don't fit the shape.
pub(crate) fn parameters(config: &ModelConfig, shape: ImageShape) -> Result<u128, RunError> {
    let examples = memory::product(&<[usize; 3]>::from(shape));
    if examples == 0 || usize::try_from(examples).is_err() {
        return Err(unfitting(
            shape,
            format!("an example has {examples} values, expected 1 or more that fit into memory"),
        ));
    }
    config.kind().parameters(shape)
}

/// Finds out whether what the units of all layers make of so many rows of examples fits into
/// memory; an update keeps it for the backward pass.
pub(crate) fn check_batch(
    config: &ModelConfig,
    shape: ImageShape,
    batch_size: usize,
    rows: usize,
    device: &Device,
) -> Result<(), InvalidValue> {
    let visible = memory::product(&<[usize; 3]>::from(shape));
    let units = visible.saturating_add(config.kind().hidden_values(shape));
    let values = units.saturating_mul(rows as u128);
    if memory::fits_on(values, device) {
        return Ok(());
    }
    Err(InvalidValue {
        key: "training.batch_size",
        found: batch_size.to_string(),
        expected: format!(
            "a batch whose units fit into memory (these take {}): make it or the model smaller",
            memory::amount(values)
        ),
    })
}
