//! Metropolis-Hastings with any proposal: log-ratios, reported probabilities, refusals.
#![allow(clippy::unwrap_used)]

mod common;

use burn::tensor::{Device, Tensor};
use common::{
    DoubleWell, NanWherePositive, Quadratic, Quartic, Tabulated, WallWherePositive, assert_even,
    assert_uniform, assert_within_error, cells, devices, exact_draws, tensor, values,
};
use ebm_models::{Coding, Energy};
use ebm_ops::Noise;
use ebm_sampling::density::NormalDensity;
use ebm_sampling::hamiltonian::HamiltonianMonteCarlo;
use ebm_sampling::metropolis_hastings::{
    BitFlips, EnergyState, GaussianWalk, GibbsWithGradients, Independence, Mala,
    MetropolisHastings, Proposal, RandomWalkMetropolis, UniformWalk,
};
use ebm_sampling::{Kernel, run};

/// A multiplicative walk over positive values, `x' = x exp(s z)`: `q(x' | x)` is log-normal,
/// `N(log x'; log x, s^2) / x'`, so that `log q(x | x') - log q(x' | x) = log x' - log x`.
struct LogNormalWalk {
    scale: f64,
    /// Whether it tells its log-ratio, as it must.
    honest: bool,
}

impl<E: Energy<2>> Proposal<E, 2> for LogNormalWalk {
    type State = EnergyState<2>;

    fn propose(&self, from: &EnergyState<2>, _: f64, noise: &mut Noise) -> Tensor<2> {
        let x = from.position.clone();
        let z: Tensor<2> = noise.normal(x.shape(), &x.device());
        x * z.mul_scalar(self.scale).exp()
    }

    fn log_ratio(&self, from: &EnergyState<2>, to: &EnergyState<2>, _: f64) -> Option<Tensor<1>> {
        let ratio = (to.position.clone().log() - from.position.clone().log()).sum_dim(1);
        self.honest.then(|| ratio.squeeze_dim(1))
    }
}

/// `E(x) = sum_i x_i - log x_i`: gamma distributions of shape 2, `P(x < t) = 1 - exp(-t) (1 + t)`.
#[derive(Clone, Debug)]
struct Gamma {}

impl Energy<2> for Gamma {
    fn energy(&self, x: Tensor<2>) -> Tensor<1> {
        (x.clone() - x.log()).sum_dim(1).squeeze_dim(1)
    }
}

/// With its log-ratio the walk keeps the gamma distribution. Without it it keeps the target divided
/// by `x` (each value), which here is the exponential distribution, of mean 1 in place of 2; with
/// the wrong sign it would be the target over `x^2`.
#[test]
fn an_asymmetric_proposal_is_exact_by_its_log_ratio() {
    for device in devices() {
        for honest in [true, false] {
            let mut noise = Noise::new(1);
            let proposal = LogNormalWalk { scale: 0.7, honest };
            let kernel = MetropolisHastings::proposing(proposal);
            let exponential = |noise: &mut Noise| {
                let u: Tensor<2> = noise.uniform([20_000, 2], &device);
                u.neg().add_scalar(1.0).log().neg().clamp_min(1e-7)
            };
            let start = match honest {
                true => exponential(&mut noise) + exponential(&mut noise),
                false => exponential(&mut noise),
            };
            let chains = run(&kernel, &Gamma {}, start, 20, &mut noise);
            let share = values(chains.acceptance().unwrap().mean())[0];
            assert!((0.3..0.9).contains(&share), "{share}");
            let end = values(chains.position);
            let gamma = |x: &f64| 1.0 - (-x).exp() * (1.0 + x);
            if honest {
                assert_uniform(end.iter().map(gamma).collect(), "gamma");
            } else {
                let probabilities = end.iter().map(|x| 1.0 - (-x).exp());
                assert_uniform(probabilities.collect(), "exponential");
                let below = end.iter().filter(|&&x| x < 1.0).count() as f64 / end.len() as f64;
                // Of the gamma distribution 26 % lie below 1, of the exponential 63 %.
                assert!(below > 2.0 * gamma(&1.0), "{below}");
            }
        }
    }
}

/// To a given place with a given log-ratio.
struct Given {
    to: Vec<f64>,
    log_ratio: f64,
}

impl<E: Energy<2>> Proposal<E, 2> for Given {
    type State = EnergyState<2>;

    fn propose(&self, from: &EnergyState<2>, _: f64, _: &mut Noise) -> Tensor<2> {
        tensor(&self.to, from.position.dims(), &from.position.device())
    }

