//! Gibbs with gradients keeps and reaches the exact distribution, and flips by its formula.

mod common;
mod finite;

use burn::tensor::{Device, Tensor};
use common::{NanWherePositive, assert_chi_square, assert_within_error, devices, tensor, values};
use ebm_models::{Coding, Energy, MlpConfig, RbmConfig};
use ebm_ops::Noise;
use ebm_sampling::metropolis_hastings::{
    BitFlips, GibbsWithGradients, GradientState, MetropolisHastings, Proposal,
};
use ebm_sampling::{Kernel, run, run_with};
use finite::{CODINGS, Cubic, Finite, chi_square, two_values};

/// Chains that start at the enumerated distribution are there after five steps, and chains that
/// start where every unit is low come there in 100. Images of rank 4, which must give what vectors
/// give.
fn assert_exact<E: Energy<2> + Energy<4>>(
    energy: &E,
    coding: Coding,
    units: usize,
    temperature: f64,
    device: &Device,
    what: &str,
) {
    let mut noise = Noise::new(1);
    let known = Finite::of_model(&two_values(coding), units, energy, device);
    let target = known.probabilities(temperature);
    let kernel = GibbsWithGradients::new(coding).with_temperature(temperature);
    let what = format!("{what}, {coding:?}, T {temperature}, {device:?}");

    let start = known.draws(&target, 10_000, device, &mut noise);
    let images: Tensor<4> = start.clone().reshape([10_000, 2, 1, units / 2]);
    let chains = run(&kernel, energy, start, 5, &mut noise.clone());
    let share = chains.acceptance().map(|a| values(a.mean())[0]);
    assert!(
        share.is_some_and(|s| (0.3..0.999).contains(&s)),
        "{what}: {share:?}"
    );
    let moved = run(&kernel, energy, images, 5, &mut noise).position;
    assert_eq!(moved.dims(), [10_000, 2, 1, units / 2]);
    assert_eq!(values(chains.position), values(moved.clone()), "{what}");
    known.assert_distribution(moved, &target, &format!("stationary: {what}"));

    let low = Tensor::<2>::full([2_000, units], coding.low(), device);
    let end = run(&kernel, energy, low, 100, &mut noise).position;
    known.assert_distribution(end, &target, &format!("reached: {what}"));
}

#[test]
fn the_free_energy_of_a_restricted_boltzmann_machine_is_sampled() {
    for device in devices() {
        let machine = RbmConfig::new(8, 4).with_weight_std(0.8);
        let machine = machine.init(&device, &mut Noise::new(2));
        for temperature in [1.0, 1.5] {
            assert_exact(&machine, Coding::Binary, 8, temperature, &device, "RBM");
        }
    }
}

#[test]
fn a_network_over_binary_inputs_is_sampled() {
    for device in devices() {
        for coding in CODINGS {
            let network = MlpConfig::new(8, vec![12]).init(&device, &mut Noise::new(3));
            // The network is shallow, so that it takes a low temperature to tell states apart.
            assert_exact(&network, coding, 8, 0.1, &device, "network");
        }
    }
}

#[test]
fn a_cubic_is_sampled() {
    for coding in CODINGS {
        let device = Device::flex();
        let energy = Cubic::random(6, &device, &mut Noise::new(4));
        for temperature in [1.0, 2.0] {
            assert_exact(&energy, coding, 6, temperature, &device, "cubic");
        }
    }
}

/// `E(x) = h . x`.
#[derive(Clone, Debug)]
struct Linear {
    slopes: Vec<f64>,
}

impl Energy<2> for Linear {
    fn energy(&self, x: Tensor<2>) -> Tensor<1> {
        let slopes: Tensor<2> = tensor(&self.slopes, [self.slopes.len(), 1], &x.device());
        x.matmul(slopes).squeeze_dim(1)
    }
}

/// Of a linear energy the estimate is what a flip changes exactly, so units are chosen with
/// probability `softmax((E(x) - E(x')) / (2 T))`: 200,000 proposals from one state, eight tests at
/// 2.9e-7.
#[test]
fn of_a_linear_energy_the_proposals_are_locally_balanced() {
    let slopes = [0.5, -1.5, 2.0, 0.0, -0.25, 4.0];
    let energy = Linear {
        slopes: slopes.to_vec(),
    };
    for device in devices() {
        for coding in CODINGS {
            for temperature in [1.0, 0.6] {
                let known = Finite::of_formula(&two_values(coding), 6, |x| {
                    x.iter().zip(slopes).map(|(x, slope)| x * slope).sum()
                });
                let from = 0b10_1101;
                let weights: Vec<f64> = (0..6)
                    .map(|unit| {
                        let fall = known.energies[from] - known.energies[from ^ 1 << unit];
                        (fall / temperature / 2.0).exp()
                    })
                    .collect();
                let sum: f64 = weights.iter().sum();
                let expected: Vec<f64> = weights.iter().map(|w| w / sum).collect();

                let kernel = GibbsWithGradients::new(coding).with_temperature(temperature);
                let start = tensor(&known.state(from).repeat(60_000), [60_000, 6], &device);
                let state: GradientState<2> = kernel.init(&energy, start);
                let to = <_ as Proposal<Linear, 2>>::propose(
                    &kernel.proposal,
                    &state,
                    temperature,
                    &mut Noise::new(5),
                );
                let mut counts = [0.0; 6];
                for to in known.indices(to) {
                    assert_eq!((to ^ from).count_ones(), 1, "one unit is flipped");
                    counts[(to ^ from).trailing_zeros() as usize] += 1.0;
                }
                let (statistic, cells) = chi_square(&counts, &expected);
                assert_chi_square(statistic, cells - 1.0, &format!("{coding:?}, {device:?}"));
            }
        }
    }
}

