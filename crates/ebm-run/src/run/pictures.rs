//! The pictures of a run that goes on: samples, and how the energies went.

use std::path::Path;
use std::time::Instant;

use super::generate::{SampleOptions, sample_picture, sample_unless};
use super::plane::plane_picture;
use super::runner::Runner;
use crate::drawing::picture::save_picture;
use crate::error::RunError;
use crate::logs::events::{Event, Watch};
use crate::patience::patiently;

impl Runner<'_> {
    /// Whether a picture is drawn after this update.
    pub(super) fn picture_is_due(&self) -> bool {
        let step = self.trainer.steps_done();
        step == self.config.training.steps || step.is_multiple_of(self.config.output.sample_every)
    }

    /// Whether the picture of the update that training goes on from isn't there.
    pub(super) fn lacks_picture(&self) -> bool {
        let step = self.trainer.steps_done();
        step > 0 && self.picture_is_due() && !self.folder.sample(step).exists()
    }

    /// Draws samples, and how the energies went; whether it got to the end. If it didn't, the run
    /// is to stop. Training goes on without a picture that can't be drawn or written.
    pub(super) fn draw_samples(&mut self, watch: &mut dyn Watch) -> bool {
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
    ) -> Result<bool, RunError> {
        let model = self.model_file();
        let options = SampleOptions {
            count: self.config.output.sample_count,
            steps: self.config.output.sample_steps,
            // Not from the trainer's stream: pictures don't change what is learned.
            seed: self.config.seed,
            annealing: None,
        };
        let drawn = patiently(&mut || watch.should_stop(), |interrupt| {
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
}
