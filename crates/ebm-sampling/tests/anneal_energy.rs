//! Annealing of any energy ends at its lowest, or at the distribution of its last temperature.
#![allow(clippy::unwrap_used)]

mod common;

use burn::tensor::{Device, Tensor};
use common::{
    DoubleWell, NanWherePositive, Tabulated, assert_close_to, assert_even, cells, devices, tensor,
    values,
};
use ebm_models::{Energy, WeightedSum};
use ebm_ops::Noise;
use ebm_sampling::langevin::Langevin;
use ebm_sampling::metropolis_hastings::{Mala, RandomWalkMetropolis};
use ebm_sampling::run;
use ebm_sampling::tempering::{AnnealedEnergy, TemperatureSchedule, anneal_energy};

fn walk(temperature: f64) -> RandomWalkMetropolis {
    RandomWalkMetropolis::new(0.6 * temperature.sqrt())
}

/// All chains start in the higher of two wells, one a nat above the other with three nats between:
/// cold chains stay there, annealed ones end in the deeper, of which 1 / (1 + exp(-1 / T)) = 88 %
/// are there when the wells part at a T of about 0.5.
#[test]
fn chains_end_in_the_deeper_well() {
    for device in devices() {
        let start: Tensor<2> = tensor(&[0.93; 500], [500, 1], &device);
        let mut noise = Noise::new(1);
        let share = |x: Tensor<2>| {
            let x = values(x);
            x.iter().filter(|&&x| x < 0.0).count() as f64 / x.len() as f64
        };
        let cold = WeightedSum::new(vec![DoubleWell {}], vec![1.0 / 0.05]);
        let stuck = run(&walk(0.05), &cold, start.clone(), 400, &mut noise).position;
        assert!(share(stuck) < 0.02);
        let schedule = TemperatureSchedule::geometric(1.0, 0.05, 200).unwrap();
        let annealed = anneal_energy(&DoubleWell {}, start, &schedule, 8, walk, &mut noise);
        let deeper = share(annealed.last.clone());
        assert!(deeper > 0.8, "{deeper}");
        let energies = values(DoubleWell {}.energy(annealed.lowest.clone()));
        assert_eq!(values(annealed.lowest_energy), energies);
        let last = values(DoubleWell {}.energy(annealed.last));
        assert!(energies.iter().zip(&last).all(|(low, last)| low <= last));
        assert!(energies.iter().zip(&last).any(|(low, last)| low < last));
        // The deepest place, found on a grid.
        let grid = (0..4000).map(|i| DoubleWell::at(-2.0 + f64::from(i) * 1e-3));
        let deepest = grid.fold(f64::INFINITY, f64::min);
        let best = energies.into_iter().fold(f64::INFINITY, f64::min);
        assert!((best - deepest).abs() < 1e-3, "{best}, {deepest}");
    }
}

/// A schedule of one temperature keeps exact draws of `exp(-E / T)`: chi-square of 36 cells,
/// 2.9e-7.
#[test]
fn a_single_temperature_is_stationary() {
    let density = Tabulated::new(DoubleWell::at, 2.5, (-4.5, 4.5));
    for device in devices() {
        let mut noise = Noise::new(2);
        let start = common::exact_draws(1, &density, &device, &mut noise);
        let schedule = TemperatureSchedule::linear(2.5, 2.5, 3).unwrap();
        let kernel = |t: f64| Mala::new(0.05 * t);
        let end = anneal_energy(&DoubleWell {}, start, &schedule, 2, kernel, &mut noise);
        let mut counts = [0; 36];
        for cell in cells(&values(end.last), &density, 36) {
            counts[cell] += 1;
        }
        assert_even(&counts, &format!("{device:?}"));
    }
}

/// A start that has no energy is never named the lowest, and unadjusted steps to where there is
/// none are taken back.
#[test]
fn what_is_not_a_number_is_no_valley() {
    for device in devices() {
        let start: Tensor<2> = tensor(&[-0.1, 1.0], [2, 1], &device);
        let schedule = TemperatureSchedule::geometric(1.0, 0.1, 5).unwrap();
        let mut noise = Noise::new(3);
        let end = anneal_energy(&NanWherePositive {}, start, &schedule, 2, walk, &mut noise);
        let lowest = values(end.lowest_energy);
        assert_eq!(lowest[0], 0.0);
        assert_eq!(lowest[1], f64::INFINITY);
        assert!(values(end.last)[0] < 0.0);

        let start: Tensor<2> = tensor(&[-0.1; 200], [200, 1], &device);
        let kernel = |t: f64| Langevin::at_temperature(0.05 * t, 1.0);
        let end = anneal_energy(
            &NanWherePositive {},
            start,
            &schedule,
            2,
            kernel,
            &mut noise,
        );
        assert!(values(end.last).iter().all(|&x| x < 0.0));
        assert!(
            values(end.lowest_energy)
                .iter()
                .all(|&energy| energy == 0.0)
        );
    }
}

#[test]
fn images_are_annealed_as_vectors_are() {
    let device = Device::flex();
    let schedule = TemperatureSchedule::geometric(1.0, 0.1, 5).unwrap();
    let start: Tensor<2> = Noise::new(4).normal([3, 4], &device);
    let images: Tensor<4> = start.clone().reshape([3, 1, 2, 2]);
    let vectors: AnnealedEnergy<2> = anneal_energy(
        &DoubleWell {},
        start,
        &schedule,
        2,
        walk,
        &mut Noise::new(5),
    );
    let images: AnnealedEnergy<4> = anneal_energy(
        &DoubleWell {},
        images,
        &schedule,
        2,
        walk,
        &mut Noise::new(5),
    );
    assert_eq!(images.last.dims(), [3, 1, 2, 2]);
    assert_close_to(&values(images.last), &values(vectors.last), 1e-6);
    assert_close_to(&values(images.lowest), &values(vectors.lowest), 1e-6);
}

#[test]
#[should_panic(expected = "can't be divided by the temperature 0")]
fn temperature_0_is_refused() {
    let start: Tensor<2> = Tensor::zeros([3, 1], &Device::flex());
    let schedule = TemperatureSchedule::linear(1.0, 0.0, 3).unwrap();
    anneal_energy(
        &DoubleWell {},
        start,
        &schedule,
        1,
        walk,
        &mut Noise::new(6),
    );
}
