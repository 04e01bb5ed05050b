//! Conditioning on what is known: some coordinates held fixed, or all of them observed with noise.

mod clamped_block_gibbs;
mod clamped_single_site_gibbs;
mod conditional_energy;
mod gaussian_likelihood;
mod observed_block;

use burn::tensor::{Bool, Device, Int, Tensor, TensorData};

pub use clamped_block_gibbs::{ClampedBlockGibbs, ClampedBlockGibbsState};
pub use clamped_single_site_gibbs::{ClampedSingleSiteGibbs, ClampedSingleSiteGibbsState};
pub use conditional_energy::ConditionalEnergy;
pub use gaussian_likelihood::GaussianLikelihood;
pub use observed_block::ObservedBlock;

/// The numbers of the coordinates where `free` is `wanted`, in their order.
fn numbers(free: &[bool], wanted: bool) -> Vec<usize> {
    let all = free.iter().enumerate();
    all.filter(|&(_, &free)| free == wanted)
        .map(|(number, _)| number)
        .collect()
}

/// Numbers of coordinates on the device: `[count]`.
fn indices(numbers: &[usize], device: &Device) -> Tensor<1, Int> {
    let numbers: Vec<i64> = numbers.iter().map(|&number| number as i64).collect();
    let count = numbers.len();
    Tensor::from_data(TensorData::new(numbers, [count]), device)
}

/// A mask on the device, the same for every row: `[1, coordinates]`.
fn mask(values: &[bool], device: &Device) -> Tensor<2, Bool> {
    let data = TensorData::new(values.to_vec(), [1, values.len()]);
    Tensor::from_data(data, device)
}
