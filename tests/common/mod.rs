//! What the end-to-end tests share: a run that takes milliseconds, the command, and looking into
//! run folders.
#![allow(dead_code, clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use ebm::run::config::{ConfigTable, RunConfig};
use ebm::training::Checkpoint;
use ebm::training::data::{Images, idx};
use serde_json::Value;
use tempfile::TempDir;

/// A whole configuration of a run that takes milliseconds; it leans on no preset.
pub(crate) const TINY: &str = r#"
seed = 7
backend = "flex"

[data]
kind = "digits"
limit = 60

[model]
kind = "mlp"
hidden = [6]

[sampler]
kind = "langevin"
steps = 2
step_size = 1.0
noise = 0.05

[chains]
kind = "replay_buffer"
capacity = 24
fresh_fraction = 0.2

[objective]
energy_regularizer = 0.1

[optimizer]
kind = "adam"
learning_rate = 1e-2
beta_1 = 0.5
gradient_clip = 1.0

[training]
steps = 6
batch_size = 8
data_noise = 0.05
ema_decay = 0.9

[output]
log_every = 2
sample_every = 3
sample_count = 4
sample_steps = 2
checkpoint_every = 2
keep_checkpoints = 2
"#;

/// The command, in a folder of its own so that nothing it writes by default lands in the
/// repository.
pub(crate) fn ebm(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ebm"));
    command.current_dir(folder);
    command.env_remove("EBM_BACKEND").env_remove("EBM_DEVICE");
    // Where a build has `wgpu` a library that drivers use complains without it.
    command.env("XDG_RUNTIME_DIR", folder);
    command
}

/// A folder with the tiny configuration in `tiny.toml`.
pub(crate) fn workspace() -> TempDir {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("tiny.toml"), TINY).unwrap();
    folder
}

/// Commands that are told their backend by a configuration, or list all of them.
const KNOW_THEIR_BACKEND: [&str; 3] = ["train", "resume", "devices"];

/// Runs the command with arguments.
pub(crate) fn run(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = ebm(folder);
    let name = arguments.first().unwrap_or(&"");
    if !KNOW_THEIR_BACKEND.contains(name) {
        // What `auto` takes in a default build; where GPUs are compiled in it would say what it
        // passed over.
        command.env("EBM_BACKEND", "flex");
    }
    command.args(arguments).output().unwrap()
}

/// Runs the command, which must succeed, and gives what it said.
pub(crate) fn succeed(folder: &Path, arguments: &[&str]) -> String {
    let output = run(folder, arguments);
    let stderr = text(&output.stderr);
    assert!(
        output.status.success(),
        "`ebm {}` failed: {stderr}",
        arguments.join(" ")
    );
    assert_eq!(stderr, "", "`ebm {}` complained", arguments.join(" "));
    text(&output.stdout)
}

