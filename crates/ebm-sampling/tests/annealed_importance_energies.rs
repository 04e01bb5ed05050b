//! Annealed importance sampling of any energy, by any exact kernel, is unbiased both ways.
#![allow(clippy::unwrap_used)]

mod common;

use std::f64::consts::{LN_2, TAU};

use burn::tensor::{Device, Tensor};
use common::{
    DoubleWell, NanWherePositive, Quadratic, Tabulated, WallWherePositive, assert_close_to,
    assert_within_error, devices, exact_draws, tensor, values,
};
use ebm_models::{Coding, Energy, Mixture, MlpConfig, Negation, WeightedSum};
use ebm_ops::{Interval, Noise};
use ebm_sampling::density::{Density, NormalDensity, UniformDensity, UniformStates};
use ebm_sampling::gibbs::EnumeratedGibbs;
use ebm_sampling::hamiltonian::HamiltonianMonteCarlo;
use ebm_sampling::langevin::Langevin;
use ebm_sampling::metropolis_hastings::{GibbsWithGradients, Mala, RandomWalkMetropolis};
use ebm_sampling::partition::{
    AnnealedImportance, AnnealingPath, Bridge, EnergyPath, PartitionEstimate, TemperingSchedule,
};
use ebm_sampling::{Kernel, run};
use ebm_testing::pairwise::Known;

fn annealing(temperatures: usize, chains: usize) -> AnnealedImportance {
    AnnealedImportance {
        schedule: TemperingSchedule::linear(temperatures),
        chains,
    }
}

fn normal(std: f64, size: usize, device: &Device) -> NormalDensity {
    NormalDensity::isotropic(0.3, std, &[size], device)
}

fn mean_and_error(x: &[f64]) -> (f64, f64) {
    let n = x.len() as f64;
    let mean = x.iter().sum::<f64>() / n;
    let variance = x.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (n - 1.0);
    (mean, (variance / n).sqrt())
}

/// `E[w] = Z / Z_0`, in reverse `E[w'] = Z_0 / Z`, within five standard errors of the weights,
/// 5.7e-7; and the mean of the logarithms is a bound: significantly on its side of `log Z`.
fn assert_unbiased<S>(estimate: &PartitionEstimate<S>, log_z: f64, sign: f64, what: &str) {
    assert_eq!(estimate.base_log_partition, 0.0);
    let weights: Vec<f64> = estimate
        .log_weights
        .iter()
        .map(|w| (w - sign * log_z).exp())
        .collect();
    let (mean, error) = mean_and_error(&weights);
    assert_within_error(mean, 1.0, error, what);
    // The estimate is that mean's logarithm.
    let expected = log_z + sign * mean.ln();
    assert!((estimate.log_partition - expected).abs() < 1e-9);
    let (_, error) = mean_and_error(&estimate.log_weights);
    let below = sign * (log_z - estimate.mean_bound);
    assert!(
        below > -5.0 * error,
        "{what}: beyond by {} of {error}",
        -below
    );
}

fn forward<P: AnnealingPath>(
    annealing: &AnnealedImportance,
    path: &P,
    seed: u64,
) -> PartitionEstimate<P::State> {
    annealing.run(path, &mut Noise::new(seed), &mut ())
}

fn reverse<P: AnnealingPath>(
    annealing: &AnnealedImportance,
    path: &P,
    start: P::State,
    seed: u64,
) -> PartitionEstimate<P::State> {
    annealing.run_reverse(path, start, &mut Noise::new(seed), &mut ())
}

/// Both directions of the path with this kernel, from exact draws of the model in reverse.
fn assert_both<E, Q, K>(
    (energy, base): (&E, &Q),
    kernel: impl Fn(f64) -> K,
    (temperatures, chains): (usize, usize),
    exact: &Tensor<2>,
    log_z: f64,
    what: &str,
) where
    E: Energy<2> + Clone,
    Q: Density<2> + Clone,
    K: Kernel<Bridge<E, Q>, Tensor<2>>,
{
    let path = EnergyPath::<_, _, _, 2>::new(energy.clone(), base.clone(), kernel);
    let path = path.with_transitions(2);
    let annealing = annealing(temperatures, chains);
    let lower = forward(&annealing, &path, 1);
    assert_unbiased(&lower, log_z, 1.0, &format!("{what}, forward"));
    let start = exact.clone().narrow(0, 0, chains);
    let upper = reverse(&annealing, &path, start, 2);
    assert_unbiased(&upper, log_z, -1.0, &format!("{what}, reverse"));
}

