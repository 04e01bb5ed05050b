//! Fresh samples beside the training examples that are nearest to them: has the model learned by
//! heart?

use burn::tensor::Tensor;
use ebm_ops::Noise;
use ebm_train::host_values;

use super::Section;
use crate::drawing::axis::bulk;
use crate::drawing::picture::grouped_grid;
use crate::kinds::VisibleValues;
use crate::report::chart::{Chart, Series};
use crate::report::html;
use crate::report::run_data::RunData;
use crate::run::{ModelFile, SampleOptions, sample};
use ebm_train::Examples;
use ebm_train::judging::{Neighbor, nearest_neighbors, quantile};

/// Training examples shown beside a sample.
const SHOWN: usize = 4;
/// Training examples whose distance from the others is found.
const COMPARED: usize = 400;
/// Bins of the histogram.
const BINS: usize = 24;
/// Share of the distances that doesn't decide where the bins end, unless it lies within so many
/// widths of the others.
const EDGE: f64 = 0.05;
const REACH: f64 = 3.0;

pub(super) fn section(data: &RunData<'_>) -> Option<Section> {
    if data.is_plane() {
        // In the plane the picture of the density says more.
        return None;
    }
    let body = match &data.model {
        _ if data.options.samples == 0 => html::missing("No samples were asked for."),
        Ok(model) if !model.takes_images() => return None,
        Ok(model) => match data.train(model) {
            Ok(examples) => compared(data, model, examples),
            Err(error) => html::missing(format_args!("The training data can't be read: {error}")),
        },
        Err(error) => html::missing(error),
    };
    Some(Section {
        id: "neighbors",
        title: "Nearest training examples",
        look_for: "Fresh samples of the newest model, each beside the training examples nearest to it. A model that makes something new is about as far from its nearest training example as training examples are from each other; one that has learned by heart is much nearer. A memory, such as a Hopfield network, is meant to be near. Distances are squared, summed over values, in the units of the data.",
        body,
    })
}

fn compared(data: &RunData<'_>, model: &ModelFile, examples: &Examples<4>) -> String {
    let drawn = match fresh(data, model) {
        Ok(drawn) => drawn,
        Err(error) => return html::missing(error),
    };
    let near = nearest_neighbors(drawn.clone(), examples, SHOWN, None);
    let own = spread(examples.len(), COMPARED);
    let among = nearest_neighbors(examples.batch(&own).x, examples, 1, Some(&own));
    let (samples, training) = (first(&near), first(&among));
    if samples.is_empty() || training.is_empty() {
        return html::missing("One training example has no neighbours to compare with.");
    }
    html::beside(&[numbers(&samples, &training), histogram(&samples, &training)])
        + &rows(model, examples, &host_values(drawn), &near)
}

/// Samples as the data are: pixels that are drawn by coins in place of their probabilities, which
/// would lie nearer to everything.
fn fresh(data: &RunData<'_>, model: &ModelFile) -> Result<Tensor<4>, String> {
    let options = SampleOptions {
        count: data.options.samples,
        steps: model.config.output.sample_steps,
        seed: data.options.seed,
        annealing: None,
    };
    let drawn = sample(model, options, data.device).map_err(|error| error.to_string())?;
    Ok(match model.kind().visible_values() {
        VisibleValues::Probabilities => Noise::new(data.options.seed).split().bernoulli(drawn),
        VisibleValues::Real | VisibleValues::TwoValued(_) => drawn,
    })
}

/// Up to `most` of `count` indices, evenly spread.
fn spread(count: usize, most: usize) -> Vec<usize> {
    let shown = count.min(most);
    (0..shown).map(|at| at * count / shown).collect()
}

/// The distance of the nearest of each, sorted.
fn first(neighbors: &[Vec<Neighbor>]) -> Vec<f64> {
    let nearest = neighbors.iter().filter_map(|found| found.first());
    let mut distances: Vec<f64> = nearest.map(|found| found.squared_distance).collect();
    distances.sort_by(f64::total_cmp);
    distances
}

fn numbers(samples: &[f64], training: &[f64]) -> String {
    let row = |name: &str, values: &[f64]| {
        let cells: String = [0.0, 0.05, 0.5, 1.0]
            .map(|at| {
                format!(
                    "<td class=\"number\">{}</td>",
                    html::number(quantile(values, at))
                )
            })
            .concat();
        format!(
            "<tr><th scope=\"row\">{name} ({})</th>{cells}</tr>\n",
            values.len()
        )
    };
    let near = quantile(training, 0.05);
    let nearer = samples.iter().filter(|&&distance| distance < near).count();
    let heads = ["min", "5 %", "median", "max"]
        .map(|head| format!("<th scope=\"col\" class=\"number\">{head}</th>"))
        .concat();
    let verdict = html::paragraph(format_args!(
        "{nearer} of {} samples are nearer to a training example than all but 5 % of training examples are to another one.",
        samples.len()
    ));
    format!(
        "{verdict}<table>\n<tr><th scope=\"col\">Squared distance to the nearest training example</th>{heads}</tr>\n{}{}</table>\n",
        row("of samples", samples),
        row("of training examples, from the others", training)
    )
}

