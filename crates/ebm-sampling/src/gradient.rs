//! The gradient of an energy with respect to its input, parameters held constant.

use burn::tensor::Tensor;
use ebm_models::Energy;
use ebm_ops::in_blocks;

/// Energies `E(x)` of a batch and their gradients `dE/dx`, both off the autodiff graph.
///
/// `energy` should hold plain parameters (`model.valid()`), so that the graph starts at the input
/// and no parameter gradient is computed. A graph that led to `x` is left alone.
///
/// # Shapes
///
/// - `x`: `[batch, ..]`
/// - output: `[batch]`, and the shape of `x`
///
/// # Panics
///
/// If the energy doesn't depend on `x` through differentiable operations.
pub fn energy_and_gradient<E: Energy<D> + ?Sized, const D: usize>(
    energy: &E,
    x: Tensor<D>,
) -> (Tensor<1>, Tensor<D>) {
    if energy.takes_parts() {
        return in_blocks(x.inner(), |x| of_block(energy, x));
    }
    of_block(energy, x.inner())
}

/// The same of a part of a batch that is off the graph.
fn of_block<E: Energy<D> + ?Sized, const D: usize>(
    energy: &E,
    x: Tensor<D>,
) -> (Tensor<1>, Tensor<D>) {
    let x = x.autodiff().require_grad();
    let energies = energy.energy(x.clone());
    assert!(
        energies.is_tracked(),
        "the energy must depend on x through differentiable operations"
    );
    let mut gradients = energies.clone().sum().backward();
    let gradient = x
        .grad_remove(&mut gradients)
        .expect("the energy must depend on x through differentiable operations");
    (energies.inner(), gradient)
}
