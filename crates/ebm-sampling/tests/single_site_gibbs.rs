//! Single-site Gibbs sampling keeps the exact distribution, and is the rule unit by unit.

mod common;

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use common::{devices, tensor, values};
use ebm_models::{BoltzmannMachineConfig, Coding, Energy, PairwiseMachine, Structure};
use ebm_ops::Noise;
use ebm_sampling::gibbs::{SingleSiteGibbs, SiteOrder, random_states};
use ebm_sampling::{Kernel, run};
use ebm_testing::pairwise::Known;
use ebm_testing::states::CODINGS;

const ORDERS: [SiteOrder; 2] = [SiteOrder::Fixed, SiteOrder::RandomPermutation];

/// Chains that start exactly at the target are there after three sweeps, and chains that start with
/// every free unit low get there in twenty. The chains are independent given the order of visit, so
/// that the counts are multinomial. With clamped units the target is the distribution of the others
/// given these. 64 tests at 2.9e-7.
#[test]
fn the_boltzmann_distribution_is_stationary_and_reached() {
    const UNITS: usize = 6;
    const CHAINS: usize = 10_000;
    for device in devices() {
        for (case, (coding, temperature, order, clamped)) in cases().enumerate() {
            let mut noise = Noise::new(case as u64);
            let known = Known::random(UNITS, (0.5, 0.3), coding, &mut noise);
            let machine = known.machine(&device);
            let kernel = SingleSiteGibbs::new(temperature)
                .with_order(order)
                .with_clamped(clamped);
            let target = known.probabilities(temperature, clamped);
            let what =
                format!("{coding:?}, T {temperature}, {order:?}, {clamped} clamped, {device:?}");

            let start = known.draws(&target, CHAINS, &device, &mut noise);
            let end = run(&kernel, &machine, start.clone(), 3, &mut noise).position;
            known.assert_distribution(end.clone(), &target, &format!("stationary: {what}"));
            let (before, after) = (values(start.clone()), values(end));
            let moved = before.iter().zip(&after).filter(|(a, b)| a != b).count();
            assert!(
                moved as f64 > 0.1 * ((UNITS - clamped) * CHAINS) as f64,
                "{what}: {moved}"
            );
            for (before, after) in before.chunks(UNITS).zip(after.chunks(UNITS)) {
                assert_eq!(before[..clamped], after[..clamped], "{what}");
            }

            let low = Tensor::full([CHAINS, UNITS - clamped], coding.low(), &device);
            let low = match clamped {
                0 => low,
                _ => Tensor::cat(vec![start.narrow(1, 0, clamped), low], 1),
            };
            let end = run(&kernel, &machine, low, 20, &mut noise).position;
            known.assert_distribution(end, &target, &format!("reached: {what}"));
        }
    }
}

fn cases() -> impl Iterator<Item = (Coding, f64, SiteOrder, usize)> {
    CODINGS.into_iter().flat_map(|coding| {
        [1.0, 1.7].into_iter().flat_map(move |temperature| {
            ORDERS
                .into_iter()
                .flat_map(move |order| [0, 2].map(|clamped| (coding, temperature, order, clamped)))
        })
    })
}

