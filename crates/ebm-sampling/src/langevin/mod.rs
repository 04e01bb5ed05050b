//! Langevin dynamics without rejections: overdamped, and with velocities that last.

mod unadjusted;
mod underdamped;

pub use unadjusted::{Langevin, LangevinState};
pub use underdamped::{UnderdampedLangevin, UnderdampedLangevinState};
