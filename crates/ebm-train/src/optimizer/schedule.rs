//! The `[schedule]` section: how the learning rate changes with the step.

use std::f64::consts::PI;

use serde::{Deserialize, Serialize};

use crate::keys::NoKeys;
use crate::keys::{InvalidValue, check};

crate::keys! {
/// A factor of the learning rate as a function of the step, so that it has no state to save.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScheduleConfig {
    /// The factor rises from 0 to 1 over so many first steps.
    #[serde(default)]
    pub warmup: u64,
    /// What follows.
    #[serde(default)]
    pub decay: ScheduleKind,
}
}

crate::kinds! {
    /// What the learning rate does after the warm-up.
    pub enum ScheduleKind {
        /// It stays.
        "constant" => Constant(NoKeys),
        /// It is multiplied by `factor` every `every` steps, smoothly.
        "exponential" => Exponential(ExponentialConfig),
        /// It falls along half a cosine to `final_factor` at the last step.
        "cosine" => Cosine(CosineConfig),
        /// It falls along a line to `final_factor` at the last step.
        "linear" => Linear(LinearConfig),
    }
}

crate::keys! {
/// Keys of the exponential decay.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExponentialConfig {
    /// Factor over `every` steps, above 0, at most 1.
    pub factor: f64,
    /// Number of steps, 1 or more, for example those of an epoch.
    pub every: u64,
}
}

crate::keys! {
/// Keys of the cosine decay.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CosineConfig {
    /// Factor at the last step, 0 to 1.
    #[serde(default)]
    pub final_factor: f64,
}
}

/// Keys of the linear decay: those of the cosine.
pub type LinearConfig = CosineConfig;

impl Default for ScheduleKind {
    fn default() -> Self {
        Self::Constant(NoKeys {})
    }
}

impl ScheduleConfig {
    /// The learning rate stays.
    pub fn constant() -> Self {
        Self::default()
    }

    /// The learning rate falls along half a cosine to this factor at the last step.
    pub fn cosine(final_factor: f64) -> Self {
        Self::of(ScheduleKind::Cosine(CosineConfig { final_factor }))
    }

    /// The learning rate falls along a line to this factor at the last step.
    pub fn linear(final_factor: f64) -> Self {
        Self::of(ScheduleKind::Linear(LinearConfig { final_factor }))
    }

    fn of(decay: ScheduleKind) -> Self {
        Self { warmup: 0, decay }
    }

    /// The same, its factor rising from 0 to 1 over so many first steps.
    #[must_use]
    pub fn with_warmup(mut self, steps: u64) -> Self {
        self.warmup = steps;
        self
    }

    /// The factor at `step` (from 0) of `total` steps.
    pub fn factor(&self, step: u64, total: u64) -> f64 {
        if step < self.warmup {
            return (step + 1) as f64 / self.warmup as f64;
        }
        let progress = || {
            let steps = total.saturating_sub(self.warmup).max(1);
            ((step - self.warmup) as f64 / steps as f64).min(1.0)
        };
        match &self.decay {
            ScheduleKind::Constant(_) => 1.0,
            ScheduleKind::Exponential(keys) => keys
                .factor
                .powf((step - self.warmup) as f64 / keys.every as f64),
            ScheduleKind::Cosine(keys) => {
                keys.final_factor
                    + (1.0 - keys.final_factor) * 0.5 * (1.0 + (PI * progress()).cos())
            }
            ScheduleKind::Linear(keys) => 1.0 + (keys.final_factor - 1.0) * progress(),
        }
    }

    pub(crate) fn validate(&self) -> Result<(), InvalidValue> {
        match &self.decay {
            ScheduleKind::Constant(_) => Ok(()),
            ScheduleKind::Exponential(keys) => {
                let fits = keys.factor > 0.0 && keys.factor <= 1.0;
                check(
                    fits,
                    "schedule.decay.factor",
                    format!("{:?}", keys.factor),
                    "a number above 0, at most 1",
                )?;
                check(
                    keys.every >= 1,
                    "schedule.decay.every",
                    keys.every,
                    "a whole number of at least 1",
                )
            }
            ScheduleKind::Cosine(keys) | ScheduleKind::Linear(keys) => check(
                (0.0..=1.0).contains(&keys.final_factor),
                "schedule.decay.final_factor",
                format!("{:?}", keys.final_factor),
                "a number from 0 to 1",
            ),
        }
    }
}
