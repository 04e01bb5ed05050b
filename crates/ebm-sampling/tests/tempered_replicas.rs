//! Parallel tempering along a path finds `log Z`, and its replicas follow the model.
#![allow(clippy::unwrap_used)]

mod common;

use std::f64::consts::{LN_2, TAU};

use burn::tensor::{Device, Tensor};
use common::{NanWherePositive, Quadratic, WallWherePositive, devices, values};
use ebm_models::{Energy, Negation, WeightedSum};
use ebm_ops::Noise;
use ebm_sampling::density::{NormalDensity, UniformStates};
use ebm_sampling::gibbs::EnumeratedGibbs;
use ebm_sampling::hamiltonian::HamiltonianMonteCarlo;
use ebm_sampling::metropolis_hastings::RandomWalkMetropolis;
use ebm_sampling::partition::{
    EnergyPath, PairwisePath, ReplicaEstimate, ReplicaPath, TemperedReplicas,
};
use ebm_testing::pairwise::Known;
use ebm_testing::states::CODINGS;

fn replicas<P: ReplicaPath>(
    path: &P,
    (chains, sweeps): (usize, usize),
    seed: u64,
) -> ReplicaEstimate<P::State> {
    let tempering = TemperedReplicas {
        chains,
        sweeps,
        most_temperatures: 32,
    };
    tempering.run(path, &mut Noise::new(seed), &mut ())
}

/// Within five standard errors, which are over 200 chains or more: a right estimate is outside once
/// in 750,000 times (Student's t of 199 degrees of freedom: 1.3e-6). The error itself must be small
/// enough to say something.
fn assert_found<S>(found: &ReplicaEstimate<S>, log_z: f64, most: f64, what: &str) {
    let estimate = found.log_partition;
    let error = estimate.standard_error;
    assert!(error > 0.0 && error < most, "{what}: {estimate}");
    assert!(
        (estimate.value - log_z).abs() < 5.0 * error,
        "{what}: {estimate}, exactly {log_z}"
    );
}

#[test]
fn normals_have_the_closed_form() {
    for device in devices() {
        let base = NormalDensity::isotropic(0.3, 1.2, &[3], &device);
        for precision in [1.7_f64, 50.0] {
            let energy = Quadratic::new(precision, &device);
            let kernel = move |beta: f64| {
                let width = (1.0 - beta) / 1.44 + beta * precision;
                HamiltonianMonteCarlo::new(0.5 / width.sqrt(), 3)
            };
            let path = EnergyPath::<_, _, _, 2>::new(energy, base.clone(), kernel);
            let found = replicas(&path, (200, 200), 1);
            let log_z = 1.5 * (TAU / precision).ln();
            assert_found(&found, log_z, 0.05, &format!("precision {precision}"));
            assert!(found.round_trips > 200, "{}", found.round_trips);
        }
    }
}

/// The model that is `Quadratic` on half the line, where the wall's energy is finite, and that
/// half's path from a normal about 0.
fn half<E: Energy<2> + Clone>(
    wall: E,
    (precision, step): (f64, f64),
    device: &Device,
) -> impl ReplicaPath<State = Tensor<2>> + use<E> {
    let energy = WeightedSum::new((Quadratic::new(precision, device), wall), vec![1.0, 1.0]);
    let base = NormalDensity::isotropic(0.0, 1.2, &[1], device);
    let kernel = move |beta: f64| {
        let width = (1.0 - beta) / 1.44 + beta * precision;
        RandomWalkMetropolis::new(step / width.sqrt())
    };
    EnergyPath::<_, _, _, 2>::new(energy, base, kernel).with_transitions(2)
}

