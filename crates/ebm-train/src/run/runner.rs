//! The loop of a run: updates, metrics, pictures, checkpoints, and the way back when training diverges.

use std::path::Path;
use std::time::Instant;

use burn::module::Module;
use burn::tensor::Device;
use ebm_ops::Noise;

use super::event_log::EventLog;
use super::events::{Event, Outcome, Watch};
use super::folder::RunFolder;
use super::generate::{SampleOptions, check_samples, sample_picture, sample_unless};
use super::machine::Machine;
use super::metrics_log::MetricsLog;
use super::model_file::{ModelFile, load_model};
use super::patience::patiently;
use super::plane::{DensityLog, plane_picture};
use super::pretraining;
use super::source;
use crate::checkpoint::Checkpoint;
use crate::config::{ModelConfig, RunConfig};
use crate::data::Split;
use crate::error::{CheckpointError, TrainError};
use crate::examples::Fingerprint;
use crate::network::{Network, check_batch};
use crate::picture::save_picture;
use crate::trainer::{StepOutcome, Trainer};
use crate::weights::{load_weights, weights};

/// Makes a run of `config` in the folder `out`.
///
/// # Errors
///
/// If the folder is not empty, the data can't be read, the model doesn't fit them, or training diverges
/// beyond recovery.
pub fn train(
    config: &RunConfig,
    device: &Device,
    out: &Path,
    watch: &mut dyn Watch,
) -> Result<Outcome, TrainError> {
    // Everything that can be wrong is found before anything is written.
    RunFolder::check_free(out)?;
    let config = &config.clone().with_absolute_paths();
    let trainer = begin(config, device)?;
    let folder = RunFolder::create(out, config)?;
    Runner::new(config, device, folder, trainer).run(watch)
}

/// Continues the run in `folder` from its newest checkpoint, or from its beginning if it was stopped before the first.
///
/// # Errors
///
/// If the checkpoint is damaged, or doesn't fit `config`, or there is none any more; otherwise as for [`train`].
pub fn resume(
    config: &RunConfig,
    device: &Device,
    folder: RunFolder,
    watch: &mut dyn Watch,
) -> Result<Outcome, TrainError> {
    let config = &config.clone().with_absolute_paths();
    if folder.is_at_its_start()? {
        let trainer = begin(config, device)?;
        if let ModelConfig::Dbm(keys) = &config.model {
            pretraining::check_layers(keys, trainer.examples(), &folder)?;
        }
        folder.make_folders()?;
        folder.write_config(config)?;
        return Runner::new(config, device, folder, trainer).run(watch);
    }
    let (mut checkpoint, path) = folder.newest_checkpoint()?;
    let used_up = checkpoint.state.used_up.then_some(checkpoint.state.step);
    let before = folder.read_config()?.read();
    let (step, rollbacks) = (checkpoint.state.step, checkpoint.state.rollbacks);
    let rates_before = before.as_ref().ok().and_then(|before| {
        let before = before.trainer();
        let last = step.checked_sub(1)?;
        Some([last, step].map(|step| before.learning_rate(step, rollbacks)))
    });
    let rate = config.optimizer.learning_rate();
    let other_data = before
        .as_ref()
        .is_ok_and(|before| before.clone().with_absolute_paths().data != config.data);
    if before.is_ok_and(|before| before.optimizer.learning_rate() != rate) {
        // A learning rate that is given anew is meant as it is given.
        checkpoint.state.rollbacks = 0;
    }
    let trained_on = checkpoint.state.examples;
    let mut trainer = prepare(config, device)?;
    trainer
        .restore(checkpoint)
        .map_err(|message| CheckpointError::Mismatch { path, message })?;
    folder.make_folders()?;
    folder.write_config(config)?;
    let mut runner = Runner::new(config, device, folder, trainer);
    runner.used_up = used_up;
    runner.trained_on = trained_on.map(|examples| (examples, other_data));
    runner.rate_before = rates_before.and_then(|[last, next]| {
        let found = runner.trainer.learning_rate();
        ((found - next).abs() > SMALL_JUMP * found.max(next)).then_some(last)
    });
    runner.run(watch)
}

