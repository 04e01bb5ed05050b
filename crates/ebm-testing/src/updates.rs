//! Updates of chains that every backend has to make.

use ebm_ops::{Interval, LangevinUpdate};

/// Langevin updates with and without noise, with clipped gradients, and with clamped positions.
pub fn langevin_updates() -> [LangevinUpdate; 4] {
    let plain = LangevinUpdate {
        step_size: 0.3,
        noise: 0.2,
        gradient_clip: None,
        clamp: None,
    };
    [
        plain,
        LangevinUpdate {
            noise: 0.0,
            ..plain
        },
        LangevinUpdate {
            gradient_clip: Some(0.5),
            ..plain
        },
        LangevinUpdate {
            gradient_clip: Some(0.1),
            clamp: Some(Interval::new(-1.0, 0.75)),
            ..plain
        },
    ]
}