/// Half of the base draws have no probability at the model: `log Z` is that of half a normal, lower
/// by `ln 2`, whatever the energy is there, and no replica of the model is there.
#[test]
fn a_wall_takes_half_of_the_normal() {
    fn check<E: Energy<2> + Clone>(wall: E, device: &Device, what: &str) {
        // A model that is nearly the base, and one that many temperatures lead to.
        for (precision, temperatures) in [(1.0_f64, 4), (10_000.0, 7)] {
            let path = half(wall.clone(), (precision, 1.5), device);
            let found = replicas(&path, (200, 200), 2);
            let log_z = 0.5 * (TAU / precision).ln() - LN_2;
            let what = format!("{what}, precision {precision}");
            assert_found(&found, log_z, 0.1, &what);
            assert!(found.inverse_temperatures.len() >= temperatures, "{what}");
            assert!(values(found.states).iter().all(|&x| x <= 0.0), "{what}");
        }
    }
    for device in devices() {
        check(WallWherePositive {}, &device, "+inf");
        check(NanWherePositive {}, &device, "NaN");
        check(Negation::new(WallWherePositive {}), &device, "-inf");
    }
}

/// Steps of 0.01 don't lead across the wall: a replica that began beyond it comes back only by a
/// swap.
#[test]
fn a_replica_without_probability_is_swapped_out() {
    for device in devices() {
        let path = half(WallWherePositive {}, (1.0, 0.01), &device);
        let found = replicas(&path, (200, 400), 3);
        assert!(values(found.states.clone()).iter().all(|&x| x <= 0.0));
        assert_found(&found, 0.5 * TAU.ln() - LN_2, 0.1, "short steps");
    }
}

/// As annealing does: a base that never meets the model finds nothing, and no error to go with it.
#[test]
fn a_base_without_the_model_finds_nothing() {
    let device = Device::flex();
    let base = NormalDensity::isotropic(50.0, 1.0, &[1], &device);
    let kernel = |_| RandomWalkMetropolis::new(0.8);
    let path = EnergyPath::<_, _, _, 2>::new(WallWherePositive {}, base, kernel);
    let found = replicas(&path, (20, 8), 4).log_partition;
    assert_eq!(found.value, f64::NEG_INFINITY);
    assert_eq!(found.standard_error, f64::INFINITY);
}

/// Against enumeration of all states, by the path of machines and by that of any energy; the
/// replicas at the model follow it (chi-square, false-positive rate 2.9e-7).
#[test]
fn discrete_machines_have_their_sum_over_states() {
    for device in devices() {
        for coding in CODINGS {
            let known = Known::random(5, (1.0, 0.5), coding, &mut Noise::new(5));
            let sum: f64 = known.energies().iter().map(|energy| (-energy).exp()).sum();
            let target = known.probabilities(1.0, 0);
            let machine = known.machine(&device);
            let found = replicas(&PairwisePath::new(&machine), (1000, 60), 6);
            assert_found(&found, sum.ln(), 0.05, &format!("{coding:?}, machine"));

            let base = UniformStates::new(coding, &[5], &device);
            let kernel = |_| EnumeratedGibbs::new(vec![coding.low(), coding.high()]);
            let path = EnergyPath::<_, _, _, 2>::new(machine, base, kernel);
            let found = replicas(&path, (1000, 60), 7);
            assert_found(&found, sum.ln(), 0.05, &format!("{coding:?}, energy"));
            known.assert_distribution(found.states, &target, &format!("{coding:?}"));
        }
    }
}

#[test]
fn a_single_chain_knows_no_error() {
    let device = Device::flex();
    let path = half(WallWherePositive {}, (1.0, 1.5), &device);
    let found = replicas(&path, (1, 200), 8).log_partition;
    assert!(found.value.is_finite(), "{found}");
    assert_eq!(found.standard_error, f64::INFINITY);
}

#[test]
#[should_panic(expected = "tempering needs at least one chain, got 0")]
fn no_chains_are_refused() {
    let path = half(WallWherePositive {}, (1.0, 1.5), &Device::flex());
    let _ = replicas(&path, (0, 2), 9);
}
