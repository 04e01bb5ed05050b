//! `ebm train --from`: training that starts from the weights of another run, trained or imported.
#![cfg(all(feature = "cli", feature = "flex"))]
#![allow(clippy::unwrap_used)]

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use burn::tensor::Device;
use common::{checkpoint_path, checkpoint_steps, config, run, succeed, text, train, workspace};
use ebm::run::ModelFile;
use ebm::training::{Checkpoint, weights};

/// The bytes of the weights in the model file of a run.
fn model(run: &Path) -> BTreeMap<String, Vec<u8>> {
    let file = ModelFile::load(&run.join("model.safetensors"), &Device::flex()).unwrap();
    let arrays = weights(&file.model).into_iter();
    arrays
        .map(|(name, data)| (name, data.as_bytes().to_vec()))
        .collect()
}

/// The bytes of the weights, or of their average, in the first checkpoint of a run.
fn at_start(run: &Path, prefix: &str) -> BTreeMap<String, Vec<u8>> {
    let checkpoint = Checkpoint::load(&checkpoint_path(run, 0)).unwrap();
    let arrays = checkpoint.tensors.iter().filter_map(|(name, data)| {
        let name = name.strip_prefix(prefix)?.strip_prefix('.')?;
        Some((name.to_string(), data.as_bytes().to_vec()))
    });
    arrays.collect()
}

const KEEP: [&str; 2] = ["--set", "output.keep_checkpoints=9"];

#[test]
fn a_run_starts_from_the_weights_of_another_and_needs_it_no_longer() {
    let folder = workspace();
    let folder = folder.path();
    train(folder, "a", &["--set", "sampler.step_size=0.5"]);
    let trained = model(&folder.join("a"));

    succeed(
        folder,
        &[&["train", "--from", "a", "--out", "b"], &KEEP[..]].concat(),
    );
    let b = folder.join("b");
    assert_eq!(at_start(&b, "model"), trained);
    assert_eq!(at_start(&b, "average"), trained);
    assert_ne!(model(&b), trained, "nothing was learned");
    // The rest is as the other run had it.
    let written = fs::read_to_string(b.join("config.toml")).unwrap();
    let written = config(&written, &[]);
    assert_eq!(written.training.start_from, Some(folder.join("a")));
    let before = fs::read_to_string(folder.join("a/config.toml")).unwrap();
    let mut before = config(&before, &["output.keep_checkpoints=9"]);
    before
        .training
        .start_from
        .clone_from(&written.training.start_from);
    assert_eq!(written, before);

    // A configuration that is given goes before that of the run.
    train(folder, "c", &[&["--from", "a"], &KEEP[..]].concat());
    assert_eq!(at_start(&folder.join("c"), "model"), trained);
    let written = fs::read_to_string(folder.join("c/config.toml")).unwrap();
    assert!(written.contains("step_size = 1.0"), "{written}");

    fs::remove_dir_all(folder.join("a")).unwrap();
    succeed(folder, &["resume", "b", "--set", "training.steps=8"]);
    assert_eq!(checkpoint_steps(&b).last(), Some(&8));
}

#[test]
fn an_imported_network_is_trained_on() {
    let folder = workspace();
    let folder = folder.path();
    train(folder, "a", &[]);
    succeed(folder, &["export", "--run", "a", "a.safetensors"]);
    succeed(folder, &["import", "a.safetensors", "--out", "imported"]);
    // Named after the run that it starts from.
    succeed(
        folder,
        &[&["train", "--from", "imported"], &KEEP[..]].concat(),
    );
    let out = folder.join("runs/imported-1");
    assert_eq!(at_start(&out, "model"), model(&folder.join("a")));
    assert_eq!(checkpoint_steps(&out).last(), Some(&6));
}

/// Layers that were trained need no pretraining; centring's offsets come along.
#[test]
fn a_deep_machine_is_not_pretrained_again() {
    let folder = workspace();
    let folder = folder.path();
    #[rustfmt::skip]
    let machine = [
        "--set", "data.range=[0.0, 1.0]", "--set", "data.binarize=\"threshold\"",
        "--set", "model={kind=\"dbm\", hidden=[5, 4], weight_std=0.1, centered=true, pretraining={steps=3}}",
        "--set", "sampler={kind=\"gibbs\", steps=1}", "--set", "chains={kind=\"persistent\", start=\"binary\"}",
        "--set", "optimizer={kind=\"sgd\", learning_rate=0.05}", "--set", "training.data_noise=0.0",
        "--set", "objective.energy_regularizer=0.0",
    ];
    train(folder, "a", &machine);
    assert!(folder.join("a/pretraining-1.safetensors").exists());
    succeed(
        folder,
        &[&["train", "--from", "a", "--out", "b"], &KEEP[..]].concat(),
    );
    assert!(!folder.join("b/pretraining-1.safetensors").exists());
    assert_eq!(
        at_start(&folder.join("b"), "model"),
        model(&folder.join("a"))
    );
}

#[test]
fn a_model_that_does_not_fit_is_named_and_nothing_is_written() {
    let folder = workspace();
    let folder = folder.path();
    train(folder, "a", &[]);
    train(folder, "moons", &["--set", "data={kind=\"two_moons\"}"]);
    #[rustfmt::skip]
    let cases: &[(&[&str], &[&str])] = &[
        (&["tiny.toml", "--from", "absent"], &["absent is not a run folder"]),
        (&["--from", "absent"], &["absent is not a run folder"]),
        (&["tiny.toml", "--from", "a", "--set", "model.hidden=[7]"], &["/a", "layers.0.weight", "[64, 6]", "[64, 7]"]),
        (&["tiny.toml", "--from", "moons"], &["moons", "[1, 8, 8]"]),
        (&["--preset", "rbm-digits", "--backend", "flex", "--from", "a"], &["/a", "mlp", "rbm"]),
    ];
    for (arguments, needles) in cases {
        let arguments = [&["train", "--out", "out"], *arguments].concat();
        let output = run(folder, &arguments);
        let complaint = text(&output.stderr);
        assert_ne!(output.status.code(), Some(0), "{arguments:?}");
        assert!(complaint.starts_with("error: "), "{complaint}");
        for needle in *needles {
            assert!(complaint.contains(needle), "no `{needle}`: {complaint}");
        }
        assert!(!folder.join("out").exists(), "{arguments:?}");
    }
}
