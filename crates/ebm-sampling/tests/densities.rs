//! Densities integrate to 1, their draws follow them, and chains can move through them.

mod common;

use burn::tensor::{Device, Tensor};
use common::{
    assert_close_to, assert_even, assert_uniform, assert_within_error, devices, phi, tensor, values,
};
use ebm_models::{Coding, Energy, states};
use ebm_ops::Noise;
use ebm_sampling::density::{Density, NormalDensity, UniformDensity, UniformStates};
use ebm_sampling::energy_and_gradient;

const MEAN: [f64; 2] = [0.7, -1.0];
const STD: [f64; 2] = [0.4, 2.5];

fn normal(values: usize, device: &Device) -> NormalDensity {
    NormalDensity::new(&MEAN[..values], &STD[..values], &[values], device)
}

/// The integral of `q` over the box, by the middles of `cells` cells a side.
fn integral(density: &impl Energy<2>, sides: &[(f64, f64)], cells: usize, device: &Device) -> f64 {
    let middle =
        |(low, high): (f64, f64), i: usize| low + (high - low) * (i as f64 + 0.5) / cells as f64;
    let count = cells.pow(sides.len() as u32);
    let points: Vec<f64> = (0..count)
        .flat_map(|cell| {
            let place = move |side: usize| cell / cells.pow(side as u32) % cells;
            sides
                .iter()
                .enumerate()
                .map(move |(side, &ends)| middle(ends, place(side)))
        })
        .collect();
    let x: Tensor<2> = tensor(&points, [count, sides.len()], device);
    let energies = values(density.energy(x));
    let volume: f64 = sides
        .iter()
        .map(|(low, high)| (high - low) / cells as f64)
        .product();
    energies.iter().map(|energy| (-energy).exp()).sum::<f64>() * volume
}

/// The rule has no error for normals cut off at 8 standard deviations (1e-15) and for boxes whose
/// ends are ends of cells. What is left are f32 energies of up to 64, off by some 1e-6 of the
/// density where it is least, 1e-7 where it counts.
#[test]
fn densities_integrate_to_one() {
    for device in devices() {
        for n in [1, 2] {
            let wide = |i: usize| (MEAN[i] - 8.0 * STD[i], MEAN[i] + 8.0 * STD[i]);
            let sides: Vec<_> = (0..n).map(wide).collect();
            let found = integral(&normal(n, &device), &sides, 400, &device);
            assert!((found - 1.0).abs() < 1e-6, "normal, {n}: {found}");
            let uniform = UniformDensity::new([-0.7, 1.3], &[n], &device);
            let found = integral(&uniform, &vec![(-1.7, 2.3); n], 400, &device);
            assert!((found - 1.0).abs() < 1e-6, "uniform, {n}: {found}");
        }
        for coding in [Coding::Binary, Coding::Spin] {
            let all = states(0, 32, 5, coding.low(), coding.high(), &device);
            let energies = values(UniformStates::new(coding, &[5], &device).energy(all));
            let sum: f64 = energies.iter().map(|energy| (-energy).exp()).sum();
            assert!((sum - 1.0).abs() < 1e-6, "{coding:?}: {sum}");
        }
    }
}

/// Each value follows its distribution, and both of a pair are independent: 36 equally likely
/// cells.
fn assert_draws_follow(density: &impl Density<2>, probability: impl Fn(usize, f64) -> f64) {
    let drawn = values(density.draw(100_000, &mut Noise::new(3)));
    let at: Vec<f64> = drawn
        .iter()
        .enumerate()
        .map(|(i, &x)| probability(i % 2, x))
        .collect();
    let mut counts = [0; 36];
    for pair in at.chunks(2) {
        counts[(pair[0] * 6.0) as usize * 6 + (pair[1] * 6.0) as usize] += 1;
    }
    assert_even(&counts, "pairs");
    for side in 0..2 {
        let one = at.iter().skip(side).step_by(2).copied().collect();
        assert_uniform(one, &format!("value {side}"));
    }
}

#[test]
fn draws_follow_their_density() {
    for device in devices() {
        assert_draws_follow(&normal(2, &device), |i, x| phi((x - MEAN[i]) / STD[i]));
        let uniform = UniformDensity::new([-0.7, 1.3], &[2], &device);
        assert_draws_follow(&uniform, |_, x| (x + 0.7) / 2.0);
        for coding in [Coding::Binary, Coding::Spin] {
            let density = UniformStates::new(coding, &[4], &device);
            let drawn: Tensor<2> = density.draw(50_000, &mut Noise::new(4));
            let mut counts = [0; 16];
            for state in values(drawn).chunks(4) {
                assert!(
                    state
                        .iter()
                        .all(|x| [coding.low(), coding.high()].contains(x))
                );
                let bits = state.iter().map(|&x| usize::from(x == coding.high()));
                counts[bits.fold(0, |number, bit| 2 * number + bit)] += 1;
            }
            assert_even(&counts, "states");
        }
    }
}

/// `E[-log q]` is the entropy: `1/2 log(2 pi e std^2)` a value, of variance 1/2.
#[test]
fn the_mean_energy_of_draws_is_the_entropy() {
    let n = 50_000;
    for device in devices() {
        let density = normal(2, &device);
        let drawn: Tensor<2> = density.draw(n, &mut Noise::new(5));
        let found = values(density.energy(drawn).mean())[0];
        let entropy = |std: f64| 0.5 * (std::f64::consts::TAU * std * std).ln() + 0.5;
        let expected = STD.map(entropy).iter().sum();
        assert_within_error(found, expected, (1.0 / n as f64).sqrt(), "entropy");
    }
}

