//! What the tests of the trainer and its parts share: a small recipe, and values on the host.
#![allow(clippy::unwrap_used, unreachable_pub, dead_code)] // each test file uses a part

#[allow(unused_imports)] // each test file uses a part
pub use ebm_testing::floats;
use ebm_train::Recipe;
use ebm_train::recipe::{
    ChainsConfig, ContrastiveDivergence, LangevinConfig, OptimizerConfig, ScheduleConfig,
    StartConfig,
};

/// A linear energy of points, learned by maximum likelihood.
pub fn recipe() -> Recipe {
    Recipe::density()
        .with_steps(1200)
        .with_sampler(LangevinConfig::new(10, 0.02).with_temperature(1.0))
        .with_chains(ChainsConfig::persistent(StartConfig::Uniform))
        .with_objective(ContrastiveDivergence::default())
        .with_optimizer(OptimizerConfig::adam(1e-2).with_momentum(0.5))
        .with_schedule(ScheduleConfig::cosine(0.02))
        .without_moving_average()
}
