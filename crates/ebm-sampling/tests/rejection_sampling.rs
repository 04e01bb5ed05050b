//! Rejection sampling is exact, estimates log Z, and reports an envelope that is too low.
#![allow(clippy::unwrap_used)]

mod common;

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use common::{
    DoubleWell, NanWherePositive, Quadratic, Tabulated, WallWherePositive, assert_chi_square,
    assert_close_to, assert_even, assert_uniform, assert_within_error, cells, devices, values,
};
use ebm_models::{Coding, Energy, MlpConfig, log_partition_of, states};
use ebm_ops::Noise;
use ebm_sampling::density::{Density, NormalDensity, UniformDensity, UniformStates};
use ebm_sampling::importance_sampling::{RejectionError, RejectionSample, RejectionSampler};

const STD: f64 = 1.5;

/// `E(x) = -4/5 sum_i x_i x_(i+1) + 3/10 x_1` of spins in a row.
#[derive(Clone, Debug)]
struct SpinChain {}

impl Energy<2> for SpinChain {
    fn energy(&self, x: Tensor<2>) -> Tensor<1> {
        let [_, units] = x.dims();
        let pairs = x.clone().narrow(1, 1, units - 1) * x.clone().narrow(1, 0, units - 1);
        let field = x.narrow(1, 0, 1).mul_scalar(0.3);
        let couplings = pairs.sum_dim(1).mul_scalar(-0.8);
        (couplings + field).squeeze_dim(1)
    }
}

/// `E(x) = -inf` where the value is positive, else 0.
#[derive(Clone, Debug)]
struct PitWherePositive {}

impl Energy<2> for PitWherePositive {
    fn energy(&self, x: Tensor<2>) -> Tensor<1> {
        WallWherePositive {}.energy(x).neg()
    }
}

/// Values of a function on a fine grid of `[-4, 4]`.
fn grid(function: impl Fn(f64) -> f64) -> Vec<f64> {
    (0..=80_000)
        .map(|i| function(-4.0 + 1e-4 * f64::from(i)))
        .collect()
}

/// The largest `-E(x) - log q(x)` of the double well under a normal; a grid of 1e-4 misses less
/// than 1e-7 of it.
fn double_well_bound() -> f64 {
    let log_q = |x: f64| -0.5 * (x / STD).powi(2) - (STD * std::f64::consts::TAU.sqrt()).ln();
    let weights = grid(|x| -DoubleWell::at(x) - log_q(x));
    weights.into_iter().fold(f64::NEG_INFINITY, f64::max) + 1e-7
}

fn double_well_sampler(values_each: usize, device: &Device) -> RejectionSampler<NormalDensity> {
    let envelope = NormalDensity::isotropic(0.0, STD, &[values_each], device);
    RejectionSampler::new(envelope, values_each as f64 * double_well_bound())
}

/// One value by Kolmogorov and Smirnov, two values in 36 cells of equal probability, log Z by the
/// trapezoidal rule.
#[test]
fn samples_are_exact_and_log_z_is_right() {
    let density = Tabulated::new(DoubleWell::at, 1.0, (-3.5, 3.5));
    let log_z = (grid(|x| (-DoubleWell::at(x)).exp()).iter().sum::<f64>() * 1e-4).ln();
    for device in devices() {
        for values_each in [1, 2] {
            let sampler = double_well_sampler(values_each, &device);
            let drawn: RejectionSample<2> = sampler
                .sample(&DoubleWell {}, 30_000, &mut Noise::new(1))
                .unwrap();
            assert_eq!(drawn.samples.dims(), [30_000, values_each]);
            assert_eq!(drawn.effective_sample_size(), 30_000.0);
            assert_eq!(drawn.not_a_number, 0);
            assert!(drawn.accepted >= 30_000 && drawn.proposals > drawn.accepted);
            let log_partition = drawn.log_partition;
            assert_within_error(
                log_partition.value,
                values_each as f64 * log_z,
                log_partition.standard_error,
                "log Z",
            );
            let rate = drawn.acceptance_rate();
            assert!((log_partition.value - sampler.log_bound - rate.ln()).abs() < 1e-12);

            let positions = values(drawn.samples);
            let probabilities = positions.iter().map(|&x| density.probability(x)).collect();
            assert_uniform(
                probabilities,
                &format!("{values_each} values on {device:?}"),
            );
            let sides = if values_each == 1 { 36 } else { 6 };
            let mut counts = [0; 36];
            for cell in cells(&positions, &density, sides).chunks(values_each) {
                counts[cell.iter().fold(0, |index, cell| index * sides + cell)] += 1;
            }
            assert_even(&counts, "cells");
        }
    }
}

