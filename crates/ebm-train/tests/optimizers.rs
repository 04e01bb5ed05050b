//! Optimizers, clipping and the moving average against the same arithmetic in double precision.
#![allow(clippy::unwrap_used)]

mod common;

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use common::{floats, recipe};
use ebm_models::{Energy, Mlp, MlpConfig};
use ebm_ops::Noise;
use ebm_testing::assert_close;
use ebm_train::recipe::{AdamConfig, OptimizerConfig, ScheduleConfig, SgdConfig};
use ebm_train::{
    Examples, MovingAverage, ParameterGradients, ParameterOptimizer, StepOutcome, Trainer, weights,
};

/// The linear energy `E(x) = -(w x + b)` of three values, whose gradients can be written down.
fn linear(device: &Device) -> Mlp {
    MlpConfig::new(3, vec![]).init(device, &mut Noise::new(2))
}

/// The parameters in the order `w_1, w_2, w_3, b`.
fn parameters(model: &Mlp) -> Vec<f64> {
    let weights = weights(model);
    ["layers.0.weight", "layers.0.bias"]
        .iter()
        .flat_map(|name| {
            weights[*name]
                .iter::<f32>()
                .map(f64::from)
                .collect::<Vec<_>>()
        })
        .collect()
}

/// The gradient of `sum_i c_i E(x_i)` by autodiff, and by hand: `-(sum c_i x_i, sum c_i)`.
fn gradient(model: &Mlp, step: usize, device: &Device) -> (ParameterGradients, Vec<f64>) {
    let mut noise = Noise::new(100 + step as u64);
    let x: Tensor<2> = noise.normal([4, 3], device);
    let c: Tensor<1> = noise.normal([4], device);
    let (rows, factors) = (floats(x.clone()), floats(c.clone()));
    let mut by_hand = vec![0.0; 4];
    for (row, &factor) in rows.chunks_exact(3).zip(&factors) {
        for (sum, value) in by_hand.iter_mut().zip(row.iter().chain([&1.0])) {
            *sum -= f64::from(factor) * f64::from(*value);
        }
    }
    let loss = (model.energy(x.autodiff()) * c.autodiff()).sum();
    (ParameterGradients::collect(model, loss.backward()), by_hand)
}

fn norm(values: &[f64]) -> f64 {
    values.iter().map(|value| value * value).sum::<f64>().sqrt()
}

/// An update rule in double precision: parameters, gradient, number of the step (from 1), learning
/// rate.
type Rule = fn(&mut Vec<f64>, &[f64], i32, f64, &mut Memory);

/// Two moments, or a velocity.
#[derive(Default)]
struct Memory {
    first: Vec<f64>,
    second: Vec<f64>,
}

const BETA: [f64; 2] = [0.8, 0.95];
const EPSILON: f64 = 1e-3;
const DECAY: f64 = 0.3;
const MOMENTUM: f64 = 0.7;

/// Kingma & Ba 2015, algorithm 1.
fn adam_move(gradient: &[f64], step: i32, memory: &mut Memory) -> Vec<f64> {
    memory.first.resize(gradient.len(), 0.0);
    memory.second.resize(gradient.len(), 0.0);
    (0..gradient.len())
        .map(|index| {
            let g = gradient[index];
            let m = &mut memory.first[index];
            *m = BETA[0] * *m + (1.0 - BETA[0]) * g;
            let v = &mut memory.second[index];
            *v = BETA[1] * *v + (1.0 - BETA[1]) * g * g;
            let (m, v) = (
                *m / (1.0 - BETA[0].powi(step)),
                *v / (1.0 - BETA[1].powi(step)),
            );
            m / (v.sqrt() + EPSILON)
        })
        .collect()
}

/// The last parameter is the bias, which is left alone.
fn decays(parameters: &[f64]) -> Vec<f64> {
    let mut decays = vec![DECAY; parameters.len()];
    decays[parameters.len() - 1] = 0.0;
    decays
}

