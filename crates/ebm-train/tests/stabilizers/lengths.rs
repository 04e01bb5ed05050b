//! How long chains are: longer now and then, and after a collapse.

use std::sync::{Arc, Mutex};

use burn::tensor::{Device, Tensor};
use ebm_models::Energy;
use ebm_ops::Noise;
use ebm_sampling::langevin::Langevin;
use ebm_sampling::{Interrupt, Run};
use ebm_train::recipe::{ChainsConfig, LangevinConfig, StartConfig};
use ebm_train::{Checkpoint, Examples, OnStates, Trainer, TrainerState, TransitionKernel};

use crate::common::recipe;
use crate::gaussians::{self, Gaussians};

/// A kernel that writes down how many transitions it was asked for.
struct Counting {
    kernel: OnStates<Langevin>,
    counts: Arc<Mutex<Vec<usize>>>,
}

impl<E: Energy<2>> TransitionKernel<E, 2> for Counting {
    fn run(
        &self,
        energy: &E,
        states: Tensor<2>,
        transitions: usize,
        noise: &mut Noise,
        interrupt: &mut Interrupt<'_>,
    ) -> Run<Tensor<2>> {
        self.counts.lock().unwrap().push(transitions);
        self.kernel
            .run(energy, states, transitions, noise, interrupt)
    }
}

fn counting(chains: ChainsConfig) -> (Trainer<Gaussians, 2>, Arc<Mutex<Vec<usize>>>) {
    let device = Device::flex();
    let mut noise = Noise::new(7);
    let points = gaussians::data(32, &device, &mut noise);
    let recipe = recipe()
        .with_batch_size(8)
        .with_sampler(LangevinConfig::new(3, 0.01).with_temperature(1.0))
        .with_chains(chains);
    let counts = Arc::new(Mutex::new(Vec::new()));
    let kernel = Counting {
        kernel: OnStates(Langevin::new(0.01, 0.1)),
        counts: Arc::clone(&counts),
    };
    let trainer = Trainer::builder(recipe)
        .with_transition_kernel(kernel)
        .build(
            Gaussians::new(&device),
            Examples::from_tensor(points),
            noise,
        )
        .unwrap();
    (trainer, counts)
}

#[test]
fn long_chains_come_when_they_are_due() {
    let kinds = [
        ChainsConfig::replay_buffer(16, 0.1),
        ChainsConfig::persistent(StartConfig::Uniform),
        ChainsConfig::from_data(),
        ChainsConfig::from_noise(StartConfig::Uniform),
    ];
    for chains in kinds {
        let (mut trainer, counts) = counting(chains.clone());
        for _ in 0..4 {
            trainer.step();
        }
        assert_eq!(*counts.lock().unwrap(), [3; 4], "{chains:?}");
        let (mut trainer, counts) = counting(chains.clone().with_long_chains(3, 5));
        let mut announced = Vec::new();
        for _ in 0..7 {
            announced.push(trainer.transitions());
            trainer.step();
        }
        assert_eq!(announced, [3, 3, 15, 3, 3, 15, 3], "{chains:?}");
        assert_eq!(*counts.lock().unwrap(), announced, "{chains:?}");
    }
}

#[test]
fn lengthened_chains_outlast_roll_backs_and_checkpoints() {
    let chains = || ChainsConfig::replay_buffer(16, 0.1).with_long_chains(2, 10);
    let (mut trainer, counts) = counting(chains());
    let first = trainer.checkpoint();
    trainer.step();
    trainer.lengthen_chains(1.5);
    // 3 * 1.5, rounded up, and ten times that.
    trainer.step();
    trainer.step();
    assert_eq!(*counts.lock().unwrap(), [3, 50, 5]);
    trainer.roll_back(first.clone()).unwrap();
    assert_eq!((trainer.rollbacks(), trainer.steps_done()), (1, 0));
    assert_eq!((trainer.chain_factor(), trainer.transitions()), (1.5, 5));
    trainer.lengthen_chains(1.5);
    assert_eq!(trainer.transitions(), 7);

    // Through a file, and into another trainer.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("checkpoint.safetensors");
    trainer.checkpoint().save(&path).unwrap();
    let (mut second, _) = counting(chains());
    second.restore(Checkpoint::load(&path).unwrap()).unwrap();
    assert_eq!(second.chain_factor(), 2.25);
    for _ in 0..3 {
        assert_eq!(trainer.step(), second.step());
    }
    // A checkpoint of a trainer that lengthened nothing is as it was before there was that number,
    // and puts it back.
    let state = serde_json::to_value(&first.state).unwrap();
    assert_eq!(state.get("chain_factor"), None);
    let old: TrainerState = serde_json::from_value(state).unwrap();
    assert_eq!(old.chain_factor, 1.0);
    second.restore(first.clone()).unwrap();
    assert_eq!(second.transitions(), 3);

    for wrong in [0.5, f32::NAN, 1e7] {
        let mut damaged = first.clone();
        damaged.state.chain_factor = wrong;
        damaged.save(&path).unwrap();
        let error = Checkpoint::load(&path).unwrap_err();
        assert!(
            error.to_string().contains("chain") || wrong.is_nan(),
            "{error}"
        );
    }
}

#[test]
fn a_factor_is_rounded_up_and_not_for_its_last_digit() {
    let recipe = |steps| recipe().with_sampler(LangevinConfig::new(steps, 0.1).with_noise(0.1));
    for (steps, factor, expected) in [
        (20, 1.0, 20),
        (1_000_000_000, 1.0, 1_000_000_000),
        (10, f64::from(1.1_f32), 11),
        (1, 1.5, 2),
        (7, 1.5, 11),
        (1_000_000_000, 2.0, 1_000_000_000),
    ] {
        assert_eq!(recipe(steps).transitions(0, factor), expected);
    }
}
