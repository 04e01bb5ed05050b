//! Tests of image folders: order, labels, splits, and folders that fit no layout.
#![allow(clippy::unwrap_used)]

use image::{GrayImage, Luma};
use tempfile::TempDir;

use super::*;
use crate::data::Fit;

const TINY: ImageOptions = ImageOptions {
    channels: 1,
    height: 2,
    width: 2,
    fit: Fit::Exact,
};

/// A folder with 2x2 grey images of these values at these paths.
fn folder_of(images: &[(&str, u8)]) -> TempDir {
    let folder = TempDir::new().unwrap();
    for (name, value) in images {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let image = GrayImage::from_pixel(2, 2, Luma([*value]));
        image
            .save_with_format(&path, image::ImageFormat::Png)
            .unwrap();
    }
    folder
}

/// The value of each image.
fn values(images: &Images) -> Vec<u8> {
    (0..images.len())
        .map(|index| images.image(index)[0])
        .collect()
}

/// The labels of images, one each.
fn labels(images: &Images) -> &[u32] {
    images.labels().unwrap().indices()
}

/// The names of their classes.
fn names(images: &Images) -> &[String] {
    images.labels().unwrap().names().unwrap()
}

fn load(folder: &TempDir, split: Split) -> Result<Images, DataError> {
    ImageFolder.read(folder.path(), split, &TINY.into())
}

#[test]
fn loose_images_are_sorted_and_unlabelled() {
    let folder = folder_of(&[
        ("c.png", 3),
        ("a.PNG", 1),
        ("b.jpeg", 2),
        (".hidden.png", 9),
        ("d.bmp.txt", 8),
    ]);
    let images = load(&folder, Split::Train).unwrap();
    assert_eq!(values(&images), [1, 2, 3]);
    assert_eq!((images.shape(), images.labels()), ([1, 2, 2], None));
}

#[test]
fn sub_folders_are_labels_in_the_order_of_their_names() {
    let folder = folder_of(&[
        ("dog/1.png", 30),
        ("cat/2.png", 20),
        ("cat/1.png", 10),
        (".git/1.png", 9),
    ]);
    fs::create_dir(folder.path().join("bird")).unwrap();
    fs::write(folder.path().join("bird/notes.txt"), "none yet").unwrap();
    let images = load(&folder, Split::Train).unwrap();
    assert_eq!(values(&images), [10, 20, 30]);
    assert_eq!(labels(&images), [0, 0, 1]);
    assert_eq!(names(&images), ["cat", "dog"]);
}

#[test]
fn many_images_keep_their_order_in_parallel() {
    let names: Vec<String> = (0..200).map(|index| format!("{index:03}.png")).collect();
    let list: Vec<(&str, u8)> = names
        .iter()
        .enumerate()
        .map(|(index, name)| (name.as_str(), index as u8))
        .collect();
    let folder = folder_of(&list);
    let expected: Vec<u8> = (0..200).collect();
    assert_eq!(values(&load(&folder, Split::Train).unwrap()), expected);
}

#[test]
fn train_and_test_share_their_label_names() {
    let folder = folder_of(&[
        ("train/a/1.png", 1),
        ("train/b/1.png", 2),
        ("test/b/1.png", 3),
    ]);
    let train = load(&folder, Split::Train).unwrap();
    assert_eq!((values(&train), labels(&train)), (vec![1, 2], &[0, 1][..]));
    let test = load(&folder, Split::Test).unwrap();
    assert_eq!((values(&test), labels(&test)), (vec![3], &[1][..]));
    assert_eq!(names(&test), names(&train));
}

#[test]
fn a_test_split_must_be_there() {
    for folder in [folder_of(&[("a.png", 1)]), folder_of(&[("train/a.png", 1)])] {
        assert_eq!(load(&folder, Split::Train).unwrap().len(), 1);
        let error = load(&folder, Split::Test).unwrap_err();
        assert!(matches!(error, DataError::NoTestSplit { .. }), "{error}");
    }
}

#[test]
fn a_folder_that_is_itself_called_test_has_no_test_split() {
    let outer = folder_of(&[("test/a.png", 1)]);
    let error = ImageFolder
        .read(&outer.path().join("test"), Split::Test, &TINY.into())
        .unwrap_err();
    assert!(matches!(error, DataError::NoTestSplit { .. }), "{error}");
}

#[test]
fn an_empty_folder_says_what_was_looked_for() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("a.gif"), "GIF89a").unwrap();
    let error = load(&folder, Split::Train).unwrap_err();
    assert!(matches!(error, DataError::Empty { .. }), "{error}");
    assert!(
        error.to_string().contains("*.png, *.jpg, *.jpeg"),
        "{error}"
    );
}

