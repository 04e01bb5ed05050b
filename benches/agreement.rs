//! Energies and gradients of the benchmarked models, with weights and input, in one file: our side
//! of `compare/agreement.py`.
#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout)]

mod common;

use std::path::Path;

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use ebm::models::{
    Activation, ConvNetConfig, Energy, ImageShape, LayeredMachine, MlpConfig, Rbm, VisibleUnits,
};
use ebm::ops::Noise;
use ebm::sampling::energy_and_gradient;
use ebm::training::{ContrastiveDivergence, TensorFile, weights};

/// As many configurations as the chains of the benchmarks.
const BATCH: usize = 128;

/// Values of one 28x28 image.
const VALUES: usize = 784;

/// The arrays of all models; names start with that of the model.
struct Report {
    file: TensorFile,
    device: Device,
}

impl Report {
    fn add<const D: usize>(&mut self, model: &str, name: &str, tensor: Tensor<D>) {
        let name = format!("{model}/{name}");
        self.file.tensors.insert(name, tensor.into_data());
    }

    /// Weights, a uniform input, the energies there and their gradient with respect to it.
    fn network<E: Energy<D> + Module, const D: usize>(
        &mut self,
        name: &str,
        network: &E,
        shape: [usize; D],
        noise: &mut Noise,
    ) {
        for (weight, data) in weights(network) {
            self.file
                .tensors
                .insert(format!("{name}/weights/{weight}"), data);
        }
        let x: Tensor<D> = noise.uniform_in(shape, [-1.0, 1.0], &self.device);
        let (energies, gradient) = energy_and_gradient(network, x.clone());
        self.add(name, "input", x);
        self.add(name, "energies", energies);
        self.add(name, "gradient", gradient);
    }

    /// Parameters, data and samples, their free energies, and the gradient of
    /// `mean F(data) - mean F(samples)` with respect to each parameter: what an update descends.
    fn rbm(&mut self, name: &str, noise: &mut Noise) {
        let weight: Tensor<2> = noise.normal([VALUES, 500], &self.device);
        let visible: Tensor<1> = noise.normal([VALUES], &self.device);
        let hidden: Tensor<1> = noise.normal([500], &self.device);
        let (weight, visible) = (weight.mul_scalar(0.1), visible.sub_scalar(2.0));
        let machine = Rbm::from_parameters(
            weight.clone(),
            visible.clone(),
            hidden.clone(),
            VisibleUnits::Bernoulli,
        );
        let mut units = |p| noise.bernoulli(Tensor::<2>::full([BATCH, VALUES], p, &self.device));
        let (data, samples) = (units(0.1), units(0.2));
        self.add(name, "data_energies", machine.energy(data.clone()));
        self.add(name, "sample_energies", machine.energy(samples.clone()));

        let machine = machine.train();
        let objective = ContrastiveDivergence::default();
        let points = objective.points(data.clone(), samples.clone());
        let gradients = points.evaluate(&machine).value.backward();
        let weight_gradient = machine.weight().grad(&gradients).unwrap();
        let biases = machine.biases();
        let visible_gradient = biases[0].grad(&gradients).unwrap();
        let hidden_gradient = biases[1].grad(&gradients).unwrap();
        self.add(name, "data", data);
        self.add(name, "samples", samples);
        self.add(name, "weight", weight);
        self.add(name, "visible_bias", visible);
        self.add(name, "hidden_bias", hidden);
        self.add(name, "weight_gradient", weight_gradient);
        self.add(name, "visible_bias_gradient", visible_gradient);
        self.add(name, "hidden_bias_gradient", hidden_gradient);
    }
}

fn main() {
    // Cargo adds `--bench`.
    let path = std::env::args()
        .skip(1)
        .find(|argument| !argument.starts_with("--"));
    let Some(path) = path else {
        println!("agreement: run by benches/compare/run, or with -- FILE");
        return;
    };
    let device = common::device();
    let mut noise = Noise::new(1);
    let mut report = Report {
        file: TensorFile::default(),
        device: device.clone(),
    };
    for (activation, kind) in [
        ("swish", Activation::Swish),
        ("leaky_relu", Activation::LeakyRelu(0.05)),
    ] {
        let mlp = MlpConfig::new(VALUES, vec![512, 512])
            .with_activation(kind)
            .init(&device, &mut noise);
        let name = format!("mlp_{activation}");
        report.network(&name, &mlp, [BATCH, VALUES], &mut noise);
        let conv_net = ConvNetConfig::new(ImageShape::new(1, 28, 28))
            .with_activation(kind)
            .init(&device, &mut noise)
            .unwrap();
        let name = format!("conv_net_{activation}");
        report.network(&name, &conv_net, [BATCH, 1, 28, 28], &mut noise);
    }
    let cifar = common::cifar_net(&device);
    report.network("cifar_net_leaky_relu", &cifar, [16, 3, 32, 32], &mut noise);
    let resnet = common::resnet(&device);
    report.network("resnet_leaky_relu", &resnet, [16, 3, 32, 32], &mut noise);
    report.rbm("rbm", &mut noise);
    report.file.save(Path::new(&path)).unwrap();
}