/// All 32 states of five spins, by enumeration. The bound is the exact maximum, which f32 must not
/// seem to exceed.
#[test]
fn discrete_samples_are_exact_under_a_bound_that_touches() {
    for device in devices() {
        let all = states(0, 32, 5, -1.0, 1.0, &device);
        let energies = values(SpinChain {}.energy(all));
        let bound = 4.0 * 0.8 + 0.3 + 5.0 * 2_f64.ln();
        let sampler = RejectionSampler::new(UniformStates::new(Coding::Spin, &[5], &device), bound);
        let drawn: RejectionSample<2> = sampler
            .sample(&SpinChain {}, 40_000, &mut Noise::new(2))
            .unwrap();
        let log_z = log_partition_of(|x| SpinChain {}.energy(x), 5, -1.0, 1.0, &device, &mut ());
        let log_z = log_z.unwrap();
        let error = drawn.log_partition.standard_error;
        assert_within_error(drawn.log_partition.value, log_z, error, "log Z");
        assert!((drawn.largest_log_weight - bound).abs() < 1e-6);
        let mut counts = [0.0; 32];
        for state in values(drawn.samples).chunks(5) {
            let bits = state.iter().rev().map(|&x| usize::from(x > 0.0));
            counts[bits.fold(0, |number, bit| 2 * number + bit)] += 1.0;
        }
        let statistic = counts
            .iter()
            .zip(energies)
            .map(|(count, energy)| {
                let expected = 40_000.0 * (-energy - log_z).exp();
                (count - expected).powi(2) / expected
            })
            .sum();
        assert_chi_square(statistic, 31.0, "states");
    }
}

/// The largest weight of 32 states is found among 4,096 proposals but for a chance of 1e-56, so the
/// number is exact. A shortfall of 1e-4 nats is no rounding.
#[test]
fn an_envelope_that_is_too_low_is_an_error_that_says_by_how_much() {
    for device in devices() {
        let needed = 4.0 * 0.8 + 0.3 + 5.0 * 2_f64.ln();
        for short in [1e-4, 0.3, 20.0] {
            let envelope = UniformStates::new(Coding::Spin, &[5], &device);
            let sampler = RejectionSampler::new(envelope, needed - short);
            let drawn: Result<RejectionSample<2>, _> =
                sampler.sample(&SpinChain {}, 100_000, &mut Noise::new(3));
            let error = drawn.unwrap_err();
            let RejectionError::Exceeded {
                excess,
                log_bound,
                largest_log_weight,
                proposals,
            } = error
            else {
                panic!("{error}");
            };
            assert!((excess - short).abs() < 2e-6, "{excess}");
            assert!((largest_log_weight - needed).abs() < 2e-6);
            assert_eq!((log_bound, proposals), (needed - short, 4096));
            let message = error.to_string();
            assert!(
                message.contains(&format!("by up to {excess} nats")),
                "{message}"
            );
            assert!(message.contains(&format!("{largest_log_weight} would have done")));
        }
        // What would have done does.
        let envelope = UniformStates::new(Coding::Spin, &[5], &device);
        let sampler = RejectionSampler::new(envelope, needed);
        let drawn: Result<RejectionSample<2>, _> =
            sampler.sample(&SpinChain {}, 10, &mut Noise::new(3));
        assert!(drawn.is_ok());
    }
}

