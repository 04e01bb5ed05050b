//! What turns images into the numbers among which distances are taken, and which of it suits some
//! data.

use std::iter;
use std::ops::Range;

use burn::tensor::Tensor;
use ebm_ops::Interval;

use super::classifier::Classifier;
use super::pooled_pixels::PooledPixels;
use super::random_convolutions::RandomConvolutions;
use super::rows::FeatureRows;
use crate::Examples;

/// Examples that a class needs so that a classifier learns it.
const FEWEST_OF_A_CLASS: usize = 20;

/// The shortest side of an image that convolutions are of use for.
const SHORTEST_SIDE: usize = 8;

/// Images that are looked at in one go.
const IMAGES_AT_A_TIME: usize = 256;

/// What turns images into features.
#[derive(Clone, Debug)]
pub enum Features {
    /// The last hidden layer of a classifier of the data's own labels, which knows what is in an
    /// image, beside a fixed random network, which sees grain where a classifier looks away.
    Classifier(Box<Classifier>, RandomConvolutions),
    /// A fixed convolutional network of random weights.
    RandomConvolutions(RandomConvolutions),
    /// The pixels themselves.
    Pixels(PooledPixels),
}

/// Which features suit some data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FeatureChoice {
    /// Those of a classifier: there are labels, and enough examples of at least two classes.
    Classifier,
    /// Those of a fixed random convolutional network.
    RandomConvolutions,
    /// The pixels: images are small or two-valued.
    Pixels,
}

impl FeatureChoice {
    /// The features that suit examples with values of a range: pixels of images with a side below
    /// 8, a classifier's where two classes or more have 20 examples each, pixels where all values
    /// are ends of the range, else those of random convolutions.
    pub fn for_examples(examples: &Examples<4>, range: Interval) -> Self {
        let [_, _, height, width] = examples.shape();
        if height.min(width) < SHORTEST_SIDE {
            Self::Pixels
        } else if has_classes(examples) {
            Self::Classifier
        } else if is_two_valued(examples, range) {
            Self::Pixels
        } else {
            Self::RandomConvolutions
        }
    }
}

/// Whether there are two classes that a classifier can learn.
fn has_classes(examples: &Examples<4>) -> bool {
    let (Some(labels), Some(classes)) = (examples.labels(), examples.classes()) else {
        return false;
    };
    let mut counts = vec![0usize; classes];
    for label in labels.into_data().iter::<i64>() {
        counts[label as usize] += 1;
    }
    let known = counts.iter().filter(|&&count| count >= FEWEST_OF_A_CLASS);
    known.count() >= 2
}

/// Whether all values of examples, of the first 2,048 if there are more, are ends of their range.
pub(super) fn is_two_valued(examples: &Examples<4>, range: Interval) -> bool {
    let mut first = examples.batches(IMAGES_AT_A_TIME).take(8);
    let near = 1e-4 * range.width();
    !examples.is_empty()
        && first.all(|batch| {
            // The distance from the nearer end.
            let far = batch.x.sub_scalar(range.middle()).abs();
            let far = far.sub_scalar(range.width() / 2.0).abs().max();
            far.into_data().iter::<f64>().all(|far| far <= near)
        })
}

impl Features {
    /// The features of images, and of a classifier the class that each is taken for.
    ///
    /// # Shapes
    ///
    /// - `images`: `[count, channels, height, width]`
    /// - output: `[count, size]` and `[count]`
    ///
    /// # Panics
    ///
    /// If the images aren't of the shape that the features are for.
    pub fn look(&self, images: Tensor<4>) -> (FeatureRows, Option<Vec<usize>>) {
        match self {
            Self::Classifier(classifier, network) => {
                let (rows, classes) = classifier.look(images.clone());
                let others = in_parts(images, |part| network.features(part));
                (rows.beside(&others), Some(classes))
            }
            Self::RandomConvolutions(network) => {
                (in_parts(images, |part| network.features(part)), None)
            }
            Self::Pixels(pixels) => (in_parts(images, |part| pixels.features(part)), None),
        }
    }

    /// Where in a row of `size` numbers those of each network are, which all count alike.
    pub(super) fn blocks(&self, size: usize) -> Vec<Range<usize>> {
        match self {
            Self::Classifier(classifier, _) => {
                let first = classifier.size();
                vec![0..first, first..size]
            }
            Self::RandomConvolutions(_) | Self::Pixels(_) => iter::once(0..size).collect(),
        }
    }

    /// The number of classes that are told apart.
    pub fn classes(&self) -> Option<usize> {
        match self {
            Self::Classifier(classifier, _) => Some(classifier.classes()),
            Self::RandomConvolutions(_) | Self::Pixels(_) => None,
        }
    }
}

/// The features of a few images at a time, so that memory doesn't grow with their number.
fn in_parts(images: Tensor<4>, features: impl Fn(Tensor<4>) -> Tensor<2>) -> FeatureRows {
    let mut rows = FeatureRows::none();
    for part in images.split(IMAGES_AT_A_TIME, 0) {
        rows.extend(&FeatureRows::from_tensor(features(part)));
    }
    rows
}
