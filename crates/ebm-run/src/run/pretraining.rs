//! What a run does before its first update, where its kind of model asks for it.

use super::runner::Runner;
use crate::error::RunError;
use crate::kinds::{Pretrained, Pretraining, PretrainingWatch};
use crate::logs::events::{Event, Watch};
use ebm_train::Metrics;

impl Runner<'_> {
    /// Does what comes before the first update of a model of this kind; whether it got to the end.
    pub(super) fn pretrain(&mut self, watch: &mut dyn Watch) -> Result<bool, RunError> {
        if self.config.training.start_from.is_some() {
            return Ok(true);
        }
        let folder = &self.folder;
        let pretrained = self.config.model.kind().pretrain(&mut Pretraining {
            recipe: self.trainer.recipe(),
            seed: self.config.seed,
            examples: self.trainer.examples(),
            path: &|layer| folder.pretrained(layer),
            watch: &mut Told(watch),
        })?;
        match pretrained {
            Pretrained::Nothing => Ok(true),
            Pretrained::Model(model) => {
                self.trainer.set_model(model);
                Ok(true)
            }
            Pretrained::Stopped => Ok(false),
        }
    }
}

/// Tells of pretraining as of an event of the run.
struct Told<'a>(&'a mut dyn Watch);

impl PretrainingWatch for Told<'_> {
    fn update(&mut self, layer: usize, layers: usize, metrics: &Metrics, steps: u64) {
        self.0.event(&Event::Pretraining {
            layer,
            layers,
            metrics,
            steps,
        });
    }

    fn should_stop(&mut self) -> bool {
        self.0.should_stop()
    }
}
