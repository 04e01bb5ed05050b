//! The loop of a run: updates, metrics, pictures, checkpoints, and the way back when training diverges.

use std::path::Path;

use burn::module::Module;
use burn::tensor::Device;
use ebm_ops::Noise;

use super::event_log::EventLog;
use super::events::{Event, Outcome, Watch};
use super::folder::RunFolder;
use super::generate::{SampleOptions, check_samples, sample, sample_picture};
use super::machine::Machine;
use super::metrics_log::MetricsLog;
use super::model_file::{ModelFile, load_model};
use super::plane::{log_density, plane_picture};
use super::pretraining;
use super::source;
use super::traces::energy_traces;
use crate::checkpoint::Checkpoint;
use crate::config::{ModelConfig, RunConfig};
use crate::data::Split;
use crate::error::{CheckpointError, TrainError};
use crate::network::Network;
use crate::picture;
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
    let mut trainer = prepare(config, device)?;
    if let Some(run) = &config.training.start_from {
        start_from(&mut trainer, run, device)?;
    }
    let folder = RunFolder::create(out, config)?;
    Runner::new(config, device, folder, trainer)?.run(watch)
}

/// Continues the run in `folder` from its newest checkpoint.
///
/// # Errors
///
/// If there is no checkpoint, it is damaged, or it doesn't fit `config`; otherwise as for [`train`].
pub fn resume(
    config: &RunConfig,
    device: &Device,
    folder: RunFolder,
    watch: &mut dyn Watch,
) -> Result<Outcome, TrainError> {
    if folder.is_pretraining(config)? {
        let trainer = prepare(config, device)?;
        if let ModelConfig::Dbm(keys) = &config.model {
            pretraining::check_layers(keys, trainer.examples(), &folder)?;
        }
        folder.write_config(config)?;
        return Runner::new(config, device, folder, trainer)?.run(watch);
    }
    let (mut checkpoint, path) = folder.newest_checkpoint()?;
    let used_up = checkpoint.state.used_up.then_some(checkpoint.state.step);
    let before = folder.read_config()?.read();
    let (step, rollbacks) = (checkpoint.state.step, checkpoint.state.rollbacks);
    let rates_before = before.as_ref().ok().and_then(|before| {
        let last = step.checked_sub(1)?;
        Some([last, step].map(|step| learning_rate(before, step, rollbacks)))
    });
    let rate = config.optimizer.learning_rate();
    if before.is_ok_and(|before| before.optimizer.learning_rate() != rate) {
        // A learning rate that is given anew is meant as it is given.
        checkpoint.state.rollbacks = 0;
    }
    let mut trainer = prepare(config, device)?;
    trainer
        .restore(checkpoint)
        .map_err(|message| CheckpointError::Mismatch { path, message })?;
    folder.write_config(config)?;
    let mut runner = Runner::new(config, device, folder, trainer)?;
    runner.used_up = used_up;
    runner.rate_before = rates_before.and_then(|[last, next]| {
        let found = runner.trainer.learning_rate();
        ((found - next).abs() > SMALL_JUMP * found.max(next)).then_some(last)
    });
    runner.run(watch)
}

/// Share by which a learning rate may differ from what the run before would have gone on with, before anybody is told.
const SMALL_JUMP: f64 = 0.01;

/// The learning rate of an update, from 0, as [`Trainer::learning_rate`] has it.
fn learning_rate(config: &RunConfig, step: u64, rollbacks: u32) -> f64 {
    let factor = config.schedule.factor(step, config.training.steps);
    config.optimizer.learning_rate() * factor * 0.5_f64.powi(rollbacks as i32)
}

/// A trainer at its first step.
fn prepare(config: &RunConfig, device: &Device) -> Result<Trainer<Network, 4>, TrainError> {
    config.validate()?;
    let mut noise = Noise::new(config.seed);
    let examples = source::examples(&config.data, Split::Train, &mut noise.split(), device)?;
    let [_, channels, height, width] = examples.shape();
    let shape = [channels, height, width];
    check_samples(config.output.sample_count, shape)?;
    let model =
        Network::new(&config.model, shape, device, &mut noise.split())?.fitted_to(&examples);
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
    refused_in_a_row: u32,
    /// The step of the checkpoint that training went back to last.
    used_up: Option<u64>,
    /// The learning rate of the last update, where the run goes on with quite another.
    rate_before: Option<f64>,
}

