//! How a kind of model describes its arrays in files of weights, for import, export and help.

use std::collections::BTreeMap;

use burn::tensor::Tensor;
use ebm_models::{Activation, Coding, ImageShape, UnknownActivation};
use serde::de::DeserializeOwned;

use super::{AnyModel, ModelConfig};
use crate::weight_files::{WeightsFile, WrongArrays};

/// The arrays of a kind in files of weights.
#[derive(Clone, Copy, Debug)]
pub struct Weights {
    /// Names, shapes and order of its arrays.
    pub layout: WeightsLayout,
    /// The same in words, for help: lines of 80 characters at most.
    pub arrays: &'static str,
    /// The energy as a formula of the arrays, for help.
    pub energy: &'static str,
    /// What the arrays don't say.
    pub options: &'static [&'static WeightsOption],
}

/// The layout of arrays, by what the model is made of
/// ([`Structure`](ebm_models::Structure)).
#[derive(Clone, Copy, Debug)]
pub enum WeightsLayout {
    /// The parameters under their own names in the layouts of PyTorch, in which a matrix is
    /// `[outputs, inputs]`.
    Smooth {
        /// The names of the layers, in the order in which they are applied, of a network with so
        /// many convolutions and so many layers in all: a file may number them instead.
        layers: fn(convolutions: usize, layers: usize) -> Vec<String>,
        /// The keys and the shape of an example that the arrays add up to.
        keys: fn(&NetworkArrays<'_>) -> Result<(ModelConfig, ImageShape), WrongArrays>,
    },
    /// Weights and biases of layers: `visible_bias`, and those of the hidden layers.
    Layered {
        /// What they are called.
        names: LayerNames,
        /// The machine of these arrays.
        machine: fn(LayeredArrays, &Said<'_>) -> Result<Machine, WrongArrays>,
    },
    /// `weight` `[units, units]` and `bias` `[units]`.
    Pairwise {
        /// The values of a unit; `None`: what the option `coding` says.
        coding: Option<Coding>,
        /// The machine of these arrays.
        machine: fn(PairwiseArrays) -> Machine,
    },
}

/// The names of weights and hidden biases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LayerNames {
    /// `weight` and `hidden_bias`: one hidden layer.
    One,
    /// `weights.0`, `weights.1`, .. and `hidden_biases.0`, ..: two hidden layers or more.
    Stack,
}

impl LayerNames {
    /// The couplings of layer `l` with the next, the visible layer being 0.
    pub fn weight(self, l: usize) -> String {
        match self {
            Self::One => "weight".into(),
            Self::Stack => format!("weights.{l}"),
        }
    }

    /// The bias of layer `l`.
    pub fn bias(self, l: usize) -> String {
        match (self, l) {
            (_, 0) => "visible_bias".into(),
            (Self::One, _) => "hidden_bias".into(),
            (Self::Stack, l) => format!("hidden_biases.{}", l - 1),
        }
    }
}

/// Something that arrays don't say: text beside them in a file, or a flag.
#[derive(Debug)]
pub struct WeightsOption {
    /// Its key in a file; the flag has `-` for `_`.
    pub key: &'static str,
    /// What it may be.
    pub value: OptionValue,
    /// What it means, for help.
    pub help: &'static str,
    /// A value as a flag takes it.
    pub example: &'static str,
}

/// What the value of an option may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OptionValue {
    /// A whole number.
    Count,
    /// A list of whole numbers.
    Counts,
    /// An activation, such as `leaky_relu(0.05)`.
    Activation,
    /// One of these names.
    OneOf(&'static [&'static str]),
}

impl OptionValue {
    /// What help calls it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Count => "N",
            Self::Counts => "LIST",
            Self::Activation => "NAME",
            Self::OneOf(_) => "KIND",
        }
    }
}

impl WeightsOption {
    /// The flag, without the dashes before it.
    pub fn flag(&self) -> String {
        self.key.replace('_', "-")
    }

