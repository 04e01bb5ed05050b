//! Lists of TOML values as flags hold them.

use toml::Value;

use crate::config::parse_value;

/// The values between the commas of a text, but for commas inside of quotes and brackets. Each is
/// TOML, or text where it is none.
///
/// # Errors
///
/// What is wrong with a value.
pub(super) fn values(text: &str) -> Result<Vec<Value>, String> {
    let parts = split(text);
    let value = |part: &str| match part.trim() {
        "" => Err("found an empty value, expected one between commas".into()),
        part => parse_value(part),
    };
    parts.into_iter().map(value).collect()
}

fn split(text: &str) -> Vec<&str> {
    let (mut parts, mut start) = (Vec::new(), 0);
    let (mut depth, mut quote, mut escaped) = (0_i32, None, false);
    for (at, c) in text.char_indices() {
        match (quote, c) {
            _ if escaped => escaped = false,
            (Some('"'), '\\') => escaped = true,
            (Some(open), c) if c == open => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(c),
            (None, '[' | '{') => depth += 1,
            (None, ']' | '}') => depth -= 1,
            (None, ',') if depth == 0 => {
                parts.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commas_in_brackets_and_quotes_part_nothing() {
        assert_eq!(split("1,2"), ["1", "2"]);
        assert_eq!(split("[8, 8],[16]"), ["[8, 8]", "[16]"]);
        assert_eq!(
            split(r#"{a=1, b=[2, 3]},"x,\",y",'z,'"#),
            [r"{a=1, b=[2, 3]}", r#""x,\",y""#, "'z,'"]
        );
        let found = values("1e-3, adam,true,[1, 2],none").expect("they are values");
        let kinds: Vec<&str> = found.iter().map(Value::type_str).collect();
        assert_eq!(kinds, ["float", "string", "boolean", "array", "string"]);
        assert!(values("1,").is_err());
    }
}