/// All three adjusted kernels.
fn assert_kernels<E, Q>(
    energy: &E,
    base: &Q,
    schedule: (usize, usize),
    exact: &Tensor<2>,
    log_z: f64,
    what: &str,
) where
    E: Energy<2> + Clone,
    Q: Density<2> + Clone,
{
    let model = (energy, base);
    let walk = |_| RandomWalkMetropolis::new(0.6);
    assert_both(
        model,
        walk,
        schedule,
        exact,
        log_z,
        &format!("{what}, walk"),
    );
    let mala = |b: f64| Mala::new(0.2 - 0.1 * b);
    assert_both(
        model,
        mala,
        schedule,
        exact,
        log_z,
        &format!("{what}, MALA"),
    );
    let hmc = |b: f64| HamiltonianMonteCarlo::new(0.4 - 0.15 * b, 3);
    assert_both(model, hmc, schedule, exact, log_z, &format!("{what}, HMC"));
}

/// `log Z = d/2 log(2 pi / precision)`. Three temperatures and many chains show that no number of
/// temperatures is too small for the mean; 30 give weights of nearly one size.
#[test]
fn normals_have_the_closed_form() {
    for device in devices() {
        for (d, precision, temperatures, chains) in
            [(2, 1.7, 3, 6000), (2, 1.7, 30, 1000), (10, 1.2, 3, 6000)]
        {
            let energy = Quadratic::new(precision, &device);
            let z: Tensor<2> = Noise::new(3).normal([chains, d], &device);
            let exact = z.div_scalar(precision.sqrt());
            let log_z = 0.5 * d as f64 * (TAU / precision).ln();
            let what = format!("{d} values, {temperatures} temperatures, {device:?}");
            let base = normal(1.2, d, &device);
            let schedule = (temperatures, chains);
            assert_kernels(&energy, &base, schedule, &exact, log_z, &what);
        }
    }
}

/// The bounds of the mean logarithms are strict where temperatures are few, and come together where
/// they are many.
#[test]
fn bounds_close_in_on_the_value() {
    let device = Device::flex();
    let log_z = 5.0 * (TAU / 2.0).ln();
    let path = EnergyPath::<_, _, _, 2>::new(
        Quadratic::new(2.0, &device),
        normal(1.5, 10, &device),
        |_| HamiltonianMonteCarlo::new(0.4, 3),
    );
    let z: Tensor<2> = Noise::new(4).normal([1000, 10], &device);
    let exact = z.div_scalar(2.0_f64.sqrt());
    let gap = |temperatures: usize| {
        let annealing = annealing(temperatures, 1000);
        let lower = forward(&annealing, &path, 5);
        let upper = reverse(&annealing, &path, exact.clone(), 6);
        for (bound, log_weights) in [
            (log_z - lower.mean_bound, &lower.log_weights),
            (upper.mean_bound - log_z, &upper.log_weights),
        ] {
            let (_, error) = mean_and_error(log_weights);
            assert!(bound > 5.0 * error, "{temperatures}: {bound} +- {error}");
        }
        assert!(lower.effective_sample_size > 10.0);
        upper.mean_bound - lower.mean_bound
    };
    let (few, many) = (gap(4), gap(64));
    assert!(few > 8.0 * many, "{few}, {many}");
}

/// `log int exp(-E) dx` by the trapezoidal rule.
fn log_integral(energy: impl Fn(f64) -> f64, (low, high): (f64, f64)) -> f64 {
    let pieces = 20_000;
    let spacing = (high - low) / f64::from(pieces);
    let sum: f64 = (0..=pieces)
        .map(|i| (-energy(low + f64::from(i) * spacing)).exp())
        .sum();
    (sum * spacing).ln()
}

/// Two wells of different depth, one value and two.
#[test]
fn the_double_well_has_its_integral() {
    let density = Tabulated::new(DoubleWell::at, 1.0, (-3.5, 3.5));
    let log_z = log_integral(DoubleWell::at, (-3.5, 3.5));
    for device in devices() {
        for d in [1, 2] {
            let exact = exact_draws(d, &density, &device, &mut Noise::new(7));
            let base = normal(1.0, d, &device);
            let log_z = d as f64 * log_z;
            let what = format!("double well of {d} on {device:?}");
            assert_kernels(&DoubleWell {}, &base, (10, 4000), &exact, log_z, &what);
        }
    }
}

