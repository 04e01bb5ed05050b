//! What stabilises the objective: trimmed samples, a limit, a penalty of slopes.

use std::collections::BTreeMap;

use burn::module::Module;
use burn::tensor::{Device, Tensor, TensorData};
use ebm_models::{Activation, Mlp, MlpConfig};
use ebm_ops::Noise;
use ebm_sampling::energy_and_gradient;
use ebm_train::recipe::{LangevinConfig, OptimizerConfig};
use ebm_train::{
    ContrastiveDivergence, Examples, GradientPenalty, Metrics, ParameterGradients,
    ParameterOptimizer, PenalizedPoints, Points, Scalar, StepOutcome, Trainer, load_weights,
    weights,
};

use crate::common::{floats, recipe};
use crate::gaussians::{self, Gaussians};
use crate::{assert_close, line};

/// The value of the loss of some energies, and the weight of each point: its derivative.
fn weigh(points: &Points<2>, energies: &[f32]) -> (f32, Vec<f32>) {
    let energies = line(energies).autodiff().require_grad();
    let loss = (points.loss)(energies.clone()).value;
    let value = floats(loss.clone().inner())[0];
    let weights = energies.grad(&loss.backward()).unwrap();
    (value, floats(weights))
}

/// Points whose energies are given by hand.
fn points_of(objective: ContrastiveDivergence, data: usize, samples: usize) -> Points<2> {
    let zeros = |count| Tensor::zeros([count, 1], &Device::flex());
    objective.points(zeros(data), zeros(samples))
}

#[test]
fn trimming_leaves_out_the_samples_of_the_highest_energies() {
    let energies = [0.5, -0.5, 3.0, 1.0, 9.0, 2.0];
    for alpha in [0.0, 0.1] {
        let objective = ContrastiveDivergence::default()
            .with_energy_regularizer(alpha)
            .with_trim(0.25);
        let (value, weights) = weigh(&points_of(objective, 2, 4), &energies);
        // Of 3, 1, 9 and 2 the 9 is left out.
        let of_data = |e: f32| (1.0 + 2.0 * alpha as f32 * e) / 2.0;
        let of_sample = |e: f32| (-1.0 + 2.0 * alpha as f32 * e) / 3.0;
        let expected = [
            of_data(0.5),
            of_data(-0.5),
            of_sample(3.0),
            of_sample(1.0),
            0.0,
            of_sample(2.0),
        ];
        assert_close(&weights, &expected, 1e-6, "weights");
        let squares = 0.25 + (9.0 + 1.0 + 4.0) / 3.0;
        assert_close(&[value], &[alpha as f32 * squares - 2.0], 1e-6, "loss");
    }
    // The nearest number of them, and one is always left.
    for (share, count, kept) in [
        (0.1, 64, 58),
        (0.29, 100, 71),
        (0.01, 10, 10),
        (0.99, 10, 1),
    ] {
        let points = points_of(ContrastiveDivergence::default().with_trim(share), 1, count);
        let energies: Vec<f32> = (0..=count).map(|index| index as f32).collect();
        let weights = weigh(&points, &energies).1[1..].to_vec();
        let mut expected = vec![0.0; count];
        expected[..kept].fill(-1.0 / kept as f32);
        assert_close(&weights, &expected, 1e-6, &format!("{share} of {count}"));
        let sum: f32 = weights.iter().sum();
        assert!((sum + 1.0).abs() < 1e-5, "weights sum to {sum}");
    }
}

/// A trainer that trims from its first update on, and one that is told to.
#[test]
fn samples_can_be_trimmed_from_some_update_on() {
    let trainer = |trim: Option<f64>| {
        let device = Device::flex();
        let mut noise = Noise::new(3);
        let points = gaussians::data(64, &device, &mut noise);
        let objective = ContrastiveDivergence {
            trim,
            ..ContrastiveDivergence::default()
        };
        let recipe = recipe().with_batch_size(32).with_objective(objective);
        let examples = Examples::from_tensor(points);
        Trainer::new(recipe, Gaussians::new(&device), examples, noise).unwrap()
    };
    let run = |mut trainer: Trainer<Gaussians, 2>| -> Vec<StepOutcome> {
        (0..3).map(|_| trainer.step()).collect()
    };
    let mut told = trainer(None);
    told.trim_samples(0.25);
    let trimmed = run(trainer(Some(0.25)));
    assert_eq!(run(told), trimmed);
    assert_ne!(run(trainer(None)), trimmed);
    // What a recipe says stays.
    let mut own = trainer(Some(0.25));
    own.trim_samples(0.5);
    assert_eq!(run(own), trimmed);
}

