//! What the logarithms of importance weights say about the mean weight.

use ebm_ops::Interval;

/// The normal quantile of a two-sided 95 % interval.
const QUANTILE: f64 = 1.959_963_984_540_054;

/// `log (1/n sum_i exp(x_i))`, without overflow; `-inf` without values.
pub(crate) fn log_mean_exp(x: &[f64]) -> f64 {
    let largest = x.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if largest.is_infinite() {
        return largest;
    }
    let sum: f64 = x.iter().map(|x| (x - largest).exp()).sum();
    largest + (sum / x.len() as f64).ln()
}

/// `(sum w)^2 / sum w^2`, from 1 to the number of weights (Kong, Liu & Wong 1994); 0 where all
/// weights are.
pub(crate) fn effective_sample_size(log_weights: &[f64]) -> f64 {
    if log_weights.iter().all(|&x| x == f64::NEG_INFINITY) {
        return 0.0;
    }
    let squares: Vec<f64> = log_weights.iter().map(|x| 2.0 * x).collect();
    let n = log_weights.len() as f64;
    n * (2.0 * log_mean_exp(log_weights) - log_mean_exp(&squares)).exp()
}

/// The standard error of `log mean w` by the delta method, `s_w / (mean w sqrt n)`; infinite for a
/// single weight.
pub(crate) fn standard_error(log_weights: &[f64]) -> f64 {
    if log_weights.len() < 2 {
        return f64::INFINITY;
    }
    let center = log_mean_exp(log_weights);
    let relative: Vec<f64> = log_weights.iter().map(|x| (x - center).exp()).collect();
    (variance(&relative) / log_weights.len() as f64).sqrt()
}

/// An approximate 95 % interval of `log E[w]`: the hull of two.
///
/// - The delta method: `log mean w +- 1.96` times its [`standard_error`]. It assumes only that the
///   largest weights have been drawn, and is far too narrow where they haven't.
/// - What log-normal weights would give (Cox's method; Zhou & Gao 1997):
///   `m + s^2 / 2 +- 1.96 sqrt(s^2 / n + s^4 / (2 (n - 1)))` with the mean `m` and variance `s^2`
///   of the log-weights. Log-weights of annealing are sums of many small terms, so this often comes
///   close (Neal 2001, section 4).
///
/// Of 100 log-normal weights with `s` = 1, 2, 3, the first alone covers 93, 81, 57 %, a percentile
/// bootstrap 91, 80, 50 %, the second 95 %. Neither can account for modes that no chain has found.
/// If some weights are 0, only the first is used; if all are 0, the interval of `E[w]` is from 0 to
/// infinity.
pub(crate) fn interval(log_weights: &[f64]) -> Interval {
    let n = log_weights.len() as f64;
    let center = log_mean_exp(log_weights);
    if log_weights.len() < 2 || center == f64::NEG_INFINITY {
        return Interval::new(f64::NEG_INFINITY, f64::INFINITY);
    }
    let delta = QUANTILE * standard_error(log_weights);

    if log_weights.contains(&f64::NEG_INFINITY) {
        return Interval::new(center - delta, center + delta);
    }
    let spread = variance(log_weights);
    let normal_center = mean(log_weights) + spread / 2.0;
    let normal = QUANTILE * (spread / n + spread * spread / (2.0 * (n - 1.0))).sqrt();
    Interval::new(
        (center - delta).min(normal_center - normal),
        (center + delta).max(normal_center + normal),
    )
}

pub(crate) fn mean(x: &[f64]) -> f64 {
    x.iter().sum::<f64>() / x.len() as f64
}

fn variance(x: &[f64]) -> f64 {
    let mean = mean(x);
    x.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (x.len() as f64 - 1.0)
}
