//! The normal distribution function, accurate in the tails too.

use std::f64::consts::{FRAC_1_SQRT_2, PI};

/// The mass of a standard normal between `low` and `high`, without loss where both lie on the same
/// side.
pub(super) fn mass_between(low: f64, high: f64) -> f64 {
    let tail = |z: f64| 0.5 * complementary_error_function(z * FRAC_1_SQRT_2);
    if low > 0.0 {
        tail(low) - tail(high)
    } else if high < 0.0 {
        tail(-high) - tail(-low)
    } else {
        1.0 - tail(-low) - tail(high)
    }
}

/// `2 / sqrt(pi)` times the integral of `exp(-t^2)` from `x` to infinity: by the Maclaurin series
/// of its complement up to 2, by Legendre's continued fraction beyond (Abramowitz & Stegun 7.1.5
/// and 7.1.14).
fn complementary_error_function(x: f64) -> f64 {
    if x < 0.0 {
        return 2.0 - complementary_error_function(-x);
    }
    if x < 2.0 {
        let (mut sum, mut term, mut k) = (x, x, 0.0);
        while term.abs() > 1e-18 * sum.abs() {
            k += 1.0;
            term *= -x * x / k;
            sum += term / (2.0 * k + 1.0);
        }
        return 1.0 - 2.0 / PI.sqrt() * sum;
    }
    // x + (1/2) / (x + 1 / (x + (3/2) / (x + ...))), from the inside.
    let fraction = (1..=120)
        .rev()
        .fold(x, |inner, k| x + 0.5 * f64::from(k) / inner);
    (-x * x).exp() / (PI.sqrt() * fraction)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_error_function_has_its_tabulated_values() {
        // Abramowitz & Stegun, tables 7.1 and 7.3; NIST's functions for 2 and 5.
        for (x, expected) in [
            (0.0, 1.0),
            (0.5, 0.479_500_122_186_953_5),
            (1.0, 0.157_299_207_050_285_13),
            (1.999_999_999, 0.004_677_735_001_714_253),
            (2.0, 0.004_677_734_981_047_266),
            (5.0, 1.537_459_794_428_035e-12),
            (-1.0, 1.842_700_792_949_715),
        ] {
            let found = complementary_error_function(x);
            assert!((found / expected - 1.0).abs() < 1e-11, "{x}: {found:e}");
        }
    }

    #[test]
    fn masses_are_symmetric_and_add_up() {
        assert!((mass_between(-1.96, 1.96) - 0.950_004_209_703_559_1).abs() < 1e-12);
        let right = mass_between(6.0, 7.0);
        assert_eq!(right, mass_between(-7.0, -6.0));
        assert!((right - 9.853_078_324_938e-10).abs() < 1e-21, "{right:e}");
        assert_eq!(mass_between(-f64::INFINITY, f64::INFINITY), 1.0);
    }
}
