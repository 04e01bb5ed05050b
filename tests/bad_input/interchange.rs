//! Files of weights that are none, or those of another machine, and places that can't be written
//! to.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use burn::tensor::TensorData;
use ebm::training::TensorFile;

use crate::common::{snapshot, succeed, workspace};
use crate::{refuse, refuse_in_a_line};

/// Writes arrays of zeros, `(name, shape)`.
fn write(
    path: &Path,
    arrays: &[(&str, &[usize])],
    change: impl Fn(&mut BTreeMap<String, TensorData>),
) {
    let zeros = |shape: &[usize]| TensorData::zeros::<f32, _>(shape.to_vec());
    let mut tensors = arrays
        .iter()
        .map(|(name, shape)| (name.to_string(), zeros(shape)))
        .collect();
    change(&mut tensors);
    TensorFile {
        tensors,
        ..TensorFile::default()
    }
    .save(path)
    .unwrap();
}

const RBM: [(&str, &[usize]); 3] = [
    ("weight", &[6, 2]),
    ("visible_bias", &[6]),
    ("hidden_bias", &[2]),
];
const PAIRS: [(&str, &[usize]); 2] = [("weight", &[5, 5]), ("bias", &[5])];

#[test]
fn files_of_weights() {
    let folder = workspace();
    let at = |name: &str| folder.path().join(name);
    write(&at("rbm"), &RBM, |_| {});
    write(&at("pairs"), &PAIRS, |_| {});
    write(&at("none"), &[], |_| {});
    write(&at("missing"), &RBM[1..], |_| {});
    write(
        &at("extra"),
        &[&RBM[..], &[("scale", &[1])]].concat(),
        |_| {},
    );
    write(
        &at("transposed"),
        &[("weight", &[2, 6]), RBM[1], RBM[2]],
        |_| {},
    );
    write(
        &at("matrix"),
        &[RBM[0], ("visible_bias", &[6, 1]), RBM[2]],
        |_| {},
    );
    write(
        &at("empty"),
        &[("weight", &[6, 0]), RBM[1], ("hidden_bias", &[0])],
        |_| {},
    );
    write(&at("oblong"), &[("weight", &[5, 4]), PAIRS[1]], |_| {});
    let values = |name: &'static str, data: TensorData| {
        move |arrays: &mut BTreeMap<String, TensorData>| {
            arrays.insert(name.to_string(), data.clone());
        }
    };
    write(
        &at("nan"),
        &RBM,
        values("hidden_bias", TensorData::from([0.5_f32, f32::NAN])),
    );
    write(
        &at("huge"),
        &RBM,
        values("hidden_bias", TensorData::from([1e300_f64, 0.0])),
    );
    write(
        &at("integers"),
        &RBM,
        values("hidden_bias", TensorData::from([1_i64, 2])),
    );
    write(
        &at("shallow"),
        &[
            ("weights.0", &[6, 2]),
            ("visible_bias", &[6]),
            ("hidden_biases.0", &[2]),
        ],
        |_| {},
    );
    #[rustfmt::skip]
    write(&at("torn"), &[
        ("weights.0", &[6, 2]), ("weights.1", &[3, 2]), ("visible_bias", &[6]), ("hidden_biases.0", &[2]), ("hidden_biases.1", &[3]),
    ], |_| {});
    fs::write(at("text"), "weights, as numbers").unwrap();
    fs::write(at("nothing"), "").unwrap();
    fs::write(at("lying"), [0xff; 64]).unwrap();
    let whole = fs::read(at("rbm")).unwrap();
    fs::write(at("short"), &whole[..whole.len() - 1]).unwrap();
    fs::create_dir(at("folder")).unwrap();
    let before = snapshot(folder.path());

    #[rustfmt::skip]
    let cases: &[(&str, &str, &[&str], &[&str])] = &[
        ("absent", "rbm", &[], &["absent", "No such file"]),
        ("folder", "rbm", &[], &["folder", "directory"]),
        ("text", "rbm", &[], &["no safetensors file"]),
        ("nothing", "rbm", &[], &["no safetensors file"]),
        ("lying", "rbm", &[], &["no safetensors file"]),
        ("short", "rbm", &[], &["no safetensors file"]),
        ("none", "rbm", &[], &["no array `visible_bias`", "found none"]),
        ("missing", "rbm", &[], &["no array `weight`", "found hidden_bias, visible_bias"]),
        ("extra", "rbm", &[], &["arrays that this model doesn't: scale", "--model"]),
        ("transposed", "rbm", &[], &["`weight` has shape [2, 6], expected [6, 2]"]),
        ("matrix", "rbm", &[], &["`visible_bias` has shape [6, 1], expected 1 dimension"]),
        ("empty", "rbm", &[], &["`hidden_bias`", "[0]", "is empty"]),
        ("nan", "rbm", &[], &["value 1 of array `hidden_bias`", "finite 32-bit"]),
        ("huge", "rbm", &[], &["value 0 of array `hidden_bias`", "finite 32-bit"]),
        ("integers", "rbm", &[], &["`hidden_bias` holds I64", "floating-point"]),
        ("rbm", "dbm", &[], &["found 0 of the arrays", "hidden_biases.0", "two or more"]),
        ("shallow", "dbm", &[], &["found 1 of the arrays", "two or more"]),
        ("torn", "dbm", &[], &["`weights.1` has shape [3, 2], expected [2, 3]"]),
        ("rbm", "boltzmann-machine", &[], &["no array `bias`", "found hidden_bias, visible_bias, weight"]),
        ("pairs", "rbm", &[], &["no array `visible_bias`", "found bias, weight"]),
        ("oblong", "hopfield", &[], &["`weight` has shape [5, 4], expected [5, 5]"]),
        ("pairs", "hopfield", &["--visible", "6"], &["5 units", "6 of them", "1 to 5"]),
        ("pairs", "boltzmann-machine", &["--visible", "0"], &["5 units", "0 of them", "1 to 5"]),
        ("rbm", "rbm", &["--shape", "1x5x5"], &["6 visible units", "[1, 5, 5]", "has 25"]),
        ("rbm", "rbm", &["--shape", "4294967296x4294967296x6"], &["6 visible units", "has 110680464442257309696"]),
        ("pairs", "hopfield", &["--visible", "4", "--shape", "1x1x5"], &["4 visible units", "has 5"]),
    ];
    for (file, model, more, needles) in cases {
        let arguments = [&["import", file, "--model", model, "--out", "out"], *more].concat();
        let needles = [&[*file], *needles].concat();
        refuse_in_a_line(folder.path(), &arguments, 1, &needles);
        assert_eq!(
            snapshot(folder.path()),
            before,
            "{arguments:?} changed a file"
        );
        assert!(!at("out").exists(), "{arguments:?} left a folder");
    }

    #[rustfmt::skip]
    let flags: &[(&[&str], &[&str])] = &[
        (&["--model", "gan"], &["'gan'", "rbm", "boltzmann-machine"]),
        (&[], &["`--model`", "rbm doesn't say", "conv-net", "hopfield"]),
        (&["--model", "rbm", "--shape", "8x8"], &["'8x8'", "1x28x28"]),
        (&["--model", "rbm", "--shape", "1x0x8"], &["'1x0x8'", "1x28x28"]),
        (&["--model", "rbm", "--shape", "1x2x3x4"], &["'1x2x3x4'"]),
        (&["--model", "rbm", "--visible-units", "softmax"], &["'softmax'", "gaussian"]),
        (&["--model", "hopfield", "--visible", "-1"], &["'-1'"]),
        // What the kind has no use for isn't passed over in silence.
        (&["--model", "rbm", "--visible", "3"], &["`--visible`", "`--model rbm`", "hopfield only"]),
        (&["--model", "dbm", "--visible-units", "gaussian"], &["`--visible-units`", "`--model dbm`", "rbm only"]),
        (&["--model", "hopfield", "--coding", "binary"], &["`--coding`", "`--model hopfield`", "boltzmann-machine only"]),
    ];
    for (more, needles) in flags {
        let arguments = [&["import", "rbm", "--out", "out"], *more].concat();
        refuse(folder.path(), &arguments, 2, needles);
        assert!(!at("out").exists(), "{arguments:?} left a folder");
    }
}

