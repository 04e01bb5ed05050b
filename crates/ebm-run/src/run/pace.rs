//! How long an update takes on this machine.

use std::time::{Duration, Instant};

use burn::tensor::Device;

use super::start::prepare;
use crate::config::RunConfig;
use crate::error::RunError;

/// Updates before the clock starts: the first makes what later ones find made.
const WARM_UP: usize = 2;
/// Updates that are timed, at most.
const MOST: usize = 50;

/// The seconds that an update of a configuration takes, from updates that are made for it and
/// thrown away: as many as take `within`, 1 to 50.
///
/// # Errors
///
/// As for [`train`](super::train).
pub fn seconds_per_update(
    config: &RunConfig,
    device: &Device,
    within: Duration,
) -> Result<f64, RunError> {
    let mut trainer = prepare(config, device)?;
    for _ in 0..WARM_UP {
        trainer.step();
    }
    let began = Instant::now();
    let mut updates = 0;
    while updates == 0 || (updates < MOST && began.elapsed() < within) {
        trainer.step();
        updates += 1;
    }
    Ok(began.elapsed().as_secs_f64() / updates as f64)
}
