//! Uses of a trained energy against sums over all states and closed forms.
#![allow(clippy::unwrap_used)]

use burn::tensor::{Device, Tensor, TensorData};
use ebm_models::{
    BlockConditional, Dbm, DbmConfig, Energy, HopfieldConfig, LayeredMachine, MlpConfig, Rbm,
    VisibleUnits, states,
};
use ebm_ops::Noise;
use ebm_run::AnyModel;
use ebm_run::ModelFile;
use ebm_run::config::ConfigTable;
use ebm_run::evaluation::{
    HeldOutOrigin, OutlierSource, damaged, energies, gradient_norms, held_out, recall_images,
};
use ebm_run::inference::{
    Composed, CompositionError, CompositionKind, DenoiseOptions, DenoisedImage, PixelMask,
    PixelNoise, Side, compare, denoise, inpaint,
};
use ebm_train::Examples;

/// Keys that every model of these tests shares.
fn file(model: AnyModel, shape: [usize; 3], changes: &[&str]) -> ModelFile {
    let base = r#"
data = { kind = "digits", range = [0.0, 1.0], limit = 20 }
model = { kind = "rbm", hidden = 2 }
sampler = { kind = "gibbs", steps = 1 }
chains = { kind = "persistent", start = "binary" }
optimizer = { kind = "sgd", learning_rate = 0.1 }
training = { steps = 1, batch_size = 4 }
"#;
    let mut table = ConfigTable::parse(base, "test".into()).unwrap();
    for change in changes {
        table.set(change).unwrap();
    }
    ModelFile {
        model,
        config: table.read().unwrap(),
        shape,
    }
}

const LANGEVIN: &str =
    "sampler={kind=\"langevin\", steps=1, step_size=0.05, temperature=1.0, clamp=false}";

fn floats<const D: usize>(x: Tensor<D>) -> Vec<f32> {
    x.into_data().iter::<f32>().collect()
}

fn tensor<const D: usize>(values: &[f32], shape: [usize; D]) -> Tensor<D> {
    Tensor::from_data(TensorData::new(values.to_vec(), shape), &Device::flex())
}

/// A restricted machine of 4 visible units, an image of 2x2, with weights of order 1.
fn rbm(seed: u64, hidden: usize) -> AnyModel {
    let device = Device::flex();
    let mut noise = Noise::new(seed);
    let w: Tensor<2> = noise.normal([4, hidden], &device);
    let b: Tensor<1> = noise.normal([4], &device);
    let c: Tensor<1> = noise.normal([hidden], &device);
    AnyModel::Rbm(Rbm::from_parameters(w, b, c, VisibleUnits::Bernoulli))
}

/// All 16 images of 2x2 black or white pixels, in the order of their bits.
fn all_images() -> Tensor<4> {
    let all: Tensor<2> = states(0, 16, 4, 0.0, 1.0, &Device::flex());
    all.reshape([16, 1, 2, 2])
}

/// Fails where images don't follow `weights` over the 16 states: Pearson's chi-square at five standard errors by Wilson and
/// Hilferty, false-positive rate 2.9e-7. States of fewer than 10 expected
/// draws are taken together, those of no weight must not occur.
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

/// The first unit of a state is its lowest bit, in `states` as here.
#[test]
fn states_are_counted_by_their_bits() {
    let images = floats(all_images());
    assert_eq!(images[4..8], [1.0, 0.0, 0.0, 0.0]);
}

