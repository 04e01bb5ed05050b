//! README's Rust blocks compile, and do what they say: each stands here word for word in a function
//! that brings what it takes.
#![cfg(feature = "flex")]
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::error::Error;
use std::fs;

use burn::tensor::{Device, Tensor};
use ebm::ops::Noise;
use ebm::sampling::density::NormalDensity;

#[rustfmt::skip]
fn network() -> Result<[usize; 1], Box<dyn Error>> {
    use burn::tensor::Tensor;
    use ebm::models::{ConvNetConfig, Energy, ImageShape};
    use ebm::ops::Noise;
    use ebm::sampling::run;
    use ebm::sampling::langevin::Langevin;

    let device = ebm::backend::select("auto", 0)?.device;
    let mut noise = Noise::new(1);                                     // the only source of randomness
    let model = ConvNetConfig::new(ImageShape::new(1, 28, 28)).init(&device, &mut noise)?;

    let start: Tensor<4> = noise.uniform_in([64, 1, 28, 28], [-1.0, 1.0], &device);
    let kernel = Langevin::new(10.0, 0.01).with_gradient_clip(0.01).with_clamp([-1.0, 1.0]);
    let samples = run(&kernel, &model, start, 60, &mut noise).position;
    let energies = model.energy(samples);                              // [64]
    assert!(energies.clone().is_finite().all().into_scalar::<bool>());
    Ok(energies.dims())
}

/// Compiled only: annealing through all those temperatures takes half a minute.
#[allow(dead_code)]
#[rustfmt::skip]
fn machine(visible: Tensor<2>, device: Device, mut noise: Noise) {
    use ebm::models::{LayeredMachine, RbmConfig};
    use ebm::sampling::run;
    use ebm::sampling::gibbs::BlockGibbs;
    use ebm::sampling::partition::{AnnealedImportance, LayeredPath, TemperingSchedule};

    let rbm = RbmConfig::new(784, 500).with_centered(true).init(&device, &mut noise);
    let layers = rbm.layers();                                         // weights and biases, offsets folded in
    let states = vec![visible, Tensor::zeros([64, 500], &device)];     // hidden units are drawn first
    let samples = run(&BlockGibbs::default(), &layers, states, 1000, &mut noise).position;
    let annealing = AnnealedImportance { schedule: TemperingSchedule::salakhutdinov2008(), chains: 100 };
    let estimate = annealing.run(&LayeredPath::new(&layers), &mut noise, &mut ());
    println!("{} in {}", estimate.log_partition, estimate.interval);
    assert_eq!(samples.len(), 2);
}

#[rustfmt::skip]
fn draws(energy: NormalDensity, start: Tensor<2>, mut noise: Noise) -> Result<[usize; 1], Box<dyn Error>> {
    use ebm::sampling::diagnostics::table;
    use ebm::sampling::{Schedule, sample};
    use ebm::sampling::adaptation::window_adaptation;
    use ebm::sampling::hamiltonian::HamiltonianMonteCarlo;

    let kernel = HamiltonianMonteCarlo::new(0.1, 8).with_random_length();
    let (kernel, warm) = window_adaptation(&kernel, &energy, start, 500, 0.8, &mut noise); // step size and metric
    let (draws, run) = sample(&kernel, &energy, warm.position, Schedule::new(0, 1000), &mut noise);
    println!("{}", table(&draws.summaries()));                         // mean, sd, quantiles, mcse, ess, r_hat
    draws.write_npy(std::fs::File::create("draws.npy")?)?;             // [draws, chains, ..]
    let divergences = run.divergences();                               // [chains], of samplers that can diverge
    assert!(draws.summaries().iter().all(|summary| summary.r_hat < 1.05));
    Ok(divergences.ok_or("HMC can diverge")?.dims())
}

#[rustfmt::skip]
mod model_of_your_own {
    use burn::module::Module;
    use burn::nn::{Linear, LinearConfig};
    use burn::tensor::{Tensor, activation::silu};
    use ebm::models::Energy;
    use ebm::ops::Noise;
    use ebm::sampling::run;
    use ebm::sampling::langevin::Langevin;
    use ebm::run::image_grid;
    use ebm::training::data::{Split, digits};
    use ebm::training::recipe::{ChainsConfig, LangevinConfig};
    use ebm::training::{Examples, Recipe, Trainable, Trainer};

