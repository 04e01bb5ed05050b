//! Energies of data and outliers, and how well a model tells them apart, for `ebm eval`.

use std::path::{Path, PathBuf};

use burn::tensor::Device;
use ebm::models::Energy;
use ebm::ops::{Noise, Progress};
use ebm::run::ModelFile;
use ebm::run::drawing::{EnergyHistogram, Histogram};
use ebm::run::evaluation_data::{HeldOutOrigin, OutlierSource, held_out};
use ebm::training::Examples;
use ebm::training::data::Split;
use ebm::training::judging::{
    EnergySummary, auroc, check_finite, energies, energies_are_bounds, false_positive_rate,
    gradient_norms,
};
use serde::Serialize;

use super::failure::Failure;
use super::numbers::significant;
use super::terminal::say;
use super::unit::Unit;

/// Share of held-out images that are accepted where false positives are counted.
const ACCEPTANCE: f64 = 0.95;

/// Digits of a number in the table.
const DIGITS: usize = 5;

/// What to compare the data with.
#[derive(clap::Args)]
pub(crate) struct OutlierArgs {
    /// Out-of-distribution images: uniform (noise), constant (one colour an image), shuffled
    /// (held-out images with their pixels in another order), a folder of IDX, CIFAR-10 or PNG/JPEG
    /// files, or none; may be repeated [default: uniform, constant and shuffled]
    #[arg(long, value_name = "NAME|DIR")]
    ood: Vec<String>,
    /// Cut and scale out-of-distribution images of another size
    #[arg(long)]
    ood_resize: bool,
}

impl OutlierArgs {
    /// The sources that were asked for; `None` for those that every model of images is compared
    /// with.
    pub(crate) fn sources(&self) -> Result<Option<Vec<OutlierSource>>, Failure> {
        if self.ood.is_empty() {
            return Ok(None);
        }
        if self.ood.len() > 1 && self.ood.iter().any(|name| name == "none") {
            return Err(Failure::Argument {
                argument: "--ood",
                message: "found none together with others, expected it alone".into(),
            });
        }
        let names = self.ood.iter().filter(|name| *name != "none");
        let sources: Result<_, Failure> = names.map(|name| self.source(name)).collect();
        Ok(Some(sources?))
    }

    fn source(&self, name: &str) -> Result<OutlierSource, Failure> {
        match name {
            "uniform" => Ok(OutlierSource::Uniform),
            "constant" => Ok(OutlierSource::Constant),
            "shuffled" => Ok(OutlierSource::Shuffled),
            folder if Path::new(folder).is_dir() => Ok(OutlierSource::Folder {
                path: PathBuf::from(folder),
                resize: self.ood_resize,
            }),
            other => Err(Failure::Argument {
                argument: "--ood",
                message: format!(
                    "`{other}` is neither uniform, constant, shuffled nor none, and there is no such folder"
                ),
            }),
        }
    }
}

/// The energies of one set.
#[derive(Clone, Serialize)]
struct EnergySet {
    name: String,
    examples: usize,
    energy: Option<EnergySummary>,
    /// Of outliers, against the held-out examples.
    #[serde(skip_serializing_if = "Option::is_none")]
    auroc: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fpr_at_95: Option<f64>,
    /// Of held-out examples and outliers, where pixels are real.
    #[serde(skip_serializing_if = "Option::is_none")]
    gradient_norm: Option<GradientNorms>,
}

/// The norms of the gradients of one set.
#[derive(Clone, Serialize)]
struct GradientNorms {
    /// In the unit of the energies for each unit of the pixels.
    norm: Option<EnergySummary>,
    /// Of outliers, against the held-out examples.
    #[serde(skip_serializing_if = "Option::is_none")]
    auroc: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fpr_at_95: Option<f64>,
}

/// The energies of all sets.
#[derive(Clone, Serialize)]
pub(crate) struct DetectionReport {
    /// Of all energies.
    #[serde(flatten)]
    unit: Unit,
    #[serde(skip)]
    explanation: Option<String>,
    /// Whether energies are upper bounds.
    bound: bool,
    /// What outliers are compared with.
    held_out: HeldOutOrigin,
    sets: Vec<EnergySet>,
}

