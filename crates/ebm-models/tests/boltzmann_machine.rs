//! Boltzmann machines against enumeration: energies, conditionals, log Z, recoding, gradients.
#![allow(clippy::unwrap_used)]

mod common;

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::{Device, Tensor};
use common::{assert_close, devices, parameters, tensor, values};
use ebm_models::{BoltzmannMachine, BoltzmannMachineConfig, Coding, Energy, PairwiseMachine};
use ebm_ops::Noise;
use ebm_testing::log_sum_exp;
use ebm_testing::pairwise::Known;
use ebm_testing::states::{CODINGS, States, two_values};

/// Sums of at most 100 terms of order 1 in f32.
const ROUNDING: f64 = 1e-5;

fn machine(reference: &Known, visible: usize, coding: Coding, device: &Device) -> BoltzmannMachine {
    let units = reference.units;
    BoltzmannMachine::from_parameters(
        tensor(&reference.couplings, [units, units], device),
        tensor(&reference.bias, [units], device),
        visible,
        coding,
    )
}

/// `log Z` of a machine, from its own energies, accumulated in f64.
fn log_partition(machine: &BoltzmannMachine, device: &Device) -> f64 {
    let units = machine.units();
    let states = all_states(units, machine.coding());
    let states: Tensor<2> = tensor(&states, [1 << units, units], device);
    let terms: Vec<f64> = values(machine.energy(states)).iter().map(|e| -e).collect();
    log_sum_exp(&terms)
}

/// All states one after the other, as the device takes them.
fn all_states(units: usize, coding: Coding) -> Vec<f64> {
    States::new(&two_values(coding), units).all().concat()
}

#[test]
fn energies_are_the_sum_over_pairs_whatever_the_rank() {
    const UNITS: usize = 10;
    for device in devices() {
        for coding in CODINGS {
            let reference = Known::random(UNITS, (0.5, 0.5), coding, &mut Noise::new(1));
            let machine = machine(&reference, 7, coding, &device);
            assert_eq!(
                (
                    machine.units(),
                    machine.visible_units(),
                    machine.hidden_units()
                ),
                (10, 7, 3)
            );
            let states = reference.states().all().concat();
            let expected: Vec<f64> = states.chunks(UNITS).map(|y| reference.energy(y)).collect();
            let batch: Tensor<2> = tensor(&states, [1 << UNITS, UNITS], &device);
            let found = values(machine.energy(batch.clone()));
            assert_close(&found, &expected, ROUNDING, "energy");
            let images: Tensor<4> = batch.reshape([1 << UNITS, 1, 2, 5]);
            assert_eq!(values(machine.energy(images)), found);
        }
    }
}

/// Only the symmetric, off-diagonal part of the raw weight counts.
#[test]
fn raw_weights_stand_for_symmetric_couplings() {
    for device in devices() {
        let raw = [9.0, 1.0, -2.0, 3.0, 9.0, 0.5, 0.0, 1.5, 9.0];
        let machine = BoltzmannMachine::from_parameters(
            tensor(&raw, [3, 3], &device),
            tensor(&[0.0; 3], [3], &device),
            3,
            Coding::Spin,
        );
        let expected = [0.0, 2.0, -1.0, 2.0, 0.0, 1.0, -1.0, 1.0, 0.0];
        assert_eq!(values(machine.couplings()), expected);
    }
}

/// `sigma(scale z_i / T)` is the ratio of Boltzmann weights of the two states that differ in unit
/// `i`.
#[test]
fn fields_give_the_conditional_probabilities() {
    const UNITS: usize = 8;
    for device in devices() {
        for coding in CODINGS {
            for temperature in [1.0, 0.6, 2.5] {
                let reference = Known::random(UNITS, (0.7, 0.7), coding, &mut Noise::new(2));
                let machine = machine(&reference, UNITS, coding, &device);
                let states = reference.states().all().concat();
                let fields = values(machine.fields(tensor(&states, [1 << UNITS, UNITS], &device)));
                let found: Vec<f64> = fields
                    .iter()
                    .map(|z| 1.0 / (1.0 + (-coding.field_scale() * z / temperature).exp()))
                    .collect();
                let mut expected = Vec::new();
                for state in states.chunks(UNITS) {
                    for unit in 0..UNITS {
                        let weight = |value| {
                            let mut state = state.to_vec();
                            state[unit] = value;
                            (-reference.energy(&state) / temperature).exp()
                        };
                        let (low, high) = (weight(coding.low()), weight(coding.high()));
                        expected.push(high / (low + high));
                    }
                }
                assert_close(&found, &expected, ROUNDING, "conditional probability");
            }
        }
    }
}

