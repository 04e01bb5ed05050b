//! What most programs that draw samples name: `use ebm_sampling::prelude::*;`

pub use crate::gibbs::{BlockGibbs, SingleSiteGibbs};
pub use crate::hamiltonian::HamiltonianMonteCarlo;
pub use crate::langevin::{Langevin, UnderdampedLangevin};
pub use crate::metropolis_hastings::{
    GibbsWithGradients, Mala, MetropolisHastings, RandomWalkMetropolis,
};
pub use crate::tempering::{Ladder, ParallelTempering};
pub use crate::{Kernel, Run, Schedule, StartingPoints, run, run_with, sample};