fn with_decay(parameters: &[f64], gradient: &[f64]) -> Vec<f64> {
    let decayed = parameters.iter().zip(decays(parameters));
    let pairs = decayed.zip(gradient);
    pairs.map(|((p, decay), g)| g + decay * p).collect()
}

fn subtract(parameters: &mut [f64], rate: f64, direction: &[f64]) {
    for (parameter, direction) in parameters.iter_mut().zip(direction) {
        *parameter -= rate * direction;
    }
}

#[test]
fn each_optimizer_follows_its_formula() {
    let adam = |weight_decay| AdamConfig {
        learning_rate: 1.0,
        beta_1: BETA[0],
        beta_2: BETA[1],
        epsilon: EPSILON,
        weight_decay,
        gradient_clip: None,
        sharpness_radius: None,
        spectral_limit: None,
    };
    let two_momenta = SgdConfig {
        learning_rate: 1.0,
        momentum: MOMENTUM,
        initial_momentum: Some(0.2),
        initial_steps: 2,
        weight_decay: 0.0,
        gradient_clip: None,
        sharpness_radius: None,
        spectral_limit: None,
    };
    let cases: [(&str, OptimizerConfig, Rule); 7] = [
        (
            "adam",
            OptimizerConfig::Adam(adam(0.0)),
            |p, g, t, rate, memory| {
                subtract(p, rate, &adam_move(g, t, memory));
            },
        ),
        (
            "adam with an L2 penalty",
            OptimizerConfig::Adam(adam(DECAY)),
            |p, g, t, rate, memory| {
                let g = with_decay(p, g);
                subtract(p, rate, &adam_move(&g, t, memory));
            },
        ),
        (
            // Loshchilov & Hutter 2019, algorithm 2: the parameter shrinks, its gradient doesn't
            // see it.
            "adamw",
            OptimizerConfig::AdamW(adam(DECAY)),
            |p, g, t, rate, memory| {
                let direction = adam_move(g, t, memory);
                let decays = decays(p);
                for (p, decay) in p.iter_mut().zip(decays) {
                    *p *= 1.0 - rate * decay;
                }
                subtract(p, rate, &direction);
            },
        ),
        ("sgd", OptimizerConfig::sgd(1.0), |p, g, _, rate, _| {
            subtract(p, rate, g);
        }),
        (
            "sgd with an L2 penalty",
            OptimizerConfig::sgd(1.0).with_weight_decay(DECAY),
            |p, g, _, rate, _| {
                let g = with_decay(p, g);
                subtract(p, rate, &g);
            },
        ),
        (
            // Polyak 1964, as in PyTorch: the first velocity is the gradient.
            "sgd with momentum",
            OptimizerConfig::sgd(1.0).with_momentum(MOMENTUM),
            |p, g, _, rate, memory| {
                memory.first.resize(g.len(), 0.0);
                for (v, g) in memory.first.iter_mut().zip(g) {
                    *v = MOMENTUM * *v + g;
                }
                subtract(p, rate, &memory.first);
            },
        ),
        (
            // Hinton 2012, section 9: from one update on the momentum is another, and the velocity
            // stays.
            "sgd with two momenta",
            OptimizerConfig::Sgd(two_momenta),
            |p, g, t, rate, memory| {
                memory.first.resize(g.len(), 0.0);
                let momentum = if t <= 2 { 0.2 } else { MOMENTUM };
                for (v, g) in memory.first.iter_mut().zip(g) {
                    *v = momentum * *v + g;
                }
                subtract(p, rate, &memory.first);
            },
        ),
    ];
    let device = Device::flex();
    for (name, config, rule) in cases {
        let mut optimizer = ParameterOptimizer::new(&config);
        let mut model = linear(&device).train();
        let mut expected = parameters(&model);
        let mut memory = Memory::default();
        for step in 1..=6 {
            let rate = 0.1 / step as f64;
            // Some gradients are scaled, as clipping does.
            let factor = if step % 2 == 0 { 0.5 } else { 1.0 };
            let (gradients, by_hand) = gradient(&model, step, &device);
            let by_hand: Vec<f64> = by_hand.iter().map(|g| factor * g).collect();
            if step == 4 {
                // What an optimizer remembers survives being written and read.
                let (arrays, counters) = optimizer.state();
                optimizer = ParameterOptimizer::new(&config);
                optimizer.restore(&model, arrays, counters).unwrap();
            }
            model = optimizer.step(step as u64 - 1, rate, model, gradients, factor);
            rule(&mut expected, &by_hand, step as i32, rate, &mut memory);
            assert_close(
                &parameters(&model),
                &expected,
                2e-6,
                &format!("{name}, step {step}"),
            );
        }
    }
}

