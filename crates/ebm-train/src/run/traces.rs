//! A picture of how the energies of data and samples went.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use image::RgbImage;

use crate::axis::Extent;
use crate::config::EnergyUnit;
use crate::plot::LinePlot;

/// The energies in `metrics.jsonl`, in `unit`, over the updates; `None` if there are none yet.
pub(super) fn energy_traces(metrics: &Path, unit: EnergyUnit) -> Option<RgbImage> {
    let lines = BufReader::new(File::open(metrics).ok()?).lines();
    let mut curves = [Vec::new(), Vec::new()];
    for line in lines.map_while(Result::ok) {
        let Ok(line) = serde_json::from_str::<serde_json::Value>(&line) else {
            continue;
        };
        let Some(step) = line["step"].as_f64() else {
            continue;
        };
        for (curve, key) in curves.iter_mut().zip(["data_energy", "sample_energy"]) {
            curve.extend(line[key].as_f64().map(|energy| (step, energy)));
        }
    }
    let [data, samples] = curves;
    LinePlot {
        title: "Mean energies",
        x: "update",
        y: &format!("energy ({unit})"),
        extent: Extent::Settled,
        curves: vec![("data", vec![data]), ("samples", vec![samples])],
    }
    .draw()
}
