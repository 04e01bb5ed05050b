//! Plain values that take the place of others on the autodiff graph.

use burn::tensor::Tensor;

/// Gives a plain value the autodiff state of the one that it replaces: on the graph or off it,
/// trained or not.
pub fn lift<const D: usize>(value: Tensor<D>, replaced: &Tensor<D>) -> Tensor<D> {
    if !replaced.is_autodiff() {
        return value;
    }
    let value = value.autodiff();
    if replaced.is_require_grad() {
        value.require_grad()
    } else {
        value
    }
}
