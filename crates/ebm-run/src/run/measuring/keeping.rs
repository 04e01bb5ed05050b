//! The quality of a run that goes on: models are measured, the best is kept, and a training that
//! collapsed goes back to it.

use std::time::Instant;

use ebm_train::{Checkpoint, CheckpointError, load_weights};

use super::measure::Measure;
use super::numbers;
use crate::config::{EnergyUnit, ModelChoice, RunConfig};
use crate::error::RunError;
use crate::logs::events::{Event, Watch};
use crate::patience::patiently;
use crate::quality::{QualityLine, Verdict};
use crate::run::PlaneView;
use crate::run::generate::{SampleOptions, draw_unless};
use crate::run::runner::Runner;

/// Share of the work of training that measuring may take, the picture left out.
const SHARE: f64 = 0.07;
/// Gradients that an update takes besides those of its chains.
const BESIDE_CHAINS: usize = 3;
/// Samples from which on it is worth to measure.
const FEWEST: usize = 16;
/// The fewest and the most samples that are measured unless their number is said.
const SAMPLES: (usize, usize) = (64, 1000);
/// Updates of the shortest run that is measured: fewer are a trial.
const SHORTEST: u64 = 100;
/// Gradients that the training of a classifier takes, times the products of each: a tenth of that
/// of the shortest run that has one.
const CLASSIFIER: f64 = 10.0 * (1200.0 * 64.0 * 3.0) * 440_000.0;
/// Cells along each side of the grid on which densities of the plane are measured.
const PLANE_SIDE: usize = 200;
/// Keeps the chains that are measured apart from those of the pictures.
const MEASURED: u64 = 0x5175_616c_6974_7900;

/// Share of the samples that are left out after a collapse.
const TRIMMED: f64 = 0.1;
/// Factor of the length of chains with each collapse after the first, beside half the rate.
const LONGER_CHAINS: f64 = 1.5;

/// How a run ended before its last update.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::run) enum Ending {
    /// Its quality didn't rise any more.
    StoppedEarly,
    /// It collapsed again and again.
    Collapsed,
}