/// Energies of products and mixtures are their formulas on all states, and what is sampled follows them: a product as one
/// machine by block Gibbs sampling, weights of another kind and mixtures by Gibbs with gradients. 5 tests at 2.9e-7.
#[test]
fn compositions_are_sampled_exactly() {
    const CHAINS: usize = 10_000;
    let device = Device::flex();
    let models = [rbm(1, 3), rbm(2, 2)].map(|model| file(model, [1, 2, 2], &[]));
    let f = models
        .each_ref()
        .map(|file| floats(file.model.energy(all_images())));
    let has_greys = |images: &Tensor<4>| {
        let values = floats(images.clone());
        values.iter().any(|&x| x != 0.0 && x != 1.0)
    };
    for (kind, weights) in [
        (CompositionKind::Product, [1.0, 2.0]),
        (CompositionKind::Product, [0.5, 1.5]),
        (CompositionKind::Mixture, [1.0, 3.0]),
        (CompositionKind::Negation, [1.0, 0.5]),
    ] {
        let what = format!("{kind:?} {weights:?}");
        let composed = Composed::new(&models, kind, &weights).unwrap();
        let expected: Vec<f64> = (0..16)
            .map(|state| {
                let [a, b] = f.each_ref().map(|f| f64::from(f[state]));
                match kind {
                    CompositionKind::Product => weights[0] * a + weights[1] * b,
                    CompositionKind::Negation => weights[0] * a - weights[1] * b,
                    CompositionKind::Mixture => {
                        -(weights[0] * (-a).exp() + weights[1] * (-b).exp()).ln()
                    }
                }
            })
            .collect();
        let found = floats(composed.energy(all_images()));
        for (found, expected) in found.iter().zip(&expected) {
            assert!((f64::from(*found) - expected).abs() < 1e-4, "{what}");
        }
        let mut noise = Noise::new(9);
        let drawn = composed.sample(CHAINS, 30, &device, &mut noise);
        let whole = kind == CompositionKind::Product && weights[0] == 1.0;
        // One machine is shown by the probabilities of its pixels, coins of which are draws of it.
        assert_eq!(has_greys(&drawn), whole, "{what}");
        let drawn = if whole { noise.bernoulli(drawn) } else { drawn };
        let weights: Vec<f64> = expected.iter().map(|e| (-e).exp()).collect();
        assert_distribution(drawn, &weights, &what);
    }
}

/// A sum of two Hopfield networks' energies is the energy of one, at any weights; its draws follow it. One test at 2.9e-7.
#[test]
fn pairwise_machines_compose_to_one() {
    let device = Device::flex();
    let patterns = [[1.0, 1.0, -1.0, -1.0], [1.0, -1.0, 1.0, -1.0]];
    let models = patterns.map(|pattern| {
        let machine = HopfieldConfig::new(4).init(&device);
        let machine = machine.store(tensor(&pattern, [1, 4]));
        file(
            AnyModel::Hopfield(machine),
            [1, 2, 2],
            &[
                "model={kind=\"hopfield\"}",
                "data.range=[-1.0, 1.0]",
                "data.binarize=threshold",
            ],
        )
    });
    let weights = [1.0, 0.7];
    let composed = Composed::new(&models, CompositionKind::Product, &weights).unwrap();
    let spins = all_images().mul_scalar(2.0).sub_scalar(1.0);
    let energies = floats(composed.energy(spins));
    let drawn = composed.sample(10_000, 30, &device, &mut Noise::new(2));
    let probabilities: Vec<f64> = energies.iter().map(|e| f64::from(-e).exp()).collect();
    let drawn = drawn.add_scalar(1.0).div_scalar(2.0);
    assert_distribution(drawn, &probabilities, "two memories");
}

#[test]
fn models_that_do_not_fit_are_not_composed() {
    let device = Device::flex();
    let a = file(rbm(1, 3), [1, 2, 2], &[]);
    let other_shape = file(rbm(1, 3), [1, 1, 4], &[]);
    let network = MlpConfig::new(4, vec![3]).init(&device, &mut Noise::new(1));
    let network = file(AnyModel::Mlp(network), [1, 2, 2], &[LANGEVIN]);
    let compose = |models: &[&ModelFile], weights: &[f64]| {
        let models: Vec<ModelFile> = models.iter().map(|&model| model.clone()).collect();
        Composed::new(&models, CompositionKind::Product, weights).unwrap_err()
    };
    assert_eq!(compose(&[], &[]), CompositionError::Nothing);
    let error = compose(&[&a, &a], &[1.0]);
    assert!(matches!(
        error,
        CompositionError::Weights {
            weights: 1,
            models: 2
        }
    ));
    assert_eq!(compose(&[&a], &[0.0]), CompositionError::Weight(0.0));
    let error = compose(&[&a, &other_shape], &[1.0, 1.0]);
    assert!(matches!(error, CompositionError::Images { index: 2, .. }));
    let error = compose(&[&a, &network], &[1.0, 1.0]);
    assert_eq!(error, CompositionError::Pixels { index: 2 });
}

