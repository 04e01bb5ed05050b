//! What the models of a run are measured against, and a measurement.

use std::path::Path;

use burn::tensor::Device;
use ebm_sampling::Interrupt;
use ebm_train::Examples;
use ebm_train::judging::quality::QualityGauge;

use super::gauge::{quality_gauge, take_in};
use super::likelihood::log_likelihood;
use super::numbers;
use crate::error::RunError;
use crate::quality::QualityLine;
use crate::run::generate::Samples;
use crate::run::{HeldOut, ModelFile, held_out};

/// The data of a run, and of images what is known of them.
pub(in crate::run) struct Measure {
    gauge: Option<QualityGauge>,
    train: Examples<4>,
    held_out: HeldOut,
}

impl Measure {
    /// What models of a run are measured by; `None` if that was interrupted. A classifier is only
    /// trained for a `cache` to keep it in.
    pub(in crate::run) fn new(
        model: &ModelFile,
        train: Examples<4>,
        cache: Option<&Path>,
        device: &Device,
        interrupt: &mut Interrupt<'_>,
    ) -> Result<Option<Self>, RunError> {
        let held_out = held_out(model, device)?;
        let mut gauge = None;
        if model.config.data.is_image() {
            gauge = quality_gauge(model, &train, &held_out, cache, device, interrupt);
            if gauge.is_none() {
                return Ok(None);
            }
        }
        Ok(Some(Self {
            gauge,
            train,
            held_out,
        }))
    }

    /// Measures a model by fresh samples of it, the ends of chains of so many transitions.
    pub(in crate::run) fn take(
        &mut self,
        model: &ModelFile,
        samples: &Samples,
        transitions: usize,
    ) -> QualityLine {
        let [count, ..] = samples.images.dims();
        let mut line = QualityLine {
            samples: Some(count as u64),
            transitions: Some(transitions as u64),
            data_energy: numbers::mean_energy(model, numbers::some(&self.train)),
            held_out_energy: numbers::mean_energy(model, numbers::some(&self.held_out.examples)),
            sample_energy: numbers::sample_energy(model, samples),
            gradient_size: numbers::gradient_size(model, samples),
            weight_size: numbers::weight_size(model),
            ..QualityLine::default()
        };
        if let Some(gauge) = &mut self.gauge {
            let report = gauge.measure(numbers::visible(model, samples));
            take_in(&mut line, gauge.features(), report);
        }
        line
    }

    /// The mean log-likelihood of held-out data, or a lower bound of it, of a machine.
    pub(super) fn log_likelihood(
        &self,
        model: &ModelFile,
        transitions: usize,
        seed: u64,
    ) -> Option<f64> {
        let examples = numbers::some(&self.held_out.examples);
        log_likelihood(&model.model, examples, &self.train, transitions, seed)
    }
}
