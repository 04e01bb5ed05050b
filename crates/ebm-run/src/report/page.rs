//! The page around the sections: its head, its table of contents, its style.

use base64::prelude::{BASE64_STANDARD, Engine as _};
use sha2::{Digest, Sha256};

use super::html;
use super::run_data::RunData;
use super::sections::Section;

/// How every report starts, by which one is told from other files.
pub(super) const START: &str = "<!DOCTYPE html>\n<!-- ebm report -->\n";

/// Nothing is loaded from anywhere, whatever else the page says, and no script runs but its own.
const POLICY: &str = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; script-src";

/// The style of all pages.
const STYLE: &str = include_str!("style.css");

/// Values under the pointer, and a switch between linear and logarithmic axes: all else is there
/// without it.
const SCRIPT: &str = include_str!("script.js");

/// The page.
pub(super) fn render(data: &RunData<'_>, sections: &[Section]) -> String {
    let name = html::text(data.name());
    let kind = |section| data.kind(section).unwrap_or_else(|| "unknown".into());
    let subtitle = html::text(format_args!(
        "{} on {}, {}",
        kind("model"),
        kind("data"),
        data.state().name()
    ));
    let contents: String = sections
        .iter()
        .map(|section| format!("<a href=\"#{}\">{}</a>\n", section.id, section.title))
        .collect();
    let body: String = sections.iter().map(render_section).collect();
    let now = html::date(crate::logs::now());
    let digest = BASE64_STANDARD.encode(Sha256::digest(SCRIPT));
    let version = env!("CARGO_PKG_VERSION");
    format!(
        "{START}<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY} 'sha256-{digest}'\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <title>{name} - ebm report</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n\
         <header>\n<h1>{name}</h1>\n<p class=\"subtitle\">{subtitle}</p>\n</header>\n\
         <nav aria-label=\"Sections\">\n{contents}</nav>\n<main>\n{body}</main>\n\
         <footer><p>Made by ebm {version} on {now}.</p></footer>\n<script>{SCRIPT}</script>\n</body>\n</html>\n"
    )
}

fn render_section(section: &Section) -> String {
    let Section {
        id,
        title,
        look_for,
        body,
    } = section;
    let look_for = if look_for.is_empty() {
        String::new()
    } else {
        format!("<p class=\"look-for\">{}</p>\n", html::text(look_for))
    };
    format!("<section id=\"{id}\">\n<h2>{title}</h2>\n{look_for}{body}</section>\n")
}
