//! Text from elsewhere (names of files, values, keys) in a form that can't play tricks on a
//! terminal, and not too much of it.

use std::fmt::Write;

/// Most characters of a message in one line.
const LONGEST: usize = 1000;
/// Bytes of a quoted value that needn't be shortened, and the characters that are left of one that
/// must.
const LONG_QUOTE: usize = 200;
const QUOTE: usize = 80;
/// Most characters of each line of a message that shows a place in a file.
const LONGEST_LINE: usize = 160;
/// Most lines of such a message.
const MOST_LINES: usize = 12;

/// Whether line breaks stay.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Lines {
    One,
    Many,
}

/// The text with control characters, and those that turn the direction of writing, as escapes:
/// `\u001b`. JSON has the same ones, so that it stays what it is.
pub(super) fn escaped(text: &str, lines: Lines) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\n' | '\t' if lines == Lines::Many => safe.push(character),
            '\n' => safe.push_str(r"\n"),
            '\t' => safe.push_str(r"\t"),
            character if is_unsafe(character) => {
                // Writing to a string can't fail.
                let _ = write!(safe, r"\u{:04x}", u32::from(character));
            }
            character => safe.push(character),
        }
    }
    safe
}

/// Whether a terminal may obey a character, or show a text with it as another one.
pub(super) fn is_unsafe(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// The message with the beginnings alone of very long values that it quotes.
fn with_short_quotes(message: &str) -> String {
    let mut short = String::with_capacity(message.len().min(4 * LONGEST));
    let (mut rest, mut before) = (message, ' ');
    while let Some(character) = rest.chars().next() {
        let after = &rest[character.len_utf8()..];
        // An apostrophe inside of a word opens nothing.
        let opens = "\"`'".contains(character) && !before.is_alphanumeric();
        let end = if opens { after.find(character) } else { None };
        short.push(character);
        (rest, before) = (after, character);
        if let Some(end) = end {
            let span = &after[..end];
            if span.len() > LONG_QUOTE {
                short.extend(span.chars().take(QUOTE));
                short.push('…');
            } else {
                short.push_str(span);
            }
            short.push(character);
            rest = &after[end + character.len_utf8()..];
        }
    }
    short
}

/// The beginning and the end of a message that is too long, since what was expected and what to do
/// stands at the end.
pub(super) fn brief(message: &str, lines: Lines) -> String {
    let message = &with_short_quotes(message);
    if lines == Lines::One || !message.contains('\n') {
        return without_middle(message, LONGEST);
    }
    let mut shown: Vec<String> = message
        .lines()
        .take(MOST_LINES)
        .map(|line| without_middle(line, LONGEST_LINE))
        .collect();
    let more = message.lines().count().saturating_sub(MOST_LINES);
    if more > 0 {
        shown.push(format!("... and {more} more lines"));
    }
    shown.join("\n")
}

fn without_middle(text: &str, most: usize) -> String {
    let count = text.chars().count();
    if count <= most {
        return text.into();
    }
    let (before, after) = (most * 2 / 3, most / 3);
    let start: String = text.chars().take(before).collect();
    let end: String = text.chars().skip(count - after).collect();
    format!(
        "{start} [... {} characters ...] {end}",
        count - before - after
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_terminals_obey_is_escaped_and_the_rest_stays() {
        for (text, expected) in [
            ("runs/ü 数 é", "runs/ü 数 é"),
            ("a\x1b[2Jb", r"a\u001b[2Jb"),
            ("bell\x07 del\x7f", r"bell\u0007 del\u007f"),
            ("csi \u{9b}31m", r"csi \u009b31m"),
            ("\u{202e}gnp.exe", r"\u202egnp.exe"),
            ("two\nlines\r\tx", r"two\nlines\u000d\tx"),
        ] {
            assert_eq!(escaped(text, Lines::One), expected);
        }
        assert_eq!(escaped("a\n\tb\x1b", Lines::Many), "a\n\tb\\u001b");
    }

    #[test]
    fn escapes_leave_json_what_it_is() {
        let value = serde_json::Value::from("a\u{7f}\u{9b}\u{202e}\x1b\n\t\"\\");
        let json = escaped(&value.to_string(), Lines::Many);
        assert!(!json.chars().any(is_unsafe), "{json}");
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(&json).ok(),
            Some(value)
        );
    }

    #[test]
    fn long_messages_keep_their_beginning_and_their_end() {
        let short = "config key `x`: found 3, expected 4";
        assert_eq!(brief(short, Lines::One), short);
        let long = format!("found {}, expected a number", "9é".repeat(500_000));
        let message = brief(&long, Lines::One);
        assert!(message.chars().count() < LONGEST + 40, "{message}");
        assert!(message.starts_with("found 9é9é") && message.ends_with("9é, expected a number"));
        assert!(message.contains(" [... 999"), "{message}");
        let quoted = |value: &str| {
            format!("config key `x`: found \"{value}\", it can't be `{value}`, nor '{value}'")
        };
        let expected = format!("{}…", "é".repeat(QUOTE));
        assert_eq!(
            brief(&quoted(&"é".repeat(500_000)), Lines::One),
            quoted(&expected)
        );
        assert_eq!(brief(&quoted("a 'b' c"), Lines::One), quoted("a 'b' c"));
        let page = brief(&format!("{long}\n").repeat(100), Lines::Many);
        assert_eq!(page.lines().count(), MOST_LINES + 1);
        assert!(
            page.lines()
                .all(|line| line.chars().count() < LONGEST_LINE + 40)
        );
        assert!(page.ends_with("and 88 more lines"), "{page}");
    }
}
