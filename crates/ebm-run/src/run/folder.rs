//! The folder of a run: what is where, and who may write there.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::lock::Lock;
use crate::config::{ConfigTable, RunConfig};
use crate::error::RunError;
use ebm_train::Checkpoint;

use ebm_train::files::{UNFINISHED, delete_unfinished, is_abandoned, write_whole};

/// Extension of checkpoints and models.
const EXTENSION: &str = "safetensors";
/// What makes a folder that of a run.
pub(super) const CONFIG: &str = "config.toml";

/// A run folder: `config.toml`, `metrics.jsonl`, `samples/`, `checkpoints/`, `model.safetensors`.
#[derive(Debug)]
pub struct RunFolder {
    pub(super) root: PathBuf,
    /// Held for as long as this run may write here.
    pub(super) lock: Option<Lock>,
}

impl RunFolder {
    /// Opens the folder of a run for reading.
    ///
    /// # Errors
    ///
    /// If it is no run folder.
    pub fn open(root: &Path) -> Result<Self, RunError> {
        let folder = Self {
            root: root.to_path_buf(),
            lock: None,
        };
        if folder.config().is_file() {
            return Ok(folder);
        }
        Err(RunError::NotARun {
            path: root.to_path_buf(),
            missing: CONFIG,
        })
    }

    /// Opens the folder of a run for writing.
    ///
    /// # Errors
    ///
    /// If it is no run folder, or another process writes in it.
    pub fn open_locked(root: &Path) -> Result<Self, RunError> {
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
        self.root.join(CONFIG)
    }

    /// What was chosen for the data and why, where the configuration was.
    pub fn chosen(&self) -> PathBuf {
        self.root.join("chosen.txt")
    }

