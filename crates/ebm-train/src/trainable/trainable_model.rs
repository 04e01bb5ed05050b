//! What training asks of a model beyond its energy.

use burn::module::Module;
use burn::tensor::Tensor;
use ebm_models::{
    BoltzmannMachine, ConvNet, Dbm, Energy, Hopfield, Mlp, Precision, Rbm, ReplicatedRbm, ResNet,
};

use super::states::rows;

/// Share of the distance to the batch's means that offsets of a centred machine move in an update
/// (Melchior, Fischer & Wiskott 2016, section 4.2).
const OFFSET_RATE: f64 = 0.01;

/// An energy that can be trained: a burn module.
///
/// For a model of one's own `impl Trainable<D> for Mine {}` is all there is to write. How its
/// chains can move, and whether their states hold more than an example, is what its
/// [`structure`](Energy::structure) says.
pub trait Trainable<const D: usize>: Energy<D> + Module + 'static {
    /// Whether the model can make its products in this type ([`Precision::frozen`]). One of your
    /// own that casts where it multiplies says so here.
    fn supports_precision(&self, precision: Precision) -> bool {
        precision == Precision::F32
    }

    /// Called after each update with the states of its positive phase: for what follows the data
    /// without a gradient.
    #[must_use]
    fn follow(self, _states: Tensor<D>) -> Self {
        self
    }
}

impl<const D: usize> Trainable<D> for Mlp {
    fn supports_precision(&self, _precision: Precision) -> bool {
        true
    }
}

impl Trainable<4> for ConvNet {
    fn supports_precision(&self, _precision: Precision) -> bool {
        true
    }
}

impl Trainable<4> for ResNet {
    fn supports_precision(&self, _precision: Precision) -> bool {
        true
    }
}

impl<const D: usize> Trainable<D> for Rbm {
    fn supports_precision(&self, _precision: Precision) -> bool {
        true
    }

    fn follow(self, states: Tensor<D>) -> Self {
        if self.offsets().is_none() {
            return self;
        }
        let means = self.valid().hidden_means(rows(states));
        self.with_hidden_means(means.mean_dim(0).squeeze_dim(0), OFFSET_RATE)
    }
}

impl<const D: usize> Trainable<D> for ReplicatedRbm {
    fn supports_precision(&self, _precision: Precision) -> bool {
        true
    }
}

impl<const D: usize> Trainable<D> for Dbm {
    fn supports_precision(&self, _precision: Precision) -> bool {
        true
    }

    fn follow(self, states: Tensor<D>) -> Self {
        if self.offsets().is_none() {
            return self;
        }
        let means: Vec<Tensor<1>> = self
            .split(rows(states))
            .into_iter()
            .map(|layer| layer.mean_dim(0).squeeze_dim(0))
            .collect();
        self.with_means(&means, OFFSET_RATE)
    }
}

impl<const D: usize> Trainable<D> for BoltzmannMachine {}

impl<const D: usize> Trainable<D> for Hopfield {}
