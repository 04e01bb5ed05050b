//! Checkpoints written on one backend and resumed on another: what is read back is what was
//! written, and how far training ends from where it would have.

use burn::tensor::Device;
use ebm::backend::{Backend, select};
use ebm::run::AnyModel;
use ebm::run::config::RunConfig;
use ebm::sampling::Interrupt;
use ebm::training::{Checkpoint, Trainer};
use tempfile::TempDir;

use crate::trainers::{KINDS, Kind, advance, all_weights, configuration, trainer};
use crate::{backend, device, distance};

/// Updates before and after the checkpoint.
const UPDATES: usize = 5;
/// Of weights, relative, between two backends.
const TOLERANCE: f64 = 1e-3;

/// The backends of this build that need no driver, and the one under test.
fn backends() -> Vec<(Backend, Device)> {
    let mut all: Vec<(Backend, Device)> = [Backend::Flex, Backend::NdArray]
        .into_iter()
        .map(|backend| (backend, select(backend.name(), 0).unwrap().device))
        .collect();
    if !all.iter().any(|(known, _)| *known == backend()) {
        all.push((backend(), device()));
    }
    all
}

/// The weights of a run that is written on one device and resumed on another.
fn resumed(config: &RunConfig, written_on: &Device, resumed_on: &Device) -> Vec<f32> {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("checkpoint.safetensors");
    let mut first = trainer(config, written_on);
    advance(&mut first, UPDATES);
    first.checkpoint().save(&path).unwrap();
    let written = Checkpoint::load(&path).unwrap();

    let mut second = trainer(config, resumed_on);
    second.restore(Checkpoint::load(&path).unwrap()).unwrap();
    // Reading and writing again loses nothing, whatever the backend.
    let again = second.checkpoint();
    assert_eq!(
        serde_json::to_value(&again.state).unwrap(),
        serde_json::to_value(&written.state).unwrap()
    );
    assert_eq!(
        again.tensors.keys().collect::<Vec<_>>(),
        written.tensors.keys().collect::<Vec<_>>()
    );
    for (name, data) in &written.tensors {
        let other = &again.tensors[name];
        assert_eq!(other.dtype(), data.dtype(), "{name} has another type");
        assert!(other.as_bytes() == data.as_bytes(), "{name} has changed");
    }
    advance(&mut second, UPDATES);
    all_weights(&second)
}

fn straight(config: &RunConfig, device: &Device) -> Vec<f32> {
    let mut trainer = trainer(config, device);
    advance(&mut trainer, 2 * UPDATES);
    all_weights(&trainer)
}

/// State and arrays of a trainer, in a form that can be compared bit for bit.
fn everything(trainer: &Trainer<AnyModel, 4>) -> (String, Vec<(String, Vec<u8>)>) {
    let checkpoint = trainer.checkpoint();
    let arrays = checkpoint.tensors.into_iter();
    (
        serde_json::to_string(&checkpoint.state).unwrap(),
        arrays
            .map(|(name, data)| (name, data.as_bytes().to_vec()))
            .collect(),
    )
}

/// Wherever in its chains an update is called off, it leaves no trace, and one that could be called
/// off but isn't is the same.
#[test]
fn an_update_that_is_called_off_is_as_if_it_had_not_been_tried() {
    for kind in KINDS {
        let config = configuration(kind);
        let (mut straight, mut stopped) =
            (trainer(&config, &device()), trainer(&config, &device()));
        // Into the second epoch, at whose start the order is drawn anew: three batches make one.
        for _ in 0..5 {
            let before = everything(&stopped);
            let mut called_off = 0;
            loop {
                let mut transitions = 0;
                let mut stop = || {
                    transitions += 1;
                    transitions > called_off
                };
                if stopped
                    .step_unless(&mut Interrupt::when(&mut stop))
                    .is_some()
                {
                    break;
                }
                assert!(
                    everything(&stopped) == before,
                    "{}: a trace is left",
                    kind.0
                );
                called_off += 1;
            }
            assert!(
                called_off >= config.sampler.transitions(),
                "{}: called off {called_off} times only",
                kind.0
            );
            advance(&mut straight, 1);
            assert!(
                everything(&stopped) == everything(&straight),
                "{}: another update",
                kind.0
            );
        }
    }
}

/// Prints the table of `docs/backends.md`;
/// `cargo test ... --test conformance -- --nocapture checkpoints` shows it.
#[test]
fn checkpoints_go_from_any_backend_to_any() {
    let kinds: Vec<Kind> = KINDS
        .into_iter()
        .filter(|kind| ["perceptron, bytes, Adam", "RBM", "DBM"].contains(&kind.0))
        .collect();
    assert_eq!(kinds.len(), 3);
    let backends = backends();
    let mut table = String::from("| written on | resumed on | ");
    for kind in &kinds {
        table += &format!("{} | ", kind.0);
    }
    table += &format!("\n{}|\n", "| --- ".repeat(2 + kinds.len()));
    for (written_on, from) in &backends {
        // The straight run's backend is the one that wrote: the table says what a move costs.
        let expected: Vec<Vec<f32>> = kinds
            .iter()
            .map(|kind| straight(&configuration(*kind), from))
            .collect();
        for (resumed_on, to) in &backends {
            table += &format!("| `{written_on}` | `{resumed_on}` | ");
            for (kind, expected) in kinds.iter().zip(&expected) {
                let found = resumed(&configuration(*kind), from, to);
                let moved = distance(&found, expected);
                // A GPU picks kernels by timing them, and other kernels sum in another order.
                let is_cpu = matches!(written_on, Backend::Flex | Backend::NdArray);
                if written_on == resumed_on && is_cpu {
                    assert!(
                        found == *expected,
                        "{}: {written_on} doesn't resume bit for bit, but {moved:.1e} away",
                        kind.0
                    );
                }
                assert!(
                    moved <= TOLERANCE,
                    "{}: from {written_on} to {resumed_on} weights move by {moved:.1e}",
                    kind.0
                );
                table += &match moved {
                    0.0 => "bit for bit | ".to_string(),
                    moved => format!("{moved:.0e} | "),
                };
            }
            table += "\n";
        }
    }
    println!("{table}");
}