fn histogram(samples: &[f64], training: &[f64]) -> String {
    let all = || samples.iter().chain(training).copied();
    let furthest = all().fold(0.0, f64::max);
    // A sample far off would leave the others one bin; it goes into the last.
    let ends = [samples, training].into_iter();
    let ends = ends.filter_map(|distances| bulk(distances, EDGE, REACH));
    let high = ends.map(|(_, end)| end).fold(0.0, f64::max);
    let width = if high > 0.0 { high } else { 1.0 } / BINS as f64;
    // Black and white images differ in whole pixels, which bins of another width would comb.
    let unit = all().filter(|&d| d > 0.0).fold(f64::INFINITY, f64::min);
    let whole = |d: f64| (d / unit - (d / unit).round()).abs() < 1e-9;
    let few = high / unit < 4.0 * BINS as f64;
    let width = if few && unit.is_finite() && all().all(whole) {
        (width / unit).ceil() * unit
    } else {
        width
    };
    let usual = ((high / width) as usize + 1).min(BINS + 1);
    let is_far = |distance: f64| (distance / width) as usize >= usual;
    let bins = usual + usize::from(is_far(furthest));
    let outline = |values: &[f64]| {
        let mut counts = vec![0_usize; bins];
        for value in values {
            counts[((value / width) as usize).min(bins - 1)] += 1;
        }
        let edges = counts.iter().enumerate().flat_map(|(bin, &count)| {
            let share = count as f64 / values.len() as f64;
            [
                (bin as f64 * width, share),
                ((bin + 1) as f64 * width, share),
            ]
        });
        let mut line = vec![(0.0, 0.0)];
        line.extend(edges);
        line.push((bins as f64 * width, 0.0));
        line
    };
    let below = if is_far(furthest) {
        let far = all().filter(|&distance| is_far(distance)).count();
        format!(
            "In the last bin are distances up to {}: {far} of {} lie far beyond the others.",
            html::number(furthest),
            samples.len() + training.len()
        )
    } else {
        String::new()
    };
    Chart::over_updates(
        "Distances to the nearest training example",
        "share",
        vec![
            Series::new("samples", outline(samples)),
            Series::new("training examples, from the others", outline(training)),
        ],
    )
    .across("squared distance")
    .figure(&below)
}

/// Each sample with its neighbours, the most suspicious first.
fn rows(
    model: &ModelFile,
    examples: &Examples<4>,
    samples: &[f32],
    near: &[Vec<Neighbor>],
) -> String {
    let size: usize = model.shape.iter().product();
    let mut order: Vec<usize> = (0..near.len()).collect();
    let distance = |at: usize| near[at].first().map_or(0.0, |found| found.squared_distance);
    order.sort_by(|&a, &b| distance(a).total_cmp(&distance(b)));
    let figures: String = order
        .into_iter()
        .map(|at| {
            let mut values = samples[at * size..(at + 1) * size].to_vec();
            let indices: Vec<usize> = near[at].iter().map(|found| found.index).collect();
            values.extend(host_values(examples.batch(&indices).x));
            let group = indices.len() + 1;
            let picture = grouped_grid(&values, model.shape, model.config.data.range(), group);
            let numbers: Vec<String> = near[at]
                .iter()
                .map(|found| html::number(found.squared_distance))
                .collect();
            let alternative = format!(
                "Sample {}, then its nearest training examples, numbers {indices:?}",
                at + 1
            );
            html::figure(
                &format!("Sample {}", at + 1),
                &html::picture(&picture, &alternative),
                &format!("distances {}", numbers.join(", ")),
            )
        })
        .collect();
    format!(
        "<h3>Samples and their nearest training examples</h3>\n<p class=\"below\">On the left the sample, then the nearest four, nearest first.</p>\n<div class=\"figures small\">\n{figures}</div>\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One sample at 1e6 times the distance of the others: they keep their bins, it is in one more,
    /// and the caption says so.
    #[test]
    fn a_sample_far_off_has_a_bin_of_its_own() {
        let near: Vec<f64> = (1..=200).map(|at| f64::from(at) + 0.5).collect();
        let mut samples = near.clone();
        samples[199] = 1e6;
        let figure = histogram(&samples, &near);
        assert!(figure.contains("up to 1e6: 1 of 400 lie far"), "{figure}");
        assert!(
            figure.contains("\n200\n") && !figure.contains("\n1e6\n"),
            "{figure}"
        );
        assert!(!histogram(&near, &near).contains("far beyond"));
    }

    #[test]
    fn quantiles_and_spread() {
        let values: Vec<f64> = (1..=20).map(f64::from).collect();
        assert_eq!(
            [0.0, 0.05, 0.5, 1.0].map(|at| quantile(&values, at)),
            [1.0, 1.0, 10.0, 20.0]
        );
        assert_eq!(spread(5, 400), [0, 1, 2, 3, 4]);
        assert_eq!(spread(100, 4), [0, 25, 50, 75]);
        assert!(spread(0, 4).is_empty());
    }
}
