//! Lines on the terminal that nobody has to read: a reader that went away (`ebm train | head`) must not end a run.

use std::fmt::Arguments;
use std::io::Write;
use std::path::Path;

/// Prints a line, if anybody takes it.
pub(crate) fn say(line: Arguments<'_>) {
    let _ = writeln!(std::io::stdout(), "{line}");
}

/// Prints a line of trouble, if anybody takes it.
pub(crate) fn warn(line: Arguments<'_>) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// A path as a shell takes it.
pub(crate) fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |c: char| c.is_alphanumeric() || "/._-+:,@".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text
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
        ] {
            assert_eq!(quoted(Path::new(path)), expected);
        }
    }
}
