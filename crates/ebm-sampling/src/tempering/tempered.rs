//! An energy at another temperature.

use burn::tensor::Tensor;
use ebm_models::Energy;

/// `b E`, the energy whose temperature 1 is the temperature `1 / b` of `E`: what kernels at other
/// temperatures move on.
///
/// A product with 0 keeps what is not finite out: where `E` is infinite, `0 E` is not a number, and
/// kernels reject it.
#[derive(Clone, Debug)]
pub struct Tempered<E> {
    energy: E,
    inverse_temperature: f64,
}

impl<E> Tempered<E> {
    /// `inverse_temperature * energy`.
    pub fn new(energy: E, inverse_temperature: f64) -> Self {
        Self {
            energy,
            inverse_temperature,
        }
    }
}

impl<E: Energy<D>, const D: usize> Energy<D> for Tempered<E> {
    fn energy(&self, x: Tensor<D>) -> Tensor<1> {
        self.energy.energy(x).mul_scalar(self.inverse_temperature)
    }

    fn takes_parts(&self) -> bool {
        self.energy.takes_parts()
    }
}
