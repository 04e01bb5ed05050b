//! `ebm eval` of a model of the plane: the exact log-likelihood on a grid, its checks, its report
//! and its picture.
#![allow(clippy::unwrap_used)]

mod common;

use std::fs;

use common::{run, succeed, text, train, workspace};
use serde_json::Value;

/// A Gaussian that a linear energy of one hidden layer learns nothing of: what matters here are the
/// numbers of the grid.
const GAUSSIANS: [&str; 2] = ["--set", "data={kind=\"gaussians\", count=300}"];

#[test]
fn the_density_is_judged_on_held_out_points() {
    let folder = workspace();
    train(folder.path(), "out", &GAUSSIANS);
    let output = run(folder.path(), &["eval", "--run", "out", "--json"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let density = &report["density"];
    let number = |value: &Value| value.as_f64().unwrap_or_else(|| panic!("{density}"));
    // Eight Gaussians that hardly overlap.
    let entropy = 8.0_f64.ln() + 1.0 + (2.0 * std::f64::consts::PI * 0.01).ln();
    assert!((number(&density["grid"]["true_entropy"]) - entropy).abs() < 1e-3);
    assert_eq!(density["grid"]["side"], 400);
    // A barely trained network is nearly uniform on the square of area 9.
    let uniform = 9.0_f64.ln();
    assert!((number(&density["grid"]["entropy"]) - uniform).abs() < 0.3);
    let sets = density["sets"].as_array().unwrap();
    assert_eq!(sets.len(), 2);
    for (set, name) in sets.iter().zip(["train", "test"]) {
        assert_eq!(set[0], name);
        assert_eq!(set[1]["points"], 300);
        let model = number(&set[1]["log_likelihood"]["mean"]);
        let truth = number(&set[1]["true_log_likelihood"]["mean"]);
        let ratio = number(&set[1]["log_ratio"]["mean"]);
        assert!((truth - model - ratio).abs() < 1e-9);
        // The mean of -E over the same points, less log Z.
        let index = usize::from(name == "test");
        let energy = &report["sets"][index][1]["unnormalized_log_likelihood"]["mean"];
        let expected = number(energy) - number(&density["grid"]["log_partition"]);
        assert!((model - expected).abs() < 1e-6, "{model} {expected}");
        // The divergence, from 300 points: chi-square with two degrees of freedom around it,
        // standard error 0.06 and what the model adds; 5 of them have a false-positive rate of
        // 6e-7.
        let error = ratio - number(&density["grid"]["divergence"]);
        let width = number(&set[1]["log_ratio"]["standard_error"]);
        assert!(error.abs() < 5.0 * width, "{error} ± {width}");
    }
    assert_ne!(sets[0][1]["log_likelihood"], sets[1][1]["log_likelihood"]);

    // In words, with the warning that this density doesn't end at the border; and the picture.
    let arguments = ["eval", "--run", "out", "--grid", "100", "--out", "report"];
    let output = run(folder.path(), &arguments);
    let (said, warned) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{warned}");
    for line in [
        "100 x 100 cells",
        "KL(true || model)",
        "log-likelihood, test",
    ] {
        assert!(said.contains(line), "{line} in {said}");
    }
    assert!(
        warned.contains("% of the model's mass lies along the border"),
        "{warned}"
    );
    let picture = image::open(folder.path().join("report/density.png")).unwrap();
    assert_eq!((picture.width(), picture.height()), (932, 342));
    assert!(
        fs::read_to_string(folder.path().join("report/report.json"))
            .unwrap()
            .contains("divergence")
    );
}

#[test]
fn images_have_no_density_and_grids_a_size() {
    let folder = workspace();
    train(folder.path(), "out", &[]);
    let said = succeed_with_notes(&folder, &["eval", "--run", "out", "--json"]);
    assert!(!said.contains("\"density\""), "{said}");
    assert!(!folder.path().join("out/evaluation/density.png").exists());
    let output = run(folder.path(), &["eval", "--run", "out", "--grid", "3"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("16..=2048"));
    // A problem that doesn't exist is told which there are.
    let arguments = ["train", "tiny.toml", "--set", "data={kind=\"spiral\"}"];
    let output = run(folder.path(), &arguments);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        text(&output.stderr).contains("\"pinwheel\""),
        "{}",
        text(&output.stderr)
    );
    // One preset is turned into another problem by its kind alone.
    let printed = succeed(
        folder.path(),
        &[
            "config",
            "--preset",
            "two-moons",
            "--set",
            "data.kind=rings",
        ],
    );
    assert!(printed.contains("kind = \"rings\""), "{printed}");
}

/// What a command said on its standard output, whatever notes it wrote beside.
fn succeed_with_notes(folder: &tempfile::TempDir, arguments: &[&str]) -> String {
    let output = run(folder.path(), arguments);
    assert!(output.status.success(), "{}", text(&output.stderr));
    text(&output.stdout)
}
