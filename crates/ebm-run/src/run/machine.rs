//! `machine.toml`: what a run was started and continued on, so that a report made elsewhere tells
//! the truth.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use burn::tensor::Device;
use serde::{Deserialize, Serialize};

use super::processor::Processor;
use crate::config::ConfigError;
use crate::error::RunError;
use crate::logs::event_log::now;
use crate::logs::log_lines::{Aside, Unreadable, aside};
use ebm_train::files::write_whole;

/// The version of burn that this is built with; the workspace pins it.
const BURN: &str = "0.22.1";

/// The machine that updates were made on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Machine {
    /// When training started or went on there, in seconds since 1970 (UTC).
    pub at: u64,
    /// Updates made before.
    pub step: u64,
    /// Operating system and architecture.
    pub system: String,
    /// The processor, as it calls itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu: Option<String>,
    /// Processors that the process may use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cores: Option<u64>,
    /// Main memory in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<u64>,
    /// Backend and device, as burn calls them.
    pub device: String,
    /// Version of this library.
    pub ebm: String,
    /// Version of burn.
    pub burn: String,
}

/// The machines of a run, in the order in which it met them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Machines {
    /// One entry for each time that training started or went on.
    #[serde(default, rename = "start")]
    pub starts: Vec<Machine>,
    /// What is wrong with entries that can't be read, if there are any.
    #[serde(skip)]
    pub unreadable: Option<String>,
}

impl Machine {
    /// This machine, now, with `step` updates made before.
    pub(super) fn of(device: &Device, step: u64) -> Self {
        let Processor {
            name,
            threads,
            memory,
        } = Processor::here();
        let device = format!("{device:?}");
        let inner = device
            .strip_prefix("Device<")
            .and_then(|name| name.strip_suffix('>'));
        Self {
            at: now(),
            step,
            system: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
            cpu: name,
            cores: threads.map(|threads| threads as u64),
            memory,
            device: inner.unwrap_or(&device).to_string(),
            ebm: env!("CARGO_PKG_VERSION").into(),
            burn: BURN.into(),
        }
    }

    /// Adds an entry to the file, after those that can be read; what can't be is moved into a file
    /// beside it. The text is a warning.
    ///
    /// # Errors
    ///
    /// If the file can't be read or written.
    pub(super) fn record(self, path: &Path) -> Result<Option<String>, RunError> {
        let entry = Machines {
            starts: vec![self],
            ..Machines::default()
        };
        let text = toml::to_string(&entry).map_err(|error| ConfigError::Write {
            message: error.to_string(),
        })?;
        let before = Machines::bytes(path)?;
        let mut kept = Vec::new();
        let mut unreadable = Unreadable::default();
        let mut moved = Vec::new();
        for (number, piece) in pieces(&before).into_iter().enumerate() {
            match parse(piece) {
                Ok(_) => kept.extend(piece),
                Err(message) => {
                    unreadable.add(number as u64 + 1, message);
                    moved.push(piece);
                }
            }
        }
        if !moved.is_empty() {
            let keep = || -> std::io::Result<()> {
                let mut aside = Aside::open(path)?;
                for piece in &moved {
                    aside.add(*piece)?;
                }
                aside.finish()
            };
            keep().map_err(RunError::io("write", &aside(path)))?;
        }
        if kept.last().is_some_and(|last| *last != b'\n') {
            kept.push(b'\n');
        }
        // Entries of a list of tables can be written one after the other.
        kept.extend(text.as_bytes());
        kept.push(b'\n');
        write_whole(path, &kept).map_err(RunError::io("write", path))?;
        Ok(unreadable
            .describe_as("entry", path)
            .map(|said| format!("{said}; moved to {}", aside(path).display())))
    }
}

impl Machines {
    /// Reads the file; a run folder of an older version has none, and so no entries. Entries that
    /// can't be read are left out.
    ///
    /// # Errors
    ///
    /// If the file can't be read.
    pub fn read(path: &Path) -> Result<Self, RunError> {
        let bytes = Self::bytes(path)?;
        let mut machines = Self::default();
        let mut unreadable = Unreadable::default();
        for (number, piece) in pieces(&bytes).into_iter().enumerate() {
            match parse(piece) {
                Ok(read) => machines.starts.extend(read.starts),
                Err(message) => unreadable.add(number as u64 + 1, message),
            }
        }
        machines.unreadable = unreadable.describe_as("entry", path);
        Ok(machines)
    }

