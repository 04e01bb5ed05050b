//! Dual averaging: a recursion that finds the step size with a given acceptance probability.

use ebm_ops::Interval;
use serde::{Deserialize, Serialize};

/// How strongly the errors pull, `gamma`.
const GAMMA: f64 = 0.05;
/// Steps by which the first errors are damped, `t_0`.
const T0: f64 = 10.0;
/// How fast the average forgets, `kappa`.
const KAPPA: f64 = 0.75;

/// Step sizes outside of this range are useless; inside of it their squares are finite and above 0
/// in f32.
const RANGE: Interval = Interval::new(1e-19, 1e19);

/// Limits a step size, for targets where nothing is ever accepted, or everything.
pub(super) fn in_range(step_size: f64) -> f64 {
    step_size.clamp(RANGE.low, RANGE.high)
}

/// Nesterov's dual averaging of the logarithm of a step size (Hoffman & Gelman, JMLR 15, 2014,
/// section 3.2.1, equation 6 and algorithm 5), from a first step `eps_0` towards the acceptance
/// probability `delta`. With the acceptance `alpha_t` observed at `eps_(t-1)`,
///
/// ```text
/// H_t           = (1 - 1 / (t + t_0)) H_(t-1) + (delta - alpha_t) / (t + t_0)   H_0 = 0
/// log eps_t     = mu - sqrt(t) / gamma H_t                                      mu = log(10 eps_0)
/// log epsbar_t  = t^-kappa log eps_t + (1 - t^-kappa) log epsbar_(t-1)
/// ```
///
/// with `gamma = 0.05`, `t_0 = 10`, `kappa = 0.75`. Warm-up runs with `eps_t`; what comes after
/// with `epsbar_t`, which converges where the acceptance falls with the step. Where nothing is ever
/// accepted, or everything, step sizes end at 1e-19 or 1e19.
///
/// The first averages vary as widely as the steps, which begin with one ten times too long: after
/// fewer than about ten updates the average may be useless.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct DualAveraging {
    target_acceptance: f64,
    mu: f64,
    updates: u64,
    mean_error: f64,
    log_step: f64,
    log_average: f64,
}

impl DualAveraging {
    /// Starts from a step size, and aims at an acceptance probability.
    ///
    /// # Panics
    ///
    /// If the step size is not positive and finite, or the acceptance probability not between 0
    /// and 1.
    pub fn new(step_size: f64, target_acceptance: f64) -> Self {
        assert!(
            step_size > 0.0 && step_size.is_finite(),
            "a first step size must be positive and finite, found {step_size}"
        );
        assert!(
            target_acceptance > 0.0 && target_acceptance < 1.0,
            "a target acceptance must lie between 0 and 1, found {target_acceptance}"
        );
        Self {
            target_acceptance,
            mu: (10.0 * step_size).ln(),
            updates: 0,
            mean_error: 0.0,
            log_step: step_size.ln(),
            log_average: step_size.ln(),
        }
    }

    /// Takes the acceptance probability observed at [`step_size`](Self::step_size) into account;
    /// NaN counts as 0.
    pub fn update(&mut self, acceptance: f64) {
        self.updates += 1;
        let t = self.updates as f64;
        // max() gives the other operand for NaN.
        let error = self.target_acceptance - acceptance.max(0.0);
        let weight = 1.0 / (t + T0);
        self.mean_error = (1.0 - weight) * self.mean_error + weight * error;
        self.log_step = self.mu - t.sqrt() / GAMMA * self.mean_error;
        let weight = t.powf(-KAPPA);
        self.log_average = weight * self.log_step + (1.0 - weight) * self.log_average;
    }

    /// The step size to try next, `eps_t`.
    pub fn step_size(&self) -> f64 {
        in_range(self.log_step.exp())
    }

    /// The step size to keep, `epsbar_t`; the first one before any update.
    pub fn averaged_step_size(&self) -> f64 {
        in_range(self.log_average.exp())
    }
}
