//! ChEES-HMC finds the length at which its criterion is largest, and then samples right.
#![allow(clippy::unwrap_used)]

mod common;

use burn::tensor::{Device, Tensor};
use common::{
    NanWherePositive, Quadratic, assert_close_to, assert_within_error, devices, tensor, values,
};
use ebm_models::Energy;
use ebm_ops::Noise;
use ebm_sampling::adaptation::{MAX_LEAPFROG_STEPS, chees_adaptation};
use ebm_sampling::density::NormalDensity;
use ebm_sampling::diagnostics::{effective_sample_size, r_hat};
use ebm_sampling::hamiltonian::HamiltonianMonteCarlo;
use ebm_sampling::{Schedule, sample};

/// The longest trajectory of a kernel.
fn longest(kernel: &HamiltonianMonteCarlo) -> f64 {
    kernel.step_size * (2 * kernel.leapfrog_steps - 1) as f64
}

/// Of a standard normal in `d` values, a trajectory that turns `(x, p)` by an angle `a` changes
/// `|x|^2` by `(|p|^2 -
/// |x|^2) sin^2 a + x.p sin 2a`, so that the criterion is in proportion to `d sin^2 a`. A leapfrog step of `h` turns by
/// the angle with `cos(angle) = 1 - h^2 / 2` (nearly; the ellipse is of no account for short
/// steps), and a trajectory of length `u T` takes `ceil(u T / h)` of them. The length at which the
/// derivative, the mean of `u T sin 2a` over `u`, is 0, by bisection; 2.2467, where `tan 2T = 2T`,
/// for infinitely short steps.
fn best_length(step: f64) -> f64 {
    let angle = (1.0 - step * step / 2.0).acos();
    let slope = |length: f64| -> f64 {
        (0..20_000)
            .map(|i| (f64::from(i) + 0.5) / 20_000.0 * length)
            .map(|time| time * (2.0 * (time / step).ceil() * angle).sin())
            .sum()
    };
    let (mut low, mut high) = (1.2, 3.0);
    for _ in 0..30 {
        let middle = (low + high) / 2.0;
        if slope(middle) > 0.0 {
            low = middle;
        } else {
            high = middle;
        }
    }
    low
}

#[test]
fn theory_without_steps() {
    let length = best_length(1e-3);
    assert!((length - 2.2467).abs() < 1e-3, "{length}");
}

/// From a short and from a long start, between which and the best length the criterion has no other
/// maximum. The mean of adaptations with different numbers, judged by their spread; what they
/// return is on a grid of two steps, so off by up to one.
#[test]
fn the_length_of_a_normal_is_the_one_that_theory_gives() {
    let device = Device::flex();
    let energy = Quadratic::new(1.0, &device);
    for first in [1, 15] {
        let tuned: Vec<HamiltonianMonteCarlo> = (0..16)
            .map(|seed| {
                let mut noise = Noise::new(seed);
                let start: Tensor<2> = noise.normal([64, 4], &device);
                let kernel = HamiltonianMonteCarlo::new(0.1, first);
                chees_adaptation(&kernel, &energy, start, 250, 0.999, &mut noise).0
            })
            .collect();
        let n = tuned.len() as f64;
        let mean = tuned.iter().map(longest).sum::<f64>() / n;
        let squares = tuned.iter().map(|kernel| (longest(kernel) - mean).powi(2));
        let error = (squares.sum::<f64>() / (n - 1.0) / n).sqrt();
        let step = tuned.iter().map(|kernel| kernel.step_size).sum::<f64>() / n;
        let expected = best_length(step);
        assert!(
            (mean - expected).abs() < 5.0 * error + step,
            "{mean} +- {error}, expected {expected}, step {step}"
        );
    }
}

/// While the step size is being found it swings to several times what it comes to; the length
/// doesn't go with it, or it would be beyond the next minimum of the criterion, at `T = 3.86`, for
/// good.
#[test]
fn the_first_swings_of_the_step_size_leave_the_length_alone() {
    let device = Device::flex();
    let energy = Quadratic::new(1.0, &device);
    for seed in 0..8 {
        let mut noise = Noise::new(seed);
        let start: Tensor<2> = noise.normal([32, 10], &device);
        let kernel = HamiltonianMonteCarlo::new(0.7, 1);
        let tuned = chees_adaptation(&kernel, &energy, start, 150, 0.651, &mut noise).0;
        let off = longest(&tuned) - best_length(tuned.step_size);
        // By one step because of the grid, and as much again because of chance.
        let step = tuned.step_size;
        assert!(off.abs() < 2.0 * step, "seed {seed}: {off}, step {step}");
    }
}