/// `E(x) = (m - 5)^2` with `m` the sum of the first five of many spins: the others don't matter.
#[derive(Clone, Debug)]
struct FewMatter {}

impl Energy<2> for FewMatter {
    fn energy(&self, x: Tensor<2>) -> Tensor<1> {
        let sum: Tensor<1> = x.narrow(1, 0, 5).sum_dim(1).squeeze_dim(1);
        sum.sub_scalar(5.0).square()
    }
}

/// The mean number of steps that chains of 200 spins need from all low to where the five that
/// matter are high.
fn steps_to_the_mode<K: Kernel<FewMatter, Tensor<2>>>(kernel: &K, steps: usize) -> f64 {
    const CHAINS: usize = 200;
    let start = Tensor::<2>::full([CHAINS, 200], -1.0, &Device::flex());
    let mut first = vec![None; CHAINS];
    run_with(
        kernel,
        &FewMatter {},
        start,
        steps,
        &mut Noise::new(6),
        |step, state, _| {
            let position = kernel.position(state).narrow(1, 0, 5).sum_dim(1);
            for (first, sum) in first.iter_mut().zip(values(position)) {
                if sum == 5.0 {
                    first.get_or_insert(step);
                }
            }
        },
    );
    let sum: usize = first
        .iter()
        .map(|first| first.unwrap_or_else(|| panic!("a chain hasn't arrived after {steps} steps")))
        .sum();
    sum as f64 / CHAINS as f64
}

/// Blind flips hit the five one after the other, which takes
/// `200 (1 + 1/2 + 1/3 + 1/4 + 1/5) = 457` steps in the mean with a variance of
/// `200^2 (1 + 1/4 + 1/9 + 1/16 + 1/25)` less the mean, of one chain. The gradient points at them.
#[test]
fn what_matters_is_found_in_a_twentieth_of_the_steps() {
    let coding = Coding::Spin;
    let blind = MetropolisHastings::proposing(BitFlips { flips: 1, coding });
    let blind = steps_to_the_mode(&blind, 3000);
    let variance: f64 = 4e4 * (1.0 + 1.0 / 4.0 + 1.0 / 9.0 + 1.0 / 16.0 + 1.0 / 25.0) - 457.0;
    assert_within_error(blind, 456.67, (variance / 200.0).sqrt(), "blind");
    let guided = steps_to_the_mode(&GibbsWithGradients::new(coding), 300);
    assert!(guided < blind / 20.0, "{guided} and {blind} steps");
}

/// `E(x) = log(3/2 - sum x)`: not a number where more units are high than low; `-inf` nowhere.
#[derive(Clone, Debug)]
struct HalfDefined {}

impl Energy<2> for HalfDefined {
    fn energy(&self, x: Tensor<2>) -> Tensor<1> {
        let sum: Tensor<1> = x.sum_dim(1).squeeze_dim(1);
        sum.neg().add_scalar(1.5).log()
    }
}

/// What remains is sampled exactly: the states whose energy is a number.
#[test]
fn what_is_not_a_number_is_never_entered() {
    for device in devices() {
        let known = Finite::of_formula(&[-1.0, 1.0], 6, |x| {
            let sum: f64 = x.iter().sum();
            if sum > 1.0 {
                f64::INFINITY
            } else {
                (1.5 - sum).ln()
            }
        });
        let target = known.probabilities(1.0);
        let mut noise = Noise::new(7);
        let kernel = GibbsWithGradients::new(Coding::Spin);
        let start = known.draws(&target, 10_000, &device, &mut noise);
        let end = run(&kernel, &HalfDefined {}, start, 10, &mut noise).position;
        known.assert_distribution(end, &target, &format!("{device:?}"));
    }
}

#[test]
fn a_chain_that_starts_without_a_gradient_stays() {
    for device in devices() {
        let start = tensor(&[1.0, -1.0, -1.0, 1.0, 1.0, 1.0], [2, 3], &device);
        let kernel = GibbsWithGradients::new(Coding::Spin);
        let mut noise = Noise::new(8);
        let end = run(&kernel, &NanWherePositive {}, start.clone(), 5, &mut noise).position;
        assert_eq!(values(end), values(start));
    }
}

/// Pinned, to be changed only on purpose.
#[test]
fn the_numbers_of_a_seed() {
    for device in devices() {
        let energy = Cubic::random(6, &device, &mut Noise::new(1));
        let kernel = GibbsWithGradients::new(Coding::Spin);
        let start = Tensor::<2>::ones([2, 6], &device);
        let chains = run(&kernel, &energy, start, 9, &mut Noise::new(42));
        assert_eq!(values(chains.position), PINNED);
    }
}

const PINNED: [f64; 12] = [
    1.0, -1.0, -1.0, 1.0, 1.0, 1.0, -1.0, 1.0, 1.0, 1.0, -1.0, -1.0,
];
