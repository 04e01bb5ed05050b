//! How long each operation of `ebm-ops` takes, and its gradient.
#![allow(missing_docs, clippy::unwrap_used)]

mod common;

use std::hint::black_box;
use std::time::Duration;

use burn::tensor::{Bool, Device, Tensor};
use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main};
use ebm::ops::{
    GradientDescent, Interval, LangevinUpdate, MetropolisDecision, Noise, Rows, Stride2d,
    activation, conv2d, moving_average, row_indices, select_chains, softplus_sum, square_sum,
};

/// A batch of images.
const BATCH: usize = 128;

/// Values of one 28x28 image.
const VALUES: usize = 784;

/// Chains of one value, for what is decided chain by chain.
const CHAINS: usize = 1000;

/// Channels, side, maps, kernel, stride and padding: the convolutions of the UvA tutorial 8 on
/// 28x28 images, those of the `cifar10` preset, and two of a residual network.
const CONVOLUTIONS: [[usize; 6]; 10] = [
    [1, 28, 16, 5, 2, 4],
    [16, 16, 32, 3, 2, 1],
    [32, 8, 64, 3, 2, 1],
    [64, 4, 64, 3, 2, 1],
    [3, 32, 64, 3, 1, 1],
    [64, 32, 128, 4, 2, 1],
    [128, 16, 256, 4, 2, 1],
    [256, 8, 256, 4, 2, 1],
    [64, 32, 64, 3, 1, 1],
    [128, 16, 128, 3, 1, 1],
];

type Group<'a> = BenchmarkGroup<'a, WallTime>;

fn group(criterion: &mut Criterion) -> Group<'_> {
    let mut group = criterion.benchmark_group("ops");
    group
        .sample_size(30)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2));
    group
}

/// Times `work` on so many values.
fn time<T>(
    group: &mut Group<'_>,
    name: &str,
    values: usize,
    device: &Device,
    mut work: impl FnMut() -> T,
) {
    group.throughput(Throughput::Elements(values as u64));
    group.bench_function(name, |bencher| {
        bencher.iter(|| {
            let result = black_box(work());
            common::finish(device);
            result
        });
    });
}

fn draws(criterion: &mut Criterion) {
    let device = common::device();
    let mut noise = Noise::new(1);
    let shape = [BATCH, VALUES];
    let logits: Tensor<2> = noise.normal(shape, &device);
    let probabilities = activation::sigmoid(logits.clone());
    let mut group = group(criterion);
    let bench = &mut group;
    let values = BATCH * VALUES;
    time(bench, "uniform_100352", values, &device, || -> Tensor<2> {
        noise.uniform(shape, &device)
    });
    time(bench, "normal_100352", values, &device, || -> Tensor<2> {
        noise.normal(shape, &device)
    });
    time(bench, "bernoulli_100352", values, &device, || {
        noise.bernoulli(probabilities.clone())
    });
    time(bench, "bernoulli_logits_100352", values, &device, || {
        noise.bernoulli_logits(logits.clone())
    });
    group.finish();
}

/// A function of each value, and with it the gradient of the sum of its values.
fn functions(criterion: &mut Criterion) {
    let device = common::device();
    let mut noise = Noise::new(2);
    let mut group = group(criterion);
    type Function = fn(Tensor<2>) -> Tensor<2>;
    let cases: [(&str, [usize; 2], Function); 4] = [
        ("sigmoid_64000", [128, 500], activation::sigmoid),
        ("swish_100352", [128, 784], activation::swish),
        ("softplus_100352", [128, 784], activation::softplus),
        ("leaky_relu_100352", [128, 784], |x| {
            activation::leaky_relu(x, 0.05)
        }),
    ];
    for (name, shape, function) in cases {
        let x: Tensor<2> = noise.normal(shape, &device);
        let values = shape[0] * shape[1];
        time(&mut group, name, values, &device, || function(x.clone()));
        time(
            &mut group,
            &format!("{name}_gradient"),
            values,
            &device,
            || gradient(&x, function),
        );
    }
    let x: Tensor<2> = noise.normal([256, 500], &device);
    time(&mut group, "softplus_sum_256x500", 128_000, &device, || {
        softplus_sum(x.clone())
    });
    time(
        &mut group,
        "softplus_sum_256x500_gradient",
        128_000,
        &device,
        || {
            let x = x.clone().autodiff().require_grad();
            let mut gradients = softplus_sum(x.clone()).sum().backward();
            x.grad_remove(&mut gradients).unwrap()
        },
    );
    group.finish();
}

fn gradient<const D: usize>(x: &Tensor<D>, function: impl Fn(Tensor<D>) -> Tensor<D>) -> Tensor<D> {
    let x = x.clone().autodiff().require_grad();
    let mut gradients = function(x.clone()).sum().backward();
    x.grad_remove(&mut gradients).unwrap()
}

