//! Block Gibbs sampling keeps the exact distribution of layered machines, and reaches it.

mod common;
mod layered;

use burn::tensor::{Device, Tensor};
use common::{assert_within_error, devices, phi, tensor, values};
use ebm_models::{BlockConditional, Layers, Rbm, ReplicatedRbm, VisibleUnits};
use ebm_ops::Noise;
use ebm_sampling::gibbs::BlockGibbs;
use ebm_sampling::{Kernel, run};
use layered::{Stack, join};

/// One, two and three hidden layers.
const SIZES: [&[usize]; 3] = [&[4, 3], &[3, 3, 2], &[3, 2, 2, 2]];

/// Chains that start exactly at the target are there after three sweeps and have moved; chains that
/// start with every unit off get there in sixty. Chains are independent, so that the counts are
/// multinomial. 24 tests at 2.9e-7.
#[test]
fn the_boltzmann_distribution_is_stationary_and_reached() {
    const CHAINS: usize = 20_000;
    for device in devices() {
        for (case, sizes) in SIZES.into_iter().enumerate() {
            for temperature in [1.0, 1.8] {
                let mut noise = Noise::new(case as u64);
                let stack = Stack::random(sizes, (1.2, 0.7), &mut noise);
                let layers = stack.layers(&device);
                let kernel = BlockGibbs { temperature };
                let target = stack.known.probabilities(temperature, 0);
                let what = format!("{sizes:?}, T {temperature}, {device:?}");

                let start = stack.known.draws(&target, CHAINS, &device, &mut noise);
                let end = run(&kernel, &layers, stack.split(start.clone()), 3, &mut noise).position;
                let end = join(end);
                let (before, after) = (values(start), values(end.clone()));
                let moved = before.iter().zip(&after).filter(|(a, b)| a != b).count();
                assert!(moved as f64 > 0.1 * before.len() as f64, "{what}: {moved}");
                let stationary = format!("stationary: {what}");
                stack.known.assert_distribution(end, &target, &stationary);

                let off = Tensor::zeros([CHAINS, stack.known.units], &device);
                let end = run(&kernel, &layers, stack.split(off), 60, &mut noise).position;
                let reached = format!("reached: {what}");
                stack
                    .known
                    .assert_distribution(join(end), &target, &reached);
            }
        }
    }
}

/// From one exact draw of the even layers the distribution of all layers after one sweep is exact
/// too: what the odd ones were doesn't matter.
#[test]
fn a_sweep_needs_only_the_even_layers() {
    let device = Device::flex();
    let mut noise = Noise::new(3);
    let stack = Stack::random(&[3, 3, 2], (1.2, 0.7), &mut noise);
    let layers = stack.layers(&device);
    assert_eq!(layers.sweep(), [1, 0, 2]);
    let target = stack.known.probabilities(1.0, 0);
    let draws = stack.known.draws(&target, 20_000, &device, &mut noise);
    let mut start = stack.split(draws);
    let moved = |start: &[Tensor<2>]| {
        let end = run(
            &BlockGibbs::default(),
            &layers,
            start.to_vec(),
            1,
            &mut Noise::new(4),
        );
        join(end.position)
    };
    let end = moved(&start);
    start[1] = Tensor::full(start[1].shape(), 7.0, &device);
    assert_eq!(values(moved(&start)), values(end.clone()));
    let what = "after one sweep";
    stack.known.assert_distribution(end, &target, what);
}

/// A machine with two real visible units and three hidden ones, known to the host.
struct RealVisible {
    weight: [[f64; 3]; 2],
    visible_bias: [f64; 2],
    hidden_bias: [f64; 3],
}

const REAL: RealVisible = RealVisible {
    weight: [[1.1, -0.8, 0.5], [0.4, 0.9, -1.3]],
    visible_bias: [0.3, -0.6],
    hidden_bias: [-0.4, 0.2, 0.5],
};

impl RealVisible {
    fn layers(&self, device: &Device) -> Layers {
        Layers::new(
            VisibleUnits::Gaussian,
            vec![tensor(self.weight.as_flattened(), [2, 3], device)],
            vec![
                tensor(&self.visible_bias, [2], device),
                tensor(&self.hidden_bias, [3], device),
            ],
        )
    }

    fn hidden(number: usize) -> [f64; 3] {
        [0, 1, 2].map(|unit| (number >> unit & 1) as f64)
    }

    /// `E[v | h] = b + W h`.
    fn mean(&self, hidden: [f64; 3]) -> [f64; 2] {
        [0, 1].map(|i| {
            let input = self.weight[i].iter().zip(hidden).map(|(w, h)| w * h);
            self.visible_bias[i] + input.sum::<f64>()
        })
    }

