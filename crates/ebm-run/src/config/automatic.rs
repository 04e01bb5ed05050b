//! A configuration for a folder of images of which nothing else is said, chosen from their size,
//! their channels and their number.

use std::path::{Path, PathBuf};

use ebm_train::data::{DataError, Survey};

use super::ConfigTable;
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
noise = 0.015
gradient_clip = 0.015

[chains]
kind = "replay_buffer"
capacity = 8192
fresh_fraction = 0.05

[objective]
energy_regularizer = 0.1

[optimizer]
kind = "adam"
learning_rate = 5e-4
gradient_clip = 1.0

[schedule.decay]
kind = "cosine"
final_factor = 0.05

[training]
steps = 1
batch_size = 32
data_noise = 0.03
ema_decay = 0.999

[output]
sample_steps = 256
"#;
/// Transitions of `BASE`.
const TRANSITIONS: usize = 10;
/// Examples an update, unless there are fewer.
const BATCH: usize = 32;
/// The longest side that images are brought to.
const LARGEST_SIDE: usize = 64;
/// The first convolution of grey images and of coloured ones, as `model.layers` has it.
const FIRST: [[usize; 4]; 2] = [[16, 4, 2, 1], [48, 4, 2, 1]];
/// The convolutions after it, each of which halves the image.
const NEXT: [usize; 4] = [64, 3, 2, 1];
/// Convolutions follow until the longer side is no longer than this.
const SMALLEST_MAP: usize = 4;
/// The fully connected layer of `BASE`.
const HIDDEN: usize = 64;
/// Chains that the buffer keeps, at most, and values that all of them have, of 256 MB.
const CAPACITY: usize = 8192;
const BUFFER_VALUES: usize = 1 << 26;
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
/// Seconds that two cores take for a multiplication of an update, forward and backward.
const SECONDS_A_PRODUCT: f64 = 1.1e-10;
/// Passes of an update beside its chains.
const BESIDE_CHAINS: usize = 3;

