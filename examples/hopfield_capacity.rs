//! How many patterns a Hopfield network holds: measured overlaps beside the mean-field theory.
//!
//! Arguments: an output folder for the picture of the curve, the number of networks a load (default
//! 2), the number of units (default 1000).
//!
//! Recall starts at each stored pattern and runs at temperature 0 until nothing flips. The theory
//! is that of Amit, Gutfreund & Sompolinsky (1985) for infinitely many units; near the critical
//! load 0.1379 a finite network falls off gradually, and above it states stay correlated with the
//! pattern (overlap about 0.35) though no memory is left.
#![allow(clippy::print_stdout)]

use std::error::Error;

use ebm::backend;
use ebm::models::{Coding, HopfieldConfig, overlap};
use ebm::ops::Noise;
use ebm::run::{Extent, LinePlot};
use ebm::sampling::gibbs::random_states;
use ebm::sampling::memories::{Dynamics, recall};

const LOADS: [f64; 9] = [0.05, 0.08, 0.10, 0.12, 0.13, 0.1379, 0.145, 0.16, 0.20];

fn main() -> Result<(), Box<dyn Error>> {
    let argument = |index: usize, default: usize| {
        std::env::args()
            .nth(index)
            .map_or(Ok(default), |text| text.parse())
    };
    let (networks, units) = (argument(2, 2)?, argument(3, 1000)?);
    let device = backend::select("auto", 0)?.device;
    let mut noise = Noise::new(7);

    println!(
        "N = {units}, {networks} networks a load, in brackets the standard error over networks"
    );
    println!(
        "  load     P  one step wrong (theory)    overlap m            theory  m > 0.9  sweeps"
    );
    let (mut measured, mut theory) = (Vec::new(), Vec::new());
    for load in LOADS {
        let count = (load * units as f64).round() as usize;
        let (mut means, mut kept, mut wrong, mut sweeps) = (Vec::new(), 0, 0.0, 0);
        for _ in 0..networks {
            let patterns = random_states(Coding::Spin, [count, units], &device, &mut noise);
            let network = HopfieldConfig::new(units)
                .init(&device)
                .store(patterns.clone());
            let once = recall(
                &network,
                patterns.clone(),
                1,
                Dynamics::Synchronous,
                &mut noise,
            );
            wrong += (1.0 - mean(&overlaps(once.states, &patterns))) / 2.0;
            let found = recall(
                &network,
                patterns.clone(),
                500,
                Dynamics::default(),
                &mut noise,
            );
            let m = overlaps(found.states, &patterns);
            kept += m.iter().filter(|&&m| m > 0.9).count();
            means.push(mean(&m));
            sweeps = sweeps.max(found.sweeps);
        }
        let n = networks as f64;
        let average = mean(&means);
        let squares: f64 = means.iter().map(|m| (m - average).powi(2)).sum();
        println!(
            "{load:.4}  {count:4}  {:.2e}  ({:.2e})    {average:.5} ({:.5})    {:.5}   {:5.1} %  {sweeps:4}",
            wrong / n,
            0.5 * (1.0 - erf((0.5 / load).sqrt())),
            (squares / (n * (n - 1.0).max(1.0))).sqrt(),
            retrieval_overlap(load),
            100.0 * kept as f64 / (count * networks) as f64,
        );
        measured.push((load, average));
        theory.push((load, retrieval_overlap(load)));
    }
    let plot = LinePlot {
        title: "Recall from a stored pattern",
        x: "load, patterns a unit",
        y: "overlap with the pattern",
        extent: Extent::Whole,
        curves: vec![
            ("measured", vec![measured]),
            ("theory, N infinite", vec![theory]),
        ],
    };
    if let Some(picture) = plot.draw() {
        let folder = std::env::args().nth(1).unwrap_or_else(|| ".".into());
        std::fs::create_dir_all(&folder)?;
        let path = std::path::Path::new(&folder).join("hopfield_capacity.png");
        picture.save(&path)?;
        println!("wrote {}", path.display());
    }
    Ok(())
}

fn overlaps(states: burn::tensor::Tensor<2>, patterns: &burn::tensor::Tensor<2>) -> Vec<f64> {
    let overlaps = overlap(states, patterns.clone()).into_data();
    overlaps.iter::<f64>().collect()
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// The overlap of the retrieval state at temperature 0, and 0 where there is none.
///
/// The mean-field equations `m = erf(y)`, `y = m / sqrt(2 alpha r)`, `r = 1 / (1 - C)^2`, `C =
/// sqrt(2 / (pi alpha r)) exp(-y^2)` reduce to one, `erf(y) = y (sqrt(2 alpha) + 2 / sqrt(pi)
/// exp(-y^2))`, whose greatest root is the retrieval state.
fn retrieval_overlap(load: f64) -> f64 {
    let slope = 2.0 / std::f64::consts::PI.sqrt();
    let excess = |y: f64| erf(y) - y * ((2.0 * load).sqrt() + slope * (-y * y).exp());
    // Negative at first, coming down from where `erf` is 1; above the critical load it never turns
    // positive before y = 0, where all terms vanish.
    let step = 1e-3;
    let Some(low) = (100..10_000)
        .rev()
        .map(|k| f64::from(k) * step)
        .find(|&y| excess(y) > 0.0)
    else {
        return 0.0;
    };
    let (mut low, mut high) = (low, low + step);
    for _ in 0..60 {
        let middle = 0.5 * (low + high);
        if excess(middle) > 0.0 {
            low = middle;
        } else {
            high = middle;
        }
    }
    erf(low)
}

/// The error function by its Maclaurin series; beyond 5 it is 1 to 1e-12.
fn erf(x: f64) -> f64 {
    if x > 5.0 {
        return 1.0;
    }
    let (mut sum, mut term, mut k) = (x, x, 0.0);
    while term.abs() > 1e-18 {
        k += 1.0;
        term *= -x * x / k;
        sum += term / (2.0 * k + 1.0);
    }
    2.0 / std::f64::consts::PI.sqrt() * sum
}
