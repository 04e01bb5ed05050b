//! The way back of a run whose training diverged: to a checkpoint, with half the learning rate.

use std::path::PathBuf;

use super::runner::Runner;
use crate::error::RunError;
use crate::logs::events::{Event, Watch};
use ebm_train::Checkpoint;
use ebm_train::CheckpointError;

impl Runner<'_> {
    /// Goes back to the newest checkpoint with half the learning rate. That checkpoint is used up:
    /// if training diverges again before it writes another, it goes back to the one before.
    ///
    /// All of this is in the folder before training goes on, so that a run that is killed then
    /// doesn't start again with the learning rate that failed.
    pub(super) fn roll_back(&mut self, watch: &mut dyn Watch) -> Result<(), RunError> {
        let from = self.trainer.steps_done();
        let give_up = || RunError::Diverged {
            step: from,
            rollbacks: self.trainer.rollbacks(),
            folder: self.folder.checkpoints(),
        };
        if self.trainer.rollbacks() >= self.config.recovery.max_rollbacks {
            return Err(give_up());
        }
        let steps = self.folder.checkpoint_steps()?;
        let newest = *steps.first().ok_or_else(give_up)?;
        let to = match steps.get(1) {
            Some(&before) if self.used_up == Some(newest) => before,
            _ => newest,
        };
        self.take_up(self.folder.checkpoint(to))?;
        self.used_up = Some(to);
        self.go_on_from(to, watch)?;
        tracing::warn!(
            from,
            to,
            learning_rate = self.trainer.learning_rate(),
            "training diverged: back to a checkpoint"
        );
        watch.event(&Event::RolledBack {
            from,
            to,
            learning_rate: self.trainer.learning_rate(),
            rollbacks: self.trainer.rollbacks(),
        });
        self.warn(watch);
        Ok(())
    }

    /// Goes back to a checkpoint with half the learning rate; gives its update.
    pub(super) fn take_up(&mut self, path: PathBuf) -> Result<u64, RunError> {
        let checkpoint = Checkpoint::load(&path)?;
        let step = checkpoint.state.step;
        self.trainer
            .roll_back(checkpoint)
            .map_err(|message| CheckpointError::Mismatch { path, message })?;
        Ok(step)
    }

    /// Saves the state of an earlier update, which the trainer went back to, and takes back what
    /// came later.
    pub(super) fn go_on_from(&mut self, to: u64, watch: &mut dyn Watch) -> Result<(), RunError> {
        self.refused_in_a_row = 0;
        // Nothing is deleted by its age: what is to go is newer.
        self.save_only(watch)?;
        let later = self.folder.checkpoint_steps()?;
        for step in later.into_iter().filter(|&step| step > to) {
            self.folder.delete_checkpoint(step)?;
        }
        // Last: until here a kill leaves a checkpoint whose lines are all needed.
        self.warnings.extend(self.log.go_back(to));
        let density = self.density.as_mut().and_then(|log| log.go_back(to));
        self.warnings.extend(density);
        self.warnings.extend(self.quality.go_back(to));
        if let Err(error) = self.folder.delete_samples_after(to) {
            self.warnings.push(error.to_string());
        }
        Ok(())
    }
}
