//! Chains with something given sample the exact conditional distribution.

mod common;
mod layered;

use burn::tensor::{Device, Tensor};
use common::{assert_close_to, assert_within_error, devices, tensor, values};
use ebm_models::{BlockConditional, Energy, WeightedSum};
use ebm_ops::Noise;
use ebm_sampling::conditioning::{
    ClampedBlockGibbs, ClampedSingleSiteGibbs, ConditionalEnergy, GaussianLikelihood, ObservedBlock,
};
use ebm_sampling::density::NormalDensity;
use ebm_sampling::gibbs::{BlockGibbs, SingleSiteGibbs, SiteOrder};
use ebm_sampling::langevin::Langevin;
use ebm_sampling::metropolis_hastings::Mala;
use ebm_sampling::{Kernel, energy_and_gradient, run};
use ebm_testing::pairwise::Known;
use ebm_testing::states::CODINGS;
use layered::{Stack, join};

const CHAINS: usize = 20_000;

/// `exp(-E / T)` over the states whose units are as in `given` where `free` is false, 0 for all
/// others.
fn conditional(known: &Known, temperature: f64, given: &[f64], free: &[bool]) -> Vec<f64> {
    let fits = |index: usize| {
        let state = known.state(index);
        (0..known.units).all(|unit| free[unit] || state[unit] == given[unit])
    };
    let energies = known.energies();
    let weights: Vec<f64> = (0..energies.len())
        .map(|index| f64::from(u8::from(fits(index))) * (-energies[index] / temperature).exp())
        .collect();
    let sum: f64 = weights.iter().sum();
    weights.iter().map(|weight| weight / sum).collect()
}

/// The same state for all chains.
fn repeated(state: &[f64], device: &Device) -> Tensor<2> {
    tensor(state, [1, state.len()], device).expand([CHAINS, state.len()])
}

/// Fails where a clamped unit isn't what it was, bit for bit.
fn assert_clamped(states: Tensor<2>, given: &[f64], free: &[bool], what: &str) {
    let states: Vec<f32> = states.into_data().iter::<f32>().collect();
    for state in states.chunks(given.len()) {
        for unit in (0..given.len()).filter(|&unit| !free[unit]) {
            let expected = given[unit] as f32;
            assert_eq!(state[unit].to_bits(), expected.to_bits(), "{what}: {unit}");
        }
    }
}

/// Visible units, of which the second and the last are clamped; 8 tests at 2.9e-7.
#[test]
fn clamped_block_gibbs_samples_the_enumerated_conditional() {
    for device in devices() {
        for sizes in [&[5, 3][..], &[4, 3, 2]] {
            for temperature in [1.0, 1.8] {
                let mut noise = Noise::new(11);
                let stack = Stack::random(sizes, (1.2, 0.7), &mut noise);
                let units = stack.known.units;
                let mut free = vec![true; units];
                (free[1], free[sizes[0] - 1]) = (false, false);
                let mut given = vec![0.0; units];
                given[1] = 1.0;
                let target = conditional(&stack.known, temperature, &given, &free);
                let what = format!("{sizes:?}, T {temperature}, {device:?}");

                let kernel = ClampedBlockGibbs::new(BlockGibbs { temperature })
                    .with_free(0, &free[..sizes[0]]);
                let start = stack.split(repeated(&given, &device));
                let layers = stack.layers(&device);
                let end = join(run(&kernel, &layers, start, 60, &mut noise).position);
                assert_clamped(end.clone(), &given, &free, &what);
                stack.known.assert_distribution(end, &target, &what);
            }
        }
    }
}

/// Visible units seen through flips, each chain its own observation; 8 tests at 2.9e-7.
#[test]
fn observed_blocks_are_drawn_from_the_enumerated_posterior() {
    for device in devices() {
        for sizes in [&[5, 3][..], &[4, 3, 2]] {
            for (temperature, probability) in [(1.0, 0.2_f64), (1.8, 0.35)] {
                let mut noise = Noise::new(12);
                let stack = Stack::random(sizes, (1.2, 0.7), &mut noise);
                let units = stack.known.units;
                let visible = sizes[0];
                let seen: Vec<f64> = (0..visible).map(|unit| (unit % 2) as f64).collect();
                let every = vec![true; units];
                let prior = conditional(&stack.known, temperature, &vec![0.0; units], &every);
                let weights: Vec<f64> = (0..prior.len())
                    .map(|index| {
                        let state = stack.known.state(index);
                        let wrong = (0..visible)
                            .filter(|&unit| state[unit] != seen[unit])
                            .count();
                        let right = (visible - wrong) as i32;
                        let said = probability.powi(wrong as i32) * (1.0 - probability).powi(right);
                        prior[index] * said
                    })
                    .collect();
                let sum: f64 = weights.iter().sum();
                let target: Vec<f64> = weights.iter().map(|weight| weight / sum).collect();
                let what = format!("{sizes:?}, T {temperature}, {device:?}");

                // Half of the chains see the opposite: they must not see what the others do.
                let opposite: Vec<f64> = seen.iter().map(|value| 1.0 - value).collect();
                let half = |values: &[f64]| {
                    let all = repeated(values, &device);
                    all.narrow(0, 0, CHAINS / 2)
                };
                let observed = Tensor::cat(vec![half(&seen), half(&opposite)], 0);
                let layers = stack.layers(&device);
                let posterior =
                    ObservedBlock::flipped(layers, 0, observed, probability, temperature);
                let start = stack.split(repeated(&vec![0.0; units], &device));
                let kernel = BlockGibbs { temperature };
                let end = join(run(&kernel, &posterior, start, 60, &mut noise).position);
                let first = end.narrow(0, 0, CHAINS / 2);
                stack.known.assert_distribution(first, &target, &what);
            }
        }
    }
}

