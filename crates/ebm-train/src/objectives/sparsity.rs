//! A penalty that asks hidden units to be on as often as a target says.

use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use crate::keys::{InvalidValue, check_not_negative, check_share};

crate::keys! {
/// `cost * sum_j (mean_batch P(h_j = 1) - target)^2`, over all hidden units (Lee, Ekanadham & Ng
/// 2008).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sparsity {
    /// Mean activity that each unit should have, between 0 and 1.
    pub target: f64,
    /// Factor of the squared distance from it, summed over units, 0 or more.
    pub cost: f64,
}
}

impl Sparsity {
    /// The penalty, `[1]`; `None` without hidden units.
    ///
    /// # Shapes
    ///
    /// - `hidden`: for each layer the means given the data, `[batch, units]`
    pub fn penalty(&self, hidden: Vec<Tensor<2>>) -> Option<Tensor<1>> {
        hidden
            .into_iter()
            .map(|means| {
                let distance = means.mean_dim(0).sub_scalar(self.target);
                distance.square().sum().mul_scalar(self.cost)
            })
            .reduce(|total, layer| total + layer)
    }

    pub(super) fn validate(&self) -> Result<(), InvalidValue> {
        check_share("objective.sparsity.target", self.target)?;
        check_not_negative("objective.sparsity.cost", self.cost)
    }
}
