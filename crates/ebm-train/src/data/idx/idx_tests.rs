//! Tests of the IDX reader: round trips, and every way in which a file can be wrong.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::PathBuf;

use tempfile::TempDir;

use super::*;

/// A magic number, sizes and a body.
fn idx(magic: u32, sizes: &[u32], body: &[u8]) -> Vec<u8> {
    let words = std::iter::once(&magic)
        .chain(sizes)
        .flat_map(|word| word.to_be_bytes());
    words.chain(body.iter().copied()).collect()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn images_of(bytes: &[u8]) -> Result<Images, DataError> {
    images_from_bytes(bytes, Path::new("some-file"))
}

/// Two images of 2 x 3.
fn small() -> Vec<u8> {
    idx(0x803, &[2, 2, 3], &(10..22).collect::<Vec<u8>>())
}

#[test]
fn plain_and_gzip_give_the_same_images() {
    let plain = images_of(&small()).unwrap();
    assert_eq!((plain.len(), plain.shape()), (2, [1, 2, 3]));
    assert_eq!(plain.image(1), [16, 17, 18, 19, 20, 21]);
    assert_eq!(images_of(&gzip(&small())).unwrap(), plain);
}

#[test]
fn four_dimensions_are_channels() {
    let images = images_of(&idx(0x804, &[2, 3, 1, 2], &(0..12).collect::<Vec<u8>>())).unwrap();
    assert_eq!((images.len(), images.shape()), (2, [3, 1, 2]));
    assert_eq!(images.image(1), [6, 7, 8, 9, 10, 11]);
}

#[test]
fn colours_that_come_last_are_brought_to_the_front() {
    // Two images of 2 x 2 pixels: red 1x, green 2x, blue 3x.
    let body: Vec<u8> = (0..8)
        .flat_map(|pixel| [10 + pixel, 20 + pixel, 30 + pixel])
        .collect();
    let images = images_of(&idx(0x804, &[2, 2, 2, 3], &body)).unwrap();
    assert_eq!((images.len(), images.shape()), (2, [3, 2, 2]));
    assert_eq!(
        images.image(0),
        [10, 11, 12, 13, 20, 21, 22, 23, 30, 31, 32, 33]
    );
    assert_eq!(images.image(1)[..4], [14, 15, 16, 17]);
    let grey = images_of(&idx(0x804, &[1, 2, 4, 1], &[7; 8])).unwrap();
    assert_eq!(grey.shape(), [1, 2, 4]);
    // What can be channels first is.
    for (sizes, shape) in [
        ([1, 3, 2, 3], [3, 2, 3]),
        ([1, 1, 5, 3], [1, 5, 3]),
        ([1, 2, 3, 4], [2, 3, 4]),
    ] {
        let length = sizes.iter().product::<u32>() as usize;
        let images = images_of(&idx(0x804, &sizes, &vec![9; length])).unwrap();
        assert_eq!(images.shape(), shape);
    }
}

#[test]
fn a_limit_keeps_the_first_images_and_checks_the_rest() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("images");
    let options = ReadOptions {
        limit: Some(1),
        ..ReadOptions::default()
    };
    for bytes in [small(), gzip(&small())] {
        fs::write(&path, &bytes).unwrap();
        let (images, count, brightest) = read_images_with(&path, &options).unwrap();
        assert_eq!((images.len(), count, brightest), (1, 2, 21));
        assert_eq!(images.pixels(), [10, 11, 12, 13, 14, 15]);
        fs::write(&path, &bytes[..bytes.len() - 1]).unwrap();
        assert!(read_images_with(&path, &options).is_err());
    }
}

#[test]
fn a_compressed_file_that_promises_too_much_takes_no_memory() {
    // 2^60 bytes are promised, which nothing could hold.
    let lying = gzip(&idx(0x803, &[1 << 20, 1 << 20, 1 << 20], &[0; 5]));
    let error = images_of(&lying).unwrap_err();
    assert!(
        matches!(error, DataError::Truncated { found: 21, .. }),
        "{error}"
    );
    // 1 GB is promised and could be there, but ends early: found out before anything is kept.
    let zeros = vec![0; 2 << 20];
    let short = gzip(&idx(0x803, &[1 << 10, 1 << 10, 1 << 10], &zeros));
    assert!(short.len() < 4096, "{}", short.len());
    let error = images_of(&short).unwrap_err();
    assert!(
        matches!(error, DataError::Truncated { found, .. } if found == 16 + (2 << 20)),
        "{error}"
    );
}

#[test]
fn files_come_back_as_they_were_written() {
    let folder = TempDir::new().unwrap();
    let grey = Images::new((0..24).collect(), [1, 3, 4]).unwrap();
    let rgb = Images::new((0..24).collect(), [3, 2, 2]).unwrap();
    for (name, images) in [
        ("grey", &grey),
        ("grey.gz", &grey),
        ("rgb", &rgb),
        ("rgb.gz", &rgb),
    ] {
        let path = folder.path().join(name);
        write_images(&path, images).unwrap();
        assert_eq!(&read_images(&path).unwrap(), images, "{name}");
        assert_eq!(
            fs::read(&path).unwrap().starts_with(&[0x1f, 0x8b]),
            name.ends_with(".gz")
        );
    }
    assert_eq!(
        fs::read(folder.path().join("grey")).unwrap()[..4],
        [0, 0, 8, 3]
    );
    assert_eq!(
        fs::read(folder.path().join("rgb")).unwrap()[..4],
        [0, 0, 8, 4]
    );
    let path = folder.path().join("labels.gz");
    write_labels(&path, &[0, 255, 7]).unwrap();
    assert_eq!(read_labels(&path).unwrap(), [0, 255, 7]);
    let error = write_labels(&path, &[0, 256]).unwrap_err();
    assert!(
        matches!(
            error,
            DataError::LabelOutOfRange {
                record: 1,
                found: 256,
                ..
            }
        ),
        "{error}"
    );
}

