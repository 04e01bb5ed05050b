//! Sums over all states equal brute force in f64 and closed forms.
#![allow(clippy::unwrap_used)]

mod common;

use burn::tensor::{Device, Tensor};
use common::machine::{HostMachine, configurations, dot, log_sum_exp, softplus};
use common::{assert_close, devices, tensor, values};
use ebm_models::{
    Layers, MAX_ENUMERATED_UNITS, TooManyStates, VisibleUnits, log_partition, log_partition_of,
    states,
};

fn exact(machine: &Layers) -> f64 {
    log_partition(machine, &mut ()).unwrap()
}

/// Either parity is the smaller one here, and some have several layers of it.
#[test]
fn binary_machines_equal_brute_force() {
    let all = [
        vec![5, 3],
        vec![3, 5],
        vec![4, 3, 2],
        vec![2, 5, 3],
        vec![3, 3, 2, 2],
        vec![1, 4, 1, 2, 2],
    ];
    for device in devices() {
        for (seed, sizes) in all.iter().enumerate() {
            let host = HostMachine::random(sizes, 1.5, seed as u64);
            assert_close(
                &[exact(&host.layers(&device))],
                &[host.log_partition()],
                2e-6,
                &format!("{sizes:?} on {device:?}"),
            );
        }
    }
}

/// Without couplings `log Z = sum_i softplus(b_i) + sum_j softplus(c_j)`, over several blocks of
/// states.
#[test]
fn without_couplings_units_add_up() {
    for device in devices() {
        for sizes in [[400, 13], [13, 400]] {
            let mut host = HostMachine::random(&sizes, 2.0, 1);
            host.weights[0]
                .iter_mut()
                .flatten()
                .for_each(|weight| *weight = 0.0);
            let expected: f64 = host.biases.concat().into_iter().map(softplus).sum();
            let found = exact(&host.layers(&device));
            assert_close(&[found], &[expected], 1e-6, &format!("{sizes:?}"));
        }
    }
}

/// `Z = sum_h exp(c . h) prod_i sqrt(2 pi) exp((b + W h)_i^2 / 2)`, hidden units enumerated though
/// there are more.
#[test]
fn gaussian_visible_units_are_summed_out() {
    for device in devices() {
        for sizes in [[3, 5], [5, 2]] {
            let host = HostMachine::random(&sizes, 0.8, 2).gaussian();
            let terms: Vec<f64> = configurations(sizes[1], 0.0, 1.0)
                .iter()
                .map(|h| {
                    let visible = host.weights[0].iter().zip(&host.biases[0]);
                    let squares: f64 = visible
                        .map(|(row, b)| (b + dot(row, h)).powi(2) + std::f64::consts::TAU.ln())
                        .sum();
                    dot(&host.biases[1], h) + squares / 2.0
                })
                .collect();
            let found = exact(&host.layers(&device));
            assert_close(
                &[found],
                &[log_sum_exp(&terms)],
                2e-6,
                &format!("{sizes:?}"),
            );
        }
    }
}

/// `Z = integral exp(-F(v)) dv` by the trapezoidal rule over `[-15, 15]`, whose error is below
/// 1e-12 for such a function.
#[test]
fn one_gaussian_unit_equals_its_integral() {
    let host = HostMachine::random(&[1, 3], 1.0, 3).gaussian();
    let spacing = 0.01;
    let integral: f64 = (-1500..=1500)
        .map(|i| {
            let v = vec![f64::from(i) * spacing];
            (-host.free_energy(&[v], |l| l == 1)).exp() * spacing
        })
        .sum();
    let found = exact(&host.layers(&Device::flex()));
    assert_close(&[found], &[integral.ln()], 2e-6, "integral");
}

