//! A burn module of one's own becomes an energy by one method, and Hamiltonian chains train it.
//!
//! The energy is a Gaussian with a free mean and width, `E(x) = |x - m|^2 / (2 exp(2 s))`, so that
//! the right answer is known: look at `m`, the mean of the data, and at `exp(s)`, their standard
//! deviation.
#![allow(clippy::print_stdout)]

use burn::module::{Module, Param};
use burn::tensor::Tensor;
use ebm::training::recipe::{ChainsConfig, HamiltonianConfig, StartConfig};
use ebm::training::{Examples, Recipe, Trainable, Trainer};
use ebm::{models::Energy, ops::Noise};

#[derive(Module, Debug)]
struct Gaussian {
    mean: Param<Tensor<1>>,
    log_width: Param<Tensor<1>>,
}

impl Energy<2> for Gaussian {
    fn energy(&self, x: Tensor<2>) -> Tensor<1> {
        let squares = (x - self.mean.val().unsqueeze()).square().sum_dim(1);
        squares.squeeze_dim(1) * self.log_width.val().mul_scalar(-2.0).exp() / 2.0
    }
}

impl Trainable<2> for Gaussian {}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let device = ebm::backend::select("auto", 0)?.device;
    let mut noise = Noise::new(1);
    let center = Tensor::<2>::from_floats([[0.5, -0.25]], &device);
    let data = noise.normal([4000, 2], &device).mul_scalar(0.3) + center;
    let zeros = |count| Param::from_tensor(Tensor::zeros([count], &device));
    let (mean, log_width) = (zeros(2), zeros(1));
    let recipe = Recipe::density()
        .with_steps(600)
        .with_learning_rate(0.01)
        // Never restarted: a chain that has just begun at noise counts as a sample of the model.
        .with_chains(ChainsConfig::persistent(StartConfig::Uniform))
        .with_sampler(HamiltonianConfig::new(2, 0.1, 5));
    let (model, data) = (Gaussian { mean, log_width }, Examples::from_tensor(data));
    let mut trainer = Trainer::new(recipe, model, data, noise.split())?;
    trainer.train(|_| {})?;
    let Gaussian { mean, log_width } = trainer.sampling_model();
    println!("mean  {}, of the data [0.5, -0.25]", mean.val().into_data());
    println!(
        "width {}, of the data [0.3]",
        log_width.val().exp().into_data()
    );
    Ok(())
}
