//! What a pairwise machine makes of damaged examples.

use ebm_ops::Noise;

use super::Section;
use crate::drawing::draw_damaged_recall;
use crate::kinds::WeightsLayout;
use crate::report::html;
use crate::report::run_data::RunData;
use ebm_train::judging::{DamagedRecall, recall_damaged};

/// Examples that are damaged.
const EXAMPLES: usize = 33;
/// Share of their units that are flipped, as `ebm eval` does by default.
const DAMAGE: f64 = 0.2;

pub(super) fn section(data: &RunData<'_>) -> Option<Section> {
    if !matches!(data.model_layout(), Some(WeightsLayout::Pairwise { .. })) {
        return None;
    }
    let body = match &data.model {
        Ok(model) => match data.train(model) {
            Ok(examples) => {
                let mut noise = Noise::new(data.options.seed).split();
                match recall_damaged(&model.model, examples, EXAMPLES, DAMAGE, &mut noise) {
                    Ok(recalled) => figures(&recalled),
                    Err(_) => html::missing(
                        "Machines with hidden units don't store examples unit by unit.",
                    ),
                }
            }
            Err(error) => html::missing(error),
        },
        Err(error) => html::missing(error),
    };
    Some(Section {
        id: "recall",
        title: "Recall",
        look_for: "Examples with a fifth of their units flipped fall into a valley of the energy. A memory that is not overloaded gives them back; one that is gives back mixtures of several.",
        body,
    })
}

fn figures(recalled: &DamagedRecall<4>) -> String {
    let report = &recalled.report;
    let facts = html::facts(&[
        ("Examples", report.examples.to_string()),
        ("Overlap, damaged", html::number(report.overlap_before)),
        ("Overlap, recalled", html::number(report.overlap_after)),
        (
            "Came back without a wrong unit",
            format!("{:.0} %", 100.0 * report.perfect),
        ),
        (
            "Ended in another stored example",
            format!("{:.0} %", 100.0 * report.other),
        ),
        (
            "Came to rest",
            format!(
                "{:.0} %, after {} sweeps at most",
                100.0 * report.converged,
                report.sweeps
            ),
        ),
    ]);
    let pictures = draw_damaged_recall(recalled);
    let mut figures = vec![html::figure(
        "Intact, damaged, recalled",
        &html::picture(
            &pictures.before_and_after,
            "Three images an example: intact, damaged and recalled",
        ),
        "",
    )];
    if let Some(energies) = &pictures.energies {
        figures.push(html::figure(
            "Energy during recall",
            &html::picture(energies, "Energy of each example over the sweeps"),
            "",
        ));
    }
    facts + &html::pictures(&figures)
}
