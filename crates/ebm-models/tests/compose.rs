//! Compositions equal the formulas of their parts, values and gradients, and are models themselves.
#![allow(clippy::unwrap_used)]

mod common;

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use common::{Quadratic, assert_close, bits, devices, input_gradient, parameters, tensor, values};
use ebm_models::{ConvNetConfig, Energy, Mixture, Mlp, MlpConfig, Negation, WeightedSum};
use ebm_ops::Noise;

/// A few roundings of values of order 10, each 6e-8 of them.
const ROUNDING: f64 = 1e-6;

/// Three quadratics on `[batch, 2]`, of different centres, widths and offsets.
fn quadratics(device: &Device) -> Vec<Quadratic> {
    vec![
        Quadratic::new(&[0.5, -1.0], 0.5, 0.25, device),
        Quadratic::new(&[-1.0, 0.25], 2.0, -1.0, device),
        Quadratic::new(&[2.0, 1.5], 1.0, 0.0, device),
    ]
}

const WEIGHTS: [f64; 3] = [0.75, 2.0, 0.1];

fn configurations(device: &Device) -> Tensor<2> {
    let x: Tensor<2> = Noise::new(31).normal([40, 2], device);
    x.mul_scalar(2.0)
}

/// `sum_k w_k E_k`, configuration by configuration.
fn weighted_sum(energies: &[Vec<f64>], weights: &[f64]) -> Vec<f64> {
    combine(energies, |energies| {
        energies.iter().zip(weights).map(|(e, w)| e * w).sum()
    })
}

/// `-log sum_k w_k exp(-E_k)`.
fn mixture(energies: &[Vec<f64>], weights: &[f64]) -> Vec<f64> {
    combine(energies, |energies| {
        let terms = energies.iter().zip(weights).map(|(e, w)| w * (-e).exp());
        -terms.sum::<f64>().ln()
    })
}

fn combine(energies: &[Vec<f64>], formula: impl Fn(&[f64]) -> f64) -> Vec<f64> {
    (0..energies[0].len())
        .map(|row| formula(&energies.iter().map(|e| e[row]).collect::<Vec<_>>()))
        .collect()
}

#[test]
fn sums_mixtures_and_negations_of_one_kind_equal_their_formulas() {
    for device in devices() {
        let x = configurations(&device);
        let models = quadratics(&device);
        let energies: Vec<Vec<f64>> = models
            .iter()
            .map(|model| values(x.clone()).chunks(2).map(|x| model.at(x)).collect())
            .collect();
        for count in 1..=3 {
            let (models, weights) = (models[..count].to_vec(), &WEIGHTS[..count]);
            let sum = WeightedSum::new(models.clone(), weights.to_vec());
            let expected = weighted_sum(&energies[..count], weights);
            assert_close(&values(sum.energy(x.clone())), &expected, ROUNDING, "sum");

            let mixed = Mixture::new(models, weights);
            let expected = mixture(&energies[..count], weights);
            assert_close(&values(mixed.energy(x.clone())), &expected, ROUNDING, "mix");
        }
        let negation = Negation::new(models[0].clone());
        let expected: Vec<f64> = energies[0].iter().map(|energy| -energy).collect();
        assert_close(
            &values(negation.energy(x.clone())),
            &expected,
            ROUNDING,
            "negation",
        );
        let repelling = WeightedSum::new(models, vec![1.0, -0.5, 0.0]);
        let expected = weighted_sum(&energies, &[1.0, -0.5, 0.0]);
        assert_close(&values(repelling.energy(x)), &expected, ROUNDING, "repel");
    }
}

#[test]
fn tuples_hold_models_of_different_kinds() {
    for device in devices() {
        let mut noise = Noise::new(41);
        let a = Quadratic::new(&[0.3; 64], 40.0, 0.5, &device);
        let b = MlpConfig::new(64, vec![8]).init(&device, &mut noise);
        let c = ConvNetConfig::new([1, 8, 8].into())
            .with_hidden(4)
            .init(&device, &mut noise)
            .unwrap();
        let d = Negation::new(b.clone());
        let x: Tensor<4> = noise.normal([5, 1, 8, 8], &device);
        let energies = [
            values(a.energy(x.clone())),
            values(b.energy(x.clone())),
            values(c.energy(x.clone())),
            values(d.energy(x.clone())),
        ];
        let weights = [0.5, 2.0, 1.25, 0.75];
        macro_rules! check {
            ($terms:expr, $count:literal) => {
                let weights = &weights[..$count];
                let sum = WeightedSum::new($terms, weights.to_vec());
                let expected = weighted_sum(&energies[..$count], weights);
                assert_close(&values(sum.energy(x.clone())), &expected, ROUNDING, "sum");
                let mixed = Mixture::new($terms, weights);
                let expected = mixture(&energies[..$count], weights);
                assert_close(&values(mixed.energy(x.clone())), &expected, ROUNDING, "mix");
            };
        }
        check!((a.clone(), b.clone()), 2);
        check!((a.clone(), b.clone(), c.clone()), 3);
        check!((a.clone(), b.clone(), c.clone(), d.clone()), 4);
    }
}