/// Golden numbers by transfer matrix and by brute force; at L = 3 all neighbours are distinct too.
#[test]
fn the_ising_torus_has_its_known_partition_function() {
    let device = Device::flex();
    for (length, beta, expected) in [
        (3, 0.2, 6.669_744_60),
        (3, 0.440_686_793_5, 9.020_213_40),
        (3, 0.6, 11.587_695_01),
        (4, 0.2, 11.771_470_36),
        (4, 0.440_686_793_5, 15.521_915_46),
        (4, 0.6, 20.056_532_88),
    ] {
        let torus = BoltzmannMachine::ising_torus(length, beta, &device);
        let found = log_partition(&torus, &device);
        // Energies up to 20 in f32: errors of 1e-6 each.
        assert!(
            (found - expected).abs() < 3e-6,
            "L = {length}, beta {beta}: {found}"
        );
    }
}

/// `Z = (2 cosh K)^N + (2 sinh K)^N` for a ring of `N` spins; with a field the two numbers are the
/// eigenvalues of the transfer matrix.
#[test]
fn the_ising_ring_has_its_closed_partition_function() {
    const UNITS: usize = 9;
    for device in devices() {
        for (coupling, field) in [(0.7_f64, 0.0_f64), (-0.7, 0.0), (0.4, 0.3)] {
            let mut couplings = vec![0.0; UNITS * UNITS];
            for i in 0..UNITS {
                let j = (i + 1) % UNITS;
                couplings[i * UNITS + j] = coupling;
                couplings[j * UNITS + i] = coupling;
            }
            let ring = BoltzmannMachine::ising(
                tensor(&couplings, [UNITS, UNITS], &device),
                tensor(&[field; UNITS], [UNITS], &device),
            );
            let root = (field.sinh().powi(2) + (-4.0 * coupling).exp()).sqrt();
            let eigenvalue = |sign: f64| coupling.exp() * (field.cosh() + sign * root);
            let n = UNITS as i32;
            let expected = (eigenvalue(1.0).powi(n) + eigenvalue(-1.0).powi(n)).ln();
            if field == 0.0 {
                let closed = (2.0 * coupling.cosh()).powi(n) + (2.0 * coupling.sinh()).powi(n);
                assert!((closed.ln() - expected).abs() < 1e-12);
            }
            assert_close(
                &[log_partition(&ring, &device)],
                &[expected],
                ROUNDING,
                "log Z",
            );
        }
    }
}

#[test]
fn recoding_keeps_every_energy_up_to_the_constant() {
    const UNITS: usize = 9;
    for device in devices() {
        for (from, to) in [
            (Coding::Spin, Coding::Binary),
            (Coding::Binary, Coding::Spin),
        ] {
            let reference = Known::random(UNITS, (0.6, 0.6), from, &mut Noise::new(3));
            let connectivity: Tensor<2> = tensor(&ring(UNITS), [UNITS, UNITS], &device);
            let full = machine(&reference, 5, from, &device);
            for machine in [full.clone(), full.with_connectivity(connectivity)] {
                let (recoded, constant) = machine.recoded(to);
                assert_eq!((recoded.coding(), recoded.visible_units()), (to, 5));
                let energies = |machine: &BoltzmannMachine| {
                    let states = all_states(UNITS, machine.coding());
                    let states: Tensor<2> = tensor(&states, [1 << UNITS, UNITS], &device);
                    values(machine.energy(states))
                };
                let expected = energies(&machine);
                let found: Vec<f64> = energies(&recoded).iter().map(|e| e + constant).collect();
                assert_close(&found, &expected, 3.0 * ROUNDING, "energy");
                // There and back.
                let (again, back) = recoded.recoded(from);
                assert!((constant + back).abs() < ROUNDING, "{constant} {back}");
                assert_close(&energies(&again), &expected, 3.0 * ROUNDING, "energy");
            }
        }
        let machine = BoltzmannMachine::ising_torus(3, 0.4, &device);
        assert_eq!(machine.recoded(Coding::Spin).1, 0.0);
    }
}

