//! Fills slices from a counter: fixed chunks over threads, loops over blocks that vectorise.
//!
//! The kernels are compiled for AVX-512, AVX2 and the baseline of the target, and the best is
//! picked at run time. All give the same bits (see [`crate::elementary`]), whatever the machine,
//! the number of threads or the chunk.

use crate::description::{Distribution, HalfOpen, Place};
use crate::elementary::{cos_sin_turn, ln};
use crate::philox::philox4x32_10;
use multiversion::multiversion;
use rayon::prelude::*;

/// Words, and hence values, in a block.
pub(crate) const BLOCK: usize = 4;

/// Values a thread fills at a time: 16 KiB of f32. Normals take about ten microseconds, far more
/// than a task costs.
const CHUNK: usize = 4096;

/// Up to here one thread is faster than waking another.
const SERIAL: usize = 2 * CHUNK;

/// Normals made at a time: their words stay in the first-level cache.
const GROUP: usize = 256;

/// Domain of the counter's last word in which values are drawn.
pub(crate) const DRAW: u32 = 0;

/// Block `counter` of the stream `key`, in one domain.
#[inline(always)]
pub(crate) fn block(key: u64, counter: u64, domain: u32) -> [u32; 4] {
    philox4x32_10(
        [counter as u32, (counter >> 32) as u32, 0, domain],
        [key as u32, (key >> 32) as u32],
    )
}

/// The upper 24 bits of a word as a multiple of 2^-24 in `[0, 1)`.
#[inline(always)]
fn unit(word: u32) -> f32 {
    // Through i32: x86 before AVX-512 has no conversion from unsigned words.
    (word >> 8) as i32 as f32 * (1.0 / 16_777_216.0)
}

/// A uniform of the range from a word.
#[inline(always)]
fn mapped(range: HalfOpen, word: u32) -> f32 {
    // Rounding may carry the sum to `high` although `u < 1`; `top` keeps the range half-open.
    let x = range.low + range.width * unit(word);
    if x > range.top { range.top } else { x }
}

/// Two independent standard normals from two words (Box and Muller 1958).
#[inline(always)]
fn normal_pair(radius: u32, angle: u32) -> [f32; 2] {
    // One is added so that the logarithm never sees zero: u is in (0, 1].
    let u = ((radius >> 8) + 1) as i32 as f32 * (1.0 / 16_777_216.0);
    let r = (-2.0 * ln(u)).sqrt();
    let (cos, sin) = cos_sin_turn(angle >> 8);
    [r * cos, r * sin]
}

/// A standard logistic from a word, `ln u - ln(1 - u)`.
#[inline(always)]
fn logistic_value(word: u32) -> f32 {
    // u is an odd multiple of 2^-24, so that u and 1 - u are exact and neither is 0.
    let odd = ((word >> 9) << 1 | 1) as i32;
    let scale = 1.0 / 16_777_216.0;
    ln(odd as f32 * scale) - ln(((1 << 24) - odd) as f32 * scale)
}

/// `floor(word * bound / 2^32)`, for `bound <= 2^32`.
#[inline(always)]
fn index(word: u32, bound: u64) -> i64 {
    // The product is at most (2^32 - 1) 2^32: it fits.
    ((u64::from(word) * bound) >> 32) as i64
}

/// Fills `out` with draws from a distribution.
pub(crate) fn draw(distribution: Distribution, place: Place, out: &mut [f32]) {
    let Place { key, first } = place;
    match distribution {
        Distribution::Uniform(range) => uniform(key, first, range, out),
        Distribution::Normal => normal(key, first, out),
        Distribution::Logistic => logistic(key, first, out),
    }
}

/// Fills `out` with uniforms of the range, from block `first` on.
fn uniform(key: u64, first: u64, range: HalfOpen, out: &mut [f32]) {
    in_chunks(first, out, |first, chunk| {
        uniform_chunk(key, first, range, chunk)
    });
}

/// Fills `out` with standard normals, from block `first` on.
fn normal(key: u64, first: u64, out: &mut [f32]) {
    in_chunks(first, out, |first, chunk| normal_chunk(key, first, chunk));
}

/// Fills `out` with standard logistics, from block `first` on.
fn logistic(key: u64, first: u64, out: &mut [f32]) {
    in_chunks(first, out, |first, chunk| logistic_chunk(key, first, chunk));
}

