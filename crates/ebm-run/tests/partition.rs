//! The partition function of every Boltzmann machine: exact where it is small, else between bounds that hold it.
#![allow(clippy::unwrap_used)]

use burn::tensor::{Device, Tensor};
use ebm_models::{
    BoltzmannMachine, BoltzmannMachineConfig, Coding, DbmConfig, Hopfield, HopfieldConfig,
    RbmConfig, VisibleUnits,
};
use ebm_ops::Noise;
use ebm_run::AnyModel;
use ebm_run::evaluation::{LogPartition, PartitionMethod, PartitionOptions, log_partition};
use ebm_sampling::{TemperingSchedule, random_states};
use ebm_train::Examples;

fn options(method: PartitionMethod) -> PartitionOptions {
    PartitionOptions {
        method,
        schedule: TemperingSchedule::linear(300),
        chains: 200,
        reverse_sweeps: 200,
        seed: 5,
        ..PartitionOptions::default()
    }
}

fn found(
    model: &AnyModel,
    data: Option<&Examples<4>>,
    method: PartitionMethod,
) -> Result<LogPartition, ebm_run::RunError> {
    log_partition(model, data, &options(method), &mut |_, _, _| {})
}

/// Machines of 12 visible units with couplings of order 1, and a Hopfield network of 3 patterns.
fn machines(device: &Device) -> Vec<(AnyModel, Coding)> {
    let mut noise = Noise::new(1);
    let mut machines = Vec::new();
    for coding in [Coding::Spin, Coding::Binary] {
        for hidden in [0, 3] {
            let config = BoltzmannMachineConfig::new(12)
                .with_hidden(hidden)
                .with_coding(coding)
                .with_weight_std(0.3);
            let machine = config.init(device, &mut noise);
            machines.push((AnyModel::BoltzmannMachine(machine), coding));
        }
    }
    let patterns = random_states(Coding::Spin, [3, 12], device, &mut noise);
    let hopfield: Hopfield = HopfieldConfig::new(12).init(device).store(patterns);
    machines.push((AnyModel::Hopfield(hopfield), Coding::Spin));
    let rbm = RbmConfig::new(12, 8).with_weight_std(0.8);
    machines.push((AnyModel::Rbm(rbm.init(device, &mut noise)), Coding::Binary));
    let dbm = DbmConfig::new(12, vec![5, 4]).with_weight_std(0.8);
    machines.push((AnyModel::Dbm(dbm.init(device, &mut noise)), Coding::Binary));
    machines
}

fn examples(coding: Coding, noise: &mut Noise, device: &Device) -> Examples<4> {
    let states = random_states(coding, [50, 12], device, noise);
    // More high than low, so that base rates say something.
    let more = random_states(coding, [50, 12], device, noise);
    Examples::from_tensor(states.max_pair(more).reshape([50, 1, 3, 4]))
}

/// Both bounds come within five standard errors of the exact value (5.7e-7 each) and are narrow, with data and without.
#[test]
fn bounds_hold_the_exact_value() {
    let device = Device::flex();
    for (model, coding) in machines(&device) {
        let name = model.name();
        let exact = found(&model, None, PartitionMethod::Exact).unwrap().value();
        assert_eq!(
            found(&model, None, PartitionMethod::Auto).unwrap(),
            LogPartition::Exact {
                log_partition: exact
            }
        );
        let data = examples(coding, &mut Noise::new(2), &device);
        for data in [None, Some(&data)] {
            let annealed = found(&model, data, PartitionMethod::Annealed).unwrap();
            let again = found(&model, data, PartitionMethod::Annealed).unwrap();
            assert_eq!(annealed, again, "{name}");
            let LogPartition::Annealed {
                forward,
                reverse,
                temperatures,
                chains,
            } = annealed
            else {
                panic!("{name}: {annealed:?}");
            };
            assert_eq!((temperatures, chains), (301, 200));
            for bound in [&forward, &reverse] {
                let error = (bound.interval.1 - bound.interval.0) / (2.0 * 1.96);
                let z = (bound.log_partition - exact) / error;
                assert!(z.abs() < 5.0, "{name}: {exact}, {bound:?}, z = {z}");
                assert!(error < 0.05, "{name}: {bound:?}");
                assert!(bound.effective_sample_size > 100.0, "{name}: {bound:?}");
            }
        }
    }
}

