//! Several runs as a table on the terminal, and as CSV.

use std::path::Path;

use ebm::run::comparison::{ComparedRun, Comparison};
use ebm::training::files::write_whole;

use super::failure::Failure;
use super::numbers::{clock, significant};
use super::output::{check_place, confirm_file};
use super::terminal::{say, say_file, shown, warn};

/// Most keys that have columns: more fit no terminal.
const MOST_KEYS: usize = 6;
/// Most characters of a value.
const WIDEST: usize = 32;

/// Prints the table, and what its scores are.
pub(super) fn print(comparison: &Comparison) {
    let keys = comparison.differing_keys();
    let (shown_keys, others) = keys.split_at(keys.len().min(MOST_KEYS));
    let mut head = [
        "run", "state", "score", "floor", "verdict", "updates", "time",
    ]
    .to_vec();
    head.extend(shown_keys);
    let mut rows: Vec<Vec<String>> = vec![head.iter().map(ToString::to_string).collect()];
    let names = comparison.names();
    for (run, name) in comparison.runs().iter().zip(names) {
        rows.push(row(run, name, shown_keys));
    }
    let columns = rows[0].len();
    let width = |at: usize| rows.iter().map(|row| row[at].chars().count()).max();
    let widths: Vec<usize> = (0..columns).map(|at| width(at).unwrap_or(0)).collect();
    for row in &rows {
        let cells = row.iter().zip(&widths);
        let line: Vec<String> = cells
            .map(|(cell, width)| format!("{cell:width$}"))
            .collect();
        say(format_args!("{}", line.join("  ").trim_end()));
    }
    match comparison.runs().first().and_then(ComparedRun::score) {
        Some(score) => say(format_args!("score: {}, lower is better", score.kind)),
        None => say(format_args!(
            "no run has measured its quality (config key output.quality_samples)"
        )),
    }
    if !others.is_empty() {
        say(format_args!(
            "{} more keys differ, which `--csv -` shows: {}",
            others.len(),
            others.join(", ")
        ));
    }
}

/// Says what is to be known before scores are compared.
pub(super) fn warn_incomparable(comparison: &Comparison) {
    if let Some(reason) = comparison.incomparable() {
        warn(format_args!("warning: {reason}: their order means nothing"));
    }
}

fn row(run: &ComparedRun, name: String, keys: &[&str]) -> Vec<String> {
    let or_dash = |text: Option<String>| text.unwrap_or_else(|| "-".into());
    let number = |value: f64| significant(value, 4);
    let score = run.score().map(|score| match score.error {
        0.0 => number(score.value),
        error => format!("{} ± {}", number(score.value), significant(error, 2)),
    });
    let updates = match run.steps {
        Some(steps) if steps != run.step => format!("{}/{steps}", run.step),
        _ => run.step.to_string(),
    };
    let mut cells = vec![
        shown(&name),
        run.state.name().into(),
        or_dash(score),
        or_dash(run.floor().map(number)),
        or_dash(run.verdict().map(|verdict| verdict.name().into())),
        updates,
        or_dash(run.seconds.map(clock)),
    ];
    let value = |key: &&str| {
        let value = run.key(key)?;
        let text = value
            .as_str()
            .map_or_else(|| value.to_string(), String::from);
        Some(shortened(&shown(&text)))
    };
    cells.extend(keys.iter().map(value).map(or_dash));
    cells
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(WIDEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.into(),
    }
}

/// Prints the mean and the standard deviation of the scores, if there are several.
pub(super) fn print_summary(comparison: &Comparison) {
    if let Some(summary) = comparison.summary().filter(|summary| summary.count > 1) {
        say(format_args!(
            "score of {} runs: mean {}, standard deviation {}",
            summary.count,
            significant(summary.mean, 4),
            significant(summary.deviation, 3)
        ));
    }
}

/// Fails where no CSV can be written.
pub(super) fn check_csv(path: Option<&Path>) -> Result<(), Failure> {
    match path {
        Some(path) if !is_standard_output(path) => check_place("--csv", path),
        _ => Ok(()),
    }
}

/// Writes the table as CSV; `-` is standard output.
pub(super) fn write_csv(comparison: &Comparison, path: &Path) -> Result<(), Failure> {
    let text = comparison.to_csv();
    if is_standard_output(path) {
        say_file(text.as_bytes());
        return Ok(());
    }
    write(path, text.as_bytes())
}

/// Writes a file, and says so.
pub(super) fn write(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    write_whole(path, bytes).map_err(|error| Failure::Write {
        path: path.display().to_string(),
        message: error.to_string(),
    })?;
    confirm_file(path, format_args!("wrote {}", path.display()));
    Ok(())
}

pub(super) fn is_standard_output(path: &Path) -> bool {
    path == Path::new("-")
}
