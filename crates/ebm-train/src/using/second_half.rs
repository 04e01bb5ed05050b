//! The mean over the second half of a chain.

use burn::tensor::Tensor;

/// Sums what the second half of a chain passes through.
pub(super) struct SecondHalf<const D: usize> {
    first: usize,
    steps: usize,
    total: Option<Tensor<D>>,
}

impl<const D: usize> SecondHalf<D> {
    /// Nothing yet, of a chain of so many steps.
    pub(super) fn new(steps: usize) -> Self {
        Self {
            first: steps / 2 + 1,
            steps,
            total: None,
        }
    }

    /// Takes in what there is after a step, if it counts.
    pub(super) fn add(&mut self, step: usize, term: impl FnOnce() -> Tensor<D>) {
        if step >= self.first {
            self.total = Some(match self.total.take() {
                Some(total) => total + term(),
                None => term(),
            });
        }
    }

    /// The mean; `None` if nothing was taken in.
    pub(super) fn mean(self) -> Option<Tensor<D>> {
        let kept = (self.steps + 1 - self.first) as f64;
        Some(self.total?.div_scalar(kept))
    }
}
