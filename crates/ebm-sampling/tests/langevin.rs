//! Langevin dynamics follows its formula, has the law of its step, and resets what is not finite.
#![allow(clippy::unwrap_used)]

mod common;

use burn::tensor::{Device, Tensor};
use common::{
    Absolute, NanWherePositive, Quadratic, Quartic, assert_uniform, assert_within_error, devices,
    phi, tensor, values,
};
use ebm_models::Energy;
use ebm_ops::Noise;
use ebm_sampling::langevin::{Langevin, LangevinState};
use ebm_sampling::{Kernel, run, run_with};

/// Dyadic numbers of few bits: eight steps of the descent below are exact in f32.
const START: [f64; 6] = [1.0, -2.5, 0.0, 3.0, -0.75, 0.125];

#[test]
fn without_noise_it_is_gradient_descent() {
    for device in devices() {
        let energy = Quadratic::new(2.0, &device);
        let kernel = Langevin::new(0.125, 0.0);
        let mut noise = Noise::new(1);
        let chains = run(
            &kernel,
            &energy,
            tensor(&START, [3, 2], &device),
            8,
            &mut noise,
        );
        // x <- x - 0.125 * 2 x
        let expected = START.map(|x| x * 0.75_f64.powi(8));
        assert_eq!(values(chains.position), expected);
        assert_eq!(chains.steps, 8);
        assert_eq!(noise, Noise::new(1), "no noise is drawn");
    }
}

#[test]
fn each_component_of_the_gradient_is_clipped() {
    for device in devices() {
        let energy = Quadratic::new(2.0, &device);
        let kernel = Langevin::new(0.25, 0.0).with_gradient_clip(0.5);
        let start = tensor(&START, [3, 2], &device);
        let chains = run(&kernel, &energy, start, 1, &mut Noise::new(0));
        // The gradient is 2 x.
        assert_eq!(
            values(chains.position),
            START.map(|x| x - 0.25 * (2.0 * x).clamp(-0.5, 0.5))
        );
    }
}

#[test]
fn a_step_clips_the_gradient_then_adds_noise_then_clamps() {
    for device in devices() {
        let energy = Quadratic::new(2.0, &device);
        let kernel = Langevin::new(0.25, 0.5)
            .with_gradient_clip(1.5)
            .with_clamp([-1.0, 2.0]);
        let mut noise = Noise::new(3);
        let draws: Tensor<2> = noise.clone().normal([3, 2], &device);
        let chains = run(
            &kernel,
            &energy,
            tensor(&START, [3, 2], &device),
            1,
            &mut noise,
        );
        let expected: Vec<f64> = START
            .iter()
            .zip(values(draws))
            .map(|(x, z)| {
                let moved = x - 0.25 * (2.0 * x).clamp(-1.5, 1.5) + 0.5 * z;
                // The product with 0.5 is exact: one rounding, to f32.
                f64::from((moved as f32).clamp(-1.0, 2.0))
            })
            .collect();
        assert!(expected.contains(&-1.0) && expected.contains(&2.0));
        assert!(expected.iter().any(|&x| x > -1.0 && x < 2.0));
        assert_eq!(values(chains.position), expected);
    }
}

#[test]
fn the_state_tells_the_energy_before_the_step() {
    let device = Device::flex();
    let energy = Quadratic::new(2.0, &device);
    let kernel = Langevin::new(0.125, 0.0);
    let mut seen = Vec::new();
    let start = tensor(&[2.0, 0.0, 1.0, -1.0], [2, 2], &device);
    let initial = kernel.init(&energy, start.clone());
    assert!(initial.previous_energy.is_none());
    run_with(
        &kernel,
        &energy,
        start,
        2,
        &mut Noise::new(0),
        |_, state: &LangevinState<2>, _| seen.push(values(state.previous_energy.clone().unwrap())),
    );
    assert_eq!(seen, [[4.0, 2.0], [4.0 * 0.5625, 2.0 * 0.5625]]);
}

