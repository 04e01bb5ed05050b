//! The `[optimizer]` section: how parameters move.

use serde::{Deserialize, Serialize};

use super::check::{InvalidValue, check_decay, check_not_negative, check_positive};

crate::kinds! {
    /// The update rule.
    pub enum OptimizerConfig {
        /// Adam (Kingma & Ba 2015); weight decay is added to the gradient.
        "adam" => Adam(AdamConfig),
        /// AdamW (Loshchilov & Hutter 2019); weight decay shrinks the parameter.
        "adamw" => AdamW(AdamWConfig),
        /// Stochastic gradient descent, with momentum if it is above 0.
        "sgd" => Sgd(SgdConfig),
    }
}

crate::keys! {
/// Keys of Adam.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AdamConfig {
    /// Learning rate before the schedule, above 0.
    pub learning_rate: f64,
    /// Decay of the mean gradient, 0 to below 1; 0 suits the moving target of a sampled gradient.
    #[serde(default)]
    pub beta_1: f64,
    /// Decay of the mean squared gradient, 0 to below 1.
    #[serde(default = "default_beta_2")]
    pub beta_2: f64,
    /// Added to the root of the mean squared gradient, above 0.
    #[serde(default = "default_epsilon")]
    pub epsilon: f64,
    /// L2 penalty of the weights, 0 or more; biases are left alone.
    #[serde(default)]
    pub weight_decay: f64,
    /// Limit of the norm of the whole gradient, above 0; absent: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gradient_clip: Option<f64>,
}
}

/// Keys of AdamW: those of Adam.
pub type AdamWConfig = AdamConfig;

crate::keys! {
/// Keys of stochastic gradient descent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SgdConfig {
    /// Learning rate before the schedule, above 0.
    pub learning_rate: f64,
    /// Share of the last step that is kept, 0 to below 1.
    #[serde(default)]
    pub momentum: f64,
    /// Another momentum for the first updates, lower while gradients are large (Hinton 2012, section 9: 0.5, then 0.9).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub initial_momentum: Option<f64>,
    /// The number of these first updates.
    #[serde(default = "SgdConfig::default_initial_steps")]
    pub initial_steps: u64,
    /// L2 penalty of the weights, 0 or more; biases are left alone.
    #[serde(default)]
    pub weight_decay: f64,
    /// Limit of the norm of the whole gradient, above 0; absent: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gradient_clip: Option<f64>,
}
}

impl SgdConfig {
    fn default_initial_steps() -> u64 {
        1000
    }

    /// The momentum of update `step`, from 0.
    pub fn momentum_at(&self, step: u64) -> f64 {
        match self.initial_momentum {
            Some(initial) if step < self.initial_steps => initial,
            _ => self.momentum,
        }
    }
}

fn default_beta_2() -> f64 {
    0.999
}

fn default_epsilon() -> f64 {
    1e-8
}

impl OptimizerConfig {
    /// Learning rate before the schedule.
    pub fn learning_rate(&self) -> f64 {
        match self {
            Self::Adam(keys) | Self::AdamW(keys) => keys.learning_rate,
            Self::Sgd(keys) => keys.learning_rate,
        }
    }

    /// How much weights shrink.
    pub fn weight_decay(&self) -> f64 {
        match self {
            Self::Adam(keys) | Self::AdamW(keys) => keys.weight_decay,
            Self::Sgd(keys) => keys.weight_decay,
        }
    }

    /// Limit of the norm of the whole gradient.
    pub fn gradient_clip(&self) -> Option<f64> {
        match self {
            Self::Adam(keys) | Self::AdamW(keys) => keys.gradient_clip,
            Self::Sgd(keys) => keys.gradient_clip,
        }
    }

    pub(super) fn validate(&self) -> Result<(), InvalidValue> {
        check_positive("optimizer.learning_rate", self.learning_rate())?;
        if let Some(clip) = self.gradient_clip() {
            check_positive("optimizer.gradient_clip", clip)?;
        }
        match self {
            Self::Adam(keys) | Self::AdamW(keys) => {
                check_decay("optimizer.beta_1", keys.beta_1)?;
                check_decay("optimizer.beta_2", keys.beta_2)?;
                check_positive("optimizer.epsilon", keys.epsilon)?;
                check_not_negative("optimizer.weight_decay", keys.weight_decay)
            }
            Self::Sgd(keys) => {
                check_decay("optimizer.momentum", keys.momentum)?;
                if let Some(initial) = keys.initial_momentum {
                    check_decay("optimizer.initial_momentum", initial)?;
                }
                check_not_negative("optimizer.weight_decay", keys.weight_decay)
            }
        }
    }
}
