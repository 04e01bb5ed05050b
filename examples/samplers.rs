//! Three samplers on a banana, tuned by themselves: tables as of Stan, and their draws.
//!
//! Look at the table: the standard deviations are 1 and 0.866, R-hat should be near 1, and
//! effective draws cost gradients. In the picture the draws (yellow) of the random walk, MALA and
//! Hamiltonian Monte Carlo, left to right, should cover the density (blue) into both ends.
#![allow(clippy::print_stdout)]

use std::error::Error;
use std::fs::File;
use std::path::PathBuf;

use burn::tensor::{Device, Tensor};
use ebm::backend;
use ebm::models::Energy;
use ebm::ops::Noise;
use ebm::run::point_cloud;
use ebm::sampling::adaptation::{adapt_step_size, window_adaptation};
use ebm::sampling::diagnostics::table;
use ebm::sampling::hamiltonian::HamiltonianMonteCarlo;
use ebm::sampling::metropolis_hastings::{Mala, RandomWalkMetropolis};
use ebm::sampling::{Draws, Kernel, Schedule, sample_with};
use indicatif::ProgressBar;

/// `E(x, y) = x^2 / 2 + 2 (y - (x^2 - 1) / 2)^2`, a normal bent to a banana: `y` given `x` is
/// `N((x^2 - 1) / 2, 1/4)`.
#[derive(Clone, Debug)]
struct Banana;

impl Energy<2> for Banana {
    fn energy(&self, x: Tensor<2>) -> Tensor<1> {
        let (first, second) = (x.clone().narrow(1, 0, 1), x.narrow(1, 1, 1));
        let bent = second - first.clone().square().sub_scalar(1.0).mul_scalar(0.5);
        let terms = first.square().mul_scalar(0.5) + bent.square().mul_scalar(2.0);
        terms.squeeze_dim(1)
    }
}

/// Panels show `[-REACH, REACH]` on both axes.
const REACH: f64 = 4.0;
/// Side of a panel in pixels.
const SIDE: usize = 320;

const CHAINS: usize = 16;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = PathBuf::from(std::env::args().nth(1).unwrap_or_else(|| ".".into()));
    std::fs::create_dir_all(&folder)?;
    let device = backend::select("auto", 0)?.device;
    let mut noise = Noise::new(1);
    let start: Tensor<2> = noise.normal([CHAINS, 2], &device);

    // Step sizes are found in a warm-up, for a share of accepted proposals. That of MALA and HMC is
    // above the usual 0.574 and 0.8: with longer steps they rarely get into the narrow ends, and
    // the standard deviation of y comes out 5 % too small, which no R-hat shows.
    let walk = RandomWalkMetropolis::new(1.0);
    let (walk, warm) = adapt_step_size(&walk, &Banana, start.clone(), 500, 0.234, &mut noise);
    let walk = draw("random walk", 0, &walk, warm.position, &mut noise);

    let mala = Mala::new(0.1);
    let (mala, warm) = adapt_step_size(&mala, &Banana, start.clone(), 500, 0.9, &mut noise);
    let mala = draw("MALA", 1, &mala, warm.position, &mut noise);

    let hmc = HamiltonianMonteCarlo::new(0.1, 8).with_random_length();
    let (hmc, warm) = window_adaptation(&hmc, &Banana, start, 500, 0.97, &mut noise);
    let hmc = draw(
        "Hamiltonian Monte Carlo",
        8,
        &hmc,
        warm.position,
        &mut noise,
    );

    // For NumPy: `numpy.load("samplers.npy")` has shape [draws, chains, 2].
    hmc.write_npy(File::create(folder.join("samplers.npy"))?)?;

    let density = density(&device);
    let panels = [walk, mala, hmc].map(|draws| {
        // Some of them, so that the density is seen between them.
        let values: Vec<f32> = draws.to_data().iter::<f32>().collect();
        let some: Vec<f32> = values.chunks(2).step_by(13).flatten().copied().collect();
        point_cloud(&density, SIDE, &some, (-REACH, REACH))
    });
    let mut picture = image::RgbImage::new(3 * SIDE as u32, SIDE as u32);
    for (index, panel) in panels.iter().enumerate() {
        image::imageops::replace(&mut picture, panel, (index * SIDE) as i64, 0);
    }
    let path = folder.join("samplers.png");
    picture.save(&path)?;
    println!("look at {}", path.display());
    Ok(())
}

/// 1,000 draws of each chain, one of five transitions, with a bar on the terminal, and what they
/// are worth.
fn draw<K: Kernel<Banana, Tensor<2>>>(
    name: &str,
    gradients: usize,
    kernel: &K,
    start: Tensor<2>,
    noise: &mut Noise,
) -> Draws {
    let schedule = Schedule::new(0, 1000).with_thin(5);
    let bar = ProgressBar::new(schedule.transitions() as u64);
    let mut progress = |done, _| bar.set_position(done as u64);
    let (draws, run) = sample_with(kernel, &Banana, start, schedule, noise, &mut progress);
    bar.finish_and_clear();

    let acceptance: f64 = run
        .acceptance()
        .map_or(1.0, |share| share.mean().into_scalar::<f64>());
    let summaries = draws.summaries();
    println!("{name}: {:.0} % accepted", 100.0 * acceptance);
    println!("{}", table(&summaries));
    if gradients > 0 {
        let fewest = summaries
            .iter()
            .map(|summary| summary.bulk_effective_sample_size)
            .fold(f64::INFINITY, f64::min);
        let spent = (schedule.transitions() * CHAINS * gradients) as f64;
        println!("{:.3} effective draws a gradient\n", fewest / spent);
    }
    draws
}

/// `exp(-E)` on the picture's grid, row by row from the top.
fn density(device: &Device) -> Vec<f32> {
    let at = |i: usize| ((i as f64 + 0.5) / SIDE as f64 * 2.0 - 1.0) * REACH;
    let grid: Vec<f32> = (0..SIDE)
        .rev()
        .flat_map(|row| (0..SIDE).flat_map(move |column| [at(column) as f32, at(row) as f32]))
        .collect();
    let grid = Tensor::<1>::from_floats(grid.as_slice(), device).reshape([SIDE * SIDE, 2]);
    let energies = Banana.energy(grid);
    energies.neg().exp().into_data().iter::<f32>().collect()
}
