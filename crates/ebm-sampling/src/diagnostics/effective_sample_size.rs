//! The effective sample size: how many independent draws would say as much as these.

use super::ranks::{normal_scores, quantile, sorted};
use super::{are_finite, mean, split, variance};

/// The effective sample size for the mean of the draws, chains split in halves (Vehtari et al.
/// 2021, section 3).
///
/// `S / tau` with `S` draws in all and `tau = 1 + 2 sum_t rho_t`, the autocorrelations of all
/// chains together summed by Geyer's initial monotone sequence (Geyer 1992). More than `S` for
/// draws that alternate, at most `S log10 S`; draws that are all within 1e-15 of each other are
/// `S`, whatever they are.
///
/// With fewer than 10 draws a chain, halves have at most 4, too few for a single pair of lags. The
/// result is then the upper limit, `S log10 S`, as in ArviZ, and says nothing about the draws.
///
/// # Panics
///
/// If chains differ in length or have fewer than [`MIN_DRAWS`](super::MIN_DRAWS) draws.
pub fn effective_sample_size(chains: &[Vec<f64>]) -> f64 {
    if are_finite(chains) {
        of(&split(chains))
    } else {
        f64::NAN
    }
}

/// The effective sample size of the bulk: of the normal scores of the draws, so that heavy tails
/// don't matter.
///
/// # Panics
///
/// As for [`effective_sample_size`].
pub fn bulk_effective_sample_size(chains: &[Vec<f64>]) -> f64 {
    if are_finite(chains) {
        of(&normal_scores(&split(chains)))
    } else {
        f64::NAN
    }
}

/// The effective sample size of the tails: the smaller of those for the 5 % and the 95 % quantile.
///
/// # Panics
///
/// As for [`effective_sample_size`].
pub fn tail_effective_sample_size(chains: &[Vec<f64>]) -> f64 {
    let of = |p| quantile_effective_sample_size(chains, p);
    // Both are numbers, or neither.
    of(0.05).min(of(0.95))
}

/// The effective sample size for the quantile `p`: of the indicators `1[x <= quantile]`.
///
/// # Panics
///
/// As for [`effective_sample_size`], and if `p` isn't between 0 and 1.
pub fn quantile_effective_sample_size(chains: &[Vec<f64>], p: f64) -> f64 {
    assert!(
        (0.0..=1.0).contains(&p),
        "a quantile must be between 0 and 1, found {p}"
    );
    if !are_finite(chains) {
        return f64::NAN;
    }
    let limit = quantile(&sorted(chains), p);
    let below = |&draw: &f64| f64::from(u8::from(draw <= limit));
    let below: Vec<Vec<f64>> = chains
        .iter()
        .map(|chain| chain.iter().map(below).collect())
        .collect();
    of(&split(&below))
}

/// The Monte-Carlo standard error of the mean of all draws, their standard deviation over the root
/// of [`effective_sample_size`].
///
/// # Panics
///
/// As for [`effective_sample_size`].
pub fn monte_carlo_error(chains: &[Vec<f64>]) -> f64 {
    let draws: Vec<f64> = chains.iter().flatten().copied().collect();
    (variance(&draws) / effective_sample_size(chains)).sqrt()
}

/// The autocorrelation of one chain at the lags 0 to `lags`, `rho_0 = 1`; NaN for a chain that
/// doesn't move.
///
/// # Panics
///
/// If `lags` isn't below the number of draws.
pub fn autocorrelation(chain: &[f64], lags: usize) -> Vec<f64> {
    assert!(
        lags < chain.len(),
        "{} draws have no autocorrelation at lag {lags}",
        chain.len()
    );
    let center = mean(chain);
    let whole = autocovariance(chain, center, 0);
    (0..=lags)
        .map(|lag| autocovariance(chain, center, lag) / whole)
        .collect()
}

/// `1/n sum_t (x_t - mean) (x_{t + lag} - mean)`.
fn autocovariance(chain: &[f64], mean: f64, lag: usize) -> f64 {
    let pairs = chain.iter().zip(&chain[lag..]);
    let sum: f64 = pairs.map(|(a, b)| (a - mean) * (b - mean)).sum();
    sum / chain.len() as f64
}

/// Draws within so much of each other are all the same: the decimal resolution of f64, as ArviZ has
/// it.
const RESOLUTION: f64 = 1e-15;

/// Of chains as they are, `_ess` of ArviZ step by step.
fn of(chains: &[Vec<f64>]) -> f64 {
    let length = chains[0].len();
    let (n, count) = (length as f64, chains.len() as f64);
    let total = n * count;
    let draws = || chains.iter().flatten().copied();
    let lowest = draws().fold(f64::INFINITY, f64::min);
    let highest = draws().fold(f64::NEG_INFINITY, f64::max);
    if highest - lowest < RESOLUTION {
        // Draws that are all the same have no error of the mean.
        return total;
    }
    let means: Vec<f64> = chains.iter().map(|chain| mean(chain)).collect();
    let covariance = |lag: usize| {
        let sum: f64 = chains
            .iter()
            .zip(&means)
            .map(|(chain, &mean)| autocovariance(chain, mean, lag))
            .sum();
        sum / count
    };
    let within = covariance(0) * n / (n - 1.0);
    let mut overall = covariance(0);
    if chains.len() > 1 {
        overall += variance(&means);
    }
    let correlation = |lag: usize| 1.0 - (within - covariance(lag)) / overall;

    // Geyer's initial positive sequence: pairs of lags as long as their sum is positive.
    let mut rho = vec![0.0; length];
    (rho[0], rho[1]) = (1.0, correlation(1));
    let (mut even, mut odd) = (rho[0], rho[1]);
    let mut lag = 1;
    while lag + 3 < length && even + odd > 0.0 {
        (even, odd) = (correlation(lag + 1), correlation(lag + 2));
        if even + odd >= 0.0 {
            (rho[lag + 1], rho[lag + 2]) = (even, odd);
        }
        lag += 2;
    }
    // The lags that count twice are those before this one. There may be none: what is left is then
    // the bound below.
    let end = lag - 1;
    if even > 0.0 {
        rho[end] = even;
    }
    // The initial monotone sequence: sums of pairs never rise.
    let mut lag = 1;
    while lag + 3 <= end {
        let before = rho[lag - 1] + rho[lag];
        if rho[lag + 1] + rho[lag + 2] > before {
            rho[lag + 1] = before / 2.0;
            rho[lag + 2] = rho[lag + 1];
        }
        lag += 2;
    }
    let sum: f64 = rho[..end].iter().sum();
    let time = (2.0 * sum - 1.0 + rho[end]).max(1.0 / total.log10());
    total / time
}
