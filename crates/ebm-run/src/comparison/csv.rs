//! Lines of CSV (RFC 4180).

/// A line of CSV with its end: fields with commas, quotes or ends of lines stand in quotes, with
/// quotes of their own doubled. Lines end in `\n`, which readers of RFC 4180 take too.
pub fn csv_line<S: AsRef<str>>(fields: impl IntoIterator<Item = S>) -> String {
    let fields: Vec<String> = fields.into_iter().map(|it| field(it.as_ref())).collect();
    // A single field that is empty would be an empty line, which many readers skip.
    match &fields[..] {
        [only] if only.is_empty() => "\"\"\n".into(),
        fields => fields.join(",") + "\n",
    }
}

fn field(text: &str) -> String {
    let needs_quotes = text.contains(['"', ',', '\n', '\r'])
        || text.starts_with(char::is_whitespace)
        || text.ends_with(char::is_whitespace);
    if needs_quotes {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_break_a_line_is_quoted() {
        for (fields, expected) in [
            (&["a", "b"][..], "a,b\n"),
            (&["", ""], ",\n"),
            (&[""], "\"\"\n"),
            (&["[8, 8]", "1e-3"], "\"[8, 8]\",1e-3\n"),
            (&["say \"no\"", "x"], "\"say \"\"no\"\"\",x\n"),
            (&["two\nlines", "three\r"], "\"two\nlines\",\"three\r\"\n"),
            (&[" blank", "é;\t|"], "\" blank\",é;\t|\n"),
        ] {
            assert_eq!(csv_line(fields), expected, "{fields:?}");
        }
    }
}
