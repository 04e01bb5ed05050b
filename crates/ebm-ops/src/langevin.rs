//! One step of Langevin dynamics, in one pass where there is a kernel.

use burn::tensor::{Bool, Tensor};

use crate::chains::{finite_chains, select_chains};
use crate::description::Interval;
#[cfg(any(feature = "cube", feature = "flex"))]
use crate::description::LangevinStep;
use crate::noise::Noise;

/// `x' = clamp(x - step_size * clip(g) + noise * z)`, `z ~ N(0, 1)`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LangevinUpdate {
    /// Factor of the gradient.
    pub step_size: f64,
    /// Standard deviation of the noise; 0 draws none.
    pub noise: f64,
    /// Each component of the gradient is limited to +-this.
    pub gradient_clip: Option<f64>,
    /// Positions are kept inside this range.
    pub clamp: Option<Interval>,
}

impl LangevinUpdate {
    /// The next position of each chain, and which chains made their step: `[batch]`.
    ///
    /// A chain whose energy, gradient or next position (before the clamp) is not finite goes to
    /// `start` instead.
    ///
    /// # Shapes
    ///
    /// - `x`, `gradient`, `start`: `[batch, ..]`
    /// - `energies`: `[batch]`
    ///
    /// # Panics
    ///
    /// If shapes differ.
    pub fn apply<const D: usize>(
        &self,
        x: Tensor<D>,
        gradient: Tensor<D>,
        energies: &Tensor<1>,
        start: &Tensor<D>,
        noise: &mut Noise,
    ) -> (Tensor<D>, Tensor<1, Bool>) {
        #[cfg(any(feature = "cube", feature = "flex"))]
        if crate::kernels::has_kernels(&x) {
            let step = self.step(x.shape().num_elements(), noise);
            return crate::kernels::langevin_update(step, x, gradient, energies, start);
        }
        let clipped = match self.gradient_clip {
            Some(limit) => gradient.clone().clamp(-limit, limit),
            None => gradient.clone(),
        };
        let mut position = x - clipped.mul_scalar(self.step_size);
        if self.noise > 0.0 {
            let draws: Tensor<D> = noise.normal(position.shape(), &position.device());
            position = position + draws.mul_scalar(self.noise);
        }
        // A clip or a clamp can hide what is not finite, so the values before them are checked.
        let finite = finite_chains(energies, gradient + position.clone());
        if let Some(Interval { low, high }) = self.clamp {
            position = position.clamp(low, high);
        }
        (select_chains(&finite, start.clone(), position), finite)
    }

    /// The update of so many values as kernels take it.
    #[cfg(any(feature = "cube", feature = "flex"))]
    fn step(&self, values: usize, noise: &mut Noise) -> LangevinStep {
        let all = Interval::new(f64::NEG_INFINITY, f64::INFINITY);
        let Interval { low, high } = self.clamp.unwrap_or(all);
        LangevinStep {
            step_size: self.step_size as f32,
            noise: self.noise as f32,
            clip: self.gradient_clip.unwrap_or(f64::INFINITY) as f32,
            clamp: (low as f32, high as f32),
            place: noise.place(if self.noise > 0.0 { values } else { 0 }),
        }
    }
}
