//! Boltzmann machines and Hopfield networks from end to end: trained, stopped, judged, exported and
//! imported.
#![cfg(all(feature = "cli", feature = "flex"))]
#![allow(clippy::unwrap_used)]

#[path = "../common/mod.rs"]
mod common;
mod evaluation;
mod exact;
mod exported;
mod interchange;
mod partition;
mod training;

use std::fs;
use std::path::Path;

use common::{run, succeed, text};
use serde_json::Value;
use tempfile::TempDir;

/// A restricted machine with 5 hidden units on 60 digits of 8x8 black or white pixels.
const MACHINE: &str = r#"
seed = 7
backend = "flex"

[data]
kind = "digits"
range = [0.0, 1.0]
binarize = "threshold"
limit = 60

[model]
kind = "rbm"
hidden = 5
weight_std = 0.1

[sampler]
kind = "gibbs"
steps = 2

[chains]
kind = "persistent"
start = "binary"

[optimizer]
kind = "sgd"
learning_rate = 0.05
weight_decay = 1e-4

[training]
steps = 4
batch_size = 8

[output]
log_every = 2
sample_every = 2
sample_count = 4
sample_steps = 2
checkpoint_every = 2
keep_checkpoints = 2
"#;

/// Changes of [`MACHINE`] that make it another one.
const DBM: &str = r#"model={kind="dbm", hidden=[5, 4], weight_std=0.1}"#;
const SPINS: &[&str] = &[
    r#"model={kind="boltzmann_machine", weight_std=0.1}"#,
    "data.range=[-1, 1]",
];

/// A folder with the machine in `machine.toml`.
fn workspace() -> TempDir {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("machine.toml"), MACHINE).unwrap();
    folder
}

/// `ebm train machine.toml --out OUT` with changes and more arguments.
fn train(folder: &Path, out: &str, changes: &[&str], more: &[&str]) -> String {
    let mut arguments = vec!["train", "machine.toml", "--out", out];
    // Before the changes, which say what the pixels become.
    arguments.extend(more);
    for change in changes {
        arguments.extend(["--set", change]);
    }
    succeed(folder, &arguments)
}

/// Runs the command, which must succeed and print JSON; what it says beside that doesn't matter.
fn json(folder: &Path, arguments: &[&str]) -> Value {
    let output = run(folder, arguments);
    let said = text(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {said}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// A number in JSON.
fn number(value: &Value) -> f64 {
    value
        .as_f64()
        .unwrap_or_else(|| panic!("{value} is no number"))
}
