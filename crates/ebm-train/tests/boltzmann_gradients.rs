//! The gradient that training follows is that of the log-likelihood, or of its variational bound,
//! on machines whose states can be counted.
#![allow(clippy::unwrap_used)]

mod machines;

use std::collections::BTreeMap;

use burn::module::Module;
use burn::tensor::{Device, Tensor, TensorData};
use ebm_models::{BoltzmannMachine, Coding, Dbm, Energy, MeanField, Rbm, RbmConfig, VisibleUnits};
use ebm_ops::Noise;
use ebm_sampling::Interrupt;
use ebm_testing::{dot, log_sum_exp};
use ebm_train::{
    ContrastiveDivergence, ParameterGradients, ParameterOptimizer, clamp, load_weights, weights,
};
use machines::{in_proportion, recipe, rows_of, visible_probabilities};

/// Negative samples: each state comes up as often as its probability says, to 1/40,000. (Means over
/// many more lose to the rounding of f32 sums what they gain.)
const NEGATIVES: usize = 40_000;

type Parameters = BTreeMap<String, Vec<f64>>;

fn parameters<M: burn::module::Module>(model: &M) -> Parameters {
    weights(model)
        .into_iter()
        .map(|(name, data)| (name, data.iter::<f64>().collect()))
        .collect()
}

/// Gives a machine parameters of order 1, offsets included, without losing their shapes.
fn spread<M: burn::module::Module>(model: M, seed: u64) -> M {
    let mut noise = Noise::new(seed);
    let device = Device::flex();
    let drawn = weights(&model)
        .into_iter()
        .map(|(name, data)| {
            let shape = data.shape().as_slice().to_vec();
            let count: usize = shape.iter().product();
            let values: Tensor<1> = noise.normal([count], &device);
            let values = values.mul_scalar(0.7).into_data();
            let values: Vec<f32> = values.iter::<f32>().collect();
            (name, TensorData::new(values, shape))
        })
        .collect();
    load_weights(model, drawn).unwrap()
}

/// The gradient of the objective by autodiff against central differences of `log_likelihood` in
/// f64, for every parameter; those in `fixed` must not be moved.
fn assert_gradient<M: Energy<2> + Module>(
    model: M,
    data: Tensor<2>,
    samples: Tensor<2>,
    fixed: &[&str],
    log_likelihood: impl Fn(&Parameters) -> f64,
    what: &str,
) {
    let before = parameters(&model);
    let model = model.train();
    let points = ContrastiveDivergence::default().points(data, samples);
    let loss = points.evaluate(&model).value;
    let gradients = ParameterGradients::collect(&model, loss.backward());
    // One step of length 1 down the gradient shows it.
    let moved = ParameterOptimizer::new(&recipe().optimizer).step(0, 1.0, model, gradients, 1.0);
    let after = parameters(&moved);
    let mut largest = 0.0_f64;
    for (name, old) in &before {
        for (index, value) in old.iter().enumerate() {
            let found = after[name][index] - value;
            let shifted = |by: f64| {
                let mut parameters = before.clone();
                parameters.get_mut(name).unwrap()[index] += by;
                log_likelihood(&parameters)
            };
            const STEP: f64 = 1e-4;
            let expected = match fixed.contains(&name.as_str()) {
                true => 0.0,
                false => (shifted(STEP) - shifted(-STEP)) / (2.0 * STEP),
            };
            largest = largest.max(expected.abs());
            assert!(
                (found - expected).abs() < 1e-3,
                "{what}: {name}[{index}]: {found}, expected {expected}"
            );
        }
    }
    assert!(largest > 0.1, "{what}: no gradient above {largest}");
}

/// Eight of all states of the visible units, some of them twice.
fn data(visible: usize, coding: Coding, device: &Device) -> (Vec<usize>, Tensor<2>) {
    let numbers = [1, 6, 6, 7, 0, 5, 1, 1].map(|number| number % (1 << visible));
    (numbers.to_vec(), rows_of(&numbers, visible, coding, device))
}

