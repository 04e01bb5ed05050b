//! Parallel tempering of any kernel: distributions of each temperature, swap rates, barriers.
#![allow(clippy::unwrap_used)]

mod common;

use burn::tensor::{Device, Tensor};
use common::{
    DoubleWell, NanWherePositive, Quadratic, Tabulated, WallWherePositive, assert_chi_square,
    assert_close_to, assert_even, assert_within_error, cells, devices, tensor, values,
};
use ebm_models::{Coding, Energy, Mixture, Negation, WeightedSum};
use ebm_ops::Noise;
use ebm_sampling::density::NormalDensity;
use ebm_sampling::gibbs::EnumeratedGibbs;
use ebm_sampling::hamiltonian::HamiltonianMonteCarlo;
use ebm_sampling::langevin::Langevin;
use ebm_sampling::metropolis_hastings::{GibbsWithGradients, Mala, RandomWalkMetropolis};
use ebm_sampling::tempering::{Ladder, ParallelTempering, Tempered};
use ebm_sampling::{Kernel, Schedule, StepInfo, run, run_with, sample};
use ebm_testing::pairwise::Known;

/// A kernel that doesn't move, so that a step is the swaps alone.
#[derive(Clone, Debug)]
struct Stay;

impl<E, const D: usize> Kernel<E, Tensor<D>> for Stay {
    type State = Tensor<D>;

    fn init(&self, _: &E, position: Tensor<D>) -> Tensor<D> {
        position
    }

    fn step(&self, _: &E, state: Tensor<D>, _: &mut Noise) -> (Tensor<D>, StepInfo) {
        (state, StepInfo::default())
    }

    fn position(&self, state: &Tensor<D>) -> Tensor<D> {
        state.clone()
    }
}

fn ladder(values: &[f64]) -> Ladder {
    Ladder::new(values.to_vec()).unwrap()
}

fn walk(b: f64) -> RandomWalkMetropolis {
    RandomWalkMetropolis::new(0.5 / b.sqrt())
}

/// Two normals of width 1, ten apart, with 0.3 and 0.7 of the probability.
fn two_normals(device: &Device) -> Mixture<Vec<NormalDensity>> {
    let at = |x: f64| NormalDensity::new(&[x, 0.0], &[1.0, 1.0], &[2], device);
    Mixture::new(vec![at(-5.0), at(5.0)], &[0.3, 0.7])
}

/// All chains start in the lesser mode. A random walk stays there; the cold replicas of the same
/// walk find both modes with their weights, and have the right width in each. Chains are
/// independent: five standard errors of a share and of a variance, 5.7e-7 each.
#[test]
fn a_barrier_that_stops_a_random_walk_is_crossed() {
    const CHAINS: usize = 1000;
    const STEPS: usize = 300;
    let device = Device::flex();
    let energy = two_normals(&device);
    let start: Tensor<2> = tensor(&[-5.0, 0.0].repeat(CHAINS), [CHAINS, 2], &device);
    let share = |x: &[f64]| x.iter().step_by(2).filter(|&&x| x > 0.0).count() as f64 / 1000.0;
    let walk = |b: f64| RandomWalkMetropolis::new(1.2 / b.sqrt());
    let mut noise = Noise::new(1);
    let plain = run(&walk(1.0), &energy, start.clone(), STEPS, &mut noise);
    assert!(values(plain.acceptance().unwrap().mean())[0] > 0.3);
    let stuck = 1.0 - share(&values(plain.position));
    assert!(stuck > 0.98, "it left its mode: {stuck}");

    let ladder = Ladder::geometric(6, 0.03).unwrap();
    let kernel = ParallelTempering::new(ladder.clone(), walk);
    let start = ladder.replicate(start);
    let tempered = run(&kernel, &energy, start, STEPS, &mut noise);
    for rate in values(tempered.swap_rates().unwrap()) {
        assert!((0.4..0.9).contains(&rate), "{rate}");
    }
    let x = values(ladder.cold(tempered.position));
    let error = (0.3 * 0.7 / CHAINS as f64).sqrt();
    assert_within_error(share(&x), 0.7, error, "the weight of the greater mode");
    let squares = x
        .chunks(2)
        .map(|x| (x[0].abs() - 5.0).powi(2) + x[1] * x[1]);
    let variance = squares.sum::<f64>() / (2.0 * CHAINS as f64);
    let error = (1.0 / CHAINS as f64).sqrt();
    assert_within_error(variance, 1.0, error, "the width of the modes");
}

