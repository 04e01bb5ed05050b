//! Conditional distributions of blocks of units, which are independent given the other blocks.

use burn::tensor::Tensor;
use ebm_ops::activation::sigmoid;
use ebm_ops::softplus_sum;

/// The distribution of the units of one layer given the others: independent, with natural parameter
/// `field`.
#[derive(Clone, Debug)]
pub enum Conditional {
    /// `P(x_i = 1) = sigmoid(field_i)`: `[batch, units]`.
    Bernoulli(Tensor<2>),
    /// `x_i ~ N(field_i, 1)`: `[batch, units]`.
    Gaussian(Tensor<2>),
}

impl Conditional {
    /// The mean of each unit: `[batch, units]`.
    pub fn mean(self) -> Tensor<2> {
        match self {
            Self::Bernoulli(field) => sigmoid(field),
            Self::Gaussian(field) => field,
        }
    }
}

/// Units in blocks, each of which can be redrawn exactly given the others: what block Gibbs
/// sampling needs.
pub trait BlockConditional {
    /// The number of units of each block.
    fn block_sizes(&self) -> Vec<usize>;

    /// The blocks in the order in which a sweep redraws them.
    fn sweep(&self) -> Vec<usize>;

    /// The distribution of one block given the others; `states[block]` itself isn't used.
    ///
    /// # Shapes
    ///
    /// - `states`: for each block `[batch, units]`
    /// - output: `[batch, units of the block]`
    fn conditional(&self, block: usize, states: &[Tensor<2>]) -> Conditional;

    /// The energy of all units together, in nats: `[batch]`.
    fn joint_energy(&self, states: &[Tensor<2>]) -> Tensor<1>;
}

/// `sum_i log sum_x exp(x field_i - E_0(x))`, the logarithm of what a layer of units sums to:
/// `[batch]`.
///
/// `sum_i softplus(field_i)` for Bernoulli units, `sum_i (field_i^2 + log 2 pi) / 2` for Gaussian
/// ones.
pub fn log_sum(units: Conditional) -> Tensor<1> {
    match units {
        Conditional::Bernoulli(field) => softplus_sum(field),
        Conditional::Gaussian(field) => field
            .square()
            .add_scalar(std::f64::consts::TAU.ln())
            .sum_dim(1)
            .squeeze_dim::<1>(1)
            .mul_scalar(0.5),
    }
}
