//! Chains on Flex: which proposals are accepted, and rows chosen in place.

use burn::backend::flex::{FlexTensor, Layout};
use burn::tensor::{Bytes, DType};
use rayon::prelude::*;

use super::elementwise::{contiguous, slice};
use crate::description::{Distribution, Fresh, HalfOpen, Place, Restart};
use crate::fill::{self, BLOCK};

/// Values that a thread copies at a time.
const TASK_VALUES: usize = 1 << 16;

/// 1 for each proposal that is accepted, else 0, and the probability with which each was; see
/// [`MetropolisDecision::draw`](crate::MetropolisDecision::draw).
pub(super) fn metropolis(log_ratio: FlexTensor, place: Place) -> (FlexTensor, FlexTensor) {
    let shape = log_ratio.layout().shape().clone();
    let mut probabilities = contiguous(log_ratio);
    let mut decisions = vec![0.0; shape.num_elements()];
    fill::draw(Distribution::Uniform(HalfOpen::UNIT), place, &mut decisions);
    for (decision, probability) in decisions.iter_mut().zip(probabilities.storage_mut::<f32>()) {
        let ratio = *probability;
        // A comparison with NaN is false: it is rejected.
        let log_probability = if ratio >= 0.0 {
            0.0
        } else if ratio < 0.0 {
            ratio
        } else {
            f32::NEG_INFINITY
        };
        // 1 - u lies in (0, 1], where the logarithm is finite. Burn's own operations use the same
        // logarithm and exponential.
        let accepted = (1.0 - *decision).ln() <= log_probability;
        *decision = if accepted { 1.0 } else { 0.0 };
        *probability = log_probability.exp();
    }
    let decisions = FlexTensor::new(
        Bytes::from_elems(decisions),
        Layout::contiguous(shape),
        DType::F32,
    );
    (decisions, probabilities)
}

/// The rows of `taken` where `mask` is set, elsewhere those of `others`; rows that are not chosen
/// are overwritten if no other tensor shares their memory.
pub(super) fn select(mask: &FlexTensor, others: FlexTensor, taken: FlexTensor) -> FlexTensor {
    let shape = others.layout().shape().clone();
    assert_eq!(
        shape,
        *taken.layout().shape(),
        "the chains to choose from differ in shape"
    );
    let mask = mask.to_contiguous();
    let mask = mask.bytes();
    assert_eq!(
        mask.len(),
        shape[0],
        "a choice of {} chains for a batch of {}",
        mask.len(),
        shape[0]
    );
    let values = shape.num_elements() / shape[0].max(1);
    let (mut others, mut taken) = (contiguous(others), contiguous(taken));
    if let Some(rows) = taken.try_storage_mut::<f32>() {
        overwrite(rows, slice(&others), values, |chain| mask[chain] == 0);
        return taken;
    }
    overwrite(others.storage_mut(), slice(&taken), values, |chain| {
        mask[chain] != 0
    });
    others
}

/// Copies the rows that are `wanted`.
fn overwrite(rows: &mut [f32], with: &[f32], values: usize, wanted: impl Fn(usize) -> bool + Sync) {
    if values == 0 {
        return;
    }
    let share = (TASK_VALUES / values).max(1);
    let copy = |(task, (rows, with)): (usize, (&mut [f32], &[f32]))| {
        let both = rows.chunks_mut(values).zip(with.chunks(values));
        for (i, (row, with)) in both.enumerate() {
            if wanted(task * share + i) {
                row.copy_from_slice(with);
            }
        }
    };
    if rows.len() <= TASK_VALUES {
        return copy((0, (rows, with)));
    }
    rows.par_chunks_mut(share * values)
        .zip(with.par_chunks(share * values))
        .enumerate()
        .for_each(copy);
}

/// Draws the chains that restart; see [`StartingPoints::restart`](crate::StartingPoints::restart).
pub(super) fn restart(restart: Restart, x: FlexTensor) -> FlexTensor {
    let batch = x.layout().shape()[0];
    let values = x.layout().shape().num_elements() / batch.max(1);
    let mut x = contiguous(x);
    let mut choice = vec![0.0; batch];
    fill::draw(
        Distribution::Uniform(HalfOpen::UNIT),
        restart.choice,
        &mut choice,
    );
    if values > 0 {
        x.storage_mut::<f32>()
            .par_chunks_mut(values)
            .with_min_len((TASK_VALUES / values).max(1))
            .zip(&choice)
            .enumerate()
            .filter(|(_, (_, choice))| **choice < restart.probability)
            .for_each(|(chain, (row, _))| restart.draw(chain * values, row));
    }
    x
}

impl Restart {
    /// The draws of all chains from number `from` on.
    fn draw(&self, from: usize, row: &mut [f32]) {
        // Whole blocks of the noise: the row may begin and end in the middle of a block.
        let before = from % BLOCK;
        let mut draws = vec![0.0; before + row.len()];
        let place = Place {
            key: self.draw.key,
            first: self.draw.first.wrapping_add((from / BLOCK) as u64),
        };
        let (scale, shift) = match self.fresh {
            Fresh::Scaled {
                draws: distribution,
                scale,
                shift,
            } => {
                fill::draw(distribution, place, &mut draws);
                (scale, shift)
            }
            Fresh::Coins { low, width } => {
                // Log-odds of 0, replaced by coins.
                fill::bernoulli_logits(place.key, place.first, &mut draws);
                (width, low)
            }
        };
        for (value, draw) in row.iter_mut().zip(&draws[before..]) {
            *value = draw * scale + shift;
        }
    }
}

/// Overwrites rows by others, in place where nobody else holds them.
///
/// # Panics
///
/// If shapes differ or there is no such row.
pub(super) fn assign_rows(rows: FlexTensor, indices: &FlexTensor, with: FlexTensor) -> FlexTensor {
    let indices = whole_numbers(indices);
    let (mut rows, with) = (contiguous(rows), contiguous(with));
    let (shape, found) = (rows.layout().shape().clone(), with.layout().shape());
    assert!(
        found[0] == indices.len() && found[1] == shape[1],
        "rows of shape {shape:?} take {} of {} values, got {found:?}",
        indices.len(),
        shape[1]
    );
    let values = shape[1].max(1);
    let storage = rows.storage_mut::<f32>();
    for (&index, row) in indices.iter().zip(slice(&with).chunks(values)) {
        storage[index * values..(index + 1) * values].copy_from_slice(row);
    }
    rows
}

/// Numbers of rows; a negative number becomes one that no row has.
fn whole_numbers(indices: &FlexTensor) -> Vec<usize> {
    let indices = indices.to_contiguous();
    let row = |index: i64| usize::try_from(index).unwrap_or(usize::MAX);
    match indices.as_slice::<i32>() {
        Some(indices) => indices.iter().map(|&index| row(i64::from(index))).collect(),
        None => indices
            .storage::<i64>()
            .iter()
            .map(|&index| row(index))
            .collect(),
    }
}
