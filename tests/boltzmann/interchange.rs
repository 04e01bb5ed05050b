//! `ebm export` and `ebm import`: what goes out comes in again as the same machine, and files of
//! other programs do too.

use std::fs;
use std::path::Path;

use burn::tensor::TensorData;
use ebm::training::TensorFile;
use ebm::training::data::{Binarize, Images, Split, digits, idx};
use serde_json::Value;

use crate::common::{idx_folder, images, succeed};
use crate::exact::{Layered, Pairwise, Weights};
use crate::{DBM, SPINS, json, number, train, workspace};

/// What is found of a machine; of its samples nothing, whose number of transitions isn't exported.
fn eval(folder: &Path, run: &str, more: &[&str]) -> Value {
    let arguments = ["eval", "--run", run, "--json", "--samples", "0"];
    json(folder, &[&arguments, more].concat())
}

pub(crate) fn log_partition(folder: &Path, run: &str, more: &[&str]) -> f64 {
    let found = json(folder, &[&["logz", "--run", run, "--json"], more].concat());
    assert_eq!(found["method"], "exact", "{found}");
    number(&found["log_partition"])
}

/// Mean log-likelihood of the training examples.
fn likelihood(report: &Value) -> f64 {
    number(&report["sets"][0][1]["unnormalized_log_likelihood"]["mean"])
        - number(&report["log_partition"]["log_partition"])
}

/// The first digits of both splits as IDX files of black and white, `white` being the larger value.
fn black_and_white(folder: &Path, white: u8) {
    fs::create_dir_all(folder).unwrap();
    for (split, name) in [(Split::Train, "train"), (Split::Test, "t10k")] {
        let images = digits(split).unwrap().take(40);
        let pixels = (0..images.len()).flat_map(|index| images.image(index).to_vec());
        let pixels = pixels
            .map(|pixel| if pixel >= 128 { white } else { 0 })
            .collect();
        let images = Images::new(pixels, [1, 8, 8]).unwrap();
        idx::write_images(&folder.join(format!("{name}-images-idx3-ubyte")), &images).unwrap();
    }
}

#[test]
fn what_is_exported_is_imported_as_the_same_machine() {
    let folder = workspace();
    black_and_white(&folder.path().join("digits"), 255);
    let two_valued = images(20, [1, 3, 3]).binarized(Binarize::Threshold);
    idx_folder(&folder.path().join("small"), &two_valued);
    let binary = &["model={kind=\"boltzmann_machine\", coding=\"binary\", hidden=2}"][..];
    for (run, kind, changes, data, more) in [
        ("rbm", "rbm", &[][..], "digits", &[][..]),
        ("dbm", "dbm", &[DBM], "digits", &[]),
        ("spin", "boltzmann-machine", SPINS, "small", &[]),
        (
            "binary",
            "boltzmann-machine",
            binary,
            "small",
            &["--coding", "binary", "--visible", "9"],
        ),
    ] {
        let changes = [
            changes,
            &[
                "training.steps=60",
                "data.limit=none",
                "data.test_fraction=0",
            ],
        ]
        .concat();
        train(folder.path(), run, &changes, &["--data", data]);
        let weights = Weights::of(folder.path(), run);
        let expected: &[&str] = match kind {
            "rbm" => &["hidden_bias", "visible_bias", "weight"],
            "dbm" => &[
                "hidden_biases.0",
                "hidden_biases.1",
                "visible_bias",
                "weights.0",
                "weights.1",
            ],
            _ => &["bias", "weight"],
        };
        assert_eq!(weights.names(), expected, "{run}");

        let (file, copy) = (format!("{run}.safetensors"), format!("{run}-again"));
        let arguments = [&["import", &file, "--model", kind, "--out", &copy], more].concat();
        let said = succeed(folder.path(), &arguments);
        let shape = if data == "digits" { "1x8x8" } else { "1x3x3" };
        assert!(said.contains(shape), "{said}");
        assert_eq!(
            log_partition(folder.path(), run, &[]),
            log_partition(folder.path(), &copy, &["--data", data]),
            "{run}"
        );
        // The energies of machines with hidden units that are coupled to each other aren't known.
        if run != "binary" {
            let report = eval(folder.path(), run, &[]);
            assert_eq!(
                eval(folder.path(), &copy, &["--data", data]),
                report,
                "{run}"
            );
        }
        // And out once more: the same arrays.
        assert_eq!(Weights::of(folder.path(), &copy), weights, "{run}");
    }
}

