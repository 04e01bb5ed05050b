//! Samples from a trained model: fresh chains from noise, and their picture.

use burn::tensor::{Device, Tensor};
use ebm_models::{Energy, PairwiseStructure, Structure};
use ebm_ops::Noise;
use ebm_sampling::Interrupt;
use ebm_sampling::gibbs::SingleSiteGibbs;
use ebm_sampling::tempering::{TemperatureSchedule, anneal};
use ebm_train::host_values;
use image::RgbImage;

use super::model_file::ModelFile;
use super::plane::plane_picture;
use crate::drawing::picture::{cell_pixels, image_grid};
use crate::error::RunError;
use ebm_train::files::memory;
use ebm_train::{rows, state_shape};

/// Chains that are moved at a time, so that memory doesn't grow with the number of samples.
pub(crate) const CHAINS_AT_A_TIME: usize = 256;

/// How many samples, and how.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SampleOptions {
    /// Number of chains.
    pub count: usize,
    /// Transitions of each.
    pub steps: usize,
    /// Seed of the chains.
    pub seed: u64,
    /// Simulated annealing in place of sampling at one temperature, for pairwise machines.
    pub annealing: Option<Annealing>,
}

/// Cooling of a pairwise machine while samples are drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Annealing {
    /// The temperatures, one a sweep, in place of [`SampleOptions::steps`].
    pub schedule: TemperatureSchedule,
    /// A unit is shown as it was most often over so many last sweeps.
    pub average_last: usize,
}

/// Finds out whether samples of this shape, and their picture, fit into memory.
///
/// # Errors
///
/// If they don't.
pub(super) fn check_samples(count: usize, shape: [usize; 3]) -> Result<(), RunError> {
    // The samples twice, on the device and on the host, and three bytes a pixel of the enlarged
    // picture.
    let values = memory::product(&shape)
        .max(cell_pixels(shape))
        .saturating_mul(3 * count as u128);
    check_memory("samples and their picture", count, values)
}

/// Finds out whether arrays of states of chains, `values` numbers each, fit into memory.
fn check_states(count: usize, values: usize) -> Result<(), RunError> {
    // Parts and the whole on the device, the whole on the host, and the bytes of a file.
    let values = 4 * values as u128;
    check_memory("samples", count, values.saturating_mul(count as u128))
}

fn check_memory(what: &'static str, count: usize, values: u128) -> Result<(), RunError> {
    if memory::fits(values) {
        return Ok(());
    }
    Err(RunError::TooManySamples {
        count,
        what,
        memory: memory::amount(values),
    })
}

/// Where chains ended.
#[derive(Clone, Debug)]
pub struct Samples {
    /// What is seen of the states: `[count, channels, height, width]`. Units that are drawn by
    /// coins are shown by their probability given the hidden units.
    pub images: Tensor<4>,
    /// The states of the chains, which for machines with hidden units are more than the images:
    /// `[count, ..]`.
    pub states: Tensor<4>,
    /// `E` of the states, in the run's [`EnergyUnit`](crate::config::EnergyUnit) (the free energy
    /// of a restricted machine): `[count]`.
    pub energies: Tensor<1>,
}

/// Chains over time.
#[derive(Clone, Debug)]
pub struct Walk {
    /// Where the chains ended.
    pub samples: Samples,
    /// What is seen of the states after 0, `every`, 2 `every`, .. transitions: `[times, count,
    /// channels, height, width]`.
    pub images: Tensor<5>,
    /// Their energies, in the same unit: `[times, count]`.
    pub energies: Tensor<2>,
}

/// Draws samples for a picture by chains that start at noise: `[count, channels, height, width]`.
///
/// # Errors
///
/// If they and their picture don't fit into memory, or annealing is asked for of a model that isn't
/// a pairwise machine.
pub fn sample(
    model: &ModelFile,
    options: SampleOptions,
    device: &Device,
) -> Result<Tensor<4>, RunError> {
    check_samples(options.count, model.shape)?;
    let never = &mut Interrupt::never();
    let (images, _) = run_chains(model, options, &[], device, never, &mut |_, _| {})?;
    Ok(images)
}

