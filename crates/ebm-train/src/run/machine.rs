//! `machine.toml`: what a run was started and continued on, so that a report made elsewhere tells the truth.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;

use burn::tensor::Device;
use serde::{Deserialize, Serialize};

use super::event_log::now;
use super::processor::Processor;
use crate::config::ConfigError;
use crate::error::TrainError;

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

    /// Adds an entry to the file.
    pub(super) fn record(self, path: &Path) -> Result<(), TrainError> {
        let entry = Machines { starts: vec![self] };
        let text = toml::to_string(&entry).map_err(|error| ConfigError::Write {
            message: error.to_string(),
        })?;
        // Entries of a list of tables can be written one after the other.
        let mut file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(path)
            .map_err(TrainError::io("write", path))?;
        file.write_all(format!("{text}\n").as_bytes())
            .map_err(TrainError::io("write", path))
    }
}

impl Machines {
    /// Reads the file; a run folder of an older version has none, and so no entries.
    ///
    /// # Errors
    ///
    /// If it can't be read.
    pub fn read(path: &Path) -> Result<Self, TrainError> {
        if !path.exists() {
            return Ok(Self::default());
        }
        let text = fs::read_to_string(path).map_err(TrainError::io("read", path))?;
        toml::from_str(&text).map_err(|error| {
            ConfigError::Syntax {
                origin: path.display().to_string(),
                message: error.to_string().trim().to_string(),
            }
            .into()
        })
    }
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
}