    /// The error of an option that neither the file nor a flag tells.
    pub fn untold(&self) -> WrongArrays {
        let (flag, value) = (self.flag(), self.value.name());
        untold(
            self.key,
            &format!("--{flag} {value}"),
            &format!("--{flag} {}", self.example),
        )
    }
}

/// The activation of a network.
pub(crate) const ACTIVATION: WeightsOption = WeightsOption {
    key: "activation",
    value: OptionValue::Activation,
    help: "the activation, as in a configuration, e.g. swish or leaky_relu(0.05)",
    example: "leaky_relu(0.05)",
};

/// The values of a unit of a pairwise machine.
pub(crate) const CODING: WeightsOption = WeightsOption {
    key: "coding",
    value: OptionValue::OneOf(&["spin", "binary"]),
    help: "the values of a unit, spin (-1 and 1) or binary (0 and 1) [default: spin]",
    example: "binary",
};

/// The number of visible units of a pairwise machine.
pub(crate) const VISIBLE: WeightsOption = WeightsOption {
    key: "visible",
    value: OptionValue::Count,
    help: "the number of visible units [default: all]",
    example: "784",
};

/// The energy of a pairwise machine, for help.
pub(super) const PAIRWISE_ENERGY: &str = "E = -1/2 y W y - b.y; a diagonal of W becomes biases \
    of units that\nare 0 or 1, since y^2 = y; of spins it is a constant, which has to be 0";

fn untold(what: &str, flag: &str, example: &str) -> WrongArrays {
    WrongArrays(format!(
        "arrays don't tell {what}: pass `{flag}`, such as `{example}`"
    ))
}

/// What was asked for and what the file says of itself.
#[derive(Clone, Copy, Debug)]
pub struct Said<'a> {
    pub(crate) file: &'a WeightsFile,
    pub(crate) asked: &'a BTreeMap<&'static str, String>,
}

impl Said<'_> {
    /// The value of an option: what was asked for, else what the file says.
    ///
    /// # Errors
    ///
    /// If these are not the same, or what is said can't be read.
    pub fn option<T: DeserializeOwned + PartialEq>(
        &self,
        option: &WeightsOption,
    ) -> Result<Option<T>, WrongArrays> {
        let asked = self.asked.get(option.key);
        let asked = asked.map(|text| WeightsFile::parse(option.key, text));
        Ok(self.file.agreed(option.key, asked.transpose()?)?)
    }
}

/// The arrays of a network as far as they tell its keys.
#[derive(Clone, Copy, Debug)]
pub struct NetworkArrays<'a> {
    /// The name of its kind.
    pub kind: &'static str,
    /// What is said beside the arrays.
    pub said: Said<'a>,
    /// The shape of an example, if that is said.
    pub shape: Option<ImageShape>,
    /// The model of the configuration that was asked for, else of that in the file.
    pub model: Option<&'a ModelConfig>,
}

