//! Moments and quantiles of known targets, from starts far away, by kernels that reject.

mod common;
mod targets;

use burn::tensor::Device;
use common::{DoubleWell, Tabulated};
use ebm_sampling::hamiltonian::HamiltonianMonteCarlo;
use ebm_sampling::metropolis_hastings::{
    Mala, MetropolisHastings, RandomWalkMetropolis, UniformWalk,
};
use ebm_sampling::{Draws, Schedule};
use targets::{Banana, Gaussian, assert_banana, assert_distribution, assert_turned, draws};

/// Of 64 chains.
fn long() -> Schedule {
    Schedule::new(1000, 500).with_thin(40)
}

/// Standard deviations 1 and 0.1.
#[test]
fn a_correlated_gaussian() {
    let target = Gaussian::turned(0.1, [0.0; 2], &Device::flex());
    let check = |draws: &Draws, what: &str| assert_turned(draws, [1.0, 0.1], what);
    let start = (64, 2, 3.0);
    let walk = RandomWalkMetropolis::new(0.25);
    check(&draws(&walk, &target, start, long(), 1), "random walk");
    let walk = MetropolisHastings::proposing(UniformWalk { half_width: 0.4 });
    check(&draws(&walk, &target, start, long(), 2), "uniform walk");
    let mala = Mala::new(0.006);
    check(&draws(&mala, &target, start, long(), 3), "MALA");
    let hamiltonian = HamiltonianMonteCarlo::new(0.12, 9);
    let schedule = Schedule::new(60, 500);
    check(&draws(&hamiltonian, &target, start, schedule, 4), "HMC");
}

#[test]
fn a_banana() {
    let start = (64, 2, 1.0);
    let walk = RandomWalkMetropolis::new(0.7);
    assert_banana(&draws(&walk, &Banana {}, start, long(), 5), "random walk");
    let mala = Mala::new(0.04);
    assert_banana(&draws(&mala, &Banana {}, start, long(), 6), "MALA");
    let hamiltonian = HamiltonianMonteCarlo::new(0.18, 8);
    let schedule = Schedule::new(60, 800);
    assert_banana(&draws(&hamiltonian, &Banana {}, start, schedule, 7), "HMC");
}

/// Two wells of different depth, which chains cross by themselves.
#[test]
fn a_double_well() {
    let density = Tabulated::new(DoubleWell::at, 1.0, (-3.5, 3.5));
    let quantiles: Vec<(f64, f64)> = [-1.1, -0.9, 0.0, 0.9, 1.1]
        .map(|x| (x, density.probability(x)))
        .to_vec();
    // Moments from the same table.
    let moment = |power: i32| -> f64 {
        let at = |i: u32| {
            let u = (f64::from(i) + 0.5) / 200_000.0;
            density.quantile(u).powi(power)
        };
        (0..200_000).map(at).sum::<f64>() / 200_000.0
    };
    let (mean, square) = (moment(1), moment(2));
    let check = |draws: &Draws, what: &str| {
        let (chains, variance) = (draws.chains(0), square - mean * mean);
        assert_distribution(&chains, mean, variance, &quantiles, what);
    };
    // Further out, where the walls are steep, Langevin proposals overshoot and are rejected for
    // very long.
    let start = (64, 1, 0.5);
    let schedule = Schedule::new(300, 500).with_thin(20);
    let walk = RandomWalkMetropolis::new(1.2);
    let found = draws(&walk, &DoubleWell {}, start, schedule, 9);
    check(&found, "random walk");
    let mala = Mala::new(0.06);
    check(&draws(&mala, &DoubleWell {}, start, schedule, 10), "MALA");
    let hamiltonian = HamiltonianMonteCarlo::new(0.25, 6);
    let schedule = Schedule::new(100, 1500);
    let found = draws(&hamiltonian, &DoubleWell {}, start, schedule, 11);
    check(&found, "HMC");
}
