//! A small classifier of a run's own labels: its last hidden layer are features, its predictions
//! say which classes samples are taken for.

use std::collections::BTreeMap;
use std::f64::consts::PI;
use std::path::Path;

use burn::module::Module;
use burn::tensor::activation::log_softmax;
use burn::tensor::{Device, Tensor};
use ebm_ops::{Interval, Noise, Progress};
use ebm_sampling::Interrupt;

use super::network::{HIDDEN, Network, prepare};
use super::rows::FeatureRows;
use crate::examples::{Examples, Fingerprint, Order, host_values};
use crate::optimizer::{OptimizerConfig, ParameterGradients, ParameterOptimizer};
use crate::saving::{CheckpointError, StateMismatch, TensorFile, load_weights, weights};

/// Images that the network looks at in one go.
const IMAGES_AT_A_TIME: usize = 256;

/// What of the file is text.
const DESCRIPTION: &str = "classifier";

/// How a classifier is trained.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ClassifierOptions {
    /// Updates of its parameters at most; fewer where they would see each example more than 60
    /// times.
    pub updates: usize,
    /// Examples an update.
    pub batch: usize,
    /// Learning rate of Adam at the start; it falls to 0 along a half cosine.
    pub learning_rate: f64,
}

impl Default for ClassifierOptions {
    fn default() -> Self {
        Self {
            updates: 1200,
            batch: 64,
            learning_rate: 2e-3,
        }
    }
}

/// How often a classifier sees an example at most.
const MOST_EPOCHS: usize = 60;

/// A classifier of images: three convolutions, a hidden layer of 64 units, whose values are the
/// features, and one output a class, trained by cross-entropy on labelled examples.
#[derive(Clone, Debug)]
pub struct Classifier {
    network: Network,
    description: Description,
}

/// What is written beside the weights.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
struct Description {
    shape: [usize; 3],
    classes: usize,
    range: Interval,
    examples: Fingerprint,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    accuracy: Option<f64>,
}

impl Classifier {
    /// Trains a classifier on labelled examples with values of a range; of `held_out` ones, if they
    /// have labels, it finds its [`accuracy`](Self::accuracy). The same noise makes the same
    /// classifier. `None` where it was interrupted.
    ///
    /// # Panics
    ///
    /// If the examples have no labels, or there are none.
    pub fn fit(
        examples: &Examples<4>,
        held_out: Option<&Examples<4>>,
        range: Interval,
        options: ClassifierOptions,
        noise: &mut Noise,
        progress: &mut dyn Progress,
        interrupt: &mut Interrupt<'_>,
    ) -> Option<Self> {
        let (Some(classes), false) = (examples.classes(), examples.is_empty()) else {
            panic!("a classifier is trained on labelled examples, which these aren't");
        };
        let [count, shape @ ..] = examples.shape();
        let device = examples.device();
        let batch_size = options.batch.clamp(1, count);
        let updates = options
            .updates
            .min((MOST_EPOCHS * count).div_ceil(batch_size));
        let mut network = Network::new(shape, classes, &device.autodiff(), &mut noise.split());
        let mut order = Order::new(noise.split());
        let config = OptimizerConfig::adam(options.learning_rate).with_momentum(0.9);
        let mut optimizer = ParameterOptimizer::new(&config);
        progress.begin("classifier for features");
        for step in 0..updates {
            if interrupt.is_raised() {
                return None;
            }
            let batch = examples.batch(order.next(batch_size, count));
            let labels = batch.labels?;
            let (_, outputs) = network.forward(prepare(batch.x, range).autodiff());
            let chosen: Tensor<2> = labels.one_hot::<2>(classes).float();
            let likelihoods = log_softmax(outputs, 1) * chosen.autodiff();
            let loss = likelihoods.sum().neg().div_scalar(batch_size as f64);
            let gradients = ParameterGradients::collect(&network, loss.backward());
            let rate =
                options.learning_rate / 2.0 * (1.0 + (PI * step as f64 / updates as f64).cos());
            network = optimizer.step(step as u64, rate, network, gradients, 1.0);
            progress.advance(step + 1, updates);
        }
        let mut classifier = Self {
            network: network.valid(),
            description: Description {
                shape,
                classes,
                range,
                examples: examples.fingerprint(),
                accuracy: None,
            },
        };
        let accuracy = held_out.and_then(|held_out| classifier.accuracy_on(held_out));
        classifier.description.accuracy = accuracy;
        Some(classifier)
    }

    /// Channels, height and width of an image.
    pub fn shape(&self) -> [usize; 3] {
        self.description.shape
    }