/// The same uniforms give, unit by unit on the host in f64, the same states over several blocks; at
/// temperature 0 without uniforms, and no flip there raises the energy.
#[test]
fn blocks_are_the_rule_unit_by_unit() {
    const UNITS: usize = 150;
    const BATCH: usize = 8;
    const BLOCK: usize = 64;
    for device in devices() {
        for coding in CODINGS {
            for order in ORDERS {
                for (temperature, clamped) in [(0.0, 0), (0.0, 7), (0.8, 0), (0.8, 7)] {
                    let mut noise = Noise::new(3);
                    let known = Known::random(UNITS, (0.3, 0.2), coding, &mut noise);
                    let machine = known.machine(&device);
                    let kernel = SingleSiteGibbs::new(temperature)
                        .with_order(order)
                        .with_clamped(clamped);
                    let start = random_states(coding, [BATCH, UNITS], &device, &mut noise);
                    let mut expected = values(start.clone());
                    let mut copy = noise.clone();
                    let found = values(run(&kernel, &machine, start, 2, &mut noise).position);
                    for _ in 0..2 {
                        let visits: Vec<usize> = match order {
                            SiteOrder::Fixed => (clamped..UNITS).collect(),
                            SiteOrder::RandomPermutation => {
                                let free = copy.permutation(UNITS - clamped);
                                free.into_iter().map(|unit| clamped + unit).collect()
                            }
                        };
                        for block in visits.chunks(BLOCK) {
                            let uniforms = if temperature > 0.0 {
                                let uniforms: Tensor<2> =
                                    copy.uniform([block.len(), BATCH], &device);
                                values(uniforms)
                            } else {
                                Vec::new()
                            };
                            for (row, &unit) in block.iter().enumerate() {
                                for chain in 0..BATCH {
                                    let state = &mut expected[chain * UNITS..(chain + 1) * UNITS];
                                    let field = known.field(state, unit);
                                    let old = state[unit];
                                    let up = if temperature > 0.0 {
                                        let odds = coding.field_scale() * field / temperature;
                                        uniforms[row * BATCH + chain] < 1.0 / (1.0 + (-odds).exp())
                                    } else {
                                        field > 0.0
                                    };
                                    let before = known.energy(state);
                                    state[unit] = if up { coding.high() } else { coding.low() };
                                    if temperature == 0.0 && state[unit] != old {
                                        assert!(known.energy(state) < before);
                                    }
                                }
                            }
                        }
                    }
                    // A uniform as near to its threshold as f32 rounds would differ: 1e-6 a draw,
                    // 2,400 draws a case.
                    assert_eq!(
                        found, expected,
                        "{coding:?}, {order:?}, T {temperature}, {device:?}"
                    );
                }
            }
        }
    }
}

/// Nothing stored: all fields are zero, all units stay.
#[test]
fn without_fields_nothing_moves_at_temperature_zero() {
    for device in devices() {
        for coding in CODINGS {
            let empty = Known {
                units: 90,
                coding,
                couplings: vec![0.0; 8100],
                bias: vec![0.0; 90],
            }
            .machine(&device);
            let start = random_states(coding, [5, 90], &device, &mut Noise::new(1));
            let kernel = SingleSiteGibbs::new(0.0);
            let end = run(&kernel, &empty, start.clone(), 2, &mut Noise::new(2)).position;
            assert_eq!(values(end), values(start));
        }
    }
}

/// Where the field is zero but for rounding a unit stays, whichever order the sum is taken in;
/// where it is `1e-4`, it moves.
#[test]
fn ties_stay_at_temperature_zero() {
    const UNITS: usize = 7;
    for device in devices() {
        let mut couplings = [0.0; UNITS * UNITS];
        // 0.1 + 0.2 + 0.3 - 0.6, and the same with a small bias on the seventh unit.
        for (other, value) in [0.1, 0.2, 0.3, -0.2, -0.2, -0.2].into_iter().enumerate() {
            couplings[6 * UNITS + other] = value;
            couplings[other * UNITS + 6] = value;
        }
        for (bias, expected) in [
            (0.0, [1.0, -1.0]),
            (1e-4, [1.0, 1.0]),
            (-1e-4, [-1.0, -1.0]),
        ] {
            let mut biases = [10.0; UNITS];
            biases[6] = bias;
            let machine = Known {
                units: UNITS,
                coding: Coding::Spin,
                couplings: couplings.to_vec(),
                bias: biases.to_vec(),
            }
            .machine(&device);
            let mut start = [1.0; 2 * UNITS];
            start[2 * UNITS - 1] = -1.0;
            for seed in 0..5 {
                let start: Tensor<2> = tensor(&start, [2, UNITS], &device);
                let kernel = SingleSiteGibbs::new(0.0);
                let end = run(&kernel, &machine, start, 3, &mut Noise::new(seed)).position;
                assert_eq!(values(end.narrow(1, 6, 1)), expected, "bias {bias}");
            }
        }
    }
}

