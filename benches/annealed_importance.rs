//! How long a temperature of annealed importance sampling takes on a machine of 784 and 500 units,
//! 100 chains.
#![allow(missing_docs, clippy::unwrap_used)]

mod common;

use std::time::Duration;

use burn::tensor::Tensor;
use criterion::{Criterion, SamplingMode, Throughput, criterion_group, criterion_main};
use ebm::models::{LayeredMachine, Parity, Rbm, VisibleUnits};
use ebm::ops::Noise;
use ebm::sampling::partition::{AnnealedImportance, LayeredPath, TemperingSchedule};

/// Temperatures in one iteration; the longest schedule of Salakhutdinov & Murray (2008) has 145
/// times as many.
const TEMPERATURES: usize = 100;

fn annealed_importance(criterion: &mut Criterion) {
    let device = common::device();
    let mut noise = Noise::new(1);
    let weight: Tensor<2> = noise.normal([784, 500], &device);
    let visible: Tensor<1> = noise.normal([784], &device);
    let hidden: Tensor<1> = noise.normal([500], &device);
    let machine = Rbm::from_parameters(
        weight.mul_scalar(0.1),
        visible.sub_scalar(2.0),
        hidden,
        VisibleUnits::Bernoulli,
    );
    let sampling = AnnealedImportance {
        schedule: TemperingSchedule::linear(TEMPERATURES),
        chains: 100,
    };
    let mut group = criterion.benchmark_group("annealed_importance_100_temperatures");
    // Throughput is then in temperatures a second.
    group
        .throughput(Throughput::Elements(TEMPERATURES as u64))
        .sampling_mode(SamplingMode::Flat)
        .sample_size(10)
        .warm_up_time(Duration::from_secs(1))
        .measurement_time(Duration::from_secs(5));
    for (name, summed) in [
        ("rbm_784_500_hidden_summed", Parity::Odd),
        ("rbm_784_500_visible_summed", Parity::Even),
    ] {
        let path = LayeredPath::new(&machine.layers())
            .with_base_bias(Tensor::zeros([784], &device))
            .summing(summed);
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                let estimate = sampling.run(&path, &mut noise, &mut ());
                common::finish(&device);
                estimate.log_partition
            });
        });
    }
    group.finish();
}

criterion_group!(benches, annealed_importance);
criterion_main!(benches);
