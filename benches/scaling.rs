//! What Langevin chains cost as steps and chains grow: time of an MLP's, and memory of a
//! convolutional network's.
//!
//! `cargo bench --workspace --bench scaling` prints both tables. Memory is the peak of a process of
//! its own, as Linux counts it; elsewhere that table is left out.
#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout)]

mod common;

use std::process::Command;
use std::time::{Duration, Instant};

use burn::tensor::{Device, Tensor};
use ebm::models::{ConvNetConfig, Energy, ImageShape, Mlp, MlpConfig};
use ebm::ops::Noise;
use ebm::sampling::langevin::Langevin;
use ebm::sampling::run;

/// Values of one 28x28 image.
const VALUES: usize = 784;

const STEPS: [usize; 4] = [10, 20, 40, 60];
const CHAINS: [usize; 4] = [32, 64, 128, 256];

/// What a point of the time table is measured over. It has the fastest, since other programs only
/// ever add to a time.
const ROUNDS: usize = 25;

/// How much more memory 60 steps may take than one.
const MOST_GROWTH: f64 = 1.1;

/// The networks have Swish; the chains are those of `negative_phase.rs`.
fn chains<E: Energy<D>, const D: usize>(
    energy: &E,
    start: &Tensor<D>,
    steps: usize,
    noise: &mut Noise,
    device: &Device,
) {
    let kernel = Langevin::new(10.0, 0.03)
        .with_gradient_clip(0.03)
        .with_clamp([-1.0, 1.0]);
    let chains = run(&kernel, energy, start.clone(), steps, noise);
    common::finish(device);
    drop(chains);
}

/// A point of the time table and what was measured there.
struct Point {
    chains: usize,
    steps: usize,
    fastest: Duration,
}

/// Times of the MLP 784-512-512-1. Points take turns, so that a change of the machine's speed meets
/// all alike.
fn time_table(device: &Device) {
    let mut noise = Noise::new(1);
    let mlp: Mlp = MlpConfig::new(VALUES, vec![512, 512]).init(device, &mut noise);
    let mut points: Vec<Point> = CHAINS
        .iter()
        .flat_map(|&chains| {
            STEPS.map(|steps| Point {
                chains,
                steps,
                fastest: Duration::MAX,
            })
        })
        .collect();
    // The first round warms up.
    for round in 0..=ROUNDS {
        for point in &mut points {
            let start: Tensor<2> = noise.uniform_in([point.chains, VALUES], [-1.0, 1.0], device);
            common::finish(device);
            let before = Instant::now();
            chains(&mlp, &start, point.steps, &mut noise, device);
            if round > 0 {
                point.fastest = point.fastest.min(before.elapsed());
            }
        }
    }
    println!("MLP 784-512-512-1, Swish, fastest of {ROUNDS}, ms (us a step and chain):\n");
    let columns: String = STEPS
        .iter()
        .map(|steps| format!(" {steps} steps |"))
        .collect();
    println!("| chains |{columns}\n|--:|{}", "--:|".repeat(STEPS.len()));
    for row in points.chunks(STEPS.len()) {
        let cells: String = row
            .iter()
            .map(|point| {
                let time = point.fastest.as_secs_f64() * 1e3;
                let each = time * 1e3 / (point.chains * point.steps) as f64;
                format!(" {time:.1} ({each:.1}) |")
            })
            .collect();
        println!("| {} |{cells}", row[0].chains);
    }
}

/// Peak memory of processes that run 64 chains of the convolutional network for 1 and 60 steps.
fn memory_table() {
    let program = std::env::current_exe().unwrap();
    println!("\nConvolutional network, 28x28, 64 chains, peak resident memory of a process:\n");
    println!("| steps | MiB |\n|--:|--:|");
    let peaks = [0, 1, 10, 60].map(|steps| {
        let output = Command::new(&program)
            .args(["memory", &steps.to_string()])
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        let peak = String::from_utf8(output.stdout).unwrap();
        println!("| {steps} | {} |", peak.trim());
        peak.trim().parse::<f64>().unwrap()
    });
    let growth = peaks[3] / peaks[1];
    assert!(
        growth <= MOST_GROWTH,
        "60 steps take {growth:.2} times the memory of one, more than {MOST_GROWTH}: something is kept from step to step"
    );
}

/// One point of the memory table: prints `VmHWM` of this process in MiB.
fn memory(steps: usize, device: &Device) {
    let mut noise = Noise::new(1);
    let conv_net = ConvNetConfig::new(ImageShape::new(1, 28, 28))
        .init(device, &mut noise)
        .unwrap();
    let start: Tensor<4> = noise.uniform_in([64, 1, 28, 28], [-1.0, 1.0], device);
    if steps > 0 {
        chains(&conv_net, &start, steps, &mut noise, device);
    }
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmHWM:"))
        .unwrap();
    let kilobytes: f64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    println!("{:.1}", kilobytes / 1024.0);
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        ["memory", steps] => memory(steps.parse().unwrap(), &common::device()),
        // Cargo adds it to what is to be measured, and not to what is only to be tried.
        ["--bench"] => {
            time_table(&common::device());
            if cfg!(target_os = "linux") {
                memory_table();
            }
        }
        _ => println!("scaling: run by cargo bench --workspace --bench scaling"),
    }
}
