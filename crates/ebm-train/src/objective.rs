//! The contrastive-divergence objective, the same for every model.

use burn::tensor::Tensor;
use ebm_models::Energy;

/// `mean E(data) - mean E(samples) + alpha * mean(E(data)^2 + E(samples)^2)`.
///
/// Its gradient is the contrastive-divergence estimate of the gradient of the negative log-likelihood
/// (Hinton 2002); the squares keep energies near zero (Du & Mordatch 2019), where `alpha` is a weight in
/// 1/nat.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ContrastiveDivergence {
    /// The weight `alpha` of the squared energies, at least 0.
    pub energy_regularizer: f64,
}

/// The objective and its parts, on the autodiff graph.
#[derive(Clone, Debug)]
pub struct Objective {
    /// What is minimised: `[1]`.
    pub loss: Tensor<1>,
    /// Mean energy of the data: `[1]`.
    pub data_energy: Tensor<1>,
    /// Mean energy of the samples: `[1]`.
    pub sample_energy: Tensor<1>,
}

/// `cost * sum_j (mean_batch P(h_j = 1) - target)^2`, over all hidden units (Lee, Ekanadham & Ng 2008).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sparsity {
    /// Mean activity that each hidden unit should have.
    pub target: f64,
    /// Weight of the penalty.
    pub cost: f64,
}

impl Sparsity {
    /// The penalty, `[1]`; `None` without hidden units.
    ///
    /// # Shapes
    ///
    /// - `hidden`: for each layer the means given the data, `[batch, units]`
    pub fn penalty(&self, hidden: Vec<Tensor<2>>) -> Option<Tensor<1>> {
        hidden
            .into_iter()
            .map(|means| {
                let distance = means.mean_dim(0).sub_scalar(self.target);
                distance.square().sum().mul_scalar(self.cost)
            })
            .reduce(|total, layer| total + layer)
    }
}

impl ContrastiveDivergence {
    /// Evaluates both batches in one pass.
    ///
    /// # Shapes
    ///
    /// - `data`, `samples`: `[batch, ..]`, of the same shape
    pub fn evaluate<E: Energy<D>, const D: usize>(
        &self,
        model: &E,
        data: Tensor<D>,
        samples: Tensor<D>,
    ) -> Objective {
        let count = data.dims()[0];
        let total = count + samples.dims()[0];
        let energies = model.energy(Tensor::cat(vec![data, samples], 0));
        let data_energies = energies.clone().slice(0..count);
        let sample_energies = energies.slice(count..total);
        let data_energy = data_energies.clone().mean();
        let sample_energy = sample_energies.clone().mean();
        let mut loss = data_energy.clone() - sample_energy.clone();
        if self.energy_regularizer > 0.0 {
            let squares = data_energies.square().mean() + sample_energies.square().mean();
            loss = loss + squares.mul_scalar(self.energy_regularizer);
        }
        Objective {
            loss,
            data_energy,
            sample_energy,
        }
    }
}
