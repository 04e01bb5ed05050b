//! Two interleaved half circles in the plane: the smallest data set whose density is worth looking
//! at.

use std::f64::consts::PI;

use super::arcs::Arc;
use super::points::Points;

/// `count` points on two moons, alternately upper and lower, blurred by Gaussian noise; the caller
/// brings the randomness.
///
/// With `t = pi u` the upper moon is `(cos t, sin t)`, the lower one `(1 - cos t, 1/2 - sin t)`, as
/// scikit-learn's `make_moons` has them. Noise is added at that scale; then all is centred on
/// `(1/2, 1/4)` and divided by `3/2`, alike in both directions, which puts the curves into `[-1, 1]
/// x [-1/2, 1/2]`.
///
/// # Shapes
/// - `uniforms`: `[count]`, in `[0, 1)`: the place along the moon
/// - `normals`: `[count, 2]`, standard normal
///
/// # Panics
/// If the slices don't have these lengths.
pub fn two_moons(count: usize, noise_std: f32, uniforms: &[f32], normals: &[f32]) -> Points {
    assert_eq!(
        uniforms.len(),
        count,
        "two_moons: one uniform number for each of {count} points"
    );
    assert_eq!(
        normals.len(),
        2 * count,
        "two_moons: two normal numbers for each of {count} points"
    );
    let mut values = Vec::with_capacity(2 * count);
    for (index, (uniform, noise)) in uniforms.iter().zip(normals.as_chunks::<2>().0).enumerate() {
        let (sin, cos) = (std::f32::consts::PI * uniform).sin_cos();
        let (x, y) = if index % 2 == 0 {
            (cos, sin)
        } else {
            (1.0 - cos, 0.5 - sin)
        };
        values.push((x + noise_std * noise[0] - 0.5) / 1.5);
        values.push((y + noise_std * noise[1] - 0.25) / 1.5);
    }
    Points::new(values)
}

/// The half circles and the noise around them, as [`two_moons`] scales them.
pub(super) fn arcs(noise: f64) -> (Vec<Arc>, f64) {
    let moon = |x: f64, y: f64, from: f64| Arc {
        center: [(x - 0.5) / 1.5, (y - 0.25) / 1.5],
        radius: 1.0 / 1.5,
        from,
        to: from + PI,
        weight: 0.5,
    };
    (vec![moon(0.0, 0.0, 0.0), moon(1.0, 0.5, PI)], noise / 1.5)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_and_tops_lie_where_the_formula_says() {
        let points = two_moons(6, 0.1, &[0.0, 0.0, 0.5, 0.5, 1.0, 1.0], &[0.0; 12]);
        let expected = [
            [1.0 / 3.0, -1.0 / 6.0], // (1, 0)
            [-1.0 / 3.0, 1.0 / 6.0], // (0, 1/2)
            [-1.0 / 3.0, 0.5],       // (0, 1)
            [1.0 / 3.0, -0.5],       // (1, -1/2)
            [-1.0, -1.0 / 6.0],      // (-1, 0)
            [1.0, 1.0 / 6.0],        // (2, 1/2)
        ];
        assert_eq!(points.len(), 6);
        for (found, expected) in points.values().as_chunks::<2>().0.iter().zip(expected) {
            let error = (found[0] - expected[0])
                .abs()
                .max((found[1] - expected[1]).abs());
            assert!(error < 1e-6, "{found:?} for {expected:?}");
        }
    }

    #[test]
    fn curves_stay_in_the_square_and_are_centred() {
        let count = 2_000;
        // Pairs of equal place, so that the two moons mirror each other and the mean is 0 but for
        // rounding.
        let uniforms: Vec<f32> = (0..count)
            .map(|i| (i / 2) as f32 / (count / 2) as f32)
            .collect();
        let points = two_moons(count, 0.0, &uniforms, &vec![0.0; 2 * count]);
        for axis in 0..2 {
            let along: Vec<f32> = points
                .values()
                .iter()
                .skip(axis)
                .step_by(2)
                .copied()
                .collect();
            let limit = [1.0, 0.5][axis] + 1e-6;
            assert!(along.iter().all(|value| value.abs() <= limit));
            assert!((along.iter().sum::<f32>() / count as f32).abs() < 1e-4);
        }
    }

    #[test]
    fn noise_is_scaled_with_the_points() {
        let still = two_moons(2, 0.0, &[0.3, 0.6], &[1.0, -2.0, 3.0, 4.0]);
        let moved = two_moons(2, 0.3, &[0.3, 0.6], &[1.0, -2.0, 3.0, 4.0]);
        let expected = [0.2, -0.4, 0.6, 0.8];
        for ((moved, still), expected) in moved.values().iter().zip(still.values()).zip(expected) {
            assert!((moved - still - expected).abs() < 1e-6);
        }
    }

    #[test]
    #[should_panic(expected = "two normal numbers for each of 2 points")]
    fn too_few_numbers_panic() {
        two_moons(2, 0.1, &[0.0; 2], &[0.0; 3]);
    }
}
