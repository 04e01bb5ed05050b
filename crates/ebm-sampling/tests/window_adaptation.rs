//! Stan's warm-up: its division of steps, the widths that it finds, the sampler that it makes.
#![allow(clippy::unwrap_used)]

mod common;

use std::sync::atomic::{AtomicUsize, Ordering};

use burn::tensor::{Device, Tensor};
use common::{
    NanWherePositive, Quadratic, assert_close_to, assert_within_error, devices, tensor, values,
};
use ebm_ops::Noise;
use ebm_sampling::adaptation::{
    DualAveraging, WarmupWindows, find_reasonable_step_size, window_adaptation,
};
use ebm_sampling::density::NormalDensity;
use ebm_sampling::diagnostics::{effective_sample_size, r_hat};
use ebm_sampling::hamiltonian::HamiltonianMonteCarlo;
use ebm_sampling::{Schedule, run, sample};

/// As Stan and BlackJAX 1.7 divide them.
#[test]
fn steps_are_divided_as_stan_does() {
    let cases: [(usize, usize, &[usize], usize); 10] = [
        (19, 19, &[], 0),
        (20, 3, &[15], 2),
        (100, 15, &[75], 10),
        (149, 22, &[113], 14),
        (150, 75, &[25], 50),
        (163, 75, &[38], 50),
        (300, 75, &[25, 50, 100], 50),
        (500, 75, &[25, 50, 100, 200], 50),
        (777, 75, &[25, 50, 100, 477], 50),
        (1000, 75, &[25, 50, 100, 200, 500], 50),
    ];
    for (steps, first, slow, last) in cases {
        let expected = WarmupWindows {
            first,
            slow: slow.to_vec(),
            last,
        };
        assert_eq!(WarmupWindows::of(steps), expected, "{steps} steps");
    }
}

#[test]
fn every_step_is_in_one_interval() {
    for steps in 0..3000 {
        let windows = WarmupWindows::of(steps);
        let sum = windows.first + windows.slow.iter().sum::<usize>() + windows.last;
        assert_eq!(sum, steps);
    }
}

/// By hand: the loop of the documentation from public parts, variances by two passes in f64. 20
/// steps are 3, a window of 15, and 2.
#[test]
fn the_parts_make_the_whole() {
    let (chains, target) = (12, 0.7);
    for device in devices() {
        let energy = NormalDensity::new(&[1.0, -2.0], &[0.3, 3.0], &[2], &device);
        let start: Tensor<2> = Noise::new(1).normal([chains, 2], &device);
        let kernel = HamiltonianMonteCarlo::new(0.2, 3);
        let (tuned, warm) = window_adaptation(
            &kernel,
            &energy,
            start.clone(),
            20,
            target,
            &mut Noise::new(2),
        );
        assert_eq!(warm.steps, 20);

        let mut noise = Noise::new(2);
        let mut position = start;
        let mut kernel = find_reasonable_step_size(&kernel, &energy, position.clone(), &mut noise);
        let mut draws: [Vec<f64>; 2] = [Vec::new(), Vec::new()];
        let mut averaging = DualAveraging::new(kernel.step_size, target);
        let step = |kernel: &mut HamiltonianMonteCarlo,
                    averaging: &mut DualAveraging,
                    position: Tensor<2>,
                    noise: &mut Noise| {
            kernel.step_size = averaging.step_size();
            let chains = run(kernel, &energy, position, 1, noise);
            averaging.update(values(chains.acceptance_probability().unwrap().mean())[0]);
            chains.position
        };
        for index in 0..18 {
            position = step(&mut kernel, &mut averaging, position, &mut noise);
            if index >= 3 {
                for pair in values(position.clone()).chunks(2) {
                    draws[0].push(pair[0]);
                    draws[1].push(pair[1]);
                }
            }
        }
        let metric: Vec<f64> = draws
            .iter()
            .map(|draws| {
                let n = draws.len() as f64;
                let mean = draws.iter().sum::<f64>() / n;
                let squares: f64 = draws.iter().map(|x| (x - mean).powi(2)).sum();
                n / (n + 5.0) * squares / (n - 1.0) + 1e-3 * 5.0 / (n + 5.0)
            })
            .collect();
        assert_eq!(draws[0].len(), 15 * chains);
        kernel.step_size = averaging.averaged_step_size();
        let mut kernel = kernel.with_inverse_mass_matrix(tensor(&metric, [2], &device));
        kernel = find_reasonable_step_size(&kernel, &energy, position.clone(), &mut noise);
        let mut averaging = DualAveraging::new(kernel.step_size, target);
        for _ in 0..2 {
            position = step(&mut kernel, &mut averaging, position, &mut noise);
        }
        let found = values(tuned.inverse_mass_matrix.unwrap());
        assert_close_to(&found, &metric, 1e-4);
        let step_size = averaging.averaged_step_size();
        // Two updates leave an average at which next to nothing is accepted: it was halved until
        // half of the target was.
        let halvings = (step_size / tuned.step_size).log2();
        assert!((halvings - halvings.round()).abs() < 1e-3, "{halvings}");
        assert!((1.0..4.0).contains(&halvings.round()), "{halvings}");
        let mut accepted = |step_size: f64| {
            kernel.step_size = step_size;
            let chains = run(&kernel, &energy, position.clone(), 20, &mut noise);
            values(chains.acceptance_probability().unwrap().mean())[0]
        };
        let (long, kept) = (accepted(step_size), accepted(tuned.step_size));
        assert!(long < 0.35 && kept > 0.35, "{long}, {kept}");
        assert_close_to(&values(warm.position), &values(position), 1e-3);
    }
}

