//! Deep Boltzmann machines equal sums over all states, and mean field bounds them.
#![allow(clippy::unwrap_used)]

mod common;

use burn::tensor::{Device, Tensor};
use common::machine::{HostMachine, configurations, dot, sigmoid};
use common::{assert_close, devices, tensor, values};
use ebm_models::{
    BlockConditional, Dbm, DbmConfig, Energy, LayeredMachine, MeanField, Parity, Rbm, RbmConfig,
    VisibleUnits, log_partition,
};
use ebm_ops::Noise;

const MACHINES: [&[usize]; 2] = [&[4, 3, 2], &[3, 3, 2, 2]];

/// Every joint state of a machine, `[states][layer][unit]`.
fn joint(host: &HostMachine) -> Vec<Vec<Vec<f64>>> {
    host.completions(&[], |_| true)
}

/// The layers of joint states as tensors.
fn layers(states: &[Vec<Vec<f64>>], device: &Device) -> Vec<Tensor<2>> {
    (0..states[0].len())
        .map(|l| {
            let units = states[0][l].len();
            let rows: Vec<f64> = states.iter().flat_map(|state| state[l].clone()).collect();
            tensor(&rows, [states.len(), units], device)
        })
        .collect()
}

#[test]
fn the_joint_energy_equals_brute_force() {
    for device in devices() {
        for (seed, sizes) in MACHINES.iter().enumerate() {
            let host = HostMachine::random(sizes, 1.0, seed as u64);
            let dbm = host.dbm(&device);
            let states = joint(&host);
            let expected: Vec<f64> = states.iter().map(|state| host.energy(state)).collect();
            let rows = dbm.join(layers(&states, &device));
            assert_eq!(rows.dims(), [states.len(), dbm.units()]);
            let found = values(dbm.energy(rows.clone()));
            assert_close(&found, &expected, 2e-6, &format!("{sizes:?}"));

            let split = dbm.split(rows);
            let found = values(dbm.layers().joint_energy(&split));
            assert_close(&found, &expected, 2e-6, "split");
            for (layer, expected) in split.into_iter().zip(layers(&states, &device)) {
                assert_eq!(layer.dims(), expected.dims());
                assert_eq!(values(layer), values(expected));
            }
        }
    }
}

/// Either parity summed out, the states of summed layers not looked at.
#[test]
fn free_energies_of_both_parities_equal_brute_force() {
    for device in devices() {
        for (seed, sizes) in MACHINES.iter().enumerate() {
            let host = HostMachine::random(sizes, 1.0, 10 + seed as u64);
            let machine = host.dbm(&device).layers();
            let states = joint(&host);
            for summed in [Parity::Even, Parity::Odd] {
                let expected: Vec<f64> = states
                    .iter()
                    .map(|state| host.free_energy(state, |l| summed.contains(l)))
                    .collect();
                let mut given = layers(&states, &device);
                for (l, layer) in given.iter_mut().enumerate() {
                    if summed.contains(l) {
                        *layer = Tensor::full(layer.shape(), f64::NAN, &device);
                    }
                }
                let found = values(machine.free_energy(summed, &given));
                assert_close(&found, &expected, 2e-6, &format!("{sizes:?}, {summed:?}"));
            }
        }
    }
}

/// A unit's log-odds is the energy that its turning on takes away.
#[test]
fn conditional_means_equal_brute_force() {
    for device in devices() {
        for (seed, sizes) in MACHINES.iter().enumerate() {
            let host = HostMachine::random(sizes, 1.0, 20 + seed as u64);
            let machine = host.dbm(&device).layers();
            assert_eq!(machine.block_sizes(), *sizes);
            let states = joint(&host);
            let given = layers(&states, &device);
            for l in 0..sizes.len() {
                let expected: Vec<f64> = states
                    .iter()
                    .flat_map(|state| {
                        let host = &host;
                        (0..sizes[l]).map(move |unit| {
                            let energy = |on: f64| {
                                let mut state = state.clone();
                                state[l][unit] = on;
                                host.energy(&state)
                            };
                            sigmoid(energy(0.0) - energy(1.0))
                        })
                    })
                    .collect();
                let found = values(BlockConditional::conditional(&machine, l, &given).mean());
                assert_close(&found, &expected, 1e-6, &format!("{sizes:?}, layer {l}"));
            }
            let mut sweep = machine.sweep();
            assert!(sweep[..sizes.len() / 2].iter().all(|l| l % 2 == 1));
            sweep.sort_unstable();
            assert_eq!(sweep, (0..sizes.len()).collect::<Vec<_>>());
        }
    }
}

