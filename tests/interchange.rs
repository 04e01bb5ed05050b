//! Networks in and out of PyTorch's names and layouts, samples and chains as arrays for NumPy.
#![cfg(all(feature = "cli", feature = "flex"))]
#![allow(clippy::unwrap_used)]

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use burn::tensor::{Tensor, TensorData};
use common::{succeed, train, workspace};
use ebm::models::Energy;
use ebm::run::{ModelFile, load_model};
use ebm::training::{TensorFile, weights};
use serde_json::Value;

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures");

/// Changes of the tiny configuration that make its model a convolutional one.
const CONV: [&str; 2] = [
    "--set",
    "model={kind=\"conv_net\", layers=[[3, 3, 2, 1], [2, 2, 1, 0]], hidden=4, activation=\"leaky_relu(0.2)\"}",
];

/// An array of a file: its shape, and its values in row-major order.
#[derive(Clone, Debug, PartialEq)]
struct Array {
    shape: Vec<usize>,
    values: Vec<f32>,
}

/// Reads `.npy`, by its specification: magic string, version 1.0, length and text of the header,
/// values.
fn npy(bytes: &[u8]) -> Array {
    assert_eq!(&bytes[..8], b"\x93NUMPY\x01\x00");
    let length = usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    assert_eq!((10 + length) % 64, 0, "values aren't aligned");
    let header = std::str::from_utf8(&bytes[10..10 + length]).unwrap();
    assert!(
        header.starts_with("{'descr': '<f4', 'fortran_order': False, 'shape': ("),
        "{header}"
    );
    let shape = header.split(['(', ')']).nth(1).unwrap();
    let sizes = shape
        .split(',')
        .map(str::trim)
        .filter(|size| !size.is_empty());
    let shape: Vec<usize> = sizes.map(|size| size.parse().unwrap()).collect();
    let values: Vec<f32> = bytes[10 + length..]
        .chunks_exact(4)
        .map(|value| f32::from_le_bytes(value.try_into().unwrap()))
        .collect();
    assert_eq!(values.len(), shape.iter().product::<usize>());
    Array { shape, values }
}

/// Reads `.npz`, by the specification of ZIP: local headers of entries that are stored as they are.
fn npz(path: &Path) -> BTreeMap<String, Array> {
    let bytes = fs::read(path).unwrap();
    let number = |at: usize, length: usize| {
        bytes[at..at + length]
            .iter()
            .rev()
            .fold(0, |sum, &byte| sum * 256 + usize::from(byte))
    };
    let mut found = BTreeMap::new();
    let mut at = 0;
    while bytes[at..].starts_with(b"PK\x03\x04") {
        assert_eq!(number(at + 8, 2), 0, "an entry is compressed");
        let (size, name, extra) = (number(at + 18, 4), number(at + 26, 2), number(at + 28, 2));
        assert_eq!(size, number(at + 22, 4));
        let start = at + 30 + name + extra;
        let content = &bytes[start..start + size];
        assert_eq!(
            number(at + 14, 4),
            crc32(content) as usize,
            "the checksum of an entry is wrong"
        );
        let name = std::str::from_utf8(&bytes[at + 30..at + 30 + name]).unwrap();
        found.insert(name.strip_suffix(".npy").unwrap().to_string(), npy(content));
        at = start + size;
    }
    assert!(
        bytes[at..].starts_with(b"PK\x01\x02"),
        "no central directory"
    );
    found
}

/// The CRC-32 of ZIP, bit by bit.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0_u32, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| {
            (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg())
        })
    })
}

fn load(run: &Path) -> ModelFile {
    let device = ebm::backend::select("flex", 0).unwrap().device;
    load_model(run, &device).unwrap()
}

fn energies(model: &ModelFile, x: TensorData) -> Vec<f32> {
    let device = ebm::backend::select("flex", 0).unwrap().device;
    let x: Tensor<4> = Tensor::from_data(x, &device);
    model.model.energy(x).into_data().iter::<f32>().collect()
}

