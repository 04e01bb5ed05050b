//! The energies that a model gives to examples, and the slopes of its energy there.

use burn::tensor::Tensor;
use ebm_models::{Energy, MeanField, PairwiseMachine, PairwiseStructure, Structure};
use ebm_ops::{Progress, per_chain};
use ebm_sampling::energy_and_gradient;

use super::error::JudgingError;
use super::finite::check_finite;
use crate::Examples;
use crate::examples::host_values;
use crate::rows;

/// Examples looked at in one go.
pub(super) const BATCH: usize = 1024;

/// How far mean-field inference goes here: further than in training, since the bound only gains by
/// it.
const INFERENCE: MeanField = MeanField {
    tolerance: 1e-5,
    max_steps: 200,
};

/// What a model is made of, with inference that goes as far as it is worth for a judgement.
pub(super) fn structure_to_judge<M: Energy<D> + ?Sized, const D: usize>(model: &M) -> Structure {
    match model.structure() {
        Structure::Layered(machine) => Structure::Layered(machine.with_inference(INFERENCE)),
        other @ (Structure::Pairwise(_) | Structure::Smooth) => other,
    }
}

/// `E(x)` of examples, in the unit of the energy; at temperature 1 it is `-log p(x)` up to the
/// constant `log Z`.
///
/// Of a machine with layers it is the free energy of the visible units: exact where the hidden
/// units are summed out, else an [upper bound](energies_are_bounds), the variational free energy.
///
/// # Shapes
///
/// - `batch`: `[batch, ..]`
/// - output: `[batch]`
///
/// # Errors
///
/// If the machine has hidden units that are coupled to each other, so that they can't be summed
/// out.
///
/// # Panics
///
/// If examples haven't the shape that the model takes.
pub fn example_energies<M: Energy<D> + ?Sized, const D: usize>(
    model: &M,
    batch: Tensor<D>,
) -> Result<Tensor<1>, JudgingError> {
    energies_of(model, &structure_to_judge(model), batch)
}

/// As [`example_energies`], of a model whose structure is at hand.
fn energies_of<M: Energy<D> + ?Sized, const D: usize>(
    model: &M,
    structure: &Structure,
    batch: Tensor<D>,
) -> Result<Tensor<1>, JudgingError> {
    match structure {
        Structure::Layered(machine) => {
            let means = machine.infer(rows(batch), &mut || false);
            Ok(machine.free_energy(&means))
        }
        Structure::Pairwise(machine) => Ok(machine.joint_energy(full_states(machine, batch)?)),
        Structure::Smooth => Ok(model.energy(batch)),
    }
}

/// Whether [`example_energies`] of a model of this structure are bounds and not the energies
/// themselves.
pub fn energies_are_bounds(structure: &Structure) -> bool {
    match structure {
        Structure::Layered(machine) => machine.free_energy_is_bound(),
        Structure::Pairwise(_) | Structure::Smooth => false,
    }
}

/// The energies of all examples, in their order, as [`example_energies`] gives them.
///
/// # Errors
///
/// As there, and if an energy isn't finite.
pub fn energies<M: Energy<D> + ?Sized, const D: usize>(
    model: &M,
    examples: &Examples<D>,
    progress: &mut dyn Progress,
) -> Result<Vec<f32>, JudgingError> {
    progress.begin("energies");
    let structure = structure_to_judge(model);
    let mut energies = Vec::with_capacity(examples.len());
    for batch in examples.batches(BATCH) {
        energies.extend(host_values(energies_of(model, &structure, batch.x)?));
        progress.advance(energies.len(), examples.len());
    }
    check_finite(&energies, "the energy of an example")?;
    Ok(energies)
}

/// Finds out whether samples that a model made are finite, and their energies too, without which
/// they are no draws of it: `[count, ..]`.
///
/// # Errors
///
/// If one isn't. Machines whose hidden units can't be summed out have no energy of samples to be
/// judged by.
pub fn check_samples<M: Energy<D> + ?Sized, const D: usize>(
    model: &M,
    samples: &Tensor<D>,
) -> Result<(), JudgingError> {
    check_finite(&host_values(samples.clone()), "a pixel")?;
    let structure = structure_to_judge(model);
    for samples in samples.clone().split(BATCH, 0) {
        if let Ok(energies) = energies_of(model, &structure, samples) {
            check_finite(&host_values(energies), "the energy of an image")?;
        }
    }
    Ok(())
}

/// The norms `|dE/dx|_2` of all examples, in their order, in the unit of the energy for each unit
/// of `x`.
///
/// Minus this norm is the approximate-mass score of Grathwohl et al. (ICLR 2020, section 5.3):
/// around examples of training the density is flat in most directions, while a single point of high
/// density away from its mass, an image that is only simple, lies on a slope. So it may find
/// outliers that the energy takes for likely.
///
/// # Panics
///
/// If the energy is no differentiable function of examples, which it is of networks and restricted
/// machines.
pub fn gradient_norms<M: Energy<D> + ?Sized, const D: usize>(
    model: &M,
    examples: &Examples<D>,
    progress: &mut dyn Progress,
) -> Vec<f32> {
    progress.begin("gradients");
    let mut norms = Vec::with_capacity(examples.len());
    for batch in examples.batches(BATCH) {
        let (_, gradient) = energy_and_gradient(model, batch.x);
        let squares: Tensor<2> = per_chain(gradient.square()).sum_dim(1);
        norms.extend(host_values(squares.sqrt().squeeze_dim::<1>(1)));
        progress.advance(norms.len(), examples.len());
    }
    norms
}

/// Examples as full states of a machine without hidden units: `[batch, units]`.
pub(super) fn full_states<const D: usize>(
    machine: &PairwiseStructure,
    batch: Tensor<D>,
) -> Result<Tensor<2>, JudgingError> {
    if machine.hidden_units() == 0 {
        return Ok(rows(batch));
    }
    Err(JudgingError::NotEvaluable {
        what: "the likelihood of examples",
        model: "machine with hidden units that are coupled to each other",
        models: "machines without hidden units, rbm and dbm",
    })
}
