//! Where chains start, and restarts of some of a batch: on Flex only those are drawn that restart.

use crate::description::Interval;
#[cfg(feature = "flex")]
use crate::description::{Distribution, Fresh, HalfOpen, Restart};
use crate::fitted_gaussians::FittedGaussians;
use crate::noise::Noise;
use burn::tensor::{Device, Tensor};

/// The distribution of the first position of a chain.
#[derive(Clone, Debug)]
pub enum StartingPoints {
    /// Uniform on `[low, high)`.
    Uniform(Interval),
    /// Normal.
    Normal {
        /// Mean.
        mean: f64,
        /// Standard deviation.
        std: f64,
    },
    /// One of the two ends with equal probability, for binary units.
    Binary(Interval),
    /// Gaussians with the means and the covariances of groups of examples.
    Fitted(Box<FittedGaussians>),
}

impl StartingPoints {
    /// Draws values of a shape, on a device.
    ///
    /// # Panics
    ///
    /// If the range of uniforms is empty; see [`Noise::uniform_in`].
    pub fn draw<const D: usize>(
        &self,
        shape: [usize; D],
        device: &Device,
        noise: &mut Noise,
    ) -> Tensor<D> {
        match self {
            Self::Uniform(range) => noise.uniform_in(shape, *range, device),
            Self::Normal { mean, std } => {
                let draws: Tensor<D> = noise.normal(shape, device);
                draws.mul_scalar(*std).add_scalar(*mean)
            }
            Self::Binary(ends) => {
                let coins = noise.bernoulli_logits(Tensor::<D>::zeros(shape, device));
                coins.mul_scalar(ends.width()).add_scalar(ends.low)
            }
            Self::Fitted(gaussians) => gaussians.draw(shape, device, noise),
        }
    }

    /// Moves each chain of `x` to a fresh start with the given probability, and leaves the others;
    /// off the autodiff graph.
    ///
    /// A chain restarts where `u < probability`, with one `u` of [`Noise::uniform`] for each chain.
    /// Then fresh values are drawn for all chains, and those that restart take theirs. So the noise
    /// moves on by the same amount whatever restarts, and shapes don't change from call to call,
    /// which suits GPUs. On Flex only the values that are needed are computed.
    ///
    /// # Shapes
    ///
    /// - `x` and output: `[batch, ..]`
    pub fn restart<const D: usize>(
        &self,
        x: Tensor<D>,
        probability: f64,
        noise: &mut Noise,
    ) -> Tensor<D> {
        let x = x.inner();
        #[cfg(feature = "flex")]
        if let Some(fresh) = self.fresh()
            && crate::flex::has_kernels(&x)
        {
            let restart = Restart {
                probability: probability as f32,
                choice: noise.place(x.dims()[0]),
                fresh,
                draw: noise.place(x.shape().num_elements()),
            };
            return crate::flex::restart(x, restart);
        }
        self.composed(x, probability, noise)
    }

    /// How the kernel makes fresh values; `None` where they aren't made one by one.
    #[cfg(feature = "flex")]
    fn fresh(&self) -> Option<Fresh> {
        Some(match *self {
            // A factor of 1 and a shift of 0 change no bit, as a uniform is never -0.
            Self::Uniform(range) => Fresh::Scaled {
                draws: Distribution::Uniform(HalfOpen::new(range)),
                scale: 1.0,
                shift: 0.0,
            },
            Self::Normal { mean, std } => Fresh::Scaled {
                draws: Distribution::Normal,
                scale: std as f32,
                shift: mean as f32,
            },
            Self::Binary(ends) => Fresh::Coins {
                low: ends.low as f32,
                width: ends.width() as f32,
            },
            Self::Fitted(_) => return None,
        })
    }

    /// The same of ordinary operations.
    fn composed<const D: usize>(
        &self,
        x: Tensor<D>,
        probability: f64,
        noise: &mut Noise,
    ) -> Tensor<D> {
        let (shape, device) = (x.dims(), x.device());
        let mut column = [1; D];
        column[0] = shape[0];
        let restart = noise
            .uniform::<D>(column, &device)
            .lower_scalar(probability);
        let fresh = self.draw(shape, &device, noise);
        x.mask_where(restart.expand(shape), fresh)
    }
}

#[cfg(all(test, feature = "flex"))]
mod tests {
    use super::*;

    /// Rows that begin anywhere in a block of noise, odd lengths, images; no chain restarts, some
    /// do, all do.
    #[test]
    fn the_kernel_restarts_as_ordinary_operations_do() {
        let device = Device::flex();
        let starts = [
            StartingPoints::Uniform(Interval::new(-1.0, 0.3)),
            StartingPoints::Normal {
                mean: 0.2,
                std: 1.3,
            },
            StartingPoints::Binary(Interval::new(-1.0, 2.0)),
        ];
        for start in starts {
            for shape in [[1, 1, 1], [7, 3, 1], [9, 1, 6], [200, 5, 37], [64, 28, 28]] {
                for probability in [0.0, 0.05, 0.5, 1.0] {
                    let mut noise = Noise::new(6);
                    let x: Tensor<3> = noise.normal(shape, &device);
                    let mut copy = noise.clone();
                    let fused = start.restart(x.clone(), probability, &mut noise);
                    let plain = start.composed(x, probability, &mut copy);
                    assert_eq!(noise, copy, "the noise is elsewhere in its stream");
                    assert_eq!(
                        bits(fused),
                        bits(plain),
                        "{start:?}, {shape:?}, probability {probability}"
                    );
                }
            }
        }
    }

    fn bits(x: Tensor<3>) -> Vec<u32> {
        x.into_data().iter::<f32>().map(f32::to_bits).collect()
    }
}