/// A Boltzmann machine with spins: `E(x) = -x J x / 2 - b . x`.
#[test]
fn any_binary_energy_equals_brute_force() {
    let units = 7;
    for device in devices() {
        for (low, high) in [(-1.0, 1.0), (0.0, 1.0), (-0.5, 2.0)] {
            let rows = HostMachine::random(&[units, units], 0.7, 4);
            let couplings = rows.weights[0].concat();
            let bias = &rows.biases[0];
            let terms: Vec<f64> = configurations(units, low, high)
                .iter()
                .map(|x| {
                    let product: f64 = rows.weights[0]
                        .iter()
                        .zip(x)
                        .map(|(row, x_i)| x_i * dot(row, x))
                        .sum();
                    product / 2.0 + dot(bias, x)
                })
                .collect();
            let couplings: Tensor<2> = tensor(&couplings, [units, units], &device);
            let bias: Tensor<2> = tensor(bias, [1, units], &device);
            let energy = |x: Tensor<2>| {
                let field = x.clone().matmul(couplings.clone()).mul_scalar(0.5) + bias.clone();
                (x * field).sum_dim(1).squeeze_dim::<1>(1).neg()
            };
            let found = log_partition_of(energy, units, low, high, &device, &mut ());
            assert_close(
                &[found.unwrap()],
                &[log_sum_exp(&terms)],
                2e-6,
                &format!("{low}, {high}"),
            );
        }
    }
}

/// Each state counts once: a single one left out between two blocks would take 3e-5 off
/// `units ln 2`.
#[test]
fn no_state_is_left_out_between_blocks() {
    let nothing = |x: Tensor<2>| x.sum_dim(1).squeeze_dim::<1>(1).mul_scalar(0.0);
    for units in [0, 1, 14, 15, 16] {
        let device = Device::flex();
        let found = log_partition_of(nothing, units, 0.0, 1.0, &device, &mut ()).unwrap();
        let expected = units as f64 * std::f64::consts::LN_2;
        assert_close(&[found], &[expected], 1e-9, &format!("{units} units"));
    }
}

/// A lone enormous term, and terms whose exponentials overflow even f64.
#[test]
fn large_energies_don_t_overflow() {
    let device = Device::flex();
    for scale in [1e3, 1e5] {
        let energy = |x: Tensor<2>| x.sum_dim(1).squeeze_dim::<1>(1).mul_scalar(-scale);
        let found = log_partition_of(energy, 3, -1.0, 1.0, &device, &mut ()).unwrap();
        assert_close(&[found], &[3.0 * scale], 1e-12, "all units high");
    }
    let nothing = |x: Tensor<2>| x.sum_dim(1).squeeze_dim::<1>(1).mul_scalar(f64::NAN);
    let found = log_partition_of(nothing, 3, 0.0, 1.0, &device, &mut ()).unwrap();
    assert!(found.is_nan(), "{found}");
}

#[test]
fn states_are_the_bits_of_their_numbers() {
    for device in devices() {
        let found = states(5, 3, 4, -1.0, 1.0, &device);
        assert_eq!(found.dims(), [3, 4]);
        #[rustfmt::skip]
        let expected = [
             1.0, -1.0,  1.0, -1.0,
            -1.0,  1.0,  1.0, -1.0,
             1.0,  1.0,  1.0, -1.0,
        ];
        assert_eq!(values(found), expected);
        let all = values(states(0, 32, 5, 0.0, 1.0, &device));
        assert_eq!(all, configurations(5, 0.0, 1.0).concat());
    }
}

#[test]
fn progress_counts_states_up_to_all() {
    let machine = HostMachine::random(&[13, 400], 0.1, 5).layers(&Device::flex());
    let mut seen = Vec::new();
    log_partition(&machine, &mut |done, total| seen.push((done, total))).unwrap();
    assert_eq!(seen.last(), Some(&(8192, 8192)));
    assert!(seen.len() > 1 && seen.windows(2).all(|pair| pair[0].0 < pair[1].0));
}

#[test]
fn too_many_units_are_refused_before_work_starts() {
    let device = Device::flex();
    let zeros = |units| Tensor::<1>::zeros([units], &device);
    let machine = |visible, hidden, kind| {
        let weight = Tensor::zeros([visible, hidden], &device);
        Layers::new(kind, vec![weight], vec![zeros(visible), zeros(hidden)])
    };
    let limit = MAX_ENUMERATED_UNITS;
    let refused = |units| Err(TooManyStates { units, limit });
    let never = &mut |_: usize, _: usize| panic!("work started");
    let binary = machine(limit + 2, limit + 1, VisibleUnits::Bernoulli);
    assert_eq!(log_partition(&binary, never), refused(limit + 1));
    // Few visible units don't help where they are real numbers.
    let gaussian = machine(2, limit + 1, VisibleUnits::Gaussian);
    assert_eq!(log_partition(&gaussian, never), refused(limit + 1));
    let message = log_partition(&gaussian, never).unwrap_err().to_string();
    assert!(
        message.contains("2^26") && message.contains("25"),
        "{message}"
    );
}
