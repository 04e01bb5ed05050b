//! Where a run begins: folders of its own for runs that start together, what a kill leaves before
//! the first checkpoint, and who may write.
#![cfg(all(feature = "cli", feature = "flex"))]
#![allow(clippy::unwrap_used)]

mod common;

use std::fs;
use std::path::Path;
use std::process::{Child, Stdio};

use common::{
    TINY, assert_same, checkpoint_path, ebm, everything, names, run, snapshot, succeed, text,
    train, workspace,
};

/// Starts a command without waiting for it.
fn start(folder: &Path, arguments: &[&str]) -> Child {
    let mut command = ebm(folder);
    command.args(arguments).stdout(Stdio::piped());
    command.stderr(Stdio::piped()).spawn().unwrap()
}

#[test]
fn runs_that_start_together_get_a_folder_each() {
    let folder = workspace();
    let children: Vec<Child> = (0..6)
        .map(|_| start(folder.path(), &["train", "tiny.toml"]))
        .collect();
    for child in children {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", text(&output.stderr));
    }
    let expected: Vec<String> = (1..=6).map(|number| format!("tiny-{number}")).collect();
    assert_eq!(names(&folder.path().join("runs")), expected);
    for name in expected {
        everything(&folder.path().join("runs").join(name), 6);
    }
}

#[test]
fn a_start_that_fails_leaves_no_folder() {
    let folder = workspace();
    let before = snapshot(folder.path());
    for arguments in [
        &["train", "tiny.toml", "--data", "absent"][..],
        &["train", "tiny.toml", "--set", "training.batch_size=100"],
        &["train", "tiny.toml", "--from", "absent"],
        &["train", "tiny.toml", "--data", "absent", "--out", "a/b/c"],
    ] {
        let output = run(folder.path(), arguments);
        assert!(!output.status.success(), "{arguments:?}");
        assert_eq!(names(folder.path()), ["tiny.toml"], "{arguments:?}");
    }
    // Only its own folder goes again.
    succeed(folder.path(), &["train", "tiny.toml"]);
    run(folder.path(), &["train", "tiny.toml", "--data", "absent"]);
    assert_eq!(names(&folder.path().join("runs")), ["tiny-1"]);
    assert!(snapshot(folder.path()).len() > before.len());
}

/// A folder with files, empty ones unless they are a configuration; names that end with `/` are
/// folders.
fn folder_with(folder: &Path, entries: &[&str]) {
    fs::create_dir(folder).unwrap();
    for entry in entries {
        let path = folder.join(entry);
        if entry.ends_with('/') {
            fs::create_dir(path).unwrap();
        } else {
            let text = if *entry == "config.toml" { TINY } else { "" };
            fs::write(path, text).unwrap();
        }
    }
}

#[test]
fn a_run_that_was_killed_before_its_first_checkpoint_is_resumed_from_its_beginning() {
    let folder = workspace();
    train(folder.path(), "straight", &[]);
    let expected = everything(&folder.path().join("straight"), 6);
    let all: &[&[&str]] = &[
        &["config.toml"],
        &["config.toml", "run.lock", "samples/", "checkpoints/"],
        &[
            "config.toml",
            "run.lock",
            "samples/",
            "checkpoints/",
            "checkpoints/step-00000000.safetensors.tmp",
            "metrics.jsonl",
            "events.jsonl",
        ],
    ];
    for (number, entries) in all.iter().enumerate() {
        let name = format!("killed-{number}");
        let killed = folder.path().join(&name);
        folder_with(&killed, entries);
        let said = succeed(folder.path(), &["resume", &name]);
        assert!(said.contains("finished"), "{said}");
        assert_same(&everything(&killed, 6), &expected, &name);
        assert_eq!(
            names(&killed.join("samples")),
            ["step-00000003.png", "step-00000006.png"]
        );
    }
    // What it starts from is not forgotten.
    let from = [&["train", "--from", "straight", "--out", "from"][..]].concat();
    succeed(folder.path(), &from);
    fs::create_dir(folder.path().join("again")).unwrap();
    let config = |run: &str| folder.path().join(run).join("config.toml");
    fs::copy(config("from"), config("again")).unwrap();
    succeed(folder.path(), &["resume", "again"]);
    let of = |run: &str| everything(&folder.path().join(run), 6);
    assert_same(&of("again"), &of("from"), "from weights");
}

