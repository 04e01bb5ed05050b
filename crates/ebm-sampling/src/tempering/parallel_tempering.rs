//! Parallel tempering: replicas at several temperatures that swap places, so that chains cross barriers.

use burn::tensor::{Device, Tensor, TensorData};
use ebm_models::{BlockConditional, Conditional};
use ebm_ops::Noise;

use crate::gibbs::check_blocks;
use crate::kernel::{Kernel, StepInfo};

/// Block Gibbs sampling of `exp(-b_t E)` at inverse temperatures `1 = b_0 > b_1 > ... >= 0`, and after each sweep
/// swaps of neighbours, accepted with probability `min(1, exp((b_t - b_{t+1}) (E_t - E_{t+1})))` (Swendsen & Wang 1986;
/// for restricted Boltzmann machines Desjardins et al. 2010). First the pairs (0, 1), (2, 3), ... are proposed, then
/// (1, 2), (3, 4), ...: deterministic pairs carry replicas faster than random ones (Syed et al. 2022).
///
/// # Shapes
///
/// All replicas of all chains are rows of one batch, temperature by temperature: `[temperatures * chains, units]`. The
/// first `chains` rows are the samples of the model. [`StepInfo::accepted`] is `[(temperatures - 1) * chains]`: for each
/// pair of neighbours, the colder first, whether each chain swapped; its mean over a run are the swap rates.
///
/// An inverse temperature of 0 is for binary units only: of Gaussian ones it is no distribution, and chains there become
/// infinite.
#[derive(Clone, Debug, PartialEq)]
pub struct ParallelTempering {
    inverse_temperatures: Vec<f64>,
}

/// Inverse temperatures that parallel tempering can't use.
#[derive(Clone, Debug, PartialEq)]
pub struct InvalidLadder {
    found: Vec<f64>,
}

impl std::fmt::Display for InvalidLadder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "found inverse temperatures {:?}, expected at least two that start at 1 and fall, none below 0",
            self.found
        )
    }
}

impl std::error::Error for InvalidLadder {}

impl ParallelTempering {
    /// A ladder of inverse temperatures.
    ///
    /// # Errors
    ///
    /// If it has fewer than two, doesn't start at 1, doesn't fall, or falls below 0.
    pub fn new(inverse_temperatures: Vec<f64>) -> Result<Self, InvalidLadder> {
        let falls = inverse_temperatures
            .windows(2)
            .all(|pair| pair[0] > pair[1]);
        let last = inverse_temperatures.last().copied().unwrap_or(-1.0);
        if inverse_temperatures.len() >= 2 && inverse_temperatures[0] == 1.0 && falls && last >= 0.0
        {
            Ok(Self {
                inverse_temperatures,
            })
        } else {
            Err(InvalidLadder {
                found: inverse_temperatures,
            })
        }
    }

    /// `count` inverse temperatures from 1 down to `lowest`, evenly spaced.
    ///
    /// # Errors
    ///
    /// As for [`new`](Self::new).
    pub fn linear(count: usize, lowest: f64) -> Result<Self, InvalidLadder> {
        let step = (1.0 - lowest) / count.saturating_sub(1).max(1) as f64;
        Self::new((0..count).map(|t| 1.0 - step * t as f64).collect())
    }

    /// The number of temperatures, and of replicas a chain.
    pub fn temperatures(&self) -> usize {
        self.inverse_temperatures.len()
    }

    /// For each row its inverse temperature: `[temperatures * chains, 1]`.
    fn column(&self, chains: usize, device: &Device) -> Tensor<2> {
        let rows: Vec<f32> = self
            .inverse_temperatures
            .iter()
            .flat_map(|&beta| std::iter::repeat_n(beta as f32, chains))
            .collect();
        let count = rows.len();
        Tensor::from_data(TensorData::new(rows, [count, 1]), device)
    }

