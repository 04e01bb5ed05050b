//! What models are worth, against sums over all states and closed forms.
#![allow(clippy::unwrap_used)]

mod energies;
mod partition;
mod partition_modes;
mod plane;
mod quality;
