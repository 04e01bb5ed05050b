//! The modern (dense, continuous) Hopfield network, whose update is the attention of transformers.

use burn::module::{Module, Param};
use burn::tensor::Tensor;
use burn::tensor::activation::softmax;

use crate::energy::Energy;

/// A memory of `N` patterns `x_k`, the rows of `X`, for continuous states `xi`:
///
/// ```text
/// E(xi) = -1/beta ln sum_k exp(beta x_k . xi) + 1/2 |xi|^2 + 1/beta ln N + 1/2 max_k |x_k|^2
/// ```
///
/// The energy lies between 0 and `2 M^2`, `M = max_k |x_k|`, for states no longer than `M`. The
/// update `xi <- sum_k softmax_k(beta x_k . xi) x_k` never raises it. The number of patterns that
/// can be told apart grows exponentially with the dimension. With a large `beta` each pattern has a
/// valley of its own, with a small one averages of patterns have one.
///
/// Patterns are parameters; `beta` is not saved.
///
/// Source: Ramsauer et al., "Hopfield Networks is All You Need" (2021), theorem 3 and equations
/// 2 and 3. The energy with `exp` over spins is that of Demircigil et al. (2017), after Krotov &
/// Hopfield (2016).
#[derive(Module, Debug)]
pub struct DenseAssociativeMemory {
    patterns: Param<Tensor<2>>,
    beta: f64,
}

impl DenseAssociativeMemory {
    /// A memory of the given patterns.
    ///
    /// # Shapes
    ///
    /// - `patterns`: `[count, features]`
    ///
    /// # Panics
    ///
    /// If there is no pattern, or `beta` isn't positive and finite.
    pub fn new(patterns: Tensor<2>, beta: f64) -> Self {
        let shape = patterns.dims();
        assert!(
            shape[0] > 0 && shape[1] > 0,
            "a memory needs at least one pattern, found shape {shape:?}"
        );
        assert!(
            beta > 0.0 && beta.is_finite(),
            "beta must be positive and finite, found {beta}"
        );
        Self {
            patterns: Param::from_tensor(patterns),
            beta,
        }
    }

    /// The stored patterns: `[count, features]`.
    pub fn patterns(&self) -> Tensor<2> {
        self.patterns.val()
    }

    /// The inverse temperature `beta` of the softmax.
    pub fn beta(&self) -> f64 {
        self.beta
    }

    /// Repeats `xi <- sum_k softmax_k(beta x_k . xi) x_k`; one step is usually enough.
    ///
    /// # Shapes
    ///
    /// `states`: `[batch, features]` -> the same
    ///
    /// # Panics
    ///
    /// If a state hasn't as many values as a pattern.
    pub fn retrieve(&self, mut states: Tensor<2>, steps: usize) -> Tensor<2> {
        for _ in 0..steps {
            let weights = softmax(self.scores(states), 1);
            states = weights.matmul(self.patterns.val());
        }
        states
    }

    /// `beta x_k . xi`: `[batch, features]` -> `[batch, count]`.
    fn scores(&self, states: Tensor<2>) -> Tensor<2> {
        let (found, patterns) = (states.dims(), self.patterns.dims());
        assert_eq!(
            found[1], patterns[1],
            "states of shape {found:?} don't fit patterns of shape {patterns:?}"
        );
        states
            .matmul(self.patterns.val().transpose())
            .mul_scalar(self.beta)
    }
}

impl<const D: usize> Energy<D> for DenseAssociativeMemory {
    fn energy(&self, x: Tensor<D>) -> Tensor<1> {
        let shape = x.dims();
        let states: Tensor<2> = x.reshape([shape[0], shape[1..].iter().product()]);
        let scores = self.scores(states.clone());
        // The greatest score leaves the sum, so that no exponential overflows.
        let greatest = scores.clone().detach().max_dim(1);
        let sums = (scores - greatest.clone()).exp().sum_dim(1).log() + greatest;
        let norms = states.square().sum_dim(1);
        let longest = self.patterns.val().square().sum_dim(1).max();
        let count = self.patterns.dims()[0] as f64;
        let energy = norms.mul_scalar(0.5) - sums.div_scalar(self.beta);
        energy.squeeze_dim::<1>(1) + longest.mul_scalar(0.5) + count.ln() / self.beta
    }
}
