//! The Metropolis-adjusted Langevin algorithm: Langevin steps as proposals.

use burn::tensor::Tensor;
use ebm_models::Energy;
use ebm_ops::Noise;
use serde::{Deserialize, Serialize};

use super::MetropolisHastings;
use super::proposal::Proposal;
use super::squared_norm::squared_norm;
use super::state::GradientState;

/// The Metropolis-adjusted Langevin algorithm (Besag 1994; Roberts & Tweedie 1996).
///
/// `exp(-E / T)` is stationary exactly, whatever the step; the bias of
/// [`Langevin`](crate::langevin::Langevin) is corrected by rejections. Efficiency is best where
/// about 57 % are accepted (Roberts & Rosenthal 1998). One gradient a step.
pub type Mala = MetropolisHastings<LangevinProposal>;

/// A Langevin step, `x' = x - step_size dE/dx + sqrt(2 step_size T) z`, so that
/// `log q(x' | x) = -|x' - x + step_size dE/dx|^2 / (4 step_size T)` up to a constant.
///
/// With that the log-ratio is `log q(x | x') - log q(x' | x)`. A proposal whose gradient is not
/// finite is rejected, since its way back has no density; so are all proposals of a chain that
/// starts at such a place.
///
/// # Shapes
///
/// Positions are `[batch, ..]`. `log q` is a sum of squares over all values of a configuration in
/// f32.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct LangevinProposal {
    /// Factor of the gradient, positive, in units of x^2 a nat.
    pub step_size: f64,
}

impl MetropolisHastings<LangevinProposal> {
    /// MALA at temperature 1.
    pub fn new(step_size: f64) -> Self {
        Self::proposing(LangevinProposal { step_size })
    }
}

impl LangevinProposal {
    /// `-log q(to | from)` up to a constant: `[batch]`.
    fn cost<const D: usize>(
        &self,
        from: &GradientState<D>,
        to: &GradientState<D>,
        temperature: f64,
    ) -> Tensor<1> {
        let mean = from.position.clone() - from.gradient.clone().mul_scalar(self.step_size);
        squared_norm(to.position.clone() - mean).div_scalar(4.0 * self.step_size * temperature)
    }
}

impl<E: Energy<D>, const D: usize> Proposal<E, D> for LangevinProposal {
    type State = GradientState<D>;

    fn propose(&self, from: &GradientState<D>, temperature: f64, noise: &mut Noise) -> Tensor<D> {
        let z: Tensor<D> = noise.normal(from.position.shape(), &from.position.device());
        let std = (2.0 * self.step_size * temperature).sqrt();
        let drift = from.gradient.clone().mul_scalar(self.step_size);
        from.position.clone() - drift + z.mul_scalar(std)
    }

    fn log_ratio(
        &self,
        from: &GradientState<D>,
        to: &GradientState<D>,
        temperature: f64,
    ) -> Option<Tensor<1>> {
        Some(self.cost(from, to, temperature) - self.cost(to, from, temperature))
    }
}
