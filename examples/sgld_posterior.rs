//! Draws the weights of a small classifier from their posterior: where can it be trusted?
//!
//! Look at the picture: the probability of the orange class by one network at the mode of the
//! posterior (left) and averaged over draws from the posterior (middle, with the boundaries of some
//! draws), and the standard deviation between draws (right, dark is sure). All agree on the data.
//! Away from them the mode stays as sure as it was, while draws disagree.
#![allow(clippy::print_stdout)]

use std::error::Error;
use std::path::PathBuf;

use burn::module::Module;
use burn::tensor::{Device, Tensor, TensorData, activation};
use ebm::backend;
use ebm::models::{Activation, Mlp, MlpConfig};
use ebm::ops::Noise;
use ebm::training::data::two_moons;
use ebm::training::{
    Ensemble, ParameterGradients, StepSizeSchedule, StochasticGradientLangevinConfig,
};
use image::{Rgb, RgbImage};

/// Examples, and how many of them make a minibatch.
const COUNT: usize = 120;
const BATCH: usize = 40;
/// Precision of the normal prior of weights and biases.
const PRIOR_PRECISION: f64 = 1.0;
/// The square that is shown is [-REACH, REACH] in both directions.
const REACH: f64 = 1.8;
/// Places a side at which networks are evaluated, pixels a side of a panel, pixels between panels.
const GRID: usize = 128;
const PANEL: usize = 384;
const GAP: usize = 8;

/// Labelled points of the plane: `[count, 2]`, and +1 or -1 for each, `[count]`.
struct Examples {
    points: Tensor<2>,
    labels: Tensor<1>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let folder = PathBuf::from(std::env::args().nth(1).unwrap_or_else(|| ".".into()));
    std::fs::create_dir_all(&folder)?;
    let device = backend::select("auto", 0)?.device;
    let mut noise = Noise::new(3);

    let uniforms: Vec<f32> = floats(noise.uniform::<1>([COUNT], &device));
    let normals: Vec<f32> = floats(noise.normal::<1>([2 * COUNT], &device));
    let points = two_moons(COUNT, 0.12, &uniforms, &normals).into_values();
    let labels: Vec<f32> = (0..COUNT)
        .map(|index| if index % 2 == 0 { 1.0 } else { -1.0 })
        .collect();
    let examples = Examples {
        points: Tensor::from_data(TensorData::new(points.clone(), [COUNT, 2]), &device),
        labels: Tensor::from_data(TensorData::new(labels.clone(), [COUNT]), &device),
    };

    let start = MlpConfig::new(2, vec![16, 16])
        .with_activation(Activation::Tanh)
        .init(&device, &mut noise);
    let posterior = draw(start, &examples, 1.0, 16_000, &mut noise)?;
    // The mode next to the last draw: from random weights descent would be slow to leave the
    // straight boundary.
    let last = posterior.members().last().ok_or("no draw was kept")?;
    let modes = draw(last.clone(), &examples, 0.0, 4000, &mut noise)?;
    let mode = modes.members().last().ok_or("no step was made")?;

    println!("probability of the orange class");
    for (place, at) in [
        ("on the orange moon", [-0.3, 0.5]),
        ("between the moons", [0.0, 0.0]),
        ("far from the data", [-1.5, -1.5]),
    ] {
        let at = Tensor::<2>::from_floats([at], &device);
        let (mean, deviation) = posterior
            .mean_and_standard_deviation(|network| probability(network, &at))
            .ok_or("too few draws")?;
        println!(
            "{place:20} mode {:.3}   posterior {:.3} +- {:.3}",
            floats(probability(mode, &at))[0],
            floats(mean)[0],
            floats(deviation)[0],
        );
    }

    let grid = grid(&device);
    let (mean, deviation) = posterior
        .mean_and_standard_deviation(|network| probability(network, &grid))
        .ok_or("too few draws")?;
    let boundaries: Vec<Vec<f32>> = posterior
        .iter()
        .step_by(posterior.len() / 12)
        .map(|network| floats(probability(network, &grid)))
        .collect();
    let mode = floats(probability(mode, &grid));
    let mean = floats(mean);

    let mut picture = RgbImage::from_pixel(
        (3 * PANEL + 2 * GAP) as u32,
        PANEL as u32,
        Rgb([255, 255, 255]),
    );
    let panels = [
        (&mode, std::slice::from_ref(&mode), two_classes as Colors),
        (&mean, &boundaries, two_classes),
        (&floats(deviation), &[], darkness),
    ];
    for (number, (field, lines, colors)) in panels.into_iter().enumerate() {
        let left = number * (PANEL + GAP);
        paint(&mut picture, left, field, colors);
        for line in lines {
            paint_boundary(&mut picture, left, line);
        }
        for (point, &label) in points.chunks(2).zip(&labels) {
            paint_point(&mut picture, left, point, label);
        }
    }
    let path = folder.join("sgld_posterior.png");
    picture.save(&path)?;
    println!("look at {}", path.display());
    Ok(())
}

