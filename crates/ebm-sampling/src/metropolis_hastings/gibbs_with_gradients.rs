//! Gibbs with gradients: flips of two-valued units, chosen by the gradient of the energy.

use burn::tensor::activation::log_softmax;
use burn::tensor::{Int, Tensor};
use ebm_models::{Coding, Energy};
use ebm_ops::{Noise, per_chain};
use serde::{Deserialize, Serialize};

use super::MetropolisHastings;
use super::proposal::Proposal;
use super::state::GradientState;
use crate::categorical::categorical;

/// Gibbs with gradients (Grathwohl et al., ICML 2021, algorithm 1): Metropolis-Hastings with
/// [`GradientFlip`] as proposal.
///
/// For discrete energies that are smooth functions of real vectors too, such as neural networks
/// over binary images: one gradient estimates what every flip would change, so that a step flips a
/// unit that is worth flipping. `exp(-E / T)` is stationary exactly, whatever the quality of the
/// estimates; poor ones cost acceptances. One energy and one gradient a step.
///
/// ```
/// # use burn::tensor::{Device, Tensor};
/// # use ebm_models::{Coding, RbmConfig};
/// # use ebm_ops::Noise;
/// use ebm_sampling::run;
/// use ebm_sampling::gibbs::random_states;
/// use ebm_sampling::metropolis_hastings::GibbsWithGradients;
///
/// # fn demo(device: Device) {
/// # let mut noise = Noise::new(7);
/// let machine = RbmConfig::new(784, 100).init(&device, &mut noise);
/// let start = random_states(Coding::Binary, [64, 784], &device, &mut noise);
/// let chains = run(&GibbsWithGradients::new(Coding::Binary), &machine, start, 1000, &mut noise);
/// # }
/// ```
pub type GibbsWithGradients = MetropolisHastings<GradientFlip>;

/// Flips one unit, chosen with probability `q(i | x) = softmax_i(d_i(x) / 2)`, where
///
/// ```text
/// d_i(x) = -(x_i' - x_i) dE/dx_i / T
/// ```
///
/// estimates to first order by how much flipping unit `i` from `x_i` to `x_i'` raises `-E / T`
/// (Grathwohl et al. 2021, equations 3 and 6; the half makes the proposal locally balanced, Zanella
/// 2020). The estimate is exact where the energy is linear in each unit between its two values, as
/// in a Boltzmann machine.
///
/// The way back flips the same unit, so the log-ratio is `log q(i | x') - log q(i | x)`. The
/// probability `q` of a unit is met to within `1e-7 q + 2^-48`, so that very unlikely units are as
/// rare as they should be.
///
/// A place where the gradient isn't finite is never entered. A chain that *starts* at one stays
/// there.
///
/// # Shapes
///
/// States are `[batch, ..]` and hold the two values of the coding and no others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GradientFlip {
    /// The two values of a unit.
    pub coding: Coding,
}

impl MetropolisHastings<GradientFlip> {
    /// Gibbs with gradients at temperature 1.
    pub fn new(coding: Coding) -> Self {
        Self::proposing(GradientFlip { coding })
    }
}

impl GradientFlip {
    /// By how much a flip changes each unit: `[batch, units]`.
    fn change<const D: usize>(&self, position: &Tensor<D>) -> Tensor<2> {
        let sum = self.coding.low() + self.coding.high();
        per_chain(position.clone()).mul_scalar(-2.0).add_scalar(sum)
    }

    /// `log q(i | x)` of each unit: `[batch, units]`.
    fn log_probabilities<const D: usize>(
        &self,
        state: &GradientState<D>,
        temperature: f64,
    ) -> Tensor<2> {
        let rise = self.change(&state.position) * per_chain(state.gradient.clone());
        log_softmax(rise.mul_scalar(-0.5 / temperature), 1)
    }
}

impl<E: Energy<D>, const D: usize> Proposal<E, D> for GradientFlip {
    type State = GradientState<D>;

    fn propose(&self, from: &GradientState<D>, temperature: f64, noise: &mut Noise) -> Tensor<D> {
        let log_probabilities = self.log_probabilities(from, temperature);
        let ([batch, units], device) = (log_probabilities.dims(), log_probabilities.device());
        let chosen = categorical(log_probabilities, noise).expand([batch, units]);
        let unit = Tensor::<1, Int>::arange(0..units as i64, &device)
            .unsqueeze::<2>()
            .expand([batch, units]);
        let states = per_chain(from.position.clone());
        let flipped = states.clone() + self.change(&from.position);
        states
            .mask_where(unit.equal(chosen), flipped)
            .reshape(from.position.shape())
    }

    fn log_ratio(
        &self,
        from: &GradientState<D>,
        to: &GradientState<D>,
        temperature: f64,
    ) -> Option<Tensor<1>> {
        let same = per_chain(from.position.clone()).equal(per_chain(to.position.clone()));
        // The unit that was flipped is the one to flip back.
        let of_flip = |state: &GradientState<D>| -> Tensor<1> {
            self.log_probabilities(state, temperature)
                .mask_fill(same.clone(), 0.0)
                .sum_dim(1)
                .squeeze_dim(1)
        };
        Some(of_flip(to) - of_flip(from))
    }
}
