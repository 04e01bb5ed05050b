//! What can go wrong in a run and in reading what a run wrote.

mod config;
mod models;
mod sweep;

use std::path::{Path, PathBuf};

use ebm_train::data::DataError;
use ebm_train::judging::{DensityGridError, JudgingError};
use ebm_train::keys::InvalidValue;
use ebm_train::using::UsingError;
use ebm_train::{CheckpointError, TrainError};

use crate::drawing::picture::PictureError;
use crate::quality::Verdict;

pub use config::ConfigError;
pub use models::ModelsError;
pub use sweep::SweepError;

/// A run that can't start, go on or be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// The configuration is wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Training can't start or go on.
    #[error(transparent)]
    Train(TrainError),
    /// The data can't be read.
    #[error(transparent)]
    Data(#[from] DataError),
    /// A checkpoint or another file of arrays can't be used.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The model doesn't fit the data.
    #[error(
        "config section `model` doesn't fit the data ({channels}x{height}x{width} values an example): {message}"
    )]
    Model {
        /// Channels of an example.
        channels: usize,
        /// Height of an example.
        height: usize,
        /// Width of an example.
        width: usize,
        /// Why it doesn't fit.
        message: String,
    },
    /// More samples than fit into memory.
    #[error(
        "{count} {what} take {memory}, more than this machine has: ask for fewer (`-n`, config key `output.sample_count`)"
    )]
    TooManySamples {
        /// The number of samples.
        count: usize,
        /// "samples", or more that is made of them.
        what: &'static str,
        /// The memory that they would take.
        memory: String,
    },
    /// `long_run.json` isn't what `ebm eval --long-run` writes.
    #[error("{}: {message}; delete it, or write it anew with `ebm eval --long-run`", path.display())]
    LongRun {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        message: String,
    },
    /// A model of the plane has no density.
    #[error(transparent)]
    Density(#[from] DensityGridError),
    /// A picture can't be written.
    #[error(transparent)]
    Picture(#[from] PictureError),
    /// A file or folder can't be read or written.
    #[error("can't {action} {}: {source}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The output folder already holds something.
    #[error("the output folder {} is not empty: nothing was overwritten; choose another with `--out DIR`{hint}", path.display())]
    OutputNotEmpty {
        /// The folder.
        path: PathBuf,
        /// What else one could do.
        hint: String,
    },
    /// A report would take the place of something else.
    #[error("{} exists and is no report: nothing was overwritten; choose another name with `--out FILE`", path.display())]
    NotAReport {
        /// What is there.
        path: PathBuf,
    },
    /// A folder is not that of a run.
    #[error("{} is not a run folder: there is no {missing} in it; a run folder is made by `ebm train --out DIR`", path.display())]
    NotARun {
        /// The folder.
        path: PathBuf,
        /// The file that is missing.
        missing: &'static str,
    },
    /// There is no run where runs were looked for.
    #[error("there is no run in {}: expected a run folder, made by `ebm train --out DIR`, or a folder of run folders", path.display())]
    NoRuns {
        /// The folder.
        path: PathBuf,
    },
    /// A run of a series is there already, with another configuration.
    #[error("{} was trained by another configuration: its key `{key}` is {found}, and now it would be {expected}; choose another folder with `--out DIR`, or go on with this run by `ebm resume`", path.display())]
    OtherConfiguration {
        /// The run folder.
        path: PathBuf,
        /// The first key that differs.
        key: String,
        /// Its value in the folder.
        found: String,
        /// Its value now.
        expected: String,
    },
    /// A sweep that can't be made, or isn't the one that is there.
    #[error(transparent)]
    Sweep(#[from] SweepError),
    /// A run is already using the folder.
    #[error("{} is in use by another process (its lock file is held): wait for it or stop it first", path.display())]
    Locked {
        /// The folder.
        path: PathBuf,
    },
    /// A run is using the folder, as a file in it says: the file system has no locks, or had none
    /// for that run.
    #[error("{} is in use by process {process} on {host}, as {} says: wait for it or stop it first; if it is no longer running, delete that file", path.display(), file.display())]
    LockedBy {
        /// The folder.
        path: PathBuf,
        /// The number of the process.
        process: u32,
        /// Its machine.
        host: String,
        /// The file that says so.
        file: PathBuf,
    },
    /// Something that can't be known of this kind of model.
    #[error("{what} can be found for {models}, not for this {model}")]
    NotEvaluable {
        /// What was asked for.
        what: &'static str,
        /// The kind of model.
        model: &'static str,
        /// The kinds of models of which it can be found.
        models: &'static str,
    },
    /// A model can't be judged.
    #[error(transparent)]
    Judging(#[from] JudgingError),
    /// A model can't be used.
    #[error(transparent)]
    Using(UsingError),
    /// Examples that the model can't take.
    #[error(
        "the examples of {} have the shape {found:?} (channels, height, width), but the model takes {expected:?}", path.display()
    )]
    WrongExamples {
        /// Where they come from.
        path: PathBuf,
        /// Their shape.
        found: [usize; 3],
        /// The shape that the model takes.
        expected: [usize; 3],
    },
    /// Models that can't be composed.
    #[error(transparent)]
    Composition(#[from] ModelsError),
    /// Outliers that the model can't take.
    #[error(
        "the images of {} have the shape {found:?} (channels, height, width), but the model takes {expected:?}: pass `--ood-resize` to scale them", path.display()
    )]
    WrongOutliers {
        /// Where they come from.
        path: PathBuf,
        /// Their shape.
        found: [usize; 3],
        /// The shape that the model takes.
        expected: [usize; 3],
    },
    /// A layer diverged before the machine was put together.
    #[error(
        "pretraining of layer {layer} diverged at step {step}: lower model.pretraining.learning_rate"
    )]
    PretrainingDiverged {
        /// The hidden layer, from 1.
        layer: usize,
        /// The update of this layer.
        step: u64,
    },
    /// Training diverged again and again.
    #[error(
        "training diverged at step {step} and {rollbacks} roll-backs with ever smaller learning rates did not help: lower optimizer.learning_rate or sampler.step_size, or raise objective.energy_regularizer; the last good checkpoint is kept in {}", folder.display()
    )]
    Diverged {
        /// The step at which it was given up.
        step: u64,
        /// The number of roll-backs made.
        rollbacks: u32,
        /// The folder of checkpoints.
        folder: PathBuf,
    },
    /// A model that samples nothing like its data.
    #[error(
        "{verdict}{attempts}; lower optimizer.learning_rate, take more sampler.steps, or raise objective.energy_regularizer{place}",
        attempts = attempts(*.collapses),
        place = place(.kept.as_deref())
    )]
    Collapsed {
        /// What was seen.
        verdict: Verdict,
        /// Times that training went back to its best model.
        collapses: u32,
        /// The file of the best model, if one was any good.
        kept: Option<PathBuf>,
    },
    /// There is none.
    #[error("there is no checkpoint in {}: the run was stopped before it wrote one; `ebm resume` starts it from its beginning", path.display())]
    Missing {
        /// The folder that was searched.
        path: PathBuf,
    },
    /// No best model was kept.
    #[error("there is no {}: no quality was measured in this run (config key `output.quality_samples`), so that no model is known as the best; resume without `--best`", path.display())]
    NoBest {
        /// The checkpoint that would be it.
        path: PathBuf,
    },
    /// There is none any more, or the run was imported and never had one.
    #[error("there is no checkpoint in {}, and to start from the beginning would overwrite {}: train on from its weights with `ebm train --from {} --out DIR`, or begin another run with another `--out`", path.display(), result.display(), run.display())]
    NothingToResume {
        /// The folder that was searched.
        path: PathBuf,
        /// What would be overwritten.
        result: PathBuf,
        /// The run folder.
        run: PathBuf,
    },
    /// The final model is damaged.
    #[error("{} is corrupt ({message}): delete it, and `ebm resume` of its run writes it again", path.display())]
    CorruptModel {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        message: String,
    },
    /// What pretraining left is damaged.
    #[error("{} is corrupt ({message}): delete it, and `ebm resume` trains this layer again", path.display())]
    CorruptLayer {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        message: String,
    },
    /// It keeps no chains.
    #[error("{} keeps no chains: only those of kind \"replay_buffer\" or \"persistent\" (config section `chains`) outlive an update", path.display())]
    NoChains {
        /// The file.
        path: PathBuf,
    },
    /// There is no model in a run folder.
    #[error("there is no model in {}: the run was stopped before it wrote one; go on with it by `ebm resume`", path.display())]
    NoModel {
        /// The run folder.
        path: PathBuf,
    },
}

