//! Kernels for the backends that have them, reached through burn's backend extensions.

mod autodiff;
mod extension;

use burn::backend::{Dispatch, DispatchDevice, DispatchTensor};
use burn::tensor::{Bool, DType, Device, FloatDType, Shape, Tensor};

use crate::description::{Distribution, Elementwise, LangevinStep, Place};
pub(crate) use extension::{Derivatives, Kernels};

/// Whether a tensor lies where there are kernels, on an autodiff graph or not, as f32.
pub(crate) fn has_kernels<const D: usize>(x: &Tensor<D>) -> bool {
    x.dtype() == DType::F32 && is_supported(&x.device())
}

/// Whether noise is made on the device itself: it has kernels, and its floats are f32.
pub(crate) fn draws_on(device: &Device) -> bool {
    device.settings().float_dtype == FloatDType::F32 && is_supported(device)
}

fn is_supported(device: &Device) -> bool {
    match device.clone().inner().as_dispatch() {
        #[cfg(feature = "flex")]
        DispatchDevice::Flex(_) => {
            crate::memory::keep();
            true
        }
        #[cfg(feature = "cube")]
        DispatchDevice::Cube(_) => true,
        #[allow(unreachable_patterns, reason = "other backends may be compiled in")]
        _ => false,
    }
}

/// The function of each value.
pub(crate) fn elementwise<const D: usize>(x: Tensor<D>, function: Elementwise) -> Tensor<D> {
    let x = x.into_dispatch();
    Tensor::from_dispatch(<Dispatch as Kernels>::elementwise(x, function))
}

/// `sum_j softplus(x_ij)` of each row.
pub(crate) fn softplus_sum(x: Tensor<2>) -> Tensor<1> {
    Tensor::from_dispatch(<Dispatch as Kernels>::softplus_sum(x.into_dispatch()))
}

/// Noise made on a device for which [`draws_on`] holds.
pub(crate) fn draw<const D: usize>(
    shape: Shape,
    device: &Device,
    distribution: Distribution,
    place: Place,
) -> Tensor<D> {
    let out = Tensor::<D>::empty(shape, device).into_dispatch();
    Tensor::from_dispatch(<Dispatch as Kernels>::draw(out, distribution, place))
}

/// Coins with the given log-odds; without a gradient.
pub(crate) fn coins<const D: usize>(logits: Tensor<D>, place: Place) -> Tensor<D> {
    let logits = logits.into_dispatch();
    Tensor::from_dispatch(<Dispatch as Kernels>::coins(logits, place))
}

/// The next positions, and which chains made their step.
///
/// # Panics
///
/// If shapes differ.
pub(crate) fn langevin_update<const D: usize>(
    step: LangevinStep,
    x: Tensor<D>,
    gradient: Tensor<D>,
    energies: &Tensor<1>,
    start: &Tensor<D>,
) -> (Tensor<D>, Tensor<1, Bool>) {
    let shape = x.shape();
    for (name, other) in [("gradient", gradient.shape()), ("start", start.shape())] {
        assert_eq!(shape, other, "chains and their {name} differ in shape");
    }
    assert_eq!(
        energies.dims(),
        [shape[0]],
        "energies of shape {:?} for chains of shape {shape:?}",
        energies.dims()
    );
    let (x, finite) = <Dispatch as Kernels>::langevin_update(
        x.into_dispatch(),
        gradient.into_dispatch(),
        energies.clone().into_dispatch(),
        start.clone().into_dispatch(),
        step,
    );
    (Tensor::from_dispatch(x), flags(finite))
}

/// Which proposals are accepted, and the probability with which each was.
pub(crate) fn metropolis(log_ratio: Tensor<1>, place: Place) -> (Tensor<1, Bool>, Tensor<1>) {
    let (accepted, probability) =
        <Dispatch as Kernels>::metropolis(log_ratio.into_dispatch(), place);
    (flags(accepted), Tensor::from_dispatch(probability))
}

/// Kernels say true and false by 1 and 0: each backend stores booleans in its own way.
fn flags(ones: DispatchTensor) -> Tensor<1, Bool> {
    let ones: Tensor<1> = Tensor::from_dispatch(ones);
    ones.greater_scalar(0.5)
}
