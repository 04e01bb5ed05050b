//! Energy-based models: networks with an energy, samplers that move through it, a trainer that shapes it.
//!
//! A model is anything that has an energy; a sampler moves through an energy; a trainer lowers the energy of
//! data and raises the energy of samples. This crate gathers the workspace under one name:
//!
//! - [`models`]: energies as burn modules, networks and Boltzmann machines, and their composition;
//! - [`sampling`]: Markov chains, the replay buffer, and partition functions by annealing;
//! - [`training`]: data, contrastive divergence, checkpoints, run folders, evaluation;
//! - [`ops`]: the reproducible noise that all of them draw from;
//! - [`backend`]: the device, chosen at run time among the backends compiled in.
//!
//! Train on a spiral of your own and draw samples:
//!
//! ```no_run
//! use ebm::models::MlpConfig;
//! use ebm::ops::Noise;
//! use ebm::sampling::{Langevin, run};
//! use ebm::training::config::ConfigTable;
//! use ebm::training::{Examples, Trainer};
//! use burn::tensor::Tensor;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let device = ebm::backend::select("auto", 0)?.device;
//! let mut noise = Noise::new(1);
//! let model = MlpConfig::new(2, vec![128, 128]).init(&device, &mut noise);
//! let points: Tensor<2> = noise.normal([5000, 2], &device); // your data here
//! let config = ConfigTable::from_preset("two-moons")?.read()?.trainer();
//! let mut trainer = Trainer::new(config, model, Examples::from_tensor(points), noise.split())?;
//! for _ in 0..2000 {
//!     trainer.step();
//! }
//! let start: Tensor<2> = noise.normal([1000, 2], &device);
//! let kernel = Langevin::at_temperature(0.01, 1.0);
//! let samples = run(&kernel, &trainer.sampling_model(), start, 500, &mut noise).position;
//! # Ok(())
//! # }
//! ```

pub mod backend;

pub use ebm_models as models;
pub use ebm_ops as ops;
pub use ebm_sampling as sampling;
pub use ebm_train as training;
