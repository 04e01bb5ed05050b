//! A table of the diagnostics, with the columns that users of Stan and ArviZ know.

use std::fmt;

use super::ranks::{quantile, sorted};
use super::{
    bulk_effective_sample_size, mean, monte_carlo_error, r_hat, tail_effective_sample_size,
    variance,
};

/// What chains say of one quantity, and how much of it can be believed.
#[derive(Clone, Debug, PartialEq)]
pub struct Summary {
    /// The name of the quantity.
    pub name: String,
    /// Mean of all draws.
    pub mean: f64,
    /// Standard deviation of all draws.
    pub standard_deviation: f64,
    /// The 5 % quantile.
    pub quantile_5: f64,
    /// The 95 % quantile.
    pub quantile_95: f64,
    /// Monte-Carlo standard error of the mean.
    pub monte_carlo_error: f64,
    /// Effective sample size of the bulk.
    pub bulk_effective_sample_size: f64,
    /// Effective sample size of the tails.
    pub tail_effective_sample_size: f64,
    /// Rank-normalised split R-hat.
    pub r_hat: f64,
}

/// Summarises the draws of one quantity, `chains[c][t]`.
///
/// # Panics
///
/// If chains differ in length or have fewer than [`MIN_DRAWS`](super::MIN_DRAWS) draws.
pub fn summary(name: impl Into<String>, chains: &[Vec<f64>]) -> Summary {
    let draws = sorted(chains);
    Summary {
        name: name.into(),
        mean: mean(&draws),
        standard_deviation: variance(&draws).sqrt(),
        quantile_5: quantile(&draws, 0.05),
        quantile_95: quantile(&draws, 0.95),
        monte_carlo_error: monte_carlo_error(chains),
        bulk_effective_sample_size: bulk_effective_sample_size(chains),
        tail_effective_sample_size: tail_effective_sample_size(chains),
        r_hat: r_hat(chains),
    }
}

/// Summaries as a table, one a line under a header.
pub fn table(summaries: &[Summary]) -> String {
    let width = summaries.iter().map(|s| s.name.len()).max().unwrap_or(0);
    let mut table = format!(
        "{:width$} {:>10} {:>10} {:>10} {:>10} {:>10} {:>9} {:>9} {:>7}\n",
        "", "mean", "sd", "5%", "95%", "mcse", "ess_bulk", "ess_tail", "r_hat"
    );
    for summary in summaries {
        table.push_str(&format!("{:width$} {summary}\n", summary.name));
    }
    table
}

/// The numbers, without the name.
impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:>10.4} {:>10.4} {:>10.4} {:>10.4} {:>10.2e} {:>9.0} {:>9.0} {:>7.3}",
            self.mean,
            self.standard_deviation,
            self.quantile_5,
            self.quantile_95,
            self.monte_carlo_error,
            self.bulk_effective_sample_size,
            self.tail_effective_sample_size,
            self.r_hat
        )
    }
}
