//! Gibbs sampling: units redrawn exactly given the others, block by block or one at a time.

mod block_gibbs;
mod enumerated_gibbs;
mod single_site_gibbs;

pub use block_gibbs::BlockGibbs;
pub(crate) use block_gibbs::{check_blocks, draw};
pub use enumerated_gibbs::EnumeratedGibbs;
pub use single_site_gibbs::{SingleSiteGibbs, SingleSiteGibbsState, SiteOrder, random_states};
