//! A run that is stopped, interrupted or killed goes on as if nothing had happened, bit for bit.
#![cfg(all(feature = "cli", feature = "flex"))]
#![allow(clippy::unwrap_used)]

mod common;

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::thread::sleep;
use std::time::{Duration, Instant};

use common::{
    TINY, assert_same, checkpoint_steps, config, ebm, everything, files, metrics_steps, run,
    succeed, text, train, workspace,
};
use ebm::training::run::{self as runs, Event, Outcome, RunFolder, Watch};

/// Stops a run after some steps.
struct StopAfter {
    step: u64,
    steps: Vec<u64>,
}

impl Watch for StopAfter {
    fn event(&mut self, event: &Event<'_>) {
        if let Event::Step(metrics) = event {
            self.steps.push(metrics.step);
        }
    }

    fn should_stop(&mut self) -> bool {
        self.steps.last() == Some(&self.step)
    }
}

/// Trains in this process; `stops` are the steps after which the run is stopped and resumed.
fn train_here(changes: &[&str], out: &Path, stops: &[u64]) {
    let config = config(TINY, changes);
    let device = ebm::backend::select("flex", 0).unwrap().device;
    let stops = stops.iter().copied().chain([config.training.steps]);
    for (number, step) in stops.enumerate() {
        let mut watch = StopAfter {
            step,
            steps: Vec::new(),
        };
        let outcome = if number == 0 {
            runs::train(&config, &device, out, &mut watch).unwrap()
        } else {
            let folder = RunFolder::open_locked(out).unwrap();
            let config = folder.read_config().unwrap().read().unwrap();
            runs::resume(&config, &device, folder, &mut watch).unwrap()
        };
        let last = step == config.training.steps;
        let expected = if last {
            Outcome::Finished
        } else {
            Outcome::Stopped { step }
        };
        assert_eq!(outcome, expected);
        assert_eq!(watch.steps.last(), Some(&step));
    }
}

/// Every kind of chains, sampler, optimizer, schedule and model, as changes of the tiny configuration.
const KINDS: [(&str, &[&str]); 20] = [
    ("buffer of f32", &[]),
    ("buffer of u8", &["chains.storage=u8"]),
    ("buffer from normals", &["chains.start=normal"]),
    ("persistent", &["chains={kind=\"persistent\"}"]),
    ("data", &["chains={kind=\"data\"}"]),
    ("noise", &["chains={kind=\"noise\", start=\"normal\"}"]),
    (
        "metropolis",
        &["sampler={kind=\"metropolis\", steps=3, scale=0.3}"],
    ),
    (
        "langevin at a temperature",
        &[
            "sampler={kind=\"langevin\", steps=2, step_size=0.01, temperature=0.5, gradient_clip=0.1, clamp=false}",
        ],
    ),
    ("adam with decay", &["optimizer.weight_decay=0.1"]),
    (
        "adamw",
        &["optimizer={kind=\"adamw\", learning_rate=0.01, beta_1=0.9, weight_decay=0.1}"],
    ),
    ("sgd", &["optimizer={kind=\"sgd\", learning_rate=0.1}"]),
    (
        "sgd with momentum",
        &["optimizer={kind=\"sgd\", learning_rate=0.01, momentum=0.9, weight_decay=0.1}"],
    ),
    (
        "exponential",
        &["schedule.decay={kind=\"exponential\", factor=0.5, every=2}"],
    ),
    ("cosine", &["schedule={warmup=3, decay={kind=\"cosine\"}}"]),
    (
        "linear",
        &["schedule.decay={kind=\"linear\", final_factor=0.1}"],
    ),
    ("no average", &["training.ema_decay=none"]),
    ("no data noise", &["training.data_noise=0"]),
    (
        "end of an epoch",
        &["data.limit=17", "chains.capacity=8", "training.steps=9"],
    ),
    (
        "convolutions",
        &["model={kind=\"conv_net\", layers=[[3, 3, 2, 1]], hidden=5}"],
    ),
    ("two moons", &["data={kind=\"two_moons\", count=40}"]),
];

#[test]
fn every_kind_of_run_goes_on_bit_for_bit() {
    let folder = workspace();
    for (name, changes) in KINDS {
        let at = |part: &str| folder.path().join(name).join(part);
        train_here(changes, &at("straight"), &[]);
        train_here(changes, &at("stopped"), &[3, 4]);
        let last = *checkpoint_steps(&at("straight")).last().unwrap();
        let straight = everything(&at("straight"), last);
        assert_same(&straight, &everything(&at("stopped"), last), name);
        // What must be in a checkpoint of this kind is in it.
        let holds = |prefix: &str| {
            straight
                .1
                .iter()
                .any(|(name, ..)| name == prefix || name.starts_with(&format!("{prefix}.")))
        };
        assert!(holds("model"), "{name}");
        assert_eq!(holds("average"), name != "no average", "{name}");
        assert_eq!(holds("optimizer"), name != "sgd", "{name}");
        assert_eq!(
            holds("chains"),
            !["data", "noise"].contains(&name),
            "{name}"
        );
        for run in ["straight", "stopped"] {
            let model = fs::read(at(run).join("model.safetensors")).unwrap();
            assert!(!model.is_empty());
        }
        let pictures = |run: &str| {
            files(&at(run).join("samples"))
                .into_iter()
                .map(|path| fs::read(path).unwrap())
                .collect::<Vec<_>>()
        };
        assert_eq!(pictures("straight"), pictures("stopped"), "{name}");
    }
}

#[test]
fn every_kind_of_run_differs_from_the_others() {
    // Otherwise the test above could compare twenty times the same run.
    let folder = workspace();
    let mut seen = Vec::new();
    for (name, changes) in KINDS {
        let out = folder.path().join(name);
        train_here(changes, &out, &[]);
        let last = *checkpoint_steps(&out).last().unwrap();
        let weights: Vec<_> = everything(&out, last)
            .1
            .into_iter()
            .filter(|(name, ..)| name.starts_with("model."))
            .collect();
        // The average is not part of the weights.
        if name != "no average" {
            assert!(!seen.contains(&weights), "{name} changes nothing");
            seen.push(weights);
        }
    }
}

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
    signal("INT", child.id());
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
        "output={log_every=1, sample_every=7, sample_count=1, sample_steps=1, checkpoint_every=1, keep_checkpoints=2}",
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
            // A kill before the configuration was written leaves nothing to resume.
            let _ = fs::remove_dir_all(&out);
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
        if let Some(code) = output.status.code() {
            // It ended before it was killed: rightly only without a checkpoint.
            let said = text(&output.stderr);
            assert_eq!((code, before), (1, None), "{said}");
            assert!(said.contains("there is no checkpoint in"), "{said}");
            assert!(said.contains("start it again"), "{said}");
            fs::remove_dir_all(&out).unwrap();
            continue;
        }
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
    let output = run(folder.path(), &["resume", "out"]);
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

/// Waits until something holds, and fails after a time in which it must.
fn wait_for(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(
            start.elapsed() < Duration::from_secs(60),
            "waited in vain for {what}"
        );
        sleep(Duration::from_millis(1));
    }
}

/// Sends a signal to one process.
#[cfg(unix)]
fn signal(name: &str, process: u32) {
    let status = std::process::Command::new("sh")
        .args(["-c", &format!("kill -{name} {process}")])
        .status()
        .unwrap();
    assert!(status.success());
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
