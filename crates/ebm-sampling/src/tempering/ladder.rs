//! Ladders of inverse temperatures, and the rows of replicas that stand on them.

use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

/// Inverse temperatures `1 = b_0 > b_1 > ... > b_n >= 0` of parallel tempering.
///
/// # Rows
///
/// Replicas of all temperatures are rows of one batch, temperature by temperature, the coldest
/// first: row `t * chains + c` is chain `c` at `b_t`. [`replicate`](Self::replicate) makes such a
/// batch, [`cold`](Self::cold) and [`replicas`](Self::replicas) take it apart.
///
/// # How many
///
/// With swaps of deterministic pairs, about half of them should be accepted. This takes about twice
/// as many pairs as the sum of all rejection rates, a sum that hardly depends on the ladder (Syed
/// et al. 2022). [`adapted`](Self::adapted) makes the rates equal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Vec<f64>", into = "Vec<f64>")]
pub struct Ladder {
    values: Vec<f64>,
}

/// Inverse temperatures that parallel tempering can't use.
#[derive(Clone, Debug, PartialEq)]
pub struct InvalidLadder {
    found: Vec<f64>,
}

impl std::fmt::Display for InvalidLadder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "found inverse temperatures {:?}, expected at least two that start at 1 and fall, none below 0",
            self.found
        )
    }
}

impl std::error::Error for InvalidLadder {}

impl TryFrom<Vec<f64>> for Ladder {
    type Error = InvalidLadder;

    fn try_from(values: Vec<f64>) -> Result<Self, InvalidLadder> {
        Self::new(values)
    }
}

impl From<Ladder> for Vec<f64> {
    fn from(ladder: Ladder) -> Self {
        ladder.values
    }
}

impl Ladder {
    /// These inverse temperatures.
    ///
    /// # Errors
    ///
    /// If there are fewer than two, the first isn't 1, they don't fall, or fall below 0.
    pub fn new(inverse_temperatures: Vec<f64>) -> Result<Self, InvalidLadder> {
        let values = inverse_temperatures;
        let falls = values.windows(2).all(|pair| pair[0] > pair[1]);
        let last = values.last().copied().unwrap_or(-1.0);
        if values.len() >= 2 && values[0] == 1.0 && falls && last >= 0.0 {
            Ok(Self { values })
        } else {
            Err(InvalidLadder { found: values })
        }
    }

    /// `count` inverse temperatures from 1 down to `lowest`, evenly spaced.
    ///
    /// # Errors
    ///
    /// As for [`new`](Self::new).
    pub fn linear(count: usize, lowest: f64) -> Result<Self, InvalidLadder> {
        let step = (1.0 - lowest) / count.saturating_sub(1).max(1) as f64;
        Self::new((0..count).map(|t| 1.0 - step * t as f64).collect())
    }

    /// `count` inverse temperatures from 1 down to `lowest`, each the same share of the one before:
    /// `b_t = lowest^(t / n)`.
    ///
    /// All pairs of neighbours swap equally often where the energy is quadratic (Kofke 2002).
    /// `lowest` must be above 0.
    ///
    /// # Errors
    ///
    /// As for [`new`](Self::new).
    pub fn geometric(count: usize, lowest: f64) -> Result<Self, InvalidLadder> {
        let steps = count.saturating_sub(1).max(1) as f64;
        Self::new((0..count).map(|t| lowest.powf(t as f64 / steps)).collect())
    }

