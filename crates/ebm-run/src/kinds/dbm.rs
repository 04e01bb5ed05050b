//! The kind `dbm`: a deep Boltzmann machine.

use std::path::PathBuf;

use burn::tensor::Device;
use ebm_models::{Dbm, DbmConfig, ImageShape, MeanField};
use ebm_ops::Noise;
use ebm_train::Examples;
use ebm_train::keys::{
    InvalidValue, check, check_at_least_one, check_count, check_layers, check_not_negative,
    check_positive,
};
use serde::{Deserialize, Serialize};

use super::rbm::default_weight_std;
use super::size::{self, WIDTHS};
use super::weights::Said;
use super::{
    AnyModel, LayerNames, LayeredArrays, MEAN_MARGIN, Machine, ModelKind, Pretrained, Pretraining,
    VisibleValues, Weights, WeightsLayout, pretraining,
};
use crate::error::RunError;
use crate::weight_files::WrongArrays;

ebm_train::keys! {
/// Keys of a deep Boltzmann machine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DbmKeys {
    /// Number of units of each hidden layer, 2 to 1000 layers, 1 to 1,048,576 each.
    pub hidden: Vec<usize>,
    /// Standard deviation of the initial weights, 0 or more.
    #[serde(default = "default_weight_std")]
    pub weight_std: f64,
    /// Whether units are centred around their means (Montavon & Mueller 2012).
    #[serde(default)]
    pub centered: bool,
    /// Mean-field inference stops where no mean moves by more than this, 0 or more.
    #[serde(default = "DbmKeys::default_mean_field_tolerance")]
    pub mean_field_tolerance: f64,
    /// Most rounds of mean-field inference, 1 to 1,000,000.
    #[serde(default = "DbmKeys::default_mean_field_steps")]
    pub mean_field_steps: usize,
    /// How the layers are trained one by one before all of them together; absent: not at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pretraining: Option<PretrainingKeys>,
}
}

ebm_train::keys! {
/// Keys of greedy layer-wise pretraining by contrastive divergence, plain stochastic gradient
/// descent with a learning rate that falls to 0.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PretrainingKeys {
    /// Updates of each layer, 1 or more.
    pub steps: u64,
    /// Learning rate of the first update, above 0.
    #[serde(default = "PretrainingKeys::default_learning_rate")]
    pub learning_rate: f64,
    /// Sweeps of the chains, which start at the data, an update, 1 to 1,000,000.
    #[serde(default = "PretrainingKeys::default_gibbs_steps")]
    pub gibbs_steps: usize,
}
}

impl DbmKeys {
    fn default_mean_field_tolerance() -> f64 {
        1e-3
    }

    fn default_mean_field_steps() -> usize {
        20
    }

    /// How far mean-field inference goes.
    fn inference(&self) -> MeanField {
        MeanField {
            tolerance: self.mean_field_tolerance,
            max_steps: self.mean_field_steps,
        }
    }
}

impl PretrainingKeys {
    fn default_learning_rate() -> f64 {
        0.05
    }

    fn default_gibbs_steps() -> usize {
        1
    }

    fn validate(&self) -> Result<(), InvalidValue> {
        check_at_least_one("model.pretraining.steps", self.steps)?;
        check_positive("model.pretraining.learning_rate", self.learning_rate)?;
        check_count("model.pretraining.gibbs_steps", self.gibbs_steps, 1_000_000)
    }
}

impl ModelKind for DbmKeys {
    fn validate(&self) -> Result<(), InvalidValue> {
        check_layers("model.hidden", self.hidden.len())?;
        check(
            self.hidden.len() >= 2 && self.hidden.iter().all(|width| WIDTHS.contains(width)),
            "model.hidden",
            format!("{:?}", self.hidden),
            format!("two or more widths from 1 to {}", WIDTHS.end()),
        )?;
        check_not_negative("model.weight_std", self.weight_std)?;
        check_not_negative("model.mean_field_tolerance", self.mean_field_tolerance)?;
        check_count("model.mean_field_steps", self.mean_field_steps, 1_000_000)?;
        let pretraining = self.pretraining.as_ref();
        pretraining.map_or(Ok(()), PretrainingKeys::validate)
    }

    fn parameters(&self, shape: ImageShape) -> Result<u128, RunError> {
        // A bias of each visible unit, too.
        let visible = shape.values();
        let widths = [&[visible], &self.hidden[..]].concat();
        Ok(size::layers(&widths).saturating_add(visible as u128))
    }

    fn hidden_values(&self, _shape: ImageShape) -> u128 {
        size::units(&self.hidden)
    }

    fn build(
        &self,
        shape: ImageShape,
        device: &Device,
        noise: &mut Noise,
    ) -> Result<AnyModel, RunError> {
        let config = DbmConfig::new(shape.values(), self.hidden.clone())
            .with_weight_std(self.weight_std)
            .with_centered(self.centered);
        let model = config.init(device, noise).with_inference(self.inference());
        Ok(model.into())
    }

    fn fit(&self, model: AnyModel, examples: &Examples<4>) -> AnyModel {
        match model {
            AnyModel::Dbm(model) => model
                .with_visible_means(examples.mean(), MEAN_MARGIN)
                .into(),
            other => other,
        }
    }

    fn visible_values(&self) -> VisibleValues {
        VisibleValues::Probabilities
    }

    /// Trains the layers one by one.
    fn pretrain(&self, run: &mut Pretraining<'_>) -> Result<Pretrained, RunError> {
        let Some(keys) = &self.pretraining else {
            return Ok(Pretrained::Nothing);
        };
        let model = pretraining::pretrain(self, keys, run)?;
        let Some(model) = model else {
            return Ok(Pretrained::Stopped);
        };
        let model = model.with_inference(self.inference());
        let model = if self.centered {
            model.centered()
        } else {
            model
        };
        Ok(Pretrained::Model(model.into()))
    }

    fn check_pretrained(
        &self,
        examples: &Examples<4>,
        path_of: &dyn Fn(usize) -> PathBuf,
    ) -> Result<(), RunError> {
        pretraining::check_layers(self, examples, path_of)
    }

    fn weights() -> Weights {
        Weights {
            layout: WeightsLayout::Layered {
                names: LayerNames::Stack,
                machine,
            },
            arrays: "weights.0 [visible, hidden 1], weights.1 [hidden 1, hidden 2], ..,\n\
                     visible_bias [visible], hidden_biases.0 [hidden 1], ..",
            energy: "E = - b.v - c1.h1 - c2.h2 - .. - v W0 h1 - h1 W1 h2 - ..",
            options: &[],
        }
    }
}

fn machine(arrays: LayeredArrays, _said: &Said<'_>) -> Result<Machine, WrongArrays> {
    let keys = DbmKeys {
        hidden: arrays.hidden(),
        weight_std: default_weight_std(),
        centered: false,
        mean_field_tolerance: DbmKeys::default_mean_field_tolerance(),
        mean_field_steps: DbmKeys::default_mean_field_steps(),
        pretraining: None,
    };
    Ok(Machine {
        model: Dbm::from_parameters(arrays.weights, arrays.biases).into(),
        keys: keys.into(),
        changes: &[],
    })
}
