//! The operations that Flex has kernels for, and their backward passes.

use burn::backend::autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind, unary};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, AutodiffBackend, Backend, Flex, TensorMetadata, backend_extension};
use burn::tensor::Shape;

use super::langevin::{self, Step};
use super::{convolution, elementwise, units};
use crate::convolution::Stride2d;
use crate::elementwise::Elementwise;

/// Operations on the tensors of burn's dispatch, for the backends listed.
#[backend_extension(Flex, Autodiff)]
pub(crate) trait FlexOps: Backend {
    /// A function of each value.
    fn elementwise(x: FloatTensor<Self>, function: Elementwise) -> FloatTensor<Self>;

    /// The convolution of images.
    fn image_convolution(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        steps: Stride2d,
    ) -> FloatTensor<Self>;

    /// `sum_j softplus(x_ij)` of each row.
    fn softplus_sum(x: FloatTensor<Self>) -> FloatTensor<Self>;

    /// 1 with the probability of these log-odds, else 0; not on a graph.
    fn coins(logits: FloatTensor<Self>, key: u64, first: u64) -> FloatTensor<Self>;

    /// The next positions of Langevin chains, and 1 for each that made its step; not on a graph.
    fn langevin_update(
        x: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        energies: FloatTensor<Self>,
        start: FloatTensor<Self>,
        step: Step,
    ) -> (FloatTensor<Self>, FloatTensor<Self>);
}

/// What backward passes need of the backend under the graph.
pub(crate) trait FlexKernels: FlexOps {
    /// A function of each value, and its derivatives.
    fn elementwise_with_slopes(
        x: FloatTensor<Self>,
        function: Elementwise,
    ) -> (FloatTensor<Self>, FloatTensor<Self>);

    /// The product, value by value, of tensors of one shape.
    fn product(x: FloatTensor<Self>, y: FloatTensor<Self>) -> FloatTensor<Self>;

    /// The gradient of a convolution with respect to images of this shape.
    fn conv2d_input_gradient(
        gradient: &FloatTensor<Self>,
        weight: &FloatTensor<Self>,
        shape: &Shape,
        steps: Stride2d,
    ) -> FloatTensor<Self>;

    /// The gradient of a convolution with respect to weights of this shape.
    fn conv2d_weight_gradient(
        x: &FloatTensor<Self>,
        gradient: &FloatTensor<Self>,
        shape: &Shape,
        steps: Stride2d,
    ) -> FloatTensor<Self>;

    /// The gradient of a convolution with respect to the bias.
    fn conv2d_bias_gradient(gradient: &FloatTensor<Self>) -> FloatTensor<Self>;

    /// `sum_j softplus(x_ij)` of each row, and `sigmoid(x)`.
    fn softplus_sum_and_means(x: FloatTensor<Self>) -> (FloatTensor<Self>, FloatTensor<Self>);

    /// Each row of `x` times its factor.
    fn scale_rows(x: FloatTensor<Self>, factors: &FloatTensor<Self>) -> FloatTensor<Self>;
}

impl FlexOps for Flex {
    fn elementwise(x: FloatTensor<Self>, function: Elementwise) -> FloatTensor<Self> {
        elementwise::values(x, function)
    }

    fn image_convolution(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        steps: Stride2d,
    ) -> FloatTensor<Self> {
        convolution::forward(&x, &weight, bias, steps)
    }

    fn softplus_sum(x: FloatTensor<Self>) -> FloatTensor<Self> {
        units::softplus_sum(&x)
    }

    fn coins(logits: FloatTensor<Self>, key: u64, first: u64) -> FloatTensor<Self> {
        units::bernoulli_logits(logits, key, first)
    }

    fn langevin_update(
        x: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        energies: FloatTensor<Self>,
        start: FloatTensor<Self>,
        step: Step,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        langevin::update(step, x, &gradient, &energies, &start)
    }
}

impl FlexKernels for Flex {
    fn elementwise_with_slopes(
        x: FloatTensor<Self>,
        function: Elementwise,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        elementwise::values_and_slopes(x, function)
    }

    fn product(x: FloatTensor<Self>, y: FloatTensor<Self>) -> FloatTensor<Self> {
        elementwise::product(x, y)
    }

    fn conv2d_input_gradient(
        gradient: &FloatTensor<Self>,
        weight: &FloatTensor<Self>,
        shape: &Shape,
        steps: Stride2d,
    ) -> FloatTensor<Self> {
        convolution::input_gradient(gradient, weight, shape, steps)
    }

    fn conv2d_weight_gradient(
        x: &FloatTensor<Self>,
        gradient: &FloatTensor<Self>,
        shape: &Shape,
        steps: Stride2d,
    ) -> FloatTensor<Self> {
        convolution::weight_gradient(x, gradient, shape, steps)
    }

    fn conv2d_bias_gradient(gradient: &FloatTensor<Self>) -> FloatTensor<Self> {
        convolution::bias_gradient(gradient)
    }

    fn softplus_sum_and_means(x: FloatTensor<Self>) -> (FloatTensor<Self>, FloatTensor<Self>) {
        units::softplus_sum_and_means(x)
    }

