//! How well a pairwise machine recalls examples that were damaged, at temperature 0.

use burn::tensor::Tensor;
use ebm_models::{PairwiseMachine, overlap};
use ebm_ops::Noise;
use ebm_sampling::{Dynamics, recall};
use image::RgbImage;
use serde::Serialize;

use crate::examples::Examples;
use crate::network::Network;
use crate::picture::grouped_grid;
use crate::plot::LinePlot;
use crate::run::floats;
use crate::trainable::rows;

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
    /// Share of the examples that were recalled without a wrong unit.
    pub perfect: f64,
    /// Share of the chains that came to rest.
    pub converged: f64,
    /// Sweeps made.
    pub sweeps: usize,
}

/// The numbers of a recall with its pictures.
#[derive(Clone, Debug)]
pub struct Recalled {
    /// The numbers.
    pub report: RecallReport,
    /// Three images an example, intact, damaged and recalled.
    pub before_and_after: RgbImage,
    /// The energies over the sweeps; `None` if no sweep was made.
    pub energies: Option<RgbImage>,
}

/// Flips a share `damage` of the units of up to `count` examples and lets the machine fall into a valley. `None` for a model
/// that isn't a pairwise machine without hidden units.
pub fn recall_damaged(
    model: &Network,
    examples: &Examples<4>,
    count: usize,
    damage: f64,
    noise: &mut Noise,
) -> Option<Recalled> {
    match model {
        Network::Hopfield(machine) => recalled(machine, examples, count, damage, noise),
        Network::BoltzmannMachine(machine) => recalled(machine, examples, count, damage, noise),
        _ => None,
    }
}

fn recalled<M: PairwiseMachine>(
    machine: &M,
    examples: &Examples<4>,
    count: usize,
    damage: f64,
    noise: &mut Noise,
) -> Option<Recalled> {
    if machine.hidden_units() > 0 {
        return None;
    }
    let [all, channels, height, width] = examples.shape();
    let count = count.min(all);
    let indices: Vec<usize> = (0..count).collect();
    let intact = rows(examples.batch(&indices));
    let coding = machine.coding();
    let flipped = noise.bernoulli(Tensor::full(intact.shape(), damage, &intact.device()));
    // low + high - y where flipped, y elsewhere.
    let opposite = intact
        .clone()
        .neg()
        .add_scalar(coding.low() + coding.high());
    let damaged = intact.clone() + flipped * (opposite - intact.clone());
    let end = recall(
        machine,
        damaged.clone(),
        MAX_SWEEPS,
        Dynamics::default(),
        noise,
    );

    let spins = |states: &Tensor<2>| {
        let scale = 2.0 / (coding.high() - coding.low());
        states
            .clone()
            .sub_scalar((coding.low() + coding.high()) / 2.0)
            .mul_scalar(scale)
    };
    let overlaps = |states: &Tensor<2>| floats(overlap(spins(states), spins(&intact)));
    let mean = |values: &[f32]| values.iter().map(|&x| f64::from(x)).sum::<f64>() / count as f64;
    let after = overlaps(&end.states);
    let share = |hits: usize| hits as f64 / count as f64;
    let triples: Tensor<3> =
        Tensor::stack(vec![intact.clone(), damaged.clone(), end.states.clone()], 1);
    let traces = floats(end.energies.transpose());
    let curves = traces
        .chunks_exact(end.sweeps + 1)
        .map(|trace| {
            let points = trace.iter().enumerate();
            points
                .map(|(sweep, &e)| (sweep as f64, f64::from(e)))
                .collect()
        })
        .collect();
    Some(Recalled {
        report: RecallReport {
            examples: count,
            damage,
            overlap_before: mean(&overlaps(&damaged)),
            overlap_after: mean(&after),
            perfect: share(after.iter().filter(|&&m| m > 1.0 - 1e-6).count()),
            converged: share(end.converged.iter().filter(|&&still| still).count()),
            sweeps: end.sweeps,
        },
        before_and_after: grouped_grid(
            &floats(triples),
            [channels, height, width],
            (coding.low(), coding.high()),
            3,
        ),
        energies: LinePlot {
            title: "Energy during recall",
            x: "sweep",
            y: "energy",
            curves: vec![("an example", curves)],
        }
        .draw(),
    })
}
