//! The runner makes as many steps as asked for, shows each, and can be stopped and continued.
#![allow(clippy::unwrap_used)]

mod common;

use burn::tensor::{Device, Tensor};
use common::{DoubleWell, devices, tensor, values};
use ebm_ops::Noise;
use ebm_sampling::langevin::Langevin;
use ebm_sampling::metropolis_hastings::RandomWalkMetropolis;
use ebm_sampling::{Kernel, StepInfo, run, run_with};

/// Positions that are no tensors: a walk on the integers that reports an acceptance pattern, or
/// none.
struct Walk {
    accepted: bool,
}

impl Kernel<(), i64> for Walk {
    type State = (i64, usize);

    fn init(&self, _energy: &(), position: i64) -> (i64, usize) {
        (position, 0)
    }

    fn step(
        &self,
        _energy: &(),
        (position, step): (i64, usize),
        noise: &mut Noise,
    ) -> ((i64, usize), StepInfo) {
        let move_by = noise.permutation(7)[0] as i64 - 3;
        // The first chain accepts every third step, the second all, the third none.
        let third = f64::from(u8::from(step % 3 == 0));
        let accepted = self
            .accepted
            .then(|| tensor(&[third, 1.0, 0.0], [3], &Device::flex()));
        (
            (position + move_by, step + 1),
            StepInfo {
                accepted,
                ..StepInfo::default()
            },
        )
    }

    fn position(&self, state: &(i64, usize)) -> i64 {
        state.0
    }
}

#[test]
fn every_step_is_made_once_and_observed_in_order() {
    let mut seen = Vec::new();
    let mut noise = Noise::new(1);
    let walk = Walk { accepted: false };
    let end = run_with(&walk, &(), 100, 20, &mut noise, |step, state, _| {
        seen.push((step, *state));
    });
    let mut position = 100;
    let mut expected_noise = Noise::new(1);
    for (index, (step, state)) in seen.iter().enumerate() {
        position += expected_noise.permutation(7)[0] as i64 - 3;
        assert_eq!((*step, *state), (index + 1, (position, index + 1)));
    }
    assert_eq!(seen.len(), 20);
    assert_eq!((end.position, end.steps), (position, 20));
    assert_eq!(noise, expected_noise);
    let unobserved = run(&walk, &(), 100, 20, &mut Noise::new(1));
    assert_eq!(unobserved.position, position);
}

#[test]
fn acceptance_is_the_mean_over_the_steps() {
    let walk = Walk { accepted: true };
    let after = |steps| run(&walk, &(), 0, steps, &mut Noise::new(1)).acceptance();
    // Steps 0, 3, 6, 9 of 10 and step 0 of 1.
    assert_eq!(values(after(10).unwrap()), [f64::from(0.4_f32), 1.0, 0.0]);
    assert_eq!(values(after(1).unwrap()), [1.0, 1.0, 0.0]);
    assert!(after(0).is_none());
    let silent = Walk { accepted: false };
    let silent = run(&silent, &(), 0, 10, &mut Noise::new(1));
    assert!(silent.acceptance().is_none());
}

fn assert_continues<K: Kernel<DoubleWell, Tensor<2>>>(kernel: &K, device: &Device) {
    let energy = DoubleWell {};
    let start: Tensor<2> = Noise::new(2).normal([10, 3], device);
    let mut whole_noise = Noise::new(3);
    let whole = run(kernel, &energy, start.clone(), 12, &mut whole_noise).position;
    for first in [0, 1, 5, 12] {
        let mut noise = Noise::new(3);
        let half = run(kernel, &energy, start.clone(), first, &mut noise);
        assert_eq!(half.steps, first);
        if first == 0 {
            assert_eq!(values(half.position.clone()), values(start.clone()));
            assert_eq!(noise, Noise::new(3));
        }
        let rest = run(kernel, &energy, half.position, 12 - first, &mut noise);
        assert_eq!(values(rest.position), values(whole.clone()), "{first}");
        assert_eq!(noise, whole_noise);
    }
}

#[test]
fn a_run_can_be_cut_anywhere() {
    for device in devices() {
        assert_continues(&Langevin::at_temperature(0.02, 1.0), &device);
        assert_continues(&RandomWalkMetropolis::new(0.5), &device);
    }
}
