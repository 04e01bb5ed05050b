//! What hidden units of a restricted or deep machine look at, and what it makes of examples.

use super::Section;
use crate::drawing::{filters, reconstructions};
use crate::kinds::WeightsLayout;
use crate::report::html;
use crate::report::run_data::RunData;

/// Filters, and twice the pairs of reconstructions, in a picture.
const PICTURED: usize = 100;

pub(super) fn section(data: &RunData<'_>) -> Option<Section> {
    if !matches!(data.model_layout(), Some(WeightsLayout::Layered { .. })) {
        return None;
    }
    let body = match &data.model {
        Ok(model) => {
            let mut figures = Vec::new();
            if let Some(picture) = filters(&model.model, model.shape.into(), PICTURED) {
                figures.push(html::figure(
                    "Filters of the first hidden layer",
                    &html::picture(&picture, "Weights of hidden units as images"),
                    "Up to 100 units, those with the largest weights first. Grey is 0; each unit has a scale of its own.",
                ));
            }
            let range = model.config.data.range();
            let pairs = data
                .train(model)
                .ok()
                .and_then(|examples| reconstructions(&model.model, examples, PICTURED / 2, range));
            if let Some(picture) = pairs {
                figures.push(html::figure(
                    "Training examples and their reconstructions",
                    &html::picture(&picture, "Pairs of an example and its reconstruction"),
                    "Pairs: on the left the example, on the right what one pass up and down makes of it.",
                ));
            }
            html::pictures(&figures)
        }
        Err(error) => html::missing(error),
    };
    Some(Section {
        id: "filters",
        title: "Filters",
        look_for: "Filters should differ and show strokes or parts. Many that are noise have not been used yet or have died; many that are equal waste units; filters that show whole examples learn by heart.",
        body,
    })
}
