//! Chains of a finished model at several lengths: whether it keeps what it shows.

use std::path::Path;

use burn::tensor::{Device, Tensor};
use ebm_ops::{Noise, Progress};
use ebm_sampling::Interrupt;
use ebm_train::data::Split;

use super::measure::Measure;
use crate::error::RunError;
use crate::quality::QualityLine;
use crate::run::ModelFile;
use crate::run::generate::{SampleOptions, run_chains, samples_of};

/// Transitions between two signs of progress.
const STRIDE: usize = 50;

/// Which chains of a finished model are measured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainsRequest {
    /// Number of chains.
    pub count: usize,
    /// Transitions after which all of them are measured, ascending.
    pub lengths: Vec<usize>,
    /// Seed of the chains.
    pub seed: u64,
}

/// Measures the chains of a model, from noise, at several lengths: a line each, with the number of
/// its transitions. A classifier of the run's labels is read from `cache`, or is trained and kept
/// there; without a cache other features are taken.
///
/// # Errors
///
/// If the data of the run can't be read, or the chains don't fit into memory.
///
/// # Panics
///
/// If lengths don't ascend.
pub fn measure_chains(
    model: &ModelFile,
    request: &ChainsRequest,
    cache: Option<&Path>,
    device: &Device,
    progress: &mut dyn Progress,
) -> Result<Vec<QualityLine>, RunError> {
    let ChainsRequest {
        count,
        lengths,
        seed,
    } = request;
    assert!(
        lengths.is_sorted_by(|a, b| a < b),
        "lengths of chains ascend, found {lengths:?}"
    );
    let longest = lengths.last().copied().unwrap_or(0);
    let never = &mut Interrupt::never();
    progress.begin("looking at the data");
    let train = model.examples(&model.config.data, Split::Train, device)?;
    let Some(mut measure) = Measure::new(model, train, cache, device, never)? else {
        return Ok(Vec::new());
    };

    progress.begin("transitions");
    let options = SampleOptions {
        count: *count,
        steps: longest,
        seed: *seed,
        annealing: None,
    };
    let mut looks: Vec<usize> = (0..longest).step_by(STRIDE).collect();
    looks.extend(lengths);
    looks.sort_unstable();
    looks.dedup();
    let batches = count.div_ceil(crate::run::CHAINS_AT_A_TIME);
    let mut batch = 0;
    let mut seen: Vec<Vec<Tensor<4>>> = vec![Vec::new(); lengths.len()];
    run_chains(
        model,
        options,
        &looks,
        device,
        never,
        &mut |time, states| {
            progress.advance(batch * longest + time, batches * longest);
            if let Ok(at) = lengths.binary_search(&time) {
                seen[at].push(states);
            }
            batch += usize::from(time == longest);
        },
    )?;

    progress.begin("lengths measured");
    let mut aside = Noise::new(*seed).split();
    let mut lines = Vec::with_capacity(lengths.len());
    for (at, (length, states)) in lengths.iter().zip(seen).enumerate() {
        let samples = samples_of(model, Tensor::cat(states, 0), &mut aside);
        lines.push(measure.take(model, &samples, *length));
        progress.advance(at + 1, lengths.len());
    }
    Ok(lines)
}