/// Replaces log-odds by 1 where standard logistic noise from block `first` on lies below them, else
/// by 0.
#[cfg(feature = "flex")]
pub(crate) fn bernoulli_logits(key: u64, first: u64, values: &mut [f32]) {
    in_chunks(first, values, |first, chunk| {
        bernoulli_logits_chunk(key, first, chunk)
    });
}

/// Fills `out` with integers of `[0, bound)`, from block `first` on.
pub(crate) fn indices(key: u64, first: u64, bound: u64, out: &mut [i64]) {
    in_chunks(first, out, |first, chunk| {
        index_chunk(key, first, bound, chunk)
    });
}

/// Hands fixed chunks, each with the number of its first block, to the threads of rayon.
fn in_chunks<T: Send>(first: u64, out: &mut [T], fill: impl Fn(u64, &mut [T]) + Sync) {
    if out.len() <= SERIAL {
        return fill(first, out);
    }
    out.par_chunks_mut(CHUNK)
        .enumerate()
        .for_each(|(i, chunk)| fill(first.wrapping_add((i * (CHUNK / BLOCK)) as u64), chunk));
}

#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2"))]
fn uniform_chunk(key: u64, first: u64, range: HalfOpen, out: &mut [f32]) {
    each_block(key, first, out, |words| {
        words.map(|word| mapped(range, word))
    });
}

#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2"))]
pub(crate) fn normal_chunk(key: u64, first: u64, out: &mut [f32]) {
    // Words first, then values: LLVM vectorises the two loops, but not one loop that does both.
    let mut words = [0; GROUP];
    for (i, group) in out.chunks_mut(GROUP).enumerate() {
        let words = &mut words[..group.len().next_multiple_of(2)];
        let first = first.wrapping_add((i * (GROUP / BLOCK)) as u64);
        each_block(key, first, words, |words| words);

        let words = words.as_chunks::<2>().0;
        let (pairs, odd) = group.as_chunks_mut::<2>();
        for (pair, &[radius, angle]) in pairs.iter_mut().zip(words) {
            *pair = normal_pair(radius, angle);
        }
        if let ([last], Some(&[radius, angle])) = (odd, words.last()) {
            [*last, _] = normal_pair(radius, angle);
        }
    }
}

#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2"))]
fn logistic_chunk(key: u64, first: u64, out: &mut [f32]) {
    // Words first, then values, as for normals.
    let mut words = [0; GROUP];
    for (i, group) in out.chunks_mut(GROUP).enumerate() {
        let words = &mut words[..group.len()];
        let first = first.wrapping_add((i * (GROUP / BLOCK)) as u64);
        each_block(key, first, words, |words| words);
        for (value, &word) in group.iter_mut().zip(words.iter()) {
            *value = logistic_value(word);
        }
    }
}

#[cfg(feature = "flex")]
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2"))]
fn bernoulli_logits_chunk(key: u64, first: u64, values: &mut [f32]) {
    // Words first, then values, as for normals.
    let mut words = [0; GROUP];
    for (i, group) in values.chunks_mut(GROUP).enumerate() {
        let words = &mut words[..group.len()];
        let first = first.wrapping_add((i * (GROUP / BLOCK)) as u64);
        each_block(key, first, words, |words| words);
        for (value, &word) in group.iter_mut().zip(words.iter()) {
            *value = if logistic_value(word) < *value {
                1.0
            } else {
                0.0
            };
        }
    }
}

#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2"))]
fn index_chunk(key: u64, first: u64, bound: u64, out: &mut [i64]) {
    each_block(key, first, out, |words| {
        words.map(|word| index(word, bound))
    });
}