/// Connects each unit with the next.
fn ring(units: usize) -> Vec<f64> {
    let mut connectivity = vec![0.0; units * units];
    for i in 0..units {
        let j = (i + 1) % units;
        connectivity[i * units + j] = 1.0;
        connectivity[j * units + i] = 1.0;
    }
    connectivity
}

/// Names and gradient settings of a model's parameters.
fn settings<M: Module>(model: &M) -> Vec<(usize, bool)> {
    struct Collect(Vec<(usize, bool)>);
    impl ModuleVisitor for Collect {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            self.0.push((D, param.val().is_require_grad()));
        }
    }
    let mut collect = Collect(Vec::new());
    model.visit(&mut collect);
    collect.0
}

/// A connectivity is saved (so it is a parameter), but never trained, also after `valid` and back.
#[test]
fn connectivity_removes_couplings_and_is_never_trained() {
    const UNITS: usize = 5;
    for device in devices() {
        let training = device.clone().autodiff();
        let config = BoltzmannMachineConfig::new(UNITS).with_weight_std(1.0);
        let full = config.init(&training, &mut Noise::new(4));
        let mask = ring(UNITS);
        let machine = full
            .clone()
            .with_connectivity(tensor(&mask, [UNITS, UNITS], &training));
        let expected: Vec<f64> = values(full.couplings())
            .iter()
            .zip(&mask)
            .map(|(w, m)| w * m)
            .collect();
        assert_eq!(values(machine.couplings()), expected);

        let expected = [(2, true), (1, true), (2, false)];
        assert_eq!(settings(&machine), expected);
        assert_eq!(
            settings(&machine.valid()),
            [(2, false), (1, false), (2, false)]
        );
        assert_eq!(settings(&machine.valid().train()), expected);
        assert_eq!(parameters(&machine)[2].values, mask);

        // Built on a plain device first, as a loader may do.
        let plain = config
            .init(&device, &mut Noise::new(4))
            .with_connectivity(tensor(&mask, [UNITS, UNITS], &device));
        assert_eq!(settings(&plain.train()), expected);

        let states: Tensor<2> = tensor(&all_states(UNITS, Coding::Spin), [32, UNITS], &training);
        let weights: Tensor<1> = Noise::new(5).normal([32], &training);
        let gradients = (machine.energy(states) * weights).sum().backward();
        struct WeightGradient<'a>(&'a burn::tensor::Gradients, Vec<Vec<f64>>);
        impl ModuleVisitor for WeightGradient<'_> {
            fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
                self.1
                    .push(param.val().grad(self.0).map(values).unwrap_or_default());
            }
        }
        let mut visitor = WeightGradient(&gradients, Vec::new());
        machine.visit(&mut visitor);
        assert!(visitor.1[2].is_empty());
        for (gradient, connected) in visitor.1[0].iter().zip(&mask) {
            assert_eq!(*gradient != 0.0, *connected == 1.0, "{gradient}");
        }
    }
}