/// Free pixels of a restricted machine follow the enumerated conditional, fixed ones stay. One test at 2.9e-7.
#[test]
fn inpainting_draws_from_the_conditional() {
    let model = file(rbm(5, 3), [1, 2, 2], &[]);
    let mask = PixelMask::half([2, 2], Side::Right).unwrap();
    let images = tensor(&[1.0, 0.0, 0.0, 0.0], [1, 1, 2, 2]).expand([10_000, 1, 2, 2]);
    let mut noise = Noise::new(4);
    let filled = inpaint(&model, images, &mask, 30, &mut noise).unwrap();
    // Fixed pixels are 0 or 1, free ones probabilities given hidden units, coins of which are draws.
    let drawn = noise.bernoulli(filled);
    let energies = floats(model.model.energy(all_images()));
    let weights: Vec<f64> = (0..16)
        .map(|state| {
            let fits = state & 1 == 1 && state >> 2 & 1 == 0;
            f64::from(u8::from(fits)) * f64::from(-energies[state]).exp()
        })
        .collect();
    assert_distribution(drawn, &weights, "inpainted");
}

/// Whatever the model, fixed pixels come back bit for bit, and free ones don't.
#[test]
fn fixed_pixels_are_untouched_bit_for_bit() {
    let device = Device::flex();
    let mask = PixelMask::rectangle([2, 2], (1, 0), (1, 2)).unwrap();
    let mlp = MlpConfig::new(4, vec![3]).init(&device, &mut Noise::new(1));
    let hopfield = HopfieldConfig::new(4).init(&device);
    let metropolis = "sampler={kind=\"metropolis\", steps=1, scale=0.3}";
    for (model, change) in [
        (rbm(3, 3), "seed=1"),
        (AnyModel::Mlp(mlp.clone()), LANGEVIN),
        (AnyModel::Mlp(mlp), metropolis),
        (AnyModel::Hopfield(hopfield), "seed=1"),
    ] {
        let name = model.name();
        let model = file(model, [1, 2, 2], &[change]);
        let images = [0.1, 0.73, 0.2, 0.4, -0.0, 1.0, 0.9, 0.3];
        let before = tensor(&images, [2, 1, 2, 2]);
        let after = inpaint(&model, before, &mask, 5, &mut Noise::new(2)).unwrap();
        let after = floats(after);
        for (index, (before, after)) in images.iter().zip(&after).enumerate() {
            let fixed = index % 4 < 2;
            let same = before.to_bits() == after.to_bits();
            assert_eq!(same, fixed, "{name}: pixel {index}, {before} -> {after}");
        }
    }
}

