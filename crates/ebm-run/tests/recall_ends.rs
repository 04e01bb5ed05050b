//! Where recall ends: in the example that was damaged, in another stored one, or in none.
#![allow(clippy::unwrap_used)]

use burn::tensor::{Device, Tensor};
use ebm_models::{Coding, HopfieldConfig};
use ebm_ops::Noise;
use ebm_run::AnyModel;
use ebm_run::evaluation::{RecallEnd, recall_damaged, recall_images, recall_originals};
use ebm_sampling::random_states;
use ebm_train::Examples;

/// Three random patterns of 64 spins, far fewer than a network of that size keeps.
fn memory(device: &Device) -> (AnyModel, Tensor<4>) {
    let patterns = random_states(Coding::Spin, [3, 64], device, &mut Noise::new(1));
    let network = HopfieldConfig::new(64).init(device).store(patterns.clone());
    (AnyModel::Hopfield(network), patterns.reshape([3, 1, 8, 8]))
}

#[test]
fn another_memory_is_no_success() {
    let device = Device::flex();
    let (network, patterns) = memory(&device);
    let stored = Examples::from_tensor(patterns.clone());
    let mut noise = Noise::new(2);
    // The first as it is, the third in place of the second, and the opposite of the third.
    let row = |index| patterns.clone().narrow(0, index, 1);
    let damaged = Tensor::cat(vec![row(0), row(2), row(2).neg()], 0);
    let found = recall_originals(&network, damaged.clone(), &stored, &mut noise).unwrap();
    let ends: Vec<RecallEnd> = found.images.iter().map(|image| image.end).collect();
    let expected = [RecallEnd::Original, RecallEnd::Stored, RecallEnd::Elsewhere];
    assert_eq!(ends, expected);
    assert_eq!(found.images[1].nearest, 2);
    // Where nothing is known of the originals, a stored example is all that can be said.
    let found = recall_images(&network, damaged, &stored, &mut noise).unwrap();
    let ends: Vec<RecallEnd> = found.images.iter().map(|image| image.end).collect();
    assert_eq!(
        ends,
        [RecallEnd::Stored, RecallEnd::Stored, RecallEnd::Elsewhere]
    );
}

#[test]
fn equal_examples_are_one_memory() {
    let device = Device::flex();
    let (network, patterns) = memory(&device);
    let stored = Examples::from_tensor(Tensor::cat(vec![patterns.clone(), patterns.clone()], 0));
    let given = Tensor::cat(vec![patterns.clone(), patterns], 0);
    let found = recall_originals(&network, given, &stored, &mut Noise::new(3)).unwrap();
    let back = |image: &ebm_run::evaluation::RecalledImage| image.end == RecallEnd::Original;
    assert!(found.images.iter().all(back), "{:?}", found.images);
}

/// Every unit of two opposite patterns flipped makes each the other.
#[test]
fn shares_tell_the_original_from_another() {
    let device = Device::flex();
    let one = random_states(Coding::Spin, [1, 64], &device, &mut Noise::new(4));
    let both = Tensor::cat(vec![one.clone(), one.neg()], 0);
    let network = HopfieldConfig::new(64).init(&device).store(both.clone());
    let (network, stored) = (
        AnyModel::Hopfield(network),
        Examples::from_tensor(both.reshape([2, 1, 8, 8])),
    );
    for (damage, perfect, other) in [(0.0, 1.0, 0.0), (1.0, 0.0, 1.0)] {
        let mut noise = Noise::new(5);
        let found = recall_damaged(&network, &stored, 2, damage, &mut noise).unwrap();
        assert_eq!((found.report.perfect, found.report.other), (perfect, other));
    }
}