/// Langevin steps without rejection keep something wider than each `p_beta`: on the way to a normal
/// of precision 2 with a step of 0.4 the variance at the end is 1 / (2 (1 - 0.4)), and the estimate
/// is wrong by many standard errors, which rejections of the same steps mend.
#[test]
fn unadjusted_steps_bias_the_estimate() {
    let device = Device::flex();
    let log_z = 0.5 * (TAU / 2.0).ln();
    let (energy, base) = (Quadratic::new(2.0, &device), normal(1.5, 1, &device));
    let annealing = annealing(60, 4000);
    let (e, q) = (energy.clone(), base.clone());
    let adjusted = EnergyPath::<_, _, _, 2>::new(e, q, |_| Mala::new(0.4)).with_transitions(3);
    assert_unbiased(&forward(&annealing, &adjusted, 8), log_z, 1.0, "adjusted");
    let kernel = |_| Langevin::at_temperature(0.4, 1.0);
    let unadjusted = EnergyPath::<_, _, _, 2>::new(energy, base, kernel).with_transitions(3);
    let estimate = forward(&annealing, &unadjusted, 8);
    let weights: Vec<f64> = estimate
        .log_weights
        .iter()
        .map(|w| (w - log_z).exp())
        .collect();
    let (mean, error) = mean_and_error(&weights);
    assert!(mean + 10.0 * error < 1.0, "{mean} +- {error}");
}

/// Two normals of weights 1.5 and 2.5, whose integral is 4, from a wide base.
#[test]
fn a_mixture_in_the_plane_has_its_integral() {
    const CHAINS: usize = 2000;
    for device in devices() {
        let at = |x: f64| NormalDensity::new(&[x, 0.5], &[0.7, 0.7], &[2], &device);
        let energy = Mixture::new(vec![at(-1.5), at(1.5)], &[1.5, 2.5]);
        let mut noise = Noise::new(9);
        let uniforms: Tensor<1> = noise.uniform([CHAINS], &device);
        let z: Tensor<2> = noise.normal([CHAINS, 2], &device);
        let exact: Vec<f64> = values(z)
            .chunks(2)
            .zip(values(uniforms))
            .flat_map(|(z, u)| {
                let mean = if u < 1.5 / 4.0 { -1.5 } else { 1.5 };
                [mean + 0.7 * z[0], 0.5 + 0.7 * z[1]]
            })
            .collect();
        let exact = tensor(&exact, [CHAINS, 2], &device);
        let base = normal(2.0, 2, &device);
        let log_z = 4.0_f64.ln();
        assert_kernels(&energy, &base, (12, CHAINS), &exact, log_z, "mixture");
    }
}

/// A random network, eight times as strong as it is drawn, kept together by a quadratic: its
/// integral by a grid over the plane, whose rule is exact to more digits than f32 has for so smooth
/// a function that vanishes at the edges.
#[test]
fn a_network_has_the_integral_of_a_grid() {
    let device = Device::flex();
    let mlp = MlpConfig::new(2, vec![16]).init(&device, &mut Noise::new(10));
    let energy = WeightedSum::new((mlp, Quadratic::new(1.0, &device)), vec![8.0, 1.0]);
    let (side, half, spacing) = (281, 140.0, 0.05);
    let grid: Vec<f64> = (0..side * side)
        .flat_map(|i| [i % side, i / side].map(|k| (k as f64 - half) * spacing))
        .collect();
    let energies = values(energy.energy(tensor::<2>(&grid, [side * side, 2], &device)));
    let densities: Vec<f64> = energies.iter().map(|energy| (-energy).exp()).collect();
    let sum: f64 = densities.iter().sum();
    let log_z = (sum * spacing * spacing).ln();
    // Far from a normal: the network changes the energy by more than a nat.
    assert!((log_z - TAU.ln()).abs() > 0.5, "{log_z}");

    let base = normal(1.5, 2, &device);
    let hmc = HamiltonianMonteCarlo::new(0.4, 3);
    let path =
        EnergyPath::<_, _, _, 2>::new(energy.clone(), base, |_| hmc.clone()).with_transitions(2);
    let few = forward(&annealing(3, 20_000), &path, 11);
    assert_unbiased(&few, log_z, 1.0, "3 temperatures");
    let many = annealing(40, 2000);
    let lower = forward(&many, &path, 11);
    assert_unbiased(&lower, log_z, 1.0, "40 temperatures");
    // Chains that were annealed, and moved on, are at the model but for less than can be seen.
    let samples = run(&hmc, &energy, lower.states, 30, &mut Noise::new(12)).position;
    let upper = reverse(&many, &path, samples, 13);
    assert_unbiased(&upper, log_z, -1.0, "back");
}

