//! Restricted machines equal sums over all states, centred and copied ones their formulas.
#![allow(clippy::unwrap_used)]

mod common;

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::{Device, Gradients, Tensor};
use common::machine::{HostMachine, configurations, dot, log_sum_exp, sigmoid, softplus};
use common::{assert_close, devices, tensor, values};
use ebm_models::{
    BlockConditional, Energy, LayeredMachine, Rbm, RbmConfig, ReplicatedRbm, VisibleUnits,
    log_partition, states,
};
use ebm_ops::Noise;

const VISIBLE: usize = 4;
const HIDDEN: usize = 3;

fn host(seed: u64) -> HostMachine {
    HostMachine::random(&[VISIBLE, HIDDEN], 1.2, seed)
}

fn rows(rows: &[Vec<f64>], device: &Device) -> Tensor<2> {
    tensor(&rows.concat(), [rows.len(), rows[0].len()], device)
}

fn all(units: usize) -> Vec<Vec<f64>> {
    configurations(units, 0.0, 1.0)
}

/// A centred machine with offsets that aren't the defaults: `mu` from data, `lambda` moved twice.
fn centered(units: VisibleUnits, device: &Device) -> Rbm {
    let mut noise = Noise::new(11);
    let rbm = RbmConfig::new(VISIBLE, HIDDEN)
        .with_visible_units(units)
        .with_weight_std(0.9)
        .with_centered(true)
        .init(device, &mut noise);
    rbm.with_visible_means(tensor(&[0.1, 0.4, 0.7, 0.95], [VISIBLE], device), 0.01)
        .with_hidden_means(tensor(&[0.9, 0.2, 0.6], [HIDDEN], device), 0.5)
        .with_hidden_means(tensor(&[0.3, 0.3, 0.8], [HIDDEN], device), 0.25)
}

/// Parameters and offsets in the order of the fields, with their gradients.
struct Graph<'a> {
    gradients: &'a Gradients,
    found: Vec<(Vec<f64>, Option<Vec<f64>>)>,
}

impl ModuleVisitor for Graph<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let value = param.val();
        let gradient = value.grad(self.gradients).map(values);
        self.found.push((values(value.inner()), gradient));
    }
}

fn graph(model: &impl Module, gradients: &Gradients) -> Vec<(Vec<f64>, Option<Vec<f64>>)> {
    let found = Vec::new();
    let mut graph = Graph { gradients, found };
    model.visit(&mut graph);
    graph.found
}

#[test]
fn the_free_energy_sums_hidden_states_out() {
    for device in devices() {
        for (seed, gaussian) in [(1, false), (2, true)] {
            let mut host = host(seed);
            let mut visible = all(VISIBLE);
            if gaussian {
                host = host.gaussian();
                visible = HostMachine::random(&[20, VISIBLE], 2.0, 3).weights[0].clone();
            }
            let expected: Vec<f64> = visible
                .iter()
                .map(|v| host.free_energy(&[v.clone(), vec![]], |l| l == 1))
                .collect();
            let found = values(host.rbm(&device).energy(rows(&visible, &device)));
            assert_close(&found, &expected, 2e-6, &format!("{host:?}"));
        }
    }
}

/// The gaussian formula itself, written out: `|v|^2 / 2 - b . v - sum_j softplus(c_j + (v W)_j)`.
#[test]
fn the_gaussian_free_energy_is_its_formula() {
    let host = host(4).gaussian();
    let v = vec![0.3, -1.7, 2.2, 0.9];
    let mut expected = dot(&v, &v) / 2.0 - dot(&v, &host.biases[0]);
    for j in 0..HIDDEN {
        let column: Vec<f64> = host.weights[0].iter().map(|row| row[j]).collect();
        expected -= softplus(host.biases[1][j] + dot(&v, &column));
    }
    for device in devices() {
        let images: Tensor<4> = tensor(&v, [1, 1, 2, 2], &device);
        let found = values(host.rbm(&device).energy(images));
        assert_close(&found, &[expected], 2e-6, "an image is a vector");
    }
}