impl NetworkArrays<'_> {
    /// The activation that is said beside the arrays.
    ///
    /// # Errors
    ///
    /// If there is none of that name.
    pub fn activation(&self) -> Result<Option<Activation>, WrongArrays> {
        let name: Option<String> = self.said.option(&ACTIVATION)?;
        name.map(|name| name.parse())
            .transpose()
            .map_err(|error: UnknownActivation| WrongArrays(error.to_string()))
    }

    /// The number of layers `stack.0`, `stack.1`, ..
    pub fn count(&self, stack: &str) -> usize {
        let arrays = &self.said.file.arrays;
        (0..)
            .take_while(|layer| arrays.contains_key(&format!("{stack}.{layer}.weight")))
            .count()
    }

    /// Outputs and inputs of a fully connected layer.
    ///
    /// # Errors
    ///
    /// If there is no such array, or it is no matrix.
    pub fn matrix(&self, name: &str) -> Result<[usize; 2], WrongArrays> {
        let shape = self.array(name)?;
        <[usize; 2]>::try_from(shape)
            .ok()
            .filter(|shape| !shape.contains(&0))
            .ok_or_else(|| {
                WrongArrays(format!(
                    "array `{name}` has shape {shape:?}, expected [outputs, inputs] of a fully \
                     connected layer"
                ))
            })
    }

    /// Outputs and side of the kernel of a convolution.
    ///
    /// # Errors
    ///
    /// If there is no such array, or it is no square kernel.
    pub fn kernel(&self, name: &str) -> Result<[usize; 2], WrongArrays> {
        match *self.array(name)? {
            [outputs, inputs, height, width]
                if height == width && outputs * inputs * height > 0 =>
            {
                Ok([outputs, height])
            }
            ref shape => Err(WrongArrays(format!(
                "array `{name}` has shape {shape:?}, expected [outputs, inputs, side, side] of a \
                 square convolution"
            ))),
        }
    }

    fn array(&self, name: &str) -> Result<&[usize], WrongArrays> {
        let file = self.said.file;
        let data = file.arrays.get(name);
        let data = data.ok_or_else(|| WrongArrays(file.lacks(name)))?;
        Ok(data.shape().as_slice())
    }

    /// The shape of an example.
    ///
    /// # Errors
    ///
    /// If it isn't said.
    pub fn shape(&self) -> Result<ImageShape, WrongArrays> {
        let missing = || untold("shape", "--shape CxHxW", "--shape 1x28x28");
        self.shape.ok_or_else(missing)
    }

    /// The keys that the configuration has.
    ///
    /// # Errors
    ///
    /// If there is no configuration, or its model is of another kind.
    pub fn configured(&self) -> Result<ModelConfig, WrongArrays> {
        let model = self.model;
        let model = model.filter(|model| model.name() == self.kind);
        model.cloned().ok_or_else(|| {
            WrongArrays(format!(
                "arrays don't tell the keys of this model: pass `--config FILE`, the \
                 configuration of a run whose model is of the kind \"{}\"",
                self.kind
            ))
        })
    }
}

/// Weights and biases of layers, the visible one first.
#[derive(Clone, Debug)]
pub struct LayeredArrays {
    /// For each layer but the last `[units, units of the next layer]`.
    pub weights: Vec<Tensor<2>>,
    /// For each layer `[units]`.
    pub biases: Vec<Tensor<1>>,
}

impl LayeredArrays {
    /// The number of units of each hidden layer.
    pub fn hidden(&self) -> Vec<usize> {
        self.biases[1..].iter().map(|bias| bias.dims()[0]).collect()
    }
}

/// Couplings and biases.
#[derive(Clone, Debug)]
pub struct PairwiseArrays {
    /// `[units, units]`, without a diagonal.
    pub weight: Tensor<2>,
    /// `[units]`.
    pub bias: Tensor<1>,
    /// The number of visible units, which come first.
    pub visible: usize,
    /// The values of a unit.
    pub coding: Coding,
}

impl PairwiseArrays {
    /// The number of hidden units.
    pub fn hidden(&self) -> usize {
        self.bias.dims()[0] - self.visible
    }
}

/// A machine that was read, and what a run needs that is to sample from it.
#[derive(Clone, Debug)]
pub struct Machine {
    /// The model.
    pub model: AnyModel,
    /// Its section of the configuration.
    pub keys: ModelConfig,
    /// What else the configuration of a restricted machine has to be changed in, as `--set` takes
    /// it; the range of the data follows from the keys.
    pub changes: &'static [&'static str],
}

impl Default for Weights {
    /// Those of a network whose keys only a configuration says.
    fn default() -> Self {
        Self {
            layout: WeightsLayout::Smooth {
                layers: |_, _| Vec::new(),
                keys: |arrays| Ok((arrays.configured()?, arrays.shape()?)),
            },
            arrays: "its parameters under their names, matrices [outputs, inputs]",
            energy: "that of the model's documentation",
            options: &[],
        }
    }
}