#[test]
fn the_temperature_is_that_of_the_noise() {
    assert_eq!(Langevin::new(0.5, 2.0).temperature(), 4.0);
    assert_eq!(Langevin::new(10.0, 0.0).temperature(), 0.0);
    let kernel = Langevin::at_temperature(0.1, 2.5);
    assert!((kernel.noise - 0.5_f64.sqrt()).abs() < 1e-15);
    assert!((kernel.temperature() - 2.5).abs() < 1e-14);
    let tutorial = Langevin::new(10.0, 0.005).with_gradient_clip(0.03);
    assert!((tutorial.temperature() - 1.25e-6).abs() < 1e-20);
}

#[test]
fn a_seed_fixes_the_chain_whatever_the_rank() {
    for device in devices() {
        let energy = Quadratic::new(1.0, &device);
        let kernel = Langevin::at_temperature(0.3, 1.0);
        let start: Tensor<2> = Noise::new(5).normal([4, 6], &device);
        let moved = |seed| {
            let noise = &mut Noise::new(seed);
            values(run(&kernel, &energy, start.clone(), 5, noise).position)
        };
        assert_eq!(moved(1), moved(1));
        assert!(moved(1).iter().zip(moved(2)).all(|(a, b)| *a != b));

        let images: Tensor<4> = start.clone().reshape([4, 2, 1, 3]);
        let images = run(&kernel, &energy, images, 5, &mut Noise::new(1)).position;
        assert_eq!(images.dims(), [4, 2, 1, 3]);
        assert_eq!(values(images), moved(1));
    }
}

/// On `E = x^2 / (2 s^2)` a step is `x <- a x + sqrt(2 eps T) z` with `a = 1 - eps / s^2`, an
/// autoregression: at the start `x_0 ~ N(m, v)` follows `x_k ~ N(a^k m, a^2k v + (1 - a^2k) w)`
/// with `w = 2 eps T / (1 - a^2)`. The step is so large that `w` is a third above its limit `T s^2`
/// for small steps.
const STEP: f64 = 0.5;
const TEMPERATURE: f64 = 0.7;
const DECAY: f64 = 1.0 - STEP;
const STATIONARY: f64 = 2.0 * STEP * TEMPERATURE / (1.0 - DECAY * DECAY);
const SHAPE: [usize; 2] = [100, 1000];
const CHAINS: f64 = 100_000.0;

/// Mean and variance of a normal sample, to their standard errors `sqrt(v / n)` and
/// `v sqrt(2 / n)`.
fn assert_normal(sample: &[f64], mean: f64, variance: f64, what: &str) {
    let found = sample.iter().sum::<f64>() / CHAINS;
    assert_within_error(found, mean, (variance / CHAINS).sqrt(), what);
    let squares = sample.iter().map(|x| (x - mean).powi(2)).sum::<f64>();
    let error = variance * (2.0 / CHAINS).sqrt();
    assert_within_error(squares / CHAINS, variance, error, what);
    let probabilities = sample.iter().map(|x| phi((x - mean) / variance.sqrt()));
    assert_uniform(probabilities.collect(), what);
}

#[test]
fn the_stationary_law_is_kept_and_chains_forget_at_the_rate_of_the_formula() {
    for device in devices() {
        let energy = Quadratic::new(1.0, &device);
        let kernel = Langevin::at_temperature(STEP, TEMPERATURE);
        let start: Tensor<2> = Noise::new(7).normal(SHAPE, &device);
        let start = start.mul_scalar(STATIONARY.sqrt());
        let first = values(start.clone());
        let mut noise = Noise::new(8);
        run_with(
            &kernel,
            &energy,
            start,
            16,
            &mut noise,
            |step, state: &LangevinState<2>, _| {
                if !step.is_power_of_two() {
                    return;
                }
                let what = format!("step {step} on {device:?}");
                let now = values(state.position.clone());
                assert_normal(&now, 0.0, STATIONARY, &what);
                // The covariance with the start is `a^k w`; a product of normals of correlation r
                // has the variance `(1 + r^2) w^2`.
                let covariance = now.iter().zip(&first).map(|(a, b)| a * b).sum::<f64>() / CHAINS;
                let correlation = DECAY.powi(step as i32);
                let error = STATIONARY * ((1.0 + correlation.powi(2)) / CHAINS).sqrt();
                assert_within_error(covariance, correlation * STATIONARY, error, &what);
            },
        );
    }
}

