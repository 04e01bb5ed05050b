//! A stream continues, splits and serialises exactly, and fills any shape by the documented layout.

use burn::tensor::{DType, Device, Tensor};
use ebm_ops::{Noise, philox4x32_10};
use ebm_testing::{bits, floats};
use proptest::prelude::*;
use rand::Rng;

fn uniforms(noise: &mut Noise, n: usize) -> Vec<u32> {
    bits::<1>(noise.uniform([n], &Device::flex()))
}

#[test]
fn a_stream_read_back_continues_exactly() {
    let device = Device::flex();
    let mut noise = Noise::new(u64::MAX - 1).split();
    let _: Tensor<1> = noise.normal([1001], &device);
    let text = serde_json::to_string(&noise).expect("a stream serialises");
    let mut restored: Noise = serde_json::from_str(&text).expect("and reads back");
    assert_eq!(restored, noise);
    assert_eq!(uniforms(&mut restored, 10), uniforms(&mut noise, 10));
    assert_eq!(restored.split(), noise.split());
}

#[test]
fn a_damaged_stream_is_refused() {
    let read = |key: &str| {
        serde_json::from_str::<Noise>(&format!(r#"{{"key":{key},"counter":"0000000000000000"}}"#))
    };
    assert!(read(r#""00000000000000fF""#).is_ok());
    for key in [
        r#""""#,
        r#""ff""#,
        r#""+000000000000001""#,
        r#""g000000000000000""#,
        r#""00000000000000001""#,
        "7",
    ] {
        assert!(read(key).is_err(), "{key}");
    }
    let message = read(r#""ff""#).expect_err("two digits").to_string();
    assert!(
        message.contains("16 hexadecimal digits, found \"ff\""),
        "{message}"
    );
}

#[test]
fn a_fill_takes_whole_blocks() {
    let whole = uniforms(&mut Noise::new(7), 20);

    let mut noise = Noise::new(7);
    let mut parts = uniforms(&mut noise, 8);
    parts.extend(uniforms(&mut noise, 12));
    assert_eq!(parts, whole);

    // Six elements take two blocks: the seventh and eighth words are left.
    let mut noise = Noise::new(7);
    assert_eq!(uniforms(&mut noise, 6), whole[..6]);
    assert_eq!(uniforms(&mut noise, 4), whole[8..12]);

    let mut noise = Noise::new(7);
    assert!(uniforms(&mut noise, 0).is_empty());
    assert_eq!(noise, Noise::new(7));
}

#[test]
fn children_differ_from_each_other_and_from_their_parent() {
    let mut parent = Noise::new(3);
    let before = parent.clone();
    let mut first = parent.split();
    let mut second = parent.split();
    assert_ne!(parent, before);
    let streams = [
        uniforms(&mut parent, 1000),
        uniforms(&mut first, 1000),
        uniforms(&mut second, 1000),
        uniforms(&mut first.split(), 1000),
    ];
    for (i, a) in streams.iter().enumerate() {
        for b in &streams[..i] {
            // Two independent streams agree at a place once in 2^24: twice in 1000 places has a
            // probability of 2e-9.
            assert!(a.iter().zip(b).filter(|(x, y)| x == y).count() < 2);
        }
    }
    // The same history gives the same children, and drawing from one doesn't move the parent.
    let mut again = before;
    let _ = uniforms(&mut again.split(), 5);
    assert_eq!(uniforms(&mut again.split(), 1000), streams[2]);
}

/// No two streams of a tree with 4,681 nodes share a key (probability 6e-13 for good hashes).
#[test]
fn a_tree_of_streams_has_no_key_twice() {
    let mut level = vec![Noise::new(0)];
    let mut seen = std::collections::HashSet::new();
    for _ in 0..5 {
        for node in &level {
            assert!(seen.insert(format!("{node:?}")), "{node:?}");
        }
        level = level
            .into_iter()
            .flat_map(|mut node| std::array::from_fn::<_, 8, _>(|_| node.split()))
            .collect();
    }
    assert_eq!(seen.len(), 4681);
}

#[test]
fn bytes_are_the_words_of_the_blocks() {
    let mut bytes = [0; 37];
    let mut noise = Noise::new(1 << 40 | 9);
    noise.fill_bytes(&mut bytes);
    for (n, chunk) in bytes.chunks(16).enumerate() {
        let words = philox4x32_10([n as u32, 0, 0, 0], [9, 1 << 8]);
        let expected: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        assert_eq!(chunk, &expected[..chunk.len()]);
    }
    let mut rest = Noise::new(1 << 40 | 9);
    let _ = uniforms(&mut rest, 12);
    assert_eq!(noise, rest);
}

#[test]
#[expect(deprecated, reason = "ndarray is still a backend of ours")]
fn backends_get_the_same_bits() {
    let (flex, ndarray) = (Device::flex(), Device::ndarray());
    let shape = [31, 333];
    let draw = |device: &Device| {
        let mut noise = Noise::new(5);
        let mut all = bits::<2>(noise.uniform(shape, device));
        all.extend(bits::<2>(noise.uniform_in(shape, [-0.3, 11.0], device)));
        all.extend(bits::<2>(noise.normal(shape, device)));
        let p: Tensor<2> = noise.uniform(shape, device);
        all.extend(bits(noise.bernoulli(p)));
        all.extend(
            noise
                .indices(999, 77, device)
                .into_data()
                .iter::<i64>()
                .map(|k| k as u32),
        );
        all
    };
    assert_eq!(draw(&flex), draw(&ndarray));
}

#[test]
fn noise_on_an_autodiff_device_carries_no_gradient() {
    let device = Device::flex().autodiff();
    let mut noise = Noise::new(0);
    let z: Tensor<1> = noise.normal([5], &device);
    assert!(z.device().is_autodiff() && !z.is_require_grad());
    let p = Tensor::<1>::full([5], 0.5, &device).require_grad();
    let coins = noise.bernoulli(p.clone());
    assert!(!coins.is_require_grad());
    let gradients = (p.clone() * coins.clone() * z.clone()).sum().backward();
    let gradient = p.grad(&gradients).expect("p is a leaf of the graph");
    assert_eq!(bits(gradient), bits((coins * z).inner()));
}

#[test]
fn coins_keep_the_type_of_their_probability() {
    let p = Tensor::<1>::full([4], 1.0, &Device::flex()).cast(DType::F64);
    let coins = Noise::new(0).bernoulli(p);
    assert_eq!(coins.dtype(), DType::F64);
    assert_eq!(
        coins.into_data().iter::<f64>().collect::<Vec<_>>(),
        [1.0; 4]
    );
}

#[test]
fn a_coin_is_heads_strictly_below_its_probability() {
    let device = Device::flex();
    let u: Tensor<1> = Noise::new(4).uniform([1000], &device);
    assert_eq!(floats(Noise::new(4).bernoulli(u.clone())), [0.0; 1000]);
    let above = u + 2.0_f32.powi(-24);
    assert_eq!(floats(Noise::new(4).bernoulli(above)), [1.0; 1000]);
}

#[test]
fn certain_and_impossible_coins() {
    let p = Tensor::<1>::from_data([0.0_f32, 1.0, -2.0, 3.0, f32::NAN], &Device::flex());
    let p = p.unsqueeze::<2>().repeat(&[10_000, 1]);
    for row in floats(Noise::new(0).bernoulli(p)).chunks(5) {
        assert_eq!(row, [0.0, 1.0, 0.0, 1.0, 0.0]);
    }
}

#[test]
#[should_panic(expected = "low = 1 and high = 1")]
fn an_empty_interval_is_refused() {
    let _: Tensor<1> = Noise::new(0).uniform_in([3], [1.0, 1.0], &Device::flex());
}

#[test]
#[should_panic(expected = "found 0")]
fn indices_of_nothing_are_refused() {
    let _ = Noise::new(0).indices(3, 0, &Device::flex());
}

#[test]
#[should_panic(expected = "4 distinct indices of 3")]
fn more_indices_than_there_are_is_refused() {
    let _ = Noise::new(0).choose(4, 3);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Any shape: the right dimensions, and element `i` from block `counter + i / 4` whatever came
    /// before.
    #[test]
    fn any_shape_keeps_the_layout(seed: u64, before in 0_usize..20, rows in 0_usize..6, columns in 0_usize..4000) {
        let device = Device::flex();
        let mut noise = Noise::new(seed);
        let _ = uniforms(&mut noise, before);
        let n = rows * columns;
        let drawn: Tensor<2> = noise.uniform([rows, columns], &device);
        prop_assert_eq!(drawn.dims(), [rows, columns]);
        let drawn = floats(drawn);
        prop_assert_eq!(drawn.len(), n);
        let first = before.div_ceil(4);
        for i in (0..n).step_by(97).chain(n.checked_sub(1)) {
            let words = philox4x32_10([(first + i / 4) as u32, 0, 0, 0], [seed as u32, (seed >> 32) as u32]);
            prop_assert_eq!(drawn[i], (words[i % 4] >> 8) as f32 / 16_777_216.0);
        }
        // The next value shows where the counter stands.
        let next = philox4x32_10([(first + n.div_ceil(4)) as u32, 0, 0, 0], [seed as u32, (seed >> 32) as u32]);
        prop_assert_eq!(noise.next_u32(), next[0]);
    }

    #[test]
    fn intervals_are_half_open(seed: u64, low in -1e30_f32..1e30, width in 1e-30_f32..1e30) {
        let high = low + width;
        prop_assume!(low < high);
        let drawn: Tensor<1> = Noise::new(seed).uniform_in([4096], [f64::from(low), f64::from(high)], &Device::flex());
        prop_assert!(floats(drawn).iter().all(|x| (low..high).contains(x)));
    }

    #[test]
    fn choices_are_distinct_and_in_range(seed: u64, n in 0_usize..2000, share in 0.0_f64..=1.0) {
        let count = (n as f64 * share) as usize;
        let mut chosen = Noise::new(seed).choose(count, n);
        chosen.sort_unstable();
        chosen.dedup();
        prop_assert_eq!(chosen.len(), count);
        prop_assert!(chosen.iter().all(|&k| k < n));
        let mut order = Noise::new(seed).permutation(n);
        order.sort_unstable();
        prop_assert!(order.into_iter().eq(0..n));
    }
}
