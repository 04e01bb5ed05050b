//! A run that is stopped, interrupted or killed goes on as if nothing had happened, bit for bit.
#![cfg(all(feature = "cli", feature = "flex"))]
#![allow(clippy::unwrap_used)]

mod common;

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::thread::sleep;
use std::time::Duration;

use common::{
    TINY, assert_same, checkpoint_path, checkpoint_steps, config, ebm, everything, files,
    metrics_steps, png_folder, run, signal, succeed, text, train, wait_for, workspace,
};
use ebm::training::Checkpoint;

#[test]
fn the_same_seed_gives_the_same_run_and_another_seed_another() {
    let folder = workspace();
    for (out, seed) in [("a", "7"), ("b", "7"), ("c", "8")] {
        train(folder.path(), out, &["--seed", seed]);
    }
    let of = |out: &str| everything(&folder.path().join(out), 6);
    assert_same(&of("a"), &of("b"), "same seed");
    let (a, c) = (of("a"), of("c"));
    for (a, c) in a.1.iter().zip(&c.1) {
        assert_eq!((&a.0, &a.1), (&c.0, &c.1));
        assert_ne!(a.2, c.2, "{} doesn't depend on the seed", a.0);
    }
}

#[test]
fn a_time_limit_stops_after_a_step_and_the_parts_make_the_whole() {
    let folder = workspace();
    train(folder.path(), "straight", &[]);
    let said = train(folder.path(), "parts", &["--time-limit", "0s"]);
    assert!(said.contains("after step 1"), "{said}");
    assert!(said.contains("`ebm resume parts`"), "{said}");
    for step in 2..=5 {
        let said = succeed(folder.path(), &["resume", "parts", "--time-limit", "0s"]);
        assert!(
            said.contains(&format!("resuming after step {}", step - 1)),
            "{said}"
        );
        assert!(said.contains(&format!("after step {step};")), "{said}");
    }
    let said = succeed(folder.path(), &["resume", "parts"]);
    assert!(said.contains("finished"), "{said}");
    let of = |run: &str| everything(&folder.path().join(run), 6);
    assert_same(&of("straight"), &of("parts"), "parts");
    assert_eq!(
        metrics_steps(&folder.path().join("parts")),
        [1, 2, 3, 4, 5, 6]
    );
}

#[test]
fn a_finished_run_is_extended_by_raising_its_length() {
    let folder = workspace();
    train(folder.path(), "straight", &["--set", "training.steps=12"]);
    train(folder.path(), "extended", &[]);
    succeed(
        folder.path(),
        &["resume", "extended", "--set", "training.steps=12"],
    );
    let of = |run: &str| everything(&folder.path().join(run), 12);
    assert_same(&of("straight"), &of("extended"), "extended");
    let extended = folder.path().join("extended");
    assert_eq!(metrics_steps(&extended), [2, 4, 6, 8, 10, 12]);
    // The change is kept.
    let config = fs::read_to_string(extended.join("config.toml")).unwrap();
    assert!(config.contains("\nsteps = 12\n"), "{config}");
}

#[test]
fn a_lost_model_comes_back_by_resuming_a_finished_run() {
    // As after a kill between the last checkpoint and the model.
    let folder = workspace();
    train(folder.path(), "out", &[]);
    let model = folder.path().join("out/model.safetensors");
    fs::remove_file(&model).unwrap();
    let output = run(folder.path(), &["sample", "--run", "out"]);
    let said = text(&output.stderr);
    assert!(said.contains("no model in out"), "{said}");
    assert!(said.contains("ebm resume"), "{said}");
    succeed(folder.path(), &["resume", "out"]);
    succeed(folder.path(), &["sample", "--run", "out", "-n", "1"]);
}