#[test]
fn a_centred_machine_goes_out_as_a_plain_one_of_the_same_likelihood() {
    let folder = workspace();
    black_and_white(&folder.path().join("digits"), 255);
    let changes = [
        "model.centered=true",
        "training.steps=150",
        "data.limit=none",
    ];
    train(folder.path(), "centred", &changes, &["--data", "digits"]);
    let machine = Layered::rbm(&Weights::of(folder.path(), "centred"));
    let arguments = [
        "import",
        "centred.safetensors",
        "--model",
        "rbm",
        "--out",
        "plain",
    ];
    succeed(folder.path(), &arguments);
    let centred = eval(folder.path(), "centred", &[]);
    let plain = eval(folder.path(), "plain", &["--data", "digits"]);
    let difference = likelihood(&centred) - likelihood(&plain);
    assert!(difference.abs() < 1e-3, "off by {difference}");
    // The biases went out as those of the plain machine, not as they are beside the offsets.
    let expected = machine.log_partition();
    let found = log_partition(folder.path(), "plain", &["--data", "digits"]);
    assert!(
        (found - expected).abs() < 1e-3,
        "{found}, expected {expected}"
    );
    let weights = ebm::training::Checkpoint::load(&crate::common::checkpoint_path(
        &folder.path().join("centred"),
        150,
    ));
    let raw: Vec<f64> = weights.unwrap().tensors["model.hidden_bias"]
        .iter::<f64>()
        .collect();
    assert!(
        machine
            .hidden_means(&[0.0; 64])
            .iter()
            .zip(raw)
            .any(|(p, c)| ((p / (1.0 - p)).ln() - c).abs() > 0.01)
    );
}

/// Arrays by name, in f64 as NumPy writes them.
fn write(path: &Path, arrays: &[(&str, Vec<f64>, Vec<usize>)]) {
    let tensors = arrays
        .iter()
        .map(|(name, values, shape)| {
            (
                name.to_string(),
                TensorData::new(values.clone(), shape.clone()),
            )
        })
        .collect();
    TensorFile {
        tensors,
        ..TensorFile::default()
    }
    .save(path)
    .unwrap();
}

#[test]
fn files_of_other_programs_in_double_precision_are_taken() {
    let folder = workspace();
    let values = |count: usize, scale: f64| -> Vec<f64> {
        (0..count)
            .map(|k| scale * (k as f64 * 1.7 + 0.3).sin())
            .collect()
    };
    let file = folder.path().join("rbm.safetensors");
    write(
        &file,
        &[
            ("weight", values(12, 1.5), vec![6, 2]),
            ("visible_bias", values(6, 0.5), vec![6]),
            ("hidden_bias", values(2, 2.0), vec![2]),
        ],
    );
    let arguments = [
        "import",
        "rbm.safetensors",
        "--model",
        "rbm",
        "--shape",
        "1x2x3",
        "--out",
        "rbm",
    ];
    let said = succeed(folder.path(), &arguments);
    assert!(said.contains("1x2x3"), "{said}");
    // Not symmetric: only the symmetric part counts.
    let file = folder.path().join("pairs.safetensors");
    let mut weight = values(25, 1.0);
    weight.iter_mut().step_by(6).for_each(|own| *own = 0.0);
    write(
        &file,
        &[
            ("weight", weight, vec![5, 5]),
            ("bias", values(5, 0.5), vec![5]),
        ],
    );
    let arguments = [
        "import",
        "pairs.safetensors",
        "--model",
        "boltzmann-machine",
        "--out",
        "pairs",
    ];
    succeed(folder.path(), &arguments);
    let arguments = [
        "import",
        "pairs.safetensors",
        "--model",
        "hopfield",
        "--out",
        "memory",
    ];
    succeed(folder.path(), &arguments);

    let of = |run: &str| Weights::of(folder.path(), &format!("{run}/"));
    for (run, expected) in [
        ("rbm", Layered::rbm(&of("rbm")).log_partition()),
        ("pairs", Pairwise::new(&of("pairs"), -1.0).log_partition()),
    ] {
        // Without data, of which it warns: the exact number needs none.
        let found = log_partition(folder.path(), run, &[]);
        assert!(
            (found - expected).abs() < 1e-4,
            "{run}: {found}, expected {expected}"
        );
    }
    // Samples need no data either.
    for run in ["rbm", "pairs", "memory"] {
        let arguments = [
            "sample", "--run", run, "-n", "4", "--steps", "5", "--out", "x.png",
        ];
        let said = succeed(folder.path(), &arguments);
        assert!(said.contains("wrote 4 samples"), "{said}");
        image::open(folder.path().join("x.png")).unwrap();
    }
}

