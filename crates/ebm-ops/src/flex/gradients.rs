//! The backward passes of matrix products and convolutions on Flex.

use burn::backend::Flex;
use burn::backend::TensorMetadata;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops};
use burn::backend::flex::FlexTensor;

use super::{convolution, linear};
use crate::description::Stride2d;

/// The gradients of a convolution, of those of its inputs that are asked for.
#[derive(Debug)]
pub(super) struct ConvolutionGradients;

/// What they need.
#[derive(Clone, Debug)]
pub(super) struct ConvolutionState {
    pub(super) x: FlexTensor,
    pub(super) weight: FlexTensor,
    pub(super) steps: Stride2d,
}

impl Backward<Flex, 3> for ConvolutionGradients {
    type State = ConvolutionState;

    fn backward(
        self,
        ops: Ops<Self::State, 3>,
        gradients: &mut Gradients,
        _checkpointer: &mut Checkpointer,
    ) {
        let ConvolutionState { x, weight, steps } = ops.state;
        let gradient = gradients.consume::<Flex>(&ops.node);
        let [x_node, weight_node, bias_node] = ops.parents;
        if let Some(node) = x_node {
            let of_x = convolution::input_gradient(&gradient, &weight, &x.shape(), steps);
            gradients.register::<Flex>(node.id, of_x);
        }
        if let Some(node) = weight_node {
            let of_weight = convolution::weight_gradient(&x, &gradient, &weight, steps);
            gradients.register::<Flex>(node.id, of_weight);
        }
        if let Some(node) = bias_node {
            gradients.register::<Flex>(node.id, convolution::bias_gradient(&gradient));
        }
    }
}

/// The gradients of a linear map, of those of its inputs that are asked for.
#[derive(Debug)]
pub(super) struct LinearGradients;

impl Backward<Flex, 3> for LinearGradients {
    type State = [FlexTensor; 2];

    fn backward(
        self,
        ops: Ops<Self::State, 3>,
        gradients: &mut Gradients,
        _checkpointer: &mut Checkpointer,
    ) {
        let [x, weight] = ops.state;
        let gradient = gradients.consume::<Flex>(&ops.node);
        let [x_node, weight_node, bias_node] = ops.parents;
        if let Some(node) = x_node {
            let of_x = linear::input_gradient(&gradient, &weight);
            gradients.register::<Flex>(node.id, of_x);
        }
        if let Some(node) = weight_node {
            let of_weight = linear::weight_gradient(&x, &gradient);
            gradients.register::<Flex>(node.id, of_weight);
        }
        if let Some(node) = bias_node {
            gradients.register::<Flex>(node.id, linear::column_sums(&gradient));
        }
    }
}