/// Networks along a chain at this temperature; at 0 it is descent to the mode.
fn draw(
    start: Mlp,
    examples: &Examples,
    temperature: f64,
    steps: usize,
    noise: &mut Noise,
) -> Result<Ensemble<Mlp>, Box<dyn Error>> {
    let mut langevin =
        StochasticGradientLangevinConfig::new(COUNT, StepSizeSchedule::constant(3e-3)?)
            .with_prior_precision(PRIOR_PRECISION)
            .with_temperature(temperature)
            .init()?;
    let mut ensemble = Ensemble::new(2000, 100, 140);
    let mut network = start.train();
    for _ in 0..steps {
        let batch = noise.indices(BATCH, COUNT, &examples.points.device());
        let points = examples.points.clone().select(0, batch.clone());
        let labels = examples.labels.clone().select(0, batch);
        // -log sigmoid(label f(x)), the mean over the minibatch.
        let margin = network.forward(points.autodiff()) * labels.autodiff();
        let loss = activation::softplus(margin.neg(), 1.0).mean();
        let gradients = ParameterGradients::collect(&network, loss.backward());
        network = langevin.step(network, gradients, noise);
        ensemble.offer(&network);
    }
    println!(
        "temperature {temperature}: {} steps, {} skipped, {} networks kept",
        langevin.steps_done(),
        langevin.skipped_steps(),
        ensemble.len()
    );
    Ok(ensemble)
}

/// Of the class +1: `[batch, 2]` -> `[batch]`.
fn probability(network: &Mlp, points: &Tensor<2>) -> Tensor<1> {
    activation::sigmoid(network.forward(points.clone()))
}

/// The places at which a panel is evaluated, row by row from the top.
fn grid(device: &Device) -> Tensor<2> {
    let place = |index: usize| ((2 * index) as f64 / (GRID - 1) as f64 - 1.0) * REACH;
    let values: Vec<f32> = (0..GRID * GRID)
        .flat_map(|index| [place(index % GRID) as f32, -place(index / GRID) as f32])
        .collect();
    Tensor::from_data(TensorData::new(values, [GRID * GRID, 2]), device)
}

/// A value at a pixel of a panel, between the four places around it.
fn at(field: &[f32], column: usize, row: usize) -> f32 {
    let place = |pixel: usize| {
        let place = pixel as f32 / (PANEL - 1) as f32 * (GRID - 1) as f32;
        let index = (place as usize).min(GRID - 2);
        (index, place - index as f32)
    };
    let ((x, right), (y, down)) = (place(column), place(row));
    let along = |y: usize| field[y * GRID + x] * (1.0 - right) + field[y * GRID + x + 1] * right;
    along(y) * (1.0 - down) + along(y + 1) * down
}

type Colors = fn(f32) -> Rgb<u8>;

/// Blue at 0, white at 1/2, orange at 1.
fn two_classes(probability: f32) -> Rgb<u8> {
    let end = if probability < 0.5 {
        [0.0, 114.0, 178.0]
    } else {
        [230.0, 130.0, 0.0]
    };
    let share = (2.0 * probability - 1.0).abs() * 0.85;
    Rgb(end.map(|end: f32| (255.0 + (end - 255.0) * share) as u8))
}

/// Black at 0, yellow at 0.4.
fn darkness(deviation: f32) -> Rgb<u8> {
    let share = (deviation / 0.4).min(1.0);
    Rgb([
        (15.0 + 240.0 * share) as u8,
        (18.0 + 200.0 * share.powf(1.3)) as u8,
        (40.0 + 60.0 * share * (1.0 - share) * 4.0) as u8,
    ])
}

fn paint(picture: &mut RgbImage, left: usize, field: &[f32], colors: Colors) {
    for row in 0..PANEL {
        for column in 0..PANEL {
            let color = colors(at(field, column, row));
            picture.put_pixel((left + column) as u32, row as u32, color);
        }
    }
}

/// Where the probability crosses 1/2.
fn paint_boundary(picture: &mut RgbImage, left: usize, field: &[f32]) {
    let positive = |column, row| at(field, column, row) > 0.5;
    for row in 0..PANEL - 1 {
        for column in 0..PANEL - 1 {
            let here = positive(column, row);
            if here != positive(column + 1, row) || here != positive(column, row + 1) {
                picture.put_pixel((left + column) as u32, row as u32, Rgb([70, 70, 70]));
            }
        }
    }
}

/// A disc with a white edge.
fn paint_point(picture: &mut RgbImage, left: usize, point: &[f32], label: f32) {
    let pixel = |value: f32| ((f64::from(value) / REACH + 1.0) / 2.0 * PANEL as f64) as i64;
    let (x, y) = (pixel(point[0]), pixel(-point[1]));
    let fill = if label > 0.0 {
        Rgb([213, 94, 0])
    } else {
        Rgb([0, 70, 140])
    };
    for dy in -3..=3_i64 {
        for dx in -3..=3_i64 {
            let distance = dx * dx + dy * dy;
            let (column, row) = (x + dx, y + dy);
            let inside = (0..PANEL as i64).contains(&column) && (0..PANEL as i64).contains(&row);
            if distance <= 10 && inside {
                let color = if distance <= 5 { fill } else { Rgb([255; 3]) };
                picture.put_pixel((left as i64 + column) as u32, row as u32, color);
            }
        }
    }
}

fn floats(x: Tensor<1>) -> Vec<f32> {
    x.into_data().iter::<f32>().collect()
}
