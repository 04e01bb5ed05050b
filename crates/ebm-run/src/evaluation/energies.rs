//! The energies that a model gives to examples, and how they are spread.

use burn::tensor::Tensor;
use ebm_models::{Dbm, Energy, MeanField, PairwiseMachine};
use ebm_ops::per_chain;
use ebm_sampling::energy_and_gradient;
use serde::Serialize;

use super::partition::Progress;
use crate::error::RunError;
use crate::kinds::AnyModel as Network;
use crate::run::floats;
use ebm_train::Examples;
use ebm_train::rows;

/// Examples looked at in one go.
pub(super) const BATCH: usize = 1024;

/// How far mean-field inference goes here: further than in training, since the bound only gains by it.
const INFERENCE: MeanField = MeanField {
    tolerance: 1e-5,
    max_steps: 200,
};

/// `E(x)` of examples, in the model's [`EnergyUnit`](crate::config::EnergyUnit); in nats it is `-log p(x)` up to the constant `log Z`. A restricted machine's is its free energy; of a deep one it is
/// an upper bound, the variational free energy.
///
/// # Shapes
///
/// - `batch`: `[batch, channels, height, width]`
/// - output: `[batch]`
///
/// # Errors
///
/// If the machine has hidden units that are coupled to each other, so that they can't be summed out.
pub fn example_energies(model: &Network, batch: Tensor<4>) -> Result<Tensor<1>, RunError> {
    match model {
        Network::Dbm(dbm) => Ok(inferred(dbm, rows(batch)).1),
        Network::BoltzmannMachine(machine) => {
            Ok(machine.joint_energy(fully_visible(machine, batch)?))
        }
        Network::Hopfield(machine) => Ok(machine.joint_energy(fully_visible(machine, batch)?)),
        Network::Mlp(_) | Network::ConvNet(_) | Network::Rbm(_) => Ok(model.energy(batch)),
    }
}

/// Whether [`example_energies`] are bounds and not the energies themselves.
pub fn energies_are_bounds(model: &Network) -> bool {
    matches!(model, Network::Dbm(_))
}

/// The energies of all examples, in their order.
///
/// # Errors
///
/// As [`example_energies`], and if an energy isn't finite.
pub fn energies(
    model: &Network,
    examples: &Examples<4>,
    progress: &mut Progress<'_>,
) -> Result<Vec<f32>, RunError> {
    let mut energies = Vec::with_capacity(examples.len());
    for batch in examples.batches(BATCH) {
        energies.extend(floats(example_energies(model, batch)?));
        progress("energies", energies.len() as u64, examples.len() as u64);
    }
    finite(&energies, "the energy of an example")?;
    Ok(energies)
}

/// The one check of results: numbers that are handed out as such are finite.
///
/// # Errors
///
/// If one isn't.
pub fn finite(values: &[f32], what: &'static str) -> Result<(), RunError> {
    if values.iter().all(|value| value.is_finite()) {
        Ok(())
    } else {
        Err(RunError::NotFinite { what })
    }
}

/// Whether images that a model made are finite, and their energies too, without which they are no draws of it.
///
/// # Errors
///
/// If one isn't. Machines whose hidden units can't be summed out have no energy of images to be judged by.
pub fn check_made(model: &Network, images: &Tensor<4>) -> Result<(), RunError> {
    finite(&floats(images.clone()), "a pixel")?;
    for images in images.clone().split(BATCH, 0) {
        if let Ok(energies) = example_energies(model, images) {
            finite(&floats(energies), "the energy of an image")?;
        }
    }
    Ok(())
}

