//! Annealed importance sampling of pairwise machines, against known partition functions.

mod common;

use burn::tensor::{Device, Tensor};
use common::{assert_within_error, devices, mean_and_error, tensor, values};
use ebm_models::{BoltzmannMachine, Coding, PairwiseMachine};
use ebm_ops::{Interval, Noise};
use ebm_sampling::gibbs::SingleSiteGibbsState;
use ebm_sampling::partition::{
    AnnealedImportance, AnnealingPath, PairwisePath, PartitionEstimate, TemperingSchedule,
};
use ebm_testing::pairwise::Known;
use ebm_testing::states::CODINGS;

fn known(units: usize, coding: Coding, seed: u64) -> Known {
    // Binary couplings count half of what those of spins do.
    let scale = match coding {
        Coding::Spin => (0.5, 0.4),
        Coding::Binary => (1.2, 0.8),
    };
    Known::random(units, scale, coding, &mut Noise::new(seed))
}

/// Something other than the machine's own biases.
fn base_bias(units: usize) -> Vec<f64> {
    (0..units)
        .map(|i| f64::from(0.6_f32 - 0.3 * i as f32))
        .collect()
}

/// From the machine's own biases, and from others.
fn paths(known: &Known, device: &Device) -> [(Vec<f64>, PairwisePath); 2] {
    let path = PairwisePath::new(&known.machine(device));
    let base = base_bias(known.units);
    let other = path
        .clone()
        .with_base_bias(tensor(&base, [known.units], device));
    [(known.bias.clone(), path), (base, other)]
}

/// The machine that `p_beta` is, by the definition of the path.
fn at(known: &Known, base: &[f64], beta: f64) -> Known {
    let biases = known.bias.iter().zip(base);
    Known {
        units: known.units,
        coding: known.coding,
        couplings: known.couplings.iter().map(|w| beta * w).collect(),
        bias: biases
            .map(|(b, base)| (1.0 - beta) * base + beta * b)
            .collect(),
    }
}

fn exact(known: &Known) -> f64 {
    let sum: f64 = known.energies().iter().map(|energy| (-energy).exp()).sum();
    sum.ln()
}

fn annealing(temperatures: usize, chains: usize) -> AnnealedImportance {
    AnnealedImportance {
        schedule: TemperingSchedule::linear(temperatures),
        chains,
    }
}

fn forward(
    annealing: &AnnealedImportance,
    path: &PairwisePath,
    seed: u64,
) -> PartitionEstimate<SingleSiteGibbsState> {
    annealing.run(path, &mut Noise::new(seed), &mut ())
}

#[test]
fn log_ratios_are_differences_of_energies() {
    for device in devices() {
        for coding in CODINGS {
            let known = known(6, coding, 1);
            let all: Vec<f64> = (0..64).flat_map(|index| known.state(index)).collect();
            for (base, path) in paths(&known, &device) {
                let state = path.state(tensor(&all, [64, 6], &device));
                for (from, to) in [(0.0, 0.01), (0.3, 0.7), (0.0, 1.0), (1.0, 0.2)] {
                    let [before, after] = [from, to].map(|beta| at(&known, &base, beta).energies());
                    let found = values(path.log_ratio(&state, from, to));
                    for ((found, before), after) in found.iter().zip(before).zip(after) {
                        let expected = before - after;
                        assert!(
                            (found - expected).abs() < 1e-5,
                            "{coding:?}, {from} to {to}: {found}, expected {expected}"
                        );
                    }
                }
            }
        }
    }
}

#[test]
fn the_base_is_the_machine_at_zero() {
    for device in devices() {
        for coding in CODINGS {
            let known = known(6, coding, 2);
            for (base, path) in paths(&known, &device) {
                let expected = exact(&at(&known, &base, 0.0));
                let found = path.base_log_partition();
                assert!((found - expected).abs() < 1e-5, "{found}, {expected}");
            }
        }
    }
}

/// Exact draws of `p_beta` are still ones after three transitions, and draws of the base follow it.
/// 32 tests at 2.9e-7.
#[test]
fn transitions_keep_their_distribution() {
    const DRAWS: usize = 20_000;
    for device in devices() {
        for coding in CODINGS {
            let known = known(6, coding, 3);
            for (variant, (base, path)) in paths(&known, &device).into_iter().enumerate() {
                let mut noise = Noise::new(variant as u64);
                for beta in [0.0, 1e-3, 0.4, 1.0] {
                    let what = format!("{coding:?}, path {variant}, {beta}, {device:?}");
                    let target = at(&known, &base, beta).probabilities(1.0, 0);
                    let mut state = path.state(known.draws(&target, DRAWS, &device, &mut noise));
                    for _ in 0..3 {
                        state = path.step(state, beta, &mut noise);
                    }
                    known.assert_distribution(state.position(), &target, &what);
                    if beta == 0.0 {
                        let state = path.draw_base(DRAWS, &mut noise);
                        known.assert_distribution(state.position(), &target, &what);
                    }
                }
            }
        }
    }
}