/// The energy of a posterior differs from the machine's by minus the log-likelihood times the
/// temperature, up to a constant.
#[test]
fn the_energy_of_an_observed_block_has_the_likelihood_in_it() {
    let device = Device::flex();
    let stack = Stack::random(&[3, 2], (1.0, 0.5), &mut Noise::new(1));
    let layers = stack.layers(&device);
    let (probability, temperature) = (0.1, 1.5);
    let seen = tensor(&[1.0, 0.0, 1.0], [1, 3], &device);
    let posterior = ObservedBlock::flipped(layers.clone(), 0, seen, probability, temperature);
    let difference = |visible: [f64; 3]| {
        let state = [
            tensor(&visible, [1, 3], &device),
            tensor(&[1.0, 0.0], [1, 2], &device),
        ];
        values(posterior.joint_energy(&state) - layers.joint_energy(&state))[0]
    };
    let step = temperature * ((1.0 - probability) / probability).ln();
    let all_right = difference([1.0, 0.0, 1.0]);
    for (visible, wrong) in [
        ([1.0, 1.0, 1.0], 1.0),
        ([0.0, 1.0, 1.0], 2.0),
        ([0.0, 1.0, 0.0], 3.0),
    ] {
        assert!((difference(visible) - all_right - wrong * step).abs() < 1e-5);
    }
}

#[test]
#[should_panic(expected = "block 0 has Some(3) units, but 4 were observed")]
fn observations_of_another_size_panic() {
    let device = Device::flex();
    let layers = Stack::random(&[3, 2], (1.0, 0.5), &mut Noise::new(1)).layers(&device);
    ObservedBlock::flipped(layers, 0, Tensor::zeros([1, 4], &device), 0.1, 1.0);
}

/// Units in the middle and at the end are clamped, so that they have to be renumbered; 16 tests at
/// 2.9e-7.
#[test]
fn clamped_single_site_gibbs_samples_the_enumerated_conditional() {
    let free = [true, false, true, true, true, false];
    for device in devices() {
        for coding in CODINGS {
            for temperature in [1.0, 1.8] {
                for order in [SiteOrder::Fixed, SiteOrder::RandomPermutation] {
                    let mut noise = Noise::new(12);
                    let known = Known::random(6, (0.7, 0.5), coding, &mut noise);
                    let mut given = known.state(0);
                    given[5] = coding.high();
                    let target = conditional(&known, temperature, &given, &free);
                    let what = format!("{coding:?}, T {temperature}, {order:?}, {device:?}");

                    let gibbs = SingleSiteGibbs::new(temperature).with_order(order);
                    let kernel = ClampedSingleSiteGibbs::new(gibbs, &free);
                    let start = repeated(&given, &device);
                    let machine = known.machine(&device);
                    let end = run(&kernel, &machine, start, 60, &mut noise).position;
                    assert_clamped(end.clone(), &given, &free, &what);
                    known.assert_distribution(end, &target, &what);
                }
            }
        }
    }
}

/// What is clamped comes back as it was, although the machine takes it for one of its two values.
#[test]
fn a_clamped_unit_that_is_neither_high_nor_low_comes_back() {
    let device = Device::flex();
    let known = Known::random(3, (0.7, 0.5), CODINGS[0], &mut Noise::new(1));
    let kernel = ClampedSingleSiteGibbs::new(SingleSiteGibbs::new(1.0), &[true, false, true]);
    let start = tensor(&[1.0, 0.3, -1.0], [1, 3], &device);
    let machine = known.machine(&device);
    let end = run(&kernel, &machine, start, 3, &mut Noise::new(2)).position;
    assert_eq!(values(end)[1], f64::from(0.3_f32));
}

