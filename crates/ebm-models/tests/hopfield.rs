//! Hopfield networks against their formulas: couplings, energies, updates, unlearning.

mod common;

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use common::{assert_close, devices, parameters, tensor, values};
use ebm_models::{Coding, Energy, Hopfield, HopfieldConfig, PairwiseMachine, overlap};
use ebm_ops::Noise;
use ebm_testing::pairwise::Known;

const ROUNDING: f64 = 5e-6;

/// Random spins.
fn spins(shape: [usize; 2], device: &Device, noise: &mut Noise) -> Tensor<2> {
    let coins: Tensor<2> = noise.bernoulli(Tensor::full(shape, 0.5, device));
    coins.mul_scalar(2.0).sub_scalar(1.0)
}

/// `1/count sum_p y_i y_j` and `1/count sum_p y_i` on the host.
fn moments(states: &[f64], units: usize) -> (Vec<f64>, Vec<f64>) {
    let count = (states.len() / units) as f64;
    let (mut second, mut first) = (vec![0.0; units * units], vec![0.0; units]);
    for state in states.chunks(units) {
        for i in 0..units {
            first[i] += state[i] / count;
            for j in 0..units {
                if i != j {
                    second[i * units + j] += state[i] * state[j] / count;
                }
            }
        }
    }
    (second, first)
}

#[test]
fn storage_is_hebbs_rule_and_adds_up() {
    const UNITS: usize = 9;
    for device in devices() {
        let mut noise = Noise::new(1);
        let patterns = spins([5, UNITS], &device, &mut noise);
        let network = HopfieldConfig::new(6).with_hidden(3).init(&device);
        assert_eq!((network.visible_units(), network.hidden_units()), (6, 3));
        let (second, _) = moments(&values(patterns.clone()), UNITS);
        let expected: Vec<f64> = second.iter().map(|c| c * 5.0 / UNITS as f64).collect();
        let at_once = network.store(patterns.clone());
        assert_close(&values(at_once.couplings()), &expected, ROUNDING, "W");
        assert_eq!(values(at_once.bias()), [0.0; UNITS]);
        let one_by_one = (0..5).fold(network, |network, p| {
            network.store(patterns.clone().narrow(0, p, 1))
        });
        assert_close(&values(one_by_one.couplings()), &expected, ROUNDING, "W");
    }
}

#[test]
fn the_energy_is_the_sum_over_pairs() {
    const UNITS: usize = 8;
    for device in devices() {
        let reference = Known::random(UNITS, (0.5, 0.5), Coding::Spin, &mut Noise::new(2));
        let network = Hopfield::from_parameters(
            tensor(&reference.couplings, [UNITS, UNITS], &device),
            tensor(&reference.bias, [UNITS], &device),
            UNITS,
        );
        let states = reference.states().all().concat();
        let expected: Vec<f64> = states.chunks(UNITS).map(|y| reference.energy(y)).collect();
        let batch: Tensor<3> = tensor(&states, [1 << UNITS, 2, 4], &device);
        assert_close(&values(network.energy(batch)), &expected, ROUNDING, "E");
    }
}

#[test]
fn unlearning_moves_the_moments_apart() {
    const UNITS: usize = 7;
    for device in devices() {
        let mut noise = Noise::new(3);
        let data = spins([4, UNITS], &device, &mut noise);
        let fakes = spins([6, UNITS], &device, &mut noise);
        let before = HopfieldConfig::new(UNITS).init(&device).store(data.clone());
        let after = before.unlearn(fakes.clone(), data.clone(), 0.1);
        let (data_second, data_first) = moments(&values(data.clone()), UNITS);
        let (fake_second, fake_first) = moments(&values(fakes.clone()), UNITS);
        let weights = values(before.couplings());
        let expected: Vec<f64> = (0..UNITS * UNITS)
            .map(|k| weights[k] - 0.1 * (fake_second[k] - data_second[k]))
            .collect();
        assert_close(&values(after.couplings()), &expected, ROUNDING, "W");
        let expected: Vec<f64> = (0..UNITS)
            .map(|i| -0.1 * (fake_first[i] - data_first[i]))
            .collect();
        assert_close(&values(after.bias()), &expected, ROUNDING, "b");
        // The gap between fakes and data grows.
        let gap = |network: &Hopfield| {
            values(network.energy(fakes.clone()).mean() - network.energy(data.clone()).mean())[0]
        };
        assert!(gap(&after) > gap(&before));
        // Fakes equal to the data teach nothing.
        let same = before.unlearn(data.clone(), data, 0.1);
        assert_close(&values(same.couplings()), &weights, ROUNDING, "W");
    }
}

/// Storing keeps a trainable network trainable, its parameters leaves.
#[test]
fn a_network_stays_trainable() {
    for device in devices() {
        let training = device.clone().autodiff();
        for store_on in [&device, &training] {
            let patterns = spins([3, 6], store_on, &mut Noise::new(4));
            let network = HopfieldConfig::new(6)
                .init(&training)
                .store(patterns.clone());
            let network = network.unlearn(patterns.clone(), patterns.clone(), 0.1);
            let gradients = network.energy(patterns).sum().backward();
            struct Count<'a>(&'a burn::tensor::Gradients, usize);
            impl burn::module::ModuleVisitor for Count<'_> {
                fn visit_float<const D: usize>(&mut self, param: &burn::module::Param<Tensor<D>>) {
                    self.1 += usize::from(param.val().grad(self.0).is_some());
                }
            }
            let mut count = Count(&gradients, 0);
            network.visit(&mut count);
            assert_eq!(count.1, 2);
            assert_eq!(parameters(&network).len(), 2);
        }
    }
}

