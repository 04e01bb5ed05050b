//! Draws: chains with their warm-up thrown away, thinned, and kept on the host.

use std::io::{self, Write};

use burn::tensor::{Tensor, TensorData};
use ebm_ops::{Noise, Progress};

use crate::diagnostics::{Summary, summary};
use crate::kernel::{Kernel, Run, run_with};

/// How many transitions are made, and which of them are kept: `warmup` are thrown away, then of
/// every `thin` the last is kept, `draws` in all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// Transitions before the first that can be kept.
    pub warmup: usize,
    /// Draws of each chain.
    pub draws: usize,
    /// Transitions a draw, at least 1.
    pub thin: usize,
}

impl Schedule {
    /// Every transition after the warm-up is kept.
    pub fn new(warmup: usize, draws: usize) -> Self {
        Self {
            warmup,
            draws,
            thin: 1,
        }
    }

    /// Keeps one transition of `thin`.
    pub fn with_thin(mut self, thin: usize) -> Self {
        self.thin = thin;
        self
    }

    /// Transitions in all, those of the warm-up included.
    pub fn transitions(&self) -> usize {
        self.warmup + self.draws * self.thin
    }
}

/// Positions of chains, draw after draw, on the host.
#[derive(Clone, Debug)]
pub struct Draws {
    /// `[draws, chains, ..]`, row-major.
    values: Vec<f32>,
    shape: Vec<usize>,
}

/// Moves chains from `position` by the schedule, and keeps their draws on the host.
///
/// Memory grows with the number of draws, and each draw is read back from the device; [`stream`]
/// keeps nothing.
///
/// The second result is the run after the warm-up: where the chains are, their acceptance,
/// divergences and resets.
///
/// # Panics
///
/// If `thin` is 0.
pub fn sample<K: Kernel<E, Tensor<D>>, E, const D: usize>(
    kernel: &K,
    energy: &E,
    position: Tensor<D>,
    schedule: Schedule,
    noise: &mut Noise,
) -> (Draws, Run<Tensor<D>>) {
    sample_with(kernel, energy, position, schedule, noise, &mut ())
}

/// Like [`sample`], and tells `progress` after each transition, those of the warm-up included, for
/// a bar:
///
/// ```ignore
/// let bar = indicatif::ProgressBar::new(schedule.transitions() as u64);
/// let mut progress = |done: usize, _| bar.set_position(done as u64);
/// sample_with(&kernel, &energy, start, schedule, &mut noise, &mut progress);
/// ```
///
/// # Panics
///
/// If `thin` is 0.
pub fn sample_with<K: Kernel<E, Tensor<D>>, E, const D: usize>(
    kernel: &K,
    energy: &E,
    position: Tensor<D>,
    schedule: Schedule,
    noise: &mut Noise,
    progress: &mut dyn Progress,
) -> (Draws, Run<Tensor<D>>) {
    let mut shape = vec![schedule.draws];
    shape.extend(position.dims());
    let mut values = Vec::with_capacity(shape.iter().product());
    let keep = |_, draw: Tensor<D>| values.extend(draw.into_data().iter::<f32>());
    let after = stream(kernel, energy, position, schedule, noise, progress, keep);
    (Draws { values, shape }, after)
}

/// Moves chains from `position` by the schedule, and hands each draw to `each(index, position)`,
/// indices from 0.
///
/// For more draws than fit, or for something smaller than positions. Positions stay on the device
/// until `each` reads them. Tells `progress` after each transition, those of the warm-up included.
/// The result is the run after the warm-up.
///
/// # Panics
///
/// If `thin` is 0.
pub fn stream<K: Kernel<E, X>, E, X>(
    kernel: &K,
    energy: &E,
    position: X,
    schedule: Schedule,
    noise: &mut Noise,
    progress: &mut dyn Progress,
    mut each: impl FnMut(usize, X),
) -> Run<X> {
    let Schedule { warmup, thin, .. } = schedule;
    assert!(thin > 0, "one of every 0 transitions can't be kept");
    let total = schedule.transitions();
    let warm = run_with(kernel, energy, position, warmup, noise, |step, _, _| {
        progress.advance(step, total);
    });
    let kept = total - warmup;
    run_with(
        kernel,
        energy,
        warm.position,
        kept,
        noise,
        |step, state, _| {
            if step.is_multiple_of(thin) {
                each(step / thin - 1, kernel.position(state));
            }
            progress.advance(warmup + step, total);
        },
    )
}

impl Draws {
    /// `[draws, chains, ..]`.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// One draw of all chains, `[chains, ..]` row-major.
    pub(crate) fn at(&self, draw: usize) -> &[f32] {
        let values: usize = self.shape[1..].iter().product();
        &self.values[draw * values..(draw + 1) * values]
    }

    /// All draws as one array, `[draws, chains, ..]`.
    pub fn to_data(&self) -> TensorData {
        TensorData::new(self.values.clone(), self.shape.clone())
    }

    /// Writes all draws in NumPy's `.npy` format: an array of f32, `[draws, chains, ..]`.
    ///
    /// ```no_run
    /// # fn demo(draws: ebm_sampling::Draws) -> std::io::Result<()> {
    /// draws.write_npy(std::fs::File::create("draws.npy")?)?; // numpy.load("draws.npy")
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// If the writer fails.
    pub fn write_npy(&self, writer: impl Write) -> io::Result<()> {
        ebm_ops::write_npy(writer, &self.to_data())
    }

    /// The number of values in a configuration.
    pub fn quantities(&self) -> usize {
        self.shape[2..].iter().product()
    }

    /// The draws of value number `quantity` (row-major), chain by chain, as the
    /// [`diagnostics`](crate::diagnostics) take them.
    ///
    /// # Panics
    ///
    /// If a configuration hasn't so many values.
    pub fn chains(&self, quantity: usize) -> Vec<Vec<f64>> {
        let (draws, chains, quantities) = (self.shape[0], self.shape[1], self.quantities());
        assert!(
            quantity < quantities,
            "there is no value {quantity} in a configuration of {quantities}"
        );
        let at = |draw, chain| f64::from(self.at(draw)[chain * quantities + quantity]);
        (0..chains)
            .map(|chain| (0..draws).map(|draw| at(draw, chain)).collect())
            .collect()
    }

    /// A summary of each value, named by its place, `x[0]` in vectors, `x[0,5,3]` in images;
    /// [`table`](crate::diagnostics::table) lays them out.
    ///
    /// # Panics
    ///
    /// If there are fewer draws than the diagnostics need.
    pub fn summaries(&self) -> Vec<Summary> {
        (0..self.quantities())
            .map(|quantity| summary(self.name(quantity), &self.chains(quantity)))
            .collect()
    }

    /// The name of value number `quantity`: `x` with its indices.
    fn name(&self, quantity: usize) -> String {
        let mut rest = quantity;
        let mut indices: Vec<String> = self.shape[2..]
            .iter()
            .rev()
            .map(|&size| {
                let index = rest % size;
                rest /= size;
                index.to_string()
            })
            .collect();
        indices.reverse();
        format!("x[{}]", indices.join(","))
    }
}
