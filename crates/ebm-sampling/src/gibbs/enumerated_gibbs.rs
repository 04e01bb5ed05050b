//! Gibbs sampling of any discrete energy: the conditional of a site is found by trying its values.

use burn::tensor::Tensor;
use ebm_models::Energy;
use ebm_ops::Noise;
use serde::{Deserialize, Serialize};

use super::single_site_gibbs::SiteOrder;
use crate::categorical::categorical;
use crate::kernel::{Kernel, StepInfo};

/// Redraws every site of a state given all others, one at a time: one step is one sweep (Geman &
/// Geman 1984).
///
/// A site takes value `v` of `values` with probability
/// `exp(-E(x | x_i = v) / T) / sum_u exp(-E(x | x_i = u) / T)`, the energies of all its values
/// being computed. That is exact for any energy over finitely many values a site (spins, bits,
/// colours of a Potts model, grey levels), and takes `sites * values` energies of a chain a sweep.
/// Machines whose fields are known move by [`SingleSiteGibbs`](crate::gibbs::SingleSiteGibbs) or
/// [`BlockGibbs`](crate::gibbs::BlockGibbs), smooth energies by
/// [`GibbsWithGradients`](crate::metropolis_hastings::GibbsWithGradients), for much less.
///
/// A value whose energy is not finite has probability 0; a site that has only such values stays as
/// it is. Probabilities `p` are met to within about `1e-7 p + 2^-48` and the rounding of the
/// energies.
///
/// # Shapes
///
/// States are `[batch, ..]`, each value of a configuration a site. A site that starts at a value
/// that isn't in the list takes one of the list at its first visit. The energy is asked for
/// `values * batch` configurations at a time.
///
/// ```
/// # use burn::tensor::{Device, Tensor};
/// # use ebm_models::MlpConfig;
/// # use ebm_ops::Noise;
/// use ebm_sampling::run;
/// use ebm_sampling::gibbs::EnumeratedGibbs;
///
/// # fn demo(device: Device) {
/// # let mut noise = Noise::new(7);
/// // Images of 16 pixels with four grey levels.
/// let energy = MlpConfig::new(16, vec![64]).init(&device, &mut noise);
/// let start = Tensor::<4>::zeros([100, 1, 4, 4], &device);
/// let kernel = EnumeratedGibbs::new(vec![0.0, 0.25, 0.5, 0.75]);
/// let chains = run(&kernel, &energy, start, 50, &mut noise).position; // [100, 1, 4, 4]
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EnumeratedGibbs {
    /// The values that a site can take, each once.
    pub values: Vec<f64>,
    /// Temperature in nats, above 0.
    pub temperature: f64,
    /// The order in which sites are visited.
    pub order: SiteOrder,
}

impl EnumeratedGibbs {
    /// Gibbs sampling of `exp(-E)` over sites with these values, in random order.
    pub fn new(values: Vec<f64>) -> Self {
        Self {
            values,
            temperature: 1.0,
            order: SiteOrder::default(),
        }
    }

    /// Samples `exp(-E / temperature)`.
    pub fn with_temperature(mut self, temperature: f64) -> Self {
        self.temperature = temperature;
        self
    }

    /// Visits the sites in this order.
    pub fn with_order(mut self, order: SiteOrder) -> Self {
        self.order = order;
        self
    }

    /// Draws the value of one site of each chain: `[batch, 1]`.
    fn redraw<E: Energy<D>, const D: usize>(
        &self,
        energy: &E,
        states: &Tensor<2>,
        site: usize,
        shape: [usize; D],
        noise: &mut Noise,
    ) -> Tensor<2> {
        let (batch, device) = (shape[0], states.device());
        let count = self.values.len();
        let tried = self
            .values
            .iter()
            .map(|&value| {
                let column = Tensor::full([batch, 1], value, &device);
                states
                    .clone()
                    .slice_assign([0..batch, site..site + 1], column)
            })
            .collect();
        let mut shape = shape;
        shape[0] = count * batch;
        let energies = energy.energy(Tensor::cat(tried, 0).reshape(shape)).inner();
        let energies: Tensor<2> = energies.reshape([count, batch]).transpose();
        let impossible = energies.clone().is_finite().bool_not();
        // Above the lowest, so that nothing of the noise is lost to the rounding of large energies.
        let lowest = energies
            .clone()
            .mask_fill(impossible.clone(), f64::from(f32::MAX))
            .min_dim(1);
        let log_weights = (lowest - energies)
            .div_scalar(self.temperature)
            .mask_fill(impossible.clone(), f64::NEG_INFINITY);
        let values: Vec<f32> = self.values.iter().map(|&value| value as f32).collect();
        let values: Tensor<1> = Tensor::from_floats(values.as_slice(), &device);
        let chosen = categorical(log_weights, noise).flatten::<1>(0, 1);
        let drawn = values.select(0, chosen).reshape([batch, 1]);
        let stuck = impossible.all_dim(1);
        drawn.mask_where(stuck, states.clone().narrow(1, site, 1))
    }
}

impl<E: Energy<D>, const D: usize> Kernel<E, Tensor<D>> for EnumeratedGibbs {
    type State = Tensor<D>;

    /// # Panics
    ///
    /// If a site has no values, or the temperature isn't positive and finite.
    fn init(&self, _energy: &E, position: Tensor<D>) -> Tensor<D> {
        assert!(!self.values.is_empty(), "a site needs at least one value");
        assert!(
            self.temperature > 0.0 && self.temperature.is_finite(),
            "a temperature must be above 0, found {}",
            self.temperature
        );
        position.inner()
    }

    fn step(&self, energy: &E, state: Tensor<D>, noise: &mut Noise) -> (Tensor<D>, StepInfo) {
        let shape = state.dims();
        let (batch, sites) = (shape[0], shape[1..].iter().product());
        let mut states: Tensor<2> = state.reshape([batch, sites]);
        let order = match self.order {
            SiteOrder::Fixed => (0..sites).collect(),
            SiteOrder::RandomPermutation => noise.permutation(sites),
        };
        for site in order {
            let drawn = self.redraw(energy, &states, site, shape, noise);
            states = states.slice_assign([0..batch, site..site + 1], drawn);
        }
        (states.reshape(shape), StepInfo::default())
    }

    fn position(&self, state: &Tensor<D>) -> Tensor<D> {
        state.clone()
    }
}