/// A folder of images, and what is chosen for it.
#[derive(Clone, Debug)]
pub struct AutomaticConfig {
    path: PathBuf,
    survey: Survey,
    minutes: f64,
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
            survey,
            minutes: minutes.unwrap_or(MINUTES),
        }
    }

    /// The minutes that training is to take.
    pub fn minutes(&self) -> f64 {
        self.minutes
    }

    /// The seconds that an update is expected to take on two cores.
    pub fn expected_seconds(&self) -> f64 {
        let [channels, mut height, mut width] = self.shape();
        let (mut inputs, mut products) = (channels, 0);
        for [maps, kernel, stride, padding] in self.layers() {
            [height, width] = [height, width]
                .map(|side| (side + 2 * padding).saturating_sub(kernel) / stride + 1);
            products += height * width * maps * inputs * kernel * kernel;
            inputs = maps;
        }
        products += height * width * inputs * HIDDEN;
        let passes = self.batch() * (TRANSITIONS + BESIDE_CHAINS);
        (products * passes) as f64 * SECONDS_A_PRODUCT
    }

    /// The number of updates that fit into the minutes, two digits of it.
    pub fn updates(&self, seconds_per_update: f64) -> u64 {
        let updates = UPDATES_SHARE * 60.0 * self.minutes / seconds_per_update.max(1e-9);
        two_digits(updates as u64)
    }

    /// The configuration of a training of so many updates.
    ///
    /// # Errors
    ///
    /// If the path can't be written in TOML.
    pub fn table(&self, updates: u64) -> Result<ConfigTable, ConfigError> {
        let mut table = ConfigTable::parse(BASE, "the configuration chosen for the data".into())?;
        table.set_data_folder(&self.path)?;
        let [channels, height, width] = self.shape();
        if self.survey.is_scaled {
            table.set(&format!("data.channels={channels}"))?;
            table.set(&format!("data.size=[{height}, {width}]"))?;
        }
        let values = channels * height * width;
        let capacity = CAPACITY.min(BUFFER_VALUES / values).max(self.batch());
        let [fewest, most] = PICTURES;
        let every = (updates / most).max(BETWEEN_PICTURES).min(updates / fewest);
        let every = two_digits(every);
        for change in [
            format!("model.layers={:?}", self.layers()),
            format!("chains.capacity={capacity}"),
            format!("training.steps={updates}"),
            format!("training.batch_size={}", self.batch()),
            format!("output.sample_every={every}"),
            format!("output.checkpoint_every={every}"),
        ] {
            table.set(&change)?;
        }
        Ok(table)
    }

    /// What was chosen and why, a line each.
    pub fn reasons(&self, updates: u64, pace: Pace) -> Vec<String> {
        let Survey {
            count,
            classes,
            size,
            sizes,
            has_test,
            ..
        } = self.survey;
        let [channels, height, width] = self.shape();
        let colour = if channels == 1 { "grey" } else { "in colour" };
        let labels = classes.map_or_else(
            || "without labels".to_string(),
            |classes| format!("with {classes} label(s)"),
        );
        let mut lines = vec![format!(
            "{count} images, {height}x{width}, {colour}, {labels}: all else was chosen for them, since no preset and no file was named"
        )];
        if sizes > 1 || size != [height, width] {
            let [high, wide] = size;
            let kind = if sizes > 1 { "of several sizes, " } else { "" };
            lines.push(format!(
                "size: the images are {kind}{high}x{wide} in the middle; they are cut and scaled to {height}x{width}, since networks are trained on sides of at most {LARGEST_SIDE} pixels (data.size)"
            ));
        }
        lines.push(match has_test {
            true => "held out: the test set of the folder".to_string(),
            false => "held out: a tenth of the images, which training never sees and quality is measured against (data.test_fraction)".to_string(),
        });
        let layers = self.layers();
        lines.push(format!(
            "network: {} convolution(s) that halve the image each, until its sides are no longer than {SMALLEST_MAP}; {} maps in the first, as many as {colour} needs; swish, whose slope is smooth",
            layers.len(),
            layers[0][0],
        ));
        lines.push(format!(
            "chains: {TRANSITIONS} Langevin steps an update from a buffer of past chains, batches of {}: short and many, so that a model comes about in minutes",
            self.batch()
        ));
        lines.push(
            "learning rate: 5e-4, which falls to a twentieth along a cosine: twice as much collapses on plain shapes".to_string(),
        );
        let minutes = number(self.minutes);
        lines.push(match pace {
            Pace::Measured(seconds) => format!(
                "updates: {updates}, which fit into {minutes} minutes (--minutes) at {} s each, as measured on this machine, and with pictures and measurements",
                number(seconds)
            ),
            Pace::Estimated(seconds) => format!(
                "updates: {updates}, which fit into {minutes} minutes (--minutes) at {} s each, as two cores are expected to take; `ebm train` measures it",
                number(seconds)
            ),
            Pace::Given => format!("updates: {updates}, as they were given"),
        });
        lines
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

    /// Channels, height and width of an example.
    fn shape(&self) -> [usize; 3] {
        let Survey {
            channels,
            size,
            is_scaled,
            ..
        } = self.survey;
        let longest = size[0].max(size[1]);
        let [height, width] = size.map(|side| {
            if !is_scaled || longest <= LARGEST_SIDE {
                side
            } else {
                let side = (side * LARGEST_SIDE) as f64 / longest as f64;
                (side.round() as usize).max(1)
            }
        });
        [channels, height, width]
    }

    /// The convolutions, as `model.layers` has them.
    fn layers(&self) -> Vec<[usize; 4]> {
        let [channels, height, width] = self.shape();
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
        layers
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

/// A number of at least 1 with only its first two digits.
fn two_digits(number: u64) -> u64 {
    let mut unit = 1;
    while number / unit >= 100 {
        unit *= 10;
    }
    (number / unit * unit).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{ModelConfig, RunConfig};
    use crate::kinds::AnyModel;

    fn of(channels: usize, side: usize, count: usize, is_scaled: bool) -> AutomaticConfig {
        let survey = Survey {
            count,
            classes: None,
            channels,
            size: [side, side],
            sizes: 1,
            is_scaled,
            has_test: false,
        };
        AutomaticConfig::with_survey(Path::new("shapes"), survey, None)
    }

    fn read(automatic: &AutomaticConfig, updates: u64) -> RunConfig {
        let table = automatic.table(updates).expect("a path of text");
        table.read().expect("it is valid")
    }

    fn layers(config: &RunConfig) -> Vec<[usize; 4]> {
        match &config.model {
            ModelConfig::ConvNet(keys) => keys.layers.clone(),
            other => panic!("found {other:?}"),
        }
    }

    #[test]
    fn networks_grow_with_images_and_every_choice_builds() {
        let next = [64, 3, 2, 1];
        for (channels, side, count, scaled, expected) in [
            (3, 16, 540, true, vec![[48, 4, 2, 1], next]),
            (3, 32, 5000, true, vec![[48, 4, 2, 1], next, next]),
            (1, 28, 60_000, false, vec![[16, 4, 2, 1], next, next]),
            (3, 64, 200, true, vec![[48, 4, 2, 1], next, next, next]),
            (3, 500, 200, true, vec![[48, 4, 2, 1], next, next, next]),
            (1, 8, 20, true, vec![[16, 4, 2, 1]]),
            (1, 3, 9, true, vec![[16, 4, 2, 1]]),
            (1, 1, 2, true, vec![[16, 3, 2, 1]]),
        ] {
            let automatic = of(channels, side, count, scaled);
            let config = read(&automatic, 5000);
            assert_eq!(layers(&config), expected, "{channels}x{side}x{side}");
            let shape = automatic.shape();
            let device = burn::tensor::Device::flex();
            let mut noise = ebm_ops::Noise::new(1);
            AnyModel::new(&config.model, shape.into(), &device, &mut noise).expect("it builds");
            assert!(shape[1] <= LARGEST_SIDE);
            // A tenth is held out of what a batch is taken from.
            assert!(config.training.batch_size <= (count - count.div_ceil(10)).max(1));
            assert_eq!(config.sampler.transitions(), TRANSITIONS);
            assert_eq!(config.output.sample_every, 500);
            assert!(!automatic.reasons(5000, Pace::Given).is_empty());
        }
    }

    #[test]
    fn all_that_was_chosen_is_written_out() {
        let automatic = of(3, 16, 540, true);
        let text = read(&automatic, 9800).to_toml().expect("plain values");
        for line in [
            "path = \"shapes\"",
            "channels = 3",
            "size = [16, 16]",
            "test_fraction = 0.1",
            "batch_size = 32",
            "capacity = 8192",
            "steps = 9800",
            "sample_every = 810",
        ] {
            assert!(text.contains(&format!("{line}\n")), "no {line} in\n{text}");
        }
        let of_fixed_shape = read(&of(1, 28, 60_000, false), 100);
        let text = of_fixed_shape.to_toml().expect("plain values");
        assert!(
            !text.contains("channels =") && !text.contains("\nsize ="),
            "{text}"
        );
    }

    #[test]
    fn updates_fill_the_minutes() {
        let automatic = of(3, 16, 540, true);
        // 5 minutes, of which four fifths are updates.
        assert_eq!(automatic.updates(0.03), 8000);
        assert_eq!(automatic.updates(0.0285), 8400);
        assert_eq!(automatic.updates(1e9), 1);
        // What it was made for: about 30 ms at 16x16, four times that at 32x32.
        let (small, large) = (automatic.expected_seconds(), of(3, 32, 5000, true));
        assert!((0.02..0.04).contains(&small), "{small}");
        assert!((3.5..6.0).contains(&(large.expected_seconds() / small)));
        assert_eq!(
            [0, 7, 99, 100, 987, 12_345].map(two_digits),
            [1, 7, 99, 100, 980, 12_000]
        );
    }

    #[test]
    fn what_is_lacking_is_said() {
        assert!(of(3, 16, 540, true).warnings(8000).is_empty());
        let lacking = |automatic: AutomaticConfig, updates, needle: &str| {
            let said = automatic.warnings(updates);
            assert!(said.len() == 1 && said[0].contains(needle), "{said:?}");
        };
        lacking(of(3, 16, 49, true), 8000, "found 49 images");
        lacking(of(3, 64, 200, true), 600, "time for 600 updates");
        lacking(of(1, 96, 200, false), 8000, "isn't scaled");
        let large = of(3, 500, 200, true).reasons(8000, Pace::Measured(0.5));
        assert!(large[1].contains("scaled to 64x64"), "{large:?}");
    }
}
