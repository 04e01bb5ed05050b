//! Logarithm, exponential, square root, sine and cosine on GPUs.
//!
//! They are computed from the polynomials of [`crate::elementary`]. A compiler for GPUs may fuse a
//! product with the sum that uses it, or take a common factor out of a sum. Both change the
//! rounding, hence the bits, and the second joins again a constant that was split in two. Where
//! that matters, products therefore pass through [`rounded`]. WGSL's own functions are not precise
//! enough: its `exp(-80)` may be wrong by 163 ULP.

use burn_cubecl::cubecl;
use cubecl::prelude::*;

/// `1 / sqrt(2)` as bits.
const SQRT_HALF_BITS: u32 = 0x3f35_04f3;
/// `ln 2` in two parts.
const LN_2_HIGH: f32 = 0.693_359_4;
const LN_2_LOW: f32 = -0.000_212_194_44;
/// `2 pi` in two parts.
const TURN_HIGH: f32 = std::f32::consts::TAU;
const TURN_LOW: f32 = -1.748_455_5e-7;
const LOG2_E: f32 = std::f32::consts::LOG2_E;
/// `2^-24`.
const UNIT: f32 = 1.0 / 16_777_216.0;

/// `x`, through an integer operation that only the host knows to change nothing: `zero` is 0.
///
/// No compiler can then fuse what made `x` with what uses it.
#[cube]
pub(super) fn rounded(x: f32, zero: u32) -> f32 {
    f32::reinterpret(u32::reinterpret(x) ^ zero)
}

/// `n * 2^-24`, for `n <= 2^24`: exact.
#[cube]
pub(super) fn of_24_bits(n: u32) -> f32 {
    f32::cast_from(n) * UNIT
}

/// The bits of [`crate::elementary::ln`].
#[cube]
pub(super) fn ln(x: f32, zero: u32) -> f32 {
    let bits = u32::reinterpret(x);
    let exponent = i32::reinterpret(bits - SQRT_HALF_BITS) >> 23i32;
    let f = f32::reinterpret(bits - u32::reinterpret(exponent << 23i32)) - 1.0;
    let e = f32::cast_from(exponent);
    let square = rounded(f * f, zero);

    let mut p = rounded(0.067_466_34f32 * f, zero) - 0.116_756_454;
    p = rounded(p * f, zero) + 0.118_881_62;
    p = rounded(p * f, zero) - 0.124_055_9;
    p = rounded(p * f, zero) + 0.142_195_52;
    p = rounded(p * f, zero) - 0.166_679_96;
    p = rounded(p * f, zero) + 0.200_021_19;
    p = rounded(p * f, zero) - 0.250_000_1;
    p = rounded(p * f, zero) + 0.333_333_13;

    // The products with 0.5 and with LN_2_HIGH are exact: fusing them changes nothing.
    let cube = rounded(rounded(f * square, zero) * p, zero);
    let tail = (cube + rounded(e * LN_2_LOW, zero)) - 0.5f32 * square;
    rounded(f + tail, zero) + e * LN_2_HIGH
}

/// `exp(x)` for `x <= 0`, and 0 below -87; the polynomial of [`crate::elementary::exp`], but not
/// its bits.
#[cube]
pub(super) fn exp(x: f32, zero: u32) -> f32 {
    let clamped = select(x < -87.0f32, -87.0f32, x);
    let n = (clamped * LOG2_E).round();
    let r = (clamped - rounded(n * LN_2_HIGH, zero)) - n * LN_2_LOW;

    let mut p = 1.381_459_8e-3f32 * r + 8.368_717e-3;
    p = p * r + 4.166_839e-2;
    p = p * r + 1.666_652_1e-1;
    p = p * r + 4.999_999_4e-1;
    let fraction = 1.0f32 + (r + r * r * p);

    let scale = f32::reinterpret((i32::cast_from(n) + 127i32) << 23i32);
    select(x < -87.0f32, 0.0f32, fraction * scale)
}

/// `ln(1 + u)` for `u` in [0, 1]: as [`crate::elementary::ln_1p`].
#[cube]
pub(super) fn ln_1p(u: f32, zero: u32) -> f32 {
    let w = rounded(1.0f32 + u, zero);
    let lost = u - rounded(w - 1.0, zero);
    ln(w, zero) + lost / w
}

/// The square root of `x`, 0 or a normal number, rounded to the nearest f32. The device's own
/// square root may be wrong by a few ULP.
#[cube]
pub(super) fn sqrt(x: f32, zero: u32) -> f32 {
    let estimate = x.sqrt();
    let safe = select(x > 0.0, estimate, 1.0f32);
    // One step of Newton's method leaves an error of at most one ULP, and the exact remainder tells
    // in which direction: the root is nearer to a neighbour where the remainder is larger than the
    // root times their distance.
    let near = safe + 0.5f32 * remainder(x, safe, zero) / safe;
    let bits = u32::reinterpret(near);
    let above = f32::reinterpret(bits + 1u32);
    let below = f32::reinterpret(bits - 1u32);
    let rest = remainder(x, near, zero);
    let lowered = select(rest <= near * (below - near), below, near);
    let nearest = select(rest > near * (above - near), above, lowered);
    select(x > 0.0, nearest, 0.0f32)
}

/// `x - root^2` without an error, for a root within a few ULP.
#[cube]
fn remainder(x: f32, root: f32, zero: u32) -> f32 {
    // Halves of 12 bits have exact products.
    let high = f32::reinterpret(u32::reinterpret(root) & 0xffff_f000u32);
    let low = root - high;
    let middle = rounded(2.0f32 * high * low, zero);
    ((x - rounded(high * high, zero)) - middle) - rounded(low * low, zero)
}

/// Cosine and sine.
#[derive(CubeType, Clone, Copy)]
pub(super) struct CosSin {
    pub(super) cos: f32,
    pub(super) sin: f32,
}

/// The bits of [`crate::elementary::cos_sin_turn`].
#[cube]
pub(super) fn cos_sin_turn(turn: u32, zero: u32) -> CosSin {
    let quadrant = (turn + 0x20_0000u32) >> 22u32;
    let t = f32::cast_from(i32::reinterpret(turn - (quadrant << 22u32))) * UNIT;
    let z = rounded(t * t, zero);

    let mut s = rounded(-75.445_48f32 * z, zero) + 81.593_765;
    s = rounded(s * z, zero) - 41.341_67;
    let correction = TURN_LOW + rounded(z * s, zero);
    let sin = rounded(t * TURN_HIGH, zero) + rounded(t * correction, zero);

    let mut c = rounded(59.229_14f32 * z, zero) - 85.443_24;
    c = rounded(c * z, zero) + 64.939_32;
    c = rounded(c * z, zero) - 19.739_208;
    let cos = 1.0f32 + rounded(z * c, zero);

    let cos_bits = u32::reinterpret(cos);
    let sin_bits = u32::reinterpret(sin);
    let swap = (quadrant & 1u32) == 1u32;
    let cos_sign = ((quadrant + 1u32) & 2u32) << 30u32;
    let sin_sign = (quadrant & 2u32) << 30u32;
    CosSin {
        cos: f32::reinterpret(select(swap, sin_bits, cos_bits) ^ cos_sign),
        sin: f32::reinterpret(select(swap, cos_bits, sin_bits) ^ sin_sign),
    }
}