    fn log_ratio(&self, from: &EnergyState<2>, _: &EnergyState<2>, _: f64) -> Option<Tensor<1>> {
        Some(from.energy.zeros_like().add_scalar(self.log_ratio))
    }
}

/// `min(1, exp(-(E' - E) / T + r))`, to the rounding of f32.
#[test]
fn the_acceptance_probability_is_that_of_the_formula() {
    let from = [0.0, 0.5, -1.0, 2.0, 3.0, 0.25];
    let to = [1.0, 0.25, 1.0, 2.5, -4.0, 30.0];
    for device in devices() {
        for temperature in [1.0, 0.4, 5.0] {
            for log_ratio in [0.0, 0.75, -1.5] {
                let proposal = Given {
                    to: to.to_vec(),
                    log_ratio,
                };
                let kernel = MetropolisHastings::proposing(proposal).with_temperature(temperature);
                let start = tensor(&from, [6, 1], &device);
                let state = kernel.init(&Quadratic::new(2.0, &device), start);
                let energy = Quadratic::new(2.0, &device);
                let (_, info) = kernel.step(&energy, state, &mut Noise::new(2));
                let found = values(info.acceptance_probability.unwrap());
                for (found, (from, to)) in found.iter().zip(from.iter().zip(to)) {
                    let exponent = (from * from - to * to) / temperature + log_ratio;
                    let expected = exponent.exp().min(1.0);
                    assert!((found - expected).abs() < 1e-6, "{found} and {expected}");
                }
            }
        }
    }
}

/// Accepted or not is a coin of that probability, step by step: the sum of the differences has the
/// variance `sum p (1 - p)`. Each kernel that rejects; false-positive rate 5.7e-7 each.
#[test]
fn the_share_of_accepted_proposals_is_their_probability() {
    fn check<K: Kernel<DoubleWell, Tensor<2>>>(kernel: &K, device: &Device, what: &str) {
        let mut noise = Noise::new(3);
        let start: Tensor<2> = noise.normal([2_000, 2], device);
        let mut state = kernel.init(&DoubleWell {}, start.clone());
        let (mut difference, mut variance) = (0.0, 0.0);
        for _ in 0..10 {
            let info;
            (state, info) = kernel.step(&DoubleWell {}, state, &mut noise);
            let accepted = values(info.accepted.unwrap());
            let probabilities = values(info.acceptance_probability.unwrap());
            for (accepted, p) in accepted.iter().zip(&probabilities) {
                assert!((0.0..=1.0).contains(p), "{p}");
                difference += accepted - p;
                variance += p * (1.0 - p);
            }
        }
        assert!(variance > 100.0, "{what}: {variance}");
        assert_within_error(difference, 0.0, variance.sqrt(), what);
        // The totals of a run are means over its steps.
        let chains = run(kernel, &DoubleWell {}, start, 10, &mut Noise::new(4));
        let shares = values(chains.acceptance().unwrap().mean())[0];
        let mean = values(chains.acceptance_probability().unwrap().mean())[0];
        assert_within_error(shares, mean, variance.sqrt() / 20_000.0, what);
    }
    for device in devices() {
        check(&RandomWalkMetropolis::new(0.7), &device, "Gaussian walk");
        let uniform = MetropolisHastings::proposing(UniformWalk { half_width: 1.0 });
        check(&uniform, &device, "uniform walk");
        let density = NormalDensity::isotropic(0.0, 1.2, &[2], &device);
        let independence = MetropolisHastings::proposing(Independence { density });
        check(&independence, &device, "independence");
        check(&Mala::new(0.1), &device, "MALA");
        check(&HamiltonianMonteCarlo::new(0.35, 4), &device, "HMC");
        let coding = Coding::Spin;
        let flips = MetropolisHastings::proposing(BitFlips { flips: 1, coding });
        check(&flips, &device, "flips");
        check(&GibbsWithGradients::new(coding), &device, "gradients");
    }
}

/// `E(x) = x^2 / 2`, but `-inf` where `x` is above 1: a density that is infinite there.
#[derive(Clone, Debug)]
struct Pole {}

impl Energy<2> for Pole {
    fn energy(&self, x: Tensor<2>) -> Tensor<1> {
        let above = x.clone().greater_scalar(1.0);
        let energies = x
            .square()
            .mul_scalar(0.5)
            .mask_fill(above, f64::NEG_INFINITY);
        energies.sum_dim(1).squeeze_dim(1)
    }
}

