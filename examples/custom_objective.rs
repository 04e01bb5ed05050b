//! An objective and a kernel of one's own: contrastive divergence that leaves outliers out.
//!
//! The data are a Gaussian of standard deviation 0.3, but for a tenth of them, which lie anywhere.
//! Look at the widths: contrastive divergence fits them all and finds too large a one; trimmed, it
//! leaves out the tenth of each batch that the model finds least likely, and comes near to 0.3.
#![allow(clippy::print_stdout)]

use burn::module::{Module, Param};
use burn::tensor::{Int, Tensor};
use ebm::models::Energy;
use ebm::ops::Noise;
use ebm::sampling::{Kernel, StepInfo};
use ebm::training::{ContrastiveDivergence, Objective, Points, Update};
use ebm::training::{Examples, Recipe, Trainable, Trainer};

/// `E(x) = |x|^2 / (2 exp(2 s))`.
#[derive(Module, Debug)]
struct Gaussian {
    log_width: Param<Tensor<1>>,
}

impl Energy<2> for Gaussian {
    fn energy(&self, x: Tensor<2>) -> Tensor<1> {
        let squares = x.square().sum_dim(1).squeeze_dim(1);
        squares * self.log_width.val().mul_scalar(-2.0).exp() / 2.0
    }
}

impl Trainable<2> for Gaussian {}

/// Draws from the Gaussian: each transition forgets where its chains were.
struct ExactDraws;

impl Kernel<Gaussian, Tensor<2>> for ExactDraws {
    type State = Tensor<2>;

    fn init(&self, _: &Gaussian, position: Tensor<2>) -> Tensor<2> {
        position
    }

    fn step(&self, model: &Gaussian, x: Tensor<2>, noise: &mut Noise) -> (Tensor<2>, StepInfo) {
        let draws: Tensor<2> = noise.normal(x.dims(), &x.device());
        let width = model.log_width.val().exp().unsqueeze();
        (draws * width, StepInfo::default())
    }

    fn position(&self, state: &Tensor<2>) -> Tensor<2> {
        state.clone()
    }
}

/// The mean energy of the data without the `share` of highest energies, minus that of samples.
struct Trimmed {
    share: f64,
}

impl<M: Energy<2>> Objective<M, 2> for Trimmed {
    fn needs_chains(&self) -> bool {
        true
    }

    fn choose_points(&self, update: &mut Update<'_, M, 2>) -> Points<2> {
        let (data, samples) = (update.data(), update.negatives());
        let count = samples.dims()[0];
        let kept = ((1.0 - self.share) * count as f64).round() as usize;
        let ascending: Tensor<1, Int> = update.model().energy(data.clone()).argsort(0);
        let data = data.select(0, ascending.narrow(0, 0, kept));
        let weights = vec![
            Tensor::full([kept], 1.0 / kept as f64, &update.device()),
            Tensor::full([count], -1.0 / count as f64, &update.device()),
        ];
        let points = Tensor::cat(vec![data, samples], 0);
        Points::weighted(points, Tensor::cat(weights, 0))
    }
}

/// The standard deviation that an objective finds.
fn width(
    objective: impl Objective<Gaussian, 2> + 'static,
) -> Result<f64, Box<dyn std::error::Error>> {
    let device = ebm::backend::select("auto", 0)?.device;
    let mut noise = Noise::new(1);
    let inliers = noise.normal::<2>([3600, 2], &device).mul_scalar(0.3);
    let outliers = noise.uniform_in([400, 2], [-1.5, 1.5], &device);
    let examples = Examples::from_tensor(Tensor::cat(vec![inliers, outliers], 0));
    let model = Gaussian {
        log_width: Param::from_tensor(Tensor::zeros([1], &device)),
    };
    let recipe = Recipe::density().with_steps(600).with_learning_rate(0.01);
    let mut trainer = Trainer::builder(recipe)
        .with_kernel(ExactDraws)
        .with_objective(objective)
        .build(model, examples, noise.split())?;
    trainer.train(|_| {})?;
    Ok(trainer.sampling_model().log_width.val().exp().into_scalar())
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("width of the data without outliers 0.300");
    let plain = width(ContrastiveDivergence::default())?;
    println!("contrastive divergence {plain:.3}");
    let trimmed = width(Trimmed { share: 0.1 })?;
    println!("trimmed {trimmed:.3}");
    Ok(())
}
