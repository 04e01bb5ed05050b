//! How a run stands, in words.

use std::fmt;

/// How a run stands, by all that was measured of its models.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Verdict {
    /// Nothing was measured yet, or too little to tell.
    Unknown,
    /// The newest measurements are better than those before by more than their noise.
    Improving,
    /// It neither rises nor falls by more than its noise.
    Healthy,
    /// It doesn't rise any more, and samples are far from the data.
    Poor {
        /// What shows it.
        signs: Vec<Sign>,
    },
    /// It is worse than the best by more than its noise.
    Fell {
        /// The update of the first measurement that is worse.
        since: u64,
        /// The update of the best.
        best: u64,
    },
    /// Samples aren't like the data any more.
    Collapsed {
        /// The update of the first measurement that shows it.
        since: u64,
        /// The update of the best; `None` where no model was any good.
        best: Option<u64>,
        /// What shows it.
        signs: Vec<Sign>,
    },
}

/// What shows that a model has collapsed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Sign {
    /// Samples are nearer to noise, or to a single image, than to the data.
    LikeNoise,
    /// Samples are far from the data.
    FarFromTheData,
    /// Samples are hardly nearer to the data than where chains start.
    LikeTheirStart,
    /// Few samples lie among the data.
    OffTheData,
    /// Pixel statistics of most samples are outside of the data's.
    OutsideOfTheData,
    /// Samples cover few of the classes or modes of the data.
    FewModes,
    /// Energies stand at the limit of the regulariser.
    EnergiesAtTheirLimit,
    /// The chains of training don't move any more.
    FrozenChains,
    /// The weights grow without end.
    GrowingWeights,
    /// Something that was measured isn't a finite number.
    NotFinite,
}

impl Verdict {
    /// Whether the newest model is of no use.
    pub fn is_collapse(&self) -> bool {
        matches!(self, Self::Collapsed { .. })
    }

    /// In a word, for tables: `healthy`, `still improving`, `poor`, `fell`, `collapsed`, `unknown`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Improving => "still improving",
            Self::Healthy => "healthy",
            Self::Poor { .. } => "poor",
            Self::Fell { .. } => "fell",
            Self::Collapsed { .. } => "collapsed",
        }
    }
}

impl Sign {
    /// In words, as a part of a sentence.
    pub fn name(self) -> &'static str {
        match self {
            Self::LikeNoise => "samples are nearer to noise than to the data",
            Self::FarFromTheData => "samples are far from the data",
            Self::LikeTheirStart => "samples are hardly nearer to the data than where chains start",
            Self::OffTheData => "few samples lie among the data",
            Self::OutsideOfTheData => "pixel statistics of most samples are outside of the data's",
            Self::FewModes => "samples cover little of the data",
            Self::EnergiesAtTheirLimit => "energies stand at the limit of the regulariser",
            Self::FrozenChains => "the chains don't move any more",
            Self::GrowingWeights => "the weights grow without end",
            Self::NotFinite => "samples or energies aren't finite",
        }
    }
}

impl fmt::Display for Verdict {
    /// A sentence without its full stop.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown => f.write_str("not enough measurements to tell"),
            Self::Improving => f.write_str("still improving"),
            Self::Healthy => f.write_str("healthy"),
            Self::Fell { since, best } => write!(
                f,
                "quality fell since update {since}; the best, of update {best}, is kept"
            ),
            Self::Poor { signs } => write!(f, "poor: {}", in_words(signs)),
            Self::Collapsed {
                since,
                best: Some(best),
                signs,
            } => write!(
                f,
                "collapsed since update {since}: {}; the best, of update {best}, is kept",
                in_words(signs)
            ),
            Self::Collapsed {
                best: None, signs, ..
            } => write!(f, "nothing was learned: {}", in_words(signs)),
        }
    }
}

fn in_words(signs: &[Sign]) -> String {
    let signs: Vec<&str> = signs.iter().map(|sign| sign.name()).collect();
    signs.join("; ")
}
