//! Limits of the largest singular value, against one-sided Jacobi rotations in double precision.

use burn::tensor::Device;
use ebm_models::{ConvLayerConfig, ConvNet, ConvNetConfig, ImageShape};
use ebm_ops::Noise;
use ebm_train::recipe::OptimizerConfig;
use ebm_train::{Examples, Recipe, StepOutcome, Trainer, weights};

use crate::common::recipe;

const LIMIT: f64 = 0.4;

fn rule(limit: Option<f64>) -> Recipe {
    let mut optimizer = OptimizerConfig::adam(3e-3);
    if let Some(limit) = limit {
        optimizer = optimizer.with_spectral_limit(limit);
    }
    recipe().with_batch_size(8).with_optimizer(optimizer)
}

fn trainer(limit: Option<f64>) -> Trainer<ConvNet, 4> {
    let device = Device::flex();
    let image = ImageShape {
        channels: 1,
        height: 6,
        width: 6,
    };
    let layers = vec![
        ConvLayerConfig::new(5, 3, 2, 1),
        ConvLayerConfig::new(7, 3, 1, 1),
    ];
    let model = ConvNetConfig::new(image)
        .with_layers(layers)
        .with_hidden(4)
        .init(&device, &mut Noise::new(4))
        .unwrap();
    let images = Noise::new(3).uniform([16, 1, 6, 6], &device);
    Trainer::new(
        rule(limit),
        model,
        Examples::from_tensor(images),
        Noise::new(1),
    )
    .unwrap()
}

/// The largest singular value of each weight of two dimensions or more, with its name.
fn largest_singular_values(model: &ConvNet) -> Vec<(String, f64)> {
    let weights = weights(model).into_iter();
    let matrices = weights.filter(|(_, data)| data.shape().len() > 1);
    matrices
        .map(|(name, data)| {
            let rows = data.shape()[0];
            let values: Vec<f64> = data.iter::<f32>().map(f64::from).collect();
            let rows: Vec<Vec<f64>> = values.chunks(values.len() / rows).map(Vec::from).collect();
            (name, largest_singular_value(rows))
        })
        .collect()
}

/// Turns pairs of rows until all are orthogonal (Hestenes 1958): their lengths are the singular
/// values.
fn largest_singular_value(mut rows: Vec<Vec<f64>>) -> f64 {
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    for _ in 0..30 {
        for i in 0..rows.len() {
            for j in i + 1..rows.len() {
                let (aa, bb, ab) = (
                    dot(&rows[i], &rows[i]),
                    dot(&rows[j], &rows[j]),
                    dot(&rows[i], &rows[j]),
                );
                let angle = 0.5 * (2.0 * ab).atan2(aa - bb);
                let (sin, cos) = angle.sin_cos();
                for k in 0..rows[i].len() {
                    let (a, b) = (rows[i][k], rows[j][k]);
                    (rows[i][k], rows[j][k]) = (cos * a + sin * b, cos * b - sin * a);
                }
            }
        }
    }
    rows.iter()
        .map(|row| dot(row, row).sqrt())
        .fold(0.0, f64::max)
}

#[test]
fn no_weight_stretches_more_than_the_limit() {
    let mut free = trainer(None);
    let mut limited = trainer(Some(LIMIT));
    for update in 0..60 {
        free.step();
        assert!(matches!(limited.step(), StepOutcome::Applied(_)));
        for (name, value) in largest_singular_values(limited.model()) {
            assert!(
                value < LIMIT * 1.02,
                "{name} after update {update}: {value}"
            );
        }
    }
    let values = largest_singular_values(limited.model());
    let at_limit = values.iter().filter(|(_, value)| *value > LIMIT * 0.98);
    assert!(at_limit.count() >= 2, "{values:?}");
    let free = largest_singular_values(free.model());
    assert!(
        free.iter().any(|(_, value)| *value > 1.5 * LIMIT),
        "{free:?}"
    );
}

#[test]
fn a_limit_that_is_never_reached_changes_nothing() {
    let (mut free, mut limited) = (trainer(None), trainer(Some(1e3)));
    for _ in 0..5 {
        assert_eq!(free.step(), limited.step());
    }
    assert_eq!(weights(free.model()), weights(limited.model()));
}

#[test]
fn a_limit_can_be_set_and_lifted_between_checkpoints() {
    let (mut free, mut limited) = (trainer(None), trainer(Some(LIMIT)));
    free.step();
    limited.step();
    let (without, with) = (free.checkpoint(), limited.checkpoint());
    limited.restore(without).unwrap();
    limited.step();
    for (name, value) in largest_singular_values(limited.model()) {
        assert!(value < LIMIT * 1.02, "{name}: {value}");
    }
    free.restore(with).unwrap();
    assert!(matches!(free.step(), StepOutcome::Applied(_)));
}
