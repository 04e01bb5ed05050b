//! Gradient descent as an update rule: each parameter in one pass, its velocity remembered under
//! burn's name.

use burn::optim::{LearningRate, Optimizer, RecordState, StateSink, StateSource};
use burn::tensor::{Device, Tensor};
use ebm_ops::GradientDescent;

/// Where the velocity is kept in a checkpoint: where burn's own rule keeps it.
const VELOCITY: &str = "momentum.velocity";

/// [`GradientDescent`], with a velocity or without one.
#[derive(Clone, Debug)]
pub(crate) struct DescentRule {
    /// Factor of the weight in its gradient.
    pub(crate) weight_decay: f64,
    /// Share of the velocity that is kept; `None` remembers none.
    pub(crate) momentum: Option<f64>,
}

/// What is remembered of a parameter.
#[derive(Clone, Debug)]
pub(crate) struct DescentState<const D: usize> {
    velocity: Option<Tensor<D>>,
}

impl<const D: usize> RecordState for DescentState<D> {
    fn state_flatten(&self, prefix: &str, out: &mut StateSink) {
        if let Some(velocity) = &self.velocity {
            out.push_tensor(prefix, VELOCITY, velocity.clone().into_data());
        }
    }

    fn state_unflatten(prefix: &str, src: &mut StateSource, device: &Device) -> Option<Self> {
        let velocity = src.take_tensor(prefix, VELOCITY);
        Some(Self {
            velocity: velocity.map(|data| Tensor::from_data(data, device)),
        })
    }
}

impl Optimizer for DescentRule {
    type State<const D: usize> = DescentState<D>;

    fn step<const D: usize>(
        &self,
        learning_rate: LearningRate,
        weight: Tensor<D>,
        gradient: Tensor<D>,
        state: Option<DescentState<D>>,
    ) -> (Tensor<D>, Option<DescentState<D>>) {
        let rule = GradientDescent {
            learning_rate,
            weight_decay: self.weight_decay,
            momentum: self.momentum.unwrap_or(0.0),
        };
        if self.momentum.is_none() {
            let state = DescentState { velocity: None };
            return (rule.step(weight, gradient), Some(state));
        }
        let velocity = state.and_then(|state| state.velocity);
        let (weight, velocity) = rule.step_with_velocity(weight, gradient, velocity);
        let velocity = Some(velocity);
        (weight, Some(DescentState { velocity }))
    }

    fn to_device<const D: usize>(state: DescentState<D>, device: &Device) -> DescentState<D> {
        DescentState {
            velocity: state.velocity.map(|velocity| velocity.to_device(device)),
        }
    }
}