    /// The number of classes.
    pub fn classes(&self) -> usize {
        self.description.classes
    }

    /// Features of an image.
    pub fn size(&self) -> usize {
        HIDDEN
    }

    /// The range of the values of an image.
    pub fn range(&self) -> Interval {
        self.description.range
    }

    /// What tells the examples that it was trained on from others.
    pub fn examples(&self) -> Fingerprint {
        self.description.examples
    }

    /// Share of held-out examples whose class it found when it was trained, 0 to 1; `None` where
    /// none with labels were held out.
    pub fn accuracy(&self) -> Option<f64> {
        self.description.accuracy
    }

    /// Share of labelled examples whose class it finds, 0 to 1; `None` without labels.
    ///
    /// # Panics
    ///
    /// As for [`look`](Self::look).
    pub fn accuracy_on(&self, examples: &Examples<4>) -> Option<f64> {
        if examples.is_empty() {
            return None;
        }
        let mut right = 0;
        for batch in examples.batches(IMAGES_AT_A_TIME) {
            let labels: Vec<i64> = batch.labels?.into_data().iter::<i64>().collect();
            let (_, classes) = self.look(batch.x);
            let pairs = classes.iter().zip(&labels);
            right += pairs
                .filter(|(class, label)| **class as i64 == **label)
                .count();
        }
        Some(right as f64 / examples.len() as f64)
    }

    /// The features of images and the class that each is taken for, the most probable one.
    ///
    /// # Shapes
    ///
    /// - `images`: `[count, channels, height, width]`
    /// - output: `[count, 64]` and `[count]`
    ///
    /// # Panics
    ///
    /// If the images aren't of the shape that it was trained on.
    pub fn look(&self, images: Tensor<4>) -> (FeatureRows, Vec<usize>) {
        let (found, expected) = (images.dims(), self.shape());
        assert_eq!(
            found[1..],
            expected,
            "this classifier takes images of shape {expected:?}, but these are of shape {found:?}"
        );
        let (mut features, mut classes) = (Vec::new(), Vec::new());
        let mut size = 1;
        for images in images.split(IMAGES_AT_A_TIME, 0) {
            let (hidden, outputs) = self.network.forward(prepare(images, self.range()));
            size = hidden.dims()[1];
            features.extend(host_values(hidden).into_iter().map(f64::from));
            let outputs = host_values(outputs);
            classes.extend(outputs.chunks_exact(self.classes()).map(largest));
        }
        (FeatureRows::new(features, size), classes)
    }

    /// Writes the weights and what they are for whole or not at all.
    ///
    /// # Errors
    ///
    /// If the disk refuses.
    pub fn save(&self, path: &Path) -> Result<(), CheckpointError> {
        let description =
            serde_json::to_string(&self.description).map_err(|error| CheckpointError::Io {
                action: "write",
                path: path.to_path_buf(),
                source: error.into(),
            })?;
        TensorFile {
            tensors: weights(&self.network),
            metadata: BTreeMap::from([(DESCRIPTION.to_string(), description)]),
        }
        .save(path)
    }

    /// Reads what [`save`](Self::save) wrote.
    ///
    /// # Errors
    ///
    /// If the file can't be read, was damaged, or holds no classifier.
    pub fn load(path: &Path, device: &Device) -> Result<Self, CheckpointError> {
        let file = TensorFile::load(path)?;
        let mismatch = |message: StateMismatch| CheckpointError::Mismatch {
            path: path.to_path_buf(),
            message,
        };
        let description = file
            .metadata
            .get(DESCRIPTION)
            .and_then(|text| serde_json::from_str::<Description>(text).ok())
            .filter(Description::is_possible)
            .ok_or_else(|| mismatch("it holds no classifier".into()))?;
        let Description { shape, classes, .. } = description;
        let network = Network::new(shape, classes, device, &mut Noise::new(0));
        Ok(Self {
            network: load_weights(network, file.tensors)
                .map_err(mismatch)?
                .valid(),
            description,
        })
    }
}

impl Description {
    /// Whether there can be a network for it: the number of classes comes before memory is taken.
    fn is_possible(&self) -> bool {
        !self.shape.contains(&0) && (1..=1 << 16).contains(&self.classes) && self.shape[0] < 1 << 12
    }
}

/// The place of the largest value, the first of equals; of values that are no numbers the first.
fn largest(values: &[f32]) -> usize {
    let mut best = 0;
    for (index, value) in values.iter().enumerate() {
        if *value > values[best] {
            best = index;
        }
    }
    best
}
