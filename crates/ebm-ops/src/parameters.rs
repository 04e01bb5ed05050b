//! Operations on parameters: a step of gradient descent, a moving average, a sum of squares.

use burn::tensor::Tensor;

#[cfg(feature = "flex")]
use crate::description::Descent;

/// Gradient descent with momentum and weight decay, of one parameter.
///
/// ```text
/// d  = weight_decay w + g
/// v' = momentum v + d          v' = d in the first step
/// w' = w - learning_rate v'
/// ```
///
/// Without dampening, as in the practical guides (Hinton 2012, sections 9 and 10).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GradientDescent {
    /// Factor of the velocity, in units of w^2 a nat.
    pub learning_rate: f64,
    /// Factor of the weight itself in its gradient, at least 0; 0 leaves it out.
    pub weight_decay: f64,
    /// Share of the velocity that is kept, 0 to 1.
    pub momentum: f64,
}

impl GradientDescent {
    /// A step without momentum: `w' = w - learning_rate (weight_decay w + g)`, off the autodiff
    /// graph.
    ///
    /// # Shapes
    ///
    /// All have one shape.
    pub fn step<const D: usize>(&self, weight: Tensor<D>, gradient: Tensor<D>) -> Tensor<D> {
        let (weight, gradient) = (weight.inner(), gradient.inner());
        #[cfg(feature = "flex")]
        if crate::flex::has_kernels(&weight) && crate::flex::has_kernels(&gradient) {
            return crate::flex::descend(self.descent(), weight, gradient);
        }
        let gradient = self.decayed(&weight, gradient);
        weight - gradient.mul_scalar(self.learning_rate)
    }

    /// A step with momentum: the weight and its velocity after it, off the autodiff graph;
    /// `velocity` is that of the step before, `None` in the first.
    ///
    /// # Shapes
    ///
    /// All have one shape.
    pub fn step_with_velocity<const D: usize>(
        &self,
        weight: Tensor<D>,
        gradient: Tensor<D>,
        velocity: Option<Tensor<D>>,
    ) -> (Tensor<D>, Tensor<D>) {
        let (weight, gradient) = (weight.inner(), gradient.inner());
        #[cfg(feature = "flex")]
        if let Some(velocity) = &velocity
            && [&weight, &gradient, velocity]
                .into_iter()
                .all(crate::flex::has_kernels)
        {
            return crate::flex::descend_with_velocity(
                self.descent(),
                weight,
                gradient,
                velocity.clone(),
            );
        }
        let gradient = self.decayed(&weight, gradient);
        let velocity = match velocity {
            Some(velocity) => gradient + velocity.mul_scalar(self.momentum),
            None => gradient,
        };
        let weight = weight - velocity.clone().mul_scalar(self.learning_rate);
        (weight, velocity)
    }

    /// The step as kernels take it.
    #[cfg(feature = "flex")]
    fn descent(&self) -> Descent {
        Descent {
            learning_rate: self.learning_rate as f32,
            weight_decay: self.weight_decay as f32,
            momentum: self.momentum as f32,
        }
    }

    fn decayed<const D: usize>(&self, weight: &Tensor<D>, gradient: Tensor<D>) -> Tensor<D> {
        if self.weight_decay == 0.0 {
            return gradient;
        }
        weight.clone().mul_scalar(self.weight_decay) + gradient
    }
}

/// `decay average + (1 - decay) value`, off the autodiff graph.
///
/// On Flex the result overwrites `average`, if no other tensor shares its memory.
///
/// # Shapes
///
/// Both have one shape.
pub fn moving_average<const D: usize>(
    average: Tensor<D>,
    value: Tensor<D>,
    decay: f64,
) -> Tensor<D> {
    let (average, value) = (average.inner(), value.inner());
    #[cfg(feature = "flex")]
    if crate::flex::has_kernels(&average) && crate::flex::has_kernels(&value) {
        return crate::flex::moving_average(average, value, decay);
    }
    average.mul_scalar(decay) + value.mul_scalar(1.0 - decay)
}

/// The sum of the squares of all values, `[1]`, off the autodiff graph.
pub fn square_sum<const D: usize>(x: Tensor<D>) -> Tensor<1> {
    let x = x.inner();
    #[cfg(feature = "flex")]
    if crate::flex::has_kernels(&x) {
        return crate::flex::square_sum(x);
    }
    x.square().sum()
}
