//! Files of weights that are none, or those of another machine, and places that can't be written to.

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
        (&["--model", "mlp"], &["'mlp'", "rbm", "boltzmann-machine"]),
        (&[], &["--model"]),
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
        (&[&import[..], &["tiny.toml"]].concat(), 1, &["tiny.toml", "Not a directory"]),
        (&["export", "--run", "run", "rbm"], 1, &["can't write rbm", "exists already"]),
        (&["export", "--run", "run", "foreign"], 1, &["can't write foreign", "exists already"]),
        (&["export", "--run", "run", "absent/x.safetensors"], 1, &["absent/x.safetensors", "No such file"]),
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
