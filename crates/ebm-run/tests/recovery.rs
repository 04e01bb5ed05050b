//! What happens when a step fails: nothing is applied, training goes back, and a kill meanwhile
//! changes nothing.
#![allow(clippy::unwrap_used)]

mod bowl;

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use bowl::config;
use burn::module::Module;
use burn::tensor::{Device, Tensor};
use ebm_models::{Energy, Mlp, MlpConfig};
use ebm_ops::Noise;
use ebm_run::RunError;
use ebm_run::config::RunConfig;
use ebm_run::{Event, Outcome, RunFolder, Watch};
use ebm_train::Recipe;
use ebm_train::{Checkpoint, Examples, Scalar, StepOutcome, Trainable, Trainer, weights};
use tempfile::TempDir;

/// What is wrong with a [`Switched`] energy.
const NOTHING: u8 = 0;
const NAN: u8 = 1;
const INFINITE: u8 = 2;
const LARGE: u8 = 3;
/// The energy is fine, its gradient is not.
const GRADIENT: u8 = 4;

/// An energy that the test can break and mend between two steps.
#[derive(Module, Debug)]
struct Switched {
    inner: Mlp,
    #[module(skip)]
    fault: Arc<AtomicU8>,
}

impl Energy<2> for Switched {
    fn energy(&self, x: Tensor<2>) -> Tensor<1> {
        let energy = self.inner.energy(x);
        match self.fault.load(Ordering::SeqCst) {
            NAN => energy.mul_scalar(f64::NAN),
            INFINITE => energy.add_scalar(f64::INFINITY),
            LARGE => energy.mul_scalar(1e9),
            // 0 in value; the derivative of the root is infinite there, and infinity times 0 is not
            // a number.
            GRADIENT => energy.clone() + energy.mul_scalar(0.0).abs().sqrt(),
            _ => energy,
        }
    }
}

impl Trainable<2> for Switched {}

fn trainer(config: Recipe) -> (Trainer<Switched, 2>, Arc<AtomicU8>) {
    let device = Device::flex();
    let mut noise = Noise::new(1);
    let fault = Arc::new(AtomicU8::new(NOTHING));
    let model = Switched {
        inner: MlpConfig::new(3, vec![4]).init(&device, &mut noise),
        fault: Arc::clone(&fault),
    };
    let points: Tensor<2> = noise.uniform_in([40, 3], [-1.0, 1.0], &device);
    let trainer = Trainer::new(config, model, Examples::from_tensor(points), noise).unwrap();
    (trainer, fault)
}

/// The arrays of a checkpoint and the counters of the optimizer, as bytes.
fn arrays(checkpoint: &Checkpoint) -> Vec<(String, Vec<u8>)> {
    let counters = format!("{:?}", checkpoint.state.counters).into_bytes();
    let tensors = checkpoint.tensors.iter();
    tensors
        .map(|(name, data)| (name.clone(), data.as_bytes().to_vec()))
        .chain([("counters".to_string(), counters)])
        .collect()
}