/// `P(v) = exp(-F(v)) / Z` is the marginal of `P(v, h) = exp(-E(v, h)) / Z`, and so are its means.
#[test]
fn probabilities_and_marginals_equal_brute_force() {
    for device in devices() {
        let host = host(5);
        let rbm = host.rbm(&device);
        let log_z = log_partition(&rbm.layers(), &mut ()).unwrap();
        assert_close(&[log_z], &[host.log_partition()], 2e-6, "log Z");

        let mut probabilities = vec![0.0; 1 << VISIBLE];
        for joint in host.completions(&[], |_| true) {
            let number = (0..VISIBLE)
                .map(|i| (joint[0][i] as usize) << i)
                .sum::<usize>();
            probabilities[number] += (-host.energy(&joint) - host.log_partition()).exp();
        }
        let visible = states(0, 1 << VISIBLE, VISIBLE, 0.0, 1.0, &device);
        let free = values(rbm.energy(visible));
        let found: Vec<f64> = free.iter().map(|free| (-free - log_z).exp()).collect();
        assert_close(&found, &probabilities, 2e-6, "P(v)");
        let mean = |p: &[f64], i: usize| -> f64 {
            let on = all(VISIBLE).into_iter().zip(p);
            on.map(|(v, p)| v[i] * p).sum()
        };
        for i in 0..VISIBLE {
            let (found, expected) = (mean(&found, i), mean(&probabilities, i));
            assert_close(&[found], &[expected], 2e-6, "E[v_i]");
        }
    }
}

/// `E[h | v]` and `E[v | h]` from ratios of sums over joint states.
#[test]
fn conditional_means_equal_brute_force() {
    for device in devices() {
        let host = host(6);
        let rbm = host.rbm(&device);
        let layers = rbm.layers();
        for (free, given) in [(1, all(VISIBLE)), (0, all(HIDDEN))] {
            let expected: Vec<f64> = given
                .iter()
                .flat_map(|state| {
                    let mut states = vec![vec![], vec![]];
                    states[1 - free] = state.clone();
                    let joint = host.completions(&states, |l| l == free);
                    let log_sum = -host.free_energy(&states, |l| l == free);
                    let units = host.sizes()[free];
                    let mean = |i: usize| -> f64 {
                        let terms = joint.iter();
                        terms
                            .map(|x| x[free][i] * (-host.energy(x) - log_sum).exp())
                            .sum()
                    };
                    (0..units).map(mean).collect::<Vec<f64>>()
                })
                .collect();
            let given = rows(&given, &device);
            let named = if free == 1 {
                rbm.hidden_means(given.clone())
            } else {
                rbm.visible_means(given.clone())
            };
            let nothing = Tensor::zeros([0, 0], &device);
            let states = if free == 1 {
                [given, nothing]
            } else {
                [nothing, given]
            };
            let block = layers.conditional(free, &states).mean();
            assert_close(&values(named), &expected, 1e-6, "named");
            assert_close(&values(block), &expected, 1e-6, "block");
        }
    }
}

/// Gaussian visible units have the mean `b + h W^T`; a reconstruction is that of the hidden means.
#[test]
fn gaussian_visible_means_are_linear() {
    for device in devices() {
        let host = host(7).gaussian();
        let rbm = host.rbm(&device);
        let h = vec![1.0, 0.25, 0.0];
        let mean = |h: &[f64]| -> Vec<f64> {
            let units = host.weights[0].iter().zip(&host.biases[0]);
            units.map(|(row, b)| b + dot(row, h)).collect()
        };
        let found = values(rbm.visible_means(rows(std::slice::from_ref(&h), &device)));
        assert_close(&found, &mean(&h), 1e-6, "E[v | h]");

        let v = vec![0.5, -1.0, 2.0, 0.1];
        let hidden: Vec<f64> = (0..HIDDEN)
            .map(|j| {
                let column: Vec<f64> = host.weights[0].iter().map(|row| row[j]).collect();
                sigmoid(host.biases[1][j] + dot(&v, &column))
            })
            .collect();
        let found = values(rbm.reconstruction(rows(&[v], &device)));
        assert_close(&found, &mean(&hidden), 1e-6, "reconstruction");
    }
}

/// The gradient of the mean log-likelihood `-mean F(data) - log Z`, by enumeration and central
/// differences in f64, against autodiff of `mean F(data) - sum_v p(v) F(v)` with constant `p`.
#[test]
fn the_likelihood_gradient_equals_brute_force() {
    let host = host(8);
    let data = [5, 5, 12, 3, 15].map(|number: usize| all(VISIBLE)[number].clone());
    let flat = [host.weights[0].concat(), host.biases.concat()].concat();
    let loss = |parameters: &[f64]| {
        let (weights, biases) = parameters.split_at(VISIBLE * HIDDEN);
        let machine = HostMachine {
            weights: vec![weights.chunks(HIDDEN).map(<[f64]>::to_vec).collect()],
            biases: vec![biases[..VISIBLE].to_vec(), biases[VISIBLE..].to_vec()],
            units: VisibleUnits::Bernoulli,
        };
        let free = data
            .iter()
            .map(|v| machine.free_energy(&[v.clone(), vec![]], |l| l == 1));
        free.sum::<f64>() / data.len() as f64 + machine.log_partition()
    };
    let expected = common::numeric_gradient(loss, &flat);
    for device in devices().map(Device::autodiff) {
        let rbm = host.rbm(&device);
        let visible = states(0, 1 << VISIBLE, VISIBLE, 0.0, 1.0, &device);
        let free = rbm.energy(visible);
        let p = burn::tensor::activation::softmax(free.clone().neg(), 0).detach();
        let loss = rbm.energy(rows(&data, &device)).mean() - (p * free).sum();
        let gradients = loss.backward();
        let found: Vec<f64> = graph(&rbm, &gradients)
            .into_iter()
            .flat_map(|(_, gradient)| gradient.unwrap())
            .collect();
        assert_close(&found, &expected, 2e-6, &format!("{device:?}"));
    }
}

