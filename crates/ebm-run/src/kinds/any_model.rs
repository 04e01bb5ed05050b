//! The model of a run, chosen at run time, and the macro that makes it from the list of kinds.

use burn::tensor::{Device, Tensor};
use ebm_models::{Energy, HiddenUnits, ImageShape, PairwiseMachine, Structure};
use ebm_ops::Noise;
use ebm_train::files::memory;
use ebm_train::rows;

use super::size::parameters;
use super::{AnyModel, ModelConfig, unfitting};
use crate::error::RunError;

/// How far a pixel's mean is kept from 0 and 1 where it becomes a bias.
pub(crate) const MEAN_MARGIN: f64 = 1e-3;

impl AnyModel {
    /// Builds the model of a configuration for examples of a shape.
    ///
    /// # Errors
    ///
    /// If its layers don't fit the shape, or it doesn't fit into memory.
    pub fn new(
        config: &ModelConfig,
        shape: ImageShape,
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
                    "its {parameters} parameters take {} to train, more than this machine has: \
                     make it smaller",
                    memory::amount(values)
                ),
            ));
        }
        config.kind().build(shape, device, noise)
    }

    /// The number of parameters of the model that [`new`](Self::new) would build.
    ///
    /// # Errors
    ///
    /// If its layers don't fit the shape.
    pub(crate) fn parameters(config: &ModelConfig, shape: ImageShape) -> Result<u128, RunError> {
        parameters(config, shape)
    }

    /// Whether its states are its examples and its dynamics at temperature 0 recall them: pairwise
    /// machines without hidden units.
    pub fn recalls(&self) -> bool {
        match self.structure() {
            Structure::Pairwise(machine) => machine.units() == machine.visible_units(),
            Structure::Smooth | Structure::Layered(_) => false,
        }
    }

    /// What states look like: `[batch, ..]` -> `[batch, channels, height, width]` with `shape` =
    /// channels, height, width. Units that are drawn by coins are shown by their probability given
    /// the hidden units, of which a machine that sums them out draws new ones.
    pub fn visible_means(
        &self,
        states: Tensor<4>,
        shape: [usize; 3],
        noise: &mut Noise,
    ) -> Tensor<4> {
        let count = states.dims()[0];
        let images = match self.structure() {
            Structure::Smooth => return states,
            Structure::Layered(machine) => {
                let mut layers = machine.split(rows(states));
                if machine.hidden() == HiddenUnits::SummedOut {
                    let means = machine.layers().hidden_means(&layers);
                    layers.truncate(1);
                    layers.extend(means.into_iter().map(|means| noise.bernoulli(means)));
                }
                machine.layers().visible_means(&layers)
            }
            Structure::Pairwise(machine) => rows(states).narrow(1, 0, machine.visible_units()),
        };
        images.reshape([count, shape[0], shape[1], shape[2]])
    }
}

/// Makes the section `[model]`, the enum of models and the list of kinds.
///
/// An entry is `"name" => Variant(Keys): Model`, with the comment that `ebm config` shows.
macro_rules! model_kinds {
    ($(
        $(#[$($attribute:tt)*])*
        $name:literal => $variant:ident($keys:ty): $($model:ident)::+,
    )+) => {
        ebm_train::kinds! {
            /// The energy. Its input size comes from the data.
            pub enum ModelConfig {
                $($(#[$($attribute)*])* $name => $variant($keys),)+
            }
        }

        impl ModelConfig {
            /// What its kind says of it.
            pub fn kind(&self) -> &dyn ModelKind {
                match self {
                    $(Self::$variant(keys) => keys,)+
                }
            }

            /// The arrays of its kind in files of weights.
            pub fn weights(&self) -> Weights {
                match self {
                    $(Self::$variant(_) => <$keys as ModelKind>::weights(),)+
                }
            }
        }

        /// All kinds, in the order in which they are shown.
        pub static KINDS: &[Kind] = &[
            $(Kind { name: $name, weights: <$keys as ModelKind>::weights },)+
        ];

        /// Any model that `[model]` can name. Examples are `[batch, channels, height, width]`; a
        /// point of the plane is an image of two channels and one pixel.
        #[derive(burn::module::Module, Debug)]
        #[allow(clippy::large_enum_variant, reason = "a trainer has two or three")]
        pub enum AnyModel {
            $($(#[$($attribute)*])* $variant($($model)::+),)+
        }

        impl AnyModel {
            /// The name of its kind, as in the configuration.
            pub fn name(&self) -> &'static str {
                match self {
                    $(Self::$variant(_) => $name,)+
                }
            }
        }

        $(
            impl From<$keys> for ModelConfig {
                fn from(keys: $keys) -> Self {
                    Self::$variant(keys)
                }
            }

            impl From<$($model)::+> for AnyModel {
                fn from(model: $($model)::+) -> Self {
                    Self::$variant(model)
                }
            }
        )+

        impl ebm_models::Energy<4> for AnyModel {
            fn energy(&self, x: burn::tensor::Tensor<4>) -> burn::tensor::Tensor<1> {
                match self {
                    $(Self::$variant(model) => model.energy(x),)+
                }
            }

            fn structure(&self) -> ebm_models::Structure {
                match self {
                    $(Self::$variant(model) => ebm_models::Energy::<4>::structure(model),)+
                }
            }

            fn takes_parts(&self) -> bool {
                match self {
                    $(Self::$variant(model) => ebm_models::Energy::<4>::takes_parts(model),)+
                }
            }
        }

        impl ebm_train::Trainable<4> for AnyModel {
            fn supports_precision(&self, precision: ebm_models::Precision) -> bool {
                match self {
                    $(Self::$variant(model) => {
                        ebm_train::Trainable::<4>::supports_precision(model, precision)
                    })+
                }
            }

            fn follow(self, states: burn::tensor::Tensor<4>) -> Self {
                match self {
                    $(Self::$variant(model) => {
                        Self::$variant(ebm_train::Trainable::<4>::follow(model, states))
                    })+
                }
            }
        }
    };
}

pub(super) use model_kinds;
