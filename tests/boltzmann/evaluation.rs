//! `ebm eval`: its numbers against sums over all states, its report and its pictures.

use std::fs;
use std::path::Path;

use ebm::training::data::{Images, Split, digits};
use serde_json::Value;

use crate::common::{idx_folder, images, names, run, text};
use crate::exact::{Layered, Pairwise, Weights, mean};
use crate::{DBM, json, number, train, workspace};

fn eval(folder: &Path, run: &str, more: &[&str]) -> Value {
    json(folder, &[&["eval", "--run", run, "--json"], more].concat())
}

/// Pixels that are `low` or 1, an image a row.
fn binary(images: &Images, low: f64) -> Vec<Vec<f64>> {
    let pixels = |index: usize| images.image(index).iter();
    let value = |&pixel: &u8| if pixel >= 128 { 1.0 } else { low };
    (0..images.len())
        .map(|index| pixels(index).map(value).collect())
        .collect()
}

/// The examples that the configuration takes.
fn examples(split: Split) -> Vec<Vec<f64>> {
    binary(&digits(split).unwrap().take(60), 0.0)
}

/// The mean under a key of the report of one set.
fn found(report: &Value, set: usize, key: &str) -> f64 {
    number(&report["sets"][set][1][key]["mean"])
}

#[test]
fn numbers_of_a_restricted_machine_are_those_of_its_definition() {
    let folder = workspace();
    train(folder.path(), "rbm", &["training.steps=150"], &[]);
    let report = eval(folder.path(), "rbm", &[]);
    assert_eq!(report["model"], "rbm");
    let machine = Layered::rbm(&Weights::of(folder.path(), "rbm"));
    let log_z = number(&report["log_partition"]["log_partition"]);
    for (set, split) in [(0, Split::Train), (1, Split::Test)] {
        assert_eq!(report["sets"][set][0], split.to_string());
        assert_eq!(report["sets"][set][1]["examples"], 60);
        let data = examples(split);
        let of = |f: &dyn Fn(&[f64]) -> f64| mean(data.iter().map(|v| f(v)));

        let likelihood = of(&|v| machine.unnormalized(v)) - machine.log_partition();
        let difference = found(&report, set, "unnormalized_log_likelihood") - log_z - likelihood;
        assert!(difference.abs() < 1e-3, "{split}: off by {difference}");
        assert!(
            likelihood > -44.4,
            "{split}: no better than fair coins, {likelihood}"
        );

        let difference =
            found(&report, set, "reconstruction_error") - of(&|v| machine.reconstruction_error(v));
        assert!(difference.abs() < 1e-6, "{split}: off by {difference}");

        // One pixel an example is drawn: beyond 5 standard errors fails in 5.7e-7 of all seeds, and
        // this one is fixed.
        let exact = of(&|v| machine.pseudo_likelihood(v));
        let key = "pseudo_log_likelihood";
        let error = number(&report["sets"][set][1][key]["standard_error"]);
        let difference = found(&report, set, key) - exact;
        assert!(
            error > 0.0 && difference.abs() < 5.0 * error,
            "{split}: {difference} ± {error}"
        );
    }
}

#[test]
fn the_bound_of_a_deep_machine_is_below_its_likelihood_and_close() {
    let folder = workspace();
    train(folder.path(), "dbm", &[DBM, "training.steps=150"], &[]);
    let report = eval(folder.path(), "dbm", &[]);
    let machine = Layered::dbm(&Weights::of(folder.path(), "dbm"));
    for (set, split) in [(0, Split::Train), (1, Split::Test)] {
        let exact = mean(examples(split).iter().map(|v| machine.unnormalized(v)));
        let bound = found(&report, set, "unnormalized_log_likelihood");
        assert!(
            bound < exact + 1e-4 && bound > exact - 1.0,
            "{split}: {bound}, exactly {exact}"
        );
        assert_eq!(report["sets"][set][1]["pseudo_log_likelihood"], Value::Null);
        let error = found(&report, set, "reconstruction_error");
        assert!(error > 0.0 && error < 0.25, "{split}: {error}");
    }
}

#[test]
fn numbers_of_a_boltzmann_machine_are_those_of_its_definition() {
    let folder = workspace();
    let images = images(20, [1, 3, 3]);
    idx_folder(&folder.path().join("images"), &images);
    for (coding, low) in [("spin", -1.0), ("binary", 0.0)] {
        let model =
            format!("model={{kind=\"boltzmann_machine\", coding=\"{coding}\", weight_std=0.2}}");
        let range = format!("data.range=[{low}, 1]");
        let changes = [&model, &range, "training.steps=50", "data.test_fraction=0"];
        train(folder.path(), coding, &changes, &["--data", "images"]);
        let report = eval(folder.path(), coding, &[]);
        // There are no test images in the folder.
        assert_eq!(report["sets"].as_array().unwrap().len(), 1);
        let machine = Pairwise::new(&Weights::of(folder.path(), coding), low);
        let data = binary(&images, low);
        let of = |f: &dyn Fn(&[f64]) -> f64| mean(data.iter().map(|y| f(y)));
        for (key, expected) in [
            (
                "unnormalized_log_likelihood",
                of(&|y| machine.minus_energy(y)),
            ),
            (
                "pseudo_log_likelihood",
                of(&|y| machine.pseudo_likelihood(y)),
            ),
        ] {
            let found = found(&report, 0, key);
            assert!(
                (found - expected).abs() < 1e-4,
                "{coding}, {key}: {found}, expected {expected}"
            );
        }
    }
}

