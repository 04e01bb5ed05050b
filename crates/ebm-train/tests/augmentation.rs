//! Random changes of images: what they may become, how often, and that they resume exactly.
#![allow(clippy::unwrap_used)]

mod common;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use burn::tensor::{Device, Tensor};
use common::{floats, recipe};
use ebm_models::{
    ConvLayerConfig, ConvNet, ConvNetConfig, DbmConfig, Energy, ImageShape, MlpConfig,
};
use ebm_ops::Noise;
use ebm_sampling::Interrupt;
use ebm_train::recipe::{OptimizerConfig, ReplayBufferConfig};
use ebm_train::{
    Augmentation, Examples, Loss, Objective, Points, Recipe, TrainError, Trainer, Update, weights,
};

const SIDES: [usize; 2] = [4, 5];

/// An image of two channels whose values all differ.
fn image() -> Vec<f32> {
    (0..2 * SIDES[0] * SIDES[1])
        .map(|value| value as f32)
        .collect()
}

fn many(count: usize) -> Tensor<4> {
    let values: Vec<f32> = std::iter::repeat_n(image(), count).flatten().collect();
    let [height, width] = SIDES;
    Tensor::<1>::from_floats(values.as_slice(), &Device::flex()).reshape([count, 2, height, width])
}

/// The value of a channel at a place, of its edge beyond it.
fn at(image: &[f32], channel: usize, row: i64, column: i64) -> f32 {
    let [height, width] = SIDES;
    let row = row.clamp(0, height as i64 - 1) as usize;
    let column = column.clamp(0, width as i64 - 1) as usize;
    image[(channel * height + row) * width + column]
}

/// The image moved down and to the right, of which the one before was mirrored.
fn moved(image: &[f32], mirrored: bool, down: i64, right: i64) -> Vec<f32> {
    let [height, width] = SIDES.map(|side| side as i64);
    let mut changed = Vec::new();
    for channel in 0..2 {
        for row in 0..height {
            for column in 0..width {
                let column = column - right;
                let column = if mirrored { width - 1 - column } else { column };
                changed.push(at(image, channel, row - down, column));
            }
        }
    }
    changed
}

#[test]
fn each_flip_and_shift_comes_equally_often_and_moves_whole_pixels() {
    const COUNT: usize = 9000;
    let augmentation = Augmentation::default().with_flip().with_shift(1);
    let changed = floats(augmentation.apply(many(COUNT), &mut Noise::new(5)));
    let mut counts: BTreeMap<(bool, i64, i64), usize> = BTreeMap::new();
    let image = image();
    for changed in changed.chunks(image.len()) {
        let of = |&(mirrored, down, right): &(bool, i64, i64)| {
            moved(&image, mirrored, down, right) == changed
        };
        let all = [false, true].into_iter().flat_map(|mirrored| {
            (-1..2).flat_map(move |down| (-1..2).map(move |right| (mirrored, down, right)))
        });
        let found: Vec<_> = all.filter(of).collect();
        assert_eq!(found.len(), 1, "{changed:?}");
        *counts.entry(found[0]).or_default() += 1;
    }
    assert_eq!(counts.len(), 18);
    let expected = COUNT as f64 / 18.0;
    let chi_square: f64 = counts
        .values()
        .map(|&count| (count as f64 - expected).powi(2) / expected)
        .sum();
    // Of 17 degrees of freedom: exceeded once in a million seeds.
    assert!(chi_square < 60.1, "{chi_square}: {counts:?}");
}