/// As [`sample`], unless `interrupt` calls the chains off: then there are no samples.
pub(super) fn sample_unless(
    model: &ModelFile,
    options: SampleOptions,
    device: &Device,
    interrupt: &mut Interrupt<'_>,
) -> Result<Option<Tensor<4>>, RunError> {
    let (images, _) = run_chains(model, options, &[], device, interrupt, &mut |_, _| {})?;
    Ok((!interrupt.was_raised()).then_some(images))
}

/// As [`draw`], unless `interrupt` calls the chains off: then there are no samples.
pub(super) fn draw_unless(
    model: &ModelFile,
    options: SampleOptions,
    device: &Device,
    interrupt: &mut Interrupt<'_>,
) -> Result<Option<Samples>, RunError> {
    let samples = draw_while(model, options, device, interrupt)?;
    Ok((!interrupt.was_raised()).then_some(samples))
}

/// Draws samples as [`sample`] does, the same for the same seed, with their states and energies.
///
/// # Errors
///
/// As for [`sample`], but for a picture.
pub fn draw(
    model: &ModelFile,
    options: SampleOptions,
    device: &Device,
) -> Result<Samples, RunError> {
    draw_while(model, options, device, &mut Interrupt::never())
}

/// Where chains end, or are once `interrupt` called them off.
fn draw_while(
    model: &ModelFile,
    options: SampleOptions,
    device: &Device,
    interrupt: &mut Interrupt<'_>,
) -> Result<Samples, RunError> {
    let (images, states) = run_chains(model, options, &[], device, interrupt, &mut |_, _| {})?;
    let energies = energies(model, states.clone());
    Ok(Samples {
        images,
        states,
        energies,
    })
}

/// Draws samples as [`draw`] does, and looks at the chains every so many transitions.
///
/// # Errors
///
/// As for [`draw`].
///
/// # Panics
///
/// If `every` is 0 or doesn't divide the number of transitions, or annealing is asked for.
pub fn walk(
    model: &ModelFile,
    options: SampleOptions,
    every: usize,
    device: &Device,
) -> Result<Walk, RunError> {
    assert!(
        every > 0 && options.steps.is_multiple_of(every) && options.annealing.is_none(),
        "chains of {} transitions can't be looked at every {every} (annealing: {})",
        options.steps,
        options.annealing.is_some()
    );
    let times = options.steps / every + 1;
    check_states(
        options.count.saturating_mul(times),
        model.shape.iter().product(),
    )?;
    // Not from the stream of the chains, which would go another way if they were looked at.
    let mut aside = Noise::new(options.seed).split();
    // One batch of chains after the other, each with all its times.
    let mut batches: Vec<(Vec<Tensor<5>>, Vec<Tensor<2>>)> = Vec::new();
    let never = &mut Interrupt::never();
    let looks: Vec<usize> = (0..times).map(|time| time * every).collect();
    let (images, states) = run_chains(
        model,
        options,
        &looks,
        device,
        never,
        &mut |time, states| {
            if time == 0 {
                batches.push(Default::default());
            }
            if let Some((images, energies_of)) = batches.last_mut() {
                energies_of.push(energies(model, states.clone()).unsqueeze_dim(0));
                let seen = model.model.visible_means(states, model.shape, &mut aside);
                images.push(seen.unsqueeze_dim(0));
            }
        },
    )?;
    let (seen, energies_of) = batches
        .into_iter()
        .map(|(images, energies)| (Tensor::cat(images, 0), Tensor::cat(energies, 0)))
        .unzip();
    Ok(Walk {
        samples: Samples {
            energies: energies(model, states.clone()),
            images,
            states,
        },
        images: Tensor::cat(seen, 1),
        energies: Tensor::cat(energies_of, 1),
    })
}

