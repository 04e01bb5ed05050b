//! What was measured of samples.

use serde::Serialize;

/// How good samples are beside held-out examples. What couldn't be measured is absent: of too few
/// samples or examples, of values that aren't finite, or where there are no labels.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct QualityReport {
    /// Samples that were measured.
    pub samples: usize,
    /// Held-out examples that they were compared with.
    pub examples: usize,
    /// The [Frechet distance](super::frechet_distance) of the samples from held-out examples, among
    /// features of such a scale that the variances of the examples' add up to 100: a model that
    /// makes one mean image has 100 or more.
    pub distance: Option<f64>,
    /// Its standard error, which comes of the number of samples.
    pub distance_error: Option<f64>,
    /// The distance of as many training examples: what a perfect model has.
    pub floor: Option<f64>,
    /// The distance of the points that chains start at: what a model that learned nothing has.
    pub start_distance: Option<f64>,
    /// The distance of noise, where chains start at something better.
    pub noise_distance: Option<f64>,
    /// Share of the samples that lie among the data, 0 to 1.
    pub precision: Option<f64>,
    /// Share of the data that lie among the samples, 0 to 1.
    pub recall: Option<f64>,
    /// The precision that as many training examples have.
    pub floor_precision: Option<f64>,
    /// The recall that as many training examples have.
    pub floor_recall: Option<f64>,
    /// The shares of the samples that a classifier takes for each class.
    pub classes: Option<Vec<f64>>,
    /// Entropy of these shares, in nats.
    pub class_entropy: Option<f64>,
    /// The same of the held-out examples.
    pub data_class_entropy: Option<f64>,
    /// Share of the samples whose [pixel statistics](super::PixelStatistics) lie outside of those
    /// of the data, 0 to 1; 1 for values that aren't finite.
    pub outside: Option<f64>,
}
