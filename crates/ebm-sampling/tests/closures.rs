//! Energies that are closures and functions, under every kernel and what is built on kernels.

mod common;

use burn::tensor::{Device, Tensor};
use common::values;
use ebm_models::{Coding, Energy, Mixture, Negation, WeightedSum};
use ebm_ops::Noise;
use ebm_sampling::conditioning::{ConditionalEnergy, GaussianLikelihood};
use ebm_sampling::density::NormalDensity;
use ebm_sampling::gibbs::EnumeratedGibbs;
use ebm_sampling::hamiltonian::HamiltonianMonteCarlo;
use ebm_sampling::importance_sampling::importance_sample;
use ebm_sampling::langevin::{Langevin, UnderdampedLangevin};
use ebm_sampling::metropolis_hastings::{
    BitFlips, GibbsWithGradients, Mala, MetropolisHastings, RandomWalkMetropolis,
};
use ebm_sampling::partition::{AnnealedImportance, EnergyPath, TemperingSchedule};
use ebm_sampling::tempering::{Ladder, ParallelTempering, TemperatureSchedule, anneal_energy};
use ebm_sampling::{Kernel, run};

/// The precision of the normal that everything here moves on.
const PRECISION: f64 = 4.0;

/// The same energy as a type of its own.
#[derive(Clone, Debug)]
struct Normal;

impl Energy<2> for Normal {
    fn energy(&self, x: Tensor<2>) -> Tensor<1> {
        normal(x)
    }
}

fn normal(x: Tensor<2>) -> Tensor<1> {
    let squares: Tensor<1> = x.square().sum_dim(1).squeeze_dim(1);
    squares.mul_scalar(0.5 * PRECISION)
}

fn start(device: &Device) -> Tensor<2> {
    Noise::new(3).normal([8, 2], device)
}

/// Where chains end that move by `kernel` through `energy`.
fn ends<E, K: Kernel<E, Tensor<2>>>(kernel: &K, energy: &E, start: Tensor<2>) -> Vec<f64> {
    values(run(kernel, energy, start, 20, &mut Noise::new(5)).position)
}

#[test]
fn a_closure_moves_chains_as_a_type_does() {
    let device = Device::flex();
    let captured = PRECISION;
    let closure = move |x: Tensor<2>| {
        let squares: Tensor<1> = x.square().sum_dim(1).squeeze_dim(1);
        squares.mul_scalar(0.5 * captured)
    };
    macro_rules! check {
        ($kernel:expr, $start:expr) => {
            let kernel = $kernel;
            let expected = ends(&kernel, &Normal, $start);
            assert!(expected.iter().any(|&x| x != expected[0]), "chains moved");
            assert_eq!(ends(&kernel, &closure, $start), expected);
            assert_eq!(ends(&kernel, &normal, $start), expected);
        };
    }
    let positions = || start(&device);
    check!(Langevin::at_temperature(0.05, 1.0), positions());
    check!(UnderdampedLangevin::new(0.1, 1.0), positions());
    check!(RandomWalkMetropolis::new(0.3), positions());
    check!(Mala::new(0.1), positions());
    check!(HamiltonianMonteCarlo::new(0.2, 4), positions());
    let spins = || positions().sign();
    check!(GibbsWithGradients::new(Coding::Spin), spins());
    check!(
        MetropolisHastings::proposing(BitFlips {
            coding: Coding::Spin,
            flips: 1
        }),
        spins()
    );
    check!(EnumeratedGibbs::new(vec![-1.0, 1.0]), spins());
    let ladder = Ladder::geometric(2, 0.5).expect("a ladder");
    check!(
        ParallelTempering::new(ladder.clone(), |b| Mala::new(0.1 / b)),
        ladder.replicate(positions())
    );
}

/// A chain's distribution is checked too: 4,000 independent chains of Hamiltonian Monte Carlo from
/// the origin have the variance `1 / PRECISION` within five standard errors, which a right sampler
/// misses once in 1.7 million.
#[test]
fn a_closure_is_sampled_from() {
    let device = Device::flex();
    let chains = 4000;
    let start = Tensor::zeros([chains, 2], &device);
    let kernel = HamiltonianMonteCarlo::new(0.25, 4);
    let ends = values(run(&kernel, &normal, start, 30, &mut Noise::new(7)).position);
    let variance = ends.iter().map(|x| x * x).sum::<f64>() / ends.len() as f64;
    let error = (2.0 / ends.len() as f64).sqrt() / PRECISION;
    assert!(
        (variance - 1.0 / PRECISION).abs() < 5.0 * error,
        "variance {variance}, expected {} +- {error}",
        1.0 / PRECISION
    );
}

#[test]
fn closures_are_annealed_conditioned_composed_and_weighed() {
    let device = Device::flex();
    let mut noise = Noise::new(11);
    let cooled = anneal_energy(
        &normal,
        start(&device),
        &TemperatureSchedule::geometric(1.0, 1e-4, 40).expect("a schedule"),
        5,
        |temperature| Langevin::at_temperature(0.1 * temperature, 1.0),
        &mut noise,
    );
    let deepest = values(cooled.lowest_energy);
    assert!(deepest.iter().all(|&energy| energy < 0.01), "{deepest:?}");

    let given = Tensor::<2>::from_floats([[0.5, 0.0]], &device);
    let conditional = ConditionalEnergy::new(normal, given, &[false, true]);
    let free = Tensor::<2>::from_floats([[0.25]], &device);
    let expected = 0.5 * PRECISION * (0.5 * 0.5 + 0.25 * 0.25);
    assert!((values(conditional.energy(free))[0] - expected).abs() < 1e-6);

    // A posterior: normal prior of precision 4, an observation 1 of standard deviation 0.5, so
    // precision 4 each.
    let observed = Tensor::<2>::ones([1, 2], &device);
    let posterior = WeightedSum::new(
        (normal, GaussianLikelihood::new(observed, 0.5)),
        vec![1.0; 2],
    );
    let x = Tensor::<2>::full([1, 2], 0.5, &device);
    let energy = values(posterior.energy(x.clone()))[0];
    assert!((energy - 2.0).abs() < 1e-6, "{energy}");
    let mixed = Mixture::new(vec![normal, normal], &[1.0, 1.0]);
    let mixed = values(mixed.energy(x.clone()))[0];
    assert!((mixed - (1.0 - 2_f64.ln())).abs() < 1e-6, "{mixed}");
    assert_eq!(values(Negation::new(normal).energy(x)), [-1.0]);

    // log Z = log (2 pi / PRECISION), by annealing and by importance sampling from a wider normal.
    // Weights of importance sampling have a relative variance of 4/3 * 4/3 - 1 here: five standard
    // errors of 20,000 draws are 0.03.
    let log_partition = (std::f64::consts::TAU / PRECISION).ln();
    let base = NormalDensity::isotropic(0.0, 1.0, &[2], &device);
    let weighed = importance_sample(&normal, &base, 20_000, &mut noise).expect("light tails");
    assert!((weighed.weights.log_partition().value - log_partition).abs() < 0.03);
    let path = EnergyPath::<_, _, _, 2>::new(normal, base, |_| HamiltonianMonteCarlo::new(0.3, 3));
    let annealing = AnnealedImportance {
        schedule: TemperingSchedule::linear(50),
        chains: 500,
    };
    let annealed = annealing.run(&path, &mut noise, &mut ());
    assert!((annealed.log_partition - log_partition).abs() < 0.05);
}
