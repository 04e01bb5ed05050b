//! `ebm import` of files as `torch.save` writes them: every array is used or refused by name, and no file takes more memory than
//! it holds.
#![cfg(all(feature = "cli", feature = "flex"))]
#![allow(clippy::unwrap_used)]

mod common;

use std::fs;
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use common::{run, succeed, text, workspace};

/// What Python holds, as far as it is needed here.
#[derive(Clone)]
enum Py {
    Int(i64),
    Text(&'static str),
    Dict(Vec<(Py, Py)>),
    List(Vec<Py>),
    /// A tensor of ones of this shape.
    Array(Vec<usize>),
    /// A tensor of this shape whose strides are 0.
    Repeated(Vec<usize>),
    /// An object of a class, built with attributes.
    Object(&'static str, &'static str, Box<Py>),
    /// A call of a function.
    Call(&'static str, &'static str, Vec<Py>),
}

fn dict(entries: &[(&'static str, Py)]) -> Py {
    Py::Dict(
        entries
            .iter()
            .map(|(key, value)| (Py::Text(key), value.clone()))
            .collect(),
    )
}

/// A file of PyTorch before 1.6, which is the simpler container.
#[derive(Default)]
struct Torch {
    pickle: Vec<u8>,
    storages: Vec<usize>,
}

impl Torch {
    fn file(value: &Py) -> Vec<u8> {
        let mut torch = Self::default();
        torch.write(value);
        // The magic number, the version, the system.
        let mut bytes =
            b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.\x80\x02M\xe9\x03.".to_vec();
        bytes.extend(b"\x80\x02}X\x0d\x00\x00\x00little_endian\x88s.\x80\x02");
        bytes.extend(&torch.pickle);
        bytes.extend(b".\x80\x02](");
        for key in 0..torch.storages.len() {
            let key = key.to_string();
            bytes.extend(b"X");
            bytes.extend((key.len() as u32).to_le_bytes());
            bytes.extend(key.as_bytes());
        }
        bytes.extend(b"e.");
        for count in torch.storages {
            bytes.extend((count as u64).to_le_bytes());
            bytes.extend(1.0_f32.to_le_bytes().repeat(count));
        }
        bytes
    }

    fn text(&mut self, text: &str) {
        self.pickle.push(b'X');
        self.pickle.extend((text.len() as u32).to_le_bytes());
        self.pickle.extend(text.as_bytes());
    }

    fn int(&mut self, value: i64) {
        self.pickle.extend(b"\x8a\x08");
        self.pickle.extend(value.to_le_bytes());
    }

    fn array(&mut self, shape: &[usize], strides: &[usize], count: usize) {
        self.pickle.extend(b"ctorch._utils\n_rebuild_tensor_v2\n((");
        self.text("storage");
        self.pickle.extend(b"ctorch\nFloatStorage\n");
        self.text(&self.storages.len().to_string());
        self.text("cpu");
        self.int(count as i64);
        self.pickle.extend(b"NtQK\x00");
        for sizes in [shape, strides] {
            self.pickle.push(b'(');
            for &size in sizes {
                self.int(size as i64);
            }
            self.pickle.push(b't');
        }
        self.pickle.extend(b"\x89ccollections\nOrderedDict\n)RtR");
        self.storages.push(count);
    }

    fn write(&mut self, value: &Py) {
        match value {
            Py::Int(value) => self.int(*value),
            Py::Text(text) => self.text(text),
            Py::Dict(entries) => {
                self.pickle.extend(b"}(");
                for (key, value) in entries {
                    self.write(key);
                    self.write(value);
                }
                self.pickle.push(b'u');
            }
            Py::List(items) => {
                self.pickle.extend(b"](");
                items.iter().for_each(|item| self.write(item));
                self.pickle.push(b'e');
            }
            Py::Array(shape) => {
                let mut strides = vec![1; shape.len()];
                for at in (1..shape.len()).rev() {
                    strides[at - 1] = strides[at] * shape[at];
                }
                self.array(shape, &strides, shape.iter().product());
            }
            Py::Repeated(shape) => self.array(shape, &vec![0; shape.len()], 1),
            Py::Object(module, name, state) => {
                self.pickle
                    .extend(format!("c{module}\n{name}\n)\x7f").as_bytes());
                // NEWOBJ, which is no character.
                self.pickle.pop();
                self.pickle.push(0x81);
                self.write(state);
                self.pickle.push(b'b');
            }
            Py::Call(module, name, arguments) => {
                self.pickle
                    .extend(format!("c{module}\n{name}\n(").as_bytes());
                arguments.iter().for_each(|argument| self.write(argument));
                self.pickle.extend(b"tR");
            }
        }
    }
}

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

/// A ZIP archive of one entry, `x/data.pkl`, deflated.
fn deflated(content: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(content).unwrap();
    let packed = encoder.finish().unwrap();
    let mut crc = flate2::Crc::new();
    crc.update(content);
    let name = b"x/data.pkl";
    let mut fields = b"\x00\x00\x08\x00\x00\x00\x00\x00".to_vec();
    fields.extend(crc.sum().to_le_bytes());
    fields.extend((packed.len() as u32).to_le_bytes());
    fields.extend((content.len() as u32).to_le_bytes());
    fields.extend((name.len() as u16).to_le_bytes());
    fields.extend(0_u16.to_le_bytes());
    let mut bytes = [b"PK\x03\x04\x14\x00", &fields[2..], name, &packed].concat();
    bytes[6..8].fill(0);
    let directory = bytes.len();
    bytes.extend([b"PK\x01\x02\x14\x00\x14\x00", &fields[..], &[0; 14], name].concat());
    let length = bytes.len() - directory;
    bytes.extend(b"PK\x05\x06\x00\x00\x00\x00\x01\x00\x01\x00");
    bytes.extend((length as u32).to_le_bytes());
    bytes.extend((directory as u32).to_le_bytes());
    bytes.extend(0_u16.to_le_bytes());
    bytes
}

#[test]
#[cfg(target_os = "linux")]
fn files_take_no_more_memory_than_they_hold() {
    let folder = workspace();
    let at = |name: &str| folder.path().join(name);
    let many =
        |instruction: u8, count: usize| [b"\x80\x02", &vec![instruction; count][..], b"."].concat();
    // An array of all of 2^31 numbers in one, arrays that repeat a storage, pickles that inflate or copy what they remember.
    fs::write(
        at("huge.pth"),
        Torch::file(&dict(&[("w", Py::Repeated(vec![1 << 15, 1 << 16]))])),
    )
    .unwrap();
    fs::write(
        at("wraps.pth"),
        Torch::file(&dict(&[("w", Py::Repeated(vec![1 << 32, 1 << 32, 4]))])),
    )
    .unwrap();
    let views: Vec<(Py, Py)> = (0..200)
        .map(|n| (Py::Int(n), Py::Repeated(vec![64, 64])))
        .collect();
    fs::write(at("views.pth"), Torch::file(&Py::Dict(views))).unwrap();
    fs::write(at("inflated.pt"), deflated(&many(b'N', 60 << 20))).unwrap();
    fs::write(at("short.pt"), deflated(&many(b'N', 3 << 20))).unwrap();
    let legacy = |pickle: &[u8]| {
        let mut bytes = Torch::file(&Py::Int(0));
        let end = bytes.windows(3).position(|part| part == b"s.\x80").unwrap() + 2;
        bytes.truncate(end);
        bytes.extend(pickle);
        bytes
    };
    fs::write(at("long.pth"), legacy(&many(b'}', 30 << 20))).unwrap();
    // A list in itself, and pairs of pairs of pairs.
    fs::write(
        at("circle.pth"),
        legacy(b"\x80\x02}X\x01\x00\x00\x00a]q\x00h\x00as."),
    )
    .unwrap();
    let doubled = [
        b"\x80\x02}X\x01\x00\x00\x00a)".to_vec(),
        b"2\x86".repeat(60),
        b"s.".to_vec(),
    ]
    .concat();
    fs::write(at("doubled.pth"), legacy(&doubled)).unwrap();
    let deep = [
        b"\x80\x02}X\x01\x00\x00\x00a)".to_vec(),
        b"\x85".repeat(300_000),
        b"s.".to_vec(),
    ]
    .concat();
    fs::write(at("deep.pth"), legacy(&deep)).unwrap();
    // A long name that is remembered and used again and again.
    let mut name = b"\x80\x02X\x00\x00\x10\x00".to_vec();
    name.extend(vec![b'n'; 1 << 20]);
    name.extend(b"q\x00");
    let classes = [&name[..], &b"h\x00h\x00\x93".repeat(200_000), b"."].concat();
    fs::write(at("names.pth"), legacy(&classes)).unwrap();
    // Headers of safetensors that say more than there is.
    let header = |text: &str, more: usize| {
        let mut bytes = (text.len() as u64).to_le_bytes().to_vec();
        bytes.extend(text.as_bytes());
        bytes.extend(vec![0; more]);
        bytes
    };
    let array = |name: &str, shape: &str, offsets: &str| {
        format!("\"{name}\":{{\"dtype\":\"F32\",\"shape\":{shape},\"data_offsets\":{offsets}}}")
    };
    let one = array("a", "[4]", "[0,16]");
    #[rustfmt::skip]
    let headers = [
        ("overlap.safetensors", header(&format!("{{{one},{}}}", array("b", "[4]", "[0,16]")), 16)),
        ("wrap.safetensors", header(&format!("{{{}}}", array("a", "[4294967296,4294967296]", "[0,0]")), 0)),
        ("wraps.safetensors", header(&format!("{{{}}}", array("a", "[18446744073709551615,0,18446744073709551615]", "[0,0]")), 0)),
        ("trailing.safetensors", header(&format!("{{{one}}}"), 20)),
        ("cut.safetensors", header(&format!("{{{one}}}"), 12)),
        ("twice.safetensors", header(&format!("{{{one},{}}}", array("a", "[4]", "[16,32]")), 32)),
        ("header.safetensors", [&(90_000_000_u64).to_le_bytes()[..], b"{}"].concat()),
    ];
    let mut names = vec![
        "huge.pth",
        "wraps.pth",
        "views.pth",
        "inflated.pt",
        "short.pt",
        "long.pth",
        "circle.pth",
        "doubled.pth",
        "deep.pth",
        "names.pth",
    ];
    for (name, bytes) in &headers {
        fs::write(at(name), bytes).unwrap();
        names.push(name);
    }
    // Larger than any memory, though it takes no room on the disk.
    for name in ["large.pt", "large.safetensors"] {
        fs::File::create(at(name))
            .unwrap()
            .set_len(1 << 42)
            .unwrap();
        names.push(name);
    }
    for name in names {
        let start = Instant::now();
        let size = fs::metadata(at(name)).unwrap().len();
        // 1.5 GB of addresses are what the program takes by itself, with one stack a thread.
        let limit = 1_500_000 + if size < 1 << 32 { size / 1024 * 4 } else { 0 };
        let program = env!("CARGO_BIN_EXE_ebm");
        let command = format!(
            "ulimit -v {limit}; exec {program} import {name} --model mlp --activation tanh --shape 1x2x2 --out out"
        );
        let output = std::process::Command::new("sh")
            .args(["-c", &command])
            .env("EBM_BACKEND", "flex")
            .current_dir(folder.path())
            .output()
            .unwrap();
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{name}: {said}");
        assert!(
            said.contains(name) && said.lines().count() == 1,
            "{name}: {said}"
        );
        assert!(
            start.elapsed() < Duration::from_secs(20),
            "{name} took too long"
        );
        assert!(!at("out").exists(), "{name} left a folder");
    }
}

#[test]
#[cfg(unix)]
fn what_is_no_file_is_refused_at_once() {
    let folder = workspace();
    let made = std::process::Command::new("mkfifo")
        .arg(folder.path().join("pipe"))
        .status();
    assert!(made.unwrap().success());
    for path in ["pipe", "/dev/zero", "."] {
        let output = run(
            folder.path(),
            &[&["import", path, "--out", "out"], &FLAGS[..]].concat(),
        );
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(
            said.contains(path) && said.contains("expected a "),
            "{said}"
        );
    }
    assert!(
        succeed(folder.path(), &["import", "--help"]).contains("1/2 |v|^2 - b.v - c.h - v W h")
    );
}
