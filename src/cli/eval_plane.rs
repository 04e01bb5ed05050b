//! What `ebm eval` says of models of the plane: the exact log-likelihood on a grid, beside the true density.

use std::path::Path;

use burn::tensor::Device;
use ebm::run::evaluation::{PlaneLikelihood, PlaneReport};
use ebm::run::{ModelFile, PlaneView};
use ebm::run::{RunError, save_picture};
use ebm::training::Examples;
use ebm::training::data::Split;
use serde::Serialize;

use super::failure::Failure;
use super::terminal::{say, warn};

/// Held-out points in the picture.
const PICTURED: usize = 2000;

#[derive(clap::Args)]
pub(crate) struct PlaneArgs {
    /// For models of the plane: cells along each side of the grid on which log Z is found
    #[arg(long, value_name = "CELLS", default_value_t = 400, value_parser = clap::value_parser!(u32).range(16..=2048))]
    grid: u32,
}

/// All that was found.
#[derive(Serialize)]
pub(crate) struct Density {
    grid: PlaneReport,
    sets: Vec<(Split, PlaneLikelihood)>,
    #[serde(skip)]
    view: PlaneView,
}

/// Looks at a model of the plane; `None` if its data are images.
pub(crate) fn evaluate(
    args: &PlaneArgs,
    model: &ModelFile,
    sets: [(Split, Option<&Examples<4>>); 2],
    device: &Device,
) -> Result<Option<Density>, Failure> {
    let Some(view) = PlaneView::of(model, args.grid as usize, device) else {
        return Ok(None);
    };
    let view = view.map_err(RunError::from)?;
    let sets = sets
        .into_iter()
        .filter_map(|(split, points)| Some((split, view.likelihood(model, points?)?)))
        .collect();
    Ok(Some(Density {
        grid: view.report.clone(),
        sets,
        view,
    }))
}

/// Prints what was found.
pub(crate) fn print(density: &Density) {
    let PlaneReport {
        range: (low, high),
        side,
        ..
    } = density.grid;
    say(format_args!(""));
    say(format_args!(
        "{:40}{:>22}",
        format!("density on [{low}, {high}]^2 (nats)"),
        format!("{side} x {side} cells")
    ));
    let line = |name: &str, value: String| say(format_args!("{name:40}{value:>22}"));
    line("log Z", format!("{:.4}", density.grid.log_partition));
    line(
        &format!("  change from {0} x {0} cells", side / 2),
        format!("{:+.6}", density.grid.refinement),
    );
    line(
        "  share of the mass along the border",
        format!("{:.2e}", density.grid.border_mass),
    );
    line("entropy", format!("{:.4}", density.grid.entropy));
    if let Some(entropy) = density.grid.true_entropy {
        line("entropy of the true density", format!("{entropy:.4}"));
    }
    if let Some(divergence) = density.grid.divergence {
        line("KL(true || model)", format!("{divergence:.4}"));
    }
    for (split, set) in &density.sets {
        line(
            &format!("log-likelihood, {split}"),
            format!(
                "{:.4} ± {:.4}",
                set.log_likelihood.mean, set.log_likelihood.standard_error
            ),
        );
        if let Some(truth) = set.true_log_likelihood {
            line(
                "  of the true density",
                format!("{:.4} ± {:.4}", truth.mean, truth.standard_error),
            );
        }
        if let Some(ratio) = set.log_ratio {
            line(
                "  true minus model, point by point",
                format!("{:.4} ± {:.4}", ratio.mean, ratio.standard_error),
            );
        }
    }
    for warning in density.grid.warnings() {
        warn(format_args!("warning: {warning}"));
    }
    for (split, set) in &density.sets {
        if set.outside > 0 {
            warn(format_args!(
                "warning: {} of {} {split} points lie outside of [{low}, {high}]^2; they count with their energy there",
                set.outside, set.points
            ));
        }
    }
}

/// Writes the picture: the true density, the learned one, and held-out points.
pub(crate) fn save(
    density: &Density,
    folder: &Path,
    points: Option<&Examples<4>>,
) -> Result<(), Failure> {
    let points: Vec<f32> = points
        .and_then(|points| points.batches(PICTURED).next())
        .map(|points| points.x.into_data().iter::<f32>().collect())
        .unwrap_or_default();
    let title = format!("{} held-out points", points.len() / 2);
    let path = folder.join("density.png");
    save_picture(&density.view.picture(&title, &points), &path)?;
    Ok(())
}
