//! The `[model]` section: which energy to train.

use std::ops::RangeInclusive;

use ebm_models::{Activation, Coding, ConvLayerConfig, MeanField, VisibleUnits};
use serde::{Deserialize, Serialize};

use super::DataConfig;
use super::training::TrainingConfig;
use ebm_train::keys::{
    InvalidValue, check, check_at_least_one, check_count, check_layers, check_not_negative,
    check_positive,
};

ebm_train::kinds! {
    /// The energy network. Its input size comes from the data.
    pub enum ModelConfig {
        /// A multilayer perceptron on the flattened example.
        "mlp" => Mlp(MlpConfig),
        /// A convolutional network.
        "conv_net" => ConvNet(ConvNetConfig),
        /// A restricted Boltzmann machine.
        "rbm" => Rbm(RbmConfig),
        /// A deep Boltzmann machine.
        "dbm" => Dbm(DbmConfig),
        /// A Boltzmann machine in which every unit is coupled to every other.
        "boltzmann_machine" => BoltzmannMachine(BoltzmannMachineConfig),
        /// A Hopfield network, which starts with all examples stored by Hebb's rule.
        "hopfield" => Hopfield(HopfieldConfig),
    }
}

/// Fails if there are more hidden units than a width may have; none is fine.
fn check_most(key: &'static str, hidden: usize) -> Result<(), InvalidValue> {
    check(
        hidden <= *WIDTHS.end(),
        key,
        hidden,
        format!("a whole number up to {}", WIDTHS.end()),
    )
}

/// What a width may be; a product of two, and one with an image, can still be computed.
const WIDTHS: RangeInclusive<usize> = 1..=1 << 20;

ebm_train::keys! {
/// Keys of a multilayer perceptron.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MlpConfig {
    /// Widths of the hidden layers, 1000 layers at most, 1 to 1,048,576 each.
    pub hidden: Vec<usize>,
    /// Activation by name: swish, relu, leaky_relu(SLOPE), elu, gelu, softplus, tanh, sigmoid.
    #[serde(default)]
    pub activation: Activation,
}
}

ebm_train::keys! {
/// Keys of a convolutional network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConvNetConfig {
    /// The convolutions, 1000 at most, each `[channels, kernel, stride, padding]`: channels 1 to 65,536, kernel and stride 1 to
    /// 1024, padding below kernel.
    #[serde(default = "ConvNetConfig::default_layers")]
    pub layers: Vec<[usize; 4]>,
    /// Width of the fully connected layer before the output, 1 to 1,048,576.
    #[serde(default = "ConvNetConfig::default_hidden")]
    pub hidden: usize,
    /// Activation by name: swish, relu, leaky_relu(SLOPE), elu, gelu, softplus, tanh, sigmoid.
    #[serde(default)]
    pub activation: Activation,
}
}

ebm_train::keys! {
/// Keys of a restricted Boltzmann machine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RbmConfig {
    /// Number of hidden units, 1 to 1,048,576.
    pub hidden: usize,
    /// What the visible units are: `"bernoulli"` (0 and 1) or `"gaussian"` (standardised data).
    #[serde(default)]
    pub visible_units: VisibleUnits,
    /// Standard deviation of the initial weights, 0 or more.
    #[serde(default = "default_weight_std")]
    pub weight_std: f64,
    /// Whether units are centred around their means (Melchior, Fischer & Wiskott 2016).
    #[serde(default)]
    pub centered: bool,
}
}