fn negatives<M: Energy<2>>(model: &M, units: usize, coding: Coding, device: &Device) -> Tensor<2> {
    let probabilities = visible_probabilities(model, units, units, coding, device);
    rows_of(
        &in_proportion(&probabilities, NEGATIVES),
        units,
        coding,
        device,
    )
}

fn bits(number: usize, units: usize) -> Vec<f64> {
    (0..units).map(|unit| (number >> unit & 1) as f64).collect()
}

/// `a W b` with `W` row by row.
fn bilinear(a: &[f64], w: &[f64], b: &[f64]) -> f64 {
    let rows = a.iter().zip(w.chunks(b.len()));
    rows.map(|(a, row)| a * dot(row, b)).sum()
}

/// Plain and centred: the gradient of the couplings of a centred machine is the one of centred
/// units.
#[test]
fn an_rbm_climbs_its_log_likelihood() {
    let device = Device::flex();
    for centered in [false, true] {
        let config = RbmConfig::new(4, 3).with_centered(centered);
        let model = spread(config.init(&device, &mut Noise::new(1)), 2);
        let (numbers, data) = data(4, Coding::Binary, &device);
        let samples = negatives(&model, 4, Coding::Binary, &device);
        let log_likelihood = |p: &Parameters| {
            let zeros = [0.0; 4];
            let offset = |name: &str, units: usize| -> Vec<f64> {
                p.get(name).map_or(zeros[..units].to_vec(), Vec::clone)
            };
            let (mu, lambda) = (offset("visible_offset", 4), offset("hidden_offset", 3));
            let less = |x: &[f64], offset: &[f64]| -> Vec<f64> {
                x.iter().zip(offset).map(|(x, offset)| x - offset).collect()
            };
            let joint = |v: &[f64], number: usize| {
                let h = bits(number, 3);
                dot(v, &p["visible_bias"])
                    + dot(&h, &p["hidden_bias"])
                    + bilinear(&less(v, &mu), &p["weight"], &less(&h, &lambda))
            };
            let of = |v: usize| log_sum_exp((0..8).map(|h| joint(&bits(v, 4), h)));
            let log_z = log_sum_exp((0..16).map(of));
            numbers.iter().map(|&v| of(v)).sum::<f64>() / numbers.len() as f64 - log_z
        };
        let fixed = ["visible_offset", "hidden_offset"];
        let what = format!("centered {centered}");
        assert_gradient(model, data, samples, &fixed, log_likelihood, &what);
    }
}

/// Real visible units, without couplings: there four points have the moments that count exactly.
#[test]
fn a_gaussian_rbm_without_couplings_climbs_its_log_likelihood() {
    let device = Device::flex();
    let bias = [0.4_f32, -0.9];
    let model = Rbm::from_parameters(
        Tensor::zeros([2, 1], &device),
        Tensor::from_floats(bias, &device),
        Tensor::from_floats([0.3], &device),
        VisibleUnits::Gaussian,
    );
    let data = Tensor::<2>::from_floats([[1.0, 0.5], [0.2, -1.5]], &device);
    // The four corners of one standard deviation around the mean have the moments of N(b, 1) up to
    // the second.
    let corners = [[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]]
        .map(|[a, b]: [f32; 2]| [bias[0] + a, bias[1] + b]);
    let samples = Tensor::<2>::from_floats(corners, &device);
    let log_likelihood = |p: &Parameters| {
        let of = |h: f64| {
            let mean = [0, 1].map(|i| p["visible_bias"][i] + p["weight"][i] * h);
            h * p["hidden_bias"][0] + 0.5 * dot(&mean, &mean)
        };
        let log_z = log_sum_exp([0.0, 1.0].into_iter().map(of));
        let data = [[1.0, 0.5], [0.2, -1.5]].map(|v| {
            let hidden = [0.0, 1.0].map(|h| {
                h * (p["hidden_bias"][0] + dot(&v, &p["weight"])) + dot(&v, &p["visible_bias"])
            });
            log_sum_exp(hidden)
        });
        (data[0] + data[1]) / 2.0 - log_z
    };
    assert_gradient(model, data, samples, &[], log_likelihood, "Gaussian");
}

