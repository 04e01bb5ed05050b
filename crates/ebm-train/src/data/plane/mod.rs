//! Problems of the plane: distributions of points that are drawn exactly, and whose density has a closed form.
//!
//! The fastest way to see that an objective works: the density that was learned stands beside the true one, and
//! [`DensityGrid`](crate::evaluation::DensityGrid) measures how far they are apart.

mod arcs;
mod density;
mod normal;
mod pinwheel;
mod points;
mod problem;
mod two_moons;

pub use density::PlaneDensity;
pub use points::Points;
pub use problem::{PlaneProblem, UnknownPlaneProblem};
pub use two_moons::two_moons;

/// The square `[-1.5, 1.5]^2` in which a Markov chain for these problems may be kept: all but a share of less than 1e-4 of
/// the points lie in it with the noise that each problem has by default.
pub const PLANE_RANGE: (f64, f64) = (-1.5, 1.5);

/// Circles around the origin: their radii. Points are uniform along all of them.
const RING_RADII: [f64; 3] = [0.4, 0.8, 1.2];
/// Squares along each side of the board, every second one occupied, and half of the side of the board.
const BOARD: (usize, f64) = (4, 1.2);
/// Components on a circle of radius 1.
const COMPONENTS: usize = 8;

/// A distribution over the plane: a problem, and how noisy it is.
///
/// | problem | a point is |
/// |---|---|
/// | two moons | a uniform place on a half circle, plus `N(0, noise^2)`, moved and scaled: [`two_moons`] |
/// | rings | a uniform place on the circles, plus `N(0, noise^2)` in both directions |
/// | checkerboard | a uniform place in the occupied squares, plus `N(0, noise^2)` in both directions |
/// | pinwheel | `R(2 pi k / 5 + exp(r / 0.7) / 4) v` with `v = (0.7 + 0.2 z_1, noise z_2)`, `r = norm(v)`, a rotation `R` and `k` uniform |
/// | Gaussians | a uniform one of eight centres, plus `N(0, noise^2)` in both directions |
///
/// `z` are standard normal. In Johnson et al. (2016) the arms of the pinwheel are twisted by the first coordinate of `v`, here by its
/// norm: that keeps areas, so that the density has a closed form.
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

    /// The same problem with noise of this standard deviation, in units of the plane; for two moons in radii of the moons (1.5 of
    /// which are a unit), for the pinwheel across its arms.
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

    /// The true density; `None` where there is none to compute: noise below 0.001 puts the points on curves, too thin for any grid.
    /// (A checkerboard has one without noise too.)
    pub fn density(&self) -> Option<PlaneDensity> {
        PlaneDensity::of(self)
    }

    /// How many uniform numbers make a point.
    pub const fn uniforms_per_point(&self) -> usize {
        match self.problem {
            PlaneProblem::TwoMoons => 1,
            _ => 2,
        }
    }

    /// `count` points; the caller brings the randomness.
    /// [`Examples::from_plane`](crate::Examples::from_plane) draws it from a [`Noise`](ebm_ops::Noise).
    ///
    /// Points are independent, but for those of two moons, which lie alternately on the upper and the lower one.
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
                PlaneProblem::Rings => on_a_ring(u),
                PlaneProblem::Checkerboard => on_the_board(u),
                _ => component((u[0] * COMPONENTS as f64) as usize),
            };
            [(x + noise[0]) as f32, (y + noise[1]) as f32]
        });
        Points::new(values.collect())
    }
}

/// A uniform place on the rings: the first number chooses the ring, in proportion to its length.
fn on_a_ring([which, turn]: [f64; 2]) -> [f64; 2] {
    let total: f64 = RING_RADII.iter().sum();
    let mut rest = which * total;
    let radius = RING_RADII
        .into_iter()
        .find(|radius| {
            rest -= radius;
            rest < 0.0
        })
        .unwrap_or(RING_RADII[RING_RADII.len() - 1]);
    let (sin, cos) = (turn * std::f64::consts::TAU).sin_cos();
    [radius * cos, radius * sin]
}

/// The lower left corners of the occupied squares, and their side.
fn occupied() -> (impl Iterator<Item = [f64; 2]>, f64) {
    let (squares, half) = BOARD;
    let side = 2.0 * half / squares as f64;
    let corners = (0..squares * squares).filter_map(move |index| {
        let (row, column) = (index / squares, index % squares);
        let corner = [column, row].map(|place| place as f64 * side - half);
        (row + column).is_multiple_of(2).then_some(corner)
    });
    (corners, side)
}

/// A uniform place in the occupied squares: the first number chooses the square and the place across.
fn on_the_board([first, up]: [f64; 2]) -> [f64; 2] {
    let (corners, side) = occupied();
    let corners: Vec<[f64; 2]> = corners.collect();
    let scaled = first * corners.len() as f64;
    let square = (scaled as usize).min(corners.len() - 1);
    let [x, y] = corners[square];
    [x + side * (scaled - square as f64), y + side * up]
}

/// The centre of one of the Gaussians.
fn component(index: usize) -> [f64; 2] {
    let (sin, cos) = (index as f64 / COMPONENTS as f64 * std::f64::consts::TAU).sin_cos();
    [cos, sin]
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
                RING_RADII.iter().any(|ring| (ring - radius).abs() < 1e-6),
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