/// From exact draws of the product, the replicas of each temperature keep `exp(-b_t E)`, in 36
/// equally likely cells each, and neighbours stay independent of each other, in 6 by 6 cells. A
/// swap that copies in place of exchanging shows in the second. 50 tests at 2.9e-7.
fn assert_product_is_stationary<K: Kernel<Tempered<DoubleWell>, Tensor<2>>>(
    kernel: impl Fn(f64) -> K,
    what: &str,
) {
    const CHAINS: usize = 12_000;
    let betas = [1.0, 0.6, 0.25];
    let ladder = ladder(&betas);
    let kernel = ParallelTempering::new(ladder.clone(), kernel).with_transitions(2);
    let densities = betas.map(|b| Tabulated::new(DoubleWell::at, 1.0 / b, (-4.5, 4.5)));
    for device in devices() {
        let mut noise = Noise::new(2);
        let draws: Vec<f64> = densities
            .iter()
            .flat_map(|density| {
                let uniforms: Tensor<1> = noise.uniform([CHAINS], &device);
                let draw = |u| density.quantile(u);
                values(uniforms).into_iter().map(draw).collect::<Vec<_>>()
            })
            .collect();
        let start = tensor(&draws, [3 * CHAINS, 1], &device);
        let after = run(&kernel, &DoubleWell {}, start, 4, &mut noise);
        let of = |t: usize, sides: usize| {
            let rows = values(ladder.replicas(after.position.clone(), t));
            cells(&rows, &densities[t], sides)
        };
        for (t, b) in betas.iter().enumerate() {
            let mut counts = [0; 36];
            of(t, 36).into_iter().for_each(|cell| counts[cell] += 1);
            assert_even(&counts, &format!("{what} at {b} on {device:?}"));
        }
        for t in 1..betas.len() {
            let mut counts = [0; 36];
            let pairs = of(t - 1, 6).into_iter().zip(of(t, 6));
            pairs.for_each(|(a, b)| counts[6 * a + b] += 1);
            assert_even(&counts, &format!("{what}, pair {t} on {device:?}"));
        }
        for rate in values(after.swap_rates().unwrap()) {
            assert!((0.2..0.9).contains(&rate), "{rate}");
        }
        let acceptance = after.acceptance().unwrap();
        for t in 0..betas.len() {
            let share = values(ladder.replicas(acceptance.clone(), t).mean())[0];
            assert!((0.3..0.99).contains(&share), "{what}: {share}");
        }
    }
}

#[test]
fn the_product_is_stationary() {
    assert_product_is_stationary(walk, "random walk");
    assert_product_is_stationary(|b| Mala::new(0.06 / b), "MALA");
    let trajectories = |b: f64| HamiltonianMonteCarlo::new(0.25 / b.sqrt(), 3);
    assert_product_is_stationary(trajectories, "HMC");
}

