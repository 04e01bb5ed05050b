//! Numbers in few characters that still say something: by their significant digits, whatever their
//! size.

/// A number with so many significant digits, in scientific notation where it is very large or
/// small.
pub(super) fn significant(value: f64, digits: usize) -> String {
    let size = value.abs();
    if size == 0.0 {
        return "0".into();
    }
    if !size.is_finite() {
        return value.to_string();
    }
    if !(1e-4..1e6).contains(&size) {
        return format!("{value:.*e}", digits - 1);
    }
    let decimals = (digits as i32 - 1 - size.log10().floor() as i32).max(0);
    format!("{value:.*}", decimals as usize)
}

/// The same with a sign always, for numbers whose sign matters.
pub(super) fn signed(value: f64, digits: usize) -> String {
    let text = significant(value, digits);
    if value > 0.0 && value.is_finite() {
        format!("+{text}")
    } else {
        text
    }
}

/// How many things are done a second.
pub(super) fn rate(a_second: f64) -> String {
    significant(a_second, 3)
}

/// A time in seconds as on a clock.
pub(super) fn clock(seconds: f64) -> String {
    let seconds = seconds.max(0.0).round() as u64;
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 {
        format!("{hours}:{minutes:02}:{seconds:02}")
    } else {
        format!("{minutes}:{seconds:02}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_kept_whatever_the_size() {
        for (value, expected) in [
            (0.0, "0"),
            (0.00021362, "+0.0002136"),
            (-0.000021362, "-2.136e-5"),
            (0.5, "+0.5000"),
            (-12.3456, "-12.35"),
            (4321.9, "+4322"),
            (-123_456.7, "-123457"),
            (1.5e9, "+1.500e9"),
            (f64::NAN, "NaN"),
            (f64::NEG_INFINITY, "-inf"),
        ] {
            assert_eq!(signed(value, 4), expected, "{value}");
        }
        assert_eq!(significant(0.05, 3), "0.0500");
    }

    #[test]
    fn clocks_have_hours_when_there_are_any() {
        for (seconds, expected) in [
            (0.4, "0:00"),
            (83.0, "1:23"),
            (3600.0, "1:00:00"),
            (-1.0, "0:00"),
        ] {
            assert_eq!(clock(seconds), expected);
        }
    }
}
