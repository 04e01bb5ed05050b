//! How good samples of a model of images are, beside examples that were held out.
//!
//! [`Features`] turn images into rows of numbers, among which distances mean something: those of a
//! small [`Classifier`] where data have labels, of [`RandomConvolutions`] where they have none, or
//! the [`PooledPixels`] of small images. Among them [`frechet_distance`] compares mean and
//! covariance, [`precision_recall`] tells samples that are unlike the data from data that no sample
//! is like, and a classifier's predictions say which classes are covered. [`PixelRange`] knows the
//! simplest statistics of the data's pixels, which a collapsed model leaves.
//!
//! [`QualityGauge`] is all of that for one data set, and measures samples again and again.

mod classes;
mod classifier;
mod features;
mod frechet;
mod gauge;
mod network;
mod pixel_range;
mod pooled_pixels;
mod precision_recall;
mod random_convolutions;
mod report;
mod rows;
mod symmetric;

pub use classes::{class_shares, entropy};
pub use classifier::{Classifier, ClassifierOptions};
pub use features::{FeatureChoice, Features};
pub use frechet::{FrechetReference, frechet_distance};
pub use gauge::{GaugeOptions, QualityGauge, TOTAL_VARIANCE};
pub use pixel_range::{PixelRange, PixelStatistics};
pub use pooled_pixels::PooledPixels;
pub use precision_recall::{Manifold, PrecisionRecall, precision_recall};
pub use random_convolutions::RandomConvolutions;
pub use report::QualityReport;
pub use rows::FeatureRows;
