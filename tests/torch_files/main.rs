//! `ebm import` of files as `torch.save` writes them: every array is used or refused by name, and
//! no file takes more memory than it holds.
#![cfg(all(feature = "cli", feature = "flex"))]
#![allow(clippy::unwrap_used)]

#[path = "../common/mod.rs"]
mod common;
mod memory;
mod python;
mod unusual;

use std::fs;
use std::path::Path;

use common::{run, text, workspace};
use python::{Py, Torch, dict};

/// The arrays of a perceptron 4-3-1 under names with something before them.
fn perceptron(prefix: &str) -> Vec<(Py, Py)> {
    #[rustfmt::skip]
    let arrays: [(&str, &[usize]); 4] = [("layers.0.weight", &[3, 4]), ("layers.0.bias", &[3]), ("layers.1.weight", &[1, 3]), ("layers.1.bias", &[1])];
    let name = |name: &str| -> Py { Py::Text(format!("{prefix}{name}").leak()) };
    arrays
        .iter()
        .map(|(key, shape)| (name(key), Py::Array(shape.to_vec())))
        .collect()
}

fn with(mut entries: Vec<(Py, Py)>, more: &[(&'static str, Py)]) -> Py {
    entries.extend(
        more.iter()
            .map(|(key, value)| (Py::Text(key), value.clone())),
    );
    Py::Dict(entries)
}

const FLAGS: [&str; 4] = ["--model", "mlp", "--activation", "tanh"];

/// Imports a value as a file; what was said, or the error.
fn import(folder: &Path, value: &Py, more: &[&str]) -> Result<String, String> {
    fs::write(folder.join("x.pth"), Torch::file(value)).unwrap();
    let out = folder.join("out");
    let output = run(
        folder,
        &[&["import", "x.pth", "--out", "out"], &FLAGS[..], more].concat(),
    );
    let said = text(&output.stdout) + &text(&output.stderr);
    if output.status.success() {
        fs::remove_dir_all(out).unwrap();
        return Ok(said);
    }
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(!out.exists(), "a folder was left: {said}");
    Err(said)
}

fn scale() -> Py {
    Py::Array(vec![1])
}

#[test]
fn weights_are_found_in_what_programs_wrap_around_them() {
    let folder = workspace();
    let plain = || Py::Dict(perceptron(""));
    let optimizer = dict(&[(
        "state",
        Py::Dict(vec![(
            Py::Int(0),
            dict(&[("exp_avg", Py::Array(vec![3, 4]))]),
        )]),
    )]);
    let tables = [
        ("training", Py::Int(1)),
        ("_parameters", Py::Dict(perceptron(""))),
        ("_buffers", dict(&[])),
        ("_modules", dict(&[])),
    ];
    #[rustfmt::skip]
    let cases: Vec<(&str, Py, &[&str])> = vec![
        ("plain", plain(), &[]),
        ("module.", Py::Dict(perceptron("module.")), &[]),
        ("_orig_mod.", Py::Dict(perceptron("_orig_mod.")), &[]),
        ("both", Py::Dict(perceptron("module._orig_mod.")), &[]),
        ("ema", dict(&[("ema_state_dict", plain()), ("decay", Py::Int(1))]), &["decay"]),
        ("checkpoint", dict(&[("epoch", Py::Int(3)), ("model_state_dict", plain()), ("optimizer_state_dict", optimizer.clone())]), &["epoch", "optimizer_state_dict"]),
        ("lightning", dict(&[
            ("epoch", Py::Int(3)), ("state_dict", Py::Dict(perceptron("model."))), ("optimizer_states", Py::List(vec![optimizer.clone()])),
            ("lr_schedulers", Py::List(vec![])), ("hyper_parameters", dict(&[("lr", Py::Int(1))])), ("pytorch-lightning_version", Py::Text("2.5")),
        ]), &["epoch", "optimizer_states", "lr_schedulers", "hyper_parameters"]),
        ("nested", dict(&[("model", dict(&[("state_dict", plain()), ("name", Py::Text("mlp"))])), ("rng_state", Py::Array(vec![8]))]), &["rng_state", "name"]),
        ("a whole module", Py::Object("__main__", "Net", Box::new(dict(&tables))), &[]),
    ];
    for (name, value, ignored) in &cases {
        let said =
            import(folder.path(), value, &[]).unwrap_or_else(|said| panic!("{name}: {said}"));
        assert!(said.contains("imported a mlp"), "{name}: {said}");
        // What was left out is said.
        assert_eq!(
            said.contains("left out"),
            !ignored.is_empty(),
            "{name}: {said}"
        );
        for word in *ignored {
            assert!(said.contains(word), "{name}: {said}");
        }
    }
}

#[test]
fn no_array_is_passed_over() {
    let folder = workspace();
    let plain = || Py::Dict(perceptron(""));
    let numpy = Py::Call("numpy.core.multiarray", "_reconstruct", vec![Py::Int(0)]);
    let tables = |attributes: &[(&'static str, Py)]| {
        let tables = vec![
            (Py::Text("_parameters"), Py::Dict(perceptron(""))),
            (Py::Text("_buffers"), dict(&[])),
            (Py::Text("_modules"), dict(&[])),
        ];
        Py::Object("__main__", "Net", Box::new(with(tables, attributes)))
    };
    #[rustfmt::skip]
    let cases: Vec<(&str, Py, &str, Option<&str>)> = vec![
        ("beside a dictionary", dict(&[("model", plain()), ("log_scale", scale())]), "log_scale", Some("model")),
        ("beside a name", with(perceptron("model."), &[("log_scale", scale())]), "log_scale", Some("model")),
        ("beside module.", with(perceptron("module."), &[("log_scale", scale())]), "log_scale", Some("module")),
        ("a second network", dict(&[("network", plain()), ("skip", plain())]), "skip.layers.0.weight", Some("network")),
        ("two sets of weights", dict(&[("state_dict", plain()), ("ema_state_dict", plain())]), "ema_state_dict.layers.0.weight", Some("state_dict")),
        ("inside a state dict", dict(&[("state_dict", with(perceptron("model."), &[("log_scale", scale())]))]), "log_scale", Some("model")),
        ("among the arrays", with(perceptron(""), &[("log_scale", scale())]), "log_scale", None),
        ("a list", dict(&[("model", plain()), ("scales", Py::List(vec![scale()]))]), "scales.0", Some("model")),
        ("NumPy's, beside", dict(&[("model", plain()), ("mean", numpy.clone())]), "mean", Some("model")),
        ("NumPy's, among", with(perceptron(""), &[("mean", numpy)]), "mean", None),
        ("a number", with(perceptron(""), &[("scale", Py::Int(2))]), "scale", None),
        ("an attribute of a module", tables(&[("log_scale", scale())]), "log_scale", None),
        ("another kind of array", with(perceptron(""), &[("mask", Py::Call("torch._utils", "_rebuild_sparse_tensor", vec![scale()]))]), "mask", None),
        ("one name twice", with(perceptron(""), &[("layers.0.weight", scale())]), "layers.0.weight", None),
        ("one name twice, nested", with(perceptron(""), &[("layers", dict(&[("0.weight", scale())]))]), "layers.0.weight", None),
    ];
    for (name, value, array, prefix) in &cases {
        let said = import(folder.path(), value, &[]).expect_err(name);
        assert!(said.contains(array), "{name}: {said}");
        // Who wants a part says so.
        if let Some(prefix) = prefix {
            assert!(said.contains("--prefix"), "{name}: {said}");
            import(folder.path(), value, &["--prefix", prefix])
                .unwrap_or_else(|said| panic!("{name}: {said}"));
        }
    }
    // A prefix that was left out already does no harm.
    let wrapped = dict(&[("state_dict", Py::Dict(perceptron("model.")))]);
    for prefix in ["state_dict", "state_dict.model"] {
        import(folder.path(), &wrapped, &["--prefix", prefix]).unwrap();
    }
}

#[test]
fn machines_take_all_arrays_or_none() {
    let folder = workspace();
    #[rustfmt::skip]
    let rbm = [("weight", Py::Array(vec![6, 2])), ("visible_bias", Py::Array(vec![6])), ("hidden_bias", Py::Array(vec![2]))];
    let pairs = [
        ("weight", Py::Array(vec![3, 3])),
        ("bias", Py::Array(vec![3])),
    ];
    let deep = [
        ("weights.0", Py::Array(vec![4, 2])),
        ("weights.1", Py::Array(vec![2, 2])),
        ("visible_bias", Py::Array(vec![4])),
        ("hidden_biases.0", Py::Array(vec![2])),
        ("hidden_biases.1", Py::Array(vec![2])),
    ];
    for (kind, arrays) in [
        ("rbm", &rbm[..]),
        ("dbm", &deep),
        ("boltzmann-machine", &pairs),
        ("hopfield", &pairs),
    ] {
        for (more, wrap) in [(false, false), (false, true), (true, false), (true, true)] {
            let mut entries = arrays.to_vec();
            if more {
                entries.push(("lateral", Py::Array(vec![2, 2])));
            }
            let value = if wrap {
                dict(&[("model", dict(&entries))])
            } else {
                dict(&entries)
            };
            fs::write(folder.path().join("x.pth"), Torch::file(&value)).unwrap();
            let mut arguments = vec!["import", "x.pth", "--out", "out", "--model", kind];
            if kind == "boltzmann-machine" {
                // The ones of the diagonal are biases then.
                arguments.extend(["--coding", "binary"]);
            }
            let output = run(folder.path(), &arguments);
            let said = text(&output.stderr);
            if more || kind == "hopfield" {
                assert_eq!(output.status.code(), Some(1), "{kind}: {said}");
                let needle = if kind == "hopfield" {
                    "diagonal"
                } else {
                    "lateral"
                };
                assert!(said.contains(needle), "{kind}: {said}");
            } else {
                assert!(output.status.success(), "{kind}: {said}");
                fs::remove_dir_all(folder.path().join("out")).unwrap();
            }
        }
    }
}
