//! Bit flips: how many units change, which sets, and that the exact distribution is kept.

mod common;
mod finite;

use burn::tensor::{Device, Tensor};
use common::{assert_even, devices, tensor, values};
use ebm_models::{Coding, MlpConfig};
use ebm_ops::Noise;
use ebm_sampling::metropolis_hastings::{BitFlips, EnergyState, MetropolisHastings, Proposal};
use ebm_sampling::{Kernel, run};
use finite::{CODINGS, Cubic, Finite, two_values};

fn kernel(flips: usize, coding: Coding) -> MetropolisHastings<BitFlips> {
    MetropolisHastings::proposing(BitFlips { flips, coding })
}

/// 60,000 proposals over the 6, 15, 20 and 1 sets of six units.
#[test]
fn every_set_of_units_is_equally_likely() {
    for device in devices() {
        for coding in CODINGS {
            for flips in [1, 2, 3, 6] {
                let mut noise = Noise::new(flips as u64);
                let energy = Cubic::random(6, &device, &mut noise);
                let row = [coding.low(), coding.high()].repeat(3);
                let start: Tensor<2> = tensor(&row.repeat(30_000), [30_000, 6], &device);
                let state = kernel(flips, coding).init(&energy, start.clone());
                let proposal = kernel(flips, coding).proposal;
                let to =
                    <BitFlips as Proposal<Cubic, 2>>::propose(&proposal, &state, 1.0, &mut noise);
                let mut counts = vec![0; 1 << 6];
                for state in values(to).chunks(6) {
                    let mut set = 0;
                    for (unit, (&y, &x)) in state.iter().zip(&row).enumerate() {
                        assert!(y == coding.low() || y == coding.high(), "{y}");
                        set |= usize::from(x != y) << unit;
                    }
                    counts[set] += 1;
                }
                let sets: Vec<usize> = (0..1 << 6_usize)
                    .filter(|set: &usize| set.count_ones() as usize == flips)
                    .map(|set| counts[set])
                    .collect();
                assert_eq!(sets.iter().sum::<usize>(), 30_000, "{flips} flips");
                if sets.len() > 1 {
                    assert_even(&sets, &format!("{flips} flips, {coding:?}"));
                }
            }
        }
    }
}

/// Chains that start at the enumerated distribution of a network over eight units are there after
/// ten steps; from the lowest state they come there, one flip at a time, in 200.
#[test]
fn the_distribution_is_stationary_and_reached() {
    for device in devices() {
        for coding in CODINGS {
            let mut noise = Noise::new(8);
            let network = MlpConfig::new(8, vec![16]).init(&device, &mut noise);
            let known = Finite::of_model(&two_values(coding), 8, &network, &device);
            for (flips, temperature) in [(1, 0.3), (2, 0.3), (3, 1.0)] {
                let target = known.probabilities(temperature);
                let kernel = kernel(flips, coding).with_temperature(temperature);
                let what = format!("{flips} flips, {coding:?}, {device:?}");
                let start = known.draws(&target, 10_000, &device, &mut noise);
                let end = run(&kernel, &network, start, 10, &mut noise).position;
                known.assert_distribution(end, &target, &what);
                if flips != 2 {
                    let low = Tensor::<2>::full([4_000, 8], coding.low(), &device);
                    let end = run(&kernel, &network, low, 200, &mut noise).position;
                    known.assert_distribution(end, &target, &format!("reached: {what}"));
                }
            }
        }
    }
}

#[test]
#[should_panic(expected = "0 units can't be flipped of 4")]
fn no_flip_is_refused() {
    flip_four(0);
}

#[test]
#[should_panic(expected = "5 units can't be flipped of 4")]
fn more_flips_than_units_are_refused() {
    flip_four(5);
}

fn flip_four(flips: usize) {
    let (device, mut noise) = (Device::flex(), Noise::new(1));
    let energy = Cubic::random(4, &device, &mut noise);
    let start = Tensor::<2>::ones([1, 4], &device);
    run(&kernel(flips, Coding::Spin), &energy, start, 1, &mut noise);
}

/// Pinned, to be changed only on purpose: equal on all backends, for images as for vectors.
#[test]
fn the_numbers_of_a_seed() {
    for device in devices() {
        let energy = Cubic::random(6, &device, &mut Noise::new(1));
        let kernel = kernel(2, Coding::Binary);
        let start = Tensor::<2>::zeros([2, 6], &device);
        let chains = run(&kernel, &energy, start.clone(), 9, &mut Noise::new(42));
        assert_eq!(values(chains.position), PINNED);
        let images: Tensor<4> = start.reshape([2, 2, 1, 3]);
        let chains = run(&kernel, &energy, images, 9, &mut Noise::new(42));
        assert_eq!(chains.position.dims(), [2, 2, 1, 3]);
        assert_eq!(values(chains.position.clone()), PINNED);
        let state: EnergyState<4> = kernel.init(&energy, chains.position);
        assert_eq!(state.energy.dims(), [2]);
    }
}

const PINNED: [f64; 12] = [1.0, 0.0, 1.0, 1.0, 0.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.0, 0.0];