#[test]
fn places_that_hold_something() {
    let folder = workspace();
    let at = |name: &str| folder.path().join(name);
    write(&at("rbm"), &RBM, |_| {});
    let import = ["import", "rbm", "--model", "rbm", "--out"];
    succeed(folder.path(), &[&import[..], &["run"]].concat());
    fs::create_dir(at("foreign")).unwrap();
    fs::write(at("foreign/thesis.txt"), "all of it").unwrap();
    let before = snapshot(folder.path());
    #[rustfmt::skip]
    let cases: &[(&[&str], i32, &[&str])] = &[
        (&[&import[..], &["foreign"]].concat(), 2, &["foreign is not empty", "nothing was overwritten", "--out DIR"]),
        (&[&import[..], &["run"]].concat(), 2, &["run is not empty", "nothing was overwritten"]),
        (&[&import[..], &["tiny.toml"]].concat(), 2, &["`--out`", "a file is in the way of tiny.toml"]),
        (&["export", "--run", "run", "rbm"], 2, &["`FILE`", "rbm exists already"]),
        (&["export", "--run", "run", "foreign"], 2, &["`FILE`", "foreign exists already"]),
        (&["export", "--run", "run", "absent/x.safetensors"], 2, &["absent/x.safetensors", "no folder absent"]),
        (&["export", "--run", "foreign", "x.safetensors"], 2, &["foreign is not a run folder", "no config.toml"]),
        (&["export", "--run", "absent", "x.safetensors"], 2, &["absent is not a run folder"]),
    ];
    for (arguments, code, needles) in cases {
        refuse_in_a_line(folder.path(), arguments, *code, needles);
        assert_eq!(
            snapshot(folder.path()),
            before,
            "{arguments:?} changed a file"
        );
    }
}

