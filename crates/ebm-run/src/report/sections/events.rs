//! What happened in the run, and when.

use super::Section;
use crate::report::html;
use crate::report::run_data::RunData;

/// Events shown, the newest.
const MOST: usize = 60;

pub(super) fn section(data: &RunData<'_>) -> Option<Section> {
    let shown = data.events.notable();
    let shown = shown.skip(data.events.notable().len().saturating_sub(MOST));
    let body = if data.events.is_empty() {
        html::missing("There is no events.jsonl: nothing was recorded.")
    } else {
        let rows: String = shown
            .map(|event| {
                format!(
                    "<tr><td class=\"when\">{}</td><td>{}</td></tr>\n",
                    html::date(event.at),
                    html::text(&event.kind)
                )
            })
            .collect();
        let left_out = data.events.notable_count.saturating_sub(MOST as u64);
        let earlier = if left_out > 0 {
            html::paragraph(format_args!("{left_out} earlier ones are left out."))
        } else {
            String::new()
        };
        let saved = html::count(data.events.saved);
        let drawn = html::count(data.events.sampled);
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