#[cfg(unix)]
#[test]
fn an_interrupt_saves_and_says_how_to_go_on() {
    let folder = workspace();
    let out = folder.path().join("out");
    let child = ebm(folder.path())
        .args(["train", "tiny.toml", "--out", "out"])
        .args(["--set", "training.steps=100000000"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    wait_for("the first checkpoints", || {
        checkpoint_steps(&out).last() >= Some(&10)
    });
    // Not SIGINT, which shells ignore for what they start in the background.
    signal("TERM", child.id());
    let output = child.wait_with_output().unwrap();
    let said = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(said.contains("go on with `ebm resume out`"), "{said}");
    assert!(text(&output.stderr).contains("stopping after this step"));

    let stopped = *checkpoint_steps(&out).last().unwrap();
    assert!(said.contains(&format!("after step {stopped};")), "{said}");
    let steps = format!("training.steps={}", stopped + 3);
    let said = succeed(folder.path(), &["resume", "out", "--set", &steps]);
    assert!(
        said.contains(&format!("resuming after step {stopped}")),
        "{said}"
    );
    train(folder.path(), "straight", &["--set", &steps]);
    assert_same(
        &everything(&folder.path().join("straight"), stopped + 3),
        &everything(&out, stopped + 3),
        "interrupted",
    );
}

#[cfg(unix)]
#[test]
fn a_run_survives_being_killed_again_and_again() {
    const STEPS: u64 = 200;
    const KILLS: usize = 18;
    let folder = workspace();
    let changes = [
        "--set",
        "training.steps=200",
        "--set",
        "sampler.steps=40",
        "--set",
        "output={log_every=1, sample_every=7, sample_count=1, sample_steps=1, checkpoint_every=1, keep_checkpoints=2, quality_samples=0}",
    ];
    train(folder.path(), "straight", &changes);
    let out = folder.path().join("out");
    let mut random = Random(20_240_607);
    let mut kills = 0;
    let mut starts = 0;
    let mut before = None;
    while kills < KILLS {
        let start = !out.join("config.toml").exists();
        starts += usize::from(start);
        let mut command = ebm(folder.path());
        if start {
            // A kill before the configuration was written leaves nothing to resume, and nothing in
            // the way.
            command
                .args(["train", "tiny.toml", "--out", "out"])
                .args(changes);
        } else {
            command.args(["resume", "out"]);
        }
        let mut child = command
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        if kills >= 4 {
            // The later kills come after some progress, so that the run doesn't stay at its start.
            let goal = before.unwrap_or(0) + random.below(5);
            wait_for("progress", || {
                checkpoint_steps(&out).last() >= Some(&goal) || child.try_wait().unwrap().is_some()
            });
        }
        // Anywhere in the start of the process, in a step, or in the writing of a file.
        let longest = if kills < 4 { 30_000 } else { 6_000 };
        sleep(Duration::from_micros(random.below(longest)));
        child.kill().unwrap();
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), None, "{}", text(&output.stderr));
        kills += 1;
        let now = checkpoint_steps(&out).last().copied();
        assert!(
            now >= before,
            "lost checkpoints: from {before:?} to {now:?}"
        );
        assert!(now < Some(STEPS), "the run ended too early to be killed");
        before = now;
    }
    assert!(before > Some(10), "killed at the start only: {before:?}");
    assert!(starts >= 1);
    let said = succeed(folder.path(), &["resume", "out"]);
    assert!(said.contains("finished"), "{said}");
    assert_same(
        &everything(&folder.path().join("straight"), STEPS),
        &everything(&out, STEPS),
        "killed",
    );
    assert_eq!(metrics_steps(&out), (1..=STEPS).collect::<Vec<_>>());
    let left: Vec<_> = files(&out)
        .into_iter()
        .filter(|path| path.extension().is_some_and(|end| end == "tmp"))
        .collect();
    assert!(left.is_empty(), "left over: {left:?}");
    for picture in files(&out.join("samples")) {
        image::open(&picture).unwrap();
    }
    assert_eq!(
        fs::read(out.join("samples/step-00000200.png")).unwrap(),
        fs::read(folder.path().join("straight/samples/step-00000200.png")).unwrap()
    );
}

#[cfg(unix)]
#[test]
fn a_run_in_use_is_left_alone() {
    let folder = workspace();
    let out = folder.path().join("out");
    let mut child = ebm(folder.path())
        .args(["train", "tiny.toml", "--out", "out"])
        .args(["--set", "training.steps=100000000"])
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    wait_for("the first checkpoint", || {
        !checkpoint_steps(&out).is_empty()
    });
    let output = run(folder.path(), &["resume", "out", "--time-limit", "0s"]);
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("out is in use by another process"), "{said}");
    assert!(
        child.try_wait().unwrap().is_none(),
        "the first run was disturbed"
    );
    child.kill().unwrap();
    child.wait().unwrap();
    // The lock went with the process.
    succeed(folder.path(), &["resume", "out", "--time-limit", "0s"]);
}

