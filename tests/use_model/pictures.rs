//! `ebm inpaint`, `denoise`, `compose`, `compare` and `recall`: what they write and what they say.

use std::fs;
use std::path::Path;

use image::{GrayImage, RgbImage};
use serde_json::Value;

use crate::common::{succeed, train, workspace};
use crate::{printed, train_machines};

fn open(folder: &Path, name: &str) -> RgbImage {
    image::open(folder.join(name)).unwrap().into_rgb8()
}

/// The grey value in the middle of a pixel of an image of 8x8 in a grid of pictures that are enlarged sixfold, 2 apart.
fn pixel(picture: &RgbImage, column: u32, row: u32, (x, y): (u32, u32)) -> u8 {
    let at = |cell: u32, pixel: u32| cell * (48 + 2) + 2 + pixel * 6 + 3;
    picture.get_pixel(at(column, x), at(row, y)).0[0]
}

/// A picture of 8x8 whose pixels are all different.
fn gradient(folder: &Path, name: &str) -> GrayImage {
    let image = GrayImage::from_fn(8, 8, |x, y| image::Luma([(x * 30 + y * 4) as u8]));
    image.save(folder.join(name)).unwrap();
    image
}

#[test]
fn inpainting_changes_free_pixels_alone() {
    let folder = workspace();
    let folder = folder.path();
    train(folder, "network", &[]);
    train_machines(folder);
    let image = gradient(folder, "mine.png");
    let hole = |x, y| (3..6).contains(&x) && y > 4;
    GrayImage::from_fn(8, 8, |x, y| image::Luma([if hole(x, y) { 255 } else { 0 }]))
        .save(folder.join("hole.png"))
        .unwrap();
    for (run, mask, two_valued) in [
        ("network", "hole.png", false),
        ("network", "rectangle:5,3,3,3", false),
        ("rbm", "hole.png", true),
        ("memory", "hole.png", true),
    ] {
        #[rustfmt::skip]
        let arguments = [
            "inpaint", "--run", run, "mine.png", "--mask", mask, "--draws", "2", "--steps", "3",
            "--out", "filled.png",
        ];
        let said = succeed(folder, &arguments);
        assert!(
            said.contains("9 of 64 pixels free, 1 images, 2 draws"),
            "{said}"
        );
        assert!(
            said.contains("mean energy") && said.contains("wrote filled.png"),
            "{said}"
        );
        let picture = open(folder, "filled.png");
        let mut moved = 0;
        for (x, y, value) in image.enumerate_pixels() {
            let expected = match two_valued {
                true if value.0[0] >= 128 => 255,
                true => 0,
                false => value.0[0],
            };
            assert_eq!(pixel(&picture, 0, 0, (x, y)), expected, "{run}: {x}, {y}");
            for column in [2, 3] {
                let found = pixel(&picture, column, 0, (x, y));
                assert!(hole(x, y) || found == expected, "{run}: {x}, {y}");
                moved += u32::from(found != expected);
            }
        }
        assert!(moved > 0, "{run}: no pixel moved");
    }
    // Held-out digits, and another seed other pixels.
    let arguments = ["inpaint", "--run", "network", "-n", "3", "--steps", "2"];
    succeed(folder, &arguments);
    let first = fs::read(folder.join("inpaint.png")).unwrap();
    succeed(folder, &arguments);
    assert_eq!(fs::read(folder.join("inpaint.png")).unwrap(), first);
    succeed(folder, &[&arguments[..], &["--seed", "1"]].concat());
    assert_ne!(fs::read(folder.join("inpaint.png")).unwrap(), first);
}

#[test]
fn denoising_says_how_well() {
    let folder = workspace();
    let folder = folder.path();
    train(folder, "network", &[]);
    for image in ["most-probable", "mean", "draw"] {
        #[rustfmt::skip]
        let arguments = ["denoise", "--run", "network", "-n", "4", "--noise", "0.2", "--image", image, "--steps", "5"];
        let said = succeed(folder, &arguments);
        let line = said.lines().find(|line| line.starts_with("PSNR")).unwrap();
        let number = |index: usize| line.split_whitespace().nth(index).unwrap().parse::<f64>();
        // Noise of a fifth of the peak is 14 dB, and more where it is cut to the range.
        let before = number(1).unwrap();
        assert!((14.0..18.0).contains(&before), "{line}");
        assert!(number(4).unwrap().is_finite(), "{line}");
        // Three pictures for each of four images, never broken by the end of a row.
        let picture = open(folder, "denoise.png");
        assert_eq!(picture.width() % (3 * 50), 2, "{image}");
        fs::remove_file(folder.join("denoise.png")).unwrap();
    }
    gradient(folder, "noisy.png");
    let arguments = [
        "denoise",
        "--run",
        "network",
        "noisy.png",
        "--observed",
        "--out",
        "clean.png",
    ];
    let said = succeed(folder, &arguments);
    assert!(!said.contains("PSNR"), "{said}");
    assert_eq!(open(folder, "clean.png").width(), 2 * 50 + 2);
}

