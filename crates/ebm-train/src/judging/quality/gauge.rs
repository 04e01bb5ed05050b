//! A gauge of samples: what is known of the data, found once, and samples measured by it.

use std::ops::Range;

use burn::tensor::Tensor;
use ebm_ops::{Interval, Noise};

use super::classes::{class_shares, entropy};
use super::features::{Features, is_two_valued};
use super::frechet::FrechetReference;
use super::pixel_range::{PixelRange, PixelStatistics};
use super::precision_recall::{PrecisionRecall, precision_recall};
use super::report::QualityReport;
use super::rows::FeatureRows;
use crate::Examples;
use crate::judging::Estimate;

/// The sum of the variances of the training examples' features, which fixes the scale of distances:
/// that of copies of their mean image from the data, about.
pub const TOTAL_VARIANCE: f64 = 100.0;

/// Images that are looked at in one go.
const IMAGES_AT_A_TIME: usize = 256;

/// Sets over which distances of images are averaged that no model drew, at most.
const SETS: usize = 4;

/// How closely a [`QualityGauge`] looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GaugeOptions {
    /// Held-out examples at most, and training examples at most.
    pub examples: usize,
    /// The nearest neighbour that balls reach to where precision and recall are found.
    pub neighbors: usize,
}

impl Default for GaugeOptions {
    fn default() -> Self {
        Self {
            examples: 2000,
            neighbors: 5,
        }
    }
}

/// What is known of a data set, by which samples of models are measured.
///
/// On the host it holds the features of up to 2,000 held-out examples and of as many training
/// examples, about 3 MB.
#[derive(Clone, Debug)]
pub struct QualityGauge {
    features: Features,
    options: GaugeOptions,
    range: Interval,
    noise: Noise,
    /// What brings the features to their scale.
    scale: Vec<f64>,
    /// Where in a row the features of each network are.
    blocks: Vec<Range<usize>>,
    held_out: FeatureRows,
    training: FeatureRows,
    /// Of each of the blocks.
    references: Option<Vec<FrechetReference>>,
    data_class_entropy: Option<f64>,
    pixels: Option<PixelRange>,
    is_two_valued: bool,
    start: Option<FeatureRows>,
    noise_images: Option<FeatureRows>,
    /// What sets of a size have that no model drew, which doesn't depend on the samples.
    without_model: Option<(usize, WithoutModel)>,
}

/// What sets of images have that no model drew. Small sets are farther away than large ones, so
/// that only those of the size of the samples can be compared with them.
#[derive(Clone, Copy, Debug)]
struct WithoutModel {
    /// Distance, precision and recall of real examples.
    floor: Option<f64>,
    shares: Option<PrecisionRecall>,
    /// Distances of the points that chains start at, and of noise.
    start: Option<f64>,
    noise: Option<f64>,
}

/// What was seen of images.
struct Seen {
    rows: FeatureRows,
    /// Empty where none are told apart.
    classes: Vec<usize>,
    statistics: Vec<PixelStatistics>,
}

impl QualityGauge {
    /// Looks at examples with values of a range, drawn from `noise`: what all samples are measured
    /// by. Where none are held out, half of the training examples stand for them.
    ///
    /// # Panics
    ///
    /// If examples aren't of the shape that the features are for, or an option is 0.
    pub fn new(
        features: Features,
        training: &Examples<4>,
        held_out: Option<&Examples<4>>,
        range: Interval,
        options: GaugeOptions,
        mut noise: Noise,
    ) -> Self {
        assert!(
            options.examples > 0 && options.neighbors > 0,
            "a gauge needs at least 1 example and 1 neighbour, found {options:?}"
        );
        let is_two_valued = is_two_valued(training, range);
        let mut draw = |count: usize, most: usize| noise.choose(count.min(most), count);
        let (kept, taken) = match held_out.filter(|examples| !examples.is_empty()) {
            Some(held_out) => {
                let taken = draw(held_out.len(), options.examples);
                let kept = draw(training.len(), options.examples);
                (kept, (held_out, taken))
            }
            None => {
                let mut kept = draw(training.len(), 2 * options.examples);
                let taken = kept.split_off(kept.len().div_ceil(2));
                (kept, (training, taken))
            }
        };
        let training = see(&features, training, &kept, range);
        let held_out = see(&features, taken.0, &taken.1, range);
        let statistics = [training.statistics, held_out.statistics].concat();
        let blocks = features.blocks(training.rows.size());
        let variances = training.rows.variances();
        let mut scale = Vec::with_capacity(variances.len());
        for block in &blocks {
            let variance: f64 = variances[block.clone()].iter().sum();
            let factor = if variance.is_finite() && variance > 0.0 {
                (TOTAL_VARIANCE / blocks.len() as f64 / variance).sqrt()
            } else {
                1.0
            };
            scale.resize(block.end, factor);
        }
        let held_out_rows = held_out.rows.scaled(&scale);
        let classes = (!held_out.classes.is_empty()).then_some(held_out.classes.as_slice());
        Self {
            options,
            range,
            noise,
            references: blocks
                .iter()
                .map(|block| FrechetReference::new(&held_out_rows.columns(block.clone())))
                .collect(),
            blocks,
            data_class_entropy: covered(&features, classes).as_deref().map(entropy),
            features,
            held_out: held_out_rows,
            training: training.rows.scaled(&scale),
            scale,
            pixels: PixelRange::learn(&statistics, range),
            is_two_valued,
            start: None,
            noise_images: None,
            without_model: None,
        }
    }

