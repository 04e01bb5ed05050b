//! How fast the run went.

use super::{NO_METRICS, Section};
use crate::report::chart::{Chart, Series};
use crate::report::html;
use crate::report::run_data::RunData;

pub(super) fn section(data: &RunData<'_>) -> Option<Section> {
    let body = match (data.metrics.first(), data.last()) {
        (Some(_), Some(last)) => {
            let chart = Chart::over_updates(
                "Updates a second",
                "updates/s",
                vec![
                    Series::new(
                        "without pictures and checkpoints",
                        data.curve(|line| line.steps_per_second),
                    )
                    .smoothed(),
                ],
            )
            .settled()
            .with_reference(0.0);
            let time = Chart::over_updates(
                "Training time",
                "minutes",
                vec![Series::new(
                    "with pictures and checkpoints, without stops",
                    data.curve(|line| line.seconds / 60.0),
                )],
            )
            .with_reference(0.0);
            let facts = html::facts(&[
                ("Training time", html::duration(last.seconds)),
                (
                    "Updates a second, over all",
                    html::number(last.step as f64 / last.seconds),
                ),
                (
                    "Chains moved a second, last line",
                    html::number(last.samples_per_second),
                ),
            ]);
            facts + &html::figures(&[chart.figure(""), time.figure("")])
        }
        _ => html::missing(NO_METRICS),
    };
    Some(Section {
        id: "throughput",
        title: "Throughput",
        look_for: "A speed that falls in steps usually means that the machine is shared with something else.",
        body,
    })
}
