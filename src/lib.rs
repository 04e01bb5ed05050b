//! Energy-based models: networks with an energy, samplers that move through it, a trainer.
//!
//! A model gives every configuration an energy and stands for the density `p(x) = exp(-E(x)) / Z`.
//! Train one on two moons and draw samples from it:
//!
//! ```
//! use burn::tensor::Tensor;
//! use ebm::models::MlpConfig;
//! use ebm::ops::Noise;
//! use ebm::sampling::run;
//! use ebm::sampling::langevin::Langevin;
//! use ebm::training::data::{Plane, PlaneProblem};
//! use ebm::training::{Examples, Recipe, Trainer};
//! # use ebm::{models::Energy, training::{data::PLANE_RANGE, judging::DensityGrid}};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let device = ebm::backend::select("auto", 0)?.device;
//! let mut noise = Noise::new(1); // the only source of randomness
//! let moons = Plane::new(PlaneProblem::TwoMoons);
//! // Or Examples::from_tensor(yours).
//! let data = Examples::from_plane(&moons, 10_000, &device, &mut noise);
//! // Or a burn module of yours.
//! let model = MlpConfig::new(2, vec![64, 64]).init(&device, &mut noise);
//! // Or Recipe::image_energy(), Recipe::boltzmann_machine().
//! let recipe = Recipe::density().with_steps(1000);
//! let mut trainer = Trainer::new(recipe, model, data, noise.split())?;
//! trainer.train(|_| {})?; // lowers the energy of data, raises that of samples
//! let model = trainer.sampling_model();
//! let start: Tensor<2> = noise.uniform_in([1000, 2], [-1.5, 1.5], &device);
//! let kernel = Langevin::at_temperature(0.001, 1.0).with_clamp([-1.5, 1.5]);
//! let samples = run(&kernel, &model, start, 500, &mut noise).position; // [1000, 2]
//! # // The true density is known: samples lie where it is high, and the learned one is near to it.
//! # let density = moons.density().ok_or("noise")?;
//! # let values: Vec<f64> = samples.into_data().iter::<f64>().collect();
//! # let points = values.as_chunks::<2>().0.iter();
//! # let on_moons = points.filter(|x| density.log_density(**x) > -2.0).count();
//! # assert!(on_moons > 500, "{on_moons} of 1000 samples on the moons; of uniform points 148");
//! # let learned = DensityGrid::from_energy(&model, PLANE_RANGE, 100, &device)?;
//! # let truth = DensityGrid::from_log_density(PLANE_RANGE, 100, |x| density.log_density(x));
//! # let divergence = truth.kl_divergence_to(&learned);
//! # assert!(divergence < 0.8, "{divergence} nats; of the uniform density 2.0");
//! # Ok(())
//! # }
//! ```
//!
//! # Where things are
//!
//! A model is anything that has an energy; a sampler moves through an energy; a trainer lowers the
//! energy of data and raises the energy of samples. This crate gathers the workspace under one
//! name:
//!
//! | module | holds | start at |
//! |---|---|---|
//! | [`models`] | energies as burn modules: networks, Boltzmann machines, Hopfield networks, and their composition | [`Energy`](models::Energy) |
//! | [`sampling`] | Markov chains, the replay buffer, diagnostics, partition functions by annealing | [`run`](sampling::run), [`sample`](sampling::sample) |
//! | [`training`] | data, objectives, the loop, optimizers, checkpoints; what a trained model is worth and good for | [`Trainer`](training::Trainer) |
//! | [`run`] | whole runs in folders, configurations, reports, uses of the model of a run | [`train`](run::train) |
//! | [`ops`] | the reproducible noise that all of them draw from, fused operations | [`Noise`](ops::Noise) |
//! | [`backend`] | the device, chosen at run time among the backends compiled in | [`select`](backend::select) |
//!
//! Each of the first five is a crate of its own; [`models`] alone (`ebm-models`) is enough to
//! import a model.
//!
//! # Signs and units
//!
//! `p(x) = exp(f(x)) / Z = exp(-E(x)) / Z`, so `E = -f`. Energies and logarithms of probabilities
//! are in nats, temperatures too (the density at temperature `T` is proportional to `exp(-E / T)`).
//! A network that was trained at another temperature than 1 has energies in units of its own, of
//! which `T` are a nat: [`EnergyUnit`](run::config::EnergyUnit). Batches come first: `[batch,
//! features]` for vectors, `[batch, channels, height, width]` for images.

pub mod backend;

pub use ebm_models as models;
pub use ebm_ops as ops;
#[cfg(feature = "run")]
pub use ebm_run as run;
pub use ebm_sampling as sampling;
pub use ebm_train as training;
