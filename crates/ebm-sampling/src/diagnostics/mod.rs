//! Whether chains can be trusted: effective sample sizes, R-hat, autocorrelation.
//!
//! And whether importance weights can be: [`pareto_k`] takes their logarithms. Every other function
//! takes the draws of one quantity, chain by chain: `chains[c][t]` is draw `t` of chain `c`. Chains
//! have the same length, at least [`MIN_DRAWS`]. The definitions are those of Vehtari, Gelman,
//! Simpson, Carpenter & Bürkner, Bayesian Analysis 16 (2021), as Stan and ArviZ compute them. A
//! draw that is not finite makes every result NaN.

mod effective_sample_size;
mod generalized_pareto;
mod pareto_k;
mod r_hat;
mod ranks;
mod summary;

pub use effective_sample_size::{
    autocorrelation, bulk_effective_sample_size, effective_sample_size, monte_carlo_error,
    quantile_effective_sample_size, tail_effective_sample_size,
};
pub use pareto_k::{pareto_k, pareto_k_threshold, pareto_smoothed};
pub use r_hat::{r_hat, split_r_hat};
pub use summary::{Summary, summary, table};

/// The fewest draws a chain from which anything can be said.
pub const MIN_DRAWS: usize = 4;

/// Whether all draws are finite.
///
/// # Panics
///
/// If there is no chain, chains differ in length, or are shorter than [`MIN_DRAWS`].
fn are_finite(chains: &[Vec<f64>]) -> bool {
    let length = chains.first().map_or(0, Vec::len);
    assert!(
        length >= MIN_DRAWS,
        "diagnostics need chains of at least {MIN_DRAWS} draws, got {} chains of {length}",
        chains.len()
    );
    for (index, chain) in chains.iter().enumerate() {
        assert_eq!(
            chain.len(),
            length,
            "chain {index} has {} draws, but chain 0 has {length}",
            chain.len()
        );
    }
    chains.iter().flatten().all(|draw| draw.is_finite())
}

/// Both halves of every chain; the middle draw of an odd number is left out.
fn split(chains: &[Vec<f64>]) -> Vec<Vec<f64>> {
    chains
        .iter()
        .flat_map(|chain| {
            let half = chain.len() / 2;
            [chain[..half].to_vec(), chain[chain.len() - half..].to_vec()]
        })
        .collect()
}

fn mean(values: &[f64]) -> f64 {
    // A sum is rounded, so that chains that stand still would seem to move.
    if values.iter().all(|value| *value == values[0]) {
        return values.first().copied().unwrap_or(f64::NAN);
    }
    values.iter().sum::<f64>() / values.len() as f64
}

/// The unbiased sample variance.
fn variance(values: &[f64]) -> f64 {
    let mean = mean(values);
    let squares: f64 = values.iter().map(|x| (x - mean).powi(2)).sum();
    squares / (values.len() as f64 - 1.0)
}