/// States of units: from fair coins, by gradients and by enumeration, judged by enumeration of all
/// states.
#[test]
fn discrete_energies_have_their_sum_over_states() {
    for device in devices() {
        for (coding, low) in [(Coding::Spin, -1.0), (Coding::Binary, 0.0)] {
            let known = Known::random(5, (0.7, 0.5), coding, &mut Noise::new(13));
            let sum: f64 = known.energies().iter().map(|energy| (-energy).exp()).sum();
            let target = known.probabilities(1.0, 0);
            let exact = known.draws(&target, 4000, &device, &mut Noise::new(14));
            let machine = known.machine(&device);
            let base = UniformStates::new(coding, &[5], &device);
            let model = (&machine, &base);
            let gradients = |_| GibbsWithGradients::new(coding);
            assert_both(model, gradients, (5, 4000), &exact, sum.ln(), "gradients");
            let enumerated = |_| EnumeratedGibbs::new(vec![low, 1.0]);
            assert_both(model, enumerated, (5, 4000), &exact, sum.ln(), "enumerated");
        }
    }
}

/// `Quadratic` on half the line: where the other energy is not finite there is no probability. Half
/// of the base draws have the weight 0 and keep it, none is NaN, `log Z` is that of the half.
#[test]
fn what_is_not_finite_has_no_weight() {
    fn check<E: Energy<2> + Clone>(wall: E, device: &Device, what: &str) {
        let energy = WeightedSum::new((Quadratic::new(1.0, device), wall), vec![1.0, 1.0]);
        let base = NormalDensity::isotropic(0.0, 1.2, &[1], device);
        let kernel = |_| RandomWalkMetropolis::new(0.8);
        let path = EnergyPath::<_, _, _, 2>::new(energy, base, kernel);
        let log_z = 0.5 * TAU.ln() - LN_2;
        let annealing = annealing(8, 4000);
        let estimate = forward(&annealing, &path, 15);
        let zero = |w: &&f64| **w == f64::NEG_INFINITY;
        let zeros = estimate.log_weights.iter().filter(zero).count();
        assert_within_error(zeros as f64 / 4000.0, 0.5, (0.25_f64 / 4000.0).sqrt(), what);
        let finite = |w: &f64| w.is_finite() || *w == f64::NEG_INFINITY;
        assert!(estimate.log_weights.iter().all(finite), "{what}");
        let weights: Vec<f64> = estimate
            .log_weights
            .iter()
            .map(|w| (w - log_z).exp())
            .collect();
        let (mean, error) = mean_and_error(&weights);
        assert_within_error(mean, 1.0, error, what);
        assert!((estimate.log_partition - log_z - mean.ln()).abs() < 1e-9);
        assert_eq!(estimate.mean_bound, f64::NEG_INFINITY);
        let Interval { low, high } = estimate.interval;
        assert!(low < estimate.log_partition && estimate.log_partition < high);
        assert!(
            (high - low - 2.0 * 1.96 * error / mean).abs() < 1e-3,
            "{what}"
        );
        assert!((100.0..2000.0).contains(&estimate.effective_sample_size));

        // In reverse: from exact draws of the half, which never come to the other half of the base,
        // and from what are no draws of the model.
        let z: Tensor<2> = Noise::new(16).normal([4000, 1], device);
        let exact = reverse(&annealing, &path, z.clone().abs().neg(), 17);
        assert_unbiased(&exact, log_z + LN_2, -1.0, what);
        let wrong = reverse(&annealing, &path, z.abs(), 17);
        assert_eq!(wrong.log_weights, [f64::NEG_INFINITY; 4000]);
        assert_eq!(wrong.log_partition, f64::INFINITY);
    }
    for device in devices() {
        check(WallWherePositive {}, &device, "+inf");
        check(NanWherePositive {}, &device, "NaN");
        check(Negation::new(WallWherePositive {}), &device, "-inf");
    }
}

/// No chain anywhere: an estimate of zero, without an interval.
#[test]
fn a_base_without_the_model_finds_nothing() {
    let device = Device::flex();
    let base = NormalDensity::isotropic(50.0, 1.0, &[1], &device);
    let kernel = |_| RandomWalkMetropolis::new(0.8);
    let path = EnergyPath::<_, _, _, 2>::new(WallWherePositive {}, base, kernel);
    let estimate = forward(&annealing(3, 20), &path, 18);
    assert_eq!(estimate.log_partition, f64::NEG_INFINITY);
    let nothing = Interval::new(f64::NEG_INFINITY, f64::INFINITY);
    assert_eq!(estimate.interval, nothing);
    assert_eq!(estimate.effective_sample_size, 0.0);
}

