//! Gradient norm and learning rate.

use super::{NO_METRICS, Section};
use crate::report::chart::{Chart, Series};
use crate::report::html;
use crate::report::run_data::RunData;

pub(super) fn section(data: &RunData<'_>) -> Option<Section> {
    let body = if data.metrics.is_empty() {
        html::missing(NO_METRICS)
    } else {
        html::figures(&[gradient_norm(data), learning_rate(data)])
    };
    Some(Section {
        id: "optimization",
        title: "Optimization",
        look_for: "The gradient norm should settle. Spikes that grow announce divergence; a norm that lies far above optimizer.gradient_clip for most of the run means that the clip, not the learning rate, sets the size of the steps.",
        body,
    })
}

fn gradient_norm(data: &RunData<'_>) -> String {
    Chart::over_updates(
        "Gradient norm",
        "norm",
        vec![Series::new("before clipping", data.curve(|line| line.gradient_norm)).smoothed()],
    )
    .settled()
    .logarithmic()
    .figure("")
}

fn learning_rate(data: &RunData<'_>) -> String {
    Chart::over_updates(
        "Learning rate",
        "learning rate",
        vec![Series::new(
            "after schedule and roll-backs",
            data.curve(|line| line.learning_rate),
        )],
    )
    .logarithmic()
    .figure("")
}
