//! Text for people: lists, numbers in few characters, names that were nearly right.

pub(crate) mod listing;
pub(crate) mod number;
pub(crate) mod suggestion;