/// The largest difference relative to the largest value.
fn difference(found: &[f32], expected: &[f64]) -> f64 {
    assert_eq!(found.len(), expected.len());
    let scale = expected
        .iter()
        .fold(0.0_f64, |most, value| most.max(value.abs()));
    let pairs = found.iter().zip(expected);
    pairs.fold(0.0, |most, (f, e)| {
        most.max((f64::from(*f) - e).abs() / scale)
    })
}

/// The energies that PyTorch computed of a fixture, and the examples, as
/// `examples/python/make_fixtures.py` has them.
fn pytorch(name: &str, shape: [usize; 3]) -> (TensorData, Vec<f64>) {
    let text = fs::read_to_string(format!("{FIXTURES}/energies.json")).unwrap();
    let all: Value = serde_json::from_str(&text).unwrap();
    let energies = all[name].as_array().unwrap().iter();
    let count = 4 * shape.iter().product::<usize>();
    let x: Vec<f32> = (0..count)
        .map(|k| (0.7 * k as f64 + 0.2).sin() as f32)
        .collect();
    let [c, h, w] = shape;
    (
        TensorData::new(x, [4, c, h, w]),
        energies.map(|energy| energy.as_f64().unwrap()).collect(),
    )
}

#[test]
fn files_of_pytorch_give_its_energies() {
    let folder = workspace();
    let at = |name: &str| format!("{FIXTURES}/{name}");
    // A checkpoint with an optimizer, layers numbered with gaps as in nn.Sequential, 64 and 16
    // bits; and a plain state dict in the format before PyTorch 1.6. Rounding of f32 leaves 1e-6 at
    // most; a wrong layout, activation or sign 0.1 at least.
    #[rustfmt::skip]
    let cases: [(&str, [usize; 3], &[&str]); 2] = [
        ("conv_energy.pt", [1, 8, 8], &["--model", "conv-net", "--activation", "swish", "--strides", "2", "--paddings", "1", "--shape", "1x8x8"]),
        ("mlp_energy.pth", [1, 2, 3], &["--model", "mlp", "--activation", "tanh", "--shape", "1x2x3"]),
    ];
    for (name, shape, flags) in cases {
        let (x, expected) = pytorch(name, shape);
        let file = at(name);
        let said = succeed(
            folder.path(),
            &[&["import", &file, "--out", name], flags].concat(),
        );
        assert!(said.contains("imported a "), "{said}");
        let found = energies(&load(&folder.path().join(name)), x.clone());
        let off = difference(&found, &expected);
        assert!(
            off < 1e-5,
            "{name}: off by {off}: {found:?}, expected {expected:?}"
        );

        // A network whose output is the energy itself.
        let negated = format!("{name}-energy");
        let output = ["--output", "energy"];
        let arguments = [&["import", &file, "--out", &negated], flags, &output].concat();
        succeed(folder.path(), &arguments);
        let minus: Vec<f64> = expected.iter().map(|energy| -energy).collect();
        let found = energies(&load(&folder.path().join(&negated)), x.clone());
        assert!(difference(&found, &minus) < 1e-5, "{name}: {found:?}");

        // The same names by hand.
        if name.ends_with(".pt") {
            let by_hand = [
                "--prefix",
                "cnn_layers",
                "--map",
                "0=convolutions.0",
                "--map",
                "3=hidden",
                "--map",
                "5=output",
            ];
            let arguments = [&["import", &file, "--out", "by-hand"], flags, &by_hand].concat();
            succeed(folder.path(), &arguments);
            let found = energies(&load(&folder.path().join("by-hand")), x);
            assert!(difference(&found, &expected) < 1e-5, "{found:?}");
        }
        let arguments = ["sample", "--run", name, "-n", "2", "--steps", "3"];
        succeed(folder.path(), &arguments);
    }
}

