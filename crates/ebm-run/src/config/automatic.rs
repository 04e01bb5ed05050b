//! A configuration for a folder of images of which nothing else is said, chosen from their size,
//! their channels and their number.

use std::path::{Path, PathBuf};

use ebm_train::data::{DataError, Survey};

use super::{ConfigTable, DataConfig, RunConfig};
use crate::error::ConfigError;
use crate::text::number::number;

// The numbers of the rule, found by experiments with hundreds and thousands of coloured shapes of
// 16x16 and 32x32 pixels. They are all here.

/// What is the same for all images. Keys that depend on them are set by `table`.
const BASE: &str = r#"
seed = 1

[data]
kind = "folder"
test_fraction = 0.1

[model]
kind = "conv_net"
hidden = 64
activation = "swish"

[sampler]
kind = "langevin"
steps = 10
step_size = 10.0
noise = 0.0075
gradient_clip = 0.015

[chains]
kind = "replay_buffer"
capacity = 1024
fresh_fraction = 0.01
start = "fitted"
long = { every = 50, factor = 10 }

[objective]
energy_regularizer = 0.1
trim = 0.1

[optimizer]
kind = "adam"
learning_rate = 2e-3
gradient_clip = 1.0

[schedule.decay]
kind = "cosine"
final_factor = 0.0

[training]
steps = 1
batch_size = 32
data_noise = 0.03
ema_decay = 0.999

[output]
sample_steps = 256
"#;
/// Transitions of `BASE` on average.
const MEAN_TRANSITIONS: f64 = 11.8;
/// Examples an update, unless there are fewer.
const BATCH: usize = 32;
/// The longest side that images are brought to.
const LARGEST_SIDE: usize = 64;
/// The first convolution of grey images and of coloured ones, as `model.layers` has it.
const FIRST: [[usize; 4]; 2] = [[16, 4, 2, 1], [48, 4, 2, 1]];
/// The convolutions after it, each of which halves the image.
const NEXT: [usize; 4] = [64, 3, 2, 1];
/// The side up to which images are small. Of larger ones the first two convolutions have fewer
/// maps, of which each costs more.
const SMALL_SIDE: usize = 16;
const MAPS_OF_LARGE: [usize; 2] = [32, 48];
/// The step size of `BASE`, for so many pixels. The gradient of an energy is spread over all
/// pixels: chains of larger images need larger steps, or the network runs away from them.
const STEP_SIZE: f64 = 10.0;
const PIXELS: f64 = 256.0;
/// Convolutions follow until the longer side is no longer than this.
const SMALLEST_MAP: usize = 4;
/// The fully connected layer of `BASE`.
const HIDDEN: usize = 64;
/// Minutes of training, unless they are said.
const MINUTES: f64 = 5.0;
/// Share of the time that updates get: the rest is for pictures, checkpoints and measurements.
const UPDATES_SHARE: f64 = 0.8;
/// Pictures and measurements of a run: at most so many and no fewer.
const PICTURES: [u64; 2] = [4, 12];
/// Updates between them, as far as there are enough: fewer would cost too much beside them.
const BETWEEN_PICTURES: u64 = 500;
/// Fewer images are too few to learn from, and fewer updates too few to learn by.
const FEW_IMAGES: usize = 50;
const FEW_UPDATES: u64 = 2000;
/// Updates of large images at most: their energies part in longer trainings.
const MOST_OF_LARGE: u64 = 6000;
/// Seconds that two cores take for a multiplication of an update, forward and backward.
const SECONDS_A_PRODUCT: f64 = 6e-11;
/// Passes of an update beside its chains.
const BESIDE_CHAINS: f64 = 3.0;

/// A folder of images, and what is chosen for it.
#[derive(Clone, Debug)]
pub struct AutomaticConfig {
    path: PathBuf,
    survey: Survey,
    minutes: f64,
    /// Channels, height and width of an example.
    shape: [usize; 3],
}

/// How the number of updates came about.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Pace {
    /// So many seconds an update were measured on this machine.
    Measured(f64),
    /// So many seconds an update are what two cores are expected to take.
    Estimated(f64),
    /// The number was given.
    Given,
}

impl AutomaticConfig {
    /// Looks at a folder for a training of so many minutes, 5 unless they are said.
    ///
    /// # Errors
    ///
    /// Those of [`Survey::of`].
    pub fn of(path: &Path, minutes: Option<f64>) -> Result<Self, DataError> {
        Ok(Self::with_survey(path, Survey::of(path)?, minutes))
    }

    /// The same of a folder that was looked at.
    pub fn with_survey(path: &Path, survey: Survey, minutes: Option<f64>) -> Self {
        Self {
            path: path.to_path_buf(),
            minutes: minutes.unwrap_or(MINUTES),
            shape: shape(&survey),
            survey,
        }
    }

