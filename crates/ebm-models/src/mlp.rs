//! A multilayer perceptron energy, `E(x) = -f(x)` with `f` a stack of fully connected layers.

use burn::config::Config;
use burn::module::Module;
use burn::nn::Linear;
use burn::tensor::{Device, Tensor};
use ebm_ops::Noise;

use crate::activation::Activation;
use crate::energy::{Energy, flatten};
use crate::init;
use crate::precision::linear;

/// Widths and activation of an [`Mlp`].
#[derive(Config, Debug)]
pub struct MlpConfig {
    /// Number of values in one configuration (for images: channels x height x width).
    pub input: usize,
    /// Widths of the hidden layers; empty for a linear energy.
    pub hidden: Vec<usize>,
    /// Non-linearity after each hidden layer.
    #[config(default = "Activation::Swish")]
    pub activation: Activation,
}

/// `f(x) = W_n a(... a(W_1 x + b_1) ...) + b_n`, one value a configuration, and `E = -f`.
///
/// Configurations of any rank are flattened, so the same network takes vectors and images.
///
/// # Shapes
///
/// - configurations: `[batch, ..]` with [`input`](MlpConfig::input) values each
/// - energies: `[batch]`, in nats
#[derive(Module, Debug)]
pub struct Mlp {
    layers: Vec<Linear>,
    #[module(skip)]
    activation: Activation,
    input: usize,
}

impl MlpConfig {
    /// Builds the network with weights and biases from `U(-k, k)`,
    /// `k = 1 / sqrt(inputs of the layer)`.
    ///
    /// # Panics
    ///
    /// If a width is zero.
    pub fn init(&self, device: &Device, noise: &mut Noise) -> Mlp {
        let widths: Vec<usize> = std::iter::once(self.input)
            .chain(self.hidden.iter().copied())
            .chain(std::iter::once(1))
            .collect();
        Mlp {
            layers: widths
                .windows(2)
                .map(|pair| init::linear(pair[0], pair[1], device, noise))
                .collect(),
            activation: self.activation,
            input: self.input,
        }
    }
}

impl Mlp {
    /// The unnormalised log-density `f(x) = -E(x)`.
    ///
    /// # Shapes
    ///
    /// - `x`: `[batch, ..]` with `input` values a configuration
    /// - output: `[batch]`
    ///
    /// # Panics
    ///
    /// If a configuration hasn't `input` values.
    pub fn forward<const D: usize>(&self, x: Tensor<D>) -> Tensor<1> {
        let mut x = flatten(x, self.input, "Mlp");
        let last = self.layers.len() - 1;
        for layer in &self.layers[..last] {
            x = self.activation.forward(linear(layer, x));
        }
        linear(&self.layers[last], x).squeeze_dim(1)
    }
}

impl<const D: usize> Energy<D> for Mlp {
    fn energy(&self, x: Tensor<D>) -> Tensor<1> {
        self.forward(x).neg()
    }

    fn takes_parts(&self) -> bool {
        true
    }
}