/// By hand: fields of 2, 0, -1 and, with rounding, 1/3 + 1/3 - 2/3.
#[test]
fn a_synchronous_update_is_the_sign_of_the_field_and_ties_stay() {
    for device in devices() {
        let (third, two) = (1.0 / 3.0, 2.0 / 3.0);
        #[rustfmt::skip]
        let weight = [
            0.0, 2.0, 0.0, third,
            2.0, 0.0, 0.0, third,
            0.0, 0.0, 0.0, two,
            third, third, two, 0.0,
        ];
        let network = Hopfield::from_parameters(
            tensor(&weight, [4, 4], &device),
            tensor(&[0.0, 0.0, 0.0, 0.0], [4], &device),
            4,
        );
        #[rustfmt::skip]
        let states = [
            1.0, 1.0, -1.0, 1.0, // fields 7/3, 7/3, 2/3, 0
            -1.0, 1.0, 1.0, -1.0, // fields 5/3, -7/3, -2/3, 2/3
        ];
        #[rustfmt::skip]
        let expected = [
            1.0, 1.0, 1.0, 1.0,
            1.0, -1.0, -1.0, 1.0,
        ];
        let found = network.synchronous_update(tensor(&states, [2, 4], &device));
        assert_eq!(values(found), expected);
        // Nothing stored: all fields are zero, all units stay.
        let empty = HopfieldConfig::new(4).init(&device);
        let found = empty.synchronous_update(tensor(&states, [2, 4], &device));
        assert_eq!(values(found), states);
    }
}

#[test]
fn overlap_is_the_mean_product() {
    for device in devices() {
        let a = tensor(&[1.0, -1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0], [2, 4], &device);
        let b = tensor(
            &[1.0, -1.0, 1.0, -1.0, -1.0, -1.0, -1.0, -1.0],
            [2, 4],
            &device,
        );
        assert_eq!(values(overlap(a, b)), [0.5, -1.0]);
    }
}

/// Complementary error function by its continued fraction or its series, to 1e-12.
fn erfc(x: f64) -> f64 {
    let (mut sum, mut term, mut k) = (x, x, 0.0);
    while term.abs() > 1e-18 {
        k += 1.0;
        term *= -x * x / k;
        sum += term / (2.0 * k + 1.0);
    }
    1.0 - 2.0 / std::f64::consts::PI.sqrt() * sum
}

/// One synchronous update from every stored pattern. For a unit of pattern `p`,
/// `N y_i z_i = N - 1 + S` with `S` the sum of `(P - 1)(N - 1)` independent signs, and the unit
/// goes wrong where `S < -(N - 1)`, that is where `S <= -(N + 1)`. With the correction for
/// continuity its probability is `1/2 erfc(N / sqrt(2 (P - 1)(N - 1)))`, or for large `N`
/// `1/2 erfc(sqrt(N / 2 (P - 1)))`. This is the formula of the textbook with the load of the
/// *other* patterns, which is 0.1 and 0.138 here. Units of one network share its couplings, so that
/// the number of wrong ones isn't binomial. So the error bar is the standard error over independent
/// networks, and five of them are allowed (false-positive rate 1.5e-6 at 159 degrees of freedom).
#[test]
fn one_step_errors_are_those_of_a_gaussian_crosstalk() {
    const UNITS: usize = 500;
    const NETWORKS: usize = 160;
    let device = Device::flex();
    let mut noise = Noise::new(8);
    for (patterns, golden) in [(51_usize, 7.83e-4), (70, 3.54e-3)] {
        let n = UNITS as f64;
        let others = (patterns - 1) as f64;
        let expected = 0.5 * erfc(n / (2.0 * others * (n - 1.0)).sqrt());
        assert!((expected / golden - 1.0).abs() < 0.02, "{expected}");
        let shares: Vec<f64> = (0..NETWORKS)
            .map(|_| {
                let stored = spins([patterns, UNITS], &device, &mut noise);
                let network = HopfieldConfig::new(UNITS)
                    .init(&device)
                    .store(stored.clone());
                let m = overlap(network.synchronous_update(stored.clone()), stored);
                (1.0 - values(m.mean())[0]) / 2.0
            })
            .collect();
        let mean = shares.iter().sum::<f64>() / NETWORKS as f64;
        let variance =
            shares.iter().map(|s| (s - mean).powi(2)).sum::<f64>() / (NETWORKS - 1) as f64;
        let error = (variance / NETWORKS as f64).sqrt();
        let z = (mean - expected) / error;
        assert!(
            z.abs() < 5.0,
            "found {mean} +- {error}, expected {expected}"
        );
        // The test would see an error of a fifth.
        assert!(5.0 * error < 0.2 * expected, "{error}");
    }
}
