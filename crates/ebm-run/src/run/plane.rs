//! Runs on the plane: the density that was learned beside the true one, as numbers and as a
//! picture.

use ebm_train::host_values;
use std::path::Path;

use burn::tensor::{Device, Tensor};
use ebm_models::Energy;
use image::RgbImage;
use serde::{Deserialize, Serialize};

use super::model_file::ModelFile;
use crate::drawing::density_picture::{DensityPanel, density_panels};
use crate::kinds::AnyModel;
use crate::logs::log_file::{LogFile, Logged};
use ebm_train::Examples;
use ebm_train::judging::{
    DensityGridError, PlaneDensities, PlaneLikelihood, PlaneOptions, PlaneReport,
};

/// Cells along each side, and pixels, of the densities in a picture.
const PICTURE_SIDE: usize = 300;

/// A model of the plane on a grid.
#[derive(Clone, Debug)]
pub struct PlaneView {
    /// What the grid says.
    pub report: PlaneReport,
    /// The densities themselves.
    pub densities: PlaneDensities,
}

/// The energy of a network that takes points as images of two channels and one pixel.
fn energy(network: &AnyModel) -> impl Fn(Tensor<2>) -> Tensor<1> + '_ {
    |points| {
        let [count, _] = points.dims();
        network.energy(points.reshape([count, 2, 1, 1]))
    }
}

impl PlaneView {
    /// Looks at a model on a grid of `side` cells along each side of the square that the data are
    /// in; `None` if its data are images.
    ///
    /// # Errors
    ///
    /// If energies on the grid are not finite.
    pub fn of(
        model: &ModelFile,
        side: usize,
        device: &Device,
    ) -> Option<Result<Self, DensityGridError>> {
        let (plane, _) = model.config.data.plane()?;
        let range = model.config.data.range().into();
        let options = PlaneOptions { range, side };
        let view = PlaneReport::new(&energy(&model.model), Some(&plane), options, device);
        Some(view.map(|(report, densities)| Self { report, densities }))
    }

    /// How likely the model finds points, `[count, 2, 1, 1]`; `None` if there is none.
    pub fn likelihood(&self, model: &ModelFile, points: &Examples<4>) -> Option<PlaneLikelihood> {
        let plane = model.config.data.plane().map(|(plane, _)| plane);
        let energy = energy(&model.model);
        self.report
            .likelihood(&energy, plane.as_ref(), &points.flattened())
    }

    /// The true density, if it is known, the learned one, and points of two coordinates each, one
    /// after the other.
    pub fn picture(&self, title: &str, points: &[f32]) -> RgbImage {
        let truth = self
            .densities
            .truth
            .as_ref()
            .map(|truth| (truth, truth.density()));
        let mut panels = Vec::new();
        if let Some((grid, density)) = &truth {
            panels.push(DensityPanel {
                title: format!("true density, entropy {:.3} nats", grid.entropy()),
                density: Some(density),
                points: &[],
            });
        }
        let learned = self.densities.model.density();
        panels.push(DensityPanel {
            title: match self.report.divergence {
                Some(divergence) => format!("learned, {divergence:.3} nats from it"),
                None => format!("learned, entropy {:.3} nats", self.report.entropy),
            },
            density: Some(&learned),
            points: &[],
        });
        panels.push(DensityPanel {
            title: title.to_string(),
            density: None,
            points,
        });
        let zoom = PICTURE_SIDE.div_ceil(self.report.side);
        density_panels(
            &panels,
            panels.len(),
            self.report.side,
            zoom,
            self.report.range.into(),
        )
    }
}

/// The picture of samples of a model of the plane, and what the grid says of it; `None` if its data
/// are images.
///
/// A model that has diverged has no density to show; its samples are drawn alone.
pub(super) fn plane_picture(
    model: &ModelFile,
    samples: &Tensor<4>,
    device: &Device,
) -> Option<(RgbImage, Option<PlaneReport>)> {
    let points = host_values(samples.clone());
    let title = format!("{} samples", samples.dims()[0]);
    Some(match PlaneView::of(model, PICTURE_SIDE, device)? {
        Ok(view) => (view.picture(&title, &points), Some(view.report)),
        Err(_) => {
            let panel = DensityPanel {
                title: format!("{title}; energies are not finite"),
                density: None,
                points: &points,
            };
            let range = model.config.data.range();
            (density_panels(&[panel], 1, PICTURE_SIDE, 1, range), None)
        }
    })
}

/// `density.jsonl`: with each picture a line of what the grid says.
pub(super) struct DensityLog {
    file: LogFile,
    /// The updates of the last line.
    last: Option<u64>,
}

/// A line as far as it is read again.
#[derive(Deserialize)]
struct DensityLine {
    step: u64,
}

impl Logged for DensityLine {
    fn step(&self) -> Option<u64> {
        Some(self.step)
    }
}

impl DensityLog {
    /// Opens the file after dropping the lines past `step`, which will be written again. The text
    /// is a warning.
    pub(super) fn open(path: &Path, step: u64) -> (Self, Option<String>) {
        let mut last = None;
        let (file, warning) = LogFile::open(path, step, |line: DensityLine| {
            last = last.max(Some(line.step));
        });
        (Self { file, last }, warning)
    }

    /// Goes back to where the file was after `step` updates. The text is a warning.
    pub(super) fn go_back(&mut self, step: u64) -> Option<String> {
        let mut last = None;
        let warning = self.file.go_back(step, |line: DensityLine| {
            last = last.max(Some(line.step));
        });
        self.last = last;
        warning
    }

    /// Tries a last time to write what couldn't be written. The text is a warning.
    pub(super) fn finish(&mut self) -> Option<String> {
        self.file.flush()
    }

    /// Adds what the grid says after an update, unless it is there already. The text is a warning.
    pub(super) fn write(&mut self, step: u64, report: &PlaneReport) -> Option<String> {
        #[derive(Serialize)]
        struct Line<'a> {
            step: u64,
            #[serde(flatten)]
            report: &'a PlaneReport,
        }
        if self.last >= Some(step) {
            return None;
        }
        self.last = Some(step);
        self.file.write(&Line { step, report })
    }
}