/// `ebm train tiny.toml --out OUT` with more arguments.
pub(crate) fn train(folder: &Path, out: &str, more: &[&str]) -> String {
    let arguments = [&["train", "tiny.toml", "--out", out], more].concat();
    succeed(folder, &arguments)
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// A configuration with changes.
pub(crate) fn config(text: &str, changes: &[&str]) -> RunConfig {
    let mut table = ConfigTable::parse(text, "test".into()).unwrap();
    for change in changes {
        table.set(change).unwrap();
    }
    table.read().unwrap()
}

/// The lines of `metrics.jsonl`.
pub(crate) fn metrics(run: &Path) -> Vec<Value> {
    let text = fs::read_to_string(run.join("metrics.jsonl")).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// The steps of `metrics.jsonl`.
pub(crate) fn metrics_steps(run: &Path) -> Vec<u64> {
    metrics(run)
        .iter()
        .map(|line| line["step"].as_u64().unwrap())
        .collect()
}

/// The names of the files in a folder, sorted.
pub(crate) fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// What is in the folder of a run that has finished.
pub(crate) const RUN_FILES: [&str; 10] = [
    "checkpoints",
    "config.toml",
    "energies.png",
    "events.jsonl",
    "machine.toml",
    "metrics.jsonl",
    "model.safetensors",
    "quality.jsonl",
    "run.lock",
    "samples",
];

/// All files under a folder.
pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// Every file under a folder with its content; equal before and after means that nothing was
/// touched.
pub(crate) fn snapshot(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    files(folder)
        .into_iter()
        .map(|path| {
            let bytes = fs::read(&path).unwrap();
            (path, bytes)
        })
        .collect()
}

/// The steps of the checkpoints of a run, oldest first.
pub(crate) fn checkpoint_steps(run: &Path) -> Vec<u64> {
    let Ok(entries) = fs::read_dir(run.join("checkpoints")) else {
        return Vec::new();
    };
    let mut steps: Vec<u64> = entries
        .filter_map(|entry| {
            let name = entry.unwrap().file_name().into_string().unwrap();
            let step = name.strip_prefix("step-")?.strip_suffix(".safetensors")?;
            Some(step.parse().unwrap())
        })
        .collect();
    steps.sort_unstable();
    steps
}

pub(crate) fn checkpoint_path(run: &Path, step: u64) -> PathBuf {
    run.join(format!("checkpoints/step-{step:08}.safetensors"))
}

/// All that training depends on after a step, in a form that can be compared bit for bit: the state
/// as JSON, and shape, type and bytes of each array.
pub(crate) type Everything = (Value, Vec<(String, String, Vec<u8>)>);

pub(crate) fn everything(run: &Path, step: u64) -> Everything {
    let checkpoint = Checkpoint::load(&checkpoint_path(run, step)).unwrap();
    let arrays = checkpoint
        .tensors
        .iter()
        .map(|(name, data)| {
            let kind = format!("{:?} of {:?}", data.shape(), data.dtype());
            (name.clone(), kind, data.as_bytes().to_vec())
        })
        .collect();
    (serde_json::to_value(&checkpoint.state).unwrap(), arrays)
}

/// Panics with the name of the first thing that differs.
pub(crate) fn assert_same(left: &Everything, right: &Everything, what: &str) {
    assert_eq!(left.0, right.0, "{what}: the state differs");
    let names =
        |of: &Everything| -> Vec<String> { of.1.iter().map(|array| array.0.clone()).collect() };
    assert_eq!(names(left), names(right), "{what}: other arrays");
    for (a, b) in left.1.iter().zip(&right.1) {
        assert_eq!(a.1, b.1, "{what}: shape or type of {} differs", a.0);
        assert!(a.2 == b.2, "{what}: the bytes of {} differ", a.0);
    }
}

/// Images that are all different, by a formula instead of a generator.
pub(crate) fn images(count: usize, shape: [usize; 3]) -> Images {
    let size: usize = shape.iter().product();
    let pixels = (0..count * size)
        .map(|index| ((index * 37 + index / size * 91) % 256) as u8)
        .collect();
    Images::new(pixels, shape).unwrap()
}

/// Writes a folder of IDX files.
pub(crate) fn idx_folder(folder: &Path, images: &Images) {
    fs::create_dir_all(folder).unwrap();
    idx::write_images(&folder.join("train-images-idx3-ubyte"), images).unwrap();
}

/// Writes the five batches of CIFAR-10 with `count` images each.
pub(crate) fn cifar_folder(folder: &Path, count: usize) {
    fs::create_dir_all(folder).unwrap();
    for batch in 1..=5 {
        let images = images(count, [3, 32, 32]);
        let records: Vec<u8> = (0..count)
            .flat_map(|index| [&[index as u8 % 10], images.image(index)].concat())
            .collect();
        fs::write(folder.join(format!("data_batch_{batch}.bin")), records).unwrap();
    }
}

/// Writes grey PNG files of `width` x `height`.
pub(crate) fn png_folder(folder: &Path, count: usize, width: u32, height: u32) {
    fs::create_dir_all(folder).unwrap();
    for number in 0..count as u32 {
        image::GrayImage::from_fn(width, height, |x, y| {
            image::Luma([(x * 40 + y * 9 + number * 31) as u8])
        })
        .save(folder.join(format!("{number:03}.png")))
        .unwrap();
    }
}

/// Waits until something holds, and fails after a time in which it must.
pub(crate) fn wait_for(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(
            start.elapsed() < Duration::from_secs(60),
            "waited in vain for {what}"
        );
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Sends a signal to one process.
#[cfg(unix)]
pub(crate) fn signal(name: &str, process: u32) {
    let status = Command::new("sh")
        .args(["-c", &format!("kill -{name} {process}")])
        .status()
        .unwrap();
    assert!(status.success());
}