#[test]
fn a_seed_fixes_the_chain_and_a_batch_shares_only_its_order() {
    for device in devices() {
        let known = Known::random(80, (0.2, 0.2), Coding::Spin, &mut Noise::new(1));
        let machine = known.machine(&device);
        let start = random_states(Coding::Spin, [6, 80], &device, &mut Noise::new(2));
        let moved = |start: Tensor<2>, seed| {
            let kernel = SingleSiteGibbs::new(1.0);
            values(run(&kernel, &machine, start, 4, &mut Noise::new(seed)).position)
        };
        assert_eq!(moved(start.clone(), 1), moved(start.clone(), 1));
        assert_ne!(moved(start.clone(), 1), moved(start.clone(), 2));
        // The first chain meets other neighbours, the same noise.
        let other = start.clone().narrow(0, 1, 5).neg();
        let mixed = Tensor::cat(vec![start.clone().narrow(0, 0, 1), other], 0);
        assert_eq!(moved(start, 3)[..80], moved(mixed, 3)[..80]);
    }
}

#[test]
fn trainable_parameters_leave_no_graph_in_the_state() {
    for device in devices() {
        let training = device.clone().autodiff();
        let machine = BoltzmannMachineConfig::new(10).init(&training, &mut Noise::new(1));
        for start in [&device, &training] {
            let start = random_states(machine.coding(), [5, 10], start, &mut Noise::new(2));
            let kernel = SingleSiteGibbs::new(1.0);
            let state = kernel.init(&machine, start.clone());
            let (state, _) = kernel.step(&machine, state, &mut Noise::new(3));
            assert!(!state.position().is_autodiff());
            let frozen = run(&kernel, &machine.valid(), start, 1, &mut Noise::new(3));
            assert_eq!(values(state.position()), values(frozen.position));
        }
    }
}

#[test]
fn all_units_clamped_stay() {
    let device = Device::flex();
    let machine = Known::random(5, (1.0, 1.0), Coding::Binary, &mut Noise::new(1)).machine(&device);
    let start = random_states(Coding::Binary, [4, 5], &device, &mut Noise::new(2));
    let kernel = SingleSiteGibbs::new(1.0).with_clamped(5);
    let end = run(&kernel, &machine, start.clone(), 3, &mut Noise::new(3)).position;
    assert_eq!(values(end), values(start));
}

/// What works on any pairwise machine moves its structure, which has the same chains bit for bit.
#[test]
fn a_structure_moves_as_its_machine() {
    for device in devices() {
        for coding in CODINGS {
            let machine = Known::random(7, (0.5, 0.3), coding, &mut Noise::new(4)).machine(&device);
            let Structure::Pairwise(structure) = Energy::<2>::structure(&machine) else {
                panic!("{machine:?} isn't pairwise");
            };
            let start = random_states(coding, [20, 7], &device, &mut Noise::new(5));
            let kernel = SingleSiteGibbs::new(0.7).with_clamped(machine.visible_units() / 2);
            let expected = run(&kernel, &machine, start.clone(), 5, &mut Noise::new(6)).position;
            let found = run(&kernel, &structure, start.clone(), 5, &mut Noise::new(6)).position;
            assert_ne!(values(found.clone()), values(start));
            assert_eq!(values(found), values(expected));
        }
    }
}

#[test]
#[should_panic(expected = "this machine has 5 units, but states of shape [4, 6] have 6")]
fn states_of_another_size_are_refused() {
    let device = Device::flex();
    let machine = Known::random(5, (1.0, 1.0), Coding::Spin, &mut Noise::new(1)).machine(&device);
    let _ = SingleSiteGibbs::new(1.0).init(&machine, Tensor::<2>::ones([4, 6], &device));
}