/// With inverse masses `s^2` a target that is `s` times as wide is adapted to as the narrow one
/// with masses 1, wherever it lies. Over ten steps: later on a rounded decision makes chains part.
#[test]
fn lengths_are_measured_by_the_metric_from_the_centre() {
    let scale = [0.1, 1.0, 30.0];
    for device in devices() {
        let unit = NormalDensity::new(&[0.0; 3], &[1.0, 0.5, 2.0], &[3], &device);
        let far = [2.0, 10.0, -300.0];
        let wide = NormalDensity::new(&far, &[0.1, 0.5, 60.0], &[3], &device);
        let start: Tensor<2> = Noise::new(1).normal([16, 3], &device);
        let scales = tensor(&scale, [1, 3], &device);
        let wide_start = start.clone() * scales.clone() + tensor(&far, [1, 3], &device);
        let kernel = HamiltonianMonteCarlo::new(0.3, 4);
        let metric = tensor(&scale.map(|s| s * s), [3], &device);
        let (plain, warm) = chees_adaptation(&kernel, &unit, start, 10, 0.8, &mut Noise::new(2));
        let kernel = kernel.with_inverse_mass_matrix(metric);
        let (scaled, wide_warm) =
            chees_adaptation(&kernel, &wide, wide_start, 10, 0.8, &mut Noise::new(2));
        assert_close_to(&[scaled.step_size / plain.step_size], &[1.0], 1e-3);
        let back = (wide_warm.position - tensor(&far, [1, 3], &device)) / scales;
        assert_close_to(&values(back), &values(warm.position.clone()), 1e-3);
        assert_eq!(scaled.leapfrog_steps, plain.leapfrog_steps);
        assert!(plain.leapfrog_steps > 2 && plain.random_length);
        assert!(plain.inverse_mass_matrix.is_none() && scaled.inverse_mass_matrix.is_some());
        assert_eq!(warm.steps, 10);
    }
}

/// Correlated values (0.95), which no diagonal metric makes easy: an adapted sampler of short
/// trajectories at first.
///
/// Errors by the effective number of draws of each quantity; the false-positive rate is 5.7e-7
/// each.
#[test]
fn a_correlated_normal_is_sampled() {
    /// `E = (x^2 + y^2 - 2 r x y) / (2 (1 - r^2))`.
    #[derive(Clone, Debug)]
    struct Correlated {}

    const R: f64 = 0.95;

    impl Energy<2> for Correlated {
        fn energy(&self, x: Tensor<2>) -> Tensor<1> {
            let squares: Tensor<1> = x.clone().square().sum_dim(1).squeeze_dim(1);
            let product: Tensor<1> = x.prod_dim(1).squeeze_dim(1);
            (squares - product.mul_scalar(2.0 * R)).div_scalar(2.0 * (1.0 - R * R))
        }
    }

    let device = Device::flex();
    let mut noise = Noise::new(5);
    let start: Tensor<2> = noise.normal([16, 2], &device);
    let kernel = HamiltonianMonteCarlo::new(0.05, 1);
    let (tuned, warm) = chees_adaptation(&kernel, &Correlated {}, start, 400, 0.651, &mut noise);
    // The wide direction has the variance 1.95.
    let theory = 1.95_f64.sqrt() * best_length(tuned.step_size / 1.95_f64.sqrt());
    // Off by up to one step by the grid, and as much again by one adaptation of 16 chains.
    assert!((longest(&tuned) - theory).abs() < 2.0 * tuned.step_size);
    let schedule = Schedule::new(0, 1500);
    let (draws, after) = sample(&tuned, &Correlated {}, warm.position, schedule, &mut noise);
    let (x, y) = (draws.chains(0), draws.chains(1));
    let of = |f: &dyn Fn(f64, f64) -> f64| -> Vec<Vec<f64>> {
        let pairs = x.iter().zip(&y);
        pairs
            .map(|(x, y)| x.iter().zip(y).map(|(&x, &y)| f(x, y)).collect())
            .collect()
    };
    // Variances of x, x^2 and x y.
    let quantities: [(&str, Vec<Vec<f64>>, f64, f64); 4] = [
        ("x", of(&|x, _| x), 0.0, 1.0),
        ("x^2", of(&|x, _| x * x), 1.0, 2.0),
        ("y^2", of(&|_, y| y * y), 1.0, 2.0),
        ("x y", of(&|x, y| x * y), R, 1.0 + R * R),
    ];
    for (name, chains, expected, variance) in quantities {
        let total = chains.iter().flatten().count() as f64;
        let mean = chains.iter().flatten().sum::<f64>() / total;
        let error = (variance / effective_sample_size(&chains)).sqrt();
        assert_within_error(mean, expected, error, name);
        let rank = r_hat(&chains);
        assert!(rank < 1.01, "R-hat of {name}: {rank}");
    }
    let accepted = values(after.acceptance_probability().unwrap().mean())[0];
    // Tuned is the harmonic mean, which is less than the mean.
    assert!((0.651..0.95).contains(&accepted), "{accepted}");
}

