//! Philox4x32-10 on GPUs: see [`crate::philox4x32_10`].

use burn_cubecl::cubecl;
use cubecl::prelude::*;

use crate::philox::{M0, M1, W0, W1};
use crate::{description, fill};

/// The key of a stream and its first block, in words.
#[derive(CubeLaunch, CubeType, Clone, Copy)]
pub(super) struct Place {
    key_low: u32,
    key_high: u32,
    first_low: u32,
    first_high: u32,
}

/// A [`description::Place`] as a kernel's argument.
pub(super) fn argument(place: description::Place) -> PlaceLaunch {
    let description::Place { key, first } = place;
    PlaceLaunch::new(
        key as u32,
        (key >> 32) as u32,
        first as u32,
        (first >> 32) as u32,
    )
}

/// The four words of a block.
#[derive(CubeType, Clone, Copy)]
pub(super) struct Words {
    pub(super) a: u32,
    pub(super) b: u32,
    pub(super) c: u32,
    pub(super) d: u32,
}

/// Block `first + i`.
#[cube]
pub(super) fn block(place: &Place, i: u32) -> Words {
    let low = place.first_low + i;
    // The sum has wrapped if it is less than what was added.
    let carry = select(low < i, 1u32, 0u32);
    let mut c0 = low;
    let mut c1 = place.first_high + carry;
    let mut c2 = 0u32;
    let mut c3 = comptime!(fill::DRAW).runtime();
    let mut k0 = place.key_low;
    let mut k1 = place.key_high;
    #[unroll]
    for _ in 0..10 {
        let high0 = c0.mul_hi(M0);
        let low0 = c0 * M0;
        let high1 = c2.mul_hi(M1);
        let low1 = c2 * M1;
        c0 = high1 ^ c1 ^ k0;
        c2 = high0 ^ c3 ^ k1;
        c1 = low1;
        c3 = low0;
        k0 += W0;
        k1 += W1;
    }
    Words {
        a: c0,
        b: c1,
        c: c2,
        d: c3,
    }
}
