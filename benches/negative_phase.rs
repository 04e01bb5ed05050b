//! How long chains take: Langevin steps of two networks, the replay buffer, and the noise that they
//! draw.
#![allow(missing_docs, clippy::unwrap_used)]

mod common;

use std::hint::black_box;
use std::time::Duration;

use burn::tensor::{Device, Tensor};
use criterion::measurement::WallTime;
use criterion::{
    BenchmarkGroup, Criterion, SamplingMode, Throughput, criterion_group, criterion_main,
};
use ebm::models::{Activation, ConvNetConfig, Energy, ImageShape, MlpConfig};
use ebm::ops::{Interval, Noise};
use ebm::sampling::langevin::Langevin;
use ebm::sampling::{ReplayBuffer, ReplayBufferConfig, StartingPoints, Storage, run};

/// Steps in one iteration: enough that the first, which can't reuse memory, doesn't count.
const STEPS: usize = 10;

/// Values of one 28x28 image.
const VALUES: usize = 784;

/// The networks as tutorials have them (Swish, batch 128) and as our presets do (leaky ReLU, batch
/// 64).
const SETTINGS: [(&str, Activation, usize); 2] = [
    ("swish_128", Activation::Swish, 128),
    ("leaky_relu_64", Activation::LeakyRelu(0.05), 64),
];

fn langevin(criterion: &mut Criterion) {
    let device = common::device();
    let mut group = criterion.benchmark_group("langevin_10_steps");
    // Throughput is then in steps a second.
    group
        .throughput(Throughput::Elements(STEPS as u64))
        .sampling_mode(SamplingMode::Flat)
        .sample_size(20)
        .warm_up_time(Duration::from_secs(2))
        .measurement_time(Duration::from_secs(8));
    for (setting, activation, batch) in SETTINGS {
        let mut noise = Noise::new(1);
        let mlp = MlpConfig::new(VALUES, vec![512, 512])
            .with_activation(activation)
            .init(&device, &mut noise);
        let name = format!("mlp_{setting}");
        time_chains(&mut group, &name, &mlp, [batch, VALUES], &device);

        let conv_net = ConvNetConfig::new(ImageShape::new(1, 28, 28))
            .with_activation(activation)
            .init(&device, &mut noise)
            .unwrap();
        let name = format!("conv_net_{setting}");
        time_chains(&mut group, &name, &conv_net, [batch, 1, 28, 28], &device);
    }
    let cifar = common::cifar_net(&device);
    let name = "cifar_net_leaky_relu_128";
    time_chains(&mut group, name, &cifar, [128, 3, 32, 32], &device);
    let resnet = common::resnet(&device);
    let name = "resnet_leaky_relu_128";
    time_chains(&mut group, name, &resnet, [128, 3, 32, 32], &device);
    group.finish();
}

/// Times chains from one start; the parameters are plain, as a frozen model's are.
fn time_chains<E: Energy<D>, const D: usize>(
    group: &mut BenchmarkGroup<'_, WallTime>,
    name: &str,
    energy: &E,
    shape: [usize; D],
    device: &Device,
) {
    let kernel = Langevin::new(10.0, 0.03)
        .with_gradient_clip(0.03)
        .with_clamp([-1.0, 1.0]);
    let mut noise = Noise::new(2);
    let start: Tensor<D> = noise.uniform_in(shape, [-1.0, 1.0], device);
    group.bench_function(name, |bencher| {
        bencher.iter(|| {
            let chains = run(&kernel, energy, start.clone(), STEPS, &mut noise);
            common::finish(device);
            chains
        });
    });
}

fn replay_buffer(criterion: &mut Criterion) {
    let device = common::device();
    let mut group = criterion.benchmark_group("replay_buffer");
    let config = ReplayBufferConfig {
        fresh_fraction: 0.05,
        starting_points: StartingPoints::Uniform(Interval::new(-1.0, 1.0)),
        storage: Storage::F32,
    };
    let mut noise = Noise::new(3);
    let mut buffer = ReplayBuffer::new([8192, VALUES], config, &device, &mut noise);
    group.bench_function("draw_and_write_back_128_of_8192", |bencher| {
        bencher.iter(|| {
            let draw = buffer.draw(128, &mut noise);
            buffer.write_back(draw.indices, draw.positions);
            common::finish(&device);
        });
    });
    group.finish();
}

fn normals(criterion: &mut Criterion) {
    let device = common::device();
    let mut group = criterion.benchmark_group("noise");
    group.throughput(Throughput::Elements(128 * VALUES as u64));
    let mut noise = Noise::new(4);
    group.bench_function("normal_100352", |bencher| {
        bencher.iter(|| {
            let draws: Tensor<2> = noise.normal([128, VALUES], &device);
            common::finish(&device);
            black_box(draws)
        });
    });
    group.finish();
}

criterion_group!(benches, langevin, replay_buffer, normals);
criterion_main!(benches);