    /// Remembers points that chains start at, `[count, channels, height, width]`, beside whose
    /// distance that of samples is shown.
    ///
    /// # Panics
    ///
    /// If they aren't of the shape of an example.
    #[must_use]
    pub fn with_start(mut self, points: Tensor<4>) -> Self {
        self.start = Some(self.look(points).0);
        self
    }

    /// Remembers noise, where chains don't start at that, as [`with_start`](Self::with_start) does.
    ///
    /// # Panics
    ///
    /// If it isn't of the shape of an example.
    #[must_use]
    pub fn with_noise(mut self, points: Tensor<4>) -> Self {
        self.noise_images = Some(self.look(points).0);
        self
    }

    /// The features in which distances are taken.
    pub fn features(&self) -> &Features {
        &self.features
    }

    /// Held-out examples that samples are compared with.
    pub fn examples(&self) -> usize {
        self.held_out.len()
    }

    /// Measures samples, `[count, channels, height, width]`. Equal samples have equal reports.
    ///
    /// Where data are two-valued, values between are taken for probabilities, as samples of
    /// Boltzmann machines are shown, and coins are drawn with them.
    ///
    /// # Panics
    ///
    /// If samples aren't of the shape of an example.
    pub fn measure(&mut self, samples: Tensor<4>) -> QualityReport {
        let count = samples.dims()[0];
        let known = self.without_model(count);
        let mut report = QualityReport {
            samples: count,
            examples: self.held_out.len(),
            floor: known.floor,
            start_distance: known.start,
            noise_distance: known.noise,
            floor_precision: known.shares.map(|shares| shares.precision),
            floor_recall: known.shares.map(|shares| shares.recall),
            data_class_entropy: self.data_class_entropy,
            ..QualityReport::default()
        };
        if count == 0 {
            return report;
        }
        let (mut noise, mut samples) = (self.noise.clone(), samples);
        let mut statistics = statistics(samples.clone(), self.range);
        let is_finite = statistics.iter().all(PixelStatistics::is_finite);
        if is_finite && self.is_two_valued {
            samples = coins(samples, self.range, &mut noise.split());
            statistics = self::statistics(samples.clone(), self.range);
        }
        report.outside = match self.pixels {
            _ if !is_finite && self.is_two_valued => Some(1.0),
            Some(range) => Some(range.share_outside(&statistics)),
            None => None,
        };
        if !is_finite {
            return report;
        }

        let (rows, classes) = self.look(samples);
        let distance = self.distance_with_error(&rows, &noise);
        report.distance = distance.map(|distance| distance.mean);
        report.distance_error = distance
            .map(|distance| distance.standard_error)
            .filter(|error| error.is_finite());
        let shares = self.shares(&rows);
        report.precision = shares.map(|shares| shares.precision);
        report.recall = shares.map(|shares| shares.recall);
        report.classes = covered(&self.features, classes.as_deref());
        report.class_entropy = report.classes.as_deref().map(entropy);
        report
    }

