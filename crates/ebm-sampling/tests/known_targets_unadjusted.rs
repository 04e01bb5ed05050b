//! Langevin chains that never reject have the law of their step, in closed form.

mod common;
mod targets;

use burn::tensor::Device;
use ebm_sampling::Schedule;
use ebm_sampling::langevin::{Langevin, UnderdampedLangevin};
use targets::{Gaussian, assert_turned, draws};

/// BAOAB's positions have the variance of a normal exactly, at any stable step: here up to 1.7 of 2
/// standard deviations of the thin direction.
#[test]
fn underdamped_langevin_has_no_bias_in_positions() {
    let target = Gaussian::turned(0.1, [0.0; 2], &Device::flex());
    let schedule = Schedule::new(150, 500).with_thin(10);
    for (index, (step_size, friction)) in [(0.17, 1.0), (0.05, 2.0)].into_iter().enumerate() {
        let kernel = UnderdampedLangevin::new(step_size, friction);
        let draws = draws(&kernel, &target, (64, 2, 3.0), schedule, index as u64);
        assert_turned(&draws, [1.0, 0.1], &format!("step {step_size}"));
    }
}

/// `V = v / (1 - s / (2 v))`: in the thin direction twice the variance of the target.
#[test]
fn unadjusted_langevin_has_the_bias_of_the_closed_form() {
    let target = Gaussian::turned(0.1, [0.0; 2], &Device::flex());
    let step_size = 0.01;
    let kernel = Langevin::at_temperature(step_size, 1.0);
    let schedule = Schedule::new(500, 500).with_thin(20);
    let draws = draws(&kernel, &target, (64, 2, 3.0), schedule, 3);
    let stds = [1.0_f64, 0.01].map(|v| (v / (1.0 - step_size / (2.0 * v))).sqrt());
    assert_turned(&draws, stds, "ULA");
}
