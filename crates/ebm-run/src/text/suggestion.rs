//! Did you mean: the name that is nearest to one that doesn't exist.

/// The known name that is most like `word`, if one is like it enough to be what was meant.
///
/// Likeness is the Jaro-Winkler similarity (Winkler 1990), from 0 to 1, and must be above 0.8.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_lowercase();
    known
        .into_iter()
        .map(|name| (strsim::jaro_winkler(&word, name), name))
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| name)
}

/// `; did you mean NAME?`, or nothing.
pub fn did_you_mean<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    match nearest(word, known) {
        Some(name) => format!("; did you mean `{name}`?"),
        None => String::new(),
    }
}

/// What serde says of an unknown name, with the nearest of those that it lists.
pub(crate) fn with_suggestion(message: &str) -> String {
    if let Some((word, kinds)) = unknown_kind(message) {
        let kinds = kinds.split(['"', ' ']).filter(|kind| !kind.is_empty());
        return format!("{message}{}", did_you_mean(word, kinds));
    }
    let unknown =
        message.starts_with("unknown field `") || message.starts_with("unknown variant `");
    let mut names = message.split('`').skip(1).step_by(2);
    match names.next() {
        Some(word) if unknown => format!("{message}{}", did_you_mean(word, names)),
        _ => message.to_string(),
    }
}

/// The kind that was found and those that were expected, each in quotes.
fn unknown_kind(message: &str) -> Option<(&str, &str)> {
    let (word, kinds) = message
        .strip_prefix("found \"")?
        .split_once("\", expected one of ")?;
    kinds.starts_with('"').then_some((word, kinds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_found_and_other_words_are_not() {
        let known = [
            "digits",
            "fashion-mnist",
            "mnist",
            "rbm-digits",
            "two-moons",
        ];
        for (word, expected) in [
            ("digit", Some("digits")),
            ("digtis", Some("digits")),
            ("minst", Some("mnist")),
            ("two_moons", Some("two-moons")),
            ("Fashion-MNIST", Some("fashion-mnist")),
            ("imagenet", None),
            ("", None),
        ] {
            assert_eq!(nearest(word, known), expected, "{word}");
        }
    }

    #[test]
    fn messages_of_serde_get_the_nearest_of_their_names() {
        let message = "unknown field `setps`, expected one of `steps`, `batch_size`";
        assert_eq!(
            with_suggestion(message),
            format!("{message}; did you mean `steps`?")
        );
        for message in [
            "found string \"x\", expected a number",
            "unknown field `q`, expected `steps`",
        ] {
            assert_eq!(with_suggestion(message), message);
        }
    }
}
