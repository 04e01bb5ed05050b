//! How parameters move: update rules, gradients, the learning rate, a moving average of the
//! weights.

mod config;
mod gradient_descent;
mod gradients;
mod moving_average;
mod parameter_optimizer;
mod schedule;
mod spectral_limit;

pub use config::{AdamConfig, AdamWConfig, OptimizerConfig, SgdConfig};
pub use gradients::ParameterGradients;
pub use moving_average::MovingAverage;
pub use parameter_optimizer::ParameterOptimizer;
pub use schedule::{CosineConfig, ExponentialConfig, LinearConfig, ScheduleConfig, ScheduleKind};