/// Share by which a learning rate may differ from what the run before would have gone on with, before anybody is told.
const SMALL_JUMP: f64 = 0.01;

/// A trainer at its first step, with the weights that it is to start from.
fn begin(config: &RunConfig, device: &Device) -> Result<Trainer<Network, 4>, TrainError> {
    let mut trainer = prepare(config, device)?;
    if let Some(run) = &config.training.start_from {
        start_from(&mut trainer, run, device)?;
    }
    Ok(trainer)
}

/// A trainer at its first step, with weights that were drawn.
fn prepare(config: &RunConfig, device: &Device) -> Result<Trainer<Network, 4>, TrainError> {
    config.validate()?;
    let mut noise = Noise::new(config.seed);
    let examples = source::examples(&config.data, Split::Train, &mut noise.split(), device)?;
    let [_, channels, height, width] = examples.shape();
    let shape = [channels, height, width];
    check_samples(config.output.sample_count, shape)?;
    let model =
        Network::new(&config.model, shape, device, &mut noise.split())?.fitted_to(&examples);
    let batch_size = config.training.batch_size;
    if batch_size <= examples.len() {
        // Data and samples pass through the model together; replicas are moved together.
        let rows = batch_size.saturating_mul(config.sampler.replicas().max(2));
        check_batch(&config.model, shape, batch_size, rows)?;
    }
    Trainer::new(config.trainer(), model, examples, noise.split())
}

/// Gives a trainer the weights of the model of another run.
fn start_from(
    trainer: &mut Trainer<Network, 4>,
    run: &Path,
    device: &Device,
) -> Result<(), TrainError> {
    let trained = load_model(run, device)?;
    trained.check_examples(trainer.examples())?;
    let wrong = |message: String| CheckpointError::Mismatch {
        path: run.to_path_buf(),
        message,
    };
    let (found, expected) = (trained.model.name(), trainer.model().name());
    if found != expected {
        return Err(wrong(format!("it is a {found}, expected a {expected}")).into());
    }
    let model = load_weights(trainer.model().clone(), weights(&trained.model)).map_err(wrong)?;
    trainer.set_model(model);
    Ok(())
}

struct Runner<'a> {
    config: &'a RunConfig,
    device: &'a Device,
    folder: RunFolder,
    trainer: Trainer<Network, 4>,
    log: MetricsLog,
    /// For runs on the plane.
    density: Option<DensityLog>,
    /// What is to be said of both once somebody listens.
    warnings: Vec<String>,
    /// Whether the last pictures failed, and the last deletion of old checkpoints, which was said then.
    pictures_failed: bool,
    prune_failed: bool,
    refused_in_a_row: u32,
    /// The step of the checkpoint that training went back to last.
    used_up: Option<u64>,
    /// The examples that training was stopped with, where a checkpoint says so, and whether it is to go on with others.
    trained_on: Option<(Fingerprint, bool)>,
    /// The learning rate of the last update, where the run goes on with quite another.
    rate_before: Option<f64>,
}

impl<'a> Runner<'a> {
    fn new(
        config: &'a RunConfig,
        device: &'a Device,
        folder: RunFolder,
        trainer: Trainer<Network, 4>,
    ) -> Self {
        folder.delete_unfinished();
        let (log, warning) = MetricsLog::open(&folder.metrics(), trainer.steps_done());
        let mut runner = Self {
            config,
            device,
            folder,
            trainer,
            log,
            density: None,
            warnings: warning.into_iter().collect(),
            pictures_failed: false,
            prune_failed: false,
            refused_in_a_row: 0,
            used_up: None,
            trained_on: None,
            rate_before: None,
        };
        runner.open_density();
        runner
    }

    fn run(mut self, watch: &mut dyn Watch) -> Result<Outcome, TrainError> {
        let machine = Machine::of(self.device, self.trainer.steps_done());
        match machine.record(&self.folder.machine()) {
            Ok(warning) => self.warnings.extend(warning),
            Err(error) => self.warnings.push(error.to_string()),
        }
        let mut log = EventLog::open(&self.folder.events(), watch);
        let outcome = self.run_watched(&mut log);
        log.close(outcome)
    }

