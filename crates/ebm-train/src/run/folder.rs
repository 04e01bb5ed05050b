//! The folder of a run: what is where, and who may write there.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use crate::checkpoint::Checkpoint;
use crate::config::{ConfigTable, ModelConfig, RunConfig};
use crate::error::{CheckpointError, TrainError};
use crate::files::{delete_unfinished, is_abandoned, write_whole};

/// Extension of checkpoints and models.
const EXTENSION: &str = "safetensors";
/// How often, and with what pauses, a lock is asked for: one that is only looked at ([`RunFolder::is_running`]) is free soon.
const LOCK_TRIES: u32 = 5;
const LOCK_PAUSE: Duration = Duration::from_millis(10);

/// A run folder: `config.toml`, `metrics.jsonl`, `samples/`, `checkpoints/`, `model.safetensors`.
#[derive(Debug)]
pub struct RunFolder {
    root: PathBuf,
    /// Held for as long as this run may write here.
    _lock: Option<Lock>,
}

/// A lock on a file, which ends with this value, or with the process however that ends.
#[derive(Debug)]
struct Lock(File);

impl Drop for Lock {
    fn drop(&mut self) {
        // Closing the file would do, had not a program that is just being started by another thread a copy of it.
        let _ = self.0.unlock();
    }
}

impl RunFolder {
    /// Makes the folder of a new run, locked for writing.
    ///
    /// # Errors
    ///
    /// If there is something in it already, or it can't be made.
    pub fn create(root: &Path, config: &RunConfig) -> Result<Self, TrainError> {
        if root.exists() {
            let mut entries =
                fs::read_dir(root).map_err(TrainError::io("read the folder", root))?;
            if entries.next().is_some() {
                let hint = if root.join("config.toml").exists() {
                    format!(
                        ", or continue the run in it with `ebm resume {}`",
                        root.display()
                    )
                } else {
                    String::new()
                };
                return Err(TrainError::OutputNotEmpty {
                    path: root.to_path_buf(),
                    hint,
                });
            }
        }
        let mut folder = Self {
            root: root.to_path_buf(),
            _lock: None,
        };
        for path in [folder.samples(), folder.checkpoints()] {
            fs::create_dir_all(&path).map_err(TrainError::io("make the folder", &path))?;
        }
        folder.lock()?;
        folder.write_config(config)?;
        Ok(folder)
    }

    /// Opens the folder of a run for reading.
    ///
    /// # Errors
    ///
    /// If it is no run folder.
    pub fn open(root: &Path) -> Result<Self, TrainError> {
        let folder = Self {
            root: root.to_path_buf(),
            _lock: None,
        };
        if folder.config().is_file() {
            return Ok(folder);
        }
        Err(TrainError::NotARun {
            path: root.to_path_buf(),
            missing: "config.toml",
        })
    }

    /// Opens the folder of a run for writing.
    ///
    /// # Errors
    ///
    /// If it is no run folder, or another process writes in it.
    pub fn open_locked(root: &Path) -> Result<Self, TrainError> {
        let mut folder = Self::open(root)?;
        folder.lock()?;
        Ok(folder)
    }

    /// The folder itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The effective configuration.
    pub fn config(&self) -> PathBuf {
        self.root.join("config.toml")
    }

    /// One line of JSON every `output.log_every` updates.
    pub fn metrics(&self) -> PathBuf {
        self.root.join("metrics.jsonl")
    }

    /// What happened and when, one line of JSON an event.
    pub fn events(&self) -> PathBuf {
        self.root.join("events.jsonl")
    }

    /// The machines that the run was started and continued on.
    pub fn machine(&self) -> PathBuf {
        self.root.join("machine.toml")
    }

    /// For runs on the plane: one line of JSON with each picture, what a grid says of the density.
    pub fn density(&self) -> PathBuf {
        self.root.join("density.jsonl")
    }

    /// The folder of pictures.
    pub fn samples(&self) -> PathBuf {
        self.root.join("samples")
    }

    /// The picture after an update.
    pub fn sample(&self, step: u64) -> PathBuf {
        self.samples().join(format!("step-{step:08}.png"))
    }

    /// The picture of the energies so far.
    pub fn energies(&self) -> PathBuf {
        self.root.join("energies.png")
    }

    /// The folder of checkpoints.
    pub fn checkpoints(&self) -> PathBuf {
        self.root.join("checkpoints")
    }

    /// The checkpoint after an update.
    pub fn checkpoint(&self, step: u64) -> PathBuf {
        self.checkpoints()
            .join(format!("step-{step:08}.{EXTENSION}"))
    }

    /// What pretraining made of a hidden layer, from 1.
    pub fn pretrained(&self, layer: usize) -> PathBuf {
        self.root.join(format!("pretraining-{layer}.{EXTENSION}"))
    }

    /// The final model.
    pub fn model(&self) -> PathBuf {
        self.root.join(format!("model.{EXTENSION}"))
    }

    /// Reads the configuration.
    ///
    /// # Errors
    ///
    /// If the file can't be read or a key is wrong.
    pub fn read_config(&self) -> Result<ConfigTable, TrainError> {
        Ok(ConfigTable::from_file(&self.config())?)
    }

    /// Writes the configuration, unless it is there already: a full disk doesn't keep a run from going on.
    ///
    /// # Errors
    ///
    /// If the disk refuses.
    pub fn write_config(&self, config: &RunConfig) -> Result<(), TrainError> {
        let path = self.config();
        let text = config.to_toml()?;
        if fs::read(&path).is_ok_and(|before| before == text.as_bytes()) {
            return Ok(());
        }
        write_whole(&path, text.as_bytes()).map_err(TrainError::io("write", &path))
    }

