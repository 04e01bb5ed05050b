//! Centred deep machines: the same distributions, the gradient of centred statistics.
#![allow(clippy::unwrap_used)]

mod common;

use burn::module::Module;
use burn::tensor::{Device, Tensor, activation};
use common::machine::HostMachine;
use common::{assert_close, devices, tensor, values};
use ebm_models::{Dbm, DbmConfig, Energy, LayeredMachine};
use ebm_ops::Noise;

const SIZES: [usize; 4] = [4, 3, 2, 3];

fn means(seed: u64, device: &Device) -> Vec<Tensor<1>> {
    let mut noise = Noise::new(seed);
    SIZES.map(|size| noise.uniform([size], device)).into()
}

/// All states of all units, `[2^12, 12]`.
fn states(device: &Device) -> Tensor<2> {
    let units: usize = SIZES.iter().sum();
    ebm_models::states(0, 1 << units, units, 0.0, 1.0, device)
}

/// Energies relative to that of the first state: what a constant doesn't change.
fn relative(dbm: &Dbm, device: &Device) -> Vec<f64> {
    let energies = values(dbm.energy(states(device)));
    energies.iter().map(|e| e - energies[0]).collect()
}

#[test]
fn offsets_change_nothing_but_a_constant() {
    for device in devices() {
        let plain = HostMachine::random(&SIZES, 1.0, 3).dbm(&device);
        let expected = relative(&plain, &device);
        let centered = plain.clone().centered();
        assert_close(&relative(&centered, &device), &expected, 1e-6, "zero");
        let moved = centered.with_means(&means(1, &device), 1.0);
        let moved = moved.with_means(&means(2, &device), 0.3);
        assert_close(&relative(&moved, &device), &expected, 5e-6, "moved");
        for ((offset, first), second) in moved
            .offsets()
            .unwrap()
            .into_iter()
            .zip(means(1, &device))
            .zip(means(2, &device))
        {
            let expected = first.mul_scalar(0.7) + second.mul_scalar(0.3);
            assert_close(&values(offset), &values(expected), 1e-6, "offset");
        }
        let plain = moved.uncentered();
        assert!(plain.offsets().is_none());
        assert_close(&relative(&plain, &device), &expected, 5e-6, "uncentered");
        // The energies are those of (x_l - lambda_l) W_l (x_{l+1} - lambda_{l+1}) with biases b_l,
        // up to a constant.
        let formula = formula(&moved, &device);
        assert_close(&formula, &expected, 1e-5, "formula");
    }
}

/// `-sum_l b_l . x_l - sum_l (x_l - lambda_l) W_l (x_{l+1} - lambda_{l+1})` relative to the first
/// state, with `b` read from the parameters.
fn formula(dbm: &Dbm, device: &Device) -> Vec<f64> {
    let layers = dbm.split(states(device));
    let offsets = dbm.offsets().unwrap();
    let weights = dbm.weights();
    // The raw biases are the effective ones plus what the offsets send.
    let mut biases = dbm.biases();
    for (l, weight) in weights.iter().enumerate() {
        let up = offsets[l].clone().unsqueeze::<2>().matmul(weight.clone());
        let down = offsets[l + 1]
            .clone()
            .unsqueeze::<2>()
            .matmul(weight.clone().transpose());
        biases[l + 1] = biases[l + 1].clone() + up.squeeze_dim(0);
        biases[l] = biases[l].clone() + down.squeeze_dim(0);
    }
    let count = layers[0].dims()[0];
    let mut energies = Tensor::<1>::zeros([count], device);
    for (l, layer) in layers.iter().enumerate() {
        let linear = layer.clone() * biases[l].clone().unsqueeze();
        energies = energies - linear.sum_dim(1).squeeze_dim::<1>(1);
        if l + 1 < layers.len() {
            let below = layer.clone() - offsets[l].clone().unsqueeze();
            let above = layers[l + 1].clone() - offsets[l + 1].clone().unsqueeze();
            let product = below.matmul(weights[l].clone()) * above;
            energies = energies - product.sum_dim(1).squeeze_dim::<1>(1);
        }
    }
    let energies = values(energies);
    energies.iter().map(|e| e - energies[0]).collect()
}

#[test]
fn the_gradient_is_that_of_centred_statistics() {
    let device = Device::flex();
    let dbm = HostMachine::random(&SIZES, 1.0, 4).dbm(&device).centered();
    let dbm = dbm.with_means(&means(5, &device), 1.0).train();
    let units = dbm.units();
    let mut noise = Noise::new(6);
    let mut coins =
        |count: usize, p: f64| noise.bernoulli(Tensor::<2>::full([count, units], p, &device));
    let (data, samples) = (coins(40, 0.3), coins(50, 0.6));
    let loss =
        dbm.energy(data.clone().autodiff()).mean() - dbm.energy(samples.clone().autodiff()).mean();
    let gradients = loss.backward();

    let offsets = dbm.offsets().unwrap();
    for (l, weight) in dbm.weights().into_iter().enumerate() {
        let statistics = |states: &Tensor<2>| {
            let layers = dbm.split(states.clone());
            let centred = |l: usize| layers[l].clone() - offsets[l].clone().inner().unsqueeze();
            let count = states.dims()[0] as f64;
            centred(l)
                .transpose()
                .matmul(centred(l + 1))
                .div_scalar(count)
        };
        let expected = statistics(&samples) - statistics(&data);
        let found = weight.grad(&gradients).unwrap();
        assert_close(
            &values(found),
            &values(expected),
            2e-6,
            &format!("weight {l}"),
        );
    }
    for offset in offsets {
        assert!(offset.grad(&gradients).is_none());
    }
}

/// On the graph and off it, as the trainer and a checkpoint have it.
#[test]
fn training_machines_stay_trainable_when_offsets_move() {
    let device = Device::flex();
    let moved = HostMachine::random(&SIZES, 1.0, 7)
        .dbm(&device)
        .centered()
        .train()
        .with_means(&means(8, &device), 0.5);
    let loss = moved.energy(states(&device).autodiff()).mean();
    let gradients = loss.backward();
    assert!(moved.weights()[0].grad(&gradients).is_some());
    let off = HostMachine::random(&SIZES, 1.0, 7)
        .dbm(&device)
        .centered()
        .with_means(&means(8, &device), 0.5);
    assert_eq!(relative(&moved.valid(), &device), relative(&off, &device));
}

#[test]
fn visible_means_are_met_without_couplings() {
    for device in devices() {
        for centered in [false, true] {
            let mean = tensor(&[0.2, 0.5, 0.0, 0.9], [4], &device);
            let dbm = DbmConfig::new(4, vec![3, 2])
                .with_weight_std(0.0)
                .with_centered(centered)
                .init(&device, &mut Noise::new(1))
                .with_visible_means(mean, 0.01);
            let found = activation::sigmoid(dbm.biases()[0].clone());
            assert_close(&values(found), &[0.2, 0.5, 0.01, 0.9], 1e-6, "mean");
            if let Some(offsets) = dbm.offsets() {
                assert_close(
                    &values(offsets[0].clone()),
                    &[0.2, 0.5, 0.0, 0.9],
                    1e-6,
                    "visible",
                );
                assert_close(&values(offsets[2].clone()), &[0.5, 0.5], 1e-6, "hidden");
            }
            assert_eq!(dbm.offsets().is_some(), centered);
        }
    }
}