/// Wide target, narrow envelope: it is exceeded in the tails only, so not in the first batch.
#[test]
fn an_excess_is_found_in_later_batches() {
    let device = Device::flex();
    let envelope = NormalDensity::isotropic(0.0, 1.0, &[1], &device);
    // -E - log q = (1 - 1/4) x^2 / 2 + log(2 pi) / 2, which passes the bound at |x| = 4.
    let bound = 0.375 * 16.0 + 0.5 * std::f64::consts::TAU.ln();
    let sampler = RejectionSampler::new(envelope, bound).with_batch(100);
    let energy = Quadratic::new(0.25, &device);
    let drawn: Result<RejectionSample<2>, _> = sampler.sample(&energy, 100_000, &mut Noise::new(4));
    match drawn.unwrap_err() {
        RejectionError::Exceeded {
            excess, proposals, ..
        } => {
            assert!(excess > 0.0 && excess < 0.375 * (5.8 * 5.8 - 16.0));
            assert!(proposals > 100 && proposals % 100 == 0);
        }
        error => panic!("{error}"),
    }
}

#[test]
fn a_budget_that_is_used_up_is_an_error() {
    for device in devices() {
        let sampler = double_well_sampler(1, &device)
            .with_batch(300)
            .with_max_proposals(1000);
        let drawn: Result<RejectionSample<2>, _> =
            sampler.sample(&DoubleWell {}, 1000, &mut Noise::new(5));
        let error = drawn.unwrap_err();
        let RejectionError::BudgetExhausted {
            accepted,
            wanted: 1000,
            proposals: 1000,
            not_a_number: 0,
            largest_log_weight,
        } = error
        else {
            panic!("{error}");
        };
        assert!((100..700).contains(&accepted), "{accepted}");
        assert!(largest_log_weight <= sampler.log_bound);
        let message = error.to_string();
        assert!(
            message.contains(&format!("{accepted} of 1000 samples")),
            "{message}"
        );
        assert!(message.contains(&format!("a rate of {}", accepted as f64 / 1000.0)));
        // Exactly enough is enough.
        let sampler = RejectionSampler::new(UniformDensity::new([-1.0, 0.0], &[1], &device), 0.0);
        let flat: RejectionSample<2> = sampler
            .with_batch(30)
            .with_max_proposals(100)
            .sample(&WallWherePositive {}, 100, &mut Noise::new(6))
            .unwrap();
        assert_eq!((flat.proposals, flat.accepted), (100, 100));
        assert!((flat.log_partition.standard_error - 0.00705).abs() < 1e-4);
    }
}

/// Half the box has an energy of 0, so that `Z = 1`, the other none.
#[test]
fn energies_that_are_not_finite_are_rejected_and_counted() {
    for device in devices() {
        let envelope = UniformDensity::new([-1.0, 1.0], &[1], &device);
        let sampler = RejectionSampler::new(envelope, 2_f64.ln());
        let nan: RejectionSample<2> = sampler
            .sample(&NanWherePositive {}, 10_000, &mut Noise::new(7))
            .unwrap();
        let wall: RejectionSample<2> = sampler
            .sample(&WallWherePositive {}, 10_000, &mut Noise::new(7))
            .unwrap();
        assert_eq!(nan.not_a_number, nan.proposals - nan.accepted);
        assert_eq!(wall.not_a_number, 0);
        for drawn in [nan, wall] {
            let log_z = drawn.log_partition;
            assert_within_error(log_z.value, 0.0, log_z.standard_error, "log Z");
            let probabilities = values(drawn.samples).iter().map(|x| x + 1.0).collect();
            assert_uniform(probabilities, "below zero");
        }
        let nowhere = UniformDensity::new([0.5, 1.0], &[1], &device);
        let sampler = RejectionSampler::new(nowhere.clone(), 2_f64.ln()).with_max_proposals(50);
        let drawn: Result<RejectionSample<2>, _> =
            sampler.sample(&NanWherePositive {}, 1, &mut Noise::new(8));
        let expected = RejectionError::BudgetExhausted {
            accepted: 0,
            wanted: 1,
            proposals: 50,
            not_a_number: 50,
            largest_log_weight: f64::NEG_INFINITY,
        };
        assert_eq!(drawn.unwrap_err(), expected);
        let sampler = RejectionSampler::new(nowhere, 1e300);
        let drawn: Result<RejectionSample<2>, _> =
            sampler.sample(&PitWherePositive {}, 1, &mut Noise::new(8));
        match drawn.unwrap_err() {
            RejectionError::Exceeded { excess, .. } => assert_eq!(excess, f64::INFINITY),
            error => panic!("{error}"),
        }
    }
}

