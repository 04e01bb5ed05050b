//! Denoising finds the posterior: of a normal density in closed form, of machines by sums over all
//! states.

use burn::tensor::{Device, Tensor};
use ebm_models::{
    BlockConditional, Dbm, DbmConfig, Energy, LayeredMachine, Rbm, VisibleUnits, states,
};
use ebm_ops::Noise;
use ebm_train::using::{DenoiseOptions, DenoisedImage, PixelNoise, denoise};

use super::{all_images, chains, floats, gibbs, langevin, rbm, tensor};

const MEAN: [f32; 4] = [0.5, -0.3, 1.0, 0.0];

/// A Gaussian machine without weights.
fn normal() -> Rbm {
    let device = Device::flex();
    Rbm::from_parameters(
        Tensor::zeros([4, 1], &device),
        tensor(&MEAN, [4]),
        Tensor::zeros([1], &device),
        VisibleUnits::Gaussian,
    )
}

/// A Gaussian machine without weights is `N(b, 1)` a pixel; with temperature `T` and noise `s` the
/// posterior of `y` has the mean and the mode `(b / T + y / s^2) / (1 / T + 1 / s^2)` and that
/// denominator as its precision.
#[test]
fn denoising_finds_the_posterior_of_a_normal() {
    let closure = |x: Tensor<4>| {
        let [count, ..] = x.dims();
        let difference = x.reshape([count, 4]) - tensor(&MEAN, [1, 4]);
        let squares = difference.square().sum_dim(1);
        squares.squeeze_dim::<1>(1).mul_scalar(0.5)
    };
    check_posterior(&normal());
    check_posterior(&closure);
}

fn check_posterior<E: Energy<4> + Clone>(model: &E) {
    let b = MEAN;
    let y = [1.5, 0.2, -0.4, 0.8];
    let observed = |count: usize| tensor(&y, [1, 1, 2, 2]).expand([count, 1, 2, 2]);
    for (temperature, std) in [(None, 0.5), (Some(0.3), 0.2)] {
        let options = DenoiseOptions {
            noise: PixelNoise::Normal { std },
            chains: chains(langevin(0.05), 0.0, 1.0),
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
        let found = denoise(model, observed(1), &options, &mut noise).unwrap();
        for (found, mode) in floats(found).iter().zip(&mode) {
            assert!((f64::from(*found) - mode).abs() < 1e-4, "{found}, {mode}");
        }
        // Chains of this length are correlated: the mean of 2,000 of them, with 5 standard errors
        // of one draw each, which is too generous for the mean and exact for draws; 16 tests at
        // 5.7e-7 or less.
        let count = 2_000;
        let error = 5.0 / (precision * count as f64).sqrt();
        for image in [DenoisedImage::Mean, DenoisedImage::Draw] {
            let options = DenoiseOptions {
                image,
                ..options.clone()
            };
            let found = denoise(model, observed(count), &options, &mut noise).unwrap();
            let values = floats(found);
            for (i, mode) in mode.iter().enumerate() {
                let mean = values.iter().skip(i).step_by(4).map(|&x| f64::from(x));
                let mean = mean.sum::<f64>() / count as f64;
                assert!((mean - mode).abs() < error, "{image:?}: {mean}, {}", mode);
            }
            // The spread of draws is that of the posterior, up to the bias of the step, that of
            // means is far smaller.
            let spread = values.iter().step_by(4).map(|&x| f64::from(x) - mode[0]);
            let ratio = spread.map(|d| d * d).sum::<f64>() / count as f64 * precision;
            if image == DenoisedImage::Draw {
                // The step of 0.05 acts on a precision of T times that of the posterior; 5 standard
                // errors of a variance.
                let biased = 1.0 / (1.0 - 0.05 * precision * t / 2.0);
                let error = 5.0 * (2.0 / count as f64).sqrt();
                assert!((ratio / biased - 1.0).abs() < error, "{ratio}, {biased}");
            } else {
                assert!(ratio < 0.2, "{ratio}");
            }
        }
    }
}

/// Neither kind of noise for the other kind of pixels.
#[test]
fn noise_that_does_not_fit_is_an_error() {
    let observed = tensor(&[0.0, 1.0, 1.0, 0.0], [1, 1, 2, 2]);
    let refused = |energy: &Rbm, noise| {
        let options = DenoiseOptions {
            noise,
            chains: chains(langevin(0.05), 0.0, 1.0),
            temperature: None,
            steps: 1,
            image: DenoisedImage::default(),
        };
        let found = denoise(energy, observed.clone(), &options, &mut Noise::new(1));
        found.unwrap_err().to_string()
    };
    let message = refused(&rbm(1, 2), PixelNoise::Normal { std: 0.1 });
    assert!(message.contains("real-valued"), "{message}");
    let message = refused(&normal(), PixelNoise::Flips { probability: 0.1 });
    assert!(message.contains("two-valued"), "{message}");
}

/// Flipped pixels of a restricted machine and of a deep one, beside the posterior summed over all
/// images.
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
    let free_energies: Vec<f64> = free.into_iter().map(f64::from).collect();
    check_flips(&restricted, &free_energies, "restricted machine");
    check_flips(&deep, &deep_energies, "deep machine");
}

fn check_flips<E: Energy<4> + Clone>(model: &E, energies: &[f64], name: &str) {
    let images = floats(all_images());
    let y = [1.0, 0.0, 1.0, 1.0];
    let probability: f64 = 0.3;
    let count = 4_000;
    let weights: Vec<f64> = images
        .chunks(4)
        .zip(energies)
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
            chains: chains(gibbs(), 0.0, 1.0),
            temperature: None,
            steps,
            image,
        };
        let observed = tensor(&y, [1, 1, 2, 2]).expand([count, 1, 2, 2]);
        floats(denoise(model, observed, &options, &mut Noise::new(2)).unwrap())
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
