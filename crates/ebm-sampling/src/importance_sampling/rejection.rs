//! Rejection sampling: exact, independent samples under a density that is nowhere too low.

use burn::tensor::Tensor;
use ebm_models::Energy;
use ebm_ops::{Noise, row_indices};

use crate::density::{Density, weigh};
use crate::estimate::Estimate;

/// Errors of one rounding each that two energies are allowed; see [`RejectionSampler`].
const ROUNDINGS: f64 = 8.0;

/// Proposes `x ~ q` and accepts with probability `exp(-E(x)) / (M q(x))` (von Neumann 1951).
///
/// Accepted proposals are independent and follow `exp(-E) / Z` exactly, provided that
/// `exp(-E(x)) <= M q(x)` everywhere. `Z / M` of the proposals are accepted, which gives `log Z`
/// too, but also limits the method to few dimensions: in `n` of them the rate falls as `exp(-n)`.
///
/// # The bound
///
/// `log M` has to be known, from the maximum of `-E(x) - log q(x)`. No function here searches for
/// it: the largest value among draws is almost surely below the maximum, and samples under such a
/// bound would lack part of the target's peaks without any sign. If a proposal lies above the
/// envelope, sampling ends with an error that says by how much; if none does, that doesn't prove
/// the bound.
///
/// # Rounding
///
/// Energies are computed in f32, so that an envelope that touches the target may seem to be
/// exceeded by rounding. An excess of up to 8 units in the last place of `1 + |E| + |log q|` (1e-6
/// nats near zero, 1e-4 at 100 nats) is therefore accepted with probability 1. It changes the
/// density there by no larger a fraction, which rounding does anyway. An energy that loses more to
/// cancellation needs a `log_bound` that is higher by as much. The decision itself is made in f64
/// with uniforms of 53 bits, so that small acceptance rates are met too.
///
/// # Energies that are not finite
///
/// `+inf` is a density of zero: rejected. NaN is rejected and counted, as Metropolis does; the
/// samples are then of the target restricted to where it is a number, and so is `log Z`. At `-inf`
/// any envelope is exceeded.
///
/// Each batch of energies is read back from the device. Samples are off the autodiff graph.
///
/// ```
/// # use burn::tensor::Device;
/// # use ebm_models::Energy;
/// # use ebm_ops::Noise;
/// use ebm_sampling::density::NormalDensity;
/// use ebm_sampling::importance_sampling::{RejectionError, RejectionSample, RejectionSampler};
///
/// # fn demo(energy: impl Energy<2>, device: Device) -> Result<(), RejectionError> {
/// let envelope = NormalDensity::isotropic(0.0, 1.5, &[1], &device);
/// let sampler = RejectionSampler::new(envelope, 2.0).with_max_proposals(1_000_000);
/// let exact: RejectionSample<2> = sampler.sample(&energy, 500, &mut Noise::new(7))?;
/// println!("log Z = {}", exact.log_partition);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RejectionSampler<Q> {
    /// `q`, from which proposals are drawn.
    pub envelope: Q,
    /// `log M` in nats, at least `-E(x) - log q(x)` for every `x`.
    pub log_bound: f64,
    /// Proposals made at a time. Affects speed, and which numbers a seed gives.
    pub batch: usize,
    /// After how many proposals to give up.
    pub max_proposals: usize,
}

/// Exact samples of `exp(-E) / Z`, and what drawing them has shown.
#[derive(Clone, Debug)]
pub struct RejectionSample<const D: usize> {
    /// Independent samples: `[count, ..]`.
    pub samples: Tensor<D>,
    /// Proposals made.
    pub proposals: usize,
    /// Proposals accepted, with those of the last batch that were more than asked for.
    pub accepted: usize,
    /// Proposals whose energy was not a number, all rejected.
    pub not_a_number: usize,
    /// The largest `-E(x) - log q(x)` of a proposal: no bound, but a `log_bound` far above it is
    /// likely a waste.
    pub largest_log_weight: f64,
    /// `log Z = log M + log rate` in nats. The squared standard error is
    /// `1 / accepted - 1 / (proposals + 1/2)`, the variance of the logarithm of a rate under
    /// Jeffreys's prior, not zero where all were accepted.
    pub log_partition: Estimate,
}

/// Why there are no samples.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum RejectionError {
    /// A proposal had a density above the envelope: `log_bound` is too small, and what was accepted
    /// doesn't follow the target.
    #[error(
        "the envelope is too low: after {proposals} proposals exp(-E(x)) exceeds M q(x) by up to {excess} nats; log_bound is \
         {log_bound}, and {largest_log_weight} would have done so far, but elsewhere more may be needed: derive a bound for \
         all x, or take an envelope with heavier tails"
    )]
    Exceeded {
        /// By how much, in nats: the largest of its batch. Infinite where an energy is `-inf`.
        excess: f64,
        /// `log M` as given.
        log_bound: f64,
        /// The largest `-E(x) - log q(x)` of all proposals: the smallest `log_bound` that would
        /// have done for them.
        largest_log_weight: f64,
        /// Proposals made until then, whole batches.
        proposals: usize,
    },
    /// The budget is used up.
    #[error(
        "{accepted} of {wanted} samples were accepted in {proposals} proposals, a rate of {} ({not_a_number} energies were not a \
         number): allow more proposals, lower log_bound if the target permits it (the largest -E(x) - log q(x) was \
         {largest_log_weight}), or take an envelope closer to the target",
        *accepted as f64 / *proposals as f64
    )]
    BudgetExhausted {
        /// Proposals accepted.
        accepted: usize,
        /// Samples asked for.
        wanted: usize,
        /// Proposals made.
        proposals: usize,
        /// Proposals whose energy was not a number.
        not_a_number: usize,
        /// The largest `-E(x) - log q(x)` of a proposal.
        largest_log_weight: f64,
    },
}

