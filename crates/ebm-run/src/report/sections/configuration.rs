//! The effective configuration.

use super::Section;
use crate::report::html;
use crate::report::run_data::RunData;

pub(super) fn section(data: &RunData<'_>) -> Option<Section> {
    let text: String = data
        .config_text
        .lines()
        .map(|line| {
            let shown = html::text(line);
            if line.starts_with('[') {
                format!("<b>{shown}</b>\n")
            } else {
                format!("{shown}\n")
            }
        })
        .collect();
    Some(Section {
        id: "configuration",
        title: "Configuration",
        look_for: "Save it as a file, and `ebm train FILE` makes the same run again.",
        body: format!(
            "<details>\n<summary>config.toml</summary>\n<pre><code>{text}</code></pre>\n</details>\n"
        ),
    })
}
