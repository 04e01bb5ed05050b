//! Annealed importance sampling: partition functions from below and, in reverse, from above.

use burn::tensor::Tensor;
use ebm_ops::{Interval, Noise, Progress};

use super::annealing_path::AnnealingPath;
use super::schedule::TemperingSchedule;
use crate::log_weights::{effective_sample_size, interval, log_mean_exp, mean};

/// Temperatures between read-backs of log-ratios, so that the host doesn't wait for the device at
/// each.
const READ_EVERY: usize = 64;

/// Annealed importance sampling (Neal 2001) along an [`AnnealingPath`].
///
/// Chains start at the base distribution, `x_0 ~ p_0`, and collect weights while they are heated or
/// cooled to the model: `w = prod_{k=1..K} p*_{beta_k}(x_{k-1}) / p*_{beta_{k-1}}(x_{k-1})`,
/// `x_k ~ T_{beta_k}(. | x_{k-1})`. Then `E[w] = Z / Z_0` exactly, whatever the number of
/// temperatures, which only narrows the weights.
///
/// # Both bounds
///
/// `log (Z_0 mean w)` is too small on average (Jensen's inequality): a stochastic lower bound of
/// `log Z`. Chains that start at *exact* samples of the model and go the other way have
/// `E[w'] = Z_0 / Z`, so that `log Z_0 - log mean w'` is a stochastic upper bound (Burda, Grosse &
/// Salakhutdinov 2015; Grosse, Ghahramani & Adams 2015): where both meet, `log Z` is found. With
/// samples that are nearly exact, the upper bound holds only nearly. A single estimate doesn't show
/// that chains have missed modes; report both.
///
/// Memory doesn't grow with the number of temperatures.
#[derive(Clone, Debug, PartialEq)]
pub struct AnnealedImportance {
    /// The inverse temperatures.
    pub schedule: TemperingSchedule,
    /// The number of forward chains.
    pub chains: usize,
}

/// An estimate of `log Z` from importance weights, in nats.
#[derive(Clone, Debug)]
pub struct PartitionEstimate<S> {
    /// The estimate: forward `log Z_0 + log mean w`, in reverse `log Z_0 - log mean w'`. NaN if a
    /// weight is.
    pub log_partition: f64,
    /// An approximate 95 % interval, the hull of that of the delta method and that of log-normal
    /// weights: nearly right where weights are heavy-tailed but regular, too narrow where some of
    /// the model's modes were never found. Infinite with a single chain, and where all weights
    /// are 0.
    pub interval: Interval,
    /// The mean of the log-weights in place of the logarithm of the mean: forward
    /// `log Z_0 + mean log w`, in reverse `log Z_0 - mean log w'`. A looser bound in the same
    /// direction, with less variance, free of the number of chains.
    pub mean_bound: f64,
    /// `log Z_0` of the base distribution.
    pub base_log_partition: f64,
    /// `log w` of each chain, or `log w'`; `-inf` is a weight of 0.
    pub log_weights: Vec<f64>,
    /// `(sum w)^2 / sum w^2`: from 1, where one chain has all the weight, to the number of chains;
    /// 0 if no chain has any.
    pub effective_sample_size: f64,
    /// The chains at the end: at the model forward, at the base distribution in reverse.
    pub states: S,
}

impl AnnealedImportance {
    /// Anneals from the base distribution to the model: a stochastic lower bound of `log Z`.
    ///
    /// `progress` is told now and then how many temperatures are done. The last transition, at the
    /// model itself, changes no weight; it leaves `states` at the model's temperature.
    ///
    /// # Panics
    ///
    /// If there are no chains.
    pub fn run<P: AnnealingPath>(
        &self,
        path: &P,
        noise: &mut Noise,
        progress: &mut dyn Progress,
    ) -> PartitionEstimate<P::State> {
        assert!(self.chains > 0, "annealing needs at least one chain, got 0");
        let start = path.draw_base(self.chains, noise);
        let betas = self.schedule.values().to_vec();
        let (log_weights, states) = anneal(path, start, &betas, noise, progress);
        let base = path.base_log_partition();
        let Interval { low, high } = interval(&log_weights);
        PartitionEstimate {
            log_partition: base + log_mean_exp(&log_weights),
            interval: Interval::new(base + low, base + high),
            mean_bound: base + mean(&log_weights),
            base_log_partition: base,
            effective_sample_size: effective_sample_size(&log_weights),
            log_weights,
            states,
        }
    }

    /// Anneals from samples of the model to the base distribution: a stochastic upper bound of
    /// `log Z`.
    ///
    /// There are as many chains as `start` has. First the ratio of the last two densities is taken
    /// at the samples themselves, then a transition follows at the last temperature but one:
    /// `x_{K-1} ~ p_1`, `w' = prod_{k=K..1} p*_{beta_{k-1}}(x_{k-1}) / p*_{beta_k}(x_{k-1})`,
    /// `x_{k-1} ~ T_{beta_k}(. | x_k)`, which for reversible transitions is the forward chain
    /// backwards, `T` of the last temperature left out as it changes no weight there.
    pub fn run_reverse<P: AnnealingPath>(
        &self,
        path: &P,
        start: P::State,
        noise: &mut Noise,
        progress: &mut dyn Progress,
    ) -> PartitionEstimate<P::State> {
        let betas: Vec<f64> = self.schedule.values().iter().rev().copied().collect();
        let (log_weights, states) = anneal(path, start, &betas, noise, progress);
        let base = path.base_log_partition();
        let Interval { low, high } = interval(&log_weights);
        PartitionEstimate {
            log_partition: base - log_mean_exp(&log_weights),
            interval: Interval::new(base - high, base - low),
            mean_bound: base - mean(&log_weights),
            base_log_partition: base,
            effective_sample_size: effective_sample_size(&log_weights),
            log_weights,
            states,
        }
    }
}

/// Goes through the temperatures: at each the ratio at the state that the one before has left, then
/// a transition.
///
/// Either direction is this: a sequence of densities, a start at the first, transitions that keep
/// each.
fn anneal<P: AnnealingPath>(
    path: &P,
    mut state: P::State,
    betas: &[f64],
    noise: &mut Noise,
    progress: &mut dyn Progress,
) -> (Vec<f64>, P::State) {
    let total = betas.len() - 1;
    let mut log_weights = Vec::new();
    let mut pending: Vec<Tensor<1>> = Vec::with_capacity(READ_EVERY);
    for (k, pair) in betas.windows(2).enumerate() {
        let (from, to) = (pair[0], pair[1]);
        pending.push(path.log_ratio(&state, from, to).inner());
        state = path.step(state, to, noise);
        if pending.len() == READ_EVERY || k + 1 == total {
            add(&mut log_weights, std::mem::take(&mut pending));
            progress.advance(k + 1, total);
        }
    }
    (log_weights, state)
}

/// Adds log-ratios in f64 on the host: in f32 thousands of small ones would be lost in the rounding
/// of their sum.
fn add(log_weights: &mut Vec<f64>, ratios: Vec<Tensor<1>>) {
    let chains = ratios[0].dims()[0];
    log_weights.resize(chains, 0.0);
    let ratios = Tensor::cat(ratios, 0).into_data();
    for (index, ratio) in ratios.iter::<f64>().enumerate() {
        log_weights[index % chains] += ratio;
    }
}
