//! The kernels on an autodiff graph: their backward passes, whatever the backend below.

use burn::backend::autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind, unary};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, AutodiffBackend};

use super::extension::{Derivatives, Kernels};
use crate::description::{Distribution, Elementwise, LangevinStep, Place};

/// An operation of one input: its values, and its gradient from what the forward pass has left.
#[derive(Clone, Copy, Debug)]
enum Operation {
    Elementwise(Elementwise),
    SoftplusSum,
}

impl<B: Derivatives> Backward<B, 1> for Operation {
    type State = FloatTensor<B>;

    fn backward(
        self,
        ops: Ops<Self::State, 1>,
        gradients: &mut Gradients,
        _checkpointer: &mut Checkpointer,
    ) {
        let kept = ops.state;
        unary::<B, _>(ops.parents, ops.node, gradients, |gradient| match self {
            Self::Elementwise(function) => B::elementwise_gradient(kept, gradient, function),
            Self::SoftplusSum => B::softplus_sum_gradient(kept, gradient),
        });
    }
}

impl Operation {
    fn values<B: Kernels>(self, x: FloatTensor<B>) -> FloatTensor<B> {
        match self {
            Self::Elementwise(function) => B::elementwise(x, function),
            Self::SoftplusSum => B::softplus_sum(x),
        }
    }

    fn values_and_kept<B: Derivatives>(
        self,
        x: FloatTensor<B>,
    ) -> (FloatTensor<B>, FloatTensor<B>) {
        match self {
            Self::Elementwise(function) => B::elementwise_and_kept(x, function),
            Self::SoftplusSum => B::softplus_sum_and_kept(x),
        }
    }

    fn apply<B: Derivatives, C: CheckpointStrategy>(
        self,
        x: FloatTensor<Autodiff<B, C>>,
    ) -> FloatTensor<Autodiff<B, C>> {
        let prepared = Backward::<B, 1>::prepare::<C>(self, [x.node()])
            .compute_bound()
            .stateful();
        match prepared {
            OpsKind::Tracked(prepared) => {
                let (values, kept) = self.values_and_kept::<B>(x.into_primitive());
                prepared.finish(kept, values)
            }
            OpsKind::UnTracked(prepared) => prepared.finish(self.values::<B>(x.into_primitive())),
        }
    }
}

impl<B: Derivatives, C: CheckpointStrategy> Kernels for Autodiff<B, C> {
    fn elementwise(x: FloatTensor<Self>, function: Elementwise) -> FloatTensor<Self> {
        Operation::Elementwise(function).apply::<B, C>(x)
    }

    fn softplus_sum(x: FloatTensor<Self>) -> FloatTensor<Self> {
        Operation::SoftplusSum.apply::<B, C>(x)
    }

    fn draw(out: FloatTensor<Self>, distribution: Distribution, place: Place) -> FloatTensor<Self> {
        Self::from_inner(B::draw(out.into_primitive(), distribution, place))
    }

    fn coins(logits: FloatTensor<Self>, place: Place) -> FloatTensor<Self> {
        Self::from_inner(B::coins(logits.into_primitive(), place))
    }

    fn langevin_update(
        x: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        energies: FloatTensor<Self>,
        start: FloatTensor<Self>,
        step: LangevinStep,
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

    fn metropolis(
        log_ratio: FloatTensor<Self>,
        place: Place,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        let (accepted, probability) = B::metropolis(log_ratio.into_primitive(), place);
        (Self::from_inner(accepted), Self::from_inner(probability))
    }
}