const CONVERGED: MeanField = MeanField {
    tolerance: 1e-6,
    max_steps: 1000,
};

fn steps(max_steps: usize) -> MeanField {
    MeanField {
        tolerance: 0.0,
        max_steps,
    }
}

fn visible_rows(units: usize, device: &Device) -> Tensor<2> {
    let all = configurations(units, 0.0, 1.0);
    tensor(&all.concat(), [all.len(), units], device)
}

/// The means are where `mu_l = sigmoid(c_l + ..)` holds, and the visible units stay.
#[test]
fn mean_field_reaches_its_fixed_point() {
    for device in devices() {
        for (seed, sizes) in MACHINES.iter().enumerate() {
            let host = HostMachine::random(sizes, 1.0, 30 + seed as u64);
            let dbm = host.dbm(&device);
            let visible = visible_rows(sizes[0], &device);
            let means = dbm
                .clone()
                .with_inference(CONVERGED)
                .mean_field(visible.clone());
            assert_eq!(values(means[0].clone()), values(visible));
            for l in 1..sizes.len() {
                let expected = values(dbm.layers().conditional(l, &means).mean());
                assert_close(
                    &values(means[l].clone()),
                    &expected,
                    5e-6,
                    &format!("{sizes:?}, layer {l}"),
                );
            }
        }
    }
}

/// One pass up with doubled input, then the layers in the documented order, in f64.
#[test]
fn mean_field_makes_the_documented_steps() {
    let sizes = [3, 3, 2, 2];
    let host = HostMachine::random(&sizes, 1.0, 40);
    let v = vec![1.0, 0.0, 1.0];
    let below = |l: usize, unit: usize, means: &[Vec<f64>]| -> f64 {
        let column: Vec<f64> = host.weights[l - 1].iter().map(|row| row[unit]).collect();
        dot(&column, &means[l - 1])
    };
    let mut means = vec![v.clone()];
    for (l, &size) in sizes.iter().enumerate().skip(1) {
        let copies = if l < 3 { 2.0 } else { 1.0 };
        let field = |unit| host.biases[l][unit] + copies * below(l, unit, &means);
        means.push((0..size).map(|unit| sigmoid(field(unit))).collect());
    }
    for count in 0..4 {
        for device in devices() {
            let visible: Tensor<2> = tensor(&v, [1, 3], &device);
            let found = host
                .dbm(&device)
                .with_inference(steps(count))
                .mean_field(visible);
            for (l, (found, expected)) in found.into_iter().zip(&means).enumerate() {
                let what = format!("layer {l} after {count} steps");
                assert_close(&values(found), expected, 1e-6, &what);
            }
        }
        for l in [1, 3, 2] {
            let field = |unit: usize| {
                let above = match means.get(l + 1) {
                    Some(above) => dot(&host.weights[l][unit], above),
                    None => 0.0,
                };
                host.biases[l][unit] + below(l, unit, &means) + above
            };
            means[l] = (0..sizes[l]).map(|unit| sigmoid(field(unit))).collect();
        }
    }
}

