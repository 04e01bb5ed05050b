//! The levels: how much signal and how much noise each has.

use burn::tensor::{Int, Tensor};
use ebm_models::Energy;
use ebm_ops::{Noise, Progress};
use serde::{Deserialize, Serialize};

use super::recovery_energy::RecoveryEnergy;
use crate::kernel::{Kernel, run};

/// The signal that is left at the last level, which looks like nothing but noise.
const LEAST_SIGNAL: f64 = 0.05;

/// Levels `x_t = s_t x + sqrt(1 - s_t^2) e`, `e ~ N(0, 1)`, `t = 0..=count`, of data with values
/// around -1 to 1. The logarithm of the signal-to-noise ratio `s^2 / (1 - s^2)` falls in equal
/// steps from that of `least_noise` at level 0 to that of a signal of 0.05 at level `count`.
///
/// The level below is `x_t = y_t / a_t` with `x_(t+1) = y_t + d_t e`, `a_t = s_(t+1) / s_t` and
/// `d_t = sqrt(1 - a_t^2)`. There are energies `E(y_t, t) = F(y_t, t) / d_t` for `t = 0..count`,
/// `F` that of a network: energies differ by about 1 over the noise `d_t` between two levels, so
/// that the slopes of `F` are about 1 at all of them.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct NoiseLevels {
    count: usize,
    least_noise: f64,
}

/// The energy of one level of a network that takes the level as one more entry of dimension 1:
/// `F(scale * x, t) / d_t`.
#[derive(Clone, Debug)]
pub struct AtLevel<'a, M> {
    model: &'a M,
    input: f64,
    scale: f64,
    step_noise: f64,
}

impl NoiseLevels {
    /// So many levels with energies, the first with noise of standard deviation 0.02.
    ///
    /// # Panics
    ///
    /// If there is none.
    pub fn new(count: usize) -> Self {
        assert!(count > 0, "noise levels must be 1 or more, found 0");
        Self {
            count,
            least_noise: 0.02,
        }
    }

    /// The same with noise of another standard deviation at level 0, in the unit of the data.
    ///
    /// # Panics
    ///
    /// If it isn't between 0 and 1.
    #[must_use]
    pub fn with_least_noise(mut self, std: f64) -> Self {
        assert!(
            std > 0.0 && std < 1.0,
            "the least noise must be between 0 and 1, found {std}"
        );
        self.least_noise = std;
        self
    }

    /// Levels with an energy.
    pub fn count(&self) -> usize {
        self.count
    }

    /// By how much the signal-to-noise ratio falls from level to level, which bounds how narrow the
    /// density of a [`RecoveryEnergy`] is: its precision is 1 or more by the noise between the
    /// levels, and this at most by that of the level itself, for data that are a point. Steps of
    /// chains must be well below the inverse of it.
    pub fn fall(&self) -> f64 {
        let [first, last] = self.ends();
        ((first - last) / self.count as f64).exp()
    }

    /// The logarithms of the first and the last signal-to-noise ratio.
    fn ends(&self) -> [f64; 2] {
        let ratio = |noise: f64| ((1.0 - noise * noise) / (noise * noise)).ln();
        [ratio(self.least_noise), -ratio(LEAST_SIGNAL)]
    }

    /// The factor `s_t` of the data at level `t`, 0 to [`count`](Self::count).
    pub fn signal(&self, level: usize) -> f64 {
        let [first, last] = self.ends();
        let here = first + (last - first) * level as f64 / self.count as f64;
        (1.0 / (1.0 + (-here).exp())).sqrt()
    }

    /// The factor `a_t` of level `t` in the one above it.
    pub fn scale(&self, level: usize) -> f64 {
        self.signal(level + 1) / self.signal(level)
    }

    /// The standard deviation `d_t` of the noise between level `t` and the one above it.
    pub fn step_noise(&self, level: usize) -> f64 {
        (1.0 - self.scale(level).powi(2)).sqrt()
    }

    /// What a network is told of level `t`: -1 for the first to 1 for the last.
    pub fn input(&self, level: usize) -> f64 {
        2.0 * level as f64 / (self.count - 1).max(1) as f64 - 1.0
    }

    /// A value of each chain's level, of rank `D` with one value a chain, on the device of `like`.
    pub fn select<const D: usize>(
        &self,
        value: impl Fn(&Self, usize) -> f64,
        levels: Tensor<1, Int>,
        like: &Tensor<D>,
    ) -> Tensor<D> {
        let values: Vec<f32> = (0..self.count)
            .map(|level| value(self, level) as f32)
            .collect();
        let mut shape = [1; D];
        shape[0] = levels.dims()[0];
        Tensor::<1>::from_floats(values.as_slice(), &like.device())
            .select(0, levels)
            .reshape(shape)
    }

    /// The energy of the data, those of level 0: `E(a_0 s_0 x, 0)`, whose density is that of the
    /// data with noise of `least_noise / s_0`.
    pub fn data_energy<'a, M>(&self, model: &'a M) -> AtLevel<'a, M> {
        AtLevel {
            model,
            input: self.input(0),
            scale: self.scale(0) * self.signal(0),
            step_noise: self.step_noise(0),
        }
    }

    /// Draws samples of the data: from nothing but noise level after level down, each by
    /// `transitions` of `kernel` on the [`RecoveryEnergy`], in units of the noise between the
    /// levels.
    ///
    /// # Shapes
    ///
    /// - `start`: `[batch, ..]`, draws of `N(0, 1)`, without the entry for the level -> the same
    pub fn sample<M, K, const D: usize>(
        &self,
        model: &M,
        kernel: &K,
        transitions: usize,
        start: Tensor<D>,
        noise: &mut Noise,
        progress: &mut dyn Progress,
    ) -> Tensor<D>
    where
        M: Energy<D>,
        K: for<'a> Kernel<RecoveryEnergy<'a, M, D>, Tensor<D>>,
    {
        let mut x = start;
        for level in (0..self.count).rev() {
            let start = Tensor::zeros_like(&x);
            let energy = RecoveryEnergy::at(*self, model, level, x);
            let moved = run(kernel, &energy, start, transitions, noise).position;
            x = energy.position(moved).div_scalar(self.scale(level));
            progress.advance(self.count - level, self.count);
        }
        x.div_scalar(self.signal(0))
    }
}

impl<M: Energy<D>, const D: usize> Energy<D> for AtLevel<'_, M> {
    fn energy(&self, x: Tensor<D>) -> Tensor<1> {
        let input = Tensor::full_like(&x.clone().narrow(1, 0, 1), self.input);
        self.model
            .energy(Tensor::cat(vec![x.mul_scalar(self.scale), input], 1))
            .div_scalar(self.step_noise)
    }

    fn takes_parts(&self) -> bool {
        self.model.takes_parts()
    }
}
