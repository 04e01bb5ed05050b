//! Problems of the plane: distributions of points that are drawn exactly, and whose density has a
//! closed form.
//!
//! The fastest way to see that an objective works: the density that was learned is compared with
//! the true one.

mod arcs;
mod checkerboard;
mod density;
mod gaussians;
mod log_sum_exp;
mod normal;
mod pinwheel;
mod points;
mod problem;
mod rings;
mod two_moons;

pub use density::PlaneDensity;
pub use points::Points;
pub use problem::{PlaneProblem, UnknownPlaneProblem};
pub use two_moons::two_moons;

/// The square `[-1.5, 1.5]^2` in which a Markov chain for these problems may be kept: all but a
/// share of less than 1e-4 of the points lie in it with the noise that each problem has by default.
pub const PLANE_RANGE: (f64, f64) = (-1.5, 1.5);

/// A distribution over the plane: a problem, and how noisy it is.
///
/// | problem | a point is |
/// |---|---|
/// | two moons | a uniform place on a half circle and noise, moved and scaled: [`two_moons`] |
/// | rings | a uniform place on the circles and noise |
/// | checkerboard | a uniform place in the occupied squares and noise |
/// | pinwheel | `R(2 pi k / 5 + exp(r / 0.7) / 4) v`, as described below |
/// | Gaussians | a uniform one of eight centres and noise |
///
/// Noise is `N(0, noise^2)` in both directions. For the pinwheel, `v = (0.7 + 0.2 z_1, noise z_2)`
/// with standard normal `z`, `r = norm(v)`, `R` is a rotation by the angle given, and `k` is
/// uniform. In Johnson et al. (2016) the arms of the pinwheel are twisted by the first coordinate
/// of `v`, here by its norm: that keeps areas, so that the density has a closed form.
///
/// ```
/// use ebm_train::data::{Plane, PlaneProblem};
///
/// let rings = Plane::new(PlaneProblem::Rings);
/// let density = rings.density().expect("it is blurred by noise");
/// let on_a_ring = density.log_density([0.8, 0.0]);
/// let between_rings = density.log_density([0.6, 0.0]);
/// assert!(on_a_ring > between_rings + 3.0);
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Plane {
    problem: PlaneProblem,
    noise: f64,
}

impl Plane {
    /// A problem with the noise that shows it best.
    pub const fn new(problem: PlaneProblem) -> Self {
        Self {
            problem,
            noise: problem.default_noise(),
        }
    }

    /// The same problem with noise of this standard deviation, in units of the plane; for two moons
    /// in radii of the moons (1.5 of which are a unit), for the pinwheel across its arms.
    ///
    /// # Panics
    ///
    /// If it is negative or not finite.
    pub fn with_noise(mut self, noise: f64) -> Self {
        assert!(
            noise >= 0.0 && noise.is_finite(),
            "the noise of a problem of the plane must be 0 or more, found {noise}"
        );
        self.noise = noise;
        self
    }

    /// Which problem it is.
    pub const fn problem(&self) -> PlaneProblem {
        self.problem
    }

    /// The standard deviation of the noise.
    pub const fn noise(&self) -> f64 {
        self.noise
    }

    /// The true density; `None` where there is none to compute: noise below 0.001 puts the points
    /// on curves, too thin for any grid. (A checkerboard has one without noise too.)
    pub fn density(&self) -> Option<PlaneDensity> {
        PlaneDensity::of(self.problem, self.noise)
    }

    /// How many uniform numbers make a point.
    pub const fn uniforms_per_point(&self) -> usize {
        match self.problem {
            PlaneProblem::TwoMoons => 1,
            _ => 2,
        }
    }

    /// `count` points; the caller brings the randomness.
    /// [`Examples::from_plane`](crate::Examples::from_plane) draws it from a
    /// [`Noise`](ebm_ops::Noise).
    ///
    /// Points are independent, but for those of two moons, which lie alternately on the upper and
    /// the lower one.
    ///
    /// # Shapes
    ///
    /// - `uniforms`: `[count, uniforms_per_point]`, in `[0, 1)`
    /// - `normals`: `[count, 2]`, standard normal
    ///
    /// # Panics
    ///
    /// If the slices don't have these lengths.
    pub fn points(&self, count: usize, uniforms: &[f32], normals: &[f32]) -> Points {
        let expected = (count * self.uniforms_per_point(), 2 * count);
        assert_eq!(
            (uniforms.len(), normals.len()),
            expected,
            "{count} points of {} take {} uniform and {} normal numbers",
            self.problem,
            expected.0,
            expected.1
        );
        if self.problem == PlaneProblem::TwoMoons {
            return two_moons(count, self.noise as f32, uniforms, normals);
        }
        let pairs = uniforms.as_chunks::<2>().0.iter();
        let values = pairs.zip(normals.as_chunks::<2>().0).flat_map(|(u, z)| {
            let [u, z] = [u, z].map(|pair| pair.map(f64::from));
            let noise = z.map(|z| self.noise * z);
            let [x, y] = match self.problem {
                PlaneProblem::Pinwheel => return pinwheel::point(u, z, self.noise),
                PlaneProblem::Rings => rings::place(u),
                PlaneProblem::Checkerboard => checkerboard::place(u),
                _ => gaussians::place(u),
            };
            [(x + noise[0]) as f32, (y + noise[1]) as f32]
        });
        Points::new(values.collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_noise_points_lie_where_the_problem_says() {
        let uniforms: Vec<f32> = (0..64).map(|i| (i as f32 + 0.5) / 64.0).collect();
        let uniforms: Vec<f32> = uniforms
            .iter()
            .flat_map(|&u| uniforms.iter().flat_map(move |&v| [u, v]))
            .collect();
        let count = uniforms.len() / 2;
        let points = |problem| {
            Plane::new(problem)
                .with_noise(0.0)
                .points(count, &uniforms, &vec![0.0; 2 * count])
                .into_values()
        };
        for point in points(PlaneProblem::Rings).as_chunks::<2>().0 {
            let radius = f64::from(point[0]).hypot(f64::from(point[1]));
            assert!(
                rings::RADII.iter().any(|ring| (ring - radius).abs() < 1e-6),
                "{point:?}"
            );
        }
        for [x, y] in points(PlaneProblem::Checkerboard).as_chunks::<2>().0 {
            // Both coordinates in [-1.2, 1.2), and the squares of them even together.
            let [column, row] = [x, y].map(|place| (place + 1.2) / 0.6);
            assert!((0.0..4.0).contains(&column) && (0.0..4.0).contains(&row));
            assert!(
                ((column.floor() + row.floor()) as u32).is_multiple_of(2),
                "{x} {y}"
            );
        }
        for [x, y] in points(PlaneProblem::Gaussians).as_chunks::<2>().0 {
            let turn = f64::from(y.atan2(*x)) / std::f64::consts::TAU * 8.0;
            assert!((x.hypot(*y) - 1.0).abs() < 1e-6 && (turn - turn.round()).abs() < 1e-5);
        }
        // A fifth on each arm, all at the mean distance.
        for [x, y] in points(PlaneProblem::Pinwheel).as_chunks::<2>().0 {
            assert!((x.hypot(*y) - 0.7).abs() < 1e-6);
        }
    }
}