    /// The configuration of a run that isn't whole yet.
    pub(super) fn staged_config(&self) -> PathBuf {
        self.root.join(format!("{CONFIG}.{UNFINISHED}"))
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

    /// One line of JSON with each picture: how good the model was.
    pub fn quality(&self) -> PathBuf {
        self.root.join("quality.jsonl")
    }

    /// The quality of its model's chains at several lengths, from `ebm eval --long-run`.
    pub fn long_run(&self) -> PathBuf {
        self.root.join("long_run.json")
    }

    /// The classifier whose features quality is measured in, where data have labels.
    pub fn features(&self) -> PathBuf {
        self.root.join(format!("features.{EXTENSION}"))
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

    /// The checkpoint of the best model so far.
    pub fn best_checkpoint(&self) -> PathBuf {
        self.checkpoints().join(format!("best.{EXTENSION}"))
    }

    /// What pretraining made of a hidden layer, from 1.
    pub fn pretrained(&self, layer: usize) -> PathBuf {
        self.root.join(format!("pretraining-{layer}.{EXTENSION}"))
    }

    /// What `ebm eval` found last, unless it was told to write elsewhere.
    pub fn evaluation(&self) -> PathBuf {
        self.root.join("evaluation").join("report.json")
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
    pub fn read_config(&self) -> Result<ConfigTable, RunError> {
        Ok(ConfigTable::from_file(&self.config())?)
    }

    /// Writes the configuration, unless it is there already: a full disk doesn't keep a run from
    /// going on.
    ///
    /// # Errors
    ///
    /// If the disk refuses.
    pub fn write_config(&self, config: &RunConfig) -> Result<(), RunError> {
        let path = self.config();
        let text = config.to_toml()?;
        if fs::read(&path).is_ok_and(|before| before == text.as_bytes()) {
            return Ok(());
        }
        write_whole(&path, text.as_bytes()).map_err(RunError::io("write", &path))
    }

    /// Writes what was chosen, a line each.
    ///
    /// # Errors
    ///
    /// If the disk refuses.
    pub(super) fn write_chosen(&self, reasons: &[String]) -> Result<(), RunError> {
        let path = self.chosen();
        let text = reasons.join("\n") + "\n";
        write_whole(&path, text.as_bytes()).map_err(RunError::io("write", &path))
    }

    /// The updates of which there are checkpoints, newest first.
    ///
    /// # Errors
    ///
    /// If the folder can't be read.
    pub fn checkpoint_steps(&self) -> Result<Vec<u64>, RunError> {
        let mut steps = steps_in(&self.checkpoints(), EXTENSION)?;
        steps.sort_unstable_by(|a, b| b.cmp(a));
        Ok(steps)
    }

    /// The updates of which there are pictures, oldest first.
    ///
    /// # Errors
    ///
    /// If the folder can't be read.
    pub fn sample_steps(&self) -> Result<Vec<u64>, RunError> {
        let mut steps = steps_in(&self.samples(), "png")?;
        steps.sort_unstable();
        Ok(steps)
    }

    /// Deletes the pictures of updates after `step`, which a roll-back takes back.
    ///
    /// # Errors
    ///
    /// The first time that the disk refuses; all others are deleted.
    pub(super) fn delete_samples_after(&self, step: u64) -> Result<(), RunError> {
        if !self.samples().exists() {
            return Ok(());
        }
        let steps = self.sample_steps()?.into_iter().filter(|&at| at > step);
        let deletions = steps.map(|step| {
            let path = self.sample(step);
            fs::remove_file(&path).map_err(RunError::io("delete", &path))
        });
        // All of them first.
        deletions.collect::<Vec<_>>().into_iter().collect()
    }

    /// Whether a process is training in it now.
    pub fn is_running(&self) -> bool {
        Lock::is_held(&self.root)
    }

    /// Whether the file system has no locks, so that a file keeps other processes away.
    pub fn is_locked_by_file(&self) -> bool {
        self.lock.as_ref().is_some_and(Lock::is_a_file)
    }

    /// Whether the run was stopped before its first checkpoint, in its pretraining if it has one.
    ///
    /// # Errors
    ///
    /// If there is no checkpoint but something that a run writes later, or has from elsewhere.
    pub(super) fn is_at_its_start(&self) -> Result<bool, RunError> {
        let path = self.checkpoints();
        if path.exists() && !self.checkpoint_steps()?.is_empty() {
            return Ok(false);
        }
        let size = |path: &Path| fs::metadata(path).map_or(0, |file| file.len());
        let results = [self.model(), self.metrics()];
        match results.into_iter().find(|path| size(path) > 0) {
            None => Ok(true),
            Some(result) => Err(RunError::NothingToResume {
                path,
                result,
                run: self.root.clone(),
            }),
        }
    }

    /// Reads the newest checkpoint.
    ///
    /// # Errors
    ///
    /// If there is none, or it can't be used.
    pub fn newest_checkpoint(&self) -> Result<(Checkpoint, PathBuf), RunError> {
        let step = self
            .checkpoint_steps()?
            .first()
            .copied()
            .ok_or_else(|| RunError::Missing {
                path: self.checkpoints(),
            })?;
        let path = self.checkpoint(step);
        Ok((Checkpoint::load(&path)?, path))
    }

    /// Makes the best checkpoint the newest, for going on from there: later checkpoints and
    /// pictures are deleted; the lines of logs go when the run goes on. Gives its update.
    ///
    /// # Errors
    ///
    /// If no best model was kept, its checkpoint can't be used, or the disk refuses.
    pub fn go_back_to_best(&self) -> Result<u64, RunError> {
        let path = self.best_checkpoint();
        if !path.is_file() {
            return Err(RunError::NoBest { path });
        }
        let best = Checkpoint::load(&path)?.state.step;
        let bytes = fs::read(&path).map_err(RunError::io("read", &path))?;
        let newest = self.checkpoint(best);
        write_whole(&newest, &bytes).map_err(RunError::io("write", &newest))?;
        for step in self.checkpoint_steps()? {
            if step > best {
                self.delete_checkpoint(step)?;
            }
        }
        self.delete_samples_after(best)?;
        Ok(best)
    }

    /// Deletes all checkpoints but the newest `keep`, and what a kill left unfinished.
    ///
    /// # Errors
    ///
    /// If the folder can't be read, or a file can't be deleted; all others are deleted then.
    pub fn prune_checkpoints(&self, keep: usize) -> Result<(), RunError> {
        let old = self.checkpoint_steps()?.into_iter().skip(keep);
        let deletions: Vec<_> = old.map(|step| self.delete_checkpoint(step)).collect();
        // Who trains is alone in this folder.
        delete_unfinished(&self.checkpoints(), |_| true);
        deletions.into_iter().collect()
    }

    /// Deletes what writers that were killed left unfinished, wherever this library writes in the
    /// folder.
    pub(super) fn delete_unfinished(&self) {
        let owned = |name: &str| match name {
            "config.toml" | "metrics.jsonl" | "density.jsonl" | "model.safetensors"
            | "energies.png" | "machine.toml" => true,
            // Anybody may be writing one now.
            "report.html" => is_abandoned(&self.root.join(format!("{name}.{UNFINISHED}"))),
            _ => name.starts_with("pretraining-"),
        };
        delete_unfinished(&self.root, owned);
        delete_unfinished(&self.samples(), |name| name.starts_with("step-"));
        delete_unfinished(&self.root.join("evaluation"), |_| false);
        delete_unfinished(&self.checkpoints(), |_| true);
    }

    /// Makes a folder of the run where somebody took it away; the run folder itself isn't made
    /// again.
    pub(super) fn make(&self, folder: &Path) -> Result<(), RunError> {
        match fs::create_dir(folder) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                Err(RunError::io("make the folder", folder)(error))
            }
            _ => Ok(()),
        }
    }

    /// Deletes one checkpoint.
    ///
    /// # Errors
    ///
    /// If the disk refuses.
    pub fn delete_checkpoint(&self, step: u64) -> Result<(), RunError> {
        let path = self.checkpoint(step);
        fs::remove_file(&path).map_err(RunError::io("delete", &path))?;
        tracing::debug!(path = %path.display(), "checkpoint deleted");
        Ok(())
    }

    pub(super) fn lock(&mut self) -> Result<(), RunError> {
        self.lock = Some(Lock::acquire(&self.root)?);
        Ok(())
    }
}

/// The steps of the files `step-N.EXTENSION` in a folder, in no order.
fn steps_in(path: &Path, extension: &str) -> Result<Vec<u64>, RunError> {
    let entries = fs::read_dir(path).map_err(RunError::io("read the folder", path))?;
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

#[cfg(all(test, unix))]
mod tests {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    use super::*;

    #[test]
    fn of_a_start_that_fails_nothing_is_left() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let table = ConfigTable::from_preset("digits").expect("a preset");
        let mut config = table.read().expect("it is right");
        // No text, so that the configuration can't be written.
        config.training.start_from = Some(PathBuf::from(OsStr::from_bytes(b"/\xff")));
        let empty = folder.path().join("empty");
        fs::create_dir(&empty).expect("it is made");
        for root in [empty.clone(), folder.path().join("a/b")] {
            RunFolder::create(&root, &config).expect_err("it can't be written");
        }
        let count = |path: &Path| fs::read_dir(path).expect("it is there").count();
        assert_eq!((count(folder.path()), count(&empty)), (1, 0));
    }
}
