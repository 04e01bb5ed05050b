//! The kinds of models that `[model]` can name: one file and one entry of the list for each.
//!
//! The configuration of a model ([`ModelConfig`]), the model itself ([`AnyModel`]), `ebm config`,
//! `ebm import` and its help are made from the list. Nothing else knows a kind by name: other code
//! asks a model what it is made of ([`Energy::structure`](ebm_models::Energy::structure)), or its
//! keys, as a [`ModelKind`], what is written here.

mod any_model;
mod boltzmann_machine;
mod conv_net;
mod dbm;
mod hopfield;
mod mlp;
mod pretraining;
mod rbm;
mod resnet;
mod size;
mod weights;

use std::path::PathBuf;

use burn::tensor::Device;
use ebm_models::{Coding, ImageShape};
use ebm_ops::Noise;
use ebm_train::Examples;
use ebm_train::keys::InvalidValue;

use crate::error::RunError;

pub use boltzmann_machine::BoltzmannMachineKeys;
pub use conv_net::ConvNetKeys;
pub use dbm::{DbmKeys, PretrainingKeys};
pub use hopfield::HopfieldKeys;
pub use mlp::MlpKeys;
pub use pretraining::{Pretraining, PretrainingWatch};
pub use rbm::RbmKeys;
pub use resnet::ResNetKeys;
pub use weights::{
    LayerNames, LayeredArrays, Machine, NetworkArrays, OptionValue, PairwiseArrays, Said, Weights,
    WeightsLayout, WeightsOption,
};

pub(crate) use any_model::MEAN_MARGIN;
pub(crate) use size::check_batch;
pub(crate) use weights::{CODING, VISIBLE};

any_model::model_kinds! {
    /// A multilayer perceptron on the flattened example.
    "mlp" => Mlp(mlp::MlpKeys): ebm_models::Mlp,
    /// A convolutional network.
    "conv_net" => ConvNet(conv_net::ConvNetKeys): ebm_models::ConvNet,
    /// A residual network.
    "resnet" => ResNet(resnet::ResNetKeys): ebm_models::ResNet,
    /// A restricted Boltzmann machine.
    "rbm" => Rbm(rbm::RbmKeys): ebm_models::Rbm,
    /// A deep Boltzmann machine.
    "dbm" => Dbm(dbm::DbmKeys): ebm_models::Dbm,
    /// A Boltzmann machine in which every unit is coupled to every other.
    "boltzmann_machine" =>
        BoltzmannMachine(boltzmann_machine::BoltzmannMachineKeys): ebm_models::BoltzmannMachine,
    /// A Hopfield network, which starts with all examples stored by Hebb's rule.
    "hopfield" => Hopfield(hopfield::HopfieldKeys): ebm_models::Hopfield,
}

/// What the application has to know of a kind of model beyond its energy; the keys of its
/// `[model]` section have it.
///
/// Keys, their defaults and their comments come from `ebm_train::keys!`.
pub trait ModelKind {
    /// Checks every key against its range.
    ///
    /// # Errors
    ///
    /// The first key that is out of range.
    fn validate(&self) -> Result<(), InvalidValue>;

    /// The number of parameters of the model for examples of a shape, as far as it decides about
    /// memory: biases of convolutions and offsets may be left out.
    ///
    /// # Errors
    ///
    /// If its layers don't fit the shape ([`unfitting`]).
    fn parameters(&self, shape: ImageShape) -> Result<u128, RunError>;

    /// The number of values that the layers or hidden units make of one example, beyond the
    /// example itself: a backward pass keeps them.
    fn hidden_values(&self, shape: ImageShape) -> u128;

    /// Builds the model for examples of a shape.
    ///
    /// # Errors
    ///
    /// If its layers don't fit the shape ([`unfitting`]).
    fn build(
        &self,
        shape: ImageShape,
        device: &Device,
        noise: &mut Noise,
    ) -> Result<AnyModel, RunError>;

    /// Gives a model that was just built what can be known of the examples before the first update.
    fn fit(&self, model: AnyModel, _examples: &Examples<4>) -> AnyModel {
        model
    }

    /// The values that visible units take, which data have to have.
    fn visible_values(&self) -> VisibleValues {
        VisibleValues::Real
    }

    /// Whether it is a memory, and no distribution whose partition function is of interest.
    fn is_memory(&self) -> bool {
        false
    }

    /// What comes before the first update: training of parts, which may leave files in the folder,
    /// so that a run that is stopped meanwhile goes on from there.
    ///
    /// # Errors
    ///
    /// If it diverges, or a file can't be read or written.
    fn pretrain(&self, _run: &mut Pretraining<'_>) -> Result<Pretrained, RunError> {
        Ok(Pretrained::Nothing)
    }

    /// Finds out whether what [`pretrain`](Self::pretrain) left in the folder fits these keys.
    ///
    /// # Errors
    ///
    /// If it doesn't, or can't be read.
    fn check_pretrained(
        &self,
        _examples: &Examples<4>,
        _path_of: &dyn Fn(usize) -> PathBuf,
    ) -> Result<(), RunError> {
        Ok(())
    }

    /// What the arrays of a file of weights don't say, as text by the keys of
    /// [`Weights::options`].
    fn described(&self) -> Vec<(&'static str, String)> {
        Vec::new()
    }

    /// The arrays of the model in files of weights. By default those of a network under the names
    /// of its parameters, whose keys a configuration says.
    fn weights() -> Weights
    where
        Self: Sized,
    {
        Weights::default()
    }
}

/// What the visible units of a model are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum VisibleValues {
    /// Any numbers.
    Real,
    /// 0 and 1, drawn by coins; a number between is the probability of 1.
    Probabilities,
    /// One of two values, and nothing between.
    TwoValued(Coding),
}

impl VisibleValues {
    /// The two values of a unit, where units have no others.
    pub fn coding(self) -> Option<Coding> {
        match self {
            Self::Real => None,
            Self::Probabilities => Some(Coding::Binary),
            Self::TwoValued(coding) => Some(coding),
        }
    }
}

/// What pretraining comes to.
#[derive(Debug)]
#[allow(clippy::large_enum_variant, reason = "a run has one")]
pub enum Pretrained {
    /// There is none: training starts with the model as it was built.
    Nothing,
    /// Training starts with this model.
    Model(AnyModel),
    /// It was told to stop before its end.
    Stopped,
}

/// A kind of model, without keys.
#[derive(Clone, Copy, Debug)]
pub struct Kind {
    /// Its name in a configuration.
    pub name: &'static str,
    weights: fn() -> Weights,
}

impl Kind {
    /// The kind of a name, with `_` or `-`.
    pub fn named(name: &str) -> Option<&'static Self> {
        KINDS
            .iter()
            .find(|kind| kind.name == name.replace('-', "_"))
    }

    /// Its arrays in files of weights.
    pub fn weights(&self) -> Weights {
        (self.weights)()
    }

    /// Its name as flags have it, with `-`.
    pub fn flag(&self) -> String {
        self.name.replace('_', "-")
    }
}

impl PartialEq for Kind {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

/// The error of a model whose layers don't fit the examples.
pub fn unfitting(shape: ImageShape, message: impl Into<String>) -> RunError {
    RunError::Model {
        channels: shape.channels,
        height: shape.height,
        width: shape.width,
        message: message.into(),
    }
}
