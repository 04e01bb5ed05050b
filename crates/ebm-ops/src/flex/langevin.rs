//! The step of Langevin dynamics on Flex: rows of chains, each value touched once.

use std::cell::RefCell;

use burn::backend::flex::{FlexTensor, Layout};
use burn::tensor::Shape;
use multiversion::multiversion;
use rayon::prelude::*;

use super::elementwise::{contiguous, new, slice};
use crate::description::{LangevinStep, Place};
use crate::fill;

/// Values of the rows that a task takes at a time, about.
const TASK_VALUES: usize = 8192;

/// The bits of an exponent: all of them are set where a value is not finite.
const EXPONENT: u32 = 0x7f80_0000;

thread_local! {
    /// The noise of the task at hand.
    static NORMALS: RefCell<Vec<f32>> = const { RefCell::new(Vec::new()) };
}

/// The next positions, and 1 for each chain that made its step, else 0.
pub(super) fn update(
    step: LangevinStep,
    x: FlexTensor,
    gradient: &FlexTensor,
    energies: &FlexTensor,
    start: &FlexTensor,
) -> (FlexTensor, FlexTensor) {
    let shape = x.layout().shape();
    let batch = shape[0];
    let values = shape.num_elements() / batch.max(1);
    let mut x = contiguous(x);
    let (gradient, energies, start) = (
        gradient.to_contiguous(),
        energies.to_contiguous(),
        start.to_contiguous(),
    );
    let (gradient, energies, start) = (slice(&gradient), slice(&energies), slice(&start));
    let mut finite = vec![0.0; batch];
    // Whole blocks of the noise in each task: a multiple of four rows.
    let rows = (TASK_VALUES / (4 * values.max(1))).max(1) * 4;
    if values > 0 {
        x.storage_mut::<f32>()
            .par_chunks_mut(rows * values)
            .zip(finite.par_chunks_mut(rows))
            .enumerate()
            .for_each(|(task, (x, finite))| {
                let first_row = task * rows;
                let range = first_row * values..first_row * values + x.len();
                let block = (range.start / fill::BLOCK) as u64;
                let chains = Chains {
                    values,
                    gradient: &gradient[range.clone()],
                    energies: &energies[first_row..first_row + finite.len()],
                    start: &start[range],
                };
                NORMALS.with_borrow_mut(|normals| {
                    if normals.len() < x.len() {
                        normals.resize(x.len(), 0.0);
                    }
                    let normals = &mut normals[..x.len()];
                    if step.noise > 0.0 {
                        let Place { key, first } = step.place;
                        fill::normal_chunk(key, first.wrapping_add(block), normals);
                    }
                    chains.step(step, x, normals, finite);
                });
            });
    }
    (x, new(finite, Layout::contiguous(Shape::new([batch]))))
}

/// Some chains, row after row.
struct Chains<'a> {
    values: usize,
    gradient: &'a [f32],
    energies: &'a [f32],
    start: &'a [f32],
}

impl Chains<'_> {
    fn step(&self, step: LangevinStep, x: &mut [f32], normals: &[f32], finite: &mut [f32]) {
        let rows = x
            .chunks_mut(self.values)
            .zip(self.gradient.chunks(self.values))
            .zip(normals.chunks(self.values))
            .zip(self.start.chunks(self.values));
        for (row, (((x, gradient), normals), start)) in rows.enumerate() {
            if self.energies[row].is_finite() && move_row(step, x, gradient, normals) {
                finite[row] = 1.0;
            } else {
                x.copy_from_slice(start);
            }
        }
    }
}

/// Moves one chain, and says whether all was finite.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2"))]
fn move_row(step: LangevinStep, x: &mut [f32], gradient: &[f32], normals: &[f32]) -> bool {
    let mut faults = 0;
    // Without noise its buffer holds anything, NaN too: it isn't read then.
    if step.noise > 0.0 {
        for ((x, &g), &z) in x.iter_mut().zip(gradient).zip(normals) {
            let moved = step.drift(*x, g) + z * step.noise;
            faults |= fault(g) | fault(moved);
            *x = step.inside(moved);
        }
    } else {
        for (x, &g) in x.iter_mut().zip(gradient) {
            let moved = step.drift(*x, g);
            faults |= fault(g) | fault(moved);
            *x = step.inside(moved);
        }
    }
    faults == 0
}

impl LangevinStep {
    /// `x - step_size * clip(g)`.
    #[inline(always)]
    fn drift(&self, x: f32, g: f32) -> f32 {
        x - limited(g, -self.clip, self.clip) * self.step_size
    }

    #[inline(always)]
    fn inside(&self, x: f32) -> f32 {
        limited(x, self.clamp.0, self.clamp.1)
    }
}

/// The nearest value of `[low, high]`; NaN stays, as both comparisons are false.
#[inline(always)]
fn limited(x: f32, low: f32, high: f32) -> f32 {
    let x = if x < low { low } else { x };
    if x > high { high } else { x }
}

/// 1 where a value is not finite, else 0.
#[inline(always)]
fn fault(x: f32) -> u32 {
    u32::from(x.to_bits() & EXPONENT == EXPONENT)
}
