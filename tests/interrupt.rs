//! A run stops within seconds, also where an update, a picture or pretraining would take hours, and
//! goes on as if it had not been stopped.
#![cfg(all(feature = "cli", feature = "flex"))]
#![allow(clippy::unwrap_used)]

mod common;

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use common::{
    assert_same, checkpoint_steps, ebm, everything, metrics_steps, names, succeed, text, train,
    wait_for, workspace,
};

/// Transitions that take many minutes.
const ENDLESS: &str = "sampler.steps=1000000000";
const ENDLESS_PICTURES: &str = "output.sample_steps=1000000000";

/// Far more than a stop takes on a busy machine, and far less than what is stopped.
const SOON: Duration = Duration::from_secs(60);

/// `ebm resume` with a time limit of a second, in which what is asked for can't be done.
fn resume_for_a_second(folder: &Path, run: &str, changes: &[&str]) -> String {
    let mut arguments = vec!["resume", run, "--time-limit", "1s"];
    for change in changes {
        arguments.extend(["--set", change]);
    }
    let started = Instant::now();
    let said = succeed(folder, &arguments);
    assert!(started.elapsed() < SOON, "{:?}", started.elapsed());
    assert!(said.contains("`ebm resume"), "{said}");
    said
}

#[test]
fn an_update_that_takes_too_long_is_given_up_without_a_trace() {
    let folder = workspace();
    train(folder.path(), "straight", &[]);
    for (name, changes) in [
        ("buffer", &[][..]),
        ("persistent", &["--set", "chains={kind=\"persistent\"}"]),
        ("data", &["--set", "chains={kind=\"data\"}"]),
    ] {
        let straight = format!("straight-{name}");
        train(folder.path(), &straight, changes);
        train(
            folder.path(),
            name,
            &[changes, &["--set", "training.steps=2"]].concat(),
        );
        // Two updates, then in the third nothing but chains, twice.
        for _ in 0..2 {
            let changes = ["training.steps=6", ENDLESS];
            let said = resume_for_a_second(folder.path(), name, &changes);
            assert!(said.contains("stopped and saved after step 2;"), "{said}");
        }
        succeed(folder.path(), &["resume", name, "--set", "sampler.steps=2"]);
        let of = |run: &str| everything(&folder.path().join(run), 6);
        assert_same(&of(&straight), &of(name), name);
        assert_eq!(metrics_steps(&folder.path().join(name)), [2, 4, 6]);
    }
}

#[test]
fn the_first_update_of_a_run_can_be_given_up_too() {
    let folder = workspace();
    train(folder.path(), "straight", &[]);
    let limit = ["--set", ENDLESS, "--time-limit", "1s"];
    let said = train(folder.path(), "out", &limit);
    assert!(said.contains("stopped and saved after step 0;"), "{said}");
    assert_eq!(checkpoint_steps(&folder.path().join("out")), [0]);
    succeed(
        folder.path(),
        &["sample", "--run", "out", "-n", "1", "--steps", "1"],
    );
    succeed(
        folder.path(),
        &["resume", "out", "--set", "sampler.steps=2"],
    );
    let of = |run: &str| everything(&folder.path().join(run), 6);
    assert_same(&of("straight"), &of("out"), "given up");
}

#[test]
fn a_picture_that_takes_too_long_is_given_up_and_drawn_when_the_run_goes_on() {
    let folder = workspace();
    train(folder.path(), "straight", &[]);
    let limit = ["--set", ENDLESS_PICTURES, "--time-limit", "1s"];
    let said = train(folder.path(), "out", &limit);
    assert!(said.contains("stopped and saved after step 3;"), "{said}");
    let out = folder.path().join("out");
    let straight = folder.path().join("straight");
    assert!(names(&out.join("samples")).is_empty());
    // Once more at the very picture, and at the last, which a finished run needs too.
    let said = resume_for_a_second(folder.path(), "out", &[]);
    assert!(said.contains("stopped and saved after step 3;"), "{said}");
    succeed(
        folder.path(),
        &[
            "resume",
            "out",
            "--set",
            "output.sample_steps=2",
            "--time-limit",
            "0s",
        ],
    );
    assert_eq!(names(&out.join("samples")), ["step-00000003.png"]);
    let said = resume_for_a_second(folder.path(), "out", &[ENDLESS_PICTURES]);
    assert!(said.contains("stopped and saved after step 6;"), "{said}");
    assert_eq!(names(&out.join("samples")), ["step-00000003.png"]);
    let said = succeed(
        folder.path(),
        &["resume", "out", "--set", "output.sample_steps=2"],
    );
    assert!(said.contains("finished"), "{said}");
    for name in ["step-00000003.png", "step-00000006.png"] {
        let read = |run: &Path| fs::read(run.join("samples").join(name)).unwrap();
        assert!(read(&out) == read(&straight), "{name} differs");
    }
    assert_same(&everything(&straight, 6), &everything(&out, 6), "pictures");
}

#[test]
fn pretraining_and_inference_that_take_too_long_are_given_up() {
    let folder = workspace();
    let machine = |changes: &str| {
        let model = format!("model={{kind=\"dbm\", hidden=[5, 4], {changes}}}");
        #[rustfmt::skip]
        let arguments = [
            "--set", "data.range=[0.0, 1.0]", "--set", "data.binarize=\"threshold\"", "--set", &model,
            "--set", "sampler={kind=\"gibbs\", steps=1}", "--set", "chains={kind=\"persistent\", start=\"binary\"}",
            "--set", "optimizer={kind=\"sgd\", learning_rate=0.05}", "--set", "training.data_noise=0.0",
            "--set", "objective.energy_regularizer=0.0", "--time-limit", "1s",
        ]
        .map(String::from);
        arguments
    };
    for (name, changes, expected) in [
        (
            "pretraining",
            "pretraining={steps=3, gibbs_steps=1000000}",
            "stopped in pretraining",
        ),
        (
            "inference",
            "mean_field_steps=1000000, mean_field_tolerance=0.0",
            "stopped and saved after step 0;",
        ),
    ] {
        let arguments = machine(changes);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let started = Instant::now();
        let said = train(folder.path(), name, &arguments);
        assert!(said.contains(expected), "{said}");
        assert!(started.elapsed() < SOON, "{:?}", started.elapsed());
    }
}

#[cfg(unix)]
#[test]
fn an_interrupt_stops_a_long_update() {
    let folder = workspace();
    let out = folder.path().join("out");
    let child = ebm(folder.path())
        .args(["train", "tiny.toml", "--out", "out", "--set", ENDLESS])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    wait_for("the model of the start", || {
        out.join("model.safetensors").exists()
    });
    common::signal("TERM", child.id());
    let started = Instant::now();
    let output = child.wait_with_output().unwrap();
    assert!(started.elapsed() < SOON, "{:?}", started.elapsed());
    let said = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(said.contains("stopped and saved after step 0;"), "{said}");
}
