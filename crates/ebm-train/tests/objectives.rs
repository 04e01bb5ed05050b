//! Objectives of one's own: weighted points, and training without chains.
#![allow(clippy::unwrap_used)]

mod common;
mod gaussians;

use std::f64::consts::TAU;

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor, activation::softplus};
use common::recipe;
use ebm_models::{Energy, MlpConfig};
use ebm_ops::Noise;
use ebm_train::recipe::{OptimizerConfig, ScheduleConfig};
use ebm_train::{
    ContrastiveDivergence, Examples, Loss, Objective, ParameterGradients, ParameterOptimizer,
    Points, Recipe, Scalar, StepOutcome, Trainable, Trainer, Update, weights,
};
use gaussians::values;

/// Both are the same sum, in another order: float32 rounds it by some 1e-7 of its terms, which are
/// of order 1.
#[test]
fn weighted_points_have_the_gradient_of_contrastive_divergence() {
    let device = Device::flex();
    let mut noise = Noise::new(1);
    let model = MlpConfig::new(3, vec![8]).init(&device, &mut noise).train();
    let data: Tensor<2> = noise.normal([32, 3], &device);
    let samples: Tensor<2> = noise.normal([32, 3], &device);
    // One step of length 1 down the gradient shows it.
    let moved = |points: Points<2>| -> Vec<f64> {
        let loss = points.evaluate(&model).value;
        let gradients = ParameterGradients::collect(&model, loss.backward());
        let mut descent = ParameterOptimizer::new(&OptimizerConfig::sgd(1.0));
        let moved = descent.step(0, 1.0, model.clone(), gradients, 1.0);
        let arrays = weights(&moved).into_values();
        arrays
            .flat_map(|data| data.iter::<f64>().collect::<Vec<_>>())
            .collect()
    };
    let weight = Tensor::<1>::full([32], 1.0 / 32.0, &device);
    let weight = Tensor::cat(vec![weight.clone(), weight.neg()], 0);
    let both = Tensor::cat(vec![data.clone(), samples.clone()], 0);
    let by_weights = moved(Points::weighted(both, weight));
    let by_formula = moved(ContrastiveDivergence::default().points(data, samples));
    let start: Vec<f64> = weights(&model)
        .into_values()
        .flat_map(|data| data.iter::<f64>().collect::<Vec<_>>())
        .collect();
    let length = |a: &[f64], b: &[f64]| -> f64 {
        let squares = a.iter().zip(b).map(|(a, b)| (a - b).powi(2));
        squares.sum::<f64>().sqrt()
    };
    assert!(length(&start, &by_formula) > 0.01, "nothing moved");
    assert!(length(&by_weights, &by_formula) < 2e-6);
}

/// `E(x) = |x - m|^2 / (2 exp(2 s)) + c`, a normalised density where `c` is `log Z`.
#[derive(Module, Debug)]
struct Normalized {
    mean: Param<Tensor<1>>,
    log_width: Param<Tensor<1>>,
    log_partition: Param<Tensor<1>>,
}

impl Normalized {
    fn new(device: &Device) -> Self {
        Self {
            mean: Param::from_tensor(Tensor::zeros([2], device)),
            log_width: Param::from_tensor(Tensor::zeros([1], device)),
            log_partition: Param::from_tensor(Tensor::zeros([1], device)),
        }
    }
}

impl Energy<2> for Normalized {
    fn energy(&self, x: Tensor<2>) -> Tensor<1> {
        let squares = (x - self.mean.val().unsqueeze()).square().sum_dim(1);
        let factor = self.log_width.val().mul_scalar(-2.0).exp() / 2.0;
        squares.squeeze_dim::<1>(1) * factor + self.log_partition.val()
    }
}

impl Trainable<2> for Normalized {}

/// Noise contrast (Gutmann & Hyvärinen 2010): a classifier with the logit `-E(x) - log q(x)` tells
/// data from draws of `q`, here a standard normal.
struct NoiseContrast;

