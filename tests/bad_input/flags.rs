//! Flags that make no sense, and output folders that hold something.

use std::fs;

use crate::common::{snapshot, train, workspace};
use crate::{refuse, refuse_in_a_line, refuse_to_train};

#[test]
fn flags() {
    let folder = workspace();
    #[rustfmt::skip]
    let cases: &[(&[&str], &[&str])] = &[
        (&["--preset", "imagenet"], &["`imagenet`", "digits", "two-moons"]),
        (&["tiny.toml", "--preset", "digits"], &["'--preset <NAME>'"]),
        (&["tiny.toml", "--backend", "tpu"], &["backend `tpu`", "auto", "flex"]),
        (&["tiny.toml", "--backend", ""], &["backend ``", "EBM_BACKEND"]),
        (&["tiny.toml", "--backend", "Flex"], &["`Flex`", "did you mean `flex`?"]),
        (&["tiny.toml", "--backend", "gpu"], &["`gpu`", "did you mean `wgpu`?"]),
        (&["tiny.toml", "--set", "backend=nvidia"], &["`nvidia`", "`cuda`", "config key"]),
        (&["tiny.toml", "--set", "training.precision=f8"], &["training.precision", "f8", "bf16"]),
        (&["tiny.toml", "--device", "-1"], &["'-1'"]),
        (&["tiny.toml", "--device", "x"], &["'x'", "--device"]),
        (&["tiny.toml", "--seed", "-1"], &["'-1'"]),
        (&["tiny.toml", "--seed", "9223372036854775808"], &["--seed", "9223372036854775807"]),
        (&["tiny.toml", "--time-limit", "5"], &["--time-limit", "`5`", "90s"]),
        (&["tiny.toml", "--time-limit", "5d"], &["`5d`"]),
        (&["tiny.toml", "--time-limit", "5é"], &["`5é`"]),
        (&["tiny.toml", "--time-limit", "nans"], &["`nans`"]),
        (&["tiny.toml", "--time-limit", "1e300h"], &["`1e300h`"]),
        (&["tiny.toml", "--data", ""], &["--data"]),
        (&["tiny.toml", "--wat"], &["'--wat'"]),
    ];
    for (arguments, needles) in cases {
        let arguments = [&["train", "--out", "out"], *arguments].concat();
        refuse(folder.path(), &arguments, 2, needles);
        assert!(!folder.path().join("out").exists(), "{arguments:?}");
    }
    // Not a mistake in what was written, but a machine without the device.
    refuse_to_train(
        folder.path(),
        &["--backend", "flex", "--device", "7"],
        1,
        &["flex", "no device 7", "use `--device 0`"],
    );
}

#[test]
fn backends_that_are_not_compiled_in() {
    let folder = workspace();
    for backend in ebm::backend::Backend::ALL {
        if backend.is_compiled_in() {
            continue;
        }
        let name = backend.name();
        let needles = [
            &format!("`{name}` is not compiled in"),
            &format!("--features {name}"),
        ];
        let needles = needles.map(String::as_str);
        refuse_to_train(folder.path(), &["--backend", name], 2, &needles);
        let change = format!("backend={name}");
        refuse_to_train(folder.path(), &["--set", &change], 2, &needles);
    }
}

#[test]
fn output_folders() {
    let folder = workspace();
    train(folder.path(), "old", &[]);
    fs::create_dir(folder.path().join("foreign")).unwrap();
    fs::write(folder.path().join("foreign/thesis.txt"), "all of it").unwrap();
    fs::create_dir(folder.path().join("hidden")).unwrap();
    fs::write(folder.path().join("hidden/.keep"), "").unwrap();
    let before = snapshot(folder.path());
    #[rustfmt::skip]
    let cases: &[(&str, i32, &[&str])] = &[
        ("old", 2, &["old is not empty", "nothing was overwritten", "`ebm resume old`"]),
        ("foreign", 2, &["foreign is not empty", "--out DIR"]),
        ("hidden", 2, &["hidden is not empty"]),
        ("tiny.toml", 2, &["`--out`", "a file is in the way of tiny.toml"]),
        ("tiny.toml/run", 2, &["`--out`", "a file is in the way of tiny.toml/run"]),
    ];
    for (out, code, needles) in cases {
        let arguments = ["train", "tiny.toml", "--out", out];
        refuse_in_a_line(folder.path(), &arguments, *code, needles);
    }
    assert_eq!(snapshot(folder.path()), before);
    // An empty folder that is there already will do.
    fs::create_dir(folder.path().join("new")).unwrap();
    train(folder.path(), "new", &[]);
}

#[test]
fn sampling_flags() {
    let folder = workspace();
    train(folder.path(), "out", &[]);
    fs::create_dir(folder.path().join("folder.png")).unwrap();
    let before = snapshot(folder.path());
    #[rustfmt::skip]
    let cases: &[(&[&str], i32, &[&str])] = &[
        (&["-n", "0"], 2, &["'0'", "1..=10000"]),
        (&["-n", "4294967296"], 2, &["4294967296"]),
        (&["-n", "x"], 2, &["'x'"]),
        (&["--steps", "-1"], 2, &["'-1'"]),
        (&["--steps", "1.5"], 2, &["'1.5'"]),
        (&["--seed", "-1"], 2, &["'-1'"]),
        (&["--out", "grid"], 2, &["grid", ".png"]),
        (&["--out", "grid.gif"], 2, &["grid.gif", ".png"]),
        (&["--out", "absent/grid.png"], 2, &["absent/grid.png", "make it first"]),
        (&["--out", "tiny.toml/grid.png"], 2, &["no folder tiny.toml"]),
        (&["--out", "folder.png"], 2, &["folder.png is a folder"]),
        (&["--backend", "tpu"], 2, &["`tpu`"]),
        (&["--device", "7", "--backend", "flex"], 1, &["no device 7"]),
    ];
    for (more, code, needles) in cases {
        let arguments = [&["sample", "--run", "out"], *more].concat();
        refuse(folder.path(), &arguments, *code, needles);
    }
    assert_eq!(snapshot(folder.path()), before);
}
