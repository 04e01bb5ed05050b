//! A burn module of one's own becomes an energy by one method, and the ordinary trainer learns it.
//!
//! The energy is a Gaussian with a free mean and width, `E(x) = |x - m|^2 / (2 exp(2 s))`, so that
//! the right answer is known: `m` is the mean of the data and `exp(s)` their standard deviation.
//!
//! Look at the numbers, and at the picture: the density that the data were drawn from, and the
//! learned one with the data over it.
#![allow(clippy::print_stdout)]

use std::error::Error;
use std::path::PathBuf;

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};
use ebm::backend;
use ebm::models::Energy;
use ebm::ops::Noise;
use ebm::run::config::ConfigTable;
use ebm::run::{DensityPanel, density_panels};
use ebm::training::judging::DensityGrid;
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

    let points: Vec<f32> = data
        .clone()
        .narrow(0, 0, 500)
        .into_data()
        .iter::<f32>()
        .collect();

    let mut config = ConfigTable::from_preset("two-moons")?;
    config.set("training.steps=600")?;
    // Chains that are wider than the density make the density learned too narrow: those with long
    // steps, and those that have just started at uniform noise.
    config.set("chains.fresh_fraction=0")?;
    config.set("sampler.step_size=0.002")?;
    config.set("objective.energy_regularizer=0")?;
    config.set("optimizer.learning_rate=0.01")?;
    let config = config.read()?.recipe();
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
    let floats = |x: Tensor<1>| x.into_data().iter::<f32>().collect::<Vec<f32>>();
    let (mean, width) = (
        floats(model.mean.val()),
        floats(model.log_width.val().exp()),
    );
    println!(
        "mean  ({:.3}, {:.3}), of the data (0.5, -0.25)",
        mean[0], mean[1]
    );
    println!("width {:.3}, of the data 0.3", width[0]);

    // log Z of a Gaussian is known: the grid finds it.
    let range = (-1.5, 1.5);
    let learned = DensityGrid::from_energy(&model, range, 300, &device)?;
    let exact = (2.0 * std::f64::consts::PI * f64::from(width[0]).powi(2)).ln();
    println!(
        "log Z {:.5}, on a grid {:.5}",
        exact,
        learned.log_partition()
    );
    let truth = DensityGrid::from_log_density(range, 300, |[x, y]| {
        -((x - 0.5).powi(2) + (y + 0.25).powi(2)) / (2.0 * 0.3 * 0.3)
    });
    let divergence = truth.kl_divergence_to(&learned);
    let (truth, learned) = (truth.density(), learned.density());
    let panels = [
        DensityPanel {
            title: "true density".into(),
            density: Some(&truth),
            points: &[],
        },
        DensityPanel {
            title: format!("learned, {divergence:.4} nats from it"),
            density: Some(&learned),
            points: &points,
        },
    ];
    let folder = PathBuf::from(std::env::args().nth(1).unwrap_or_else(|| ".".into()));
    std::fs::create_dir_all(&folder)?;
    let path = folder.join("custom_energy.png");
    density_panels(&panels, 2, 300, 1, range).save(&path)?;
    println!("look at {}", path.display());
    Ok(())
}
