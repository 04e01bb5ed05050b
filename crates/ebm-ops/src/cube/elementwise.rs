//! Elementwise functions on GPUs, and their gradients, each in one pass.

use burn_cubecl::cubecl;
use burn_cubecl::kernel::into_contiguous;
use burn_cubecl::tensor::CubeTensor;
use cubecl::prelude::*;

use super::elementary::{exp, ln_1p};
use super::tensors::{ZERO, addresses, count, dense, each, empty_like, same_layout};
use crate::description::Elementwise;

/// An [`Elementwise`] without its number, which kernels take at run time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Function {
    Swish,
    Sigmoid,
    Softplus,
    LeakyRelu,
}

fn split(function: Elementwise) -> (Function, f32) {
    match function {
        Elementwise::Swish => (Function::Swish, 0.0),
        Elementwise::Sigmoid => (Function::Sigmoid, 0.0),
        Elementwise::Softplus => (Function::Softplus, 0.0),
        Elementwise::LeakyRelu(slope) => (Function::LeakyRelu, slope),
    }
}

/// A function of each value.
pub(super) fn values(x: CubeTensor, function: Elementwise) -> CubeTensor {
    let x = dense(x);
    let y = empty_like(&x);
    if count(&x) == 0 {
        return y;
    }
    let client = x.client.clone();
    let (cubes, dim) = each(&client, count(&x));
    let (function, slope) = split(function);
    apply::launch(
        &client,
        cubes,
        dim,
        addresses(&[&x, &y]),
        x.into_buffer_arg(),
        y.clone().into_buffer_arg(),
        slope,
        ZERO,
        function,
    );
    y
}

/// The gradient of the input `x` from that of the values.
pub(super) fn gradient(x: CubeTensor, gradient: CubeTensor, function: Elementwise) -> CubeTensor {
    let (mut x, mut gradient) = (dense(x), dense(gradient));
    if !same_layout(&x, &gradient) {
        (x, gradient) = (into_contiguous(x), into_contiguous(gradient));
    }
    let out = empty_like(&x);
    if count(&x) == 0 {
        return out;
    }
    let client = x.client.clone();
    let (cubes, dim) = each(&client, count(&x));
    let (function, slope) = split(function);
    differentiate::launch(
        &client,
        cubes,
        dim,
        addresses(&[&x, &gradient, &out]),
        x.into_buffer_arg(),
        gradient.into_buffer_arg(),
        out.clone().into_buffer_arg(),
        slope,
        ZERO,
        function,
    );
    out
}

#[cube(launch, address_type = "dynamic")]
fn apply(x: &[f32], y: &mut [f32], slope: f32, zero: u32, #[comptime] function: Function) {
    let i = ABSOLUTE_POS;
    if i >= y.len() {
        terminate!();
    }
    let x = x[i];
    y[i] = match comptime!(function) {
        Function::Swish => x * sigmoids(x, zero).value,
        Function::Sigmoid => sigmoids(x, zero).value,
        Function::Softplus => softplus(x, zero),
        Function::LeakyRelu => x * select(x > 0.0, 1.0f32, slope),
    };
}

#[cube(launch, address_type = "dynamic")]
fn differentiate(
    x: &[f32],
    gradient: &[f32],
    out: &mut [f32],
    slope: f32,
    zero: u32,
    #[comptime] function: Function,
) {
    let i = ABSOLUTE_POS;
    if i >= out.len() {
        terminate!();
    }
    let x = x[i];
    let derivative = match comptime!(function) {
        Function::Swish => {
            let s = sigmoids(x, zero);
            s.value * (1.0f32 + x * s.opposite)
        }
        Function::Sigmoid => {
            let s = sigmoids(x, zero);
            s.value * s.opposite
        }
        Function::Softplus => sigmoids(x, zero).value,
        Function::LeakyRelu => select(x > 0.0, 1.0f32, slope),
    };
    out[i] = gradient[i] * derivative;
}

/// `sigmoid(x)` and `sigmoid(-x)`.
#[derive(CubeType, Clone, Copy)]
pub(super) struct Sigmoids {
    pub(super) value: f32,
    pub(super) opposite: f32,
}

/// Both without overflow and with their relative precision.
#[cube]
pub(super) fn sigmoids(x: f32, zero: u32) -> Sigmoids {
    // The exponential of what is not positive; the other half by symmetry.
    let e = exp(-x.abs(), zero);
    let larger = 1.0f32 / (1.0f32 + e);
    let smaller = e / (1.0f32 + e);
    let positive = x >= 0.0;
    Sigmoids {
        value: select(positive, larger, smaller),
        opposite: select(positive, smaller, larger),
    }
}

/// `log(1 + exp(x))`, without overflow.
#[cube]
pub(super) fn softplus(x: f32, zero: u32) -> f32 {
    select(x > 0.0, x, 0.0f32) + ln_1p(exp(-x.abs(), zero), zero)
}
