//! Arcs of circles blurred by a Gaussian: the density of a uniform place on an arc plus noise.

use std::f64::consts::{PI, TAU};

/// Nodes and weights of Gauss-Legendre quadrature on `[-1, 1]`, eight of them (Abramowitz & Stegun,
/// table 25.4).
const QUADRATURE: [(f64, f64); 8] = [
    (-0.960_289_856_497_536_3, 0.101_228_536_290_376_26),
    (-0.796_666_477_413_626_7, 0.222_381_034_453_374_48),
    (-0.525_532_409_916_329, 0.313_706_645_877_887_3),
    (-0.183_434_642_495_649_8, 0.362_683_783_378_362),
    (0.183_434_642_495_649_8, 0.362_683_783_378_362),
    (0.525_532_409_916_329, 0.313_706_645_877_887_3),
    (0.796_666_477_413_626_7, 0.222_381_034_453_374_48),
    (0.960_289_856_497_536_3, 0.101_228_536_290_376_26),
];

/// Exponents so far below the largest add nothing that f64 could hold.
const NEGLIGIBLE: f64 = 40.0;

/// A part of a circle with a weight; angles in radians, `from < to <= from + 2 pi`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Arc {
    pub(super) center: [f64; 2],
    pub(super) radius: f64,
    pub(super) from: f64,
    pub(super) to: f64,
    pub(super) weight: f64,
}

impl Arc {
    /// The logarithm of the weight times the density at `x` of a uniform place on the arc plus
    /// `N(0, noise^2)`:
    ///
    /// ```text
    /// 1 / (2 pi noise^2 (to - from))
    ///     * integral from `from` to `to` of exp(-|x - c - R (cos t, sin t)|^2 / (2 noise^2)) dt
    /// ```
    ///
    /// The integral is taken panel by panel, none longer than a standard deviation of the noise, by
    /// eight nodes each.
    pub(super) fn log_density(&self, [x, y]: [f64; 2], noise: f64) -> f64 {
        let (dx, dy) = (x - self.center[0], y - self.center[1]);
        let (distance, angle) = (dx.hypot(dy), dy.atan2(dx));
        let length = self.to - self.from;
        // |x - c - R u|^2 = (distance - R)^2 + 2 distance R (1 - cos(t - angle))
        let sharpness = distance * self.radius / (noise * noise);
        let fall = |turn: f64| sharpness * 2.0 * (0.5 * turn).sin().powi(2);
        let nearest = self.nearest(angle);
        let least = fall(nearest);
        let panels = (length * self.radius / noise).ceil().max(1.0);
        let half = 0.5 * length / panels;
        let mut integral = 0.0;
        for panel in 0..panels as usize {
            let middle = self.from + (2 * panel + 1) as f64 * half;
            // The distance on the circle to the nearest place of the panel.
            let gap = (turn_between(middle, angle) - half).max(0.0);
            if fall(gap) > least + NEGLIGIBLE {
                continue;
            }
            for (node, weight) in QUADRATURE {
                let turn = middle + half * node - angle;
                integral += weight * (least - fall(turn)).exp();
            }
        }
        (self.weight * half * integral / length).ln()
            - least
            - 0.5 * ((distance - self.radius) / noise).powi(2)
            - (2.0 * PI * noise * noise).ln()
    }

    /// The angle between a direction and the nearest place of the arc.
    fn nearest(&self, angle: f64) -> f64 {
        let inside = (angle - self.from).rem_euclid(TAU) <= self.to - self.from;
        if inside {
            return 0.0;
        }
        turn_between(angle, self.from).min(turn_between(angle, self.to))
    }
}

/// The angle between two directions, 0 to pi.
fn turn_between(a: f64, b: f64) -> f64 {
    let turn = (a - b).rem_euclid(TAU);
    turn.min(TAU - turn)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The same integral by Simpson's rule with so many places that nothing is left to chance.
    fn by_brute_force(arc: &Arc, [x, y]: [f64; 2], noise: f64) -> f64 {
        const PLACES: usize = 100_000;
        let length = arc.to - arc.from;
        let sum: f64 = (0..=PLACES)
            .map(|place| {
                let (sin, cos) = (arc.from + length * place as f64 / PLACES as f64).sin_cos();
                let dx = x - arc.center[0] - arc.radius * cos;
                let dy = y - arc.center[1] - arc.radius * sin;
                let weight = match place {
                    0 | PLACES => 1.0,
                    _ if place % 2 == 1 => 4.0,
                    _ => 2.0,
                };
                weight * (-0.5 * (dx * dx + dy * dy) / (noise * noise)).exp()
            })
            .sum();
        arc.weight * sum / (3 * PLACES) as f64 / (2.0 * PI * noise * noise)
    }

    #[test]
    fn densities_are_the_integral_by_brute_force() {
        let half = Arc {
            center: [0.2, -0.1],
            radius: 0.7,
            from: 0.0,
            to: PI,
            weight: 0.5,
        };
        let ring = Arc {
            to: TAU,
            weight: 1.0,
            ..half
        };
        // On the arc, at its end, inside, behind the opening where both ends count, far away.
        let places = [
            [0.2, 0.6],
            [0.9, -0.1],
            [0.2, -0.1],
            [0.2, -0.4],
            [0.25, -0.4],
            [1.3, 0.9],
        ];
        for arc in [half, ring] {
            for noise in [0.05, 0.2, 1.0] {
                for place in places {
                    let expected = by_brute_force(&arc, place, noise).ln();
                    let found = arc.log_density(place, noise);
                    assert!(
                        (found - expected).abs() < 1e-8,
                        "{place:?}, noise {noise}: {found} for {expected}"
                    );
                }
            }
        }
    }

    #[test]
    fn a_place_too_far_for_the_density_itself_has_a_logarithm() {
        let ring = Arc {
            center: [0.0, 0.0],
            radius: 1.0,
            from: 0.0,
            to: TAU,
            weight: 1.0,
        };
        let found = ring.log_density([50.0, 0.0], 0.05);
        assert!(found.is_finite() && found < -400_000.0, "{found}");
    }
}
