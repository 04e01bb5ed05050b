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

/// The left and upper edges of the images in a picture of one row of groups of 8x8, and how often
/// they are enlarged: what lies between the lines of dark grey that frame each image.
fn cells(picture: &RgbImage) -> (Vec<u32>, u32, u32) {
    const FRAME: image::Rgb<u8> = image::Rgb([64, 64, 64]);
    let (width, height) = picture.dimensions();
    let framed = |x: u32, y: u32| *picture.get_pixel(x, y) == FRAME;
    // Columns that are dark over most of the picture are lines; so is the first dark row.
    let line = |x: u32| (0..height).filter(|&y| framed(x, y)).count() as u32 > height / 2;
    let lines: Vec<bool> = (0..width).map(line).collect();
    let lines = &lines;
    let edges = |from: bool| {
        (1..width).filter(move |&x| lines[x as usize - 1] == from && lines[x as usize] != from)
    };
    let (left, right): (Vec<u32>, Vec<u32>) = (edges(true).collect(), edges(false).collect());
    // Behind the last line is the page, before the first one too.
    let side = right[1] - left[0];
    let left: Vec<u32> = left
        .into_iter()
        .filter(|&x| right.contains(&(x + side)))
        .collect();
    let top = (0..height).find(|&y| framed(left[0], y)).unwrap() + 2;
    assert_eq!(side % 8, 0);
    (left, top, side / 8)
}

/// The grey value in the middle of a pixel of an image of 8x8.
fn pixel(picture: &RgbImage, column: u32, (x, y): (u32, u32)) -> u8 {
    let (left, top, zoom) = cells(picture);
    let at = |edge: u32, pixel: u32| edge + pixel * zoom + zoom / 2;
    picture
        .get_pixel(at(left[column as usize], x), at(top, y))
        .0[0]
}

/// A picture as wide as a page, with dark text in the strip above the images.
fn assert_is_titled(picture: &RgbImage) {
    assert!(
        (560..=1000).contains(&picture.width()),
        "{}",
        picture.width()
    );
    let (_, top, _) = cells(picture);
    let strip = picture.enumerate_pixels().filter(|(_, y, _)| *y < top - 2);
    let (dark, all) = strip.fold((0, 0), |(dark, all), (_, _, pixel)| {
        (dark + u32::from(pixel.0[0] < 100), all + 1)
    });
    assert!(dark > 60 && dark < all / 4, "{dark} of {all}");
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
        assert_is_titled(&picture);
        assert_eq!(cells(&picture).0.len(), 4);
        let mut moved = 0;
        for (x, y, value) in image.enumerate_pixels() {
            let expected = match two_valued {
                true if value.0[0] >= 128 => 255,
                true => 0,
                false => value.0[0],
            };
            assert_eq!(pixel(&picture, 0, (x, y)), expected, "{run}: {x}, {y}");
            for column in [2, 3] {
                let found = pixel(&picture, column, (x, y));
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
        // Three pictures for each image, in whole groups.
        let picture = open(folder, "denoise.png");
        assert_is_titled(&picture);
        assert_eq!(cells(&picture).0.len() % 3, 0, "{image}");
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
    let picture = open(folder, "clean.png");
    assert_is_titled(&picture);
    assert_eq!(cells(&picture).0.len(), 2);
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
    assert_is_titled(&image::load_from_memory(&product).unwrap().into_rgb8());
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
        // As `ebm eval --json` says it: this network was trained at another temperature than 1.
        assert_eq!(report["unit"], "model units");
        assert!(number("temperature") < 1.0);
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
        "model units",
        "log p(A) - log p(B) = ",
        "odds ",
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
    assert!(
        said.contains("3 of 3 came back; 0 ended in another stored example, 0 in none"),
        "{said}"
    );
    let said = printed(folder, &["recall", "--run", "memory", "--flip", "0.1"]);
    assert!(
        said.contains("nearest") && said.contains("wrote recall.png"),
        "{said}"
    );
    // Three digits, each the original, as damaged, and as recalled.
    let picture = open(folder, "recall.png");
    assert_is_titled(&picture);
    assert_eq!(cells(&picture).0.len() % 3, 0);
    // Every pixel flipped is the opposite of a memory, which is one too, but never the memory
    // itself.
    let said = printed(folder, &["recall", "--run", "memory", "--flip", "1"]);
    assert!(said.contains("0 of 3 came back; "), "{said}");
    let turned = open(folder, "recall.png");
    let intact = |x| (pixel(&picture, 0, (x, x)), pixel(&turned, 0, (x, x)));
    assert!(
        (0..8).map(intact).all(|(a, b)| a == b),
        "the first is not the original"
    );
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
    assert_eq!(cells(&picture).0.len(), 3);
    assert!((0..8).all(|x| pixel(&picture, 0, (x, x)) == 0));
}

#[test]
fn pictures_of_the_user_are_read_with_the_white_of_the_data() {
    let folder = workspace();
    let folder = folder.path();
    let save = |name: &str, scale: u8| {
        let image =
            GrayImage::from_fn(8, 8, |x, y| image::Luma([((x * 2 + y) % 17) as u8 * scale]));
        image.save(folder.join(name)).unwrap();
    };
    fs::create_dir(folder.join("data")).unwrap();
    (0..12).for_each(|index| save(&format!("data/{index}.png"), 1));
    let settings = ["data={kind=\"folder\", path=\"data\", channels=1, size=[8, 8], white=16}"];
    train(folder, "run", &["--set", settings[0]]);
    save("raw.png", 1);
    // As the program writes the same picture.
    let image = GrayImage::from_fn(8, 8, |x, y| {
        image::Luma([(((x * 2 + y) % 17) * 255 + 8).div_euclid(16) as u8])
    });
    image.save(folder.join("written.png")).unwrap();
    let compare = |first: &str, second: &str| {
        let arguments = ["compare", first, second, "--run", "run", "--json"];
        let output = crate::common::run(folder, &arguments);
        let said = crate::common::text(&output.stderr);
        assert!(output.status.success(), "{said}");
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        (report["log_ratio"].as_f64().unwrap(), said)
    };
    let (ratio, said) = compare("raw.png", "written.png");
    assert_eq!(ratio, 0.0, "{said}");
    for needle in ["raw.png", "written.png", "data.white"] {
        assert!(said.contains(needle), "{said}");
    }
}