/// A unit at a time, by enumeration and by gradients, the inverse temperature 0 included: states of
/// all temperatures follow `exp(-b_t E)`. 16 tests at 2.9e-7.
#[test]
fn states_of_discrete_energies_keep_their_distributions() {
    fn check<E: Energy<2> + Clone, K: Kernel<Tempered<E>, Tensor<2>> + Clone>(
        known: &Known,
        energy: &E,
        kernel: K,
        device: &Device,
    ) {
        const CHAINS: usize = 10_000;
        let betas = [1.0, 0.6, 0.3, 0.0];
        let ladder = ladder(&betas);
        let targets = betas.map(|b| known.probabilities(1.0 / b, 0));
        let mut noise = Noise::new(3);
        let draws = targets
            .iter()
            .map(|target| known.draws(target, CHAINS, device, &mut noise));
        let start = Tensor::cat(draws.collect(), 0);
        let kernel = ParallelTempering::new(ladder.clone(), |_| kernel.clone());
        let end = run(&kernel, energy, start, 3, &mut noise).position;
        for (t, target) in targets.iter().enumerate() {
            let rows = ladder.replicas(end.clone(), t);
            known.assert_distribution(rows, target, &format!("{} on {device:?}", betas[t]));
        }
    }
    for device in devices() {
        let known = Known::random(4, (1.0, 0.5), Coding::Spin, &mut Noise::new(4));
        let machine = known.machine(&device);
        let enumerated = EnumeratedGibbs::new(vec![-1.0, 1.0]);
        check(&known, &machine, enumerated, &device);
        let gradients = GibbsWithGradients::new(Coding::Spin);
        check(&known, &machine, gradients, &device);
    }
}

/// Of normals in `d` dimensions at inverse temperatures `b > c`, swaps are accepted with
/// probability `2 I_x(d / 2, d / 2)`, `x = c / (b + c)`: the mean of `min(1, ratio)` is twice the
/// probability that the colder has the higher energy, and energies follow `Gamma(d / 2) / b`. So
/// `2 x` in two dimensions and `2 (3 x^2 - 2 x^3)` in four. Even pairs and odd ones; chains are
/// independent: five standard errors of a share, 5.7e-7, which is more for the mean of
/// probabilities.
#[test]
fn swap_rates_of_normals_are_the_closed_form() {
    const CHAINS: usize = 20_000;
    let betas = [1.0, 0.7, 0.3, 0.1, 0.05];
    let ladder = ladder(&betas);
    for device in devices() {
        for d in [2, 4] {
            let mut noise = Noise::new(5);
            let normals = betas.map(|b| {
                let z: Tensor<2> = noise.normal([CHAINS, d], &device);
                z.div_scalar(f64::sqrt(b * 2.5))
            });
            let start = Tensor::cat(normals.to_vec(), 0);
            let kernel = ParallelTempering::new(ladder.clone(), walk);
            let energy = Quadratic::new(2.5, &device);
            let after = run(&kernel, &energy, start, 1, &mut noise);
            assert_eq!(after.swaps().unwrap().dims(), [4, CHAINS]);
            let rates = values(after.swap_rates().unwrap());
            let probabilities = values(after.swap_probabilities().unwrap());
            for (t, pair) in betas.windows(2).enumerate() {
                let x = pair[1] / (pair[0] + pair[1]);
                let below = if d == 2 { x } else { x * x * (3.0 - 2.0 * x) };
                let expected = 2.0 * below;
                let error = (expected * (1.0 - expected) / CHAINS as f64).sqrt();
                assert_within_error(rates[t], expected, error, &format!("{pair:?}, {d}"));
                assert_within_error(probabilities[t], expected, error, "probability");
                assert_ne!(rates[t], probabilities[t]);
            }
        }
    }
}

