//! Random walks leave their target as it is, and Metropolis decides chain by chain as documented.
#![allow(clippy::unwrap_used)]

mod common;

use burn::module::Module;
use burn::tensor::Tensor;
use common::{
    Absolute, DoubleWell, NanWherePositive, Quadratic, Tabulated, WallWherePositive,
    assert_close_to, assert_even, assert_rejects_nan, assert_stationary, cells, devices,
    exact_draws, tensor, values,
};
use ebm_models::{Energy, MlpConfig};
use ebm_ops::Noise;
use ebm_sampling::metropolis_hastings::{
    EnergyState, MetropolisHastings, RandomWalkMetropolis, UniformWalk,
};
use ebm_sampling::{Kernel, run, run_with};

/// Kernels and their targets: at temperature 1, colder, hotter, and inside bounds.
fn targets() -> [(RandomWalkMetropolis, Tabulated); 4] {
    let kernel = RandomWalkMetropolis::new(0.45);
    let wide = (-3.5, 3.5);
    [
        (kernel, Tabulated::new(DoubleWell::at, 1.0, wide)),
        (
            kernel.with_temperature(0.5),
            Tabulated::new(DoubleWell::at, 0.5, wide),
        ),
        (
            kernel.with_temperature(3.0),
            Tabulated::new(DoubleWell::at, 3.0, wide),
        ),
        (
            kernel.with_bounds([-0.8, 1.3]),
            Tabulated::new(DoubleWell::at, 1.0, (-0.8, 1.3)),
        ),
    ]
}

/// Chains that start exactly at the target are there after ten steps: 36 equally likely cells,
/// those of one value, or 6 of each of two values, which must stay independent. The chains are
/// independent of each other, so that the counts are multinomial.
#[test]
fn the_target_is_stationary() {
    for device in devices() {
        for (index, (kernel, density)) in targets().into_iter().enumerate() {
            for (values_each, sides) in [(1, 36), (2, 6)] {
                let mut noise = Noise::new(index as u64);
                let start = exact_draws(values_each, &density, &device, &mut noise);
                let chains = run(&kernel, &DoubleWell {}, start.clone(), 10, &mut noise);
                for (when, positions) in [("start", start), ("end", chains.position.clone())] {
                    let mut counts = [0; 36];
                    for cell in cells(&values(positions), &density, sides).chunks(values_each) {
                        counts[cell.iter().fold(0, |index, cell| index * sides + cell)] += 1;
                    }
                    assert_even(
                        &counts,
                        &format!("target {index}, {values_each} values, {when} on {device:?}"),
                    );
                }
                // The chains have moved, and not all proposals were taken.
                let acceptance = values(chains.acceptance().unwrap().mean())[0];
                assert!((0.2..0.9).contains(&acceptance), "{acceptance}");
            }
        }
    }
}

#[test]
fn a_batch_is_as_good_as_its_chains_alone() {
    for device in devices() {
        let start: Tensor<2> = Noise::new(1).normal([8, 2], &device);
        let kernel = RandomWalkMetropolis::new(0.5);
        let energy = Quadratic::new(1.0, &device);
        // The first chain meets other neighbours, the same noise.
        let other = start.clone().mul_scalar(3.0);
        let mixed = Tensor::cat(
            vec![start.clone().narrow(0, 0, 1), other.narrow(0, 1, 7)],
            0,
        );
        let moved = |start| run(&kernel, &energy, start, 6, &mut Noise::new(2));
        let (a, b) = (moved(start), moved(mixed));
        assert_eq!(
            values(a.position.clone())[..2],
            values(b.position.clone())[..2]
        );
        assert_eq!(
            values(a.acceptance().unwrap())[0],
            values(b.acceptance().unwrap())[0]
        );
    }
}

