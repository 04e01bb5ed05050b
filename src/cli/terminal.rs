//! Lines on the terminal, how many of them, and their colour. A reader that went away
//! (`ebm train | head`) must not end a run.

use std::fmt::Arguments;
use std::io::{IsTerminal, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use anstream::{AutoStream, ColorChoice};

use super::escape::{Lines, brief, escaped, is_unsafe};
use super::failure::Failure;
use super::{standard_output, status_line};

static QUIET: AtomicBool = AtomicBool::new(false);
static EVENTS: AtomicBool = AtomicBool::new(false);
static DATA: AtomicBool = AtomicBool::new(false);

/// Writes events, each of which comes in one piece, as one line each.
pub(super) struct EventWriter;

impl Write for EventWriter {
    fn write(&mut self, event: &[u8]) -> std::io::Result<usize> {
        let text = String::from_utf8_lossy(event);
        write_trouble("", text.trim_end_matches('\n'), Lines::One);
        Ok(event.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Whether progress may be drawn: on a terminal, unless events are printed there too or nothing is
/// wanted.
pub(crate) fn draws_progress() -> bool {
    std::io::stderr().is_terminal() && !is_quiet() && !EVENTS.load(Ordering::Relaxed)
}

/// Prints results, warnings and errors only from now on.
pub(super) fn be_quiet() {
    QUIET.store(true, Ordering::Relaxed);
}

/// Leaves the terminal to events from now on: progress isn't drawn.
pub(super) fn leave_to_events() {
    EVENTS.store(true, Ordering::Relaxed);
}

/// Leaves standard output to a result that programs read from now on, such as CSV: all else that is
/// said goes to standard error.
pub(super) fn leave_output_to_data() {
    DATA.store(true, Ordering::Relaxed);
}

/// Whether only results, warnings and errors are wanted.
pub(crate) fn is_quiet() -> bool {
    QUIET.load(Ordering::Relaxed)
}

/// Prints a line of a result. Where it can't be written the command fails at its end
/// ([`standard_output::check`]).
pub(crate) fn say(line: Arguments<'_>) {
    let line = escaped(&line.to_string(), Lines::One);
    write_result(&format!("{line}\n"));
}

/// Prints a result of several lines, such as JSON.
pub(crate) fn say_lines(text: &str) {
    write_result(&escaped(text, Lines::Many));
}

/// Prints a result as JSON.
pub(crate) fn say_json(result: &impl serde::Serialize) {
    let json = serde_json::to_string_pretty(result).unwrap_or_default();
    say_lines(&format!("{json}\n"));
}

/// Prints a result that is a file, as it is.
pub(crate) fn say_file(text: &[u8]) {
    status_line::above(|| standard_output::write_result(text));
}

fn write_result(text: &str) {
    say_file(text.as_bytes());
}

/// Prints a line of what was made, unless only results are wanted; a result all the same for who
/// wants it.
pub(crate) fn confirm(line: Arguments<'_>) {
    if DATA.load(Ordering::Relaxed) {
        remark(line);
    } else if !is_quiet() {
        say(line);
    }
}

/// Prints a line that nobody has to read.
pub(crate) fn remark(line: Arguments<'_>) {
    if !is_quiet() {
        let line = escaped(&line.to_string(), Lines::One) + "\n";
        status_line::above(|| {
            if DATA.load(Ordering::Relaxed) {
                let _ = std::io::stderr().write_all(line.as_bytes());
            } else {
                standard_output::write_remark(line.as_bytes());
            }
        });
    }
}

/// Prints a line of trouble, if anybody takes it.
pub(crate) fn warn(line: Arguments<'_>) {
    write_trouble("", &line.to_string(), Lines::One);
}

/// Prints an error in one paragraph, its first word in red where colours are wanted.
pub(crate) fn error(message: Arguments<'_>) {
    status_line::clear();
    write_trouble(error_word(), &message.to_string(), Lines::One);
}

/// Prints an error that shows a place in a file, in lines of its own.
pub(crate) fn error_in_lines(message: Arguments<'_>) {
    status_line::clear();
    write_trouble(error_word(), &message.to_string(), Lines::Many);
}

/// Prints the parser's own message, in several lines.
pub(crate) fn complain(message: &str) {
    write_trouble("", message.trim_end(), Lines::Many);
}

/// Colours are for terminals that have them, and for people who haven't set `NO_COLOR`.
fn error_word() -> &'static str {
    match AutoStream::choice(&std::io::stderr()) {
        ColorChoice::Never => "error: ",
        _ => "\x1b[1;31merror:\x1b[0m ",
    }
}

/// A text from elsewhere, such as the name of a file, as a part of a line.
pub(crate) fn shown(text: &str) -> String {
    brief(&escaped(text, Lines::One), Lines::One)
}

/// Fails if a result couldn't be written.
pub(crate) fn check_results() -> Result<(), Failure> {
    status_line::clear();
    standard_output::check().map_err(|error| Failure::Write {
        path: "to standard output".into(),
        message: error.to_string(),
    })
}

fn write_trouble(word: &str, message: &str, lines: Lines) {
    let message = brief(&escaped(message, lines), lines);
    let text = format!("{word}{message}\n");
    status_line::above(|| {
        let _ = std::io::stderr().write_all(text.as_bytes());
    });
}

/// A path as a shell takes it; one with characters that terminals obey as bash, zsh and ksh do.
pub(crate) fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |c: char| c.is_alphanumeric() || "/._-+:,@".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text
    } else if text.contains(is_unsafe) {
        let text = text.replace('\\', r"\\").replace('\'', r"\'");
        format!("$'{}'", escaped(&text, Lines::One))
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_with_blanks_and_quotes_survive_a_shell() {
        for (path, expected) in [
            ("runs/digits-1", "runs/digits-1"),
            ("a b", "'a b'"),
            ("it's", r"'it'\''s'"),
            ("", "''"),
            ("it's\x1b[2J \\\n", r"$'it\'s\u001b[2J \\\n'"),
            ("a\u{202e}gnp", r"$'a\u202egnp'"),
            ("a\u{2028}b c", r"$'a\u2028b c'"),
        ] {
            assert_eq!(quoted(Path::new(path)), expected);
        }
    }
}
