//! Where chains start: as the configuration says, fitted to the examples where it says so.

use ebm_ops::{Interval, Noise};
use ebm_sampling::{FittedGaussians, StartingPoints};

use super::config::StartConfig;
use crate::examples::{Examples, host_values};

/// Keeps the draws of a fit apart from all others.
const STREAM: u64 = 0x6669_7474_6564_0000;
/// Examples that Gaussians are fitted to, at most.
const EXAMPLES: usize = 8192;
/// Directions of all of them, and of one at most.
const DIRECTIONS: usize = 640;
const DIRECTIONS_OF_ONE: usize = 64;
/// Beyond so many labels one Gaussian has all examples.
const MOST_LABELS: usize = 80;

/// The starting points of a configuration, for data in `range`.
pub(crate) fn starting_points<const D: usize>(
    start: StartConfig,
    range: Interval,
    examples: &Examples<D>,
) -> StartingPoints {
    let fit = || StartingPoints::Fitted(Box::new(fit(range, &examples.flattened())));
    start.points(range).unwrap_or_else(fit)
}

/// The Gaussians of some of the examples, which are drawn: the same for the same examples.
fn fit(range: Interval, examples: &Examples<2>) -> FittedGaussians {
    let mut noise = Noise::new(STREAM);
    let groups = groups(examples);
    let shares: Vec<f32> = groups.iter().map(|group| group.len() as f32).collect();
    let most = EXAMPLES / groups.len();
    let directions = (DIRECTIONS / groups.len()).min(DIRECTIONS_OF_ONE);
    let groups = groups
        .into_iter()
        .map(|group| {
            let chosen = noise.choose(group.len().min(most), group.len());
            let rows: Vec<usize> = chosen.into_iter().map(|at| group[at]).collect();
            examples.batch(&rows).x
        })
        .collect();
    FittedGaussians::fit(&shares, groups, directions, range, &mut noise)
}

/// The rows of the examples of each label; all of them where there are no labels, or too many.
fn groups(examples: &Examples<2>) -> Vec<Vec<usize>> {
    let (Some(labels), Some(classes @ 1..=MOST_LABELS)) = (examples.labels(), examples.classes())
    else {
        return vec![(0..examples.len()).collect()];
    };
    let mut groups = vec![Vec::new(); classes];
    for (row, label) in host_values(labels.float()).into_iter().enumerate() {
        groups[label as usize].push(row);
    }
    groups.retain(|group| !group.is_empty());
    groups
}
