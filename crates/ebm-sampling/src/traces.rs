//! Traces of chains: energy, size of the gradient and distance from the start, draw by draw.

use burn::tensor::{Device, Tensor, TensorData};
use ebm_models::Energy;

use crate::draws::Draws;
use crate::gradient::energy_and_gradient;
use crate::metropolis_hastings::squared_norm;

/// What an energy says of draws, chain by chain: `[chains][draws]`, as the
/// [`diagnostics`](crate::diagnostics) take them.
#[derive(Clone, Debug, PartialEq)]
pub struct EnergyTrace {
    /// Energies, in nats. Its R-hat and effective sample size say how the chains mix as a whole.
    pub energy: Vec<Vec<f64>>,
    /// Euclidean norms of the gradients.
    pub gradient_norm: Vec<Vec<f64>>,
}

impl Draws {
    /// The energy and the norm of the gradient of every draw, one evaluation of each a draw.
    ///
    /// # Panics
    ///
    /// If a batch of draws hasn't `D` dimensions.
    pub fn energy_trace<E: Energy<D>, const D: usize>(
        &self,
        energy: &E,
        device: &Device,
    ) -> EnergyTrace {
        let [draws, chains] = [self.shape()[0], self.shape()[1]];
        let mut trace = EnergyTrace {
            energy: vec![Vec::with_capacity(draws); chains],
            gradient_norm: vec![Vec::with_capacity(draws); chains],
        };
        for draw in 0..draws {
            let data = TensorData::new(self.at(draw).to_vec(), self.shape()[1..].to_vec());
            let x: Tensor<D> = Tensor::from_data(data, device);
            let (energies, gradient) = energy_and_gradient(energy, x);
            push(&mut trace.energy, energies);
            push(&mut trace.gradient_norm, squared_norm(gradient).sqrt());
        }
        trace
    }

    /// The Euclidean distance of every draw from the first draw of its chain: `[chains][draws]`.
    pub fn displacement(&self) -> Vec<Vec<f64>> {
        self.distances(|_| 0)
    }

    /// The mean squared Euclidean distance between successive draws of each chain, the expected
    /// squared jump distance that a good kernel makes large (Pasarica & Gelman 2010): `[chains]`.
    /// NaN for fewer than two draws.
    pub fn mean_squared_jump(&self) -> Vec<f64> {
        let jumps = self.distances(|draw| draw.saturating_sub(1));
        let mean = |chain: Vec<f64>| {
            // The first draw has none before it.
            let squares: f64 = chain.iter().skip(1).map(|jump| jump * jump).sum();
            squares / (chain.len() as f64 - 1.0)
        };
        jumps.into_iter().map(mean).collect()
    }

    /// The distance of every draw from draw number `from(draw)` of its chain: `[chains][draws]`.
    fn distances(&self, from: impl Fn(usize) -> usize) -> Vec<Vec<f64>> {
        let [draws, chains] = [self.shape()[0], self.shape()[1]];
        let values = self.quantities();
        let position = |draw, chain: usize| &self.at(draw)[chain * values..(chain + 1) * values];
        let distance = |draw, chain| {
            let pairs = position(draw, chain)
                .iter()
                .zip(position(from(draw), chain));
            let square = |(a, b): (&f32, &f32)| (f64::from(*a) - f64::from(*b)).powi(2);
            pairs.map(square).sum::<f64>().sqrt()
        };
        (0..chains)
            .map(|chain| (0..draws).map(|draw| distance(draw, chain)).collect())
            .collect()
    }
}

/// Adds one value to each chain.
fn push(chains: &mut [Vec<f64>], values: Tensor<1>) {
    let values = values.into_data();
    for (chain, value) in chains.iter_mut().zip(values.iter::<f64>()) {
        chain.push(value);
    }
}
