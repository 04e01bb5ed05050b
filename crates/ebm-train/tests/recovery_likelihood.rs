//! Diffusion recovery likelihood against closed forms: Gaussians, far modes of unequal weights.
#![allow(clippy::unwrap_used)]

mod common;

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};
use common::floats;
use ebm_models::{Activation, Energy, Mlp, MlpConfig};
use ebm_ops::{Interval, Noise};
use ebm_sampling::noise_levels::NoiseLevels;
use ebm_train::judging::{PlaneOptions, PlaneReport};
use ebm_train::recipe::{OptimizerConfig, ScheduleConfig};
use ebm_train::{Examples, Recipe, RecoveryLikelihood, StepOutcome, Trainable, Trainer, weights};

const COUNT: usize = 4;
/// The standard deviation of the data.
const WIDTH: f64 = 0.5;

/// `F(y, t) = exp(w_t) y^2 / 2`, with a parameter for each level.
#[derive(Module, Debug)]
struct Widths {
    logarithms: Param<Tensor<1>>,
}

impl Energy<2> for Widths {
    fn energy(&self, x: Tensor<2>) -> Tensor<1> {
        // Inputs -1 to 1 are levels 0 to 3.
        let level = x.clone().narrow(1, 1, 1).add_scalar(1.0).mul_scalar(1.5);
        let level = level.round().int().squeeze_dim::<1>(1);
        let y: Tensor<1> = x.narrow(1, 0, 1).squeeze_dim(1);
        y.square() * self.logarithms.val().exp().select(0, level.inner()) / 2.0
    }
}

impl Trainable<2> for Widths {}

fn recipe() -> Recipe {
    Recipe::density()
        .with_batch_size(200)
        .with_schedule(ScheduleConfig::cosine(0.0))
        .without_moving_average()
}

/// The variance of `y_t` of a Gaussian of standard deviation `WIDTH`.
fn variance(levels: NoiseLevels, level: usize) -> f64 {
    let signal = levels.signal(level);
    let here = (signal * WIDTH).powi(2) + 1.0 - signal * signal;
    here * levels.scale(level).powi(2)
}

fn exact(levels: NoiseLevels) -> Vec<f64> {
    (0..COUNT)
        .map(|level| (levels.step_noise(level) / variance(levels, level)).ln())
        .collect()
}

fn widths(logarithms: &[f64]) -> Widths {
    let values: Vec<f32> = logarithms.iter().map(|&value| value as f32).collect();
    Widths {
        logarithms: Param::from_tensor(Tensor::from_floats(values.as_slice(), &Device::flex())),
    }
}

#[test]
fn levels_reach_from_the_least_noise_to_nearly_nothing_but_noise() {
    let levels = NoiseLevels::new(COUNT).with_least_noise(0.1);
    assert!((levels.signal(0).powi(2) - 0.99).abs() < 1e-9);
    assert!((levels.signal(COUNT) - 0.05).abs() < 1e-9);
    let ratio = |level| {
        let signal: f64 = levels.signal(level);
        (signal * signal / (1.0 - signal * signal)).ln()
    };
    let step = ratio(0) - ratio(1);
    for level in 0..COUNT {
        assert!((ratio(level) - ratio(level + 1) - step).abs() < 1e-9);
        assert!((step - levels.fall().ln()).abs() < 1e-9);
        // A level and its noise make the one above.
        let above = levels.signal(level) * levels.scale(level);
        assert!((above - levels.signal(level + 1)).abs() < 1e-12);
        let variance = levels.scale(level).powi(2) + levels.step_noise(level).powi(2);
        assert!((variance - 1.0).abs() < 1e-12);
    }
    assert_eq!([levels.input(0), levels.input(COUNT - 1)], [-1.0, 1.0]);
    assert_eq!(NoiseLevels::new(1).input(0), -1.0);
}