    /// The same for images of the size and the channels that a configuration asks for.
    #[must_use]
    pub fn following(mut self, config: &RunConfig) -> Self {
        if let DataConfig::Folder(keys) = &config.data
            && let (true, Some(channels), Some([height, width])) =
                (self.survey.is_scaled, keys.channels, keys.size)
        {
            self.shape = [channels, height, width];
        }
        self
    }

    /// The minutes that training is to take.
    pub fn minutes(&self) -> f64 {
        self.minutes
    }

    /// The seconds that an update is expected to take on two cores.
    pub fn expected_seconds(&self) -> f64 {
        let [channels, mut height, mut width] = self.shape;
        let (mut inputs, mut products) = (channels, 0);
        for [maps, kernel, stride, padding] in self.layers() {
            [height, width] = [height, width]
                .map(|side| (side + 2 * padding).saturating_sub(kernel) / stride + 1);
            products += height * width * maps * inputs * kernel * kernel;
            inputs = maps;
        }
        products += height * width * inputs * HIDDEN;
        let passes = self.batch() as f64 * (MEAN_TRANSITIONS + BESIDE_CHAINS);
        products as f64 * passes * SECONDS_A_PRODUCT
    }

    /// The number of updates that fit into the minutes: a whole number of times those between two
    /// pictures.
    pub fn updates(&self, seconds_per_update: f64) -> u64 {
        let updates = UPDATES_SHARE * 60.0 * self.minutes / seconds_per_update.max(1e-9);
        let updates = (updates as u64).min(self.most());
        pictures(updates) * two_digits(updates / pictures(updates))
    }

    /// Updates at most.
    fn most(&self) -> u64 {
        let [_, height, width] = self.shape;
        if height.max(width) > SMALL_SIDE {
            MOST_OF_LARGE
        } else {
            u64::MAX
        }
    }

    /// The configuration of a training of so many updates.
    ///
    /// # Errors
    ///
    /// If the path can't be written in TOML.
    pub fn table(&self, updates: u64) -> Result<ConfigTable, ConfigError> {
        let mut table = ConfigTable::parse(BASE, "the configuration chosen for the data".into())?;
        table.set_data_folder(&self.path)?;
        let [channels, height, width] = self.shape;
        if self.survey.is_scaled {
            table.set(&format!("data.channels={channels}"))?;
            table.set(&format!("data.size=[{height}, {width}]"))?;
        }
        let every = two_digits(updates / pictures(updates));
        for change in [
            format!("model.layers={:?}", self.layers()),
            format!("training.steps={updates}"),
            format!("training.batch_size={}", self.batch()),
            format!("sampler.step_size={:?}", self.step_size()),
            format!("output.sample_every={every}"),
            format!("output.checkpoint_every={every}"),
        ] {
            table.set(&change)?;
        }
        Ok(table)
    }

    /// What was chosen and why, a line each; `config` is what became of it.
    pub fn reasons(&self, config: &RunConfig, pace: Pace) -> Vec<String> {
        let colour = colour(self.shape[0]);
        let layers = self.layers();
        let recipe = config.recipe();
        let updates = recipe.steps;
        let last = recipe.learning_rate(updates.saturating_sub(1), 0);
        let fitting = self.fitting();
        let mut lines = vec![self.found()];
        lines.extend(self.scaled());
        lines.push(match config.data.keys().test_fraction() {
            _ if self.survey.has_test => "held out: the test set of the folder".to_string(),
            share => format!(
                "held out: a share of {share} of the images (data.test_fraction), which training never sees and quality is measured against"
            ),
        });
        lines.push(format!(
            "network: convolutions that halve the image until its sides are no longer than {SMALLEST_MAP}, {} of them; {} maps in the first, since images are {colour}; swish, whose slope is smooth",
            layers.len(),
            layers[0][0],
        ));
        lines.push(format!(
            "chains: {} Langevin steps an update from a buffer of past chains, {} at a time: short and many, so that a model comes about in minutes; of a size of {}, which grows with the number of pixels",
            config.sampler.transitions(),
            recipe.batch_size,
            number(self.step_size()),
        ));
        lines.push(
            "starts: Gaussians with the mean and the covariance of the images, one a label, so that chains have their colours at once; few chains, rarely started anew, become old, so that long ones stay as good (chains)"
                .to_string(),
        );
        lines.push(
            "trimming: the tenth of the samples with the highest energies doesn't count, or a few lost chains teach the network to flee from them all (objective.trim)"
                .to_string(),
        );
        lines.extend(config.chains.long().map(|long| format!(
            "long chains: {} times as many steps in every {}th update, which keeps samples clean (chains.long)",
            long.factor, long.every
        )));
        lines.push(format!(
            "learning rate: {:e}, and {} at the last update: with smaller ones images are still grainy after some thousand updates",
            config.optimizer.learning_rate(),
            number(last),
        ));
        lines.push(match pace {
            Pace::Measured(seconds) => format!(
                "updates: {updates}, {fitting} at {} s each, as measured on this machine, with pictures and measurements",
                number(seconds)
            ),
            Pace::Estimated(seconds) => format!(
                "updates: {updates}, {fitting} at {} s each, as two cores are expected to take; `ebm train` measures it",
                number(seconds)
            ),
            Pace::Given => format!("updates: {updates}, as they were given"),
        });
        if pace != Pace::Given && updates == self.most() {
            lines.push(format!(
                "updates end there, though there may be time for more: longer trainings of images of more than {SMALL_SIDE} pixels a side collapsed (training.steps)"
            ));
        }
        lines
    }