#[test]
fn what_a_killed_start_leaves_is_no_obstacle_and_anything_else_is() {
    let folder = workspace();
    train(folder.path(), "straight", &[]);
    let expected = everything(&folder.path().join("straight"), 6);
    let left: &[&[&str]] = &[
        &["run.lock"],
        &["run.lock", "samples/", "checkpoints/"],
        &["run.lock", "samples/", "checkpoints/", "config.toml.tmp"],
        &[
            "run.lock",
            "checkpoints/",
            "checkpoints/step-00000000.safetensors.tmp",
        ],
        // Of an import.
        &[
            "run.lock",
            "samples/",
            "checkpoints/",
            "config.toml.tmp",
            "model.safetensors.tmp",
        ],
        &["run.lock", "config.toml.tmp", "model.safetensors"],
    ];
    for (number, entries) in left.iter().enumerate() {
        let name = format!("left-{number}");
        folder_with(&folder.path().join(&name), entries);
        for use_of in [&["resume", &name][..], &["sample", "--run", &name]] {
            let output = run(folder.path(), use_of);
            let complaint = text(&output.stderr);
            assert!(complaint.contains("is not a run folder"), "{complaint}");
            assert!(complaint.contains("`ebm train --out"), "{complaint}");
        }
        train(folder.path(), &name, &[]);
        assert_same(&everything(&folder.path().join(&name), 6), &expected, &name);
        assert!(!folder.path().join(&name).join("config.toml.tmp").exists());
    }
    let others: &[&[&str]] = &[
        &["run.lock", "thesis.txt"],
        &["run.lock", "samples/", "samples/step-00000003.png"],
        &["checkpoints/", "checkpoints/step-00000002.safetensors"],
        &["model.safetensors"],
        &["run.lock", "samples/", "checkpoints/", "model.safetensors"],
        &["config.toml"],
        &["subfolder/"],
    ];
    for (number, entries) in others.iter().enumerate() {
        let name = format!("other-{number}");
        let other = folder.path().join(&name);
        folder_with(&other, entries);
        let before = snapshot(&other);
        let output = run(folder.path(), &["train", "tiny.toml", "--out", &name]);
        let complaint = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{entries:?}: {complaint}");
        assert!(complaint.contains("nothing was overwritten"), "{complaint}");
        assert_eq!(snapshot(&other), before, "{entries:?}");
    }
}

#[test]
fn an_import_into_what_a_killed_import_left_is_whole() {
    let folder = workspace();
    train(folder.path(), "a", &[]);
    succeed(folder.path(), &["export", "--run", "a", "a.safetensors"]);
    folder_with(
        &folder.path().join("out"),
        &["run.lock", "config.toml.tmp", "model.safetensors"],
    );
    succeed(folder.path(), &["import", "a.safetensors", "--out", "out"]);
    succeed(folder.path(), &["sample", "--run", "out", "-n", "1"]);
    assert_eq!(
        names(&folder.path().join("out")),
        [
            "checkpoints",
            "config.toml",
            "model.safetensors",
            "run.lock",
            "samples"
        ]
    );
}

#[test]
fn results_without_checkpoints_are_not_overwritten_by_a_fresh_start() {
    let folder = workspace();
    train(folder.path(), "a", &[]);
    succeed(folder.path(), &["export", "--run", "a", "a.safetensors"]);
    succeed(
        folder.path(),
        &["import", "a.safetensors", "--out", "imported"],
    );
    train(folder.path(), "lost", &[]);
    for step in [4, 6] {
        fs::remove_file(checkpoint_path(&folder.path().join("lost"), step)).unwrap();
    }
    train(folder.path(), "logged", &[]);
    fs::remove_dir_all(folder.path().join("logged/checkpoints")).unwrap();
    fs::remove_file(folder.path().join("logged/model.safetensors")).unwrap();
    let before = snapshot(folder.path());
    for (name, kept) in [
        ("imported", "imported/model.safetensors"),
        ("lost", "lost/model.safetensors"),
        ("logged", "logged/metrics.jsonl"),
    ] {
        let output = run(folder.path(), &["resume", name]);
        let complaint = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{complaint}");
        for needle in ["no checkpoint in", kept, "`ebm train --from"] {
            assert!(complaint.contains(needle), "no {needle}: {complaint}");
        }
    }
    assert_eq!(snapshot(folder.path()), before);
}

/// A file that says who writes in a folder is believed, whether the system has locks or not.
#[cfg(target_os = "linux")]
#[test]
fn a_folder_that_a_process_owns_by_a_file_is_left_alone() {
    let folder = workspace();
    train(folder.path(), "out", &["--time-limit", "0s"]);
    let out = folder.path().join("out");
    let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
    let namespace = fs::read_link("/proc/self/ns/pid").unwrap();
    let own = |process: u32, host: &str| {
        let owner = serde_json::json!({
            "pid": process, "host": host, "namespace": namespace.display().to_string(),
        });
        fs::write(out.join("run.owner"), owner.to_string()).unwrap();
    };
    let mut ended = std::process::Command::new("true").spawn().unwrap();
    ended.wait().unwrap();
    for (process, host) in [
        (std::process::id(), host.trim()),
        (ended.id(), "another-machine"),
    ] {
        own(process, host);
        let before = snapshot(&out);
        let output = run(folder.path(), &["resume", "out"]);
        let complaint = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{complaint}");
        for needle in [&process.to_string(), host, "out is in use", "run.owner"] {
            assert!(complaint.contains(needle), "no {needle}: {complaint}");
        }
        assert_eq!(snapshot(&out), before);
        let said = succeed(folder.path(), &["watch", "--once", "out"]);
        assert!(said.contains("out: running"), "{said}");
    }
    own(ended.id(), host.trim());
    let said = succeed(folder.path(), &["watch", "--once", "out"]);
    assert!(said.contains("out: stopped"), "{said}");
    succeed(folder.path(), &["resume", "out"]);
    assert!(!out.join("run.owner").exists());
}
