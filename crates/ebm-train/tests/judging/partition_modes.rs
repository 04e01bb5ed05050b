//! log Z of machines with far modes, without data: right against enumeration where chains find the
//! modes, and never vouched for.

use burn::tensor::{Device, Tensor, TensorData};
use ebm_models::{
    BoltzmannMachine, Coding, Dbm, DbmConfig, Energy, HopfieldConfig, Rbm, VisibleUnits,
};
use ebm_ops::Noise;
use ebm_sampling::gibbs::random_states;
use ebm_sampling::partition::TemperingSchedule;
use ebm_train::judging::{
    JudgingError, LogPartition, PartitionMethod, PartitionOptions, log_partition,
};

fn found(model: &dyn Energy<2>, method: PartitionMethod) -> Result<LogPartition, JudgingError> {
    let options = PartitionOptions {
        method,
        schedule: TemperingSchedule::linear(400),
        chains: 100,
        reverse_sweeps: 200,
        seed: 3,
    };
    log_partition(model, None, &options, &mut ())
}

fn matrix(values: Vec<f32>, rows: usize, device: &Device) -> Tensor<2> {
    let columns = values.len() / rows;
    Tensor::from_data(TensorData::new(values, [rows, columns]), device)
}

/// Couplings of the 4x4 torus, `sign(bond)` times `strength` each.
fn torus(strength: f32, sign: impl Fn(usize) -> f32) -> Vec<f32> {
    let mut couplings = vec![0.0; 256];
    for site in 0..16 {
        let (row, column) = (site / 4, site % 4);
        let right = row * 4 + (column + 1) % 4;
        let below = (row + 1) % 4 * 4 + column;
        for (bond, other) in [(2 * site, right), (2 * site + 1, below)] {
            let value = strength * sign(bond);
            couplings[site * 16 + other] += value;
            couplings[other * 16 + site] += value;
        }
    }
    couplings
}

/// The same distribution with units of 0 and 1: `W = 4 J`, and biases `-2 sum_j J_ij`, which alone
/// pull every unit down.
fn in_binary(spins: &[f32], device: &Device) -> BoltzmannMachine {
    let couplings: Vec<f32> = spins.iter().map(|j| 4.0 * j).collect();
    let bias: Vec<f32> = spins
        .chunks(16)
        .map(|row| -2.0 * row.iter().sum::<f32>())
        .collect();
    let bias = Tensor::<1>::from_floats(bias.as_slice(), device);
    let couplings = matrix(couplings, 16, device);
    BoltzmannMachine::from_parameters(couplings, bias, 16, Coding::Binary)
}

/// A layer of `hidden` units above 12 visible ones, whose modes are eight patterns and biases that
/// undo them at rest.
fn clusters(device: &Device) -> (Tensor<2>, Tensor<1>, Tensor<1>) {
    let mut noise = Noise::new(7);
    let patterns = random_states(Coding::Spin, [8, 12], device, &mut noise);
    let weight = patterns.transpose().mul_scalar(3.0);
    let visible = weight
        .clone()
        .sum_dim(1)
        .squeeze_dim::<1>(1)
        .mul_scalar(-0.5);
    let hidden = Tensor::full([8], -9.0, device);
    (weight, visible, hidden)
}

fn machines(device: &Device) -> Vec<(&'static str, Box<dyn Energy<2>>)> {
    let even = |_: usize| 1.0;
    let mixed = |bond: usize| if bond * 7 % 5 < 2 { -1.0 } else { 1.0 };
    let ising = |strength, sign: &dyn Fn(usize) -> f32| {
        let couplings = matrix(torus(strength, sign), 16, device);
        BoltzmannMachine::ising(couplings, Tensor::zeros([16], device))
    };
    let binary = |strength, sign: &dyn Fn(usize) -> f32| in_binary(&torus(strength, sign), device);
    let patterns = random_states(Coding::Spin, [3, 16], device, &mut Noise::new(5));
    let memory = HopfieldConfig::new(16).init(device).store(patterns);
    let (weight, visible, hidden) = clusters(device);
    let rbm = Rbm::from_parameters(weight, visible, hidden, VisibleUnits::Bernoulli);
    let deep: Dbm = DbmConfig::new(12, vec![6, 4])
        .with_weight_std(2.5)
        .init(device, &mut Noise::new(9));
    vec![
        ("ferromagnet", Box::new(ising(1.0, &even))),
        ("spin glass", Box::new(ising(1.5, &mixed))),
        ("ferromagnet of 0 and 1", Box::new(binary(0.8, &even))),
        ("spin glass of 0 and 1", Box::new(binary(1.5, &mixed))),
        ("Hopfield network", Box::new(memory)),
        ("restricted machine", Box::new(rbm)),
        ("deep machine", Box::new(deep)),
    ]
}

/// Parallel tempering is within five of its standard errors (5.7e-7 for each of the machines; 0.05
/// for rounding and the bias of few sweeps beside it), and the lower bound is not above log Z by
/// more than 14 nats' e-folds would allow: `P(log estimate > log Z + b) <= e^-b`, here with the
/// narrower `b = 1` and weights that are worth more than 10, where the estimate is that good.
#[test]
fn far_modes_are_found_without_data() {
    let device = Device::flex();
    for (name, model) in machines(&device) {
        let model = model.as_ref();
        let exact = found(model, PartitionMethod::Exact).unwrap().value();
        let annealed = found(model, PartitionMethod::Annealed).unwrap();
        let samples = annealed.samples().unwrap();
        let error = annealed.value() - exact;
        assert!(
            error.abs() < 5.0 * samples.standard_error + 0.05,
            "{name}: exactly {exact}, {annealed:?}"
        );
        assert!(samples.round_trips > 100, "{name}: {samples:?}");
        let LogPartition::Annealed {
            forward, reverse, ..
        } = &annealed
        else {
            panic!("{name}: {annealed:?}");
        };
        for bound in [forward, reverse] {
            let error = bound.log_partition - exact;
            assert!(error.abs() < 0.5, "{name}: exactly {exact}, {annealed:?}");
        }
    }
}

/// Energies that overflow 32 bits are an error, whichever way log Z is asked for.
#[test]
fn energies_that_overflow_are_an_error() {
    let device = Device::flex();
    for huge in [1e38_f32, -1e38] {
        let weight = Tensor::full([8, 5], huge, &device);
        let (visible, hidden) = (Tensor::zeros([8], &device), Tensor::zeros([5], &device));
        let rbm = Rbm::from_parameters(weight, visible, hidden, VisibleUnits::Bernoulli);
        let couplings = matrix(torus(huge, |_| 1.0), 16, &device);
        let ising = BoltzmannMachine::ising(couplings, Tensor::zeros([16], &device));
        let machines: [&dyn Energy<2>; 2] = [&rbm, &ising];
        for (index, model) in machines.into_iter().enumerate() {
            for method in [PartitionMethod::Exact, PartitionMethod::Annealed] {
                let found = found(model, method);
                // Negative weights of a restricted machine only switch units off: log Z is a
                // number.
                if let Ok(found) = &found {
                    assert!(found.value().is_finite(), "{index}, {huge}: {found:?}");
                } else {
                    let message = found.unwrap_err().to_string();
                    assert!(message.contains("overflow 32 bits"), "{message}");
                }
            }
            if huge > 0.0 {
                assert!(found(model, PartitionMethod::Exact).is_err(), "{index}");
            }
        }
    }
}
