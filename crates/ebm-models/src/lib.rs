//! Models that have an energy: networks as burn modules, importable on their own as definitions.
//!
//! A model gives every configuration `x` an energy `E(x)`; it stands for the density
//! `p(x) = exp(-E(x)) / Z = exp(f(x)) / Z` with `f = -E` and an unknown `Z`. This crate never draws a
//! sample, never updates a parameter and never reads a file.
//!
//! ```
//! use burn::tensor::{Device, Tensor};
//! use ebm_models::{Energy, MlpConfig};
//! use ebm_ops::Noise;
//!
//! # fn demo(device: Device) {
//! let mut noise = Noise::new(7);
//! let model = MlpConfig::new(784, vec![512, 512]).init(&device, &mut noise);
//! let images = Tensor::<4>::zeros([16, 1, 28, 28], &device);
//! let energies = model.energy(images); // [16]
//! # }
//! ```

mod activation;
mod compose;
mod conv_net;
mod dbm;
mod energy;
mod init;
mod layered;
mod mlp;
mod rbm;
mod replicated_rbm;

pub use activation::{Activation, UnknownActivation, softplus};
pub use compose::{Group, Mixture, Negation, Terms, WeightedSum};
pub use conv_net::{ConvLayerConfig, ConvNet, ConvNetConfig, ConvNetError};
pub use dbm::{Dbm, DbmConfig, MeanField};
pub use energy::Energy;
pub use layered::{
    BlockConditional, Conditional, LayeredMachine, Layers, Parity, VisibleUnits, log_sum,
};
pub use mlp::{Mlp, MlpConfig};
pub use rbm::{Rbm, RbmConfig};
pub use replicated_rbm::ReplicatedRbm;