#[test]
fn mixed_and_nested_folders_are_refused() {
    let mixed = folder_of(&[("loose.png", 1), ("cat/1.png", 2)]);
    let error = load(&mixed, Split::Train).unwrap_err();
    assert!(matches!(error, DataError::MixedLabels { .. }), "{error}");
    let message = error.to_string();
    assert!(
        message.contains("(loose.png)") && message.contains("1.png)"),
        "{message}"
    );
    let nested = folder_of(&[("a/b/1.png", 1)]);
    let error = load(&nested, Split::Train).unwrap_err();
    assert!(
        matches!(&error, DataError::Nested { path } if path.ends_with("a/b")),
        "{error}"
    );
}

#[test]
fn the_first_bad_file_in_order_is_named() {
    let folder = TempDir::new().unwrap();
    // Good images that take long come before the first bad one, so that a later one would win if
    // the fastest were reported.
    let slow = GrayImage::from_fn(1_500, 1_500, |x, y| Luma([(x * y / 7) as u8]));
    for index in 0..4 {
        slow.save(folder.path().join(format!("a{index}.png")))
            .unwrap();
    }
    for index in 0..60 {
        fs::write(folder.path().join(format!("b{index:02}.png")), "no image").unwrap();
    }
    let options = ImageOptions {
        fit: Fit::Crop,
        ..TINY
    };
    for _ in 0..3 {
        let error = ImageFolder
            .read(folder.path(), Split::Train, &options.into())
            .unwrap_err();
        let first = folder.path().join("b00.png");
        assert!(
            matches!(&error, DataError::Decode { path, .. } if *path == first),
            "{error}"
        );
    }
}

#[test]
fn exact_names_the_file_of_another_size() {
    let folder = folder_of(&[("a.png", 1)]);
    GrayImage::new(3, 2)
        .save(folder.path().join("b.png"))
        .unwrap();
    let error = load(&folder, Split::Train).unwrap_err();
    assert!(
        matches!(&error, DataError::WrongShape { path, found: [1, 2, 3], .. } if path.ends_with("b.png")),
        "{error}"
    );
    let options = ImageOptions {
        fit: Fit::Crop,
        ..TINY
    };
    assert_eq!(
        ImageFolder
            .read(folder.path(), Split::Train, &options.into())
            .unwrap()
            .len(),
        2
    );
}

#[test]
fn a_limit_takes_the_first_files_and_their_labels() {
    let folder = folder_of(&[("a/1.png", 10), ("a/2.png", 20), ("b/1.png", 30)]);
    fs::write(folder.path().join("b/2.png"), "no image").unwrap();
    let options = ReadOptions {
        limit: Some(3),
        ..TINY.into()
    };
    let images = ImageFolder
        .read(folder.path(), Split::Train, &options)
        .unwrap();
    assert_eq!(values(&images), [10, 20, 30]);
    assert_eq!(labels(&images), [0, 0, 1]);
    assert_eq!(names(&images), ["a", "b"]);
}

#[cfg(unix)]
#[test]
fn what_is_no_file_is_named_and_not_opened() {
    let folder = folder_of(&[("a.png", 10)]);
    let pipe = folder.path().join("b.png");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.unwrap().success());
    let message = load(&folder, Split::Train).unwrap_err().to_string();
    assert!(message.contains("b.png: found a pipe"), "{message}");
    fs::remove_file(&pipe).unwrap();
    std::os::unix::fs::symlink("/dev/zero", &pipe).unwrap();
    let message = load(&folder, Split::Train).unwrap_err().to_string();
    assert!(message.contains("b.png: found a device"), "{message}");
    fs::remove_file(&pipe).unwrap();
    std::os::unix::fs::symlink("b.png", &pipe).unwrap();
    let error = load(&folder, Split::Train).unwrap_err();
    assert!(
        matches!(&error, DataError::Io { path, .. } if path.ends_with("b.png")),
        "{error}"
    );
}

#[test]
fn without_a_shape_to_bring_images_to_none_is_read() {
    let folder = folder_of(&[("a.png", 1)]);
    let error = ImageFolder.read(folder.path(), Split::Train, &ReadOptions::default());
    let error = error.unwrap_err();
    assert!(matches!(error, DataError::NoShape { .. }), "{error}");
}

#[test]
fn options_are_checked_before_files() {
    let options = ImageOptions {
        channels: 4,
        ..TINY
    };
    let error = ImageFolder
        .read(Path::new("/nonexistent"), Split::Train, &options.into())
        .unwrap_err();
    assert!(
        matches!(
            error,
            DataError::Option {
                option: "channels",
                found: 4,
                ..
            }
        ),
        "{error}"
    );
    let error = ImageFolder
        .read(Path::new("/nonexistent"), Split::Train, &TINY.into())
        .unwrap_err();
    assert!(matches!(error, DataError::NotAFolder { .. }), "{error}");
}
