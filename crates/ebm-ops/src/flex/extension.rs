//! The operations that Flex alone has kernels for.

use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::ops::{Backward, OpsKind};
use burn::backend::flex::FlexTensor;
use burn::backend::tensor::{BoolTensor, FloatTensor, IntTensor};
use burn::backend::{Autodiff, AutodiffBackend, Backend, Flex, backend_extension};

use super::gradients::{ConvolutionGradients, ConvolutionState, LinearGradients};
use super::{chains, convolution, linear, parameters};
use crate::description::{Descent, Restart, Stride2d};

/// Operations on the tensors of burn's dispatch, for the backends listed.
#[backend_extension(Flex, Autodiff)]
pub(crate) trait FlexOps: Backend {
    /// See [`crate::conv2d`].
    fn image_convolution(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        steps: Stride2d,
    ) -> FloatTensor<Self>;

    /// `x W + b`.
    fn linear(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
    ) -> FloatTensor<Self>;

    /// The chains of `taken` where the mask is set, elsewhere those of `others`; not on a graph.
    fn select_chains(
        mask: BoolTensor<Self>,
        others: FloatTensor<Self>,
        taken: FloatTensor<Self>,
    ) -> FloatTensor<Self>;

    /// Rows, some of them overwritten by others; not on a graph.
    fn assign_rows(
        rows: FloatTensor<Self>,
        indices: IntTensor<Self>,
        with: FloatTensor<Self>,
    ) -> FloatTensor<Self>;

    /// The chains, some of them restarted; not on a graph.
    fn restart(x: FloatTensor<Self>, restart: Restart) -> FloatTensor<Self>;

    /// A step of gradient descent; not on a graph.
    fn descend(
        weight: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        step: Descent,
    ) -> FloatTensor<Self>;

    /// A step of gradient descent with momentum, and the velocity after it; not on a graph.
    fn descend_with_velocity(
        weight: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        velocity: FloatTensor<Self>,
        step: Descent,
    ) -> (FloatTensor<Self>, FloatTensor<Self>);

    /// `decay[0] average + decay[1] value`; not on a graph.
    fn moving_average(
        average: FloatTensor<Self>,
        value: FloatTensor<Self>,
        decay: [f32; 2],
    ) -> FloatTensor<Self>;

    /// The sum of the squares of all values; not on a graph.
    fn square_sum(x: FloatTensor<Self>) -> FloatTensor<Self>;
}

impl FlexOps for Flex {
    fn image_convolution(
        x: FlexTensor,
        weight: FlexTensor,
        bias: FlexTensor,
        steps: Stride2d,
    ) -> FlexTensor {
        convolution::forward(&x, &weight, bias, steps)
    }

    fn linear(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        linear::forward(&x, &weight, bias)
    }

    fn select_chains(
        mask: BoolTensor<Self>,
        others: FloatTensor<Self>,
        taken: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        chains::select(&mask, others, taken)
    }

    fn assign_rows(
        rows: FloatTensor<Self>,
        indices: IntTensor<Self>,
        with: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        chains::assign_rows(rows, &indices, with)
    }

    fn restart(x: FloatTensor<Self>, restart: Restart) -> FloatTensor<Self> {
        chains::restart(restart, x)
    }

    fn descend(
        weight: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        step: Descent,
    ) -> FloatTensor<Self> {
        parameters::descend(step, weight, gradient)
    }

    fn descend_with_velocity(
        weight: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        velocity: FloatTensor<Self>,
        step: Descent,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        parameters::descend_with_velocity(step, weight, gradient, velocity)
    }

    fn moving_average(
        average: FloatTensor<Self>,
        value: FloatTensor<Self>,
        decay: [f32; 2],
    ) -> FloatTensor<Self> {
        parameters::moving_average(average, value, decay)
    }

    fn square_sum(x: FloatTensor<Self>) -> FloatTensor<Self> {
        parameters::square_sum(x)
    }
}

impl<C: CheckpointStrategy> FlexOps for Autodiff<Flex, C> {
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
                let y = Flex::image_convolution(x.clone(), weight.clone(), bias, steps);
                prepared.finish(ConvolutionState { x, weight, steps }, y)
            }
            OpsKind::UnTracked(prepared) => {
                prepared.finish(Flex::image_convolution(x, weight, bias, steps))
            }
        }
    }

    fn linear(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        let prepared = LinearGradients
            .prepare::<C>([x.node(), weight.node(), bias.node()])
            .compute_bound()
            .stateful();
        let (x, weight, bias) = (
            x.into_primitive(),
            weight.into_primitive(),
            bias.into_primitive(),
        );
        let y = linear::forward(&x, &weight, bias);
        match prepared {
            OpsKind::Tracked(prepared) => prepared.finish([x, weight], y),
            OpsKind::UnTracked(prepared) => prepared.finish(y),
        }
    }

    fn select_chains(
        mask: BoolTensor<Self>,
        others: FloatTensor<Self>,
        taken: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        let (others, taken) = (others.into_primitive(), taken.into_primitive());
        Self::from_inner(Flex::select_chains(mask, others, taken))
    }

    fn assign_rows(
        rows: FloatTensor<Self>,
        indices: IntTensor<Self>,
        with: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        let (rows, with) = (rows.into_primitive(), with.into_primitive());
        Self::from_inner(Flex::assign_rows(rows, indices, with))
    }

    fn restart(x: FloatTensor<Self>, restart: Restart) -> FloatTensor<Self> {
        Self::from_inner(Flex::restart(x.into_primitive(), restart))
    }

    fn descend(
        weight: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        step: Descent,
    ) -> FloatTensor<Self> {
        let (weight, gradient) = (weight.into_primitive(), gradient.into_primitive());
        Self::from_inner(Flex::descend(weight, gradient, step))
    }

    fn descend_with_velocity(
        weight: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        velocity: FloatTensor<Self>,
        step: Descent,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        let (weight, velocity) = Flex::descend_with_velocity(
            weight.into_primitive(),
            gradient.into_primitive(),
            velocity.into_primitive(),
            step,
        );
        (Self::from_inner(weight), Self::from_inner(velocity))
    }

    fn moving_average(
        average: FloatTensor<Self>,
        value: FloatTensor<Self>,
        decay: [f32; 2],
    ) -> FloatTensor<Self> {
        let (average, value) = (average.into_primitive(), value.into_primitive());
        Self::from_inner(Flex::moving_average(average, value, decay))
    }

    fn square_sum(x: FloatTensor<Self>) -> FloatTensor<Self> {
        Self::from_inner(Flex::square_sum(x.into_primitive()))
    }
}
