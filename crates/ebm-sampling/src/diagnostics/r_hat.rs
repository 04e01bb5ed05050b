//! R-hat: how much chains differ from each other, compared with how much each varies.

use super::ranks::{normal_scores, quantile, sorted};
use super::{are_finite, mean, split, variance};

/// The rank-normalised split R-hat, the larger of that of the draws and of their distances from the
/// median (Vehtari et al. 2021, section 4). Below 1.01 chains have mixed as far as it can tell.
///
/// NaN of draws that are all the same; infinite where chains stand still at different values.
///
/// # Panics
///
/// If chains differ in length or have fewer than [`MIN_DRAWS`](super::MIN_DRAWS) draws.
pub fn r_hat(chains: &[Vec<f64>]) -> f64 {
    if !are_finite(chains) {
        return f64::NAN;
    }
    let halves = split(chains);
    let median = quantile(&sorted(&halves), 0.5);
    let folded: Vec<Vec<f64>> = halves
        .iter()
        .map(|half| half.iter().map(|draw| (draw - median).abs()).collect())
        .collect();
    plain(&normal_scores(&halves)).max(plain(&normal_scores(&folded)))
}

/// The split R-hat of the draws themselves (Gelman et al. 2013, section 11.4).
///
/// # Panics
///
/// As for [`r_hat`].
pub fn split_r_hat(chains: &[Vec<f64>]) -> f64 {
    if are_finite(chains) {
        plain(&split(chains))
    } else {
        f64::NAN
    }
}

/// `sqrt((B / W + n - 1) / n)` with the variances `B` between and `W` within chains of `n` draws.
fn plain(chains: &[Vec<f64>]) -> f64 {
    let n = chains[0].len() as f64;
    let means: Vec<f64> = chains.iter().map(|chain| mean(chain)).collect();
    let within = mean(
        &chains
            .iter()
            .map(|chain| variance(chain))
            .collect::<Vec<_>>(),
    );
    let between = n * variance(&means);
    ((between / within + n - 1.0) / n).sqrt()
}
