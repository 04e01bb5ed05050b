//! What a model says that it is made of agrees with the model: energies, conditionals and sums.
#![allow(clippy::unwrap_used)]

mod common;

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use common::machine::{HostMachine, configurations, log_sum_exp, sigmoid};
use common::{Quadratic, assert_close, bits, devices, tensor, values};
use ebm_models::{
    BoltzmannMachine, Coding, ConvNetConfig, Dbm, DbmConfig, DenseAssociativeMemory, Energy,
    HiddenUnits, Hopfield, HopfieldConfig, LayeredMachine, LayeredStructure, MeanField, Mixture,
    MlpConfig, Negation, PairwiseMachine, PairwiseStructure, Rbm, RbmConfig, ReplicatedRbm,
    Structure, VisibleUnits, WeightedSum, log_partition, log_partition_of,
};
use ebm_ops::Noise;
use ebm_testing::pairwise::Known;
use ebm_testing::states::{States, two_values};

/// Energies of order 10 in f32, sums of at most 20 terms.
const ROUNDING: f64 = 1e-5;

fn of(model: &impl Energy<2>) -> Structure {
    model.structure()
}

fn layered(model: &impl Energy<2>) -> LayeredStructure {
    match of(model) {
        Structure::Layered(machine) => machine,
        other => panic!("expected layers, found {other:?}"),
    }
}

fn pair(model: &impl Energy<2>) -> PairwiseStructure {
    match of(model) {
        Structure::Pairwise(machine) => machine,
        other => panic!("expected pairs, found {other:?}"),
    }
}

fn is_smooth(model: &impl Energy<2>) -> bool {
    matches!(of(model), Structure::Smooth)
}

/// All states of binary units, `[2^units, units]`.
fn all(units: usize, device: &Device) -> Tensor<2> {
    let states = configurations(units, 0.0, 1.0);
    tensor(&states.concat(), [states.len(), units], device)
}

/// `log sum exp(-E)` over these states.
fn log_sum(model: &impl Energy<2>, states: Tensor<2>) -> f64 {
    let terms: Vec<f64> = values(model.energy(states)).iter().map(|e| -e).collect();
    log_sum_exp(&terms)
}

fn never() -> bool {
    false
}

fn rbms(device: &Device) -> Vec<(Rbm, &'static str)> {
    let host = HostMachine::random(&[4, 3], 1.0, 1);
    let config = RbmConfig::new(4, 3).with_weight_std(0.9);
    let centered = config.with_centered(true);
    let centered = centered.init(device, &mut Noise::new(2));
    let mean = tensor(&[0.1, 0.4, 0.7, 0.95], [4], device);
    vec![
        (host.rbm(device), "binary"),
        (host.gaussian().rbm(device), "Gaussian"),
        (centered.with_visible_means(mean, 0.01), "centred"),
    ]
}

fn dbms(device: &Device) -> Vec<(Dbm, &'static str)> {
    let config = DbmConfig::new(3, vec![2, 2]).with_weight_std(0.9);
    let centered = config.with_centered(true);
    let centered = centered.init(device, &mut Noise::new(3));
    let mean = tensor(&[0.1, 0.4, 0.8], [3], device);
    let until = MeanField {
        tolerance: 0.0,
        max_steps: 4,
    };
    vec![
        (HostMachine::random(&[3, 2], 1.0, 4).dbm(device), "flat"),
        (
            HostMachine::random(&[3, 2, 2, 1], 1.0, 5)
                .dbm(device)
                .with_inference(until),
            "deep",
        ),
        (centered.with_visible_means(mean, 0.01), "centred"),
    ]
}

#[test]
fn what_says_nothing_is_smooth() {
    let device = Device::flex();
    let mut noise = Noise::new(6);
    assert!(is_smooth(&|x: Tensor<2>| x.sum_dim(1).squeeze_dim::<1>(1)));
    assert!(is_smooth(&Quadratic::new(&[0.0, 1.0], 1.0, 0.0, &device)));
    assert!(is_smooth(
        &MlpConfig::new(2, vec![3]).init(&device, &mut noise)
    ));
    let patterns = tensor(&[1.0, -1.0, 1.0, 1.0], [2, 2], &device);
    assert!(is_smooth(&DenseAssociativeMemory::new(patterns, 1.0)));
    let images = ConvNetConfig::new([1, 8, 8].into()).init(&device, &mut noise);
    assert!(matches!(images.unwrap().structure(), Structure::Smooth));

    let rbm = HostMachine::random(&[3, 2], 1.0, 7).rbm(&device);
    assert!(is_smooth(&ReplicatedRbm::new(rbm.clone(), 2.0, 1.0)));
    assert!(is_smooth(&Mixture::new(
        vec![rbm.clone(), rbm],
        &[1.0, 1.0]
    )));
}

