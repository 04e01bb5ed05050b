//! What a run tells whoever watches it, and how it is told to stop.

use std::path::Path;

use ebm_train::Fingerprint;
use ebm_train::Metrics;

use crate::quality::{QualityLine, Verdict};

/// Something that happened in a run.
#[derive(Clone, Debug)]
pub enum Event<'a> {
    /// Training starts or goes on.
    Started {
        /// The run folder.
        folder: &'a Path,
        /// Updates made before.
        step: u64,
        /// Updates in all.
        steps: u64,
        /// Parameters of the model.
        parameters: usize,
        /// Examples.
        examples: usize,
    },
    /// The file system of the run folder has no locks: a file keeps other runs away, which a killed
    /// process leaves behind.
    LockedByFile {
        /// The run folder.
        folder: &'a Path,
    },
    /// The examples are others than those that training was stopped with. It goes on with them.
    DataChanged {
        /// What they were.
        before: Fingerprint,
        /// What they are.
        now: Fingerprint,
        /// Whether the configuration names other data than before, so that this is meant.
        asked_for: bool,
    },
    /// A resumed run goes on with another learning rate than its last update had, since its
    /// configuration was changed.
    RateJumped {
        /// The learning rate of the last update.
        from: f64,
        /// That of the next.
        to: f64,
    },
    /// A layer of a deep machine is being trained alone.
    Pretraining {
        /// The hidden layer, from 1.
        layer: usize,
        /// The number of hidden layers.
        layers: usize,
        /// The layer's last update.
        metrics: &'a Metrics,
        /// Updates of this layer in all.
        steps: u64,
    },
    /// An update was applied.
    Step(&'a Metrics),
    /// A line of metrics was written, averaged over the updates since the last.
    Logged {
        /// The averages.
        metrics: &'a Metrics,
        /// How fast it goes.
        speed: Speed,
    },
    /// A picture was written.
    Sampled {
        /// The file.
        path: &'a Path,
    },
    /// A checkpoint was written.
    Saved {
        /// The file.
        path: &'a Path,
    },
    /// An update was refused.
    Refused {
        /// What it would have been.
        metrics: &'a Metrics,
        /// The number of refused updates in a row.
        in_a_row: u32,
    },
    /// Training went back to a checkpoint.
    RolledBack {
        /// The update at which it diverged.
        from: u64,
        /// The update to which it went back.
        to: u64,
        /// The learning rate that it goes on with.
        learning_rate: f64,
        /// The number of roll-backs so far.
        rollbacks: u32,
    },
    /// The quality of the model was measured.
    Measured {
        /// What was found.
        line: &'a QualityLine,
        /// What all measurements of the run mean.
        verdict: &'a Verdict,
        /// Whether it is the best model so far, and was kept.
        is_best: bool,
    },
    /// The model collapsed, and training went back to the best.
    Collapsed {
        /// The update at which that was seen.
        from: u64,
        /// The update of the best model.
        to: u64,
        /// What was seen.
        verdict: &'a Verdict,
        /// The learning rate that it goes on with.
        learning_rate: f64,
        /// The transitions of its chains.
        transitions: usize,
        /// The number of collapses so far.
        collapses: u32,
    },
    /// Training ends before its last update, since its quality doesn't rise any more.
    StoppedEarly {
        /// Updates made.
        step: u64,
        /// The update of the best model.
        best: u64,
    },
    /// All that was measured of a run that ends, in words.
    Judged {
        /// What it means.
        verdict: &'a Verdict,
        /// The share of the training time that measuring took.
        cost: f64,
    },
    /// Something went wrong that training goes on without: a picture, a line of a log.
    Warned {
        /// What, and what becomes of it.
        message: &'a str,
    },
    /// All updates were made and the final model was written.
    Finished {
        /// The model.
        model: &'a Path,
    },
}

/// Throughput since the last line of metrics.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Speed {
    /// Updates a second.
    pub steps_per_second: f64,
    /// Chains moved through all their transitions a second.
    pub samples_per_second: f64,
}

/// Somebody who watches a run.
pub trait Watch {
    /// Called as things happen.
    fn event(&mut self, event: &Event<'_>);

    /// Asked after each update, and between the transitions of chains that take long: whether to
    /// save and stop now. An update or picture that has taken more than a second is given up then,
    /// and made anew when the run is resumed.
    fn should_stop(&mut self) -> bool {
        false
    }
}

/// Nobody watches.
impl Watch for () {
    fn event(&mut self, _event: &Event<'_>) {}
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// All updates were made.
    Finished,
    /// It was stopped after this many updates, and saved.
    Stopped {
        /// Updates made.
        step: u64,
    },
}