/// Looks at data and outliers; `known` are the energies that are known already. There is no
/// histogram of nothing.
pub(crate) fn detect<'a>(
    model: &ModelFile,
    known: impl Iterator<Item = (Split, &'a [f32])>,
    sources: Option<Vec<OutlierSource>>,
    device: &Device,
    noise: &mut Noise,
    progress: &mut dyn Progress,
) -> Result<(DetectionReport, Option<EnergyHistogram>), Failure> {
    let sources = sources.unwrap_or_else(|| {
        if model.takes_images() {
            vec![
                OutlierSource::Uniform,
                OutlierSource::Constant,
                OutlierSource::Shuffled,
            ]
        } else {
            vec![OutlierSource::Uniform]
        }
    });
    let held_out = held_out(model, device)?;
    let origin = held_out.origin;
    let (mut train, mut test) = (None, None);
    for (split, energies) in known {
        match split {
            Split::Train => train = Some(energies.to_vec()),
            Split::Test => test = Some(energies.to_vec()),
        }
    }
    // What was looked at already isn't looked at again.
    let inliers = match (origin, &train, test) {
        (HeldOutOrigin::TestSplit | HeldOutOrigin::TestFraction, _, Some(test)) => test,
        (HeldOutOrigin::Training, Some(train), _) => train.clone(),
        _ => energies(&model.model, &held_out.examples, progress)?,
    };
    let mut all: Vec<(EnergySet, Vec<f32>)> = Vec::new();
    if let Some(train) = train
        && origin != HeldOutOrigin::Training
    {
        all.push((set("train".into(), &train), train));
    }
    // Two-valued pixels have no slope.
    let has_slope = !model.takes_binary();
    let norms = |examples: &Examples<4>, progress: &mut dyn Progress| {
        let norms = has_slope.then(|| gradient_norms(&model.model, examples, progress));
        if let Some(norms) = &norms {
            check_finite(norms, "the gradient at an example")?;
        }
        Ok::<_, Failure>(norms)
    };
    let inlier_norms = norms(&held_out.examples, progress)?;
    let mut row = set(origin.name().into(), &inliers);
    row.gradient_norm = inlier_norms.as_ref().map(|norms| GradientNorms {
        norm: EnergySummary::new(norms),
        auroc: None,
        fpr_at_95: None,
    });
    all.push((row, inliers.clone()));
    for source in sources {
        let examples = source.draw(model, &held_out.examples, device, &mut noise.split())?;
        let outliers = energies(&model.model, &examples, progress)?;
        let mut row = set(source.name(), &outliers);
        row.auroc = auroc(&inliers, &outliers);
        row.fpr_at_95 = false_positive_rate(&inliers, &outliers, ACCEPTANCE);
        let outlier_norms = norms(&examples, progress)?;
        if let (Some(inliers), Some(outliers)) = (&inlier_norms, outlier_norms) {
            row.gradient_norm = Some(GradientNorms {
                norm: EnergySummary::new(&outliers),
                auroc: auroc(inliers, &outliers),
                fpr_at_95: false_positive_rate(inliers, &outliers, ACCEPTANCE),
            });
        }
        all.push((row, outliers));
    }
    let named: Vec<(String, &[f32])> = all
        .iter()
        .map(|(row, energies)| (row.label(), energies.as_slice()))
        .collect();
    let unit = model.config.energy_unit();
    let histogram = Histogram::new(&named).and_then(|histogram| histogram.draw(unit));
    let report = DetectionReport {
        unit: unit.into(),
        explanation: unit.explanation(),
        bound: energies_are_bounds(&model.model.structure()),
        held_out: origin,
        sets: all.into_iter().map(|(row, _)| row).collect(),
    };
    Ok((report, histogram))
}

fn set(name: String, energies: &[f32]) -> EnergySet {
    EnergySet {
        name,
        examples: energies.len(),
        energy: EnergySummary::new(energies),
        auroc: None,
        fpr_at_95: None,
        gradient_norm: None,
    }
}

impl EnergySet {
    /// What it is called in the picture.
    fn label(&self) -> String {
        let path = Path::new(&self.name);
        match (self.auroc, path.file_name()) {
            (Some(auroc), Some(name)) => format!("{}, AUROC {auroc:.3}", name.display()),
            _ => self.name.clone(),
        }
    }
}

impl DetectionReport {
    /// Prints the table.
    pub(crate) fn print(&self) {
        let bound = if self.bound { ", upper bounds" } else { "" };
        print_header(&format!("energies ({}{bound})", self.unit.name));
        for set in &self.sets {
            print_row(set, set.energy.as_ref(), [set.auroc, set.fpr_at_95]);
        }
        let norms = self.sets.iter().filter_map(|set| {
            let norms = set.gradient_norm.as_ref()?;
            Some((set, norms))
        });
        for (index, (set, norms)) in norms.enumerate() {
            if index == 0 {
                say(format_args!(""));
                print_header("gradient norms |dE/dx|");
            }
            print_row(set, norms.norm.as_ref(), [norms.auroc, norms.fpr_at_95]);
        }
        if let Some(explanation) = &self.explanation {
            say(format_args!("{explanation}"));
        }
        match self.held_out {
            HeldOutOrigin::TestSplit => {}
            HeldOutOrigin::TestFraction => say(format_args!(
                "the data have no test split: held out are the images that training left out for it (data.test_fraction)"
            )),
            HeldOutOrigin::BeyondLimit => say(format_args!(
                "the data have no test split: held out are the training images beyond data.limit"
            )),
            HeldOutOrigin::Training => say(format_args!(
                "the data hold nothing out: outliers are compared with images that the model was trained on"
            )),
        }
    }
}

/// The names of the columns.
fn print_header(what: &str) {
    say(format_args!(
        "{what:28}{:>9}{:>12}{:>10}{:>12}{:>12}{:>8}{:>9}",
        "examples", "mean", "sd", "5 %", "95 %", "AUROC", "FPR@95"
    ));
}

/// One set: values, and how well they tell it from held-out examples.
fn print_row(set: &EnergySet, values: Option<&EnergySummary>, shares: [Option<f64>; 2]) {
    let number = |value: fn(&EnergySummary) -> f64| {
        let value = values.map(value);
        value.map_or_else(|| "-".into(), |value| significant(value, DIGITS))
    };
    let [auroc, fpr] =
        shares.map(|share| share.map_or(String::new(), |share| format!("{share:.4}")));
    say(format_args!(
        "{:28}{:>9}{:>12}{:>10}{:>12}{:>12}{auroc:>8}{fpr:>9}",
        shortened(&set.name, 27),
        set.examples,
        number(|values| values.mean),
        number(|values| values.standard_deviation),
        number(|values| values.quantile_5),
        number(|values| values.quantile_95),
    ));
}

/// The end of a text that is too long.
fn shortened(text: &str, most: usize) -> String {
    let count = text.chars().count();
    if count <= most {
        return text.into();
    }
    let end: String = text.chars().skip(count - most + 2).collect();
    format!("..{end}")
}