/// A flat energy has trajectories that carry chains ever further: the length stays within what is
/// allowed.
#[test]
fn trajectories_stay_finite() {
    let device = Device::flex();
    let start: Tensor<2> = Noise::new(1).normal([8, 2], &device);
    let kernel = HamiltonianMonteCarlo::new(0.5, 400);
    let energy = Quadratic::new(1e-6, &device);
    let (tuned, _) = chees_adaptation(&kernel, &energy, start, 5, 0.651, &mut Noise::new(2));
    assert!(tuned.leapfrog_steps <= MAX_LEAPFROG_STEPS / 2);
}

#[test]
fn what_is_not_a_number_is_never_entered() {
    for device in devices() {
        let start = Tensor::<2>::full([100, 2], -0.2, &device);
        let kernel = HamiltonianMonteCarlo::new(0.3, 2);
        let mut noise = Noise::new(3);
        let (tuned, warm) =
            chees_adaptation(&kernel, &NanWherePositive {}, start, 60, 0.651, &mut noise);
        assert!(values(warm.position.clone()).iter().all(|&x| x < 0.0));
        assert!(values(warm.divergences().unwrap().sum())[0] > 0.0);
        assert!(tuned.step_size > 0.0 && tuned.step_size.is_finite());
        assert!((1..=MAX_LEAPFROG_STEPS / 2).contains(&tuned.leapfrog_steps));
    }
}

#[test]
fn without_steps_the_kernel_stays() {
    let device = Device::flex();
    let start = Tensor::<2>::zeros([2, 1], &device);
    let kernel = HamiltonianMonteCarlo::new(0.3, 5).with_temperature(2.0);
    let energy = Quadratic::new(1.0, &device);
    let (same, _) = chees_adaptation(&kernel, &energy, start, 0, 0.651, &mut Noise::new(1));
    assert_eq!((same.step_size, same.leapfrog_steps), (0.3, 5));
    assert_eq!((same.temperature, same.random_length), (2.0, true));
}

#[test]
#[should_panic(expected = "a length is learnt from at least two chains, got 1")]
fn a_single_chain_is_refused() {
    let device = Device::flex();
    let start = Tensor::<2>::zeros([1, 1], &device);
    let kernel = HamiltonianMonteCarlo::new(0.3, 5);
    chees_adaptation(
        &kernel,
        &Quadratic::new(1.0, &device),
        start,
        1,
        0.651,
        &mut Noise::new(1),
    );
}

/// Pinned, to be changed only on purpose.
#[test]
fn the_numbers_of_a_seed() {
    for device in devices() {
        let energy = Quadratic::new(1.0, &device);
        let start: Tensor<2> = Noise::new(1).normal([20, 2], &device);
        let kernel = HamiltonianMonteCarlo::new(0.1, 10);
        let (tuned, _) = chees_adaptation(&kernel, &energy, start, 30, 0.8, &mut Noise::new(42));
        assert_close_to(&[tuned.step_size, longest(&tuned)], &PINNED, 1e-3);
    }
}

const PINNED: [f64; 2] = [0.816_667_6, 2.450_002_8];
