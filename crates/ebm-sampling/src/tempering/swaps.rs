//! Swaps of replicas at neighbouring temperatures.

use burn::tensor::{Device, Tensor, TensorData};
use ebm_ops::{MetropolisDecision, Noise};

use super::ladder::Ladder;

/// The swap move on a ladder, with its arrays on the device once and for all.
///
/// Replicas `x_t`, `x_{t+1}` change places with probability
/// `min(1, exp((b_t - b_{t+1}) (E(x_t) - E(x_{t+1}))))`, computed as a logarithm, first the pairs
/// (0, 1), (2, 3), ..., then (1, 2), (3, 4), .... A configuration whose energy isn't finite never
/// goes to the colder of two temperatures.
#[derive(Clone, Debug)]
pub(super) struct Swaps {
    /// The even pairs and, of three temperatures or more, the odd ones.
    halves: Vec<Half>,
    pairs: usize,
}

/// Pairs that have no replica in common.
#[derive(Clone, Debug)]
struct Half {
    /// The colder temperature of the first pair.
    first: usize,
    /// `b_t - b_{t+1}`: `[pairs, 1]`.
    differences: Tensor<2>,
}

/// The swaps of all pairs of neighbours: `[temperatures - 1, chains]` each.
pub(super) struct Swapped {
    /// 1 where the pair swapped, else 0.
    pub(super) accepted: Tensor<2>,
    /// The probability with which it did.
    pub(super) probability: Tensor<2>,
}

impl Swaps {
    pub(super) fn new(ladder: &Ladder, device: &Device) -> Self {
        let pairs = ladder.temperatures() - 1;
        let half = |first: usize| {
            let differences: Vec<f32> = ladder
                .values()
                .windows(2)
                .skip(first)
                .step_by(2)
                .map(|pair| (pair[0] - pair[1]) as f32)
                .collect();
            let shape = [differences.len(), 1];
            Half {
                first,
                differences: Tensor::from_data(TensorData::new(differences, shape), device),
            }
        };
        Self {
            halves: (0..pairs.min(2)).map(half).collect(),
            pairs,
        }
    }

    /// Proposes a swap of every pair of every chain.
    ///
    /// # Shapes
    ///
    /// - `energies`: `E` of all rows, temperature by temperature, `[temperatures * chains]`;
    ///   swapped with the rows
    /// - `arrays`: what is swapped, `[temperatures * chains, values]` each
    pub(super) fn apply(
        &self,
        energies: &mut Tensor<1>,
        arrays: &mut [Tensor<2>],
        noise: &mut Noise,
    ) -> Swapped {
        let mut column: Tensor<2> = energies.clone().unsqueeze_dim(1);
        let halves: Vec<Swapped> = self
            .halves
            .iter()
            .map(|half| half.apply(self.pairs + 1, &mut column, arrays, noise))
            .collect();
        *energies = column.squeeze_dim(1);
        // Even and odd pairs in turn.
        let merge = |rows: fn(&Swapped) -> &Tensor<2>| {
            let row = |pair: usize| rows(&halves[pair % 2]).clone().narrow(0, pair / 2, 1);
            Tensor::cat((0..self.pairs).map(row).collect(), 0)
        };
        Swapped {
            accepted: merge(|half| &half.accepted),
            probability: merge(|half| &half.probability),
        }
    }
}

impl Half {
    fn apply(
        &self,
        temperatures: usize,
        energies: &mut Tensor<2>,
        arrays: &mut [Tensor<2>],
        noise: &mut Noise,
    ) -> Swapped {
        let chains = energies.dims()[0] / temperatures;
        let pairs = self.differences.dims()[0];
        let range = self.first * chains..(self.first + 2 * pairs) * chains;
        let both: Tensor<3> = energies
            .clone()
            .slice(range.clone())
            .reshape([pairs, 2, chains]);
        let colder: Tensor<2> = both.clone().narrow(1, 0, 1).squeeze_dim(1);
        let hotter: Tensor<2> = both.narrow(1, 1, 1).squeeze_dim(1);
        let flat = |x: Tensor<2>| x.reshape([pairs * chains]);
        let log_ratio = flat((colder - hotter.clone()) * self.differences.clone());
        let decision = MetropolisDecision::draw(log_ratio, flat(hotter).is_finite(), noise);
        for rows in std::iter::once(energies).chain(arrays) {
            let values = rows.dims()[1];
            let shape = [pairs, 2, chains, values];
            let replicas: Tensor<4> = rows.clone().slice(range.clone()).reshape(shape);
            let mask = decision
                .accepted
                .clone()
                .reshape([pairs, 1, chains, 1])
                .expand(shape);
            let swapped = replicas.clone().mask_where(mask, replicas.flip([1]));
            let swapped = swapped.reshape([2 * pairs * chains, values]);
            *rows = rows
                .clone()
                .slice_assign([range.clone(), 0..values], swapped);
        }
        Swapped {
            accepted: decision.accepted.float().reshape([pairs, chains]),
            probability: decision.probability.reshape([pairs, chains]),
        }
    }
}
