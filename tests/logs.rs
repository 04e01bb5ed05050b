//! Logs that are damaged, and logs and pictures that can't be written, end no run and lose nothing
//! that can be read.
#![cfg(all(feature = "cli", feature = "flex"))]
#![allow(clippy::unwrap_used)]

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use common::{
    assert_same, checkpoint_steps, everything, files, metrics_steps, names, run, text, train,
    workspace,
};

/// Every line and every picture.
const ALL: [&str; 2] = [
    "--set",
    "output={log_every=1, sample_every=1, sample_count=1, sample_steps=1, checkpoint_every=2, keep_checkpoints=9}",
];

/// `ebm resume RUN` to so many updates, which must succeed; what it printed, and what it warned of.
fn resume(folder: &Path, out: &str, steps: u64) -> (String, String) {
    let steps = format!("training.steps={steps}");
    let output = run(folder, &["resume", out, "--set", &steps]);
    let (said, warned) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{warned}");
    (said, warned)
}

/// Two runs with these changes: `straight`, of 9 updates in one go, and `out`, of 6, whose folder
/// is returned.
fn two_runs(folder: &Path, changes: &[&str]) -> PathBuf {
    let longer = [changes, &["--set", "training.steps=9"]].concat();
    train(folder, "straight", &longer);
    train(folder, "out", changes);
    folder.join("out")
}

/// Fails unless `out` has come after so many updates to where a run came that nothing befell.
fn assert_went_on(folder: &Path, straight: &str, steps: u64, what: &str) {
    let of = |run: &str| everything(&folder.join(run), steps);
    assert_same(&of(straight), &of("out"), what);
}

/// The steps of the lines of `density.jsonl`.
fn density_steps(run: &Path) -> Vec<u64> {
    let text = fs::read_to_string(run.join("density.jsonl")).unwrap();
    let lines = text.lines();
    lines
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["step"].as_u64())
        .map(Option::unwrap)
        .collect()
}

#[test]
fn a_resumed_run_keeps_all_lines_but_those_that_cannot_be_read_which_are_moved() {
    let folder = workspace();
    let folder = folder.path();
    let moons = ["--set", "data={kind=\"two_moons\", count=50}"];
    let changes = [&ALL[..], &moons].concat();
    let out = two_runs(folder, &changes);
    let started = fs::read_to_string(out.join("events.jsonl"))
        .unwrap()
        .lines()
        .count();
    for (name, bad) in [
        ("metrics.jsonl", &b"\xff\xfe not text"[..]),
        ("density.jsonl", b"{\"step\":2,\"x\":\"\xff\"}"),
        ("events.jsonl", b"\0\0\0\0\0\0\0\0"),
    ] {
        let before = fs::read(out.join(name)).unwrap();
        let end = before.iter().position(|&byte| byte == b'\n').unwrap() + 1;
        let (first, rest) = before.split_at(end);
        // The second line, and no end of the last.
        let damaged = [first, bad, b"\n", rest.trim_ascii_end()].concat();
        fs::write(out.join(name), damaged).unwrap();
    }
    let machine = fs::read_to_string(out.join("machine.toml")).unwrap();
    fs::write(
        out.join("machine.toml"),
        format!("{machine}[[start]]\nat = 17\nsys"),
    )
    .unwrap();

    let (_, warned) = resume(folder, "out", 9);
    for name in ["metrics.jsonl", "density.jsonl", "events.jsonl"] {
        let sign = format!("{name}: 1 line can't be read (line 2: ");
        assert!(warned.contains(&sign), "{name}: {warned}");
        assert!(
            warned.contains(&format!("{name}.unreadable")),
            "{name}: {warned}"
        );
    }
    assert!(
        warned.contains("machine.toml: 1 entry can't be read"),
        "{warned}"
    );
    assert_eq!(metrics_steps(&out), (1..=9).collect::<Vec<_>>());
    assert_eq!(density_steps(&out), (1..=9).collect::<Vec<_>>());
    let moved = |name: &str| fs::read(out.join(format!("{name}.unreadable"))).unwrap();
    assert_eq!(moved("metrics.jsonl"), b"\xff\xfe not text\n");
    assert_eq!(moved("density.jsonl"), b"{\"step\":2,\"x\":\"\xff\"}\n");
    assert_eq!(moved("events.jsonl"), b"\0\0\0\0\0\0\0\0\n");
    assert_eq!(moved("machine.toml"), b"[[start]]\nat = 17\nsys\n");
    let events = fs::read_to_string(out.join("events.jsonl")).unwrap();
    assert_eq!(
        events.matches("\"event\":\"warned\"").count(),
        4,
        "{events}"
    );
    assert!(events.lines().count() > started + 4);
    assert_went_on(folder, "straight", 9, "damaged logs");

    // Once is enough.
    let (_, warned) = resume(folder, "out", 10);
    assert_eq!(warned, "");
    let output = run(folder, &["report", "out", "--samples", "0"]);
    assert_eq!(text(&output.stderr), "");
    let page = fs::read_to_string(out.join("report.html")).unwrap();
    assert!(page.contains("went on without (see the events): 4 times"));
    assert!(page.contains("metrics.jsonl: 1 line can&#39;t be read"));
}