/// `E(x) = x^T A x / 2`.
#[derive(Clone, Debug)]
struct Correlated {
    precision: Tensor<2>,
}

/// `A`: positive definite.
const PRECISION: [[f64; 3]; 3] = [[2.0, 0.6, -0.8], [0.6, 1.5, 0.5], [-0.8, 0.5, 1.2]];

impl Correlated {
    fn new(device: &Device) -> Self {
        let precision = tensor(PRECISION.as_flattened(), [3, 3], device);
        Self { precision }
    }
}

impl<const D: usize> Energy<D> for Correlated {
    fn energy(&self, x: Tensor<D>) -> Tensor<1> {
        let batch = x.dims()[0];
        let x: Tensor<2> = x.reshape([batch, 3]);
        let products = x.clone().matmul(self.precision.clone()) * x;
        products.sum_dim(1).squeeze_dim::<1>(1).mul_scalar(0.5)
    }
}

/// The inverse of a symmetric 2x2 matrix `[a, b; b, c]` as `[a, b, c]`.
fn inverse([a, b, c]: [f64; 3]) -> [f64; 3] {
    let determinant = a * c - b * b;
    [c / determinant, -b / determinant, a / determinant]
}

/// The product of two symmetric 2x2 matrices that commute.
fn product(x: [f64; 3], y: [f64; 3]) -> [f64; 3] {
    [
        x[0] * y[0] + x[1] * y[1],
        x[0] * y[1] + x[1] * y[2],
        x[1] * y[1] + x[2] * y[2],
    ]
}

/// Fails where chains aren't normal draws of this mean and covariance in their first two moments:
/// five tests at 5.7e-7.
fn assert_normal(draws: &[f64], mean: [f64; 2], covariance: [f64; 3], what: &str) {
    let n = draws.len() as f64 / 2.0;
    let [a, b, c] = covariance;
    let average =
        |f: &dyn Fn(f64, f64) -> f64| draws.chunks(2).map(|x| f(x[0], x[1])).sum::<f64>() / n;
    let (x0, x1) = (|x: f64| x - mean[0], |x: f64| x - mean[1]);
    // The variance of a product of two normals is v_i v_j + v_ij^2 (Isserlis 1918).
    for (name, found, expected, variance) in [
        ("mean 0", average(&|x, _| x), mean[0], a),
        ("mean 1", average(&|_, y| y), mean[1], c),
        ("variance 0", average(&|x, _| x0(x).powi(2)), a, 2.0 * a * a),
        ("variance 1", average(&|_, y| x1(y).powi(2)), c, 2.0 * c * c),
        (
            "covariance",
            average(&|x, y| x0(x) * x1(y)),
            b,
            a * c + b * b,
        ),
    ] {
        assert_within_error(
            found,
            expected,
            (variance / n).sqrt(),
            &format!("{what}, {name}"),
        );
    }
}

/// Of a normal `N(0, A^-1)` the coordinates `F` given `x_c` are `N(-A_FF^-1 A_Fc x_c, A_FF^-1)`.
/// MALA has that law; Langevin dynamics with step `s` the covariance `(A_FF - s A_FF^2 / 2)^-1`, in
/// closed form too. 20 tests at 5.7e-7.
#[test]
fn conditional_energies_have_the_conditional_law_of_a_normal() {
    let free = [true, false, true];
    let given = 1.3;
    let block = [PRECISION[0][0], PRECISION[0][2], PRECISION[2][2]];
    let [a, b, c] = inverse(block);
    let pull = [PRECISION[0][1] * given, PRECISION[2][1] * given];
    let mean = [-(a * pull[0] + b * pull[1]), -(b * pull[0] + c * pull[1])];
    let step = 0.25;
    let square = product(block, block);
    let biased = inverse([0, 1, 2].map(|i| block[i] - 0.5 * step * square[i]));
    for device in devices() {
        // What is said of free coordinates isn't looked at.
        let known = tensor(&[f64::NAN, given, 77.0], [1, 3, 1, 1], &device);
        let energy = ConditionalEnergy::new(Correlated::new(&device), known, &free);
        let start = Tensor::<2>::zeros([CHAINS, 2], &device);
        let mut noise = Noise::new(5);
        let what = format!("MALA, {device:?}");
        let chains = run(&Mala::new(0.3), &energy, start.clone(), 60, &mut noise);
        let accepted = values(chains.acceptance().expect("it rejects").mean())[0];
        assert!((0.5..0.99).contains(&accepted), "{what}: {accepted}");
        assert_normal(&values(chains.position), mean, [a, b, c], &what);

        let kernel = Langevin::at_temperature(step, 1.0);
        let end = run(&kernel, &energy, start, 60, &mut noise).position;
        let what = format!("Langevin, {device:?}");
        assert_normal(&values(end.clone()), mean, biased, &what);

        let whole: Vec<f32> = energy.complete(end).into_data().iter::<f32>().collect();
        assert!(whole.chunks(3).all(|x| x[1].to_bits() == 1.3_f32.to_bits()));
    }
}