ebm_train::keys! {
/// Keys of a deep Boltzmann machine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DbmConfig {
    /// Number of units of each hidden layer, 2 to 1000 layers, 1 to 1,048,576 each.
    pub hidden: Vec<usize>,
    /// Standard deviation of the initial weights, 0 or more.
    #[serde(default = "default_weight_std")]
    pub weight_std: f64,
    /// Whether units are centred around their means (Montavon & Mueller 2012).
    #[serde(default)]
    pub centered: bool,
    /// Mean-field inference stops where no mean moves by more than this, 0 or more.
    #[serde(default = "DbmConfig::default_mean_field_tolerance")]
    pub mean_field_tolerance: f64,
    /// Most rounds of mean-field inference, 1 to 1,000,000.
    #[serde(default = "DbmConfig::default_mean_field_steps")]
    pub mean_field_steps: usize,
    /// How the layers are trained one by one before all of them together; absent: not at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pretraining: Option<PretrainingConfig>,
}
}

ebm_train::keys! {
/// Keys of greedy layer-wise pretraining by contrastive divergence, plain stochastic gradient descent with a
/// learning rate that falls to 0.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PretrainingConfig {
    /// Updates of each layer, 1 or more.
    pub steps: u64,
    /// Learning rate of the first update, above 0.
    #[serde(default = "PretrainingConfig::default_learning_rate")]
    pub learning_rate: f64,
    /// Sweeps of the chains, which start at the data, an update, 1 to 1,000,000.
    #[serde(default = "PretrainingConfig::default_gibbs_steps")]
    pub gibbs_steps: usize,
}
}

ebm_train::keys! {
/// Keys of a Boltzmann machine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BoltzmannMachineConfig {
    /// Number of hidden units, up to 1,048,576; 0: none.
    #[serde(default)]
    pub hidden: usize,
    /// The values of a unit: `"spin"` (-1 and 1) or `"binary"` (0 and 1).
    #[serde(default)]
    pub coding: Coding,
    /// Standard deviation of the initial couplings, 0 or more.
    #[serde(default = "default_weight_std")]
    pub weight_std: f64,
}
}

ebm_train::keys! {
/// Keys of a Hopfield network.
///
/// Training is unlearning: with `kind = "gibbs"`, `temperature = 0` chains find fake memories, near the data with chains `data`,
/// anywhere with chains `noise`. A step of gradient descent with the learning rate `r` is `W <- W - r/2 (E_fake[y y^T] -
/// E_data[y y^T])`: the energy has each pair of units once, its symmetric couplings twice.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HopfieldConfig {
    /// Number of hidden units, up to 1,048,576; 0: none.
    #[serde(default)]
    pub hidden: usize,
}
}

fn default_weight_std() -> f64 {
    0.01
}

impl DbmConfig {
    /// How far mean-field inference goes.
    pub fn inference(&self) -> MeanField {
        MeanField {
            tolerance: self.mean_field_tolerance,
            max_steps: self.mean_field_steps,
        }
    }

    fn default_mean_field_tolerance() -> f64 {
        1e-3
    }

    fn default_mean_field_steps() -> usize {
        20
    }
}

impl PretrainingConfig {
    fn default_learning_rate() -> f64 {
        0.05
    }

    fn default_gibbs_steps() -> usize {
        1
    }
}

impl ConvNetConfig {
    fn default_layers() -> Vec<[usize; 4]> {
        ebm_models::ConvNetConfig::tutorial_layers()
            .iter()
            .map(|layer| [layer.channels, layer.kernel, layer.stride, layer.padding])
            .collect()
    }

    fn default_hidden() -> usize {
        64
    }

    /// The convolutions as the model takes them.
    pub(crate) fn layers(&self) -> Vec<ConvLayerConfig> {
        self.layers
            .iter()
            .map(|&[channels, kernel, stride, padding]| {
                ConvLayerConfig::new(channels, kernel, stride, padding)
            })
            .collect()
    }
}

impl ModelConfig {
    /// The two values of a unit, where units have no others.
    fn coding(&self) -> Option<Coding> {
        match self {
            Self::Rbm(keys) if keys.visible_units == VisibleUnits::Gaussian => None,
            Self::Rbm(_) | Self::Dbm(_) => Some(Coding::Binary),
            Self::BoltzmannMachine(keys) => Some(keys.coding),
            Self::Hopfield(_) => Some(Coding::Spin),
            Self::Mlp(_) | Self::ConvNet(_) => None,
        }
    }

