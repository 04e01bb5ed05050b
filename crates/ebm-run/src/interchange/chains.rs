//! The chains that a checkpoint keeps, as values.

use burn::tensor::{DType, TensorData};

use crate::config::SamplerConfig;
use crate::error::RunError;
use crate::run::{ModelFile, RunFolder};
use ebm_train::CheckpointError;
use ebm_train::files::memory;
use ebm_train::floats;

/// The chains of the newest checkpoint of a run, in the range of the model, f32.
///
/// # Shapes
///
/// - output: `[chains, channels, height, width]`, or `[chains, units]` where states are more than
///   what is seen; with replicas at several temperatures `[temperatures, chains, units]`, from
///   temperature 1 on
///
/// # Errors
///
/// If there is no checkpoint, it is damaged, or it keeps no chains.
pub fn stored_chains(folder: &RunFolder, model: &ModelFile) -> Result<TensorData, RunError> {
    let (mut checkpoint, path) = folder.newest_checkpoint()?;
    let Some(chains) = checkpoint.tensors.remove("chains") else {
        return Err(RunError::NoChains { path });
    };
    let found = chains.shape().as_slice().to_vec();
    let wrong = |message: String| CheckpointError::Corrupt { path, message };
    let rows = found.first().copied().unwrap_or(0);
    let units = found.iter().skip(1).product::<usize>();
    let replicas = match &model.config.sampler {
        SamplerConfig::ParallelTempering(keys) => keys.temperatures,
        _ => 1,
    };
    if rows == 0 || units == 0 || !rows.is_multiple_of(replicas) {
        let message = format!("its chains have the shape {found:?}, of {replicas} temperatures");
        return Err(wrong(message).into());
    }
    let (low, high) = model.config.data.range();
    let values: Vec<f32> = if chains.dtype() == DType::U8 {
        let value = |byte: u8| (low + (high - low) * f64::from(byte) / 255.0) as f32;
        chains.iter::<u8>().map(value).collect()
    } else {
        let chains = floats(chains).map_err(|found| {
            wrong(format!(
                "its chains are {found:?}, expected numbers of the data"
            ))
        })?;
        chains.iter::<f32>().collect()
    };
    let [channels, height, width] = model.shape;
    let shape = if replicas > 1 {
        vec![replicas, rows / replicas, units]
    } else if memory::product(&model.shape) == units as u128 {
        vec![rows, channels, height, width]
    } else {
        vec![rows, units]
    };
    Ok(TensorData::new(values, shape))
}
