//! A run that is stopped or killed while it fails, or while its configuration changes, goes on as
//! it should.
#![allow(clippy::unwrap_used)]

mod bowl;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use bowl::config;
use burn::tensor::Device;
use ebm_run::RunError;
use ebm_run::config::RunConfig;
use ebm_run::{Event, Outcome, RunFolder, Watch};
use ebm_train::Checkpoint;
use tempfile::TempDir;

fn resume(
    config: Option<&RunConfig>,
    out: &Path,
    watch: &mut dyn Watch,
) -> Result<Outcome, RunError> {
    let folder = RunFolder::open_locked(out)?;
    let own = folder.read_config()?.read()?;
    ebm_run::resume(config.unwrap_or(&own), &Device::flex(), folder, watch)
}

fn newest(out: &Path) -> Checkpoint {
    let folder = RunFolder::open(out).unwrap();
    folder.newest_checkpoint().unwrap().0
}

/// Stops a run after its first update that is applied, or is refused; counts what is saved and
/// said.
#[derive(Default)]
struct Stopper {
    when_refused: bool,
    stops: bool,
    saved: u32,
    warnings: Vec<String>,
}

impl Watch for Stopper {
    fn event(&mut self, event: &Event<'_>) {
        match event {
            Event::Step(_) => self.stops |= !self.when_refused,
            Event::Refused { .. } => self.stops = true,
            Event::Saved { .. } => self.saved += 1,
            Event::Warned { message } => self.warnings.push((*message).to_string()),
            _ => {}
        }
    }

    fn should_stop(&mut self) -> bool {
        self.stops
    }
}

#[test]
fn a_run_that_is_stopped_while_it_fails_can_be_resumed() {
    let cases: [(bool, &[&str]); 2] = [
        // The second update is refused.
        (true, &["optimizer.learning_rate=1e30"]),
        // The first is applied, and makes the weights infinite.
        (
            false,
            &[
                "optimizer.learning_rate=1e37",
                "data.range=[-1000, 1000]",
                "recovery.energy_limit=1e30",
            ],
        ),
    ];
    for (when_refused, changes) in cases {
        let folder = TempDir::new().unwrap();
        let out = folder.path().join("out");
        let changes = [
            changes,
            &["training.steps=5", "output.checkpoint_every=100"],
        ]
        .concat();
        let failing = config(&changes);
        let mut watch = Stopper {
            when_refused,
            ..Stopper::default()
        };
        let outcome = ebm_run::train(&failing, &Device::flex(), &out, &mut watch).unwrap();
        assert_eq!(outcome, Outcome::Stopped { step: 0 });
        assert!(
            watch
                .warnings
                .iter()
                .any(|said| said.contains("go on after update 0")),
            "{:?}",
            watch.warnings
        );
        let steps = RunFolder::open(&out).unwrap().checkpoint_steps().unwrap();
        assert_eq!(steps, [0]);
        ebm_run::load_model(&out, &Device::flex()).unwrap();
        // It fails again as it did, without the stop having taken a roll-back away.
        let error = resume(
            Some(&config(
                &[&changes[..], &["recovery.max_rollbacks=1"]].concat(),
            )),
            &out,
            &mut (),
        );
        assert!(
            matches!(error, Err(RunError::Diverged { rollbacks: 1, .. })),
            "{error:?}"
        );
        let mended = [
            &changes[..],
            &["optimizer.learning_rate=1e-9", "recovery.energy_limit=1e30"],
        ];
        let outcome = resume(Some(&config(&mended.concat())), &out, &mut ());
        assert_eq!(outcome.unwrap(), Outcome::Finished);
    }
}

#[test]
fn a_run_that_is_stopped_at_a_checkpoint_writes_it_once() {
    let folder = TempDir::new().unwrap();
    let out = folder.path().join("out");
    let mut watch = Stopper::default();
    let config = config(&["output.checkpoint_every=1"]);
    let outcome = ebm_run::train(&config, &Device::flex(), &out, &mut watch).unwrap();
    assert_eq!(outcome, Outcome::Stopped { step: 1 });
    assert_eq!(watch.saved, 2, "before the first update and after it");
}

