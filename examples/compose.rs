//! Two energies of the plane composed in three ways: product, mixture, negation.
//!
//! Look at the picture, from left to right: the product of a ring and a bar is where they cross;
//! the mixture is ring and bar; the ring without the bar has two gaps. Points are Langevin chains
//! on the composed energy, which knows nothing of what it is made of.
#![allow(clippy::print_stdout)]

use std::error::Error;
use std::path::PathBuf;

use burn::tensor::{Device, Tensor, TensorData};
use ebm::backend;
use ebm::models::{Energy, Mixture, WeightedSum};
use ebm::ops::Noise;
use ebm::run::point_cloud;
use ebm::sampling::langevin::Langevin;
use ebm::sampling::run;
use image::imageops::replace;

const SIDE: usize = 300;
const RANGE: (f64, f64) = (-2.0, 2.0);

/// `E(x) = (|x| - 1)^2 / (2 width^2)`: a ring.
fn ring(x: Tensor<2>) -> Tensor<1> {
    // A little is added so that the gradient at the origin is finite.
    let radius = (x.square().sum_dim(1).squeeze_dim::<1>(1) + 1e-6).sqrt();
    (radius - 1.0).square() / (2.0 * 0.12 * 0.12)
}

/// `E(x) = x_2^2 / (2 width^2)`: a bar along the first axis.
fn bar(x: Tensor<2>) -> Tensor<1> {
    let height: Tensor<1> = x.narrow(1, 1, 1).squeeze_dim(1);
    height.square() / (2.0 * 0.25 * 0.25)
}

fn main() -> Result<(), Box<dyn Error>> {
    let folder = PathBuf::from(std::env::args().nth(1).unwrap_or_else(|| ".".into()));
    std::fs::create_dir_all(&folder)?;
    let device = backend::select("auto", 0)?.device;
    let mut noise = Noise::new(1);
    let product = WeightedSum::new((ring, bar), vec![1.0, 1.0]);
    let mixture = Mixture::new((ring, bar), &[1.0, 1.0]);
    let negation = WeightedSum::new((ring, bar), vec![1.0, -0.5]);
    let panels = [
        panel("product ", &product, &mut noise, &device),
        panel("mixture ", &mixture, &mut noise, &device),
        panel("negation", &negation, &mut noise, &device),
    ];
    let mut picture = image::RgbImage::new(3 * SIDE as u32, SIDE as u32);
    for (index, panel) in panels.iter().enumerate() {
        replace(&mut picture, panel, (index * SIDE) as i64, 0);
    }
    let path = folder.join("compose.png");
    picture.save(&path)?;
    println!("look at {}", path.display());
    Ok(())
}

/// Samples of an energy over its density.
fn panel<E: Energy<2>>(
    name: &str,
    energy: &E,
    noise: &mut Noise,
    device: &Device,
) -> image::RgbImage {
    let (low, high) = RANGE;
    let start: Tensor<2> = noise.uniform_in([600, 2], [low, high], device);
    let kernel = Langevin::at_temperature(0.002, 1.0).with_clamp([low, high]);
    let points = run(&kernel, energy, start, 1000, noise).position;
    let mean = energy.energy(points.clone()).mean().into_scalar::<f32>();
    println!("{name} mean energy of the samples {mean:.2}");

    let place = |index: usize| (low + (high - low) * (index as f64 + 0.5) / SIDE as f64) as f32;
    let grid: Vec<f32> = (0..SIDE)
        .rev()
        .flat_map(|row| (0..SIDE).flat_map(move |column| [place(column), place(row)]))
        .collect();
    let grid = Tensor::from_data(TensorData::new(grid, [SIDE * SIDE, 2]), device);
    let floats = |x: Tensor<1>| -> Vec<f32> { x.into_data().iter::<f32>().collect() };
    let energies = floats(energy.energy(grid));
    let lowest = energies.iter().copied().fold(f32::INFINITY, f32::min);
    let density: Vec<f32> = energies.iter().map(|e| (lowest - e).exp()).collect();
    let points: Vec<f32> = points.into_data().iter::<f32>().collect();
    point_cloud(&density, SIDE, &points, RANGE)
}
