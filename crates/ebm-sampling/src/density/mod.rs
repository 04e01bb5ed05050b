//! Distributions with a known density and exact draws: proposals, envelopes, starts of annealing.

mod normal;
mod uniform;
mod uniform_states;
mod weighed;

use burn::tensor::Tensor;
use ebm_models::Energy;
use ebm_ops::Noise;

pub use normal::NormalDensity;
pub use uniform::UniformDensity;
pub use uniform_states::UniformStates;
pub(crate) use weighed::weigh;

/// A distribution `q` with exact draws; its energy is normalised, `E(x) = -log q(x)`, so that
/// `Z = 1`.
///
/// It is an energy like any other: it can be part of a composition
/// ([`WeightedSum`](ebm_models::WeightedSum)), and chains can move through it.
pub trait Density<const D: usize>: Energy<D> {
    /// Independent draws: `[count, ..]`.
    fn draw(&self, count: usize, noise: &mut Noise) -> Tensor<D>;
}

/// `[count]` followed by the shape of a configuration.
///
/// # Panics
///
/// If that is no shape of `D` dimensions.
fn batch_shape<const D: usize>(count: usize, configuration: &[usize]) -> [usize; D] {
    let mut shape = vec![count];
    shape.extend(configuration);
    shape.try_into().unwrap_or_else(|shape: Vec<usize>| {
        panic!(
            "configurations of shape {configuration:?} make batches of {} dimensions, but {D} are asked for",
            shape.len()
        )
    })
}

/// `x` as `[batch, values]`.
///
/// # Panics
///
/// If its configurations haven't this shape.
fn flat<const D: usize>(x: Tensor<D>, configuration: &[usize]) -> Tensor<2> {
    let shape = x.dims();
    assert_eq!(
        &shape[1..],
        configuration,
        "this density is over configurations of shape {configuration:?}, but x has shape {shape:?}"
    );
    x.reshape([shape[0], configuration.iter().product()])
}
