//! Warm-up: kernels that tune themselves while their chains move, and are fixed afterwards.
//!
//! Chains that stand where the energy isn't finite can't tell a good step from a bad one. They move
//! with the others, but nothing is learnt from them; [`Run::left_out`](crate::Run::left_out) counts
//! them.

mod chees_adaptation;
mod counted;
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

/// A few numbers, read back.
fn scalars(tensor: Tensor<1>) -> Vec<f64> {
    tensor.into_data().iter::<f64>().collect()
}
