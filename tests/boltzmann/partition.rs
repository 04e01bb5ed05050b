//! `ebm logz`: exact numbers against sums by definition, bounds against exact numbers, and what its
//! flags mean.

use std::fs;
use std::path::Path;

use serde_json::Value;
use tempfile::TempDir;

use crate::common::{idx_folder, images, run, text};
use crate::exact::{Layered, Pairwise, Weights};
use crate::{DBM, json, number, train, workspace};

/// A restricted machine in `rbm` and a deep one in `dbm`, trained for long enough to be far from
/// where they began.
fn trained() -> TempDir {
    let folder = workspace();
    let steps = "training.steps=150";
    train(folder.path(), "rbm", &[steps], &[]);
    train(folder.path(), "dbm", &[DBM, steps], &[]);
    folder
}

fn logz(folder: &Path, run: &str, more: &[&str]) -> Value {
    json(folder, &[&["logz", "--run", run, "--json"], more].concat())
}

fn exact(folder: &Path, run: &str) -> f64 {
    let found = logz(folder, run, &[]);
    assert_eq!(found["method"], "exact");
    number(&found["log_partition"])
}

#[test]
fn small_machines_are_summed_over_exactly() {
    let folder = trained();
    let of = |run: &str| Weights::of(folder.path(), run);
    for (run, expected) in [
        ("rbm", Layered::rbm(&of("rbm")).log_partition()),
        ("dbm", Layered::dbm(&of("dbm")).log_partition()),
    ] {
        let found = exact(folder.path(), run);
        assert!(
            (found - expected).abs() < 1e-3,
            "{run}: {found}, expected {expected}"
        );
    }
}

#[test]
fn pairwise_machines_are_summed_over_exactly() {
    let folder = workspace();
    idx_folder(&folder.path().join("images"), &images(20, [1, 3, 3]));
    for (run, low, hidden, range) in [
        ("spin", -1.0, 0, "data.range=[-1, 1]"),
        ("binary", 0.0, 0, "data.range=[0, 1]"),
        ("spin-hidden", -1.0, 3, "data.range=[-1, 1]"),
    ] {
        let coding = run.split('-').next().unwrap();
        let model = format!(
            "model={{kind=\"boltzmann_machine\", coding=\"{coding}\", hidden={hidden}, weight_std=0.2}}"
        );
        let changes = [&model, range, "training.steps=50"];
        train(folder.path(), run, &changes, &["--data", "images"]);
        let expected = Pairwise::new(&Weights::of(folder.path(), run), low).log_partition();
        let found = exact(folder.path(), run);
        assert!(
            (found - expected).abs() < 1e-4,
            "{run}: {found}, expected {expected}"
        );
    }
}

/// The seed is fixed: intervals of 95 % that miss would miss each time.
#[test]
fn annealing_finds_the_exact_number_between_its_bounds() {
    let folder = trained();
    for run in ["rbm", "dbm"] {
        let exact = exact(folder.path(), run);
        let arguments = [
            "--method",
            "ais",
            "--temperatures",
            "400",
            "--sweeps",
            "200",
        ];
        let found = logz(folder.path(), run, &arguments);
        assert_eq!(found["method"], "annealed");
        let value = |side: &str, key: &str| number(&found[side][key]);
        let end = |side: &str, end: usize| number(&found[side]["interval"][end]);
        for side in ["forward", "reverse"] {
            let (low, high) = (end(side, 0), end(side, 1));
            assert!(
                low < exact && exact < high,
                "{run}: {exact} outside of {found}"
            );
            assert!(high - low < 1.0, "{run}: {found}");
            let samples = value(side, "effective_sample_size");
            assert!((10.0..=100.0).contains(&samples), "{run}: {found}");
        }
        // The same seed, the same number; another seed, another.
        assert_eq!(logz(folder.path(), run, &arguments), found);
        let other = logz(
            folder.path(),
            run,
            &[&arguments[..], &["--seed", "1"]].concat(),
        );
        assert_ne!(other["forward"], found["forward"]);

        // With few temperatures the bounds are further from the number than their noise is large.
        let few = ["--method", "ais", "--temperatures", "6", "--sweeps", "200"];
        let found = logz(folder.path(), run, &few);
        let bound = |side: &str| number(&found[side]["mean_bound"]);
        assert!(bound("forward") < exact, "{run}: {exact} below {found}");
        assert!(bound("reverse") > exact, "{run}: {exact} above {found}");
    }
}

