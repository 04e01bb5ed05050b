//! How a run begins: everything is read and checked before anything is written.

use std::path::Path;

use burn::tensor::Device;

use super::folder::RunFolder;
use super::generate::check_samples;
use super::model_file::load_model;
use super::runner::Runner;
use super::splits;
use crate::config::RunConfig;
use crate::error::RunError;
use crate::kinds::{AnyModel, check_batch};
use crate::logs::events::{Outcome, Watch};
use ebm_train::Trainer;
use ebm_train::data::Split;
use ebm_train::keys::{InvalidValue, check};
use ebm_train::{CheckpointError, StateMismatch};
use ebm_train::{load_weights, weights};

/// Makes a run of `config` in the folder `out`. Where the configuration doesn't say how many
/// examples are held out, that is decided here, and written down with it; a run that starts from
/// the weights of another holds out what its configuration says, since those weights may have seen
/// the others.
///
/// # Errors
///
/// If the folder is not empty, the data can't be read, the model doesn't fit them, or training
/// diverges beyond recovery.
pub fn train(
    config: &RunConfig,
    device: &Device,
    out: &Path,
    watch: &mut dyn Watch,
) -> Result<Outcome, RunError> {
    train_chosen(config, &[], device, out, watch)
}

/// The same of a configuration that was [chosen](crate::config::AutomaticConfig): the lines that
/// say what was chosen and why are kept in the folder, in `chosen.txt`.
///
/// # Errors
///
/// As for [`train`].
pub fn train_chosen(
    config: &RunConfig,
    reasons: &[String],
    device: &Device,
    out: &Path,
    watch: &mut dyn Watch,
) -> Result<Outcome, RunError> {
    // Everything that can be wrong is found before anything is written.
    RunFolder::check_free(out)?;
    let config = &config.clone().of_new_run();
    let trainer = begin(config, device)?;
    let folder = RunFolder::create(out, config)?;
    let kept = match reasons {
        [] => Ok(()),
        reasons => folder.write_chosen(reasons),
    };
    let mut runner = Runner::new(config, device, folder, trainer);
    runner
        .warnings
        .extend(kept.err().map(|error| error.to_string()));
    runner.run(watch)
}

/// Continues the run in `folder` from its newest checkpoint, or from its beginning if it was
/// stopped before the first.
///
/// # Errors
///
/// If the checkpoint is damaged, or doesn't fit `config`, or there is none any more; otherwise as
/// for [`train`].
pub fn resume(
    config: &RunConfig,
    device: &Device,
    folder: RunFolder,
    watch: &mut dyn Watch,
) -> Result<Outcome, RunError> {
    let config = &config.clone().with_absolute_paths();
    if folder.is_at_its_start()? {
        let trainer = begin(config, device)?;
        let kind = config.model.kind();
        kind.check_pretrained(trainer.examples(), &|layer| folder.pretrained(layer))?;
        folder.make(&folder.checkpoints())?;
        folder.write_config(config)?;
        return Runner::new(config, device, folder, trainer).run(watch);
    }
    let before = folder.read_config()?.read();
    if let Ok(before) = &before {
        check_held_out(before, config)?;
    }
    let (mut checkpoint, path) = folder.newest_checkpoint()?;
    let collapses = checkpoint.state.collapses;
    let used_up = checkpoint.state.used_up.then_some(checkpoint.state.step);
    let (step, rollbacks) = (checkpoint.state.step, checkpoint.state.rollbacks);
    let rate = config.optimizer.learning_rate();
    let rate_before = before
        .as_ref()
        .map(|before| before.optimizer.learning_rate());
    // The configuration in the folder may be that of a process that was killed before it wrote a
    // checkpoint.
    let base_rate = checkpoint
        .state
        .base_rate
        .or(rate_before.as_ref().ok().copied());
    let rates_before = before.as_ref().ok().and_then(|before| {
        let scale = base_rate? / before.optimizer.learning_rate();
        let before = before.recipe();
        let last = step.checked_sub(1)?;
        Some([last, step].map(|step| scale * before.learning_rate(step, rollbacks)))
    });
    let other_data = before
        .as_ref()
        .is_ok_and(|before| before.clone().with_absolute_paths().data != config.data);
    if base_rate.is_some_and(|base| (base - rate).abs() > SAME_RATE * rate) {
        // A learning rate that is given anew is meant as it is given.
        checkpoint.state.rollbacks = 0;
    }
    let trained_on = checkpoint.state.examples;
    let mut trainer = prepare(config, device)?;
    trainer
        .restore(checkpoint)
        .map_err(|message| CheckpointError::Mismatch { path, message })?;
    folder.make(&folder.checkpoints())?;
    folder.write_config(config)?;
    let mut runner = Runner::new(config, device, folder, trainer);
    runner.used_up = used_up;
    runner.collapses = collapses;
    runner.trim_after_collapse();
    runner.trained_on = trained_on.map(|examples| (examples, other_data));
    runner.rate_before = rates_before.and_then(|[last, next]| {
        let found = runner.trainer.learning_rate();
        ((found - next).abs() > SMALL_JUMP * found.max(next)).then_some(last)
    });
    runner.run(watch)
}