/// `grad -log sum_k w_k exp(-E_k) = sum_k r_k grad E_k` with the responsibilities `r_k`
/// proportional to `w_k exp(-E_k)`, for the input and for the parameters.
#[test]
fn the_gradient_of_a_mixture_is_that_of_its_components_by_responsibility() {
    for device in devices() {
        let x = configurations(&device);
        let models = quadratics(&device);
        let host = values(x.clone());
        let gradients_of_row = |x: &[f64]| -> Vec<Vec<f64>> {
            let terms: Vec<f64> = models
                .iter()
                .zip(WEIGHTS)
                .map(|(model, weight)| weight * (-model.at(x)).exp())
                .collect();
            let total: f64 = terms.iter().sum();
            models
                .iter()
                .zip(terms)
                .map(|(model, term)| {
                    let gradient = model.gradient_at(x);
                    gradient.iter().map(|g| term / total * g).collect()
                })
                .collect()
        };
        let expected: Vec<f64> = host
            .chunks(2)
            .flat_map(|x| {
                let terms = gradients_of_row(x);
                (0..2)
                    .map(|i| terms.iter().map(|g| g[i]).sum())
                    .collect::<Vec<f64>>()
            })
            .collect();
        // The responsibilities are exponentials of energies up to 40, so that their relative error
        // is the rounding of these, 40 * 6e-8.
        let rounding = 5e-6;
        let mixed = Mixture::new(models.clone(), &WEIGHTS);
        assert_close(&input_gradient(&mixed, x), &expected, rounding, "input");

        let training = device.clone().autodiff();
        let parts = quadratics(&training);
        let mixed = Mixture::new(parts.clone(), &WEIGHTS);
        let loss = mixed.energy(configurations(&training)).mean();
        let gradients = loss.backward();
        for (k, part) in parts.iter().enumerate() {
            let found = values(part.centre().grad(&gradients).unwrap());
            let expected: Vec<f64> = (0..2)
                .map(|i| {
                    let rows = host.chunks(2).map(|x| -gradients_of_row(x)[k][i]);
                    rows.sum::<f64>() / (host.len() / 2) as f64
                })
                .collect();
            assert_close(&found, &expected, rounding, &format!("centre {k}"));
        }
    }
}

#[test]
fn a_mixture_is_stable_for_energies_that_exp_can_not_take() {
    for device in devices() {
        let x = tensor(&[0.5, -0.25], [1, 2], &device);
        for (offsets, lowest) in [
            ([1e4, 1e4 + 1e3, 1e4 + 2e3], 0),
            ([-1e4, 1e4, 0.0], 0),
            ([1e3, 0.0, 1e4], 1),
            ([-1e4 + 1e3, -1e4 + 1e3, -1e4], 2),
        ] {
            let models: Vec<Quadratic> = offsets
                .iter()
                .map(|&offset| Quadratic::new(&[1.0, 1.0], 2.0, offset, &device))
                .collect();
            let mixed = Mixture::new(models.clone(), &WEIGHTS);
            // The other terms are below exp(-900) of this one.
            let expected = models[lowest].at(&[0.5, -0.25]) - f64::ln(WEIGHTS[lowest]);
            // Relative: one rounding of the energy.
            let found = values(mixed.energy(x.clone()));
            assert_close(&found, &[expected], 2e-7, "energy");
            let gradient = models[lowest].gradient_at(&[0.5, -0.25]);
            assert_close(
                &input_gradient(&mixed, x.clone()),
                &gradient,
                ROUNDING,
                "gradient",
            );
        }
    }
}

#[test]
fn where_no_component_has_density_the_mixture_has_none() {
    let device = Device::flex();
    let x = tensor(&[0.5, -0.25], [1, 2], &device);
    let walls = |offsets: [f64; 2]| {
        let models = offsets.map(|offset| Quadratic::new(&[1.0, 1.0], 2.0, offset, &device));
        values(Mixture::new(models.to_vec(), &[1.0, 0.5]).energy(x.clone()))[0]
    };
    assert_eq!(walls([f64::INFINITY, f64::INFINITY]), f64::INFINITY);
    let one = walls([f64::INFINITY, 3.0]);
    let expected = (0.25 + 1.5625) / 4.0 + 3.0 - f64::ln(0.5);
    assert_close(&[one], &[expected], ROUNDING, "one component");
}

