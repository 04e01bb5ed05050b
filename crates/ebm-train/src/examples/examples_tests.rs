//! Tests of examples: labels stay with their rows, whatever is done to them.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use super::*;
use crate::data::{Binarize, Fit, ImageOptions, Split, digits, idx, load_folder};

const OPTIONS: ImageOptions = ImageOptions {
    channels: 3,
    height: 2,
    width: 2,
    fit: Fit::Exact,
};

/// The label of each image of a split: every image is of the colour 20 times its label, and 5 more
/// in the test split.
const TRAIN: [u8; 7] = [3, 1, 4, 1, 5, 9, 2];
const TEST: [u8; 3] = [6, 0, 9];

/// Writes both splits into a folder.
type Write = fn(&Path);

fn of_split(split: Split) -> (&'static [u8], u8) {
    match split {
        Split::Train => (&TRAIN, 0),
        Split::Test => (&TEST, 5),
    }
}

fn write_idx(folder: &Path) {
    for (split, name) in [(Split::Train, "train"), (Split::Test, "t10k")] {
        let (labels, more) = of_split(split);
        let pixels = labels.iter().flat_map(|label| [20 * label + more; 4]);
        let images = Images::new(pixels.collect(), [1, 2, 2]).unwrap();
        idx::write_images(&folder.join(format!("{name}-images-idx3-ubyte")), &images).unwrap();
        let labels: Vec<u32> = labels.iter().copied().map(u32::from).collect();
        idx::write_labels(&folder.join(format!("{name}-labels-idx1-ubyte")), &labels).unwrap();
    }
}

fn write_cifar(folder: &Path) {
    let records = |labels: &[u8], more: u8| -> Vec<u8> {
        let record = |&label: &u8| [&[label][..], &[20 * label + more; 3072]].concat();
        labels.iter().flat_map(record).collect()
    };
    let (labels, more) = of_split(Split::Train);
    for (batch, labels) in [
        &labels[..2],
        &labels[2..3],
        &labels[3..4],
        &labels[4..6],
        &labels[6..],
    ]
    .into_iter()
    .enumerate()
    {
        let name = format!("data_batch_{}.bin", batch + 1);
        fs::write(folder.join(name), records(labels, more)).unwrap();
    }
    let (labels, more) = of_split(Split::Test);
    fs::write(folder.join("test_batch.bin"), records(labels, more)).unwrap();
}

fn write_images(folder: &Path) {
    for (split, name) in [(Split::Train, "train"), (Split::Test, "test")] {
        let (labels, more) = of_split(split);
        // Every class has a sub-folder with an image, so that labels are the digits.
        for (number, label) in (0..10).chain(labels.iter().copied()).enumerate() {
            let class = folder.join(name).join(label.to_string());
            fs::create_dir_all(&class).unwrap();
            image::RgbImage::from_pixel(2, 2, image::Rgb([20 * label + more; 3]))
                .save(class.join(format!("{number}.png")))
                .unwrap();
        }
    }
}

fn host(labels: Option<Tensor<1, Int>>) -> Vec<i64> {
    labels.unwrap().into_data().iter::<i64>().collect()
}

/// Checks that each example has the label that its colour says.
fn check(batch: Batch<4>, more: i64) {
    let [count, ..] = batch.x.dims();
    let colors: Vec<f32> = batch
        .x
        .reshape([count as i32, -1])
        .narrow(1, 0, 1)
        .into_data()
        .iter::<f32>()
        .collect();
    let labels = host(batch.labels);
    let expected: Vec<i64> = colors
        .iter()
        .map(|color| (color.round() as i64 - more) / 20)
        .collect();
    assert_eq!(labels, expected, "{colors:?}");
}

#[test]
fn labels_follow_their_rows_in_every_format() {
    let device = Device::flex();
    let formats: [(&str, Write); 3] = [
        ("IDX", write_idx),
        ("CIFAR-10", write_cifar),
        ("images", write_images),
    ];
    for (name, write) in formats {
        let folder = TempDir::new().unwrap();
        write(folder.path());
        for split in [Split::Train, Split::Test] {
            let (labels, more) = of_split(split);
            let more = i64::from(more);
            let images = load_folder(folder.path(), split, &OPTIONS.into()).unwrap();
            assert!(images.len() >= labels.len(), "{name}");
            for limit in [images.len(), 2] {
                let images = images.clone().take(limit);
                let examples = Examples::from_images(&images, (0.0, 255.0), &device);
                assert_eq!(examples.classes(), Some(10), "{name}");
                let count = examples.len();
                let mut order = Order::new(Noise::new(8));
                for _ in 0..3 {
                    check(examples.batch(order.next(count, count)), more);
                }
                examples.batches(2).for_each(|batch| check(batch, more));
                let rest = examples.skip(1).unwrap();
                assert_eq!(rest.classes(), Some(10));
                rest.batches(3).for_each(|batch| check(batch, more));
                let flat = examples.flattened().batch(&[1, 0]);
                let both = examples.batch(&[1, 0]);
                assert_eq!(host(flat.labels), host(both.labels));
            }
        }
    }
}

#[test]
fn labels_stay_when_pixels_change() {
    let images = digits(Split::Test).unwrap();
    let labels = images.labels().unwrap().clone();
    let larger = ImageOptions {
        channels: 1,
        height: 9,
        width: 9,
        fit: Fit::Crop,
    };
    let changed = images.binarized(Binarize::Sample).resized(&larger).unwrap();
    let examples = Examples::from_owned_images(changed, (0.0, 1.0), &Device::flex());
    let expected: Vec<i64> = labels.indices().iter().copied().map(i64::from).collect();
    assert_eq!(host(examples.labels()), expected);
}

#[test]
fn a_fingerprint_says_nothing_of_labels() {
    let device = Device::flex();
    let images = Images::new((0..12).collect(), [1, 2, 2]).unwrap();
    let labelled = images
        .clone()
        .with_labels(Labels::new(vec![1, 0, 2]))
        .unwrap();
    let [without, with] =
        [images, labelled].map(|images| Examples::from_owned_images(images, (0.0, 1.0), &device));
    assert_eq!(without.fingerprint(), with.fingerprint());
    assert!(without.labels().is_none() && without.batch(&[0]).labels.is_none());
}

#[test]
fn points_can_have_labels_too() {
    let points = Tensor::<2>::from_data([[0.0, 1.0], [2.0, 3.0]], &Device::flex());
    let labels = Labels::of_classes(vec![1, 0], 2).unwrap();
    let examples = Examples::from_tensor(points).with_labels(&labels);
    assert_eq!(host(examples.batch(&[1, 1, 0]).labels), [0, 0, 1]);
}

#[test]
#[should_panic(expected = "1 labels for 2 examples")]
fn there_is_one_label_an_example() {
    let points = Tensor::<2>::zeros([2, 2], &Device::flex());
    let _ = Examples::from_tensor(points).with_labels(&Labels::new(vec![0]));
}
