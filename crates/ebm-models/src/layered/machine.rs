//! The trait of machines with layers: what gives its weights and biases as `Layers`.

use burn::tensor::Tensor;

use super::layers::{Layers, VisibleUnits};

/// Layers `x_0` (visible), `x_1`, ... `x_L` with
/// `E(x) = E_0(x_0) - sum_l b_l . x_l - sum_l x_l W_l x_{l+1}`,
/// where `E_0` is 0 for Bernoulli units and `|x_0|^2 / 2` for Gaussian ones.
///
/// A restricted Boltzmann machine has two layers (Smolensky 1986), a deep Boltzmann machine more
/// (Salakhutdinov & Hinton 2009). The field of layer `l` is
/// `b_l + x_{l-1} W_{l-1} + x_{l+1} W_l^T`. Given the layers beside it, the units of a layer are
/// independent. So all even layers, or all odd ones, can be redrawn at once, or summed out in
/// closed form.
pub trait LayeredMachine {
    /// What the visible units are.
    fn visible_units(&self) -> VisibleUnits;

    /// The couplings of layer `l` with layer `l + 1`, `[units of l, units of l + 1]`, for all
    /// `l < L`.
    fn weights(&self) -> Vec<Tensor<2>>;

    /// The bias of each layer, `[units]`; offsets of a centred machine are folded in.
    fn biases(&self) -> Vec<Tensor<1>>;

    /// The machine as plain arrays, taken once for work that uses them many times.
    fn layers(&self) -> Layers {
        Layers::new(self.visible_units(), self.weights(), self.biases())
    }
}