#[test]
fn what_is_taken_back_goes_wherever_bad_lines_stand() {
    let folder = workspace();
    let folder = folder.path();
    train(folder, "out", &ALL);
    let out = folder.join("out");
    // As after a kill between a checkpoint and the next, with lines of an earlier disk error among
    // them.
    fs::remove_file(out.join("checkpoints/step-00000006.safetensors")).unwrap();
    let log = out.join("metrics.jsonl");
    let lines = fs::read_to_string(&log).unwrap();
    let lines: Vec<&str> = lines.lines().collect();
    let damaged = [&lines[..5], &["{\"step\":6,"], &lines[5..]].concat();
    fs::write(&log, damaged.join("\n")).unwrap();
    let (said, warned) = resume(folder, "out", 8);
    assert!(said.contains("resuming after step 4"), "{said}");
    assert!(
        warned.contains("1 line can't be read (line 6: "),
        "{warned}"
    );
    assert_eq!(metrics_steps(&out), (1..=8).collect::<Vec<_>>());
    let now = fs::read_to_string(&log).unwrap();
    assert!(now.starts_with(&format!("{}\n", lines[..4].join("\n"))));
}

#[test]
fn folders_that_were_taken_away_are_made_again() {
    let folder = workspace();
    let folder = folder.path();
    let out = two_runs(folder, &ALL);
    fs::remove_dir_all(out.join("samples")).unwrap();
    let (_, warned) = resume(folder, "out", 9);
    assert_eq!(warned, "");
    // Those that are still to come, and that of the checkpoint that it went on from.
    let expected = [6, 7, 8, 9].map(|step| format!("step-{step:08}.png"));
    assert_eq!(names(&out.join("samples")), expected);
    assert_went_on(folder, "straight", 9, "without samples");
}

#[test]
fn pictures_that_cannot_be_written_are_said_once_and_end_nothing() {
    let folder = workspace();
    let folder = folder.path();
    let out = two_runs(folder, &ALL);
    fs::remove_dir_all(out.join("samples")).unwrap();
    fs::write(out.join("samples"), "in the way").unwrap();
    let (said, warned) = resume(folder, "out", 9);
    assert!(said.contains("finished"), "{said}");
    assert_eq!(warned.matches("warning: ").count(), 1, "{warned}");
    assert!(warned.contains("pictures after update 6: "), "{warned}");
    assert!(warned.contains("out/samples/step-00000006.png"), "{warned}");
    assert_eq!(checkpoint_steps(&out), [0, 2, 4, 6, 8, 9]);
    assert_went_on(folder, "straight", 9, "without pictures");
    let events = fs::read_to_string(out.join("events.jsonl")).unwrap();
    assert_eq!(
        events.matches("\"event\":\"warned\"").count(),
        1,
        "{events}"
    );
}