/// An infinite density is no place to be: the rest is sampled, here a normal cut at 1.
#[test]
fn an_energy_of_minus_infinity_is_rejected() {
    let density = Tabulated::new(|x| x * x / 2.0, 1.0, (-6.0, 1.0));
    for device in devices() {
        let mut noise = Noise::new(5);
        let start = exact_draws(1, &density, &device, &mut noise);
        let kernel = RandomWalkMetropolis::new(1.0);
        let chains = run(&kernel, &Pole {}, start, 10, &mut noise);
        assert!(values(chains.acceptance().unwrap().mean())[0] < 0.9);
        let end = values(chains.position);
        assert!(end.iter().all(|&x| x <= 1.0));
        let mut counts = [0; 36];
        for cell in cells(&end, &density, 36) {
            counts[cell] += 1;
        }
        assert_even(&counts, "cut normal");
    }
}

/// Chains that start at `+inf` go to the first finite energy, where the energy is `-inf` or not a
/// number they stay.
#[test]
fn where_a_chain_starts_decides_whether_it_may_leave() {
    let far = GaussianWalk { scale: 10.0 };
    for device in devices() {
        let wall = tensor(&[0.5; 200], [200, 1], &device);
        let kernel = MetropolisHastings::proposing(far);
        let mut state = kernel.init(&WallWherePositive {}, wall);
        let mut noise = Noise::new(6);
        for _ in 0..40 {
            let before = values(state.position.clone());
            let info;
            (state, info) = kernel.step(&WallWherePositive {}, state, &mut noise);
            let accepted = values(info.accepted.unwrap());
            for ((before, after), accepted) in before
                .iter()
                .zip(values(state.position.clone()))
                .zip(accepted)
            {
                // Half of the proposals from the wall are below it, and each of those is taken.
                assert_eq!(accepted == 1.0, *before != after);
                assert!(after == 0.5 || after <= 0.0, "{after}");
            }
        }
        // (1/2)^40 a chain.
        assert!(values(state.position).iter().all(|&x| x <= 0.0));

        let broken = tensor(&[0.5; 200], [200, 1], &device);
        let chains = run(&kernel, &NanWherePositive {}, broken.clone(), 5, &mut noise);
        assert_eq!(values(chains.position.clone()), values(broken));
        assert_eq!(values(chains.acceptance_probability().unwrap()), [0.0; 200]);
        let pole = tensor(&[1.5; 200], [200, 1], &device);
        let chains = run(&kernel, &Pole {}, pole.clone(), 5, &mut noise);
        assert_eq!(values(chains.position), values(pole));
    }
}

/// Bounds with proposals that follow the gradient or come from elsewhere: the target inside them is
/// kept, and no chain leaves.
#[test]
fn bounds_hold_for_every_proposal() {
    fn check<K: Kernel<DoubleWell, Tensor<2>>>(kernel: &K, device: &Device, what: &str) {
        let density = Tabulated::new(DoubleWell::at, 1.0, (-0.8, 1.3));
        let mut noise = Noise::new(7);
        let start = exact_draws(1, &density, device, &mut noise);
        let end = values(run(kernel, &DoubleWell {}, start, 10, &mut noise).position);
        let rounded = |x: f64| f64::from(x as f32);
        assert!(
            end.iter().all(|&x| x >= rounded(-0.8) && x <= rounded(1.3)),
            "{what}"
        );
        let mut counts = [0; 36];
        for cell in cells(&end, &density, 36) {
            counts[cell] += 1;
        }
        assert_even(&counts, what);
    }
    for device in devices() {
        check(&Mala::new(0.08).with_bounds([-0.8, 1.3]), &device, "MALA");
        let density = NormalDensity::isotropic(0.2, 0.8, &[1], &device);
        let kernel = MetropolisHastings::proposing(Independence { density });
        check(&kernel.with_bounds([-0.8, 1.3]), &device, "independence");
        let kernel = MetropolisHastings::proposing(UniformWalk { half_width: 0.7 });
        check(&kernel.with_bounds([-0.8, 1.3]), &device, "uniform walk");
    }
}

/// An energy that doesn't see them lets values through that aren't numbers; bounds don't.
#[test]
fn bounds_refuse_what_is_not_a_number() {
    for device in devices() {
        let proposal = Given {
            to: vec![f64::NAN, 0.5, f64::INFINITY],
            log_ratio: 1.0,
        };
        let kernel = MetropolisHastings::proposing(proposal).with_bounds([-1.0, 1.0]);
        let start = tensor(&[0.0; 3], [3, 1], &device);
        let end = run(&kernel, &Blind {}, start, 1, &mut Noise::new(8)).position;
        assert_eq!(values(end), [0.0, 0.5, 0.0]);
    }
}

