//! The energy of a run, chosen at run time among the models that the command knows.

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use ebm_models::{
    BoltzmannMachine, BoltzmannMachineConfig, ConvNet, ConvNetConfig, Dbm, DbmConfig, Energy,
    Hopfield, HopfieldConfig, Mlp, MlpConfig, PairwiseMachine, Precision, Rbm, RbmConfig,
};
use ebm_ops::Noise;
use ebm_sampling::Run;

use crate::config::{ModelConfig, SamplerConfig};
use crate::error::TrainError;
use crate::examples::Examples;
use crate::memory;
use crate::trainable::{Trainable, rows};

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
    ) -> Result<Self, TrainError> {
        let failed = |message: String| TrainError::Model {
            channels: shape[0],
            height: shape[1],
            width: shape[2],
            message,
        };
        let check = |parameters: u128| {
            // The weights and their gradient, two moments and a moving average.
            let values = parameters.saturating_mul(5);
            if memory::fits(values) {
                return Ok(());
            }
            Err(failed(format!(
                "its {parameters} parameters take {} to train, more than this machine has: make it smaller",
                memory::amount(values)
            )))
        };
        match config {
            ModelConfig::Mlp(keys) => {
                let widths = std::iter::once(shape.iter().product())
                    .chain(keys.hidden.iter().copied())
                    .chain(std::iter::once(1))
                    .collect::<Vec<usize>>();
                check(
                    widths
                        .windows(2)
                        .map(|pair| memory::product(pair) + pair[1] as u128)
                        .sum(),
                )?;
                let config = MlpConfig::new(shape.iter().product(), keys.hidden.clone())
                    .with_activation(keys.activation);
                Ok(Self::Mlp(config.init(device, noise)))
            }
            ModelConfig::ConvNet(keys) => {
                let config = ConvNetConfig::new(shape)
                    .with_layers(keys.layers())
                    .with_hidden(keys.hidden)
                    .with_activation(keys.activation);
                let features = config
                    .feature_shape()
                    .map_err(|error| failed(error.to_string()))?;
                let mut inputs = shape[0];
                let mut parameters = memory::product(&features) * keys.hidden as u128;
                for layer in &config.layers {
                    parameters +=
                        memory::product(&[inputs, layer.channels, layer.kernel, layer.kernel]);
                    inputs = layer.channels;
                }
                check(parameters)?;
                config
                    .init(device, noise)
                    .map(Self::ConvNet)
                    .map_err(|error| failed(error.to_string()))
            }
            ModelConfig::Rbm(keys) => {
                let config = RbmConfig::new(shape.iter().product(), keys.hidden)
                    .with_visible_units(keys.visible_units)
                    .with_weight_std(keys.weight_std)
                    .with_centered(keys.centered);
                check(config.num_params())?;
                Ok(Self::Rbm(config.init(device, noise)))
            }
            ModelConfig::Dbm(keys) => {
                let config = DbmConfig::new(shape.iter().product(), keys.hidden.clone())
                    .with_weight_std(keys.weight_std)
                    .with_centered(keys.centered);
                check(config.num_params())?;
                let model = config.init(device, noise).with_inference(keys.inference());
                Ok(Self::Dbm(model))
            }
            ModelConfig::BoltzmannMachine(keys) => {
                let config = BoltzmannMachineConfig::new(shape.iter().product())
                    .with_hidden(keys.hidden)
                    .with_coding(keys.coding)
                    .with_weight_std(keys.weight_std);
                check(pairwise_parameters(shape, keys.hidden))?;
                Ok(Self::BoltzmannMachine(config.init(device, noise)))
            }
            ModelConfig::Hopfield(keys) => {
                check(pairwise_parameters(shape, keys.hidden))?;
                let config = HopfieldConfig::new(shape.iter().product()).with_hidden(keys.hidden);
                Ok(Self::Hopfield(config.init(device)))
            }
        }
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

/// Hebbian storage of all examples.
fn stored(model: Hopfield, examples: &Examples<4>) -> Hopfield {
    examples
        .batches(examples.rows_at_a_time())
        .fold(model, |model, batch| model.store(rows(batch)))
}

fn pairwise_parameters(shape: [usize; 3], hidden: usize) -> u128 {
    let units = memory::product(&shape) + hidden as u128;
    units.saturating_mul(units + 1)
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
}

impl Trainable<4> for Network {
    fn supports(&self, sampler: &SamplerConfig) -> bool {
        each!(self, model => Trainable::<4>::supports(model, sampler))
    }

    fn supports_precision(&self, precision: Precision) -> bool {
        each!(self, model => Trainable::<4>::supports_precision(model, precision))
    }

    fn run(
        &self,
        sampler: &SamplerConfig,
        states: Tensor<4>,
        steps: usize,
        range: (f64, f64),
        noise: &mut Noise,
    ) -> Run<Tensor<4>> {
        each!(self, model => Trainable::run(model, sampler, states, steps, range, noise))
    }

    fn state_shape(&self, examples: [usize; 4]) -> [usize; 4] {
        each!(self, model => model.state_shape(examples))
    }

    fn clamp(&self, examples: Tensor<4>, sampler: &SamplerConfig, noise: &mut Noise) -> Tensor<4> {
        each!(self, model => Trainable::clamp(model, examples, sampler, noise))
    }

    fn hidden_means(&self, states: Tensor<4>) -> Vec<Tensor<2>> {
        each!(self, model => Trainable::hidden_means(model, states))
    }

    fn follow(self, states: Tensor<4>) -> Self {
        match self {
            Self::Rbm(model) => Self::Rbm(model.follow(states)),
            Self::Dbm(model) => Self::Dbm(model.follow(states)),
            other => other,
        }
    }
}
