//! Runs whose chains start at Gaussians of the examples, from end to end.
#![cfg(all(feature = "cli", feature = "flex"))]
#![allow(clippy::unwrap_used)]

mod common;

use std::fs;

use burn::tensor::TensorData;
use common::{run, succeed, text, train, workspace};
use ebm::training::TensorFile;

const FITTED: [&str; 2] = ["--set", "chains.start=fitted"];

/// What is fitted isn't in checkpoints, and is in the model.
#[test]
fn the_parts_of_a_training_make_the_whole() {
    let folder = workspace();
    let folder = folder.path();
    train(folder, "whole", &FITTED);
    train(
        folder,
        "parts",
        &[&FITTED[..], &["--set", "training.steps=3"]].concat(),
    );
    succeed(folder, &["resume", "parts", "--set", "training.steps=6"]);
    let file = |run: &str| TensorFile::load(&folder.join(run).join("model.safetensors")).unwrap();
    let (whole, parts) = (file("whole"), file("parts"));
    assert_eq!(whole.tensors, parts.tensors);
    let shape = |name: &str| whole.tensors[name].shape().to_vec();
    // One for each digit.
    assert_eq!(shape("chains.start.shares"), [10]);
    assert_eq!(shape("chains.start.means"), [10, 64]);
    assert_eq!(shape("chains.start.directions"), [10, 64, 64]);
}

/// The mean of samples that no chain has moved is that of the digits, far from that of noise, 0.5.
#[test]
fn samples_start_there_without_the_examples() {
    let folder = workspace();
    let folder = folder.path();
    train(folder, "run", &FITTED);
    let sample = [
        "sample", "--run", "run", "--steps", "0", "--count", "100", "--out", "0.png",
    ];
    succeed(folder, &sample);
    let picture = image::open(folder.join("0.png")).unwrap().into_luma8();
    let mean = picture
        .pixels()
        .map(|pixel| f64::from(pixel.0[0]))
        .sum::<f64>();
    let mean = mean / f64::from(picture.width() * picture.height()) / 255.0;
    assert!((0.15..0.42).contains(&mean), "{mean}");
}

#[test]
fn gaussians_of_another_shape_are_refused() {
    let folder = workspace();
    let folder = folder.path();
    train(folder, "run", &FITTED);
    let path = folder.join("run/model.safetensors");
    let mut file = TensorFile::load(&path).unwrap();
    let means = TensorData::new(vec![0.0_f32; 70], [10, 7]);
    file.tensors.insert("chains.start.means".into(), means);
    fs::remove_file(&path).unwrap();
    file.save(&path).unwrap();
    let output = run(folder, &["sample", "--run", "run"]);
    assert_eq!(output.status.code(), Some(1));
    let complaint = text(&output.stderr);
    for needle in ["model.safetensors", "[10, 7]", "64 values"] {
        assert!(complaint.contains(needle), "{needle}: {complaint}");
    }
}
