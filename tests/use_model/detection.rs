//! `ebm eval --ood`: the table, the JSON, the histogram, and where held-out images come from.

use std::fs;

use serde_json::Value;

use crate::common::{idx_folder, images, names, png_folder, run, succeed, text, train, workspace};
use crate::{printed, train_machines};

fn sets(report: &Value) -> Vec<String> {
    let sets = report["energies"]["sets"].as_array().unwrap();
    let name = |set: &Value| set["name"].as_str().unwrap().to_string();
    sets.iter().map(name).collect()
}

#[test]
fn outliers_of_every_kind_are_judged_against_held_out_images() {
    let folder = workspace();
    train(folder.path(), "network", &[]);
    png_folder(&folder.path().join("pictures"), 5, 8, 8);
    idx_folder(&folder.path().join("idx"), &images(7, [1, 8, 8]));
    idx_folder(&folder.path().join("large"), &images(4, [3, 12, 10]));
    #[rustfmt::skip]
    let arguments = [
        "eval", "--run", "network", "--json", "--ood", "uniform", "--ood", "constant", "--ood", "shuffled",
        "--ood", "pictures", "--ood", "idx", "--ood", "large", "--ood-resize",
    ];
    let report: Value = serde_json::from_str(&printed(folder.path(), &arguments)).unwrap();
    let expected = "train test uniform constant shuffled pictures idx large";
    assert_eq!(sets(&report).join(" "), expected);
    let energies = &report["energies"];
    assert_eq!(energies["held_out"], "test_split");
    let mut counts = Vec::new();
    for set in energies["sets"].as_array().unwrap() {
        let name = set["name"].as_str().unwrap();
        counts.push(set["examples"].as_u64().unwrap());
        let energy = &set["energy"];
        let of = |key: &str| energy[key].as_f64().unwrap();
        let rising = ["min", "quantile_5", "median", "quantile_95", "max"].map(of);
        assert!(rising.is_sorted(), "{name}: {rising:?}");
        assert!((rising[0]..=rising[4]).contains(&of("mean")), "{name}");
        let judged = name != "train" && name != "test";
        for key in ["auroc", "fpr_at_95"] {
            let share = set.get(key).map(|value| value.as_f64().unwrap());
            assert_eq!(share.is_some(), judged, "{name}: {key}");
            assert!(share.is_none_or(|share| (0.0..=1.0).contains(&share)));
            let by_norm = set.get("gradient_norm").and_then(|norms| norms.get(key));
            assert_eq!(by_norm.is_some(), judged, "{name}: {key} of the norm");
        }
        let norms = set.get("gradient_norm").map(|norms| &norms["norm"]);
        assert_eq!(norms.is_some(), name != "train", "{name}");
        assert!(norms.is_none_or(|norm| norm["min"].as_f64().unwrap() >= 0.0));
    }
    // The configuration's limit holds for both splits.
    assert_eq!(counts, [60, 60, 60, 60, 60, 5, 7, 4]);
    assert_eq!(
        names(&folder.path().join("network/evaluation")),
        ["energies.png", "energies.svg", "report.json"]
    );

    let said = printed(folder.path(), &["eval", "--run", "network"]);
    let row = |name: &str| said.lines().find(|line| line.starts_with(name)).unwrap();
    // A network that Langevin dynamics trained at another temperature than 1: no nats.
    assert!(row("energies (model units)").contains("AUROC") && row("energies").contains("FPR@95"));
    assert!(row("Energies are in units of the model's own").contains("sampler's temperature is "));
    assert_eq!(energies["unit"], "model units");
    assert!(energies["temperature"].as_f64().unwrap() < 1.0);
    for name in ["uniform", "constant", "shuffled"] {
        assert_eq!(row(name).split_whitespace().count(), 8, "{said}");
    }
    assert_eq!(row("test").split_whitespace().count(), 6, "{said}");
    // The second table: no training images, but what outliers are compared with.
    let norms = said.split("gradient norms").nth(1).unwrap();
    let names = norms
        .lines()
        .skip(1)
        .map(|line| line.split_whitespace().next().unwrap_or(""));
    let names: Vec<&str> = names.take(4).collect();
    assert_eq!(names, ["test", "uniform", "constant", "shuffled"]);
    let none = printed(
        folder.path(),
        &["eval", "--run", "network", "--ood", "none", "--json"],
    );
    let none: Value = serde_json::from_str(&none).unwrap();
    assert_eq!(sets(&none), ["train", "test"]);
}

/// Noise has far higher energies than digits after a training this short, if it is one that works:
/// 200 updates.
#[test]
fn a_trained_network_tells_noise_from_digits() {
    let folder = workspace();
    #[rustfmt::skip]
    let changes = [
        "--set", "training.steps=200", "--set", "data.limit=600", "--set", "model.hidden=[32]",
        "--set", "sampler={kind=\"langevin\", steps=10, step_size=10.0, noise=0.03, gradient_clip=0.03}",
        "--set", "output={sample_count=1, sample_steps=1, quality_samples=0}",
    ];
    train(folder.path(), "network", &changes);
    let arguments = ["eval", "--run", "network", "--json", "--ood", "uniform"];
    let report: Value = serde_json::from_str(&printed(folder.path(), &arguments)).unwrap();
    let auroc = report["energies"]["sets"][2]["auroc"].as_f64().unwrap();
    assert!(auroc > 0.9, "{auroc}");
}