    /// The same number of inverse temperatures between the same ends, moved to where all pairs
    /// would swap equally often.
    ///
    /// With the rejection rates `r_t = 1 - rate_t`, the barrier up to `b_t` is
    /// `L(b_t) = r_0 + ... + r_{t-1}`; it hardly depends on the ladder. Between them `L` is taken
    /// to be linear, and the new ladder has `L(b_t) = t L(b_n) / n` (Syed, Bouchard-Cote,
    /// Deligiannidis & Doucet, Journal of the Royal Statistical Society B 84, 2022). A pair that is
    /// never rejected counts as rejected once in a thousand times, so that no part of the ladder is
    /// lost. Repeat with rates measured on the new ladder until they agree; samples are to be drawn
    /// with a ladder that isn't changed any more.
    ///
    /// `swap_rates` are those of the pairs of neighbours, the coldest first:
    /// [`Run::swap_probabilities`](crate::Run::swap_probabilities), or
    /// [`Run::swap_rates`](crate::Run::swap_rates), which are noisier.
    ///
    /// # Panics
    ///
    /// If there isn't one rate a pair, or one is not between 0 and 1 (but for rounding).
    pub fn adapted(&self, swap_rates: &[f64]) -> Self {
        let pairs = self.values.len() - 1;
        assert_eq!(
            swap_rates.len(),
            pairs,
            "{} temperatures have {pairs} pairs of neighbours, but {} swap rates were given",
            self.values.len(),
            swap_rates.len()
        );
        assert!(
            swap_rates.iter().all(|rate| (-1e-3..=1.001).contains(rate)),
            "swap rates must be between 0 and 1, found {swap_rates:?}"
        );
        let mut barrier = vec![0.0];
        let mut sum = 0.0;
        for rate in swap_rates {
            sum += (1.0 - rate).clamp(1e-3, 1.0);
            barrier.push(sum);
        }
        let at = |t: usize| {
            let level = sum * t as f64 / pairs as f64;
            let upper = barrier.partition_point(|&b| b <= level).clamp(1, pairs);
            let (below, above) = (barrier[upper - 1], barrier[upper]);
            let (colder, hotter) = (self.values[upper - 1], self.values[upper]);
            colder + (hotter - colder) * (level - below) / (above - below)
        };
        let mut values = self.values.clone();
        for (t, value) in values.iter_mut().enumerate().take(pairs).skip(1) {
            *value = at(t);
        }
        // Two may be equal by rounding where the barrier is all in a gap of a few units in the last
        // place.
        Self::new(values).unwrap_or_else(|_| self.clone())
    }

    /// The inverse temperatures, the coldest first.
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// The number of temperatures, and of replicas a chain; at least 2.
    pub fn temperatures(&self) -> usize {
        self.values.len()
    }

    /// Every chain at every temperature: `[chains, ..]` -> `[temperatures * chains, ..]`.
    pub fn replicate<const D: usize>(&self, chains: Tensor<D>) -> Tensor<D> {
        Tensor::cat(vec![chains; self.temperatures()], 0)
    }

    /// The rows at temperature 1, the samples of the model: `[temperatures * chains, ..]` ->
    /// `[chains, ..]`.
    ///
    /// # Panics
    ///
    /// If the rows are no whole number of chains.
    pub fn cold<const D: usize>(&self, rows: Tensor<D>) -> Tensor<D> {
        self.replicas(rows, 0)
    }

    /// The rows at the inverse temperature `values()[index]`: `[temperatures * chains, ..]` ->
    /// `[chains, ..]`.
    ///
    /// # Panics
    ///
    /// If the rows are no whole number of chains, or there is no such temperature.
    pub fn replicas<const D: usize>(&self, rows: Tensor<D>, index: usize) -> Tensor<D> {
        let temperatures = self.temperatures();
        assert!(
            index < temperatures,
            "there is no temperature {index} on a ladder of {temperatures}"
        );
        let chains = self.chains(rows.dims()[0]);
        rows.narrow(0, index * chains, chains)
    }

    /// The number of chains of which these are all rows.
    pub(super) fn chains(&self, rows: usize) -> usize {
        let temperatures = self.temperatures();
        assert!(
            rows.is_multiple_of(temperatures),
            "{rows} rows are no whole number of chains at {temperatures} temperatures"
        );
        rows / temperatures
    }
}
