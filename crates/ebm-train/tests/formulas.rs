//! The objective, its gradient, the schedules and the order of the data do what their formulas say.
#![allow(clippy::unwrap_used)]

mod common;

use std::collections::BTreeMap;

use burn::module::Module;
use burn::tensor::{Device, Tensor, TensorData};
use common::floats;
use ebm_models::{Activation, Energy, Mlp, MlpConfig};
use ebm_ops::Noise;
use ebm_testing::assert_close;
use ebm_train::recipe::{ExponentialConfig, OptimizerConfig, ScheduleConfig, ScheduleKind};
use ebm_train::{
    ContrastiveDivergence, Order, ParameterGradients, ParameterOptimizer, load_weights, weights,
};

#[test]
fn every_example_is_visited_once_an_epoch_and_the_place_is_kept() {
    const COUNT: usize = 23;
    const BATCH: usize = 5;
    let mut order = Order::new(Noise::new(1));
    let mut epochs = Vec::new();
    for _ in 0..20 {
        let mut epoch = Vec::new();
        for _ in 0..COUNT / BATCH {
            // Written and read in the middle of an epoch, at its start and at its end.
            let text = serde_json::to_string(&order).unwrap();
            let mut read: Order = serde_json::from_str(&text).unwrap();
            let batch = order.next(BATCH, COUNT).to_vec();
            assert_eq!(read.next(BATCH, COUNT), batch);
            epoch.extend(batch);
        }
        let mut sorted = epoch.clone();
        sorted.sort_unstable();
        sorted.dedup();
        assert_eq!(sorted.len(), COUNT / BATCH * BATCH, "{epoch:?}");
        assert!(sorted.iter().all(|&index| index < COUNT));
        assert!(!epochs.contains(&epoch), "two epochs have the same order");
        epochs.push(epoch);
    }
    // The three that an epoch leaves out are others each time: in 20 epochs every example has had
    // its turn (an example is left out of all of them with probability (3 / 23)^20).
    let mut seen: Vec<usize> = epochs.concat();
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), COUNT);
    let mut other = Order::new(Noise::new(2));
    assert_ne!(other.next(BATCH, COUNT), &epochs[0][..BATCH]);
}

#[test]
fn schedules_pass_through_points_computed_by_hand() {
    let exponential = ScheduleKind::Exponential(ExponentialConfig {
        factor: 0.25,
        every: 10,
    });
    let exponential = ScheduleConfig {
        warmup: 0,
        decay: exponential,
    };
    let points: [(ScheduleConfig, &[(u64, f64)]); 6] = [
        (
            ScheduleConfig::constant(),
            &[(0, 1.0), (50, 1.0), (200, 1.0)],
        ),
        // (step + 1) / 4 while it warms up.
        (
            ScheduleConfig::constant().with_warmup(4),
            &[(0, 0.25), (1, 0.5), (3, 1.0), (4, 1.0), (99, 1.0)],
        ),
        (exponential, &[(0, 1.0), (5, 0.5), (10, 0.25), (20, 0.0625)]),
        (
            ScheduleConfig::cosine(0.2),
            // 0.2 + 0.8 (1 + cos(pi t)) / 2 with t = 0, 1/4, 1/2, 1, and no further.
            &[
                (0, 1.0),
                (25, 0.882_842_712),
                (50, 0.6),
                (100, 0.2),
                (150, 0.2),
            ],
        ),
        (
            ScheduleConfig::linear(0.2),
            &[(0, 1.0), (25, 0.8), (50, 0.6), (100, 0.2), (150, 0.2)],
        ),
        (
            ScheduleConfig::linear(0.0).with_warmup(20),
            &[
                (0, 0.05),
                (9, 0.5),
                (19, 1.0),
                (20, 1.0),
                (60, 0.5),
                (100, 0.0),
            ],
        ),
    ];
    for (schedule, points) in points {
        for &(step, expected) in points {
            let factor = schedule.factor(step, 100);
            assert!(
                (factor - expected).abs() < 1e-9,
                "{schedule:?} at {step}: {factor}, expected {expected}"
            );
        }
    }
}

#[test]
fn the_objective_and_its_gradient_are_those_of_the_formula() {
    let device = Device::flex();
    let mut noise = Noise::new(6);
    let config = MlpConfig::new(2, vec![4]).with_activation(Activation::Tanh);
    let model = config.init(&device, &mut noise).train();
    let data: Tensor<2> = noise.normal([5, 2], &device);
    let samples: Tensor<2> = noise.normal([7, 2], &device);
    for alpha in [0.0, 0.3] {
        let objective = ContrastiveDivergence {
            energy_regularizer: alpha,
            ..ContrastiveDivergence::default()
        };
        let evaluate = |model: &Mlp| {
            objective
                .points(data.clone(), samples.clone())
                .evaluate(model)
        };
        // The value, from the energies in double precision.
        let by_hand = |model: &Mlp| {
            let mean = |x: &Tensor<2>, of: fn(f64) -> f64| {
                let energies = floats(model.valid().energy(x.clone()));
                energies
                    .iter()
                    .map(|&energy| of(f64::from(energy)))
                    .sum::<f64>()
                    / energies.len() as f64
            };
            let [d, s] = [&data, &samples].map(|x| (mean(x, |e| e), mean(x, |e| e * e)));
            [d.0 - s.0 + alpha * (d.1 + s.1), d.0, s.0]
        };
        let found = evaluate(&model);
        let value = |x: Tensor<1>| f64::from(floats(x.inner())[0]);
        let [(_, data_energy), (_, sample_energy)] = &found.scalars[..] else {
            panic!("it tells {} scalars", found.scalars.len());
        };
        let parts = [&found.value, data_energy, sample_energy];
        let values = parts.map(|part| value(part.clone()));
        assert_close(&values, &by_hand(&model), 1e-6, &format!("alpha {alpha}"));

        // Its gradient, by which a step of plain descent with rate 1 moves each weight.
        let mut descent = ParameterOptimizer::new(&OptimizerConfig::sgd(1.0));
        let gradients = ParameterGradients::collect(&model, found.value.backward());
        let moved = weights(&descent.step(0, 1.0, model.clone(), gradients, 1.0));
        let at = weights(&model);
        let mut checked = 0;
        for (name, data) in &at {
            let values: Vec<f32> = data.iter::<f32>().collect();
            let after: Vec<f32> = moved[name].iter::<f32>().collect();
            for index in 0..values.len() {
                let shifted = |by: f32| {
                    let mut values = values.clone();
                    values[index] += by;
                    let mut all: BTreeMap<_, _> = at.clone();
                    all.insert(name.clone(), TensorData::new(values, data.shape().clone()));
                    by_hand(&load_weights(model.clone(), all).unwrap())[0]
                };
                // A central difference: its error is of the order of h^2 = 1e-4 and of 1e-7 / h =
                // 1e-5.
                let h = 1e-2;
                let expected = (shifted(h) - shifted(-h)) / (2.0 * f64::from(h));
                let found = f64::from(values[index]) - f64::from(after[index]);
                assert!(
                    (found - expected).abs() < 5e-4 * (1.0 + expected.abs()),
                    "alpha {alpha}, {name}[{index}]: found {found}, expected {expected}"
                );
                checked += 1;
            }
        }
        assert_eq!(checked, 2 * 4 + 4 + 4 + 1);
    }
}
