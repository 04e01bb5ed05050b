//! Where recall ends: in the example that was damaged, in another stored one, or in none.

use burn::tensor::{Device, Tensor};
use ebm_models::{Coding, Energy, Hopfield, HopfieldConfig, PairwiseStructure, Structure};
use ebm_ops::Noise;
use ebm_sampling::gibbs::random_states;
use ebm_train::Examples;
use ebm_train::judging::{flip, recall_damaged};
use ebm_train::using::{RecallEnd, RecalledImage, recall_images, recall_originals};

use super::{floats, tensor};

/// Three random patterns of 64 spins, far fewer than a network of that size keeps.
fn memory(device: &Device) -> (Hopfield, Tensor<4>) {
    let patterns = random_states(Coding::Spin, [3, 64], device, &mut Noise::new(1));
    let network = HopfieldConfig::new(64).init(device).store(patterns.clone());
    (network, patterns.reshape([3, 1, 8, 8]))
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
    let back = |image: &RecalledImage| image.end == RecallEnd::Original;
    assert!(found.images.iter().all(back), "{:?}", found.images);
}

/// Every unit of two opposite patterns flipped makes each the other.
#[test]
fn shares_tell_the_original_from_another() {
    let device = Device::flex();
    let one = random_states(Coding::Spin, [1, 64], &device, &mut Noise::new(4));
    let both = Tensor::cat(vec![one.clone(), one.neg()], 0);
    let network = HopfieldConfig::new(64).init(&device).store(both.clone());
    let stored = Examples::from_tensor(both.reshape([2, 1, 8, 8]));
    for (damage, perfect, other) in [(0.0, 1.0, 0.0), (1.0, 0.0, 1.0)] {
        let mut noise = Noise::new(5);
        let found = recall_damaged(&network, &stored, 2, damage, &mut noise).unwrap();
        assert_eq!((found.report.perfect, found.report.other), (perfect, other));
    }
}

/// Two orthogonal patterns: each comes back from one wrong unit, and the nearest stored one is
/// named.
#[test]
fn damaged_images_are_recalled_and_named() {
    let device = Device::flex();
    let patterns = [
        [1.0, 1.0, 1.0, 1.0, -1.0, -1.0, -1.0, -1.0],
        [1.0, -1.0, 1.0, -1.0, 1.0, -1.0, 1.0, -1.0],
    ];
    let stored = tensor(patterns.as_flattened(), [2, 8]);
    let machine = HopfieldConfig::new(8).init(&device).store(stored.clone());
    let examples = Examples::from_tensor(stored.reshape([2, 1, 2, 4]));
    let mut given = patterns[1];
    given[2] = -1.0;
    let given = tensor(&given, [1, 1, 2, 4]);
    let recalled = recall_images(&machine, given, &examples, &mut Noise::new(1)).unwrap();
    let image = recalled.images[0];
    assert_eq!((image.nearest, image.converged), (1, true));
    assert!((image.overlap_before - 0.75).abs() < 1e-6);
    assert!((image.overlap_after - 1.0).abs() < 1e-6);
    assert!(image.energy_after < image.energy_before);

    let black = Tensor::<2>::zeros([200, 50], &device);
    let values = floats(flip(black, [0.0, 1.0], 0.3, &mut Noise::new(1)));
    let share = f64::from(values.iter().sum::<f32>()) / 10_000.0;
    // 5 standard errors of 10,000 coins: a false-positive rate of 5.7e-7.
    assert!(
        (share - 0.3).abs() < 5.0 * (0.21_f64 / 10_000.0).sqrt(),
        "{share}"
    );
}

/// An energy of one's own that says that it is a pairwise machine recalls; one that says nothing
/// doesn't.
#[test]
fn an_energy_of_ones_own_recalls() {
    #[derive(Clone)]
    struct Mine(Hopfield);

    impl Energy<2> for Mine {
        fn energy(&self, x: Tensor<2>) -> Tensor<1> {
            self.0.energy(x)
        }

        fn structure(&self) -> Structure {
            Structure::Pairwise(PairwiseStructure::of(&self.0))
        }
    }

    let device = Device::flex();
    let (network, patterns) = memory(&device);
    let patterns: Tensor<2> = patterns.reshape([3, 64]);
    let stored = Examples::from_tensor(patterns.clone());
    let damaged = flip(patterns, [-1.0, 1.0], 0.1, &mut Noise::new(6));
    let mine = Mine(network);
    let found = recall_originals(&mine, damaged.clone(), &stored, &mut Noise::new(7)).unwrap();
    let ends: Vec<RecallEnd> = found.images.iter().map(|image| image.end).collect();
    assert_eq!(ends, [RecallEnd::Original; 3]);
    assert_eq!(floats(found.recalled), floats(found.stored));
    let silent = |x: Tensor<2>| mine.energy(x);
    let error = recall_originals(&silent, damaged, &stored, &mut Noise::new(7)).unwrap_err();
    assert!(error.to_string().contains("recall"), "{error}");
}