#[test]
fn temperatures_are_a_number_a_file_or_a_name() {
    let folder = trained();
    let lines: Vec<String> = (0..=20)
        .map(|k| format!("{}", f64::from(k) / 20.0))
        .collect();
    let text = format!("# a comment\n{}", lines.join("\n"));
    fs::write(folder.path().join("schedule.txt"), text).unwrap();
    let of = |temperatures: &str| {
        let arguments = ["--method", "ais", "--chains", "2", "--sweeps", "2"];
        let temperatures = ["--temperatures", temperatures];
        logz(
            folder.path(),
            "rbm",
            &[&arguments[..], &temperatures].concat(),
        )
    };
    let number = of("21");
    assert_eq!(number["temperatures"], 21);
    assert_eq!(of("schedule.txt"), number);
    assert_eq!(of("salakhutdinov2008")["temperatures"], 14_501);
}

#[test]
fn json_holds_these_keys_and_the_table_these_rows() {
    let folder = trained();
    let keys =
        |value: &Value| -> Vec<String> { value.as_object().unwrap().keys().cloned().collect() };
    let short = [
        "--method",
        "ais",
        "--chains",
        "3",
        "--temperatures",
        "5",
        "--sweeps",
        "1",
    ];
    let found = logz(folder.path(), "rbm", &short);
    assert_eq!(
        keys(&found),
        ["chains", "forward", "method", "reverse", "temperatures"]
    );
    assert_eq!(found["chains"], 3);
    let bound = [
        "effective_sample_size",
        "interval",
        "log_partition",
        "mean_bound",
    ];
    assert_eq!(keys(&found["forward"]), bound);
    assert_eq!(keys(&found["reverse"]), bound);
    let exact = logz(folder.path(), "rbm", &["--method", "exact"]);
    assert_eq!(keys(&exact), ["log_partition", "method"]);

    let table = |arguments: &[&str]| {
        let output = run(folder.path(), arguments);
        assert!(output.status.success());
        text(&output.stdout)
    };
    let said = table(&["logz", "--run", "rbm"]);
    let expected = format!("log Z = {:.6} nats (exact", number(&exact["log_partition"]));
    assert!(said.starts_with(&expected), "{said}");
    let said = table(&[&["logz", "--run", "rbm"], &short[..]].concat());
    for needle in [
        "3 chains, 5 temperatures",
        "forward (lower bound)",
        "reverse (upper bound)",
        "ESS",
    ] {
        assert!(said.contains(needle), "no `{needle}`: {said}");
    }
}

/// Imported weights come without data: a third number, and no word of agreement, in the table and
/// in JSON.
#[test]
fn without_data_nothing_is_said_to_agree() {
    let folder = trained();
    let folder = folder.path();
    run(folder, &["export", "--run", "rbm", "rbm.safetensors"]);
    let import = [
        "import",
        "rbm.safetensors",
        "--model",
        "rbm",
        "--out",
        "alone",
    ];
    assert!(run(folder, &import).status.success());
    let exact = exact(folder, "alone");
    #[rustfmt::skip]
    let short = ["--method", "ais", "--temperatures", "400", "--sweeps", "200"];
    let found = logz(folder, "alone", &short);
    assert_eq!(found["verdict"], "unverified");
    let samples = &found["reverse"]["samples"];
    let error = number(&samples["log_partition"]) - exact;
    // Five standard errors: 5.7e-7, and the seed is fixed.
    assert!(
        error.abs() < 5.0 * number(&samples["standard_error"]) + 0.01,
        "{exact}: {found}"
    );
    let output = run(folder, &[&["logz", "--run", "alone"], &short[..]].concat());
    let said = text(&output.stdout);
    for needle in ["parallel tempering", "lower bound", "nothing vouches"] {
        assert!(said.contains(needle), "no `{needle}`: {said}");
    }
    assert!(
        !said.contains("agree") && !said.contains("upper bound"),
        "{said}"
    );
}
