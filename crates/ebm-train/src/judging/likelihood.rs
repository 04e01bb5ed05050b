//! How likely a model finds data, up to its partition function, and how well it makes them again.

use burn::tensor::{Tensor, activation};
use ebm_models::{
    Energy, HiddenUnits, LayeredStructure, PairwiseMachine, PairwiseStructure, Structure,
    VisibleUnits,
};
use ebm_ops::{Noise, Progress};
use serde::Serialize;

use super::energies::{BATCH, full_states, structure_to_judge};
use super::error::JudgingError;
use super::finite::check_finite;
use super::moments::{Estimate, Moments};
use crate::Examples;
use crate::examples::host_values;
use crate::rows;

/// What a model says of a set of examples; all energies and logarithms in nats.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SetReport {
    /// The number of examples.
    pub examples: usize,
    /// `log p(x) + log Z`: exact (minus the free energy) where hidden units are summed out or there
    /// are none, else a variational lower bound.
    pub unnormalized_log_likelihood: Estimate,
    /// The pseudo-log-likelihood `sum_i log p(x_i | the other pixels)`, one pixel drawn an example;
    /// `None` where the free energy isn't known or pixels aren't binary.
    pub pseudo_log_likelihood: Option<Estimate>,
    /// Mean squared difference, a pixel, of an example and what the machine makes of it in one pass
    /// up and down.
    pub reconstruction_error: Option<Estimate>,
    /// The energy of each example in its order, minus the above: `-log p(x) - log Z`, or its upper
    /// bound.
    #[serde(skip)]
    pub energies: Vec<f32>,
}

/// Looks at every example once. `noise` draws the pixels of the pseudo-likelihood.
///
/// # Errors
///
/// If the likelihood of examples isn't known, since hidden units are coupled to each other; if
/// there are no examples, or a result isn't finite.
///
/// # Panics
///
/// If examples haven't the shape that the model takes.
pub fn evaluate<M: Energy<D> + ?Sized, const D: usize>(
    model: &M,
    examples: &Examples<D>,
    noise: &mut Noise,
    progress: &mut dyn Progress,
) -> Result<SetReport, JudgingError> {
    progress.begin("looking at examples");
    let count = examples.len();
    let structure = structure_to_judge(model);
    let mut likelihoods = Moments::default();
    let mut pseudo = Moments::default();
    let mut errors = Moments::default();
    let mut all = Vec::with_capacity(count);
    for batch in examples.batches(BATCH) {
        let batch = batch.x;
        let energies = match &structure {
            Structure::Layered(machine) => {
                let visible = rows(batch);
                let means = machine.infer(visible.clone(), &mut || false);
                let energies = machine.free_energy(&means);
                if has_exact_flips(machine) {
                    let visible = visible.clone();
                    pseudo.add(pseudo_likelihood(machine, visible, energies.clone(), noise));
                }
                errors.add(squared_error(
                    visible,
                    machine.layers().visible_means(&means),
                ));
                energies
            }
            Structure::Pairwise(machine) => {
                let states = full_states(machine, batch)?;
                pseudo.add(site_pseudo_likelihood(machine, states.clone()));
                machine.joint_energy(states)
            }
            Structure::Smooth => model.energy(batch),
        };
        likelihoods.add(energies.clone().neg());
        all.extend(host_values(energies));
        progress.advance(all.len(), count);
    }
    check_finite(&all, "the energy of an example")?;
    for estimate in [pseudo.estimate(), errors.estimate()].into_iter().flatten() {
        if !(estimate.mean.is_finite() && estimate.standard_error.is_finite()) {
            let what = "the pseudo-likelihood or the reconstruction error";
            return Err(JudgingError::NotFinite { what });
        }
    }
    Ok(SetReport {
        examples: count,
        unnormalized_log_likelihood: likelihoods.estimate().ok_or(JudgingError::NoExamples)?,
        pseudo_log_likelihood: pseudo.estimate(),
        reconstruction_error: errors.estimate(),
        energies: all,
    })
}

/// Whether flips of single pixels have exact free energies.
fn has_exact_flips(machine: &LayeredStructure) -> bool {
    machine.hidden() == HiddenUnits::SummedOut
        && machine.layers().visible_units() == VisibleUnits::Bernoulli
}

/// `sum_i log P(y_i | rest)`: all fields come from one product.
fn site_pseudo_likelihood(machine: &PairwiseStructure, states: Tensor<2>) -> Tensor<1> {
    let coding = machine.coding();
    // +1 where a unit is high, -1 where it is low.
    let middle = (coding.low() + coding.high()) / 2.0;
    let signs = states.clone().sub_scalar(middle).sign();
    let margins = machine.fields(states).mul_scalar(coding.field_scale()) * signs;
    activation::log_sigmoid(margins).sum_dim(1).squeeze_dim(1)
}

/// `n log p(x_i | rest)` for one pixel `i` of `n` drawn for each example, which has the
/// pseudo-log-likelihood as its mean: `log p(x_i | rest) = log sigmoid(F(x with i flipped) -
/// F(x))`.
fn pseudo_likelihood(
    machine: &LayeredStructure,
    visible: Tensor<2>,
    energies: Tensor<1>,
    noise: &mut Noise,
) -> Tensor<1> {
    let [count, pixels] = visible.dims();
    let device = visible.device();
    let drawn = noise.indices(count, pixels, &device);
    let chosen: Tensor<2> = drawn.one_hot::<2>(pixels).float();
    // 1 - x where chosen, x elsewhere.
    let flip = visible.clone().mul_scalar(-2.0).add_scalar(1.0);
    let flipped = visible + chosen * flip;
    let difference = machine.energy(flipped) - energies;
    activation::log_sigmoid(difference).mul_scalar(pixels as f64)
}

fn squared_error(examples: Tensor<2>, made: Tensor<2>) -> Tensor<1> {
    (examples - made).square().mean_dim(1).squeeze_dim(1)
}
