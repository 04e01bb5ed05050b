//! Uses model definitions alone: energies, a product of experts, a comparison without `Z`.
//!
//! Look at the picture: the density of a memory of six patterns on a circle, of one of four, and of
//! their product, which keeps what both find likely: the two patterns that they share.
#![allow(clippy::print_stdout)]

use std::error::Error;
use std::path::PathBuf;

use burn::tensor::{Device, Tensor};
use ebm_models::{
    ConvNetConfig, DenseAssociativeMemory, Energy, ImageShape, MlpConfig, Noise, WeightedSum,
};
use image::{GrayImage, Luma};

/// Pixels along each side of a panel, over `[-1.6, 1.6]^2`.
const SIDE: usize = 200;
const REACH: f64 = 1.6;
/// The inverse temperature at which memories are experts; their patterns are then blurred by `1 /
/// sqrt(beta)`.
const BETA: f64 = 60.0;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = PathBuf::from(std::env::args().nth(1).unwrap_or_else(|| ".".into()));
    std::fs::create_dir_all(&folder)?;
    // The first of the backends that were compiled in.
    let device = Device::default();
    let mut noise = Noise::new(7);

    // Two experts over 28x28 images, with weights drawn from the seed.
    let convolutional = ConvNetConfig::new(ImageShape::new(1, 28, 28)).init(&device, &mut noise)?;
    let perceptron = MlpConfig::new(784, vec![256, 256]).init(&device, &mut noise);

    let images: Tensor<4> = noise.uniform_in([4, 1, 28, 28], [-1.0, 1.0], &device);
    let others: Tensor<4> = noise.uniform_in([4, 1, 28, 28], [-1.0, 1.0], &device);
    row("E of the conv net  ", convolutional.energy(images.clone()));
    row("E of the perceptron", perceptron.energy(images.clone()));

    // p(x) ∝ p_1(x) p_2(x)^0.5: the energies add up, and the sum is a model itself.
    let product = WeightedSum::new((convolutional, perceptron), vec![1.0, 0.5]);
    row("E of their product ", product.energy(images.clone()));
    row("log p(x) / p(x')   ", product.log_ratio(images, others));

    // The same over the plane, where it can be seen. exp(-beta E) of a memory is a mixture of
    // Gaussians at its patterns.
    let memory = |count: usize| {
        let angles = (0..count).map(|k| k as f64 / count as f64 * std::f64::consts::TAU);
        let patterns: Vec<f32> = angles
            .flat_map(|angle| [angle.cos() as f32, angle.sin() as f32])
            .collect();
        let patterns = Tensor::<1>::from_floats(patterns.as_slice(), &device);
        DenseAssociativeMemory::new(patterns.reshape([count, 2]), BETA)
    };
    let experts = vec![memory(6), memory(4)];
    let densities = [vec![BETA, 0.0], vec![0.0, BETA], vec![BETA, BETA]]
        .map(|weights| density(&WeightedSum::new(experts.clone(), weights), &device));
    let mut picture = GrayImage::new(3 * SIDE as u32, SIDE as u32);
    for (panel, density) in densities.iter().enumerate() {
        let highest = density.iter().copied().fold(f32::MIN_POSITIVE, f32::max);
        for (index, value) in density.iter().enumerate() {
            let (x, y) = (panel * SIDE + index % SIDE, index / SIDE);
            let shade = (value / highest).sqrt() * 255.0;
            picture.put_pixel(x as u32, y as u32, Luma([shade as u8]));
        }
    }
    let path = folder.join("import_model.png");
    picture.save(&path)?;
    println!(
        "look at {}: six patterns, four, and the two that both share",
        path.display()
    );
    Ok(())
}

/// Prints the energies of a batch.
fn row(name: &str, energies: Tensor<1>) {
    let values = energies.into_data();
    let texts: Vec<String> = values.iter::<f32>().map(|e| format!("{e:+.4}")).collect();
    println!("{name}  {}", texts.join("  "));
}

/// `exp(-E)` on a grid, relative to its largest value, row by row from the top.
fn density(model: &impl Energy<2>, device: &Device) -> Vec<f32> {
    let place = |index: usize| ((index as f64 + 0.5) / SIDE as f64 * 2.0 - 1.0) * REACH;
    let grid: Vec<f32> = (0..SIDE)
        .rev()
        .flat_map(|row| (0..SIDE).flat_map(move |column| [place(column) as f32, place(row) as f32]))
        .collect();
    let grid = Tensor::<1>::from_floats(grid.as_slice(), device).reshape([SIDE * SIDE, 2]);
    let energies = model.energy(grid);
    let lowest = energies.clone().min();
    (lowest - energies)
        .exp()
        .into_data()
        .iter::<f32>()
        .collect()
}