/// Share by which a learning rate may differ from what the run before would have gone on with,
/// before anybody is told.
const SMALL_JUMP: f64 = 0.01;

/// Share by which two learning rates differ at least that aren't the same: JSON may lose the last
/// bit of one.
const SAME_RATE: f64 = 1e-12;

/// Examples that were trained on can't be held out afterwards.
fn check_held_out(before: &RunConfig, now: &RunConfig) -> Result<(), InvalidValue> {
    let [before, now] = [before, now].map(|config| config.clone().with_absolute_paths().data);
    let [was, is] = [&before, &now].map(|data| data.keys().test_fraction());
    check(
        is == 0.0 || is == was || before.place() != now.place(),
        "data.test_fraction",
        format!("{is:?}"),
        format!("{was:?}, that of the run: what it was trained on can't be held out any more"),
    )
}

/// A trainer at its first step, with the weights that it is to start from.
fn begin(config: &RunConfig, device: &Device) -> Result<Trainer<AnyModel, 4>, RunError> {
    let mut trainer = prepare(config, device)?;
    if let Some(run) = &config.training.start_from {
        start_from(&mut trainer, run, device)?;
    }
    Ok(trainer)
}

/// A trainer at its first step, with weights that were drawn.
pub(super) fn prepare(
    config: &RunConfig,
    device: &Device,
) -> Result<Trainer<AnyModel, 4>, RunError> {
    config.validate()?;
    let (mut noise, mut data_noise) = splits::noise_of_run(config);
    let examples = splits::examples(&config.data, Split::Train, device, &mut data_noise)?;
    let [_, channels, height, width] = examples.shape();
    let shape = [channels, height, width];
    check_samples(config.output.sample_count, shape)?;
    let model = AnyModel::new(&config.model, shape.into(), device, &mut noise.split())?;
    let model = config.model.kind().fit(model, &examples);
    let batch_size = config.training.batch_size;
    if batch_size <= examples.len() {
        // Data and samples pass through the model together; replicas are moved together.
        let rows = batch_size.saturating_mul(config.sampler.replicas().max(2));
        check_batch(&config.model, shape.into(), batch_size, rows, device)?;
    }
    Ok(Trainer::new(
        config.recipe(),
        model,
        examples,
        noise.split(),
    )?)
}

/// Gives a trainer the weights of the model of another run.
fn start_from(
    trainer: &mut Trainer<AnyModel, 4>,
    run: &Path,
    device: &Device,
) -> Result<(), RunError> {
    let trained = load_model(run, device)?;
    trained.check_examples(trainer.examples())?;
    let wrong = |message: StateMismatch| CheckpointError::Mismatch {
        path: run.to_path_buf(),
        message,
    };
    let (found, expected) = (trained.model.name(), trainer.model().name());
    if found != expected {
        return Err(wrong(format!("it is a {found}, expected a {expected}").into()).into());
    }
    let model = load_weights(trainer.model().clone(), weights(&trained.model)).map_err(wrong)?;
    trainer.set_model(model);
    Ok(())
}