#[test]
fn networks_go_out_in_the_layouts_of_pytorch_and_come_back_bit_for_bit() {
    let folder = workspace();
    let inside = |name: &str| folder.path().join(name);
    for (run, changes) in [("mlp", &[][..]), ("conv", &CONV[..])] {
        train(folder.path(), run, changes);
        let file = format!("{run}.safetensors");
        succeed(folder.path(), &["export", "--run", run, &file]);
        let exported = TensorFile::load_unchecked(&inside(&file)).unwrap();
        let ours = weights(&load(&inside(run)).model);
        let shapes: Vec<(String, Vec<usize>)> = exported
            .tensors
            .iter()
            .map(|(name, data)| (name.clone(), data.shape().as_slice().to_vec()))
            .collect();
        #[rustfmt::skip]
        let expected: &[(&str, &[usize])] = match run {
            "mlp" => &[
                ("layers.0.bias", &[6]), ("layers.0.weight", &[6, 64]), ("layers.1.bias", &[1]), ("layers.1.weight", &[1, 6]),
            ],
            _ => &[
                ("convolutions.0.bias", &[3]), ("convolutions.0.weight", &[3, 1, 3, 3]),
                ("convolutions.1.bias", &[2]), ("convolutions.1.weight", &[2, 3, 2, 2]),
                ("hidden.bias", &[4]), ("hidden.weight", &[4, 18]), ("output.bias", &[1]), ("output.weight", &[1, 4]),
            ],
        };
        let expected: Vec<(String, Vec<usize>)> = expected
            .iter()
            .map(|(name, shape)| (name.to_string(), shape.to_vec()))
            .collect();
        assert_eq!(shapes, expected);
        for (name, data) in &exported.tensors {
            let (theirs, ours): (Vec<f32>, Vec<f32>) =
                (data.iter().collect(), ours[name].iter().collect());
            match *data.shape().as_slice() {
                [rows, columns] => {
                    for (index, value) in theirs.iter().enumerate() {
                        let (row, column) = (index / columns, index % columns);
                        assert_eq!(*value, ours[column * rows + row], "{name} {index}");
                    }
                    assert_eq!(theirs.len(), rows * columns);
                }
                _ => assert_eq!(theirs, ours, "{name}"),
            }
        }
        let said = |key: &str| exported.metadata[key].as_str();
        assert_eq!(said("format"), "pt");
        assert_eq!(said("shape"), "[1, 8, 8]");
        if run == "mlp" {
            assert_eq!((said("model"), said("activation")), ("mlp", "swish"));
        } else {
            assert_eq!(
                (said("model"), said("activation")),
                ("conv_net", "leaky_relu(0.2)")
            );
            assert_eq!((said("strides"), said("paddings")), ("[2, 1]", "[1, 0]"));
        }

        let again = format!("{run}-again");
        succeed(folder.path(), &["import", &file, "--out", &again]);
        let (first, second) = (load(&inside(run)), load(&inside(&again)));
        assert_eq!((first.config, first.shape), (second.config, second.shape));
        for (name, data) in weights(&second.model) {
            assert_eq!(data.as_bytes(), ours[&name].as_bytes(), "{name}");
        }
    }
}

#[test]
fn a_configuration_says_what_a_state_dict_does_not() {
    let folder = workspace();
    train(folder.path(), "conv", &CONV);
    succeed(
        folder.path(),
        &["export", "--run", "conv", "conv.safetensors"],
    );
    // As another program would have written it: arrays, and no text.
    let file = folder.path().join("conv.safetensors");
    let tensors = TensorFile::load_unchecked(&file).unwrap().tensors;
    let plain = folder.path().join("plain.safetensors");
    TensorFile {
        tensors,
        ..TensorFile::default()
    }
    .save(&plain)
    .unwrap();
    #[rustfmt::skip]
    let arguments = [
        "import", "plain.safetensors", "--model", "conv-net", "--shape", "1x8x8", "--config", "conv/config.toml", "--out", "again",
    ];
    succeed(folder.path(), &arguments);
    let (first, second) = (
        load(&folder.path().join("conv")),
        load(&folder.path().join("again")),
    );
    assert_eq!(first.config, second.config);
    let x = TensorData::ones::<f32, _>([1, 1, 8, 8]);
    assert_eq!(energies(&first, x.clone()), energies(&second, x));
}

