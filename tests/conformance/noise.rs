//! Streams: integers, uniforms and coins bit for bit, normals and logistics within a few steps of
//! f32.

use burn::tensor::Tensor;
use ebm::ops::Noise;

use crate::{floats, on_both};

/// Not a multiple of the four values of a block.
const SHAPE: [usize; 2] = [7, 9];

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|value| value.to_bits()).collect()
}

#[test]
fn uniforms_integers_and_coins_are_equal_bit_for_bit() {
    let (expected, found) = on_both(|device| {
        let mut noise = Noise::new(3);
        // One value moves the stream on by a block, so that later draws start elsewhere.
        let first: Tensor<1> = noise.uniform([1], device);
        let uniforms: Tensor<2> = noise.uniform(SHAPE, device);
        let interval: Tensor<2> = noise.uniform_in(SHAPE, [-0.3, 7.0], device);
        let indices = noise.indices(63, 1000, device).float();
        let coins = noise.bernoulli(uniforms.clone());
        let all = [
            first,
            uniforms.flatten(0, 1),
            interval.flatten(0, 1),
            indices,
            coins.flatten(0, 1),
        ];
        (all.map(|draws| bits(&floats(draws))), noise)
    });
    assert_eq!(found, expected);
}

#[test]
fn normals_and_logistics_are_within_four_steps() {
    let (expected, found) = on_both(|device| {
        let mut noise = Noise::new(4);
        let normals: Tensor<2> = noise.normal(SHAPE, device);
        let logistics: Tensor<2> = noise.logistic(SHAPE, device);
        (floats(normals), floats(logistics), noise)
    });
    assert_eq!(found.2, expected.2, "the streams are at other places");
    for (what, found, expected) in [
        ("normal", found.0, expected.0),
        ("logistic", found.1, expected.1),
    ] {
        assert_eq!(found.len(), 63);
        for (a, b) in found.iter().zip(&expected) {
            // A step near 1 for what is nearer to 0, where cosines and logarithms lose what the sum
            // doesn't show.
            let step = f32::EPSILON * b.abs().max(1.0);
            assert!((a - b).abs() <= 4.0 * step, "{what}: {a} and {b}");
        }
    }
}

#[test]
fn coins_of_log_odds_are_equal_unless_they_stand_on_edge() {
    let logits = [-3.0, -0.5, 0.0, 0.25, 2.0, 9.0, -20.0];
    let (expected, found) = on_both(|device| {
        let mut noise = Noise::new(5);
        let rows = Tensor::<1>::from_floats(logits, device).unsqueeze_dim::<2>(0);
        let logits = rows.repeat_dim(0, 40);
        let edges: Tensor<2> = noise.clone().logistic([40, 7], device);
        let margins = floats((edges - logits.clone()).abs());
        (floats(noise.bernoulli_logits(logits)), margins, noise)
    });
    assert_eq!(found.2, expected.2, "the streams are at other places");
    let pairs = found.0.iter().zip(&expected.0).zip(&expected.1);
    for ((a, b), margin) in pairs {
        assert!(
            a == b || *margin < 1e-5,
            "{a} and {b}, {margin} from the edge"
        );
    }
    let ones: f32 = expected.0.iter().sum();
    assert!((80.0..240.0).contains(&ones), "{ones} of 280 coins");
}
