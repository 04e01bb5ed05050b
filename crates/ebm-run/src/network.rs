//! The energy of a run, chosen at run time among the models that the command knows.

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use ebm_models::{
    BoltzmannMachine, BoltzmannMachineConfig, ConvNet, ConvNetConfig, Dbm, DbmConfig, Energy,
    Hopfield, HopfieldConfig, Mlp, MlpConfig, PairwiseMachine, Precision, Rbm, RbmConfig,
    Structure,
};
use ebm_ops::Noise;

use crate::config::{self, ModelConfig};
use crate::error::RunError;
use ebm_train::Examples;
use ebm_train::keys::InvalidValue;
use ebm_train::memory;
use ebm_train::{Trainable, rows};

/// Any model that `[model]` can name. Examples are `[batch, channels, height, width]`; a point of the plane
/// is an image of two channels and one pixel.
#[derive(Module, Debug)]
#[allow(clippy::large_enum_variant, reason = "a trainer has two or three")]
pub enum Network {
    /// A multilayer perceptron.
    Mlp(Mlp),
    /// A convolutional network.
    ConvNet(ConvNet),
    /// A restricted Boltzmann machine.
    Rbm(Rbm),
    /// A deep Boltzmann machine, whose states are all its units.
    Dbm(Dbm),
    /// A general Boltzmann machine, whose states are all its units.
    BoltzmannMachine(BoltzmannMachine),
    /// A Hopfield network, whose states are all its units.
    Hopfield(Hopfield),
}

impl Network {
    /// Builds the network of a configuration for examples of `shape` = channels, height, width.
    ///
    /// # Errors
    ///
    /// If the layers don't fit the shape, or the network doesn't fit into memory.
    pub fn new(
        config: &ModelConfig,
        shape: [usize; 3],
        device: &Device,
        noise: &mut Noise,
    ) -> Result<Self, RunError> {
        let parameters = Self::parameters(config, shape)?;
        // The weights and their gradient, two moments and a moving average.
        let values = parameters.saturating_mul(5);
        if !memory::fits_on(values, device) {
            return Err(unfitting(
                shape,
                format!(
                    "its {parameters} parameters take {} to train, more than this machine has: make it smaller",
                    memory::amount(values)
                ),
            ));
        }
        let inputs = shape.iter().product();
        Ok(match config {
            ModelConfig::Mlp(keys) => {
                let config =
                    MlpConfig::new(inputs, keys.hidden.clone()).with_activation(keys.activation);
                Self::Mlp(config.init(device, noise))
            }
            ModelConfig::ConvNet(keys) => convolutional(keys, shape)
                .init(device, noise)
                .map(Self::ConvNet)
                .map_err(|error| unfitting(shape, error.to_string()))?,
            ModelConfig::Rbm(keys) => {
                let config = RbmConfig::new(inputs, keys.hidden)
                    .with_visible_units(keys.visible_units)
                    .with_weight_std(keys.weight_std)
                    .with_centered(keys.centered);
                Self::Rbm(config.init(device, noise))
            }
            ModelConfig::Dbm(keys) => {
                let config = DbmConfig::new(inputs, keys.hidden.clone())
                    .with_weight_std(keys.weight_std)
                    .with_centered(keys.centered);
                let model = config.init(device, noise).with_inference(keys.inference());
                Self::Dbm(model)
            }
            ModelConfig::BoltzmannMachine(keys) => {
                let config = BoltzmannMachineConfig::new(inputs)
                    .with_hidden(keys.hidden)
                    .with_coding(keys.coding)
                    .with_weight_std(keys.weight_std);
                Self::BoltzmannMachine(config.init(device, noise))
            }
            ModelConfig::Hopfield(keys) => {
                let config = HopfieldConfig::new(inputs).with_hidden(keys.hidden);
                Self::Hopfield(config.init(device))
            }
        })
    }