fn convolutions(criterion: &mut Criterion) {
    let device = common::device();
    let mut noise = Noise::new(3);
    let mut group = group(criterion);
    for [channels, side, maps, kernel, stride, padding] in CONVOLUTIONS {
        let steps = Stride2d {
            stride: [stride, stride],
            padding: [padding, padding],
        };
        let x: Tensor<4> = noise.normal([BATCH, channels, side, side], &device);
        let weight: Tensor<4> = noise.normal([maps, channels, kernel, kernel], &device);
        let bias: Tensor<1> = noise.normal([maps], &device);
        let name = format!("conv2d_{channels}x{side}x{side}_to_{maps}");
        let convolve = |x| conv2d(x, weight.clone(), bias.clone(), steps);
        time(&mut group, &name, BATCH, &device, || convolve(x.clone()));
        // Forward, and back to the input: what a chain needs.
        time(
            &mut group,
            &format!("{name}_input_gradient"),
            BATCH,
            &device,
            || gradient(&x, convolve),
        );
        // Forward, and back to input, weight and bias: what training needs.
        time(
            &mut group,
            &format!("{name}_all_gradients"),
            BATCH,
            &device,
            || {
                let x = x.clone().autodiff().require_grad();
                let weight = weight.clone().autodiff().require_grad();
                let bias = bias.clone().autodiff().require_grad();
                let y = conv2d(x.clone(), weight.clone(), bias.clone(), steps);
                let mut gradients = y.sum().backward();
                (
                    x.grad_remove(&mut gradients).unwrap(),
                    weight.grad_remove(&mut gradients).unwrap(),
                    bias.grad_remove(&mut gradients).unwrap(),
                )
            },
        );
    }
    group.finish();
}

fn chains(criterion: &mut Criterion) {
    let device = common::device();
    let mut noise = Noise::new(4);
    let shape = [BATCH, VALUES];
    let mut normal = || -> Tensor<2> { noise.normal(shape, &device) };
    let (x, gradient) = (normal(), normal());
    let energies = Tensor::zeros([BATCH], &device);
    let update = LangevinUpdate {
        step_size: 10.0,
        noise: 0.03,
        gradient_clip: Some(0.03),
        clamp: Some(Interval::new(-1.0, 1.0)),
    };
    let mut group = group(criterion);
    let bench = &mut group;
    let values = BATCH * VALUES;
    time(bench, "langevin_update_128x784", values, &device, || {
        update.apply(x.clone(), gradient.clone(), &energies, &x, &mut noise)
    });
    let ratios: Tensor<1> = noise.normal([CHAINS], &device);
    let allowed = Tensor::<1, Bool>::full([CHAINS], true, &device);
    time(bench, "metropolis_1000", CHAINS, &device, || {
        MetropolisDecision::draw(ratios.clone(), allowed.clone(), &mut noise)
    });
    let (places, proposals): (Tensor<2>, Tensor<2>) = (
        noise.normal([CHAINS, 50], &device),
        noise.normal([CHAINS, 50], &device),
    );
    let decision = MetropolisDecision::draw(ratios, allowed, &mut noise);
    time(bench, "select_chains_1000x50", CHAINS * 50, &device, || {
        // As in a step: the proposal is nobody else's.
        let proposal = proposals.clone() + 0.0;
        select_chains(&decision.accepted, places.clone(), proposal)
    });
    let mut rows = Rows::Floats(noise.normal([8192, VALUES], &device));
    let chosen = row_indices(&noise.choose(BATCH, 8192), &device);
    time(
        bench,
        "rows_select_128_of_8192x784",
        values,
        &device,
        || rows.select(chosen.clone()),
    );
    time(
        bench,
        "rows_assign_128_of_8192x784",
        values,
        &device,
        || {
            rows.assign(chosen.clone(), x.clone());
        },
    );
    group.finish();
}

fn parameters(criterion: &mut Criterion) {
    let device = common::device();
    let mut noise = Noise::new(5);
    let shape = [784, 500];
    let mut normal = || -> Tensor<2> { noise.normal(shape, &device) };
    let (weight, gradient) = (normal(), normal());
    let step = GradientDescent {
        learning_rate: 0.01,
        weight_decay: 1e-4,
        momentum: 0.9,
    };
    let mut group = group(criterion);
    let bench = &mut group;
    let values = 784 * 500;
    time(bench, "gradient_descent_784x500", values, &device, || {
        step.step(weight.clone(), gradient.clone())
    });
    let mut kept = Some((weight.clone(), weight.clone()));
    time(
        bench,
        "gradient_descent_momentum_784x500",
        values,
        &device,
        || {
            let (weight, velocity) = kept.take().unwrap();
            kept = Some(step.step_with_velocity(weight, gradient.clone(), Some(velocity)));
        },
    );
    let mut average = Some(weight.clone());
    time(bench, "moving_average_784x500", values, &device, || {
        let before = average.take().unwrap();
        average = Some(moving_average(before, weight.clone(), 0.999));
    });
    time(bench, "square_sum_784x500", values, &device, || {
        square_sum(weight.clone())
    });
    group.finish();
}

criterion_group!(benches, draws, functions, convolutions, chains, parameters);
criterion_main!(benches);
