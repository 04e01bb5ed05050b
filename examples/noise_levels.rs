//! One network for several levels of noise, beside contrastive divergence, on the plane.
//!
//! Arguments: an output folder for the picture, the number of updates (default 200).
//!
//! Look at the table: how likely held-out points are in nats, exact but for the grid, for an energy
//! learned by contrastive divergence and for that of the lowest level by recovery likelihood,
//! beside the best there is; and at the picture: data, the two densities, and samples that came
//! down the levels from noise, without a buffer and with chains that start at nothing but noise.
//! Six levels share one small network, so that details come later: two moons need 6,000 updates.
#![allow(clippy::print_stdout)]

use std::error::Error;
use std::path::PathBuf;
use std::time::Instant;

use burn::tensor::Tensor;
use ebm::backend;
use ebm::models::{Energy, MlpConfig};
use ebm::ops::Noise;
use ebm::run::{DensityPanel, density_panels};
use ebm::sampling::noise_levels::NoiseLevels;
use ebm::training::data::{PLANE_RANGE, Plane, PlaneProblem};
use ebm::training::judging::{PlaneOptions, PlaneReport};
use ebm::training::{Examples, Recipe, RecoveryLikelihood, Trainer};

/// Cells along each side of the grid, and pixels of a panel.
const SIDE: usize = 200;
/// Samples that come down the levels.
const SAMPLES: usize = 2000;
/// Transitions at each level.
const TRANSITIONS: usize = 60;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = PathBuf::from(std::env::args().nth(1).unwrap_or_else(|| ".".into()));
    std::fs::create_dir_all(&folder)?;
    let updates: u64 = std::env::args()
        .nth(2)
        .map_or(Ok(200), |text| text.parse())?;
    let device = backend::select("auto", 0)?.device;
    let mut noise = Noise::new(1);
    let levels = NoiseLevels::new(6).with_least_noise(0.03);
    let recovery = RecoveryLikelihood::new(levels).with_transitions(TRANSITIONS);

    println!("{updates} updates each; nats a point");
    println!("problem       contrastive divergence   recovery likelihood   best there is");
    let mut columns = Vec::new();
    for problem in [
        PlaneProblem::TwoMoons,
        PlaneProblem::Pinwheel,
        PlaneProblem::Gaussians,
    ] {
        let plane = Plane::new(problem);
        let data = Examples::from_plane(&plane, 10_000, &device, &mut noise);
        let held_out = Examples::from_plane(&plane, 10_000, &device, &mut noise);
        let average = if updates < 1000 { 0.95 } else { 0.995 };
        let recipe = Recipe::density()
            .with_steps(updates)
            .with_moving_average(average);

        let network = MlpConfig::new(2, vec![128, 128]).init(&device, &mut noise);
        let start = Instant::now();
        let mut trainer = Trainer::new(recipe.clone(), network, data.clone(), noise.split())?;
        trainer.train(|_| {})?;
        let seconds = [start.elapsed()];
        let divergent = Judged::new(&trainer.sampling_model(), &plane, &held_out)?;

        // The level is one more input.
        let network = MlpConfig::new(3, vec![128, 128]).init(&device, &mut noise);
        let start = Instant::now();
        let builder = Trainer::builder(recipe).with_objective(recovery);
        let mut trainer = builder.build(network, data.clone(), noise.split())?;
        trainer.train(|_| {})?;
        let seconds = [seconds[0], start.elapsed()].map(|time| time.as_secs());
        let model = trainer.sampling_model();
        let recovered = Judged::new(&levels.data_energy(&model), &plane, &held_out)?;
        let start: Tensor<2> = noise.normal([SAMPLES, 2], &device);
        let kernel = recovery.kernel();
        let samples = levels.sample(&model, &kernel, TRANSITIONS, start, &mut noise, &mut ());
        println!(
            "{:12}  {:+.4} in {:3} s          {:+.4} in {:3} s       {:+.4}",
            problem.name(),
            divergent.likelihood,
            seconds[0],
            recovered.likelihood,
            seconds[1],
            recovered.best,
        );
        let some: Vec<usize> = (0..SAMPLES).collect();
        let points: Vec<f32> = data.batch(&some).x.into_data().iter::<f32>().collect();
        let samples: Vec<f32> = samples.into_data().iter::<f32>().collect();
        let panel = |title: &str, density, points| DensityPanel {
            title: title.into(),
            density,
            points,
        };
        let none: &[f32] = &[];
        let panels = [
            panel(&problem.name().replace('_', " "), None, points.as_slice()),
            panel(
                "contrastive divergence",
                Some(divergent.density.as_slice()),
                none,
            ),
            panel("the lowest level", Some(recovered.density.as_slice()), none),
            panel("down the levels", None, samples.as_slice()),
        ];
        columns.push(density_panels(&panels, 1, SIDE, 1, PLANE_RANGE));
    }
    let (width, height) = columns[0].dimensions();
    let mut picture = image::RgbImage::new(width * columns.len() as u32, height);
    for (index, column) in columns.iter().enumerate() {
        image::imageops::replace(&mut picture, column, i64::from(width) * index as i64, 0);
    }
    let path = folder.join("noise_levels.png");
    picture.save(&path)?;
    println!("look at {}", path.display());
    Ok(())
}

/// What an energy of the plane is worth.
struct Judged {
    /// Nats a held-out point.
    likelihood: f64,
    /// The best there is.
    best: f64,
    density: Vec<f64>,
}

impl Judged {
    fn new(
        energy: &impl Energy<2>,
        plane: &Plane,
        held_out: &Examples<2>,
    ) -> Result<Self, Box<dyn Error>> {
        let options = PlaneOptions {
            range: PLANE_RANGE.into(),
            side: SIDE,
        };
        let (report, densities) =
            PlaneReport::new(energy, Some(plane), options, &held_out.device())?;
        let found = report.likelihood(energy, Some(plane), held_out);
        Ok(Self {
            likelihood: found.ok_or("no points")?.log_likelihood.mean,
            best: -report.true_entropy.unwrap_or(f64::NAN),
            density: densities.model.density(),
        })
    }
}
