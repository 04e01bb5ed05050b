//! Draws of a density with the weights that a target gives them.

use burn::tensor::Tensor;
use ebm_models::Energy;
use ebm_ops::Noise;

use super::Density;

/// Draws of a density `q` and how a target `exp(-E)` compares with it there.
pub(crate) struct Weighed<const D: usize> {
    /// The draws: `[count, ..]`.
    pub(crate) positions: Tensor<D>,
    /// `-E(x) - log q(x)` of each; NaN where `E` or `q` isn't a number.
    pub(crate) log_weights: Vec<f64>,
    /// How far rounding of both energies may have moved each log-weight: their sizes in units of
    /// the last place.
    pub(crate) rounding: Vec<f64>,
}

/// Draws `count` times and reads both energies back.
///
/// An energy of `+inf` is a weight of zero and one of `-inf` an infinite weight, whatever the
/// density says.
pub(crate) fn weigh<E: Energy<D>, Q: Density<D>, const D: usize>(
    energy: &E,
    density: &Q,
    count: usize,
    noise: &mut Noise,
) -> Weighed<D> {
    let positions = density.draw(count, noise).inner();
    let target = energy.energy(positions.clone()).inner();
    let proposal = density.energy(positions.clone()).inner();
    let epsilon = match target.dtype().finfo() {
        Some(float) => float.epsilon,
        None => f64::from(f32::EPSILON),
    };
    let (target, proposal) = (target.into_data(), proposal.into_data());
    let (log_weights, rounding) = target
        .iter::<f64>()
        .zip(proposal.iter::<f64>())
        .map(|(target, proposal)| {
            let log_weight = match (target, proposal) {
                (target, proposal) if target.is_nan() || proposal.is_nan() => f64::NAN,
                (target, _) if target.is_infinite() => -target,
                (target, proposal) => proposal - target,
            };
            (log_weight, epsilon * (1.0 + target.abs() + proposal.abs()))
        })
        .unzip();
    Weighed {
        positions,
        log_weights,
        rounding,
    }
}
