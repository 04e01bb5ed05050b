//! Greedy layer-wise pretraining of a deep Boltzmann machine, before its first update.

use std::path::Path;

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use ebm_models::{BlockConditional, Dbm, Rbm, RbmConfig, ReplicatedRbm};
use ebm_ops::Noise;
use ebm_sampling::gibbs::BlockGibbs;
use ebm_sampling::{Interrupt, Run, run_unless};

use super::{DbmKeys, MEAN_MARGIN, PretrainingKeys};
use crate::config::{
    ChainsConfig, GibbsConfig, LinearConfig, NoKeys, ObjectiveConfig, OptimizerConfig, RunConfig,
    SamplerConfig, ScheduleConfig, ScheduleKind, SgdConfig,
};
use crate::error::RunError;
use crate::run::{Event, RunFolder, Watch, patiently};
use ebm_train::CheckpointError;
use ebm_train::Examples;
use ebm_train::TensorFile;
use ebm_train::{Recipe, TransitionKernel};
use ebm_train::{StepOutcome, Trainer};
use ebm_train::{load_weights, weights};

/// Updates between two looks at how a layer is doing.
const LOG_EVERY: u64 = 100;

/// Sets the streams of pretraining apart from those of the run, which come from the seed itself.
const STREAM: u64 = 0x7072_6574_7261_696e;

/// Trains one machine a layer, each on the hidden means of the one below, and composes them
/// (Salakhutdinov & Hinton 2009, section 3.1). `None`: it was told to stop.
///
/// A finished layer is written into the run folder; those that are there are read instead of
/// trained, so that a run that was stopped on the way loses one layer at most, and ends as it would
/// have.
pub(super) fn pretrain(
    keys: &DbmKeys,
    pretraining: &PretrainingKeys,
    config: &RunConfig,
    examples: &Examples<4>,
    folder: &RunFolder,
    watch: &mut dyn Watch,
) -> Result<Option<Dbm>, RunError> {
    let device = examples.device();
    let mut data = examples.flattened();
    // A stream of its own a layer, so that those that are read change nothing for the others.
    let mut streams = Noise::new(config.seed ^ STREAM);
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
        let path = folder.pretrained(layer + 1);
        let model = if path.exists() {
            let file = load_layer(&path)?;
            load_weights(model, file.tensors)
                .map_err(|message| CheckpointError::Mismatch { path, message })?
        } else {
            let trainer_config = layer_config(pretraining, config);
            let mut trainer = Trainer::builder(trainer_config)
                .with_transition_kernel(OnCopies)
                .build(model, data.clone(), noise)?;
            for step in 1..=pretraining.steps {
                let outcome = patiently(watch, |interrupt| trainer.step_unless(interrupt));
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
                    watch.event(&Event::Pretraining {
                        layer: layer + 1,
                        layers,
                        metrics: &metrics,
                        steps: pretraining.steps,
                    });
                }
                if watch.should_stop() {
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
    folder: &RunFolder,
) -> Result<(), RunError> {
    let mut visible = examples.shape()[1..].iter().product();
    for (layer, &hidden) in keys.hidden.iter().enumerate() {
        let path = folder.pretrained(layer + 1);
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

/// How one layer is trained.
fn layer_config(keys: &PretrainingKeys, config: &RunConfig) -> Recipe {
    Recipe {
        sampler: SamplerConfig::Gibbs(GibbsConfig {
            steps: keys.gibbs_steps,
            temperature: 1.0,
        }),
        // From the data, as in the source: with unequal copies the conditionals of the two layers
        // belong to no joint distribution, so that chains which never came back to the data would
        // drift from what the energy says.
        chains: ChainsConfig::Data(NoKeys {}),
        objective: ObjectiveConfig::default(),
        optimizer: OptimizerConfig::Sgd(SgdConfig {
            learning_rate: keys.learning_rate,
            momentum: 0.0,
            initial_momentum: None,
            initial_steps: 0,
            weight_decay: config.optimizer.weight_decay(),
            gradient_clip: None,
        }),
        schedule: ScheduleConfig {
            warmup: 0,
            decay: ScheduleKind::Linear(LinearConfig { final_factor: 0.0 }),
        },
        steps: keys.steps,
        batch_size: config.training.batch_size,
        data_noise: 0.0,
        ema_decay: None,
        precision: config.training.precision,
        energy_limit: config.recovery.energy_limit,
        range: config.data.range().into(),
    }
}

/// Block Gibbs sampling of a machine whose layers stand several times, on its visible units: one copy of a
/// layer is drawn given one of the other, at one temperature, which is no distribution of its
/// [`joint_energy`](BlockConditional::joint_energy) that replicas could swap by.
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