    /// The number of parameters of the network that [`new`](Self::new) would build, biases of convolutions and offsets left out.
    ///
    /// # Errors
    ///
    /// If the layers don't fit the shape.
    pub(crate) fn parameters(config: &ModelConfig, shape: [usize; 3]) -> Result<u128, RunError> {
        let layers = |sizes: &[usize]| {
            sizes.windows(2).fold(0_u128, |total, pair| {
                let parameters = memory::product(pair).saturating_add(pair[1] as u128);
                total.saturating_add(parameters)
            })
        };
        let examples = memory::product(&shape);
        let Some(inputs) = usize::try_from(examples).ok().filter(|&inputs| inputs > 0) else {
            return Err(unfitting(
                shape,
                format!(
                    "an example has {examples} values, expected 1 or more that fit into memory"
                ),
            ));
        };
        Ok(match config {
            ModelConfig::Mlp(keys) => layers(&[&[inputs], &keys.hidden[..], &[1]].concat()),
            ModelConfig::ConvNet(keys) => {
                let config = convolutional(keys, shape);
                let [channels, height, width] = config
                    .feature_shape()
                    .map_err(|error| unfitting(shape, error.to_string()))?
                    .into();
                let mut parameters = memory::product(&[channels, height, width, keys.hidden]);
                let mut inputs = shape[0];
                for layer in &config.layers {
                    let sizes = [inputs, layer.channels, layer.kernel, layer.kernel];
                    parameters = parameters.saturating_add(memory::product(&sizes));
                    inputs = layer.channels;
                }
                parameters
            }
            // A bias of each visible unit, too.
            ModelConfig::Rbm(keys) => layers(&[inputs, keys.hidden]).saturating_add(examples),
            ModelConfig::Dbm(keys) => {
                layers(&[&[inputs], &keys.hidden[..]].concat()).saturating_add(examples)
            }
            ModelConfig::BoltzmannMachine(keys) => pairwise_parameters(examples, keys.hidden),
            ModelConfig::Hopfield(keys) => pairwise_parameters(examples, keys.hidden),
        })
    }

    /// The name of its kind, as in the configuration.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Mlp(_) => "mlp",
            Self::ConvNet(_) => "conv_net",
            Self::Rbm(_) => "rbm",
            Self::Dbm(_) => "dbm",
            Self::BoltzmannMachine(_) => "boltzmann_machine",
            Self::Hopfield(_) => "hopfield",
        }
    }

    /// Whether it stands for a distribution whose partition function can be found: a network's can't, and a Hopfield
    /// network is a memory.
    pub fn has_partition(&self) -> bool {
        matches!(
            self,
            Self::Rbm(_) | Self::Dbm(_) | Self::BoltzmannMachine(_)
        )
    }

    /// Whether its states are its examples and its dynamics at temperature 0 recall them: Hopfield networks and Boltzmann machines
    /// without hidden units.
    pub fn recalls(&self) -> bool {
        match self {
            Self::BoltzmannMachine(machine) => machine.hidden_units() == 0,
            Self::Hopfield(machine) => machine.hidden_units() == 0,
            _ => false,
        }
    }

    /// Gives the model what can be known of the examples before the first update: visible biases to machines with
    /// layers, the memory of all examples to a Hopfield network.
    #[must_use]
    pub fn fitted_to(self, examples: &Examples<4>) -> Self {
        match self {
            Self::Rbm(model) => Self::Rbm(model.with_visible_means(examples.mean(), MEAN_MARGIN)),
            Self::Dbm(model) => Self::Dbm(model.with_visible_means(examples.mean(), MEAN_MARGIN)),
            // With hidden units there are no full patterns to store yet.
            Self::Hopfield(model) if model.hidden_units() == 0 => {
                Self::Hopfield(stored(model, examples))
            }
            other => other,
        }
    }

    /// What states look like: `[batch, ..]` -> `[batch, channels, height, width]` with `shape` = channels, height,
    /// width. Units that are drawn by coins are shown by their probability given the hidden units, of which a machine
    /// that sums them out draws new ones.
    pub fn visible_means(
        &self,
        states: Tensor<4>,
        shape: [usize; 3],
        noise: &mut Noise,
    ) -> Tensor<4> {
        let count = states.dims()[0];
        let images = match self {
            Self::Mlp(_) | Self::ConvNet(_) => return states,
            Self::Rbm(model) => {
                let hidden = noise.bernoulli(model.hidden_means(rows(states)));
                model.visible_means(hidden)
            }
            Self::Dbm(model) => model.visible_means(&model.split(rows(states))),
            Self::BoltzmannMachine(model) => rows(states).narrow(1, 0, model.visible_units()),
            Self::Hopfield(model) => rows(states).narrow(1, 0, model.visible_units()),
        };
        images.reshape([count, shape[0], shape[1], shape[2]])
    }
}

