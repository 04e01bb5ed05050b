//! Uses the model definitions alone: an energy, a product of experts, and a comparison that needs no `Z`.
#![allow(clippy::print_stdout)]

use burn::tensor::Tensor;
use ebm::backend;
use ebm_models::{ConvNetConfig, Energy, MlpConfig, WeightedSum};
use ebm_ops::Noise;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let device = backend::select("auto", 0)?.device;
    let mut noise = Noise::new(7);

    // Two experts over 28x28 images, with weights drawn from the seed.
    let convolutional = ConvNetConfig::new([1, 28, 28]).init(&device, &mut noise)?;
    let perceptron = MlpConfig::new(784, vec![256, 256]).init(&device, &mut noise);

    let images: Tensor<4> = noise.uniform_in([4, 1, 28, 28], -1.0, 1.0, &device);
    let others: Tensor<4> = noise.uniform_in([4, 1, 28, 28], -1.0, 1.0, &device);
    println!(
        "E of the conv net   {}",
        convolutional.energy(images.clone()).to_data()
    );
    println!(
        "E of the perceptron {}",
        perceptron.energy(images.clone()).to_data()
    );

    // p(x) ∝ p_1(x) p_2(x)^0.5: the energies add up, and the sum is a model itself.
    let product = WeightedSum::new((convolutional, perceptron), vec![1.0, 0.5]);
    println!(
        "E of their product  {}",
        product.energy(images.clone()).to_data()
    );
    println!(
        "log p(x) / p(x')    {}",
        product.log_ratio(images, others).to_data()
    );
    Ok(())
}
