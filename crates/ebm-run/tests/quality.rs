//! Models of a run are measured, the best is kept, and a training that collapsed goes back to it.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::Path;

use burn::tensor::{Device, TensorData};
use ebm_run::config::{ConfigTable, RunConfig};
use ebm_run::quality::{FeatureKind, QualityHistory, QualityLine, Verdict};
use ebm_run::{Event, JsonLines, ModelFile, Outcome, RunError, RunFolder, Watch};
use ebm_train::{Checkpoint, weights};

/// A network that learns 8x8 digits in seconds, measured with few and short chains.
const DIGITS: [&str; 9] = [
    "model={kind=\"mlp\", hidden=[64, 64], activation=\"leaky_relu(0.05)\"}",
    "training.batch_size=32",
    "training.steps=300",
    "sampler.steps=10",
    "chains.capacity=1024",
    "output.sample_every=100",
    "output.checkpoint_every=100",
    "output.sample_steps=60",
    "output.quality_samples=64",
];

fn config(changes: &[&str]) -> RunConfig {
    let mut table = ConfigTable::from_preset("digits").unwrap();
    for change in DIGITS.iter().chain(changes) {
        table.set(change).unwrap();
    }
    table.read().unwrap()
}

/// What a run said of its quality; stops it after an update.
#[derive(Default)]
struct Listener {
    measured: Vec<u64>,
    best: Vec<u64>,
    collapses: Vec<(u64, u64, f64)>,
    stopped_early: Option<(u64, u64)>,
    judged: Option<Verdict>,
    stop_after: Option<u64>,
    step: u64,
}

impl Watch for Listener {
    fn event(&mut self, event: &Event<'_>) {
        match event {
            Event::Step(metrics) => self.step = metrics.step,
            Event::Measured { line, is_best, .. } => {
                self.measured.push(line.step);
                self.best.extend(is_best.then_some(line.step));
            }
            Event::Collapsed {
                from,
                to,
                learning_rate,
                ..
            } => self.collapses.push((*from, *to, *learning_rate)),
            Event::StoppedEarly { step, best } => self.stopped_early = Some((*step, *best)),
            Event::Judged { verdict, .. } => self.judged = Some((*verdict).clone()),
            _ => {}
        }
    }

    fn should_stop(&mut self) -> bool {
        self.stop_after.is_some_and(|after| self.step >= after)
    }
}

fn train(config: &RunConfig, out: &Path, watch: &mut Listener) -> Result<Outcome, RunError> {
    ebm_run::train(config, &Device::flex(), out, watch)
}

fn resume(out: &Path, changes: &[String], watch: &mut Listener) -> Result<Outcome, RunError> {
    let folder = RunFolder::open_locked(out)?;
    let mut table = folder.read_config()?;
    for change in changes {
        table.set(change).unwrap();
    }
    ebm_run::resume(&table.read()?, &Device::flex(), folder, watch)
}

/// A copy of a run, as by hand.
fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_folder(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}

/// The lines of `quality.jsonl` without what a clock says.
fn lines(out: &Path) -> Vec<QualityLine> {
    let path = RunFolder::open(out).unwrap().quality();
    let history = JsonLines::<QualityHistory>::open(&path).unwrap();
    let lines = history.into_content().lines().to_vec();
    let timeless = |line: QualityLine| QualityLine {
        seconds: None,
        ..line
    };
    lines.into_iter().map(timeless).collect()
}

fn bytes<'a>(arrays: impl IntoIterator<Item = &'a TensorData>) -> Vec<Vec<u8>> {
    let arrays = arrays.into_iter();
    arrays.map(|data| data.as_bytes().to_vec()).collect()
}

/// The arrays of `model.safetensors`, and of the weights that a checkpoint samples with.
fn model(out: &Path) -> Vec<Vec<u8>> {
    let path = RunFolder::open(out).unwrap().model();
    let file = ModelFile::load(&path, &Device::flex()).unwrap();
    bytes(weights(&file.model).values())
}

fn sampled_with(checkpoint: &Path) -> (u64, Vec<Vec<u8>>) {
    let mut checkpoint = Checkpoint::load(checkpoint).unwrap();
    let weights = checkpoint.take_sampling_weights();
    (checkpoint.state.step, bytes(weights.values()))
}

#[test]
fn the_best_model_is_the_result_and_all_is_the_same_after_a_stop() {
    let folder = tempfile::tempdir().unwrap();
    let (whole, parts) = (folder.path().join("whole"), folder.path().join("parts"));
    let mut watch = Listener::default();
    train(&config(&[]), &whole, &mut watch).unwrap();
    assert_eq!(watch.measured, [100, 200, 300]);
    let found = lines(&whole);
    let last = found.last().unwrap();
    assert_eq!(last.features, Some(FeatureKind::RandomConvolutions));
    assert_eq!((last.samples, last.transitions), (Some(64), Some(60)));
    for number in [
        last.distance,
        last.distance_error,
        last.floor,
        last.start_distance,
        last.precision,
        last.recall,
        last.outside,
        last.data_energy,
        last.held_out_energy,
        last.sample_energy,
        last.weight_size,
        last.displacement,
        last.energy_bound,
    ] {
        assert!(number.is_some_and(f64::is_finite), "{last:?}");
    }
    // It learns, and is far from the data yet.
    assert!(
        last.distance < last.start_distance && last.distance > last.floor,
        "{last:?}"
    );
    let best = watch.best.last().copied().unwrap();
    let (step, weights) = sampled_with(&RunFolder::open(&whole).unwrap().best_checkpoint());
    assert!((step, weights) == (best, model(&whole)), "{best}");

    let mut stopped = Listener {
        stop_after: Some(150),
        ..Listener::default()
    };
    let outcome = train(&config(&[]), &parts, &mut stopped).unwrap();
    assert_eq!(outcome, Outcome::Stopped { step: 150 });
    assert_eq!(stopped.measured, [100]);
    resume(&parts, &[], &mut Listener::default()).unwrap();
    assert_eq!(lines(&parts), found);
    assert!(model(&parts) == model(&whole));

    // What a kill took away comes back, the same.
    fs::remove_file(RunFolder::open(&parts).unwrap().model()).unwrap();
    resume(&parts, &[], &mut Listener::default()).unwrap();
    assert!(model(&parts) == model(&whole));
}

