//! Uses of energies against sums over all states and closed forms: of machines, and of closures.
#![allow(clippy::unwrap_used)]

mod compare;
mod compose;
mod denoise;
mod inpaint;
mod recall;

use burn::tensor::{Device, Tensor, TensorData};
use ebm_models::{Rbm, VisibleUnits, states};
use ebm_ops::{Interval, Noise};
use ebm_train::recipe::{GibbsConfig, LangevinConfig, MetropolisConfig, SamplerConfig};
use ebm_train::using::ChainOptions;

fn floats<const D: usize>(x: Tensor<D>) -> Vec<f32> {
    x.into_data().iter::<f32>().collect()
}

fn tensor<const D: usize>(values: &[f32], shape: [usize; D]) -> Tensor<D> {
    Tensor::from_data(TensorData::new(values.to_vec(), shape), &Device::flex())
}

/// A restricted machine of 4 visible units, an image of 2x2, with weights of order 1.
fn rbm(seed: u64, hidden: usize) -> Rbm {
    let device = Device::flex();
    let mut noise = Noise::new(seed);
    let w: Tensor<2> = noise.normal([4, hidden], &device);
    let b: Tensor<1> = noise.normal([4], &device);
    let c: Tensor<1> = noise.normal([hidden], &device);
    Rbm::from_parameters(w, b, c, VisibleUnits::Bernoulli)
}

fn chains(sampler: SamplerConfig, low: f64, high: f64) -> ChainOptions {
    let range = Interval::new(low, high);
    ChainOptions { sampler, range }
}

fn gibbs() -> SamplerConfig {
    SamplerConfig::Gibbs(GibbsConfig {
        steps: 1,
        temperature: 1.0,
    })
}

fn langevin(step_size: f64) -> SamplerConfig {
    SamplerConfig::Langevin(LangevinConfig {
        steps: 1,
        step_size,
        noise: None,
        temperature: Some(1.0),
        gradient_clip: None,
        clamp: false,
    })
}

fn metropolis(scale: f64) -> SamplerConfig {
    SamplerConfig::Metropolis(MetropolisConfig {
        steps: 1,
        scale,
        temperature: 1.0,
        clamp: false,
    })
}

/// All 16 images of 2x2 black or white pixels, in the order of their bits.
fn all_images() -> Tensor<4> {
    let all: Tensor<2> = states(0, 16, 4, 0.0, 1.0, &Device::flex());
    all.reshape([16, 1, 2, 2])
}

/// Fails where images don't follow `weights` over the 16 states: Pearson's chi-square at five
/// standard errors by Wilson and Hilferty, false-positive rate 2.9e-7. States of fewer than 10
/// expected draws are taken together, those of no weight must not occur.
fn assert_distribution(images: Tensor<4>, weights: &[f64], what: &str) {
    let sum: f64 = weights.iter().sum();
    let values = floats(images);
    let count = values.len() as f64 / 4.0;
    let mut counts = [0.0; 16];
    for image in values.chunks(4) {
        let bits = image.iter().enumerate();
        counts[bits.map(|(bit, &on)| (on as usize) << bit).sum::<usize>()] += 1.0;
    }
    let (mut statistic, mut cells) = (0.0, 0.0);
    let (mut rare, mut rare_expected) = (0.0, 0.0);
    let mut add = |found: f64, expected: f64| {
        statistic += (found - expected) * (found - expected) / expected;
        cells += 1.0;
    };
    for (found, weight) in counts.iter().zip(weights) {
        let expected = weight / sum * count;
        if *weight == 0.0 {
            assert_eq!(*found, 0.0, "{what}: an impossible state");
        } else if expected < 10.0 {
            rare += found;
            rare_expected += expected;
        } else {
            add(*found, expected);
        }
    }
    if rare_expected >= 10.0 {
        add(rare, rare_expected);
    }
    assert!(cells >= 3.0, "{what}: {cells} cells");
    let freedom = cells - 1.0;
    let variance = 2.0 / (9.0 * freedom);
    let z = (f64::cbrt(statistic / freedom) - (1.0 - variance)) / f64::sqrt(variance);
    assert!(z < 5.0, "{what}: chi-square {statistic} at {freedom}");
}

/// Fails where values don't have this mean and variance, those of independent normal draws: 5
/// standard errors each, a false-positive rate of 5.7e-7.
fn assert_normal(values: &[f64], mean: f64, variance: f64, what: &str) {
    let count = values.len() as f64;
    let found = values.iter().sum::<f64>() / count;
    let error = 5.0 * (variance / count).sqrt();
    assert!((found - mean).abs() < error, "{what}: mean {found}, {mean}");
    let spread = values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / count;
    let error = 5.0 * variance * (2.0 / count).sqrt();
    assert!(
        (spread - variance).abs() < error,
        "{what}: variance {spread}, {variance}"
    );
}

/// The first unit of a state is its lowest bit, in `states` as here.
#[test]
fn states_are_counted_by_their_bits() {
    let images = floats(all_images());
    assert_eq!(images[4..8], [1.0, 0.0, 0.0, 0.0]);
}
