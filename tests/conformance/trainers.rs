//! Trainers of every kind of model, small, on any device: what the tests of training and of
//! checkpoints share.

use burn::tensor::{Device, Tensor, TensorData};
use ebm::ops::Noise;
use ebm::run::AnyModel;
use ebm::run::config::RunConfig;
use ebm::training::{Examples, Trainer};

use crate::common::config;

/// Channels, height and width of an example.
pub(crate) const IMAGE: [usize; 3] = [1, 4, 4];
/// Examples that there are.
const COUNT: usize = 24;

/// A perceptron and Langevin chains in a buffer of bytes.
pub(crate) const NETWORK: &str = r#"
seed = 7

[data]
kind = "digits"
range = [-1.0, 1.0]

[model]
kind = "mlp"
hidden = [6]

[sampler]
kind = "langevin"
steps = 3
step_size = 1.0
noise = 0.05

[chains]
kind = "replay_buffer"
capacity = 16
fresh_fraction = 0.2

[objective]
energy_regularizer = 0.1

[optimizer]
kind = "sgd"
learning_rate = 0.05
momentum = 0.9

[training]
steps = 100
batch_size = 8
data_noise = 0.05
ema_decay = 0.9
"#;

/// A restricted machine and persistent Gibbs chains.
pub(crate) const MACHINE: &str = r#"
seed = 7

[data]
kind = "digits"
range = [0.0, 1.0]
binarize = "threshold"

[model]
kind = "rbm"
hidden = 5
weight_std = 0.3

[sampler]
kind = "gibbs"
steps = 2

[chains]
kind = "persistent"
start = "binary"

[optimizer]
kind = "sgd"
learning_rate = 0.05

[training]
steps = 100
batch_size = 8
"#;

/// What trains, as a base and changes of it.
pub(crate) type Kind = (&'static str, &'static str, &'static [&'static str]);

/// Every kind of model, sampler and negative phase that has arithmetic of its own.
#[rustfmt::skip]
pub(crate) const KINDS: [Kind; 11] = [
    ("perceptron", NETWORK, &[]),
    ("perceptron, bytes, Adam", NETWORK, &["chains.storage=u8", "optimizer={kind=\"adam\", learning_rate=0.01, beta_1=0.5, gradient_clip=1.0}"]),
    ("perceptron, stabilised", NETWORK, &["objective={energy_regularizer=0.1, trim=0.25, contrastive_limit=0.5, gradient_penalty={weight=0.1, at=\"both\", step=0.02}}", "chains.evict_above=2.0", "chains.evict_frozen=0.9", "chains.long={every=2, factor=2}", "optimizer.sharpness_radius=0.05", "optimizer.spectral_limit=0.5", "training.augmentation={flip=true, shift=1}", "chains.augmentation={rotation=10.0, zoom=0.1}"]),
    ("convolutions", NETWORK, &["model={kind=\"conv_net\", layers=[[3, 3, 2, 1]], hidden=5}"]),
    ("perceptron, Metropolis", NETWORK, &["sampler={kind=\"metropolis\", steps=3, scale=0.3}"]),
    ("RBM", MACHINE, &[]),
    ("centred RBM, sparse", MACHINE, &["model.centered=true", "objective.sparsity={target=0.1, cost=0.5}"]),
    ("RBM, tempered", MACHINE, &["sampler={kind=\"parallel_tempering\", steps=2, temperatures=2}"]),
    ("DBM", MACHINE, &["model={kind=\"dbm\", hidden=[5, 4], weight_std=0.3, centered=true}"]),
    ("Boltzmann machine", MACHINE, &["model={kind=\"boltzmann_machine\", hidden=2, coding=\"binary\", weight_std=0.3}"]),
    ("Hopfield network", MACHINE, &["model={kind=\"hopfield\"}", "data.range=[-1, 1]", "sampler.temperature=0", "chains={kind=\"data\"}"]),
];

/// The configuration of a kind.
pub(crate) fn configuration((_, base, changes): Kind) -> RunConfig {
    config(base, changes)
}

/// A trainer before its first step; the same on every device but for rounding.
pub(crate) fn trainer(config: &RunConfig, device: &Device) -> Trainer<AnyModel, 4> {
    let mut noise = Noise::new(config.seed);
    let examples = examples(config, &mut noise, device);
    let model = AnyModel::new(&config.model, IMAGE.into(), device, &mut noise).unwrap();
    let model = config.model.kind().fit(model, &examples);
    Trainer::new(config.recipe(), model, examples, noise).unwrap()
}

/// Black and white pixels, some columns more often white than others.
fn examples(config: &RunConfig, noise: &mut Noise, device: &Device) -> Examples<4> {
    let (low, high) = config.data.range();
    let [channels, height, width] = IMAGE;
    let uniforms = noise.host_uniforms(COUNT * channels * height * width);
    let pixels: Vec<f32> = uniforms
        .into_iter()
        .enumerate()
        .map(|(index, u)| {
            let white = 0.2 + 0.6 * (index % width) as f64 / width as f64;
            (if u < white { high } else { low }) as f32
        })
        .collect();
    let shape = [COUNT, channels, height, width];
    Examples::from_tensor(Tensor::from_data(TensorData::new(pixels, shape), device))
}

/// Makes updates, each of which must be applied.
pub(crate) fn advance(trainer: &mut Trainer<AnyModel, 4>, steps: usize) {
    for _ in 0..steps {
        let outcome = trainer.step();
        assert!(
            matches!(outcome, ebm::training::StepOutcome::Applied(_)),
            "{outcome:?}"
        );
    }
}

/// All weights in one row, in the order of their names.
pub(crate) fn all_weights(trainer: &Trainer<AnyModel, 4>) -> Vec<f32> {
    let weights = ebm::training::weights(trainer.model());
    weights.values().flat_map(crate::values).collect()
}