impl<Q> RejectionSampler<Q> {
    /// Proposals from `envelope` under `log M = log_bound`, 4,096 at a time, at most 10 million.
    pub fn new(envelope: Q, log_bound: f64) -> Self {
        Self {
            envelope,
            log_bound,
            batch: 4096,
            max_proposals: 10_000_000,
        }
    }

    /// Proposals made at a time, positive.
    pub fn with_batch(mut self, proposals: usize) -> Self {
        self.batch = proposals;
        self
    }

    /// Gives up after so many proposals, positive.
    pub fn with_max_proposals(mut self, proposals: usize) -> Self {
        self.max_proposals = proposals;
        self
    }

    /// Draws `count` independent samples of `exp(-E) / Z`.
    ///
    /// # Errors
    ///
    /// If a proposal exceeds the envelope, or the budget of proposals is used up before.
    ///
    /// # Panics
    ///
    /// If `count`, the batch or the budget is 0, or `log_bound` isn't finite.
    pub fn sample<E: Energy<D>, const D: usize>(
        &self,
        energy: &E,
        count: usize,
        noise: &mut Noise,
    ) -> Result<RejectionSample<D>, RejectionError>
    where
        Q: Density<D>,
    {
        assert!(
            count > 0 && self.batch > 0 && self.max_proposals > 0,
            "rejection sampling needs at least one sample, a batch and a budget of at least one proposal, found {count}, {} and {}",
            self.batch,
            self.max_proposals
        );
        assert!(
            self.log_bound.is_finite(),
            "log_bound must be finite, found {}",
            self.log_bound
        );
        let mut samples = Vec::new();
        let (mut accepted, mut proposals, mut not_a_number) = (0, 0, 0);
        let mut largest_log_weight = f64::NEG_INFINITY;
        while accepted < count {
            let batch = self.batch.min(self.max_proposals - proposals);
            if batch == 0 {
                return Err(RejectionError::BudgetExhausted {
                    accepted,
                    wanted: count,
                    proposals,
                    not_a_number,
                    largest_log_weight,
                });
            }
            let drawn = weigh(energy, &self.envelope, batch, noise);
            proposals += batch;
            not_a_number += drawn.log_weights.iter().filter(|w| w.is_nan()).count();
            // `f64::max` passes over NaN.
            let largest = drawn
                .log_weights
                .iter()
                .copied()
                .fold(f64::NEG_INFINITY, f64::max);
            largest_log_weight = largest_log_weight.max(largest);
            // NaN and `-inf` compare as false; an infinite weight has an infinite rounding error
            // too.
            let exceeds = |(weight, rounding): (&f64, &f64)| {
                *weight == f64::INFINITY || weight - self.log_bound > ROUNDINGS * rounding
            };
            if drawn.log_weights.iter().zip(&drawn.rounding).any(exceeds) {
                return Err(RejectionError::Exceeded {
                    excess: largest - self.log_bound,
                    log_bound: self.log_bound,
                    largest_log_weight,
                    proposals,
                });
            }
            let mut chosen = choose(&drawn.log_weights, self.log_bound, noise);
            let missing = count - accepted;
            accepted += chosen.len();
            chosen.truncate(missing);
            if !chosen.is_empty() {
                let indices = row_indices(&chosen, &drawn.positions.device());
                samples.push(drawn.positions.select(0, indices));
            }
        }
        let (a, n) = (accepted as f64, proposals as f64);
        Ok(RejectionSample {
            samples: Tensor::cat(samples, 0),
            proposals,
            accepted,
            not_a_number,
            largest_log_weight,
            log_partition: Estimate {
                value: self.log_bound + (a / n).ln(),
                standard_error: (1.0 / a - 1.0 / (n + 0.5)).sqrt(),
            },
        })
    }
}

/// The indices of accepted proposals, `log u <= log w - log M`, in order.
fn choose(log_weights: &[f64], log_bound: f64, noise: &mut Noise) -> Vec<usize> {
    let uniforms = noise.host_uniforms(log_weights.len());
    let pairs = log_weights.iter().zip(uniforms).enumerate();
    pairs
        // 1 - u lies in (0, 1], where the logarithm is finite: a weight of zero is never accepted.
        // Nor is NaN.
        .filter(|(_, (weight, u))| (1.0 - u).ln() <= *weight - log_bound)
        .map(|(index, _)| index)
        .collect()
}

impl<const D: usize> RejectionSample<D> {
    /// The share of proposals that were accepted: an estimate of `Z / M`.
    pub fn acceptance_rate(&self) -> f64 {
        self.accepted as f64 / self.proposals as f64
    }

    /// The number of samples: they are independent and equally weighted, so that each counts in
    /// full.
    pub fn effective_sample_size(&self) -> f64 {
        self.samples.dims()[0] as f64
    }
}