    /// Opens the log of the density, if the data are points of the plane, after the updates made so far.
    fn open_density(&mut self) {
        if self.config.data.plane().is_some() {
            let step = self.trainer.steps_done();
            let (log, warning) = DensityLog::open(&self.folder.density(), step);
            self.density = Some(log);
            self.warnings.extend(warning);
        }
    }

    /// Says what went wrong that training goes on without.
    fn warn(&mut self, watch: &mut dyn Watch) {
        for message in self.warnings.drain(..) {
            tracing::warn!(message);
            watch.event(&Event::Warned { message: &message });
        }
    }

    fn run_watched(&mut self, watch: &mut dyn Watch) -> Result<Outcome, TrainError> {
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
        }
        // The last picture may have been given up, or a kill come before it.
        let mut whole = !self.lacks_picture() || self.draw_samples(watch);
        while whole && self.trainer.steps_done() < steps {
            whole = self.step(watch)?;
            if watch.should_stop() && self.trainer.steps_done() < steps {
                break;
            }
        }
        if !whole || self.trainer.steps_done() < steps {
            self.write_metrics(watch);
            self.save(watch)?;
            return Ok(Outcome::Stopped {
                step: self.trainer.steps_done(),
            });
        }
        watch.event(&Event::Finished {
            model: &self.folder.model(),
        });
        Ok(Outcome::Finished)
    }

    /// Trains the layers of a deep machine one by one, if the configuration says so; whether it got to the end.
    fn pretrain(&mut self, watch: &mut dyn Watch) -> Result<bool, TrainError> {
        let ModelConfig::Dbm(keys) = &self.config.model else {
            return Ok(true);
        };
        let (Some(pretraining), None) = (&keys.pretraining, &self.config.training.start_from)
        else {
            return Ok(true);
        };
        let examples = self.trainer.examples();
        let pretrained = pretraining::pretrain(
            keys,
            pretraining,
            self.config,
            examples,
            &self.folder,
            watch,
        )?;
        let Some(model) = pretrained else {
            return Ok(false);
        };
        let model = model.with_inference(keys.inference());
        self.trainer.set_model(Network::Dbm(if keys.centered {
            model.centered()
        } else {
            model
        }));
        Ok(true)
    }

    /// Makes an update and what is due after it; whether it got to the end. If it didn't, the run is to stop.
    fn step(&mut self, watch: &mut dyn Watch) -> Result<bool, TrainError> {
        let Some(outcome) = patiently(watch, |interrupt| self.trainer.step_unless(interrupt))
        else {
            return Ok(false);
        };
        match outcome {
            StepOutcome::Applied(metrics) => {
                self.refused_in_a_row = 0;
                self.log.add(metrics);
                watch.event(&Event::Step(&metrics));
            }
            StepOutcome::Refused(metrics) => {
                self.refused_in_a_row += 1;
                tracing::warn!(
                    step = metrics.step,
                    loss = metrics.loss,
                    data_energy = metrics.data_energy,
                    sample_energy = metrics.sample_energy,
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
        // A model that has just failed is neither a place to go back to nor an end; nor is one whose weights
        // the last update made infinite, which only the next would notice.
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
        Ok(!self.picture_is_due() || self.draw_samples(watch))
    }

    /// Whether a picture is drawn after this update.
    fn picture_is_due(&self) -> bool {
        let step = self.trainer.steps_done();
        step == self.config.training.steps || step.is_multiple_of(self.config.output.sample_every)
    }

    /// Whether the picture of the update that training goes on from isn't there.
    fn lacks_picture(&self) -> bool {
        let step = self.trainer.steps_done();
        step > 0 && self.picture_is_due() && !self.folder.sample(step).exists()
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

    fn model_file(&self) -> ModelFile {
        let [_, channels, height, width] = self.trainer.examples().shape();
        ModelFile {
            model: self.trainer.sampling_model(),
            config: self.config.clone(),
            shape: [channels, height, width],
        }
    }

    /// Draws samples, and how the energies went; whether it got to the end. If it didn't, the run is to stop. Training goes on
    /// without a picture that can't be drawn or written.
    fn draw_samples(&mut self, watch: &mut dyn Watch) -> bool {
        let step = self.trainer.steps_done();
        let path = self.folder.sample(step);
        let paused = Instant::now();
        let drawn = self.draw_samples_to(&path, step, watch);
        self.log.leave_out(paused.elapsed());
        let failed = std::mem::replace(&mut self.pictures_failed, drawn.is_err());
        let whole = !matches!(drawn, Ok(false));
        match drawn {
            Ok(true) => {
                tracing::debug!(path = %path.display(), "samples drawn");
                watch.event(&Event::Sampled { path: &path });
            }
            Ok(false) => {}
            Err(error) if !failed => self.warnings.push(format!(
                "pictures after update {step}: {error}; training goes on without them"
            )),
            Err(_) => {}
        }
        self.warn(watch);
        whole
    }

    /// The same without what is said of it.
    fn draw_samples_to(
        &mut self,
        path: &Path,
        step: u64,
        watch: &mut dyn Watch,
    ) -> Result<bool, TrainError> {
        let model = self.model_file();
        let options = SampleOptions {
            count: self.config.output.sample_count,
            steps: self.config.output.sample_steps,
            // Not from the trainer's stream: pictures don't change what is learned.
            seed: self.config.seed,
            annealing: None,
        };
        let drawn = patiently(watch, |interrupt| {
            sample_unless(&model, options, self.device, interrupt)
        })?;
        let Some(samples) = drawn else {
            return Ok(false);
        };
        let picture = match plane_picture(&model, &samples, self.device) {
            Some((picture, report)) => {
                if let (Some(log), Some(report)) = (&mut self.density, report) {
                    self.warnings.extend(log.write(step, &report));
                }
                picture
            }
            None => sample_picture(&model, samples, self.device),
        };
        self.folder.make(&self.folder.samples())?;
        save_picture(&picture, path)?;
        if let Some(traces) = self.log.traces().picture(self.config.energy_unit()) {
            save_picture(&traces, &self.folder.energies())?;
        }
        Ok(true)
    }

    fn save(&mut self, watch: &mut dyn Watch) -> Result<(), TrainError> {
        let path = self.folder.checkpoint(self.trainer.steps_done());
        let mut checkpoint = self.trainer.checkpoint();
        checkpoint.state.used_up = self.used_up == Some(checkpoint.state.step);
        let model = self.model_file();
        let (folder, keep) = (&self.folder, self.config.output.keep_checkpoints);
        let pruned = self.log.pause(|| -> Result<_, TrainError> {
            folder.make(&folder.checkpoints())?;
            checkpoint.save(&path)?;
            model.save(&folder.model())?;
            Ok(folder.prune_checkpoints(keep))
        })?;
        tracing::info!(path = %path.display(), "checkpoint written");
        watch.event(&Event::Saved { path: &path });
        let failed = std::mem::replace(&mut self.prune_failed, pruned.is_err());
        if !failed {
            self.warnings
                .extend(pruned.err().map(|error| error.to_string()));
        }
        self.warn(watch);
        Ok(())
    }

    /// Goes back to the newest checkpoint with half the learning rate. That checkpoint is used up: if
    /// training diverges again before it writes another, it goes back to the one before.
    ///
    /// All of this is in the folder before training goes on, so that a run that is killed then doesn't start
    /// again with the learning rate that failed.
    fn roll_back(&mut self, watch: &mut dyn Watch) -> Result<(), TrainError> {
        let from = self.trainer.steps_done();
        let give_up = || TrainError::Diverged {
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
        let path = self.folder.checkpoint(to);
        let checkpoint = Checkpoint::load(&path)?;
        self.trainer
            .roll_back(checkpoint)
            .map_err(|message| CheckpointError::Mismatch { path, message })?;
        self.used_up = Some(to);
        self.refused_in_a_row = 0;
        self.save(watch)?;
        if to != newest {
            self.folder.delete_checkpoint(newest)?;
        }
        // Last: until here a kill leaves a checkpoint whose lines are all needed.
        let (log, warning) = MetricsLog::open(&self.folder.metrics(), to);
        self.log = log;
        self.warnings.extend(warning);
        self.open_density();
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
}