impl<'a> Runner<'a> {
    fn new(
        config: &'a RunConfig,
        device: &'a Device,
        folder: RunFolder,
        trainer: Trainer<Network, 4>,
    ) -> Result<Self, TrainError> {
        let log = MetricsLog::open(&folder.metrics(), trainer.steps_done())?;
        Ok(Self {
            config,
            device,
            folder,
            trainer,
            log,
            refused_in_a_row: 0,
            used_up: None,
            rate_before: None,
        })
    }

    fn run(mut self, watch: &mut dyn Watch) -> Result<Outcome, TrainError> {
        Machine::of(self.device, self.trainer.steps_done()).record(&self.folder.machine())?;
        let mut log = EventLog::open(&self.folder.events(), watch)?;
        let outcome = self.run_watched(&mut log);
        log.close(outcome)
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
        let to = self.trainer.learning_rate();
        if let Some(from) = self
            .rate_before
            .filter(|_| self.trainer.steps_done() < steps)
        {
            watch.event(&Event::RateJumped { from, to });
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
        while self.trainer.steps_done() < steps {
            self.step(watch)?;
            if watch.should_stop() && self.trainer.steps_done() < steps {
                self.write_metrics(watch)?;
                self.save(watch)?;
                return Ok(Outcome::Stopped {
                    step: self.trainer.steps_done(),
                });
            }
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

    fn step(&mut self, watch: &mut dyn Watch) -> Result<(), TrainError> {
        match self.trainer.step() {
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
            return self.roll_back(watch);
        }
        if last || step.is_multiple_of(output.log_every) {
            self.write_metrics(watch)?;
        }
        if last || step.is_multiple_of(output.sample_every) {
            self.draw_samples(watch)?;
        }
        if save && !failed {
            self.save(watch)?;
        }
        Ok(())
    }

    fn write_metrics(&mut self, watch: &mut dyn Watch) -> Result<(), TrainError> {
        if let Some((metrics, speed)) = self.log.write(self.config.training.batch_size)? {
            watch.event(&Event::Logged {
                metrics: &metrics,
                speed,
            });
        }
        Ok(())
    }

    fn model_file(&self) -> ModelFile {
        let [_, channels, height, width] = self.trainer.examples().shape();
        ModelFile {
            model: self.trainer.sampling_model(),
            config: self.config.clone(),
            shape: [channels, height, width],
        }
    }

    fn draw_samples(&mut self, watch: &mut dyn Watch) -> Result<(), TrainError> {
        let step = self.trainer.steps_done();
        let path = self.folder.sample(step);
        let model = self.model_file();
        let options = SampleOptions {
            count: self.config.output.sample_count,
            steps: self.config.output.sample_steps,
            // Not from the trainer's stream: pictures don't change what is learned.
            seed: self.config.seed,
            annealing: None,
        };
        let (device, folder) = (self.device, &self.folder);
        self.log.pause(|| -> Result<(), TrainError> {
            let samples = sample(&model, options, device)?;
            let picture = match plane_picture(&model, &samples, device) {
                Some((picture, report)) => {
                    if let Some(report) = report {
                        log_density(&folder.density(), step, &report)?;
                    }
                    picture
                }
                None => sample_picture(&model, samples, device),
            };
            picture::save(&picture, &path)?;
            if let Some(traces) = energy_traces(&folder.metrics()) {
                picture::save(&traces, &folder.energies())?;
            }
            Ok(())
        })?;
        tracing::debug!(path = %path.display(), "samples drawn");
        watch.event(&Event::Sampled { path: &path });
        Ok(())
    }

    fn save(&mut self, watch: &mut dyn Watch) -> Result<(), TrainError> {
        let path = self.folder.checkpoint(self.trainer.steps_done());
        let mut checkpoint = self.trainer.checkpoint();
        checkpoint.state.used_up = self.used_up == Some(checkpoint.state.step);
        let model = self.model_file();
        let (folder, keep) = (&self.folder, self.config.output.keep_checkpoints);
        self.log.pause(|| -> Result<(), TrainError> {
            checkpoint.save(&path)?;
            model.save(&folder.model())?;
            folder.prune_checkpoints(keep)
        })?;
        tracing::info!(path = %path.display(), "checkpoint written");
        watch.event(&Event::Saved { path: &path });
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
        self.log = MetricsLog::open(&self.folder.metrics(), to)?;
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
        Ok(())
    }
}