    /// Checks what the model asks of the data.
    pub(super) fn check_fit(
        &self,
        data: &DataConfig,
        training: &TrainingConfig,
    ) -> Result<(), InvalidValue> {
        let Some(coding) = self.coding() else {
            return Ok(());
        };
        let (low, high) = data.range();
        check(
            (low, high) == (coding.low(), coding.high()),
            "data.range",
            format!("[{low:?}, {high:?}]"),
            format!(
                "[{:?}, {:?}], the values of the model's units",
                coding.low(),
                coding.high()
            ),
        )?;
        // Probabilities may stand for units that are 0 or 1 in a field, but nothing stands for a spin.
        let pairwise = matches!(self, Self::BoltzmannMachine(_) | Self::Hopfield(_));
        check(
            !pairwise || data.binarize().is_some(),
            "data.binarize",
            "nothing",
            "\"threshold\" or \"sample\", since the model's units take two values",
        )?;
        check(
            training.data_noise == 0.0,
            "training.data_noise",
            format!("{:?}", training.data_noise),
            "0.0, since the model's units take two values",
        )
    }

    pub(super) fn validate(&self) -> Result<(), InvalidValue> {
        match self {
            Self::Mlp(keys) => {
                check_layers("model.hidden", keys.hidden.len())?;
                check(
                    keys.hidden.iter().all(|width| WIDTHS.contains(width)),
                    "model.hidden",
                    format!("{:?}", keys.hidden),
                    format!("widths from 1 to {}", WIDTHS.end()),
                )
            }
            Self::ConvNet(keys) => {
                check_layers("model.layers", keys.layers.len())?;
                check_count("model.hidden", keys.hidden, *WIDTHS.end())?;
                keys.layers.iter().try_for_each(|&[channels, kernel, stride, padding]| {
                    let fits = (1..=65_536).contains(&channels)
                        && (1..=1024).contains(&kernel)
                        && (1..=1024).contains(&stride)
                        && padding < kernel;
                    check(
                        fits,
                        "model.layers",
                        format!("[{channels}, {kernel}, {stride}, {padding}]"),
                        "[channels, kernel, stride, padding] with channels from 1 to 65536, kernel and stride from 1 to 1024, and padding below kernel",
                    )
                })
            }
            Self::Rbm(keys) => {
                check_count("model.hidden", keys.hidden, *WIDTHS.end())?;
                check_not_negative("model.weight_std", keys.weight_std)
            }
            Self::BoltzmannMachine(keys) => {
                check_most("model.hidden", keys.hidden)?;
                check_not_negative("model.weight_std", keys.weight_std)
            }
            Self::Hopfield(keys) => check_most("model.hidden", keys.hidden),
            Self::Dbm(keys) => {
                check_layers("model.hidden", keys.hidden.len())?;
                check(
                    keys.hidden.len() >= 2
                        && keys.hidden.iter().all(|width| WIDTHS.contains(width)),
                    "model.hidden",
                    format!("{:?}", keys.hidden),
                    format!("two or more widths from 1 to {}", WIDTHS.end()),
                )?;
                check_not_negative("model.weight_std", keys.weight_std)?;
                check_not_negative("model.mean_field_tolerance", keys.mean_field_tolerance)?;
                check_count("model.mean_field_steps", keys.mean_field_steps, 1_000_000)?;
                let Some(pretraining) = &keys.pretraining else {
                    return Ok(());
                };
                check_at_least_one("model.pretraining.steps", pretraining.steps)?;
                check_positive("model.pretraining.learning_rate", pretraining.learning_rate)?;
                check_count(
                    "model.pretraining.gibbs_steps",
                    pretraining.gibbs_steps,
                    1_000_000,
                )
            }
        }
    }
}
