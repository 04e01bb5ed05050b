//! Pictures of a machine with layers: what its hidden units look at, and what it makes of examples.

use burn::tensor::Tensor;
use ebm_models::{Energy, ImageShape, Structure};
use ebm_ops::Interval;
use ebm_train::host_values;
use image::RgbImage;

use crate::drawing::picture::image_grid;
use crate::drawing::titled_grid::{TitledColumns, titled_grid};
use crate::kinds::AnyModel as Network;
use ebm_train::Examples;
use ebm_train::rows;

/// The weights of up to `count` hidden units of the first layer as images, those with the largest
/// norm first: their receptive fields. Grey is 0; each unit has a scale of its own. `None` for a
/// model without such units.
pub fn filters(model: &Network, shape: ImageShape, count: usize) -> Option<RgbImage> {
    let weight = match model.structure() {
        Structure::Layered(machine) => machine.layers().weight(0),
        Structure::Pairwise(_) | Structure::Smooth => return None,
    };
    let [visible, hidden] = weight.dims();
    let values = host_values(weight.transpose());
    let mut units: Vec<&[f32]> = values.chunks_exact(visible).collect();
    let norm = |unit: &[f32]| unit.iter().map(|w| w * w).sum::<f32>();
    units.sort_by(|a, b| norm(b).total_cmp(&norm(a)));
    let scaled: Vec<f32> = units[..count.min(hidden)]
        .iter()
        .flat_map(|unit| {
            let largest = unit
                .iter()
                .fold(f32::MIN_POSITIVE, |most, w| most.max(w.abs()));
            unit.iter().map(move |w| w / largest)
        })
        .collect();
    Some(image_grid(&scaled, shape.into(), (-1.0, 1.0)))
}

/// Pairs of an example and what the machine makes of it in one pass up and down, side by side.
/// `None` for a model that makes nothing of an example.
pub fn reconstructions(
    model: &Network,
    examples: &Examples<4>,
    pairs: usize,
    range: impl Into<Interval>,
) -> Option<RgbImage> {
    let [count, channels, height, width] = examples.shape();
    let indices: Vec<usize> = (0..count.min(pairs)).collect();
    let visible = rows(examples.batch(&indices).x);
    let made = match model.structure() {
        Structure::Layered(machine) => {
            let means = machine.infer(visible.clone(), &mut || false);
            machine.layers().visible_means(&means)
        }
        Structure::Pairwise(_) | Structure::Smooth => return None,
    };
    let both: Tensor<3> = Tensor::stack(vec![visible, made], 1);
    Some(titled_grid(
        &host_values(both),
        [channels, height, width],
        range.into().into(),
        &["example", "reconstruction"].map(TitledColumns::one),
    ))
}