/// Samples of states at which chains are.
pub(super) fn samples_of(model: &ModelFile, states: Tensor<4>, noise: &mut Noise) -> Samples {
    let means = |states| model.model.visible_means(states, model.shape, noise);
    let parts = states.clone().split(CHAINS_AT_A_TIME, 0);
    Samples {
        images: Tensor::cat(parts.into_iter().map(means).collect(), 0),
        energies: energies(model, states.clone()),
        states,
    }
}

/// The energies of states, some at a time.
fn energies(model: &ModelFile, states: Tensor<4>) -> Tensor<1> {
    let parts = states
        .split(CHAINS_AT_A_TIME, 0)
        .into_iter()
        .map(|states| model.model.energy(states))
        .collect();
    Tensor::cat(parts, 0)
}

/// Images and states where chains end, or are once `interrupt` called them off; `look` gets each
/// batch of them after `looks` transitions, which ascend.
pub(super) fn run_chains(
    model: &ModelFile,
    options: SampleOptions,
    looks: &[usize],
    device: &Device,
    interrupt: &mut Interrupt<'_>,
    look: &mut dyn FnMut(usize, Tensor<4>),
) -> Result<(Tensor<4>, Tensor<4>), RunError> {
    let [channels, height, width] = model.shape;
    let structure = model.model.structure();
    let state = state_shape(&structure, [1, channels, height, width]);
    let state: usize = state.iter().product();
    check_states(options.count, channels * height * width + state)?;
    let annealing = match (options.annealing, model.model.structure()) {
        (None, _) => None,
        (Some(annealing), Structure::Pairwise(machine)) => Some((machine, annealing)),
        (Some(_), Structure::Smooth | Structure::Layered(_)) => {
            return Err(RunError::NotEvaluable {
                what: "an annealed sample",
                model: model.model.name(),
                models: "machines whose units are coupled in pairs",
            });
        }
    };
    let range = model.config.data.range();
    // Rows of hotter replicas are of no use here: one temperature is enough to look at samples.
    let sampler = model.config.sampler.at_one_temperature();
    let kernel = sampler.kernel(&model.model, range.into())?;
    let mut noise = Noise::new(options.seed);
    let (images, states) = (0..options.count)
        .step_by(CHAINS_AT_A_TIME)
        .map(|first| {
            let count = CHAINS_AT_A_TIME.min(options.count - first);
            let shape = state_shape(&structure, [count, channels, height, width]);
            let position = model.starts.draw(shape, device, &mut noise);
            let states = match &annealing {
                Some((machine, annealing)) => annealed(machine, position, annealing, &mut noise),
                None => {
                    let (mut position, mut moved) = (position, 0);
                    let stops = looks.iter().map(|&stop| (stop, true));
                    for (stop, is_look) in stops.chain([(options.steps, false)]) {
                        if stop > moved {
                            position = kernel
                                .run(&model.model, position, stop - moved, &mut noise, interrupt)
                                .position;
                            moved = stop;
                        }
                        if is_look {
                            look(stop, position.clone());
                        }
                    }
                    position
                }
            };
            let seen = model
                .model
                .visible_means(states.clone(), model.shape, &mut noise);
            (seen, states)
        })
        .unzip();
    Ok((Tensor::cat(images, 0), Tensor::cat(states, 0)))
}

/// States after cooling, each unit as it was most often in the end.
fn annealed(
    machine: &PairwiseStructure,
    states: Tensor<4>,
    annealing: &Annealing,
    noise: &mut Noise,
) -> Tensor<4> {
    let shape = states.dims();
    let sweep = SingleSiteGibbs::new(0.0);
    let Annealing {
        schedule,
        average_last,
    } = annealing;
    anneal(
        machine,
        rows(states),
        schedule,
        &sweep,
        *average_last,
        noise,
    )
    .majority
    .reshape(shape)
}

/// The picture of samples: a grid of images; for points of the plane the true density, that of the
/// model, and the points.
pub fn sample_picture(model: &ModelFile, samples: Tensor<4>, device: &Device) -> RgbImage {
    if let Some((picture, _)) = plane_picture(model, &samples, device) {
        return picture;
    }
    image_grid(
        &host_values(samples),
        model.shape,
        model.config.data.range(),
    )
}
