//! How long one whole update takes: `Trainer::step()` for the digits preset and for a 28x28
//! convolutional network.
#![allow(missing_docs, clippy::unwrap_used)]

mod common;

use std::time::Duration;

use burn::tensor::{Device, Tensor};
use criterion::{Criterion, SamplingMode, criterion_group, criterion_main};
use ebm::ops::Noise;
use ebm::run::AnyModel;
use ebm::run::config::RunConfig;
use ebm::training::{Examples, StepOutcome, Trainer};

/// What both settings share. Written out, not taken from a preset, since `compare/pytorch.py`
/// repeats it.
const SHARED: &str = r#"
[data]
kind = "digits"

[sampler]
kind = "langevin"
steps = 20
step_size = 10.0
noise = 0.03
gradient_clip = 0.03

[objective]
energy_regularizer = 0.1

[optimizer]
kind = "adam"
learning_rate = 5e-4
beta_1 = 0.0
gradient_clip = 1.0

[training]
steps = 1000000000
batch_size = 64
data_noise = 0.03
ema_decay = 0.999
"#;

const DIGITS: &str = r#"
[model]
kind = "mlp"
hidden = [256, 256]
activation = "leaky_relu(0.05)"

[chains]
kind = "replay_buffer"
capacity = 4096
fresh_fraction = 0.05
"#;

/// The layers are the default ones, those of the UvA tutorial 8.
const CONV_NET: &str = r#"
[model]
kind = "conv_net"
activation = "leaky_relu(0.05)"

[chains]
kind = "replay_buffer"
capacity = 8192
fresh_fraction = 0.05
"#;

fn training_step(criterion: &mut Criterion) {
    let device = common::device();
    let mut group = criterion.benchmark_group("training_step");
    group
        .sampling_mode(SamplingMode::Flat)
        .warm_up_time(Duration::from_secs(2));
    for (name, setting, image, samples, seconds) in [
        ("digits_mlp", DIGITS, [1, 8, 8], 50, 8),
        ("conv_net_28x28", CONV_NET, [1, 28, 28], 20, 12),
    ] {
        let mut trainer = trainer(setting, image, &device);
        group
            .sample_size(samples)
            .measurement_time(Duration::from_secs(seconds));
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

/// A trainer of the setting, on examples that are noise.
fn trainer(setting: &str, image: [usize; 3], device: &Device) -> Trainer<AnyModel, 4> {
    let config: RunConfig = toml::from_str(&[SHARED, setting].concat()).unwrap();
    let mut noise = Noise::new(1);
    let network = AnyModel::new(&config.model, image.into(), device, &mut noise).unwrap();
    let [channels, height, width] = image;
    let examples: Tensor<4> =
        noise.uniform_in([2048, channels, height, width], [-1.0, 1.0], device);
    Trainer::new(
        config.recipe(),
        network,
        Examples::from_tensor(examples),
        noise,
    )
    .unwrap()
}

criterion_group!(benches, training_step);
criterion_main!(benches);