/// Whether each chain is as it was, moved as a whole to its proposal, or (the fault) in between.
fn assert_whole_moves(before: &[f64], after: &[f64], proposals: &[f64], accepted: &[f64]) {
    for (chain, &accepted) in accepted.iter().enumerate() {
        let values = 2 * chain..2 * chain + 2;
        let expected = match accepted {
            1.0 => &proposals[values.clone()],
            0.0 => &before[values.clone()],
            other => panic!("accepted must be 0 or 1, is {other}"),
        };
        assert_eq!(&after[values], expected, "chain {chain}");
    }
}

/// One step from `x`: the positions, the proposals (computed from a copy of the noise), the chains
/// reported as accepted, and the state.
fn one_step<E: Energy<2>>(
    kernel: &RandomWalkMetropolis,
    energy: &E,
    x: &Tensor<2>,
    seed: u64,
) -> (Vec<f64>, Vec<f64>, Vec<f64>, EnergyState<2>) {
    let mut noise = Noise::new(seed);
    let draws: Tensor<2> = noise.clone().normal(x.shape(), &x.device());
    let proposals = values(x.clone() + draws.mul_scalar(kernel.proposal.scale));
    let state = kernel.init(energy, x.clone());
    let (state, info) = kernel.step(energy, state, &mut noise);
    let accepted = values(info.accepted.unwrap());
    assert_whole_moves(
        &values(x.clone()),
        &values(state.position.clone()),
        &proposals,
        &accepted,
    );
    (values(state.position.clone()), proposals, accepted, state)
}

/// Both kinds of chain occur, each more than one time in twenty.
fn assert_both_occur(accepted: &[f64]) {
    let share = accepted.iter().sum::<f64>() / accepted.len() as f64;
    assert!((0.05..0.95).contains(&share), "{share}");
}

#[test]
fn each_chain_moves_as_a_whole_or_stays_and_keeps_its_energy() {
    for device in devices() {
        let x: Tensor<2> = Noise::new(1).normal([200, 2], &device);
        let energy = Quadratic::new(4.0, &device);
        let (_, _, accepted, state) = one_step(&RandomWalkMetropolis::new(1.0), &energy, &x, 2);
        assert_both_occur(&accepted);
        let energies = values(energy.energy(state.position.clone()));
        assert_eq!(values(state.energy), energies);
    }
}

#[test]
fn a_proposal_without_an_energy_is_rejected() {
    for device in devices() {
        let x = Tensor::<2>::full([200, 2], -0.5, &device);
        let (_, proposals, accepted, state) =
            one_step(&RandomWalkMetropolis::new(1.0), &NanWherePositive {}, &x, 3);
        let expected: Vec<f64> = proposals
            .chunks(2)
            .map(|x| f64::from(u8::from(x.iter().all(|&x| x < 0.0))))
            .collect();
        assert_both_occur(&expected);
        assert_eq!(accepted, expected);
        assert!(values(state.energy).iter().all(|&energy| energy == 0.0));
    }
}

#[test]
fn an_infinite_energy_is_never_entered_and_always_left() {
    for device in devices() {
        let inside = Tensor::<2>::full([200, 2], -0.5, &device);
        let (_, proposals, accepted, _) = one_step(
            &RandomWalkMetropolis::new(1.0),
            &WallWherePositive {},
            &inside,
            4,
        );
        let allowed: Vec<f64> = proposals
            .chunks(2)
            .map(|x| f64::from(u8::from(x.iter().all(|&x| x <= 0.0))))
            .collect();
        assert_both_occur(&allowed);
        assert_eq!(accepted, allowed);

        let wall = Tensor::<2>::full([200, 2], 0.25, &device);
        let (_, proposals, accepted, _) = one_step(
            &RandomWalkMetropolis::new(1.0),
            &WallWherePositive {},
            &wall,
            5,
        );
        for (x, accepted) in proposals.chunks(2).zip(accepted) {
            if x.iter().all(|&x| x <= 0.0) {
                assert_eq!(accepted, 1.0);
            }
        }
    }
}

