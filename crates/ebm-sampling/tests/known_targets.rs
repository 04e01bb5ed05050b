//! Each kernel for vectors gets means, variances and quantiles of known targets right, from starts that are far away.

mod common;
mod targets;

use burn::tensor::{Device, Tensor};
use common::{DoubleWell, Tabulated, phi};
use ebm_models::Energy;
use ebm_ops::Noise;
use ebm_sampling::{
    Draws, HamiltonianMonteCarlo, Kernel, LangevinProposal, Mala, MetropolisHastings,
    RandomWalkMetropolis, Schedule, UniformWalk, sample,
};
use targets::{Banana, Funnel, Gaussian, assert_distribution, assert_normal};

/// Draws of 16 chains that start at `spread` times a standard normal.
fn draws<E: Energy<2>, K: Kernel<E, Tensor<2>>>(
    kernel: &K,
    energy: &E,
    (dimensions, spread): (usize, f64),
    schedule: Schedule,
    seed: u64,
) -> Draws {
    let mut noise = Noise::new(seed);
    let start: Tensor<2> = noise.normal([16, dimensions], &Device::flex());
    sample(
        kernel,
        energy,
        start.mul_scalar(spread),
        schedule,
        &mut noise,
    )
    .0
}

#[test]
fn a_correlated_gaussian() {
    // Standard deviations 1 and 0.1.
    let target = Gaussian::turned(0.1, &Device::flex());
    let (cos2, sin2) = (0.75, 0.25);
    let deviations = [cos2 + sin2 * 0.01, sin2 + cos2 * 0.01].map(f64::sqrt);
    let check = |draws: &Draws, what: &str| {
        for (quantity, std) in deviations.into_iter().enumerate() {
            assert_normal(draws, quantity, 0.0, std, what);
        }
    };
    let long = Schedule::new(1000, 2000).with_thin(15);
    check(
        &draws(&RandomWalkMetropolis::new(0.25), &target, (2, 3.0), long, 1),
        "random walk",
    );
    let kernel = MetropolisHastings::proposing(UniformWalk { half_width: 0.4 });
    check(&draws(&kernel, &target, (2, 3.0), long, 2), "uniform walk");
    check(
        &draws(&Mala::new(0.006), &target, (2, 3.0), long, 3),
        "MALA",
    );
    let kernel = HamiltonianMonteCarlo::new(0.12, 9);
    check(
        &draws(&kernel, &target, (2, 3.0), Schedule::new(60, 500), 4),
        "HMC",
    );
}

#[test]
fn a_banana() {
    let check = |draws: &Draws, what: &str| {
        assert_normal(draws, 0, 0.0, 1.0, what);
        // P(x_2 <= 0): over x_1, of the normal of 0.5 z.
        let below = integrate(|x| phi(Banana::BEND * (1.0 - x * x) / 0.5));
        assert_distribution(
            &draws.chains(1),
            0.0,
            Banana::variance(),
            &[(0.0, below)],
            what,
        );
    };
    let long = Schedule::new(1000, 2000).with_thin(15);
    check(
        &draws(
            &RandomWalkMetropolis::new(0.7),
            &Banana {},
            (2, 1.0),
            long,
            5,
        ),
        "random walk",
    );
    check(
        &draws(&Mala::new(0.04), &Banana {}, (2, 1.0), long, 6),
        "MALA",
    );
    let kernel = HamiltonianMonteCarlo::new(0.18, 8);
    check(
        &draws(&kernel, &Banana {}, (2, 1.0), Schedule::new(100, 800), 7),
        "HMC",
    );
}

/// A funnel mild enough for one step size: `v ~ N(0, 1)` and four values.
#[test]
fn a_funnel() {
    let kernel = HamiltonianMonteCarlo::new(0.15, 12);
    let draws = draws(
        &kernel,
        &Funnel { spread: 1.0 },
        (5, 0.5),
        Schedule::new(100, 1500),
        8,
    );
    assert_normal(&draws, 0, 0.0, 1.0, "v");
    // x_i is symmetric with variance E[exp(v)] = exp(1/2).
    let inside = integrate(|v| phi((-0.5 * v).exp()));
    for quantity in 1..5 {
        let quantiles = [(0.0, 0.5), (1.0, inside)];
        let chains = draws.chains(quantity);
        assert_distribution(&chains, 0.0, 0.5_f64.exp(), &quantiles, "x");
    }
}

/// Two wells of different depth, which chains cross by themselves.
#[test]
fn a_double_well() {
    let density = Tabulated::new(DoubleWell::at, 1.0, (-3.5, 3.5));
    let quantiles: Vec<(f64, f64)> = [-1.1, -0.9, 0.0, 0.9, 1.1]
        .map(|x| (x, density.probability(x)))
        .to_vec();
    // Moments by the trapezoidal rule on the same table.
    let moment = |power: i32| -> f64 {
        let at = |i: u32| {
            density
                .quantile((f64::from(i) + 0.5) / 200_000.0)
                .powi(power)
        };
        (0..200_000).map(at).sum::<f64>() / 200_000.0
    };
    let (mean, square) = (moment(1), moment(2));
    let check = |draws: &Draws, what: &str| {
        let chains = draws.chains(0);
        assert_distribution(&chains, mean, square - mean * mean, &quantiles, what);
    };
    let long = Schedule::new(300, 2000).with_thin(10);
    check(
        &draws(
            &RandomWalkMetropolis::new(1.2),
            &DoubleWell {},
            (1, 1.0),
            long,
            9,
        ),
        "random walk",
    );
    let kernel = MetropolisHastings::proposing(LangevinProposal { step_size: 0.06 });
    check(&draws(&kernel, &DoubleWell {}, (1, 1.0), long, 10), "MALA");
    let kernel = HamiltonianMonteCarlo::new(0.25, 6);
    check(
        &draws(
            &kernel,
            &DoubleWell {},
            (1, 1.0),
            Schedule::new(100, 2000),
            11,
        ),
        "HMC",
    );
}

/// The expectation of `value` over a standard normal, by the trapezoidal rule, which converges faster than any power here.
fn integrate(value: impl Fn(f64) -> f64) -> f64 {
    let step = 0.01;
    (-900..=900)
        .map(|i| {
            let z = f64::from(i) * step;
            value(z) * (-0.5 * z * z).exp() * step / std::f64::consts::TAU.sqrt()
        })
        .sum()
}
