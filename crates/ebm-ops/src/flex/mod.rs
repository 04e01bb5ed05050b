//! Kernels for the CPU backend Flex.

mod chains;
mod convolution;
mod correlation;
mod elementwise;
mod extension;
mod functions;
mod gradients;
mod kept;
mod kernels;
mod langevin;
mod linear;
mod panels;
mod parameters;
mod threads;
mod units;
mod winograd;

use burn::backend::Dispatch;
use burn::tensor::{Bool, DType, Device, Int, Tensor};

use crate::description::{Descent, Restart, Stride2d};
use crate::memory;
use extension::FlexOps;

/// Whether a tensor lies where the kernels of this module work: on Flex, on an autodiff graph or
/// not, as f32.
pub(crate) fn has_kernels<const D: usize>(x: &Tensor<D>) -> bool {
    let here = x.dtype() == DType::F32 && x.device().inner() == Device::flex();
    if here {
        memory::keep();
    }
    here
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

/// See [`crate::linear`].
pub(crate) fn linear(x: Tensor<2>, weight: Tensor<2>, bias: Tensor<1>) -> Tensor<2> {
    Tensor::from_dispatch(<Dispatch as FlexOps>::linear(
        x.into_dispatch(),
        weight.into_dispatch(),
        bias.into_dispatch(),
    ))
}

/// See [`crate::select_chains`].
pub(crate) fn select_chains<const D: usize>(
    mask: &Tensor<1, Bool>,
    others: Tensor<D>,
    taken: Tensor<D>,
) -> Tensor<D> {
    Tensor::from_dispatch(<Dispatch as FlexOps>::select_chains(
        mask.clone().into_dispatch(),
        others.into_dispatch(),
        taken.into_dispatch(),
    ))
}

/// Overwrites rows, in place where nobody else holds them.
pub(crate) fn assign_rows(rows: Tensor<2>, indices: Tensor<1, Int>, with: Tensor<2>) -> Tensor<2> {
    Tensor::from_dispatch(<Dispatch as FlexOps>::assign_rows(
        rows.into_dispatch(),
        indices.into_dispatch(),
        with.into_dispatch(),
    ))
}

/// See [`StartingPoints::restart`](crate::StartingPoints::restart).
pub(crate) fn restart<const D: usize>(x: Tensor<D>, restart: Restart) -> Tensor<D> {
    Tensor::from_dispatch(<Dispatch as FlexOps>::restart(x.into_dispatch(), restart))
}

/// See [`GradientDescent::step`](crate::GradientDescent::step).
pub(crate) fn descend<const D: usize>(
    step: Descent,
    weight: Tensor<D>,
    gradient: Tensor<D>,
) -> Tensor<D> {
    Tensor::from_dispatch(<Dispatch as FlexOps>::descend(
        weight.into_dispatch(),
        gradient.into_dispatch(),
        step,
    ))
}

/// See [`GradientDescent::step_with_velocity`](crate::GradientDescent::step_with_velocity).
pub(crate) fn descend_with_velocity<const D: usize>(
    step: Descent,
    weight: Tensor<D>,
    gradient: Tensor<D>,
    velocity: Tensor<D>,
) -> (Tensor<D>, Tensor<D>) {
    let (weight, velocity) = <Dispatch as FlexOps>::descend_with_velocity(
        weight.into_dispatch(),
        gradient.into_dispatch(),
        velocity.into_dispatch(),
        step,
    );
    (
        Tensor::from_dispatch(weight),
        Tensor::from_dispatch(velocity),
    )
}

/// See [`crate::moving_average`].
pub(crate) fn moving_average<const D: usize>(
    average: Tensor<D>,
    value: Tensor<D>,
    decay: f64,
) -> Tensor<D> {
    Tensor::from_dispatch(<Dispatch as FlexOps>::moving_average(
        average.into_dispatch(),
        value.into_dispatch(),
        [decay as f32, (1.0 - decay) as f32],
    ))
}

/// See [`crate::square_sum`].
pub(crate) fn square_sum<const D: usize>(x: Tensor<D>) -> Tensor<1> {
    Tensor::from_dispatch(<Dispatch as FlexOps>::square_sum(x.into_dispatch()))
}
