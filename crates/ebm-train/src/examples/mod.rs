//! Training examples on the device: batches with their labels, and the order of visits.

mod batch;
mod examples_on_device;
mod host;

pub use batch::Batch;
pub use examples_on_device::{Examples, Fingerprint, Order, ROWS_AT_A_TIME};
pub use host::host_values;
