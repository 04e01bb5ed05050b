//! The loop of a run: updates, metrics, pictures, checkpoints.

use std::time::{Duration, Instant};

use burn::module::Module;
use burn::tensor::Device;

use super::folder::RunFolder;
use super::machine::Machine;
use super::measuring::{Ending, Measure, QualityLog};
use super::model_file::ModelFile;
use super::plane::DensityLog;
use crate::config::RunConfig;
use crate::error::RunError;
use crate::kinds::AnyModel;
use crate::logs::event_log::EventLog;
use crate::logs::events::{Event, Outcome, Watch};
use crate::logs::metrics_log::MetricsLog;
use crate::patience::patiently;
use crate::quality::Verdict;
use ebm_train::Fingerprint;
use ebm_train::{Scalar, StepOutcome, Trainer};

/// A run that goes on.
pub(super) struct Runner<'a> {
    pub(super) config: &'a RunConfig,
    pub(super) device: &'a Device,
    pub(super) folder: RunFolder,
    pub(super) trainer: Trainer<AnyModel, 4>,
    pub(super) log: MetricsLog,
    /// For runs on the plane.
    pub(super) density: Option<DensityLog>,
    /// What went wrong and is still to be said: it may come before somebody listens.
    pub(super) warnings: Vec<String>,
    /// Whether the last pictures failed, which was said then.
    pub(super) pictures_failed: bool,
    /// Whether the last deletion of old checkpoints failed, which was said then.
    pub(super) prune_failed: bool,
    /// What was measured of the models.
    pub(super) quality: QualityLog,
    /// What they are measured against, once one is.
    pub(super) measure: Option<Measure>,
    /// Whether the last measurement failed, which was said then.
    pub(super) measurement_failed: bool,
    /// The time that measuring took in this process.
    pub(super) measured_for: Duration,
    /// When this process began to train.
    pub(super) began: Instant,
    /// How far the chains of the last update moved.
    pub(super) displacement: Option<f64>,
    /// Times that training went back to its best model after a collapse.
    pub(super) collapses: u32,
    /// Why training ends before its last update.
    pub(super) ending: Option<Ending>,
    /// The step that was saved last, by this process.
    pub(super) saved_at: Option<u64>,
    pub(super) refused_in_a_row: u32,
    /// The step of the checkpoint that training went back to last.
    pub(super) used_up: Option<u64>,
    /// The examples that training was stopped with, where a checkpoint says so, and whether it is
    /// to go on with others.
    pub(super) trained_on: Option<(Fingerprint, bool)>,
    /// The learning rate of the last update, where the run goes on with quite another.
    pub(super) rate_before: Option<f64>,
}

impl<'a> Runner<'a> {
    pub(super) fn new(
        config: &'a RunConfig,
        device: &'a Device,
        folder: RunFolder,
        trainer: Trainer<AnyModel, 4>,
    ) -> Self {
        folder.delete_unfinished();
        let (log, warning) = MetricsLog::open(&folder.metrics(), trainer.steps_done());
        let (quality, quality_warning) = QualityLog::open(&folder.quality(), trainer.steps_done());
        let mut runner = Self {
            config,
            device,
            folder,
            trainer,
            log,
            density: None,
            quality,
            measure: None,
            measurement_failed: false,
            measured_for: Duration::ZERO,
            began: Instant::now(),
            displacement: None,
            collapses: 0,
            ending: None,
            warnings: warning.into_iter().chain(quality_warning).collect(),
            pictures_failed: false,
            prune_failed: false,
            saved_at: None,
            refused_in_a_row: 0,
            used_up: None,
            trained_on: None,
            rate_before: None,
        };
        runner.open_density();
        runner
    }

    /// Makes the updates that are left, and writes down how that ended.
    pub(super) fn run(mut self, watch: &mut dyn Watch) -> Result<Outcome, RunError> {
        let machine = Machine::of(self.device, self.trainer.steps_done());
        match machine.record(&self.folder.machine()) {
            Ok(warning) => self.warnings.extend(warning),
            Err(error) => self.warnings.push(error.to_string()),
        }
        let mut log = EventLog::open(&self.folder.events(), watch);
        let outcome = self.run_watched(&mut log);
        self.warnings.extend(self.log.finish());
        let density = self.density.as_mut().and_then(DensityLog::finish);
        self.warnings.extend(density);
        self.warnings.extend(self.quality.finish());
        self.warn(&mut log);
        log.close(outcome)
    }

