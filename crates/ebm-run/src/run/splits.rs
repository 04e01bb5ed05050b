//! Which examples are for training and which are held out, for training, evaluation and reports
//! alike.

use burn::tensor::Device;
use ebm_ops::Noise;
use ebm_train::Examples;
use ebm_train::data::{DataError, Split};
use serde::Serialize;

use super::model_file::ModelFile;
use crate::config::{DataConfig, ExamplesRequest, RunConfig};
use crate::error::RunError;

/// The examples of a configuration, `[count, channels, height, width]`; points of the plane have
/// two channels of one pixel.
///
/// `noise` draws the points of the plane, those of the test set from a stream of their own.
///
/// # Errors
///
/// If files are missing, damaged or of another shape, or don't fit into memory.
pub fn examples(
    config: &DataConfig,
    split: Split,
    device: &Device,
    noise: &mut Noise,
) -> Result<Examples<4>, RunError> {
    read(config, split, config.limit(), device, noise)
}

fn read(
    config: &DataConfig,
    split: Split,
    limit: Option<usize>,
    device: &Device,
    noise: &mut Noise,
) -> Result<Examples<4>, RunError> {
    config.keys().examples(ExamplesRequest {
        kind: config.name(),
        split,
        limit,
        device,
        noise,
    })
}

/// The noise of a run, and of it the stream that draws made-up data: the first that is split off.
pub(super) fn noise_of_run(config: &RunConfig) -> (Noise, Noise) {
    let mut noise = Noise::new(config.seed);
    let data = noise.split();
    (noise, data)
}

impl ModelFile {
    /// The examples of some data, drawn as the run draws its own: made-up data are those that the
    /// model was trained on.
    ///
    /// # Errors
    ///
    /// If they can't be read, or haven't the shape that the model takes.
    pub fn examples(
        &self,
        data: &DataConfig,
        split: Split,
        device: &Device,
    ) -> Result<Examples<4>, RunError> {
        self.first_examples(data, split, data.limit(), device)
    }

    /// The same, of images no more than `limit`, whatever the configuration says.
    fn first_examples(
        &self,
        data: &DataConfig,
        split: Split,
        limit: Option<usize>,
        device: &Device,
    ) -> Result<Examples<4>, RunError> {
        let (_, mut noise) = noise_of_run(&self.config);
        let examples = read(data, split, limit, device, &mut noise)?;
        self.check_examples(&examples)?;
        Ok(examples)
    }
}

/// Where held-out examples come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum HeldOutOrigin {
    /// The test split of the data.
    TestSplit,
    /// The share of the data's images that `data.test_fraction` keeps out of training.
    TestFraction,
    /// Training examples beyond `data.limit`, which training left out.
    BeyondLimit,
    /// No examples are held out: these are those of training.
    Training,
}

impl HeldOutOrigin {
    /// What the examples are called in a table.
    pub fn name(self) -> &'static str {
        match self {
            Self::TestSplit => "test",
            Self::TestFraction => "held out",
            Self::BeyondLimit => "train beyond data.limit",
            Self::Training => "train (nothing is held out)",
        }
    }
}

/// Examples and where they come from.
#[derive(Clone, Debug)]
pub struct HeldOut {
    /// The examples.
    pub examples: Examples<4>,
    /// Where they come from.
    pub origin: HeldOutOrigin,
}

/// The test split of a run's data, or the share of them that is kept out of training; without
/// either the training examples beyond `data.limit`; without these the training examples
/// themselves, whose energies say nothing of generalisation.
///
/// # Errors
///
/// If there is none of these, or their shape isn't that of the model: the error of the training
/// examples. If a test split is there and can't be read: its error.
pub fn held_out(model: &ModelFile, device: &Device) -> Result<HeldOut, RunError> {
    let data = &model.config.data;
    match model.examples(data, Split::Test, device) {
        Ok(examples) if !examples.is_empty() => {
            let origin = match data.keys().holds_out_training_examples() {
                Ok(true) => HeldOutOrigin::TestFraction,
                _ => HeldOutOrigin::TestSplit,
            };
            return Ok(HeldOut { examples, origin });
        }
        // To judge by other examples than those that are meant is no way out of a damaged file.
        Err(RunError::Data(error)) if !error.is_absence() => return Err(RunError::Data(error)),
        _ => {}
    }
    if let Some(limit) = data.limit() {
        let all = model.first_examples(data, Split::Train, None, device)?;
        if let Some(examples) = all.skip(limit) {
            let origin = HeldOutOrigin::BeyondLimit;
            return Ok(HeldOut { examples, origin });
        }
    }
    Ok(HeldOut {
        examples: model.examples(data, Split::Train, device)?,
        origin: HeldOutOrigin::Training,
    })
}

/// What `read` gives of the test split, or of the training split of data that have no other.
///
/// # Errors
///
/// Those of `read`; of the test split that it is damaged, and not that it isn't there.
pub(crate) fn test_or_training<T>(
    read: impl Fn(Split) -> Result<T, DataError>,
) -> Result<T, DataError> {
    match read(Split::Test) {
        Err(error) if error.is_absence() => read(Split::Train),
        read => read,
    }
}
