//! Gibbs sampling by enumeration of a site's values, of any discrete energy.

mod common;
mod finite;

use burn::tensor::{Device, Tensor};
use common::{assert_chi_square, devices, tensor, values};
use ebm_models::{Coding, Energy};
use ebm_ops::Noise;
use ebm_sampling::gibbs::{EnumeratedGibbs, SingleSiteGibbs, SiteOrder};
use ebm_sampling::{Kernel, run};
use ebm_testing::pairwise::Known;
use finite::{CODINGS, Finite, chi_square, two_values};

const ORDERS: [SiteOrder; 2] = [SiteOrder::Fixed, SiteOrder::RandomPermutation];

/// A Potts model on a torus, `E(x) = -J sum_<ij> 1[x_i = x_j] - h sum_i 1[x_i = 0]` (Potts 1952): a
/// step function of its values, without a gradient.
#[derive(Clone, Debug)]
struct Potts {
    pairs: Vec<(usize, usize)>,
}

const COUPLING: f64 = 0.6;
const FIELD: f64 = 0.4;

impl Potts {
    fn torus(rows: usize, columns: usize) -> Self {
        let sites = (0..rows).flat_map(|row| (0..columns).map(move |column| (row, column)));
        let pairs = sites.flat_map(|(row, column)| {
            let right = row * columns + (column + 1) % columns;
            let below = (row + 1) % rows * columns + column;
            [right, below].map(|other| (row * columns + column, other))
        });
        Self {
            pairs: pairs.collect(),
        }
    }

    fn at(&self, x: &[f64]) -> f64 {
        let equal = self.pairs.iter().filter(|&&(i, j)| x[i] == x[j]).count();
        let zeros = x.iter().filter(|&&x| x == 0.0).count();
        -COUPLING * equal as f64 - FIELD * zeros as f64
    }
}

impl<const D: usize> Energy<D> for Potts {
    fn energy(&self, x: Tensor<D>) -> Tensor<1> {
        let shape = x.dims();
        let x: Tensor<2> = x.reshape([shape[0], shape[1..].iter().product()]);
        let site = |i: usize| x.clone().narrow(1, i, 1);
        let zeros = x.clone().equal_scalar(0.0).float().sum_dim(1);
        let pairs = self.pairs.iter();
        let equal = pairs.map(|&(i, j)| site(i).equal(site(j)).float());
        let energy = equal.fold(zeros.mul_scalar(-FIELD), |sum, equal| {
            sum - equal.mul_scalar(COUPLING)
        });
        energy.squeeze_dim(1)
    }
}

/// Chains that start at the enumerated distribution are there after two sweeps, and chains that
/// start with one colour come there in eight; images of rank 4, which must give what vectors give.
/// 16 chi-squares at 2.9e-7 for each lattice.
#[test]
fn a_potts_model_is_sampled() {
    for device in devices() {
        for (colours, rows, columns) in [(3, 2, 3), (4, 2, 2)] {
            let (energy, sites) = (Potts::torus(rows, columns), rows * columns);
            let colours: Vec<f64> = (0..colours).map(f64::from).collect();
            let known = Finite::of_formula(&colours, sites, |x| energy.at(x));
            for (order, temperature) in ORDERS.into_iter().zip([1.0, 1.7]) {
                let mut noise = Noise::new(1);
                let target = known.probabilities(temperature);
                let kernel = EnumeratedGibbs::new(colours.clone())
                    .with_order(order)
                    .with_temperature(temperature);
                let what = format!("{colours:?}, {order:?}, {device:?}");

                let start = known.draws(&target, 8_000, &device, &mut noise);
                let images: Tensor<4> = start.clone().reshape([8_000, 1, rows, columns]);
                let flat = run(&kernel, &energy, start.clone(), 2, &mut noise.clone()).position;
                let end = run(&kernel, &energy, images, 2, &mut noise).position;
                assert_eq!(end.dims(), [8_000, 1, rows, columns]);
                assert_eq!(values(end.clone()), values(flat.clone()));
                let moved = values(start)
                    .iter()
                    .zip(values(flat))
                    .filter(|(a, b)| **a != *b)
                    .count();
                assert!(moved > 8_000, "{what}: {moved} sites moved");
                known.assert_distribution(end, &target, &format!("stationary: {what}"));

                let one = Tensor::<2>::full([3_000, sites], 1.0, &device);
                let end = run(&kernel, &energy, one, 8, &mut noise).position;
                known.assert_distribution(end, &target, &format!("reached: {what}"));
            }
        }
    }
}

