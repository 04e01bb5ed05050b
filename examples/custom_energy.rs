//! A burn module of one's own becomes an energy by one method, and Hamiltonian chains train it.
//!
//! The energy is a Gaussian with a free mean and width, `E(x) = |x - m|^2 / (2 exp(2 s))`, so that
//! the right answer is known: look at `m`, the mean of the data, and at `exp(s)`, their standard
//! deviation.
#![allow(clippy::print_stdout)]

use burn::module::{Module, Param};
use burn::tensor::Tensor;
use ebm::models::Energy;
use ebm::ops::Noise;
use ebm::training::recipe::HamiltonianConfig;
use ebm::training::{Examples, Recipe, Trainable, Trainer};

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
    let data = noise.normal::<2>([4000, 2], &device).mul_scalar(0.3)
        + Tensor::<2>::from_floats([[0.5, -0.25]], &device);
    let model = Gaussian {
        mean: Param::from_tensor(Tensor::zeros([2], &device)),
        log_width: Param::from_tensor(Tensor::zeros([1], &device)),
    };
    let recipe = Recipe::density()
        .with_steps(600)
        .with_learning_rate(0.01)
        .with_sampler(HamiltonianConfig::new(2, 0.15, 5));
    let mut trainer = Trainer::new(recipe, model, Examples::from_tensor(data), noise.split())?;
    trainer.train(|_| {})?;
    let learned = trainer.sampling_model();
    println!(
        "mean  {}, of the data [0.5, -0.25]",
        learned.mean.val().into_data()
    );
    println!(
        "width {}, of the data 0.3",
        learned.log_width.val().exp().into_data()
    );
    Ok(())
}
