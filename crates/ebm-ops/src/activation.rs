//! Elementwise functions of energies, each in one pass on Flex and on GPUs.

use burn::tensor::{Tensor, activation};

use crate::description::Elementwise;

/// `x * sigmoid(x)`, also called SiLU.
///
/// On Flex the error of a value is below 3 ULP where it is a normal number, that of a derivative
/// below 5 ULP of its largest term. The same holds for the other functions here.
pub fn swish<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    apply(x, Elementwise::Swish)
}

/// `1 / (1 + exp(-x))`.
pub fn sigmoid<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    apply(x, Elementwise::Sigmoid)
}

/// `log(1 + exp(x))`, without overflow for any `x`.
pub fn softplus<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    apply(x, Elementwise::Softplus)
}

/// `log sigmoid(x) = -softplus(-x)`.
pub fn log_sigmoid<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    softplus(x.neg()).neg()
}

/// `x` where positive, `slope * x` elsewhere; the derivative at 0 is `slope`.
pub fn leaky_relu<const D: usize>(x: Tensor<D>, slope: f64) -> Tensor<D> {
    apply(x, Elementwise::LeakyRelu(slope as f32))
}

fn apply<const D: usize>(x: Tensor<D>, function: Elementwise) -> Tensor<D> {
    #[cfg(any(feature = "cube", feature = "flex"))]
    if crate::kernels::has_kernels(&x) {
        return crate::kernels::elementwise(x, function);
    }
    match function {
        Elementwise::Swish => activation::silu(x),
        Elementwise::Sigmoid => activation::sigmoid(x),
        // One pass forward and one backward; burn's softplus takes about twelve.
        Elementwise::Softplus => activation::log_sigmoid(x.neg()).neg(),
        // Burn's own function makes three masks, forward and backward.
        Elementwise::LeakyRelu(slope) => {
            let slope = f64::from(slope);
            activation::relu(x.clone()).mul_scalar(1.0 - slope) + x.mul_scalar(slope)
        }
    }
}
