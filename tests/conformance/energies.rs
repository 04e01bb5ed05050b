//! Energies and their gradients with respect to the input, of every model.

use burn::module::Module;
use burn::tensor::Device;
use ebm::models::{
    Activation, BoltzmannMachineConfig, Coding, ConvLayerConfig, ConvNetConfig, DbmConfig,
    DenseAssociativeMemory, Energy, HopfieldConfig, MlpConfig, Negation, RbmConfig, ReplicatedRbm,
    VisibleUnits, WeightedSum,
};
use ebm::ops::Noise;
use ebm::sampling::energy_and_gradient;

use crate::{assert_close, floats, on_both};

/// Relative, of energies and gradients in f32.
const TOLERANCE: f64 = 1e-4;
/// Values of a configuration.
const VALUES: usize = 12;

/// A model built on both devices from the same noise, at points around zero.
fn check<E: Energy<2> + Module>(what: &str, build: impl Fn(&Device, &mut Noise) -> E) {
    check_at(what, [5, VALUES], build);
}

fn check_at<E: Energy<D> + Module, const D: usize>(
    what: &str,
    shape: [usize; D],
    build: impl Fn(&Device, &mut Noise) -> E,
) {
    let (expected, found) = on_both(|device| {
        let mut noise = Noise::new(11);
        let model = build(device, &mut noise);
        let x = noise.uniform_in(shape, [-1.0, 1.0], device);
        let (energies, gradient) = energy_and_gradient(&model, x);
        (floats(energies), floats(gradient))
    });
    assert_close(
        &format!("energies of {what}"),
        &found.0,
        &expected.0,
        TOLERANCE,
    );
    assert_close(
        &format!("gradients of {what}"),
        &found.1,
        &expected.1,
        TOLERANCE,
    );
}

#[test]
fn perceptrons_with_each_activation() {
    for activation in [
        Activation::Swish,
        Activation::Relu,
        Activation::LeakyRelu(0.05),
        Activation::Elu,
        Activation::Gelu,
        Activation::Softplus,
        Activation::Tanh,
        Activation::Sigmoid,
    ] {
        check(
            &format!("a perceptron with {activation:?}"),
            |device, noise| {
                let config = MlpConfig::new(VALUES, vec![8, 8]).with_activation(activation);
                config.init(device, noise)
            },
        );
    }
}

#[test]
fn convolutions() {
    check_at("a convolutional network", [3, 1, 6, 6], |device, noise| {
        let layers = vec![
            ConvLayerConfig::new(3, 3, 2, 2),
            ConvLayerConfig::new(4, 3, 2, 1),
        ];
        let config = ConvNetConfig::new([1, 6, 6]).with_layers(layers);
        config.with_hidden(5).init(device, noise).unwrap()
    });
}

#[test]
fn machines_with_layers() {
    let rbm = RbmConfig::new(VALUES, 6).with_weight_std(0.7);
    for (what, config) in [
        ("a restricted machine", rbm.clone()),
        (
            "a restricted machine with Gaussian units",
            rbm.clone().with_visible_units(VisibleUnits::Gaussian),
        ),
        (
            "a centred restricted machine",
            rbm.clone().with_centered(true),
        ),
    ] {
        check(what, |device, noise| {
            let mean = noise.uniform_in([VALUES], [0.1, 0.9], device);
            config.init(device, noise).with_visible_means(mean, 0.01)
        });
    }
    check("a replicated machine", |device, noise| {
        ReplicatedRbm::new(rbm.init(device, noise), 2.0, 1.0)
    });
    for centered in [false, true] {
        let config = DbmConfig::new(6, vec![4, 2]).with_weight_std(0.7);
        let config = config.with_centered(centered);
        check(
            &format!("a deep machine, centred: {centered}"),
            |device, noise| {
                let mean = noise.uniform_in([6], [0.1, 0.9], device);
                config.init(device, noise).with_visible_means(mean, 0.01)
            },
        );
    }
}

#[test]
fn pairwise_machines_and_memories() {
    for coding in [Coding::Spin, Coding::Binary] {
        check(
            &format!("a Boltzmann machine, {coding:?}"),
            |device, noise| {
                let config = BoltzmannMachineConfig::new(8).with_hidden(4);
                let config = config.with_coding(coding).with_weight_std(0.7);
                config.init(device, noise)
            },
        );
    }
    let patterns = |device: &Device, noise: &mut Noise| {
        let coins = noise.uniform::<2>([3, VALUES], device).greater_elem(0.5);
        coins.float().mul_scalar(2.0).sub_scalar(1.0)
    };
    check("a Hopfield network", |device, noise| {
        let network = HopfieldConfig::new(VALUES).init(device);
        let network = network.store(patterns(device, noise));
        network.unlearn(patterns(device, noise), patterns(device, noise), 0.1)
    });
    check("a dense associative memory", |device, noise| {
        DenseAssociativeMemory::new(patterns(device, noise), 2.0)
    });
}

#[test]
fn compositions() {
    check("a sum of experts", |device, noise| {
        let network = MlpConfig::new(VALUES, vec![8, 8]).init(device, noise);
        let machine = RbmConfig::new(VALUES, 6).init(device, noise);
        WeightedSum::new((network, Negation::new(machine)), vec![0.5, 2.0])
    });
}