    /// The scaled features of images, and their classes.
    fn look(&self, images: Tensor<4>) -> (FeatureRows, Option<Vec<usize>>) {
        let (rows, classes) = self.features.look(images);
        (rows.scaled(&self.scale), classes)
    }

    /// The Frechet distance of rows, summed over the blocks.
    fn distance(&self, rows: &FeatureRows) -> Option<f64> {
        let mut blocks = self.blocks.iter().zip(self.references.as_ref()?);
        blocks.try_fold(0.0, |sum, (block, reference)| {
            Some(sum + reference.distance(&rows.columns(block.clone()))?)
        })
    }

    /// The same with its standard error; of several blocks an upper bound of it, since all are of
    /// the same samples.
    fn distance_with_error(&self, rows: &FeatureRows, noise: &Noise) -> Option<Estimate> {
        let none = Estimate {
            mean: 0.0,
            standard_error: 0.0,
        };
        let mut blocks = self.blocks.iter().zip(self.references.as_ref()?);
        blocks.try_fold(none, |sum, (block, reference)| {
            let rows = rows.columns(block.clone());
            let found = reference.distance_with_error(&rows, &mut noise.clone())?;
            Some(Estimate {
                mean: sum.mean + found.mean,
                standard_error: sum.standard_error + found.standard_error,
            })
        })
    }

    /// What `count` images have that no model drew.
    fn without_model(&mut self, count: usize) -> WithoutModel {
        if let Some((size, known)) = self.without_model
            && size == count
        {
            return known;
        }
        let mean = |rows: &Option<FeatureRows>| self.mean_distance(rows.as_ref()?, count);
        let of_training = count.min(self.training.len());
        let known = WithoutModel {
            floor: self.mean_distance(&self.training, count),
            shares: self.shares(&self.training.part(0, of_training)),
            start: mean(&self.start),
            noise: mean(&self.noise_images),
        };
        self.without_model = Some((count, known));
        known
    }

    /// The mean Frechet distance of sets of so many of the rows, of all of them if there are fewer.
    fn mean_distance(&self, rows: &FeatureRows, count: usize) -> Option<f64> {
        let count = count.min(rows.len());
        let sets = (rows.len() / count.max(1)).min(SETS);
        let distances: Option<Vec<f64>> = (0..sets)
            .map(|set| self.distance(&rows.part(set * count, count)))
            .collect();
        let distances = distances.filter(|values| !values.is_empty())?;
        Some(distances.iter().sum::<f64>() / distances.len() as f64)
    }

    /// Precision and recall of as many rows as there are held-out ones.
    fn shares(&self, rows: &FeatureRows) -> Option<PrecisionRecall> {
        let count = rows.len().min(self.held_out.len());
        let [real, made] = [&self.held_out, rows].map(|rows| rows.part(0, count));
        precision_recall(&real, &made, self.options.neighbors)
    }
}

/// Looks at some of the examples, a few at a time.
fn see(features: &Features, examples: &Examples<4>, indices: &[usize], range: Interval) -> Seen {
    let (mut rows, mut classes, mut all) = (FeatureRows::none(), Vec::new(), Vec::new());
    for indices in indices.chunks(IMAGES_AT_A_TIME) {
        let images = examples.batch(indices).x;
        all.extend(statistics(images.clone(), range));
        let (part, found) = features.look(images);
        rows.extend(&part);
        classes.extend(found.unwrap_or_default());
    }
    Seen {
        rows,
        classes,
        statistics: all,
    }
}

/// The statistics of images, a few at a time.
fn statistics(images: Tensor<4>, range: Interval) -> Vec<PixelStatistics> {
    let parts = images.split(IMAGES_AT_A_TIME, 0).into_iter();
    parts
        .flat_map(|part| PixelStatistics::of_all(part, range))
        .collect()
}

/// Two-valued images of values that stand for the probability of the upper one.
fn coins(images: Tensor<4>, range: Interval, noise: &mut Noise) -> Tensor<4> {
    let probability = images.sub_scalar(range.low).div_scalar(range.width());
    let coins = noise.bernoulli(probability);
    coins.mul_scalar(range.width()).add_scalar(range.low)
}

/// The shares of the classes, if any are told apart.
fn covered(features: &Features, classes: Option<&[usize]>) -> Option<Vec<f64>> {
    Some(class_shares(classes?, features.classes()?))
}
