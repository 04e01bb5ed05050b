//! Greedy layer-wise pretraining of a deep Boltzmann machine, before its first update.

use std::path::{Path, PathBuf};

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use ebm_models::{BlockConditional, Dbm, Rbm, RbmConfig, ReplicatedRbm};
use ebm_ops::Noise;
use ebm_sampling::gibbs::BlockGibbs;
use ebm_sampling::{Interrupt, Run, run_unless};

use super::{DbmKeys, MEAN_MARGIN, PretrainingKeys};
use crate::error::RunError;
use crate::patience::patiently;
use ebm_train::CheckpointError;
use ebm_train::Examples;
use ebm_train::Metrics;
use ebm_train::TensorFile;
use ebm_train::recipe::{ChainsConfig, GibbsConfig, OptimizerConfig};
use ebm_train::{Recipe, TransitionKernel};
use ebm_train::{StepOutcome, Trainer};
use ebm_train::{load_weights, weights};

/// Updates between two looks at how a layer is doing.
const LOG_EVERY: u64 = 100;

/// Sets the streams of pretraining apart from those of the run, which come from the seed itself.
const STREAM: u64 = 0x7072_6574_7261_696e;

/// What training before the first update needs of its run.
pub struct Pretraining<'a> {
    /// The recipe of the run.
    pub recipe: &'a Recipe,
    /// The seed of the run.
    pub seed: u64,
    /// The examples.
    pub examples: &'a Examples<4>,
    /// Where the weights of a finished part lie, counted from 1.
    pub path: &'a dyn Fn(usize) -> PathBuf,
    /// Who looks on.
    pub watch: &'a mut dyn PretrainingWatch,
}

/// Who looks on while parts are trained.
pub trait PretrainingWatch {
    /// Some updates of part `layer` of `layers`, counted from 1, were made, of `steps` in all.
    fn update(&mut self, layer: usize, layers: usize, metrics: &Metrics, steps: u64);

    /// Whether to stop now.
    fn should_stop(&mut self) -> bool;
}

/// Trains one machine a layer, each on the hidden means of the one below, and composes them
/// (Salakhutdinov & Hinton 2009, section 3.1). `None`: it was told to stop.
///
/// A finished layer is written into the run folder; those that are there are read instead of
/// trained, so that a run that was stopped on the way loses one layer at most, and ends as it would
/// have.
pub(super) fn pretrain(
    keys: &DbmKeys,
    pretraining: &PretrainingKeys,
    run: &mut Pretraining<'_>,
) -> Result<Option<Dbm>, RunError> {
    let examples = run.examples;
    let device = examples.device();
    let mut data = examples.flattened();
    // A stream of its own a layer, so that those that are read change nothing for the others.
    let mut streams = Noise::new(run.seed ^ STREAM);
    let layers = keys.hidden.len();
    let mut stack: Vec<Rbm> = Vec::with_capacity(layers);
    for (layer, &hidden) in keys.hidden.iter().enumerate() {
        let mut noise = streams.split();
        let visible = data.shape()[1];
        let rbm = RbmConfig::new(visible, hidden)
            .with_weight_std(keys.weight_std)
            .init(&device, &mut noise)
            .with_visible_means(data.mean(), MEAN_MARGIN);
        let model = ReplicatedRbm::new(
            rbm,
            // The layers at the ends have one neighbour in the whole machine, and those between
            // two.
            if layer + 1 == layers { 1.0 } else { 2.0 },
            if layer == 0 { 1.0 } else { 2.0 },
        );
        let path = (run.path)(layer + 1);
        let model = if path.exists() {
            let file = load_layer(&path)?;
            load_weights(model, file.tensors)
                .map_err(|message| CheckpointError::Mismatch { path, message })?
        } else {
            let trainer_config = layer_recipe(pretraining, run.recipe);
            let mut trainer = Trainer::builder(trainer_config)
                .with_transition_kernel(OnCopies)
                .build(model, data.clone(), noise)?;
            for step in 1..=pretraining.steps {
                let stop = &mut || run.watch.should_stop();
                let outcome = patiently(stop, |interrupt| trainer.step_unless(interrupt));
                let Some(StepOutcome::Applied(metrics) | StepOutcome::Refused(metrics)) = outcome
                else {
                    return Ok(None);
                };
                if !metrics.is_finite() {
                    return Err(RunError::PretrainingDiverged {
                        layer: layer + 1,
                        step,
                    });
                }
                if step.is_multiple_of(LOG_EVERY) || step == pretraining.steps {
                    run.watch
                        .update(layer + 1, layers, &metrics, pretraining.steps);
                }
                if run.watch.should_stop() {
                    return Ok(None);
                }
            }
            let model = trainer.sampling_model();
            TensorFile {
                tensors: weights(&model),
                ..TensorFile::default()
            }
            .save(&path)?;
            model
        };
        if layer + 1 < layers {
            data = hidden_examples(&model, &data, &device);
        }
        stack.push(model.rbm().clone());
    }
    Ok(Some(Dbm::compose(&stack)))
}