    #[derive(Module, Debug)]
    struct Mine {
        first: Linear,
        last: Linear,
    }

    impl Energy<4> for Mine {
        fn energy(&self, x: Tensor<4>) -> Tensor<1> {                      // [batch, channels, height, width] -> [batch]
            let hidden = silu(self.first.forward(x.flatten::<2>(1, 3)));
            self.last.forward(hidden).squeeze_dim(1)
        }
    }

    impl Trainable<4> for Mine {}                                          // its chains move as those of any energy

    fn main() -> Result<(), Box<dyn std::error::Error>> {
        let device = ebm::backend::select("auto", 0)?.device;
        device.seed(1);                                                    // burn's layers draw their weights from burn
        let model = Mine {
            first: LinearConfig::new(64, 256).init(&device),
            last: LinearConfig::new(256, 1).init(&device),
        };
        let images = digits(Split::Train)?;                                // or load_folder(path, ..)
        let data = Examples::from_images(&images, (-1.0, 1.0), &device);
        let langevin = LangevinConfig::new(20, 10.0).with_noise(0.03).with_gradient_clip(0.03);
        let recipe = Recipe::image_energy()                                // or density(), boltzmann_machine()
            .with_steps(2000)
            .with_sampler(langevin)                                        // or HamiltonianConfig::new(..), or any other
            .with_chains(ChainsConfig::replay_buffer(4096, 0.05));
        let mut noise = Noise::new(1);
        let mut trainer = Trainer::new(recipe, model, data, noise.split())?;
        trainer.train(|_| {})?;                                            // each update can be looked at
        let model = trainer.sampling_model();
        let start: Tensor<4> = noise.uniform_in([64, 1, 8, 8], [-1.0, 1.0], &device);
        let kernel = Langevin::new(10.0, 0.03).with_gradient_clip(0.03).with_clamp([-1.0, 1.0]);
        let samples = run(&kernel, &model, start, 256, &mut noise).position;
        let pixels: Vec<f32> = samples.into_data().iter::<f32>().collect();
        image_grid(&pixels, [1, 8, 8], (-1.0, 1.0)).save("mine.png")?;
        Ok(())
    }

    pub(super) fn run_it() {
        main().unwrap();
    }
}

/// The blocks of a language.
fn blocks(text: &str, language: &str) -> Vec<String> {
    let fence = format!("```{language}\n");
    text.split(fence.as_str())
        .skip(1)
        .map(|rest| rest.split("```").next().unwrap().to_string())
        .collect()
}

#[test]
fn every_block_stands_here() {
    let here = include_str!("readme.rs");
    let readme = include_str!("../README.md");
    let blocks = blocks(readme, "rust");
    assert_eq!(blocks.len(), 4, "README has other blocks");
    for block in blocks {
        let indented: String = block
            .lines()
            .map(|line| match line {
                "" => "\n".to_string(),
                line => format!("    {line}\n"),
            })
            .collect();
        assert!(
            here.contains(&indented),
            "README says what no test runs:\n{block}"
        );
    }
}

/// One test, since the blocks write to the folder that they run in, which is the whole process's.
#[test]
fn the_blocks_do_what_they_say() {
    let folder = tempfile::tempdir().unwrap();
    std::env::set_current_dir(folder.path()).unwrap();

    assert_eq!(network().unwrap(), [64]);

    let device = Device::flex().autodiff();
    let mut noise = Noise::new(5);
    let start = noise.normal([8, 2], &device);
    let energy = NormalDensity::new(&[1.0, -1.0], &[2.0, 0.5], &[2], &device);
    assert_eq!(draws(energy, start, noise).unwrap(), [8]);
    let written = fs::metadata(folder.path().join("draws.npy")).unwrap();
    assert!(written.len() > 4 * 1000 * 8 * 2);

    model_of_your_own::run_it();
    let picture = image::open(folder.path().join("mine.png")).unwrap();
    // Digits are mostly black: noise has a mean of 127, and so has what a chain that ran away is
    // clamped to.
    let pixels = picture.into_luma8().into_vec();
    let mean = pixels.iter().map(|&pixel| f64::from(pixel)).sum::<f64>() / pixels.len() as f64;
    assert!((40.0..110.0).contains(&mean), "{mean}");
}
