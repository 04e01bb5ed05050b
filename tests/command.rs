//! The command's manners: help that can be followed, completions, manual pages, verbosity, colours,
//! suggestions.
#![cfg(all(feature = "cli", feature = "flex"))]
#![allow(clippy::unwrap_used)]

mod common;

use std::fs;
use std::path::Path;
use std::process::Command;

use common::{
    TINY, ebm, files, idx_folder, images, names, run, snapshot, succeed, text, train, workspace,
};
use tempfile::TempDir;

const SUBCOMMANDS: [&str; 20] = [
    "train",
    "resume",
    "sweep",
    "sample",
    "eval",
    "logz",
    "inpaint",
    "denoise",
    "compose",
    "compare",
    "recall",
    "report",
    "runs",
    "watch",
    "import",
    "export",
    "config",
    "devices",
    "completions",
    "man",
];

/// A restricted machine with 5 hidden units on 60 digits.
const RBM: [&str; 12] = [
    "--set",
    "model={kind=\"rbm\", hidden=5}",
    "--set",
    "data={kind=\"digits\", limit=60, range=[0.0, 1.0], binarize=\"threshold\"}",
    "--set",
    "training.data_noise=0.0",
    "--set",
    "sampler={kind=\"gibbs\", steps=2}",
    "--set",
    "chains={kind=\"persistent\", start=\"binary\"}",
    "--set",
    "objective={}",
];

/// The lines of the examples in a help text, without the remarks beside them.
fn examples(help: &str) -> Vec<String> {
    let (_, examples) = help.split_once("\nExamples:\n").unwrap();
    let mut lines: Vec<String> = Vec::new();
    for line in examples.lines() {
        // A line that ends in a backslash goes on in the next.
        match lines
            .last_mut()
            .and_then(|last| last.strip_suffix('\\').map(str::to_string))
        {
            Some(begun) => {
                lines.pop();
                lines.push(begun + line.trim_start());
            }
            None => lines.push(line.to_string()),
        }
    }
    lines
        .iter()
        .filter_map(|line| line.strip_prefix("  ebm "))
        .map(|line| format!("ebm {}", line.split("  ").next().unwrap().trim_end()))
        .collect()
}

/// Copies a run, which examples know under several names.
fn copy(run: &Path, to: &Path) {
    for file in files(run) {
        let target = to.join(file.strip_prefix(run).unwrap());
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        fs::copy(file, target).unwrap();
    }
}

/// A folder with what the examples name: runs, files of weights, pictures, a configuration, data in
/// `DIR`.
fn prepared(side: usize, with_runs: bool) -> TempDir {
    let folder = workspace();
    let at = |name: &str| folder.path().join(name);
    fs::write(at("my.toml"), TINY).unwrap();
    idx_folder(&at("DIR"), &images(80, [1, side, side]));
    fs::copy(
        concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/conv_energy.pt"),
        at("energy.pt"),
    )
    .unwrap();
    if with_runs {
        train(folder.path(), "runs/digits-1", &[]);
        // So short a run isn't measured, and keeps no best model by itself.
        let checkpoints = at("runs/digits-1/checkpoints");
        let newest = files(&checkpoints).pop().unwrap();
        fs::copy(newest, checkpoints.join("best.safetensors")).unwrap();
        for name in ["fashion", "round", "thick", "zeros", "ones", "digits"] {
            copy(&at("runs/digits-1"), &at("runs").join(name));
        }
        for name in [
            "shirt.png",
            "hole.png",
            "photo.png",
            "photo.jpg",
            "noise.png",
            "upright.png",
            "turned.png",
            "damaged.png",
        ] {
            let shade =
                |x: u32, y: u32| image::Luma([(37 * x + 19 * y) as u8 | u8::from(x > 3) << 7]);
            image::GrayImage::from_fn(8, 8, shade)
                .save(at(name))
                .unwrap();
        }
        train(folder.path(), "runs/rbm", &RBM);
        succeed(
            folder.path(),
            &["export", "--run", "runs/rbm", "rbm.safetensors"],
        );
    }
    folder
}

/// Follows an example to the letter, but for the time that it trains.
fn follow(folder: &Path, example: &str) {
    let mut line = example.replace("30s", "0s").replace("15m", "0s");
    let trains = ["ebm train", "ebm resume", "ebm sweep"];
    let trains = trains.iter().any(|command| line.starts_with(command));
    if trains && !line.contains("--time-limit") {
        line.push_str(" --time-limit 0s");
    }
    let binary = Path::new(env!("CARGO_BIN_EXE_ebm"));
    let path = format!(
        "{}:{}",
        binary.parent().unwrap().display(),
        std::env::var("PATH").unwrap()
    );
    let output = Command::new("sh")
        .args(["-c", &line])
        .current_dir(folder)
        .env("PATH", path)
        .env_remove("EBM_BACKEND")
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "`{line}` failed: {}",
        text(&output.stderr)
    );
}

