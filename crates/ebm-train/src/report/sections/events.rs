//! What happened in the run, and when.

use super::Section;
use crate::report::html;
use crate::report::run_data::RunData;
use crate::run::EventKind;

/// Events shown, the newest.
const MOST: usize = 60;

pub(super) fn section(data: &RunData<'_>) -> Option<Section> {
    let routine = |kind: &EventKind| {
        matches!(
            kind,
            EventKind::Saved { .. } | EventKind::Sampled { .. } | EventKind::Unknown
        )
    };
    let count = |matches: fn(&EventKind) -> bool| {
        let kinds = data.events.iter().map(|event| &event.kind);
        html::count(kinds.filter(|kind| matches(kind)).count() as u64)
    };
    let shown: Vec<_> = data
        .events
        .iter()
        .filter(|event| !routine(&event.kind))
        .collect();
    let body = if data.events.is_empty() {
        html::missing("There is no events.jsonl: nothing was recorded.")
    } else {
        let rows: String = shown[shown.len().saturating_sub(MOST)..]
            .iter()
            .map(|event| {
                format!(
                    "<tr><td class=\"when\">{}</td><td>{}</td></tr>\n",
                    html::date(event.at),
                    html::text(&event.kind)
                )
            })
            .collect();
        let left_out = shown.len().saturating_sub(MOST);
        let earlier = if left_out > 0 {
            html::paragraph(format_args!("{left_out} earlier ones are left out."))
        } else {
            String::new()
        };
        let saved = count(|kind| matches!(kind, EventKind::Saved { .. }));
        let drawn = count(|kind| matches!(kind, EventKind::Sampled { .. }));
        format!(
            "{earlier}<table>\n{rows}</table>\n{}",
            html::paragraph(format_args!(
                "Beside these: {saved} checkpoints written, {drawn} pictures drawn."
            ))
        )
    };
    Some(Section {
        id: "events",
        title: "Events",
        look_for: "",
        body,
    })
}
