//! The kind `rbm`: a restricted Boltzmann machine.

use burn::tensor::Device;
use ebm_models::{ImageShape, Rbm, RbmConfig, VisibleUnits};
use ebm_ops::Noise;
use ebm_train::Examples;
use ebm_train::keys::{InvalidValue, check_count, check_not_negative};
use serde::{Deserialize, Serialize};

use super::size::{self, WIDTHS};
use super::weights::Said;
use super::{
    AnyModel, LayerNames, LayeredArrays, MEAN_MARGIN, Machine, ModelKind, OptionValue,
    VisibleValues, Weights, WeightsLayout, WeightsOption,
};
use crate::error::RunError;
use crate::weight_files::WrongArrays;

ebm_train::keys! {
/// Keys of a restricted Boltzmann machine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RbmKeys {
    /// Number of hidden units, 1 to 1,048,576.
    pub hidden: usize,
    /// What the visible units are: `"bernoulli"` (0 and 1) or `"gaussian"` (standardised data).
    #[serde(default)]
    pub visible_units: VisibleUnits,
    /// Standard deviation of the initial weights, 0 or more.
    #[serde(default = "default_weight_std")]
    pub weight_std: f64,
    /// Whether units are centred around their means (Melchior, Fischer & Wiskott 2016).
    #[serde(default)]
    pub centered: bool,
}
}

const VISIBLE_UNITS: WeightsOption = WeightsOption {
    key: "visible_units",
    value: OptionValue::OneOf(&["bernoulli", "gaussian"]),
    help: "what the visible units are, bernoulli (0 and 1) or gaussian (standardised data) \
           [default: bernoulli]",
    example: "gaussian",
};

/// The standard deviation of the initial weights of a machine.
pub(super) fn default_weight_std() -> f64 {
    0.01
}

impl ModelKind for RbmKeys {
    fn validate(&self) -> Result<(), InvalidValue> {
        check_count("model.hidden", self.hidden, *WIDTHS.end())?;
        check_not_negative("model.weight_std", self.weight_std)
    }

    fn parameters(&self, shape: ImageShape) -> Result<u128, RunError> {
        // A bias of each visible unit, too.
        let visible = shape.values();
        Ok(size::layers(&[visible, self.hidden]).saturating_add(visible as u128))
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
        let config = RbmConfig::new(shape.values(), self.hidden)
            .with_visible_units(self.visible_units)
            .with_weight_std(self.weight_std)
            .with_centered(self.centered);
        Ok(config.init(device, noise).into())
    }

    fn fit(&self, model: AnyModel, examples: &Examples<4>) -> AnyModel {
        match model {
            AnyModel::Rbm(model) => model
                .with_visible_means(examples.mean(), MEAN_MARGIN)
                .into(),
            other => other,
        }
    }

    fn visible_values(&self) -> VisibleValues {
        match self.visible_units {
            VisibleUnits::Bernoulli => VisibleValues::Probabilities,
            VisibleUnits::Gaussian => VisibleValues::Real,
        }
    }

    fn described(&self) -> Vec<(&'static str, String)> {
        let units = match self.visible_units {
            VisibleUnits::Bernoulli => "bernoulli",
            VisibleUnits::Gaussian => "gaussian",
        };
        vec![(VISIBLE_UNITS.key, units.into())]
    }

    fn weights() -> Weights {
        Weights {
            layout: WeightsLayout::Layered {
                names: LayerNames::One,
                machine,
            },
            arrays: "weight [visible, hidden], visible_bias [visible], hidden_bias [hidden]",
            energy: "E = - b.v - c.h - v W h, with `--visible-units gaussian`\n\
                     E = 1/2 |v|^2 - b.v - c.h - v W h",
            options: &[&VISIBLE_UNITS],
        }
    }
}

fn machine(mut arrays: LayeredArrays, said: &Said<'_>) -> Result<Machine, WrongArrays> {
    let visible_units = said.option(&VISIBLE_UNITS)?.unwrap_or_default();
    let keys = RbmKeys {
        hidden: arrays.hidden()[0],
        visible_units,
        weight_std: default_weight_std(),
        centered: false,
    };
    let hidden_bias = arrays.biases.swap_remove(1);
    let (weight, visible_bias) = (arrays.weights.swap_remove(0), arrays.biases.swap_remove(0));
    let model = Rbm::from_parameters(weight, visible_bias, hidden_bias, visible_units);
    Ok(Machine {
        model: model.into(),
        keys: keys.into(),
        changes: match visible_units {
            VisibleUnits::Bernoulli => &[],
            // Grey pixels stay grey, and chains start where standardised data lie.
            VisibleUnits::Gaussian => &["data.binarize=none", "chains.start=\"normal\""],
        },
    })
}
