//! Pieces of HTML: text that is escaped, pictures inside of the page, tables, notes.

use std::fmt::Display;
use std::io::Cursor;

use image::{ImageFormat, RgbImage};

use super::base64;

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

/// A paragraph.
pub(super) fn paragraph(what: impl Display) -> String {
    format!("<p>{}</p>\n", text(what))
}

/// A table of names and values.
pub(super) fn facts(rows: &[(&str, String)]) -> String {
    let rows: String = rows
        .iter()
        .map(|(name, value)| {
            let (name, value) = (text(name), text(value));
            format!("<tr><th scope=\"row\">{name}</th><td>{value}</td></tr>\n")
        })
        .collect();
    format!("<table class=\"facts\">\n{rows}</table>\n")
}

/// Figures beside each other where there is room.
pub(super) fn figures(figures: &[String]) -> String {
    format!("<div class=\"figures\">\n{}</div>\n", figures.concat())
}

/// Pictures beside each other, which take less room than charts.
pub(super) fn pictures(figures: &[String]) -> String {
    format!(
        "<div class=\"figures pictures\">\n{}</div>\n",
        figures.concat()
    )
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

/// A PNG file inside of the page.
pub(super) fn embedded(png: &[u8], (width, height): (u32, u32), alternative: &str) -> String {
    format!(
        "<img src=\"data:image/png;base64,{}\" width=\"{width}\" height=\"{height}\" alt=\"{}\">",
        base64::encode(png),
        text(alternative)
    )
}

/// A number for people: about four digits, no more zeros than it takes.
pub(super) fn number(value: f64) -> String {
    let size = value.abs();
    if !value.is_finite() {
        return "not finite".into();
    }
    if size == 0.0 {
        return "0".into();
    }
    if !(1e-3..1e6).contains(&size) {
        let text = format!("{value:.2e}");
        let (digits, power) = text.split_once('e').unwrap_or((&text, "0"));
        return format!("{}e{power}", without_zeros(digits));
    }
    let decimals = (3 - size.log10().floor() as i32).clamp(0, 6) as usize;
    let text = format!("{value:.decimals$}");
    if decimals == 0 {
        let negative = if value < 0.0 { "-" } else { "" };
        return format!("{negative}{}", count(size.round() as u64));
    }
    without_zeros(&text).to_string()
}

fn without_zeros(digits: &str) -> &str {
    if digits.contains('.') {
        digits.trim_end_matches('0').trim_end_matches('.')
    } else {
        digits
    }
}

/// A whole number with commas between thousands.
pub(super) fn count(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A time in seconds for people.
pub(super) fn duration(seconds: f64) -> String {
    if !seconds.is_finite() || seconds < 0.0 {
        return "unknown".into();
    }
    if seconds < 60.0 {
        return format!("{seconds:.1} s");
    }
    let whole = seconds.round() as u64;
    let (hours, minutes, seconds) = (whole / 3600, whole / 60 % 60, whole % 60);
    if hours == 0 {
        format!("{minutes} min {seconds:02} s")
    } else {
        format!("{hours} h {minutes:02} min")
    }
}

/// Seconds since 1970 as a date and a time of UTC.
pub(super) fn date(at: u64) -> String {
    let (days, second) = ((at / 86_400) as i64, at % 86_400);
    // Days to a date of the Gregorian calendar: H. Hinnant, "chrono-compatible low-level date algorithms".
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let (hour, minute) = (second / 3600, second / 60 % 60);
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02} UTC")
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
            figure("<b>", "", "<b>"),
            embedded(&[], (1, 1), "\"><b>"),
        ] {
            assert!(!made.contains("<b>"), "{made}");
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