#[test]
fn bounds_hold_for_every_value_of_a_chain() {
    for device in devices() {
        let x: Tensor<2> = Noise::new(6).uniform_in([200, 2], [-0.5, 1.0], &device);
        let kernel = RandomWalkMetropolis::new(0.7).with_bounds([-0.5, 1.0]);
        let flat = Absolute { slope: 0.0 };
        let (_, proposals, accepted, _) = one_step(&kernel, &flat, &x, 7);
        let expected: Vec<f64> = proposals
            .chunks(2)
            .map(|x| f64::from(u8::from(x.iter().all(|x| (-0.5..=1.0).contains(x)))))
            .collect();
        assert_both_occur(&expected);
        assert_eq!(accepted, expected);

        let mut noise = Noise::new(8);
        run_with(
            &kernel,
            &DoubleWell {},
            x,
            30,
            &mut noise,
            |_, state: &EnergyState<2>, _| {
                for x in values(state.position.clone()) {
                    assert!((-0.5..=1.0).contains(&x), "{x}");
                }
            },
        );
    }
}

#[test]
fn downhill_is_always_accepted_and_a_cold_chain_never_climbs() {
    for device in devices() {
        let top = Tensor::<2>::zeros([1000, 2], &device);
        // Any proposal lowers the first energy and raises the second, by 1e-6 temperatures and by
        // 1e3 or more.
        let down = Absolute { slope: -1e-6 };
        let (_, _, accepted, _) = one_step(&RandomWalkMetropolis::new(1.0), &down, &top, 9);
        assert_eq!(accepted, [1.0; 1000]);
        let cold = RandomWalkMetropolis::new(1.0).with_temperature(1e-6);
        let up = Absolute { slope: 1.0 };
        // P(|z1| + |z2| < 1.6e-5), below which `exp(-|z| / T)` is a multiple of 2^-24: 1e-10 a
        // chain.
        let (_, _, accepted, _) = one_step(&cold, &up, &top, 10);
        assert_eq!(accepted, [0.0; 1000]);
    }
}

#[test]
fn acceptance_is_the_share_of_the_steps_in_which_a_chain_moved() {
    for device in devices() {
        let mut before: Tensor<2> = Noise::new(11).normal([50, 2], &device);
        let mut moved = [0.0; 50];
        let chains = run_with(
            &RandomWalkMetropolis::new(1.0),
            &DoubleWell {},
            before.clone(),
            12,
            &mut Noise::new(12),
            |_, state: &EnergyState<2>, _| {
                let now = state.position.clone();
                let pairs = values(now.clone()).into_iter().zip(values(before.clone()));
                for (index, (now, before)) in pairs.enumerate() {
                    if index % 2 == 0 && now != before {
                        moved[index / 2] += 1.0;
                    }
                }
                before = now;
            },
        );
        assert_eq!(chains.steps, 12);
        let acceptance = values(chains.acceptance().unwrap());
        let expected = moved.map(|steps| f64::from((steps / 12.0) as f32));
        assert!(expected.iter().any(|&share| share > 0.0 && share < 1.0));
        assert_eq!(acceptance, expected);
    }
}

#[test]
fn a_seed_fixes_the_chain_whatever_the_rank() {
    for device in devices() {
        let energy = Quadratic::new(1.0, &device);
        let kernel = RandomWalkMetropolis::new(0.5);
        let start: Tensor<2> = Noise::new(5).normal([4, 6], &device);
        let moved = |seed| {
            let noise = &mut Noise::new(seed);
            values(run(&kernel, &energy, start.clone(), 8, noise).position)
        };
        assert_eq!(moved(1), moved(1));
        assert_ne!(moved(1), moved(2));
        let images: Tensor<4> = start.clone().reshape([4, 2, 1, 3]);
        let images = run(&kernel, &energy, images, 8, &mut Noise::new(1)).position;
        assert_eq!(images.dims(), [4, 2, 1, 3]);
        assert_eq!(values(images), moved(1));
    }
}

