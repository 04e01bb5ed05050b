//! The command on the backend under test: trained there, resumed, sampled and judged on Flex, and
//! the other way round.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::backend;
use crate::common::{TINY, checkpoint_steps, metrics, run, text, workspace};
use crate::trainers::MACHINE;

/// Runs the command, which must succeed; what a driver says on the side doesn't matter.
fn succeed(folder: &Path, arguments: &[&str]) -> String {
    let output = run(folder, arguments);
    let said = text(&output.stderr);
    assert!(
        output.status.success(),
        "`ebm {}`: {said}",
        arguments.join(" ")
    );
    text(&output.stdout)
}

#[test]
fn the_device_is_listed_with_what_it_can_do() {
    let folder = workspace();
    let said = succeed(folder.path(), &["devices"]);
    let line = said
        .lines()
        .find(|line| line.split_whitespace().next() == Some(backend().name()));
    let line = line.unwrap_or_else(|| panic!("{} is not in {said}", backend()));
    assert!(line.contains(" 0: ") && line.contains("f32"), "{line}");
}

#[test]
fn a_network_goes_from_backend_to_backend() {
    let folder = workspace();
    let root = folder.path();
    // The backend comes from the variable here, from the flag below, and from the configuration
    // (flex) nowhere.
    assert!(TINY.contains("backend = \"flex\""));
    let name = backend().name();
    let output = crate::common::ebm(root)
        .env("EBM_BACKEND", name)
        .args(["train", "tiny.toml", "--out", "there"])
        .output()
        .unwrap();
    let said = text(&output.stdout) + &text(&output.stderr);
    assert!(output.status.success() && said.contains(name), "{said}");
    succeed(
        root,
        &["train", "tiny.toml", "--out", "here", "--backend", "flex"],
    );
    for run in ["there", "here"] {
        assert_eq!(checkpoint_steps(&root.join(run)), [4, 6]);
    }
    // The same seed, so the same numbers but for rounding.
    for (a, b) in metrics(&root.join("there"))
        .iter()
        .zip(&metrics(&root.join("here")))
    {
        for key in ["loss", "data_energy", "sample_energy", "gradient_norm"] {
            let (a, b) = (a[key].as_f64().unwrap(), b[key].as_f64().unwrap());
            assert!(
                (a - b).abs() <= 1e-3 * b.abs().max(0.1),
                "{key}: {a} and {b}"
            );
        }
    }
    let more = ["--set", "training.steps=8", "--backend"];
    succeed(root, &[&["resume", "there"], &more[..], &["flex"]].concat());
    succeed(root, &[&["resume", "here"], &more[..], &[name]].concat());
    for (run, on) in [("there", "flex"), ("here", name)] {
        assert_eq!(checkpoint_steps(&root.join(run)).last(), Some(&8));
        let picture = format!("{run}.png");
        succeed(
            root,
            &[
                "sample",
                "--run",
                run,
                "-n",
                "4",
                "--steps",
                "2",
                "--out",
                &picture,
                "--backend",
                on,
            ],
        );
        assert!(image::open(root.join(picture)).is_ok());
    }
}

#[test]
fn a_machine_is_judged_alike_on_both() {
    let folder = workspace();
    let root = folder.path();
    let name = backend().name();
    fs::write(root.join("machine.toml"), MACHINE.to_string() + OUTPUT).unwrap();
    let limit = ["--set", "data.limit=40", "--set", "training.steps=4"];
    let train = ["train", "machine.toml", "--out", "there", "--backend", name];
    succeed(root, &[&train[..], &limit[..]].concat());
    let number = |arguments: &[&str], on: &str, pointer: &str| -> f64 {
        let said = succeed(root, &[arguments, &["--json", "--backend", on]].concat());
        let value: Value = serde_json::from_str(&said).unwrap();
        let found = value.pointer(pointer).and_then(Value::as_f64);
        found.unwrap_or_else(|| panic!("no {pointer} in {said}"))
    };
    let exact = ["logz", "--run", "there"];
    let annealed = [
        "logz",
        "--run",
        "there",
        "--method",
        "ais",
        "--temperatures",
        "9",
        "--chains",
        "8",
        "--sweeps",
        "3",
    ];
    for (arguments, pointer) in [
        (&exact[..], "/log_partition"),
        (&annealed[..], "/forward/log_partition"),
        (&annealed[..], "/reverse/log_partition"),
    ] {
        let there = number(arguments, name, pointer);
        let here = number(arguments, "flex", pointer);
        assert!(
            (there - here).abs() <= 1e-4 * here.abs(),
            "{pointer}: {there} and {here}"
        );
    }
    succeed(root, &["eval", "--run", "there", "--backend", name]);
    succeed(root, &["export", "--run", "there", "weights.safetensors"]);
}

/// Little of it.
const OUTPUT: &str = r#"
[output]
log_every = 2
sample_every = 4
sample_count = 4
sample_steps = 2
checkpoint_every = 4
"#;

#[test]
fn what_is_not_there_is_named_with_what_to_install() {
    let folder = workspace();
    let refused = |command: &mut std::process::Command, needles: &[&str]| {
        let output = command.output().unwrap();
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(
            said.starts_with("error: ") && !said.contains("panicked"),
            "{said}"
        );
        assert_eq!(said.lines().count(), 1, "{said}");
        for needle in needles {
            assert!(said.contains(needle), "no `{needle}`: {said}");
        }
        assert!(!folder.path().join("out").exists());
    };
    let train = |name: &str| {
        let mut command = crate::common::ebm(folder.path());
        command.args(["train", "tiny.toml", "--out", "out", "--backend", name]);
        command
    };
    let name = backend().name();
    let there = format!("backend `{name}` finds no device 99");
    refused(
        train(name).args(["--device", "99"]),
        &[&there, "`--device 0`"],
    );
    refused(
        train(name).env("EBM_DEVICE", "99"),
        &[&there, "`--device 0`"],
    );
    if matches!(name, "wgpu" | "vulkan") {
        let there = format!("backend `{name}` finds no device 0");
        // No driver at all, for Vulkan and for what wgpu would fall back to.
        let mut command = train(name);
        command
            .env("VK_DRIVER_FILES", "/nonexistent")
            .env("VK_ICD_FILENAMES", "/nonexistent")
            .env("__EGL_VENDOR_LIBRARY_FILENAMES", "/nonexistent")
            .env("LIBGL_DRIVERS_PATH", "/nonexistent");
        refused(
            &mut command,
            &[&there, "mesa-vulkan-drivers", "`--backend auto`"],
        );
    }
}