/// A Gaussian machine without weights is `N(b, 1)` a pixel; with temperature `T` and noise `s` the posterior of `y` has the mean
/// and the mode `(b / T + y / s^2) / (1 / T + 1 / s^2)` and that denominator as its precision.
#[test]
fn denoising_finds_the_posterior_of_a_normal() {
    let device = Device::flex();
    let b = [0.5, -0.3, 1.0, 0.0];
    let normal = Rbm::from_parameters(
        Tensor::zeros([4, 1], &device),
        tensor(&b, [4]),
        Tensor::zeros([1], &device),
        VisibleUnits::Gaussian,
    );
    let model = file(AnyModel::Rbm(normal), [1, 2, 2], &[LANGEVIN]);
    let y = [1.5, 0.2, -0.4, 0.8];
    let observed = |count: usize| tensor(&y, [1, 1, 2, 2]).expand([count, 1, 2, 2]);
    for (temperature, std) in [(None, 0.5), (Some(0.3), 0.2)] {
        let options = DenoiseOptions {
            noise: PixelNoise::Normal { std },
            temperature,
            steps: 400,
            image: DenoisedImage::MostProbable,
        };
        let t = temperature.unwrap_or(1.0);
        let precision = 1.0 / t + 1.0 / (std * std);
        let mode: Vec<f64> = (0..4)
            .map(|i| (f64::from(b[i]) / t + f64::from(y[i]) / (std * std)) / precision)
            .collect();
        let mut noise = Noise::new(1);
        let found = denoise(&model, observed(1), &options, &mut noise).unwrap();
        for (found, mode) in floats(found).iter().zip(&mode) {
            assert!((f64::from(*found) - mode).abs() < 1e-4, "{found}, {mode}");
        }
        // Chains of this length are correlated: the mean of 2,000 of them, with 5 standard errors of one draw each, which is
        // too generous for the mean and exact for draws; 16 tests at 5.7e-7 or less.
        let count = 2_000;
        let error = 5.0 / (precision * count as f64).sqrt();
        for image in [DenoisedImage::Mean, DenoisedImage::Draw] {
            let options = DenoiseOptions { image, ..options };
            let found = denoise(&model, observed(count), &options, &mut noise).unwrap();
            let values = floats(found);
            for (i, mode) in mode.iter().enumerate() {
                let mean = values.iter().skip(i).step_by(4).map(|&x| f64::from(x));
                let mean = mean.sum::<f64>() / count as f64;
                assert!((mean - mode).abs() < error, "{image:?}: {mean}, {}", mode);
            }
            // The spread of draws is that of the posterior, up to the bias of the step, that of means is far smaller.
            let spread = values.iter().step_by(4).map(|&x| f64::from(x) - mode[0]);
            let ratio = spread.map(|d| d * d).sum::<f64>() / count as f64 * precision;
            if image == DenoisedImage::Draw {
                // The step of 0.05 acts on a precision of T times that of the posterior; 5 standard errors of a variance.
                let biased = 1.0 / (1.0 - 0.05 * precision * t / 2.0);
                let error = 5.0 * (2.0 / count as f64).sqrt();
                assert!((ratio / biased - 1.0).abs() < error, "{ratio}, {biased}");
            } else {
                assert!(ratio < 0.2, "{ratio}");
            }
        }
    }
    // Neither kind of noise for the other kind of pixels.
    let binary = file(rbm(1, 2), [1, 2, 2], &[]);
    for (model, noise, needle) in [
        (&binary, PixelNoise::Normal { std: 0.1 }, "real-valued"),
        (&model, PixelNoise::Flips { probability: 0.1 }, "two-valued"),
    ] {
        let options = DenoiseOptions {
            noise,
            temperature: None,
            steps: 1,
            image: DenoisedImage::default(),
        };
        let error = denoise(model, observed(1), &options, &mut Noise::new(1)).unwrap_err();
        assert!(error.to_string().contains(needle), "{error}");
    }
}

