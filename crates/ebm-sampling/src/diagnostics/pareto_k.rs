//! Pareto k-hat: how heavy the tail of importance weights is, and smoothing of the largest.

use super::generalized_pareto::GeneralizedPareto;

/// The fewest weights of a tail to which a distribution is fitted.
const MIN_TAIL: usize = 5;

/// Log-weights that differ by no more are equal: f32 energies of a few dozen nats are rounded by as
/// much.
const EQUAL: f64 = 1e-5;

/// The largest k-hat at which an estimate from `n` weights can be believed:
/// `min(1 - 1 / log10 n, 0.7)`.
///
/// Above it, a given error would take far too many draws, and the estimate of the error itself
/// fails (Vehtari et al. 2024, equation 13). 0.7 from 2,155 weights on, 0.5 for 100, negative
/// below 10.
pub fn pareto_k_threshold(n: usize) -> f64 {
    (1.0 - 1.0 / (n as f64).log10()).min(0.7)
}

/// Pareto k-hat of importance weights: the shape of a generalised Pareto distribution fitted to the
/// largest `min(n / 5, 3 sqrt n)` of them.
///
/// Weights with such a tail have finite moments of orders below `1 / k`: from `k = 1/2` on there is
/// no variance, and an effective sample size or a standard error means little; from 1 on there is
/// no mean. See [`pareto_k_threshold`] for what can be believed. It can't know of places that were
/// never drawn. Equal to `arviz.psislw` wherever that is finite and weights aren't all equal.
///
/// Ties (states of few units) may leave fewer than 5 weights above the place of the cut; the tail
/// then begins at the next smaller weight. `-inf` where all weights are equal, to within 1e-5 nats,
/// which is f32 rounding: there is no tail. `+inf` where it can't be told, as from 20 weights or
/// fewer, or where fewer than 5 rise above the rest; NaN if a log-weight is NaN or `+inf`, or all
/// are `-inf`.
///
/// `log_weights` need not be normalised; `-inf` is a weight of zero.
///
/// Source: Vehtari, Simpson, Gelman, Yao & Gabry, "Pareto smoothed importance sampling", JMLR
/// 25(72), 2024, with the fit of Zhang & Stephens (2009).
pub fn pareto_k(log_weights: &[f64]) -> f64 {
    match Tail::of(log_weights) {
        Tail::Fitted { fit, .. } => fit.shape,
        Tail::Equal => f64::NEG_INFINITY,
        Tail::Unknown => f64::INFINITY,
        Tail::NotANumber => f64::NAN,
    }
}

/// Log-weights whose largest are replaced by quantiles of the distribution fitted for [`pareto_k`],
/// in the same order.
///
/// The smallest of a tail of `m` becomes the quantile `1 / 2m`, the next `3 / 2m`, and so on, none
/// above the largest as it was. This takes most of the variance of the largest weights at the price
/// of a small bias (Vehtari et al. 2024). Not normalised: the same as `arviz.psislw` up to a
/// constant. Returned as they are where k-hat is infinite or NaN, or its tail was found by going
/// below ties.
pub fn pareto_smoothed(log_weights: &[f64]) -> Vec<f64> {
    let mut smoothed = log_weights.to_vec();
    if let Tail::Fitted {
        fit,
        indices,
        cutoff,
        tied: false,
        largest,
    } = Tail::of(log_weights)
    {
        let m = indices.len() as f64;
        for (rank, index) in indices.into_iter().enumerate() {
            let excess = fit.quantile((rank as f64 + 0.5) / m);
            smoothed[index] = largest + (excess + cutoff.exp()).ln().min(0.0);
        }
    }
    smoothed
}

/// The largest weights.
enum Tail {
    /// Enough of them above a cut.
    Fitted {
        fit: GeneralizedPareto,
        /// Of weights above the cut, from the smallest to the largest.
        indices: Vec<usize>,
        /// The logarithm of the weight above which they are, relative to the largest.
        cutoff: f64,
        /// Whether the cut was moved below ties.
        tied: bool,
        /// The largest log-weight.
        largest: f64,
    },
    /// All weights are equal but for rounding.
    Equal,
    /// Too few, or nothing that could be fitted.
    Unknown,
    /// There is no such thing.
    NotANumber,
}

impl Tail {
    fn of(log_weights: &[f64]) -> Self {
        let n = log_weights.len();
        let largest = log_weights
            .iter()
            .copied()
            .fold(f64::NEG_INFINITY, f64::max);
        if !largest.is_finite() || log_weights.iter().any(|weight| weight.is_nan()) {
            return Self::NotANumber;
        }
        let length = (n as f64 / 5.0).min(3.0 * (n as f64).sqrt()).ceil() as usize;
        if length < MIN_TAIL {
            return Self::Unknown;
        }
        let mut order: Vec<usize> = (0..n).collect();
        order.sort_unstable_by(|&a, &b| log_weights[a].total_cmp(&log_weights[b]));
        let relative = |place: usize| log_weights[order[place]] - largest;
        if relative(0) >= -EQUAL {
            return Self::Equal;
        }
        // Where weights above `cutoff` begin; below the smallest positive number there are none to
        // tell apart.
        let smallest = f64::MIN_POSITIVE.ln();
        let above = |cutoff: f64| order.partition_point(|&i| log_weights[i] - largest <= cutoff);
        let mut cutoff = relative(n - length - 1).max(smallest);
        let mut first = above(cutoff);
        let tied = n - first < MIN_TAIL && cutoff > smallest;
        if tied {
            let equal = order.partition_point(|&i| log_weights[i] - largest < cutoff);
            if equal == 0 {
                let all_equal = first == n;
                return if all_equal {
                    Self::Equal
                } else {
                    Self::Unknown
                };
            }
            cutoff = relative(equal - 1).max(smallest);
            first = above(cutoff);
        }
        if n - first < MIN_TAIL {
            return Self::Unknown;
        }
        let indices = order[first..].to_vec();
        let excess = |&i: &usize| (log_weights[i] - largest).exp() - cutoff.exp();
        let excesses: Vec<f64> = indices.iter().map(excess).collect();
        GeneralizedPareto::fit(&excesses).map_or(Self::Unknown, |fit| Self::Fitted {
            fit,
            indices,
            cutoff,
            tied,
            largest,
        })
    }
}
