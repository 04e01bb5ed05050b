//! What can't move a model, or starts where it can't, is an error when a trainer is built.
#![allow(clippy::unwrap_used)]

mod gaussians;
mod machines;

use burn::tensor::{Device, Tensor};
use ebm_models::{BoltzmannMachineConfig, Coding, DbmConfig, RbmConfig, VisibleUnits};
use ebm_ops::Noise;
use ebm_train::keys::InvalidValue;
use ebm_train::recipe::{
    ChainsConfig, ContrastiveDivergence, GibbsConfig, GibbsWithGradientsConfig, GradientPenalty,
    HamiltonianConfig, LangevinConfig, MalaConfig, MetropolisConfig, ParallelTemperingConfig,
    ReplayBufferConfig, SamplerConfig, StartConfig, UnderdampedLangevinConfig,
};
use ebm_train::{Examples, Recipe, TrainError, Trainable, Trainer};
use gaussians::Gaussians;
use machines::{recipe, rows_of};

const UNITS: usize = gaussians::COUNT;

fn units(device: &Device) -> Tensor<2> {
    let numbers: Vec<usize> = (0..200).map(|number| number * 317).collect();
    rows_of(&numbers, UNITS, Coding::Binary, device)
}

/// The value that is refused, if one is.
fn refused<M: Trainable<2>>(recipe: Recipe, model: M, examples: Tensor<2>) -> Option<InvalidValue> {
    let examples = Examples::from_tensor(examples);
    match Trainer::new(recipe, model, examples, Noise::new(1)) {
        Ok(_) => None,
        Err(TrainError::Value(value)) => Some(value),
        Err(other) => panic!("{other}"),
    }
}

/// Whether each sampler can move networks, restricted machines with binary and with Gaussian
/// visible units, deep machines and Boltzmann machines.
#[test]
fn samplers_move_what_they_can_and_refuse_the_rest() {
    let tempered = |of: SamplerConfig| ParallelTemperingConfig::new(1, 3, 0.3).of(of);
    let langevin = || LangevinConfig::new(1, 0.01).with_temperature(1.0);
    let flips = || GibbsWithGradientsConfig::new(1);
    let blocks = || ParallelTemperingConfig::new(1, 3, 0.0);
    let gradients = [true, false, true, false, false];
    let two_values = [true, true, false, true, true];
    let table: [(SamplerConfig, [bool; 5]); 14] = [
        (langevin().into(), gradients),
        (MetropolisConfig::new(1, 0.1).into(), gradients),
        (MalaConfig::new(1, 0.01).into(), gradients),
        (HamiltonianConfig::new(1, 0.1, 2).into(), gradients),
        (
            UnderdampedLangevinConfig::new(1, 0.1, 1.0).into(),
            gradients,
        ),
        (GibbsConfig::new(1).into(), [false, true, true, true, true]),
        (flips().into(), two_values),
        (blocks().into(), [false, true, true, true, false]),
        (tempered(langevin().into()).into(), gradients),
        (tempered(MalaConfig::new(1, 0.01).into()).into(), gradients),
        (tempered(flips().into()).into(), two_values),
        (tempered(GibbsConfig::new(1).into()).into(), [false; 5]),
        (tempered(blocks().into()).into(), [false; 5]),
        // Replicas have temperatures of their own.
        (
            tempered(MalaConfig::new(1, 0.01).with_temperature(0.5).into()).into(),
            [false; 5],
        ),
    ];
    let device = Device::flex();
    let mut noise = Noise::new(2);
    let examples = units(&device);
    let rbm = |units| {
        let config = RbmConfig::new(UNITS, 3).with_visible_units(units);
        config.init(&device, &mut Noise::new(3))
    };
    let (binary, gaussian) = (rbm(VisibleUnits::Bernoulli), rbm(VisibleUnits::Gaussian));
    let dbm = DbmConfig::new(UNITS, vec![3, 2]).init(&device, &mut noise);
    let machine = BoltzmannMachineConfig::new(UNITS).with_coding(Coding::Binary);
    let machine = machine.init(&device, &mut noise);
    for (sampler, expected) in table {
        let recipe = recipe().with_sampler(sampler.clone());
        let found = [
            refused(recipe.clone(), Gaussians::new(&device), examples.clone()),
            refused(recipe.clone(), binary.clone(), examples.clone()),
            refused(recipe.clone(), gaussian.clone(), examples.clone()),
            refused(recipe.clone(), dbm.clone(), examples.clone()),
            refused(recipe, machine.clone(), examples.clone()),
        ];
        let accepted = [0, 1, 2, 3, 4].map(|index| found[index].is_none());
        assert_eq!(accepted, expected, "{sampler:?}: {found:?}");
        for value in found.into_iter().flatten() {
            assert!(value.key.starts_with("sampler."), "{value}");
        }
    }
}

