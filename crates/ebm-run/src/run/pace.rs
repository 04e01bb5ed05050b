//! How long an update takes on this machine.

use std::time::{Duration, Instant};

use burn::tensor::Device;

use super::start::prepare;
use crate::config::RunConfig;
use crate::error::RunError;

/// Updates before the clock starts: the first makes what later ones find made.
const WARM_UP: usize = 2;
/// Updates that are timed, at most.
const MOST: usize = 200;

/// The seconds that an update of a configuration takes, the median of updates that are made for it
/// and thrown away: as many as take `within`, 1 to 200. The median, since others may want the
/// machine for a moment, and with it long chains, whose share is added.
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
    let mut times = Vec::new();
    while times.is_empty() || (times.len() < MOST && began.elapsed() < within) {
        let before = Instant::now();
        trainer.step();
        times.push(before.elapsed().as_secs_f64());
    }
    times.sort_by(f64::total_cmp);
    let long = config.chains.long();
    let factor = long.map_or(1.0, |long| long.mean_factor());
    Ok(factor * times[times.len() / 2])
}