    /// Proposes swaps of the pairs `(first, first + 1)`, `(first + 2, first + 3)`, ...
    fn swap<E: BlockConditional>(
        &self,
        energy: &E,
        states: &mut [Tensor<2>],
        first: usize,
        noise: &mut Noise,
    ) -> Option<Tensor<2>> {
        let pairs = (self.temperatures() - first) / 2;
        if pairs == 0 {
            return None;
        }
        let rows = states[0].dims()[0];
        let chains = rows / self.temperatures();
        let range = first * chains..(first + 2 * pairs) * chains;
        let device = states[0].device();
        let energies: Tensor<3> = energy
            .joint_energy(states)
            .slice(range.clone())
            .reshape([pairs, 2, chains]);
        let differences: Vec<f32> = (0..pairs)
            .map(|pair| {
                let t = first + 2 * pair;
                (self.inverse_temperatures[t] - self.inverse_temperatures[t + 1]) as f32
            })
            .collect();
        let differences: Tensor<2> =
            Tensor::from_data(TensorData::new(differences, [pairs, 1]), &device);
        let colder: Tensor<2> = energies.clone().narrow(1, 0, 1).squeeze_dim(1);
        let hotter: Tensor<2> = energies.narrow(1, 1, 1).squeeze_dim(1);
        let log_ratio = (colder - hotter) * differences;
        // u < exp(r) without the exponential of a large r; u is never 0.
        let u: Tensor<2> = noise.uniform([pairs, chains], &device);
        let accepted = u.neg().add_scalar(1.0).log().lower(log_ratio);
        for state in states.iter_mut() {
            let units = state.dims()[1];
            let shape = [pairs, 2, chains, units];
            let replicas: Tensor<4> = state.clone().slice(range.clone()).reshape(shape);
            let mask = accepted
                .clone()
                .reshape([pairs, 1, chains, 1])
                .expand(shape);
            let swapped = replicas.clone().mask_where(mask, replicas.flip([1]));
            let swapped = swapped.reshape([2 * pairs * chains, units]);
            *state = state
                .clone()
                .slice_assign([range.clone(), 0..units], swapped);
        }
        Some(accepted.float())
    }
}

impl<E: BlockConditional> Kernel<E, Vec<Tensor<2>>> for ParallelTempering {
    type State = Vec<Tensor<2>>;

    /// # Panics
    ///
    /// If the rows aren't a whole number of chains.
    fn init(&self, energy: &E, position: Vec<Tensor<2>>) -> Self::State {
        check_blocks(energy, &position);
        let rows = position[0].dims()[0];
        assert!(
            rows.is_multiple_of(self.temperatures()),
            "{rows} rows are no whole number of chains at {} temperatures",
            self.temperatures()
        );
        position.into_iter().map(Tensor::inner).collect()
    }

    fn step(
        &self,
        energy: &E,
        mut states: Self::State,
        noise: &mut Noise,
    ) -> (Self::State, StepInfo) {
        let rows = states[0].dims()[0];
        let chains = rows / self.temperatures();
        let beta = self.column(chains, &states[0].device());
        for block in energy.sweep() {
            states[block] = match energy.conditional(block, &states) {
                Conditional::Bernoulli(field) => noise.bernoulli_logits(field * beta.clone()),
                Conditional::Gaussian(mean) => {
                    let z: Tensor<2> = noise.normal(mean.shape(), &mean.device());
                    mean + z / beta.clone().sqrt()
                }
            };
        }
        let even = self.swap(energy, &mut states, 0, noise);
        let odd = self.swap(energy, &mut states, 1, noise);
        let info = StepInfo {
            accepted: Some(interleave(even, odd, self.temperatures() - 1, chains)),
            ..StepInfo::default()
        };
        (states, info)
    }

    fn position(&self, states: &Self::State) -> Vec<Tensor<2>> {
        states.clone()
    }
}

/// The rows of even and odd pairs in turn: `[pairs * chains]`.
fn interleave(
    even: Option<Tensor<2>>,
    odd: Option<Tensor<2>>,
    pairs: usize,
    chains: usize,
) -> Tensor<1> {
    let row = |pair: usize| {
        let half = if pair.is_multiple_of(2) { &even } else { &odd };
        half.clone().map(|half| half.narrow(0, pair / 2, 1))
    };
    let rows = (0..pairs).filter_map(row).collect();
    Tensor::cat(rows, 0).reshape([pairs * chains])
}
