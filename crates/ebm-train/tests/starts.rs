//! Chains that start at Gaussians of the examples.
#![allow(clippy::unwrap_used)]

mod common;

use burn::tensor::{Device, Tensor};
use common::{floats, recipe};
use ebm_models::{MlpConfig, RbmConfig};
use ebm_ops::Noise;
use ebm_sampling::StartingPoints;
use ebm_train::data::Labels;
use ebm_train::recipe::{ChainsConfig, ReplayBufferConfig, StartConfig};
use ebm_train::{Examples, Recipe, Trainer};

/// Points about (0.5, -0.25) whose values go together.
fn examples(device: &Device) -> Examples<2> {
    let x: Tensor<2> = Noise::new(3).normal([300, 1], device);
    let first = x.clone().mul_scalar(0.1).add_scalar(0.5);
    let second = x.mul_scalar(0.2).sub_scalar(0.25);
    Examples::from_tensor(Tensor::cat(vec![first, second], 1))
}

fn fitted() -> Recipe {
    recipe().with_chains(ChainsConfig::persistent(StartConfig::Fitted))
}

fn trainer(recipe: Recipe, device: &Device) -> Trainer<ebm_models::Mlp, 2> {
    let model = MlpConfig::new(2, vec![8]).init(&device.clone().autodiff(), &mut Noise::new(1));
    Trainer::new(recipe, model, examples(device), Noise::new(2)).unwrap()
}

/// 1,000 draws: the standard errors of means are 0.003 and 0.006. Directions carry as many standard
/// deviations as the covariance has only on average: with 64 of them to 9 %; five of both.
#[test]
fn they_start_where_the_examples_are() {
    let device = Device::flex();
    let trainer = trainer(fitted(), &device);
    let starts = trainer.starting_points();
    assert!(matches!(starts, StartingPoints::Fitted(_)));
    let draws: Tensor<2> = starts.draw([1000, 2], &device, &mut Noise::new(4));
    let mean = floats(draws.clone().mean_dim(0));
    assert!(
        (mean[0] - 0.5).abs() < 0.03 && (mean[1] + 0.25).abs() < 0.06,
        "{mean:?}"
    );
    let centred = draws.clone() - draws.mean_dim(0);
    let deviations = floats(centred.clone().square().mean_dim(0).sqrt());
    assert!((0.05..0.15).contains(&deviations[0]), "{deviations:?}");
    // Perfectly correlated, as the examples are.
    let [x, y] = [0, 1].map(|column| centred.clone().narrow(1, column, 1));
    let residual = floats((y - x.mul_scalar(2.0)).abs().max());
    assert!(residual[0] < 1e-4, "{residual:?}");
}

/// Of 100 draws half belong to each label, and none lies between the two.
#[test]
fn each_label_has_a_gaussian() {
    let device = Device::flex();
    let low = examples(&device).batches(300).next().unwrap().x;
    let both = Tensor::cat(vec![low.clone(), low.mul_scalar(0.1).add_scalar(5.0)], 0);
    let labels = Labels::new([vec![0; 300], vec![1; 300]].concat());
    let examples = Examples::from_tensor(both).with_labels(&labels);
    let model = MlpConfig::new(2, vec![8]).init(&device.clone().autodiff(), &mut Noise::new(1));
    let recipe = fitted().with_range([-9.0, 9.0]);
    let trainer = Trainer::new(recipe, model, examples, Noise::new(2)).unwrap();
    let starts = trainer.starting_points();
    let draws: Tensor<2> = starts.draw([100, 2], &device, &mut Noise::new(4));
    let first = floats(draws.narrow(1, 0, 1));
    let high = first.iter().filter(|x| **x > 4.0).count();
    assert!((25..75).contains(&high), "{high}");
    assert!(first.iter().all(|x| *x < 1.5 || *x > 4.5), "{first:?}");
}

/// The Gaussians aren't in the checkpoint: they are fitted again, to the same.
#[test]
fn a_resumed_training_starts_its_chains_at_the_same_gaussians() {
    let device = Device::flex();
    let recipe = || {
        let chains = ReplayBufferConfig::new(200, 0.3).starting_at(StartConfig::Fitted);
        fitted().with_chains(chains)
    };
    let mut whole = trainer(recipe(), &device);
    (0..3).for_each(|_| drop(whole.step()));
    let checkpoint = whole.checkpoint();
    let mut resumed = trainer(recipe(), &device);
    resumed.restore(checkpoint).unwrap();
    for _ in 0..3 {
        whole.step();
        resumed.step();
    }
    let weights = |trainer: &Trainer<ebm_models::Mlp, 2>| ebm_train::weights(trainer.model());
    assert_eq!(weights(&whole), weights(&resumed));
}

#[test]
fn units_of_two_values_have_none() {
    let device = Device::flex();
    let rbm = RbmConfig::new(2, 3).init(&device.clone().autodiff(), &mut Noise::new(1));
    let recipe = Recipe::boltzmann_machine();
    let recipe = recipe.with_chains(ChainsConfig::persistent(StartConfig::Fitted));
    let error = Trainer::new(recipe, rbm, examples(&device), Noise::new(2))
        .err()
        .unwrap();
    let message = error.to_string();
    assert!(
        message.contains("`chains.start`: found \"fitted\", expected \"binary\""),
        "{message}"
    );
}
