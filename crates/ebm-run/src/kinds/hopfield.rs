//! The kind `hopfield`: a Hopfield network, which starts with all examples stored by Hebb's rule.

use burn::tensor::Device;
use ebm_models::{Coding, Hopfield, HopfieldConfig, ImageShape, PairwiseMachine};
use ebm_ops::Noise;
use ebm_train::keys::InvalidValue;
use ebm_train::{Examples, rows};
use serde::{Deserialize, Serialize};

use super::size::{self, check_most};
use super::weights::{PAIRWISE_ENERGY, VISIBLE};
use super::{AnyModel, Machine, ModelKind, VisibleValues, Weights, WeightsLayout};
use crate::error::RunError;

ebm_train::keys! {
/// Keys of a Hopfield network.
///
/// Training is unlearning: with `kind = "gibbs"`, `temperature = 0` chains find fake memories, near
/// the data with chains `data`, anywhere with chains `noise`. A step of gradient descent with the
/// learning rate `r` is `W <- W - r/2 (E_fake[y y^T] - E_data[y y^T])`: the energy has each pair of
/// units once, its symmetric couplings twice.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HopfieldKeys {
    /// Number of hidden units, up to 1,048,576; 0: none.
    #[serde(default)]
    pub hidden: usize,
}
}

impl ModelKind for HopfieldKeys {
    fn validate(&self) -> Result<(), InvalidValue> {
        check_most("model.hidden", self.hidden)
    }

    fn parameters(&self, shape: ImageShape) -> Result<u128, RunError> {
        Ok(size::pairwise(shape.values(), self.hidden))
    }

    fn hidden_values(&self, _shape: ImageShape) -> u128 {
        self.hidden as u128
    }

    fn build(
        &self,
        shape: ImageShape,
        device: &Device,
        _noise: &mut Noise,
    ) -> Result<AnyModel, RunError> {
        let config = HopfieldConfig::new(shape.values()).with_hidden(self.hidden);
        Ok(config.init(device).into())
    }

    /// Hebbian storage of all examples.
    fn fit(&self, model: AnyModel, examples: &Examples<4>) -> AnyModel {
        match model {
            // With hidden units there are no full patterns to store yet.
            AnyModel::Hopfield(model) if model.hidden_units() == 0 => examples
                .batches(examples.rows_at_a_time())
                .fold(model, |model, batch| model.store(rows(batch.x)))
                .into(),
            other => other,
        }
    }

    fn visible_values(&self) -> VisibleValues {
        VisibleValues::TwoValued(Coding::Spin)
    }

    fn is_memory(&self) -> bool {
        true
    }

    fn weights() -> Weights {
        Weights {
            layout: WeightsLayout::Pairwise {
                coding: Some(Coding::Spin),
                machine: |arrays| {
                    let keys = HopfieldKeys {
                        hidden: arrays.hidden(),
                    };
                    let (weight, bias, visible) = (arrays.weight, arrays.bias, arrays.visible);
                    Machine {
                        model: Hopfield::from_parameters(weight, bias, visible).into(),
                        keys: keys.into(),
                        changes: &["sampler.temperature=0.0"],
                    }
                },
            },
            arrays: "weight [units, units], bias [units]",
            energy: PAIRWISE_ENERGY,
            options: &[&VISIBLE],
        }
    }
}