#[test]
fn gzip_is_known_by_its_bytes_not_its_name() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("no-suffix");
    fs::write(&path, gzip(&small())).unwrap();
    assert_eq!(read_images(&path).unwrap().len(), 2);
    let path = folder.path().join("plain.gz");
    fs::write(&path, small()).unwrap();
    assert_eq!(read_images(&path).unwrap().len(), 2);
}

#[test]
fn a_cut_at_any_byte_is_truncation() {
    let whole = small();
    for length in 0..whole.len() {
        let error = images_of(&whole[..length]).unwrap_err();
        let DataError::Truncated {
            path,
            expected,
            found,
        } = error
        else {
            panic!("cut at {length}: {error}");
        };
        assert_eq!((path, found), (PathBuf::from("some-file"), length as u64));
        assert_eq!(
            expected,
            if length < 4 {
                4
            } else if length < 16 {
                16
            } else {
                28
            }
        );
    }
}

#[test]
fn a_gzip_cut_at_any_byte_is_an_error() {
    let whole = gzip(&small());
    for length in 0..whole.len() {
        let error = images_of(&whole[..length]).unwrap_err();
        let expected = if length < 2 {
            matches!(error, DataError::Truncated { .. })
        } else {
            matches!(error, DataError::Gzip { .. })
        };
        assert!(expected, "cut at {length}: {error}");
    }
}

#[test]
fn corrupt_gzip_is_named() {
    let mut bytes = gzip(&small());
    let checksum = bytes.len() - 8;
    bytes[checksum] ^= 1;
    let error = images_of(&bytes).unwrap_err();
    assert!(matches!(error, DataError::Gzip { .. }), "{error}");
    assert!(
        error.to_string().starts_with("some-file: found a corrupt"),
        "{error}"
    );
}

#[test]
fn trailing_bytes_are_refused() {
    let mut plain = small();
    plain.push(0);
    for bytes in [gzip(&plain), plain] {
        let error = images_of(&bytes).unwrap_err();
        assert!(
            matches!(error, DataError::TrailingBytes { expected: 28, .. }),
            "{error}"
        );
    }
    let mut after_gzip = gzip(&small());
    after_gzip.extend(b"garbage");
    assert!(matches!(
        images_of(&after_gzip),
        Err(DataError::Gzip { .. })
    ));
}

#[test]
fn labels_and_images_are_not_mistaken_for_each_other() {
    let labels = idx(0x801, &[3], &[1, 2, 3]);
    let error = images_of(&labels).unwrap_err();
    assert!(
        matches!(error, DataError::Dimensions { found: 1, .. }),
        "{error}"
    );
    assert!(error.to_string().contains("those of labels"), "{error}");
    let error = labels_from_bytes(&small(), Path::new("x")).unwrap_err();
    assert!(
        matches!(error, DataError::Dimensions { found: 3, .. }),
        "{error}"
    );
    assert!(error.to_string().contains("those of images"), "{error}");
    assert_eq!(
        labels_from_bytes(&labels, Path::new("x")).unwrap(),
        [1, 2, 3]
    );
}

#[test]
fn other_element_types_are_named() {
    for (code, name) in [
        (0x09, "i8"),
        (0x0b, "i16"),
        (0x0c, "i32"),
        (0x0d, "f32"),
        (0x0e, "f64"),
    ] {
        let error = images_of(&idx(code << 8 | 3, &[1, 1, 1], &[0; 8])).unwrap_err();
        assert!(matches!(error, DataError::ElementType { code: c, .. } if u32::from(c) == code));
        assert!(
            error.to_string().contains(&format!("type {name} ")),
            "{error}"
        );
    }
}

#[test]
fn other_files_are_not_idx() {
    for bytes in [
        &b"<!DOCTYPE html>"[..],
        b"\x89PNG\r\n\x1a\n",
        b"PK\x03\x04",
        &[0, 0, 7, 3, 0, 0],
    ] {
        let error = images_of(bytes).unwrap_err();
        assert!(
            matches!(error, DataError::BadMagic { found, .. } if found == bytes[..4]),
            "{error}"
        );
    }
}

#[test]
fn sizes_that_lie_neither_allocate_nor_overflow() {
    // 2^60 bytes would be promised: the machine can't have them, so passing at all shows that
    // nothing was reserved.
    let error = images_of(&idx(0x803, &[1 << 20, 1 << 20, 1 << 20], &[0; 5])).unwrap_err();
    assert!(
        matches!(error, DataError::Truncated { found: 21, .. }),
        "{error}"
    );
    for sizes in [[u32::MAX; 4], [1 << 16, 1 << 16, 1 << 16, 1 << 16]] {
        let error = images_of(&idx(0x804, &sizes, &[])).unwrap_err();
        assert!(matches!(error, DataError::TooLarge { .. }), "{error}");
    }
}

#[test]
fn no_image_is_an_error() {
    for sizes in [[0, 28, 28], [1, 0, 28], [u32::MAX, u32::MAX, 0]] {
        let error = images_of(&idx(0x803, &sizes, &[])).unwrap_err();
        assert!(matches!(error, DataError::Empty { .. }), "{error}");
    }
}

#[test]
fn a_missing_file_is_named() {
    let error = read_images(Path::new("/nonexistent/file")).unwrap_err();
    assert!(matches!(error, DataError::Io { .. }));
    assert!(
        error.to_string().starts_with("/nonexistent/file: "),
        "{error}"
    );
}
