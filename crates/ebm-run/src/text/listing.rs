//! Lists of names in messages, no longer than anybody reads.

/// Most names that are listed.
const MOST: usize = 12;

/// Most characters of a name.
const LONGEST: usize = 80;

/// `a, b, c`, of many the first dozen `and 88 more`, and of a very long name its beginning.
pub(crate) fn listed<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let mut names = names.into_iter();
    let shown: Vec<String> = names.by_ref().take(MOST).map(beginning).collect();
    let list = shown.join(", ");
    match names.count() {
        0 => list,
        more => format!("{list} and {more} more"),
    }
}

fn beginning(name: &str) -> String {
    match name.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &name[..end]),
        None => name.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_names_are_a_dozen_and_long_ones_begin() {
        assert_eq!(listed(["a", "b"]), "a, b");
        let names: Vec<String> = (1..=100).map(|number| format!("w{number}")).collect();
        let list = listed(names.iter().map(String::as_str));
        assert!(list.starts_with("w1, w2, "), "{list}");
        assert!(list.ends_with(", w12 and 88 more"), "{list}");
        let dozen = listed(names[..12].iter().map(String::as_str));
        assert!(dozen.ends_with(", w12"), "{dozen}");
        let long = listed(["é".repeat(1_000_000).as_str()]);
        assert_eq!(long, format!("{}…", "é".repeat(80)));
    }
}
