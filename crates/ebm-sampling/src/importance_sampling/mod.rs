//! Samples from draws of a density: weighted (importance sampling), or exact by rejection.

mod rejection;
mod resampling;
mod weights;

use burn::tensor::Tensor;
use ebm_models::Energy;
use ebm_ops::{Noise, row_indices};

pub use rejection::{RejectionError, RejectionSample, RejectionSampler};
pub use weights::{ImportanceError, ImportanceWeights};

use crate::density::{Density, weigh};
use crate::estimate::Estimate;

/// Draws of a density `q`, weighted to stand for the target: `w = exp(-E(x)) / q(x)`.
#[derive(Clone, Debug)]
pub struct ImportanceSample<const D: usize> {
    /// The draws, off the autodiff graph: `[count, ..]`.
    pub samples: Tensor<D>,
    /// Their weights. `E[w] = Z`, as `q` is normalised.
    pub weights: ImportanceWeights,
    /// Draws whose energy was not a number; their weight is zero.
    pub not_a_number: usize,
}

/// Draws `count` times from `proposal` and weighs the draws for `exp(-E)`.
///
/// `q` must be positive wherever the target is. If it is much smaller than the target somewhere,
/// few draws get all the weight; if `q` doesn't reach a place at all, the result lacks it without
/// any sign. Unlike [`RejectionSampler`] it needs no
/// bound.
///
/// A draw with an energy of `+inf` has a weight of zero. So has one whose energy is not a number;
/// these are counted. The target, and `log Z`, are thus restricted to where the energy is a number,
/// as in Metropolis and rejection sampling.
///
/// The energies of all draws are computed as one batch and read back once.
///
/// ```
/// # use burn::tensor::{Device, Tensor};
/// # use ebm_models::Energy;
/// # use ebm_ops::Noise;
/// use ebm_sampling::density::NormalDensity;
/// use ebm_sampling::importance_sampling::{ImportanceError, importance_sample};
///
/// # fn demo(energy: impl Energy<2>, device: Device) -> Result<(), ImportanceError> {
/// let proposal = NormalDensity::isotropic(0.0, 1.5, &[3], &device);
/// let draws = importance_sample::<_, _, 2>(&energy, &proposal, 10_000, &mut Noise::new(7))?;
/// let squares: Tensor<1> = draws.samples.clone().square().sum_dim(1).squeeze_dim(1);
/// println!("E |x|^2 = {}", draws.expectation(squares)?);
/// println!("log Z = {}", draws.weights.log_partition());
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// If no draw has a positive weight, or one has an infinite weight: an energy of `-inf`, or a
/// density that is zero at its own draw.
///
/// # Panics
///
/// If `count` is 0.
pub fn importance_sample<E: Energy<D>, Q: Density<D>, const D: usize>(
    energy: &E,
    proposal: &Q,
    count: usize,
    noise: &mut Noise,
) -> Result<ImportanceSample<D>, ImportanceError> {
    assert!(
        count > 0,
        "importance sampling needs at least one draw, got 0"
    );
    let drawn = weigh(energy, proposal, count, noise);
    let mut log_weights = drawn.log_weights;
    let mut not_a_number = 0;
    for weight in log_weights.iter_mut().filter(|weight| weight.is_nan()) {
        *weight = f64::NEG_INFINITY;
        not_a_number += 1;
    }
    Ok(ImportanceSample {
        samples: drawn.positions,
        weights: ImportanceWeights::new(log_weights)?,
        not_a_number,
    })
}

impl<const D: usize> ImportanceSample<D> {
    /// [`ImportanceWeights::expectation`] of values on the device, which are read back: `[count]`.
    ///
    /// # Errors
    ///
    /// If the weights can't be believed, or a value is not finite where the weight is positive.
    ///
    /// # Panics
    ///
    /// If there isn't one value a draw.
    pub fn expectation(&self, values: Tensor<1>) -> Result<Estimate, ImportanceError> {
        let values: Vec<f64> = values.inner().into_data().iter::<f64>().collect();
        self.weights.expectation(&values)
    }

    /// `count` equally weighted draws by [`ImportanceWeights::resample`]: `[count, ..]`, copies of
    /// a draw side by side.
    ///
    /// # Errors
    ///
    /// If the weights can't be believed.
    ///
    /// # Panics
    ///
    /// If `count` is 0.
    pub fn resample(&self, count: usize, noise: &mut Noise) -> Result<Tensor<D>, ImportanceError> {
        let indices = self.weights.resample(count, noise)?;
        let indices = row_indices(&indices, &self.samples.device());
        Ok(self.samples.clone().select(0, indices))
    }
}