/// `f(x)` of the tiny perceptron in f64, from its exported weights.
fn perceptron(file: &TensorFile, x: &[f32]) -> f64 {
    let array = |name: &str| -> Vec<f64> { file.tensors[name].iter::<f64>().collect() };
    let (w, b) = (array("layers.0.weight"), array("layers.0.bias"));
    let hidden = w.chunks(x.len()).zip(&b).map(|(row, bias)| {
        let z: f64 = row
            .iter()
            .zip(x)
            .map(|(w, x)| w * f64::from(*x))
            .sum::<f64>()
            + bias;
        z / (1.0 + (-z).exp())
    });
    let out = array("layers.1.weight");
    hidden.zip(out).map(|(h, w)| h * w).sum::<f64>() + array("layers.1.bias")[0]
}

#[test]
fn samples_are_written_as_arrays_with_their_energies_and_their_past() {
    let folder = workspace();
    train(folder.path(), "run", &[]);
    succeed(folder.path(), &["export", "--run", "run", "w.safetensors"]);
    let weights = TensorFile::load_unchecked(&folder.path().join("w.safetensors")).unwrap();
    let sample = |out: &str, more: &[&str]| {
        let arguments = [
            "sample", "--run", "run", "-n", "5", "--steps", "6", "--out", out,
        ];
        succeed(folder.path(), &[&arguments, more].concat());
        folder.path().join(out)
    };
    let plain = npy(&fs::read(sample("x.npy", &[])).unwrap());
    assert_eq!(plain.shape, [5, 1, 8, 8]);
    assert!(
        plain
            .values
            .iter()
            .all(|value| (-1.0..=1.0).contains(value))
    );
    let arrays = npz(&sample("x.npz", &[]));
    let names: Vec<&str> = arrays.keys().map(String::as_str).collect();
    assert_eq!(names, ["energies", "samples"]);
    assert_eq!(arrays["samples"], plain);
    assert_eq!(arrays["energies"].shape, [5]);
    let expected = |values: &[f32]| -> Vec<f64> {
        values
            .chunks(64)
            .map(|x| -perceptron(&weights, x))
            .collect()
    };
    let off = difference(&arrays["energies"].values, &expected(&plain.values));
    assert!(off < 1e-5, "off by {off}");

    let walked = npz(&sample("walk.npz", &["--every", "2"]));
    // Looking at the chains doesn't change where they go.
    assert_eq!(walked["samples"], plain);
    assert_eq!(walked["energies"], arrays["energies"]);
    assert_eq!(walked["chains"].shape, [4, 5, 1, 8, 8]);
    assert_eq!(walked["chain_energies"].shape, [4, 5]);
    assert_eq!(
        walked["chain_steps"],
        Array {
            shape: vec![4],
            values: vec![0.0, 2.0, 4.0, 6.0]
        }
    );
    let chains = &walked["chains"].values;
    assert_eq!(&chains[3 * 5 * 64..], plain.values);
    let off = difference(&walked["chain_energies"].values, &expected(chains));
    assert!(off < 1e-5, "off by {off}");
    // Each time is that of a shorter run.
    let arguments = [
        "sample",
        "--run",
        "run",
        "-n",
        "5",
        "--steps",
        "4",
        "--out",
        "short.npy",
    ];
    succeed(folder.path(), &arguments);
    let short = npy(&fs::read(folder.path().join("short.npy")).unwrap());
    assert_eq!(&chains[2 * 5 * 64..3 * 5 * 64], short.values);
}