#[test]
fn the_norm_of_a_gradient_is_taken_over_all_parameters() {
    let device = Device::flex();
    let model = linear(&device).train();
    let (gradients, by_hand) = gradient(&model, 1, &device);
    let found = f64::from(floats(gradients.norm().unwrap())[0]);
    assert_close(&[found], &[norm(&by_hand)], 1e-6, "norm");
}

#[test]
fn a_gradient_is_clipped_by_its_norm_and_keeps_its_direction() {
    let device = Device::flex();
    let moves = |optimizer: OptimizerConfig| {
        let recipe = recipe()
            .with_optimizer(optimizer)
            .with_schedule(ScheduleConfig::constant())
            .with_batch_size(8);
        let mut noise = Noise::new(4);
        let model = MlpConfig::new(2, vec![5]).init(&device, &mut noise);
        let points: Tensor<2> = noise.normal([8, 2], &device);
        let mut trainer =
            Trainer::new(recipe, model, Examples::from_tensor(points), noise).unwrap();
        let flat = |model: &Mlp| -> Vec<f64> {
            let weights = weights(model).into_values();
            weights
                .flat_map(|data| data.iter::<f32>().map(f64::from).collect::<Vec<_>>())
                .collect()
        };
        let before = flat(trainer.model());
        let StepOutcome::Applied(metrics) = trainer.step() else {
            panic!("refused");
        };
        let after = flat(trainer.model());
        let pairs = before.iter().zip(&after);
        let step: Vec<f64> = pairs.map(|(before, after)| before - after).collect();
        (step, metrics.gradient_norm)
    };
    let (whole, reported) = moves(OptimizerConfig::sgd(1.0));
    assert_close(
        &[reported],
        &[norm(&whole)],
        1e-5,
        "the norm that is reported",
    );
    for limit in [0.01, 0.1, reported * 0.99, reported * 1.01] {
        let (clipped, before) = moves(OptimizerConfig::sgd(1.0).with_gradient_clip(limit));
        assert_eq!(before, reported, "the norm is that before clipping");
        let factor = (limit / reported).min(1.0);
        let expected: Vec<f64> = whole.iter().map(|step| step * factor).collect();
        assert_close(&clipped, &expected, 1e-6, &format!("clipped at {limit}"));
    }
}

#[test]
fn the_moving_average_follows_its_formula() {
    let device = Device::flex();
    let decay = 0.6;
    let start = linear(&device);
    let mut average = MovingAverage::new(&start, decay);
    let mut expected = parameters(&start);
    for n in 0..30 {
        let mut noise = Noise::new(50 + n);
        let model = MlpConfig::new(3, vec![]).init(&device, &mut noise).train();
        average = average.updated(&model, n);
        // 0.1, 2/11, 3/12, ... until it is 0.6, from n = 13 on.
        let decay = decay.min((1.0 + n as f64) / (10.0 + n as f64));
        for (average, weight) in expected.iter_mut().zip(parameters(&model)) {
            *average = decay * *average + (1.0 - decay) * weight;
        }
        assert_close(
            &parameters(average.model()),
            &expected,
            1e-6,
            &format!("update {n}"),
        );
    }
}