#[test]
fn measuring_changes_nothing_of_what_is_learned() {
    let folder = tempfile::tempdir().unwrap();
    let out = |name: &str| folder.path().join(name);
    train(
        &config(&["training.steps=200"]),
        &out("measured"),
        &mut Listener::default(),
    )
    .unwrap();
    let without = ["training.steps=200", "output.quality_samples=0"];
    train(&config(&without), &out("without"), &mut Listener::default()).unwrap();
    let newest = |name: &str| {
        let run = RunFolder::open(&out(name)).unwrap();
        sampled_with(&run.checkpoint(200))
    };
    assert!(newest("measured") == newest("without"));
    assert_eq!(lines(&out("without")), []);
    // Without a measure the last is the result.
    assert!(model(&out("without")) == newest("without").1);

    let last = ["training.steps=200", "output.model=\"last\""];
    train(&config(&last), &out("last"), &mut Listener::default()).unwrap();
    assert!(model(&out("last")) == newest("measured").1);
}

#[test]
fn a_training_that_collapses_goes_back_to_the_best_model_and_then_gives_up() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("run");
    let mut watch = Listener::default();
    train(&config(&["training.steps=600"]), &out, &mut watch).unwrap();
    assert_eq!(watch.collapses, []);
    let good = model(&out);

    // Energies without a limit at a learning rate forty times too high.
    let ruin = |max_collapses: usize| {
        [
            "training.steps=1400".to_string(),
            "optimizer.learning_rate=0.02".into(),
            "optimizer.gradient_clip=1000.0".into(),
            "objective.energy_regularizer=0.0".into(),
            format!("recovery.max_collapses={max_collapses}"),
        ]
    };
    let (rescued, given_up) = (
        folder.path().join("rescued"),
        folder.path().join("given-up"),
    );
    for copy in [&rescued, &given_up] {
        copy_folder(&out, copy);
    }
    let mut watch = Listener::default();
    resume(&rescued, &ruin(5), &mut watch).unwrap();
    assert!(!watch.collapses.is_empty());
    let mut rate = f64::INFINITY;
    for &(from, to, learning_rate) in &watch.collapses {
        assert!(to < from && learning_rate < rate, "{:?}", watch.collapses);
        rate = learning_rate;
    }
    assert!(!watch.judged.unwrap().is_collapse());
    let events = fs::read_to_string(RunFolder::open(&rescued).unwrap().events()).unwrap();
    let told = events.matches("\"event\":\"collapsed\"").count();
    assert_eq!(told, watch.collapses.len());

    let mut watch = Listener::default();
    let error = resume(&given_up, &ruin(0), &mut watch).unwrap_err();
    let RunError::Collapsed {
        verdict, collapses, ..
    } = &error
    else {
        panic!("{error}");
    };
    assert!(verdict.is_collapse());
    assert_eq!((*collapses, watch.collapses.len()), (0, 0));
    assert!(model(&given_up) == good, "the best is kept");
    let message = error.to_string();
    assert!(message.contains("collapsed since update"), "{message}");
    assert!(
        message.contains("model.safetensors holds the best"),
        "{message}"
    );

    // By hand, with a rate that works, it goes on from there.
    let run = RunFolder::open_locked(&given_up).unwrap();
    let best = run.go_back_to_best().unwrap();
    assert_eq!(run.checkpoint_steps().unwrap()[0], best);
    drop(run);
    let mended = [
        "training.steps=700",
        "optimizer.learning_rate=5e-4",
        "optimizer.gradient_clip=1.0",
    ];
    resume(
        &given_up,
        &mended.map(String::from),
        &mut Listener::default(),
    )
    .unwrap();
    assert_eq!(lines(&given_up).last().map(|line| line.step), Some(700));
}

#[test]
fn training_ends_where_quality_rises_no_more_if_asked() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("run");
    // Nothing is learned, so that the first is as good as any.
    let changes = [
        "training.steps=1000",
        "training.early_stopping=2",
        "optimizer.learning_rate=1e-9",
        "output.sample_every=10",
    ];
    let mut watch = Listener::default();
    let outcome = train(&config(&changes), &out, &mut watch);
    let (step, best) = watch.stopped_early.expect("it stops");
    assert!(step < 1000 && best <= step, "{step} {best}");
    // It is no better than noise, or it wasn't measured often enough to say so.
    match outcome {
        Ok(outcome) => assert_eq!(outcome, Outcome::Finished),
        Err(error) => assert!(matches!(error, RunError::Collapsed { .. }), "{error}"),
    }
}
