//! Inpainting: free values of a configuration drawn given the others.

use burn::tensor::{Bool, Tensor, TensorData};
use ebm_models::{Energy, LayeredStructure, PairwiseMachine, PairwiseStructure, Structure};
use ebm_ops::Noise;
use ebm_sampling::conditioning::{ClampedBlockGibbs, ClampedSingleSiteGibbs, ConditionalEnergy};
use ebm_sampling::gibbs::{BlockGibbs, SingleSiteGibbs, random_states};
use ebm_sampling::{Interrupt, StartingPoints, run};

use super::chains::ChainOptions;
use super::error::UsingError;
use super::shown::show_states;
use crate::judging::check_samples;
use crate::rows;
use crate::samplers::SamplerConfig;

/// How free values are drawn.
#[derive(Clone, Debug)]
pub struct InpaintOptions {
    /// How chains move.
    pub chains: ChainOptions,
    /// Where free values start.
    pub start: StartingPoints,
    /// Transitions of each chain.
    pub steps: usize,
}

/// Draws the free values of configurations from the model's distribution of them given the others,
/// `p(x_free | x_fixed)`. Fixed values come back bit for bit.
///
/// Chains start with free values from [`InpaintOptions::start`]. Machines with layers and pairwise
/// machines make sweeps of Gibbs sampling with clamped units; any other energy is moved through by
/// Langevin dynamics or Metropolis of the free values alone ([`ConditionalEnergy`]), and so is that
/// of a restricted machine where the sampler is one of these. Units of layers are shown by their
/// probabilities. Different noise draws other values.
///
/// # Shapes
///
/// - `given` and output: `[count, ..]`
/// - `free`: a value for each of a configuration, row by row, the same for all of them; of images
///   [`PixelMask::values`](super::PixelMask::values)
///
/// # Errors
///
/// If the sampler doesn't move chains of the model, or values or their energies aren't finite.
///
/// # Panics
///
/// If configurations or mask haven't the shape that the model takes, or nothing is free.
pub fn inpaint<E: Energy<D> + Clone, const D: usize>(
    energy: &E,
    given: Tensor<D>,
    free: &[bool],
    options: &InpaintOptions,
    noise: &mut Noise,
) -> Result<Tensor<D>, UsingError> {
    let (shape, device) = (given.dims(), given.device());
    let mut one = shape;
    one[0] = 1;
    let data = TensorData::new(free.to_vec(), one);
    let is_free = Tensor::<D, Bool>::from_data(data, &device).expand(shape);
    let fresh = options.start.draw(shape, &device, noise);
    let start = given.clone().mask_where(is_free.clone(), fresh);
    let structure = energy.structure();
    let sampler = options.chains.sampler_at_one_temperature();
    let steps = options.steps;
    let states = match (&structure, &sampler) {
        (Structure::Layered(machine), SamplerConfig::Gibbs(keys)) if keys.temperature > 0.0 => {
            redraw_blocks(machine, keys.temperature, rows(start), free, steps, noise)
        }
        (Structure::Pairwise(machine), SamplerConfig::Gibbs(keys)) => {
            redraw_sites(machine, keys.temperature, rows(start), free, steps, noise)
        }
        (structure, sampler) if has_energy_of_visible(structure) => {
            let conditional = ConditionalEnergy::new(energy.clone(), given.clone(), free);
            let start = conditional.restrict(start);
            let kernel = sampler.kernel(&conditional, options.chains.range)?;
            let never = &mut Interrupt::never();
            let end = kernel.run(&conditional, start, steps, noise, never);
            rows(conditional.complete(end.position))
        }
        (structure, sampler) => return Err(UsingError::sampler(structure, sampler)),
    };
    let shown = show_states(&structure, states, noise).reshape(shape);
    let filled = given.mask_where(is_free, shown);
    check_samples(energy, &filled)?;
    Ok(filled)
}

/// Whether the energy is a smooth function of what is seen.
fn has_energy_of_visible(structure: &Structure) -> bool {
    match structure {
        Structure::Layered(machine) => !machine.free_energy_is_bound(),
        Structure::Pairwise(_) => false,
        Structure::Smooth => true,
    }
}

/// Layer by layer, with visible units clamped; hidden units start where inference finds them.
fn redraw_blocks(
    machine: &LayeredStructure,
    temperature: f64,
    visible: Tensor<2>,
    free: &[bool],
    steps: usize,
    noise: &mut Noise,
) -> Tensor<2> {
    let kernel = ClampedBlockGibbs::new(BlockGibbs { temperature }).with_free(0, free);
    let states = machine.infer(visible, &mut || false);
    machine.join(run(&kernel, machine.layers(), states, steps, noise).position)
}

/// Unit by unit, with visible units clamped; hidden units start at coins.
fn redraw_sites(
    machine: &PairwiseStructure,
    temperature: f64,
    visible: Tensor<2>,
    free: &[bool],
    steps: usize,
    noise: &mut Noise,
) -> Tensor<2> {
    let (count, device) = (visible.dims()[0], visible.device());
    let (units, hidden) = (machine.units(), machine.hidden_units());
    let mut states = visible;
    let mut free = free.to_vec();
    if hidden > 0 {
        let coins = random_states(machine.coding(), [count, hidden], &device, noise);
        states = Tensor::cat(vec![states, coins], 1);
        free.resize(units, true);
    }
    let kernel = ClampedSingleSiteGibbs::new(SingleSiteGibbs::new(temperature), &free);
    run(&kernel, machine, states, steps, noise).position
}