#[test]
fn the_widths_of_a_gaussian_at_all_levels_are_recovered() {
    let device = Device::flex();
    let levels = NoiseLevels::new(COUNT).with_least_noise(0.1);
    let data: Tensor<2> = Noise::new(3).normal([4000, 1], &device);
    let examples = Examples::from_tensor(data.mul_scalar(WIDTH));
    let objective = RecoveryLikelihood::new(levels).with_transitions(100);
    let recipe = recipe()
        .with_steps(600)
        .with_optimizer(OptimizerConfig::adam(0.05));
    let builder = Trainer::builder(recipe).with_objective(objective);
    let mut trainer = builder
        .build(widths(&[0.0; COUNT]), examples, Noise::new(1))
        .unwrap();
    trainer.train(|_| {}).unwrap();
    let found = floats(trainer.model().logarithms.val().inner());
    let step_size = objective.kernel().step_size;
    for (level, exact) in exact(levels).into_iter().enumerate() {
        // In units of the noise, chains of precision p have the variance 1 / (p (1 - h p / 2)): the
        // model is as much narrower as that is too wide.
        let step_noise = levels.step_noise(level);
        let precision = 1.0 + step_noise * exact.exp();
        let narrower = (1.0 - (1.0 - 2.0 * step_size * precision).sqrt()) / step_size;
        let expected = ((narrower - 1.0) / step_noise).ln();
        let found = f64::from(found[level]);
        // Four standard deviations of twenty seeds.
        assert!(
            (found - expected).abs() < 0.08,
            "level {level}: {found}, expected {expected}"
        );
    }
}

#[test]
fn samples_come_down_the_levels_to_the_data() {
    const SAMPLES: usize = 20_000;
    let device = Device::flex();
    let levels = NoiseLevels::new(COUNT).with_least_noise(0.1);
    let model = widths(&exact(levels)).valid();
    let kernel = RecoveryLikelihood::new(levels).kernel();
    let mut told = Vec::new();
    let mut progress = |done: usize, total: usize| told.push((done, total));
    let mut noise = Noise::new(2);
    let start: Tensor<2> = noise.normal([SAMPLES, 1], &device);
    let samples = levels.sample(&model, &kernel, 200, start, &mut noise, &mut progress);
    assert_eq!(told, [(1, 4), (2, 4), (3, 4), (4, 4)]);
    let squares: f64 = floats(samples).iter().map(|&x| f64::from(x).powi(2)).sum();
    // The data with the noise of level 0.
    let noise = (1.0 - levels.signal(0).powi(2)).sqrt() / levels.signal(0);
    let expected = (WIDTH * WIDTH + noise * noise).sqrt();
    let found = (squares / SAMPLES as f64).sqrt();
    // Five standard errors are 2.5 %, the bias of the steps is below 1 %.
    assert!(
        (found / expected - 1.0).abs() < 0.035,
        "{found}, {expected}"
    );
}

/// The share of the rarer mode of the two below.
const RARE: f64 = 0.2;
/// The standard deviation of each.
const SPREAD: f64 = 0.15;

/// Points of the plane, `RARE` of them around `place` and the others around `-place`.
fn two_modes(place: f64, noise: &mut Noise) -> Tensor<2> {
    let device = Device::flex();
    let coins = noise.bernoulli(Tensor::full([5000, 1], RARE, &device));
    let places = coins.mul_scalar(2.0 * place).sub_scalar(place);
    let data: Tensor<2> = noise.normal([5000, 2], &device);
    data.mul_scalar(SPREAD) + Tensor::cat(vec![places.clone(), places.zeros_like()], 1)
}

fn learn(levels: NoiseLevels, data: Tensor<2>, noise: &mut Noise) -> Mlp {
    let model = MlpConfig::new(3, vec![48, 48])
        .with_activation(Activation::Swish)
        .init(&data.device(), noise);
    let recipe = recipe()
        .with_steps(1200)
        .with_optimizer(OptimizerConfig::adam(6e-3))
        .with_moving_average(0.98);
    let builder = Trainer::builder(recipe).with_objective(RecoveryLikelihood::new(levels));
    let examples = Examples::from_tensor(data);
    let mut trainer = builder.build(model, examples, noise.split()).unwrap();
    trainer
        .train(|outcome| assert!(matches!(outcome, StepOutcome::Applied(_)), "{outcome:?}"))
        .unwrap();
    trainer.sampling_model()
}

