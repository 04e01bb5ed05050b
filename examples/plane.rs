//! Five problems of the plane, each learned by the same network, beside the true densities.
//!
//! Arguments: an output folder for the picture, the number of updates for each problem (default
//! 300; the 5,000 of the presets take about five minutes on two cores for all of them).
//!
//! Look at the table: the mean log-likelihood of held-out points, exact but for the grid, against
//! minus the entropy of the true density, the best there is; and at the picture: a column for each
//! problem, with data, the true density and the learned one below each other.
#![allow(clippy::print_stdout)]

use std::error::Error;
use std::path::PathBuf;

use ebm::backend;
use ebm::models::MlpConfig;
use ebm::ops::Noise;
use ebm::run::{DensityPanel, density_panels};
use ebm::training::data::{PLANE_RANGE, Plane, PlaneProblem};
use ebm::training::judging::{PlaneOptions, PlaneReport};
use ebm::training::recipe::MetropolisConfig;
use ebm::training::{Examples, Recipe, Trainer};

/// Cells along each side of the grid, and pixels of a panel.
const SIDE: usize = 200;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = PathBuf::from(std::env::args().nth(1).unwrap_or_else(|| ".".into()));
    std::fs::create_dir_all(&folder)?;
    let updates: u64 = std::env::args()
        .nth(2)
        .map_or(Ok(300), |text| text.parse())?;
    let device = backend::select("auto", 0)?.device;
    let mut noise = Noise::new(1);

    println!("{updates} updates each; all in nats");
    println!("problem       log-likelihood, held out   best there is   KL(true || model)");
    let mut found = Vec::new();
    for problem in PlaneProblem::ALL {
        let plane = Plane::new(problem);
        let data = Examples::from_plane(&plane, 10_000, &device, &mut noise);
        let held_out = Examples::from_plane(&plane, 10_000, &device, &mut noise);
        let some: Vec<usize> = (0..2000).collect();
        let points: Vec<f32> = data.batch(&some).x.into_data().iter::<f32>().collect();

        let network = MlpConfig::new(2, vec![128, 128, 128]).init(&device, &mut noise);
        let mut recipe = Recipe::density().with_steps(updates);
        if problem != PlaneProblem::TwoMoons {
            // It draws from thin densities exactly, where Langevin steps as long as they are thin
            // don't.
            recipe = recipe.with_sampler(MetropolisConfig::new(20, 0.12));
        }
        if updates < 1000 {
            recipe = recipe.with_moving_average(0.95);
        }
        let mut trainer = Trainer::new(recipe, network, data, noise.split())?;
        trainer.train(|_| {})?;

        let model = trainer.sampling_model();
        let options = PlaneOptions {
            range: PLANE_RANGE.into(),
            side: SIDE,
        };
        let (report, densities) = PlaneReport::new(&model, Some(&plane), options, &device)?;
        let likelihood = report
            .likelihood(&model, Some(&plane), &held_out)
            .ok_or("no points")?
            .log_likelihood;
        println!(
            "{:12}        {:+.4} ± {:.4}         {:+.4}             {:.4}",
            problem.name(),
            likelihood.mean,
            likelihood.standard_error,
            -report.true_entropy.unwrap_or(f64::NAN),
            report.divergence.unwrap_or(f64::NAN)
        );
        for warning in report.warnings() {
            println!("              {warning}");
        }
        let truth = densities.truth.map(|truth| truth.density());
        found.push((problem, points, truth, densities.model.density(), report));
    }

    // Brightness is the share of the highest true density of each problem, so rows are drawn
    // problem by problem.
    let columns: Vec<_> = found
        .iter()
        .map(|(problem, points, truth, learned, report)| {
            let name = problem.name().replace('_', " ");
            let panels = [
                DensityPanel {
                    title: format!("{name}: data"),
                    density: None,
                    points,
                },
                DensityPanel {
                    title: "true density".into(),
                    density: truth.as_deref(),
                    points: &[],
                },
                DensityPanel {
                    title: format!("learned, KL {:.3}", report.divergence.unwrap_or(f64::NAN)),
                    density: Some(learned),
                    points: &[],
                },
            ];
            density_panels(&panels, 1, SIDE, 1, PLANE_RANGE)
        })
        .collect();
    let (width, height) = columns[0].dimensions();
    let mut picture = image::RgbImage::new(width * columns.len() as u32, height);
    for (index, column) in columns.iter().enumerate() {
        image::imageops::replace(&mut picture, column, i64::from(width) * index as i64, 0);
    }
    let path = folder.join("plane.png");
    picture.save(&path)?;
    println!("look at {}", path.display());
    Ok(())
}
