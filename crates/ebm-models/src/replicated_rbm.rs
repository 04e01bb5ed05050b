//! A restricted machine with tied copies of its layers, by which deep machines are pretrained.

use burn::module::Module;
use burn::tensor::Tensor;
use ebm_ops::activation::sigmoid;

use crate::energy::{Energy, flatten};
use crate::layered::{BlockConditional, Conditional, LayeredMachine};
use crate::rbm::Rbm;

/// A machine with `s` copies of its visible and `t` copies of its hidden layer, every visible copy
/// coupled to every hidden copy by the same `W`:
/// `E = -sum_a b . v^a - sum_b c . h^b - sum_ab v^a W h^b`.
///
/// With all visible copies at the same `v`, the free energy is
/// `F(v) = -s b . v - t sum_j softplus(c_j + s (v W)_j)`, the field of a hidden unit `c + s v W`,
/// and that of a visible unit, hidden copies at the same `h`, `b + t h W^T`.
///
/// Salakhutdinov & Hinton (2009, section 3.1) pretrain a deep Boltzmann machine by such machines:
/// in the whole machine a hidden layer has input from both sides, but a part of it that is trained
/// alone has input from one side only. That input is doubled in place of the other. The first has
/// `s = 2`, the last `t = 2`, those between both.
///
/// [`conditional`](BlockConditional::conditional) draws one copy and takes all others to be in the
/// same state, as the source does. Where the numbers of copies differ, no joint distribution has
/// these two conditionals. They are good for a few steps from the data, not for long chains.
///
/// # Structure
///
/// Its [`structure`](Energy::structure) is [smooth](crate::Structure::Smooth). The layers of the
/// machine that is copied have other energies, and there may be no joint distribution with the
/// conditionals above. So neither is good for partition functions, tempering or long chains.
/// Training uses the [`BlockConditional`] directly.
#[derive(Module, Debug)]
pub struct ReplicatedRbm {
    rbm: Rbm,
    visible_copies: f64,
    hidden_copies: f64,
}

impl ReplicatedRbm {
    /// Copies of the layers of a machine with Bernoulli units.
    pub fn new(rbm: Rbm, visible_copies: f64, hidden_copies: f64) -> Self {
        Self {
            rbm,
            visible_copies,
            hidden_copies,
        }
    }

    /// The machine whose layers are copied.
    pub fn rbm(&self) -> &Rbm {
        &self.rbm
    }

    /// `E[h | v] = sigmoid(c + s v W)`: what the next machine of a stack is trained on.
    pub fn hidden_means(&self, visible: Tensor<2>) -> Tensor<2> {
        sigmoid(self.hidden_field(visible))
    }

    fn hidden_field(&self, visible: Tensor<2>) -> Tensor<2> {
        let layers = self.rbm.layers();
        layers
            .from_below(1, visible)
            .mul_scalar(self.visible_copies)
            + layers.bias(1).unsqueeze()
    }

    fn visible_field(&self, hidden: Tensor<2>) -> Tensor<2> {
        let layers = self.rbm.layers();
        layers.from_above(0, hidden).mul_scalar(self.hidden_copies) + layers.bias(0).unsqueeze()
    }
}

impl<const D: usize> Energy<D> for ReplicatedRbm {
    fn energy(&self, x: Tensor<D>) -> Tensor<1> {
        let visible = flatten(x, self.rbm.visible(), "ReplicatedRbm");
        let linear = self
            .rbm
            .layers()
            .visible_energy(visible.clone())
            .mul_scalar(self.visible_copies);
        let sum = crate::layered::log_sum(Conditional::Bernoulli(self.hidden_field(visible)));
        linear - sum.mul_scalar(self.hidden_copies)
    }
}

impl BlockConditional for ReplicatedRbm {
    fn block_sizes(&self) -> Vec<usize> {
        vec![self.rbm.visible(), self.rbm.hidden()]
    }

    fn sweep(&self) -> Vec<usize> {
        vec![1, 0]
    }

    fn conditional(&self, block: usize, states: &[Tensor<2>]) -> Conditional {
        if block == 0 {
            self.rbm
                .layers()
                .with_field(0, self.visible_field(states[1].clone()))
        } else {
            Conditional::Bernoulli(self.hidden_field(states[0].clone()))
        }
    }

    /// With all copies of a layer at the same state.
    fn joint_energy(&self, states: &[Tensor<2>]) -> Tensor<1> {
        let layers = self.rbm.layers();
        let visible = layers.visible_energy(states[0].clone());
        let field = self.hidden_field(states[0].clone());
        visible.mul_scalar(self.visible_copies)
            - (states[1].clone() * field)
                .sum_dim(1)
                .squeeze_dim::<1>(1)
                .mul_scalar(self.hidden_copies)
    }
}