/// `(v - mu) W (h - lambda)` written out: the centred energy, which the machine may shift by a
/// constant.
#[test]
fn a_centered_machine_has_the_energies_of_its_formula() {
    for device in devices() {
        for units in [VisibleUnits::Bernoulli, VisibleUnits::Gaussian] {
            let rbm = centered(units, &device);
            let parameters = common::parameters(&rbm);
            let [weight, b, c, mu, lambda] = &parameters[..] else {
                panic!("{parameters:?}");
            };
            let plain = HostMachine::of(&rbm.uncentered());
            let mut differences = Vec::new();
            for v in all(VISIBLE) {
                for h in all(HIDDEN) {
                    let mut energy = -dot(&b.values, &v) - dot(&c.values, &h);
                    if units == VisibleUnits::Gaussian {
                        energy += dot(&v, &v) / 2.0;
                    }
                    let less = |x: &[f64], offset: &[f64]| -> Vec<f64> {
                        x.iter().zip(offset).map(|(x, offset)| x - offset).collect()
                    };
                    let (v_less, h_less) = (less(&v, &mu.values), less(&h, &lambda.values));
                    let couplings = weight.values.chunks(HIDDEN).zip(v_less);
                    energy -= couplings.map(|(row, v)| v * dot(row, &h_less)).sum::<f64>();
                    differences.push(energy - plain.energy(&[v.clone(), h.clone()]));
                }
            }
            let constant = vec![differences[0]; differences.len()];
            assert_close(&differences, &constant, 2e-6, "uncentered");

            let visible = rows(&all(VISIBLE), &device);
            let free = values(rbm.energy(visible.clone()));
            let plain = values(rbm.uncentered().energy(visible));
            assert_close(&free, &plain, 2e-6, "free energies");
            assert!(rbm.uncentered().offsets().is_none());
        }
    }
}

/// Offsets move; energies don't.
#[test]
fn hidden_means_leave_the_distribution() {
    for device in devices() {
        for device in [device.clone(), device.autodiff()] {
            let rbm = centered(VisibleUnits::Bernoulli, &device);
            let visible = rows(&all(VISIBLE), &device);
            let before = values(rbm.energy(visible.clone()));
            let (mu, lambda) = rbm.offsets().unwrap();
            let mean = [0.05, 0.5, 0.99];
            let moved = rbm.with_hidden_means(tensor(&mean, [HIDDEN], &device), 0.3);
            let after = values(moved.energy(visible.clone()));
            assert_close(&after, &before, 2e-6, &format!("{device:?}"));

            let (same, found) = moved.offsets().unwrap();
            assert_eq!(values(same), values(mu));
            let expected: Vec<f64> = values(lambda)
                .iter()
                .zip(mean)
                .map(|(old, mean)| old + 0.3 * (mean - old))
                .collect();
            assert_close(&values(found), &expected, 1e-6, "lambda");

            // A machine without offsets stays as it is.
            let plain = moved.uncentered();
            let mean = tensor(&mean, [HIDDEN], &device);
            let same = plain.clone().with_hidden_means(mean, 0.3);
            assert_eq!(
                values(same.energy(visible.clone())),
                values(plain.energy(visible))
            );
        }
    }
}

