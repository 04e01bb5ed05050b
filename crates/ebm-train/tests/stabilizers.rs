//! Stabilisers do what their formulas say, and nothing where they are off.
#![allow(clippy::unwrap_used)]

mod common;
mod gaussians;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor, TensorData};
use common::{floats, recipe};
use ebm_models::{Activation, Energy, Mlp, MlpConfig, Precision};
use ebm_ops::{Interval, Noise};
use ebm_sampling::langevin::Langevin;
use ebm_sampling::{Interrupt, Run, energy_and_gradient};
use ebm_train::recipe::{ChainsConfig, LangevinConfig, OptimizerConfig, ReplayBufferConfig};
use ebm_train::{
    Checkpoint, ContrastiveDivergence, Eviction, Examples, GradientPenalty, Loss, Metrics,
    Objective, OnStates, ParameterGradients, ParameterOptimizer, PenalizedPoints, Points, Recipe,
    Scalar, StepOutcome, Trainable, Trainer, TrainerState, TransitionKernel, Update, load_weights,
    weights,
};
use gaussians::Gaussians;

fn line(values: &[f32]) -> Tensor<1> {
    Tensor::from_floats(values, &Device::flex())
}

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

fn assert_close(found: &[f32], expected: &[f32], tolerance: f32, what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (index, (found, expected)) in found.iter().zip(expected).enumerate() {
        assert!(
            (found - expected).abs() <= tolerance * (1.0 + expected.abs()),
            "{what}[{index}]: {found}, expected {expected}"
        );
    }
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

/// `E(x) = (2 a^2 + b_1^2 + 3 b_2^2) / 2` wherever `x` is.
#[derive(Module, Debug)]
struct Bowl {
    a: Param<Tensor<1>>,
    b: Param<Tensor<1>>,
}

impl Energy<2> for Bowl {
    fn energy(&self, x: Tensor<2>) -> Tensor<1> {
        let curvature = line(&[1.0, 3.0]).autodiff();
        let height =
            self.a.val().square().sum() + (self.b.val().square() * curvature).sum().div_scalar(2.0);
        x.sum_dim(1).squeeze_dim::<1>(1).mul_scalar(0.0) + height
    }
}

impl Trainable<2> for Bowl {}

/// The mean energy of the data.
struct Descend;

impl<M: Energy<2>> Objective<M, 2> for Descend {
    fn choose_points(&self, update: &mut Update<'_, M, 2>) -> Points<2> {
        Points::new(update.data(), |energies| Loss {
            value: energies.mean(),
            scalars: Vec::new(),
        })
    }
}

#[test]
fn sharpness_aware_steps_are_those_computed_by_hand() {
    let device = Device::flex();
    let (radius, rate) = (0.5_f64, 0.1_f64);
    let (start, curvature) = ([1.0_f64, -2.0, 0.5], [2.0_f64, 1.0, 3.0]);
    for clip in [None, Some(1.0_f64)] {
        let mut optimizer = OptimizerConfig::sgd(rate).with_sharpness_radius(radius);
        if let Some(limit) = clip {
            optimizer = optimizer.with_gradient_clip(limit);
        }
        let recipe = recipe().with_batch_size(4).with_optimizer(optimizer);
        let recipe = recipe.with_schedule(ebm_train::recipe::ScheduleConfig::constant());
        let model = Bowl {
            a: Param::from_tensor(line(&[1.0])),
            b: Param::from_tensor(line(&[-2.0, 0.5])),
        };
        let examples = Examples::from_tensor(Tensor::zeros([8, 2], &device));
        let builder = Trainer::builder(recipe).with_objective(Descend);
        let mut trainer = builder.build(model, examples, Noise::new(1)).unwrap();
        let mut w = start;
        for _ in 0..3 {
            let gradient = |w: [f64; 3]| [0, 1, 2].map(|index| curvature[index] * w[index]);
            let size = |g: [f64; 3]| g.iter().map(|g| g * g).sum::<f64>().sqrt();
            let height = |w: [f64; 3]| {
                let squares = w.iter().zip(curvature).map(|(w, c)| c * w * w);
                squares.sum::<f64>() / 2.0
            };
            let here = gradient(w);
            let above = [0, 1, 2].map(|index| w[index] + radius * here[index] / size(here));
            let there = gradient(above);
            let factor = clip.map_or(1.0, |limit| (limit / size(there)).min(1.0));
            // The loss is that of the weights, the gradient that of the sharpest point.
            let (loss, norm) = (height(w), size(there));
            w = [0, 1, 2].map(|index| w[index] - rate * factor * there[index]);

            let outcome = trainer.step();
            let metrics = outcome.metrics();
            assert_close(
                &[metrics.loss as f32, metrics.gradient_norm as f32],
                &[loss as f32, norm as f32],
                1e-5,
                "loss and norm",
            );
            let mut found = floats(trainer.model().a.val().inner());
            found.extend(floats(trainer.model().b.val().inner()));
            assert_close(&found, &w.map(|w| w as f32), 1e-6, "weights");
        }
    }
}

/// A buffer of one batch whose chains stand still, after an update.
fn chains_after(chains: ReplayBufferConfig, rows: &[[f32; gaussians::COUNT]]) -> (Vec<f32>, f64) {
    let device = Device::flex();
    let mut noise = Noise::new(5);
    let points = gaussians::data(16, &device, &mut noise);
    let recipe = recipe()
        .with_batch_size(rows.len())
        .with_sampler(LangevinConfig::new(1, 1e-30).with_noise(0.0))
        .with_optimizer(OptimizerConfig::sgd(0.01))
        .with_chains(chains);
    let examples = Examples::from_tensor(points);
    let mut trainer = Trainer::new(recipe, Gaussians::new(&device), examples, noise).unwrap();
    let mut checkpoint = trainer.checkpoint();
    let planted = TensorData::new(rows.concat(), [rows.len(), gaussians::COUNT]);
    checkpoint.tensors.insert("chains".into(), planted);
    trainer.restore(checkpoint).unwrap();
    let outcome = trainer.step();
    assert!(matches!(outcome, StepOutcome::Applied(_)), "{outcome:?}");
    let after = trainer.checkpoint().tensors["chains"].clone();
    let evicted = outcome.metrics().get(Scalar::EVICTED).unwrap_or(f64::NAN);
    (after.iter::<f32>().collect(), evicted)
}

/// Fails unless these rows alone start anew, inside of the range.
fn assert_evicted(chains: ReplayBufferConfig, rows: &[[f32; gaussians::COUNT]], which: &[usize]) {
    let (after, share) = chains_after(chains, rows);
    for (index, (after, row)) in after.chunks(gaussians::COUNT).zip(rows).enumerate() {
        if which.contains(&index) {
            // A uniform value is one that was there with probability 1e-7.
            assert!(
                after.iter().zip(row).all(|(after, old)| after != old),
                "row {index} stayed"
            );
            assert!(after.iter().all(|value| (-1.5..1.5).contains(value)));
        } else {
            assert_eq!(after, row, "row {index} was replaced");
        }
    }
    assert!((share - which.len() as f64 / rows.len() as f64).abs() < 1e-6);
}

#[test]
fn the_planted_outlier_alone_starts_anew() {
    // Energies of 0.08 to 0.5, and one of 16.
    let mut rows = [[0.0; gaussians::COUNT]; 8];
    for (index, row) in rows.iter_mut().enumerate() {
        row.fill(0.1 + 0.02 * index as f32);
    }
    rows[2].fill(1.4);
    let plain = ReplayBufferConfig::new(8, 0.0);
    assert_evicted(plain.clone().evicting_above(6.0), &rows, &[2]);
    assert_evicted(plain.clone().evicting_above(1e4), &rows, &[]);
    // Without a key nothing is replaced, and nothing told.
    let (after, share) = chains_after(plain, &rows);
    assert_eq!(after, rows.concat());
    assert!(share.is_nan());
}

#[test]
fn frozen_chains_alone_start_anew() {
    let mut rows = [[0.3_f32; gaussians::COUNT]; 6];
    rows[1] = std::array::from_fn(|index| if index < 4 { 1.5 } else { -1.5 });
    rows[4].fill(1.5);
    rows[4][..2].fill(0.0);
    let plain = ReplayBufferConfig::new(6, 0.0);
    assert_evicted(plain.clone().evicting_frozen(1.0), &rows, &[1]);
    assert_evicted(plain.clone().evicting_frozen(0.9), &rows, &[1]);
    // 14 of 16 values of the other.
    assert_evicted(plain.clone().evicting_frozen(0.875), &rows, &[1, 4]);
    assert_evicted(
        plain.evicting_frozen(0.875).evicting_above(1e4),
        &rows,
        &[1, 4],
    );
}

#[test]
fn chains_that_come_to_the_ends_or_lie_still_elsewhere_are_not_frozen() {
    let device = Device::flex();
    let model = |x: Tensor<2>| -> Tensor<1> { x.sum_dim(1).squeeze_dim(1) };
    let eviction = Eviction {
        above: None,
        frozen: Some(1.0),
        range: Interval::new(0.0, 1.0),
    };
    let start = [[1.0, 0.0], [0.5, 0.5], [0.0, 1.0], [0.0, 0.0]];
    let end = [[1.0, 0.0], [0.5, 0.5], [1.0, 1.0], [0.5, 0.0]];
    let [start, end] = [start, end].map(|rows| Tensor::<2>::from_floats(rows, &device));
    let find = |eviction: Eviction| -> Vec<bool> {
        let found = eviction.find(&model, start.clone(), end.clone());
        found.into_data().iter::<bool>().collect()
    };
    assert_eq!(find(eviction), [true, false, false, false]);
    // Energies of 1, 1, 2 and 0.5: more than half deviate by nothing, so nobody is an outlier.
    let outliers = Eviction {
        above: Some(0.1),
        frozen: None,
        ..eviction
    };
    assert_eq!(find(outliers), [false; 4]);
}

/// A kernel that writes down how many transitions it was asked for.
struct Counting {
    kernel: OnStates<Langevin>,
    counts: Arc<Mutex<Vec<usize>>>,
}

impl<E: Energy<2>> TransitionKernel<E, 2> for Counting {
    fn run(
        &self,
        energy: &E,
        states: Tensor<2>,
        transitions: usize,
        noise: &mut Noise,
        interrupt: &mut Interrupt<'_>,
    ) -> Run<Tensor<2>> {
        self.counts.lock().unwrap().push(transitions);
        self.kernel
            .run(energy, states, transitions, noise, interrupt)
    }
}

fn counting(chains: ChainsConfig) -> (Trainer<Gaussians, 2>, Arc<Mutex<Vec<usize>>>) {
    let device = Device::flex();
    let mut noise = Noise::new(7);
    let points = gaussians::data(32, &device, &mut noise);
    let recipe = recipe()
        .with_batch_size(8)
        .with_sampler(LangevinConfig::new(3, 0.01).with_temperature(1.0))
        .with_chains(chains);
    let counts = Arc::new(Mutex::new(Vec::new()));
    let kernel = Counting {
        kernel: OnStates(Langevin::new(0.01, 0.1)),
        counts: Arc::clone(&counts),
    };
    let trainer = Trainer::builder(recipe)
        .with_transition_kernel(kernel)
        .build(
            Gaussians::new(&device),
            Examples::from_tensor(points),
            noise,
        )
        .unwrap();
    (trainer, counts)
}

#[test]
fn long_chains_come_when_they_are_due() {
    let kinds = [
        ChainsConfig::replay_buffer(16, 0.1),
        ChainsConfig::persistent(Default::default()),
        ChainsConfig::from_data(),
        ChainsConfig::from_noise(Default::default()),
    ];
    for chains in kinds {
        let (mut trainer, counts) = counting(chains.clone());
        for _ in 0..4 {
            trainer.step();
        }
        assert_eq!(*counts.lock().unwrap(), [3; 4], "{chains:?}");
        let (mut trainer, counts) = counting(chains.clone().with_long_chains(3, 5));
        let mut announced = Vec::new();
        for _ in 0..7 {
            announced.push(trainer.transitions());
            trainer.step();
        }
        assert_eq!(announced, [3, 3, 15, 3, 3, 15, 3], "{chains:?}");
        assert_eq!(*counts.lock().unwrap(), announced, "{chains:?}");
    }
}

#[test]
fn lengthened_chains_outlast_roll_backs_and_checkpoints() {
    let chains = || ChainsConfig::replay_buffer(16, 0.1).with_long_chains(2, 10);
    let (mut trainer, counts) = counting(chains());
    let first = trainer.checkpoint();
    trainer.step();
    trainer.lengthen_chains(1.5);
    // 3 * 1.5, rounded up, and ten times that.
    trainer.step();
    trainer.step();
    assert_eq!(*counts.lock().unwrap(), [3, 50, 5]);
    trainer.roll_back(first.clone()).unwrap();
    assert_eq!((trainer.rollbacks(), trainer.steps_done()), (1, 0));
    assert_eq!((trainer.chain_factor(), trainer.transitions()), (1.5, 5));
    trainer.lengthen_chains(1.5);
    assert_eq!(trainer.transitions(), 7);

    // Through a file, and into another trainer.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("checkpoint.safetensors");
    trainer.checkpoint().save(&path).unwrap();
    let (mut second, _) = counting(chains());
    second.restore(Checkpoint::load(&path).unwrap()).unwrap();
    assert_eq!(second.chain_factor(), 2.25);
    for _ in 0..3 {
        assert_eq!(trainer.step(), second.step());
    }
    // A checkpoint of a trainer that lengthened nothing is as it was before there was that number,
    // and puts it back.
    let state = serde_json::to_value(&first.state).unwrap();
    assert_eq!(state.get("chain_factor"), None);
    let old: TrainerState = serde_json::from_value(state).unwrap();
    assert_eq!(old.chain_factor, 1.0);
    second.restore(first.clone()).unwrap();
    assert_eq!(second.transitions(), 3);

    for wrong in [0.5, f32::NAN, 1e7] {
        let mut damaged = first.clone();
        damaged.state.chain_factor = wrong;
        damaged.save(&path).unwrap();
        let error = Checkpoint::load(&path).unwrap_err();
        assert!(
            error.to_string().contains("chain") || wrong.is_nan(),
            "{error}"
        );
    }
}

#[test]
fn a_factor_is_rounded_up_and_not_for_its_last_digit() {
    let recipe = |steps| recipe().with_sampler(LangevinConfig::new(steps, 0.1).with_noise(0.1));
    for (steps, factor, expected) in [
        (20, 1.0, 20),
        (1_000_000_000, 1.0, 1_000_000_000),
        (10, f64::from(1.1_f32), 11),
        (1, 1.5, 2),
        (7, 1.5, 11),
        (1_000_000_000, 2.0, 1_000_000_000),
    ] {
        assert_eq!(recipe(steps).transitions(0, factor), expected);
    }
}

/// All of them at once.
fn stabilized(precision: Precision) -> Recipe {
    let objective = ContrastiveDivergence::default()
        .with_energy_regularizer(0.1)
        .with_trim(0.1)
        .with_contrastive_limit(0.02)
        .with_gradient_penalty(GradientPenalty::new(0.05).at(PenalizedPoints::Both));
    let buffer = ReplayBufferConfig::new(64, 0.1)
        .evicting_above(1.0)
        .evicting_frozen(0.5);
    recipe()
        .with_batch_size(16)
        .with_objective(objective)
        .with_chains(ChainsConfig::from(buffer).with_long_chains(2, 3))
        .with_optimizer(
            OptimizerConfig::adam(1e-2)
                .with_gradient_clip(0.5)
                .with_sharpness_radius(0.05),
        )
        .with_moving_average(0.9)
        .with_precision(precision)
}

#[test]
fn with_all_of_them_training_resumes_bit_for_bit() {
    let device = Device::flex();
    let points = gaussians::data(64, &device, &mut Noise::new(3));
    let model = MlpConfig::new(gaussians::COUNT, vec![8]).init(&device, &mut Noise::new(4));
    for precision in [Precision::F32, Precision::Bf16] {
        let trainer = |seed: u64| {
            let examples = Examples::from_tensor(points.clone());
            let recipe = stabilized(precision);
            Trainer::new(recipe, model.clone(), examples, Noise::new(seed)).unwrap()
        };
        let (mut first, mut second) = (trainer(1), trainer(2));
        for _ in 0..3 {
            first.step();
            second.step();
        }
        first.lengthen_chains(1.5);
        assert_ne!(weights(first.model()), weights(second.model()));
        second.restore(first.checkpoint()).unwrap();
        let (mut evicted, mut clamped) = (0.0, Vec::new());
        for _ in 0..10 {
            let outcome = first.step();
            assert!(matches!(outcome, StepOutcome::Applied(_)), "{outcome:?}");
            assert_eq!(outcome, second.step());
            evicted += outcome.metrics().get(Scalar::EVICTED).unwrap();
            clamped.push(outcome.metrics().get(Scalar::CLAMPED).unwrap());
        }
        assert!(evicted > 0.0, "nothing was evicted");
        assert!(
            clamped.contains(&1.0) && clamped.contains(&0.0),
            "{clamped:?}"
        );
        assert_eq!(weights(first.model()), weights(second.model()));
        let [first, second] = [first, second].map(|trainer| trainer.checkpoint());
        assert_eq!(first.tensors, second.tensors);
    }
}
