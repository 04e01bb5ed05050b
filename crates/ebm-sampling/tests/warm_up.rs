//! Warm-up learns from chains of finite energy, and leaves a kernel that moves.
#![allow(clippy::unwrap_used)]

mod common;

use burn::tensor::{Device, Tensor};
use common::{Quadratic, values};
use ebm_models::Energy;
use ebm_ops::Noise;
use ebm_sampling::adaptation::{
    StepSize, adapt_step_size, chees_adaptation, find_reasonable_step_size, window_adaptation,
};
use ebm_sampling::hamiltonian::HamiltonianMonteCarlo;
use ebm_sampling::metropolis_hastings::{Mala, RandomWalkMetropolis};
use ebm_sampling::{Kernel, Run, run};

/// `E(x) = |x|^2 / 2` where the first value is not above 3, `beyond` where it is: a wall that
/// chains inside hardly ever meet.
#[derive(Clone, Debug)]
struct Walled {
    beyond: f64,
}

impl Energy<2> for Walled {
    fn energy(&self, x: Tensor<2>) -> Tensor<1> {
        let first: Tensor<1> = x.clone().narrow(1, 0, 1).squeeze_dim(1);
        let energy: Tensor<1> = x.square().sum_dim(1).squeeze_dim(1);
        energy
            .mul_scalar(0.5)
            .mask_fill(first.greater_scalar(3.0), self.beyond)
    }
}

const CHAINS: usize = 200;
/// Chains, the last ones, that start beyond the wall: 55 %.
const BEYOND: usize = 110;

/// Draws from the normal, the last chains put beyond the wall.
fn start(device: &Device, noise: &mut Noise) -> Tensor<2> {
    let inside: Tensor<2> = noise.normal([CHAINS - BEYOND, 2], device);
    let inside = inside.clamp_max(2.5);
    let beyond: Tensor<2> = noise.normal([BEYOND, 2], device);
    Tensor::cat(vec![inside, beyond.add_scalar(40.0)], 0)
}

/// The mean acceptance of fresh chains inside, 10 transitions each.
fn acceptance<K: Kernel<Walled, Tensor<2>>>(kernel: &K) -> f64 {
    let device = Device::flex();
    let mut noise = Noise::new(99);
    let inside: Tensor<2> = noise.normal([1000, 2], &device);
    let energy = Walled { beyond: f64::NAN };
    let chains = run(kernel, &energy, inside.clamp_max(2.5), 10, &mut noise);
    values(chains.acceptance_probability().unwrap().mean())[0]
}

/// What was said of the chains: those that stay beyond are left out of every step, the others of
/// none.
fn assert_left_out(warm: &Run<Tensor<2>>, steps: usize, what: &str) {
    let left_out = values(warm.left_out().unwrap());
    let expected: Vec<f64> = (0..CHAINS)
        .map(|chain| {
            if chain < CHAINS - BEYOND {
                0.0
            } else {
                steps as f64
            }
        })
        .collect();
    assert_eq!(left_out, expected, "{what}");
}

/// Of a kernel that comes to its target acceptance with all chains inside. 90 chains over the
/// second half of a warm-up and 1000 fresh ones have standard errors of less than 0.01 each: what
/// is off by 0.1 is off by more than five of them.
fn assert_finds<K>(kernel: &K, beyond: f64, what: &str)
where
    K: Kernel<Walled, Tensor<2>> + StepSize,
    K::State: Clone,
{
    let device = Device::flex();
    let energy = Walled { beyond };
    for (seed, factor) in [(1, 20.0), (2, 1.0 / 20.0)] {
        let mut noise = Noise::new(seed);
        let first = kernel.with_step_size(kernel.step_size() * factor);
        let start = start(&device, &mut noise);
        let target = K::TARGET_ACCEPTANCE;
        let (tuned, warm) =
            adapt_step_size(&first, &energy, start.clone(), 150, target, &mut noise);
        let found = acceptance(&tuned);
        assert!(
            (found - target).abs() < 0.1,
            "{what}, {beyond}, {factor}: accepted {found}, wanted {target}"
        );
        // A wall of NaN keeps chains where they are; in an infinite energy they go where a proposal
        // finds the way.
        if beyond.is_nan() {
            assert_left_out(&warm, 150, what);
        }
        let reasonable = find_reasonable_step_size(&first, &energy, start, &mut noise);
        // Doubled to beyond where half is accepted, or halved to before.
        let short = reasonable.with_step_size(0.5 * reasonable.step_size());
        let long = reasonable.with_step_size(2.0 * reasonable.step_size());
        let (short, long) = (acceptance(&short), acceptance(&long));
        assert!(short > 0.4 && long < 0.6, "{what}: {short}, {long}");
    }
}

#[test]
fn chains_without_a_finite_energy_do_not_drive_the_step() {
    for beyond in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        assert_finds(&HamiltonianMonteCarlo::new(0.9, 2), beyond, "Hamiltonian");
        assert_finds(&Mala::new(1.0), beyond, "MALA");
        assert_finds(&RandomWalkMetropolis::new(1.5), beyond, "random walk");
    }
}