#[test]
fn turned_and_magnified_images_are_bilinear_means() {
    let (degrees, zoom) = (40.0_f64, 0.5_f64);
    let augmentation = Augmentation::default()
        .with_flip()
        .with_shift(2)
        .with_rotation(degrees)
        .with_zoom(zoom);
    let changed = floats(augmentation.apply(many(50), &mut Noise::new(8)));
    let draws: Tensor<2> = Noise::new(8).uniform([50, 5], &Device::flex());
    let image = image();
    let [height, width] = SIDES;
    let middle = SIDES.map(|side| (side as f64 - 1.0) / 2.0);
    let drawn = floats(draws);
    for (changed, draws) in changed.chunks(image.len()).zip(drawn.chunks(5)) {
        let draws: Vec<f64> = draws.iter().map(|&draw| f64::from(draw)).collect();
        let [down, right] = [draws[0], draws[1]].map(|draw| (draw * 5.0).floor() - 2.0);
        let angle = (2.0 * draws[2] - 1.0) * degrees.to_radians();
        let scale = (1.0 + zoom).powf(2.0 * draws[3] - 1.0);
        let mut values = changed.iter();
        for channel in 0..2 {
            for row in 0..height {
                for column in 0..width {
                    let y = row as f64 - middle[0] - down;
                    let x = column as f64 - middle[1] - right;
                    let source_y = (y * angle.cos() - x * angle.sin()) / scale + middle[0];
                    let source_x = (x * angle.cos() + y * angle.sin()) / scale;
                    let mirrored = if draws[4] < 0.5 { -1.0 } else { 1.0 };
                    let source_x = mirrored * source_x + middle[1];
                    let (top, left) = (source_y.floor(), source_x.floor());
                    let (below, beside) = (source_y - top, source_x - left);
                    let corner = |down: i64, right: i64| {
                        f64::from(at(&image, channel, top as i64 + down, left as i64 + right))
                    };
                    let upper = corner(0, 0) * (1.0 - beside) + corner(0, 1) * beside;
                    let lower = corner(1, 0) * (1.0 - beside) + corner(1, 1) * beside;
                    let expected = upper * (1.0 - below) + lower * below;
                    let found = f64::from(*values.next().unwrap());
                    // Values up to 40, places to seven digits.
                    assert!(
                        (found - expected).abs() < 1e-3,
                        "{found}, expected {expected}"
                    );
                }
            }
        }
    }
}

#[test]
fn nothing_asked_for_changes_nothing_and_draws_nothing() {
    let mut noise = Noise::new(1);
    let images = Augmentation::default().apply(many(3), &mut noise);
    assert_eq!(floats(images), floats(many(3)));
    assert_eq!(noise, Noise::new(1));
}

/// Writes down the batches that it sees.
struct Watch(Arc<Mutex<Vec<Vec<f32>>>>);

impl<M: Energy<4>> Objective<M, 4> for Watch {
    fn choose_points(&self, update: &mut Update<'_, M, 4>) -> Points<4> {
        let mut seen = self.0.lock().unwrap();
        seen.extend(floats(update.batch().x.clone()).chunks(40).map(Vec::from));
        Points::new(update.data(), |energies| Loss {
            value: energies.mean(),
            scalars: Vec::new(),
        })
    }
}

fn network() -> ConvNet {
    let image = ImageShape {
        channels: 2,
        height: SIDES[0],
        width: SIDES[1],
    };
    ConvNetConfig::new(image)
        .with_layers(vec![ConvLayerConfig::new(3, 3, 1, 1)])
        .with_hidden(4)
        .init(&Device::flex(), &mut Noise::new(4))
        .unwrap()
}

#[test]
fn examples_are_changed_before_an_objective_sees_them() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let recipe = recipe()
        .with_batch_size(10)
        .with_augmentation(Augmentation::default().with_flip());
    let builder = Trainer::builder(recipe).with_objective(Watch(seen.clone()));
    let examples = Examples::from_tensor(many(20));
    let mut trainer = builder.build(network(), examples, Noise::new(1)).unwrap();
    for _ in 0..20 {
        trainer.step();
    }
    let (plain, mirrored) = (image(), moved(&image(), true, 0, 0));
    let seen = seen.lock().unwrap();
    assert!(
        seen.iter()
            .all(|image| *image == plain || *image == mirrored)
    );
    let share = seen.iter().filter(|image| **image == mirrored).count() as f64 / 200.0;
    // Five standard deviations of 200 coins: exceeded by six seeds in ten million.
    assert!((share - 0.5).abs() < 0.18, "{share}");
}

fn augmented() -> Recipe {
    let turned = Augmentation::default().with_rotation(10.0).with_zoom(0.1);
    recipe()
        .with_batch_size(10)
        .with_augmentation(Augmentation::default().with_flip().with_shift(1))
        .with_chains(ReplayBufferConfig::new(30, 0.1).with_augmentation(turned))
        .with_optimizer(OptimizerConfig::adam(1e-2).with_spectral_limit(0.5))
}