/// The swaps alone, on five places: from each pair of places the share that swaps is its documented
/// probability, and as many swap one way as the other.
#[test]
fn swaps_are_in_detailed_balance() {
    const CHAINS: usize = 200_000;
    let places = [-1.0, -0.5, 0.25, 0.5, 1.25];
    let betas = [1.0, 0.4];
    let kernel = ParallelTempering::new(ladder(&betas), |_| Stay);
    for device in devices() {
        let mut noise = Noise::new(6);
        let draws: Vec<usize> = betas
            .iter()
            .flat_map(|b| {
                let weights = places.map(|x| (-b * DoubleWell::at(x)).exp());
                let sum: f64 = weights.iter().sum();
                let uniforms: Tensor<1> = noise.uniform([CHAINS], &device);
                let draw = |u: f64| {
                    let mut left = u * sum;
                    let place = weights.iter().position(|w| {
                        left -= w;
                        left < 0.0
                    });
                    place.unwrap_or(4)
                };
                values(uniforms).into_iter().map(draw).collect::<Vec<_>>()
            })
            .collect();
        let positions: Vec<f64> = draws.iter().map(|&place| places[place]).collect();
        let start: Tensor<2> = tensor(&positions, [2 * CHAINS, 1], &device);
        let end = values(run(&kernel, &DoubleWell {}, start, 1, &mut noise).position);
        let (mut from, mut swaps) = ([[0.0; 5]; 5], [[0.0; 5]; 5]);
        for chain in 0..CHAINS {
            let (a, b) = (draws[chain], draws[CHAINS + chain]);
            let now = [end[chain], end[CHAINS + chain]];
            from[a][b] += 1.0;
            if now == [places[b], places[a]] {
                swaps[a][b] += 1.0;
            } else {
                assert_eq!(now, [places[a], places[b]]);
            }
        }
        let mut balance = 0.0;
        for a in 0..5 {
            for b in (0..5).filter(|&b| b != a) {
                let fall = DoubleWell::at(places[a]) - DoubleWell::at(places[b]);
                let probability = f64::exp((betas[0] - betas[1]) * fall).min(1.0);
                let n: f64 = from[a][b];
                assert!(n > 500.0, "{n}");
                // In f32 a probability of 1 is met exactly.
                let error = (probability * (1.0 - probability) / n).sqrt().max(1e-12);
                assert_within_error(swaps[a][b] / n, probability, error, &format!("{a}, {b}"));
                if a < b {
                    let both = swaps[a][b] + swaps[b][a];
                    balance += f64::powi(swaps[a][b] - swaps[b][a], 2) / both;
                }
            }
        }
        assert_chi_square(balance, 10.0, "detailed balance");
    }
}

/// A step is the steps of the kernels on `b_t E`, one after the other, and then the swaps, even
/// pairs first: computed on the host from a copy of the noise.
#[test]
fn a_step_is_what_is_documented() {
    const CHAINS: usize = 50;
    let betas = [1.0, 0.5, 0.3, 0.1];
    let ladder = ladder(&betas);
    for device in devices() {
        let start: Tensor<2> = Noise::new(7).normal([4 * CHAINS, 1], &device);
        let mut noise = Noise::new(8);
        let kernel = ParallelTempering::new(ladder.clone(), walk).with_transitions(3);
        let after = run(
            &kernel,
            &DoubleWell {},
            start.clone(),
            1,
            &mut noise.clone(),
        );

        let (mut x, mut accepted) = (Vec::new(), Vec::new());
        for (t, b) in betas.into_iter().enumerate() {
            let energy = WeightedSum::new(vec![DoubleWell {}], vec![b]);
            let rows = ladder.replicas(start.clone(), t);
            let moved = run(&walk(b), &energy, rows, 3, &mut noise);
            accepted.extend(values(moved.acceptance().unwrap()));
            x.push(values(moved.position));
        }
        assert_eq!(values(after.acceptance().unwrap()), accepted);
        assert!(accepted.iter().any(|&share| share > 0.1 && share < 0.9));
        let mut swaps = vec![vec![0.0; CHAINS]; 3];
        for pairs in [vec![0, 2], vec![1]] {
            let uniforms: Tensor<1> = noise.uniform([pairs.len() * CHAINS], &device);
            let uniforms = values(uniforms);
            for (index, u) in uniforms.into_iter().enumerate() {
                let (t, chain) = (pairs[index / CHAINS], index % CHAINS);
                let fall = DoubleWell::at(x[t][chain]) - DoubleWell::at(x[t + 1][chain]);
                if (1.0 - u).ln() <= (betas[t] - betas[t + 1]) * fall {
                    let hotter = x[t + 1][chain];
                    x[t + 1][chain] = x[t][chain];
                    x[t][chain] = hotter;
                    swaps[t][chain] = 1.0;
                }
            }
        }
        assert_eq!(values(after.swaps().unwrap()), swaps.concat());
        assert_eq!(values(after.position), x.concat());
    }
}