#[test]
#[cfg(unix)]
fn examples_of_the_help_can_be_followed() {
    let help = |command: &str| {
        let help = succeed(Path::new("."), &[command, "--help"]);
        assert!(
            help.contains("\nExamples:\n"),
            "`ebm {command} --help` has no examples"
        );
        examples(&help)
    };
    // Training wants images of 28x28 and no runs that are in its way.
    let folder = prepared(28, false);
    let lines = help("train");
    assert_eq!(lines.len(), 8);
    for line in lines {
        follow(folder.path(), &line);
    }
    let folder = prepared(8, true);
    // What is exported is imported.
    for command in SUBCOMMANDS
        .into_iter()
        .filter(|name| !["train", "import"].contains(name))
        .chain(["import"])
    {
        let lines = help(command);
        assert!(!lines.is_empty(), "{command}");
        for line in lines {
            follow(folder.path(), &line);
        }
    }
}

#[test]
fn the_first_help_tells_examples_exit_codes_and_where_to_look_on() {
    let help = succeed(Path::new("."), &["--help"]);
    for needle in SUBCOMMANDS {
        assert!(help.contains(&format!("\n  {needle} ")), "{needle}: {help}");
    }
    for needle in [
        "Examples:",
        "Exit codes:",
        "\n  0 ",
        "\n  1 ",
        "\n  2 ",
        "\n  130 ",
        "NO_COLOR",
        "EBM_BACKEND",
        "ebm SUBCOMMAND --help",
    ] {
        assert!(help.contains(needle), "{needle}: {help}");
    }
    for command in SUBCOMMANDS {
        for flag in ["-h", "--help"] {
            let help = succeed(Path::new("."), &[command, flag]);
            assert!(help.contains(&format!("Usage: ebm {command}")), "{help}");
        }
    }
}

#[test]
fn completions_of_every_shell_know_subcommands_and_flags() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = succeed(Path::new("."), &["completions", shell]);
        for needle in SUBCOMMANDS.iter().chain(&["time-limit", "average-last"]) {
            assert!(script.contains(needle), "{shell}: no {needle}");
        }
    }
    let output = run(Path::new("."), &["completions", "csh"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("bash"));
}

#[test]
#[cfg(unix)]
fn bash_completes_what_was_begun() {
    let script = succeed(Path::new("."), &["completions", "bash"]);
    let complete = |words: &str, last: usize| {
        let ask = format!(
            "{script}\nCOMP_WORDS=({words}); COMP_CWORD={last}; _ebm ebm \"${{COMP_WORDS[{last}]}}\" \"${{COMP_WORDS[{last} - 1]}}\"; echo \"${{COMPREPLY[*]}}\""
        );
        let output = Command::new("bash").args(["-c", &ask]).output();
        output.map(|output| text(&output.stdout).trim().to_string())
    };
    // Machines without bash have nothing to complete.
    if let Ok(found) = complete("ebm tra", 1) {
        assert_eq!(found, "train");
        assert_eq!(complete("ebm train --time", 2).unwrap(), "--time-limit");
        assert_eq!(complete("ebm import --model conv", 3).unwrap(), "conv-net");
    }
}

