//! A penalty that keeps the energy's slope in the states small.

use burn::tensor::Tensor;
use ebm_models::Energy;
use ebm_sampling::energy_and_gradient;
use serde::{Deserialize, Serialize};

use super::{Loss, Points};
use crate::keys::{Documented, InvalidValue, check_positive};
use crate::metrics::Scalar;
use crate::trainable::rows;

/// Keeps a direction finite where there is no slope.
const TINY: f64 = 1e-12;

crate::keys! {
/// `weight * mean |dE/dx|^2 / 2`, over data or samples (Mescheder, Geiger & Nowozin 2018, R1 and
/// R2).
///
/// No second derivative is taken. With `v = dE/dx` held constant, `u = v / |v|` and a small
/// distance `h`,
///
/// ```text
/// d/dw |dE/dx|^2 / 2  =  v . d/dx dE/dw  =  d/dw |v| (E(x + h u) - E(x - h u)) / (2 h) + O(h^2)
/// ```
///
/// so that it is two more points for each `x`, with the weights `+-weight |v| / (2 h count)`.
/// Activations have to be smooth (Swish, softplus, tanh): of a piecewise linear energy the
/// difference is that over the pieces between the two points.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GradientPenalty {
    /// Factor of the penalty, above 0.
    pub weight: f64,
    /// Where the slope is penalised: at the `"data"`, the `"samples"` or `"both"`.
    #[serde(default)]
    pub at: PenalizedPoints,
    /// Root mean square distance, per value and in the unit of the data, over which slopes are
    /// taken, above 0.
    #[serde(default = "GradientPenalty::default_step")]
    pub step: f64,
}
}

/// Points at which the slope of the energy is penalised.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PenalizedPoints {
    /// The data (R1).
    #[default]
    Data,
    /// The samples (R2).
    Samples,
    /// All of them.
    Both,
}

impl Documented for PenalizedPoints {}

impl GradientPenalty {
    /// The penalty at the data, with this factor.
    pub fn new(weight: f64) -> Self {
        Self {
            weight,
            at: PenalizedPoints::default(),
            step: Self::default_step(),
        }
    }

    /// The same at other points.
    #[must_use]
    pub fn at(mut self, points: PenalizedPoints) -> Self {
        self.at = points;
        self
    }

    /// The same with slopes over another distance per value.
    #[must_use]
    pub fn with_step(mut self, step: f64) -> Self {
        self.step = step;
        self
    }

    /// In 784 values it is the h = 0.14 at which the identity is precise in f32.
    fn default_step() -> f64 {
        0.005
    }

    /// The points of the penalty at `x`, for the model as it is, off the autodiff graph. Their loss
    /// has the penalty as its value.
    ///
    /// # Shapes
    ///
    /// - `x`: `[batch, ..]`, which gives `2 batch` points
    ///
    /// # Panics
    ///
    /// If the energy doesn't depend on `x` through differentiable operations.
    pub fn points<E: Energy<D> + ?Sized, const D: usize>(
        &self,
        model: &E,
        x: Tensor<D>,
    ) -> Points<D> {
        let count = x.dims()[0];
        let values = x.shape().num_elements() / count;
        let distance = self.step * (values as f64).sqrt();
        let (_, slope) = energy_and_gradient(model, x.clone());
        let squares = rows(slope.clone()).square().sum_dim(1);
        let size = squares.clone().sqrt();
        let mut column = [1; D];
        column[0] = count;
        let unit = slope / size.clone().add_scalar(TINY).reshape(column);
        let shift = unit.mul_scalar(distance);

        let factor = self.weight / (2.0 * distance * count as f64);
        let weights: Tensor<1> = size.squeeze_dim::<1>(1).mul_scalar(factor);
        let weights = Tensor::cat(vec![weights.clone(), weights.neg()], 0);
        let penalty = squares.mean().mul_scalar(self.weight / 2.0);
        let sides = vec![x.clone() + shift.clone(), x - shift];
        Points::new(Tensor::cat(sides, 0), move |energies| {
            let slopes = (energies * weights.clone().autodiff()).sum();
            let value = slopes.clone() - slopes.detach();
            Loss {
                value: value + penalty.clone().autodiff(),
                scalars: vec![(Scalar::GRADIENT_PENALTY, penalty.clone())],
            }
        })
    }

    pub(super) fn validate(&self) -> Result<(), InvalidValue> {
        check_positive("objective.gradient_penalty.weight", self.weight)?;
        check_positive("objective.gradient_penalty.step", self.step)
    }
}