#[test]
fn a_refused_step_leaves_parameters_chains_average_and_optimizer_alone() {
    let adam = "optimizer={kind=\"adam\", learning_rate=0.01, beta_1=0.5}";
    // Metropolis takes no gradient of its own, so that a bad gradient reaches the parameters.
    let metropolis = "sampler={kind=\"metropolis\", steps=2, scale=0.5}";
    for (fault, changes) in [
        (NAN, &[adam][..]),
        (NAN, &[adam, "chains.storage=u8"]),
        (NAN, &[adam, "chains={kind=\"persistent\"}"]),
        (INFINITE, &[adam]),
        (LARGE, &[adam]),
        (GRADIENT, &[adam, metropolis]),
    ] {
        let (mut trainer, switch) = trainer(config(changes).recipe());
        for _ in 0..3 {
            let outcome = trainer.step();
            assert!(matches!(outcome, StepOutcome::Applied(_)), "{outcome:?}");
        }
        let before = trainer.checkpoint();
        for array in ["model.", "average.", "optimizer.", "chains"] {
            assert!(before.tensors.keys().any(|name| name.starts_with(array)));
        }
        switch.store(fault, Ordering::SeqCst);
        let outcome = trainer.step();
        let StepOutcome::Refused(metrics) = outcome else {
            panic!("fault {fault} was applied: {outcome:?}");
        };
        assert_eq!(metrics.step, 4);
        // 16 chains of one step; Metropolis rejects instead.
        let resets = match fault {
            NAN | INFINITE => Some(16.0),
            GRADIENT => None,
            _ => Some(0.0),
        };
        assert_eq!(metrics.get(Scalar::RESETS), resets, "fault {fault}");
        assert_eq!(
            metrics.loss.is_finite(),
            fault == LARGE || fault == GRADIENT
        );
        let after = trainer.checkpoint();
        assert_eq!(
            arrays(&before),
            arrays(&after),
            "fault {fault} left a trace"
        );
        // What moves on: the number of the step, the noise and the place in the data.
        assert_eq!(after.state.step, before.state.step + 1);
        assert_ne!(after.state.noise, before.state.noise);

        switch.store(NOTHING, Ordering::SeqCst);
        let outcome = trainer.step();
        assert!(
            matches!(outcome, StepOutcome::Applied(ref metrics) if metrics.step == 5),
            "it doesn't go on after fault {fault}: {outcome:?}"
        );
        assert_ne!(arrays(&trainer.checkpoint()), arrays(&before));
    }
}

#[test]
fn going_back_restores_everything_and_halves_the_learning_rate() {
    let (mut trainer, _) = trainer(config(&[]).recipe());
    trainer.step();
    let checkpoint = trainer.checkpoint();
    let expected: Vec<StepOutcome> = (0..3).map(|_| trainer.step()).collect();
    for number in 1..=3 {
        trainer.roll_back(checkpoint.clone()).unwrap();
        assert_eq!(trainer.rollbacks(), number);
        assert_eq!(trainer.steps_done(), 1);
        assert_eq!(trainer.learning_rate(), 0.1 * 0.5_f64.powi(number as i32));
        assert_eq!(arrays(&trainer.checkpoint()), arrays(&checkpoint));
    }
    // The count is part of a checkpoint; without it the same steps come again.
    assert_eq!(trainer.checkpoint().state.rollbacks, 3);
    trainer.restore(checkpoint).unwrap();
    assert_eq!(trainer.rollbacks(), 0);
    let again: Vec<StepOutcome> = (0..3).map(|_| trainer.step()).collect();
    assert_eq!(again, expected);
}

/// What a run said, as far as these tests care.
#[derive(Clone, Debug, PartialEq)]
enum Said {
    Refused {
        in_a_row: u32,
    },
    Back {
        from: u64,
        to: u64,
        rate: f64,
        number: u32,
    },
}

/// Listens to a run; may copy its checkpoints before it goes back, and "kill" it right after.
#[derive(Default)]
struct Listener {
    said: Vec<Said>,
    kill_at: Option<u32>,
    /// A folder, and where to copy the checkpoints in it before the roll-back of this number.
    stash: Option<(PathBuf, PathBuf)>,
}

impl Watch for Listener {
    fn event(&mut self, event: &Event<'_>) {
        assert!(self.said.len() < 1000, "it never gives up");
        match event {
            Event::Refused { in_a_row, .. } => {
                self.said.push(Said::Refused {
                    in_a_row: *in_a_row,
                });
                if let Some((from, to)) = &self.stash {
                    let _ = fs::remove_dir_all(to);
                    copy(from, to);
                }
            }
            Event::RolledBack {
                from,
                to,
                learning_rate,
                rollbacks,
            } => {
                self.said.push(Said::Back {
                    from: *from,
                    to: *to,
                    rate: *learning_rate,
                    number: *rollbacks,
                });
                assert!(self.kill_at != Some(*rollbacks), "killed");
            }
            _ => {}
        }
    }
}

