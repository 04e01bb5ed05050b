//! The numbers of a seed, pinned: a change here changes every run of every user.
//!
//! Uniforms, words and keys were computed by an independent implementation in Python, itself held
//! against the known answers of Random123; normals agree with its f64 Box-Muller to 1e-6 and are
//! pinned to the bit from this crate.

use burn::tensor::{Device, Tensor};
use ebm_ops::Noise;
use ebm_testing::floats;
use rand::Rng;

/// The upper 24 bits of the first ten words of seed 42.
const SEED_42: [u32; 10] = [
    10_283_760, 7_861_577, 1_228_624, 5_718_707, 16_571_169, 5_487_212, 8_621_914, 7_622_150,
    13_855_746, 11_044_701,
];

#[test]
fn uniforms() {
    let drawn: Tensor<1> = Noise::new(42).uniform([10], &Device::flex());
    assert_eq!(floats(drawn), SEED_42.map(|k| k as f32 / 16_777_216.0));
}

/// The upper bits of words 1 and 3 of each block, and all bits against the words of the generator
/// as `rand` gives them.
#[test]
fn host_uniforms() {
    let mut noise = Noise::new(42);
    let drawn = noise.host_uniforms(5);
    for (u, word) in drawn.iter().zip([1, 3, 5, 7, 9]) {
        assert_eq!((u * 16_777_216.0).floor(), f64::from(SEED_42[word]));
    }
    let mut words = Noise::new(42);
    for u in drawn.iter().step_by(2) {
        assert_eq!(*u, (words.next_u64() >> 11) as f64 / (1_u64 << 53) as f64);
    }
    // Five take three blocks.
    assert_eq!(noise, words);
}

#[test]
fn normals() {
    let drawn: Tensor<1> = Noise::new(42).normal([8], &Device::flex());
    let drawn = floats(drawn);
    let exact = [
        -0.970_189_708_191_932,
        0.194_019_026_822_070_53,
        -1.235_620_074_792_823_9,
        1.923_927_042_771_760_3,
        -0.073_181_305_730_748_08,
        0.139_137_236_131_304_32,
        -1.106_664_856_079_312_4,
        0.326_683_350_843_139_4,
    ];
    for (z, exact) in drawn.iter().zip(exact) {
        assert!((f64::from(*z) - exact).abs() < 1e-6, "{z} {exact}");
    }
    assert_eq!(
        drawn.into_iter().map(f32::to_bits).collect::<Vec<_>>(),
        PINNED_NORMALS
    );
}

const PINNED_NORMALS: [u32; 8] = [
    0xbf78_5e5a,
    0x3e46_acec,
    0xbf9e_28cd,
    0x3ff6_433e,
    0xbd95_e014,
    0x3e0e_79fe,
    0xbf8d_a732,
    0x3ea7_430b,
];

#[test]
fn indices() {
    let drawn = Noise::new(42).indices(4, 100, &Device::flex());
    let drawn: Vec<i64> = drawn.into_data().iter().collect();
    assert_eq!(drawn, [61, 46, 7, 34]);
}

#[test]
fn children_and_words() {
    let mut noise = Noise::new(42);
    let child = serde_json::to_value(noise.split()).expect("a stream serialises");
    assert_eq!(child["key"], "9807e02220439b04");
    assert_eq!(child["counter"], "0000000000000000");

    let mut noise = Noise::new(42);
    assert_eq!(noise.next_u32(), 0x9cea_f053);
    assert_eq!(noise.next_u64(), 0x53ba_6cfd_fcdb_2127);
}

/// These also hold the algorithms of `rand` in place: a failure after an update of it is a change
/// for users.
#[test]
fn shuffles() {
    let mut noise = Noise::new(42);
    assert_eq!(noise.permutation(8), [0, 3, 2, 4, 6, 5, 1, 7]);
    assert_eq!(noise.choose(3, 100), [96, 81, 72]);
}
