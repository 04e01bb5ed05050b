//! The kind `boltzmann_machine`: every unit is coupled to every other.

use burn::tensor::Device;
use ebm_models::{BoltzmannMachine, BoltzmannMachineConfig, Coding, ImageShape};
use ebm_ops::Noise;
use ebm_train::keys::{InvalidValue, check_not_negative};
use serde::{Deserialize, Serialize};

use super::rbm::default_weight_std;
use super::size::{self, check_most};
use super::weights::{CODING, PAIRWISE_ENERGY, VISIBLE};
use super::{AnyModel, Machine, ModelKind, VisibleValues, Weights, WeightsLayout};
use crate::error::RunError;

ebm_train::keys! {
/// Keys of a Boltzmann machine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BoltzmannMachineKeys {
    /// Number of hidden units, up to 1,048,576; 0: none.
    #[serde(default)]
    pub hidden: usize,
    /// The values of a unit: `"spin"` (-1 and 1) or `"binary"` (0 and 1).
    #[serde(default)]
    pub coding: Coding,
    /// Standard deviation of the initial couplings, 0 or more.
    #[serde(default = "default_weight_std")]
    pub weight_std: f64,
}
}

impl ModelKind for BoltzmannMachineKeys {
    fn validate(&self) -> Result<(), InvalidValue> {
        check_most("model.hidden", self.hidden)?;
        check_not_negative("model.weight_std", self.weight_std)
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
        noise: &mut Noise,
    ) -> Result<AnyModel, RunError> {
        let config = BoltzmannMachineConfig::new(shape.values())
            .with_hidden(self.hidden)
            .with_coding(self.coding)
            .with_weight_std(self.weight_std);
        Ok(config.init(device, noise).into())
    }

    fn visible_values(&self) -> VisibleValues {
        VisibleValues::TwoValued(self.coding)
    }

    fn described(&self) -> Vec<(&'static str, String)> {
        let coding = match self.coding {
            Coding::Spin => "spin",
            Coding::Binary => "binary",
        };
        vec![(CODING.key, coding.into())]
    }

    fn weights() -> Weights {
        Weights {
            layout: WeightsLayout::Pairwise {
                coding: None,
                machine: |arrays| {
                    let keys = BoltzmannMachineKeys {
                        hidden: arrays.hidden(),
                        coding: arrays.coding,
                        weight_std: default_weight_std(),
                    };
                    let (visible, coding) = (arrays.visible, arrays.coding);
                    let (weight, bias) = (arrays.weight, arrays.bias);
                    Machine {
                        model: BoltzmannMachine::from_parameters(weight, bias, visible, coding)
                            .into(),
                        keys: keys.into(),
                        changes: &[],
                    }
                },
            },
            arrays: "weight [units, units], bias [units]",
            energy: PAIRWISE_ENERGY,
            options: &[&CODING, &VISIBLE],
        }
    }
}