impl Listener {
    /// Step to which the run went back, each time.
    fn targets(&self) -> Vec<u64> {
        self.said
            .iter()
            .filter_map(|said| match said {
                Said::Back { to, .. } => Some(*to),
                Said::Refused { .. } => None,
            })
            .collect()
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

fn train(config: &RunConfig, out: &Path, watch: &mut Listener) -> Result<Outcome, RunError> {
    ebm_run::train(config, &Device::flex(), out, watch)
}

fn resume(out: &Path, watch: &mut Listener) -> Result<Outcome, RunError> {
    let folder = RunFolder::open_locked(out)?;
    let config = folder.read_config()?.read()?;
    ebm_run::resume(&config, &Device::flex(), folder, watch)
}

/// State and arrays of the newest checkpoint.
fn newest(out: &Path) -> (String, Vec<(String, Vec<u8>)>) {
    let (checkpoint, _) = RunFolder::open(out).unwrap().newest_checkpoint().unwrap();
    (
        serde_json::to_string(&checkpoint.state).unwrap(),
        arrays(&checkpoint),
    )
}

/// A learning rate that explodes, and that is low enough after some halvings.
const TOO_HIGH: [&str; 1] = ["optimizer.learning_rate=2.0"];

#[test]
fn a_learning_rate_that_is_too_high_is_halved_until_it_works() {
    let folder = TempDir::new().unwrap();
    let out = folder.path().join("out");
    let mut watch = Listener::default();
    let outcome = train(&config(&TOO_HIGH), &out, &mut watch).unwrap();
    assert_eq!(outcome, Outcome::Finished);

    let mut refused = 0;
    let mut backs = 0;
    for said in &watch.said {
        match *said {
            Said::Refused { in_a_row } => {
                refused += 1;
                assert_eq!(in_a_row, refused);
            }
            Said::Back {
                from,
                to,
                rate,
                number,
            } => {
                assert_eq!(refused, 3, "it goes back after max_bad_steps");
                assert!(to < from);
                backs += 1;
                assert_eq!(number, backs);
                assert_eq!(rate, 2.0 * 0.5_f64.powi(number as i32));
                refused = 0;
            }
        }
    }
    assert!((2..=6).contains(&backs), "{backs} roll-backs");

    let (checkpoint, _) = RunFolder::open(&out).unwrap().newest_checkpoint().unwrap();
    assert_eq!(checkpoint.state.step, 60);
    assert_eq!(checkpoint.state.rollbacks, backs);
    let lines = fs::read_to_string(out.join("metrics.jsonl")).unwrap();
    let lines: Vec<serde_json::Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let steps: Vec<u64> = lines
        .iter()
        .map(|line| line["step"].as_u64().unwrap())
        .collect();
    assert_eq!(steps, (1..=60).collect::<Vec<_>>(), "each step once");
    // The bowl was descended: its bottom has a negative objective.
    assert!(lines[59]["loss"].as_f64().unwrap() < 0.0, "{}", lines[59]);
}

#[test]
fn a_kill_right_after_going_back_changes_nothing() {
    let folder = TempDir::new().unwrap();
    let straight = folder.path().join("straight");
    let mut expected = Listener::default();
    train(&config(&TOO_HIGH), &straight, &mut expected).unwrap();
    let backs = expected.targets().len() as u32;
    assert!(backs >= 2);
    for kill in 1..=backs {
        let out = folder.path().join(format!("killed-{kill}"));
        let mut first = Listener {
            kill_at: Some(kill),
            ..Listener::default()
        };
        let killed = catch_unwind(AssertUnwindSafe(|| {
            train(&config(&TOO_HIGH), &out, &mut first)
        }));
        assert!(killed.is_err());
        let mut second = Listener::default();
        assert_eq!(resume(&out, &mut second).unwrap(), Outcome::Finished);
        let said = [first.said, second.said].concat();
        assert_eq!(said, expected.said, "killed after roll-back {kill}");
        assert_eq!(
            newest(&out),
            newest(&straight),
            "killed after roll-back {kill}"
        );
    }
}

#[test]
fn a_kill_while_going_back_is_survived_too() {
    let folder = TempDir::new().unwrap();
    // A rate so high that each checkpoint after the first step is no good.
    let changes = [
        "optimizer.learning_rate=1e30",
        "output.checkpoint_every=1",
        "recovery.max_rollbacks=4",
    ];
    let out = folder.path().join("out");
    let mut watch = Listener::default();
    let error = train(&config(&changes), &out, &mut watch).unwrap_err();
    assert!(
        matches!(error, RunError::Diverged { rollbacks: 4, .. }),
        "{error}"
    );
    // To the checkpoint of step 1; from that, which is used up, to the one before; and so on.
    assert_eq!(watch.targets(), [1, 0, 1, 0]);

    // Before a used-up checkpoint was deleted, the one before had been written anew.
    let out = folder.path().join("killed");
    let stash = folder.path().join("stash");
    let mut watch = Listener {
        kill_at: Some(2),
        stash: Some((out.join("checkpoints"), stash.clone())),
        ..Listener::default()
    };
    let killed = catch_unwind(AssertUnwindSafe(|| {
        train(&config(&changes), &out, &mut watch)
    }));
    assert!(killed.is_err());
    let deleted = "step-00000001.safetensors";
    assert!(!out.join("checkpoints").join(deleted).exists());
    fs::copy(stash.join(deleted), out.join("checkpoints").join(deleted)).unwrap();
    let mut watch = Listener::default();
    let error = resume(&out, &mut watch).unwrap_err();
    assert!(
        matches!(error, RunError::Diverged { rollbacks: 4, .. }),
        "{error}"
    );
    // The checkpoint of step 1 is known to be used up.
    assert_eq!(watch.targets().first(), Some(&0));
}

#[test]
fn training_gives_up_after_max_rollbacks_and_keeps_a_checkpoint() {
    let folder = TempDir::new().unwrap();
    for (limit, bad) in [(0, 1), (1, 2), (3, 4)] {
        let out = folder.path().join(format!("{limit}"));
        let changes = [
            "optimizer.learning_rate=1e30".to_string(),
            format!("recovery.max_rollbacks={limit}"),
            format!("recovery.max_bad_steps={bad}"),
        ];
        let changes: Vec<&str> = changes.iter().map(String::as_str).collect();
        let mut watch = Listener::default();
        let error = train(&config(&changes), &out, &mut watch).unwrap_err();
        let RunError::Diverged {
            rollbacks, step, ..
        } = error
        else {
            panic!("{error}");
        };
        assert_eq!(rollbacks, limit);
        assert_eq!(step, 1 + u64::from(bad), "one step, then bad ones");
        assert_eq!(watch.targets().len(), limit as usize);
        let refused = watch.said.len() - watch.targets().len();
        assert_eq!(refused as u32, bad * (limit + 1));
        assert_eq!(
            RunFolder::open(&out).unwrap().checkpoint_steps().unwrap(),
            [0],
            "the first checkpoint is never deleted"
        );
    }
}

#[test]
fn a_run_does_not_finish_with_a_failed_model() {
    let folder = TempDir::new().unwrap();
    let cases: [(&str, &[&str]); 2] = [
        // The last step is refused, too early for max_bad_steps.
        (
            "refused",
            &["optimizer.learning_rate=1e30", "training.steps=2"],
        ),
        // The last step is applied, and makes the weights infinite.
        (
            "infinite",
            &[
                "optimizer.learning_rate=1e37",
                "data.range=[-1000, 1000]",
                "recovery.energy_limit=1e30",
                "training.steps=1",
            ],
        ),
    ];
    for (name, changes) in cases {
        let out = folder.path().join(name);
        let changes = [changes, &["recovery.max_rollbacks=1"]].concat();
        let result = train(&config(&changes), &out, &mut Listener::default());
        assert!(
            matches!(result, Err(RunError::Diverged { rollbacks: 1, .. })),
            "{name}: {result:?}"
        );
        let model = ebm_run::load_model(&out, &Device::flex()).unwrap();
        for (name, data) in weights(&model.model) {
            assert!(data.iter::<f32>().all(f32::is_finite), "{name}");
        }
    }
}