/// A box as base leaves out what is outside of it; in reverse such samples have the weight 0.
#[test]
fn a_box_counts_what_is_inside() {
    for device in devices() {
        let base = UniformDensity::new([-1.0, 2.0], &[1], &device);
        let kernel = |_| Mala::new(0.1).with_bounds([-1.0, 2.0]);
        let path = EnergyPath::<_, _, _, 2>::new(DoubleWell {}, base, kernel);
        let log_z = log_integral(DoubleWell::at, (-1.0, 2.0));
        let estimate = forward(&annealing(8, 4000), &path, 19);
        assert_unbiased(&estimate, log_z, 1.0, "box");
        let samples: Tensor<2> = tensor(&[0.5, 2.5], [2, 1], &device);
        let back = reverse(&annealing(8, 2), &path, samples, 20).log_weights;
        assert!(back[0].is_finite() && back[1] == f64::NEG_INFINITY);
    }
}

/// `p*_beta(x) = q(x)^(1 - beta) exp(-beta E(x))` as the energy that kernels see and as the ratio
/// that weights are made of.
#[test]
fn the_path_is_the_documented_one() {
    for device in devices() {
        let base = normal(1.3, 2, &device);
        let x: Tensor<2> = Noise::new(21).normal([20, 2], &device);
        let kernel = |_| RandomWalkMetropolis::new(0.5);
        let path = EnergyPath::<_, _, _, 2>::new(DoubleWell {}, base, kernel);
        let at = |beta: f64| -> Vec<f64> {
            let x = values(x.clone());
            let log_density = |x: &f64| {
                let z = (x - 0.3) / 1.3;
                let log_q = -0.5 * (z * z + TAU.ln()) - 1.3_f64.ln();
                (1.0 - beta) * log_q - beta * DoubleWell::at(*x)
            };
            x.chunks(2)
                .map(|x| x.iter().map(log_density).sum())
                .collect()
        };
        for (from, to) in [(0.0, 0.25), (0.25, 1.0), (1.0, 0.5), (0.5, 0.0)] {
            let ratio: Vec<f64> = at(to).iter().zip(at(from)).map(|(a, b)| a - b).collect();
            let found = values(path.log_ratio(&x, from, to));
            assert_close_to(&found, &ratio, 1e-4);
            let energy = values(path.energy_at(from).energy(x.clone()));
            let expected: Vec<f64> = at(from).iter().map(|log| -log).collect();
            assert_close_to(&energy, &expected, 1e-4);
        }
    }
}

#[test]
fn images_are_annealed_as_vectors_are() {
    for device in devices() {
        let energy = Quadratic::new(1.5, &device);
        let kernel = |_| Mala::new(0.2);
        let base = normal(1.2, 6, &device);
        let vectors = EnergyPath::<_, _, _, 2>::new(energy.clone(), base, kernel);
        let base = NormalDensity::isotropic(0.3, 1.2, &[2, 1, 3], &device);
        let images = EnergyPath::<_, _, _, 4>::new(energy, base, kernel);
        let annealing = annealing(5, 30);
        let (vectors, images) = (
            forward(&annealing, &vectors, 22),
            forward(&annealing, &images, 22),
        );
        assert_eq!(images.states.dims(), [30, 2, 1, 3]);
        assert_close_to(&values(images.states), &values(vectors.states), 1e-5);
        assert_close_to(&images.log_weights, &vectors.log_weights, 1e-4);
    }
}

#[test]
#[should_panic(expected = "annealing needs transitions at each temperature, got 0")]
fn no_transitions_are_refused() {
    let device = Device::flex();
    let path =
        EnergyPath::<_, _, _, 2>::new(DoubleWell {}, normal(1.0, 1, &device), |_| Mala::new(0.1));
    let _ = path.with_transitions(0);
}

/// Pinned, to be changed only on purpose.
#[test]
fn the_numbers_of_a_seed() {
    for device in devices() {
        let base = normal(1.0, 1, &device);
        let path = EnergyPath::<_, _, _, 2>::new(DoubleWell {}, base, |b| Mala::new(0.1 / b));
        let estimate = forward(&annealing(4, 3), &path.with_transitions(2), 42);
        assert_close_to(&estimate.log_weights, &PINNED, 1e-5);
    }
}

const PINNED: [f64; 3] = [2.049_461_87, -0.036_329_84, 1.613_134_89];