#[test]
fn paths_given_to_resume_and_import_hold_wherever_the_run_is_used() {
    let folder = workspace();
    for at in ["a", "b"] {
        png_folder(&folder.path().join(at).join("images"), 10, 8, 8);
        fs::copy(
            folder.path().join("tiny.toml"),
            folder.path().join(at).join("tiny.toml"),
        )
        .unwrap();
    }
    let at = |name: &str| folder.path().join(name);
    let images = "data={kind=\"folder\", path=\"images\", channels=1, size=[8, 8]}";
    let written = |path: &Path| {
        let text = fs::read_to_string(path.join("config.toml")).unwrap();
        config(&text, &[]).data.place()
    };
    let expected = at("a").canonicalize().unwrap().join("images");
    train(folder.path(), "run", &[]);
    let longer = ["resume", "../run", "--set", "training.steps=8"];
    let said = succeed(&at("a"), &[&longer[..], &["--set", images]].concat());
    // It was asked for, so that it is no warning.
    assert!(said.contains("60 examples then, 10 now"), "{said}");
    assert_eq!(written(&at("run")).canonicalize().unwrap(), expected);
    assert!(written(&at("run")).is_absolute());
    // The model says it too: it is judged on these images from wherever, and not on others of that
    // name.
    let judge = |run_folder: &str| {
        let output = run(&at("b"), &["eval", "--run", run_folder]);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{said}");
        assert!(said.contains("a/images: found images"), "{said}");
    };
    judge("../run");

    succeed(&at("a"), &["export", "--run", "../run", "w.safetensors"]);
    let relative = config(TINY, &[images]).to_toml().unwrap();
    assert!(relative.contains("path = \"images\""), "{relative}");
    fs::write(at("a/relative.toml"), relative).unwrap();
    let import = ["import", "w.safetensors", "--config", "relative.toml"];
    succeed(&at("a"), &[&import[..], &["--out", "../imported"]].concat());
    assert_eq!(written(&at("imported")).canonicalize().unwrap(), expected);
    assert!(written(&at("imported")).is_absolute());
    judge("../imported");
}

/// A run on images, stopped after two updates.
fn on_images(folder: &Path, run: &str, count: usize) {
    png_folder(&folder.join("images"), count, 8, 8);
    let images =
        "data={kind=\"folder\", path=\"images\", channels=1, size=[8, 8], test_fraction=0}";
    let short = ["--set", "training.steps=2", "--set", images];
    train(folder, run, &short);
}

/// What `ebm resume` says on standard error.
fn complaint(folder: &Path, run_folder: &str, more: &[&str]) -> String {
    let arguments = [&["resume", run_folder, "--set", "training.steps=4"], more].concat();
    let output = run(folder, &arguments);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    text(&output.stderr)
}

#[test]
fn data_that_were_changed_meanwhile_are_told_once_and_trained_on() {
    let folder = workspace();
    let folder = folder.path();
    let events = |run: &str| fs::read_to_string(folder.join(run).join("events.jsonl")).unwrap();
    on_images(folder, "same", 12);
    assert_eq!(complaint(folder, "same", &[]), "");
    assert!(!events("same").contains("data_changed"));

    // As many others, one more, and one changed pixel.
    let black = |name: &str| image::GrayImage::new(8, 8).save(folder.join("images").join(name));
    let changes: [(&str, &dyn Fn()); 3] = [
        ("others", &|| {
            for number in 0..12 {
                black(&format!("{number:03}.png")).unwrap();
            }
        }),
        ("more", &|| black("more.png").unwrap()),
        ("pixel", &|| {
            let path = folder.join("images/005.png");
            let mut image = image::open(&path).unwrap().to_luma8();
            image.get_pixel_mut(3, 4).0[0] ^= 1;
            image.save(path).unwrap();
        }),
    ];
    for (name, change) in changes {
        let _ = fs::remove_dir_all(folder.join("images"));
        on_images(folder, name, 12);
        on_images(folder, "old", 12);
        change();
        let said = complaint(folder, name, &[]);
        assert!(
            said.starts_with("warning: the data are not those"),
            "{said}"
        );
        assert!(said.contains("12 examples then"), "{said}");
        assert_eq!(said.lines().count(), 1, "{said}");
        assert_eq!(events(name).matches("\"data_changed\"").count(), 1);
        // From now on these are its data.
        assert_eq!(complaint(folder, name, &["--set", "training.steps=6"]), "");

        // A checkpoint of an older version doesn't say what it was made with.
        let path = checkpoint_path(&folder.join("old"), 2);
        let mut checkpoint = Checkpoint::load(&path).unwrap();
        checkpoint.state.examples = None;
        let state = serde_json::to_string(&checkpoint.state).unwrap();
        assert!(!state.contains("examples"), "{state}");
        checkpoint.save(&path).unwrap();
        assert_eq!(complaint(folder, "old", &[]), "");
        fs::remove_dir_all(folder.join("old")).unwrap();
    }
}

/// Pseudo-random delays, the same in every run of the test (Knuth's MMIX generator).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}
