//! Uniform values in a box.

use burn::tensor::{Device, Tensor};
use ebm_models::Energy;
use ebm_ops::{Interval, Noise};

use super::{Density, batch_shape, flat};

/// Independent uniforms on `[low, high)`: `-log q(x) = n log(high - low)` for `n` values inside,
/// `+inf` outside.
#[derive(Clone, Debug)]
pub struct UniformDensity {
    range: Interval,
    /// The shape of a configuration.
    shape: Vec<usize>,
    /// Where draws are made.
    device: Device,
}

impl UniformDensity {
    /// Uniforms on `[low, high)` for all values of configurations of `shape`.
    ///
    /// # Panics
    ///
    /// If `low < high` doesn't hold, or an end isn't finite.
    pub fn new(range: impl Into<Interval>, shape: &[usize], device: &Device) -> Self {
        let range = range.into();
        let Interval { low, high } = range;
        assert!(
            low < high && low.is_finite() && high.is_finite(),
            "a box needs finite ends with low < high, found low = {low} and high = {high}"
        );
        Self {
            range,
            shape: shape.to_vec(),
            device: device.clone().inner(),
        }
    }
}

impl<const D: usize> Energy<D> for UniformDensity {
    fn energy(&self, x: Tensor<D>) -> Tensor<1> {
        let x = flat(x, &self.shape);
        let values = x.dims()[1] as f64;
        let inside = x
            .clone()
            .greater_equal_scalar(self.range.low)
            .bool_and(x.clone().lower_equal_scalar(self.range.high));
        // Zero with a zero gradient, for samplers that need a gradient.
        let walls = x
            .mul_scalar(0.0)
            .mask_fill(inside.bool_not(), f64::INFINITY);
        walls
            .sum_dim(1)
            .squeeze_dim::<1>(1)
            .add_scalar(values * self.range.width().ln())
    }
}

impl<const D: usize> Density<D> for UniformDensity {
    fn draw(&self, count: usize, noise: &mut Noise) -> Tensor<D> {
        let shape = batch_shape::<D>(count, &self.shape);
        noise.uniform_in(shape, self.range, &self.device)
    }
}
