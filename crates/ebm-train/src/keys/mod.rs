//! What the keys of a recipe and of a run's configuration are: names, kinds, ranges, and what they
//! mean.

mod check;
mod content;
mod description;
mod kinds;

pub use check::{
    InvalidValue, MOST_TRANSITIONS, check, check_at_least_one, check_count, check_decay,
    check_layers, check_not_negative, check_positive, check_share, check_transitions,
};
#[doc(hidden)]
pub use content::Part;
pub use description::{Docs, Documented, KeyDocs, KindDocs, join_lines};
pub use kinds::{KEY_SEPARATOR, NoKeys};
#[doc(hidden)]
pub use kinds::{read_keys, take_kind, unknown_kind};