/// A perceptron 4-3-1 as PyTorch names and lays it out.
const MLP: [(&str, &[usize]); 4] = [
    ("layers.0.weight", &[3, 4]),
    ("layers.0.bias", &[3]),
    ("layers.1.weight", &[1, 3]),
    ("layers.1.bias", &[1]),
];
/// A network of one convolution on 1x4x4 images: stride 2, no padding, so that it has 2 features.
const CONV: [(&str, &[usize]); 6] = [
    ("convolutions.0.weight", &[2, 1, 3, 3]),
    ("convolutions.0.bias", &[2]),
    ("hidden.weight", &[3, 2]),
    ("hidden.bias", &[3]),
    ("output.weight", &[1, 3]),
    ("output.bias", &[1]),
];

/// A file, the flags of its model, more flags, the exit code, and what the message says.
type Case<'a> = (&'a str, &'a [&'a str], &'a [&'a str], i32, &'a [&'a str]);

#[test]
fn networks_from_elsewhere() {
    let folder = workspace();
    let at = |name: &str| folder.path().join(name);
    let with = |name: &str, arrays: &[(&str, &[usize])]| write(&at(name), arrays, |_| {});
    with("mlp", &MLP);
    with("conv", &CONV);
    with("biasless", &[MLP[0], MLP[2], MLP[3]]);
    with("extra", &[&MLP[..], &[("scale", &[1, 2])]].concat());
    with(
        "burns",
        &[("layers.0.weight", &[4, 3]), MLP[1], MLP[2], MLP[3]],
    );
    with(
        "classes",
        &[
            MLP[0],
            MLP[1],
            ("layers.1.weight", &[10, 3]),
            ("layers.1.bias", &[10]),
        ],
    );
    with(
        "oblong",
        &[&[("convolutions.0.weight", &[2, 1, 3, 2][..])], &CONV[1..]].concat(),
    );
    with(
        "two",
        &[
            ("a.layers.0.weight", &[1, 4]),
            ("b.layers.0.weight", &[1, 4]),
        ],
    );
    write(&at("nan"), &MLP, |arrays| {
        arrays.insert("layers.1.bias".into(), TensorData::from([f32::NAN]));
    });
    fs::write(at("garbage.pt"), "not a pickle at all").unwrap();
    let fixture = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/conv_energy.pt");
    let whole = fs::read(fixture).unwrap();
    fs::write(at("short.pt"), &whole[..whole.len() / 2]).unwrap();
    fs::write(
        at("rbm.toml"),
        crate::common::TINY.replace(
            "kind = \"langevin\"\nsteps = 2\nstep_size = 1.0\nnoise = 0.05",
            "kind = \"gibbs\"\nsteps = 2",
        ),
    )
    .unwrap();
    let before = snapshot(folder.path());
    let mlp = ["--model", "mlp", "--activation", "tanh"];
    let conv = [
        "--model",
        "conv-net",
        "--activation",
        "swish",
        "--strides",
        "2",
        "--paddings",
        "0",
        "--shape",
        "1x4x4",
    ];
    #[rustfmt::skip]
    let cases: &[Case] = &[
        ("mlp", &["--model", "mlp"], &[], 1, &["activation", "--activation NAME"]),
        ("mlp", &mlp, &["--shape", "1x3x3"], 1, &["takes 4 values", "[1, 3, 3]", "has 9"]),
        ("biasless", &mlp, &[], 1, &["lacks `layers.0.bias` of shape [3]"]),
        ("extra", &mlp, &[], 1, &["unknown array `scale` of shape [1, 2]", "--map"]),
        // Burn's layout of the same matrix: not taken for a network of another width.
        ("burns", &mlp, &[], 1, &["`layers.0.bias` has shape [3], expected [4]", "`layers.1.weight` has shape [1, 3], expected [1, 4]"]),
        ("classes", &mlp, &[], 1, &["`layers.1.weight` has shape [10, 3], expected [1, 3]"]),
        ("nan", &mlp, &[], 1, &["value 0 of array `layers.1.bias`", "finite"]),
        ("conv", &mlp, &[], 1, &["no array `layers.0.weight`", "found convolutions.0.bias"]),
        ("mlp", &conv, &[], 1, &["0 convolutions, but 1 strides: [2]"]),
        ("conv", &conv[..4], &[], 1, &["strides", "--strides LIST"]),
        ("conv", &conv[..6], &[], 1, &["paddings", "--paddings LIST"]),
        ("conv", &conv[..8], &[], 1, &["shape", "--shape CxHxW"]),
        ("conv", &conv[..8], &["--shape", "1x9x9"], 1, &["`hidden.weight` has shape [3, 2], expected [3, 32]"]),
        ("conv", &conv[..8], &["--shape", "3x4x4"], 1, &["`convolutions.0.weight` has shape [2, 1, 3, 3], expected [2, 3, 3, 3]"]),
        ("conv", &["--model", "conv-net", "--activation", "relu", "--strides", "2,2", "--paddings", "0"], &[], 1, &["1 convolutions", "2 strides"]),
        ("oblong", &conv, &[], 1, &["[2, 1, 3, 2]", "square convolution"]),
        ("two", &mlp, &["--prefix", "c"], 1, &["no array starts with `c.`", "a.layers.0.weight"]),
        ("two", &mlp, &["--map", "c=layers"], 1, &["no array is called `c`", "b.layers.0.weight"]),
        ("two", &mlp, &["--map", "a=layers", "--map", "b=layers"], 1, &["two arrays are called `layers.layers.0.weight`"]),
        ("garbage.pt", &mlp, &[], 1, &["no PyTorch file that can be read"]),
        ("short.pt", &conv, &[], 1, &["no PyTorch file that can be read"]),
        ("mlp", &mlp, &["--config", "absent.toml"], 2, &["absent.toml", "No such file"]),
        ("mlp", &mlp, &["--config", "rbm.toml"], 2, &["sampler.kind", "\"gibbs\"", "langevin"]),
        ("mlp", &mlp, &["--strides", "2"], 2, &["`--strides`", "`--model mlp`", "conv-net only"]),
        ("rbm", &["--model", "rbm"], &["--activation", "relu"], 2, &["`--activation`", "mlp and conv-net only"]),
    ];
    for (file, model, more, code, needles) in cases {
        let arguments = [&["import", file, "--out", "out"], *model, *more].concat();
        refuse_in_a_line(folder.path(), &arguments, *code, needles);
        assert_eq!(
            snapshot(folder.path()),
            before,
            "{arguments:?} changed a file"
        );
        assert!(!at("out").exists(), "{arguments:?} left a folder");
    }
    #[rustfmt::skip]
    let flags: &[(&[&str], &[&str])] = &[
        (&["--activation", "relux"], &["relux", "leaky_relu(SLOPE)"]),
        (&["--map", "layers"], &["'layers'", "net.0=layers.0"]),
        (&["--strides", "two"], &["'two'"]),
        (&["--output", "logits"], &["'logits'", "energy"]),
    ];
    for (more, needles) in flags {
        let arguments = [&["import", "mlp", "--out", "out", "--model", "mlp"], *more].concat();
        refuse(folder.path(), &arguments, 2, needles);
    }
}