/// `E(x) = 0`.
#[derive(Clone, Debug)]
struct Blind {}

impl Energy<2> for Blind {
    fn energy(&self, x: Tensor<2>) -> Tensor<1> {
        Tensor::zeros([x.dims()[0]], &x.device())
    }
}

#[test]
#[should_panic(expected = "a temperature must be above 0, found -1")]
fn a_negative_temperature_is_refused() {
    let start = Tensor::<2>::zeros([1, 1], &Device::flex());
    let kernel = RandomWalkMetropolis::new(1.0).with_temperature(-1.0);
    kernel.init(&DoubleWell {}, start);
}

#[test]
#[should_panic(expected = "bounds need low < high, found low = 1 and high = -1")]
fn bounds_the_wrong_way_round_are_refused() {
    let _ = RandomWalkMetropolis::new(1.0).with_bounds([1.0, -1.0]);
}

/// A quartic from so far away that steps overflow: chains move to finite places or stay, and never
/// say that an infinite place was accepted.
#[test]
fn extreme_starts_stay_finite() {
    fn check<K: Kernel<Quartic, Tensor<2>>>(kernel: &K, device: &Device, what: &str) {
        let start = tensor(&[1e4, 1e4, 1e6, 1e6, -1e10, 1e10], [3, 2], device);
        let chains = run(kernel, &Quartic {}, start, 20, &mut Noise::new(9));
        let shares = values(chains.acceptance().unwrap());
        let probabilities = values(chains.acceptance_probability().unwrap());
        let end = values(chains.position);
        assert!(end.iter().all(|x| x.is_finite()), "{what}: {end:?}");
        for probability in shares.iter().chain(&probabilities) {
            assert!((0.0..=1.0).contains(probability), "{what}: {probability}");
        }
    }

    for device in devices() {
        check(&RandomWalkMetropolis::new(1.0), &device, "random walk");
        check(&Mala::new(1e-3), &device, "MALA");
        check(&HamiltonianMonteCarlo::new(1e-3, 5), &device, "HMC");
        let density = NormalDensity::isotropic(0.0, 1.0, &[2], &device);
        let independence = MetropolisHastings::proposing(Independence { density });
        check(&independence, &device, "independence");
    }
}

/// In 100 dimensions each value keeps mean 0 and variance 1 (the sums over all values and chains,
/// which are independent), and the squared norm its variance of 2 a value.
#[test]
fn a_normal_of_many_values_is_kept() {
    fn check<K: Kernel<Quadratic, Tensor<2>>>(kernel: &K, device: &Device, what: &str) {
        const CHAINS: usize = 1_000;
        let mut noise = Noise::new(10);
        let energy = Quadratic::new(1.0, device);
        let start: Tensor<2> = noise.normal([CHAINS, 100], device);
        let chains = run(kernel, &energy, start.clone(), 10, &mut noise);
        let share = values(chains.acceptance().unwrap().mean())[0];
        assert!((0.2..0.98).contains(&share), "{what}: accepted {share}");
        let end = values(chains.position);
        let n = end.len() as f64;
        let mean = end.iter().sum::<f64>() / n;
        assert_within_error(mean, 0.0, 1.0 / n.sqrt(), what);
        let norms: Vec<f64> = end
            .chunks(100)
            .map(|x| x.iter().map(|x| x * x).sum::<f64>() - 100.0)
            .collect();
        let bias = norms.iter().sum::<f64>() / n;
        assert_within_error(bias, 0.0, (2.0 / n).sqrt(), what);
        // |x|^2 has variance 200 and fourth central moment 12 * 100 * 104, so its square has variance 84,800.
        let spread = norms.iter().map(|r| r * r).sum::<f64>() / CHAINS as f64;
        let error = (84_800.0 / CHAINS as f64).sqrt();
        assert_within_error(spread, 200.0, error, what);
    }
    for device in devices() {
        check(&RandomWalkMetropolis::new(0.15), &device, "random walk");
        check(&Mala::new(0.15), &device, "MALA");
        check(&HamiltonianMonteCarlo::new(0.4, 5), &device, "HMC");
    }
}

#[test]
fn a_kernel_survives_its_serialised_form() {
    let kernel = GibbsWithGradients::new(Coding::Binary)
        .with_temperature(0.5)
        .with_bounds([0.0, 1.0]);
    let text = serde_json::to_string(&kernel).unwrap();
    let back: GibbsWithGradients = serde_json::from_str(&text).unwrap();
    assert_eq!(back, kernel, "{text}");
}
