//! Diagnostics equal those of ArviZ 0.21 on chains that both can make, and say what they should of chains that are known.

mod common;

use burn::tensor::Tensor;
use common::{Quadratic, assert_within_error, devices, values};
use ebm_ops::Noise;
use ebm_sampling::diagnostics::{
    autocorrelation, bulk_effective_sample_size, effective_sample_size, monte_carlo_error, r_hat,
    split_r_hat, summary, table, tail_effective_sample_size,
};
use ebm_sampling::{HamiltonianMonteCarlo, Kernel, RandomWalkMetropolis, run, run_with};

/// Autoregressive chains of approximate normals from a linear congruential generator, the same in any language:
/// `x <- persistence x + z`, chain `c` shifted by `c * shift`.
fn chains(length: usize, count: usize, persistence: f64, shift: f64) -> Vec<Vec<f64>> {
    let mut state: u64 = 12345;
    (0..count)
        .map(|chain| {
            let mut x = 0.0;
            (0..length)
                .map(|_| {
                    let mut z = 0.0;
                    for _ in 0..12 {
                        state = (1_664_525 * state + 1_013_904_223) % (1 << 32);
                        z += state as f64 / 4_294_967_296.0;
                    }
                    z -= 6.0;
                    x = persistence * x + z;
                    x + shift * chain as f64
                })
                .collect()
        })
        .collect()
}

/// `az.ess` with methods bulk, tail and mean, `az.rhat` with methods rank and split, `az.mcse`, of ArviZ 0.21.0.
#[test]
fn the_numbers_of_arviz() {
    #[rustfmt::skip]
    let cases = [
        ((1000, 4, 0.7, 0.0), [672.7384661551027, 1348.2667939452895, 673.17043011701, 1.0033449914445622, 1.0026529385012306, 0.05453784148635772]),
        ((500, 3, 0.0, 0.0), [1305.6650800972882, 1314.0520940865008, 1310.5200993945507, 0.9995019040265556, 0.9989522562343305, 0.02747346557987764]),
        ((400, 2, -0.6, 0.0), [2322.471989593555, 612.7496047703876, 2322.471989593555, 1.0010608947732476, 0.9982422049503918, 0.024982560065195638]),
        ((300, 4, 0.3, 0.8), [9.813879970205427, 139.04170872130263, 9.693228796103066, 1.3486034611952793, 1.3556951455163364, 0.4512823666429452]),
        ((101, 2, 0.5, 0.1), [65.7582004820811, 108.4976661874309, 66.11731075909, 1.0272237999785743, 1.0276853761890343, 0.14708265955328365]),
    ];
    for ((length, count, persistence, shift), expected) in cases {
        let draws = chains(length, count, persistence, shift);
        let found = [
            bulk_effective_sample_size(&draws),
            tail_effective_sample_size(&draws),
            effective_sample_size(&draws),
            r_hat(&draws),
            split_r_hat(&draws),
            monte_carlo_error(&draws),
        ];
        for (index, (found, expected)) in found.iter().zip(expected).enumerate() {
            assert!(
                (found / expected - 1.0).abs() < 1e-9,
                "{length} draws, number {index}: found {found}, ArviZ {expected}"
            );
        }
    }
}

#[test]
fn an_autoregressive_chain_has_its_autocorrelation() {
    let chain = &chains(200_000, 1, 0.7, 0.0)[0];
    for (lag, rho) in autocorrelation(chain, 10).into_iter().enumerate() {
        // Bartlett's standard error of an autocorrelation of an AR(1) is below sqrt((1 + a^2) / (1 - a^2) / n) = 0.0038;
        // five of them.
        let expected = 0.7_f64.powi(lag as i32);
        assert!((rho - expected).abs() < 0.019, "lag {lag}: {rho}");
    }
}

#[test]
fn draws_that_are_not_finite_or_do_not_move() {
    let mut draws = chains(50, 2, 0.0, 0.0);
    draws[1][7] = f64::NAN;
    for result in [
        r_hat(&draws),
        split_r_hat(&draws),
        effective_sample_size(&draws),
        bulk_effective_sample_size(&draws),
        tail_effective_sample_size(&draws),
        monte_carlo_error(&draws),
    ] {
        assert!(result.is_nan());
    }
    let still = vec![vec![2.0; 20]; 3];
    assert_eq!(effective_sample_size(&still), 60.0);
}

#[test]
#[should_panic(expected = "chain 1 has 4 draws, but chain 0 has 5")]
fn chains_of_different_lengths_are_refused() {
    r_hat(&[vec![0.0; 5], vec![0.0; 4]]);
}

#[test]
#[should_panic(expected = "at least 4 draws, got 2 chains of 3")]
fn chains_that_are_too_short_are_refused() {
    effective_sample_size(&[vec![0.0; 3], vec![0.0; 3]]);
}

/// The first value of each chain over the steps.
fn traces<K: Kernel<Quadratic, Tensor<2>>>(kernel: &K, steps: usize) -> Vec<Vec<f64>> {
    let [device, _] = devices();
    let mut noise = Noise::new(11);
    let energy = Quadratic::new(1.0, &device);
    let start: Tensor<2> = noise.normal([8, 2], &device);
    let mut traces = vec![Vec::new(); 8];
    run_with(kernel, &energy, start, steps, &mut noise, |_, state, _| {
        for (trace, row) in traces
            .iter_mut()
            .zip(values(kernel.position(state)).chunks(2))
        {
            trace.push(row[0]);
        }
    });
    traces
}

/// Chains of a sampler: R-hat near 1, the mean within its error, Hamiltonian draws worth more than those of a random walk.
#[test]
fn chains_of_samplers_are_judged() {
    let walk = traces(&RandomWalkMetropolis::new(1.0), 1500);
    let hamiltonian = traces(&HamiltonianMonteCarlo::new(0.3, 5), 1500);
    for (name, draws) in [("walk", &walk), ("hamiltonian", &hamiltonian)] {
        assert!(r_hat(draws) < 1.02, "{name}: {}", r_hat(draws));
        let mean = draws.iter().flatten().sum::<f64>() / 12_000.0;
        assert_within_error(mean, 0.0, monte_carlo_error(draws), name);
    }
    let [slow, fast] = [&walk, &hamiltonian].map(|draws| bulk_effective_sample_size(draws));
    assert!(fast > 3.0 * slow, "{fast} {slow}");
    let text = table(&[summary("walk", &walk), summary("hamiltonian", &hamiltonian)]);
    assert_eq!(text.lines().count(), 3);
    for word in [
        "mean",
        "sd",
        "mcse",
        "ess_bulk",
        "ess_tail",
        "r_hat",
        "hamiltonian",
    ] {
        assert!(text.contains(word), "{text}");
    }
    // Nobody mixes chains that sit in different places.
    let [device, _] = devices();
    let apart = |at: f64| {
        let start = Tensor::<2>::full([1, 2], at, &device);
        let energy = Quadratic::new(1.0, &device);
        let kernel = RandomWalkMetropolis::new(0.01);
        let mut noise = Noise::new(1);
        (0..50)
            .map(|steps| {
                values(run(&kernel, &energy, start.clone(), steps, &mut noise).position)[0]
            })
            .collect::<Vec<f64>>()
    };
    assert!(r_hat(&[apart(-2.0), apart(2.0)]) > 1.5);
}