/// Without couplings, visible units then have the means that were asked for.
#[test]
fn visible_means_are_reached_without_couplings() {
    let mean = [0.2, 0.5, 0.0, 0.9];
    for device in devices() {
        for device in [device.clone(), device.autodiff()] {
            for centered in [false, true] {
                for units in [VisibleUnits::Bernoulli, VisibleUnits::Gaussian] {
                    let config = RbmConfig::new(VISIBLE, HIDDEN)
                        .with_visible_units(units)
                        .with_centered(centered);
                    let rbm = config.init(&device, &mut Noise::new(1));
                    let rbm = rbm.with_visible_means(tensor(&mean, [VISIBLE], &device), 0.05);
                    let bias = values(rbm.layers().bias(0));
                    let (found, expected): (Vec<f64>, Vec<f64>) = match units {
                        VisibleUnits::Gaussian => (bias, mean.to_vec()),
                        VisibleUnits::Bernoulli => (
                            bias.into_iter().map(sigmoid).collect(),
                            mean.map(|p| p.clamp(0.05, 0.95)).to_vec(),
                        ),
                    };
                    assert_close(&found, &expected, 1e-6, &format!("{config:?}"));
                    if centered {
                        let (mu, lambda) = rbm.offsets().unwrap();
                        assert_close(&values(mu), &mean, 1e-7, "mu");
                        assert_close(&values(lambda), &[0.5; HIDDEN], 1e-7, "lambda");
                    }
                }
            }
        }
    }
}

/// `d/dW (E(v, h) of data - of samples) = -<(v - mu)(h - lambda)>_data + <..>_samples` (Melchior et
/// al. 2016, eq. 14), biases get `-<v>` and `-<h>` whatever the offsets are, and offsets get
/// nothing. It is so before and after the machine leaves the graph and comes back to it.
#[test]
fn a_centered_gradient_is_of_centered_statistics() {
    let v = HostMachine::random(&[6, VISIBLE], 1.0, 20).weights[0].clone();
    let h = HostMachine::random(&[6, HIDDEN], 1.0, 21).weights[0].clone();
    let signs = [1.0, 1.0, 1.0, -1.0, -1.0, -1.0];
    for device in devices() {
        let training = device.clone().autodiff();
        let made = centered(VisibleUnits::Bernoulli, &training);
        let retrained = made.valid().train();
        let later = centered(VisibleUnits::Bernoulli, &device).train();
        let updated = retrained
            .clone()
            .with_hidden_means(tensor(&[0.5, 0.1, 0.4], [HIDDEN], &device), 0.1);
        for rbm in [made, retrained, later, updated] {
            let states = [rows(&v, &training), rows(&h, &training)];
            let weights: Tensor<1> = tensor(&signs, [6], &training);
            let loss = (rbm.layers().joint_energy(&states) * weights).sum();
            let found = graph(&rbm, &loss.backward());
            assert_eq!(found.len(), 5);
            let (mu, lambda) = (&found[3].0, &found[4].0);
            assert!(mu[3] == f64::from(0.95_f32) && lambda[0] != 0.5);
            let statistic =
                |f: &dyn Fn(usize) -> f64| -> f64 { (0..6).map(|n| -signs[n] * f(n)).sum() };
            let mut expected = [vec![], vec![], vec![]];
            for i in 0..VISIBLE {
                for j in 0..HIDDEN {
                    let product = |n: usize| (v[n][i] - mu[i]) * (h[n][j] - lambda[j]);
                    expected[0].push(statistic(&product));
                }
            }
            expected[1].extend((0..VISIBLE).map(|i| statistic(&|n| v[n][i])));
            expected[2].extend((0..HIDDEN).map(|j| statistic(&|n| h[n][j])));
            for (index, expected) in expected.iter().enumerate() {
                let gradient = found[index].1.as_ref().unwrap();
                assert_close(gradient, expected, 5e-6, &format!("parameter {index}"));
            }
            assert!(found[3].1.is_none() && found[4].1.is_none());
        }
    }
}

/// `softplus(1000)` is 1000, `softplus(-1000)` is 0, on the graph and off it.
#[test]
fn large_fields_don_t_overflow() {
    for device in devices() {
        for device in [device.clone(), device.autodiff()] {
            let weight = tensor(&[1000.0, -1000.0], [1, 2], &device);
            let bias: Tensor<1> = tensor(&[0.0], [1], &device);
            let hidden = Tensor::zeros([2], &device);
            let rbm = Rbm::from_parameters(weight, bias, hidden, VisibleUnits::Bernoulli);
            let visible: Tensor<2> = tensor(&[1.0, 0.0], [2, 1], &device);
            let energy = rbm.energy(visible.clone());
            let expected = [-1000.0, -2.0 * std::f64::consts::LN_2];
            assert_close(&values(energy), &expected, 1e-6, "free energy");
            let means = values(rbm.hidden_means(visible));
            assert_eq!(means, [1.0, 0.0, 0.5, 0.5]);
            let log_z = log_partition(&rbm.layers(), &mut ()).unwrap();
            assert_close(&[log_z], &[1000.0], 1e-6, "log Z");
        }
    }
}

