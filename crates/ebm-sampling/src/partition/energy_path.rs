//! The annealing path of any energy, from a density that is known.

use burn::tensor::{Bool, Tensor};
use ebm_models::{Energy, WeightedSum};
use ebm_ops::{Noise, select_chains};

use super::annealing_path::AnnealingPath;
use super::replicas::ReplicaPath;
use crate::density::Density;
use crate::kernel::{Kernel, run};

/// `beta E(x) - (1 - beta) log q(x)`, the energy on which a kernel moves between the density `q`
/// and the model `exp(-E)`.
pub type Bridge<E, Q> = WeightedSum<(E, Q)>;

/// The geometric path from a density `q` to any energy, continuous or discrete:
///
/// ```text
/// p*_beta(x) = q(x)^(1 - beta) exp(-beta E(x))
/// ```
///
/// (Neal 2001, equation 3). `Z_0 = 1`, so that estimates are of `log Z = log int exp(-E(x)) dx`, or
/// the sum over states.
///
/// # Base
///
/// `q` must not be 0 where the model has probability: what lies there would be missing from `Z`. A
/// `q` that is wider than the model works well; a narrower one gives heavy-tailed weights. On the
/// way every `p*_beta` must have a finite integral, which a normal `q` gives to any energy that is
/// bounded below.
///
/// # Transitions
///
/// `kernel(beta)` is a kernel at its temperature 1 for `beta > 0`, moved on
/// [`energy_at`](Self::energy_at); `|_| kernel` is the same one everywhere. It must leave its
/// target as it is *exactly*: [`Mala`](crate::metropolis_hastings::Mala),
/// [`HamiltonianMonteCarlo`](crate::hamiltonian::HamiltonianMonteCarlo),
/// [`RandomWalkMetropolis`](crate::metropolis_hastings::RandomWalkMetropolis), of discrete states
/// [`GibbsWithGradients`](crate::metropolis_hastings::GibbsWithGradients),
/// [`EnumeratedGibbs`](crate::gibbs::EnumeratedGibbs). Unadjusted
/// [`Langevin`](crate::langevin::Langevin) steps are biased, the more the larger the step, and so
/// are then the estimates in both directions, which are no longer bounds. At `beta = 0` chains are
/// drawn anew.
///
/// A kernel starts anew at each temperature, at the cost of one energy, with its gradient if it
/// uses it; one more energy is for the weights. Several [transitions](Self::with_transitions) a
/// temperature share that cost.
///
/// # What is not finite
///
/// The model is taken to have no probability where its energy is not finite (`+inf`, `-inf` or
/// NaN), as the kernels do. A chain that the base puts there gets the weight 0 (log-weight `-inf`)
/// and keeps it; so does, in reverse, a sample whose base density is 0. Forward estimates stay
/// those of `log Z`. In reverse no chain reaches the part of the base where the model has no
/// probability: the estimate is of `log Z - log q(E is finite)`, still an upper bound, but one with
/// a gap that more temperatures don't close.
///
/// ```
/// # use burn::tensor::Device;
/// # use ebm_models::MlpConfig;
/// # use ebm_ops::Noise;
/// use ebm_sampling::partition::{AnnealedImportance, EnergyPath, TemperingSchedule};
/// use ebm_sampling::density::NormalDensity;
/// use ebm_sampling::hamiltonian::HamiltonianMonteCarlo;
///
/// # fn demo(device: Device) {
/// # let mut noise = Noise::new(7);
/// # let energy = MlpConfig::new(2, vec![64]).init(&device, &mut noise);
/// let base = NormalDensity::isotropic(0.0, 2.0, &[2], &device);
/// let kernel = |beta: f64| HamiltonianMonteCarlo::new(0.2 + 0.3 * (1.0 - beta), 5);
/// // The last parameter is the rank of a batch.
/// let path = EnergyPath::<_, _, _, 2>::new(energy, base, kernel);
/// let annealing = AnnealedImportance { schedule: TemperingSchedule::linear(200), chains: 1000 };
/// let lower = annealing.run(&path, &mut noise, &mut ());
/// let upper = annealing.run_reverse(&path, lower.states, &mut noise, &mut ());
/// println!("log Z is between {} and {}", lower.log_partition, upper.log_partition);
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct EnergyPath<E, Q, F, const D: usize> {
    energy: E,
    base: Q,
    kernel: F,
    transitions: usize,
}

