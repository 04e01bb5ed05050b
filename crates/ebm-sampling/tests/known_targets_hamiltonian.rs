//! Adapted Hamiltonian Monte Carlo on targets of many and of very different widths.
#![allow(clippy::unwrap_used)]

mod common;
mod targets;

use burn::tensor::{Device, Tensor};
use common::{assert_within_error, phi, values};
use ebm_ops::Noise;
use ebm_sampling::adaptation::{chees_adaptation, window_adaptation};
use ebm_sampling::diagnostics::monte_carlo_error;
use ebm_sampling::hamiltonian::HamiltonianMonteCarlo;
use ebm_sampling::{Schedule, run, sample};
use targets::{
    Funnel, Gaussian, assert_distribution, assert_normal, assert_turned, draws, of_pairs,
    over_normal,
};

/// 50 correlated values with variances from 1 to 1e-4, from chains that start hundreds of standard
/// deviations away in the narrowest. 350 moments and quantiles at 5.7e-7 each.
#[test]
fn fifty_correlated_values_over_four_decades_of_variance() {
    let (dimensions, rho, thin) = (50, 0.5, 0.01);
    let device = Device::flex();
    let target = Gaussian::chain(dimensions, rho, thin, &device);
    let mut noise = Noise::new(1);
    let start: Tensor<2> = noise.normal([64, dimensions], &device);
    let kernel = HamiltonianMonteCarlo::new(1.0, 5).with_random_length();
    let start = start.mul_scalar(3.0);
    let (kernel, warm) = window_adaptation(&kernel, &target, start, 250, 0.8, &mut noise);
    let schedule = Schedule::new(0, 300);
    let (draws, after) = sample(&kernel, &target, warm.position, schedule, &mut noise);
    let std = |i| Gaussian::scale_of_chain(i, dimensions, thin);
    for value in 0..dimensions {
        let what = format!("value {value}");
        assert_normal(&draws.chains(value), 0.0, std(value), &what);
    }
    let products = of_pairs(&draws, |x, y| x * y);
    let count = products.iter().flatten().count() as f64;
    let covariance = products.iter().flatten().sum::<f64>() / count;
    let error = monte_carlo_error(&products);
    assert_within_error(covariance, rho * std(0) * std(1), error, "covariance");
    assert_eq!(values(after.divergences().unwrap().sum()), [0.0]);
}

/// Standard deviations 1 and 0.01 in directions that no diagonal metric can tell apart:
/// trajectories of some 100 steps, whose length is learnt.
#[test]
fn a_thin_turned_gaussian_by_long_trajectories() {
    let device = Device::flex();
    let target = Gaussian::turned(0.01, [0.0; 2], &device);
    let mut noise = Noise::new(2);
    let start: Tensor<2> = noise.normal([64, 2], &device);
    let kernel = HamiltonianMonteCarlo::new(0.012, 30);
    // Chains that are still on their way in would hold the length where it is.
    let way_in = kernel.clone().with_random_length();
    let start = run(&way_in, &target, start.mul_scalar(3.0), 30, &mut noise).position;
    let (kernel, warm) = chees_adaptation(&kernel, &target, start, 100, 0.8, &mut noise);
    let length = kernel.step_size * kernel.leapfrog_steps as f64;
    assert!((0.8..2.0).contains(&length), "{length}");
    let schedule = Schedule::new(0, 200);
    let (draws, _) = sample(&kernel, &target, warm.position, schedule, &mut noise);
    assert_turned(&draws, [1.0, 0.01], "long trajectories");
}

/// A funnel mild enough for one step size: `v ~ N(0, 1)` and four values, no divergence.
#[test]
fn a_mild_funnel() {
    let target = Funnel { spread: 1.0 };
    let kernel = HamiltonianMonteCarlo::new(0.15, 12);
    let draws = draws(&kernel, &target, (64, 5, 0.5), Schedule::new(50, 400), 3);
    assert_normal(&draws.chains(0), 0.0, 1.0, "v");
    // x_i is symmetric with variance E[exp(v)] = exp(1/2).
    let inside = over_normal(|v| phi((-0.5 * v).exp()));
    for quantity in 1..5 {
        let quantiles = [(0.0, 0.5), (1.0, inside)];
        let chains = draws.chains(quantity);
        assert_distribution(&chains, 0.0, 0.5_f64.exp(), &quantiles, "x");
    }
    let widths = of_pairs(&draws, |v, x| x * (-0.5 * v).exp());
    assert_normal(&widths, 0.0, 1.0, "x by its width");
}

/// Neal's own, `v ~ N(0, 9)` and nine values: its neck is narrower than any step that gets about in
/// its mouth, and what chains that try to enter report is divergences. From exact draws, so that
/// all chains are where the target has them.
#[test]
fn divergences_tell_of_a_funnel_too_narrow_for_one_step_size() {
    let device = Device::flex();
    let diverging = |spread: f64| {
        let (target, mut noise) = (Funnel { spread }, Noise::new(4));
        let start = target.draw(1000, 9, &device, &mut noise);
        let kernel = HamiltonianMonteCarlo::new(0.15, 12);
        let after = run(&kernel, &target, start, 20, &mut noise);
        let divergences = values(after.divergences().unwrap());
        divergences.iter().filter(|&&count| count > 0.0).count()
    };
    // One chain in 100 has v < -7, where widths are below 0.03.
    assert!(diverging(3.0) > 10, "{}", diverging(3.0));
    assert_eq!(diverging(1.0), 0);
}
