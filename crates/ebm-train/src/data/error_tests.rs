//! Tests of the messages of the data readers.

use super::*;

#[test]
fn messages_are_one_line_and_name_the_file() {
    let path = PathBuf::from("/data/x.bin");
    let errors = [
        DataError::Truncated {
            path: path.clone(),
            expected: 100,
            found: 7,
        },
        DataError::WrongShape {
            path: path.clone(),
            found: [1, 2, 3],
            expected: [3, 4, 5],
        },
        DataError::UnknownFormat {
            path: path.clone(),
            looked_for: vec!["a".into(), "b".into()],
        },
        DataError::BadMagic {
            path,
            found: [0x1f, 0x8b, 0, 1],
            what: "images",
        },
    ];
    for error in errors {
        let message = error.to_string();
        assert!(message.starts_with("/data/x.bin: found "), "{message}");
        assert!(message.contains("expected"), "{message}");
        assert!(
            !message.contains('\n') && !message.contains("  "),
            "{message}"
        );
    }
}

#[test]
fn shapes_are_written_with_crosses() {
    let error = DataError::WrongShape {
        path: "a".into(),
        found: [1, 8, 8],
        expected: [3, 32, 32],
    };
    let message = error.to_string();
    assert!(
        message.contains("found images of 1x8x8, expected 3x32x32"),
        "{message}"
    );
}