    /// Opens the log of the density, if the data are points of the plane, after the updates made so
    /// far.
    fn open_density(&mut self) {
        if !self.config.data.is_image() {
            let step = self.trainer.steps_done();
            let (log, warning) = DensityLog::open(&self.folder.density(), step);
            self.density = Some(log);
            self.warnings.extend(warning);
        }
    }

    /// Says what went wrong that training goes on without.
    pub(super) fn warn(&mut self, watch: &mut dyn Watch) {
        for message in self.warnings.drain(..) {
            tracing::warn!(message);
            watch.event(&Event::Warned { message: &message });
        }
    }

    fn run_watched(&mut self, watch: &mut dyn Watch) -> Result<Outcome, RunError> {
        let steps = self.config.training.steps;
        tracing::info!(
            folder = %self.folder.root().display(),
            step = self.trainer.steps_done(),
            steps,
            "training starts"
        );
        watch.event(&Event::Started {
            folder: self.folder.root(),
            step: self.trainer.steps_done(),
            steps,
            parameters: self.trainer.model().num_params(),
            examples: self.trainer.examples().len(),
        });
        self.warn(watch);
        if self.folder.is_locked_by_file() {
            watch.event(&Event::LockedByFile {
                folder: self.folder.root(),
            });
        }
        let to = self.trainer.learning_rate();
        if let Some(from) = self
            .rate_before
            .filter(|_| self.trainer.steps_done() < steps)
        {
            watch.event(&Event::RateJumped { from, to });
        }
        let now = self.trainer.examples().fingerprint();
        if let Some((before, asked_for)) = self.trained_on
            && now.differs(before)
        {
            tracing::warn!(?before, ?now, asked_for, "the data were changed");
            watch.event(&Event::DataChanged {
                before,
                now,
                asked_for,
            });
        }
        if self.folder.checkpoint_steps()?.is_empty() {
            if !self.pretrain(watch)? {
                return Ok(Outcome::Stopped { step: 0 });
            }
            // A run that diverges before its first checkpoint needs one to go back to.
            self.save(watch)?;
        }
        if self.trainer.steps_done() >= steps {
            // A kill may have come between the last checkpoint and the model.
            self.save(watch)?;
            self.restore_model()?;
        }
        // The last picture may have been given up, or a kill come before it.
        let mut whole = !self.lacks_picture() || self.draw_samples(watch);
        whole = whole && self.measure(watch)?;
        while whole && !self.is_over() {
            whole = self.step(watch)?;
            if watch.should_stop() && !self.is_over() {
                break;
            }
        }
        if !whole || !self.is_over() {
            self.write_metrics(watch);
            return Ok(Outcome::Stopped {
                step: self.save_stopped(watch)?,
            });
        }
        self.finish(watch)
    }

    /// Whether there is nothing left to do: all updates were made, or training ended before.
    fn is_over(&self) -> bool {
        self.ending.is_some() || self.trainer.steps_done() >= self.config.training.steps
    }

    /// Judges the run and says that it has finished.
    fn finish(&mut self, watch: &mut dyn Watch) -> Result<Outcome, RunError> {
        let step = self.trainer.steps_done();
        if self.ending.is_some() {
            self.write_metrics(watch);
            if self.saved_at != Some(step) && self.ending == Some(Ending::StoppedEarly) {
                self.save(watch)?;
            }
        }
        let verdict = self.quality.history().final_verdict();
        if !self.quality.history().is_empty() {
            let all = self.began.elapsed().as_secs_f64();
            let measuring = self.measured_for.as_secs_f64();
            watch.event(&Event::Judged {
                verdict: &verdict,
                cost: measuring / (all - measuring).max(f64::MIN_POSITIVE),
            });
        }
        if let Verdict::Collapsed { best, .. } = &verdict {
            return Err(RunError::Collapsed {
                verdict: verdict.clone(),
                collapses: self.collapses,
                kept: best.map(|_| self.folder.model()),
            });
        }
        watch.event(&Event::Finished {
            model: &self.folder.model(),
        });
        Ok(Outcome::Finished)
    }

