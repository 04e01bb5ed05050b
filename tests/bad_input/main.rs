//! Bad input of every kind: one clear message that names what is wrong, an exit code, and nothing
//! overwritten.
#![cfg(all(feature = "cli", feature = "flex"))]
#![allow(clippy::unwrap_used)]

#[path = "../common/mod.rs"]
mod common;
mod configuration;
mod data;
mod evaluation;
mod flags;
mod interchange;
mod machines;
mod runs;
mod uses;

use std::path::Path;

use common::{run, text};

/// Runs the command, which must refuse: the exit code, one message, all of `needles` in it, no
/// panic, nothing on the standard output. Gives the message.
pub(crate) fn refuse(folder: &Path, arguments: &[&str], code: i32, needles: &[&str]) -> String {
    let output = run(folder, arguments);
    let (said, complaint) = (text(&output.stdout), text(&output.stderr));
    let command = format!("`ebm {}` said: {complaint}", arguments.join(" "));
    assert_eq!(output.status.code(), Some(code), "{command}{said}");
    assert!(!complaint.contains("panicked"), "{command}");
    assert!(complaint.starts_with("error: "), "{command}");
    let errors = complaint.lines().filter(|line| line.starts_with("error"));
    assert_eq!(errors.count(), 1, "{command}");
    for needle in needles {
        assert!(complaint.contains(needle), "no `{needle}`: {command}");
    }
    assert_eq!(said, "", "{command}");
    complaint
}

/// As [`refuse`], for messages of our own, which are one line (those of clap and of the TOML
/// parser, which shows the place, are not).
pub(crate) fn refuse_in_a_line(folder: &Path, arguments: &[&str], code: i32, needles: &[&str]) {
    let complaint = refuse(folder, arguments, code, needles);
    assert_eq!(complaint.trim_end().lines().count(), 1, "{complaint}");
}

/// `ebm train tiny.toml --out out` with changes must be refused before anything is written.
pub(crate) fn refuse_to_train(folder: &Path, more: &[&str], code: i32, needles: &[&str]) {
    let arguments = [&["train", "tiny.toml", "--out", "out"], more].concat();
    refuse_in_a_line(folder, &arguments, code, needles);
    assert!(!folder.join("out").exists(), "{more:?} left a folder");
}
