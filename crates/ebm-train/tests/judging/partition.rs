//! The partition function of every Boltzmann machine: exact where it is small, else between bounds
//! that hold it.

use burn::tensor::{Device, Tensor};
use ebm_models::{
    BoltzmannMachine, BoltzmannMachineConfig, Coding, DbmConfig, Energy, Hopfield, HopfieldConfig,
    LayeredMachine, LayeredStructure, RbmConfig, Structure, VisibleUnits,
};
use ebm_ops::{Noise, Progress};
use ebm_sampling::gibbs::random_states;
use ebm_sampling::partition::TemperingSchedule;
use ebm_train::Examples;
use ebm_train::judging::{
    JudgingError, LogPartition, PartitionMethod, PartitionOptions, log_partition,
};

fn options(method: PartitionMethod) -> PartitionOptions {
    PartitionOptions {
        method,
        schedule: TemperingSchedule::linear(300),
        chains: 200,
        reverse_sweeps: 200,
        seed: 5,
    }
}

fn found(
    model: &dyn Energy<4>,
    data: Option<&Examples<4>>,
    method: PartitionMethod,
) -> Result<LogPartition, JudgingError> {
    log_partition(model, data, &options(method), &mut ())
}

/// Machines of 12 visible units with couplings of order 1, and a Hopfield network of 3 patterns.
fn machines(device: &Device) -> Vec<(&'static str, Box<dyn Energy<4>>, Coding)> {
    let mut noise = Noise::new(1);
    let mut machines: Vec<(&'static str, Box<dyn Energy<4>>, Coding)> = Vec::new();
    for coding in [Coding::Spin, Coding::Binary] {
        for hidden in [0, 3] {
            let config = BoltzmannMachineConfig::new(12)
                .with_hidden(hidden)
                .with_coding(coding)
                .with_weight_std(0.3);
            let machine = config.init(device, &mut noise);
            machines.push(("boltzmann_machine", Box::new(machine), coding));
        }
    }
    let patterns = random_states(Coding::Spin, [3, 12], device, &mut noise);
    let hopfield: Hopfield = HopfieldConfig::new(12).init(device).store(patterns);
    machines.push(("hopfield", Box::new(hopfield), Coding::Spin));
    let rbm = RbmConfig::new(12, 8).with_weight_std(0.8);
    let rbm = rbm.init(device, &mut noise);
    machines.push(("rbm", Box::new(rbm), Coding::Binary));
    let dbm = DbmConfig::new(12, vec![5, 4]).with_weight_std(0.8);
    let dbm = dbm.init(device, &mut noise);
    machines.push(("dbm", Box::new(dbm), Coding::Binary));
    machines
}

fn examples(coding: Coding, noise: &mut Noise, device: &Device) -> Examples<4> {
    let states = random_states(coding, [50, 12], device, noise);
    // More high than low, so that base rates say something.
    let more = random_states(coding, [50, 12], device, noise);
    Examples::from_tensor(states.max_pair(more).reshape([50, 1, 3, 4]))
}

/// Both bounds come within five standard errors of the exact value (5.7e-7 each) and are narrow,
/// with data and without.
#[test]
fn bounds_hold_the_exact_value() {
    let device = Device::flex();
    for (name, model, coding) in machines(&device) {
        let model = model.as_ref();
        let exact = found(model, None, PartitionMethod::Exact).unwrap().value();
        assert_eq!(
            found(model, None, PartitionMethod::Auto).unwrap(),
            LogPartition::Exact {
                log_partition: exact
            }
        );
        let data = examples(coding, &mut Noise::new(2), &device);
        for data in [None, Some(&data)] {
            let annealed = found(model, data, PartitionMethod::Annealed).unwrap();
            let again = found(model, data, PartitionMethod::Annealed).unwrap();
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
                let error = bound.interval.width() / (2.0 * 1.96);
                let z = (bound.log_partition - exact) / error;
                assert!(z.abs() < 5.0, "{name}: {exact}, {bound:?}, z = {z}");
                assert!(error < 0.05, "{name}: {bound:?}");
                assert!(bound.effective_sample_size > 100.0, "{name}: {bound:?}");
            }
        }
    }
}