#[test]
fn chains_from_one_point_converge_as_the_formula_says() {
    let device = Device::flex();
    let energy = Quadratic::new(1.0, &device);
    let kernel = Langevin::at_temperature(STEP, TEMPERATURE);
    let start = Tensor::<2>::full(SHAPE, 3.0, &device);
    run_with(
        &kernel,
        &energy,
        start,
        32,
        &mut Noise::new(9),
        |step, state: &LangevinState<2>, _| {
            if step.is_power_of_two() {
                let decay = DECAY.powi(step as i32);
                let variance = (1.0 - decay * decay) * STATIONARY;
                let now = values(state.position.clone());
                assert_normal(&now, 3.0 * decay, variance, &format!("step {step}"));
            }
        },
    );
}

/// For small steps the law is that of the equation, `exp(-E / T)`: here
/// `w = T s^2 / (1 - eps / (2 s^2))` is within 1 % of it.
#[test]
fn a_small_step_samples_at_the_temperature() {
    let device = Device::flex();
    let energy = Quadratic::new(4.0, &device);
    let kernel = Langevin::at_temperature(0.005, 2.0);
    let start = Tensor::<2>::zeros([100, 100], &device);
    // a = 0.98: after 300 steps the start is forgotten to 2e-3 in x and 5e-6 in the variance.
    let found = values(run(&kernel, &energy, start, 300, &mut Noise::new(10)).position);
    let variance = found.iter().map(|x| x * x).sum::<f64>() / 1e4;
    let expected = 2.0 / 4.0 / (1.0 - 0.005 * 4.0 / 2.0);
    assert_within_error(variance, expected, expected * 2e-4_f64.sqrt(), "variance");
}

/// The documented bias: the variance settles at `V = v / (1 - s / (2 v))`, here for steps from a
/// fiftieth of `v` to where the chain alternates, kept by chains that start there and reached by
/// chains that start at the target. After `k` steps what is left of a start is `(1 - s / v)^2k`,
/// below 1e-4 of the error here; false-positive rate 5.7e-7 each.
#[test]
fn the_bias_of_the_variance_is_that_of_the_formula() {
    for device in devices() {
        for (v, s) in [(1.0, 0.3), (0.25, 0.3), (4.0, 2.0), (2.0, 3.2), (0.5, 0.01)] {
            let energy = Quadratic::new(1.0 / v, &device);
            let kernel = Langevin::at_temperature(s, 1.0);
            let expected = v / (1.0 - s / (2.0 * v));
            let starts: &[f64] = match s > 0.1 {
                true => &[v, expected],
                // A slow chain is only kept.
                false => &[expected],
            };
            for start in starts {
                let z: Tensor<2> = Noise::new(11).normal([200, 100], &device);
                let z = z.mul_scalar(start.sqrt());
                let end = run(&kernel, &energy, z, 30, &mut Noise::new(12)).position;
                let found = values(end.square().mean())[0];
                let error = expected * (2.0_f64 / 20_000.0).sqrt();
                let what = format!("v = {v}, s = {s}, from {start}");
                assert_within_error(found, expected, error, &what);
            }
        }
    }
}

