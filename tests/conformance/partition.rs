//! Partition functions: the sum over all states, and annealed importance sampling with the same
//! noise.

use burn::tensor::{Device, Tensor};
use ebm::models::{
    BoltzmannMachine, BoltzmannMachineConfig, Dbm, DbmConfig, LayeredMachine, MlpConfig,
    PairwiseMachine, Rbm, RbmConfig, log_partition, log_partition_of,
};
use ebm::ops::Noise;
use ebm::sampling::density::NormalDensity;
use ebm::sampling::metropolis_hastings::RandomWalkMetropolis;
use ebm::sampling::partition::{
    AnnealedImportance, AnnealingPath, EnergyPath, LayeredPath, PairwisePath, TemperingSchedule,
};

use crate::{assert_close, on_both};

/// Machines small enough to be summed over, with weights of order 1.
fn machines(seed: u64, device: &Device) -> (Rbm, Dbm, BoltzmannMachine) {
    let mut noise = Noise::new(seed);
    let rbm = RbmConfig::new(7, 5).with_weight_std(0.8);
    let dbm = DbmConfig::new(5, vec![4, 3]).with_weight_std(0.8);
    let spins = BoltzmannMachineConfig::new(7).with_weight_std(0.8);
    (
        rbm.init(device, &mut noise),
        dbm.init(device, &mut noise),
        spins.init(device, &mut noise),
    )
}

#[test]
fn exact_sums() {
    let (expected, found) = on_both(|device| {
        let (rbm, dbm, spins) = machines(31, device);
        let spins = spins.parameters();
        let energy = |states: Tensor<2>| spins.energy(states);
        [
            log_partition(&rbm.layers(), &mut ()).unwrap() as f32,
            log_partition(&dbm.layers(), &mut ()).unwrap() as f32,
            log_partition_of(energy, 7, -1.0, 1.0, device, &mut ()).unwrap() as f32,
        ]
    });
    assert_close("log Z", &found, &expected, 1e-5);
}

/// The log-weights of a few chains, forward and back: `[2 * chains]`.
fn annealed<P: AnnealingPath>(path: &P) -> Vec<f32> {
    let mut noise = Noise::new(32);
    let annealing = AnnealedImportance {
        schedule: TemperingSchedule::linear(6),
        chains: 6,
    };
    let forward = annealing.run(path, &mut noise, &mut ());
    let back = annealing.run_reverse(path, forward.states, &mut noise, &mut ());
    let all = forward.log_weights.into_iter().chain(back.log_weights);
    all.map(|weight| weight as f32).collect()
}

#[test]
fn annealed_importance_of_machines() {
    let (expected, found) = on_both(|device| {
        let (rbm, dbm, spins) = machines(33, device);
        [
            annealed(&LayeredPath::new(&rbm.layers())),
            annealed(&LayeredPath::new(&dbm.layers())),
            annealed(&PairwisePath::new(&spins)),
        ]
    });
    for (what, (found, expected)) in ["RBM", "DBM", "Boltzmann machine"]
        .iter()
        .zip(found.iter().zip(&expected))
    {
        assert_close(&format!("log-weights of the {what}"), found, expected, 1e-4);
    }
}

#[test]
fn annealed_importance_of_an_energy() {
    let (expected, found) = on_both(|device| {
        let mut noise = Noise::new(34);
        let energy = MlpConfig::new(5, vec![8]).init(device, &mut noise);
        let base = NormalDensity::isotropic(0.0, 1.0, &[5], device);
        let kernel = |_beta: f64| RandomWalkMetropolis::new(0.7);
        annealed(&EnergyPath::<_, _, _, 2>::new(energy, base, kernel))
    });
    assert_close("log-weights of an energy", &found, &expected, 1e-4);
}