/// Flipped pixels of a restricted machine and of a deep one, beside the posterior summed over all images.
#[test]
fn denoising_finds_the_posterior_of_flipped_pixels() {
    let device = Device::flex();
    let mut noise = Noise::new(4);
    let deep = DbmConfig::new(4, vec![3, 2]).init(&device, &mut noise);
    let layers = deep.layers();
    // Weights of a new machine are small; these tie pixels together.
    let weights = (0..2).map(|l| layers.weight(l).mul_scalar(60.0)).collect();
    let deep = Dbm::from_parameters(weights, (0..3).map(|l| layers.bias(l)).collect());
    // All 32 states of the hidden layers, beside each image.
    let hidden = states(0, 32, 5, 0.0, 1.0, &device);
    let layers = deep.layers();
    let deep_energies = all_images()
        .reshape([16, 4])
        .split(1, 0)
        .into_iter()
        .map(|image| {
            let state = [
                image.expand([32, 4]),
                hidden.clone().narrow(1, 0, 3),
                hidden.clone().narrow(1, 3, 2),
            ];
            let energies = floats(layers.joint_energy(&state)).into_iter();
            -energies
                .map(|energy| f64::from(-energy).exp())
                .sum::<f64>()
                .ln()
        });
    let deep_energies: Vec<f64> = deep_energies.collect();
    let restricted = rbm(5, 3);
    let free = floats(restricted.energy(all_images()));
    let free_energies = free.into_iter().map(f64::from).collect();
    let images = floats(all_images());
    let y = [1.0, 0.0, 1.0, 1.0];
    let probability: f64 = 0.3;
    let count = 4_000;
    for (model, energies) in [
        (restricted, free_energies),
        (AnyModel::Dbm(deep), deep_energies),
    ] {
        let name = model.name();
        let model = file(model, [1, 2, 2], &[]);
        let weights: Vec<f64> = images
            .chunks(4)
            .zip(&energies)
            .map(|(image, energy): (_, &f64)| {
                let wrong = image.iter().zip(&y).filter(|(x, y)| x != y).count() as i32;
                (-energy).exp() * probability.powi(wrong) * (1.0 - probability).powi(4 - wrong)
            })
            .collect();
        let z: f64 = weights.iter().sum();
        let marginals: Vec<f64> = (0..4)
            .map(|pixel| {
                let white = images.chunks(4).zip(&weights);
                white
                    .map(|(image, w)| f64::from(image[pixel]) * w)
                    .sum::<f64>()
                    / z
            })
            .collect();
        let found = |image: DenoisedImage, steps: usize| {
            let options = DenoiseOptions {
                noise: PixelNoise::Flips { probability },
                temperature: None,
                steps,
                image,
            };
            let observed = tensor(&y, [1, 1, 2, 2]).expand([count, 1, 2, 2]);
            floats(denoise(&model, observed, &options, &mut Noise::new(2)).unwrap())
        };
        for (pixel, &expected) in marginals.iter().enumerate() {
            let of = |values: &[f32]| -> Vec<f64> {
                let values = values.iter().skip(pixel).step_by(4);
                values.map(|&value| f64::from(value)).collect()
            };
            // 5 standard errors of a coin, which is too generous for means: 16 tests at 5.7e-7 or less.
            let error = 5.0 * (expected * (1.0 - expected) / count as f64).sqrt();
            for image in [DenoisedImage::Draw, DenoisedImage::Mean] {
                let values = of(&found(image, 60));
                let mean = values.iter().sum::<f64>() / count as f64;
                let what = format!("{name}, {image:?}, pixel {pixel}: {mean}, {expected}");
                assert!((mean - expected).abs() < error, "{what}");
                let coins = values.iter().all(|value| [0.0, 1.0].contains(value));
                assert_eq!(coins, image == DenoisedImage::Draw, "{what}");
            }
            // Long chains agree about every pixel that isn't nearly even.
            if (expected - 0.5).abs() > 0.1 {
                let likelier = f64::from(u8::from(expected > 0.5));
                let values = of(&found(DenoisedImage::MostProbable, 1_000));
                let wrong = values.iter().filter(|&&value| value != likelier).count();
                assert!(
                    wrong <= count / 100,
                    "{name}, pixel {pixel}: {wrong} wrong, {expected}"
                );
            }
        }
    }
}

/// `E = |x - b|^2 / 2` has the gradient `x - b`.
#[test]
fn gradient_norms_are_those_of_the_energy() {
    let b = [0.5, -0.3, 1.0, 0.0];
    let device = Device::flex();
    let normal = Rbm::from_parameters(
        Tensor::zeros([4, 1], &device),
        tensor(&b, [4]),
        Tensor::zeros([1], &device),
        VisibleUnits::Gaussian,
    );
    let x: Tensor<4> = Noise::new(3).normal([300, 1, 2, 2], &device);
    let values = floats(x.clone());
    let mut seen = 0;
    let examples = Examples::from_tensor(x);
    let norms = gradient_norms(&AnyModel::Rbm(normal), &examples, &mut |_, done, _| {
        seen = done
    });
    assert_eq!((norms.len(), seen), (300, 300));
    for (x, norm) in values.chunks(4).zip(norms) {
        let squares = x.iter().zip(&b).map(|(x, b)| (x - b) * (x - b));
        let expected = squares.sum::<f32>().sqrt();
        assert!((norm - expected).abs() < 1e-5 * expected.max(1.0));
    }
}

#[test]
fn a_comparison_is_a_difference_of_free_energies() {
    let model = file(rbm(6, 3), [1, 2, 2], &[]);
    let images = all_images();
    let pick = |index: usize| images.clone().narrow(0, index, 1);
    let found = compare(&model, pick(3), pick(12)).unwrap();
    let energies = floats(model.model.energy(images.clone()));
    let expected = f64::from(energies[12]) - f64::from(energies[3]);
    assert_eq!(found.len(), 1);
    assert!(!found[0].bound);
    assert!((found[0].log_ratio - expected).abs() < 1e-6);
}

