//! Trains an RBM on 8x8 digits and draws lower halves of digits given the upper ones.
//!
//! Look at the picture: for each of eight test digits the digit, its lower half taken away, and
//! four draws of what could be there. Where the upper half leaves no doubt the draws agree,
//! elsewhere they differ.
#![allow(clippy::print_stdout)]

use std::error::Error;
use std::path::PathBuf;

use burn::tensor::Tensor;
use ebm::backend;
use ebm::models::{Energy, LayeredMachine, RbmConfig};
use ebm::ops::Noise;
use ebm::run::{TitledColumns, titled_grid};
use ebm::sampling::conditioning::ClampedBlockGibbs;
use ebm::sampling::gibbs::BlockGibbs;
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
    let rbm = RbmConfig::new(64, 64)
        .with_centered(true)
        .init(&device, &mut noise)
        .with_visible_means(examples.mean(), 1e-3);
    let recipe = Recipe::boltzmann_machine().with_steps(3000);
    let mut trainer = Trainer::new(recipe, rbm, examples, noise.split())?;
    trainer.train(|_| {})?;
    let rbm = trainer.sampling_model();

    // Gibbs sampling with the upper 4 rows of 8 pixels clamped.
    let test = digits(Split::Test)?.binarized(Binarize::Threshold);
    let test = Examples::from_images(&test, (0.0, 1.0), &device).flattened();
    let given: Tensor<2> = test.batch(&(0..8).collect::<Vec<_>>()).x;
    let free: Vec<bool> = (0..64).map(|pixel| pixel >= 32).collect();
    let kernel = ClampedBlockGibbs::new(BlockGibbs::default()).with_free(0, &free);
    let upper = given.clone().narrow(1, 0, 32);
    let hidden = Tensor::zeros([8, 64], &device);
    let blank = Tensor::cat(vec![upper.clone(), Tensor::full([8, 32], 0.5, &device)], 1);
    let mut columns = vec![given.clone(), blank];
    for _ in 0..4 {
        let coins = noise.bernoulli(Tensor::full([8, 32], 0.5, &device));
        let start = vec![Tensor::cat(vec![upper.clone(), coins], 1), hidden.clone()];
        let states = run(&kernel, &rbm.layers(), start, 200, &mut noise).position;
        columns.push(states[0].clone());
    }
    let mean = |x: &Tensor<2>| rbm.energy(x.clone()).mean().into_scalar::<f32>();
    println!("mean free energy of the digits {:.2}", mean(&given));
    println!("mean free energy of the draws  {:.2}", mean(&columns[2]));

    let table: Tensor<3> = Tensor::stack(columns, 1);
    let values: Vec<f32> = table.into_data().iter::<f32>().collect();
    let picture = folder.join("inpaint.png");
    let titles = [
        TitledColumns::one("original"),
        TitledColumns::one("masked"),
        TitledColumns::row("drawn", 4),
    ];
    titled_grid(&values, [1, 8, 8], (0.0, 1.0), &titles).save(&picture)?;
    println!("look at {}", picture.display());
    Ok(())
}
