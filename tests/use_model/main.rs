//! A trained energy in use: outliers told from data, pixels filled in, noise taken away, models
//! composed, images compared and recalled.
#![cfg(all(feature = "cli", feature = "flex"))]
#![allow(clippy::unwrap_used)]

#[path = "../common/mod.rs"]
mod common;
mod detection;
mod pictures;
mod writing;

use std::path::Path;

use common::{run, text};

/// A tiny restricted machine in `rbm`, and a memory of three digits in `memory`.
pub(crate) fn train_machines(folder: &Path) {
    let tiny = "output={sample_count=1, sample_steps=1}";
    for (preset, out, changes) in [
        (
            "rbm-digits",
            "rbm",
            ["training={steps=2, batch_size=8}", "model.hidden=5"],
        ),
        (
            "hopfield-digits",
            "memory",
            ["training={steps=1, batch_size=3}", "data.limit=3"],
        ),
    ] {
        #[rustfmt::skip]
        let arguments = [
            "train", "--preset", preset, "--backend", "flex", "--out", out, "--set", changes[0],
            "--set", changes[1], "--set", tiny,
        ];
        common::succeed(folder, &arguments);
    }
}

/// Runs the command, which must succeed, and gives what it printed; progress on the other stream is
/// not looked at.
pub(crate) fn printed(folder: &Path, arguments: &[&str]) -> String {
    let output = run(folder, arguments);
    assert!(output.status.success(), "{}", text(&output.stderr));
    text(&output.stdout)
}
