//! How long Boltzmann machines take: an update of a restricted and of a deep machine, its matrix
//! products, and a sweep over single sites.
#![allow(missing_docs, clippy::unwrap_used)]

mod common;

use std::hint::black_box;
use std::time::Duration;

use burn::tensor::{Device, Tensor};
use criterion::{Criterion, SamplingMode, Throughput, criterion_group, criterion_main};
use ebm::models::BoltzmannMachineConfig;
use ebm::ops::Noise;
use ebm::run::AnyModel;
use ebm::run::config::RunConfig;
use ebm::sampling::Kernel;
use ebm::sampling::gibbs::SingleSiteGibbs;
use ebm::training::{Examples, StepOutcome, Trainer};

/// What both settings share. Written out, not taken from a preset, since `compare/pytorch.py`
/// repeats it.
const SHARED: &str = r#"
[data]
kind = "digits"
range = [0.0, 1.0]

[chains]
kind = "persistent"
start = "binary"
"#;

/// Persistent contrastive divergence with one sweep.
const RBM: &str = r#"
[model]
kind = "rbm"
hidden = 500

[sampler]
kind = "gibbs"
steps = 1

[optimizer]
kind = "sgd"
learning_rate = 0.01
weight_decay = 1e-4

[training]
steps = 1000000000
batch_size = 128
"#;

// Sizes of the restricted machine; there are as many chains as examples in a batch.
const BATCH: usize = 128;
const VISIBLE: usize = 784;
const HIDDEN: usize = 500;

/// The tolerance of 0 makes every update infer with all 10 rounds, whatever the machine has
/// learned.
const DBM: &str = r#"
[model]
kind = "dbm"
hidden = [500, 1000]
mean_field_tolerance = 0.0
mean_field_steps = 10

[sampler]
kind = "gibbs"
steps = 5

[optimizer]
kind = "sgd"
learning_rate = 0.001
weight_decay = 2e-4

[training]
steps = 1000000000
batch_size = 100
"#;

fn updates(criterion: &mut Criterion) {
    let device = common::device();
    let mut group = criterion.benchmark_group("boltzmann_update");
    group
        .sampling_mode(SamplingMode::Flat)
        .sample_size(20)
        .warm_up_time(Duration::from_secs(2))
        .measurement_time(Duration::from_secs(8));
    for (name, setting) in [("rbm_784_500_pcd_1", RBM), ("dbm_784_500_1000_pcd_5", DBM)] {
        let mut trainer = trainer(setting, &device);
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                let outcome = trainer.step();
                common::finish(&device);
                // A refused step leaves the optimizer out.
                assert!(matches!(outcome, StepOutcome::Applied(_)), "{outcome:?}");
            });
        });
    }
    group.finish();
}

/// The matrix products of an update of the restricted machine and nothing else: no update can be
/// faster.
///
/// With `P = 2 * 128 * 784 * 500` operations, 0.1 GFLOP, they are
/// - `v W`, 128 x 784 by 784 x 500, of chains that draw hidden units: `P`;
/// - `h W^T`, 128 x 500 by 500 x 784, of chains that draw visible units: `P`;
/// - `v W`, 256 x 784 by 784 x 500, of data and samples for their free energies: `2 P`;
/// - `v^T dF/d(v W)`, 784 x 256 by 256 x 500, the gradient of `W`: `2 P`;
///
/// 6 `P` or 0.602 GFLOP in all. Draws, sigmoids, sums and the optimizer aren't counted.
fn products(criterion: &mut Criterion) {
    let device = common::device();
    let mut noise = Noise::new(3);
    let mut normal = |rows, columns| -> Tensor<2> { noise.normal([rows, columns], &device) };
    let (visible, hidden) = (normal(BATCH, VISIBLE), normal(BATCH, HIDDEN));
    let (both, gradient) = (normal(2 * BATCH, VISIBLE), normal(2 * BATCH, HIDDEN));
    let weight = normal(VISIBLE, HIDDEN);
    let operations = 2 * (BATCH * VISIBLE * HIDDEN) as u64;
    let mut group = criterion.benchmark_group("matrix_product");
    group
        .warm_up_time(Duration::from_secs(2))
        .measurement_time(Duration::from_secs(5));
    // Throughput is then in floating-point operations a second.
    group.throughput(Throughput::Elements(operations));
    group.bench_function("128x784x500", |bencher| {
        bencher.iter(|| {
            black_box(visible.clone().matmul(weight.clone()));
            common::finish(&device);
        });
    });
    group.throughput(Throughput::Elements(6 * operations));
    group.bench_function("rbm_784_500_pcd_1", |bencher| {
        bencher.iter(|| {
            black_box(visible.clone().matmul(weight.clone()));
            black_box(hidden.clone().matmul(weight.clone().transpose()));
            black_box(both.clone().matmul(weight.clone()));
            black_box(both.clone().transpose().matmul(gradient.clone()));
            common::finish(&device);
        });
    });
    group.finish();
}

/// A trainer of the setting, on examples that are coins: a tenth of the pixels of 2048 images is
/// on.
fn trainer(setting: &str, device: &Device) -> Trainer<AnyModel, 4> {
    let config: RunConfig = toml::from_str(&[SHARED, setting].concat()).unwrap();
    let mut noise = Noise::new(1);
    let examples = noise.bernoulli(Tensor::<4>::full([2048, 1, 28, 28], 0.1, device));
    let examples = Examples::from_tensor(examples);
    let model = AnyModel::new(&config.model, [1, 28, 28].into(), device, &mut noise).unwrap();
    let model = config.model.kind().fit(model, &examples);
    Trainer::new(config.recipe(), model, examples, noise).unwrap()
}

/// One sweep: every unit of every chain is redrawn once, given all others.
fn single_sites(criterion: &mut Criterion) {
    const UNITS: usize = 1000;
    const CHAINS: usize = 100;
    let device = common::device();
    let mut noise = Noise::new(2);
    let machine = BoltzmannMachineConfig::new(UNITS)
        .with_weight_std(0.02)
        .init(&device, &mut noise);
    let kernel = SingleSiteGibbs::new(1.0);
    let start = noise.bernoulli(Tensor::<2>::full([CHAINS, UNITS], 0.5, &device));
    let start = start.mul_scalar(2.0).sub_scalar(1.0);
    let mut group = criterion.benchmark_group("single_site_gibbs");
    // Throughput is then in units redrawn a second.
    group
        .throughput(Throughput::Elements((UNITS * CHAINS) as u64))
        .sampling_mode(SamplingMode::Flat)
        .sample_size(20)
        .warm_up_time(Duration::from_secs(2))
        .measurement_time(Duration::from_secs(5));
    let mut state = Some(kernel.init(&machine, start));
    group.bench_function("sweep_1000_units_100_chains", |bencher| {
        bencher.iter(|| {
            let before = state.take().unwrap();
            let (after, _) = kernel.step(&machine, before, &mut noise);
            common::finish(&device);
            state = Some(after);
        });
    });
    group.finish();
}

criterion_group!(benches, products, updates, single_sites);
criterion_main!(benches);