/// A graph that grew from step to step would take memory without end.
#[test]
fn trainable_parameters_leave_no_graph_in_the_state() {
    for device in devices() {
        let training = device.clone().autodiff();
        let model = MlpConfig::new(2, vec![4]).init(&training, &mut Noise::new(1));
        let kernel = RandomWalkMetropolis::new(0.5);
        for start in [&device, &training] {
            let start: Tensor<2> = Noise::new(2).normal([5, 2], start);
            let chains = run_with(
                &kernel,
                &model,
                start.clone(),
                4,
                &mut Noise::new(3),
                |_, state: &EnergyState<2>, _| {
                    assert!(!state.energy.is_autodiff() && !state.position.is_autodiff());
                },
            );
            let frozen = run(&kernel, &model.valid(), start, 4, &mut Noise::new(3));
            assert_eq!(values(chains.position), values(frozen.position));
        }
    }
}

#[test]
fn a_uniform_walk_leaves_its_target_as_it_is() {
    let walk = MetropolisHastings::proposing(UniformWalk { half_width: 0.8 });
    for (index, temperature) in [1.0, 0.5, 3.0].into_iter().enumerate() {
        let density = Tabulated::new(DoubleWell::at, temperature, (-3.5, 3.5));
        let kernel = walk.with_temperature(temperature);
        let what = format!("uniform walk, T {temperature}");
        assert_stationary(&kernel, &density, 0.1..0.9, 20 + index as u64, &what);
    }
    let density = Tabulated::new(DoubleWell::at, 1.0, (-0.8, 1.3));
    let kernel = walk.with_bounds([-0.8, 1.3]);
    assert_stationary(&kernel, &density, 0.2..0.9, 23, "uniform walk in bounds");
}

/// From one point all proposals are uniform in the box around it: 400,000 in 40 parts.
#[test]
fn a_uniform_walk_proposes_in_its_box() {
    for device in devices() {
        let kernel = MetropolisHastings::proposing(UniformWalk { half_width: 0.25 });
        let start = Tensor::<2>::full([200_000, 2], 1.5, &device);
        let flat = Absolute { slope: 0.0 };
        let end = run(&kernel, &flat, start, 1, &mut Noise::new(24)).position;
        let mut counts = [0; 40];
        for x in values(end) {
            assert!((1.25..=1.75).contains(&x), "{x}");
            counts[(((x - 1.25) / 0.5 * 40.0) as usize).min(39)] += 1;
        }
        assert_even(&counts, "box");
    }
}

#[test]
fn what_is_not_a_number_is_rejected() {
    assert_rejects_nan(&RandomWalkMetropolis::new(0.3), 0.3..0.95);
    let uniform = MetropolisHastings::proposing(UniformWalk { half_width: 0.4 });
    assert_rejects_nan(&uniform, 0.3..0.95);
}

/// Pinned, to be changed only on purpose.
#[test]
fn the_numbers_of_a_seed() {
    for device in devices() {
        let energy = Quadratic::new(1.0, &device);
        let start = tensor(&[0.5, -1.0, 2.0], [3, 1], &device);
        let gaussian = RandomWalkMetropolis::new(0.7);
        let chains = run(&gaussian, &energy, start.clone(), 4, &mut Noise::new(42));
        assert_close_to(&values(chains.position), &PINNED_GAUSSIAN, 1e-5);
        let uniform = MetropolisHastings::proposing(UniformWalk { half_width: 1.0 });
        let chains = run(&uniform, &energy, start, 4, &mut Noise::new(42));
        assert_close_to(&values(chains.position), &PINNED_UNIFORM, 1e-5);
    }
}

const PINNED_GAUSSIAN: [f64; 3] = [0.088_860_15, -1.227_310_7, 1.239_062_7];
const PINNED_UNIFORM: [f64; 3] = [0.481_453_66, 0.418_169_74, 0.955_806];
