//! Pictures of recall: examples before and after, and the energy on the way.

use burn::tensor::Tensor;
use ebm_models::Coding;
use ebm_train::host_values;
use ebm_train::judging::DamagedRecall;
use ebm_train::rows;
use ebm_train::using::RecalledImages;
use image::RgbImage;

use crate::drawing::axis::Extent;
use crate::drawing::plot::LinePlot;
use crate::drawing::titled_grid::{TitledColumns, titled_grid};

/// The pictures of a recall of damaged examples.
#[derive(Clone, Debug)]
pub struct RecallPictures {
    /// Three images an example, intact, damaged and recalled.
    pub before_and_after: RgbImage,
    /// The energies over the sweeps; `None` if no sweep was made.
    pub energies: Option<RgbImage>,
}

/// Draws a recall of damaged examples.
pub fn draw_damaged_recall(recall: &DamagedRecall<4>) -> RecallPictures {
    let columns = [&recall.intact, &recall.damaged, &recall.recalled];
    let sweeps = recall.report.sweeps;
    let traces = host_values(recall.energies.clone().transpose());
    let curves = traces
        .chunks_exact(sweeps + 1)
        .map(|trace| {
            let points = trace.iter().enumerate();
            points
                .map(|(sweep, &e)| (sweep as f64, f64::from(e)))
                .collect()
        })
        .collect();
    RecallPictures {
        before_and_after: draw_triples(columns, ["original", "damaged", "recalled"], recall.coding),
        energies: LinePlot {
            title: "Energy during recall",
            x: "sweep",
            y: "energy (nats)",
            extent: Extent::Whole,
            curves: vec![("an example", curves)],
        }
        .draw(),
    }
}

/// Draws recalled images, three each: where they are damaged examples the original, as given, and
/// as recalled; else as given, as recalled, and the stored example nearest to that.
pub fn draw_recalled_images(recalled: &RecalledImages<4>, have_originals: bool) -> RgbImage {
    let RecalledImages {
        given,
        recalled: end,
        stored,
        coding,
        ..
    } = recalled;
    if have_originals {
        let titles = ["original", "damaged", "recalled"];
        draw_triples([stored, given, end], titles, *coding)
    } else {
        let titles = ["given", "recalled", "nearest stored"];
        draw_triples([given, end, stored], titles, *coding)
    }
}

/// Three images side by side for each example.
fn draw_triples(columns: [&Tensor<4>; 3], titles: [&str; 3], coding: Coding) -> RgbImage {
    let [_, channels, height, width] = columns[0].dims();
    let columns = columns.map(|images| rows(images.clone())).to_vec();
    let triples: Tensor<3> = Tensor::stack(columns, 1);
    titled_grid(
        &host_values(triples),
        [channels, height, width],
        (coding.low(), coding.high()),
        &titles.map(TitledColumns::one),
    )
}
