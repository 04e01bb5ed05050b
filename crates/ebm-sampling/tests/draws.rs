//! Draws are the positions after the warm-up, thinned, in the documented order.

mod common;

use burn::tensor::{Device, Tensor};
use common::{Quadratic, assert_within_error, tensor, values};
use ebm_ops::Noise;
use ebm_sampling::hamiltonian::HamiltonianMonteCarlo;
use ebm_sampling::metropolis_hastings::RandomWalkMetropolis;
use ebm_sampling::{Schedule, run, sample, stream};

/// Against runs of 3, 5, 7 and 9 transitions from the same start with the same numbers.
#[test]
fn draws_are_positions_of_the_chain() {
    let device = Device::flex();
    let energy = Quadratic::new(1.0, &device);
    let kernel = RandomWalkMetropolis::new(0.8);
    let start: Tensor<2> = tensor(&[0.1, -0.4, 1.5, 2.0, -3.0, 0.7], [3, 2], &device);
    let schedule = Schedule::new(1, 4).with_thin(2);
    let (draws, after) = sample(
        &kernel,
        &energy,
        start.clone(),
        schedule,
        &mut Noise::new(3),
    );
    assert_eq!(draws.shape(), [4, 3, 2]);
    let all: Vec<f64> = draws.to_data().iter::<f64>().collect();
    for (index, draw) in all.chunks(6).enumerate() {
        let steps = 3 + 2 * index;
        let expected = run(&kernel, &energy, start.clone(), steps, &mut Noise::new(3)).position;
        assert_eq!(draw, values(expected), "draw {index}");
    }
    assert_eq!(after.steps, 8);
    assert_eq!(values(after.position), all[18..]);
    // Value 1 of chain 2 over the draws.
    let chain: Vec<f64> = (0..4).map(|draw| all[draw * 6 + 5]).collect();
    assert_eq!(draws.chains(1)[2], chain);
}

#[test]
fn summaries_say_what_is_known_of_a_gaussian() {
    let device = Device::flex();
    let mut noise = Noise::new(4);
    let energy = Quadratic::new(4.0, &device);
    let start: Tensor<3> = noise.normal([4, 1, 2], &device);
    let kernel = HamiltonianMonteCarlo::new(0.2, 5);
    let (draws, after) = sample(
        &kernel,
        &energy,
        start,
        Schedule::new(100, 1000),
        &mut noise,
    );
    assert_eq!(draws.quantities(), 2);
    let summaries = draws.summaries();
    assert_eq!(summaries[1].name, "x[0,1]");
    for summary in summaries {
        // Standard deviation 1/2; its error from n effective draws is about 1 / (2 sqrt(2 n)).
        assert_within_error(summary.mean, 0.0, summary.monte_carlo_error, "mean");
        let error = 0.5 / (2.0 * summary.tail_effective_sample_size).sqrt();
        assert_within_error(summary.standard_deviation, 0.5, error, "deviation");
        assert!(summary.r_hat < 1.02, "{summary}");
    }
    let acceptance = after.acceptance().expect("it rejects").mean();
    assert!(values(acceptance)[0] > 0.8);
}

#[test]
#[should_panic(expected = "one of every 0 transitions")]
fn a_thinning_of_nothing_is_refused() {
    let device = Device::flex();
    let start = tensor(&[0.0], [1, 1], &device);
    let schedule = Schedule::new(0, 1).with_thin(0);
    let energy = Quadratic::new(1.0, &device);
    sample(
        &RandomWalkMetropolis::new(1.0),
        &energy,
        start,
        schedule,
        &mut Noise::new(1),
    );
}

/// A stream gives the draws that `sample` keeps, and progress counts every transition once.
#[test]
fn a_stream_gives_the_same_draws_and_counts_transitions() {
    let device = Device::flex();
    let energy = Quadratic::new(1.0, &device);
    let kernel = RandomWalkMetropolis::new(0.8);
    let start: Tensor<2> = tensor(&[0.1, -0.4, 1.5], [3, 1], &device);
    let schedule = Schedule::new(3, 4).with_thin(2);
    let (draws, _) = sample(
        &kernel,
        &energy,
        start.clone(),
        schedule,
        &mut Noise::new(8),
    );
    let (mut seen, mut calls) = (Vec::new(), Vec::new());
    stream(
        &kernel,
        &energy,
        start,
        schedule,
        &mut Noise::new(8),
        &mut |done, total| calls.push((done, total)),
        |index, position| seen.push((index, values(position))),
    );
    assert_eq!(schedule.transitions(), 11);
    assert_eq!(calls, (1..=11).map(|done| (done, 11)).collect::<Vec<_>>());
    let kept: Vec<f64> = draws.to_data().iter::<f64>().collect();
    let kept: Vec<(usize, Vec<f64>)> = kept.chunks(3).map(<[f64]>::to_vec).enumerate().collect();
    assert_eq!(seen, kept);
}

/// `E = 2 |x|^2` has gradient `4 x`; distances are computed again from the draws.
#[test]
fn traces_are_those_of_the_draws() {
    let device = Device::flex();
    let energy = Quadratic::new(4.0, &device);
    let start: Tensor<2> = Noise::new(1).normal([3, 2], &device);
    let kernel = RandomWalkMetropolis::new(0.4);
    let schedule = Schedule::new(0, 5);
    let (draws, _) = sample(&kernel, &energy, start, schedule, &mut Noise::new(9));
    let trace = draws.energy_trace::<_, 2>(&energy, &device);
    let (displacement, jumps) = (draws.displacement(), draws.mean_squared_jump());
    let (x, y) = (draws.chains(0), draws.chains(1));
    for chain in 0..3 {
        let mut squares = 0.0;
        for draw in 0..5 {
            let [a, b] = [x[chain][draw], y[chain][draw]];
            let norm = a.hypot(b);
            assert!((trace.energy[chain][draw] - 2.0 * norm * norm).abs() < 1e-5);
            assert!((trace.gradient_norm[chain][draw] - 4.0 * norm).abs() < 1e-5);
            let from_start = (a - x[chain][0]).hypot(b - y[chain][0]);
            assert!((displacement[chain][draw] - from_start).abs() < 1e-12);
            if draw > 0 {
                squares += (a - x[chain][draw - 1]).powi(2) + (b - y[chain][draw - 1]).powi(2);
            }
        }
        assert!(squares > 0.0, "chain {chain} never moved");
        assert!((jumps[chain] - squares / 4.0).abs() < 1e-12);
    }
}

/// The array that NumPy reads: its shape in the header, its last value in the last bytes.
#[test]
fn draws_are_written_for_numpy() {
    let device = Device::flex();
    let energy = Quadratic::new(1.0, &device);
    let start: Tensor<2> = Noise::new(1).normal([3, 2], &device);
    let kernel = RandomWalkMetropolis::new(0.4);
    let schedule = Schedule::new(0, 5);
    let (draws, after) = sample(&kernel, &energy, start, schedule, &mut Noise::new(9));
    let mut bytes = Vec::new();
    draws.write_npy(&mut bytes).expect("a vector takes it");
    assert!(String::from_utf8_lossy(&bytes).contains("'shape': (5, 3, 2)"));
    let last = values(after.position)[5] as f32;
    assert_eq!(bytes[bytes.len() - 4..], last.to_le_bytes());
}
