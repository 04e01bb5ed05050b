//! Pictures of what a trained model is worth: energies, filters, reconstructions, recall.

mod histogram;
mod machine;
mod recall;

pub use histogram::{EnergyHistogram, Histogram, HistogramSet};
pub use machine::{filters, reconstructions};
pub use recall::{RecallPictures, draw_damaged_recall, draw_recalled_images};