#[test]
fn without_a_test_split_images_beyond_the_limit_are_held_out() {
    let folder = workspace();
    idx_folder(&folder.path().join("idx"), &images(90, [1, 8, 8]));
    let report = |out: &str, change: &str| -> Value {
        train(folder.path(), out, &["--set", change]);
        let arguments = ["eval", "--run", out, "--json", "--ood", "uniform"];
        serde_json::from_str(&printed(folder.path(), &arguments)).unwrap()
    };
    let limited = report(
        "limited",
        "data={kind=\"folder\", path=\"idx\", limit=60, test_fraction=0}",
    );
    assert_eq!(limited["energies"]["held_out"], "beyond_limit");
    assert_eq!(limited["energies"]["sets"][1]["examples"], 30);
    let whole = report(
        "whole",
        "data={kind=\"folder\", path=\"idx\", test_fraction=0}",
    );
    assert_eq!(whole["energies"]["held_out"], "training");
    assert_eq!(sets(&whole), ["train (nothing is held out)", "uniform"]);
}

/// Sorted by label, a tenth of each: the run trains on the others, and is judged by these.
#[test]
fn a_share_of_a_folder_is_held_out_by_label() {
    let folder = workspace();
    for label in ["a", "b"] {
        png_folder(&folder.path().join("png").join(label), 30, 8, 8);
    }
    let data = "data={kind=\"folder\", path=\"png\", channels=1, size=[8, 8]}";
    let said = train(folder.path(), "run", &["--set", data]);
    assert!(said.contains("54 examples"), "{said}");
    let config = fs::read_to_string(folder.path().join("run/config.toml")).unwrap();
    assert!(config.contains("\ntest_fraction = 0.1\n"), "{config}");
    let report = |arguments: &[&str]| -> Value {
        let arguments = [&["eval", "--json", "--ood", "uniform"], arguments].concat();
        serde_json::from_str(&printed(folder.path(), &arguments)).unwrap()
    };
    let whole = report(&["--run", "run"]);
    assert_eq!(whole["energies"]["held_out"], "test_fraction");
    assert_eq!(sets(&whole), ["train", "held out", "uniform"]);
    let counts = |at: usize| whole["energies"]["sets"][at]["examples"].as_u64();
    assert_eq!([0, 1].map(counts), [Some(54), Some(6)]);
    let said = printed(folder.path(), &["eval", "--run", "run"]);
    assert!(said.contains("(data.test_fraction)"), "{said}");
    // A copy of the folder has the same examples held out.
    for label in ["a", "b"] {
        png_folder(&folder.path().join("copy").join(label), 30, 8, 8);
    }
    assert_eq!(
        report(&["--run", "run", "--data", "copy"])["energies"],
        whole["energies"]
    );

    // What was trained on can't be held out afterwards.
    let more = ["resume", "run", "--set", "training.steps=7", "--set"];
    let refused = run(
        folder.path(),
        &[&more[..], &["data.test_fraction=0.2"]].concat(),
    );
    let said = text(&refused.stderr);
    assert_eq!(refused.status.code(), Some(2), "{said}");
    assert!(
        said.contains("`data.test_fraction`") && said.contains("expected 0.1"),
        "{said}"
    );

    // A run of a version without the key goes on with all that it was trained on.
    let all = ["--set", data, "--set", "data.test_fraction=0"];
    let said = train(folder.path(), "old", &all);
    assert!(said.contains("60 examples"), "{said}");
    let path = folder.path().join("old/config.toml");
    let config = fs::read_to_string(&path).unwrap();
    assert!(config.contains("test_fraction = 0.0\n"), "{config}");
    fs::write(&path, config.replace("test_fraction = 0.0\n", "")).unwrap();
    let said = succeed(
        folder.path(),
        &["resume", "old", "--set", "training.steps=7"],
    );
    assert!(said.contains("60 examples"), "{said}");
    let config = fs::read_to_string(&path).unwrap();
    assert!(!config.contains("test_fraction"), "{config}");
}

/// The test points of two moons aren't those of training, and noise is drawn in the plane.
#[test]
fn points_of_the_plane_are_judged_too() {
    let folder = workspace();
    train(
        folder.path(),
        "moons",
        &["--set", "data={kind=\"two_moons\", count=50}"],
    );
    let report = printed(folder.path(), &["eval", "--run", "moons", "--json"]);
    let report: Value = serde_json::from_str(&report).unwrap();
    assert_eq!(sets(&report), ["train", "test", "uniform"]);
    let sets = &report["energies"]["sets"];
    assert_ne!(sets[0]["energy"], sets[1]["energy"]);
}

#[test]
fn a_machine_is_judged_by_its_free_energies() {
    let folder = workspace();
    train_machines(folder.path());
    let report = printed(folder.path(), &["eval", "--run", "rbm", "--json"]);
    let report: Value = serde_json::from_str(&report).unwrap();
    assert_eq!(sets(&report).len(), 5);
    // Two-valued pixels have no slope.
    assert!(report["energies"]["sets"][2].get("gradient_norm").is_none());
    // The mean energy is minus what the table of likelihoods starts from.
    let energy = report["energies"]["sets"][1]["energy"]["mean"]
        .as_f64()
        .unwrap();
    let likelihood = &report["sets"][1][1]["unnormalized_log_likelihood"]["mean"];
    assert!((energy + likelihood.as_f64().unwrap()).abs() < 1e-6 * energy.abs());
}
