//! Block parallel tempering: each temperature's own distribution, swap rates, barriers.
#![allow(clippy::unwrap_used)]

mod common;
mod layered;

use burn::tensor::{Device, Tensor};
use common::{assert_chi_square, assert_within_error, devices, values};
use ebm_models::Coding;
use ebm_ops::Noise;
use ebm_sampling::gibbs::BlockGibbs;
use ebm_sampling::tempering::BlockParallelTempering;
use ebm_sampling::{Kernel, run};
use ebm_testing::pairwise::Known;
use layered::{Stack, join};

/// Exact independent draws at each inverse temperature, colder first:
/// `[temperatures * chains, units]`.
fn product_draws(
    stack: &Stack,
    ladder: &[f64],
    chains: usize,
    device: &Device,
    noise: &mut Noise,
) -> Tensor<2> {
    let draws = ladder.iter().map(|beta| {
        let target = stack.known.probabilities(1.0 / beta, 0);
        stack.known.draws(&target, chains, device, noise)
    });
    Tensor::cat(draws.collect(), 0)
}

/// From exact draws of the product the replicas of each temperature keep `exp(-b_t E)` over all
/// units together: rows of one temperature follow each other, coldest first. 28 tests at 2.9e-7.
#[test]
fn every_temperature_keeps_its_distribution() {
    const CHAINS: usize = 20_000;
    for device in devices() {
        for (case, sizes) in [&[3, 2][..], &[3, 2, 2]].into_iter().enumerate() {
            for ladder in [vec![1.0, 0.55, 0.2, 0.0], vec![1.0, 0.7, 0.4]] {
                let mut noise = Noise::new(case as u64);
                let stack = Stack::random(sizes, (1.5, 0.8), &mut noise);
                let layers = stack.layers(&device);
                let kernel = BlockParallelTempering::new(ladder.clone()).unwrap();
                let start = product_draws(&stack, &ladder, CHAINS, &device, &mut noise);
                let end = run(&kernel, &layers, stack.split(start), 3, &mut noise).position;
                let end = join(end);
                for (t, beta) in ladder.iter().enumerate() {
                    let target = stack.known.probabilities(1.0 / beta, 0);
                    let rows = end.clone().narrow(0, t * CHAINS, CHAINS);
                    let what = format!("{sizes:?}, {beta} of {ladder:?}, {device:?}");
                    stack.known.assert_distribution(rows, &target, &what);
                }
            }
        }
    }
}

/// Replicas of a chain stay independent of each other: all states of three temperatures together
/// follow the product. A swap that copies in place of exchanging shows here.
#[test]
fn the_product_of_all_temperatures_is_stationary() {
    const CHAINS: usize = 100_000;
    for device in devices() {
        let ladder = [1.0, 0.6, 0.25];
        let mut noise = Noise::new(2);
        let stack = Stack::random(&[2, 1], (1.5, 0.8), &mut noise);
        let kernel = BlockParallelTempering::new(ladder.to_vec()).unwrap();
        let start = product_draws(&stack, &ladder, CHAINS, &device, &mut noise);
        let layers = stack.layers(&device);
        let end = run(&kernel, &layers, stack.split(start), 4, &mut noise).position;
        let numbers: Vec<usize> = values(join(end))
            .chunks(3)
            .map(|state| stack.known.index(state))
            .collect();
        let mut found = vec![0.0; 512];
        for chain in 0..CHAINS {
            let [a, b, c] = [0, 1, 2].map(|t| numbers[t * CHAINS + chain]);
            found[a + 8 * b + 64 * c] += 1.0;
        }
        let each = ladder.map(|beta| stack.known.probabilities(1.0 / beta, 0));
        let (mut statistic, mut cells) = (0.0, 0.0);
        for (index, found) in found.iter().enumerate() {
            let p = each[0][index % 8] * each[1][index / 8 % 8] * each[2][index / 64];
            let expected: f64 = p * CHAINS as f64;
            assert!(expected > 5.0, "{expected}");
            statistic += (found - expected).powi(2) / expected;
            cells += 1.0;
        }
        assert_chi_square(statistic, cells - 1.0, "the product");
    }
}

