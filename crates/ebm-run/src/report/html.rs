//! Pieces of HTML: text that is escaped, pictures inside of the page, tables, notes.

pub(super) use crate::text::number::{count, date, duration, number};
use std::fmt::Display;
use std::io::Cursor;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use image::{ImageFormat, RgbImage};

/// Text as HTML shows it, in elements and in attributes between double quotes.
pub(super) fn text(text: impl Display) -> String {
    let text = text.to_string();
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            // No document may hold it.
            '\0' => escaped.push('\u{FFFD}'),
            other => escaped.push(other),
        }
    }
    escaped
}

/// What is missing, and why.
pub(super) fn missing(what: impl Display) -> String {
    format!("<p class=\"missing\">{}</p>\n", text(what))
}

/// A value and its standard error, to as many places as the error has two digits.
pub(super) fn with_error(value: f64, error: f64) -> String {
    if !(value.is_finite() && error.is_finite() && error > 0.0) {
        return number(value);
    }
    let places = 1 - error.log10().floor() as i32;
    match places {
        ..=0 => format!("{} ± {}", number(value.round()), number(error.round())),
        1..=4 => format!("{value:.0$} ± {error:.0$}", places as usize),
        _ => format!("{} ± {}", number(value), number(error)),
    }
}

/// A paragraph.
pub(super) fn paragraph(what: impl Display) -> String {
    format!("<p>{}</p>\n", text(what))
}

/// Names and values, in columns where there is room.
pub(super) fn facts(rows: &[(impl Display, String)]) -> String {
    let rows: String = rows
        .iter()
        .map(|(name, value)| {
            let (name, value) = (text(name), text(value));
            format!("<div><dt>{name}</dt><dd>{value}</dd></div>\n")
        })
        .collect();
    format!("<dl class=\"facts\">\n{rows}</dl>\n")
}

/// Numbers of note, each with its name and what stands below it.
pub(super) fn tiles(tiles: &[(impl Display, String, String)]) -> String {
    let tiles: String = tiles
        .iter()
        .map(|(name, value, note)| {
            let note = if note.is_empty() {
                String::new()
            } else {
                format!("<small>{}</small>", text(note))
            };
            let (name, value) = (text(name), text(value));
            format!("<div class=\"tile\"><dt>{name}</dt><dd>{value}{note}</dd></div>\n")
        })
        .collect();
    format!("<dl class=\"tiles\">\n{tiles}</dl>\n")
}

/// A table whose first column names the rows, and whose others are numbers; each has its head with
/// it, for screens that are too narrow for columns.
pub(super) fn table<const N: usize>(heads: &[&str; N], rows: &[[String; N]]) -> String {
    let head: String = heads
        .iter()
        .enumerate()
        .map(|(column, head)| {
            let class = if column == 0 { "" } else { " class=\"number\"" };
            format!("<th scope=\"col\"{class}>{}</th>", text(head))
        })
        .collect();
    let cell = |(column, value): (usize, &String)| {
        let (head, value) = (text(heads[column]), text(value));
        match column {
            0 => format!("<th scope=\"row\">{value}</th>"),
            _ => format!("<td class=\"number\" data-head=\"{head}\">{value}</td>"),
        }
    };
    let rows: String = rows
        .iter()
        .map(|row| {
            let cells: String = row.iter().enumerate().map(cell).collect();
            format!("<tr>{cells}</tr>\n")
        })
        .collect();
    format!("<table class=\"numbers\">\n<tr>{head}</tr>\n{rows}</table>\n")
}

/// Figures beside each other where there is room.
pub(super) fn figures(figures: &[String]) -> String {
    grid("figures", figures)
}

/// Pictures beside each other.
pub(super) fn pictures(figures: &[String]) -> String {
    grid("figures pictures", figures)
}

/// Pictures beside a chart, which comes last; `wide` are pictures that are wider than it.
pub(super) fn lead(figures: &[String], wide: bool) -> String {
    grid(if wide { "lead wide" } else { "lead" }, figures)
}

/// Two things of equal width beside each other where there is room.
pub(super) fn beside(things: &[String]) -> String {
    let things: Vec<String> = things
        .iter()
        .map(|thing| format!("<div>{thing}</div>\n"))
        .collect();
    grid("beside", &things)
}