/// `E = (x^2 + y^2 - 2 r x y) / (2 (1 - r^2))`, a normal with unit variances and covariance `r`.
/// Along its axes, `x + y` and `x - y`, the variances `1 +- r` are each biased by the formula.
#[test]
fn a_correlated_normal_has_the_covariance_of_the_formula() {
    const R: f64 = 0.5;

    #[derive(Clone, Debug)]
    struct Correlated {}

    impl Energy<2> for Correlated {
        fn energy(&self, x: Tensor<2>) -> Tensor<1> {
            let squares: Tensor<1> = x.clone().square().sum_dim(1).squeeze_dim(1);
            let product: Tensor<1> = x.prod_dim(1).squeeze_dim(1);
            (squares - product.mul_scalar(2.0 * R)).div_scalar(2.0 * (1.0 - R * R))
        }
    }

    let (chains, step) = (20_000, 0.2);
    for device in devices() {
        let start = Tensor::<2>::full([chains, 2], 3.0, &device);
        let kernel = Langevin::at_temperature(step, 1.0);
        let end = run(&kernel, &Correlated {}, start, 60, &mut Noise::new(13)).position;
        let end = values(end);
        for (sign, name) in [(1.0, "sum"), (-1.0, "difference")] {
            let v = 1.0 + sign * R;
            let expected = v / (1.0 - step / (2.0 * v));
            let along = |x: &[f64]| (x[0] + sign * x[1]) / 2.0_f64.sqrt();
            let mean = end.chunks(2).map(along).sum::<f64>() / chains as f64;
            let error = (expected / chains as f64).sqrt();
            assert_within_error(mean, 0.0, error, name);
            let squares: f64 = end.chunks(2).map(|x| along(x).powi(2)).sum();
            let error = expected * (2.0 / chains as f64).sqrt();
            assert_within_error(squares / chains as f64, expected, error, name);
        }
        // The axes are independent: a product of independent normals has the product of their
        // variances.
        let product: f64 = end.chunks(2).map(|x| x[0] * x[0] - x[1] * x[1]).sum();
        let (a, b) = (1.5 / (1.0 - step / 3.0), 0.5 / (1.0 - step));
        let error = 2.0 * (a * b / chains as f64).sqrt();
        assert_within_error(product / chains as f64, 0.0, error, "axes");
    }
}