    /// What lies in the folder.
    fn found(&self) -> String {
        let Survey {
            count,
            size: [height, width],
            channels,
            classes,
            ..
        } = self.survey;
        let colour = colour(channels);
        let labels = match classes {
            None => "without labels".to_string(),
            Some(1) => "with one label".to_string(),
            Some(classes) => format!("with {classes} labels"),
        };
        format!(
            "{count} images of {height}x{width}, {colour}, {labels}: all else was chosen for them, since no preset and no file was named"
        )
    }

    /// What becomes of images of other sizes than that of the examples.
    fn scaled(&self) -> Option<String> {
        let Survey {
            size,
            sizes,
            is_scaled,
            ..
        } = self.survey;
        let [_, height, width] = self.shape;
        if !is_scaled || (sizes == 1 && size == [height, width]) {
            return None;
        }
        let why = if self.shape != shape(&self.survey) {
            "as was asked for".to_string()
        } else if sizes == 1 {
            format!("sides of more than {LARGEST_SIDE} pixels take too long")
        } else {
            format!("their sizes differ, and the above is in the middle of {sizes}")
        };
        Some(format!(
            "size: images are cut and scaled to {height}x{width}: {why} (data.size)"
        ))
    }

    /// What the data or the time lack, a line each.
    pub fn warnings(&self, updates: u64) -> Vec<String> {
        let mut lines = Vec::new();
        let Survey {
            count,
            size: [height, width],
            is_scaled,
            ..
        } = self.survey;
        if count < FEW_IMAGES {
            lines.push(format!(
                "found {count} images, expected {FEW_IMAGES} or more: a model of so few learns them by heart"
            ));
        }
        if !is_scaled && height.max(width) > LARGEST_SIDE {
            lines.push(format!(
                "found images of {height}x{width} in a format that isn't scaled, expected sides of at most {LARGEST_SIDE} pixels: updates are slow"
            ));
        }
        if updates < FEW_UPDATES {
            lines.push(format!(
                "found time for {updates} updates, expected {FEW_UPDATES} or more: give more minutes (--minutes) or smaller images (data.size)"
            ));
        }
        lines
    }

    /// The convolutions, as `model.layers` has them.
    fn layers(&self) -> Vec<[usize; 4]> {
        let [channels, height, width] = self.shape;
        let mut first = FIRST[usize::from(channels > 1)];
        if height.min(width) < 2 {
            // The kernel of the others, which fits a row of pixels.
            (first[1], first[3]) = (NEXT[1], NEXT[3]);
        }
        let mut layers = vec![first];
        let mut side = height.max(width) / 2;
        while side > SMALLEST_MAP {
            layers.push(NEXT);
            side = side.div_ceil(2);
        }
        if height.max(width) > SMALL_SIDE {
            for (layer, maps) in layers.iter_mut().zip(MAPS_OF_LARGE) {
                layer[0] = layer[0].min(maps);
            }
        }
        layers
    }

    fn step_size(&self) -> f64 {
        let [_, height, width] = self.shape;
        (STEP_SIZE * (height * width) as f64 / PIXELS).max(STEP_SIZE)
    }

    fn batch(&self) -> usize {
        let Survey {
            count, has_test, ..
        } = self.survey;
        // A tenth is held out, at least one.
        let held_out = if has_test { 0 } else { count.div_ceil(10) };
        BATCH.min(count.saturating_sub(held_out)).max(1)
    }
}

/// Channels, height and width that images are brought to.
fn shape(survey: &Survey) -> [usize; 3] {
    let [height, width] = survey.size;
    let longest = height.max(width);
    let [height, width] = survey.size.map(|side| {
        if !survey.is_scaled || longest <= LARGEST_SIDE {
            return side;
        }
        let side = (side * LARGEST_SIDE) as f64 / longest as f64;
        (side.round() as usize).max(1)
    });
    [survey.channels, height, width]
}

/// The number of pictures of so many updates.
fn pictures(updates: u64) -> u64 {
    let [fewest, most] = PICTURES;
    (updates / BETWEEN_PICTURES).clamp(fewest, most)
}

fn colour(channels: usize) -> &'static str {
    if channels == 1 { "grey" } else { "in colour" }
}

/// A number of at least 1 with only its first two digits.
fn two_digits(number: u64) -> u64 {
    let mut unit = 1;
    while number / unit >= 100 {
        unit *= 10;
    }
    (number / unit * unit).max(1)
}

#[cfg(test)]
#[path = "automatic_tests.rs"]
mod tests;