#[test]
fn samples_have_far_modes_in_their_shares() {
    let levels = NoiseLevels::new(6).with_least_noise(0.05);
    let mut noise = Noise::new(4);
    let data = two_modes(0.8, &mut noise);
    let model = learn(levels, data.clone(), &mut noise);
    let start: Tensor<2> = noise.normal([4000, 2], &data.device());
    let kernel = RecoveryLikelihood::new(levels).kernel();
    let samples = levels.sample(&model, &kernel, 60, start, &mut noise, &mut ());
    let first = floats(samples.narrow(1, 0, 1));
    let rare = first.iter().filter(|&&x| x > 0.0).count() as f64 / first.len() as f64;
    assert!((rare - RARE).abs() < 0.07, "{rare}");
}

#[test]
fn the_energy_of_the_data_is_their_density() {
    let place = 0.25;
    let levels = NoiseLevels::new(6).with_least_noise(0.05);
    let mut noise = Noise::new(5);
    let data = two_modes(place, &mut noise);
    let model = learn(levels, data, &mut noise);
    let energy = levels.data_energy(&model);
    let options = PlaneOptions {
        range: Interval::new(-1.5, 1.5),
        side: 200,
    };
    let (report, _) = PlaneReport::new(&energy, None, options, &Device::flex()).unwrap();
    let held_out = two_modes(place, &mut noise);
    let points = floats(held_out.clone());
    let examples = Examples::from_tensor(held_out);
    let likelihood = report.likelihood(&energy, None, &examples).unwrap();
    let likelihood = likelihood.log_likelihood.mean;
    // Of the data with the noise of level 0.
    let noise_here = (1.0 - levels.signal(0).powi(2)) / levels.signal(0).powi(2);
    let variance = SPREAD * SPREAD + noise_here;
    let mode = |x: &[f32], at: f64| {
        let square = (f64::from(x[0]) - at).powi(2) + f64::from(x[1]).powi(2);
        (-square / (2.0 * variance)).exp() / (2.0 * std::f64::consts::PI * variance)
    };
    let truth = points
        .chunks(2)
        .map(|x| (RARE * mode(x, place) + (1.0 - RARE) * mode(x, -place)).ln());
    let best = truth.sum::<f64>() / 5000.0;
    assert!(best - likelihood < 0.1, "{likelihood}, the best is {best}");
}

#[test]
fn training_resumes_bit_for_bit() {
    let device = Device::flex();
    let levels = NoiseLevels::new(3);
    let data: Tensor<4> = Noise::new(3).uniform([30, 1, 4, 4], &device);
    let model = ebm_models::ConvNetConfig::new(ebm_models::ImageShape {
        channels: 2,
        height: 4,
        width: 4,
    })
    .with_layers(vec![ebm_models::ConvLayerConfig::new(4, 3, 1, 1)])
    .with_hidden(4)
    .init(&device, &mut Noise::new(5))
    .unwrap();
    let trainer = |seed| {
        Trainer::builder(recipe().with_batch_size(10))
            .with_objective(RecoveryLikelihood::new(levels).with_transitions(3))
            .build(
                model.clone(),
                Examples::from_tensor(data.clone()),
                Noise::new(seed),
            )
            .unwrap()
    };
    let (mut first, mut second) = (trainer(1), trainer(2));
    for _ in 0..3 {
        first.step();
    }
    second.restore(first.checkpoint()).unwrap();
    for _ in 0..4 {
        assert_eq!(first.step(), second.step());
    }
    assert_eq!(weights(first.model()), weights(second.model()));
}
