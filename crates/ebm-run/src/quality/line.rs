//! A line of `quality.jsonl`: what was measured of the model after an update.

use std::fmt;

use ebm_train::judging::quality::TOTAL_VARIANCE;
use serde::{Deserialize, Serialize};

use crate::logs::log_file::Logged;

/// What was measured of a model, with the weights that samples are drawn with. What wasn't
/// measured, or was no finite number, is absent.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct QualityLine {
    /// Updates made.
    pub step: u64,
    /// The features in which distances are taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub features: Option<FeatureKind>,
    /// Fresh samples that were measured, from noise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub samples: Option<u64>,
    /// Transitions of their chains.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transitions: Option<u64>,
    /// Frechet distance of the samples from held-out data, in the features.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub distance: Option<f64>,
    /// Its standard error, by resampling.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub distance_error: Option<f64>,
    /// The same distance of as many training examples: what a perfect model would have.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub floor: Option<f64>,
    /// The same distance of the points that chains start at: what a model that learned nothing has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_distance: Option<f64>,
    /// The same distance of noise, where chains start at something better.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub noise_distance: Option<f64>,
    /// Share of the samples that lie among the data (Kynkaanniemi et al. 2019), 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub precision: Option<f64>,
    /// Share of the data that lie among the samples, 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recall: Option<f64>,
    /// The precision that as many training examples have.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub floor_precision: Option<f64>,
    /// The recall that as many training examples have.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub floor_recall: Option<f64>,
    /// The shares of the samples that a classifier takes for each class, where data have labels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub classes: Option<Vec<f64>>,
    /// Entropy of these shares, in nats.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub class_entropy: Option<f64>,
    /// The same of the held-out data.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data_class_entropy: Option<f64>,
    /// Share of the samples whose pixel statistics lie outside of those of the data, 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outside: Option<f64>,
    /// Divergence from the true density, in nats, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub divergence: Option<f64>,
    /// Mean log-likelihood of held-out data, or a lower bound of it, in nats.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_likelihood: Option<f64>,
    /// Mean energy of training examples, in the run's unit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data_energy: Option<f64>,
    /// Mean energy of held-out examples.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub held_out_energy: Option<f64>,
    /// Mean energy of the fresh samples.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sample_energy: Option<f64>,
    /// Mean norm of the energy's gradient at the fresh samples, where the energy is smooth.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gradient_size: Option<f64>,
    /// Root mean square of the weights.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weight_size: Option<f64>,
    /// Root mean square distance, per value, that the chains of training moved in an update.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub displacement: Option<f64>,
    /// Where the regulariser of the objective stops energies, `1 / (2 alpha)`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub energy_bound: Option<f64>,
    /// What the measurement took, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seconds: Option<f64>,
}

/// A number of a line, if it was measured.
pub type Measured = fn(&QualityLine) -> Option<f64>;

/// What turns an image into the numbers among which distances are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FeatureKind {
    /// The last hidden layer of a small classifier, trained on the labels of the run's own data,
    /// beside the fixed convolutional network.
    Classifier,
    /// A fixed convolutional network of random weights.
    RandomConvolutions,
    /// The pixels themselves.
    Pixels,
    /// Something that a later version wrote.
    #[serde(other)]
    Unknown,
}

/// What models of a run are compared by.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Score {
    /// What it is.
    pub kind: ScoreKind,
    /// Its value: lower is better.
    pub value: f64,
    /// Its standard error; 0 where it is exact or unknown.
    pub error: f64,
}

/// What a score is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScoreKind {
    /// Divergence from the true density, in nats.
    Divergence,
    /// Minus the log-likelihood of held-out data, in nats.
    NegativeLogLikelihood,
    /// Frechet distance from held-out data, in features.
    Distance,
}

impl QualityLine {
    /// What distances samples are compared with that no model drew, by name.
    pub const WITHOUT_MODEL: [(&'static str, Measured); 2] = [
        ("where chains start", Self::informed_start),
        ("noise", Self::noise),
    ];

    /// What the model is compared by: the divergence where it is known, else the distance of its
    /// samples, else the likelihood, whose estimates flatter a machine whose chains don't mix.
    pub fn score(&self) -> Option<Score> {
        let score = |kind, value: Option<f64>, error: Option<f64>| {
            value.filter(|value| value.is_finite()).map(|value| Score {
                kind,
                value,
                error: error.unwrap_or(0.0),
            })
        };
        let likelihood = self.log_likelihood.map(|value| -value);
        score(ScoreKind::Divergence, self.divergence, None)
            .or_else(|| score(ScoreKind::Distance, self.distance, self.distance_error))
            .or_else(|| score(ScoreKind::NegativeLogLikelihood, likelihood, None))
    }

    /// How far the samples are from the data on the way from a perfect model, 0, to one that
    /// learned nothing or shows a single image, 1; `None` where the distance isn't known.
    pub fn share_of_noise(&self) -> Option<f64> {
        let floor = self.floor.unwrap_or(0.0);
        // A single image, the mean of the data, is as far as the data spread.
        let noise = self.noise().unwrap_or(f64::INFINITY).min(TOTAL_VARIANCE);
        let excess = (self.distance? - floor) / (noise - floor);
        (noise > floor).then_some(excess.max(0.0))
    }

    /// The distance of noise.
    pub fn noise(&self) -> Option<f64> {
        self.noise_distance.or(self.start_distance)
    }

    /// The distance of where chains start, if that isn't noise.
    pub fn informed_start(&self) -> Option<f64> {
        self.noise_distance.and(self.start_distance)
    }

    /// Mean energy of the fresh samples above that of held-out examples.
    pub fn held_out_gap(&self) -> Option<f64> {
        Some(self.sample_energy? - self.held_out_energy?)
    }
}

impl Logged for QualityLine {
    fn step(&self) -> Option<u64> {
        Some(self.step)
    }
}

impl FeatureKind {
    /// In words, for legends.
    pub fn name(self) -> &'static str {
        match self {
            Self::Classifier => {
                "features of a classifier of the run's own labels and of a fixed random network"
            }
            Self::RandomConvolutions => "features of a fixed random convolutional network",
            Self::Pixels => "pixels",
            Self::Unknown => "features of a later version",
        }
    }
}

impl ScoreKind {
    /// In words, with its unit.
    pub fn name(self) -> &'static str {
        match self {
            Self::Divergence => "divergence from the true density (nats)",
            Self::NegativeLogLikelihood => "negative log-likelihood of held-out data (nats)",
            Self::Distance => "Frechet distance from held-out data",
        }
    }

    /// In a word, for columns: `divergence`, `negative_log_likelihood` or `distance`.
    pub fn key(self) -> &'static str {
        match self {
            Self::Divergence => "divergence",
            Self::NegativeLogLikelihood => "negative_log_likelihood",
            Self::Distance => "distance",
        }
    }
}

impl fmt::Display for ScoreKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
