//! Trains an energy of the plane on two moons and draws samples from it, in a few seconds.
//!
//! Look at the picture: the density that `exp(-E)` gives (blue) and Langevin samples (yellow) should both
//! show two interleaved half circles.
#![allow(clippy::print_stdout)]

use std::error::Error;
use std::path::PathBuf;

use ebm::backend;
use ebm::training::config::ConfigTable;
use ebm::training::run::{self, Event, SampleOptions, Watch};

/// Prints the energies as they come.
struct Print;

impl Watch for Print {
    fn event(&mut self, event: &Event<'_>) {
        if let Event::Logged { metrics, .. } = event {
            println!(
                "step {:4}  E(data) {:+.3}  E(samples) {:+.3}",
                metrics.step, metrics.data_energy, metrics.sample_energy
            );
        }
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let folder = PathBuf::from(std::env::args().nth(1).unwrap_or_else(|| ".".into()));
    let device = backend::select("auto", 0)?.device;

    let mut config = ConfigTable::from_preset("two-moons")?;
    config.set("training.steps=1000")?;
    config.set("output.log_every=100")?;
    let config = config.read()?;

    let out = folder.join(format!("two-moons-run-{}", std::process::id()));
    run::train(&config, &device, &out, &mut Print)?;

    let model = run::load_model(&out, &device)?;
    let options = SampleOptions {
        count: 1000,
        steps: 500,
        seed: 1,
        annealing: None,
    };
    let samples = run::sample(&model, options, &device)?;
    let picture = folder.join("two_moons.png");
    run::sample_picture(&model, samples, &device).save(&picture)?;
    println!("look at {}", picture.display());
    Ok(())
}
