//! The decision of Metropolis and Hastings, chain by chain: in one pass on Flex and on GPUs.

use burn::tensor::{Bool, Device, Tensor};

#[cfg(any(feature = "cube", feature = "flex"))]
use crate::kernels;
use crate::noise::Noise;

/// Which proposals of a batch are accepted.
#[derive(Clone, Debug)]
pub struct MetropolisDecision {
    /// Which are accepted: `[batch]`.
    pub accepted: Tensor<1, Bool>,
    /// The probability with which each was: `[batch]`.
    pub probability: Tensor<1>,
}

impl MetropolisDecision {
    /// Accepts each proposal that is `allowed` with probability `min(1, exp(log_ratio))`
    /// (Metropolis et al. 1953; Hastings 1970): where `log(1 - u) <= log_ratio`, with the `u` of
    /// [`Noise::uniform`].
    ///
    /// A ratio that is not a number is a rejection. The probability is met to within 2^-24: `1 - u`
    /// is one of `2^-24, 2 * 2^-24, .., 1`, so a ratio of 1 or more is always accepted, and one
    /// below 2^-24 never. States are then chosen by [`select_chains`](crate::select_chains). The
    /// result is not on the autodiff graph.
    ///
    /// # Shapes
    ///
    /// - `log_ratio`, `allowed`: `[batch]`
    ///
    /// # Panics
    ///
    /// If their lengths differ.
    pub fn draw(log_ratio: Tensor<1>, allowed: Tensor<1, Bool>, noise: &mut Noise) -> Self {
        assert_eq!(
            log_ratio.dims(),
            allowed.dims(),
            "proposals and which of them are allowed differ in number"
        );
        // A ratio that is never accepted; not -inf, as shaders may not support infinities.
        let log_ratio = log_ratio
            .inner()
            .mask_fill(allowed.bool_not(), f64::from(f32::MIN));
        #[cfg(any(feature = "cube", feature = "flex"))]
        if kernels::has_kernels(&log_ratio) {
            let place = noise.place(log_ratio.shape().num_elements());
            let (accepted, probability) = kernels::metropolis(log_ratio, place);
            return Self {
                accepted,
                probability,
            };
        }
        Self::composed(log_ratio, noise)
    }

    /// The same of ordinary operations.
    fn composed(log_ratio: Tensor<1>, noise: &mut Noise) -> Self {
        let device: Device = log_ratio.device();
        let not_a_number = log_ratio.clone().is_nan();
        let log_probability = log_ratio
            .clamp_max(0.0)
            .mask_fill(not_a_number, f64::from(f32::MIN));
        // 1 - u lies in (0, 1], where the logarithm is finite.
        let uniform: Tensor<1> = noise.uniform(log_probability.shape(), &device);
        let log_uniform = uniform.neg().add_scalar(1.0).log();
        Self {
            accepted: log_uniform.lower_equal(log_probability.clone()),
            probability: log_probability.exp(),
        }
    }
}

#[cfg(all(test, feature = "flex"))]
mod tests {
    use super::*;
    use burn::tensor::TensorData;

    /// Ratios around every limit, allowed or not, in batches of about a block of noise and of about
    /// a thread's share.
    #[test]
    fn the_kernel_decides_as_ordinary_operations_do() {
        let device = Device::flex();
        let edges = [
            f32::NAN,
            f32::INFINITY,
            f32::NEG_INFINITY,
            0.0,
            -0.0,
            1e-30,
            -1e-30,
            -16.635_532,
            -16.635_534,
            -104.0,
            3e38,
        ];
        for batch in [1, 3, 4, 5, 1000, 40_001] {
            let mut noise = Noise::new(batch as u64);
            let spread: Tensor<1> = noise.normal([batch], &device);
            let mut ratios: Vec<f32> = spread.into_data().iter::<f32>().collect();
            for (i, ratio) in ratios.iter_mut().enumerate().filter(|(i, _)| i % 3 == 0) {
                *ratio = edges[i / 3 % edges.len()];
            }
            let allowed: Vec<bool> = (0..batch).map(|i| i % 7 != 5).collect();
            let ratios: Tensor<1> = Tensor::from_data(TensorData::new(ratios, [batch]), &device);
            let allowed: Tensor<1, Bool> =
                Tensor::from_data(TensorData::new(allowed, [batch]), &device);
            let mut copy = noise.clone();
            let fused = MetropolisDecision::draw(ratios.clone(), allowed.clone(), &mut noise);
            let masked = ratios.mask_fill(allowed.bool_not(), f64::NEG_INFINITY);
            let plain = MetropolisDecision::composed(masked, &mut copy);
            assert_eq!(noise, copy, "the noise is elsewhere in its stream");
            assert_eq!(
                bits(fused.probability),
                bits(plain.probability),
                "batch of {batch}"
            );
            assert_eq!(
                fused
                    .accepted
                    .into_data()
                    .iter::<bool>()
                    .collect::<Vec<_>>(),
                plain
                    .accepted
                    .into_data()
                    .iter::<bool>()
                    .collect::<Vec<_>>(),
                "batch of {batch}"
            );
        }
    }

    fn bits(x: Tensor<1>) -> Vec<u32> {
        x.into_data().iter::<f32>().map(f32::to_bits).collect()
    }
}
