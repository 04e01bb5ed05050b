//! Models that have an energy: networks and Boltzmann machines as burn modules.
//!
//! A model gives every configuration `x` an energy `E(x)`; it stands for the density
//! `p(x) = exp(-E(x)) / Z = exp(f(x)) / Z` with `f = -E` and an unknown `Z`. This crate never draws
//! a sample, never updates a parameter and never reads a file, so that other projects can use its
//! definitions alone.
//!
//! Networks ([`Mlp`], [`ConvNet`], [`ResNet`]) compute `f`. Machines of two-valued units
//! ([`Hopfield`], [`BoltzmannMachine`]) have `E(y) = -1/2 y^T W y - b^T y` and are
//! [`PairwiseMachine`]s. Machines with layers ([`Rbm`], [`Dbm`]) couple each layer to the next.
//! They give their arrays as [`Layers`], with conditionals, energies and sums over every second
//! layer. [`Energy::structure`] says what a model is made of. [`DenseAssociativeMemory`] is the
//! modern Hopfield network. [`log_partition`] gives the partition function of small machines.
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
mod boltzmann_machine;
mod compose;
mod conv_net;
mod dbm;
mod dense_associative_memory;
mod energy;
mod enumeration;
mod hopfield;
mod image_shape;
mod init;
mod layered;
mod mlp;
mod pairwise;
mod precision;
mod rbm;
mod replicated_rbm;
mod resnet;
mod structure;

pub use activation::{Activation, UnknownActivation};
pub use boltzmann_machine::{BoltzmannMachine, BoltzmannMachineConfig};
pub use compose::{Group, Mixture, Negation, Terms, WeightedSum};
pub use conv_net::{ConvLayerConfig, ConvNet, ConvNetConfig, ConvNetError};
pub use dbm::{Dbm, DbmConfig};
pub use dense_associative_memory::DenseAssociativeMemory;
pub use ebm_ops::Noise;
pub use energy::Energy;
pub use enumeration::{
    MAX_ENUMERATED_UNITS, TooManyStates, log_partition, log_partition_of, states,
};
pub use hopfield::{Hopfield, HopfieldConfig, overlap};
pub use image_shape::ImageShape;
pub use layered::{
    BlockConditional, Conditional, LayeredMachine, Layers, MeanField, Parity, VisibleUnits, log_sum,
};
pub use mlp::{Mlp, MlpConfig};
pub use pairwise::{Coding, PairwiseMachine, PairwiseParameters};
pub use precision::Precision;
pub use rbm::{Rbm, RbmConfig, log_odds};
pub use replicated_rbm::ReplicatedRbm;
pub use resnet::{Pooling, ResNet, ResNetConfig, ResNetError};
pub use structure::{HiddenUnits, LayeredStructure, PairwiseStructure, Structure};
