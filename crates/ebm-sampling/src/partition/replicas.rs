//! Parallel tempering along an annealing path: samples of the model, and `log Z` from them.

use burn::tensor::{Bool, Tensor};
use ebm_ops::{MetropolisDecision, Noise, Progress};

use super::acceptance_ratio::{PairOfDensities, acceptance_ratio};
use super::annealing_path::AnnealingPath;
use super::spacing::{evenly_apart, read, spread};
use crate::estimate::Estimate;
use crate::tempering::Ladder;

/// Sweeps of each replica before the first swap.
const SETTLING: usize = 5;
/// Log-ratios of a pair that are kept, of each side.
const KEPT: usize = 20_000;

/// An annealing path whose chains can change places.
pub trait ReplicaPath: AnnealingPath {
    /// Two batches of chains with the chains swapped where `swapped` is true, `[chains]`.
    fn exchange(
        &self,
        a: Self::State,
        b: Self::State,
        swapped: &Tensor<1, Bool>,
    ) -> (Self::State, Self::State);

    /// Chains of another path to the same model, with what this one keeps of them.
    fn adopt(&self, state: Self::State) -> Self::State;
}

/// Replicas of each chain at several inverse temperatures of a path,
/// `0 = beta_0 < .. < beta_n = 1`; after each sweep neighbours swap with probability
///
/// ```text
/// min(1, p*_{k+1}(x_k) p*_k(x_{k+1}) / (p*_k(x_k) p*_{k+1}(x_{k+1})))
/// ```
///
/// (Swendsen & Wang 1986); a state without probability at the colder of two temperatures never goes
/// there, and a replica that stands there without probability swaps with any that has some. The
/// hottest replica is drawn anew each time, so that new states always come down, and modes far
/// apart get their right shares. Annealing, which goes down only once, leaves each chain in the
/// mode that it found first.
///
/// # Partition function
///
/// `log Z_{k+1} / Z_k` of neighbours comes from the log-ratios of both by Bennett's acceptance
/// ratio ([`acceptance_ratio`]), and `log Z = log Z_0` plus their sum: a third estimate beside
/// those of [`AnnealedImportance`](super::AnnealedImportance), and no bound. It is right as far as
/// the replicas are samples of their densities. Chains start at independent states and never swap
/// with each other, so the differences between them show how far that is true. Like every other
/// estimate it misses modes that no chain has found.
///
/// # Temperatures
///
/// A short annealing run measures `Var(d log p*_beta / d beta)`; temperatures are evenly spaced in
/// its root (the thermodynamic length), about 1 apart, which swaps every second pair. After a
/// quarter of the sweeps they are moved so that all pairs swap equally often ([`Ladder::adapted`]),
/// and more are added if swaps are too rare. Only the second half of the sweeps counts.
#[derive(Clone, Debug, PartialEq)]
pub struct TemperedReplicas {
    /// The number of chains, each with a replica at every temperature.
    pub chains: usize,
    /// Sweeps of every replica; at least 2 are made.
    pub sweeps: usize,
    /// The most temperatures, at least 4.
    pub most_temperatures: usize,
}

/// What replicas found.
#[derive(Clone, Debug)]
pub struct ReplicaEstimate<S> {
    /// `log Z` in nats, with the standard error over chains; infinite where chains can't tell it,
    /// as a single one can't. `-inf` where no sample of a density had probability at the next
    /// temperature; NaN where a replica stood without probability in the half that counts.
    pub log_partition: Estimate,
    /// The inverse temperatures, from 0 to 1.
    pub inverse_temperatures: Vec<f64>,
    /// The mean probability with which neighbours swapped, one less than there are temperatures.
    pub swap_probabilities: Vec<f64>,
    /// How often replicas went from the base to the model and back to the base, in the sweeps that
    /// count and all chains together. If this is less than a few times the number of chains, chains
    /// have hardly exchanged states, and the estimate rests on what each found by itself.
    pub round_trips: usize,
    /// The replicas at the model.
    pub states: S,
}

impl TemperedReplicas {
    /// Moves replicas, and estimates `log Z` from the second half of their sweeps.
    ///
    /// `progress` is told after each sweep.
    ///
    /// # Panics
    ///
    /// If there are no chains.
    pub fn run<P: ReplicaPath>(
        &self,
        path: &P,
        noise: &mut Noise,
        progress: &mut dyn Progress,
    ) -> ReplicaEstimate<P::State> {
        assert!(self.chains > 0, "tempering needs at least one chain, got 0");
        let betas = evenly_apart(path, self.most_temperatures.max(4), noise);
        let mut replicas = Replicas::start(path, betas, self.chains, noise);
        let sweeps = self.sweeps.max(2);
        let (quarter, half) = (sweeps / 4, sweeps / 2);
        for sweep in 0..sweeps {
            if sweep == quarter && quarter > 0 {
                replicas.evened_out(self.most_temperatures.max(4));
            }
            if sweep == half {
                replicas.count_from_here();
            }
            replicas.sweep(path, is_kept(sweep, sweeps, self.chains), noise);
            progress.advance(sweep + 1, sweeps);
        }
        replicas.estimate(path.base_log_partition())
    }
}