/// `out[4 i..4 i + 4] = of(block first + i)`; a last block that doesn't fit is cut.
#[inline(always)]
fn each_block<T: Copy>(key: u64, first: u64, out: &mut [T], of: impl Fn([u32; 4]) -> [T; 4]) {
    let (whole, rest) = out.as_chunks_mut::<BLOCK>();
    let last = first.wrapping_add(whole.len() as u64);
    for (i, values) in whole.iter_mut().enumerate() {
        *values = of(block(key, first.wrapping_add(i as u64), DRAW));
    }
    if !rest.is_empty() {
        let values = of(block(key, last, DRAW));
        rest.copy_from_slice(&values[..rest.len()]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::description::Interval;

    const KEY: u64 = 0x0123_4567_89ab_cdef;

    /// A first block whose low word overflows inside the fill.
    const FIRST: u64 = (1 << 32) - 100;

    /// Around a block, a vector of blocks, a chunk and the step to many threads.
    const LENGTHS: [usize; 16] = [
        0,
        1,
        3,
        4,
        5,
        63,
        65,
        GROUP - 1,
        GROUP + 1,
        CHUNK - 1,
        CHUNK,
        CHUNK + 1,
        SERIAL,
        SERIAL + 1,
        SERIAL + CHUNK + 3,
        100_352,
    ];

    /// Word `i` of the stream, computed alone and without dispatch.
    fn word(i: usize) -> u32 {
        block(KEY, FIRST + (i / BLOCK) as u64, DRAW)[i % BLOCK]
    }

    #[test]
    fn fills_equal_the_scalar_reference_bit_for_bit() {
        for n in LENGTHS {
            let mut uniforms = vec![f32::NAN; n];
            uniform(KEY, FIRST, HalfOpen::UNIT, &mut uniforms);
            let mut interval = vec![f32::NAN; n];
            uniform(
                KEY,
                FIRST,
                HalfOpen::new(Interval::new(-3.0, 0.7)),
                &mut interval,
            );
            let mut normals = vec![f32::NAN; n];
            normal(KEY, FIRST, &mut normals);
            let mut logistics = vec![f32::NAN; n];
            logistic(KEY, FIRST, &mut logistics);
            let mut integers = vec![-1; n];
            indices(KEY, FIRST, 1000, &mut integers);

            for i in 0..n {
                let u = (word(i) >> 8) as f32 / 16_777_216.0;
                assert_eq!(uniforms[i].to_bits(), u.to_bits(), "uniform {i} of {n}");
                let x = -3.0 + 3.7 * u;
                assert_eq!(interval[i].to_bits(), x.to_bits(), "interval {i} of {n}");
                let pair = i & !1;
                let z = normal_pair(word(pair), word(pair + 1))[i & 1];
                assert_eq!(normals[i].to_bits(), z.to_bits(), "normal {i} of {n}");
                let l = logistic_value(word(i));
                assert_eq!(logistics[i].to_bits(), l.to_bits(), "logistic {i} of {n}");
                let k = (u128::from(word(i)) * 1000) >> 32;
                assert_eq!(integers[i] as u128, k, "index {i} of {n}");
            }
        }
    }

    #[test]
    fn fills_do_not_depend_on_the_number_of_threads() {
        let fill = |threads| {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .expect("threads start");
            let mut values = vec![0.0; 5 * CHUNK + 7];
            pool.install(|| normal(KEY, FIRST, &mut values));
            values.into_iter().map(f32::to_bits).collect::<Vec<_>>()
        };
        let one = fill(1);
        assert_eq!(fill(2), one);
        assert_eq!(fill(7), one);
    }

    /// The smallest and greatest words: no infinity, and the tail ends where the documentation
    /// says.
    #[test]
    fn extreme_words() {
        let z = normal_pair(0, 0);
        assert!(
            (f64::from(z[0]) - (48.0 * 2.0_f64.ln()).sqrt()).abs() < 1e-6,
            "{z:?}"
        );
        assert_eq!(z[1], 0.0);
        assert_eq!(normal_pair(u32::MAX, u32::MAX), [0.0, 0.0]);

        // The ends mirror each other, and the middle is the smallest step from 0.
        let end = f64::from(2.0_f32.powi(24) - 1.0).ln();
        assert!((f64::from(logistic_value(u32::MAX)) - end).abs() < 2e-6);
        assert_eq!(logistic_value(0), -logistic_value(u32::MAX));
        assert!((logistic_value(1 << 31) - 2.0_f32.powi(-22)).abs() < 2e-7);

        assert_eq!(mapped(HalfOpen::UNIT, 0), 0.0);
        assert_eq!(mapped(HalfOpen::UNIT, u32::MAX), 1.0 - 2.0_f32.powi(-24));
        let far = HalfOpen::new(Interval::new(1.0, 2.0));
        assert_eq!(mapped(far, 0), 1.0);
        assert_eq!(mapped(far, u32::MAX), 2.0_f32.next_down());

        assert_eq!(index(0, 1 << 32), 0);
        assert_eq!(index(u32::MAX, 1 << 32), i64::from(u32::MAX));
        assert_eq!(index(u32::MAX, 7), 6);
        assert_eq!(index(u32::MAX, 1), 0);
    }
}
