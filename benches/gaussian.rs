//! How long a sampler takes where the energy costs next to nothing: a Gaussian of 50 values, 1,000 chains.
#![allow(missing_docs, clippy::unwrap_used)]

mod common;

use std::time::Duration;

use burn::module::{Module, Param};
use burn::tensor::Tensor;
use criterion::{Criterion, SamplingMode, criterion_group, criterion_main};
use ebm::models::Energy;
use ebm::ops::Noise;
use ebm::sampling::{HamiltonianMonteCarlo, Kernel, Langevin, run};

/// Transitions in one iteration.
const STEPS: usize = 10;

/// `E(x) = x^T P x / 2` with a full precision matrix.
#[derive(Module, Debug)]
struct Gaussian {
    precision: Param<Tensor<2>>,
}

impl Energy<2> for Gaussian {
    fn energy(&self, x: Tensor<2>) -> Tensor<1> {
        let terms = x.clone().matmul(self.precision.val()) * x;
        terms.sum_dim(1).squeeze_dim::<1>(1).mul_scalar(0.5)
    }
}

fn gaussian(criterion: &mut Criterion) {
    let device = common::device();
    let mut noise = Noise::new(1);
    // Any positive definite matrix will do.
    let a: Tensor<2> = noise.normal([50, 50], &device);
    let precision = a.clone().matmul(a.transpose()).div_scalar(50.0) + Tensor::eye(50, &device);
    let energy = Gaussian {
        precision: Param::from_tensor(precision),
    };
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

criterion_group!(benches, gaussian);
criterion_main!(benches);
