//! Kernels for the CPU backend Flex, reached through burn's backend extensions.

mod convolution;
mod elementwise;
mod extension;
mod functions;
mod langevin;
mod memory;
mod product;
mod threads;
mod units;

use burn::backend::Dispatch;
use burn::tensor::{Bool, DType, Device, Tensor};

use crate::convolution::Stride2d;
use crate::elementwise::Elementwise;
use crate::langevin::LangevinUpdate;
use crate::noise::Noise;
use extension::FlexOps;
use langevin::Step;

/// Whether a tensor lies where the kernels of this module work: on Flex, on an autodiff graph or not, as f32.
pub(crate) fn has_kernels<const D: usize>(x: &Tensor<D>) -> bool {
    let here = x.dtype() == DType::F32 && x.device().inner() == Device::flex();
    if here {
        memory::keep();
    }
    here
}

/// The function of each value, with its derivative taken in the same pass where there is a graph.
pub(crate) fn elementwise<const D: usize>(x: Tensor<D>, function: Elementwise) -> Tensor<D> {
    Tensor::from_dispatch(<Dispatch as FlexOps>::elementwise(
        x.into_dispatch(),
        function,
    ))
}

/// The convolution of images; see [`crate::conv2d`].
pub(crate) fn conv2d(
    x: Tensor<4>,
    weight: Tensor<4>,
    bias: Tensor<1>,
    steps: Stride2d,
) -> Tensor<4> {
    Tensor::from_dispatch(<Dispatch as FlexOps>::image_convolution(
        x.into_dispatch(),
        weight.into_dispatch(),
        bias.into_dispatch(),
        steps,
    ))
}

/// Coins with the given log-odds, from block `first` of the stream on; without a gradient.
pub(crate) fn bernoulli_logits<const D: usize>(
    logits: Tensor<D>,
    key: u64,
    first: u64,
) -> Tensor<D> {
    let logits = logits.into_dispatch();
    Tensor::from_dispatch(<Dispatch as FlexOps>::coins(logits, key, first))
}

/// `sum_j softplus(x_ij)` of each row.
pub(crate) fn softplus_sum(x: Tensor<2>) -> Tensor<1> {
    Tensor::from_dispatch(<Dispatch as FlexOps>::softplus_sum(x.into_dispatch()))
}

/// See [`LangevinUpdate::apply`].
pub(crate) fn langevin_update<const D: usize>(
    update: &LangevinUpdate,
    x: Tensor<D>,
    gradient: Tensor<D>,
    energies: &Tensor<1>,
    start: &Tensor<D>,
    noise: &mut Noise,
) -> (Tensor<D>, Tensor<1, Bool>) {
    let (low, high) = update.clamp.unwrap_or((f64::NEG_INFINITY, f64::INFINITY));
    let (key, first) = if update.noise > 0.0 {
        noise.place(x.shape().num_elements())
    } else {
        (0, 0)
    };
    let step = Step {
        step_size: update.step_size as f32,
        noise: update.noise as f32,
        clip: update.gradient_clip.unwrap_or(f64::INFINITY) as f32,
        clamp: (low as f32, high as f32),
        key,
        first,
    };
    let (x, finite) = <Dispatch as FlexOps>::langevin_update(
        x.into_dispatch(),
        gradient.into_dispatch(),
        energies.clone().into_dispatch(),
        start.clone().into_dispatch(),
        step,
    );
    let finite: Tensor<1> = Tensor::from_dispatch(finite);
    (Tensor::from_dispatch(x), finite.greater_scalar(0.5))
}
