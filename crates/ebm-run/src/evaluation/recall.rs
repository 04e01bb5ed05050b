//! How well a pairwise machine recalls examples that were damaged, at temperature 0.

use burn::tensor::Tensor;
use ebm_models::{Coding, PairwiseMachine, overlap};
use ebm_ops::Noise;
use ebm_sampling::{Dynamics, Recall, recall};
use image::RgbImage;
use serde::Serialize;

use super::energies::BATCH;
use crate::axis::Extent;
use crate::kinds::AnyModel as Network;
use crate::plot::LinePlot;
use crate::run::floats;
use crate::titled_grid::{TitledColumns, titled_grid};
use ebm_train::Examples;
use ebm_train::rows;

/// Sweeps after which recall that hasn't come to rest is given up.
const MAX_SWEEPS: usize = 100;

/// The titles of a picture of examples that are damaged and recalled.
const TITLES: [&str; 3] = ["original", "damaged", "recalled"];

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

/// Where the recall of an image ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RecallEnd {
    /// In the example that the image was made from, without a wrong unit.
    Original,
    /// In a stored example, without a wrong unit: another one, or one of an image whose original isn't known.
    Stored,
    /// In no stored example.
    Elsewhere,
}

/// What a machine made of one image.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct RecalledImage {
    /// The stored example, from 0, that is nearest to where recall ended; the original, where it is as near as any.
    pub nearest: usize,
    /// Where it ended.
    pub end: RecallEnd,
    /// The overlap of the image with that example, 1 where they are equal, -1 where every unit differs.
    pub overlap_before: f64,
    /// The overlap of what was recalled with it.
    pub overlap_after: f64,
    /// The energy of the image, in nats.
    pub energy_before: f64,
    /// The energy of what was recalled, not above the first.
    pub energy_after: f64,
    /// Whether recall came to rest.
    pub converged: bool,
}