/// 50 independent normals with variances from 0.01 to 100, from chains that start at N(0, 1) in
/// each value.
///
/// The variance of a sample variance of `n` independent normals is `2 / n` of its square; chains
/// have as many effective draws of `x^2` as the diagnostics say, and the last window of the warm-up
/// as many in proportion.
#[test]
fn a_badly_scaled_normal_is_found_and_sampled() {
    let (values_each, chains, warmup, draws) = (50, 16, 400, 1000);
    let device = Device::flex();
    let std: Vec<f64> = (0..values_each)
        .map(|i| 10.0_f64.powf(-1.0 + 2.0 * i as f64 / (values_each - 1) as f64))
        .collect();
    let energy = NormalDensity::new(&vec![0.5; values_each], &std, &[values_each], &device);
    let mut noise = Noise::new(11);
    let start: Tensor<2> = noise.normal([chains, values_each], &device);
    let kernel = HamiltonianMonteCarlo::new(1.0, 4).with_random_length();
    let (kernel, warm) = window_adaptation(&kernel, &energy, start, warmup, 0.8, &mut noise);
    let window = *WarmupWindows::of(warmup).slow.last().unwrap();
    let metric = values(kernel.inverse_mass_matrix.clone().unwrap());
    let schedule = Schedule::new(0, draws);
    let (draws, after) = sample(&kernel, &energy, warm.position, schedule, &mut noise);
    let total = (chains * schedule.draws) as f64;
    for (value, std) in std.iter().enumerate() {
        let what = |name| format!("{name} of value {value}");
        let draws = draws.chains(value);
        let rank = r_hat(&draws);
        assert!(rank < 1.01, "{}: {rank}", what("R-hat"));
        let z: Vec<Vec<f64>> = draws
            .iter()
            .map(|chain| chain.iter().map(|x| (x - 0.5) / std).collect())
            .collect();
        let squares: Vec<Vec<f64>> = z
            .iter()
            .map(|chain| chain.iter().map(|z| z * z).collect())
            .collect();
        let mean = |chains: &[Vec<f64>]| chains.iter().flatten().sum::<f64>() / total;
        let error = effective_sample_size(&z).sqrt().recip();
        assert_within_error(mean(&z), 0.0, error, &what("mean"));
        let effective = effective_sample_size(&squares);
        let error = (2.0 / effective).sqrt();
        assert_within_error(mean(&squares), 1.0, error, &what("variance"));
        let in_window = effective / total * (window * chains) as f64;
        let ratio = metric[value] / (std * std);
        let error = (2.0 / in_window).sqrt();
        assert_within_error(ratio, 1.0, error, &what("ratio of the metric"));
    }
    let accepted = values(after.acceptance_probability().unwrap().mean())[0];
    assert!((0.7..0.9).contains(&accepted), "{accepted}");
    assert_eq!(values(after.divergences().unwrap().sum()), [0.0]);
}

/// The metric is that of `exp(-E / T)`.
#[test]
fn a_temperature_widens_the_metric() {
    for device in devices() {
        let energy = Quadratic::new(4.0, &device);
        let mut noise = Noise::new(3);
        let start: Tensor<2> = noise.normal([500, 2], &device);
        let kernel = HamiltonianMonteCarlo::new(0.5, 2).with_temperature(8.0);
        let (tuned, _) = window_adaptation(&kernel, &energy, start, 150, 0.8, &mut noise);
        assert!((tuned.temperature, tuned.leapfrog_steps, tuned.random_length) == (8.0, 2, false));
        // 500 chains at least are independent draws.
        for variance in values(tuned.inverse_mass_matrix.unwrap()) {
            assert_within_error(variance / 2.0, 1.0, (2.0 / 500.0_f64).sqrt(), "variance");
        }
    }
}