/// Finds out whether what the units of all layers make of so many rows of examples of `shape` = channels, height, width fits into memory;
/// an update keeps it for the backward pass.
pub(crate) fn check_batch(
    config: &ModelConfig,
    shape: [usize; 3],
    batch_size: usize,
    rows: usize,
    device: &Device,
) -> Result<(), InvalidValue> {
    let visible = memory::product(&shape);
    let layers = |widths: &[usize]| widths.iter().map(|&width| width as u128).sum::<u128>();
    let units = visible
        + match config {
            ModelConfig::Mlp(keys) => layers(&keys.hidden),
            ModelConfig::Dbm(keys) => layers(&keys.hidden),
            ModelConfig::Rbm(keys) => keys.hidden as u128,
            ModelConfig::BoltzmannMachine(keys) => keys.hidden as u128,
            ModelConfig::Hopfield(keys) => keys.hidden as u128,
            ModelConfig::ConvNet(keys) => {
                let layers = keys.layers();
                (1..=layers.len())
                    .filter_map(|count| {
                        let first = convolutional(keys, shape);
                        let first = first.with_layers(layers[..count].to_vec());
                        first.feature_shape().ok()
                    })
                    .map(|features| memory::product(&<[usize; 3]>::from(features)))
                    .sum::<u128>()
                    + keys.hidden as u128
            }
        };
    let values = units.saturating_mul(rows as u128);
    if memory::fits_on(values, device) {
        return Ok(());
    }
    Err(InvalidValue {
        key: "training.batch_size",
        found: batch_size.to_string(),
        expected: format!(
            "a batch whose units fit into memory (these take {}): make it or the model smaller",
            memory::amount(values)
        ),
    })
}

/// Hebbian storage of all examples.
fn stored(model: Hopfield, examples: &Examples<4>) -> Hopfield {
    examples
        .batches(examples.rows_at_a_time())
        .fold(model, |model, batch| model.store(rows(batch.x)))
}

fn pairwise_parameters(visible: u128, hidden: usize) -> u128 {
    let units = visible.saturating_add(hidden as u128);
    units.saturating_mul(units.saturating_add(1))
}

fn convolutional(keys: &config::ConvNetConfig, shape: [usize; 3]) -> ConvNetConfig {
    ConvNetConfig::new(shape.into())
        .with_layers(keys.layers())
        .with_hidden(keys.hidden)
        .with_activation(keys.activation)
}

fn unfitting([channels, height, width]: [usize; 3], message: String) -> RunError {
    RunError::Model {
        channels,
        height,
        width,
        message,
    }
}

/// How far a pixel's mean is kept from 0 and 1 where it becomes a bias.
pub(crate) const MEAN_MARGIN: f64 = 1e-3;

/// Evaluates an expression for whatever model it is.
macro_rules! each {
    ($network:expr, $model:ident => $call:expr) => {
        match $network {
            Network::Mlp($model) => $call,
            Network::ConvNet($model) => $call,
            Network::Rbm($model) => $call,
            Network::Dbm($model) => $call,
            Network::BoltzmannMachine($model) => $call,
            Network::Hopfield($model) => $call,
        }
    };
}

impl Energy<4> for Network {
    fn energy(&self, x: Tensor<4>) -> Tensor<1> {
        each!(self, model => model.energy(x))
    }

    fn structure(&self) -> Structure {
        each!(self, model => Energy::<4>::structure(model))
    }
}

impl Trainable<4> for Network {
    fn supports_precision(&self, precision: Precision) -> bool {
        each!(self, model => Trainable::<4>::supports_precision(model, precision))
    }

    fn follow(self, states: Tensor<4>) -> Self {
        match self {
            Self::Rbm(model) => Self::Rbm(model.follow(states)),
            Self::Dbm(model) => Self::Dbm(model.follow(states)),
            other => other,
        }
    }
}