/// "Kills" a run as soon as it is said to go on.
struct Killer;

impl Watch for Killer {
    fn event(&mut self, event: &Event<'_>) {
        assert!(!matches!(event, Event::Started { .. }), "killed");
    }
}

/// Keeps the learning rates of the last update before and the first after the run was changed.
#[derive(Default)]
struct Rates(Vec<(f64, f64)>);

impl Watch for Rates {
    fn event(&mut self, event: &Event<'_>) {
        if let Event::RateJumped { from, to } = event {
            self.0.push((*from, *to));
        }
    }
}

#[test]
fn a_new_learning_rate_is_meant_as_it_is_given_also_after_a_kill() {
    let folder = TempDir::new().unwrap();
    let out = folder.path().join("out");
    let too_high = config(&["optimizer.learning_rate=2.0"]);
    ebm_run::train(&too_high, &Device::flex(), &out, &mut ()).unwrap();
    let state = newest(&out).state;
    assert!(state.rollbacks >= 2);
    assert_eq!(state.base_rate, Some(2.0));
    let last = 2.0 * 0.5_f64.powi(state.rollbacks as i32);

    let changed = config(&["optimizer.learning_rate=0.001", "training.steps=62"]);
    let killed = catch_unwind(AssertUnwindSafe(|| {
        resume(Some(&changed), &out, &mut Killer)
    }));
    assert!(killed.is_err());
    assert_eq!(newest(&out).state.step, 60);
    // The folder has the new configuration, and the checkpoint the halvings of the old.
    let mut rates = Rates::default();
    let outcome = resume(None, &out, &mut rates).unwrap();
    assert_eq!(outcome, Outcome::Finished);
    let state = newest(&out).state;
    assert_eq!((state.rollbacks, state.base_rate), (0, Some(0.001)));
    let [(from, to)] = rates.0[..] else {
        panic!("{:?}", rates.0);
    };
    assert!((from - last).abs() < 1e-9 * last, "{from} is not {last}");
    assert_eq!(to, 0.001);
}

#[test]
fn checkpoints_hold_as_many_roll_backs_as_a_configuration_allows() {
    let folder = TempDir::new().unwrap();
    let out = folder.path().join("out");
    ebm_run::train(
        &config(&["training.steps=1"]),
        &Device::flex(),
        &out,
        &mut (),
    )
    .unwrap();
    let most = config(&["recovery.max_rollbacks=1000000"]);
    let mut checkpoint = newest(&out);
    checkpoint.state.rollbacks = most.recovery.max_rollbacks;
    let path = folder.path().join("checkpoint");
    checkpoint.save(&path).unwrap();
    let read = Checkpoint::load(&path).unwrap();
    assert_eq!(read.state.rollbacks, most.recovery.max_rollbacks);
}

/// Looks at the pictures in a run folder whenever it goes back.
struct Pictures<'a> {
    out: &'a Path,
    taken_back: u32,
}

impl Watch for Pictures<'_> {
    fn event(&mut self, event: &Event<'_>) {
        if let Event::RolledBack { from, to, .. } = event {
            let steps = RunFolder::open(self.out).unwrap().sample_steps().unwrap();
            assert!(
                steps.iter().all(|step| step <= to),
                "{from} to {to}: {steps:?}"
            );
            self.taken_back += 1;
        }
    }
}

#[test]
fn pictures_of_updates_that_are_taken_back_go_with_them() {
    let folder = TempDir::new().unwrap();
    let out = folder.path().join("out");
    let changes = ["optimizer.learning_rate=2.0", "output.sample_every=1"];
    let mut watch = Pictures {
        out: &out,
        taken_back: 0,
    };
    ebm_run::train(&config(&changes), &Device::flex(), &out, &mut watch).unwrap();
    assert!(watch.taken_back >= 2);
    let steps = RunFolder::open(&out).unwrap().sample_steps().unwrap();
    assert_eq!(steps, (1..=60).collect::<Vec<u64>>());
}