#[test]
fn a_restricted_machine_has_its_hidden_units_summed_out() {
    for device in devices() {
        for (rbm, what) in rbms(&device) {
            let machine = layered(&rbm);
            assert_eq!(machine.hidden(), HiddenUnits::SummedOut, "{what}");
            assert_eq!((machine.state_units(), machine.visible_count()), (4, 4));
            assert_eq!(machine.layers().sizes(), [4, 3]);
            assert_eq!(machine.layers().visible_units(), rbm.visible_units());

            let states = all(4, &device);
            let energies = bits(rbm.energy(states.clone()));
            assert_eq!(bits(machine.energy(states.clone())), energies, "{what}");

            // Chains start and end at states.
            let layers = machine.split(states.clone());
            assert_eq!(layers[1].dims(), [16, 3]);
            assert_eq!(values(machine.join(layers)), values(states.clone()));

            let hidden = bits(rbm.hidden_means(states.clone()));
            let given = machine.hidden_means(states.clone());
            assert_eq!(given.len(), 1);
            assert_eq!(bits(given[0].clone()), hidden, "{what}");

            // Inference is exact, and so is the free energy, which no interrupt changes.
            let means = machine.infer(states.clone(), &mut || true);
            assert_eq!(means.len(), 2);
            assert_eq!(bits(means[0].clone()), bits(states.clone()), "{what}");
            assert_eq!(bits(means[1].clone()), hidden, "{what}");
            assert_eq!(bits(machine.free_energy(&means)), energies, "{what}");
            assert!(!machine.free_energy_is_bound());
            assert_eq!(
                bits(machine.layers().visible_means(&means)),
                bits(rbm.reconstruction(states)),
                "{what}"
            );
            let further = machine.clone().with_inference(MeanField::default());
            assert_eq!(further.hidden(), HiddenUnits::SummedOut);
        }
    }
}

#[test]
fn a_deep_machine_has_all_units_in_its_states() {
    for device in devices() {
        for (dbm, what) in dbms(&device) {
            let machine = layered(&dbm);
            let units = dbm.units();
            let inference = HiddenUnits::InStates(dbm.inference());
            assert_eq!(machine.hidden(), inference, "{what}");
            assert_eq!((machine.state_units(), machine.visible_count()), (units, 3));
            assert_eq!(machine.layers().sizes(), dbm.sizes());

            let states = all(units, &device);
            let energies = bits(dbm.energy(states.clone()));
            assert_eq!(bits(machine.energy(states.clone())), energies, "{what}");

            let layers = machine.split(states.clone());
            assert_eq!(layers.len(), dbm.sizes().len());
            for (found, expected) in layers.iter().zip(dbm.split(states.clone())) {
                assert_eq!(values(found.clone()), values(expected), "{what}");
            }
            assert_eq!(values(machine.join(layers.clone())), values(states.clone()));
            for (l, found) in (1..).zip(machine.hidden_means(states)) {
                let expected = dbm.layers().conditional(l, &layers).mean();
                assert_eq!(bits(found), bits(expected), "{what}, layer {l}");
            }

            let visible = all(3, &device);
            let means = machine.infer(visible.clone(), &mut never);
            let expected = dbm.mean_field(visible);
            for (found, expected) in means.iter().zip(&expected) {
                assert_eq!(bits(found.clone()), bits(expected.clone()), "{what}");
            }
            let bound = dbm.unnormalized_bound(&expected).neg();
            assert_eq!(bits(machine.free_energy(&means)), bits(bound), "{what}");
            assert!(machine.free_energy_is_bound());
        }
    }
}

/// `log Z` and the conditionals that the structure gives, against sums over the model's own
/// energies.
#[test]
fn layers_give_the_distribution_of_the_model() {
    for device in devices() {
        let (restricted, _) = rbms(&device).swap_remove(0);
        let (deep, _) = dbms(&device).swap_remove(1);
        let found = log_partition(layered(&restricted).layers(), &mut ()).unwrap();
        let expected = log_sum(&restricted, all(4, &device));
        assert_close(&[found], &[expected], ROUNDING, "log Z, restricted");
        let machine = layered(&deep);
        let found = log_partition(machine.layers(), &mut ()).unwrap();
        let units = machine.state_units();
        let expected = log_sum(&deep, all(units, &device));
        assert_close(&[found], &[expected], ROUNDING, "log Z, deep");

        // A unit's log-odds are the energy that it takes away by turning on.
        let states = configurations(units, 0.0, 1.0);
        let energies = values(deep.energy(all(units, &device)));
        let layers = machine.split(all(units, &device));
        let mut first = 0;
        for (l, &size) in machine.layers().sizes().iter().enumerate() {
            let found = values(machine.layers().conditional(l, &layers).mean());
            let expected: Vec<f64> = (0..states.len())
                .flat_map(|number| (first..first + size).map(move |unit| (number, 1 << unit)))
                .map(|(number, bit)| sigmoid(energies[number & !bit] - energies[number | bit]))
                .collect();
            assert_close(&found, &expected, ROUNDING, &format!("layer {l}"));
            first += size;
        }
    }
}

