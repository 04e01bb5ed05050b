//! Means and variances of many chains over many draws, on the device.

use burn::tensor::Tensor;

/// Pooled over chains and draws, a batch at a time (Welford 1962; Chan, Golub & LeVeque 1983), so
/// that memory doesn't grow and no large squares are subtracted.
#[derive(Default)]
pub(super) struct RunningVariance {
    count: f64,
    /// `[1, values]` each: the mean, and the sum of squares about it.
    moments: Option<(Tensor<2>, Tensor<2>)>,
}

impl RunningVariance {
    /// Takes one draw of every chain: `[batch, values]`.
    pub(super) fn add(&mut self, x: Tensor<2>) {
        let count = x.dims()[0] as f64;
        let mean = x.clone().mean_dim(0);
        let squares = (x - mean.clone()).square().sum_dim(0);
        let total = self.count + count;
        self.moments = Some(match self.moments.take() {
            None => (mean, squares),
            Some((old_mean, old_squares)) => {
                let shift = mean - old_mean.clone();
                let between = shift
                    .clone()
                    .square()
                    .mul_scalar(self.count * count / total);
                (
                    old_mean + shift.mul_scalar(count / total),
                    old_squares + squares + between,
                )
            }
        });
        self.count = total;
    }

    /// Unbiased variances of the values, drawn a little towards 1e-3 as Stan does,
    /// `n / (n + 5) var + 1e-3 * 5 / (n + 5)`: `[values]`.
    ///
    /// `None` for fewer than two draws.
    pub(super) fn regularised(self) -> Option<Tensor<1>> {
        let n = self.count;
        let (_, squares) = self.moments.filter(|_| n >= 2.0)?;
        let variance: Tensor<1> = squares.div_scalar(n - 1.0).squeeze_dim(0);
        let prior = 1e-3 * 5.0 / (n + 5.0);
        Some(variance.mul_scalar(n / (n + 5.0)).add_scalar(prior))
    }
}