#[test]
fn what_a_file_says_of_itself_is_not_overruled() {
    let folder = workspace();
    crate::common::train(folder.path(), "run", &[]);
    succeed(folder.path(), &["export", "--run", "run", "w.safetensors"]);
    #[rustfmt::skip]
    let cases: &[(&[&str], i32, &[&str])] = &[
        (&["--activation", "relu"], 1, &["activation is `swish`", "leave the flag out"]),
        (&["--shape", "1x4x16"], 1, &["shape is `[1, 8, 8]`", "leave the flag out"]),
        (&["--model", "rbm"], 2, &["`--model`", "found rbm", "holds a mlp"]),
    ];
    for (more, code, needles) in cases {
        let arguments = [&["import", "w.safetensors", "--out", "out"], *more].concat();
        refuse_in_a_line(folder.path(), &arguments, *code, needles);
        assert!(!folder.path().join("out").exists());
    }
}

#[test]
fn arrays_are_not_written_over_and_chains_have_to_be_there() {
    let folder = workspace();
    crate::common::train(folder.path(), "run", &["--set", "chains={kind=\"data\"}"]);
    crate::common::train(folder.path(), "kept", &[]);
    for name in ["x.npy", "x.npz"] {
        fs::write(folder.path().join(name), "all of it").unwrap();
    }
    let before = snapshot(folder.path());
    #[rustfmt::skip]
    let cases: &[(&[&str], i32, &[&str])] = &[
        (&["sample", "--run", "kept", "-n", "1", "--steps", "1", "--out", "x.npy"], 2, &["`--out`", "x.npy exists already"]),
        (&["sample", "--run", "kept", "-n", "1", "--steps", "1", "--out", "x.npz"], 2, &["`--out`", "x.npz exists already"]),
        (&["sample", "--run", "kept", "--steps", "9", "--every", "2", "--out", "y.npz"], 2, &["`--every`", "found 2", "divisor", "9"]),
        (&["sample", "--run", "kept", "--every", "2", "--out", "y.png"], 2, &["`--every`", "y.png", ".npz"]),
        (&["export", "--run", "kept", "--chains", "x.npy"], 2, &["`--chains`", "x.npy exists already"]),
        (&["export", "--run", "kept", "--chains", "chains.txt"], 2, &["`--chains`", "chains.txt", ".npy"]),
        (&["export", "--run", "run", "--chains", "y.npy"], 1, &["keeps no chains", "replay_buffer"]),
    ];
    for (arguments, code, needles) in cases {
        refuse_in_a_line(folder.path(), arguments, *code, needles);
        assert_eq!(
            snapshot(folder.path()),
            before,
            "{arguments:?} changed a file"
        );
    }
    refuse(folder.path(), &["export", "--run", "run"], 2, &["--chains"]);
}
