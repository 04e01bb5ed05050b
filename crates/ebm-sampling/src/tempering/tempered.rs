//! An energy at another temperature.

use burn::module::ModuleDisplay;
use ebm_models::WeightedSum;

/// `b E`, the energy whose temperature 1 is the temperature `1 / b` of `E`: what kernels at other temperatures move on.
///
/// A product with 0 keeps what is not finite out: where `E` is infinite, `0 E` is not a number, and kernels reject it.
pub type Tempered<E> = WeightedSum<Vec<E>>;

/// `inverse_temperature * energy`.
pub(crate) fn tempered<E: ModuleDisplay + burn::module::Module>(
    energy: &E,
    inverse_temperature: f64,
) -> Tempered<E> {
    WeightedSum::new(vec![energy.clone()], vec![inverse_temperature])
}
