//! Which chains of a batch restart, and what they restart from.

use super::{Distribution, Place};

/// A restart of some chains; see [`StartingPoints::restart`](crate::StartingPoints::restart).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Restart {
    /// With what probability each chain restarts.
    pub(crate) probability: f32,
    /// Where the noise is that chooses them, one value a chain.
    pub(crate) choice: Place,
    /// What the fresh values are made of.
    pub(crate) fresh: Fresh,
    /// Where the noise of the fresh values is, for all chains.
    pub(crate) draw: Place,
}

/// What fresh values are made of.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fresh {
    /// `scale * draw + shift`.
    Scaled {
        draws: Distribution,
        scale: f32,
        shift: f32,
    },
    /// `low + width * coin`, with coins that are 0 or 1, each with probability 1/2.
    Coins { low: f32, width: f32 },
}