    /// `P(h)` at a temperature, the real units integrated out of `exp(-E / T)`:
    /// `exp((c . h + |b + W h|^2 / 2) / T)`.
    fn hidden_probabilities(&self, temperature: f64) -> Vec<f64> {
        let weights: Vec<f64> = (0..8)
            .map(|number| {
                let hidden = Self::hidden(number);
                let linear: f64 = self
                    .hidden_bias
                    .iter()
                    .zip(hidden)
                    .map(|(c, h)| c * h)
                    .sum();
                let [a, b] = self.mean(hidden);
                ((linear + 0.5 * (a * a + b * b)) / temperature).exp()
            })
            .collect();
        let sum: f64 = weights.iter().sum();
        weights.iter().map(|weight| weight / sum).collect()
    }
}

/// Real visible units: the hidden states have their enumerated probabilities, the visible units are
/// normal with variance `T` around `b + W h`, independently, and all joint moments are the closed
/// forms; from exact draws after two sweeps, and from zeros after forty. Moments by five standard
/// errors, 5.7e-7 each.
#[test]
fn gaussian_units_have_the_moments_of_the_closed_form() {
    const CHAINS: usize = 40_000;
    for device in devices() {
        let layers = REAL.layers(&device);
        for temperature in [1.0, 0.6, 2.5] {
            let target = REAL.hidden_probabilities(temperature);
            let kernel = BlockGibbs { temperature };
            let mut noise = Noise::new(5);

            let uniforms: Tensor<1> = noise.uniform([CHAINS], &device);
            let normals: Tensor<2> = noise.normal([CHAINS, 2], &device);
            let exact: Vec<f64> = values(uniforms)
                .into_iter()
                .zip(values(normals).chunks(2))
                .flat_map(|(u, z)| {
                    let mut rest = u;
                    let number = target.iter().position(|p| {
                        rest -= p;
                        rest < 0.0
                    });
                    let [a, b] = REAL.mean(RealVisible::hidden(number.unwrap_or(7)));
                    let std = temperature.sqrt();
                    [a + std * z[0], b + std * z[1]]
                })
                .collect();
            let hidden = || Tensor::zeros([CHAINS, 3], &device);
            let exact = vec![tensor(&exact, [CHAINS, 2], &device), hidden()];
            let zeros = vec![Tensor::zeros([CHAINS, 2], &device), hidden()];
            for (start, sweeps) in [(exact, 2), (zeros, 40)] {
                let end = run(&kernel, &layers, start, sweeps, &mut noise).position;
                let what = format!("T {temperature}, {sweeps} sweeps, {device:?}");
                assert_joint(&target, temperature, &end, &what);
            }
        }
    }
}

fn assert_joint(target: &[f64], temperature: f64, end: &[Tensor<2>], what: &str) {
    let (visible, hidden) = (values(end[0].clone()), values(end[1].clone()));
    let count = hidden.len() / 3;
    let mut found = [0.0; 8];
    let mut residuals = [Vec::new(), Vec::new()];
    let mut rows = Vec::new();
    for (v, h) in visible.chunks(2).zip(hidden.chunks(3)) {
        let number = (h[0] + 2.0 * h[1] + 4.0 * h[2]) as usize;
        found[number] += 1.0;
        let mean = REAL.mean(RealVisible::hidden(number));
        for i in 0..2 {
            residuals[i].push(phi((v[i] - mean[i]) / temperature.sqrt()));
        }
        rows.push((RealVisible::hidden(number), [v[0], v[1]]));
    }
    let statistic = found
        .iter()
        .zip(target)
        .map(|(found, p)| {
            let expected = p * count as f64;
            (found - expected).powi(2) / expected
        })
        .sum();
    common::assert_chi_square(statistic, 7.0, &format!("{what}: hidden states"));
    for residuals in residuals {
        common::assert_uniform(residuals, &format!("{what}: residuals"));
    }

    // E[v_i], E[v_i v_k], E[v_i h_j], each as a mean over hidden states of a closed form.
    type Moment = Box<dyn Fn([f64; 3], [f64; 2]) -> f64>;
    type Closed = Box<dyn Fn([f64; 3]) -> f64>;
    let mut moments: Vec<(String, Moment, Closed)> = Vec::new();
    for i in 0..2 {
        moments.push((
            format!("v{i}"),
            Box::new(move |_, v| v[i]),
            Box::new(move |h| REAL.mean(h)[i]),
        ));
        for k in i..2 {
            let variance = if i == k { temperature } else { 0.0 };
            moments.push((
                format!("v{i} v{k}"),
                Box::new(move |_, v| v[i] * v[k]),
                Box::new(move |h| REAL.mean(h)[i] * REAL.mean(h)[k] + variance),
            ));
        }
        for j in 0..3 {
            moments.push((
                format!("v{i} h{j}"),
                Box::new(move |h, v| v[i] * h[j]),
                Box::new(move |h| REAL.mean(h)[i] * h[j]),
            ));
        }
    }
    for (name, moment, closed) in moments {
        let expected: f64 = (0..8)
            .map(|number| target[number] * closed(RealVisible::hidden(number)))
            .sum();
        let (mut sum, mut squares) = (0.0, 0.0);
        for &(h, v) in &rows {
            let value = moment(h, v);
            sum += value;
            squares += value * value;
        }
        let mean = sum / count as f64;
        let error = ((squares / count as f64 - mean * mean) / count as f64).sqrt();
        assert_within_error(mean, expected, error, &format!("{what}: E[{name}]"));
    }
}