/// Few temperatures, where weights vary much and a wrong order of ratios and transitions shows:
/// `E[w] = Z / Z_0` and from exact samples `E[w'] = Z_0 / Z`. Five standard errors: false-positive
/// rate 5.7e-7 each, 48 tests.
#[test]
fn weights_are_unbiased_in_both_directions() {
    const CHAINS: usize = 20_000;
    for device in devices() {
        for (index, coding) in CODINGS.into_iter().enumerate() {
            let known = known(7, coding, 4);
            let log_z = exact(&known);
            let target = known.probabilities(1.0, 0);
            for (variant, (_, path)) in paths(&known, &device).into_iter().enumerate() {
                for temperatures in [1, 3, 8] {
                    let what = format!("{coding:?}, path {variant}, {temperatures}");
                    let annealing = annealing(temperatures, CHAINS);
                    let mut noise = Noise::new(1000 + (index * 10 + variant) as u64);
                    let found = annealing.run(&path, &mut noise, &mut ());
                    let ratio = log_z - found.base_log_partition;
                    let relative = |log_weights: &[f64], ratio: f64| -> Vec<f64> {
                        log_weights.iter().map(|w| (w - ratio).exp()).collect()
                    };
                    let (average, error) = mean_and_error(&relative(&found.log_weights, ratio));
                    assert!(error < 0.2, "{what}: {error}");
                    assert_within_error(average, 1.0, error, &format!("{what}, forward"));

                    let draws = known.draws(&target, CHAINS, &device, &mut noise);
                    let start = path.state(draws);
                    let found = annealing.run_reverse(&path, start, &mut noise, &mut ());
                    let (average, error) = mean_and_error(&relative(&found.log_weights, -ratio));
                    assert!(error < 0.2, "{what}: {error}");
                    assert_within_error(average, 1.0, error, &format!("{what}, reverse"));
                }
            }
        }
    }
}

/// Without couplings and with the machine's own biases every chain has the exact weight.
#[test]
fn independent_units_leave_no_variance() {
    for device in devices() {
        for coding in CODINGS {
            let mut still = known(9, coding, 5);
            still.couplings.fill(0.0);
            let path = PairwisePath::new(&still.machine(&device));
            let found = forward(&annealing(7, 20), &path, 1);
            assert!((found.log_partition - exact(&still)).abs() < 1e-5);
            assert!(found.log_weights.iter().all(|w| *w == 0.0), "{found:?}");
            assert!((found.effective_sample_size - 20.0).abs() < 1e-6);
        }
    }
}

/// Spins on a torus of 4 x 4, at the critical point of the infinite lattice and below it. Both
/// estimates lie within five of their standard errors of the known value (5.7e-7 each), and with
/// few temperatures the mean log-weights of independent chains are below it forward and above it in
/// reverse, by more than five.
#[test]
fn the_ising_model_is_found_from_both_sides() {
    let device = Device::flex();
    for (coupling, log_z) in [(0.440_686_793_5, 15.521_915_46), (0.6, 20.056_532_88)] {
        let torus = BoltzmannMachine::ising_torus(4, coupling, &device);
        let known = Known {
            units: 16,
            coding: Coding::Spin,
            couplings: values(torus.couplings()),
            bias: vec![0.0; 16],
        };
        let target = known.probabilities(1.0, 0);
        let path = PairwisePath::new(&torus);
        let mut noise = Noise::new(6);
        let annealing = annealing(200, 500);
        let below = annealing.run(&path, &mut noise, &mut ());
        let start = path.state(known.draws(&target, 500, &device, &mut noise));
        let above = annealing.run_reverse(&path, start, &mut noise, &mut ());
        for estimate in [&below, &above] {
            let Interval { low, high } = estimate.interval;
            let error = (high - low) / (2.0 * 1.96);
            assert!(error < 0.05, "{error}");
            assert_within_error(estimate.log_partition, log_z, error, "log Z");
            assert!(estimate.effective_sample_size > 200.0);
        }

        // With few temperatures the mean log-weights are off to their sides by more than chance.
        let few = self::annealing(5, 2000);
        let below = few.run(&path, &mut noise, &mut ());
        let start = path.state(known.draws(&target, 2000, &device, &mut noise));
        let above = few.run_reverse(&path, start, &mut noise, &mut ());
        let (_, forward_error) = mean_and_error(&below.log_weights);
        let (_, reverse_error) = mean_and_error(&above.log_weights);
        assert!(below.mean_bound + 5.0 * forward_error < log_z, "{below:?}");
        assert!(above.mean_bound - 5.0 * reverse_error > log_z, "{above:?}");
    }
}

