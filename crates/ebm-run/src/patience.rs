//! How long chains are waited for once a run is to stop.

use std::time::{Duration, Instant};

use ebm_sampling::Interrupt;

/// What takes less is finished: a run that is stopped again and again still comes to its end.
const PATIENCE: Duration = Duration::from_secs(1);

/// Does something that moves chains, with an interrupt that is raised if it should stop and
/// this has taken more than a second.
pub(crate) fn patiently<T>(
    should_stop: &mut dyn FnMut() -> bool,
    action: impl FnOnce(&mut Interrupt<'_>) -> T,
) -> T {
    let began = Instant::now();
    let mut stop = || began.elapsed() > PATIENCE && should_stop();
    action(&mut Interrupt::when(&mut stop))
}
