//! The loss of an update and its gradient: of the weights as they are, or at the sharpest point
//! near them.

use burn::tensor::Tensor;

use super::Trainer;
use crate::objectives::{Loss, Points};
use crate::optimizer::ParameterGradients;
use crate::trainable::{Trainable, hidden_means};

impl<M: Trainable<D>, const D: usize> Trainer<M, D> {
    /// The loss of the model, and the gradient that its parameters follow: of the loss, or, where
    /// sharpness is minimised, of the loss of the weights a step up that gradient.
    pub(super) fn differentiate(
        &self,
        points: &Points<D>,
        data: &Tensor<D>,
    ) -> (Loss, ParameterGradients) {
        let gradient_at = |model: &M| {
            let loss = self.evaluate(model, points, data);
            let gradients = ParameterGradients::collect(model, loss.value.backward());
            (loss, gradients)
        };
        let (loss, gradients) = gradient_at(&self.model);
        let Some(radius) = self.recipe.optimizer.sharpness_radius() else {
            return (loss, gradients);
        };
        let sharpest = gradients.ascend(self.model.clone(), radius);
        (loss, gradient_at(&sharpest).1)
    }

    /// The loss of a model at the points of an update, with the penalty beside the objective.
    fn evaluate(&self, model: &M, points: &Points<D>, data: &Tensor<D>) -> Loss {
        let mut loss = points.evaluate(model);
        if let Some(sparsity) = &self.sparsity {
            let states = data.clone().autodiff();
            let hidden = hidden_means(&model.structure(), states);
            if let Some(penalty) = sparsity.penalty(hidden) {
                loss.value = loss.value + penalty;
            }
        }
        loss
    }
}
