//! What a model is made of, which decides what can be computed of it and how its chains can move.

mod layered;
mod pairwise;
mod weighted_sum;

pub use layered::{HiddenUnits, LayeredStructure};
pub use pairwise::PairwiseStructure;

/// What a model is made of, as its [`structure`](crate::Energy::structure) says.
///
/// New kinds of models can always be added, but there are few forms of an energy of which more is
/// known than its values and gradients. So code that works on models (evaluation, inference,
/// chains, partition functions) matches on this, with one arm for each form, and on no kinds.
///
/// | | a row of states | exact steps of chains | `log Z` |
/// | --- | --- | --- | --- |
/// | smooth | a configuration | none | none |
/// | layered | visible units, or all | a layer given those beside it | sums over every second layer |
/// | pairwise | all units | a unit given all others | sums over states |
///
/// The arrays inside are those of the model: where it is on the autodiff graph, they are too; of a
/// frozen model (`model.valid()`, [`Precision::frozen`](crate::Precision::frozen)) they are not.
#[derive(Clone, Debug)]
#[allow(
    clippy::large_enum_variant,
    reason = "asked for once for work that takes long; a box would be in the way of every match"
)]
pub enum Structure {
    /// A function of which nothing is known but its values and gradients: networks, closures, and
    /// whatever has no other form.
    Smooth,
    /// Layers of units, each coupled to the next.
    Layered(LayeredStructure),
    /// Two-valued units, any of which may be coupled to any other.
    Pairwise(PairwiseStructure),
}

impl Structure {
    /// What a model of this structure is called in a message.
    pub const fn description(&self) -> &'static str {
        match self {
            Self::Smooth => "smooth energy",
            Self::Layered(_) => "machine with layers",
            Self::Pairwise(_) => "pairwise machine",
        }
    }
}
