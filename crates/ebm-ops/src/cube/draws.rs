//! Noise on GPUs, each value made where it is stored.

use burn_cubecl::cubecl;
use burn_cubecl::kernel::into_contiguous;
use burn_cubecl::tensor::CubeTensor;
use cubecl::prelude::*;

use super::elementary::{cos_sin_turn, ln, of_24_bits, rounded, sqrt};
use super::philox::{Place, Words, argument, block};
use super::tensors::{ZERO, addresses, count, each, empty};
use crate::description::{self, Distribution};
use crate::fill::BLOCK;

/// `out` with its values replaced by noise.
pub(super) fn draw(
    out: CubeTensor,
    distribution: Distribution,
    place: description::Place,
) -> CubeTensor {
    let out = if out.can_mut() && out.is_contiguous() {
        out
    } else {
        empty(&out, out.meta.shape().clone())
    };
    let values = count(&out);
    if values == 0 {
        return out;
    }
    let client = out.client.clone();
    let (cubes, dim) = each(&client, values.div_ceil(BLOCK));
    let addresses = addresses(&[&out]);
    let (place, buffer) = (argument(place), out.clone().into_buffer_arg());
    match distribution {
        Distribution::Uniform(range) => uniforms::launch(
            &client,
            cubes,
            dim,
            addresses,
            buffer,
            place,
            range.low,
            range.width,
            range.top,
            ZERO,
        ),
        Distribution::Normal => {
            normals::launch(&client, cubes, dim, addresses, buffer, place, ZERO)
        }
        Distribution::Logistic => {
            logistics::launch(&client, cubes, dim, addresses, buffer, place, ZERO);
        }
    }
    out
}

/// 1 where standard logistic noise lies below the log-odds, else 0.
pub(super) fn coins(logits: CubeTensor, place: description::Place) -> CubeTensor {
    let logits = into_contiguous(logits);
    let out = empty(&logits, logits.meta.shape().clone());
    let values = count(&out);
    if values == 0 {
        return out;
    }
    let client = out.client.clone();
    let (cubes, dim) = each(&client, values.div_ceil(BLOCK));
    bernoulli_logits::launch(
        &client,
        cubes,
        dim,
        addresses(&[&logits, &out]),
        logits.into_buffer_arg(),
        out.clone().into_buffer_arg(),
        argument(place),
        ZERO,
    );
    out
}

/// Stores the values of one block; a last block that doesn't fit is cut.
#[cube]
fn store(out: &mut [f32], first: usize, a: f32, b: f32, c: f32, d: f32) {
    if first < out.len() {
        out[first] = a;
    }
    if first + 1 < out.len() {
        out[first + 1] = b;
    }
    if first + 2 < out.len() {
        out[first + 2] = c;
    }
    if first + 3 < out.len() {
        out[first + 3] = d;
    }
}

#[cube(launch, address_type = "dynamic")]
fn uniforms(out: &mut [f32], place: Place, low: f32, width: f32, top: f32, zero: u32) {
    let first = ABSOLUTE_POS * 4;
    if first >= out.len() {
        terminate!();
    }
    let words = block(&place, ABSOLUTE_POS as u32);
    let a = uniform(words.a, low, width, top, zero);
    let b = uniform(words.b, low, width, top, zero);
    let c = uniform(words.c, low, width, top, zero);
    let d = uniform(words.d, low, width, top, zero);
    store(out, first, a, b, c, d);
}

/// See `mapped` of [`crate::fill`].
#[cube]
fn uniform(word: u32, low: f32, width: f32, top: f32, zero: u32) -> f32 {
    let x = low + rounded(width * of_24_bits(word >> 8u32), zero);
    select(x > top, top, x)
}

#[cube(launch, address_type = "dynamic")]
fn normals(out: &mut [f32], place: Place, zero: u32) {
    let first = ABSOLUTE_POS * 4;
    if first >= out.len() {
        terminate!();
    }
    let words = block(&place, ABSOLUTE_POS as u32);
    let z = normals_of(words, zero);
    store(out, first, z.a, z.b, z.c, z.d);
}

/// The four values of a block.
#[derive(CubeType, Clone, Copy)]
pub(super) struct Values {
    pub(super) a: f32,
    pub(super) b: f32,
    pub(super) c: f32,
    pub(super) d: f32,
}

/// The standard normals of a block.
#[cube]
pub(super) fn normals_of(words: Words, zero: u32) -> Values {
    let first = radius(words.a, zero);
    let second = radius(words.c, zero);
    let turn = cos_sin_turn(words.b >> 8u32, zero);
    let next = cos_sin_turn(words.d >> 8u32, zero);
    Values {
        a: first * turn.cos,
        b: first * turn.sin,
        c: second * next.cos,
        d: second * next.sin,
    }
}

/// `sqrt(-2 ln u)`, `u` in (0, 1].
#[cube]
fn radius(word: u32, zero: u32) -> f32 {
    let u = of_24_bits((word >> 8u32) + 1u32);
    sqrt(rounded(-2.0f32 * ln(u, zero), zero), zero)
}

#[cube(launch, address_type = "dynamic")]
fn logistics(out: &mut [f32], place: Place, zero: u32) {
    let first = ABSOLUTE_POS * 4;
    if first >= out.len() {
        terminate!();
    }
    let words = block(&place, ABSOLUTE_POS as u32);
    let a = logistic(words.a, zero);
    let b = logistic(words.b, zero);
    let c = logistic(words.c, zero);
    let d = logistic(words.d, zero);
    store(out, first, a, b, c, d);
}

/// `ln u - ln(1 - u)`.
#[cube]
fn logistic(word: u32, zero: u32) -> f32 {
    let odd = ((word >> 9u32) << 1u32) | 1u32;
    ln(of_24_bits(odd), zero) - ln(of_24_bits(0x100_0000u32 - odd), zero)
}

#[cube(launch, address_type = "dynamic")]
fn bernoulli_logits(logits: &[f32], out: &mut [f32], place: Place, zero: u32) {
    let first = ABSOLUTE_POS * 4;
    if first >= out.len() {
        terminate!();
    }
    let words = block(&place, ABSOLUTE_POS as u32);
    coin(logits, out, first, words.a, zero);
    coin(logits, out, first + 1, words.b, zero);
    coin(logits, out, first + 2, words.c, zero);
    coin(logits, out, first + 3, words.d, zero);
}

#[cube]
fn coin(logits: &[f32], out: &mut [f32], i: usize, word: u32, zero: u32) {
    if i < out.len() {
        out[i] = select(logistic(word, zero) < logits[i], 1.0f32, 0.0f32);
    }
}