/// Whether log-ratios of a sweep are kept: of the second half, and no more of those than are of
/// use.
fn is_kept(sweep: usize, sweeps: usize, chains: usize) -> bool {
    let half = sweeps / 2;
    let every = ((sweeps - half) * chains).div_ceil(KEPT).max(1);
    sweep >= half && (sweep - half).is_multiple_of(every)
}

/// Where a replica last was of the two ends.
#[derive(Clone, Copy, PartialEq)]
enum LastEnd {
    Nowhere,
    Base,
    /// At the model, having come from the base.
    Model,
}

/// Replicas on their ladder, and what they told.
struct Replicas<S> {
    betas: Vec<f64>,
    chains: usize,
    /// One a temperature; `None` only while it is moved.
    states: Vec<Option<S>>,
    pairs: Vec<PairOfDensities>,
    /// Sums of swap probabilities of each pair, and how many there were.
    swaps: Vec<(f64, usize)>,
    /// For each temperature and chain which replica stands there, and for each replica where it
    /// last was.
    standing: Vec<Vec<usize>>,
    ends: Vec<LastEnd>,
    round_trips: usize,
}

impl<S: Clone> Replicas<S> {
    /// Replicas that a few sweeps at each temperature have led down.
    fn start<P: ReplicaPath<State = S>>(
        path: &P,
        betas: Vec<f64>,
        chains: usize,
        noise: &mut Noise,
    ) -> Self {
        let mut state = path.draw_base(chains, noise);
        let mut states = Vec::with_capacity(betas.len());
        for &beta in &betas {
            for _ in 0..SETTLING {
                state = path.step(state, beta, noise);
            }
            states.push(Some(state.clone()));
        }
        let mut replicas = Self {
            betas,
            chains,
            states,
            pairs: Vec::new(),
            swaps: Vec::new(),
            standing: Vec::new(),
            ends: Vec::new(),
            round_trips: 0,
        };
        replicas.count_from_here();
        replicas
    }

    /// Forgets what was told.
    fn count_from_here(&mut self) {
        let (temperatures, chains) = (self.betas.len(), self.chains);
        self.pairs = vec![PairOfDensities::default(); temperatures - 1];
        self.swaps = vec![(0.0, 0); temperatures - 1];
        self.standing = (0..temperatures)
            .map(|k| (k * chains..(k + 1) * chains).collect())
            .collect();
        self.ends = vec![LastEnd::Nowhere; temperatures * chains];
        self.round_trips = 0;
    }

    /// Moves every replica, and swaps neighbours: the pairs (0, 1), (2, 3), .. and then (1, 2), (3,
    /// 4), ..
    fn sweep<P: ReplicaPath<State = S>>(&mut self, path: &P, keeps: bool, noise: &mut Noise) {
        for (state, &beta) in self.states.iter_mut().zip(&self.betas) {
            *state = state.take().map(|state| path.step(state, beta, noise));
        }
        for first in [0, 1] {
            let mut told = Vec::new();
            for k in (first..self.betas.len() - 1).step_by(2) {
                told.extend(self.swap(path, k, noise));
            }
            if !told.is_empty() {
                self.take_in(first, &read(told), keeps);
            }
        }
    }

    /// Swaps replicas at temperature `k` with those above; gives the log-ratios of both, the
    /// probabilities, and who swapped.
    fn swap<P: ReplicaPath<State = S>>(
        &mut self,
        path: &P,
        k: usize,
        noise: &mut Noise,
    ) -> Vec<Tensor<1>> {
        let (from, to) = (self.betas[k], self.betas[k + 1]);
        let (Some(a), Some(b)) = (self.states[k].take(), self.states[k + 1].take()) else {
            unreachable!("every replica is back in its place after a sweep")
        };
        let forward = path.log_ratio(&a, from, to).inner();
        let backward = path.log_ratio(&b, from, to).inner();
        // What the colder density gives no probability stays where it is; a replica that stands
        // without probability at the colder temperature leaves it for any that has some.
        let allowed = forward.clone().is_finite();
        let nowhere = backward.clone().is_finite().bool_not();
        let log_ratio = (forward.clone() - backward.clone()).mask_fill(nowhere, 0.0);
        let decision = MetropolisDecision::draw(log_ratio, allowed, noise);
        let (a, b) = path.exchange(a, b, &decision.accepted);
        self.states[k] = Some(a);
        self.states[k + 1] = Some(b);
        let accepted = decision.accepted.float();
        vec![forward, backward, decision.probability, accepted]
    }