/// At mean-field states the objective climbs `E_q[-E] + H(q) - log Z` with the best `q`: the
/// bound's own gradient, since its derivative by the means is zero.
#[test]
fn a_dbm_climbs_its_variational_bound() {
    const SIZES: [usize; 3] = [3, 2, 2];
    let device = Device::flex();
    let zeros = |units: usize| Tensor::zeros([units], &device);
    let model = Dbm::from_parameters(
        vec![
            Tensor::zeros([3, 2], &device),
            Tensor::zeros([2, 2], &device),
        ],
        SIZES.map(zeros).to_vec(),
    );
    let model = spread(model, 22).with_inference(MeanField {
        tolerance: 1e-7,
        max_steps: 500,
    });
    let (numbers, data) = data(3, Coding::Binary, &device);
    let samples = negatives(&model, 7, Coding::Binary, &device);
    let never = &mut Interrupt::never();
    let structure = Energy::<2>::structure(&model);
    let clamped = clamp(&structure, data, 1, 1.0, &mut Noise::new(5), never);
    assert_eq!(clamped.dims(), [8, 7]);
    let log_likelihood = |p: &Parameters| {
        let minus_energy = |v: &[f64], h: &[f64], g: &[f64]| {
            dot(v, &p["visible_bias"])
                + dot(h, &p["hidden_biases.0"])
                + dot(g, &p["hidden_biases.1"])
                + bilinear(v, &p["weights.0"], h)
                + bilinear(h, &p["weights.1"], g)
        };
        let log_z = log_sum_exp((0..128).map(|number| {
            let all = bits(number, 7);
            minus_energy(&all[..3], &all[3..5], &all[5..])
        }));
        let bound = |number: usize| {
            let v = bits(number, 3);
            let (mut h, mut g) = (vec![0.5; 2], vec![0.5; 2]);
            let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
            let unit = |j: usize| bits(1 << j, 2);
            for _ in 0..2000 {
                h = (0..2)
                    .map(|j| {
                        sigmoid(
                            p["hidden_biases.0"][j]
                                + bilinear(&v, &p["weights.0"], &unit(j))
                                + bilinear(&unit(j), &p["weights.1"], &g),
                        )
                    })
                    .collect();
                g = (0..2)
                    .map(|j| {
                        sigmoid(p["hidden_biases.1"][j] + bilinear(&h, &p["weights.1"], &unit(j)))
                    })
                    .collect();
            }
            let entropy: f64 = h
                .iter()
                .chain(&g)
                .map(|m| -m * m.ln() - (1.0 - m) * (1.0 - m).ln())
                .sum();
            minus_energy(&v, &h, &g) + entropy
        };
        numbers.iter().map(|&v| bound(v)).sum::<f64>() / numbers.len() as f64 - log_z
    };
    assert_gradient(model, clamped, samples, &[], log_likelihood, "DBM");
}

/// A machine of 3 visible and 2 hidden units, all coupled, and `-E` of the state of a number, in
/// f64.
fn boltzmann_machine(coding: Coding, device: &Device) -> BoltzmannMachine {
    let zeros = Tensor::zeros([5, 5], device);
    let bias = Tensor::zeros([5], device);
    let machine = BoltzmannMachine::from_parameters(zeros, bias, 3, coding);
    let mut connectivity = Tensor::<2>::ones([5, 5], device);
    connectivity = connectivity.slice_assign([0..1, 4..5], Tensor::zeros([1, 1], device));
    connectivity = connectivity.slice_assign([4..5, 0..1], Tensor::zeros([1, 1], device));
    spread(machine, 6).with_connectivity(connectivity)
}

