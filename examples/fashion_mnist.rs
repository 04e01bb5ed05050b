//! Trains a convolutional energy on Fashion-MNIST, and draws clothes from noise.
//!
//! Arguments: an output folder for the picture, the folder with the IDX files (default: where
//! Debian's package `dataset-fashion-mnist` puts them), the number of updates (default 60).
//!
//! It is what `ebm train --preset fashion-mnist` does, step by step. Look at the picture: training
//! images above, samples below, each a Langevin chain of 256 steps that started at noise. After the
//! few updates of a first try the samples are patches of light; 1,500 updates (one minute on two
//! cores) give clothes, the 6,000 of the preset sharp ones. Without the files it trains on the
//! embedded digits, enlarged to the same size.
#![allow(clippy::print_stdout)]

use std::error::Error;
use std::path::{Path, PathBuf};

use burn::tensor::Tensor;
use ebm::backend;
use ebm::models::{Activation, ConvNetConfig, Energy, ImageShape};
use ebm::ops::Noise;
use ebm::run::image_grid;
use ebm::sampling::langevin::Langevin;
use ebm::sampling::run;
use ebm::training::data::{Images, ReadOptions, Split, digits, load_folder};
use ebm::training::recipe::ChainsConfig;
use ebm::training::{Examples, Recipe, Trainer};

/// Where Debian's package puts the files.
const DEFAULT_FOLDER: &str = "/usr/share/datasets/fashion-mnist";
/// Images of each kind in the picture.
const SHOWN: usize = 32;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let folder = PathBuf::from(arguments.next().unwrap_or_else(|| ".".into()));
    std::fs::create_dir_all(&folder)?;
    let data = PathBuf::from(arguments.next().unwrap_or_else(|| DEFAULT_FOLDER.into()));
    let updates: u64 = arguments.next().map_or(Ok(60), |text| text.parse())?;
    let device = backend::select("auto", 0)?.device;
    let mut noise = Noise::new(1);

    // Pixels in [-1, 1], uploaded once as bytes.
    let images = images(&data)?;
    let examples = Examples::from_images(&images, (-1.0, 1.0), &device);
    let shown: Tensor<4> = examples.batch(&(0..SHOWN).collect::<Vec<_>>()).x;

    // f(x): four convolutions and two layers, the network of the UvA deep-learning tutorial 8.
    let model = ConvNetConfig::new(ImageShape::new(1, 28, 28))
        .with_hidden(64)
        .with_activation(Activation::LeakyRelu(0.05))
        .init(&device, &mut noise)?;

    // The recipe: chains from a replay buffer, 20 Langevin steps an update, Adam.
    let mut recipe = Recipe::image_energy()
        .with_steps(updates)
        .with_chains(ChainsConfig::replay_buffer(2048, 0.05));
    if updates < 1000 {
        // Over so few updates an average of 0.999 would still be the network that training began
        // with.
        recipe = recipe.with_moving_average(0.9);
    }
    let mut trainer = Trainer::new(recipe, model, examples, noise.split())?;
    trainer.train(|outcome| {
        let metrics = outcome.metrics();
        if metrics.step % updates.div_ceil(6) == 0 || metrics.step == updates {
            println!(
                "update {:5}  E(data) {:+.3}  E(samples) {:+.3}",
                metrics.step,
                metrics.data_energy(),
                metrics.sample_energy()
            );
        }
    })?;

    // New chains from uniform noise, with the averaged weights.
    let model = trainer.sampling_model();
    let start: Tensor<4> = noise.uniform_in([SHOWN, 1, 28, 28], [-1.0, 1.0], &device);
    let kernel = Langevin::new(10.0, 0.015)
        .with_gradient_clip(0.015)
        .with_clamp([-1.0, 1.0]);
    let samples = run(&kernel, &model, start.clone(), 256, &mut noise).position;
    for (name, images) in [
        ("noise", &start),
        ("samples", &samples),
        ("training images", &shown),
    ] {
        let energy: f32 = model.energy(images.clone()).mean().into_scalar();
        println!("mean energy of {name:16} {energy:+.3}");
    }

    let both = Tensor::cat(vec![shown, samples], 0);
    let pixels: Vec<f32> = both.into_data().iter::<f32>().collect();
    let path = folder.join("fashion_mnist.png");
    image_grid(&pixels, [1, 28, 28], (-1.0, 1.0)).save(&path)?;
    println!(
        "look at {}: training images above, samples below",
        path.display()
    );
    Ok(())
}

/// The training images, or enlarged digits where there are none.
fn images(folder: &Path) -> Result<Images, Box<dyn Error>> {
    if folder.is_dir() {
        return Ok(load_folder(folder, Split::Train, &ReadOptions::default())?);
    }
    println!(
        "there is no folder {}: install the Debian package `dataset-fashion-mnist`, or download the four IDX files of \
         https://github.com/zalandoresearch/fashion-mnist and give their folder as the second argument. \
         This trains on the embedded digits instead.",
        folder.display()
    );
    // Each of 8x8 pixels becomes 3x3, with two dark ones around: 28x28.
    let small = digits(Split::Train)?;
    let mut pixels = Vec::with_capacity(small.len() * 28 * 28);
    for image in small.pixels().chunks_exact(64) {
        let inside = |place: usize| (2..26).contains(&place).then(|| (place - 2) / 3);
        for row in 0..28 {
            for column in 0..28 {
                pixels.push(match (inside(row), inside(column)) {
                    (Some(row), Some(column)) => image[8 * row + column],
                    _ => 0,
                });
            }
        }
    }
    Ok(Images::new(pixels, [1, 28, 28])?)
}
