//! Stores four digits in a Hopfield network, damages them and recalls them.
//!
//! Look at the picture: a row for each digit, with the pattern, the pattern with a fifth of its
//! spins flipped, what Hebb's rule recalls from that, and what is recalled after fake memories were
//! unlearned. Digits resemble each other, and Hebb's rule alone mixes them up.
#![allow(clippy::print_stdout)]

use std::error::Error;
use std::path::PathBuf;

use burn::tensor::{Tensor, TensorData};
use ebm::backend;
use ebm::models::{HopfieldConfig, overlap};
use ebm::ops::Noise;
use ebm::run::image_grid;
use ebm::sampling::gibbs::SiteOrder;
use ebm::sampling::memories::{Dynamics, fakes_near, recall};
use ebm::training::data::{Split, digits};

const DIGITS: [u32; 4] = [0, 3, 4, 7];

fn main() -> Result<(), Box<dyn Error>> {
    let folder = PathBuf::from(std::env::args().nth(1).unwrap_or_else(|| ".".into()));
    std::fs::create_dir_all(&folder)?;
    let device = backend::select("auto", 0)?.device;
    let mut noise = Noise::new(7);

    // The first example of each digit, ink +1 and paper -1.
    let images = digits(Split::Train)?;
    let labels = images.labels().map_or(&[][..], |labels| labels.indices());
    let spins: Vec<f32> = DIGITS
        .iter()
        .filter_map(|digit| labels.iter().position(|label| label == digit))
        .flat_map(|index| images.image(index))
        .map(|&ink| if ink > 127 { 1.0 } else { -1.0 })
        .collect();
    let patterns = Tensor::<2>::from_data(TensorData::new(spins, [DIGITS.len(), 64]), &device);
    let flips: Tensor<2> = noise.bernoulli(Tensor::full([DIGITS.len(), 64], 0.2, &device));
    let damaged = patterns.clone() * flips.mul_scalar(-2.0).add_scalar(1.0);

    let hebbian = HopfieldConfig::new(64)
        .init(&device)
        .store(patterns.clone());
    let mut trained = hebbian.clone();
    for _ in 0..50 {
        // Where three sweeps lead from damaged patterns, wherever that isn't back to the pattern,
        // is a fake.
        let flips: Tensor<2> = noise.bernoulli(Tensor::full([DIGITS.len(), 64], 0.2, &device));
        let near = patterns.clone() * flips.mul_scalar(-2.0).add_scalar(1.0);
        let fakes = fakes_near(&trained, near, 3, SiteOrder::default(), &mut noise);
        trained = trained.unlearn(fakes, patterns.clone(), 0.05);
    }

    let mut columns = vec![patterns.clone(), damaged.clone()];
    println!("damaged           overlaps {}", row(&damaged, &patterns));
    for (name, network) in [
        ("Hebb's rule      ", &hebbian),
        ("after unlearning ", &trained),
    ] {
        let found = recall(
            network,
            damaged.clone(),
            50,
            Dynamics::default(),
            &mut noise,
        );
        let overlaps = row(&found.states, &patterns);
        println!("{name} overlaps {overlaps}  ({} sweeps)", found.sweeps);
        columns.push(found.states);
    }

    // A row for each digit: [digits, columns, 64].
    let table: Tensor<3> = Tensor::stack(columns, 1);
    let values: Vec<f32> = table.into_data().iter::<f32>().collect();
    let picture = folder.join("hopfield_recall.png");
    image_grid(&values, [1, 8, 8], (-1.0, 1.0)).save(&picture)?;
    println!("look at {}", picture.display());
    Ok(())
}

/// The overlaps of states with the patterns, as text.
fn row(states: &Tensor<2>, patterns: &Tensor<2>) -> String {
    let overlaps = overlap(states.clone(), patterns.clone()).into_data();
    let texts: Vec<String> = overlaps.iter::<f32>().map(|m| format!("{m:+.3}")).collect();
    texts.join(" ")
}