fn trainer(recipe: Recipe, seed: u64) -> Trainer<ConvNet, 4> {
    let images = Noise::new(3).uniform([25, 2, SIDES[0], SIDES[1]], &Device::flex());
    Trainer::new(
        recipe,
        network(),
        Examples::from_tensor(images),
        Noise::new(seed),
    )
    .unwrap()
}

#[test]
fn training_resumes_bit_for_bit() {
    let (mut first, mut second) = (trainer(augmented(), 1), trainer(augmented(), 2));
    for _ in 0..4 {
        first.step();
    }
    second.restore(first.checkpoint()).unwrap();
    // What is called off is made again, with the same changes.
    assert!(
        second
            .step_unless(&mut Interrupt::when(&mut || true))
            .is_none()
    );
    for _ in 0..6 {
        assert_eq!(first.step(), second.step());
    }
    assert_eq!(weights(first.model()), weights(second.model()));
    let [first, second] = [first, second].map(|trainer| trainer.checkpoint());
    assert_eq!(first.tensors, second.tensors);
}

#[test]
fn chains_are_changed_before_they_move() {
    // Steps so short that nothing else moves them.
    let still = |augmentation| {
        let buffer = ReplayBufferConfig::new(30, 0.0);
        let sampler = ebm_train::recipe::LangevinConfig::new(1, 1e-9).with_noise(0.0);
        recipe()
            .with_batch_size(10)
            .with_sampler(sampler)
            .with_chains(match augmentation {
                Some(augmentation) => buffer.with_augmentation(augmentation),
                None => buffer,
            })
    };
    let chains = |recipe| {
        let mut trainer = trainer(recipe, 1);
        for _ in 0..20 {
            trainer.step();
        }
        let chains = trainer.checkpoint().tensors.remove("chains").unwrap();
        let mut values: Vec<f32> = chains.iter::<f32>().collect();
        values.sort_by(f32::total_cmp);
        values
            .iter()
            .map(|value| (value * 1e4).round())
            .collect::<Vec<_>>()
    };
    let before = chains(still(None));
    // Mirrored chains have the same values elsewhere, shifted ones lose some.
    assert_eq!(
        chains(still(Some(Augmentation::default().with_flip()))),
        before
    );
    assert_ne!(
        chains(still(Some(Augmentation::default().with_shift(1)))),
        before
    );
}

#[test]
fn what_is_no_image_is_refused() {
    let device = Device::flex();
    let flip = Augmentation::default().with_flip();
    let key = |error: TrainError| match error {
        TrainError::Value(value) => value.to_string(),
        other => panic!("{other:?}"),
    };
    let points: Examples<2> = Examples::from_tensor(Noise::new(1).uniform([30, 6], &device));
    let model = MlpConfig::new(6, vec![4]).init(&device, &mut Noise::new(2));
    let refused = Trainer::new(
        recipe().with_batch_size(5).with_augmentation(flip),
        model,
        points.clone(),
        Noise::new(1),
    );
    assert_eq!(
        key(refused.err().unwrap()),
        "config key `training.augmentation`: found examples of shape [6], expected images of more than one pixel, \
         of shape [channels, height, width]"
    );
    for (wrong, expected) in [
        (flip.with_rotation(-1.0), "training.augmentation.rotation"),
        (flip.with_zoom(f64::NAN), "training.augmentation.zoom"),
        (flip.with_shift(1 << 20), "training.augmentation.shift"),
    ] {
        let value = recipe().with_augmentation(wrong).validate().unwrap_err();
        assert_eq!(value.key, expected);
    }
    let chains = ReplayBufferConfig::new(200, 0.1).with_augmentation(flip.with_zoom(-1.0));
    let value = recipe().with_chains(chains).validate().unwrap_err();
    assert_eq!(value.key, "chains.augmentation.zoom");
    // Machines take vectors in the library, images in the command.
    let dbm = DbmConfig::new(6, vec![3, 2]).init(&device, &mut Noise::new(2));
    let boltzmann = Recipe::boltzmann_machine()
        .with_batch_size(5)
        .with_augmentation(flip);
    let refused = Trainer::new(boltzmann, dbm, points, Noise::new(1));
    assert!(key(refused.err().unwrap()).contains("training.augmentation"));
}