/// Shuffling keeps the values of each image, noise and constants are what their names say, and binary models get black and white.
#[test]
fn outliers_are_what_they_are_called() {
    let device = Device::flex();
    let network = MlpConfig::new(64, vec![3]).init(&device, &mut Noise::new(1));
    let network = file(AnyModel::Mlp(network), [1, 8, 8], &[LANGEVIN]);
    let w = Tensor::zeros([64, 2], &device);
    let zeros = |n| Tensor::zeros([n], &device);
    let machine = Rbm::from_parameters(w, zeros(64), zeros(2), VisibleUnits::Bernoulli);
    let machine = file(AnyModel::Rbm(machine), [1, 8, 8], &[]);
    for (model, binary) in [(network, false), (machine, true)] {
        let data = held_out(&model, &device).unwrap();
        assert_eq!(data.origin, HeldOutOrigin::TestSplit);
        let count = data.examples.len();
        let mut noise = Noise::new(3);
        let mut draw = |source: OutlierSource| -> Vec<f32> {
            let drawn = source.draw(&model, &data.examples, &mut noise, &device);
            let drawn: Examples<4> = drawn.unwrap();
            assert_eq!(drawn.shape(), [count, 1, 8, 8]);
            drawn.batches(count).flat_map(floats).collect()
        };
        let constant = draw(OutlierSource::Constant);
        assert!(constant.chunks(64).all(|x| x.iter().all(|&y| y == x[0])));
        assert!(constant.chunks(64).any(|x| x[0] != constant[0]));
        let uniform = draw(OutlierSource::Uniform);
        let two = uniform.iter().all(|&x| x == 0.0 || x == 1.0);
        assert_eq!(two, binary);
        let mean = uniform.iter().map(|&x| f64::from(x)).sum::<f64>() / uniform.len() as f64;
        // At most a standard deviation of 1/2 a pixel: 5 standard errors, a false-positive rate below 5.7e-7.
        assert!(
            (mean - 0.5).abs() < 2.5 / (uniform.len() as f64).sqrt(),
            "{mean}"
        );
        let shuffled = draw(OutlierSource::Shuffled);
        let intact: Vec<f32> = data.examples.batches(count).flat_map(floats).collect();
        assert_ne!(shuffled, intact);
        for (shuffled, intact) in shuffled.chunks(64).zip(intact.chunks(64)) {
            let sorted = |image: &[f32]| {
                let mut image = image.to_vec();
                image.sort_by(f32::total_cmp);
                image
            };
            assert_eq!(sorted(shuffled), sorted(intact));
        }
        let all = energies(&model.model, &data.examples, &mut |_, _, _| {}).unwrap();
        assert_eq!(all.len(), count);
    }
}

/// Two orthogonal patterns: each comes back from one wrong unit, and the nearest stored one is named.
#[test]
fn damaged_images_are_recalled_and_named() {
    let device = Device::flex();
    let patterns = [
        [1.0, 1.0, 1.0, 1.0, -1.0, -1.0, -1.0, -1.0],
        [1.0, -1.0, 1.0, -1.0, 1.0, -1.0, 1.0, -1.0],
    ];
    let stored = tensor(patterns.as_flattened(), [2, 8]);
    let machine = HopfieldConfig::new(8).init(&device).store(stored.clone());
    let examples = Examples::from_tensor(stored.reshape([2, 1, 2, 4]));
    let mut given = patterns[1];
    given[2] = -1.0;
    let given = tensor(&given, [1, 1, 2, 4]);
    let network = AnyModel::Hopfield(machine);
    let recalled = recall_images(&network, given, &examples, &mut Noise::new(1)).unwrap();
    let image = recalled.images[0];
    assert_eq!((image.nearest, image.converged), (1, true));
    assert!((image.overlap_before - 0.75).abs() < 1e-6);
    assert!((image.overlap_after - 1.0).abs() < 1e-6);
    assert!(image.energy_after < image.energy_before);

    let black = Tensor::<2>::zeros([200, 50], &device);
    let values = floats(damaged(black, (0.0, 1.0), 0.3, &mut Noise::new(1)));
    let share = f64::from(values.iter().sum::<f32>()) / 10_000.0;
    // 5 standard errors of 10,000 coins: a false-positive rate of 5.7e-7.
    assert!(
        (share - 0.3).abs() < 5.0 * (0.21_f64 / 10_000.0).sqrt(),
        "{share}"
    );
}
