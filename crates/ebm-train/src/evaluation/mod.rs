//! What a trained model is worth: its partition function, how likely it finds data, and pictures of what it learned.

mod annealed_bounds;
mod likelihood;
mod partition;
mod pictures;
mod recall;

pub use likelihood::{Estimate, SetReport, evaluate};
pub use partition::{
    Bound, LogPartition, PartitionMethod, PartitionOptions, Progress, log_partition,
};
pub use pictures::{filters, reconstructions};
pub use recall::{RecallReport, Recalled, recall_damaged};