/// The norms `|dE/dx|_2` of all examples, in their order, in the unit of the energy for each unit of `x`.
///
/// Minus this norm is the approximate-mass score of Grathwohl et al. (ICLR 2020, section 5.3): around examples of training the density is flat
/// in most directions, while a single point of high density away from its mass, an image that is only simple, lies on a slope. So it
/// may find outliers that the energy takes for likely.
///
/// # Panics
///
/// If the energy is no differentiable function of examples, which it is of networks and restricted machines.
pub fn gradient_norms(
    model: &Network,
    examples: &Examples<4>,
    progress: &mut Progress<'_>,
) -> Vec<f32> {
    let mut norms = Vec::with_capacity(examples.len());
    for batch in examples.batches(BATCH) {
        let (_, gradient) = energy_and_gradient(model, batch);
        let squares: Tensor<2> = per_chain(gradient.square()).sum_dim(1);
        norms.extend(floats(squares.sqrt().squeeze_dim::<1>(1)));
        progress("gradients", norms.len() as u64, examples.len() as u64);
    }
    norms
}

/// The means of all layers of a deep machine given its visible units, and the variational free energy there.
pub(super) fn inferred(dbm: &Dbm, visible: Tensor<2>) -> (Vec<Tensor<2>>, Tensor<1>) {
    let dbm = dbm.clone().with_inference(INFERENCE);
    let means = dbm.mean_field(visible);
    let energies = dbm.unnormalized_bound(&means).neg();
    (means, energies)
}

/// Examples as full states of a machine without hidden units.
pub(super) fn fully_visible<M: PairwiseMachine>(
    machine: &M,
    batch: Tensor<4>,
) -> Result<Tensor<2>, RunError> {
    if machine.hidden_units() == 0 {
        return Ok(rows(batch));
    }
    Err(RunError::NotEvaluable {
        what: "the likelihood of examples",
        model: "machine with hidden units that are coupled to each other",
        models: "machines without hidden units, rbm and dbm",
    })
}

/// How the energies of a set are spread, in their unit.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct EnergySummary {
    /// The mean.
    pub mean: f64,
    /// The standard deviation, with one degree of freedom taken by the mean.
    pub standard_deviation: f64,
    /// The smallest energy.
    pub min: f64,
    /// The energy below which lie 5 % of the set: as for all quantiles, the nearest rank.
    pub quantile_5: f64,
    /// The middle energy.
    pub median: f64,
    /// The energy below which lie 95 % of the set.
    pub quantile_95: f64,
    /// The largest energy.
    pub max: f64,
}

impl EnergySummary {
    /// Looks at energies; `None` if there are none.
    pub fn new(energies: &[f32]) -> Option<Self> {
        let mut sorted = energies.to_vec();
        sorted.sort_unstable_by(f32::total_cmp);
        let (&min, &max) = (sorted.first()?, sorted.last()?);
        let count = sorted.len() as f64;
        let mean = sorted.iter().map(|&e| f64::from(e)).sum::<f64>() / count;
        let squares = sorted.iter().map(|&e| (f64::from(e) - mean).powi(2));
        let variance = squares.sum::<f64>() / (count - 1.0).max(1.0);
        Some(Self {
            mean,
            standard_deviation: variance.sqrt(),
            min: f64::from(min),
            quantile_5: quantile(&sorted, 0.05),
            median: quantile(&sorted, 0.5),
            quantile_95: quantile(&sorted, 0.95),
            max: f64::from(max),
        })
    }
}

/// The value of the nearest rank: the smallest with at least this share at or below it.
pub(crate) fn quantile<T: Copy + Into<f64>>(sorted: &[T], share: f64) -> f64 {
    let rank = (share * sorted.len() as f64).ceil() as usize;
    sorted[rank.clamp(1, sorted.len()) - 1].into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summary_is_that_of_the_textbook() {
        assert_eq!(EnergySummary::new(&[]), None);
        let energies: Vec<f32> = (1..=20).rev().map(|e| e as f32).collect();
        let summary = EnergySummary::new(&energies);
        let expected = EnergySummary {
            mean: 10.5,
            // (n^2 - 1) / 12 n / (n - 1)
            standard_deviation: 35.0_f64.sqrt(),
            min: 1.0,
            quantile_5: 1.0,
            median: 10.0,
            quantile_95: 19.0,
            max: 20.0,
        };
        assert_eq!(summary, Some(expected));
        let one = EnergySummary::new(&[3.0]);
        assert_eq!(
            one.map(|one| (one.mean, one.standard_deviation, one.median)),
            Some((3.0, 0.0, 3.0))
        );
    }
}