/// `log Z_0` and draws say what the base rates are: those of the means, kept off certainty, and
/// fair hidden units.
#[test]
fn base_rates_come_from_means() {
    const DRAWS: usize = 40_000;
    for device in devices() {
        for coding in CODINGS {
            let known = known(5, coding, 7);
            let machine = BoltzmannMachine::from_parameters(
                tensor(&known.couplings, [5, 5], &device),
                tensor(&known.bias, [5], &device),
                3,
                coding,
            );
            let rates = [0.0, 0.4, 0.99];
            let means = rates.map(|p| coding.low() + p * (coding.high() - coding.low()));
            let path =
                PairwisePath::new(&machine).with_visible_means(tensor(&means, [3], &device), 0.05);
            let expected = [0.05, 0.4, 0.95, 0.5, 0.5];
            let drawn = path.draw_base(DRAWS, &mut Noise::new(8)).position();
            let drawn = values(drawn.mean_dim(0));
            for (unit, (found, p)) in drawn.iter().zip(expected).enumerate() {
                let found = (found - coding.low()) / (coding.high() - coding.low());
                let error = (p * (1.0 - p) / DRAWS as f64).sqrt();
                assert_within_error(found, p, error, &format!("{coding:?}, unit {unit}"));
            }
            let log_z: f64 = expected
                .map(|p: f64| match coding {
                    Coding::Binary => -(1.0 - p).ln(),
                    // 2 cosh(atanh m) = 2 / sqrt(1 - m^2), m = 2 p - 1
                    Coding::Spin => -0.5 * (p * (1.0 - p)).ln(),
                })
                .iter()
                .sum();
            let found = path.base_log_partition();
            assert!((found - log_z).abs() < 1e-5, "{found}, {log_z}");
        }
    }
}

#[test]
fn a_seed_fixes_the_estimate() {
    for device in devices() {
        let known = known(70, Coding::Binary, 9);
        let path = PairwisePath::new(&known.machine(&device));
        let weights = |seed| forward(&annealing(20, 5), &path, seed).log_weights;
        assert_eq!(weights(1), weights(1));
        assert_ne!(weights(1), weights(2));
    }
}

/// A machine under training gives the same numbers, and chains that are on no graph.
#[test]
fn trainable_parameters_leave_no_graph() {
    let device = Device::flex();
    let found = [device.clone(), device.autodiff()].map(|device| {
        let known = known(6, Coding::Spin, 1);
        let mean = Tensor::full([6], 0.3, &device);
        let path = PairwisePath::new(&known.machine(&device)).with_visible_means(mean, 0.01);
        let found = forward(&annealing(5, 4), &path, 1);
        assert!(!found.states.position().is_autodiff());
        (found.log_weights, values(found.states.position()))
    });
    assert_eq!(found[0], found[1]);
}

#[test]
#[should_panic(expected = "this machine has 5 units, but states of shape [4, 6] have 6")]
fn states_that_don_t_fit_are_named() {
    let device = Device::flex();
    let path = PairwisePath::new(&known(5, Coding::Spin, 1).machine(&device));
    let _ = path.state(Tensor::ones([4, 6], &device));
}

#[test]
#[should_panic(expected = "a base bias of shape [2] doesn't fit units of shape [5]")]
fn a_base_that_doesn_t_fit_is_named() {
    let device = Device::flex();
    let path = PairwisePath::new(&known(5, Coding::Spin, 1).machine(&device));
    let _ = path.with_base_bias(Tensor::zeros([2], &device));
}

#[test]
#[should_panic(expected = "5 visible units take as many means, got [4]")]
fn means_that_don_t_fit_are_named() {
    let device = Device::flex();
    let path = PairwisePath::new(&known(5, Coding::Spin, 1).machine(&device));
    let _ = path.with_visible_means(Tensor::zeros([4], &device), 0.01);
}