/// `unnormalized_bound - log Z <= log p(v)`, with `log p(v)` by brute force, and no step lowers it.
#[test]
fn the_bound_holds_and_never_falls() {
    for device in devices() {
        for (seed, sizes) in MACHINES.iter().enumerate() {
            let host = HostMachine::random(sizes, 1.5, 50 + seed as u64);
            let dbm = host.dbm(&device);
            let log_z = log_partition(&dbm.layers(), &mut ()).unwrap();
            assert_close(&[log_z], &[host.log_partition()], 2e-6, "log Z");
            let exact: Vec<f64> = configurations(sizes[0], 0.0, 1.0)
                .into_iter()
                .map(|v| {
                    let mut given = vec![vec![]; sizes.len()];
                    given[0] = v;
                    -host.free_energy(&given, |l| l > 0) - host.log_partition()
                })
                .collect();
            let visible = visible_rows(sizes[0], &device);
            let mut before = vec![f64::NEG_INFINITY; exact.len()];
            let mut rises = 0;
            for count in [0, 1, 2, 3, 5, 10, 50] {
                let means = dbm
                    .clone()
                    .with_inference(steps(count))
                    .mean_field(visible.clone());
                let bounds = values(dbm.unnormalized_bound(&means));
                for ((bound, exact), before) in bounds.iter().zip(&exact).zip(&mut before) {
                    let bound = bound - log_z;
                    // 1e-5: rounding of energies of about ten nats.
                    assert!(bound <= exact + 1e-5, "{bound} above {exact}");
                    assert!(bound >= *before - 1e-5, "{bound} fell below {before}");
                    rises += usize::from(bound > *before + 1e-4);
                    *before = bound;
                }
            }
            // The start isn't the fixed point, so the bound must have risen after the first count
            // too.
            assert!(rises > exact.len(), "{rises}");
            // Hidden units that depend on each other leave a gap.
            let gap = exact
                .iter()
                .zip(&before)
                .map(|(exact, bound)| exact - bound);
            assert!(gap.fold(0.0, f64::max) > 1e-3);
        }
    }
}

/// The entropy is that of coins: means that aren't a fixed point, certain ones among them.
#[test]
fn the_bound_is_its_formula_at_any_means() {
    let host = HostMachine::random(&[2, 3, 1], 1.0, 60);
    let means = vec![vec![1.0, 0.0], vec![0.0, 1.0, 0.3], vec![0.9]];
    // The energy is multilinear, so its mean is its value at the means.
    let entropy = |p: f64| {
        let term = |p: f64| if p > 0.0 { -p * p.ln() } else { 0.0 };
        term(p) + term(1.0 - p)
    };
    let expected = -host.energy(&means) + entropy(0.3) + entropy(0.9);
    for device in devices() {
        let means = layers(std::slice::from_ref(&means), &device);
        let found = values(host.dbm(&device).unnormalized_bound(&means));
        assert_close(&found, &[expected], 2e-6, "bound");
    }
}

/// Without couplings above the first hidden layer the posterior factorises, and the bound is the
/// likelihood.
#[test]
fn the_bound_is_tight_where_hidden_units_are_independent() {
    for device in devices() {
        for (seed, sizes) in MACHINES.iter().enumerate() {
            let mut host = HostMachine::random(sizes, 1.0, 70 + seed as u64);
            for weight in host.weights[1..].iter_mut().flatten().flatten() {
                *weight = 0.0;
            }
            let dbm = host.dbm(&device);
            let expected: Vec<f64> = configurations(sizes[0], 0.0, 1.0)
                .into_iter()
                .map(|v| {
                    let mut given = vec![vec![]; sizes.len()];
                    given[0] = v;
                    -host.free_energy(&given, |l| l > 0)
                })
                .collect();
            let means = dbm
                .clone()
                .with_inference(CONVERGED)
                .mean_field(visible_rows(sizes[0], &device));
            let found = values(dbm.unnormalized_bound(&means));
            assert_close(&found, &expected, 2e-6, &format!("{sizes:?}"));
        }
    }
}

