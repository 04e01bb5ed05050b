//! The last line of a terminal while something goes on: it fits the width, is drawn again and
//! again, and makes room for other lines.

use std::io::Write;
use std::sync::{Mutex, MutexGuard, TryLockError};
use std::time::{Duration, Instant};

/// Shortest time between two drawings.
const EVERY: Duration = Duration::from_millis(100);

/// Characters of the bar, at least and at most.
const BAR: (usize, usize) = (10, 30);

/// Narrower than that there is no bar.
const LEAST_FOR_A_BAR: usize = 60;

/// What a line says.
#[derive(Clone, Debug, Default)]
pub(super) struct StatusLine {
    /// How much is done, from 0 to 1.
    pub(super) share: f64,
    /// What else, most important first: what doesn't fit falls away from the end.
    pub(super) parts: Vec<String>,
}

impl StatusLine {
    /// The text in at most `width` columns.
    fn fit(&self, width: usize) -> String {
        let columns = |text: &str| text.chars().count();
        let least = if width < LEAST_FOR_A_BAR { 0 } else { BAR.0 };
        let mut text = String::new();
        for (index, part) in self.parts.iter().enumerate() {
            let gap = if index > 0 { "  " } else { "" };
            let after = columns(&text) + columns(gap) + columns(part);
            if after + least + usize::from(least > 0) > width {
                break;
            }
            text.push_str(gap);
            text.push_str(part);
        }
        if text.is_empty() {
            // Better the beginning of the first than nothing.
            return self
                .parts
                .first()
                .map_or_else(String::new, |part| part.chars().take(width).collect());
        }
        if least == 0 {
            return text;
        }
        let bar = (width - columns(&text) - 1).min(BAR.1);
        let full = (self.share.clamp(0.0, 1.0) * bar as f64).floor() as usize;
        format!("{}{} {text}", "█".repeat(full), "░".repeat(bar - full))
    }
}

/// What stands on the terminal.
struct Drawn {
    line: Option<StatusLine>,
    /// Columns that the text took.
    columns: usize,
    at: Option<Instant>,
}

static DRAWN: Mutex<Drawn> = Mutex::new(Drawn {
    line: None,
    columns: 0,
    at: None,
});

/// What stands there, unless another thread is writing: one that waits for a reader must not keep
/// Ctrl-C from being answered.
fn drawn() -> Option<MutexGuard<'static, Drawn>> {
    match DRAWN.try_lock() {
        Ok(drawn) => Some(drawn),
        Err(TryLockError::Poisoned(drawn)) => Some(drawn.into_inner()),
        Err(TryLockError::WouldBlock) => None,
    }
}

/// Draws a line in the place of the last one, unless that is very new.
pub(super) fn draw(line: impl FnOnce() -> StatusLine) {
    if let Some(mut drawn) = drawn()
        && drawn.at.is_none_or(|at| at.elapsed() >= EVERY)
    {
        drawn.line = Some(line());
        drawn.redraw();
    }
}

/// Takes the line away for good.
pub(super) fn clear() {
    if let Some(mut drawn) = drawn() {
        drawn.erase();
        drawn.line = None;
        drawn.at = None;
    }
}

/// Leaves what a line says behind, and goes on below.
pub(super) fn keep(line: &StatusLine) {
    clear();
    write(&format!("{}\n", line.fit(room())));
}

/// Writes something else, above the line if there is one.
pub(super) fn above(write: impl FnOnce()) {
    let Some(mut drawn) = drawn() else {
        return write();
    };
    drawn.erase();
    write();
    drawn.redraw();
}

impl Drawn {
    fn redraw(&mut self) {
        let Some(line) = &self.line else { return };
        let text = line.fit(room());
        let start = self.start();
        self.columns = text.chars().count();
        self.at = Some(Instant::now());
        // A terminal that is just being made narrower hasn't told yet: what is too long is cut off
        // there, not broken.
        write(&format!("{start}\x1b[?7l{text}\x1b[?7h\x1b[K"));
    }

    fn erase(&mut self) {
        if self.columns > 0 {
            write(&format!("{}\x1b[J", self.start()));
            self.columns = 0;
        }
    }

    /// The way to the first column of the text, which a terminal that was made narrower has broken
    /// into several lines.
    fn start(&self) -> String {
        let up = self.columns.saturating_sub(1) / width().max(1);
        if up > 0 && breaks_lines_again() {
            format!("\r\x1b[{up}A\x1b[J")
        } else {
            "\r".into()
        }
    }
}

fn write(text: &str) {
    let _ = std::io::stderr().write_all(text.as_bytes());
}

/// Columns for the line: the terminal's, but for the ^C that it may show behind, which would begin
/// another line.
fn room() -> usize {
    width().saturating_sub(3).max(1)
}

/// Columns of the terminal.
fn width() -> usize {
    terminal_size::terminal_size_of(std::io::stderr())
        .map_or(80, |(terminal_size::Width(columns), _)| columns.into())
}

/// Whether the terminal breaks long lines again when it is made narrower: xterm, screen and the
/// console of Linux cut them off.
fn breaks_lines_again() -> bool {
    let is_set = |name: &str| std::env::var_os(name).is_some();
    let term = std::env::var("TERM").unwrap_or_default();
    let cuts = is_set("XTERM_VERSION") || is_set("STY") || term == "linux";
    is_set("TMUX") || !cuts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line() -> StatusLine {
        let parts = [
            "1234/20000",
            "12:31 left",
            "gap +0.01234",
            "E(data) -1.234e-5",
            "moved 0.1",
        ];
        StatusLine {
            share: 0.5,
            parts: parts.map(String::from).to_vec(),
        }
    }

    #[test]
    fn what_does_not_fit_falls_away_from_the_right() {
        for (width, expected) in [
            (37, "1234/20000  12:31 left  gap +0.01234"),
            (35, "1234/20000  12:31 left"),
            (20, "1234/20000"),
            (4, "1234"),
        ] {
            assert_eq!(line().fit(width), expected, "{width}");
        }
        // With room for a bar, half of which is full.
        let bar = |half: usize| "█".repeat(half) + &"░".repeat(half);
        let short = "1234/20000  12:31 left  gap +0.01234";
        assert_eq!(line().fit(65), format!("{} {short}", bar(14)));
        let long = format!("{short}  E(data) -1.234e-5");
        assert_eq!(line().fit(76), format!("{} {long}", bar(10)));
    }

    #[test]
    fn no_width_is_exceeded() {
        for width in 1..200 {
            let text = line().fit(width);
            assert!(text.chars().count() <= width, "{width}: {text}");
        }
        // All of it, where there is room, behind the longest bar.
        assert!(line().fit(199).ends_with("moved 0.1"));
        assert_eq!(line().fit(199).matches(['█', '░']).count(), BAR.1);
    }
}