/// What goes wrong where a chain has come to 3 or more in its first value; elsewhere
/// `E(x) = -sum x`, so that a step of 1 without noise counts 0, 1, 2, 3.
#[derive(Clone, Debug)]
struct Faulty {
    fault: Fault,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
enum Fault {
    #[default]
    NanEnergy,
    InfiniteEnergy,
    MinusInfiniteEnergy,
    NanGradient,
    InfiniteGradient,
    /// Energy and gradient are finite, the next position is beyond f32.
    Overflow,
}

const FAULTS: [Fault; 6] = [
    Fault::NanEnergy,
    Fault::InfiniteEnergy,
    Fault::MinusInfiniteEnergy,
    Fault::NanGradient,
    Fault::InfiniteGradient,
    Fault::Overflow,
];

impl Energy<2> for Faulty {
    fn energy(&self, x: Tensor<2>) -> Tensor<1> {
        let first = x.clone().narrow(1, 0, 1);
        let plain = x.sum_dim(1).neg();
        let bad = first.clone().greater_equal_scalar(2.5);
        let filled = |value: f64| plain.clone().mask_fill(bad.clone(), value);
        // Zero, or for bad chains not: `sqrt` has an infinite slope at 0, and 0 times that is not a
        // number.
        let distance = first
            .clone()
            .mul_scalar(0.0)
            .mask_fill(bad.clone().bool_not(), 1.0);
        let energy = match self.fault {
            Fault::NanEnergy => filled(f64::NAN),
            Fault::InfiniteEnergy => filled(f64::INFINITY),
            Fault::MinusInfiniteEnergy => filled(f64::NEG_INFINITY),
            Fault::NanGradient => plain + distance.sqrt(),
            Fault::InfiniteGradient => {
                let root = first.sub_scalar(3.0).mask_fill(bad.bool_not(), 1.0).sqrt();
                plain + root
            }
            Fault::Overflow => {
                // A slope of -3e38, from the place where the energy is zero.
                let steep = first.sub_scalar(3.0).mul_scalar(-3e38);
                plain + steep.mask_fill(bad.bool_not(), 0.0)
            }
        };
        energy.squeeze_dim(1)
    }
}

/// A chain that counts 0, 1, 2, 3 goes wrong at 3 and is put back to 0: every fourth step is a
/// reset, whatever the fault, and the chain that starts 100 below never is.
#[test]
fn a_fault_puts_its_chain_back_and_is_counted() {
    for device in devices() {
        for fault in FAULTS {
            let energy = Faulty { fault };
            // Energy and gradient must be of the kind that is claimed.
            let three = tensor(&[3.0, 0.0], [1, 2], &device);
            let (energies, gradient) = ebm_sampling::energy_and_gradient(&energy, three);
            let (energies, gradient) = (values(energies)[0], values(gradient)[0]);
            match fault {
                Fault::NanEnergy => assert!(energies.is_nan()),
                Fault::InfiniteEnergy => assert_eq!(energies, f64::INFINITY),
                Fault::MinusInfiniteEnergy => assert_eq!(energies, f64::NEG_INFINITY),
                Fault::NanGradient => assert!(energies.is_finite() && gradient.is_nan()),
                Fault::InfiniteGradient => assert!(energies.is_finite() && gradient.is_infinite()),
                Fault::Overflow => assert!(energies.is_finite() && gradient.is_finite()),
            }
            let plain = Langevin::new(1.0, 0.0);
            let mut kernels = vec![plain, plain.with_clamp([-200.0, 10.0])];
            if fault == Fault::Overflow {
                // Only a step of 2 makes 6e38 of it; the chain counts 0, 2, 4 then.
                kernels = vec![
                    Langevin::new(2.0, 0.0),
                    Langevin::new(2.0, 0.0).with_clamp([-200.0, 10.0]),
                ];
            } else {
                kernels.push(plain.with_gradient_clip(1.0));
                kernels.push(plain.with_gradient_clip(1.0).with_clamp([-200.0, 10.0]));
            }
            for kernel in kernels {
                let start = tensor(&[0.0, 7.0, -100.0, 7.0], [2, 2], &device);
                let mut seen = Vec::new();
                let mut resets = Vec::new();
                let chains = run_with(
                    &kernel,
                    &energy,
                    start,
                    12,
                    &mut Noise::new(1),
                    |_, state: &LangevinState<2>, info| {
                        seen.push(values(state.position.clone()));
                        resets.push(values(info.reset.clone().unwrap()));
                    },
                );
                let what = format!("{fault:?}, {kernel:?}, {device:?}");
                let period = if fault == Fault::Overflow { 3 } else { 4 };
                for (step, (seen, resets)) in seen.iter().zip(&resets).enumerate() {
                    let place = (step + 1) % period;
                    let x = place as f64 * kernel.step_size;
                    assert_eq!(seen[0], x, "{what}, step {step}");
                    assert_eq!(
                        seen[2],
                        -100.0 + (step + 1) as f64 * kernel.step_size,
                        "{what}"
                    );
                    let reset = f64::from(u8::from(place == 0));
                    assert_eq!(resets, &[reset, 0.0], "{what}, step {step}");
                    if place == 0 {
                        assert_eq!(seen[..2], [0.0, 7.0], "{what}: the whole chain goes back");
                    }
                }
                let count = 12.0 / f64::from(period as u32);
                assert_eq!(values(chains.resets().unwrap()), [count, 0.0], "{what}");
            }
        }
    }
}

/// Chains next to chains that are reset are what they are without them, bit for bit.
#[test]
fn chains_without_faults_are_as_they_would_be_alone() {
    for device in devices() {
        let kernel = Langevin::at_temperature(0.05, 1.0).with_gradient_clip(2.0);
        let sane = Noise::new(14)
            .normal::<2>([20, 3], &device)
            .sub_scalar(100.0);
        let broken = sane
            .clone()
            .slice_assign([0..1, 0..3], tensor(&[f64::NAN; 3], [1, 3], &device));
        let broken = broken.slice_assign([7..8, 0..3], tensor(&[3e38; 3], [1, 3], &device));
        let moved = |start| {
            let noise = &mut Noise::new(15);
            let chains = run(&kernel, &Quadratic::new(1.0, &device), start, 10, noise);
            (
                values(chains.position.clone()),
                values(chains.resets().unwrap()),
            )
        };
        let (expected, none) = moved(sane);
        let (found, resets) = moved(broken);
        assert_eq!(none, [0.0; 20]);
        for chain in 0..20 {
            let values = 3 * chain..3 * chain + 3;
            match chain {
                0 => assert_eq!(resets[0], 10.0),
                7 => assert_eq!(
                    (resets[7], &found[values]),
                    (10.0, &[f64::from(3e38_f32); 3][..])
                ),
                _ => assert_eq!(
                    (resets[chain], &found[values.clone()]),
                    (0.0, &expected[values])
                ),
            }
        }
    }
}

/// With noise, chains wander into the quarter-plane where the energy is not a number; the step
/// after that puts them back, and only that. Positions are always numbers, also under a clip and a
/// clamp.
#[test]
fn resets_are_the_steps_from_where_the_energy_is_not_a_number() {
    for device in devices() {
        let plain = Langevin::new(0.1, 0.2);
        let clipped = plain.with_gradient_clip(0.5).with_clamp([-1.0, 0.5]);
        for kernel in [plain, clipped] {
            let start = Tensor::<2>::full([200, 2], -0.3, &device);
            let mut before = values(start.clone());
            let mut expected = [0.0; 200];
            let chains = run_with(
                &kernel,
                &NanWherePositive {},
                start,
                40,
                &mut Noise::new(16),
                |_, state: &LangevinState<2>, info| {
                    let now = values(state.position.clone());
                    let resets = values(info.reset.clone().unwrap());
                    for chain in 0..200 {
                        let values = 2 * chain..2 * chain + 2;
                        let bad = before[values.clone()].iter().any(|&x| x >= 0.0);
                        assert_eq!(resets[chain], f64::from(u8::from(bad)));
                        expected[chain] += resets[chain];
                        if bad {
                            assert_eq!(now[values], [f64::from(-0.3_f32); 2]);
                        }
                    }
                    assert!(now.iter().all(|x| x.is_finite()));
                    before = now;
                },
            );
            assert_eq!(values(chains.resets().unwrap()), expected);
            let total: f64 = expected.iter().sum();
            assert!((100.0..4000.0).contains(&total), "{total}");
        }
    }
}

/// A quartic from so far away that a step overflows: chains stay finite, and say that they were put
/// back.
#[test]
fn extreme_starts_stay_finite() {
    for device in devices() {
        // From 1e4 a step of 1e-3 goes to -4e8, from there to 3e22, and the fourth power of that is
        // infinite: every third step. The fourth power of 1e10 is infinite at once.
        let start = tensor(&[1e4, 1e4, 1e6, 1e6, 1e10, 1e10], [3, 2], &device);
        let kernel = Langevin::at_temperature(1e-3, 1.0);
        let chains = run(&kernel, &Quartic {}, start, 12, &mut Noise::new(17));
        let resets = values(chains.resets().unwrap());
        assert!(values(chains.position).iter().all(|x| x.is_finite()));
        assert!(resets[0] >= 3.0 && resets[1] >= 3.0, "{resets:?}");
        assert_eq!(resets[2], 12.0);
        let start = tensor(&[0.5; 6], [3, 2], &device);
        let chains = run(&kernel, &Quartic {}, start, 12, &mut Noise::new(17));
        assert_eq!(values(chains.resets().unwrap()), [0.0; 3]);
        // A slope beyond f32, for a chain that leaves the kink.
        let steep = Absolute { slope: 1e39 };
        let start = tensor(&[0.5; 6], [3, 2], &device);
        let chains = run(&kernel, &steep, start, 12, &mut Noise::new(17));
        assert_eq!(values(chains.resets().unwrap()), [12.0; 3]);
    }
}

#[test]
#[should_panic(expected = "a clamp needs low < high, found low = 1 and high = -1")]
fn a_clamp_the_wrong_way_round_is_refused() {
    let _ = Langevin::new(0.1, 0.1).with_clamp([1.0, -1.0]);
}