#[cfg(target_os = "linux")]
#[test]
fn on_a_full_disk_logs_are_said_once_and_checkpoints_end_the_run() {
    use std::os::unix::fs::symlink;
    let folder = workspace();
    let folder = folder.path();
    let out = two_runs(folder, &ALL);
    for name in ["metrics.jsonl", "events.jsonl", "energies.png"] {
        fs::remove_file(out.join(name)).unwrap();
        symlink("/dev/full", out.join(name)).unwrap();
    }
    let (said, warned) = resume(folder, "out", 9);
    assert!(said.contains("finished"), "{said}");
    assert_eq!(warned.matches("warning: ").count(), 3, "{warned}");
    for name in ["metrics.jsonl", "events.jsonl", "energies.png"] {
        assert!(
            warned.contains(&format!("out/{name}: ")),
            "{name}: {warned}"
        );
    }
    assert!(warned.contains("No space left"), "{warned}");
    assert_went_on(folder, "straight", 9, "a full disk");

    // A disk that takes nothing at all: files may have no byte, and a write says so instead of
    // ending the process.
    let before = files(&out.join("checkpoints"));
    let content: Vec<_> = before.iter().map(|path| fs::read(path).unwrap()).collect();
    let config = fs::read_to_string(out.join("config.toml")).unwrap();
    let longer = config.replace("steps = 9\n", "steps = 12\n");
    assert_ne!(longer, config);
    fs::write(out.join("config.toml"), longer).unwrap();
    let mut shell = std::process::Command::new("sh");
    shell
        .current_dir(folder)
        .args(["-c", "trap '' 25; ulimit -f 0; exec \"$0\" resume out"]);
    let output = shell.arg(env!("CARGO_BIN_EXE_ebm")).output().unwrap();
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    let sign = "error: can't write out/checkpoints/step-00000010.safetensors: File too large";
    assert!(said.contains(sign), "{said}");
    let now: Vec<_> = before.iter().map(|path| fs::read(path).unwrap()).collect();
    assert!(files(&out.join("checkpoints")) == before && now == content);
    resume(folder, "out", 12);
    train(
        folder,
        "longer",
        &[&ALL[..], &["--set", "training.steps=12"]].concat(),
    );
    assert_went_on(folder, "longer", 12, "after a full disk");
}

#[test]
fn what_a_killed_writer_left_is_deleted_and_nothing_else() {
    let folder = workspace();
    let folder = folder.path();
    train(folder, "out", &ALL);
    let out = folder.join("out");
    fs::create_dir(out.join("evaluation")).unwrap();
    let mut ended = common::ebm(folder);
    let mut ended = ended
        .arg("--version")
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    ended.wait().unwrap();
    let of = |process: u32, name: &str| format!("{name}.{process}-1f-3.tmp");
    let (gone, alive) = (ended.id(), std::process::id());
    let mut left = vec![
        "config.toml.tmp".to_string(),
        "checkpoints/step-00000002.safetensors.tmp".to_string(),
    ];
    if cfg!(target_os = "linux") {
        left.extend(
            [
                "report.html",
                "samples/step-00000002.png",
                "evaluation/report.json",
            ]
            .map(|name| of(gone, name)),
        );
    }
    let stays = [
        of(alive, "report.html"),
        of(alive, "checkpoints/step-00000002.safetensors"),
        "notes.tmp".to_string(),
    ];
    for name in left.iter().chain(&stays) {
        fs::write(out.join(name), "half").unwrap();
        // What was touched just now is taken for that of a process that can't be seen from here.
        let file = fs::File::options().write(true).open(out.join(name));
        let a_while_ago = std::time::SystemTime::now() - std::time::Duration::from_secs(300);
        file.unwrap().set_modified(a_while_ago).unwrap();
    }
    resume(folder, "out", 8);
    for name in &left {
        assert!(!out.join(name).exists(), "{name}");
    }
    for name in &stays {
        assert!(out.join(name).exists(), "{name}");
    }
}