    /// The updates of which there are checkpoints, newest first.
    ///
    /// # Errors
    ///
    /// If the folder can't be read.
    pub fn checkpoint_steps(&self) -> Result<Vec<u64>, TrainError> {
        let mut steps = steps_in(&self.checkpoints(), EXTENSION)?;
        steps.sort_unstable_by(|a, b| b.cmp(a));
        Ok(steps)
    }

    /// The updates of which there are pictures, oldest first.
    ///
    /// # Errors
    ///
    /// If the folder can't be read.
    pub fn sample_steps(&self) -> Result<Vec<u64>, TrainError> {
        let mut steps = steps_in(&self.samples(), "png")?;
        steps.sort_unstable();
        Ok(steps)
    }

    /// Whether a process is training in it now.
    pub fn is_running(&self) -> bool {
        // Held for no longer than the question takes; whoever wants to train meanwhile tries again.
        File::open(self.lock_file())
            .is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
    }

    /// Whether the run was stopped while its layers were pretrained, before its first checkpoint.
    pub(super) fn is_pretraining(&self, config: &RunConfig) -> Result<bool, TrainError> {
        let pretrains = match &config.model {
            ModelConfig::Dbm(keys) => {
                keys.pretraining.is_some() && config.training.start_from.is_none()
            }
            _ => false,
        };
        Ok(pretrains && self.checkpoint_steps()?.is_empty())
    }

    /// Reads the newest checkpoint.
    ///
    /// # Errors
    ///
    /// If there is none, or it can't be used.
    pub fn newest_checkpoint(&self) -> Result<(Checkpoint, PathBuf), TrainError> {
        let step =
            self.checkpoint_steps()?
                .first()
                .copied()
                .ok_or_else(|| CheckpointError::Missing {
                    path: self.checkpoints(),
                })?;
        let path = self.checkpoint(step);
        Ok((Checkpoint::load(&path)?, path))
    }

    /// Deletes all checkpoints but the newest `keep`, and what a kill left unfinished.
    ///
    /// # Errors
    ///
    /// If the folder can't be read.
    pub fn prune_checkpoints(&self, keep: usize) -> Result<(), TrainError> {
        for step in self.checkpoint_steps()?.into_iter().skip(keep) {
            self.delete_checkpoint(step)?;
        }
        // Who trains is alone in this folder.
        delete_unfinished(&self.checkpoints(), |_| true);
        Ok(())
    }

    /// Deletes what writers that were killed left unfinished, wherever this library writes in the folder.
    pub(super) fn delete_unfinished(&self) {
        let owned = |name: &str| match name {
            "config.toml" | "metrics.jsonl" | "density.jsonl" | "model.safetensors" => true,
            // Anybody may be writing one now.
            "report.html" => is_abandoned(&self.root.join("report.html.tmp")),
            _ => name.starts_with("pretraining-"),
        };
        delete_unfinished(&self.root, owned);
        delete_unfinished(&self.samples(), |_| false);
        delete_unfinished(&self.root.join("evaluation"), |_| false);
        delete_unfinished(&self.checkpoints(), |_| true);
    }

    /// Makes a folder of the run where somebody took it away; the run folder itself isn't made again.
    pub(super) fn make(&self, folder: &Path) -> Result<(), TrainError> {
        match fs::create_dir(folder) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                Err(TrainError::io("make the folder", folder)(error))
            }
            _ => Ok(()),
        }
    }

    /// Deletes one checkpoint.
    ///
    /// # Errors
    ///
    /// If the disk refuses.
    pub fn delete_checkpoint(&self, step: u64) -> Result<(), TrainError> {
        let path = self.checkpoint(step);
        fs::remove_file(&path).map_err(TrainError::io("delete", &path))?;
        tracing::debug!(path = %path.display(), "checkpoint deleted");
        Ok(())
    }

    fn lock_file(&self) -> PathBuf {
        self.root.join("run.lock")
    }

    fn lock(&mut self) -> Result<(), TrainError> {
        let path = self.lock_file();
        let file = File::create(&path).map_err(TrainError::io("make the lock file", &path))?;
        let mut tries = LOCK_TRIES;
        loop {
            tries -= 1;
            match file.try_lock() {
                Ok(()) => {
                    self._lock = Some(Lock(file));
                    return Ok(());
                }
                Err(TryLockError::WouldBlock) if tries > 0 => thread::sleep(LOCK_PAUSE),
                Err(TryLockError::WouldBlock) => {
                    return Err(TrainError::Locked {
                        path: self.root.clone(),
                    });
                }
                Err(TryLockError::Error(source)) => {
                    return Err(TrainError::io("lock", &path)(source));
                }
            }
        }
    }
}

/// The steps of the files `step-N.EXTENSION` in a folder, in no order.
fn steps_in(path: &Path, extension: &str) -> Result<Vec<u64>, TrainError> {
    let entries = fs::read_dir(path).map_err(TrainError::io("read the folder", path))?;
    let step = |entry: io::Result<fs::DirEntry>| {
        let name = entry.ok()?.file_name();
        let step = name.to_str()?.strip_prefix("step-")?;
        step.strip_suffix(extension)?
            .strip_suffix('.')?
            .parse()
            .ok()
    };
    Ok(entries.filter_map(step).collect())
}