fn grid(class: &str, items: &[String]) -> String {
    if items.is_empty() {
        return String::new();
    }
    let lone = if items.len() == 1 { " lone" } else { "" };
    format!("<div class=\"{class}{lone}\">\n{}</div>\n", items.concat())
}

/// A figure: something drawn, with a caption above and, if it needs one, an explanation below.
pub(super) fn figure(caption: &str, drawn: &str, below: &str) -> String {
    let below = if below.is_empty() {
        String::new()
    } else {
        format!("<p class=\"below\">{}</p>\n", text(below))
    };
    let caption = text(caption);
    format!("<figure>\n<figcaption>{caption}</figcaption>\n{drawn}\n{below}</figure>\n")
}

/// A picture inside of the page; `alternative` says what it shows to who doesn't see it.
pub(super) fn picture(picture: &RgbImage, alternative: &str) -> String {
    let mut bytes = Cursor::new(Vec::new());
    match picture.write_to(&mut bytes, ImageFormat::Png) {
        Ok(()) => embedded(
            bytes.get_ref(),
            (picture.width(), picture.height()),
            alternative,
        ),
        Err(error) => missing(format_args!("This picture can't be written: {error}.")),
    }
}

/// Wider pictures are scaled smoothly; the pixels of others are to be seen.
const SMALL: u32 = 640;

/// A PNG file inside of the page.
pub(super) fn embedded(png: &[u8], (width, height): (u32, u32), alternative: &str) -> String {
    let class = if width < SMALL {
        " class=\"small\""
    } else {
        ""
    };
    format!(
        "<img{class} src=\"data:image/png;base64,{}\" width=\"{width}\" height=\"{height}\" alt=\"{}\">",
        BASE64_STANDARD.encode(png),
        text(alternative)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_in_text_is_shown_and_not_obeyed() {
        assert_eq!(
            text("<script>alert(\"a\" & 'b')</script>\0"),
            "&lt;script&gt;alert(&quot;a&quot; &amp; &#39;b&#39;)&lt;/script&gt;\u{FFFD}"
        );
        for made in [
            missing("<b>"),
            paragraph("<b>"),
            facts(&[("<b>", "<b>".into())]),
            tiles(&[("<b>", "<b>".into(), "<b>".into())]),
            table(&["<b>", "<b>"], &[["<b>".into(), "<b>".into()]]),
            figure("<b>", "", "<b>"),
            embedded(&[], (1, 1), "\"><b>"),
        ] {
            assert!(!made.contains("<b>"), "{made}");
        }
    }

    #[test]
    fn values_have_the_digits_that_their_errors_leave() {
        for (value, error, expected) in [
            (9.059, 1.859, "9.1 ± 1.9"),
            (0.2012, 0.0379, "0.201 ± 0.038"),
            (228.4, 12.3, "228 ± 12"),
            (3.0e-6, 1.0e-7, "3e-6 ± 1e-7"),
            (5.0, 0.0, "5"),
            (f64::NAN, 1.0, "not finite"),
        ] {
            assert_eq!(with_error(value, error), expected);
        }
    }

    #[test]
    fn numbers_times_and_dates_are_readable() {
        for (value, expected) in [
            (0.0, "0"),
            (1.0, "1"),
            (-0.25, "-0.25"),
            (123.456, "123.5"),
            (-12_345.6, "-12,346"),
            (0.001_234_5, "0.001234"),
            (2.5e-5, "2.5e-5"),
            (3.0e9, "3e9"),
            (100.0, "100"),
            (f64::NAN, "not finite"),
        ] {
            assert_eq!(number(value), expected);
        }
        assert_eq!(count(1_234_567), "1,234,567");
        assert_eq!(duration(42.25), "42.2 s");
        assert_eq!(duration(125.0), "2 min 05 s");
        assert_eq!(duration(7384.0), "2 h 03 min");
        // By `date -u -d @N`.
        for (at, expected) in [
            (0, "1970-01-01 00:00 UTC"),
            (951_782_399, "2000-02-28 23:59 UTC"),
            (951_782_400, "2000-02-29 00:00 UTC"),
            (1_700_000_000, "2023-11-14 22:13 UTC"),
            (4_107_542_400, "2100-03-01 00:00 UTC"),
        ] {
            assert_eq!(date(at), expected);
        }
    }
}
