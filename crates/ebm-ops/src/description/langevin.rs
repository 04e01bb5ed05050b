//! A step of Langevin dynamics in f32.

use super::Place;

/// A [`LangevinUpdate`](crate::LangevinUpdate) in f32, with the place of its noise in the stream.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LangevinStep {
    pub(crate) step_size: f32,
    pub(crate) noise: f32,
    pub(crate) clip: f32,
    pub(crate) clamp: (f32, f32),
    pub(crate) place: Place,
}