/// From stationarity the pair `(t, t + 1)` swaps with probability
/// `E min(1, exp((b_t - b_{t+1}) (E_t - E_{t+1})))`, even pairs and odd ones alike. Chains are
/// independent: five standard errors of a share, 5.7e-7.
#[test]
fn swap_rates_are_the_exact_expectations() {
    const CHAINS: usize = 40_000;
    for device in devices() {
        for ladder in [vec![1.0, 0.5], vec![1.0, 0.75, 0.4, 0.1, 0.0]] {
            let mut noise = Noise::new(3);
            let stack = Stack::random(&[3, 2, 2], (1.5, 0.8), &mut noise);
            let layers = stack.layers(&device);
            let kernel = BlockParallelTempering::new(ladder.clone()).unwrap();
            let start = product_draws(&stack, &ladder, CHAINS, &device, &mut noise);
            let after = run(&kernel, &layers, stack.split(start), 1, &mut noise);
            assert!(after.acceptance().is_none(), "no kernel rejects here");
            let accepted = values(after.swaps().unwrap());
            let rates = values(after.swap_rates().unwrap());
            let probabilities = values(after.swap_probabilities().unwrap());
            assert_eq!(accepted.len(), (ladder.len() - 1) * CHAINS);
            assert!(accepted.iter().all(|&swap| swap == 0.0 || swap == 1.0));
            let energies = stack.known.energies();
            for (t, pair) in ladder.windows(2).enumerate() {
                let [cold, hot] = [0, 1].map(|side| stack.known.probabilities(1.0 / pair[side], 0));
                let mut expected = 0.0;
                for (p, cold) in cold.iter().zip(&energies) {
                    for (q, hot) in hot.iter().zip(&energies) {
                        expected += p * q * ((pair[0] - pair[1]) * (cold - hot)).exp().min(1.0);
                    }
                }
                let rows = &accepted[t * CHAINS..(t + 1) * CHAINS];
                let found = rows.iter().sum::<f64>() / CHAINS as f64;
                let error = (expected * (1.0 - expected) / CHAINS as f64).sqrt();
                assert!(expected > 0.05 && expected < 0.95, "{expected}");
                assert_within_error(found, expected, error, &format!("{pair:?}, {device:?}"));
                // The report of the run is the same share; that of probabilities varies less.
                assert!((rates[t] - found).abs() < 1e-6, "{} is {found}", rates[t]);
                assert!(probabilities[t] != rates[t]);
                assert_within_error(probabilities[t], expected, error, "probability");
            }
        }
    }
}

/// Ten visible and six hidden units that are nearly all on, or nearly all off: two modes, the one
/// with units on of 32 % of the probability. Between them, with half of the visible units on, lie
/// 0.03 %.
fn two_modes() -> Stack {
    let (visible, hidden) = (10, 6);
    let units = visible + hidden;
    let coupling = 1.1;
    let mut couplings = vec![0.0; units * units];
    for i in 0..visible {
        for j in visible..units {
            couplings[i * units + j] = f64::from(coupling as f32);
            couplings[j * units + i] = f64::from(coupling as f32);
        }
    }
    // Biases that make all on and all off alike, less a little.
    let bias = |unit: usize| {
        let inputs = if unit < visible { hidden } else { visible };
        f64::from((-0.5 * coupling * inputs as f64 - 0.05) as f32)
    };
    Stack {
        sizes: vec![visible, hidden],
        known: Known {
            units,
            coding: Coding::Binary,
            couplings,
            bias: (0..units).map(bias).collect(),
        },
    }
}