impl<E, Q, F, const D: usize> EnergyPath<E, Q, F, D> {
    /// The path from `base` to `exp(-energy)`, with one transition of `kernel(beta)` a temperature.
    ///
    /// The rank `D` of a batch is 2 for vectors, 4 for images, as for [`Energy`].
    pub fn new<K>(energy: E, base: Q, kernel: F) -> Self
    where
        F: Fn(f64) -> K,
    {
        Self {
            energy,
            base,
            kernel,
            transitions: 1,
        }
    }

    /// Makes so many transitions at each temperature.
    ///
    /// # Panics
    ///
    /// If there are none.
    pub fn with_transitions(mut self, transitions: usize) -> Self {
        assert!(
            transitions > 0,
            "annealing needs transitions at each temperature, got 0"
        );
        self.transitions = transitions;
        self
    }

    /// The energy of `p*_beta`, e.g. to find steps with which enough proposals are accepted.
    pub fn energy_at(&self, beta: f64) -> Bridge<E, Q>
    where
        E: Clone,
        Q: Clone,
    {
        let terms = (self.energy.clone(), self.base.clone());
        WeightedSum::new(terms, vec![beta, 1.0 - beta])
    }
}

impl<E, Q, F, K, const D: usize> AnnealingPath for EnergyPath<E, Q, F, D>
where
    E: Energy<D> + Clone,
    Q: Density<D> + Clone,
    F: Fn(f64) -> K,
    K: Kernel<Bridge<E, Q>, Tensor<D>>,
{
    /// Where the chains are, `[chains, ..]`; samples of the model for reverse annealing.
    type State = Tensor<D>;

    /// 0: densities are normalised.
    fn base_log_partition(&self) -> f64 {
        0.0
    }

    fn draw_base(&self, chains: usize, noise: &mut Noise) -> Tensor<D> {
        self.base.draw(chains, noise).inner()
    }

    /// `(to - from) (-E(x) - log q(x))`, and `-inf` where either is not finite.
    fn log_ratio(&self, state: &Tensor<D>, from: f64, to: f64) -> Tensor<1> {
        let base = self.base.energy(state.clone()).inner();
        let slope = base - self.energy.energy(state.clone()).inner();
        let nowhere = slope.clone().is_finite().bool_not();
        slope
            .mul_scalar(to - from)
            .mask_fill(nowhere, f64::NEG_INFINITY)
    }

    fn step(&self, state: Tensor<D>, beta: f64, noise: &mut Noise) -> Tensor<D> {
        if beta == 0.0 {
            return self.draw_base(state.dims()[0], noise);
        }
        let (kernel, energy) = ((self.kernel)(beta), self.energy_at(beta));
        run(&kernel, &energy, state, self.transitions, noise).position
    }
}

impl<E, Q, F, K, const D: usize> ReplicaPath for EnergyPath<E, Q, F, D>
where
    E: Energy<D> + Clone,
    Q: Density<D> + Clone,
    F: Fn(f64) -> K,
    K: Kernel<Bridge<E, Q>, Tensor<D>>,
{
    fn exchange(
        &self,
        a: Tensor<D>,
        b: Tensor<D>,
        swapped: &Tensor<1, Bool>,
    ) -> (Tensor<D>, Tensor<D>) {
        (
            select_chains(swapped, a.clone(), b.clone()),
            select_chains(swapped, b, a),
        )
    }

    fn adopt(&self, state: Tensor<D>) -> Tensor<D> {
        state
    }
}
