//! The energy of what a noisier image was before its last noise.

use burn::tensor::{Int, Tensor};
use ebm_models::Energy;
use ebm_ops::{lift, per_chain};

use super::levels::NoiseLevels;

/// `U(z) = E(x_(t+1) + d_t z, t) + |z|^2 / 2`, the energy of `y_t = x_(t+1) + d_t z` given the
/// noisier `x_(t+1)`, in units of the noise `d_t` between the levels, each chain with a level and a
/// noisier image of its own (Gao et al. 2021, equation 8).
///
/// In these units the width of the density is about 1 at each level, so that one step size serves
/// all. Chains start at `z = 0`, the noisier image.
///
/// # Shapes
///
/// - `z`: `[batch, ..]`, as the noisier images, without the entry for the level
#[derive(Clone, Debug)]
pub struct RecoveryEnergy<'a, M, const D: usize> {
    model: &'a M,
    /// `[batch, ..]`.
    noisier: Tensor<D>,
    /// `[batch, 1, ..]`.
    step_noise: Tensor<D>,
    /// What the network is told of the level: `[batch, 1, ..]`, of one value an example.
    input: Tensor<D>,
}

impl<'a, M, const D: usize> RecoveryEnergy<'a, M, D> {
    /// For noisier images of levels of their own, one above those in `levels`, `[batch]`.
    pub fn new(
        noise_levels: NoiseLevels,
        model: &'a M,
        levels: Tensor<1, Int>,
        noisier: Tensor<D>,
    ) -> Self {
        let of_each = |value: fn(&NoiseLevels, usize) -> f64| {
            noise_levels.select(value, levels.clone(), &noisier)
        };
        Self {
            model,
            step_noise: of_each(NoiseLevels::step_noise),
            input: of_each(NoiseLevels::input),
            noisier,
        }
    }

    /// For noisier images that are all one above `level`.
    pub(super) fn at(
        noise_levels: NoiseLevels,
        model: &'a M,
        level: usize,
        noisier: Tensor<D>,
    ) -> Self {
        let levels = Tensor::full([noisier.dims()[0]], level as i64, &noisier.device());
        Self::new(noise_levels, model, levels, noisier)
    }

    /// The image `y_t = x_(t+1) + d_t z` of a position.
    pub fn position(&self, z: Tensor<D>) -> Tensor<D> {
        let step_noise = lift(self.step_noise.clone(), &z);
        lift(self.noisier.clone(), &z) + z * step_noise
    }

    /// The noise `d_t` between the level of each chain and the one above it, by which the energies
    /// of the network are divided: `[batch]`.
    pub fn step_noises(&self) -> Tensor<1> {
        self.step_noise.clone().reshape([-1])
    }

    /// Images `y_t` with the entry for their level, as the network takes them.
    pub fn with_level(&self, y: Tensor<D>) -> Tensor<D> {
        let mut shape = y.dims();
        shape[1] = 1;
        let input = lift(self.input.clone(), &y).expand(shape);
        Tensor::cat(vec![y, input], 1)
    }
}

impl<M: Energy<D>, const D: usize> Energy<D> for RecoveryEnergy<'_, M, D> {
    fn energy(&self, z: Tensor<D>) -> Tensor<1> {
        let squares = per_chain(z.clone().square()).sum_dim(1).squeeze_dim(1);
        let energies = self.model.energy(self.with_level(self.position(z)));
        let step_noise = lift(self.step_noises(), &energies);
        energies / step_noise + squares.div_scalar(2.0)
    }
}
