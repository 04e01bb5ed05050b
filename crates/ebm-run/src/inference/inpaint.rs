//! Inpainting: free pixels drawn given the others, by the sampler that the model was trained with.

use burn::tensor::{Bool, Tensor, TensorData};
use ebm_models::{LayeredMachine, PairwiseMachine};
use ebm_ops::Noise;
use ebm_sampling::{
    BlockGibbs, ClampedBlockGibbs, ClampedSingleSiteGibbs, ConditionalEnergy, SingleSiteGibbs,
    random_states, run,
};

use super::pixel_mask::PixelMask;
use crate::config::SamplerConfig;
use crate::error::RunError;
use crate::evaluation::check_made;
use crate::kinds::AnyModel as Network;
use crate::run::{ModelFile, starting_points};
use ebm_train::{rows, run_continuous};

/// Draws the free pixels of images from the model's distribution of them given the others, `p(x_free | x_fixed)`. Fixed pixels come
/// back bit for bit.
///
/// Chains start with free pixels from where the training chains of the model started, and make `steps` transitions of its sampler:
/// Langevin dynamics or Metropolis of the free pixels alone ([`ConditionalEnergy`]), Gibbs sampling with clamped units for Boltzmann
/// machines. Units that are drawn by coins are shown by their probabilities. Different noise draws other pixels.
///
/// # Shapes
///
/// - `images` and output: `[count, channels, height, width]`, the shape of the model
///
/// # Errors
///
/// If the model is one of points of the plane, or pixels or their energies aren't finite.
///
/// # Panics
///
/// If images or mask haven't the shape of the model.
pub fn inpaint(
    model: &ModelFile,
    images: Tensor<4>,
    mask: &PixelMask,
    steps: usize,
    noise: &mut Noise,
) -> Result<Tensor<4>, RunError> {
    if !model.takes_images() {
        return Err(RunError::NotEvaluable {
            what: "free pixels",
            model: "model of points in the plane",
            models: "models of images",
        });
    }
    let [count, channels, height, width] = images.dims();
    let found = [channels, height, width];
    assert_eq!(
        found, model.shape,
        "images of shape {found:?} were given to a model of {:?}",
        model.shape
    );
    assert_eq!(
        mask.size(),
        [height, width],
        "a mask of {:?} pixels was given for images of {:?}",
        mask.size(),
        [height, width]
    );
    let free = mask.values(channels);
    let device = images.device();
    let data = TensorData::new(free.clone(), [1, channels, height, width]);
    let is_free = Tensor::<4, Bool>::from_data(data, &device).expand(images.shape());
    let fresh = starting_points(&model.config).draw(images.dims(), &device, noise);
    let start = images.clone().mask_where(is_free.clone(), fresh);
    let config = &model.config;
    let sampler = config.sampler.at_one_temperature();
    let range = config.data.range();
    let filled = match (&model.model, &sampler) {
        (Network::Rbm(machine), SamplerConfig::Gibbs(keys)) => {
            let hidden = Tensor::zeros([count, machine.hidden()], &device);
            let kernel = block_kernel(keys.temperature, &free);
            let states = vec![rows(start), hidden];
            run(&kernel, &machine.layers(), states, steps, noise)
                .position
                .swap_remove(0)
                .reshape(images.shape())
        }
        (Network::Dbm(machine), SamplerConfig::Gibbs(keys)) => {
            let kernel = block_kernel(keys.temperature, &free);
            let states = machine.mean_field(rows(start));
            let layers = run(&kernel, &machine.layers(), states, steps, noise).position;
            let units = machine.units();
            machine.join(layers).reshape([count, units, 1, 1])
        }
        (Network::BoltzmannMachine(machine), SamplerConfig::Gibbs(keys)) => {
            sites(machine, keys.temperature, start, &free, steps, noise)
        }
        (Network::Hopfield(machine), SamplerConfig::Gibbs(keys)) => {
            sites(machine, keys.temperature, start, &free, steps, noise)
        }
        (network, sampler) => {
            let conditional = ConditionalEnergy::new(network.clone(), images.clone(), &free);
            let start = conditional.restrict(start);
            let end = run_continuous(&conditional, sampler, start, steps, range, noise).position;
            conditional.complete(end)
        }
    };
    let shown = model.model.visible_means(filled, model.shape, noise);
    let filled = images.mask_where(is_free, shown);
    check_made(&model.model, &filled)?;
    Ok(filled)
}

/// Block Gibbs sampling with visible units clamped.
fn block_kernel(temperature: f64, free: &[bool]) -> ClampedBlockGibbs {
    ClampedBlockGibbs::new(BlockGibbs { temperature }).with_free(0, free)
}

/// Unit by unit, with visible units clamped; hidden units start at coins. `[count, units, 1, 1]`.
fn sites<M: PairwiseMachine>(
    machine: &M,
    temperature: f64,
    start: Tensor<4>,
    free: &[bool],
    steps: usize,
    noise: &mut Noise,
) -> Tensor<4> {
    let (count, device) = (start.dims()[0], start.device());
    let (units, hidden) = (machine.units(), machine.hidden_units());
    let mut states = rows(start);
    let mut free = free.to_vec();
    if hidden > 0 {
        let coins = random_states(machine.coding(), [count, hidden], &device, noise);
        states = Tensor::cat(vec![states, coins], 1);
        free.resize(units, true);
    }
    let kernel = ClampedSingleSiteGibbs::new(SingleSiteGibbs::new(temperature), &free);
    run(&kernel, machine, states, steps, noise)
        .position
        .reshape([count, units, 1, 1])
}