/// After swaps the state is that of where the replicas are: what kernels keep, on their own
/// energies, and what swaps keep, also of replicas that went back.
#[test]
fn the_state_is_that_of_its_positions() {
    /// `DoubleWell`, but not a number beyond 1.2.
    #[derive(Clone, Debug)]
    struct Edge {}

    impl Energy<2> for Edge {
        fn energy(&self, x: Tensor<2>) -> Tensor<1> {
            let inside: Tensor<1> = x
                .clone()
                .neg()
                .add_scalar(1.2)
                .log()
                .mul_scalar(0.0)
                .squeeze_dim(1);
            DoubleWell {}.energy(x) + inside
        }
    }

    let ladder = Ladder::geometric(4, 0.1).unwrap();
    for device in devices() {
        let start: Tensor<2> = Noise::new(13).uniform_in([400, 1], [-1.2, 1.1], &device);
        let kernel = ParallelTempering::new(ladder.clone(), walk);
        let mut noise = Noise::new(14);
        run_with(
            &kernel,
            &Edge {},
            start.clone(),
            5,
            &mut noise,
            |_, state, _| {
                let energies = Edge {}.energy(state.position.clone());
                assert_eq!(values(state.energy.clone()), values(energies.clone()));
                for (t, (replicas, b)) in state.replicas.iter().zip(ladder.values()).enumerate() {
                    let rows = ladder.replicas(state.position.clone(), t);
                    assert_eq!(values(replicas.position.clone()), values(rows));
                    let energies = ladder.replicas(energies.clone(), t).mul_scalar(*b);
                    assert_eq!(values(replicas.energy.clone()), values(energies));
                }
            },
        );
        let kernel = |b: f64| Langevin::at_temperature(0.1 / b, 1.0);
        let kernel = ParallelTempering::new(ladder.clone(), kernel);
        let after = run_with(&kernel, &Edge {}, start, 5, &mut noise, |_, state, _| {
            let energies = values(Edge {}.energy(state.position.clone()));
            assert!(energies.iter().all(|energy| energy.is_finite()));
            assert_eq!(values(state.energy.clone()), energies);
        });
        assert!(values(after.resets().unwrap().sum())[0] > 100.0);
    }
}

/// What has no finite energy goes up only: NaN and `-inf` stay where they are, `+inf` makes way for
/// a finite energy.
#[test]
fn what_is_not_finite_never_goes_to_the_colder() {
    fn swapped<E: Energy<2> + Clone>(energy: &E, device: &Device) -> Vec<f64> {
        // Of each pair the colder and the hotter: both fine, hotter bad, colder bad, both bad.
        let rows = [-1.0, -1.0, 1.0, 1.0, -1.0, 1.0, -1.0, 1.0];
        let start = tensor(&rows, [8, 1], device);
        let kernel = ParallelTempering::new(ladder(&[1.0, 0.5]), |_| Stay);
        let after = run(&kernel, energy, start, 1, &mut Noise::new(9));
        for probability in values(after.swap_probabilities().unwrap()) {
            assert!(probability.is_finite(), "{probability}");
        }
        values(after.swaps().unwrap())
    }
    for device in devices() {
        let infinite = swapped(&WallWherePositive {}, &device);
        assert_eq!(infinite, [1.0, 0.0, 1.0, 0.0]);
        let low = swapped(&Negation::new(WallWherePositive {}), &device);
        assert_eq!(low, [1.0, 0.0, 0.0, 0.0]);
        let nan = swapped(&NanWherePositive {}, &device);
        assert_eq!(nan, [1.0, 0.0, 0.0, 0.0]);
    }
}