#[test]
fn below_the_limit_the_contrastive_term_has_no_weight() {
    let energies = [-1.5, -0.5, 0.5, 1.5];
    let told = |objective: ContrastiveDivergence| {
        let loss = (points_of(objective, 2, 2).loss)(line(&energies).autodiff());
        let clamped = loss.scalars.into_iter();
        let mut clamped = clamped.filter(|(scalar, _)| *scalar == Scalar::CLAMPED);
        clamped.next().map(|(_, value)| floats(value.inner())[0])
    };
    let plain = ContrastiveDivergence::default();
    let regular = plain.with_energy_regularizer(0.1);
    assert_eq!(told(plain), None);
    // The difference is -2.
    let limited = plain.with_contrastive_limit(0.5);
    let (value, weights) = weigh(&points_of(limited, 2, 2), &energies);
    assert_eq!((value, weights), (-0.5, vec![0.0; 4]));
    assert_eq!(told(limited), Some(1.0));
    let limited = regular.with_contrastive_limit(0.5);
    let (_, weights) = weigh(&points_of(limited, 2, 2), &energies);
    // 2 alpha E / 2, of the regulariser alone.
    assert_close(&weights, &[-0.15, -0.05, 0.05, 0.15], 1e-6, "weights");
    let far = regular.with_contrastive_limit(2.5);
    assert_eq!(told(far), Some(0.0));
    assert_eq!(
        weigh(&points_of(far, 2, 2), &energies),
        weigh(&points_of(regular, 2, 2), &energies)
    );
}

#[test]
fn points_with_others_are_the_sum_of_both() {
    let x = |count: usize| Tensor::<2>::zeros([count, 1], &Device::flex());
    let first = Points::weighted(x(2), line(&[1.0, -2.0]));
    let other = Points::weighted(x(3), line(&[0.5, 0.25, -1.0]));
    let both = first.with(other);
    assert_eq!(both.x.dims(), [5, 1]);
    let (value, weights) = weigh(&both, &[1.0, 1.0, 2.0, 4.0, 3.0]);
    assert_eq!(value, 1.0 - 2.0 + 1.0 + 1.0 - 3.0);
    assert_eq!(weights, [1.0, -2.0, 0.5, 0.25, -1.0]);
}

/// The gradient of the penalty's points against central differences of the penalty itself, whose
/// error is of the order of `h^2` = 1e-4 and of 1e-7 / `h` = 1e-5; the identity's is that of its
/// step squared.
#[test]
fn the_gradient_of_the_penalty_is_that_of_finite_differences() {
    let device = Device::flex();
    let mut noise = Noise::new(6);
    let config = MlpConfig::new(2, vec![4]).with_activation(Activation::Tanh);
    let model = config.init(&device, &mut noise).train();
    let x: Tensor<2> = noise.normal([5, 2], &device);
    let weight = 3.0;
    let penalty_of = |model: &Mlp| {
        let (_, slope) = energy_and_gradient(&model.valid(), x.clone());
        let slopes: Vec<f32> = slope.into_data().iter::<f32>().collect();
        let squares: f64 = slopes.iter().map(|&slope| f64::from(slope).powi(2)).sum();
        weight * squares / 5.0 / 2.0
    };
    for step in [0.005, 0.02] {
        let penalty = GradientPenalty::new(weight).with_step(step);
        let points = penalty.points(&model.valid(), x.clone());
        assert_eq!(points.x.dims(), [10, 2]);
        let loss = points.evaluate(&model);
        let value = floats(loss.value.clone().inner())[0];
        assert_close(&[value], &[penalty_of(&model) as f32], 1e-5, "penalty");

        // A step of plain descent with rate 1 shows the gradient.
        let mut descent = ParameterOptimizer::new(&OptimizerConfig::sgd(1.0));
        let gradients = ParameterGradients::collect(&model, loss.value.backward());
        let moved = weights(&descent.step(0, 1.0, model.clone(), gradients, 1.0));
        let at = weights(&model);
        let mut largest = 0.0_f64;
        for (name, data) in &at {
            let values: Vec<f32> = data.iter::<f32>().collect();
            let after: Vec<f32> = moved[name].iter::<f32>().collect();
            for index in 0..values.len() {
                let shifted = |by: f32| {
                    let mut values = values.clone();
                    values[index] += by;
                    let mut all: BTreeMap<_, _> = at.clone();
                    all.insert(name.clone(), TensorData::new(values, data.shape().clone()));
                    penalty_of(&load_weights(model.clone(), all).unwrap())
                };
                let h = 1e-2;
                let expected = (shifted(h) - shifted(-h)) / (2.0 * f64::from(h));
                let found = f64::from(values[index]) - f64::from(after[index]);
                largest = largest.max(expected.abs());
                assert!(
                    (found - expected).abs() < 1e-3 * (1.0 + expected.abs()),
                    "step {step}, {name}[{index}]: found {found}, expected {expected}"
                );
            }
        }
        assert!(largest > 0.1, "no gradient above {largest}");
    }
}

