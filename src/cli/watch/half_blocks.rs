//! Pictures on a terminal with 24-bit colours: half blocks, two pixels a cell.

use std::fmt::Write;

use anstream::{AutoStream, ColorChoice};
use ebm::run::drawing::SmallPicture;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Style};

/// The upper half in the colour of the text, the lower in that of the background.
const HALF: &str = "▀";

/// Columns and lines at most, where a picture is printed once.
const MOST: (u16, u16) = (80, 40);

/// Whether the terminal says that it has 24-bit colours, and nobody asked for none.
pub(super) fn can_be_drawn() -> bool {
    if AutoStream::choice(&std::io::stdout()) == ColorChoice::Never {
        return false;
    }
    let variable = |name: &str| std::env::var(name).unwrap_or_default();
    has_true_colors(&variable("COLORTERM"), &variable("TERM"))
}

/// What `COLORTERM` and `TERM` say.
fn has_true_colors(colorterm: &str, term: &str) -> bool {
    let known = [
        "kitty",
        "alacritty",
        "foot",
        "ghostty",
        "wezterm",
        "-direct",
    ];
    let says = matches!(
        colorterm.to_ascii_lowercase().as_str(),
        "truecolor" | "24bit"
    );
    says || known.iter().any(|name| term.contains(name))
}

/// Columns and lines for a picture that is printed once.
pub(super) fn room() -> (u16, u16) {
    let columns = terminal_size::terminal_size_of(std::io::stdout());
    let columns = columns.map_or(MOST.0, |(terminal_size::Width(columns), _)| columns);
    (columns.min(MOST.0), MOST.1)
}

/// A picture as lines of text with colours, in at most so many columns and lines.
pub(super) fn lines(picture: &SmallPicture, (columns, lines): (u16, u16)) -> String {
    let mut text = String::new();
    for line in cells(picture, columns, lines) {
        for (top, bottom) in line {
            let [r, g, b] = top;
            let _ = write!(text, "\x1b[38;2;{r};{g};{b}m");
            let _ = match bottom {
                Some([r, g, b]) => write!(text, "\x1b[48;2;{r};{g};{b}m{HALF}"),
                None => write!(text, "\x1b[49m{HALF}"),
            };
        }
        text.push_str("\x1b[0m\n");
    }
    text
}

/// Draws a picture into the middle of an area, as large as it fits.
pub(super) fn draw(picture: &SmallPicture, buffer: &mut Buffer, area: Rect) {
    let lines = cells(picture, area.width, area.height);
    let columns = lines.first().map_or(0, Vec::len) as u16;
    let left = area.x + (area.width - columns) / 2;
    let top = area.y + (area.height - lines.len() as u16) / 2;
    let color = |[r, g, b]: [u8; 3]| Color::Rgb(r, g, b);
    for (y, line) in (top..).zip(lines) {
        for (x, (upper, lower)) in (left..).zip(line) {
            let style = Style::new().fg(color(upper));
            let style = lower.map_or(style, |lower| style.bg(color(lower)));
            if let Some(cell) = buffer.cell_mut((x, y)) {
                cell.set_symbol(HALF).set_style(style);
            }
        }
    }
}

/// The colours of a cell's upper half and, but in a last line that is odd, its lower half.
type Cell = ([u8; 3], Option<[u8; 3]>);

/// The colours of each cell's upper and lower half, line by line.
fn cells(picture: &SmallPicture, columns: u16, lines: u16) -> Vec<Vec<Cell>> {
    let pixels = picture.fitted(columns.into(), 2 * u32::from(lines));
    let rows: Vec<&[[u8; 3]]> = pixels.rows().collect();
    let pairs = rows.chunks(2).map(|pair| {
        let lower = pair.get(1);
        let cell = |(x, &upper): (usize, &[u8; 3])| (upper, lower.map(|row| row[x]));
        pair[0].iter().enumerate().map(cell).collect()
    });
    pairs.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terminals_say_what_they_can() {
        for (colorterm, term, expected) in [
            ("truecolor", "xterm-256color", true),
            ("24bit", "xterm", true),
            ("", "xterm-kitty", true),
            ("", "xterm-direct", true),
            ("", "xterm-256color", false),
            ("yes", "linux", false),
            ("", "", false),
        ] {
            assert_eq!(
                has_true_colors(colorterm, term),
                expected,
                "{colorterm} {term}"
            );
        }
    }
}