/// Weights as they are, biases of inner layers as the mean of the two that meet there.
#[test]
fn composed_machines_have_the_documented_parameters() {
    for device in devices() {
        let sizes = [4, 3, 2, 5];
        let hosts: Vec<HostMachine> = sizes
            .windows(2)
            .enumerate()
            .map(|(index, sizes)| HostMachine::random(sizes, 1.0, 80 + index as u64))
            .collect();
        let stack: Vec<Rbm> = hosts.iter().map(|host| host.rbm(&device)).collect();
        let found = HostMachine::of(&Dbm::compose(&stack));
        assert_eq!(found.sizes(), sizes);
        for (l, host) in hosts.iter().enumerate() {
            assert_eq!(found.weights[l], host.weights[0]);
        }
        assert_eq!(found.biases[0], hosts[0].biases[0]);
        assert_eq!(found.biases[3], hosts[2].biases[1]);
        for l in 1..3 {
            let pairs = hosts[l - 1].biases[1].iter().zip(&hosts[l].biases[0]);
            let expected: Vec<f64> = pairs.map(|(c, b)| (c + b) / 2.0).collect();
            assert_close(&found.biases[l], &expected, 1e-7, "between");
        }

        // Centred parts count as the machines that they stand for.
        let config = RbmConfig::new(4, 3)
            .with_centered(true)
            .with_weight_std(1.0);
        let part = config
            .init(&device, &mut Noise::new(1))
            .with_visible_means(tensor(&[0.1, 0.9, 0.3, 0.5], [4], &device), 0.01);
        let found = HostMachine::of(&Dbm::compose(&[part.clone(), hosts[1].rbm(&device)]));
        let part = HostMachine::of(&part.uncentered());
        assert_close(&found.biases[0], &part.biases[0], 1e-6, "visible");
        let pairs = part.biases[1].iter().zip(&hosts[1].biases[0]);
        let expected: Vec<f64> = pairs.map(|(c, b)| (c + b) / 2.0).collect();
        assert_close(&found.biases[1], &expected, 1e-6, "hidden");
    }
}

#[test]
fn configurations_build_what_they_count() {
    for device in devices() {
        let config = DbmConfig::new(30, vec![40, 20]).with_weight_std(0.3);
        let dbm = config.init(&device, &mut Noise::new(1));
        assert_eq!(dbm.sizes(), [30, 40, 20]);
        let parameters = common::parameters(&dbm);
        let counted: usize = parameters.iter().map(|p| p.values.len()).sum();
        assert_eq!(config.num_params(), counted as u128);
        for weight in HostMachine::of(&dbm).weights {
            let weights = weight.concat();
            let n = weights.len() as f64;
            let variance = weights.iter().map(|w| w * w).sum::<f64>() / n;
            // The variance of a normal's sample variance is 2 s^4 / n: five standard errors,
            // false-positive rate 5.7e-7.
            let error = 0.09 * (2.0 / n).sqrt();
            assert!((variance - 0.09).abs() < 5.0 * error, "{variance}");
        }
        let mean: Vec<f64> = (0..30).map(|i| f64::from(i) / 29.0).collect();
        let dbm = dbm.with_visible_means(tensor(&mean, [30], &device), 0.02);
        let found: Vec<f64> = values(dbm.layers().bias(0))
            .into_iter()
            .map(sigmoid)
            .collect();
        let expected: Vec<f64> = mean.iter().map(|p| p.clamp(0.02, 0.98)).collect();
        assert_close(&found, &expected, 1e-6, "visible means");
    }
}

#[test]
#[should_panic(expected = "machine 0 of the stack has 4 hidden units, the next 3 visible ones")]
fn stacks_that_don_t_fit_are_named() {
    let device = Device::flex();
    let part = |sizes: [usize; 2]| HostMachine::random(&sizes, 1.0, 0).rbm(&device);
    Dbm::compose(&[part([5, 4]), part([3, 2])]);
}

#[test]
#[should_panic(expected = "the visible units of machine 0 of the stack are Gaussian")]
fn a_stack_on_gaussian_units_is_refused() {
    let host = HostMachine::random(&[5, 4], 1.0, 0).gaussian();
    Dbm::compose(&[host.rbm(&Device::flex())]);
}

#[test]
#[should_panic(expected = "composed of at least one machine")]
fn an_empty_stack_is_named() {
    Dbm::compose(&[]);
}

#[test]
fn a_stack_of_one_is_that_machine() {
    let device = Device::flex();
    let rbm = HostMachine::random(&[3, 2], 1.0, 90).rbm(&device);
    let dbm = Dbm::compose(std::slice::from_ref(&rbm));
    assert_eq!(dbm.visible_units(), VisibleUnits::Bernoulli);
    let deep = log_partition(&dbm.layers(), &mut ());
    let flat = log_partition(&rbm.layers(), &mut ());
    assert_eq!(deep.unwrap(), flat.unwrap());
}