/// Recalled images, one by one and as a picture.
#[derive(Clone, Debug)]
pub struct RecalledImages {
    /// One entry an image.
    pub images: Vec<RecalledImage>,
    /// Three images each: the original, as given, and as recalled; where originals aren't known as given, as recalled, and the stored
    /// example nearest to that.
    pub picture: RgbImage,
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

/// Lets the machine fall from images, `[count, channels, height, width]` of its two values, into valleys, and compares these with
/// the `stored` examples. `None` for a model that isn't a pairwise machine without hidden units, or without images or examples.
///
/// Nothing is known of where the images come from; [`recall_originals`] is for damaged examples.
pub fn recall_images(
    model: &Network,
    images: Tensor<4>,
    stored: &Examples<4>,
    noise: &mut Noise,
) -> Option<RecalledImages> {
    match model {
        Network::Hopfield(machine) => recalled_images(machine, images, None, stored, noise),
        Network::BoltzmannMachine(machine) => recalled_images(machine, images, None, stored, noise),
        _ => None,
    }
}

/// As [`recall_images`], of the images that the first of the stored examples became when they were damaged: image `i` is to come back
/// to example `i`.
pub fn recall_originals(
    model: &Network,
    damaged: Tensor<4>,
    stored: &Examples<4>,
    noise: &mut Noise,
) -> Option<RecalledImages> {
    let known = Some(damaged.dims()[0]).filter(|&count| count <= stored.len())?;
    match model {
        Network::Hopfield(machine) => recalled_images(machine, damaged, Some(known), stored, noise),
        Network::BoltzmannMachine(machine) => {
            recalled_images(machine, damaged, Some(known), stored, noise)
        }
        _ => None,
    }
}

/// Whether an overlap is that of equal states, but for rounding.
fn is_whole(overlap: f32) -> bool {
    overlap > 1.0 - 1e-6
}

/// Falls into valleys; `None` where hidden units would have to be made up.
fn fall<M: PairwiseMachine>(machine: &M, start: Tensor<2>, noise: &mut Noise) -> Option<Recall> {
    let dynamics = Dynamics::default();
    (machine.hidden_units() == 0).then(|| recall(machine, start, MAX_SWEEPS, dynamics, noise))
}

/// States of either coding as spins.
fn spins(coding: Coding, states: &Tensor<2>) -> Tensor<2> {
    let scale = 2.0 / (coding.high() - coding.low());
    states
        .clone()
        .sub_scalar((coding.low() + coding.high()) / 2.0)
        .mul_scalar(scale)
}

/// Each value flipped with probability `share`, from one end of its range to the other: `low + high - y`.
///
/// # Shapes
///
/// - `examples` and output: `[count, ..]`, of values `low` and `high`
pub fn damaged<const D: usize>(
    examples: Tensor<D>,
    (low, high): (f64, f64),
    share: f64,
    noise: &mut Noise,
) -> Tensor<D> {
    let flips: Tensor<D> = Tensor::full(examples.shape(), share, &examples.device());
    let flipped = noise.bernoulli(flips);
    let opposite = examples.clone().neg().add_scalar(low + high);
    examples.clone() + flipped * (opposite - examples)
}

fn recalled_images<M: PairwiseMachine>(
    machine: &M,
    images: Tensor<4>,
    originals: Option<usize>,
    stored: &Examples<4>,
    noise: &mut Noise,
) -> Option<RecalledImages> {
    let [count, channels, height, width] = images.dims();
    if count == 0 || stored.is_empty() {
        return None;
    }
    let coding = machine.coding();
    let given = rows(images);
    let end = fall(machine, given.clone(), noise)?;
    let all: Vec<usize> = (0..stored.len()).collect();
    let stored = spins(coding, &rows(stored.batch(&all)));
    // All overlaps in one product: [count, stored].
    let overlaps = |states: &Tensor<2>| {
        let products = spins(coding, states).matmul(stored.clone().transpose());
        floats(products.div_scalar(machine.units() as f64))
    };
    let (before, after) = (overlaps(&given), overlaps(&end.states));
    let energies = floats(end.energies);
    let last = energies.len() - count;
    let images: Vec<RecalledImage> = (0..count)
        .map(|index| {
            let row = index * all.len()..(index + 1) * all.len();
            let (before, after) = (&before[row.clone()], &after[row]);
            let mut nearest = (0..all.len())
                .max_by(|&a, &b| after[a].total_cmp(&after[b]))
                .unwrap_or(0);
            // Equal examples are one memory.
            if originals.is_some() && after[index] >= after[nearest] {
                nearest = index;
            }
            let ending = match (is_whole(after[nearest]), originals) {
                (false, _) => RecallEnd::Elsewhere,
                (true, Some(_)) if nearest == index => RecallEnd::Original,
                (true, _) => RecallEnd::Stored,
            };
            RecalledImage {
                nearest,
                end: ending,
                overlap_before: f64::from(before[nearest]),
                overlap_after: f64::from(after[nearest]),
                energy_before: f64::from(energies[index]),
                energy_after: f64::from(energies[last + index]),
                converged: end.converged[index],
            }
        })
        .collect();
    let examples = |indices: &[usize]| {
        let indices = ebm_ops::row_indices(indices, &given.device());
        stored.clone().select(0, indices)
    };
    let (given, end) = (spins(coding, &given), spins(coding, &end.states));
    let (columns, titles) = if originals.is_some() {
        let originals: Vec<usize> = (0..count).collect();
        let columns = vec![examples(&originals), given.clone(), end];
        (columns, ["original", "damaged", "recalled"])
    } else {
        let nearest: Vec<usize> = images.iter().map(|image| image.nearest).collect();
        let columns = vec![given.clone(), end, examples(&nearest)];
        (columns, ["given", "recalled", "nearest stored"])
    };
    let triples: Tensor<3> = Tensor::stack(columns, 1);
    let shape = [channels, height, width];
    Some(RecalledImages {
        images,
        picture: titled_grid(
            &floats(triples),
            shape,
            (-1.0, 1.0),
            &titles.map(TitledColumns::one),
        ),
    })
}

fn recalled<M: PairwiseMachine>(
    machine: &M,
    examples: &Examples<4>,
    count: usize,
    damage: f64,
    noise: &mut Noise,
) -> Option<Recalled> {
    let [all, channels, height, width] = examples.shape();
    let count = count.min(all);
    let indices: Vec<usize> = (0..count).collect();
    let intact = rows(examples.batch(&indices));
    let coding = machine.coding();
    let range = (coding.low(), coding.high());
    let damaged = damaged(intact.clone(), range, damage, noise);
    let end = fall(machine, damaged.clone(), noise)?;

    let overlaps =
        |states: &Tensor<2>| floats(overlap(spins(coding, states), spins(coding, &intact)));
    let mean = |values: &[f32]| values.iter().map(|&x| f64::from(x)).sum::<f64>() / count as f64;
    let after = overlaps(&end.states);
    let share = |hits: usize| hits as f64 / count as f64;
    // Of all that are stored, beyond the ones that were damaged.
    let ends = spins(coding, &end.states);
    let mut is_stored = vec![false; count];
    for batch in examples.batches(BATCH) {
        let stored = spins(coding, &rows(batch));
        let there = stored.dims()[0];
        let products = ends.clone().matmul(stored.transpose());
        let overlaps = floats(products.div_scalar(machine.units() as f64));
        for (found, overlaps) in is_stored.iter_mut().zip(overlaps.chunks_exact(there)) {
            *found |= overlaps.iter().any(|&m| is_whole(m));
        }
    }
    let elsewhere = is_stored.iter().zip(&after);
    let in_others = elsewhere.filter(|&(&found, &own)| found && !is_whole(own));
    let in_others = in_others.count();
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
            perfect: share(after.iter().filter(|&&m| is_whole(m)).count()),
            other: share(in_others),
            converged: share(end.converged.iter().filter(|&&still| still).count()),
            sweeps: end.sweeps,
        },
        before_and_after: titled_grid(
            &floats(triples),
            [channels, height, width],
            (coding.low(), coding.high()),
            &TITLES.map(TitledColumns::one),
        ),
        energies: LinePlot {
            title: "Energy during recall",
            x: "sweep",
            y: "energy (nats)",
            extent: Extent::Whole,
            curves: vec![("an example", curves)],
        }
        .draw(),
    })
}