/// All chains start in the lesser mode. Block Gibbs sampling stays there; parallel tempering finds
/// both modes with their enumerated weights. Chains are independent: five standard errors of a
/// share, 5.7e-7.
#[test]
fn a_barrier_that_stops_block_gibbs_is_crossed() {
    const CHAINS: usize = 1000;
    const STEPS: usize = 120;
    let device = Device::flex();
    let stack = two_modes();
    let layers = stack.layers(&device);
    let on = |state: &[f64]| state[..10].iter().sum::<f64>() > 5.0;
    let target = stack.known.probabilities(1.0, 0);
    let of_mode = |range: std::ops::RangeInclusive<u32>| -> f64 {
        let states = target.iter().enumerate();
        states
            .filter(|(index, _)| range.contains(&(index & 0x3ff).count_ones()))
            .map(|(_, p)| p)
            .sum()
    };
    let lesser = of_mode(6..=10);
    assert!((0.2..0.45).contains(&lesser), "{lesser}");
    assert!(of_mode(4..=6) < 0.01, "no barrier: {}", of_mode(4..=6));

    let start = |replicas: usize| stack.split(Tensor::ones([replicas * CHAINS, 16], &device));
    let share = |position: Vec<Tensor<2>>| {
        let samples = values(join(position).narrow(0, 0, CHAINS));
        let there = samples.chunks(16).filter(|state| on(state)).count();
        there as f64 / CHAINS as f64
    };
    let mut noise = Noise::new(4);
    let plain = run(&BlockGibbs::default(), &layers, start(1), STEPS, &mut noise);
    let stuck = share(plain.position);
    assert!(stuck > 0.8, "block Gibbs left its mode: {stuck}");

    let kernel = BlockParallelTempering::linear(8, 0.0).unwrap();
    let tempered = run(&kernel, &layers, start(8), STEPS, &mut noise);
    let found = share(tempered.position);
    let error = (lesser * (1.0 - lesser) / CHAINS as f64).sqrt();
    assert_within_error(found, lesser, error, "the weight of the lesser mode");
}

#[test]
fn a_seed_fixes_the_chains() {
    for device in devices() {
        let stack = Stack::random(&[5, 4, 3], (1.0, 0.5), &mut Noise::new(1));
        let layers = stack.layers(&device);
        let kernel = BlockParallelTempering::linear(5, 0.2).unwrap();
        let moved = |seed| {
            let start = stack.split(Tensor::zeros([50, 12], &device));
            let end = run(&kernel, &layers, start, 4, &mut Noise::new(seed));
            let swaps = end.swaps().unwrap();
            assert_eq!(swaps.dims(), [4, 10]);
            (values(swaps), values(join(end.position)))
        };
        assert_eq!(moved(1), moved(1));
        assert_ne!(moved(1), moved(2));
    }
}

#[test]
fn ladders_start_at_one_and_fall() {
    for invalid in [
        vec![],
        vec![1.0],
        vec![0.9, 0.5],
        vec![1.0, 1.0],
        vec![1.0, 0.5, 0.6],
        vec![1.0, 0.5, -0.1],
        vec![1.0, f64::NAN],
        vec![f64::NAN, 0.5],
        vec![1.0, f64::NEG_INFINITY],
    ] {
        let error = BlockParallelTempering::new(invalid.clone()).unwrap_err();
        let message = error.to_string();
        assert!(message.contains(&format!("{invalid:?}")), "{message}");
        assert!(message.contains("start at 1 and fall"), "{message}");
    }
    for (count, lowest) in [(0, 0.0), (1, 0.0), (3, 1.0), (3, 1.5), (3, -0.5)] {
        assert!(BlockParallelTempering::linear(count, lowest).is_err());
    }
    assert!(BlockParallelTempering::linear(4, f64::NAN).is_err());
    let even = BlockParallelTempering::linear(3, 0.5).unwrap();
    assert_eq!(
        even,
        BlockParallelTempering::new(vec![1.0, 0.75, 0.5]).unwrap()
    );
    for count in 2..200 {
        let ladder = BlockParallelTempering::linear(count, 0.0).unwrap();
        assert_eq!(ladder.temperatures(), count);
    }
}

#[test]
#[should_panic(expected = "10 rows are no whole number of chains at 3 temperatures")]
fn rows_that_are_no_chains_are_refused() {
    let device = Device::flex();
    let layers = Stack::random(&[3, 2], (1.0, 0.5), &mut Noise::new(1)).layers(&device);
    let start = [3, 2].map(|units| Tensor::zeros([10, units], &device));
    let kernel = BlockParallelTempering::linear(3, 0.0).unwrap();
    let _ = kernel.init(&layers, start.to_vec());
}
