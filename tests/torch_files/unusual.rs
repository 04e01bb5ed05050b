//! Files that are no plain state dicts: other classes, attributes, types, keys and containers.

use std::collections::BTreeMap;
use std::fs;

use burn::tensor::TensorData;
use ebm::training::TensorFile;

use crate::common::{run, text, workspace};
use crate::python::{Py, dict};
use crate::{FLAGS, import, perceptron, scale, with};

/// The tables of a whole module.
fn tables(parameters: Vec<(Py, Py)>, more: &[(&'static str, Py)]) -> Py {
    let tables = vec![
        (Py::Text("_parameters"), Py::Dict(parameters)),
        (Py::Text("_buffers"), dict(&[])),
        (Py::Text("_modules"), dict(&[])),
    ];
    with(tables, more)
}

fn module(parameters: Vec<(Py, Py)>, more: &[(&'static str, Py)]) -> Py {
    Py::Object("__main__", "Net", Box::new(tables(parameters, more)))
}

#[test]
fn parts_of_a_model_are_no_state_of_training() {
    let folder = workspace();
    let plain = || Py::Dict(perceptron(""));
    let part = || dict(&[("mean", scale())]);
    #[rustfmt::skip]
    let cases = [
        ("a scaler", dict(&[("model", plain()), ("scaler", part())]), "scaler.mean"),
        ("a scaler's state", dict(&[("model", plain()), ("scaler_state_dict", part())]), "scaler_state_dict.mean"),
        ("a module beside", dict(&[("model", plain()), ("opt", module(vec![(Py::Text("gain"), scale())], &[]))]), "opt.gain"),
        ("an attribute of a module", module(vec![], &[("model", plain()), ("optim", part())]), "optim.mean"),
    ];
    for (name, value, array) in &cases {
        let said = import(folder.path(), value, &[]).expect_err(name);
        assert!(said.contains(array), "{name}: {said}");
    }
    // That of gradients holds none.
    let value = dict(&[
        ("model", plain()),
        ("scaler", dict(&[("scale", Py::Int(2))])),
    ]);
    let said = import(folder.path(), &value, &[]).unwrap();
    assert!(said.contains("scaler"), "{said}");
}

#[test]
fn arrays_in_unusual_places_are_not_passed_over() {
    let folder = workspace();
    let global = |module: &str, name: &str| Py::Raw(format!("c{module}\n{name}\n").into_bytes());
    // (function, class, its arguments, attributes)
    let rebuilt = |class: (&str, &str), more: Py| {
        let arguments = vec![
            global("torch._utils", "_rebuild_tensor_v2"),
            global(class.0, class.1),
            Py::Arguments(vec![1]),
            more,
        ];
        Py::Call("torch._tensor", "_rebuild_from_type_v2", arguments)
    };
    let tensor = ("torch", "Tensor");
    let replaced = |data: Py| {
        let mut entries = perceptron("");
        entries[3].1 = data;
        entries
    };
    // An array with attributes is one.
    let buffer = rebuilt(tensor, dict(&[("persistent", Py::Int(1))]));
    import(folder.path(), &Py::Dict(replaced(buffer)), &[]).unwrap();
    let ordered = Py::Mapping(
        "a",
        "Ordered",
        perceptron(""),
        Box::new(dict(&[("version", Py::Int(1))])),
    );
    import(folder.path(), &dict(&[("model", ordered)]), &[]).unwrap();
    // Keys of other types than texts, of which there may be several.
    let key = |value: f64| Py::Raw([b"G", &value.to_be_bytes()[..]].concat());
    let history = Py::Dict(vec![(key(0.5), Py::Int(1)), (key(1.5), Py::Int(2))]);
    let value = dict(&[("model", Py::Dict(perceptron(""))), ("history", history)]);
    import(folder.path(), &value, &[]).unwrap();
    // Of a type that isn't read, where it isn't wanted.
    let beside = |more: Py| dict(&[("model", Py::Dict(perceptron(""))), ("phase", more)]);
    import(
        folder.path(),
        &beside(Py::Complex(vec![2])),
        &["--prefix", "model"],
    )
    .unwrap();
    let optimizer = [
        ("model", Py::Dict(perceptron(""))),
        ("optimizer", Py::Complex(vec![2])),
    ];
    import(folder.path(), &dict(&optimizer), &[]).unwrap();

    let numpy = Py::Call("numpy._core.numeric", "_frombuffer", vec![Py::Int(0)]);
    let ordered = |more: Py| Py::Mapping("a", "Ordered", perceptron(""), Box::new(more));
    #[rustfmt::skip]
    let cases = [
        ("of another class", Py::Dict(replaced(rebuilt(("a", "Scaled"), dict(&[])))), "layers.1.bias"),
        ("an attribute of an array", Py::Dict(replaced(rebuilt(tensor, dict(&[("gain", scale())])))), "layers.1.bias.attributes.gain"),
        ("an attribute of a dictionary", ordered(dict(&[("gain", scale())])), "attributes.gain"),
        ("inside", dict(&[("model", ordered(dict(&[("gain", scale())])))]), "attributes.gain"),
        ("NumPy's in protocol 5", beside(numpy), "phase"),
        ("complex numbers", Py::Dict(replaced(Py::Complex(vec![1]))), "layers.1.bias` is an array of a ComplexFloatStorage"),
        ("negated numbers", Py::Dict(replaced(Py::Negated(vec![1]))), "layers.1.bias` is an array marked `neg`"),
        ("complex numbers beside", beside(Py::Complex(vec![2])), "phase"),
    ];
    for (name, value, array) in &cases {
        let said = import(folder.path(), value, &[]).expect_err(name);
        assert!(said.contains(array), "{name}: {said}");
    }
}

#[test]
fn whole_modules_of_early_files_are_read() {
    let folder = workspace();
    // The class of a module stands outside of the pickle as storages do: ("module", class, file,
    // source).
    let class = b"(X\x06\x00\x00\x00modulec__main__\nNet\nNNtQ";
    let whole = |parameters: Vec<(Py, Py)>| {
        // NEWOBJ of that class, whose state follows: as a call whose parts are written one after
        // the other.
        let new = Py::Raw([&class[..], b")\x81"].concat());
        Py::Parts(vec![new, tables(parameters, &[]), Py::Raw(b"b".to_vec())])
    };
    let said = import(folder.path(), &whole(perceptron("")), &[]).unwrap();
    assert!(said.contains("imported a mlp"), "{said}");
    let more = with(perceptron(""), &[("gain", scale())]);
    let Py::Dict(more) = more else { unreachable!() };
    let said = import(folder.path(), &whole(more), &[]).unwrap_err();
    assert!(said.contains("gain"), "{said}");
}

#[test]
fn any_part_of_what_was_left_out_is_a_prefix() {
    let folder = workspace();
    let lightning = dict(&[("state_dict", Py::Dict(perceptron("model._orig_mod.")))]);
    for prefix in [
        "state_dict",
        "model",
        "_orig_mod",
        "model._orig_mod",
        "state_dict.model._orig_mod",
    ] {
        import(folder.path(), &lightning, &["--prefix", prefix])
            .unwrap_or_else(|said| panic!("{prefix}: {said}"));
    }
    for prefix in ["mod", "state_dict.mod", "_orig_mod.model", "layers.2"] {
        let said = import(folder.path(), &lightning, &["--prefix", prefix]).expect_err(prefix);
        assert!(said.contains("no array starts with"), "{said}");
    }
    // Names that were left out, before some that weren't.
    let entries = with(perceptron("model."), &[("gain", scale())]);
    let value = dict(&[("state_dict", entries)]);
    import(folder.path(), &value, &["--prefix", "state_dict.model"]).unwrap();
}

/// A ZIP archive of entries of the same four bytes, a pickle, which are said to have others.
fn archive(names: &[&str], size: u32) -> Vec<u8> {
    let (mut bytes, mut directory) = (Vec::new(), Vec::new());
    for name in names {
        let at = bytes.len() as u32;
        // Flags, method, time, date and no checksum; sizes in the file and out of it; lengths of
        // the name and of what else is said.
        let mut fields = vec![0; 12];
        fields.extend([size.to_le_bytes(), size.to_le_bytes()].concat());
        fields.extend((name.len() as u32).to_le_bytes());
        bytes.extend(
            [
                b"PK\x03\x04\x14\x00",
                &fields[..],
                name.as_bytes(),
                b"\x80\x02}.",
            ]
            .concat(),
        );
        directory.extend(
            [
                b"PK\x01\x02\x14\x00\x14\x00",
                &fields[..],
                &[0; 10],
                &at.to_le_bytes(),
                name.as_bytes(),
            ]
            .concat(),
        );
    }
    let (at, count) = (bytes.len() as u32, (names.len() as u16).to_le_bytes());
    bytes.extend(&directory);
    bytes.extend([b"PK\x05\x06\x00\x00\x00\x00", &count[..], &count].concat());
    bytes.extend((directory.len() as u32).to_le_bytes());
    bytes.extend(at.to_le_bytes());
    bytes.extend([0; 2]);
    bytes
}

#[test]
fn archives_with_two_entries_of_a_name_or_of_the_same_bytes_are_refused() {
    let folder = workspace();
    let cases = [
        (archive(&["x/data.pkl"], 4), "no array `layers.0.weight`"),
        (archive(&["x/data.pkl", "x/data.pkl"], 4), "one name"),
        (
            archive(&["x/data.pkl", "x/data/0", "x/data/1"], 200),
            "its entries take",
        ),
    ];
    for (bytes, needle) in cases {
        fs::write(folder.path().join("x.pth"), bytes).unwrap();
        let arguments = [&["import", "x.pth", "--out", "out"], &FLAGS[..]].concat();
        let output = run(folder.path(), &arguments);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains(needle), "{said}");
    }
}

#[test]
fn safetensors_are_known_by_their_content_and_read_beside_other_types() {
    let folder = workspace();
    let write = |name: &str, dtype: &str, width: usize| {
        let mut arrays = BTreeMap::from([("other.flags".to_string(), (vec![2], dtype, 2 * width))]);
        for (key, value) in perceptron("net.") {
            if let (Py::Text(key), Py::Array(shape)) = (key, value) {
                let bytes = shape.iter().product::<usize>() * 4;
                arrays.insert(key.to_string(), (shape, "F32", bytes));
            }
        }
        let mut end = 0;
        let entries: Vec<String> = arrays
            .iter()
            .map(|(key, (shape, dtype, bytes))| {
                let start = end;
                end += bytes;
                format!("\"{key}\":{{\"dtype\":\"{dtype}\",\"shape\":{shape:?},\"data_offsets\":[{start},{end}]}}")
            })
            .collect();
        let header = format!("{{{}}}", entries.join(","));
        let bytes = [
            &(header.len() as u64).to_le_bytes()[..],
            header.as_bytes(),
            &vec![0; end],
        ]
        .concat();
        fs::write(folder.path().join(name), bytes).unwrap();
    };
    for (dtype, width) in [
        ("BOOL", 1),
        ("I8", 1),
        ("I16", 2),
        ("U16", 2),
        ("U32", 4),
        ("U64", 8),
        ("F8_E4M3", 1),
    ] {
        write("model.bin", dtype, width);
        let arguments = [&["import", "model.bin", "--out", "out"], &FLAGS[..]].concat();
        let output = run(folder.path(), &arguments);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{dtype}: {said}");
        assert!(said.contains("other.flags"), "{dtype}: {said}");
        let output = run(
            folder.path(),
            &[&arguments[..], &["--prefix", "net"]].concat(),
        );
        assert!(output.status.success(), "{dtype}: {}", text(&output.stderr));
        fs::remove_dir_all(folder.path().join("out")).unwrap();
    }
    // Where it is wanted, it has to be of floating-point numbers.
    let tensors = perceptron("")
        .into_iter()
        .filter_map(|(key, value)| match (key, value) {
            (Py::Text(key), Py::Array(shape)) => {
                Some((key.to_string(), TensorData::ones::<i8, _>(shape)))
            }
            _ => None,
        });
    let file = TensorFile {
        tensors: tensors.collect(),
        ..TensorFile::default()
    };
    file.save(&folder.path().join("bytes.pt")).unwrap();
    let arguments = [&["import", "bytes.pt", "--out", "out"], &FLAGS[..]].concat();
    let output = run(folder.path(), &arguments);
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("holds I8 values"), "{said}");
}
