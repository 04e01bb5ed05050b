//! The states of a model's chains: what an example becomes where a model has hidden units of its
//! own.

use burn::tensor::Tensor;
use ebm_models::{HiddenUnits, PairwiseMachine, PairwiseStructure, Structure};
use ebm_ops::Noise;
use ebm_ops::activation::sigmoid;
use ebm_sampling::gibbs::{SingleSiteGibbs, random_states};
use ebm_sampling::{Interrupt, run_unless};

/// States of any rank as rows: `[batch, units]`.
pub fn rows<const D: usize>(states: Tensor<D>) -> Tensor<2> {
    states.flatten(1, D - 1)
}

/// The shape of states for examples of the shape `[batch, ..]`: that of the examples, or all units
/// in one row, `[batch, units, 1, ..]`, where hidden units are part of the state.
pub fn state_shape<const D: usize>(structure: &Structure, examples: [usize; D]) -> [usize; D] {
    match structure {
        Structure::Smooth => examples,
        Structure::Layered(machine) => match machine.hidden() {
            HiddenUnits::SummedOut => examples,
            HiddenUnits::InStates(_) => row_shape(examples[0], machine.state_units()),
        },
        Structure::Pairwise(machine) if machine.hidden_units() == 0 => examples,
        Structure::Pairwise(machine) => row_shape(examples[0], machine.units()),
    }
}

/// Whether a state holds more than the example that it belongs to.
pub fn has_hidden_units(structure: &Structure) -> bool {
    match structure {
        Structure::Smooth => false,
        Structure::Layered(machine) => matches!(machine.hidden(), HiddenUnits::InStates(_)),
        Structure::Pairwise(machine) => machine.hidden_units() > 0,
    }
}

/// The positive phase: states with the visible units clamped to the examples, hidden units inferred
/// by mean field in machines with layers, and drawn in pairwise machines, from fair coins by
/// `sweeps` sweeps at `temperature`. Nothing of it is on the autodiff graph. What it gives once
/// `interrupt` was raised isn't used.
pub fn clamp<const D: usize>(
    structure: &Structure,
    examples: Tensor<D>,
    sweeps: usize,
    temperature: f64,
    noise: &mut Noise,
    interrupt: &mut Interrupt<'_>,
) -> Tensor<D> {
    let shape = state_shape(structure, examples.dims());
    match structure {
        Structure::Layered(machine) if has_hidden_units(structure) => {
            let layers = machine.infer(rows(examples), &mut || interrupt.is_raised());
            machine.join(layers).reshape(shape)
        }
        Structure::Pairwise(machine) if machine.hidden_units() > 0 => {
            let device = examples.device();
            let hidden = [shape[0], machine.hidden_units()];
            let hidden = random_states(machine.coding(), hidden, &device, noise);
            let states = Tensor::cat(vec![rows(examples), hidden], 1);
            let kernel = SingleSiteGibbs::new(temperature).with_clamped(machine.visible_units());
            run_unless(&kernel, machine, states, sweeps, noise, interrupt)
                .position
                .reshape(shape)
        }
        _ => examples,
    }
}

/// The probability that hidden units are on, layer by layer `[batch, units]`, given what is beside
/// them in `states`; on the autodiff graph where the structure is. Nothing for a model without
/// hidden units.
pub fn hidden_means<const D: usize>(structure: &Structure, states: Tensor<D>) -> Vec<Tensor<2>> {
    match structure {
        Structure::Smooth => Vec::new(),
        Structure::Layered(machine) => machine.hidden_means(rows(states)),
        Structure::Pairwise(machine) if machine.hidden_units() == 0 => Vec::new(),
        Structure::Pairwise(machine) => vec![hidden_site_means(machine, rows(states))],
    }
}

/// The probability that each hidden unit is high given all others.
fn hidden_site_means(machine: &PairwiseStructure, states: Tensor<2>) -> Tensor<2> {
    let (visible, hidden) = (machine.visible_units(), machine.hidden_units());
    let fields = machine.fields(states).narrow(1, visible, hidden);
    sigmoid(fields.mul_scalar(machine.coding().field_scale()))
}

/// `[batch, units, 1, ..]`.
fn row_shape<const D: usize>(batch: usize, units: usize) -> [usize; D] {
    let mut shape = [1; D];
    shape[0] = batch;
    shape[1] = units;
    shape
}