/// Each chain has configurations of its own; energies and gradients are those of the whole,
/// restricted.
#[test]
fn a_conditional_energy_is_the_energy_of_the_whole() {
    for device in devices() {
        let energy = Correlated::new(&device);
        let given = tensor(&[0.1, -0.0, 3e-41, 0.7, 0.2, -1.5], [2, 3], &device);
        let conditional =
            ConditionalEnergy::new(energy.clone(), given.clone(), &[false, true, false]);
        assert_eq!(conditional.free(), 1);
        let moved = tensor(&[0.4, -0.9], [2, 1], &device);
        let whole = conditional.complete(moved.clone());
        let bits =
            |x: Tensor<2>| -> Vec<u32> { x.into_data().iter::<f32>().map(f32::to_bits).collect() };
        let mut expected = bits(given);
        (expected[1], expected[4]) = (0.4_f32.to_bits(), (-0.9_f32).to_bits());
        assert_eq!(bits(whole.clone()), expected);
        assert_eq!(
            values(conditional.restrict(whole.clone())),
            values(moved.clone())
        );

        let (energies, gradient) = energy_and_gradient(&conditional, moved);
        let (whole_energies, whole_gradient) = energy_and_gradient(&energy, whole);
        assert_close_to(&values(energies), &values(whole_energies), 0.0);
        let restricted = conditional.restrict(whole_gradient);
        assert_close_to(&values(gradient), &values(restricted), 1e-6);
    }
}

/// A normal prior `N(m, v)` and an observation `y` with variance `w` make the posterior
/// `N((m w + y v) / (v + w), v w / (v + w))`, with one observation a chain. 10 tests at 5.7e-7.
#[test]
fn the_posterior_of_a_normal_is_the_textbook_one() {
    let (m, v, w) = (0.5, 0.8, 0.3);
    let observed = [1.2, -0.7];
    for device in devices() {
        let prior = NormalDensity::isotropic(m, f64::sqrt(v), &[2], &device);
        let y = tensor(&observed, [1, 2], &device).expand([CHAINS, 2]);
        let likelihood = GaussianLikelihood::new(y, f64::sqrt(w));
        let posterior = WeightedSum::new((prior, likelihood), vec![1.0, 1.0]);
        let start = Tensor::<2>::zeros([CHAINS, 2], &device);
        let chains = run(&Mala::new(0.15), &posterior, start, 60, &mut Noise::new(3));
        let mean = observed.map(|y| (m * w + y * v) / (v + w));
        let variance = v * w / (v + w);
        let what = format!("posterior, {device:?}");
        assert_normal(
            &values(chains.position),
            mean,
            [variance, 0.0, variance],
            &what,
        );
    }
}

#[test]
fn a_likelihood_is_its_formula_chain_by_chain() {
    for device in devices() {
        let y = tensor(&[1.0, 2.0, -1.0, 0.5], [2, 1, 2, 1], &device);
        let x = tensor(&[0.0, 2.0, 1.0, 1.0], [2, 1, 2, 1], &device);
        let likelihood = GaussianLikelihood::new(y, 0.5);
        let expected = [1.0 / 0.5, (4.0 + 0.25) / 0.5];
        assert_close_to(&values(likelihood.energy(x)), &expected, 1e-6);
    }
}

#[test]
#[should_panic(expected = "3 coordinates, but 2 are said")]
fn a_mask_of_another_size_is_refused() {
    let device = Device::flex();
    let given = Tensor::<2>::zeros([1, 3], &device);
    let _ = ConditionalEnergy::new(Correlated::new(&device), given, &[true, false]);
}

#[test]
#[should_panic(expected = "nothing is left to move")]
fn a_mask_that_leaves_nothing_free_is_refused() {
    let device = Device::flex();
    let given = Tensor::<2>::zeros([1, 3], &device);
    let _ = ConditionalEnergy::new(Correlated::new(&device), given, &[false; 3]);
}

#[test]
#[should_panic(expected = "block 0 of 2 has Some(5) units, but 4 are said")]
fn a_mask_of_another_block_is_refused() {
    let device = Device::flex();
    let stack = Stack::random(&[5, 3], (1.0, 1.0), &mut Noise::new(1));
    let layers = stack.layers(&device);
    let kernel = ClampedBlockGibbs::new(BlockGibbs::default()).with_free(0, &[true; 4]);
    kernel.init(&layers, stack.split(Tensor::zeros([1, 8], &device)));
}
