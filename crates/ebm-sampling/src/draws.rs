//! Draws: chains with their warm-up thrown away, thinned, and kept on the host.

use burn::tensor::{Tensor, TensorData};
use ebm_ops::Noise;

use crate::diagnostics::{Summary, summary};
use crate::kernel::{Kernel, Run, run, run_with};

/// How many transitions are made, and which of them are kept: `warmup` are thrown away, then of every `thin` the last is
/// kept, `draws` in all.
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
/// Memory grows with the number of draws, and each draw is read back from the device. For more draws than fit, or for
/// something smaller than positions, [`run_with`] calls back after each transition instead.
///
/// The second result is the run after the warm-up: where the chains are, and their acceptance.
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
    assert!(
        schedule.thin > 0,
        "one of every 0 transitions can't be kept"
    );
    let mut shape = vec![schedule.draws];
    shape.extend(position.dims());
    let mut values = Vec::with_capacity(shape.iter().product());
    let warm = run(kernel, energy, position, schedule.warmup, noise).position;
    let steps = schedule.draws * schedule.thin;
    let after = run_with(kernel, energy, warm, steps, noise, |step, state, _| {
        if step.is_multiple_of(schedule.thin) {
            let draw = kernel.position(state).into_data().convert::<f32>();
            values.extend(draw.iter::<f32>());
        }
    });
    (Draws { values, shape }, after)
}

impl Draws {
    /// `[draws, chains, ..]`.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// All draws as one array, `[draws, chains, ..]`.
    pub fn to_data(&self) -> TensorData {
        TensorData::new(self.values.clone(), self.shape.clone())
    }

    /// The number of values in a configuration.
    pub fn quantities(&self) -> usize {
        self.shape[2..].iter().product()
    }

    /// The draws of value number `quantity` (row-major), chain by chain, as the [`diagnostics`](crate::diagnostics) take them.
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
        let at = |draw: usize, chain: usize| {
            f64::from(self.values[(draw * chains + chain) * quantities + quantity])
        };
        (0..chains)
            .map(|chain| (0..draws).map(|draw| at(draw, chain)).collect())
            .collect()
    }

    /// A summary of each value, named `x[0]`, `x[1]`, ...; [`table`](crate::diagnostics::table) lays them out.
    ///
    /// # Panics
    ///
    /// If there are fewer draws than the diagnostics need.
    pub fn summaries(&self) -> Vec<Summary> {
        (0..self.quantities())
            .map(|quantity| summary(format!("x[{quantity}]"), &self.chains(quantity)))
            .collect()
    }
}