    fn scale_rows(x: FloatTensor<Self>, factors: &FloatTensor<Self>) -> FloatTensor<Self> {
        units::scale_rows(x, factors)
    }
}

/// The gradient of sums of softplus, with the sigmoids that the forward pass has left.
#[derive(Debug)]
struct MeansTimesRow;

impl<B: FlexKernels> Backward<B, 1> for MeansTimesRow {
    type State = FloatTensor<B>;

    fn backward(
        self,
        ops: Ops<Self::State, 1>,
        gradients: &mut Gradients,
        _checkpointer: &mut Checkpointer,
    ) {
        let means = ops.state;
        unary::<B, _>(ops.parents, ops.node, gradients, |gradient| {
            B::scale_rows(means, &gradient)
        });
    }
}

/// The chain rule with derivatives that the forward pass has left.
#[derive(Debug)]
struct TimesSlopes;

impl<B: FlexKernels> Backward<B, 1> for TimesSlopes {
    type State = FloatTensor<B>;

    fn backward(
        self,
        ops: Ops<Self::State, 1>,
        gradients: &mut Gradients,
        _checkpointer: &mut Checkpointer,
    ) {
        let slopes = ops.state;
        unary::<B, _>(ops.parents, ops.node, gradients, |gradient| {
            B::product(gradient, slopes)
        });
    }
}

/// The gradients of a convolution, of those of its inputs that are asked for.
#[derive(Debug)]
struct ConvolutionGradients;

/// What they need.
#[derive(Clone, Debug)]
struct ConvolutionState<B: Backend> {
    x: FloatTensor<B>,
    weight: FloatTensor<B>,
    steps: Stride2d,
}

impl<B: FlexKernels> Backward<B, 3> for ConvolutionGradients {
    type State = ConvolutionState<B>;

    fn backward(
        self,
        ops: Ops<Self::State, 3>,
        gradients: &mut Gradients,
        _checkpointer: &mut Checkpointer,
    ) {
        let ConvolutionState { x, weight, steps } = ops.state;
        let gradient = gradients.consume::<B>(&ops.node);
        let [x_node, weight_node, bias_node] = ops.parents;
        if let Some(node) = x_node {
            let of_x = B::conv2d_input_gradient(&gradient, &weight, &x.shape(), steps);
            gradients.register::<B>(node.id, of_x);
        }
        if let Some(node) = weight_node {
            let of_weight = B::conv2d_weight_gradient(&x, &gradient, &weight.shape(), steps);
            gradients.register::<B>(node.id, of_weight);
        }
        if let Some(node) = bias_node {
            gradients.register::<B>(node.id, B::conv2d_bias_gradient(&gradient));
        }
    }
}

impl<B: FlexKernels, C: CheckpointStrategy> FlexOps for Autodiff<B, C> {
    fn elementwise(x: FloatTensor<Self>, function: Elementwise) -> FloatTensor<Self> {
        match TimesSlopes
            .prepare::<C>([x.node()])
            .compute_bound()
            .stateful()
        {
            OpsKind::Tracked(prepared) => {
                let (values, slopes) = B::elementwise_with_slopes(x.into_primitive(), function);
                prepared.finish(slopes, values)
            }
            OpsKind::UnTracked(prepared) => {
                prepared.finish(B::elementwise(x.into_primitive(), function))
            }
        }
    }

    fn image_convolution(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        steps: Stride2d,
    ) -> FloatTensor<Self> {
        let prepared = ConvolutionGradients
            .prepare::<C>([x.node(), weight.node(), bias.node()])
            .compute_bound()
            .stateful();
        let (x, weight, bias) = (
            x.into_primitive(),
            weight.into_primitive(),
            bias.into_primitive(),
        );
        match prepared {
            OpsKind::Tracked(prepared) => {
                let y = B::image_convolution(x.clone(), weight.clone(), bias, steps);
                prepared.finish(ConvolutionState { x, weight, steps }, y)
            }
            OpsKind::UnTracked(prepared) => {
                prepared.finish(B::image_convolution(x, weight, bias, steps))
            }
        }
    }

    fn softplus_sum(x: FloatTensor<Self>) -> FloatTensor<Self> {
        match MeansTimesRow
            .prepare::<C>([x.node()])
            .compute_bound()
            .stateful()
        {
            OpsKind::Tracked(prepared) => {
                let (sums, means) = B::softplus_sum_and_means(x.into_primitive());
                prepared.finish(means, sums)
            }
            OpsKind::UnTracked(prepared) => prepared.finish(B::softplus_sum(x.into_primitive())),
        }
    }

    fn coins(logits: FloatTensor<Self>, key: u64, first: u64) -> FloatTensor<Self> {
        Self::from_inner(B::coins(logits.into_primitive(), key, first))
    }

    fn langevin_update(
        x: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        energies: FloatTensor<Self>,
        start: FloatTensor<Self>,
        step: Step,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        let (x, finite) = B::langevin_update(
            x.into_primitive(),
            gradient.into_primitive(),
            energies.into_primitive(),
            start.into_primitive(),
            step,
        );
        (Self::from_inner(x), Self::from_inner(finite))
    }
}