/// One sweep in fixed order from `from`: the product of the conditionals, site by site.
fn sweep(known: &Finite, from: usize, temperature: f64) -> Vec<f64> {
    let base = known.states.values.len();
    let mut distribution = vec![0.0; known.count()];
    distribution[from] = 1.0;
    for site in 0..known.states.sites {
        let place = base.pow(site as u32);
        let mut next = vec![0.0; known.count()];
        for (state, mass) in distribution
            .iter()
            .enumerate()
            .filter(|(_, mass)| **mass > 0.0)
        {
            let others = state - state / place % base * place;
            let tried = (0..base).map(|digit| others + digit * place);
            let weight = |to: usize| (-known.energies[to] / temperature).exp();
            let sum: f64 = tried.clone().map(weight).sum();
            tried.for_each(|to| next[to] += mass * weight(to) / sum);
        }
        distribution = next;
    }
    distribution
}

/// One sweep of a Boltzmann machine from one state is the product of the conditionals, by either
/// sampler.
#[test]
fn it_equals_single_site_gibbs_on_a_boltzmann_machine() {
    const CHAINS: usize = 50_000;
    for device in devices() {
        for coding in CODINGS {
            let known = Known::random(5, (0.6, 0.4), coding, &mut Noise::new(2));
            let machine = known.machine(&device);
            let finite = Finite::of_formula(&two_values(coding), 5, |x| known.energy(x));
            let temperature = 1.3;
            let expected = sweep(&finite, 0b01101, temperature);
            let start = finite.state(0b01101).repeat(CHAINS);
            let start: Tensor<2> = tensor(&start, [CHAINS, 5], &device);
            let single = SingleSiteGibbs::new(temperature).with_order(SiteOrder::Fixed);
            let end = run(&single, &machine, start.clone(), 1, &mut Noise::new(3)).position;
            finite.assert_distribution(end, &expected, &format!("single, {coding:?}"));
            let kernel = EnumeratedGibbs::new(two_values(coding).to_vec())
                .with_temperature(temperature)
                .with_order(SiteOrder::Fixed);
            let end = run(&kernel, &machine, start, 1, &mut Noise::new(4)).position;
            finite.assert_distribution(end, &expected, &format!("enumerated, {coding:?}"));
        }
    }
}

/// The energies of the values of one site, the values being 0, 1, 2, ...
#[derive(Clone, Debug)]
struct Table {
    energies: Vec<f64>,
}

impl Energy<2> for Table {
    fn energy(&self, x: Tensor<2>) -> Tensor<1> {
        let x: Tensor<1> = x.narrow(1, 0, 1).squeeze_dim(1);
        let entries = self.energies.iter().enumerate();
        entries.fold(x.zeros_like(), |energies, (value, &energy)| {
            energies.mask_fill(x.clone().equal_scalar(value as f64), energy)
        })
    }
}

/// The values that one step draws for the first of `sites`, `counts[value]`.
fn drawn(energies: &[f64], temperature: f64, device: &Device) -> Vec<f64> {
    const CHAINS: usize = 40_000;
    let table = Table {
        energies: energies.to_vec(),
    };
    let values: Vec<f64> = (0..energies.len()).map(|value| value as f64).collect();
    let kernel = EnumeratedGibbs::new(values).with_temperature(temperature);
    let start = Tensor::<2>::zeros([CHAINS, 1], device);
    let end = run(&kernel, &table, start, 1, &mut Noise::new(5)).position;
    let mut counts = vec![0.0; energies.len()];
    for value in common::values(end) {
        counts[value as usize] += 1.0;
    }
    counts
}

