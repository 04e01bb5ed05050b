//! Trains an RBM on 8x8 digits, finds its partition function and how likely it finds them.
//!
//! Look at the bounds of log Z, which enclose it, at the log-likelihood beside that of independent
//! pixels, and at the picture: samples of the machine.
#![allow(clippy::print_stdout)]

use std::error::Error;
use std::path::PathBuf;

use burn::tensor::Tensor;
use ebm::backend;
use ebm::models::{Energy, LayeredMachine, RbmConfig};
use ebm::ops::Noise;
use ebm::run::image_grid;
use ebm::sampling::gibbs::BlockGibbs;
use ebm::sampling::partition::{AnnealedImportance, LayeredPath, TemperingSchedule};
use ebm::sampling::run;
use ebm::training::data::{Binarize, Split, digits};
use ebm::training::{Examples, Recipe, Trainer};

fn main() -> Result<(), Box<dyn Error>> {
    let folder = PathBuf::from(std::env::args().nth(1).unwrap_or_else(|| ".".into()));
    std::fs::create_dir_all(&folder)?;
    let device = backend::select("auto", 0)?.device;
    let mut noise = Noise::new(1);

    let images = digits(Split::Train)?.binarized(Binarize::Threshold);
    let examples = Examples::from_images(&images, (0.0, 1.0), &device).flattened();
    let mean = examples.mean();
    let rbm = RbmConfig::new(64, 64)
        .with_centered(true)
        .init(&device, &mut noise)
        .with_visible_means(mean.clone(), 1e-3);
    let recipe = Recipe::boltzmann_machine().with_steps(3000);
    let mut trainer = Trainer::new(recipe, rbm, examples, noise.split())?;
    trainer.train(|_| {})?;
    let rbm = trainer.sampling_model();

    // log Z from below, and from above by chains that start at samples of the machine.
    let layers = rbm.layers();
    let path = LayeredPath::new(&layers).with_visible_means(mean.clone(), 1e-3);
    let annealing = AnnealedImportance {
        schedule: TemperingSchedule::linear(1000),
        chains: 100,
    };
    let forward = annealing.run(&path, &mut noise, &mut ());
    let start = path.draw_layers(&forward.states, 1.0, &mut noise);
    let samples = run(&BlockGibbs::default(), &layers, start, 500, &mut noise).position;
    let reverse = annealing.run_reverse(&path, path.state(&samples), &mut noise, &mut ());
    println!(
        "log Z from below {:.2}, from above {:.2}",
        forward.log_partition, reverse.log_partition
    );

    let test = digits(Split::Test)?.binarized(Binarize::Threshold);
    let test = Examples::from_images(&test, (0.0, 1.0), &device).flattened();
    let test: Tensor<2> = test.batch(&(0..test.len()).collect::<Vec<_>>()).x;
    let log_likelihood = rbm.energy(test.clone()).neg().mean().into_scalar::<f32>();
    let p: Tensor<2> = mean.clamp(1e-3, 1.0 - 1e-3).unsqueeze();
    let on = test.clone() * p.clone().log();
    let off = test.neg().add_scalar(1.0) * p.neg().add_scalar(1.0).log();
    let independent = (on + off).sum_dim(1).mean().into_scalar::<f32>();
    println!(
        "test log-likelihood {:.2} nats, of independent pixels {independent:.2}",
        f64::from(log_likelihood) - forward.log_partition
    );

    let pixels: Vec<f32> = rbm
        .visible_means(samples[1].clone().narrow(0, 0, 64))
        .into_data()
        .iter::<f32>()
        .collect();
    let out = folder.join("rbm_digits.png");
    image_grid(&pixels, [1, 8, 8], (0.0, 1.0)).save(&out)?;
    println!("wrote {}", out.display());
    Ok(())
}