/// On a grid: pointwise `w_1 exp(-E_1) + w_2 exp(-E_2)`, in total `w_1 Z_1 + w_2 Z_2` with
/// `Z = sqrt(2 pi variance) exp(-offset)`.
#[test]
fn a_mixture_of_two_quadratics_is_the_mixture_of_their_densities() {
    for device in devices() {
        let parameters = [(-1.5, 0.25, 0.5), (1.0, 1.5, -0.25)];
        let weights = [0.3, 1.2];
        let mixed = Mixture::new(
            (
                Quadratic::new(&[-1.5], 0.25, 0.5, &device),
                Quadratic::new(&[1.0], 1.5, -0.25, &device),
            ),
            &weights,
        );
        let spacing = 0.05;
        let grid: Vec<f64> = (-240..=240).map(|i| f64::from(i) * spacing).collect();
        let density: Vec<f64> = values(mixed.energy(tensor(&grid, [grid.len(), 1], &device)))
            .into_iter()
            .map(|energy| (-energy).exp())
            .collect();
        let term = |k: usize, x: f64| {
            let (centre, variance, offset): (f64, f64, f64) = parameters[k];
            weights[k] * (-(x - centre).powi(2) / (2.0 * variance) - offset).exp()
        };
        let expected: Vec<f64> = grid.iter().map(|&x| term(0, x) + term(1, x)).collect();
        // Energies are at most 8 where the density counts, and rounded a few times: a factor of
        // exp(8 * 3 * 6e-8).
        assert_close(&density, &expected, 2e-6, "density");
        let total: f64 = density.iter().sum::<f64>() * spacing;
        let normalisers = (0..2).map(|k| {
            let (_, variance, offset) = parameters[k];
            weights[k] * (std::f64::consts::TAU * variance).sqrt() * f64::exp(-offset)
        });
        assert_close(&[total], &[normalisers.sum()], 2e-6, "normaliser");
    }
}

type Nested = WeightedSum<(Mixture<Vec<Quadratic>>, Negation<Mlp>)>;

fn nested(device: &Device, seed: u64) -> Nested {
    let mut noise = Noise::new(seed);
    let mlp = MlpConfig::new(2, vec![5]).init(device, &mut noise);
    let quadratics: Vec<Quadratic> = (0..3)
        .map(|_| {
            let centre: Tensor<1> = noise.normal([2], device);
            Quadratic::new(&values(centre), 1.0, 0.5, device)
        })
        .collect();
    let mixed = Mixture::new(quadratics, &WEIGHTS);
    WeightedSum::new((mixed, Negation::new(mlp)), vec![0.5, 0.25])
}

#[test]
fn compositions_nest_and_are_modules() {
    for device in devices() {
        let mut noise = Noise::new(51);
        let mlp = MlpConfig::new(2, vec![5]).init(&device, &mut noise);
        let model = nested(&device, 51);
        // 3 centres of 2 values; (2 + 1) 5 + (5 + 1) in the perceptron.
        assert_eq!(model.num_params(), 3 * 2 + 15 + 6);
        assert_eq!(parameters(&model).len(), 3 + 4);

        let x = configurations(&device);
        let centres = &parameters(&model)[..3];
        let energies: Vec<Vec<f64>> = centres
            .iter()
            .map(|centre| {
                let quadratic = Quadratic::new(&centre.values, 1.0, 0.5, &device);
                let rows = values(x.clone());
                rows.chunks(2).map(|x| quadratic.at(x)).collect()
            })
            .collect();
        let opposite = values(mlp.energy(x.clone()).neg());
        let expected = weighted_sum(&[mixture(&energies, &WEIGHTS), opposite], &[0.5, 0.25]);
        assert_close(&values(model.energy(x)), &expected, ROUNDING, "nested");
    }
}

#[test]
fn a_record_of_a_composition_holds_all_of_its_parameters() {
    for device in devices() {
        let x = configurations(&device);
        let (saved, other) = (nested(&device, 1), nested(&device, 2));
        let expected = bits(saved.energy(x.clone()));
        assert_ne!(bits(other.energy(x.clone())), expected);
        let loaded = other.load_record(saved.into_record());
        assert_eq!(bits(loaded.energy(x)), expected);
    }
}

#[test]
fn freezing_a_composition_keeps_its_energy() {
    for device in devices() {
        let model = nested(&device.clone().autodiff(), 3);
        let x = configurations(&device);
        let energy = model.valid().energy(x.clone());
        assert!(!energy.is_autodiff());
        assert_eq!(bits(energy), bits(nested(&device, 3).energy(x)));
    }
}

#[test]
#[should_panic(expected = "3 models were given 2 weights")]
fn a_sum_wants_a_weight_for_each_model() {
    let _ = WeightedSum::new(quadratics(&Device::flex()), vec![1.0, 1.0]);
}

#[test]
#[should_panic(expected = "2 models were given 3 weights")]
fn a_mixture_wants_a_weight_for_each_model() {
    let device = Device::flex();
    let model = Quadratic::new(&[0.0], 1.0, 0.0, &device);
    let _ = Mixture::new((model.clone(), model), &WEIGHTS);
}

#[test]
#[should_panic(expected = "a composition needs at least one model")]
fn an_empty_composition_is_refused() {
    let _ = WeightedSum::new(Vec::<Quadratic>::new(), vec![]);
}

#[test]
fn a_mixture_refuses_weights_that_are_not_positive() {
    for weight in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        let outcome = std::panic::catch_unwind(|| {
            let model = Quadratic::new(&[0.0], 1.0, 0.0, &Device::flex());
            Mixture::new(vec![model], &[weight])
        });
        let message = *outcome.unwrap_err().downcast::<String>().unwrap();
        assert!(
            message.contains("positive and finite"),
            "{weight}: {message}"
        );
    }
}