/// Copied layers: each visible copy sends to each hidden unit, each hidden copy to each visible
/// one. With equal numbers of copies the two conditionals are those of a machine with weights
/// `2 W`.
#[test]
fn replicated_layers_are_drawn_with_multiplied_inputs() {
    for device in devices() {
        let mut noise = Noise::new(6);
        let stack = Stack::random(&[4, 3], (0.6, 0.5), &mut noise);
        let layers = stack.layers(&device);
        let rbm = Rbm::from_parameters(
            layers.weight(0),
            layers.bias(0),
            layers.bias(1),
            VisibleUnits::Bernoulli,
        );
        let target = stack.known.probabilities(1.0, 0);
        let start = stack.known.draws(&target, 100, &device, &mut noise);
        let start = stack.split(start);
        for (copies, field) in [
            ((2.0, 1.0), layers.from_below(1, start[0].clone())),
            ((1.0, 2.0), layers.from_above(0, start[1].clone())),
        ] {
            let machine = ReplicatedRbm::new(rbm.clone(), copies.0, copies.1);
            let block = if copies.0 > copies.1 { 1 } else { 0 };
            let bias: Tensor<2> = layers.bias(block).unsqueeze();
            let odds = values(field.mul_scalar(2.0) + bias);
            let found = values(machine.conditional(block, &start).mean());
            for (found, odds) in found.iter().zip(odds) {
                let expected = 1.0 / (1.0 + (-odds).exp());
                assert!((found - expected).abs() < 1e-6, "{found}, {expected}");
            }
        }

        let doubled = {
            let mut known = Stack::random(&[4, 3], (0.6, 0.5), &mut Noise::new(6)).known;
            known.couplings.iter_mut().for_each(|w| *w *= 2.0);
            known
        };
        let target = doubled.probabilities(1.0, 0);
        let start = doubled.draws(&target, 20_000, &device, &mut noise);
        let machine = ReplicatedRbm::new(rbm, 2.0, 2.0);
        let kernel = BlockGibbs::default();
        let end = run(&kernel, &machine, stack.split(start), 3, &mut noise).position;
        doubled.assert_distribution(join(end), &target, "two copies of either layer");
    }
}

#[test]
fn a_seed_fixes_the_chain() {
    for device in devices() {
        let stack = Stack::random(&[5, 4, 3], (1.0, 0.5), &mut Noise::new(1));
        let layers = stack.layers(&device);
        let moved = |seed| {
            let start = stack.split(Tensor::zeros([50, 12], &device));
            let end = run(
                &BlockGibbs::default(),
                &layers,
                start,
                4,
                &mut Noise::new(seed),
            );
            assert!(end.acceptance().is_none());
            values(join(end.position))
        };
        assert_eq!(moved(1), moved(1));
        assert_ne!(moved(1), moved(2));
    }
}

#[test]
fn positions_leave_the_graph() {
    let device = Device::flex();
    let layers = Stack::random(&[3, 2], (1.0, 0.5), &mut Noise::new(1)).layers(&device);
    let start = [3, 2].map(|units| Tensor::zeros([4, units], &device.clone().autodiff()));
    let kernel = BlockGibbs::default();
    let state = kernel.init(&layers, start.to_vec());
    let (state, _) = kernel.step(&layers, state, &mut Noise::new(1));
    let position = Kernel::<Layers, _>::position(&kernel, &state);
    assert!(position.iter().all(|block| !block.is_autodiff()));
}

#[test]
#[should_panic(
    expected = "the states have blocks of [3, 3] units, but the energy has blocks of [3, 2]"
)]
fn blocks_of_another_size_are_refused() {
    let device = Device::flex();
    let layers = Stack::random(&[3, 2], (1.0, 0.5), &mut Noise::new(1)).layers(&device);
    let start = [3, 3].map(|units| Tensor::zeros([4, units], &device));
    let _ = BlockGibbs::default().init(&layers, start.to_vec());
}

#[test]
#[should_panic(
    expected = "the states have blocks of [3] units, but the energy has blocks of [3, 2]"
)]
fn a_missing_block_is_refused() {
    let device = Device::flex();
    let layers = Stack::random(&[3, 2], (1.0, 0.5), &mut Noise::new(1)).layers(&device);
    let _ = BlockGibbs::default().init(&layers, vec![Tensor::zeros([4, 3], &device)]);
}