/// The arrays are on the graph of the model, and off it where the model is.
#[test]
fn gradients_pass_through_a_structure() {
    for device in devices() {
        let device = device.autodiff();
        let host = HostMachine::random(&[4, 3], 1.0, 8);
        let rbm = host.rbm(&device);
        let gradient = |energies: Tensor<1>| {
            let gradients = energies.sum().backward();
            values(rbm.weight().grad(&gradients).unwrap())
        };
        let found = gradient(layered(&rbm).energy(all(4, &device)));
        assert_eq!(found, gradient(rbm.energy(all(4, &device))));
        let frozen = layered(&rbm.valid());
        assert!(!frozen.layers().weight(0).is_require_grad());
    }
}

/// Inference ends before the round at which it is interrupted.
#[test]
fn inference_is_interrupted_between_rounds() {
    let device = Device::flex();
    let layers = HostMachine::random(&[4, 3, 2], 1.0, 9).layers(&device);
    let visible = all(4, &device);
    for rounds in 0..4 {
        let until = |max_steps| MeanField {
            tolerance: 0.0,
            max_steps,
        };
        let expected = layers.mean_field(visible.clone(), &until(rounds), &mut never);
        let mut left = rounds;
        let mut asked = 0;
        let found = layers.mean_field(visible.clone(), &until(50), &mut || {
            asked += 1;
            let out = left == 0;
            left = left.saturating_sub(1);
            out
        });
        assert_eq!(asked, rounds + 1);
        for (found, expected) in found.into_iter().zip(expected) {
            assert_eq!(bits(found), bits(expected), "{rounds} rounds");
        }
    }
}

fn boltzmann(seed: u64, visible: usize, coding: Coding, device: &Device) -> BoltzmannMachine {
    let reference = Known::random(5, (0.7, 0.7), coding, &mut Noise::new(seed));
    BoltzmannMachine::from_parameters(
        tensor(&reference.couplings, [5, 5], device),
        tensor(&reference.bias, [5], device),
        visible,
        coding,
    )
}

fn network(seed: u64, visible: usize, device: &Device) -> Hopfield {
    let drawn: Tensor<2> = Noise::new(seed).uniform([3, 5], device);
    let patterns = drawn.sub_scalar(0.5).sign();
    HopfieldConfig::new(visible)
        .with_hidden(5 - visible)
        .init(device)
        .store(patterns)
}

fn check_pairwise<M: PairwiseMachine + Energy<2>>(machine: &M, what: &str, device: &Device) {
    let found = pair(machine);
    assert_eq!(found.coding(), machine.coding(), "{what}");
    assert_eq!(found.units(), 5, "{what}");
    assert_eq!(found.visible_units(), machine.visible_units(), "{what}");
    assert_eq!(found.hidden_units(), machine.hidden_units(), "{what}");
    let host = States::new(&two_values(machine.coding()), 5).all().concat();
    let states: Tensor<2> = tensor(&host, [32, 5], device);
    let energies = machine.energy(states.clone());
    assert_eq!(
        bits(found.joint_energy(states.clone())),
        bits(energies.clone())
    );
    assert_eq!(
        bits(found.fields(states.clone())),
        bits(machine.fields(states.clone())),
        "{what}"
    );

    // A unit's log-odds are the energy that it takes away by turning high.
    let energies = values(energies);
    let scale = machine.coding().field_scale();
    let expected: Vec<f64> = (0..32_usize)
        .flat_map(|number| (0..5).map(move |unit| (number, 1 << unit)))
        .map(|(number, bit)| sigmoid(energies[number & !bit] - energies[number | bit]))
        .collect();
    let fields = values(found.fields(states));
    let found: Vec<f64> = fields.iter().map(|z| sigmoid(scale * z)).collect();
    assert_close(&found, &expected, ROUNDING, what);
}

#[test]
fn pairwise_machines_have_the_structure_of_pairs() {
    for device in devices() {
        for coding in [Coding::Binary, Coding::Spin] {
            let machine = boltzmann(10, 3, coding, &device);
            check_pairwise(&machine, "hidden units", &device);
            let some = Tensor::<2>::ones([5, 5], &device).triu(3);
            let some = some.clone() + some.transpose();
            let machine = boltzmann(11, 5, coding, &device).with_connectivity(some);
            check_pairwise(&machine, "connectivity", &device);
        }
        check_pairwise(&network(12, 5, &device), "a network", &device);
        check_pairwise(&network(13, 2, &device), "hidden units", &device);
    }
}

