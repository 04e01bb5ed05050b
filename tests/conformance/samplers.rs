//! A few steps of every kernel with the same noise: positions, and which proposals were accepted.
//!
//! A decision that stands on edge, a proposal or a coin within rounding of its threshold, could
//! fall the other way on another backend. At one chance in 1e5 for each of some hundreds of
//! decisions a false alarm is rarer than one in 100, and the seeds are fixed: a backend that passes
//! keeps passing.

use burn::tensor::{Device, Tensor};
use ebm::models::{
    BlockConditional, BoltzmannMachine, BoltzmannMachineConfig, Coding, DbmConfig, Energy,
    HopfieldConfig, LayeredMachine, Layers, Mlp, MlpConfig, RbmConfig,
};
use ebm::ops::{Interval, Noise};
use ebm::sampling::density::NormalDensity;
use ebm::sampling::gibbs::{BlockGibbs, EnumeratedGibbs, SingleSiteGibbs, SiteOrder};
use ebm::sampling::hamiltonian::HamiltonianMonteCarlo;
use ebm::sampling::langevin::{Langevin, UnderdampedLangevin};
use ebm::sampling::memories::{Dynamics, recall};
use ebm::sampling::metropolis_hastings::{
    BitFlips, GibbsWithGradients, Independence, Mala, MetropolisHastings, RandomWalkMetropolis,
    UniformWalk,
};
use ebm::sampling::tempering::{
    BlockParallelTempering, Ladder, ParallelTempering, TemperatureSchedule, anneal,
};
use ebm::sampling::{Kernel, ReplayBuffer, ReplayBufferConfig, StartingPoints, Storage, run};

use crate::{assert_close, floats, on_both};

/// Positions drift apart by rounding, a little more with each step.
const TOLERANCE: f64 = 1e-4;
const STEPS: usize = 4;
const SHAPE: [usize; 2] = [6, 5];

/// An energy of vectors with a few hills.
fn network(device: &Device, noise: &mut Noise) -> Mlp {
    MlpConfig::new(SHAPE[1], vec![8]).init(device, noise)
}

/// A machine over five spins.
fn spins(device: &Device, noise: &mut Noise) -> BoltzmannMachine {
    let config = BoltzmannMachineConfig::new(SHAPE[1]).with_weight_std(0.7);
    config.init(device, noise)
}

fn states(device: &Device, noise: &mut Noise) -> Tensor<2> {
    let uniforms: Tensor<2> = noise.uniform(SHAPE, device);
    uniforms
        .greater_elem(0.5)
        .float()
        .mul_scalar(2.0)
        .sub_scalar(1.0)
}

/// Where a kernel takes chains, with the same model, start and noise on both devices.
fn check<E: Energy<2>, K: Kernel<E, Tensor<2>>>(
    what: &str,
    energy: impl Fn(&Device, &mut Noise) -> E,
    start: impl Fn(&Device, &mut Noise) -> Tensor<2>,
    kernel: impl Fn(&Device) -> K,
) {
    let (expected, found) = on_both(|device| {
        let mut noise = Noise::new(21);
        let model = energy(device, &mut noise);
        let start = start(device, &mut noise);
        let moved = run(&kernel(device), &model, start, STEPS, &mut noise);
        let counted = moved.totals_on_host();
        (floats(moved.position), counted, noise)
    });
    assert_close(what, &found.0, &expected.0, TOLERANCE);
    assert_eq!(found.1, expected.1, "{what}: other proposals were accepted");
    assert_eq!(
        found.2, expected.2,
        "{what}: the streams are at other places"
    );
}

/// What a run counted, on the host.
trait Counted {
    fn totals_on_host(&self) -> [Option<Vec<f32>>; 3];
}

impl<X> Counted for ebm::sampling::Run<X> {
    fn totals_on_host(&self) -> [Option<Vec<f32>>; 3] {
        [
            self.acceptance().map(floats),
            self.resets().map(floats),
            self.swaps().map(floats),
        ]
    }
}

fn normals(device: &Device, noise: &mut Noise) -> Tensor<2> {
    noise.normal(SHAPE, device)
}

#[test]
fn chains_that_follow_gradients() {
    check("Langevin", network, normals, |_| {
        Langevin::at_temperature(0.05, 1.0)
    });
    check("clipped Langevin", network, normals, |_| {
        let kernel = Langevin::new(10.0, 0.03).with_gradient_clip(0.01);
        kernel.with_clamp([-1.0, 1.0])
    });
    check("underdamped Langevin", network, normals, |_| {
        UnderdampedLangevin::new(0.2, 1.0)
    });
    check("MALA", network, normals, |_| Mala::new(0.5));
    check("HMC", network, normals, |device| {
        let metric = Tensor::from_floats([1.0, 0.5, 2.0, 1.0, 1.5], device);
        HamiltonianMonteCarlo::new(0.3, 3).with_inverse_mass_matrix(metric)
    });
}

#[test]
fn chains_of_proposals() {
    check("a Gaussian walk", network, normals, |_| {
        RandomWalkMetropolis::new(1.5)
    });
    check("a uniform walk", network, normals, |_| {
        MetropolisHastings::proposing(UniformWalk { half_width: 2.0 }).with_bounds([-2.0, 2.0])
    });
    check("independence", network, normals, |device| {
        let density = NormalDensity::isotropic(0.0, 1.5, &SHAPE[1..], device);
        MetropolisHastings::proposing(Independence { density })
    });
    check("parallel tempering", network, normals, |_| {
        let ladder = Ladder::linear(2, 0.3).unwrap();
        ParallelTempering::new(ladder, |beta: f64| {
            RandomWalkMetropolis::new(1.0 / beta.sqrt())
        })
    });
}

