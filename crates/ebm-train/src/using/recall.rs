//! Recall: a pairwise machine falls from configurations into valleys of its energy, at temperature
//! 0.

use burn::tensor::Tensor;
use ebm_models::{Coding, Energy, PairwiseMachine};
use ebm_ops::Noise;
use serde::Serialize;

use super::error::UsingError;
use crate::Examples;
use crate::examples::host_values;
use crate::judging::{JudgingError, fall, is_whole, require_memory, to_spins};
use crate::rows;

/// Where the recall of an image ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RecallEnd {
    /// In the example that the image was made from, without a wrong unit.
    Original,
    /// In a stored example, without a wrong unit: another one, or one of an image whose original
    /// isn't known.
    Stored,
    /// In no stored example.
    Elsewhere,
}

/// What a machine made of one image.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct RecalledImage {
    /// The stored example, from 0, that is nearest to where recall ended; the original, where it is
    /// as near as any.
    pub nearest: usize,
    /// Where it ended.
    pub end: RecallEnd,
    /// The overlap of the image with that example, 1 where they are equal, -1 where every unit
    /// differs.
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

/// Recalled images.
#[derive(Clone, Debug)]
pub struct RecalledImages<const D: usize> {
    /// One entry an image.
    pub images: Vec<RecalledImage>,
    /// The images as they were given: `[count, ..]`.
    pub given: Tensor<D>,
    /// What was recalled.
    pub recalled: Tensor<D>,
    /// The stored examples beside them: the originals, or where these aren't known those nearest to
    /// what was recalled.
    pub stored: Tensor<D>,
    /// The two values of a unit.
    pub coding: Coding,
}

/// Lets the machine fall from images, `[count, ..]` of its two values, into valleys, and compares
/// these with the `stored` examples.
///
/// Nothing is known of where the images come from; [`recall_originals`] is for damaged examples.
///
/// # Errors
///
/// If the model isn't a pairwise machine without hidden units, or there are no images or examples.
///
/// # Panics
///
/// If images or examples haven't the shape that the model takes.
pub fn recall_images<E: Energy<D> + ?Sized, const D: usize>(
    model: &E,
    images: Tensor<D>,
    stored: &Examples<D>,
    noise: &mut Noise,
) -> Result<RecalledImages<D>, UsingError> {
    recall_from(model, images, false, stored, noise)
}

/// As [`recall_images`], of the images that the first of the stored examples became when they were
/// damaged: image `i` is to come back to example `i`.
///
/// # Errors
///
/// As there, and if there are more images than examples.
///
/// # Panics
///
/// As there.
pub fn recall_originals<E: Energy<D> + ?Sized, const D: usize>(
    model: &E,
    damaged: Tensor<D>,
    stored: &Examples<D>,
    noise: &mut Noise,
) -> Result<RecalledImages<D>, UsingError> {
    if damaged.dims()[0] > stored.len() {
        return Err(JudgingError::NoExamples.into());
    }
    recall_from(model, damaged, true, stored, noise)
}

/// Recalls images, each of which is the example of the same number where they `have_originals`.
fn recall_from<E: Energy<D> + ?Sized, const D: usize>(
    model: &E,
    images: Tensor<D>,
    have_originals: bool,
    stored: &Examples<D>,
    noise: &mut Noise,
) -> Result<RecalledImages<D>, UsingError> {
    let machine = require_memory(model)?;
    let shape = images.dims();
    let count = shape[0];
    if count == 0 || stored.is_empty() {
        return Err(JudgingError::NoExamples.into());
    }
    let coding = machine.coding();
    let given = rows(images.clone());
    let end = fall(&machine, given.clone(), noise);
    let all: Vec<usize> = (0..stored.len()).collect();
    let spins = to_spins(coding, &rows(stored.batch(&all).x));
    // All overlaps in one product: [count, stored].
    let overlaps = |states: &Tensor<2>| {
        let products = to_spins(coding, states).matmul(spins.clone().transpose());
        host_values(products.div_scalar(machine.units() as f64))
    };
    let (before, after) = (overlaps(&given), overlaps(&end.states));
    let energies = host_values(end.energies);
    let last = energies.len() - count;
    let recalled: Vec<RecalledImage> = (0..count)
        .map(|index| {
            let row = index * all.len()..(index + 1) * all.len();
            let (before, after) = (&before[row.clone()], &after[row]);
            let mut nearest = (0..all.len())
                .max_by(|&a, &b| after[a].total_cmp(&after[b]))
                .unwrap_or(0);
            // Equal examples are one memory.
            if have_originals && after[index] >= after[nearest] {
                nearest = index;
            }
            let ending = match (is_whole(after[nearest]), have_originals) {
                (false, _) => RecallEnd::Elsewhere,
                (true, true) if nearest == index => RecallEnd::Original,
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
    let beside: Vec<usize> = if have_originals {
        (0..count).collect()
    } else {
        recalled.iter().map(|image| image.nearest).collect()
    };
    Ok(RecalledImages {
        images: recalled,
        given: images,
        recalled: end.states.reshape(shape),
        stored: stored.batch(&beside).x,
        coding,
    })
}
