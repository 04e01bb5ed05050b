//! How long one transition of each kernel takes.
#![allow(missing_docs, clippy::unwrap_used)]

mod common;
#[path = "common/gaussian.rs"]
mod gaussian;

use std::time::Duration;

use burn::tensor::{Device, Tensor};
use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main};
use ebm::models::{Coding, LayeredMachine, RbmConfig};
use ebm::ops::Noise;
use ebm::sampling::Kernel;
use ebm::sampling::gibbs::{BlockGibbs, random_states};
use ebm::sampling::hamiltonian::HamiltonianMonteCarlo;
use ebm::sampling::langevin::{Langevin, UnderdampedLangevin};
use ebm::sampling::metropolis_hastings::{GibbsWithGradients, Mala, RandomWalkMetropolis};
use ebm::sampling::tempering::{BlockParallelTempering, Ladder, ParallelTempering};
use gaussian::Gaussian;

/// Temperatures of parallel tempering.
const TEMPERATURES: [f64; 4] = [1.0, 0.8, 0.6, 0.4];

/// Chains of vectors.
const CHAINS: usize = 1000;

/// Chains of binary units.
const BINARY_CHAINS: usize = 128;

fn vectors(criterion: &mut Criterion) {
    let device = common::device();
    let mut noise = Noise::new(1);
    let energy = Gaussian::new(&device, &mut noise);
    let ladder = || Ladder::new(TEMPERATURES.to_vec()).unwrap();
    let start: Tensor<2> = noise.normal([CHAINS, 50], &device);
    let replicas: Tensor<2> = noise.normal([TEMPERATURES.len() * CHAINS, 50], &device);
    let mut group = group(criterion, CHAINS);
    let bench = &mut group;
    let kernel = Langevin::at_temperature(0.01, 1.0);
    time(bench, "langevin", &kernel, &energy, &start, &device);
    let kernel = UnderdampedLangevin::new(0.1, 1.0);
    time(
        bench,
        "underdamped_langevin",
        &kernel,
        &energy,
        &start,
        &device,
    );
    time(bench, "mala", &Mala::new(0.01), &energy, &start, &device);
    let kernel = HamiltonianMonteCarlo::new(0.1, 10);
    time(bench, "hmc_10", &kernel, &energy, &start, &device);
    let kernel = RandomWalkMetropolis::new(0.1);
    time(bench, "random_walk", &kernel, &energy, &start, &device);
    let kernel = ParallelTempering::new(ladder(), |_| Mala::new(0.01));
    time(
        bench,
        "parallel_tempering_4_mala",
        &kernel,
        &energy,
        &replicas,
        &device,
    );
    group.finish();
}

fn units(criterion: &mut Criterion) {
    let device = common::device();
    let mut noise = Noise::new(2);
    let machine = RbmConfig::new(784, 500).init(&device, &mut noise);
    let layers = machine.layers();
    let mut states =
        |rows, units| random_states(Coding::Binary, [rows, units], &device, &mut noise);
    let visible = states(BINARY_CHAINS, 784);
    let blocks = vec![visible.clone(), states(BINARY_CHAINS, 500)];
    let rows = TEMPERATURES.len() * BINARY_CHAINS;
    let replicas = vec![states(rows, 784), states(rows, 500)];
    let mut group = group(criterion, BINARY_CHAINS);
    let bench = &mut group;
    let kernel = GibbsWithGradients::new(Coding::Binary);
    time(
        bench,
        "gibbs_with_gradients_rbm",
        &kernel,
        &machine,
        &visible,
        &device,
    );
    let kernel = BlockGibbs::default();
    time(bench, "block_gibbs_rbm", &kernel, &layers, &blocks, &device);
    let kernel = BlockParallelTempering::new(TEMPERATURES.to_vec()).unwrap();
    time(
        bench,
        "block_parallel_tempering_4_rbm",
        &kernel,
        &layers,
        &replicas,
        &device,
    );
    group.finish();
}

fn group(criterion: &mut Criterion, chains: usize) -> BenchmarkGroup<'_, WallTime> {
    let mut group = criterion.benchmark_group("kernel_step");
    // Throughput is then in chains moved a second.
    group
        .throughput(Throughput::Elements(chains as u64))
        .sample_size(20)
        .warm_up_time(Duration::from_secs(1))
        .measurement_time(Duration::from_secs(3));
    group
}

/// Times one transition after the other of the same chains.
fn time<K: Kernel<E, X>, E, X: Clone>(
    group: &mut BenchmarkGroup<'_, WallTime>,
    name: &str,
    kernel: &K,
    energy: &E,
    start: &X,
    device: &Device,
) {
    let mut noise = Noise::new(3);
    let mut state = Some(kernel.init(energy, start.clone()));
    group.bench_function(name, |bencher| {
        bencher.iter(|| {
            let before = state.take().unwrap();
            let (after, info) = kernel.step(energy, before, &mut noise);
            common::finish(device);
            state = Some(after);
            info
        });
    });
}

criterion_group!(benches, vectors, units);
criterion_main!(benches);