/// Finds out whether the layers that are in the folder have the sizes that the configuration says.
pub(super) fn check_layers(
    keys: &DbmKeys,
    examples: &Examples<4>,
    path_of: &dyn Fn(usize) -> PathBuf,
) -> Result<(), RunError> {
    let mut visible = examples.shape()[1..].iter().product();
    for (layer, &hidden) in keys.hidden.iter().enumerate() {
        let path = path_of(layer + 1);
        if path.exists() {
            let model =
                RbmConfig::new(visible, hidden).init(&examples.device(), &mut Noise::new(0));
            let file = load_layer(&path)?;
            load_weights(ReplicatedRbm::new(model, 1.0, 1.0), file.tensors)
                .map_err(|message| CheckpointError::Mismatch { path, message })?;
        }
        visible = hidden;
    }
    Ok(())
}

/// Reads what was left of a finished layer.
fn load_layer(path: &Path) -> Result<TensorFile, RunError> {
    TensorFile::load(path).map_err(|error| match error {
        CheckpointError::Corrupt { path, message } => RunError::CorruptLayer { path, message },
        other => other.into(),
    })
}

/// The means of the hidden units given each example.
fn hidden_examples(model: &ReplicatedRbm, data: &Examples<2>, device: &Device) -> Examples<2> {
    let model = model.valid();
    let parts: Vec<Tensor<2>> = data
        .batches(data.rows_at_a_time())
        .map(|batch| model.hidden_means(batch.x))
        .collect();
    Examples::from_tensor(Tensor::cat(parts, 0).to_device(device))
}

/// How one layer is trained, in a run of this recipe.
fn layer_recipe(keys: &PretrainingKeys, run: &Recipe) -> Recipe {
    let decay = run.optimizer.weight_decay();
    Recipe::boltzmann_machine()
        .with_steps(keys.steps)
        .with_batch_size(run.batch_size)
        .with_precision(run.precision)
        .with_range(run.range)
        .with_energy_limit(run.energy_limit)
        .with_sampler(GibbsConfig::new(keys.gibbs_steps))
        // From the data, as in the source: with unequal copies the conditionals of the two layers
        // belong to no joint distribution, so that chains which never came back to the data would
        // drift from what the energy says.
        .with_chains(ChainsConfig::from_data())
        .with_optimizer(OptimizerConfig::sgd(keys.learning_rate).with_weight_decay(decay))
}

/// Block Gibbs sampling of a machine whose layers stand several times, on its visible units: one
/// copy of a layer is drawn given one of the other, at one temperature, which is no distribution of
/// its [`joint_energy`](BlockConditional::joint_energy) that replicas could swap by.
struct OnCopies;

impl TransitionKernel<ReplicatedRbm, 2> for OnCopies {
    fn run(
        &self,
        machine: &ReplicatedRbm,
        visible: Tensor<2>,
        transitions: usize,
        noise: &mut Noise,
        interrupt: &mut Interrupt<'_>,
    ) -> Run<Tensor<2>> {
        let hidden = [visible.dims()[0], machine.block_sizes()[1]];
        // The hidden units are drawn before they are looked at.
        let hidden = Tensor::zeros(hidden, &visible.device());
        let kernel = BlockGibbs { temperature: 1.0 };
        let states = vec![visible, hidden];
        run_unless(&kernel, machine, states, transitions, noise, interrupt)
            .map(|mut states| states.swap_remove(0))
    }
}