    fn bytes(path: &Path) -> Result<Vec<u8>, RunError> {
        match fs::read(path) {
            Ok(bytes) => Ok(bytes),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(RunError::io("read", path)(error)),
        }
    }
}

/// The entries of the file, where it can't be read as a whole: an entry that was torn doesn't spoil
/// the others.
fn pieces(bytes: &[u8]) -> Vec<&[u8]> {
    /// How an entry starts, and what was written behind each.
    const HEAD: &[u8] = b"[[start]]";
    const END: &[u8] = b"\n\n";
    if parse(bytes).is_ok() {
        return vec![bytes];
    }
    let mut cuts = vec![0];
    for at in 0..bytes.len() {
        if bytes[at..].starts_with(HEAD) {
            cuts.push(at);
        }
        if bytes[..at].ends_with(END) {
            cuts.push(at);
        }
    }
    cuts.push(bytes.len());
    let pieces = cuts.windows(2).map(|cut| &bytes[cut[0]..cut[1]]);
    pieces
        .filter(|piece| !piece.trim_ascii().is_empty())
        .collect()
}

fn parse(piece: &[u8]) -> Result<Machines, String> {
    let text = str::from_utf8(piece).map_err(|error| error.to_string())?;
    toml::from_str(text).map_err(|error| error.message().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_of_burn_is_the_one_that_the_workspace_pins() {
        let manifest = include_str!("../../../../Cargo.toml");
        assert!(manifest.contains(&format!("burn = {{ version = \"={BURN}\"")));
    }

    #[test]
    fn entries_written_one_after_the_other_are_read_back() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("machine.toml");
        assert_eq!(Machines::read(&path).expect("none"), Machines::default());
        let machines: Vec<Machine> = [0, 500]
            .map(|step| Machine::of(&Device::flex(), step))
            .into();
        for machine in machines.clone() {
            machine.record(&path).expect("it is written");
        }
        let read = Machines::read(&path).expect("it is read").starts;
        assert_eq!(read, machines);
        assert!(read[0].device.starts_with("Flex"), "{}", read[0].device);
        assert!(read[0].cores >= Some(1));
    }

    #[test]
    fn torn_entries_are_left_out_and_moved_and_the_others_stay() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("machine.toml");
        let machine = |step| Machine::of(&Device::flex(), step);
        let entry = |step| {
            assert_eq!(machine(step).record(&path).expect("it is written"), None);
            let bytes = fs::read(&path).expect("a file");
            fs::remove_file(&path).expect("a file");
            bytes
        };
        let (first, last) = (entry(1), entry(3));
        let torn = entry(2);
        // Cut at every byte, with what an older version wrote right behind it.
        for end in 1..torn.len() - 2 {
            let torn = &torn[..end];
            fs::write(&path, [&first[..], torn, &last].concat()).expect("a file");
            let read = Machines::read(&path).expect("it is read");
            let steps: Vec<u64> = read.starts.iter().map(|machine| machine.step).collect();
            let is_whole = steps == [1, 2, 3];
            assert!(is_whole || steps == [1, 3], "{end}: {steps:?}");
            assert_eq!(read.unreadable.is_none(), is_whole, "{end}");
            let warning = machine(4).record(&path).expect("it is written");
            assert_eq!(warning.is_none(), is_whole, "{end}");
            let read = Machines::read(&path).expect("it is read");
            assert_eq!(read.starts.len(), steps.len() + 1, "{end}");
            assert_eq!(read.unreadable, None, "{end}");
            if !is_whole {
                let moved = folder.path().join("machine.toml.unreadable");
                let bytes = fs::read(&moved).expect("it is kept");
                assert!(bytes.starts_with(torn.trim_ascii_end()), "{end}");
                fs::remove_file(moved).expect("a file");
            }
        }
        // No text at all.
        fs::write(&path, [&first[..], b"\xff\xfe"].concat()).expect("a file");
        let warning = machine(4).record(&path).expect("it is written");
        assert!(
            warning
                .expect("it is said")
                .contains("1 entry can't be read (entry 2: ")
        );
        assert_eq!(Machines::read(&path).expect("it is read").starts.len(), 2);
    }
}