#[test]
fn a_refusal_names_the_samplers_that_can() {
    let device = Device::flex();
    let mala = recipe().with_sampler(MalaConfig::new(1, 0.01));
    let dbm = DbmConfig::new(UNITS, vec![3, 2]).init(&device, &mut Noise::new(2));
    let value = refused(mala, dbm, units(&device)).unwrap();
    assert_eq!(
        value.to_string(),
        "config key `sampler.kind`: found \"mala\", expected a sampler that can move chains of this model: \
         \"gibbs\", \"gibbs_with_gradients\", \"parallel_tempering\""
    );
}

#[test]
fn chains_that_hold_two_values_start_at_such() {
    let device = Device::flex();
    let flips = || recipe().with_sampler(GibbsWithGradientsConfig::new(1));
    let network = || Gaussians::new(&device);
    let key = |recipe, examples| refused(recipe, network(), examples).map(|value| value.key);
    let from_data = || flips().with_chains(ChainsConfig::from_data());
    let black_and_white = units(&device);
    let grey = black_and_white.clone().mul_scalar(0.5);

    for start in [StartConfig::Uniform, StartConfig::Normal] {
        let buffer = ReplayBufferConfig {
            start,
            ..match ChainsConfig::replay_buffer(200, 0.1) {
                ChainsConfig::ReplayBuffer(keys) => keys,
                other => panic!("{other:?}"),
            }
        };
        for chains in [
            ChainsConfig::persistent(start),
            ChainsConfig::from_noise(start),
            ChainsConfig::ReplayBuffer(buffer),
        ] {
            let found = key(flips().with_chains(chains), black_and_white.clone());
            assert_eq!(found, Some("chains.start"));
        }
    }
    assert_eq!(key(from_data(), black_and_white.clone()), None);
    // Chains that don't start at the data may learn grey ones.
    assert_eq!(key(flips(), grey.clone()), None);
    assert_eq!(key(from_data(), grey), Some("data.binarize"));
    // Spins are not 0 or 1, and no coding has the values of other ranges.
    let spins = black_and_white.clone().mul_scalar(2.0).sub_scalar(1.0);
    assert_eq!(key(from_data(), spins.clone()), Some("data.binarize"));
    assert_eq!(key(from_data().with_range([-1.0, 1.0]), spins), None);
    let range = key(flips().with_range([-1.0, 2.0]), black_and_white.clone());
    assert_eq!(range, Some("data.range"));
    // Hidden units of a deep machine are inferred as means.
    let dbm = DbmConfig::new(UNITS, vec![3, 2]).init(&device, &mut Noise::new(2));
    let value = refused(from_data(), dbm, black_and_white).unwrap();
    assert_eq!(value.key, "chains.kind");
}

#[test]
fn a_penalty_of_slopes_needs_states_that_have_them() {
    let device = Device::flex();
    let penalty = ContrastiveDivergence::default().with_gradient_penalty(GradientPenalty::new(0.1));
    let recipe = || recipe().with_objective(penalty);
    let rbm = |units| {
        let config = RbmConfig::new(UNITS, 3).with_visible_units(units);
        config.init(&device, &mut Noise::new(3))
    };
    let binary = rbm(VisibleUnits::Bernoulli);
    let value = refused(recipe(), binary, units(&device)).unwrap();
    assert_eq!(value.key, "objective.gradient_penalty");
    let machine = BoltzmannMachineConfig::new(UNITS).with_coding(Coding::Binary);
    let machine = machine.init(&device, &mut Noise::new(3));
    let value = refused(recipe(), machine, units(&device)).unwrap();
    assert_eq!(value.key, "objective.gradient_penalty");
    let gaussian = rbm(VisibleUnits::Gaussian);
    assert_eq!(refused(recipe(), gaussian, units(&device)), None);
}

#[test]
fn replicas_need_chains_that_live_on() {
    let device = Device::flex();
    let of_mala = ParallelTemperingConfig::new(1, 3, 0.3).of(MalaConfig::new(1, 0.01));
    for chains in [
        ChainsConfig::from_data(),
        ChainsConfig::from_noise(StartConfig::Uniform),
        ChainsConfig::replay_buffer(200, 0.1),
    ] {
        let recipe = recipe().with_sampler(of_mala.clone()).with_chains(chains);
        let value = refused(recipe, Gaussians::new(&device), units(&device)).unwrap();
        assert_eq!(value.key, "chains.kind");
    }
}