/// `exp(-E / T)` normalised over the values whose energy is finite: also where energies are a
/// million nats and what differs is an eighth, and where some aren't finite, among them the first
/// and `-inf`.
#[test]
fn the_conditional_of_a_site_is_that_of_its_energies() {
    let (infinite, nan) = (f64::INFINITY, f64::NAN);
    let million = 1_048_576.0;
    let tables: [&[f64]; 6] = [
        &[0.0, 1.0, -0.5, 3.0],
        &[million, million + 0.125, million - 1.5, million + 2.0],
        &[-million, 0.125 - million, -million - 1.5, 2.0 - million],
        &[nan, 0.0, infinite, 1.0, -infinite, 0.5],
        &[infinite, 2.0, 2.5],
        &[1e38, 0.0, 0.25, -infinite],
    ];
    for device in devices() {
        for energies in tables {
            for temperature in [1.0, 0.7, 2.0] {
                let finite = |e: &&f64| e.is_finite();
                let lowest = energies
                    .iter()
                    .filter(finite)
                    .copied()
                    .fold(f64::MAX, f64::min);
                let weights: Vec<f64> = energies
                    .iter()
                    .map(|&e| match e.is_finite() {
                        true => ((lowest - e) / temperature).exp(),
                        false => 0.0,
                    })
                    .collect();
                let sum: f64 = weights.iter().sum();
                let expected: Vec<f64> = weights.iter().map(|w| w / sum).collect();
                let counts = drawn(energies, temperature, &device);
                let (statistic, cells) = chi_square(&counts, &expected);
                let what = format!("{energies:?}, T {temperature}, {device:?}");
                assert_chi_square(statistic, cells - 1.0, &what);
            }
        }
    }
}

/// The others are redrawn all the same: the second site is free, and its values are even.
#[test]
fn a_site_without_a_possible_value_stays() {
    for device in devices() {
        for energy in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            let table = Table {
                energies: vec![energy; 3],
            };
            let kernel = EnumeratedGibbs::new(vec![0.0, 1.0, 2.0]);
            let start = tensor(&[2.0, 1.0, 0.0, 7.0], [4, 1], &device);
            let end = run(&kernel, &table, start.clone(), 3, &mut Noise::new(6)).position;
            assert_eq!(values(end)[..3], values(start)[..3]);
        }
    }
}

#[test]
fn values_that_are_not_in_the_list_are_replaced() {
    for device in devices() {
        let energy = Potts::torus(2, 2);
        let kernel = EnumeratedGibbs::new(vec![0.0, 0.1, 0.7]);
        let start = Tensor::<2>::full([50, 4], 9.0, &device);
        let end = values(run(&kernel, &energy, start, 1, &mut Noise::new(7)).position);
        let listed = |x: &f64| [0.0_f32, 0.1, 0.7].contains(&(*x as f32));
        assert!(end.iter().all(listed), "{end:?}");
    }
}

#[test]
#[should_panic(expected = "a site needs at least one value")]
fn a_site_without_values_is_refused() {
    let start = Tensor::<2>::zeros([1, 4], &Device::flex());
    EnumeratedGibbs::new(vec![]).init(&Potts::torus(2, 2), start);
}

#[test]
#[should_panic(expected = "a temperature must be above 0, found 0")]
fn a_temperature_of_zero_is_refused() {
    let start = Tensor::<2>::zeros([1, 4], &Device::flex());
    let kernel = EnumeratedGibbs::new(vec![0.0, 1.0]).with_temperature(0.0);
    kernel.init(&Potts::torus(2, 2), start);
}

/// Pinned, to be changed only on purpose.
#[test]
fn the_numbers_of_a_seed() {
    for device in devices() {
        let energy = Potts::torus(2, 3);
        let start = Tensor::<2>::zeros([3, 6], &device);
        let kernel = EnumeratedGibbs::new(vec![0.0, 1.0, 2.0]);
        let chains = run(&kernel, &energy, start, 4, &mut Noise::new(42));
        assert_eq!(values(chains.position), PINNED);
        let machine = Known::random(5, (0.6, 0.4), Coding::Spin, &mut Noise::new(8));
        let kernel = EnumeratedGibbs::new(vec![-1.0, 1.0]).with_order(SiteOrder::Fixed);
        let start = Tensor::<2>::ones([2, 5], &device);
        let chains = run(
            &kernel,
            &machine.machine(&device),
            start,
            4,
            &mut Noise::new(42),
        );
        assert_eq!(values(chains.position), PINNED_SPINS);
    }
}

const PINNED: [f64; 18] = [
    1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 2.0, 2.0, 2.0,
];
const PINNED_SPINS: [f64; 10] = [-1.0, 1.0, 1.0, 1.0, 1.0, -1.0, 1.0, 1.0, -1.0, 1.0];
