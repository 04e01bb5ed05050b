//! Warm-up: kernels that tune themselves while their chains move, and are fixed afterwards.

mod chees_adaptation;
mod dual_averaging;
mod reasonable_step_size;
mod running_variance;
mod step_size;
mod window_adaptation;

use burn::tensor::Tensor;

pub use chees_adaptation::{MAX_LEAPFROG_STEPS, chees_adaptation};
pub use dual_averaging::DualAveraging;
pub use reasonable_step_size::find_reasonable_step_size;
pub use step_size::{StepSize, adapt_step_size};
pub use window_adaptation::{WarmupWindows, window_adaptation};

use crate::kernel::StepInfo;

/// The mean acceptance probability of all chains, read back.
///
/// # Panics
///
/// If the kernel never rejects.
fn mean_acceptance(info: &StepInfo) -> f64 {
    let Some(probability) = info.acceptance_probability.clone() else {
        panic!("a step size is tuned by acceptance probabilities, but this kernel reports none")
    };
    scalars(probability.mean())[0]
}

/// A few numbers, read back.
fn scalars(tensor: Tensor<1>) -> Vec<f64> {
    tensor.into_data().iter::<f64>().collect()
}