impl Runner<'_> {
    /// How many samples are measured; 0: quality isn't, since that isn't wanted or would take
    /// longer than a run so short is worth.
    fn measured_samples(&self) -> usize {
        let output = &self.config.output;
        output.quality_samples.unwrap_or_else(|| {
            let chain = output.sample_steps.max(1) as f64;
            let every = output.sample_every.min(self.config.training.steps);
            if self.config.training.steps < SHORTEST {
                return 0;
            }
            let samples = (SHARE * work(self.config, every) / chain) as usize;
            if samples < FEWEST {
                return 0;
            }
            samples.clamp(SAMPLES.0, SAMPLES.1)
        })
    }

    /// Whether the model after the newest update is due to be measured and wasn't.
    pub(in crate::run) fn lacks_measurement(&self) -> bool {
        let step = self.trainer.steps_done();
        step > 0
            && self.picture_is_due()
            && self.refused_in_a_row == 0
            && !self.quality.knows(step)
            && self.measured_samples() > 0
    }

    /// Measures the model if that is due, keeps it if it is the best, and goes back to the best if
    /// it has collapsed; whether it got to the end. If it didn't, the run is to stop. Training goes
    /// on without a measurement that fails.
    pub(in crate::run) fn measure(&mut self, watch: &mut dyn Watch) -> Result<bool, RunError> {
        if !self.lacks_measurement() {
            return Ok(true);
        }
        let began = Instant::now();
        let measured = self.measure_now(watch);
        let took = began.elapsed();
        self.log.leave_out(took);
        self.measured_for += took;
        let failed = std::mem::replace(&mut self.measurement_failed, measured.is_err());
        let mut line = match measured {
            Ok(Some(line)) => line,
            Ok(None) => return Ok(false),
            Err(error) => {
                if !failed {
                    let step = self.trainer.steps_done();
                    self.warnings.push(format!(
                        "quality after update {step}: {error}; training goes on without it"
                    ));
                    self.warn(watch);
                }
                return Ok(true);
            }
        };
        line.seconds = Some(took.as_secs_f64());
        let is_best = self.quality.would_be_best(&line);
        if is_best {
            // Before the line, without which the model is measured again.
            self.keep_best()?;
        }
        self.warnings.extend(self.quality.write(line.clone()));
        let verdict = self.quality.history().verdict();
        tracing::info!(step = line.step, %verdict, is_best, "quality measured");
        watch.event(&Event::Measured {
            line: &line,
            verdict: &verdict,
            is_best,
        });
        self.warn(watch);
        self.act(&verdict, watch)?;
        Ok(true)
    }

    /// Does what a verdict asks for.
    fn act(&mut self, verdict: &Verdict, watch: &mut dyn Watch) -> Result<(), RunError> {
        let steps = self.config.training.steps;
        if let Verdict::Collapsed {
            best: Some(best), ..
        } = verdict
        {
            if self.collapses < self.config.recovery.max_collapses {
                return self.go_back_to_best(verdict, watch);
            }
            tracing::warn!(
                best,
                "training collapsed again: it ends with the best model"
            );
            self.ending = Some(Ending::Collapsed);
            return Ok(());
        }
        let (history, step) = (self.quality.history(), self.trainer.steps_done());
        let patience = self.config.training.early_stopping;
        let is_enough = patience.is_some_and(|patience| history.since_improvement() >= patience);
        if is_enough && step < steps {
            let best = history.best().map_or(step, |best| best.step);
            watch.event(&Event::StoppedEarly { step, best });
            self.ending = Some(Ending::StoppedEarly);
        }
        Ok(())
    }

    /// Keeps the model with all state of training as the best, and as the result of the run.
    fn keep_best(&mut self) -> Result<(), RunError> {
        let path = self.folder.best_checkpoint();
        let mut checkpoint = self.trainer.checkpoint();
        checkpoint.state.collapses = self.collapses;
        self.folder.make(&self.folder.checkpoints())?;
        checkpoint.save(&path)?;
        if self.config.output.model == ModelChoice::Best {
            self.model_file().save(&self.folder.model())?;
        }
        tracing::debug!(path = %path.display(), "best model kept");
        Ok(())
    }

    /// Whether `model.safetensors` holds the best model and not the newest.
    pub(in crate::run) fn keeps_best_model(&self) -> bool {
        self.config.output.model == ModelChoice::Best
            && self.quality.history().best().is_some()
            && self.folder.best_checkpoint().is_file()
    }

    /// Writes the result of the run where it isn't, as after a kill.
    pub(in crate::run) fn restore_model(&mut self) -> Result<(), RunError> {
        let mut file = self.model_file();
        if self.keeps_best_model() {
            let path = self.folder.best_checkpoint();
            let mut checkpoint = Checkpoint::load(&path)?;
            let best = checkpoint.take_sampling_weights();
            file.model = load_weights(file.model, best)
                .map_err(|message| CheckpointError::Mismatch { path, message })?;
        }
        file.save(&self.folder.model())
    }

    /// Goes back to the best model with half the learning rate and trimmed samples, and from the
    /// second time on with longer chains.
    fn go_back_to_best(
        &mut self,
        verdict: &Verdict,
        watch: &mut dyn Watch,
    ) -> Result<(), RunError> {
        let from = self.trainer.steps_done();
        let to = self.take_up(self.folder.best_checkpoint())?;
        self.collapses += 1;
        self.trim_after_collapse();
        if self.collapses > 1 {
            // That alone didn't help.
            self.trainer.lengthen_chains(LONGER_CHAINS);
        }
        self.go_on_from(to, watch)?;
        let learning_rate = self.trainer.learning_rate();
        tracing::warn!(from, to, learning_rate, %verdict, "back to the best model");
        watch.event(&Event::Collapsed {
            from,
            to,
            verdict,
            learning_rate,
            transitions: self.trainer.transitions(),
            collapses: self.collapses,
        });
        self.warn(watch);
        Ok(())
    }

    /// Trims samples if training has collapsed before: a few chains that were thrown out teach a
    /// network to flee from them all. Not where energies are to be those of a density, whose tails
    /// its rare samples hold up.
    pub(in crate::run) fn trim_after_collapse(&mut self) {
        if self.collapses > 0 && self.config.energy_unit() != EnergyUnit::Nats {
            self.trainer.trim_samples(TRIMMED);
        }
    }

    /// Measures the model as it is; `None` if it was called off.
    fn measure_now(&mut self, watch: &mut dyn Watch) -> Result<Option<QualityLine>, RunError> {
        let model = self.model_file();
        if self.measure.is_none() {
            let cache = self.folder.features();
            let gradients = work(&model.config, model.config.training.steps);
            let is_worth_a_classifier = gradients * numbers::products(&model) >= CLASSIFIER;
            let cache = is_worth_a_classifier.then_some(&*cache);
            let train = self.trainer.examples().clone();
            self.measure = patiently(&mut || watch.should_stop(), |interrupt| {
                Measure::new(&model, train, cache, self.device, interrupt)
            })?;
        }
        let options = SampleOptions {
            count: self.measured_samples(),
            steps: self.config.output.sample_steps,
            seed: self.config.seed ^ MEASURED,
            annealing: None,
        };
        let drawn = patiently(&mut || watch.should_stop(), |interrupt| {
            draw_unless(&model, options, self.device, interrupt)
        })?;
        let (Some(samples), Some(measure)) = (drawn, &mut self.measure) else {
            return Ok(None);
        };
        let mut line = measure.take(&model, &samples, options.steps);
        line.step = self.trainer.steps_done();
        line.displacement = self.displacement.filter(|moved| moved.is_finite());
        line.energy_bound = self.config.objective.keys().energy_bound();
        if model.has_partition() && line.held_out_energy.is_some() {
            let transitions = (SHARE * work(self.config, self.config.output.sample_every)) as usize;
            line.log_likelihood = measure.log_likelihood(&model, transitions, options.seed);
        }
        if let Some(view) = PlaneView::of(&model, PLANE_SIDE, self.device) {
            line.divergence = view
                .ok()
                .and_then(|view| view.report.divergence)
                .filter(|divergence| divergence.is_finite());
        }
        Ok(Some(line))
    }
}

/// Gradients at single states that so many updates of a run take.
fn work(config: &RunConfig, updates: u64) -> f64 {
    let gradients = config.sampler.transitions() + BESIDE_CHAINS;
    updates as f64 * (config.training.batch_size * gradients) as f64
}