/// A machine of other parameters wherever it comes from: what isn't kept by the arrays shows here.
#[test]
fn a_product_of_restricted_machines_is_one() {
    for device in devices() {
        let rbm = |hidden, seed| HostMachine::random(&[4, hidden], 0.8, seed).rbm(&device);
        let product = WeightedSum::new(vec![rbm(3, 14), rbm(2, 15)], vec![2.0, 1.0]);
        let machine = layered(&product);
        assert_eq!(machine.hidden(), HiddenUnits::SummedOut);
        assert_eq!(machine.layers().sizes(), [4, 8]);
        let states = all(4, &device);
        let energies = values(product.energy(states.clone()));
        let found = values(machine.energy(states.clone()));
        assert_close(&found, &energies, ROUNDING, "energies");
        let log_z = log_partition(machine.layers(), &mut ()).unwrap();
        assert_close(&[log_z], &[log_sum(&product, states)], ROUNDING, "log Z");

        let mixed = (rbm(3, 14), product.clone());
        assert_eq!(
            layered(&WeightedSum::new(mixed, vec![1.0, 3.0]))
                .layers()
                .sizes(),
            [4, 27]
        );
        for weight in [0.5, 0.0, -1.0, 17.0, f64::NAN] {
            let product = WeightedSum::new(vec![rbm(3, 14), rbm(2, 15)], vec![1.0, weight]);
            assert!(is_smooth(&product), "weight {weight}");
        }
        let host = HostMachine::random(&[4, 3], 1.0, 16);
        let (gaussian, deep) = (host.clone().gaussian().rbm(&device), host.dbm(&device));
        assert_eq!(gaussian.visible_units(), VisibleUnits::Gaussian);
        assert!(is_smooth(&WeightedSum::new(
            vec![gaussian.clone(), gaussian],
            vec![1.0, 1.0]
        )));
        assert!(is_smooth(&WeightedSum::new(
            (rbm(3, 14), deep),
            vec![1.0, 1.0]
        )));
        assert!(is_smooth(&Negation::new(rbm(3, 14))));
        let unlike = HostMachine::random(&[3, 2], 1.0, 17).rbm(&device);
        assert!(is_smooth(&WeightedSum::new(
            vec![rbm(3, 14), unlike],
            vec![1.0, 1.0]
        )));
    }
}

#[test]
fn a_sum_of_pairwise_machines_is_one() {
    for device in devices() {
        let spin = |seed, visible| boltzmann(seed, visible, Coding::Spin, &device);
        let sum = WeightedSum::new((spin(18, 3), network(19, 3, &device)), vec![0.5, -2.0]);
        let machine = pair(&sum);
        assert_eq!((machine.units(), machine.visible_units()), (5, 3));
        let states: Tensor<2> = tensor(
            &States::new(&two_values(Coding::Spin), 5).all().concat(),
            [32, 5],
            &device,
        );
        let energies = values(sum.energy(states.clone()));
        let found = values(machine.joint_energy(states.clone()));
        assert_close(&found, &energies, ROUNDING, "energies");
        let parameters = machine.parameters();
        let energy = |states| parameters.energy(states);
        let log_z = log_partition_of(energy, 5, -1.0, 1.0, &device, &mut ()).unwrap();
        assert_close(
            &[log_z],
            &[log_sum(&sum, states.clone())],
            ROUNDING,
            "log Z",
        );

        let opposite = Negation::new(spin(18, 3));
        let found = values(pair(&opposite).joint_energy(states.clone()));
        assert_close(
            &found,
            &values(opposite.energy(states)),
            ROUNDING,
            "negation",
        );

        let binary = boltzmann(20, 3, Coding::Binary, &device);
        let rbm = HostMachine::random(&[5, 2], 1.0, 21).rbm(&device);
        let weights = vec![1.0, 1.0];
        for other in [binary, spin(20, 4)] {
            let sum = WeightedSum::new(vec![spin(18, 3), other], weights.clone());
            assert!(is_smooth(&sum));
        }
        assert!(is_smooth(&WeightedSum::new((spin(18, 3), rbm), weights)));
    }
}

#[test]
#[should_panic(expected = "the hidden units of a machine of 3 layers can't be summed out")]
fn hidden_layers_that_are_coupled_can_t_be_summed_out() {
    let layers = HostMachine::random(&[3, 2, 2], 1.0, 22).layers(&Device::flex());
    let _ = LayeredStructure::restricted(layers);
}

#[test]
#[should_panic(
    expected = "a state of this machine holds 7 units, but states of shape [2, 3] have 3"
)]
fn states_of_another_size_are_refused() {
    let device = Device::flex();
    let layers = HostMachine::random(&[3, 2, 2], 1.0, 23).layers(&device);
    let machine = LayeredStructure::deep(layers, MeanField::default());
    let _ = machine.energy(tensor(&[0.0; 6], [2, 3], &device));
}