/// What was tried against collapses.
fn attempts(collapses: u32) -> String {
    match collapses {
        0 => String::new(),
        1 => {
            "; to go back to it with half the learning rate and trimmed samples did not help".into()
        }
        many => format!(
            "; to go back to it {many} times, each with half the learning rate and the later ones with longer chains, did not help"
        ),
    }
}

/// Where the best model is.
fn place(model: Option<&Path>) -> String {
    model.map_or_else(String::new, |model| {
        format!("; {} holds the best model", model.display())
    })
}

impl From<TrainError> for RunError {
    /// Errors that the two have in common stay what they are.
    fn from(error: TrainError) -> Self {
        match error {
            TrainError::Value(error) => error.into(),
            TrainError::Data(error) => Self::Data(error),
            TrainError::Checkpoint(error) => Self::Checkpoint(error),
            other => Self::Train(other),
        }
    }
}

impl From<UsingError> for RunError {
    /// Errors that the two have in common stay what they are.
    fn from(error: UsingError) -> Self {
        match error {
            UsingError::Judging(error) => Self::Judging(error),
            error => Self::Using(error),
        }
    }
}

impl From<InvalidValue> for RunError {
    fn from(error: InvalidValue) -> Self {
        Self::Config(error.into())
    }
}

impl RunError {
    /// Turns an I/O error into one that names what was tried on which path.
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| Self::Io {
            action,
            path,
            source,
        }
    }
}