/// The metric too is that of the chains inside: 1, not the square of the distance to those beyond,
/// which would be 400. Its error is below 0.15, five standard errors of the variance of 90
/// independent chains over some ten independent draws each.
#[test]
fn windows_leave_chains_without_a_finite_energy_out() {
    let device = Device::flex();
    for beyond in [f64::NAN, f64::NEG_INFINITY] {
        let mut noise = Noise::new(3);
        let start = start(&device, &mut noise);
        let kernel = HamiltonianMonteCarlo::new(0.1, 4).with_random_length();
        let energy = Walled { beyond };
        for steps in [20, 60, 300] {
            let (tuned, warm) =
                window_adaptation(&kernel, &energy, start.clone(), steps, 0.8, &mut noise);
            assert_left_out(&warm, steps, "windows");
            let found = acceptance(&tuned);
            assert!(found > 0.4, "{beyond}, {steps} steps: accepted {found}");
            if steps == 300 {
                assert!((found - 0.8).abs() < 0.1, "{beyond}: accepted {found}");
                for metric in values(tuned.inverse_mass_matrix.unwrap()) {
                    assert!((metric - 1.0).abs() < 0.15, "{beyond}: metric {metric}");
                }
            }
        }
    }
}

/// The length is that which chains inside alone give, within a third; without them it goes wherever
/// the distance between the two groups sends it.
#[test]
fn lengths_leave_chains_without_a_finite_energy_out() {
    let device = Device::flex();
    let longest =
        |kernel: &HamiltonianMonteCarlo| kernel.step_size * (2 * kernel.leapfrog_steps - 1) as f64;
    let kernel = HamiltonianMonteCarlo::new(0.2, 1);
    let energy = Walled { beyond: f64::NAN };
    let mut noise = Noise::new(4);
    let all = start(&device, &mut noise);
    let inside = all.clone().narrow(0, 0, CHAINS - BEYOND);
    let adapt = |start: Tensor<2>, noise: &mut Noise| {
        chees_adaptation(&kernel, &energy, start, 400, 0.651, noise)
    };
    let (alone, unhindered) = adapt(inside, &mut noise);
    assert!(unhindered.left_out().is_none());
    let (tuned, warm) = adapt(all, &mut noise);
    assert_left_out(&warm, 400, "lengths");
    let ratio = longest(&tuned) / longest(&alone);
    assert!((0.67..1.5).contains(&ratio), "{tuned:?}, alone {alone:?}");
    let found = acceptance(&tuned);
    assert!(found > 0.5, "accepted {found}");
}

/// Nothing is learnt where no chain has a finite energy, nor in no step.
#[test]
fn without_anything_to_learn_from_the_kernel_stays() {
    let device = Device::flex();
    let nowhere = Tensor::<2>::full([5, 2], 40.0, &device);
    let inside = Tensor::<2>::zeros([5, 2], &device);
    let energy = Walled { beyond: f64::NAN };
    let kernel = HamiltonianMonteCarlo::new(0.3, 5);
    for (start, steps) in [(nowhere.clone(), 0), (nowhere, 100), (inside, 0)] {
        let mut noise = Noise::new(5);
        let (tuned, _) = adapt_step_size(&kernel, &energy, start.clone(), steps, 0.8, &mut noise);
        assert_eq!(tuned.step_size, 0.3);
        let (tuned, warm) =
            window_adaptation(&kernel, &energy, start.clone(), steps, 0.8, &mut noise);
        assert_eq!(tuned.step_size, 0.3);
        assert!(tuned.inverse_mass_matrix.is_none());
        assert_eq!(values(warm.position), values(start.clone()));
        let (tuned, _) = chees_adaptation(&kernel, &energy, start, steps, 0.8, &mut noise);
        assert_eq!((tuned.step_size, tuned.leapfrog_steps), (0.3, 5));
    }
}

/// From first steps that are too short, right and too long, in 2 and in 50 dimensions. After few
/// steps no more is asked for than half of the target, 0.4, in four transitions, whose random
/// lengths may have been short ones: a quarter must be accepted.
#[test]
fn few_steps_leave_a_step_at_which_chains_move() {
    let device = Device::flex();
    let energy = Quadratic::new(1.0, &device);
    for dimensions in [2, 50] {
        for first in [0.01, 0.3, 1.0, 30.0] {
            for steps in 1..=12 {
                let mut noise = Noise::new(6);
                let start: Tensor<2> = noise.normal([2000, dimensions], &device);
                let kernel = HamiltonianMonteCarlo::new(first, 2);
                let adapted = [
                    ("step size", {
                        let start = start.clone();
                        adapt_step_size(&kernel, &energy, start, steps, 0.8, &mut noise).0
                    }),
                    ("windows", {
                        let start = start.clone();
                        window_adaptation(&kernel, &energy, start, steps, 0.8, &mut noise).0
                    }),
                    ("lengths", {
                        let start = start.clone();
                        chees_adaptation(&kernel, &energy, start, steps, 0.8, &mut noise).0
                    }),
                ];
                for (what, tuned) in adapted {
                    let chains = run(&tuned, &energy, start.clone(), 20, &mut noise);
                    let found = values(chains.acceptance_probability().unwrap().mean())[0];
                    let at = format!("{what}, {steps} steps from {first} in {dimensions}");
                    assert!(
                        found > 0.25,
                        "{at}: accepted {found} at {}",
                        tuned.step_size
                    );
                }
            }
        }
    }
}