/// All visible copies at the same `v`, `t` hidden copies summed out one by one.
#[test]
fn copies_are_copies() {
    for device in devices() {
        let host = host(9);
        for (s, t) in [(1, 1), (2, 1), (1, 2), (2, 2)] {
            let machine = ReplicatedRbm::new(host.rbm(&device), f64::from(s), f64::from(t));
            // The machine of s visible and t hidden layers as one of two long layers.
            let (s, t) = (s as usize, t as usize);
            let copied = HostMachine {
                weights: vec![
                    (0..s * VISIBLE)
                        .map(|i| host.weights[0][i % VISIBLE].repeat(t))
                        .collect(),
                ],
                biases: vec![host.biases[0].repeat(s), host.biases[1].repeat(t)],
                units: VisibleUnits::Bernoulli,
            };
            let expected: Vec<f64> = all(VISIBLE)
                .iter()
                .map(|v| copied.free_energy(&[v.repeat(s), vec![]], |l| l == 1))
                .collect();
            let found = values(machine.energy(rows(&all(VISIBLE), &device)));
            assert_close(&found, &expected, 2e-6, &format!("free energy, {s}, {t}"));

            let (v, h) = (vec![1.0, 0.0, 1.0, 1.0], vec![0.0, 1.0, 1.0]);
            let states = [
                rows(std::slice::from_ref(&v), &device),
                rows(std::slice::from_ref(&h), &device),
            ];
            let expected = copied.energy(&[v.repeat(s), h.repeat(t)]);
            let found = values(machine.joint_energy(&states));
            assert_close(&found, &[expected], 2e-6, "joint energy");

            // The log-odds of a unit are the energy that it takes away by turning on, with all
            // copies of the other units in the same state.
            let change = |block: usize, unit: usize| {
                let energy = |on: f64| {
                    let mut long = [v.repeat(s), h.repeat(t)];
                    long[block][unit] = on;
                    copied.energy(&long)
                };
                sigmoid(energy(0.0) - energy(1.0))
            };
            for (block, units) in [(0, VISIBLE), (1, HIDDEN)] {
                let expected: Vec<f64> = (0..units).map(|unit| change(block, unit)).collect();
                let found = values(machine.conditional(block, &states).mean());
                assert_close(&found, &expected, 1e-6, &format!("block {block}, {s}, {t}"));
            }
            let found = values(machine.hidden_means(states[0].clone()));
            let block = values(machine.conditional(1, &states).mean());
            assert_eq!(found, block);
        }
    }
}

#[test]
fn initial_parameters_come_from_the_noise() {
    for device in devices() {
        let config = RbmConfig::new(60, 50).with_weight_std(0.2);
        let rbm = config.init(&device, &mut Noise::new(1));
        let again = config.init(&device, &mut Noise::new(1));
        let other = config.init(&device, &mut Noise::new(2));
        assert_eq!(values(rbm.weight()), values(again.weight()));
        assert_ne!(values(rbm.weight()), values(other.weight()));
        let squares: Vec<f64> = values(rbm.weight()).iter().map(|w| w * w).collect();
        let variance = squares.iter().sum::<f64>() / 3000.0;
        // The variance of a normal's sample variance is 2 s^4 / n: five standard errors,
        // false-positive rate 5.7e-7.
        let error = 0.04 * (2.0_f64 / 3000.0).sqrt();
        assert!((variance - 0.04).abs() < 5.0 * error, "{variance}");
        assert_eq!(config.num_params(), 60 * 50 + 110);
        let counted = common::parameters(&rbm);
        let counted: usize = counted.iter().map(|p| p.values.len()).sum();
        assert_eq!(counted as u128, config.num_params());
    }
}

#[test]
#[should_panic(expected = "a weight of shape [2, 3] doesn't fit biases of [3, 2] units")]
fn shapes_that_don_t_fit_are_named() {
    let device = Device::flex();
    let zeros = |units| Tensor::<1>::zeros([units], &device);
    let weight = Tensor::zeros([2, 3], &device);
    Rbm::from_parameters(weight, zeros(3), zeros(2), VisibleUnits::Bernoulli);
}

#[test]
fn probabilities_sum_to_one_in_logarithms() {
    let device = Device::flex();
    let rbm = host(12).rbm(&device);
    let free = values(rbm.energy(states(0, 16, VISIBLE, 0.0, 1.0, &device)));
    let terms: Vec<f64> = free.iter().map(|free| -free).collect();
    let log_z = log_partition(&rbm.layers(), &mut ()).unwrap();
    assert_close(
        &[log_sum_exp(&terms)],
        &[log_z],
        2e-6,
        "log Z by either side",
    );
}
