//! Logarithm, sine and cosine in f32 whose bits don't depend on the platform.
//!
//! The mathematical library of each platform rounds differently, so with `f32::ln` the same seed
//! would draw other numbers elsewhere. These functions use only `+`, `-`, `*` and bit operations,
//! each exactly rounded by IEEE 754; Rust never contracts them to fused multiply-adds. They have no
//! branch, so that loops over them vectorise. The coefficients are minimax fits of the relative
//! error (Remez exchange), rounded to f32.

/// `1 / sqrt(2)` as bits: a mantissa is taken from `[1/sqrt 2, sqrt 2)`, where the fit of [`ln`]
/// holds.
const SQRT_HALF_BITS: u32 = 0x3f35_04f3;

/// `ln 2` in two parts; the first has nine significant bits, so that its product with an exponent
/// is exact.
const LN_2_HIGH: f32 = 0.693_359_4;
const LN_2_LOW: f32 = -0.000_212_194_44;

/// `2 pi` in two parts: the f32 and what it lacks.
const TURN_HIGH: f32 = std::f32::consts::TAU;
const TURN_LOW: f32 = -1.748_455_5e-7;

/// Natural logarithm of a positive normal `x`; error below 1 ULP for multiples of 2^-24 in (0, 1].
///
/// `x = 2^e (1 + f)`, `ln x = e ln 2 + f - f^2 / 2 + f^3 P(f)`.
#[inline(always)]
pub(crate) fn ln(x: f32) -> f32 {
    let bits = x.to_bits();
    let exponent = (bits.wrapping_sub(SQRT_HALF_BITS) as i32) >> 23;
    let f = f32::from_bits(bits.wrapping_sub((exponent << 23) as u32)) - 1.0;
    let e = exponent as f32;
    let square = f * f;

    let mut p = 0.067_466_34;
    p = p * f - 0.116_756_454;
    p = p * f + 0.118_881_62;
    p = p * f - 0.124_055_9;
    p = p * f + 0.142_195_52;
    p = p * f - 0.166_679_96;
    p = p * f + 0.200_021_19;
    p = p * f - 0.250_000_1;
    p = p * f + 0.333_333_13;

    let tail = f * square * p + e * LN_2_LOW - 0.5 * square;
    (f + tail) + e * LN_2_HIGH
}

/// `exp(x)` for `x <= 0`; error below 1 ULP down to `x = -87`, below that 0.
///
/// `x = n ln 2 + r` with `|r| <= ln 2 / 2`, `exp x = 2^n (1 + r + r^2 P(r))`.
#[cfg(feature = "flex")]
#[inline(always)]
pub(crate) fn exp(x: f32) -> f32 {
    // Adding and subtracting 1.5 * 2^23 rounds to the nearest integer; its bits are the lowest bits
    // of the sum.
    const ROUND: f32 = 12_582_912.0;
    // Below -87 the result would not be a normal number. NaN stays NaN: the comparison is false.
    let small = x < -87.0;
    let clamped = if small { -87.0 } else { x };
    let shifted = clamped * std::f32::consts::LOG2_E + ROUND;
    let n = shifted - ROUND;
    let r = (clamped - n * LN_2_HIGH) - n * LN_2_LOW;

    let mut p = 1.381_459_8e-3;
    p = p * r + 8.368_717e-3;
    p = p * r + 4.166_839e-2;
    p = p * r + 1.666_652_1e-1;
    p = p * r + 4.999_999_4e-1;
    let fraction = 1.0 + (r + r * r * p);

    let scale = f32::from_bits((shifted.to_bits() << 23).wrapping_add(0x3f80_0000));
    let value = fraction * scale;
    if small { 0.0 } else { value }
}

/// `ln(1 + u)` for `u` in [0, 1]; error below 3 ULP.
///
/// With `w = 1 + u` rounded, `ln(1 + u) = ln w + (u - (w - 1)) / w` to first order in the rounding
/// error.
#[cfg(feature = "flex")]
#[inline(always)]
pub(crate) fn ln_1p(u: f32) -> f32 {
    let w = 1.0 + u;
    let lost = u - (w - 1.0);
    // Where u is too small to change w, ln(1 + u) = u, and all of u is then in `lost`.
    ln(w) + lost / w
}

/// Cosine and sine of `turn * 2^-24` turns, for `turn < 2^24`; error below 1.75 ULP.
///
/// The nearest quarter of a turn is subtracted exactly, in integers. This leaves `t` in
/// `[-1/8, 1/8]` turns, and makes zeros and extrema exact. Then `sin = 2 pi t + t^3 S(t^2)` and
/// `cos = 1 + t^2 C(t^2)`.
#[inline(always)]
pub(crate) fn cos_sin_turn(turn: u32) -> (f32, f32) {
    let quadrant = (turn + (1 << 21)) >> 22;
    let t = (turn.wrapping_sub(quadrant << 22) as i32) as f32 * (1.0 / 16_777_216.0);
    let z = t * t;

    let mut s = -75.445_48;
    s = s * z + 81.593_765;
    s = s * z - 41.341_67;
    let sin = t * TURN_HIGH + t * (TURN_LOW + z * s);

    let mut c = 59.229_14;
    c = c * z - 85.443_24;
    c = c * z + 64.939_32;
    c = c * z - 19.739_208;
    let cos = 1.0 + z * c;

    // Each quarter turn maps (cos, sin) to (-sin, cos): odd quadrants swap them, and two bits give
    // the signs.
    let swap = (quadrant & 1).wrapping_neg();
    let (cos, sin) = (cos.to_bits(), sin.to_bits());
    let differ = (cos ^ sin) & swap;
    let cos_sign = (quadrant.wrapping_add(1) & 2) << 30;
    let sin_sign = (quadrant & 2) << 30;
    (
        f32::from_bits(cos ^ differ ^ cos_sign),
        f32::from_bits(sin ^ differ ^ sin_sign),
    )
}

#[cfg(test)]
mod tests {
    use super::{cos_sin_turn, ln};
    use std::f64::consts::TAU;

    /// Distance of `got` from `exact`, in units of the last place of `exact` rounded to f32.
    fn ulps(got: f32, exact: f64) -> f64 {
        let nearest = (exact as f32).abs();
        (f64::from(got) - exact).abs() / f64::from(nearest.next_up() - nearest)
    }

    #[test]
    fn ln_of_every_24_bit_uniform() {
        assert_eq!(ln(1.0).to_bits(), 0.0_f32.to_bits());
        let worst = (1..1_u32 << 24)
            .map(|k| k as f32 / 16_777_216.0)
            .map(|x| ulps(ln(x), f64::from(x).ln()))
            .fold(0.0, f64::max);
        assert!(worst < 1.0, "{worst} ULP");
    }

    #[test]
    fn cosine_and_sine_of_every_24_bit_turn() {
        let worst = (0..1_u32 << 24)
            .filter(|turn| turn % (1 << 22) != 0)
            .map(|turn| {
                let angle = TAU * f64::from(turn) / 16_777_216.0;
                let (cos, sin) = cos_sin_turn(turn);
                ulps(cos, angle.cos()).max(ulps(sin, angle.sin()))
            })
            .fold(0.0, f64::max);
        assert!(worst < 1.75, "{worst} ULP");
    }

    #[test]
    fn quarter_turns_are_exact() {
        for (quarter, expected) in [
            (0, (1.0, 0.0)),
            (1, (0.0, 1.0)),
            (2, (-1.0, 0.0)),
            (3, (0.0, -1.0)),
        ] {
            assert_eq!(cos_sin_turn(quarter << 22), expected, "{quarter} / 4");
        }
    }
}