fn minus_energy(p: &Parameters, coding: Coding, number: usize) -> f64 {
    let y: Vec<f64> = bits(number, 5)
        .iter()
        .map(|bit| coding.low() + bit * (coding.high() - coding.low()))
        .collect();
    let raw = &p["weight"];
    let mut total = dot(&y, &p["bias"]);
    for i in 0..5 {
        for j in 0..i {
            // The pair (0, 4) isn't connected.
            if (j, i) != (0, 4) {
                total += y[i] * y[j] * (raw[5 * i + j] + raw[5 * j + i]) / 2.0;
            }
        }
    }
    total
}

/// With hidden units drawn given the data (here in their exact proportions) the objective climbs
/// the log-likelihood of the visible units; couplings that aren't connected, and the diagonal,
/// stay.
#[test]
fn a_boltzmann_machine_climbs_its_log_likelihood() {
    let device = Device::flex();
    for coding in [Coding::Spin, Coding::Binary] {
        let model = boltzmann_machine(coding, &device);
        let (numbers, _) = data(3, coding, &device);
        let before = parameters(&model);
        let clamped: Vec<usize> = numbers
            .iter()
            .flat_map(|&v| {
                let hidden: Vec<f64> = (0..4)
                    .map(|h| minus_energy(&before, coding, v + 8 * h).exp())
                    .collect();
                let drawn = in_proportion(&hidden, NEGATIVES / 8);
                drawn.into_iter().map(move |h| v + 8 * h)
            })
            .collect();
        let clamped = rows_of(&clamped, 5, coding, &device);
        let samples = negatives(&model, 5, coding, &device);
        let log_likelihood = |p: &Parameters| {
            let of = |v: usize| log_sum_exp((0..4).map(|h| minus_energy(p, coding, v + 8 * h)));
            let log_z = log_sum_exp((0..8).map(of));
            numbers.iter().map(|&v| of(v)).sum::<f64>() / numbers.len() as f64 - log_z
        };
        let what = format!("{coding:?}");
        assert_gradient(
            model,
            clamped,
            samples,
            &["connectivity"],
            log_likelihood,
            &what,
        );
    }
}

/// What `clamp` draws after 30 sweeps: hidden units in their exact conditional distribution,
/// visible units untouched. Five standard errors of a share, 5.7e-7 each, 64 shares.
#[test]
fn clamped_hidden_units_follow_their_conditional_distribution() {
    const COPIES: usize = 10_000;
    let device = Device::flex();
    for coding in [Coding::Spin, Coding::Binary] {
        let model = boltzmann_machine(coding, &device);
        let p = parameters(&model);
        let numbers: Vec<usize> = (0..8).flat_map(|v| [v; COPIES]).collect();
        let examples = rows_of(&numbers, 3, coding, &device);
        let never = &mut Interrupt::never();
        let structure = Energy::<2>::structure(&model);
        let clamped = clamp(
            &structure,
            examples.clone(),
            30,
            1.0,
            &mut Noise::new(7),
            never,
        );
        let visible = clamped.clone().narrow(1, 0, 3).into_data();
        assert_eq!(visible, examples.into_data());
        let values: Vec<f64> = clamped.into_data().iter::<f64>().collect();
        for v in 0..8 {
            let weight = |h: usize| minus_energy(&p, coding, v + 8 * h).exp();
            let sum: f64 = (0..4).map(weight).sum();
            for h in 0..4 {
                let rows = values[v * COPIES * 5..(v + 1) * COPIES * 5].chunks(5);
                let number = |row: &[f64]| {
                    usize::from(row[3] == coding.high()) + 2 * usize::from(row[4] == coding.high())
                };
                let found = rows.filter(|row| number(row) == h).count() as f64 / COPIES as f64;
                let expected = weight(h) / sum;
                let error = (expected * (1.0 - expected) / COPIES as f64).sqrt();
                let z = (found - expected) / error;
                assert!(z.abs() < 5.0, "{coding:?}: {v}, {h}: {found}, {expected}");
            }
        }
    }
}