/// Hot replicas that jump far still stay where the energy is a number, unadjusted ones too: they go
/// back to where they were after the last swaps.
#[test]
fn replicas_stay_where_the_energy_is_a_number() {
    fn check<K: Kernel<Tempered<NanWherePositive>, Tensor<2>>>(kernel: impl Fn(f64) -> K) {
        for device in devices() {
            let ladder = Ladder::geometric(4, 0.1).unwrap();
            let kernel = ParallelTempering::new(ladder, &kernel);
            let start = tensor(&[-0.2; 400], [200, 2], &device);
            let after = run(
                &kernel,
                &NanWherePositive {},
                start,
                20,
                &mut Noise::new(10),
            );
            for x in values(after.position.clone()) {
                assert!(x < 0.0, "{x}");
            }
            for rate in values(after.swap_rates().unwrap()) {
                assert_eq!(rate, 1.0, "all energies are the same");
            }
            if let Some(resets) = after.resets() {
                assert!(values(resets.max())[0] > 0.0);
            }
        }
    }
    check(walk);
    check(|_| Langevin::at_temperature(0.05, 1.0));
}

/// Temperatures that are not the kernel's, images as well as vectors, and draws that are kept.
#[test]
fn ranks_make_no_difference_and_draws_can_be_kept() {
    let ladder = Ladder::geometric(3, 0.2).unwrap();
    for device in devices() {
        let start: Tensor<2> = Noise::new(11).normal([4, 6], &device);
        let kernel = ParallelTempering::new(ladder.clone(), |b| Mala::new(0.1 / b));
        let rows = ladder.replicate(start.clone());
        assert_eq!(rows.dims(), [12, 6]);
        let energy = Quadratic::new(1.0, &device);
        let vectors = run(&kernel, &energy, rows, 5, &mut Noise::new(12)).position;
        let images: Tensor<4> = ladder.replicate(start.reshape([4, 2, 1, 3]));
        let schedule = Schedule::new(3, 2);
        let mut noise = Noise::new(12);
        let (draws, after) = sample(&kernel, &energy, images, schedule, &mut noise);
        assert_eq!(draws.shape(), [2, 12, 2, 1, 3]);
        assert_eq!(after.position.dims(), [12, 2, 1, 3]);
        assert_eq!(ladder.cold(after.position.clone()).dims(), [4, 2, 1, 3]);
        assert_close_to(&values(after.position), &values(vectors), 1e-6);
    }
}

#[test]
#[should_panic(expected = "10 rows are no whole number of chains at 3 temperatures")]
fn rows_that_are_no_chains_are_refused() {
    let ladder = Ladder::linear(3, 0.1).unwrap();
    let kernel = ParallelTempering::new(ladder, walk);
    let start: Tensor<2> = Tensor::zeros([10, 2], &Device::flex());
    let _ = kernel.init(&DoubleWell {}, start);
}

#[test]
#[should_panic(expected = "swaps need transitions between them, got 0")]
fn swaps_without_transitions_are_refused() {
    let ladder = Ladder::linear(3, 0.1).unwrap();
    let _ = ParallelTempering::new(ladder, walk).with_transitions(0);
}

/// Pinned, to be changed only on purpose.
#[test]
fn the_numbers_of_a_seed() {
    for device in devices() {
        let ladder = Ladder::geometric(3, 0.01).unwrap();
        let kernel = ParallelTempering::new(ladder.clone(), |b| Mala::new(0.05 / b));
        let kernel = kernel.with_transitions(2);
        let start = ladder.replicate(tensor(&[0.5, -1.0], [2, 1], &device));
        let after = run(&kernel, &DoubleWell {}, start, 4, &mut Noise::new(42));
        assert_close_to(&values(after.swaps().unwrap()), &SWAPS, 0.0);
        assert_close_to(&values(after.position), &PINNED, 1e-5);
    }
}

const SWAPS: [f64; 4] = [3.0, 3.0, 3.0, 2.0];
const PINNED: [f64; 6] = [
    0.572_119_9,
    -1.134_209_4,
    -1.357_191_1,
    0.426_932_07,
    1.065_163_5,
    0.286_843_12,
];
