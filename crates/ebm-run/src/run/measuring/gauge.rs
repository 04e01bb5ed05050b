//! What the quality of a run's models is measured by: features that suit its data, learned once.

use std::path::Path;

use burn::tensor::Device;
use ebm_ops::{Interval, Noise};
use ebm_sampling::{Interrupt, StartingPoints};
use ebm_train::Examples;
use ebm_train::judging::quality::{
    Classifier, ClassifierOptions, FeatureChoice, Features, GaugeOptions, PooledPixels,
    QualityGauge, QualityReport, RandomConvolutions,
};

use crate::quality::{FeatureKind, QualityLine};
use crate::run::{HeldOut, HeldOutOrigin, ModelFile};

/// Keeps what is drawn here apart from all else of a run.
const STREAM: u64 = 0x6761_7567_6500_0000;

/// Points that chains start at, and images of noise, of which the distance from the data is found.
const STARTS: usize = 1024;

/// The gauge of a run. A classifier is read from `cache` where it was trained on these examples,
/// and is written there once it is trained; without a cache none is used. `None` if it was
/// interrupted.
pub(super) fn quality_gauge(
    model: &ModelFile,
    train: &Examples<4>,
    held_out: &HeldOut,
    cache: Option<&Path>,
    device: &Device,
    interrupt: &mut Interrupt<'_>,
) -> Option<QualityGauge> {
    let range: Interval = model.config.data.range().into();
    // What is measured is comparable between seeds of a configuration.
    let mut noise = Noise::new(STREAM);
    let held_out = (held_out.origin != HeldOutOrigin::Training).then_some(&held_out.examples);
    let [channels, height, width] = model.shape;
    let random = || RandomConvolutions::new(channels, range, device);
    let features = match (FeatureChoice::for_examples(train, range), cache) {
        (FeatureChoice::Classifier, Some(cache)) => {
            let noise = &mut noise.split();
            let classifier = classifier(train, held_out, range, cache, noise, device, interrupt)?;
            Features::Classifier(Box::new(classifier), random())
        }
        (FeatureChoice::Classifier | FeatureChoice::RandomConvolutions, _) => {
            Features::RandomConvolutions(random())
        }
        (FeatureChoice::Pixels, _) => Features::Pixels(PooledPixels),
    };
    let options = GaugeOptions::default();
    let gauge = QualityGauge::new(features, train, held_out, range, options, noise.split());
    let shape = [STARTS, channels, height, width];
    let gauge = gauge.with_start(model.starts.draw(shape, device, &mut noise));
    Some(match model.starts {
        StartingPoints::Fitted(_) => gauge.with_noise(noise.uniform_in(shape, range, device)),
        _ => gauge,
    })
}

fn classifier(
    train: &Examples<4>,
    held_out: Option<&Examples<4>>,
    range: Interval,
    cache: &Path,
    noise: &mut Noise,
    device: &Device,
    interrupt: &mut Interrupt<'_>,
) -> Option<Classifier> {
    if let Ok(known) = Classifier::load(cache, device) {
        let [_, shape @ ..] = train.shape();
        let fits = known.shape() == shape && Some(known.classes()) == train.classes();
        if fits && known.range() == range && known.examples() == train.fingerprint() {
            return Some(known);
        }
    }
    let options = ClassifierOptions::default();
    let found = Classifier::fit(train, held_out, range, options, noise, &mut (), interrupt)?;
    if let Err(error) = found.save(cache) {
        tracing::warn!(%error, "the classifier will be trained again");
    }
    Some(found)
}

/// Takes what a gauge says of samples into a line.
pub(super) fn take_in(line: &mut QualityLine, features: &Features, report: QualityReport) {
    line.features = Some(match features {
        Features::Classifier(..) => FeatureKind::Classifier,
        Features::RandomConvolutions(_) => FeatureKind::RandomConvolutions,
        Features::Pixels(_) => FeatureKind::Pixels,
    });
    line.distance = report.distance;
    line.distance_error = report.distance_error;
    line.floor = report.floor;
    line.start_distance = report.start_distance;
    line.noise_distance = report.noise_distance;
    line.precision = report.precision;
    line.recall = report.recall;
    line.floor_precision = report.floor_precision;
    line.floor_recall = report.floor_recall;
    line.classes = report.classes;
    line.class_entropy = report.class_entropy;
    line.data_class_entropy = report.data_class_entropy;
    line.outside = report.outside;
}