    /// What the pairs `first`, `first + 2`, .. told, four numbers a chain.
    fn take_in(&mut self, first: usize, told: &[f64], keeps: bool) {
        let chains = self.chains;
        for (index, told) in told.chunks_exact(4 * chains).enumerate() {
            let k = first + 2 * index;
            let (ratios, swaps) = told.split_at(2 * chains);
            if keeps {
                self.pairs[k].add(&ratios[..chains], &ratios[chains..]);
            }
            let (probabilities, accepted) = swaps.split_at(chains);
            self.swaps[k].0 += probabilities.iter().sum::<f64>();
            self.swaps[k].1 += chains;
            for (chain, &accepted) in accepted.iter().enumerate() {
                if accepted > 0.5 {
                    let other = self.standing[k + 1][chain];
                    self.standing[k + 1][chain] = self.standing[k][chain];
                    self.standing[k][chain] = other;
                }
            }
        }
        let last = self.betas.len() - 1;
        for chain in 0..chains {
            let (base, model) = (self.standing[0][chain], self.standing[last][chain]);
            if self.ends[base] == LastEnd::Model {
                self.round_trips += 1;
            }
            self.ends[base] = LastEnd::Base;
            if self.ends[model] == LastEnd::Base {
                self.ends[model] = LastEnd::Model;
            }
        }
    }

    fn swap_probabilities(&self) -> Vec<f64> {
        let rate = |&(sum, count): &(f64, usize)| sum / count.max(1) as f64;
        self.swaps.iter().map(rate).collect()
    }

    /// Moves temperatures to where all pairs would swap equally often, with more of them if that
    /// were too seldom.
    fn evened_out(&mut self, most: usize) {
        let rates = self.swap_probabilities();
        if rates.iter().any(|rate| !rate.is_finite()) {
            return;
        }
        let falling = self.betas.iter().rev().copied().collect();
        let Ok(ladder) = Ladder::new(falling) else {
            return;
        };
        let rejections: f64 = rates.iter().map(|rate| 1.0 - rate).sum();
        let rates: Vec<f64> = rates.into_iter().rev().collect();
        let gaps = (2.0 * rejections).ceil() as usize;
        let gaps = gaps.max(self.betas.len() - 1).min(most - 1);
        let adapted = ladder.adapted(&rates);
        let mut betas: Vec<f64> = adapted.values().iter().rev().copied().collect();
        if gaps + 1 > betas.len() {
            betas = spread(&betas, gaps);
        }
        let nearest = |beta: f64| {
            let distance = |k: &usize| (self.betas[*k] - beta).abs();
            (0..self.betas.len())
                .min_by(|a, b| distance(a).total_cmp(&distance(b)))
                .and_then(|k| self.states[k].clone())
        };
        self.states = betas.iter().map(|&beta| nearest(beta)).collect();
        self.betas = betas;
        self.count_from_here();
    }

    fn estimate(mut self, base: f64) -> ReplicaEstimate<S> {
        let mut value = base;
        // What each chain moves the sum of all pairs by.
        let mut influence = vec![0.0; self.chains];
        for pair in &self.pairs {
            let found = acceptance_ratio(pair, self.chains);
            value += found.log_ratio;
            for (sum, part) in influence.iter_mut().zip(found.influence) {
                *sum += part;
            }
        }
        let n = self.chains as f64;
        let squares: f64 = influence.iter().map(|x| x * x).sum();
        let error = (squares * n / (n - 1.0)).sqrt();
        let states = self.states.pop().flatten();
        ReplicaEstimate {
            log_partition: Estimate {
                value,
                standard_error: if error.is_nan() { f64::INFINITY } else { error },
            },
            swap_probabilities: self.swap_probabilities(),
            round_trips: self.round_trips,
            inverse_temperatures: self.betas,
            states: states.unwrap_or_else(|| unreachable!("every replica is in its place")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// However many sweeps there are, what is kept is bounded, and is of the second half.
    #[test]
    fn what_is_kept_is_bounded() {
        for (sweeps, chains) in [(2, 1), (7, 3), (1000, 100), (100_000, 100), (30, 50_000)] {
            let kept: Vec<usize> = (0..sweeps)
                .filter(|&sweep| is_kept(sweep, sweeps, chains))
                .collect();
            assert_eq!(kept[0], sweeps / 2, "{sweeps} sweeps of {chains} chains");
            let most = KEPT.max(chains);
            assert!(kept.len() * chains <= most, "{} sweeps", kept.len());
            assert!(2 * kept.len() * chains >= KEPT.min((sweeps - sweeps / 2) * chains));
        }
    }
}