#[test]
fn a_hopfield_network_recalls_what_it_stored() {
    let folder = workspace();
    let changes = [
        "model={kind=\"hopfield\"}",
        "data.range=[-1, 1]",
        "data.limit=3",
        "training.batch_size=3",
        "training.steps=1",
        "optimizer.learning_rate=1e-6",
        "sampler.temperature=0",
        "chains={kind=\"data\"}",
    ];
    train(folder.path(), "memory", &changes, &[]);
    let report = eval(folder.path(), "memory", &["--damage", "0.1"]);
    // A memory is no distribution to be normalised.
    assert_eq!(report["log_partition"], Value::Null);
    let recall = &report["recall"];
    assert_eq!(recall["examples"], 3);
    let (before, after) = (
        number(&recall["overlap_before"]),
        number(&recall["overlap_after"]),
    );
    assert!((0.5..0.95).contains(&before) && after > before, "{recall}");
    assert_eq!(number(&recall["converged"]), 1.0);
    let nothing = eval(folder.path(), "memory", &["--damage", "0"]);
    assert_eq!(number(&nothing["recall"]["overlap_before"]), 1.0);
    let pictures = [
        "energies.png",
        "energies.svg",
        "recall-energies.png",
        "recall.png",
        "report.json",
    ];
    assert_eq!(names(&folder.path().join("memory/evaluation")), pictures);
    for picture in ["energies.png", "recall-energies.png", "recall.png"] {
        image::open(folder.path().join("memory/evaluation").join(picture)).unwrap();
    }
}

#[test]
fn the_report_and_the_pictures_are_in_the_folder() {
    let folder = workspace();
    train(folder.path(), "rbm", &[], &[]);
    let report = eval(folder.path(), "rbm", &["--out", "here"]);
    let here = folder.path().join("here");
    assert_eq!(
        names(&here),
        [
            "energies.png",
            "energies.svg",
            "filters.png",
            "reconstructions.png",
            "report.json"
        ]
    );
    let written = fs::read(here.join("report.json")).unwrap();
    assert_eq!(serde_json::from_slice::<Value>(&written).unwrap(), report);
    // Five filters, and fifty pairs.
    for picture in ["filters.png", "reconstructions.png"] {
        let picture = image::open(here.join(picture)).unwrap().into_rgb8();
        let first = picture.get_pixel(10, 10);
        assert!(
            picture.pixels().any(|pixel| pixel != first),
            "a picture of nothing"
        );
    }
    // Without `--out` it goes into the run; a log Z that is given is taken, and not claimed to have
    // been found.
    let report = eval(folder.path(), "rbm", &["--log-partition", "-12.5"]);
    assert_eq!(report["log_partition"]["method"], "given");
    assert_eq!(number(&report["log_partition"]["log_partition"]), -12.5);
    assert!(folder.path().join("rbm/evaluation/report.json").is_file());

    let output = run(folder.path(), &["eval", "--run", "rbm"]);
    let (said, complaint) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{complaint}");
    assert!(said.ends_with("\nwrote rbm/evaluation\n"), "{said}");
    assert!(!complaint.contains("wrote"), "{complaint}");
    // Beside JSON it is on the other output, and nowhere where nothing is wanted.
    let output = run(folder.path(), &["eval", "--run", "rbm", "--json"]);
    assert!(text(&output.stderr).ends_with("wrote rbm/evaluation\n"));
    assert!(text(&output.stdout).ends_with("}\n"));
    let output = run(folder.path(), &["-q", "eval", "--run", "rbm"]);
    assert!(!text(&output.stdout).contains("wrote") && output.stderr.is_empty());
    let row = |name: &str| {
        let line = said.lines().find(|line| line.starts_with(name));
        line.unwrap_or_else(|| panic!("no row `{name}`: {said}"))
    };
    assert!(row("rbm (nats an example)").contains("train"));
    for name in [
        "log-likelihood",
        "pseudo-log-likelihood",
        "reconstruction error",
        "free-energy gap",
    ] {
        assert!(row(name).chars().any(|c| c.is_ascii_digit()), "{said}");
    }
}

#[test]
fn a_network_gives_its_energies_and_no_likelihood() {
    let folder = crate::common::workspace();
    crate::common::train(folder.path(), "network", &[]);
    let report = eval(folder.path(), "network", &[]);
    assert_eq!(report["model"], "mlp");
    assert_eq!(report["log_partition"], Value::Null);
    assert!(found(&report, 0, "unnormalized_log_likelihood").is_finite());
    assert_eq!(report["sets"][0][1]["pseudo_log_likelihood"], Value::Null);
    assert_eq!(
        names(&folder.path().join("network/evaluation")),
        ["energies.png", "energies.svg", "report.json"]
    );
}
