//! The `[optimizer]` section: how parameters move.

use serde::{Deserialize, Serialize};

use crate::keys::{InvalidValue, check_decay, check_not_negative, check_positive};

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
    /// Radius of sharpness-aware minimisation, above 0: the gradient is that of the weights a step
    /// of this length up the gradient; absent: of the weights as they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sharpness_radius: Option<f64>,
    /// Limit of the largest singular value of each weight matrix, above 0: weights above it are
    /// scaled back after each update (spectral normalisation as a projection); absent: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spectral_limit: Option<f64>,
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
    /// Another momentum for the first updates, lower while gradients are large (Hinton 2012,
    /// section 9: 0.5, then 0.9).
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
    /// Radius of sharpness-aware minimisation, above 0: the gradient is that of the weights a step
    /// of this length up the gradient; absent: of the weights as they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sharpness_radius: Option<f64>,
    /// Limit of the largest singular value of each weight matrix, above 0: weights above it are
    /// scaled back after each update (spectral normalisation as a projection); absent: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spectral_limit: Option<f64>,
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
    /// Adam without a mean gradient (`beta_1 = 0`), which suits the moving target of a sampled
    /// gradient.
    pub fn adam(learning_rate: f64) -> Self {
        Self::Adam(AdamConfig {
            learning_rate,
            beta_1: 0.0,
            beta_2: default_beta_2(),
            epsilon: default_epsilon(),
            weight_decay: 0.0,
            gradient_clip: None,
            sharpness_radius: None,
            spectral_limit: None,
        })
    }

    /// Stochastic gradient descent without momentum.
    pub fn sgd(learning_rate: f64) -> Self {
        Self::Sgd(SgdConfig {
            learning_rate,
            momentum: 0.0,
            initial_momentum: None,
            initial_steps: SgdConfig::default_initial_steps(),
            weight_decay: 0.0,
            gradient_clip: None,
            sharpness_radius: None,
            spectral_limit: None,
        })
    }

    /// The same with another learning rate before the schedule.
    #[must_use]
    pub fn with_learning_rate(mut self, rate: f64) -> Self {
        match &mut self {
            Self::Adam(keys) | Self::AdamW(keys) => keys.learning_rate = rate,
            Self::Sgd(keys) => keys.learning_rate = rate,
        }
        self
    }

    /// The same with this momentum: of Adam the decay of the mean gradient, `beta_1`.
    #[must_use]
    pub fn with_momentum(mut self, momentum: f64) -> Self {
        match &mut self {
            Self::Adam(keys) | Self::AdamW(keys) => keys.beta_1 = momentum,
            Self::Sgd(keys) => keys.momentum = momentum,
        }
        self
    }

    /// The same with another decay of the weights.
    #[must_use]
    pub fn with_weight_decay(mut self, decay: f64) -> Self {
        match &mut self {
            Self::Adam(keys) | Self::AdamW(keys) => keys.weight_decay = decay,
            Self::Sgd(keys) => keys.weight_decay = decay,
        }
        self
    }

    /// The same with a limit of the norm of the whole gradient.
    #[must_use]
    pub fn with_gradient_clip(mut self, limit: f64) -> Self {
        let clip = match &mut self {
            Self::Adam(keys) | Self::AdamW(keys) => &mut keys.gradient_clip,
            Self::Sgd(keys) => &mut keys.gradient_clip,
        };
        *clip = Some(limit);
        self
    }

    /// The same by sharpness-aware minimisation (Foret et al. 2021) of this radius `rho`:
    /// parameters move by the gradient at `w + rho g / |g|`, where `g` is the gradient at `w`. Each
    /// update then makes its forward and backward passes twice, on the same points.
    #[must_use]
    pub fn with_sharpness_radius(mut self, radius: f64) -> Self {
        let sharpness = match &mut self {
            Self::Adam(keys) | Self::AdamW(keys) => &mut keys.sharpness_radius,
            Self::Sgd(keys) => &mut keys.sharpness_radius,
        };
        *sharpness = Some(radius);
        self
    }

    /// The same with a limit of the largest singular value of each weight, as a matrix of its
    /// first dimension by all others (a convolution: `[maps, channels * height * width]` of the
    /// kernels, Miyato et al. 2018). Weights above it are scaled back after each update (Gouk et
    /// al. 2021), so that the slope of a network is bounded and the network stays a plain one.
    #[must_use]
    pub fn with_spectral_limit(mut self, limit: f64) -> Self {
        let spectral = match &mut self {
            Self::Adam(keys) | Self::AdamW(keys) => &mut keys.spectral_limit,
            Self::Sgd(keys) => &mut keys.spectral_limit,
        };
        *spectral = Some(limit);
        self
    }

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

    /// Radius of sharpness-aware minimisation.
    pub fn sharpness_radius(&self) -> Option<f64> {
        match self {
            Self::Adam(keys) | Self::AdamW(keys) => keys.sharpness_radius,
            Self::Sgd(keys) => keys.sharpness_radius,
        }
    }

    /// Limit of the largest singular value of each weight.
    pub fn spectral_limit(&self) -> Option<f64> {
        match self {
            Self::Adam(keys) | Self::AdamW(keys) => keys.spectral_limit,
            Self::Sgd(keys) => keys.spectral_limit,
        }
    }

    pub(crate) fn validate(&self) -> Result<(), InvalidValue> {
        check_positive("optimizer.learning_rate", self.learning_rate())?;
        if let Some(clip) = self.gradient_clip() {
            check_positive("optimizer.gradient_clip", clip)?;
        }
        if let Some(radius) = self.sharpness_radius() {
            check_positive("optimizer.sharpness_radius", radius)?;
        }
        if let Some(limit) = self.spectral_limit() {
            check_positive("optimizer.spectral_limit", limit)?;
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