/// A ring of spins that field and couplings turn up, and data of spins that are all down: the upper
/// bound is right after sweeps enough, and wrong without any.
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
    let exact = found(&ring, None, PartitionMethod::Exact).unwrap().value();
    let down = Examples::from_tensor(Tensor::<4>::full([7, 1, 3, 4], -1.0, &device));
    for (sweeps, right) in [(0, false), (100, true)] {
        let options = PartitionOptions {
            reverse_sweeps: sweeps,
            ..options(PartitionMethod::Annealed)
        };
        let found = log_partition(&ring, Some(&down), &options, &mut ()).unwrap();
        let LogPartition::Annealed { reverse, .. } = found else {
            panic!("{found:?}");
        };
        let error = reverse.interval.width() / (2.0 * 1.96);
        let z = (reverse.log_partition - exact) / error;
        assert_eq!(
            z.abs() < 5.0,
            right,
            "{sweeps} sweeps: {exact}, {reverse:?}"
        );
    }
}

/// Up to 25 units are summed over where they are few beside; more are annealed, and can't be summed
/// over.
#[test]
fn the_method_follows_the_size() {
    let device = Device::flex();
    let machine = |units| {
        let config = BoltzmannMachineConfig::new(units).with_weight_std(0.05);
        config.init(&device, &mut Noise::new(1))
    };
    for (units, exact) in [(20, true), (22, true), (26, false)] {
        let found = found(&machine(units), None, PartitionMethod::Auto).unwrap();
        let is_exact = matches!(found, LogPartition::Exact { .. });
        assert_eq!(is_exact, exact, "{units} units: {found:?}");
    }
    assert!(found(&machine(26), None, PartitionMethod::Exact).is_err());
    let real = RbmConfig::new(4, 26).with_visible_units(VisibleUnits::Gaussian);
    let real = real.init(&device, &mut Noise::new(1));
    let found = found(&real, None, PartitionMethod::Auto).unwrap();
    assert!(matches!(found, LogPartition::Annealed { .. }), "{found:?}");
}

/// The parts of work that came to their ends.
#[derive(Default)]
struct Parts {
    current: &'static str,
    complete: Vec<&'static str>,
}

impl Progress for Parts {
    fn begin(&mut self, part: &'static str) {
        self.current = part;
    }

    fn advance(&mut self, done: usize, total: usize) {
        if done == total {
            self.complete.push(self.current);
        }
    }
}

#[test]
fn work_is_reported_part_by_part() {
    let device = Device::flex();
    let config = BoltzmannMachineConfig::new(6).with_hidden(2);
    let machine = config.init(&device, &mut Noise::new(1));
    let mut parts = Parts::default();
    let options = options(PartitionMethod::Annealed);
    let data = Examples::from_tensor(Tensor::<4>::ones([3, 1, 2, 3], &device));
    log_partition(&machine, Some(&data), &options, &mut parts).unwrap();
    assert_eq!(
        parts.complete,
        [
            "annealing forward",
            "drawing samples of the model",
            "annealing back"
        ]
    );
}

/// An energy of one's own that says that it is a machine with layers has that machine's `log Z`;
/// one that says nothing has none.
#[test]
fn an_energy_of_ones_own_says_what_it_is() {
    struct Mine(LayeredStructure);

    impl Energy<2> for Mine {
        fn energy(&self, x: Tensor<2>) -> Tensor<1> {
            self.0.energy(x)
        }

        fn structure(&self) -> Structure {
            Structure::Layered(self.0.clone())
        }
    }

    let device = Device::flex();
    let rbm = RbmConfig::new(12, 8).with_weight_std(0.8);
    let rbm = rbm.init(&device, &mut Noise::new(1));
    let mine = Mine(LayeredStructure::restricted(rbm.layers()));
    let exact = found(&rbm, None, PartitionMethod::Exact).unwrap();
    let options = options(PartitionMethod::Exact);
    assert_eq!(log_partition(&mine, None, &options, &mut ()), Ok(exact));
    let silent = |x: Tensor<2>| mine.energy(x);
    let error = log_partition(&silent, None, &options, &mut ()).unwrap_err();
    let message = error.to_string();
    assert!(message.contains("not for this smooth energy"), "{message}");
}
