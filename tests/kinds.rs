//! Every kind of chains, sampler, optimizer, schedule, model and data trains, and goes on bit for
//! bit after a stop.
//!
//! These runs are made in this process, which starts no other: one that was being started while a
//! run ends would hold its lock for a moment longer.
#![cfg(all(feature = "cli", feature = "flex"))]
#![allow(clippy::unwrap_used)]

mod common;

use std::fs;
use std::path::Path;

use common::{TINY, assert_same, checkpoint_steps, config, everything, files, workspace};
use ebm::run::{self as runs, Event, Outcome, RunFolder, Watch};

/// Stops a run after some steps.
struct StopAfter {
    step: u64,
    steps: Vec<u64>,
}

impl Watch for StopAfter {
    fn event(&mut self, event: &Event<'_>) {
        if let Event::Step(metrics) = event {
            self.steps.push(metrics.step);
        }
    }

    fn should_stop(&mut self) -> bool {
        self.steps.last() == Some(&self.step)
    }
}

/// Trains in this process; `stops` are the steps after which the run is stopped and resumed.
fn train_here(changes: &[&str], out: &Path, stops: &[u64]) {
    let config = config(TINY, changes);
    let device = ebm::backend::select("flex", 0).unwrap().device;
    let stops = stops.iter().copied().chain([config.training.steps]);
    for (number, step) in stops.enumerate() {
        let mut watch = StopAfter {
            step,
            steps: Vec::new(),
        };
        let outcome = if number == 0 {
            runs::train(&config, &device, out, &mut watch).unwrap()
        } else {
            let folder = RunFolder::open_locked(out).unwrap();
            let config = folder.read_config().unwrap().read().unwrap();
            runs::resume(&config, &device, folder, &mut watch).unwrap()
        };
        let last = step == config.training.steps;
        let expected = if last {
            Outcome::Finished
        } else {
            Outcome::Stopped { step }
        };
        assert_eq!(outcome, expected);
        assert_eq!(watch.steps.last(), Some(&step));
    }
}

/// Every kind of chains, sampler, optimizer, schedule and model, as changes of the tiny
/// configuration.
const KINDS: [(&str, &[&str]); 25] = [
    ("buffer of f32", &[]),
    ("buffer of u8", &["chains.storage=u8"]),
    ("buffer from normals", &["chains.start=normal"]),
    ("persistent", &["chains={kind=\"persistent\"}"]),
    ("data", &["chains={kind=\"data\"}"]),
    ("noise", &["chains={kind=\"noise\", start=\"normal\"}"]),
    (
        "metropolis",
        &["sampler={kind=\"metropolis\", steps=3, scale=0.3}"],
    ),
    (
        "langevin at a temperature",
        &[
            "sampler={kind=\"langevin\", steps=2, step_size=0.01, temperature=0.5, gradient_clip=0.1, clamp=false}",
        ],
    ),
    ("adam with decay", &["optimizer.weight_decay=0.1"]),
    (
        "adamw",
        &["optimizer={kind=\"adamw\", learning_rate=0.01, beta_1=0.9, weight_decay=0.1}"],
    ),
    ("sgd", &["optimizer={kind=\"sgd\", learning_rate=0.1}"]),
    (
        "sgd with momentum",
        &["optimizer={kind=\"sgd\", learning_rate=0.01, momentum=0.9, weight_decay=0.1}"],
    ),
    (
        "exponential",
        &["schedule.decay={kind=\"exponential\", factor=0.5, every=2}"],
    ),
    ("cosine", &["schedule={warmup=3, decay={kind=\"cosine\"}}"]),
    (
        "linear",
        &["schedule.decay={kind=\"linear\", final_factor=0.1}"],
    ),
    ("no average", &["training.ema_decay=none"]),
    ("no data noise", &["training.data_noise=0"]),
    (
        "end of an epoch",
        &["data.limit=17", "chains.capacity=8", "training.steps=9"],
    ),
    (
        "convolutions",
        &["model={kind=\"conv_net\", layers=[[3, 3, 2, 1]], hidden=5}"],
    ),
    (
        "residual network",
        &["model={kind=\"resnet\", widths=[3, 4], blocks=2, pooling=\"average\"}"],
    ),
    ("two moons", &["data={kind=\"two_moons\", count=40}"]),
    ("rings", &["data={kind=\"rings\", count=40}"]),
    ("checkerboard", &["data={kind=\"checkerboard\", count=40}"]),
    ("pinwheel", &["data={kind=\"pinwheel\", count=40}"]),
    ("gaussians", &["data={kind=\"gaussians\", count=40}"]),
];

#[test]
fn every_kind_of_run_goes_on_bit_for_bit() {
    let folder = workspace();
    for (name, changes) in KINDS {
        let at = |part: &str| folder.path().join(name).join(part);
        train_here(changes, &at("straight"), &[]);
        train_here(changes, &at("stopped"), &[3, 4]);
        let last = *checkpoint_steps(&at("straight")).last().unwrap();
        let straight = everything(&at("straight"), last);
        assert_same(&straight, &everything(&at("stopped"), last), name);
        // What must be in a checkpoint of this kind is in it.
        let holds = |prefix: &str| {
            straight
                .1
                .iter()
                .any(|(name, ..)| name == prefix || name.starts_with(&format!("{prefix}.")))
        };
        assert!(holds("model"), "{name}");
        assert_eq!(holds("average"), name != "no average", "{name}");
        assert_eq!(holds("optimizer"), name != "sgd", "{name}");
        assert_eq!(
            holds("chains"),
            !["data", "noise"].contains(&name),
            "{name}"
        );
        for run in ["straight", "stopped"] {
            let model = fs::read(at(run).join("model.safetensors")).unwrap();
            assert!(!model.is_empty());
        }
        let pictures = |run: &str| {
            files(&at(run).join("samples"))
                .into_iter()
                .map(|path| fs::read(path).unwrap())
                .collect::<Vec<_>>()
        };
        assert_eq!(pictures("straight"), pictures("stopped"), "{name}");
    }
}

#[test]
fn every_kind_of_run_differs_from_the_others() {
    // Otherwise the test above could compare two dozen times the same run.
    let folder = workspace();
    let mut seen = Vec::new();
    for (name, changes) in KINDS {
        let out = folder.path().join(name);
        train_here(changes, &out, &[]);
        let last = *checkpoint_steps(&out).last().unwrap();
        let weights: Vec<_> = everything(&out, last)
            .1
            .into_iter()
            .filter(|(name, ..)| name.starts_with("model."))
            .collect();
        // The average is not part of the weights.
        if name != "no average" {
            assert!(!seen.contains(&weights), "{name} changes nothing");
            seen.push(weights);
        }
    }
}