/// A ring of spins that field and couplings turn up, and data of spins that are all down: the upper bound is right after
/// sweeps enough, and wrong without any.
#[test]
fn samples_are_drawn_before_annealing_back() {
    let device = Device::flex();
    let mut couplings = vec![0.0_f32; 144];
    for unit in 0..12 {
        let next = (unit + 1) % 12;
        couplings[unit * 12 + next] = 0.8;
        couplings[next * 12 + unit] = 0.8;
    }
    let couplings = Tensor::<1>::from_floats(&couplings[..], &device).reshape([12, 12]);
    let ring = BoltzmannMachine::ising(couplings, Tensor::full([12], 0.1, &device));
    let ring = AnyModel::BoltzmannMachine(ring);
    let exact = found(&ring, None, PartitionMethod::Exact).unwrap().value();
    let down = Examples::from_tensor(Tensor::<4>::full([7, 1, 3, 4], -1.0, &device));
    for (sweeps, right) in [(0, false), (100, true)] {
        let options = PartitionOptions {
            reverse_sweeps: sweeps,
            ..options(PartitionMethod::Annealed)
        };
        let found = log_partition(&ring, Some(&down), &options, &mut |_, _, _| {}).unwrap();
        let LogPartition::Annealed { reverse, .. } = found else {
            panic!("{found:?}");
        };
        let error = (reverse.interval.1 - reverse.interval.0) / (2.0 * 1.96);
        let z = (reverse.log_partition - exact) / error;
        assert_eq!(
            z.abs() < 5.0,
            right,
            "{sweeps} sweeps: {exact}, {reverse:?}"
        );
    }
}

/// Up to 25 units are summed over where they are few beside; more are annealed, and can't be summed over.
#[test]
fn the_method_follows_the_size() {
    let device = Device::flex();
    let machine = |units| {
        let config = BoltzmannMachineConfig::new(units).with_weight_std(0.05);
        AnyModel::BoltzmannMachine(config.init(&device, &mut Noise::new(1)))
    };
    for (units, exact) in [(20, true), (22, true), (26, false)] {
        let found = found(&machine(units), None, PartitionMethod::Auto).unwrap();
        let is_exact = matches!(found, LogPartition::Exact { .. });
        assert_eq!(is_exact, exact, "{units} units: {found:?}");
    }
    assert!(found(&machine(26), None, PartitionMethod::Exact).is_err());
    let real = RbmConfig::new(4, 26).with_visible_units(VisibleUnits::Gaussian);
    let real = AnyModel::Rbm(real.init(&device, &mut Noise::new(1)));
    let found = found(&real, None, PartitionMethod::Auto).unwrap();
    assert!(matches!(found, LogPartition::Annealed { .. }), "{found:?}");
}

#[test]
fn work_is_reported_part_by_part() {
    let device = Device::flex();
    let config = BoltzmannMachineConfig::new(6).with_hidden(2);
    let machine = AnyModel::BoltzmannMachine(config.init(&device, &mut Noise::new(1)));
    let mut parts = Vec::new();
    let options = options(PartitionMethod::Annealed);
    let data = Examples::from_tensor(Tensor::<4>::ones([3, 1, 2, 3], &device));
    log_partition(&machine, Some(&data), &options, &mut |part, done, total| {
        parts.push((part, done == total));
    })
    .unwrap();
    parts.retain(|(_, complete)| *complete);
    let names: Vec<&str> = parts.iter().map(|(part, _)| *part).collect();
    assert_eq!(
        names,
        [
            "annealing forward",
            "drawing samples of the model",
            "annealing back"
        ]
    );
}