#[test]
fn where_there_is_no_slope_there_is_no_penalty() {
    let device = Device::flex();
    let model = Gaussians::new(&device).train();
    // At its mean.
    let x = Tensor::zeros([3, gaussians::COUNT], &device);
    let points = GradientPenalty::new(1.0).points(&model.valid(), x);
    let loss = points.evaluate(&model).value;
    assert_eq!(floats(loss.clone().inner()), [0.0]);
    let gradients = ParameterGradients::collect(&model, loss.backward());
    assert_eq!(floats(gradients.norm().unwrap()), [0.0]);
}

/// What the first update of normal coordinates tells. Chains stand still, since their steps are
/// too short for f32.
fn first_update(objective: ContrastiveDivergence) -> (Metrics, bool) {
    let device = Device::flex();
    let mut noise = Noise::new(3);
    let points = gaussians::data(64, &device, &mut noise);
    let recipe = recipe()
        .with_batch_size(32)
        .with_sampler(LangevinConfig::new(1, 1e-30).with_noise(0.0))
        .with_optimizer(OptimizerConfig::sgd(0.1))
        .with_objective(objective);
    let model = Gaussians::new(&device);
    let before = weights(&model);
    let mut trainer = Trainer::new(recipe, model, Examples::from_tensor(points), noise).unwrap();
    let outcome = trainer.step();
    assert!(matches!(outcome, StepOutcome::Applied(_)), "{outcome:?}");
    let moved = weights(trainer.model()) != before;
    (outcome.metrics().clone(), moved)
}

/// Standard normal coordinates have the slope `x` and the energy `|x|^2 / 2`.
#[test]
fn the_penalty_is_taken_at_data_samples_or_both() {
    let told = |at| {
        let penalty = GradientPenalty::new(0.5).at(at);
        let objective = ContrastiveDivergence::default().with_gradient_penalty(penalty);
        let metrics = first_update(objective).0;
        let penalty = metrics.get(Scalar::GRADIENT_PENALTY).unwrap();
        (penalty, metrics.data_energy(), metrics.sample_energy())
    };
    let close = |found: f64, expected: f64| {
        assert!(
            (found - expected).abs() < 1e-5 * expected,
            "{found}, {expected}"
        );
    };
    let (penalty, data, samples) = told(PenalizedPoints::Data);
    assert!((data - samples).abs() > 1.0, "data and samples are alike");
    close(penalty, 0.5 * data);
    let (penalty, _, samples) = told(PenalizedPoints::Samples);
    close(penalty, 0.5 * samples);
    let (penalty, data, samples) = told(PenalizedPoints::Both);
    close(penalty, 0.25 * (data + samples));
}

#[test]
fn an_update_below_the_limit_moves_nothing() {
    let plain = ContrastiveDivergence::default();
    let (metrics, moved) = first_update(plain);
    assert!(moved);
    assert_eq!(metrics.get(Scalar::CLAMPED), None);
    let gap = metrics.get(Scalar::GAP).unwrap();
    assert!(gap > 1.0, "a gap of {gap}");
    for (limit, clamped) in [(gap * 0.9, true), (gap * 1.1, false)] {
        let (metrics, moved) = first_update(plain.with_contrastive_limit(limit));
        assert_eq!(moved, !clamped);
        assert_eq!(
            metrics.get(Scalar::CLAMPED),
            Some(f64::from(u8::from(clamped)))
        );
    }
}
