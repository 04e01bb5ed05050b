//! The operations that Flex has kernels for, and their backward passes.

use burn::backend::autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind, unary};
use burn::backend::flex::FlexTensor;
use burn::backend::tensor::{BoolTensor, FloatTensor, IntTensor};
use burn::backend::{Autodiff, AutodiffBackend, Backend, Flex, TensorMetadata, backend_extension};

use super::chains::Restart;
use super::langevin::{self, Step};
use super::parameters::{self, Descent};
use super::{chains, convolution, elementwise, linear, units};
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

    /// `x W + b`.
    fn linear(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
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

    /// Which proposals are accepted, and the probability with which each was; not on a graph.
    fn metropolis(
        log_ratio: FloatTensor<Self>,
        allowed: BoolTensor<Self>,
        key: u64,
        first: u64,
    ) -> (BoolTensor<Self>, FloatTensor<Self>);

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

    fn linear(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        linear::forward(&x, &weight, bias)
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

    fn metropolis(
        log_ratio: FloatTensor<Self>,
        allowed: BoolTensor<Self>,
        key: u64,
        first: u64,
    ) -> (BoolTensor<Self>, FloatTensor<Self>) {
        chains::metropolis(log_ratio, &allowed, key, first)
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

/// The chain rule with what the forward pass has left: `rule(gradient, kept)`.
#[derive(Debug)]
struct ChainRule {
    rule: fn(FlexTensor, FlexTensor) -> FlexTensor,
}

impl Backward<Flex, 1> for ChainRule {
    type State = FlexTensor;

    fn backward(
        self,
        ops: Ops<Self::State, 1>,
        gradients: &mut Gradients,
        _checkpointer: &mut Checkpointer,
    ) {
        unary::<Flex, _>(ops.parents, ops.node, gradients, |gradient| {
            (self.rule)(gradient, ops.state)
        });
    }
}

impl ChainRule {
    /// `values(x)`; where there is a graph `values_and_kept(x)`, whose second result the rule gets.
    fn apply<C: CheckpointStrategy>(
        self,
        x: FloatTensor<Autodiff<Flex, C>>,
        values: impl FnOnce(FlexTensor) -> FlexTensor,
        values_and_kept: impl FnOnce(FlexTensor) -> (FlexTensor, FlexTensor),
    ) -> FloatTensor<Autodiff<Flex, C>> {
        match self.prepare::<C>([x.node()]).compute_bound().stateful() {
            OpsKind::Tracked(prepared) => {
                let (values, kept) = values_and_kept(x.into_primitive());
                prepared.finish(kept, values)
            }
            OpsKind::UnTracked(prepared) => prepared.finish(values(x.into_primitive())),
        }
    }
}

/// The gradients of a convolution, of those of its inputs that are asked for.
#[derive(Debug)]
struct ConvolutionGradients;

/// What they need.
#[derive(Clone, Debug)]
struct ConvolutionState {
    x: FlexTensor,
    weight: FlexTensor,
    steps: Stride2d,
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
            let of_weight = convolution::weight_gradient(&x, &gradient, &weight.shape(), steps);
            gradients.register::<Flex>(node.id, of_weight);
        }
        if let Some(node) = bias_node {
            gradients.register::<Flex>(node.id, convolution::bias_gradient(&gradient));
        }
    }
}

/// The gradients of a linear map, of those of its inputs that are asked for.
#[derive(Debug)]
struct LinearGradients;

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
            let of_x = linear::product(&gradient, false, &weight, true);
            gradients.register::<Flex>(node.id, of_x);
        }
        if let Some(node) = weight_node {
            let of_weight = linear::product(&x, true, &gradient, false);
            gradients.register::<Flex>(node.id, of_weight);
        }
        if let Some(node) = bias_node {
            gradients.register::<Flex>(node.id, linear::column_sums(&gradient));
        }
    }
}

impl<C: CheckpointStrategy> FlexOps for Autodiff<Flex, C> {
    fn elementwise(x: FloatTensor<Self>, function: Elementwise) -> FloatTensor<Self> {
        let rule = elementwise::product;
        ChainRule { rule }.apply::<C>(
            x,
            |x| elementwise::values(x, function),
            |x| elementwise::values_and_slopes(x, function),
        )
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

    fn softplus_sum(x: FloatTensor<Self>) -> FloatTensor<Self> {
        let rule = |gradient, means| units::scale_rows(means, &gradient);
        ChainRule { rule }.apply::<C>(
            x,
            |x| units::softplus_sum(&x),
            units::softplus_sum_and_means,
        )
    }

    fn coins(logits: FloatTensor<Self>, key: u64, first: u64) -> FloatTensor<Self> {
        Self::from_inner(Flex::coins(logits.into_primitive(), key, first))
    }

    fn langevin_update(
        x: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        energies: FloatTensor<Self>,
        start: FloatTensor<Self>,
        step: Step,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        let (x, finite) = Flex::langevin_update(
            x.into_primitive(),
            gradient.into_primitive(),
            energies.into_primitive(),
            start.into_primitive(),
            step,
        );
        (Self::from_inner(x), Self::from_inner(finite))
    }

    fn metropolis(
        log_ratio: FloatTensor<Self>,
        allowed: BoolTensor<Self>,
        key: u64,
        first: u64,
    ) -> (BoolTensor<Self>, FloatTensor<Self>) {
        let (accepted, probability) =
            Flex::metropolis(log_ratio.into_primitive(), allowed, key, first);
        (accepted, Self::from_inner(probability))
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