/// 1,000 estimates from 50 samples in small batches, at rates of 0.8 and 0.15: their squared errors
/// in standard errors have mean 1 and variance 2, up to terms of order 1/50; 5 standard errors of
/// the mean are 0.22.
#[test]
fn the_standard_error_of_log_z_is_honest() {
    fn assert_honest<E: Energy<2>, Q: Density<2>>(
        sampler: RejectionSampler<Q>,
        energy: &E,
        log_z: f64,
    ) {
        let sampler = sampler.with_batch(16);
        let mut sum = 0.0;
        for seed in 0..1000 {
            let drawn: RejectionSample<2> =
                sampler.sample(energy, 50, &mut Noise::new(seed)).unwrap();
            assert_eq!(drawn.proposals % 16, 0);
            let found = drawn.log_partition;
            sum += ((found.value - log_z) / found.standard_error).powi(2);
        }
        let error = (2.0 / 1000.0_f64).sqrt();
        assert_within_error(sum / 1000.0, 1.0, error, "squared z");
    }
    let device = Device::flex();
    let box_of = UniformDensity::new([-1.0, 0.25], &[1], &device);
    let sampler = RejectionSampler::new(box_of, 1.25_f64.ln());
    assert_honest(sampler, &WallWherePositive {}, 0.0);
    let log_z = (grid(|x| (-DoubleWell::at(x)).exp()).iter().sum::<f64>() * 1e-4).ln();
    assert_honest(double_well_sampler(1, &device), &DoubleWell {}, log_z);
}

#[test]
fn trainable_parameters_leave_no_graph_and_rank_does_not_matter() {
    for device in devices() {
        let training = device.clone().autodiff();
        let model = MlpConfig::new(6, vec![4]).init(&training, &mut Noise::new(1));
        let on = |device: &Device| UniformDensity::new([-1.0, 1.0], &[1, 2, 3], device);
        let sampler = RejectionSampler::new(on(&training), 10.0);
        let drawn: RejectionSample<4> = sampler.sample(&model, 3, &mut Noise::new(2)).unwrap();
        assert!(!drawn.samples.is_autodiff());
        assert_eq!(drawn.samples.dims(), [3, 1, 2, 3]);
        let sampler = RejectionSampler::new(on(&device), 10.0);
        let frozen: RejectionSample<4> = sampler
            .sample(&model.valid(), 3, &mut Noise::new(2))
            .unwrap();
        assert_eq!(values(drawn.samples), values(frozen.samples));
    }
}

#[test]
#[should_panic(expected = "log_bound must be finite, found NaN")]
fn a_bound_that_is_not_a_number_panics() {
    let envelope = NormalDensity::isotropic(0.0, 1.0, &[1], &Device::flex());
    let sampler = RejectionSampler::new(envelope, f64::NAN);
    let _: Result<RejectionSample<2>, _> = sampler.sample(&DoubleWell {}, 1, &mut Noise::new(1));
}

/// Pinned, to be changed only on purpose.
#[test]
fn the_numbers_of_a_seed() {
    for device in devices() {
        let sampler = double_well_sampler(1, &device).with_batch(8);
        let drawn: RejectionSample<2> = sampler
            .sample(&DoubleWell {}, 4, &mut Noise::new(42))
            .unwrap();
        assert_close_to(&values(drawn.samples), &PINNED, 1e-5);
        assert_eq!((drawn.accepted, drawn.proposals), (6, 40));
    }
}

const PINNED: [f64; 4] = [0.970_963_6, 0.422_821_2, 1.179_721, -0.752_888];
