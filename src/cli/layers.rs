//! Arguments that several commands share: the layers of the configuration, and the device.

use std::path::{Path, PathBuf};

use ebm::backend::{self, Choice};
use ebm::run::config::{AutomaticConfig, ConfigTable, Pace, RunConfig};
use ebm::run::{RunError, RunFolder};

use super::failure::Failure;
use super::terminal::warn;

/// Where the configuration comes from.
#[derive(clap::Args)]
pub(crate) struct ConfigArgs {
    /// Configuration file (TOML); `ebm config` prints one to start from
    #[arg(value_name = "CONFIG", conflicts_with = "preset")]
    pub(crate) file: Option<PathBuf>,
    /// Start from a preset: digits, fashion-mnist, mnist, cifar10, two-moons, rings, checkerboard,
    /// pinwheel, gaussians, rbm-digits, rbm-mnist, rbm-fashion-mnist, dbm-mnist or hopfield-digits
    /// [default: digits]
    #[arg(long, value_name = "NAME")]
    pub(crate) preset: Option<String>,
    /// Folder of data: IDX files (MNIST and relatives), CIFAR-10 binary files, or PNG/JPEG images;
    /// without CONFIG or a preset all else is chosen for them, and said
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// Minutes that training is to take, where all is chosen for the data [default: 5]
    #[arg(long, value_name = "M", value_parser = parse_minutes, requires = "data", conflicts_with_all = ["file", "preset"])]
    pub(crate) minutes: Option<f64>,
    /// Change one key, e.g. training.steps=500; `none` removes an optional key; may be repeated
    #[arg(long = "set", value_name = "SECTION.KEY=VALUE")]
    pub(crate) overrides: Vec<String>,
    /// Seed of all randomness (the same as --set seed=N)
    #[arg(long, value_parser = clap::value_parser!(u64).range(..=i64::MAX as u64))]
    pub(crate) seed: Option<u64>,
}

impl ConfigArgs {
    /// Reads the layers, later ones over earlier ones. With a run to start from the lowest is its
    /// configuration, unless a file or a preset is given.
    pub(crate) fn read(&self, start_from: Option<&Path>) -> Result<RunConfig, Failure> {
        let mut table = match (&self.file, &self.preset, start_from) {
            (Some(path), ..) => ConfigTable::from_file(path)?,
            (None, None, Some(run)) => RunFolder::open(run)?.read_config()?,
            (None, preset, _) => {
                ConfigTable::from_preset(preset.as_deref().unwrap_or(DEFAULT_PRESET))?
            }
        };
        if let Some(data) = &self.data {
            table.set_data_folder(data)?;
        }
        let mut config = self.over(table)?;
        if let Some(run) = start_from {
            config.training.start_from = Some(run.to_path_buf());
        }
        // The run may be resumed from elsewhere.
        Ok(config.with_absolute_paths())
    }

    /// What is chosen for the data, where nothing else says how to train on them.
    pub(crate) fn automatic(
        &self,
        start_from: Option<&Path>,
    ) -> Result<Option<AutomaticConfig>, Failure> {
        let data = match (&self.file, &self.preset, start_from, &self.data) {
            (None, None, None, Some(data)) => data,
            _ => return Ok(None),
        };
        let automatic = AutomaticConfig::of(data, self.minutes).map_err(RunError::from)?;
        let asked = self.over(automatic.table(1)?)?;
        Ok(Some(automatic.following(&asked)))
    }

    /// What was chosen for a training of so many updates, with the keys that are set over it.
    pub(crate) fn read_automatic(
        &self,
        automatic: &AutomaticConfig,
        updates: u64,
    ) -> Result<RunConfig, Failure> {
        let config = self.over(automatic.table(updates)?)?;
        // The run may be resumed from elsewhere.
        Ok(config.with_absolute_paths())
    }

    /// The number of updates, if it is set by hand.
    pub(crate) fn given_updates(
        &self,
        automatic: &AutomaticConfig,
    ) -> Result<Option<u64>, Failure> {
        let updates = |chosen| -> Result<u64, Failure> {
            Ok(self.over(automatic.table(chosen)?)?.training.steps)
        };
        let given = updates(1)?;
        Ok((updates(2)? == given).then_some(given))
    }

    /// What was chosen and why, and what is set otherwise.
    pub(crate) fn reasons(
        &self,
        automatic: &AutomaticConfig,
        config: &RunConfig,
        pace: Pace,
    ) -> Vec<String> {
        let mut reasons = automatic.reasons(config, pace);
        if !self.overrides.is_empty() {
            reasons.push(format!("set otherwise: {}", self.overrides.join(", ")));
        }
        reasons
    }

    /// The keys of flags over a table.
    fn over(&self, mut table: ConfigTable) -> Result<RunConfig, Failure> {
        if let Some(seed) = self.seed {
            table.set(&format!("seed={seed}"))?;
        }
        for assignment in &self.overrides {
            table.set(assignment)?;
        }
        Ok(table.read()?)
    }

    /// What a run of this configuration is called.
    pub(crate) fn name(&self, start_from: Option<&Path>) -> String {
        let stem = self
            .file
            .as_deref()
            .and_then(Path::file_stem)
            .map(|stem| stem.to_string_lossy().into_owned());
        let last = |path: &Path| Some(path.file_name()?.to_string_lossy().into_owned());
        stem.or_else(|| self.preset.clone())
            .or_else(|| last(start_from?))
            .or_else(|| last(self.data.as_deref()?))
            .unwrap_or_else(|| DEFAULT_PRESET.into())
    }
}

fn parse_minutes(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(minutes) if minutes > 0.0 && minutes.is_finite() => Ok(minutes),
        _ => Err("expected a number of minutes above 0".into()),
    }
}

/// The preset when nothing is asked for.
const DEFAULT_PRESET: &str = "digits";

/// Where to compute.
#[derive(clap::Args)]
pub(crate) struct DeviceArgs {
    /// Backend: auto, flex, ndarray, wgpu, vulkan, cuda, metal or rocm; `ebm devices` lists what
    /// there is
    #[arg(long, value_name = "NAME", env = "EBM_BACKEND")]
    backend: Option<String>,
    /// Number of the device, for machines with several; `ebm devices` numbers them
    #[arg(long, value_name = "N", env = "EBM_DEVICE", default_value_t = 0)]
    device: usize,
}

impl DeviceArgs {
    /// Opens the device: the flag, else the environment, else the configuration, else `auto`.
    pub(crate) fn open(&self, configured: Option<&str>) -> Result<Choice, Failure> {
        let name = self.backend.as_deref().or(configured).unwrap_or("auto");
        let choice = backend::select(name, self.device)?;
        for error in &choice.passed_over {
            warn(format_args!("auto: {error}"));
        }
        Ok(choice)
    }
}