impl<M: Energy<2>> Objective<M, 2> for NoiseContrast {
    fn choose_points(&self, update: &mut Update<'_, M, 2>) -> Points<2> {
        let data = update.data();
        let [count, values] = data.dims();
        let device = update.device();
        let draws: Tensor<2> = update.noise().normal([count, values], &device);
        let x = Tensor::cat(vec![data, draws], 0);
        let squares = x.clone().square().sum_dim(1).squeeze_dim::<1>(1);
        let log_density = squares / -2.0 - TAU.ln() * values as f64 / 2.0;
        Points::new(x, move |energies| {
            let logits = energies.clone().neg() - log_density.clone().autodiff();
            let of_data = softplus(logits.clone().narrow(0, 0, count).neg(), 1.0).mean();
            let of_noise = softplus(logits.narrow(0, count, count), 1.0).mean();
            let data_energy = energies.narrow(0, 0, count).mean();
            Loss {
                value: of_data + of_noise,
                scalars: Vec::new(),
            }
            .with_data_energy(data_energy)
        })
    }
}

fn contrast() -> Recipe {
    recipe()
        .with_steps(1500)
        .with_batch_size(256)
        .with_optimizer(OptimizerConfig::sgd(0.3))
        .with_schedule(ScheduleConfig::linear(0.0))
}

fn trainer(recipe: Recipe, seed: u64) -> Trainer<Normalized, 2> {
    let device = Device::flex();
    let mut noise = Noise::new(seed);
    let points = gaussians::data(4096, &device, &mut noise).narrow(1, 0, 2);
    Trainer::builder(recipe)
        .with_objective(NoiseContrast)
        .build(
            Normalized::new(&device),
            Examples::from_tensor(points),
            noise,
        )
        .unwrap()
}

/// The maximum is the truth, and what is left is the noise of the last updates. Per example the
/// estimate of noise contrast with as much noise as data has a variance of at most a few times that
/// of maximum likelihood (w^2 for a mean, 1/4 for the logarithm of a width in two dimensions, 1 for
/// log Z, by the delta method twice 2 s); over 50 batches of 256 that is a standard error below
/// 0.02 for log Z and 0.01 for the others, five of which are allowed.
#[test]
fn an_objective_without_chains_learns_a_density_with_its_normalization() {
    let mut trainer = trainer(contrast(), 4);
    let mut told = 0;
    trainer
        .train(|outcome| {
            assert!(matches!(outcome, StepOutcome::Applied(_)), "{outcome:?}");
            let metrics = outcome.metrics();
            assert!(metrics.data_energy().is_finite());
            assert_eq!(metrics.get(Scalar::SAMPLE_ENERGY), None);
            assert_eq!(metrics.get(Scalar::DISPLACEMENT), None);
            told += 1;
        })
        .unwrap();
    assert_eq!(told, 1500);
    let model = trainer.sampling_model();
    let close = |found: f64, expected: f64, tolerance: f64, what: &str| {
        let distance = (found - expected).abs();
        assert!(distance < tolerance, "{what}: {found}, expected {expected}");
    };
    for mean in values(model.mean.val()) {
        close(mean, gaussians::MEAN, 0.05, "mean");
    }
    let log_width = values(model.log_width.val())[0];
    close(log_width, gaussians::WIDTH.ln(), 0.05, "log of the width");
    let log_partition = (TAU * gaussians::WIDTH.powi(2)).ln();
    close(
        values(model.log_partition.val())[0],
        log_partition,
        0.1,
        "log Z",
    );
}

#[test]
fn an_objective_without_chains_keeps_none_and_resumes_bit_for_bit() {
    let (mut first, mut second) = (trainer(contrast(), 4), trainer(contrast(), 5));
    for _ in 0..5 {
        first.step();
        second.step();
    }
    assert_ne!(weights(first.model()), weights(second.model()));
    let checkpoint = first.checkpoint();
    let names: Vec<&String> = checkpoint.tensors.keys().collect();
    assert!(
        !names.iter().any(|name| name.contains("chains")),
        "{names:?}"
    );

    // The data differ in their last digits alone, by the seed that they were drawn with; so do the
    // updates.
    let mut same = trainer(contrast(), 4);
    same.restore(checkpoint.clone()).unwrap();
    for _ in 0..5 {
        assert_eq!(first.step(), same.step());
    }
    assert_eq!(weights(first.model()), weights(same.model()));

    // A checkpoint with chains belongs to another objective, and leaves the trainer as it was.
    let mut with_chains = checkpoint;
    let chains = gaussians::data(4, &Device::flex(), &mut Noise::new(6)).into_data();
    with_chains.tensors.insert("chains".into(), chains);
    let before = weights(second.model());
    let error = second.restore(with_chains).unwrap_err();
    assert!(
        error.to_string().contains("the objective needs none"),
        "{error}"
    );
    assert_eq!(before, weights(second.model()));
}