#[test]
fn denoising_counts_wrong_pixels_where_there_are_two_values() {
    let folder = workspace();
    let folder = folder.path();
    train_machines(folder);
    let arguments = [
        "denoise", "--run", "rbm", "-n", "50", "--noise", "0.1", "--steps", "3",
    ];
    let said = succeed(folder, &arguments);
    assert!(said.contains("PSNR"), "{said}");
    let line = said.lines().find(|line| line.starts_with("wrong")).unwrap();
    let number = |index: usize| line.split_whitespace().nth(index).unwrap().parse::<f64>();
    // A tenth of 50 images of 64 pixels, within 5 standard errors (5.7e-7).
    let before = number(2).unwrap();
    assert!(
        (before - 10.0).abs() < 5.0 * 100.0 * (0.09_f64 / 3200.0).sqrt(),
        "{line}"
    );
    assert!((0.0..100.0).contains(&number(5).unwrap()), "{line}");
}

#[test]
fn models_are_composed_and_sampled() {
    let folder = workspace();
    let folder = folder.path();
    train(folder, "a", &[]);
    train(folder, "b", &["--seed", "9"]);
    train_machines(folder);
    let compose = |more: &[&str]| {
        let common = ["compose", "-n", "4", "--steps", "3", "--out", "out.png"];
        let said = succeed(folder, &[&common[..], more].concat());
        assert!(said.contains("4 samples of "), "{said}");
        let picture = fs::read(folder.join("out.png")).unwrap();
        fs::remove_file(folder.join("out.png")).unwrap();
        picture
    };
    let product = compose(&["a", "b"]);
    for more in [
        &["a", "b", "--weights", "1,2"][..],
        &["a", "b", "--kind", "negation"],
        &["a", "--kind", "negation"],
        &["rbm", "rbm", "--kind", "product"],
        &["rbm", "rbm", "--kind", "mixture", "--weights", "0.5,0.5"],
    ] {
        assert_ne!(compose(more), product, "{more:?}");
    }
    assert_eq!(compose(&["a", "b", "--weights", "1,1"]), product);
}

/// A model composed of one run with weight 1 draws what `ebm sample` draws.
#[test]
fn a_composition_of_one_model_is_that_model() {
    let folder = workspace();
    let folder = folder.path();
    train(folder, "a", &[]);
    let options = ["-n", "4", "--steps", "3", "--out"];
    succeed(
        folder,
        &[&["compose", "a"], &options[..], &["one.png"]].concat(),
    );
    succeed(
        folder,
        &[&["sample", "--run", "a"], &options[..], &["same.png"]].concat(),
    );
    let read = |name: &str| fs::read(folder.join(name)).unwrap();
    assert_eq!(read("one.png"), read("same.png"));
}

#[test]
fn a_comparison_changes_its_sign_with_the_order() {
    let folder = workspace();
    let folder = folder.path();
    train(folder, "network", &[]);
    gradient(folder, "a.png");
    GrayImage::from_pixel(8, 8, image::Luma([77]))
        .save(folder.join("b.png"))
        .unwrap();
    let ratio = |first: &str, second: &str| {
        let said = succeed(
            folder,
            &["compare", first, second, "--run", "network", "--json"],
        );
        let report: Value = serde_json::from_str(&said).unwrap();
        let number = |key: &str| report[key].as_f64().unwrap();
        let ratio = number("log_ratio");
        assert!((number("f_first") - number("f_second") - ratio).abs() < 1e-12);
        ratio
    };
    let forth = ratio("a.png", "b.png");
    assert!(forth != 0.0);
    assert_eq!(ratio("b.png", "a.png"), -forth);
    assert_eq!(ratio("a.png", "a.png"), 0.0);
    let said = succeed(folder, &["compare", "a.png", "b.png", "--run", "network"]);
    for needle in [
        "the model prefers ",
        "f(A) = ",
        "log p(A) - log p(B) = ",
        "odds p(A) / p(B)",
        "temperature",
    ] {
        assert!(said.contains(needle), "{said}");
    }
}

#[test]
fn stored_digits_are_recalled_from_damaged_ones() {
    let folder = workspace();
    let folder = folder.path();
    train_machines(folder);
    let said = printed(folder, &["recall", "--run", "memory", "--flip", "0"]);
    assert!(said.contains("3 of 3 ended in a stored example"), "{said}");
    let said = printed(folder, &["recall", "--run", "memory", "--flip", "0.1"]);
    assert!(
        said.contains("nearest") && said.contains("wrote recall.png"),
        "{said}"
    );
    // Three digits, each as given, as recalled, and the nearest.
    let picture = open(folder, "recall.png");
    assert_eq!(picture.width() % (3 * 50), 2);
    // A picture of nothing falls somewhere; nothing of it is flipped.
    GrayImage::new(8, 8).save(folder.join("black.png")).unwrap();
    let arguments = [
        "recall",
        "--run",
        "memory",
        "black.png",
        "--out",
        "where.png",
    ];
    printed(folder, &arguments);
    let picture = open(folder, "where.png");
    assert!((0..8).all(|x| pixel(&picture, 0, 0, (x, x)) == 0));
}
