//! The partition function of a trained model, in the precision that is asked for.

use burn::module::Module;
use ebm_models::Precision;
use ebm_ops::Progress;
use ebm_train::judging::{self, LogPartition, PartitionOptions};
use ebm_train::{Examples, TrainError, Trainable};

use super::name_kind;
use crate::error::RunError;
use crate::kinds::AnyModel;

/// [`log_partition`](judging::log_partition) of a model of a run. Energies make their matrix
/// products in `precision`; weights of chains, sums and `log Z` are wider.
///
/// # Errors
///
/// As there, and if model or device can't do with the precision.
pub fn log_partition(
    model: &AnyModel,
    data: Option<&Examples<4>>,
    options: &PartitionOptions,
    precision: Precision,
    progress: &mut dyn Progress,
) -> Result<LogPartition, RunError> {
    if !Trainable::<4>::supports_precision(model, precision) {
        return Err(RunError::NotEvaluable {
            what: "log Z in half precision",
            model: model.name(),
            models: "machines with layers",
        });
    }
    let supported = model
        .devices()
        .iter()
        .all(|device| precision.is_supported_by(device));
    if !supported {
        return Err(TrainError::UnsupportedPrecision { precision }.into());
    }
    let half = (precision != Precision::F32).then(|| precision.frozen(model));
    let model = half.as_ref().unwrap_or(model);
    judging::log_partition(model, data, options, progress).map_err(|error| name_kind(error, model))
}
