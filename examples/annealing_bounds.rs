//! Annealed importance sampling in both directions, beside the exact partition function.
//!
//! Look at the picture: the mean of the log weights is a lower bound on the way to the machine and
//! an upper one on the way back, and the two close in on the sum over all states. The estimate, the
//! logarithm of the mean weight, lies between them; how far they are apart says how far it may be
//! trusted.
#![allow(clippy::print_stdout)]

use std::error::Error;
use std::path::PathBuf;

use ebm::backend;
use ebm::models::{LayeredMachine, RbmConfig, log_partition};
use ebm::ops::Noise;
use ebm::run::{Extent, LinePlot};
use ebm::sampling::gibbs::BlockGibbs;
use ebm::sampling::partition::{AnnealedImportance, LayeredPath, TemperingSchedule};
use ebm::sampling::run;
use ebm::training::data::{Binarize, Split, digits};
use ebm::training::{Examples, Recipe, Trainer};

const TEMPERATURES: [usize; 9] = [2, 5, 10, 20, 50, 100, 200, 500, 1000];

fn main() -> Result<(), Box<dyn Error>> {
    let folder = PathBuf::from(std::env::args().nth(1).unwrap_or_else(|| ".".into()));
    std::fs::create_dir_all(&folder)?;
    let device = backend::select("auto", 0)?.device;
    let mut noise = Noise::new(1);

    // 16 hidden units: all of their states can be summed over.
    let images = digits(Split::Train)?.binarized(Binarize::Threshold);
    let examples = Examples::from_images(&images, (0.0, 1.0), &device).flattened();
    let rbm = RbmConfig::new(64, 16)
        .with_centered(true)
        .init(&device, &mut noise)
        .with_visible_means(examples.mean(), 1e-3);
    let recipe = Recipe::boltzmann_machine().with_steps(3000);
    let mut trainer = Trainer::new(recipe, rbm, examples, noise.split())?;
    trainer.train(|_| {})?;
    let layers = trainer.sampling_model().layers();
    let exact = log_partition(&layers, &mut ())?;
    println!("log Z {exact:.3}, the sum over all states");

    // From uniform units, which are far from digits, so that few temperatures are too few.
    let path = LayeredPath::new(&layers);
    let (mut below, mut above, mut estimates) = (Vec::new(), Vec::new(), Vec::new());
    println!("temperatures      below   estimate      above");
    for count in TEMPERATURES {
        let annealing = AnnealedImportance {
            schedule: TemperingSchedule::linear(count),
            chains: 200,
        };
        let forward = annealing.run(&path, &mut noise, &mut ());
        // Chains long enough to be samples of the machine, wherever annealing left them.
        let start = path.draw_layers(&forward.states, 1.0, &mut noise);
        let samples = run(&BlockGibbs::default(), &layers, start, 1000, &mut noise).position;
        let reverse = annealing.run_reverse(&path, path.state(&samples), &mut noise, &mut ());
        println!(
            "{count:12}{:11.3}{:11.3}{:11.3}",
            forward.mean_bound, forward.log_partition, reverse.mean_bound
        );
        let x = (count as f64).log10();
        below.push((x, forward.mean_bound));
        estimates.push((x, forward.log_partition));
        above.push((x, reverse.mean_bound));
    }

    let last = TEMPERATURES[TEMPERATURES.len() - 1] as f64;
    let truth = vec![
        ((TEMPERATURES[0] as f64).log10(), exact),
        (last.log10(), exact),
    ];
    let plot = LinePlot {
        title: "log Z of a machine with 16 hidden units",
        x: "temperatures, as a power of ten",
        y: "nats",
        extent: Extent::Whole,
        curves: vec![
            ("lower bound, forward", vec![below]),
            ("upper bound, in reverse", vec![above]),
            ("sum over all states", vec![truth]),
            ("estimate", vec![estimates]),
        ],
    };
    let out = folder.join("annealing_bounds.png");
    plot.draw().ok_or("there is nothing to draw")?.save(&out)?;
    println!("look at {}", out.display());
    Ok(())
}