#[test]
fn few_steps_tune_the_step_size_alone() {
    let device = Device::flex();
    let energy = Quadratic::new(4.0, &device);
    let mut noise = Noise::new(3);
    let start: Tensor<2> = noise.normal([10, 2], &device);
    let kernel = HamiltonianMonteCarlo::new(1e-3, 2);
    let (tuned, warm) = window_adaptation(&kernel, &energy, start, 19, 0.8, &mut noise);
    assert!(tuned.inverse_mass_matrix.is_none());
    assert!(tuned.step_size > 0.1);
    assert_eq!(warm.steps, 19);
}

/// Chains that start where nothing is a number diverge at each transition, which counts them, and
/// are left out; the step stays.
#[test]
fn every_step_is_made_once() {
    let device = Device::flex();
    let kernel = HamiltonianMonteCarlo::new(1.0, 1);
    for steps in [0, 19, 20, 150, 700] {
        let start = Tensor::<2>::full([3, 2], 0.2, &device);
        let mut noise = Noise::new(3);
        let (tuned, warm) =
            window_adaptation(&kernel, &NanWherePositive {}, start, steps, 0.8, &mut noise);
        assert_eq!(tuned.step_size, 1.0);
        if steps > 0 {
            assert_eq!(values(warm.divergences().unwrap()), [steps as f64; 3]);
            assert_eq!(values(warm.left_out().unwrap()), [steps as f64; 3]);
        }
    }
}

#[test]
fn what_is_not_a_number_is_never_entered() {
    for device in devices() {
        let start = Tensor::<2>::full([100, 2], -0.2, &device);
        let kernel = HamiltonianMonteCarlo::new(1.0, 2);
        let mut noise = Noise::new(3);
        let (tuned, warm) =
            window_adaptation(&kernel, &NanWherePositive {}, start, 60, 0.8, &mut noise);
        assert!(values(warm.position.clone()).iter().all(|&x| x < 0.0));
        assert!(values(warm.divergences().unwrap().sum())[0] > 0.0);
        assert!(tuned.step_size > 0.0 && tuned.step_size.is_finite());
        let metric = values(tuned.inverse_mass_matrix.unwrap());
        assert!(metric.iter().all(|&m| m > 0.0 && m.is_finite()));
    }
}

/// Pinned, to be changed only on purpose.
#[test]
fn the_numbers_of_a_seed() {
    for device in devices() {
        let energy = NormalDensity::new(&[0.0; 2], &[1.0, 5.0], &[2], &device);
        let start: Tensor<2> = Noise::new(1).normal([12, 2], &device);
        let kernel = HamiltonianMonteCarlo::new(0.1, 3);
        let (tuned, _) = window_adaptation(&kernel, &energy, start, 20, 0.8, &mut Noise::new(44));
        let metric = values(tuned.inverse_mass_matrix.unwrap());
        assert_close_to(&[tuned.step_size, metric[0], metric[1]], &PINNED, 1e-3);
    }
}

const PINNED: [f64; 3] = [1.355_913, 1.170_282, 19.525_205];

/// Where a window ends with few updates, as where chains were without a finite energy until then,
/// the next one searches a step size anyway: it isn't judged by transitions of its own.
#[test]
fn only_the_last_interval_is_judged() {
    let device = Device::flex();
    let calls = AtomicUsize::new(0);
    let leapfrog_steps = 10;
    // 40 steps: 6 and a window of 30, in which the energy becomes finite 5 transitions before the
    // end, and 4.
    let finite_from = 31 * leapfrog_steps;
    let energy = |x: Tensor<2>| {
        let call = calls.fetch_add(1, Ordering::Relaxed);
        let beyond = if call < finite_from {
            f64::INFINITY
        } else {
            0.0
        };
        let squares: Tensor<1> = x.square().sum_dim(1).squeeze_dim(1);
        squares.mul_scalar(0.5).add_scalar(beyond)
    };
    let start: Tensor<2> = Noise::new(21).normal([10, 20], &device);
    let kernel = HamiltonianMonteCarlo::new(0.1, leapfrog_steps);
    let (_, warm) = window_adaptation(&kernel, &energy, start, 40, 0.95, &mut Noise::new(22));
    // No chain counted before the 31st transition ended where the energy is finite.
    assert_eq!(values(warm.left_out().unwrap()), [31.0; 10]);
    // Beside the transitions themselves: 3 that search the step size of the last interval, and 4
    // that judge it.
    let transitions = 40 + 3 + 4;
    let calls = calls.load(Ordering::Relaxed);
    assert!(
        calls <= 1 + transitions * leapfrog_steps,
        "{calls} energies"
    );
}