    /// Makes an update and what is due after it; whether it got to the end. If it didn't, the run
    /// is to stop.
    fn step(&mut self, watch: &mut dyn Watch) -> Result<bool, RunError> {
        let stop = &mut || watch.should_stop();
        let Some(outcome) = patiently(stop, |interrupt| self.trainer.step_unless(interrupt)) else {
            return Ok(false);
        };
        match outcome {
            StepOutcome::Applied(metrics) => {
                self.refused_in_a_row = 0;
                self.displacement = metrics.get(Scalar::DISPLACEMENT);
                watch.event(&Event::Step(&metrics));
                self.log.add(metrics);
            }
            StepOutcome::Refused(metrics) => {
                self.refused_in_a_row += 1;
                tracing::warn!(
                    step = metrics.step,
                    loss = metrics.loss,
                    data_energy = metrics.data_energy(),
                    sample_energy = metrics.sample_energy(),
                    gradient_norm = metrics.gradient_norm,
                    in_a_row = self.refused_in_a_row,
                    "step refused"
                );
                watch.event(&Event::Refused {
                    metrics: &metrics,
                    in_a_row: self.refused_in_a_row,
                });
            }
        }
        let step = self.trainer.steps_done();
        let output = &self.config.output;
        let last = step == self.config.training.steps;
        let save = last || step.is_multiple_of(output.checkpoint_every);
        // A model that has just failed is neither a place to go back to nor an end; nor is one
        // whose weights the last update made infinite, which only the next would notice.
        let failed = self.refused_in_a_row > 0;
        if self.refused_in_a_row >= self.config.recovery.max_bad_steps
            || (last && failed)
            || (save && !failed && !self.trainer.has_finite_weights())
        {
            self.roll_back(watch)?;
            return Ok(true);
        }
        if last || step.is_multiple_of(output.log_every) {
            self.write_metrics(watch);
        }
        // First what can't be made again.
        if save && !failed {
            self.save(watch)?;
        }
        Ok(!self.picture_is_due() || (self.draw_samples(watch) && self.measure(watch)?))
    }

    fn write_metrics(&mut self, watch: &mut dyn Watch) {
        if let Some((metrics, speed, warning)) = self.log.write(self.config.training.batch_size) {
            watch.event(&Event::Logged {
                metrics: &metrics,
                speed,
            });
            self.warnings.extend(warning);
            self.warn(watch);
        }
    }

    pub(super) fn model_file(&self) -> ModelFile {
        let [_, channels, height, width] = self.trainer.examples().shape();
        ModelFile {
            model: self.trainer.sampling_model(),
            config: self.config.clone(),
            shape: [channels, height, width],
            starts: self.trainer.starting_points().clone(),
        }
    }

    /// Saves a run that is to stop, and gives the step from which it will go on.
    ///
    /// A model that has just failed stays unsaved: weights that aren't finite are refused when they
    /// are read, and from the checkpoint before it training makes the same updates again, and goes
    /// back then if it has to.
    fn save_stopped(&mut self, watch: &mut dyn Watch) -> Result<u64, RunError> {
        let step = self.trainer.steps_done();
        let failed = self.refused_in_a_row > 0 || !self.trainer.has_finite_weights();
        if failed && let Some(&newest) = self.folder.checkpoint_steps()?.first() {
            self.warnings.push(format!(
                "the model fails at update {step}, and isn't saved so: training will go on after update {newest}, from the newest checkpoint"
            ));
            self.warn(watch);
            return Ok(newest);
        }
        // A picture that was given up may come right after the checkpoint.
        if self.saved_at != Some(step) {
            self.save(watch)?;
        }
        Ok(step)
    }

    fn save(&mut self, watch: &mut dyn Watch) -> Result<(), RunError> {
        self.save_only(watch)?;
        let (folder, keep) = (&self.folder, self.config.output.keep_checkpoints);
        let pruned = self.log.pause(|| folder.prune_checkpoints(keep));
        let failed = std::mem::replace(&mut self.prune_failed, pruned.is_err());
        if !failed {
            self.warnings
                .extend(pruned.err().map(|error| error.to_string()));
        }
        self.warn(watch);
        Ok(())
    }

    /// Saves, and deletes nothing.
    pub(super) fn save_only(&mut self, watch: &mut dyn Watch) -> Result<(), RunError> {
        let path = self.folder.checkpoint(self.trainer.steps_done());
        let mut checkpoint = self.trainer.checkpoint();
        checkpoint.state.used_up = self.used_up == Some(checkpoint.state.step);
        checkpoint.state.collapses = self.collapses;
        let model = (!self.keeps_best_model()).then(|| self.model_file());
        let folder = &self.folder;
        self.log.pause(|| -> Result<_, RunError> {
            folder.make(&folder.checkpoints())?;
            checkpoint.save(&path)?;
            model.map_or(Ok(()), |model| model.save(&folder.model()))
        })?;
        self.saved_at = Some(self.trainer.steps_done());
        tracing::info!(path = %path.display(), "checkpoint written");
        watch.event(&Event::Saved { path: &path });
        Ok(())
    }
}