#[test]
fn machines_show_probabilities_and_keep_their_states() {
    let folder = workspace();
    #[rustfmt::skip]
    let rbm = [
        "--set", "model={kind=\"rbm\", hidden=3, weight_std=0.3}", "--set", "data.range=[0.0, 1.0]", "--set", "data.binarize=threshold",
        "--set", "training.data_noise=0.0", "--set", "sampler={kind=\"gibbs\", steps=2}", "--set", "chains={kind=\"persistent\", start=\"binary\"}",
    ];
    train(folder.path(), "rbm", &rbm);
    succeed(folder.path(), &["export", "--run", "rbm", "w.safetensors"]);
    let file = TensorFile::load_unchecked(&folder.path().join("w.safetensors")).unwrap();
    let array = |name: &str| -> Vec<f64> { file.tensors[name].iter::<f64>().collect() };
    let (w, b, c) = (array("weight"), array("visible_bias"), array("hidden_bias"));
    // 300 chains, so that they are moved in two batches.
    #[rustfmt::skip]
    let arguments = ["sample", "--run", "rbm", "-n", "300", "--steps", "4", "--every", "4", "--out", "x.npz"];
    succeed(folder.path(), &arguments);
    let arrays = npz(&folder.path().join("x.npz"));
    assert_eq!(arrays["samples"].shape, [300, 1, 8, 8]);
    assert_eq!(arrays["states"].shape, [300, 64]);
    assert_eq!(arrays["chains"].shape, [2, 300, 1, 8, 8]);
    let states = &arrays["states"].values;
    assert!(states.iter().all(|&unit| unit == 0.0 || unit == 1.0));
    let grey = arrays["samples"]
        .values
        .iter()
        .filter(|&&p| p > 0.01 && p < 0.99);
    assert!(grey.count() > 1000, "probabilities aren't shown");
    let free_energies: Vec<f64> = states
        .chunks(64)
        .map(|v| {
            let hidden = (0..3).map(|j| {
                let field = c[j] + (0..64).map(|i| f64::from(v[i]) * w[3 * i + j]).sum::<f64>();
                field.exp().ln_1p()
            });
            let visible: f64 = v.iter().zip(&b).map(|(v, b)| f64::from(*v) * b).sum();
            -visible - hidden.sum::<f64>()
        })
        .collect();
    let off = difference(&arrays["energies"].values, &free_energies);
    assert!(off < 1e-5, "off by {off}");
    // The end of the chains over time, in the order of the chains.
    assert_eq!(
        arrays["chain_energies"].values[300..],
        arrays["energies"].values
    );
}

#[test]
fn stored_chains_are_written_in_the_range_of_the_data() {
    let folder = workspace();
    let bytes = ["--set", "chains.storage=u8", "--set", "chains.start=binary"];
    for (run, more) in [("floats", &[][..]), ("bytes", &bytes[..])] {
        train(folder.path(), run, more);
        let out = format!("{run}.npy");
        let said = succeed(folder.path(), &["export", "--run", run, "--chains", &out]);
        assert!(said.contains("[24, 1, 8, 8]"), "{said}");
        let found = npy(&fs::read(folder.path().join(&out)).unwrap());
        assert_eq!(found.shape, [24, 1, 8, 8]);
        let path = common::checkpoint_path(&folder.path().join(run), 6);
        let stored = &ebm::training::Checkpoint::load(&path).unwrap().tensors["chains"];
        let expected: Vec<f32> = if run == "bytes" {
            stored
                .iter::<u8>()
                .map(|byte| (f64::from(byte) / 127.5 - 1.0) as f32)
                .collect()
        } else {
            stored.iter::<f32>().collect()
        };
        assert_eq!(found.values.len(), expected.len());
        for (found, expected) in found.values.iter().zip(&expected) {
            assert!(
                (found - expected).abs() < 1e-6,
                "{found}, expected {expected}"
            );
        }
        // Of both signs, and not of bytes.
        assert!(found.values.iter().any(|&value| value < -0.5));
        assert!(
            found
                .values
                .iter()
                .all(|&value| (-1.0..=1.0).contains(&value))
        );
    }
}