#[test]
fn chains_of_spins() {
    check("single-site Gibbs", spins, states, |_| {
        SingleSiteGibbs::new(1.0)
    });
    check("bit flips", spins, states, |_| {
        MetropolisHastings::proposing(BitFlips {
            flips: 2,
            coding: Coding::Spin,
        })
    });
    check("Gibbs with gradients", spins, states, |_| {
        GibbsWithGradients::new(Coding::Spin)
    });
    check("enumerated Gibbs", spins, states, |_| {
        EnumeratedGibbs::new(vec![-1.0, 1.0]).with_order(SiteOrder::Fixed)
    });
}

/// All blocks after a few sweeps.
fn check_blocks<K: Kernel<Layers, Vec<Tensor<2>>>>(what: &str, replicas: usize, kernel: K) {
    let (expected, found) = on_both(|device| {
        let mut noise = Noise::new(22);
        let config = DbmConfig::new(5, vec![4, 3]).with_weight_std(0.8);
        let layers = config.init(device, &mut noise).layers();
        let start: Vec<Tensor<2>> = layers
            .block_sizes()
            .into_iter()
            .map(|units| noise.uniform::<2>([6 * replicas, units], device).round())
            .collect();
        let moved = run(&kernel, &layers, start, STEPS, &mut noise);
        let counted = moved.totals_on_host();
        (floats(Tensor::cat(moved.position, 1)), counted, noise)
    });
    assert_close(what, &found.0, &expected.0, 0.0);
    assert_eq!(found.1, expected.1, "{what}: other swaps");
    assert_eq!(
        found.2, expected.2,
        "{what}: the streams are at other places"
    );
}

#[test]
fn chains_of_blocks() {
    check_blocks("block Gibbs", 1, BlockGibbs::default());
    let tempering = BlockParallelTempering::linear(2, 0.2).unwrap();
    check_blocks("block parallel tempering", 2, tempering);
}

#[test]
fn annealing_and_recall() {
    let (expected, found) = on_both(|device| {
        let mut noise = Noise::new(23);
        let machine = spins(device, &mut noise);
        let start = states(device, &mut noise);
        let schedule = TemperatureSchedule::geometric(2.0, 0.2, STEPS).unwrap();
        let sweep = SingleSiteGibbs::new(1.0);
        let annealed = anneal(&machine, start, &schedule, &sweep, 2, &mut noise);
        (floats(annealed.last), floats(annealed.majority))
    });
    assert_close("annealed spins", &found.0, &expected.0, 0.0);
    assert_close("their majority", &found.1, &expected.1, 0.0);

    for dynamics in [Dynamics::default(), Dynamics::Synchronous] {
        let (expected, found) = on_both(|device| {
            let mut noise = Noise::new(24);
            let patterns = states(device, &mut noise).narrow(0, 0, 2);
            let network = HopfieldConfig::new(SHAPE[1]).init(device).store(patterns);
            let start = states(device, &mut noise);
            floats(recall(&network, start, 5, dynamics, &mut noise).states)
        });
        assert_close(&format!("recall, {dynamics:?}"), &found, &expected, 0.0);
    }
}

#[test]
fn the_replay_buffer() {
    for storage in [Storage::F32, Storage::U8(Interval::new(-1.0, 1.0))] {
        let (expected, found) = on_both(|device| {
            let mut noise = Noise::new(25);
            let config = ReplayBufferConfig {
                fresh_fraction: 0.3,
                starting_points: StartingPoints::Uniform(Interval::new(-1.0, 1.0)),
                storage,
            };
            let mut buffer = ReplayBuffer::new([9, 5], config, device, &mut noise);
            let draw = buffer.draw(4, &mut noise);
            let positions = floats(draw.positions.clone());
            buffer.write_back(draw.indices, draw.positions.mul_scalar(0.5));
            let kept = buffer.to_data();
            (positions, kept.dtype(), crate::values(&kept), noise)
        });
        assert_close("drawn chains", &found.0, &expected.0, 0.0);
        assert_eq!(
            found.1, expected.1,
            "what a checkpoint keeps has another type"
        );
        // Half of an odd byte lies between two, and may round to either.
        let most = if matches!(storage, Storage::F32) {
            0.0
        } else {
            1.0
        };
        for (a, b) in found.2.iter().zip(&expected.2) {
            assert!((a - b).abs() <= most, "{a} and {b} in the buffer");
        }
        assert_eq!(found.3, expected.3, "the streams are at other places");
    }
}

#[test]
fn rbm_chains_draw_the_same_units() {
    let (expected, found) = on_both(|device| {
        let mut noise = Noise::new(26);
        let machine = RbmConfig::new(5, 4)
            .with_weight_std(0.8)
            .init(device, &mut noise);
        let start = vec![
            noise.uniform::<2>([6, 5], device).round(),
            Tensor::zeros([6, 4], device),
        ];
        let moved = run(
            &BlockGibbs::default(),
            &machine.layers(),
            start,
            STEPS,
            &mut noise,
        );
        floats(Tensor::cat(moved.position, 1))
    });
    assert_close("units of a restricted machine", &found, &expected, 0.0);
}