#[test]
fn manual_pages_are_written_once() {
    let folder = workspace();
    let said = succeed(folder.path(), &["man", "--out", "a b/man1"]);
    assert!(said.contains("'a b/man1'"), "{said}");
    let mut expected: Vec<String> = SUBCOMMANDS
        .iter()
        .map(|name| format!("ebm-{name}.1"))
        .collect();
    expected.push("ebm.1".into());
    expected.sort();
    let found = names(&folder.path().join("a b/man1"));
    for page in &expected {
        assert!(found.contains(page), "no {page}");
    }
    for page in &found {
        let content = fs::read_to_string(folder.path().join("a b/man1").join(page)).unwrap();
        let title = page.strip_suffix(".1").unwrap();
        assert!(
            content.contains(&format!(".TH {title} 1 ")),
            "{page}: {content}"
        );
        assert!(content.contains(".SH SYNOPSIS"), "{page}");
        assert!(content.contains("Examples:"), "{page} has no examples");
    }
    let page = fs::read_to_string(folder.path().join("a b/man1/ebm-train.1")).unwrap();
    assert!(page.contains(r"\-\-time\-limit"), "{page}");
    assert!(page.contains(r"\fBebm train\fR"), "{page}");
    // One page, to be piped.
    let page = succeed(folder.path(), &["man"]);
    assert!(page.contains(".TH ebm 1 "), "{page}");

    let before = snapshot(folder.path());
    let output = run(folder.path(), &["man", "--out", "a b/man1"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("exists already"));
    assert_eq!(snapshot(folder.path()), before);
}

#[test]
fn quiet_leaves_results_and_errors() {
    let folder = workspace();
    assert_eq!(train(folder.path(), "out", &["--quiet"]), "");
    assert_eq!(
        succeed(
            folder.path(),
            &["-q", "sample", "--run", "out", "-n", "1", "--steps", "1"]
        ),
        ""
    );
    assert_eq!(
        succeed(
            folder.path(),
            &["export", "-q", "--run", "out", "w.safetensors"]
        ),
        ""
    );
    train(folder.path(), "rbm", &RBM);
    let loud = run(folder.path(), &["logz", "--run", "rbm"]);
    let quiet = run(folder.path(), &["logz", "--run", "rbm", "-q"]);
    assert_eq!(loud.stdout, quiet.stdout);
    assert!(text(&quiet.stdout).contains("log Z"));
    assert_eq!(text(&quiet.stderr), "");
    let output = run(folder.path(), &["-q", "sample", "--run", "absent"]);
    assert!(text(&output.stderr).starts_with("error: absent is not a run folder"));
    let output = run(folder.path(), &["-q", "-v", "devices"]);
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn events_go_to_standard_error_as_far_as_asked_for() {
    let folder = workspace();
    let events = |out: &str, more: &[&str], filter: &str| {
        let arguments = [&["train", "tiny.toml", "--out", out], more].concat();
        let output = ebm(folder.path())
            .args(arguments)
            .env("EBM_LOG", filter)
            .output()
            .unwrap();
        assert!(output.status.success());
        assert!(text(&output.stdout).contains("finished"));
        text(&output.stderr)
    };
    assert_eq!(events("none", &[], ""), "");
    let info = events("info", &["-v"], "");
    for needle in [
        "INFO",
        "ebm_run",
        "data loaded",
        "count=",
        "checkpoint written",
        "step-00000006.safetensors",
    ] {
        assert!(info.contains(needle), "no {needle}: {info}");
    }
    assert!(!info.contains("DEBUG"), "{info}");
    let debug = events("debug", &["-vv"], "");
    for needle in [
        "checkpoint written",
        "DEBUG",
        "checkpoint deleted",
        "samples drawn",
    ] {
        assert!(debug.contains(needle), "no {needle}: {debug}");
    }
    let filtered = events("filtered", &[], "ebm_run::data_kinds=info");
    assert!(filtered.contains("data loaded"), "{filtered}");
    assert_eq!(filtered.lines().count(), 1, "{filtered}");
    // Steps that are refused and the way back are warnings.
    let more = [
        "-v",
        "--set",
        "recovery={energy_limit=1e-9, max_bad_steps=1, max_rollbacks=1}",
    ];
    let arguments = [&["train", "tiny.toml", "--out", "bad"], &more[..]].concat();
    let output = ebm(folder.path())
        .args(arguments)
        .env("EBM_LOG", "")
        .output()
        .unwrap();
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    for needle in [
        "WARN",
        "step refused",
        "back to a checkpoint",
        "error: training diverged",
    ] {
        assert!(said.contains(needle), "no {needle}: {said}");
    }
    // Pipes get no colours.
    assert!(!said.contains('\x1b') && !info.contains('\x1b'), "{said}");
}

#[test]
fn slips_of_the_pen_are_answered_with_what_was_meant() {
    let folder = workspace();
    #[rustfmt::skip]
    let cases: &[(&[&str], &str)] = &[
        (&["trian"], "'train'"),
        (&["train", "--preset", "digit"], "did you mean `digits`?"),
        (&["train", "--preset", "fashion_mnist"], "did you mean `fashion-mnist`?"),
        (&["train", "--set", "trainnig.steps=5"], "did you mean `training`?"),
        (&["train", "--set", "training.step=5"], "did you mean `steps`?"),
        (&["train", "--set", "sampler.kind=langevn"], "did you mean `langevin`?"),
        (&["train", "--set", "model={kind=\"convnet\"}"], "did you mean `conv_net`?"),
        (&["train", "--set", "sampler.stepsize=1.0"], "did you mean `step_size`?"),
        (&["train", "--backend", "flx"], "did you mean `flex`?"),
        (&["train", "--backend", "vulcan"], "did you mean `vulkan`?"),
        (&["train", "--presets", "digits"], "'--preset'"),
    ];
    for (arguments, needle) in cases {
        let output = run(folder.path(), arguments);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {said}");
        assert!(said.contains(needle), "{arguments:?}: {said}");
    }
    for arguments in [
        ["train", "--preset", "imagenet"],
        ["train", "--backend", "tpu"],
    ] {
        let said = text(&run(folder.path(), &arguments).stderr);
        assert!(!said.contains("did you mean"), "{said}");
    }
    assert_eq!(names(folder.path()), ["tiny.toml"]);
}

/// What another command prints is a configuration too, without a file between them.
#[cfg(unix)]
#[test]
fn a_configuration_comes_through_a_pipe() {
    let folder = TempDir::new().unwrap();
    let change = ["--set", "training.steps=77"];
    let printed = succeed(folder.path(), &["config", "--preset", "digits"]);
    let piped = assert_cmd::Command::from(ebm(folder.path()))
        .args(["config", "/dev/stdin"])
        .args(change)
        .write_stdin(printed)
        .output()
        .unwrap();
    assert!(piped.status.success(), "{piped:?}");
    let arguments = [&["config", "--preset", "digits"], &change[..]].concat();
    assert_eq!(text(&piped.stdout), succeed(folder.path(), &arguments));
}
