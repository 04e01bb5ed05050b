//! How well a pairwise machine recalls examples that were damaged, at temperature 0.

use burn::tensor::Tensor;
use ebm_models::{Coding, Energy, PairwiseMachine, PairwiseStructure, Structure, overlap};
use ebm_ops::{Interval, Noise};
use ebm_sampling::memories::{Dynamics, Recall, recall};
use serde::Serialize;

use super::energies::BATCH;
use super::error::JudgingError;
use crate::Examples;
use crate::examples::host_values;
use crate::rows;

/// Sweeps after which recall that hasn't come to rest is given up.
const MAX_SWEEPS: usize = 100;

/// What became of damaged examples.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RecallReport {
    /// The number of examples.
    pub examples: usize,
    /// Share of units that were flipped.
    pub damage: f64,
    /// Mean overlap of the damaged with the intact examples, 1 where they are equal.
    pub overlap_before: f64,
    /// Mean overlap of the recalled with the intact examples.
    pub overlap_after: f64,
    /// Share of the examples that came back: recalled without a wrong unit.
    pub perfect: f64,
    /// Share of the examples that ended in another stored example, without a wrong unit.
    pub other: f64,
    /// Share of the chains that came to rest.
    pub converged: f64,
    /// Sweeps made.
    pub sweeps: usize,
}

/// The numbers of a recall with the states behind them.
#[derive(Clone, Debug)]
pub struct DamagedRecall<const D: usize> {
    /// The numbers.
    pub report: RecallReport,
    /// The examples: `[examples, ..]`.
    pub intact: Tensor<D>,
    /// The same with a share of the units flipped.
    pub damaged: Tensor<D>,
    /// What the machine made of these.
    pub recalled: Tensor<D>,
    /// The energies before the first sweep and after each, in nats: `[sweeps + 1, examples]`.
    pub energies: Tensor<2>,
    /// The two values of a unit.
    pub coding: Coding,
}

/// Flips a share `damage` of the units of up to `count` examples and lets the machine fall into a
/// valley.
///
/// # Errors
///
/// If the model isn't a pairwise machine without hidden units.
///
/// # Panics
///
/// If examples haven't the shape that the model takes.
pub fn recall_damaged<M: Energy<D> + ?Sized, const D: usize>(
    model: &M,
    examples: &Examples<D>,
    count: usize,
    damage: f64,
    noise: &mut Noise,
) -> Result<DamagedRecall<D>, JudgingError> {
    let machine = require_memory(model)?;
    let mut shape = examples.shape();
    let count = count.min(shape[0]);
    shape[0] = count;
    let indices: Vec<usize> = (0..count).collect();
    let intact = rows(examples.batch(&indices).x);
    let coding = machine.coding();
    let values = Interval::new(coding.low(), coding.high());
    let damaged = flip(intact.clone(), values, damage, noise);
    let end = fall(&machine, damaged.clone(), noise);

    let overlaps = |states: &Tensor<2>| {
        host_values(overlap(to_spins(coding, states), to_spins(coding, &intact)))
    };
    let mean = |values: &[f32]| values.iter().map(|&x| f64::from(x)).sum::<f64>() / count as f64;
    let after = overlaps(&end.states);
    let share = |hits: usize| hits as f64 / count as f64;
    // Of all that are stored, beyond the ones that were damaged.
    let ends = to_spins(coding, &end.states);
    let mut is_stored = vec![false; count];
    for batch in examples.batches(BATCH) {
        let stored = to_spins(coding, &rows(batch.x));
        let there = stored.dims()[0];
        let products = ends.clone().matmul(stored.transpose());
        let overlaps = host_values(products.div_scalar(machine.units() as f64));
        for (found, overlaps) in is_stored.iter_mut().zip(overlaps.chunks_exact(there)) {
            *found |= overlaps.iter().any(|&m| is_whole(m));
        }
    }
    let elsewhere = is_stored.iter().zip(&after);
    let in_others = elsewhere.filter(|&(&found, &own)| found && !is_whole(own));
    let in_others = in_others.count();
    let report = RecallReport {
        examples: count,
        damage,
        overlap_before: mean(&overlaps(&damaged)),
        overlap_after: mean(&after),
        perfect: share(after.iter().filter(|&&m| is_whole(m)).count()),
        other: share(in_others),
        converged: share(end.converged.iter().filter(|&&still| still).count()),
        sweeps: end.sweeps,
    };
    Ok(DamagedRecall {
        report,
        intact: intact.reshape(shape),
        damaged: damaged.reshape(shape),
        recalled: end.states.reshape(shape),
        energies: end.energies,
        coding,
    })
}

/// The machine behind a model whose states are its examples, so that its dynamics at temperature 0
/// recall them.
///
/// # Errors
///
/// If the model is another.
pub(crate) fn require_memory<M: Energy<D> + ?Sized, const D: usize>(
    model: &M,
) -> Result<PairwiseStructure, JudgingError> {
    let description = match model.structure() {
        Structure::Pairwise(machine) if machine.hidden_units() == 0 => return Ok(machine),
        Structure::Pairwise(_) => "machine with hidden units",
        other @ (Structure::Layered(_) | Structure::Smooth) => other.description(),
    };
    Err(JudgingError::NotEvaluable {
        what: "recall",
        model: description,
        models: "Hopfield networks and Boltzmann machines, without hidden units",
    })
}

/// Falls from states into valleys.
pub(crate) fn fall(machine: &PairwiseStructure, start: Tensor<2>, noise: &mut Noise) -> Recall {
    recall(machine, start, MAX_SWEEPS, Dynamics::default(), noise)
}

/// Whether an overlap is that of equal states, but for rounding.
pub(crate) fn is_whole(overlap: f32) -> bool {
    overlap > 1.0 - 1e-6
}

/// States of either coding as spins.
pub(crate) fn to_spins(coding: Coding, states: &Tensor<2>) -> Tensor<2> {
    let scale = 2.0 / (coding.high() - coding.low());
    states
        .clone()
        .sub_scalar((coding.low() + coding.high()) / 2.0)
        .mul_scalar(scale)
}

/// Flips each value with probability `share` from one end of its range to the other: `low + high -
/// y`.
///
/// # Shapes
///
/// - `examples` and output: `[count, ..]`, of values `low` and `high`
pub fn flip<const D: usize>(
    examples: Tensor<D>,
    values: impl Into<Interval>,
    share: f64,
    noise: &mut Noise,
) -> Tensor<D> {
    let Interval { low, high } = values.into();
    let flips: Tensor<D> = Tensor::full(examples.shape(), share, &examples.device());
    let flipped = noise.bernoulli(flips);
    let opposite = examples.clone().neg().add_scalar(low + high);
    examples.clone() + flipped * (opposite - examples)
}
