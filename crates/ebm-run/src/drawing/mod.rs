//! Pictures and plots: axes, curves, grids of images, and what a trained model is worth.

pub(crate) mod axis;
pub(crate) mod density_picture;
mod histogram;
mod machine;
pub(crate) mod picture;
pub(crate) mod plot;
mod recall;
pub(crate) mod scale;
mod small_picture;
pub(crate) mod ticks;
pub(crate) mod titled_grid;

pub use histogram::{EnergyHistogram, Histogram, HistogramSet};
pub use machine::{filters, reconstructions};
pub use recall::{RecallPictures, draw_damaged_recall, draw_recalled_images};
pub use small_picture::{Pixels, SmallPicture};