/// Ends that f32 rounds to either side of the number that was given.
#[test]
fn a_box_contains_its_draws_and_nothing_outside() {
    for device in devices() {
        for (low, high) in [(-0.7, 0.7), (0.1, 0.3), (-1e-3, 2e3), (0.2, 0.4)] {
            let density = UniformDensity::new([low, high], &[1], &device);
            let drawn: Tensor<2> = density.draw(20_000, &mut Noise::new(6));
            let (least, most) = (low as f32, high as f32);
            let extremes = [least, most.next_down()].map(f64::from);
            for x in [drawn, tensor(&extremes, [2, 1], &device)] {
                let expected = f64::from((high - low).ln() as f32);
                let energies = values(density.energy(x));
                assert!(
                    energies
                        .iter()
                        .all(|energy| (energy - expected).abs() < 1e-6)
                );
            }
            let outside = [least.next_down(), most.next_up(), f32::NAN, f32::INFINITY];
            let outside = tensor(&outside.map(f64::from), [4, 1], &device);
            assert_eq!(values(density.energy(outside)), [f64::INFINITY; 4]);
        }
        let density = UniformDensity::new([0.0, 1.0], &[3], &device);
        let x = tensor(&[0.5, 2.0, 3.0, 0.1, 0.2, 0.3], [2, 3], &device);
        assert_eq!(values(density.energy(x)), [f64::INFINITY, 0.0]);
    }
}

#[test]
fn gradients_flow_through_energies() {
    for device in devices() {
        let points = [1.1, 1.5, 0.7, -4.0];
        let x = tensor(&points, [2, 2], &device);
        let (_, gradient) = energy_and_gradient(&normal(2, &device), x);
        let expected: Vec<f64> = (0..4)
            .map(|i| (points[i] - MEAN[i % 2]) / STD[i % 2].powi(2))
            .collect();
        assert_close_to(&values(gradient), &expected, 1e-5);

        let inside = tensor(&[0.2, 0.4], [1, 2], &device);
        let uniform = UniformDensity::new([0.0, 1.0], &[2], &device);
        assert_eq!(values(energy_and_gradient(&uniform, inside).1), [0.0; 2]);
        let spins = tensor(&[1.0, -1.0], [1, 2], &device);
        let density = UniformStates::new(Coding::Spin, &[2], &device);
        assert_eq!(values(energy_and_gradient(&density, spins).1), [0.0; 2]);
    }
}

/// The draws are those of the noise, whatever the rank and whether parameters are on the graph.
#[test]
fn shapes_and_numbers_of_draws() {
    for device in devices() {
        for place in [device.clone(), device.clone().autodiff()] {
            let shape = [1, 2, 3];
            let z: Tensor<2> = Noise::new(7).normal([5, 6], &device);
            let density = NormalDensity::isotropic(2.0, 0.5, &shape, &place);
            let drawn: Tensor<4> = density.draw(5, &mut Noise::new(7));
            assert_eq!(drawn.dims(), [5, 1, 2, 3]);
            assert!(!drawn.is_autodiff());
            assert_eq!(values(density.energy(drawn.clone())).len(), 5);
            assert_close_to(&values(drawn), &values(z * 0.5 + 2.0), 0.0);

            let u: Tensor<2> = Noise::new(7).uniform_in([5, 6], [-1.0, 3.0], &device);
            let density = UniformDensity::new([-1.0, 3.0], &shape, &place);
            let drawn: Tensor<4> = density.draw(5, &mut Noise::new(7));
            assert!(!drawn.is_autodiff());
            assert_eq!(values(density.energy(drawn.clone())).len(), 5);
            assert_eq!(values(drawn), values(u));

            let density = UniformStates::new(Coding::Spin, &shape, &place);
            let drawn: Tensor<4> = density.draw(5, &mut Noise::new(7));
            assert!(!drawn.is_autodiff());
            assert_eq!(values(density.energy(drawn)).len(), 5);
        }
    }
}

#[test]
#[should_panic(
    expected = "this density is over configurations of shape [2], but x has shape [4, 3]"
)]
fn another_shape_panics() {
    let device = Device::flex();
    let _ = normal(2, &device).energy(Tensor::<2>::zeros([4, 3], &device));
}

#[test]
#[should_panic(
    expected = "configurations of shape [2] make batches of 2 dimensions, but 3 are asked for"
)]
fn another_rank_panics() {
    let _: Tensor<3> = normal(2, &Device::flex()).draw(4, &mut Noise::new(1));
}

#[test]
#[should_panic(expected = "need 6 means and standard deviations, got 2 and 6")]
fn too_few_means_panic() {
    let _ = NormalDensity::new(&[0.0; 2], &[1.0; 6], &[2, 3], &Device::flex());
}

/// 1e-60 is 0 in f32.
#[test]
#[should_panic(expected = "standard deviations must be positive and finite, found 0.000")]
fn a_standard_deviation_of_zero_panics() {
    let _ = NormalDensity::isotropic(0.0, 1e-60, &[2], &Device::flex());
}

#[test]
#[should_panic(expected = "means must be finite, found NaN")]
fn a_mean_that_is_not_a_number_panics() {
    let _ = NormalDensity::isotropic(f64::NAN, 1.0, &[2], &Device::flex());
}

#[test]
#[should_panic(expected = "finite ends with low < high, found low = 1 and high = 1")]
fn an_empty_box_panics() {
    let _ = UniformDensity::new([1.0, 1.0], &[2], &Device::flex());
}
