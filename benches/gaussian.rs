//! How long a sampler takes where the energy costs next to nothing: a Gaussian of 50 values, 1,000
//! chains.
#![allow(missing_docs, clippy::unwrap_used)]

mod common;
#[path = "common/gaussian.rs"]
mod gaussian;

use std::time::Duration;

use burn::tensor::Tensor;
use criterion::{Criterion, SamplingMode, criterion_group, criterion_main};
use ebm::ops::Noise;
use ebm::sampling::hamiltonian::HamiltonianMonteCarlo;
use ebm::sampling::langevin::Langevin;
use ebm::sampling::{Kernel, run};
use gaussian::Gaussian;

/// Transitions in one iteration.
const STEPS: usize = 10;

fn chains_of_a_gaussian(criterion: &mut Criterion) {
    let device = common::device();
    let mut noise = Noise::new(1);
    let energy = Gaussian::new(&device, &mut noise);
    let start: Tensor<2> = noise.normal([1000, 50], &device);
    let mut group = criterion.benchmark_group("gaussian_50_1000_chains");
    group
        .sampling_mode(SamplingMode::Flat)
        .sample_size(20)
        .warm_up_time(Duration::from_secs(2))
        .measurement_time(Duration::from_secs(5));
    let mut time = |name: &str, steps: &mut dyn FnMut(&mut Noise)| {
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                steps(&mut noise);
                common::finish(&device);
            });
        });
    };
    let kernel = Langevin::at_temperature(0.01, 1.0);
    time("langevin_10_steps", &mut |noise| {
        chains(&kernel, &energy, &start, noise);
    });
    let kernel = HamiltonianMonteCarlo::new(0.1, 10);
    time("hmc_10_steps_of_10", &mut |noise| {
        chains(&kernel, &energy, &start, noise);
    });
    group.finish();
}

fn chains<K: Kernel<Gaussian, Tensor<2>>>(
    kernel: &K,
    energy: &Gaussian,
    start: &Tensor<2>,
    noise: &mut Noise,
) {
    run(kernel, energy, start.clone(), STEPS, noise);
}

criterion_group!(benches, chains_of_a_gaussian);
criterion_main!(benches);
