//! Outliers and frozen chains start anew.

use burn::tensor::{Device, Tensor, TensorData};
use ebm_ops::{Interval, Noise};
use ebm_train::recipe::{LangevinConfig, OptimizerConfig, ReplayBufferConfig};
use ebm_train::{Eviction, Examples, Scalar, StepOutcome, Trainer};

use crate::common::recipe;
use crate::gaussians::{self, Gaussians};

/// A buffer of one batch whose chains stand still, after an update.
fn chains_after(chains: ReplayBufferConfig, rows: &[[f32; gaussians::COUNT]]) -> (Vec<f32>, f64) {
    let device = Device::flex();
    let mut noise = Noise::new(5);
    let points = gaussians::data(16, &device, &mut noise);
    let recipe = recipe()
        .with_batch_size(rows.len())
        .with_sampler(LangevinConfig::new(1, 1e-30).with_noise(0.0))
        .with_optimizer(OptimizerConfig::sgd(0.01))
        .with_chains(chains);
    let examples = Examples::from_tensor(points);
    let mut trainer = Trainer::new(recipe, Gaussians::new(&device), examples, noise).unwrap();
    let mut checkpoint = trainer.checkpoint();
    let planted = TensorData::new(rows.concat(), [rows.len(), gaussians::COUNT]);
    checkpoint.tensors.insert("chains".into(), planted);
    trainer.restore(checkpoint).unwrap();
    let outcome = trainer.step();
    assert!(matches!(outcome, StepOutcome::Applied(_)), "{outcome:?}");
    let after = trainer.checkpoint().tensors["chains"].clone();
    let evicted = outcome.metrics().get(Scalar::EVICTED).unwrap_or(f64::NAN);
    (after.iter::<f32>().collect(), evicted)
}

/// Fails unless these rows alone start anew, inside of the range.
fn assert_evicted(chains: ReplayBufferConfig, rows: &[[f32; gaussians::COUNT]], which: &[usize]) {
    let (after, share) = chains_after(chains, rows);
    for (index, (after, row)) in after.chunks(gaussians::COUNT).zip(rows).enumerate() {
        if which.contains(&index) {
            // A uniform value is one that was there with probability 1e-7.
            assert!(
                after.iter().zip(row).all(|(after, old)| after != old),
                "row {index} stayed"
            );
            assert!(after.iter().all(|value| (-1.5..1.5).contains(value)));
        } else {
            assert_eq!(after, row, "row {index} was replaced");
        }
    }
    assert!((share - which.len() as f64 / rows.len() as f64).abs() < 1e-6);
}

#[test]
fn the_planted_outlier_alone_starts_anew() {
    // Energies of 0.08 to 0.5, and one of 16.
    let mut rows = [[0.0; gaussians::COUNT]; 8];
    for (index, row) in rows.iter_mut().enumerate() {
        row.fill(0.1 + 0.02 * index as f32);
    }
    rows[2].fill(1.4);
    let plain = ReplayBufferConfig::new(8, 0.0);
    assert_evicted(plain.clone().evicting_above(6.0), &rows, &[2]);
    assert_evicted(plain.clone().evicting_above(1e4), &rows, &[]);
    // Without a key nothing is replaced, and nothing told.
    let (after, share) = chains_after(plain, &rows);
    assert_eq!(after, rows.concat());
    assert!(share.is_nan());
}

#[test]
fn frozen_chains_alone_start_anew() {
    let mut rows = [[0.3_f32; gaussians::COUNT]; 6];
    rows[1] = std::array::from_fn(|index| if index < 4 { 1.5 } else { -1.5 });
    rows[4].fill(1.5);
    rows[4][..2].fill(0.0);
    let plain = ReplayBufferConfig::new(6, 0.0);
    assert_evicted(plain.clone().evicting_frozen(1.0), &rows, &[1]);
    assert_evicted(plain.clone().evicting_frozen(0.9), &rows, &[1]);
    // 14 of 16 values of the other.
    assert_evicted(plain.clone().evicting_frozen(0.875), &rows, &[1, 4]);
    assert_evicted(
        plain.evicting_frozen(0.875).evicting_above(1e4),
        &rows,
        &[1, 4],
    );
}

#[test]
fn chains_that_come_to_the_ends_or_lie_still_elsewhere_are_not_frozen() {
    let device = Device::flex();
    let model = |x: Tensor<2>| -> Tensor<1> { x.sum_dim(1).squeeze_dim(1) };
    let eviction = Eviction {
        above: None,
        frozen: Some(1.0),
        range: Interval::new(0.0, 1.0),
    };
    let start = [[1.0, 0.0], [0.5, 0.5], [0.0, 1.0], [0.0, 0.0]];
    let end = [[1.0, 0.0], [0.5, 0.5], [1.0, 1.0], [0.5, 0.0]];
    let [start, end] = [start, end].map(|rows| Tensor::<2>::from_floats(rows, &device));
    let find = |eviction: Eviction| -> Vec<bool> {
        let found = eviction.find(&model, start.clone(), end.clone());
        found.into_data().iter::<bool>().collect()
    };
    assert_eq!(find(eviction), [true, false, false, false]);
    // Energies of 1, 1, 2 and 0.5: more than half deviate by nothing, so nobody is an outlier.
    let outliers = Eviction {
        above: Some(0.1),
        frozen: None,
        ..eviction
    };
    assert_eq!(find(outliers), [false; 4]);
}