/// The gradient of the mean log-likelihood of data over the visible units. It is found by
/// enumeration in f64 and central differences, and compared with the gradient of
/// `E(free) - E(clamped)` under the exact distributions of both phases.
#[test]
fn the_gradient_of_the_energy_difference_is_that_of_the_likelihood() {
    const VISIBLE: usize = 4;
    const UNITS: usize = 7;
    for device in devices() {
        let training = device.clone().autodiff();
        for coding in CODINGS {
            let reference = Known::random(UNITS, (0.5, 0.5), coding, &mut Noise::new(6));
            let machine = machine(&reference, VISIBLE, coding, &training);
            let states = reference.states().all().concat();
            // Visible units are the low bits of an index; three patterns, one of them twice as
            // frequent.
            let data = [(3_usize, 0.5), (9, 0.25), (14, 0.25)];
            let visible = |index: usize| index % (1 << VISIBLE);
            let log_weights = |reference: &Known| -> Vec<f64> {
                states.chunks(UNITS).map(|y| -reference.energy(y)).collect()
            };
            let clamped = |terms: &[f64], pattern: usize| -> f64 {
                let terms: Vec<f64> = (0..terms.len())
                    .filter(|&index| visible(index) == pattern)
                    .map(|index| terms[index])
                    .collect();
                log_sum_exp(&terms)
            };
            let likelihood = |reference: &Known| -> f64 {
                let terms = log_weights(reference);
                let log_z = log_sum_exp(&terms);
                data.iter()
                    .map(|&(pattern, share)| share * (clamped(&terms, pattern) - log_z))
                    .sum()
            };

            // Exact probabilities of the states in both phases.
            let terms = log_weights(&reference);
            let log_z = log_sum_exp(&terms);
            let difference: Vec<f64> = terms
                .iter()
                .enumerate()
                .map(|(index, term)| {
                    let free = (term - log_z).exp();
                    let clamped: f64 = data
                        .iter()
                        .filter(|&&(pattern, _)| pattern == visible(index))
                        .map(|&(pattern, share)| share * (term - clamped(&terms, pattern)).exp())
                        .sum();
                    free - clamped
                })
                .collect();
            let batch: Tensor<2> = tensor(&states, [1 << UNITS, UNITS], &training);
            let difference: Tensor<1> = tensor(&difference, [1 << UNITS], &training);
            let gradients = (machine.energy(batch) * difference).sum().backward();
            struct Collect<'a>(&'a burn::tensor::Gradients, Vec<Vec<f64>>);
            impl ModuleVisitor for Collect<'_> {
                fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
                    self.1.push(values(param.val().grad(self.0).unwrap()));
                }
            }
            let mut found = Collect(&gradients, Vec::new());
            machine.visit(&mut found);

            let h = 1e-5;
            let slope = |change: &dyn Fn(&mut Known, f64)| {
                let at = |by: f64| {
                    let mut moved = reference.clone();
                    change(&mut moved, by);
                    likelihood(&moved)
                };
                (at(h) - at(-h)) / (2.0 * h)
            };
            for i in 0..UNITS {
                let bias = slope(&|moved, by| moved.bias[i] += by);
                assert_close(&[found.1[1][i]], &[bias], ROUNDING, "bias");
                for j in 0..UNITS {
                    // Half for each of the two raw entries of a pair; none on the diagonal. The
                    // energy reads i > j.
                    let (low, high) = (i.min(j), i.max(j));
                    let pair = slope(&|moved, by| moved.couplings[high * UNITS + low] += by);
                    let expected = if i == j { 0.0 } else { pair / 2.0 };
                    assert_close(
                        &[found.1[0][i * UNITS + j]],
                        &[expected],
                        ROUNDING,
                        "weight",
                    );
                }
            }
        }
    }
}

/// `weight_std` is the deviation of the couplings, not of draws that are averaged afterwards. There
/// are 4,950 pairs, so that the relative standard error is 1 %; five of them are allowed.
#[test]
fn initial_couplings_have_the_deviation_asked_for() {
    let device = Device::flex();
    let machine = BoltzmannMachineConfig::new(60)
        .with_hidden(40)
        .with_weight_std(0.3)
        .init(&device, &mut Noise::new(7));
    let weights = &parameters(&machine)[0];
    assert_eq!(weights.values, values(machine.couplings()));
    let pairs: Vec<f64> = (0..100)
        .flat_map(|i| (0..i).map(move |j| i * 100 + j))
        .map(|index| weights.values[index])
        .collect();
    let variance = pairs.iter().map(|w| w * w).sum::<f64>() / pairs.len() as f64;
    assert!((variance.sqrt() / 0.3 - 1.0).abs() < 0.05, "{variance}");
    assert_eq!(values(machine.bias()), [0.0; 100]);
}

#[test]
#[should_panic(expected = "this machine has 9 units, but states of shape [2, 8] have 8")]
fn states_of_another_size_are_refused() {
    let device = Device::flex();
    let torus = BoltzmannMachine::ising_torus(3, 0.4, &device);
    let _ = torus.energy(Tensor::<2>::ones([2, 8], &device));
}
