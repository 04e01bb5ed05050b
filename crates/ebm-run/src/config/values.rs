//! What a model asks of its data: the values that its visible units take.

use ebm_train::keys::{InvalidValue, check};

use super::{DataConfig, TrainingConfig};
use crate::kinds::VisibleValues;

/// Checks that data have the values of a model's visible units.
pub(super) fn check_values(
    values: VisibleValues,
    data: &DataConfig,
    training: &TrainingConfig,
) -> Result<(), InvalidValue> {
    let Some(coding) = values.coding() else {
        return Ok(());
    };
    let (low, high) = data.range();
    check(
        (low, high) == (coding.low(), coding.high()),
        "data.range",
        format!("[{low:?}, {high:?}]"),
        format!(
            "[{:?}, {:?}], the values of the model's units",
            coding.low(),
            coding.high()
        ),
    )?;
    // Probabilities may stand for units that are 0 or 1 in a field, but nothing stands for a spin.
    let are_two = matches!(values, VisibleValues::TwoValued(_));
    check(
        !are_two || data.binarize().is_some(),
        "data.binarize",
        "nothing",
        "\"threshold\" or \"sample\", since the model's units take two values",
    )?;
    check(
        training.data_noise == 0.0,
        "training.data_noise",
        format!("{:?}", training.data_noise),
        "0.0, since the model's units take two values",
    )
}
