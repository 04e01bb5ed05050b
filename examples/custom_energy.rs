//! A burn module of one's own becomes an energy by one method, and the ordinary trainer learns it.
//!
//! The energy is a Gaussian with a free mean and width, `E(x) = |x - m|^2 / (2 exp(2 s))`, so that the right
//! answer is known: `m` is the mean of the data and `exp(s)` their standard deviation.
#![allow(clippy::print_stdout)]

use std::error::Error;

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};
use ebm::backend;
use ebm::models::Energy;
use ebm::ops::Noise;
use ebm::training::config::ConfigTable;
use ebm::training::{Examples, Trainable, Trainer};

#[derive(Module, Debug)]
struct Gaussian {
    mean: Param<Tensor<1>>,
    log_width: Param<Tensor<1>>,
}

impl Gaussian {
    fn new(device: &Device) -> Self {
        Self {
            mean: Param::from_tensor(Tensor::zeros([2], device)),
            log_width: Param::from_tensor(Tensor::zeros([1], device)),
        }
    }
}

impl Energy<2> for Gaussian {
    fn energy(&self, x: Tensor<2>) -> Tensor<1> {
        let distance = (x - self.mean.val().unsqueeze())
            .square()
            .sum_dim(1)
            .squeeze_dim(1);
        distance * self.log_width.val().mul_scalar(-2.0).exp().div_scalar(2.0)
    }
}

/// Its chains move as those of any energy do.
impl Trainable<2> for Gaussian {}

fn main() -> Result<(), Box<dyn Error>> {
    let device = backend::select("auto", 0)?.device;
    let mut noise = Noise::new(1);

    // Data: mean (0.5, -0.25), standard deviation 0.3.
    let center = Tensor::<1>::from_floats([0.5, -0.25], &device).unsqueeze::<2>();
    let data = noise.normal::<2>([4000, 2], &device).mul_scalar(0.3) + center;

    let mut config = ConfigTable::from_preset("two-moons")?;
    config.set("training.steps=600")?;
    config.set("sampler.step_size=0.01")?;
    config.set("objective.energy_regularizer=0")?;
    config.set("optimizer.learning_rate=0.01")?;
    let config = config.read()?.trainer();
    let mut trainer = Trainer::new(
        config,
        Gaussian::new(&device),
        Examples::from_tensor(data),
        noise.split(),
    )?;
    for _ in 0..600 {
        trainer.step();
    }

    let model = trainer.sampling_model();
    println!("mean  {}", model.mean.val().to_data());
    println!("width {}", model.log_width.val().exp().to_data());
    println!("they should be about (0.5, -0.25) and 0.3");
    Ok(())
}
