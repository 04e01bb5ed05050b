//! Data in the plane: the density, and the force that pulls chains towards it.

use burn::tensor::{Tensor, TensorData};
use ebm_sampling::energy_and_gradient;
use ebm_train::host_values;
use plotters::prelude::*;

use super::Section;
use crate::drawing::axis::Axis;
use crate::drawing::picture::point_cloud;
use crate::drawing::scale::Scale;
use crate::report::html;
use crate::report::run_data::RunData;
use crate::report::svg::{CURVES, inline, mesh};
use crate::run::{ModelFile, PlaneView, SampleOptions, sample};

/// Points drawn over the density.
const POINTS: usize = 1000;
/// Cells along a side of the densities.
const CELLS: usize = 400;
/// Arrows along a side.
const ARROWS: usize = 24;
/// Width and height of the vector field, in units of the drawing.
const SIDE: u32 = 960;

pub(super) fn section(data: &RunData<'_>) -> Option<Section> {
    let body = match &data.model {
        Ok(model) if model.takes_images() => return None,
        Ok(model) => html::pictures(&pictures(data, model)),
        Err(_) if !data.is_plane() => return None,
        Err(error) => html::missing(error),
    };
    Some(Section {
        id: "plane",
        title: "Density and forces",
        look_for: "The density (bright) should lie under the training points, without bridges and without islands of its own; the samples should cover all of it. Forces should lead from everywhere to the data: places that they lead away from, or where they vanish far from the data, are where chains from noise get lost.",
        body,
    })
}

fn pictures(data: &RunData<'_>, model: &ModelFile) -> Vec<String> {
    let range = model.config.data.range();
    let below = format!("The square from {} to {}.", range.0, range.1);
    let view = match PlaneView::of(model, CELLS, data.device) {
        Some(Ok(view)) => view,
        Some(Err(error)) => return vec![html::missing(error)],
        None => return Vec::new(),
    };
    let mut figures = Vec::new();
    let options = SampleOptions {
        count: POINTS,
        steps: model.config.output.sample_steps,
        seed: data.options.seed,
        annealing: None,
    };
    figures.push(match sample(model, options, data.device) {
        Ok(samples) => {
            let picture = view.picture(&format!("{POINTS} fresh samples"), &host_values(samples));
            let alternative = "The true density, the learned one, and fresh samples, side by side";
            html::figure(
                "True density, learned density, samples",
                &html::picture(&picture, alternative),
                &format!("{below} {}", numbers(&view)),
            )
        }
        Err(error) => html::missing(error),
    });
    figures.push(match data.train(model) {
        Ok(examples) => {
            let count = examples.len().min(POINTS);
            let indices: Vec<usize> = (0..count).collect();
            let density = view.densities.model.density();
            let density: Vec<f32> = density.iter().map(|&value| value as f32).collect();
            let points = host_values(examples.batch(&indices).x);
            let cloud = point_cloud(&density, CELLS, &points, range);
            let alternative = "Training points over the density of the model";
            html::figure(
                "Density and training points",
                &html::picture(&cloud, alternative),
                &below,
            )
        }
        Err(error) => html::missing(error),
    });
    figures.push(field(data, model, range));
    figures
}

/// What the grid says, in words.
fn numbers(view: &PlaneView) -> String {
    let report = &view.report;
    let log_partition = html::number(report.log_partition);
    match report.divergence {
        Some(divergence) => format!(
            "On a grid log Z is {log_partition} nats, and the learned density is {} nats from the true one (Kullback-Leibler).",
            html::number(divergence)
        ),
        None => format!("On a grid log Z is {log_partition} nats."),
    }
}

/// The force `-dE/dx` on a grid as arrows.
fn field(data: &RunData<'_>, model: &ModelFile, (low, high): (f64, f64)) -> String {
    let cell = (high - low) / ARROWS as f64;
    let place = |index: usize| low + (index as f64 + 0.5) * cell;
    let grid: Vec<(f64, f64)> = (0..ARROWS)
        .flat_map(|row| (0..ARROWS).map(move |column| (column, row)))
        .map(|(column, row)| (place(column), place(row)))
        .collect();
    let values: Vec<f32> = grid
        .iter()
        .flat_map(|&(x, y)| [x as f32, y as f32])
        .collect();
    let count = grid.len();
    let points: Tensor<4> =
        Tensor::from_data(TensorData::new(values, [count, 2, 1, 1]), data.device);
    let (_, gradient) = energy_and_gradient(&model.model, points);
    let forces: Vec<(f64, f64)> = host_values(gradient)
        .chunks_exact(2)
        .map(|force| (-f64::from(force[0]), -f64::from(force[1])))
        .collect();
    let mut sizes: Vec<f64> = forces.iter().map(|(x, y)| x.hypot(*y)).collect();
    sizes.sort_by(f64::total_cmp);
    let median = sizes[count / 2].max(f64::MIN_POSITIVE);
    let arrows: Vec<Arrow> = grid
        .iter()
        .zip(&forces)
        .filter_map(|(&from, &(x, y))| {
            let size = x.hypot(y);
            // Forces near the data are many times weaker than those far away, and are to be seen
            // too; none is longer than its cell.
            let length = 0.95 * cell * (size / (size + median)).sqrt();
            (size > 0.0 && size.is_finite()).then(|| Arrow {
                from,
                step: (x / size * length, y / size * length),
            })
        })
        .collect();
    let drawn = match draw(&arrows, low..high) {
        Some(svg) => inline(
            &svg,
            "Arrows on a grid that show where the force, minus the gradient of the energy, points",
        ),
        None => html::missing("No force is finite."),
    };
    html::figure(
        "Force on a chain, -dE/dx",
        &drawn,
        &format!(
            "The longer, the stronger: two thirds of a cell are the median force, {} {} a unit of length.",
            html::number(median),
            model.config.energy_unit().name()
        ),
    )
}

struct Arrow {
    from: (f64, f64),
    step: (f64, f64),
}

impl Arrow {
    /// The shaft, then the two sides of the head.
    fn lines(&self) -> [Vec<(f64, f64)>; 2] {
        let ((x, y), (dx, dy)) = (self.from, self.step);
        let tip = (x + dx, y + dy);
        let side = |turn: f64| {
            let back = (-0.4 * dx, -0.4 * dy);
            (
                tip.0 + back.0 * turn.cos() - back.1 * turn.sin(),
                tip.1 + back.0 * turn.sin() + back.1 * turn.cos(),
            )
        };
        [vec![self.from, tip], vec![side(0.5), tip, side(-0.5)]]
    }
}

fn draw(arrows: &[Arrow], range: std::ops::Range<f64>) -> Option<String> {
    if arrows.is_empty() {
        return None;
    }
    let style = CURVES[0].stroke_width(3);
    let axis = Axis::linear(range.start, range.end, 5);
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, (SIDE, SIDE)).into_drawing_area();
        let mut chart = ChartBuilder::on(&area)
            .margin_top(10)
            .margin_left(10)
            .margin_right(30)
            .x_label_area_size(96)
            .y_label_area_size(130)
            .build_cartesian_2d(Scale::from(&axis), Scale::from(&axis))
            .ok()?;
        mesh(&mut chart, "first value", "second value").ok()?;
        for arrow in arrows {
            let [shaft, head] = arrow.lines();
            chart
                .draw_series([
                    PathElement::new(shaft, style),
                    PathElement::new(head, style),
                ])
                .ok()?;
        }
        area.present().ok()?;
    }
    Some(svg)
}