/// `log sum_y exp(1/2 y W y + b.y)` over all states of units that are `low` or 1, diagonal and all.
pub(crate) fn log_sum(weight: &[f64], bias: &[f64], low: f64) -> f64 {
    let units = bias.len();
    let sum: f64 = (0..1_u32 << units)
        .map(|state| {
            let y: Vec<f64> = (0..units)
                .map(|unit| if state >> unit & 1 == 1 { 1.0 } else { low })
                .collect();
            let fields = weight.chunks(units).zip(bias).map(|(row, b)| {
                let pairs: f64 = row.iter().zip(&y).map(|(w, y)| w * y).sum();
                pairs / 2.0 + b
            });
            fields.zip(&y).map(|(f, y)| f * y).sum::<f64>().exp()
        })
        .sum();
    sum.ln()
}

#[test]
fn a_diagonal_of_couplings_is_part_of_the_energy() {
    let folder = workspace();
    let values = |count: usize, scale: f64| -> Vec<f64> {
        (0..count)
            .map(|k| scale * (k as f64 * 2.3 + 0.9).sin())
            .collect()
    };
    let (weight, bias) = (values(36, 1.2), values(6, 0.7));
    let of = |name: &str, weight: &[f64]| {
        let arrays = [
            ("weight", weight.to_vec(), vec![6, 6]),
            ("bias", bias.clone(), vec![6]),
        ];
        write(&folder.path().join(name), &arrays);
    };
    of("w.safetensors", &weight);
    // Of units that are 0 or 1 it is a bias, with hidden units and without.
    for (out, visible) in [("all", "6"), ("some", "4")] {
        #[rustfmt::skip]
        let arguments = [
            "import", "w.safetensors", "--model", "boltzmann-machine", "--coding", "binary", "--visible", visible, "--out", out,
        ];
        succeed(folder.path(), &arguments);
        let found = log_partition(folder.path(), out, &[]);
        let expected = log_sum(&weight, &bias, 0.0);
        let without = {
            let mut weight = weight.clone();
            weight.iter_mut().step_by(7).for_each(|own| *own = 0.0);
            log_sum(&weight, &bias, 0.0)
        };
        assert!(
            (expected - without).abs() > 0.01,
            "the diagonal doesn't matter"
        );
        assert!(
            (found - expected).abs() < 1e-4,
            "{out}: {found}, expected {expected}"
        );
    }
    // Of spins it is a constant, which no model has: refused unless it is 0.
    for kind in ["boltzmann-machine", "hopfield"] {
        let arguments = ["import", "w.safetensors", "--model", kind, "--out", "spins"];
        let output = crate::common::run(folder.path(), &arguments);
        let said = crate::common::text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains("`weight` has a diagonal"), "{said}");
        assert!(!folder.path().join("spins").exists());
    }
    let mut balanced = weight;
    for unit in 0..6 {
        balanced[7 * unit] = if unit % 2 == 0 { 0.5 } else { -0.5 };
    }
    of("balanced.safetensors", &balanced);
    let arguments = [
        "import",
        "balanced.safetensors",
        "--model",
        "boltzmann-machine",
        "--out",
        "spins",
    ];
    succeed(folder.path(), &arguments);
    let found = log_partition(folder.path(), "spins", &[]);
    let expected = log_sum(&balanced, &bias, -1.0);
    assert!(
        (found - expected).abs() < 1e-4,
        "{found}, expected {expected}"
    );
}

#[test]
fn grey_pixels_stay_grey_for_an_imported_gaussian_machine() {
    let folder = workspace();
    idx_folder(&folder.path().join("grey"), &images(9, [1, 8, 8]));
    let changes = [
        "model.visible_units=gaussian",
        "data.binarize=none",
        "data.limit=none",
        "data.test_fraction=0",
    ];
    train(folder.path(), "gaussian", &changes, &["--data", "grey"]);
    Weights::of(folder.path(), "gaussian");
    let arguments = [
        "import",
        "gaussian.safetensors",
        "--model",
        "rbm",
        "--visible-units",
        "gaussian",
        "--out",
        "again",
    ];
    succeed(folder.path(), &arguments);
    let report = eval(folder.path(), "gaussian", &[]);
    assert_eq!(eval(folder.path(), "again", &["--data", "grey"]), report);
    succeed(
        folder.path(),
        &["sample", "--run", "again", "-n", "2", "--steps", "5"],
    );
}

#[test]
fn pixels_of_0_and_1_are_those_of_0_and_255() {
    let folder = workspace();
    black_and_white(&folder.path().join("ones"), 1);
    black_and_white(&folder.path().join("bytes"), 255);
    train(folder.path(), "rbm", &["training.steps=20"], &[]);
    let of = |data: &str| eval(folder.path(), "rbm", &["--data", data]);
    let report = of("ones");
    assert_eq!(report["sets"][1][1]["examples"], 40);
    assert_eq!(of("bytes"), report);
}
