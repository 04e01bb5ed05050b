//! Offsets of a centred deep Boltzmann machine: folded in, taken out, moved with the means.

use burn::module::Param;
use burn::tensor::Tensor;

use super::Dbm;
use crate::layered::LayeredMachine;
use crate::precision::times;
use crate::rbm::replace;

impl Dbm {
    /// The same distribution with offsets of 0, which [`with_means`](Self::with_means) then moves.
    #[must_use]
    pub fn centered(mut self) -> Self {
        let plain = self.uncentered();
        let offsets = plain
            .biases()
            .into_iter()
            .map(|bias| Param::from_tensor(bias.zeros_like()).set_require_grad(false));
        self.offsets = Some(offsets.collect());
        self
    }

    /// The offsets of a centred machine, layer by layer.
    pub fn offsets(&self) -> Option<Vec<Tensor<1>>> {
        let offsets = self.offsets.as_ref()?;
        Some(offsets.iter().map(Param::val).collect())
    }

    /// The same distribution with conventional parameters, without offsets.
    pub fn uncentered(&self) -> Self {
        let weights = self.weights.iter().map(|weight| weight.val().detach());
        let biases = self.biases().into_iter().map(Tensor::detach);
        Self::from_parameters(weights.collect(), biases.collect()).with_inference(self.inference)
    }

    /// Moves the offsets towards `means`, one vector a layer, by `rate` times their distance. The
    /// biases move with them, so that the distribution stays the same:
    ///
    /// ```text
    /// b_l' = b_l + W_l (lambda'_{l+1} - lambda_{l+1}) + W_{l-1}^T (lambda'_{l-1} - lambda_{l-1})
    /// ```
    ///
    /// A machine without offsets stays as it is.
    ///
    /// # Panics
    ///
    /// If there isn't one vector a layer, with its units.
    #[must_use]
    pub fn with_means(mut self, means: &[Tensor<1>], rate: f64) -> Self {
        let Some(old) = self.offsets.take() else {
            return self;
        };
        let found: Vec<usize> = means.iter().map(|mean| mean.dims()[0]).collect();
        let expected = self.sizes();
        assert_eq!(
            found, expected,
            "layers of {expected:?} units take as many means, got {found:?}"
        );
        let changes: Vec<Tensor<1>> = old
            .iter()
            .zip(means)
            .map(|(offset, mean)| (mean.clone() - offset.val().inner()).mul_scalar(rate))
            .collect();
        let sent = sent(&self.inner_weights(), &changes);
        let moved = |bias: Param<Tensor<1>>, change: Tensor<1>| {
            let value = bias.val().inner() + change;
            replace(bias, value)
        };
        let mut sent = sent.into_iter();
        if let Some(change) = sent.next() {
            self.visible_bias = moved(self.visible_bias, change);
        }
        self.hidden_biases = self
            .hidden_biases
            .into_iter()
            .zip(sent)
            .map(|(bias, change)| moved(bias, change))
            .collect();
        let offsets = old.into_iter().zip(changes).map(|(offset, change)| {
            let value = offset.val().inner() + change;
            replace(offset, value)
        });
        self.offsets = Some(offsets.collect());
        self
    }

    fn inner_weights(&self) -> Vec<Tensor<2>> {
        self.weights
            .iter()
            .map(|weight| weight.val().inner())
            .collect()
    }
}

/// What values of all layers send to each: `W_l x_{l+1} + W_{l-1}^T x_{l-1}`.
pub(super) fn sent(weights: &[Tensor<2>], values: &[Tensor<1>]) -> Vec<Tensor<1>> {
    let from_above = |l: usize| times(weights[l].clone(), values[l + 1].clone());
    let from_below = |l: usize| times(weights[l - 1].clone().transpose(), values[l - 1].clone());
    (0..values.len())
        .map(|l| match (l > 0, l < weights.len()) {
            (true, true) => from_above(l) + from_below(l),
            (true, false) => from_below(l),
            (false, _) => from_above(l),
        })
        .collect()
}
