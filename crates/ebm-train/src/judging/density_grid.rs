//! A density of the plane on a grid: its partition function, entropy and divergences, as exactly as
//! the grid is fine.

use burn::tensor::{Device, Tensor, TensorData};
use ebm_models::Energy;
use ebm_ops::Interval;
use rayon::prelude::*;

/// Points whose energies are computed in one go.
const BATCH: usize = 1 << 15;
/// The border of a square, as a share of its side: the frame on which [`DensityGrid::border_mass`]
/// looks.
const BORDER: f64 = 0.02;

/// Energies of which no density can be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DensityGridError {
    /// Energies that are NaN or minus infinity.
    #[error(
        "{count} of {cells} energies on the grid are NaN or minus infinity, expected numbers or plus infinity: the model has diverged"
    )]
    NotFinite {
        /// How many.
        count: usize,
        /// The number of cells.
        cells: usize,
    },
    /// No cell has a finite energy.
    #[error("no cell of the grid has a finite energy, so there is no mass in the square")]
    NoMass,
}

/// A density on a square, cut into `side * side` cells, by its logarithm at the middle of each.
///
/// The density of an energy is normalised on the square,
///
/// ```text
/// log Z = log sum over cells of h^2 exp(-E(x_cell)),   h = (high - low) / side,
/// ```
///
/// the midpoint rule in two dimensions, in f64 with the largest term taken out. Its error falls
/// with `h^2`, and much faster for densities that vanish with all derivatives at the border.
/// Whether the grid is fine enough is seen from [`log_partition`](Self::log_partition) on a grid of
/// half as many cells a side, whether it is wide enough from [`border_mass`](Self::border_mass).
///
/// ```
/// use ebm_train::data::{PLANE_RANGE, Plane, PlaneProblem};
/// use ebm_train::judging::DensityGrid;
///
/// let density = Plane::new(PlaneProblem::Gaussians).density().expect("it is blurred by noise");
/// let grid = DensityGrid::from_log_density(PLANE_RANGE, 150, |x| density.log_density(x));
/// // The true density has Z = 1, nearly all of it in the square.
/// assert!(grid.log_partition().abs() < 1e-4);
/// // Eight components that hardly overlap: ln 8 more than the entropy of one, 1 + ln(2 pi 0.1^2).
/// let one = 1.0 + (2.0 * std::f64::consts::PI * 0.01).ln();
/// assert!((grid.entropy() - one - 8.0_f64.ln()).abs() < 1e-3);
/// ```
#[derive(Debug, Clone)]
pub struct DensityGrid {
    range: Interval,
    side: usize,
    /// Normalised on the square, row by row from the top.
    log_density: Vec<f64>,
    log_partition: f64,
}

impl DensityGrid {
    /// The density of an energy on the square `[low, high]^2`, of `side * side` cells.
    ///
    /// The energies are computed on the device in batches and summed on the host.
    ///
    /// # Shapes
    ///
    /// - `model`: energies in nats of points, `[batch, 2]`; plus infinity is no mass
    ///
    /// # Errors
    ///
    /// If an energy is NaN or minus infinity, or all are infinite.
    ///
    /// # Panics
    ///
    /// If `low < high` doesn't hold, `side` is 0, or the model gives another number of energies
    /// than it was given points.
    pub fn from_energy(
        model: &impl Energy<2>,
        range: impl Into<Interval>,
        side: usize,
        device: &Device,
    ) -> Result<Self, DensityGridError> {
        let range = range.into();
        let points = middles(range, side);
        let mut log_weights = Vec::with_capacity(points.len());
        for batch in points.chunks(BATCH) {
            let values: Vec<f32> = batch.iter().flatten().map(|&x| x as f32).collect();
            let data = TensorData::new(values, [batch.len(), 2]);
            let energies = model.energy(Tensor::from_data(data, device));
            assert_eq!(
                energies.dims(),
                [batch.len()],
                "the energy of points of shape {:?} must have one value a point",
                [batch.len(), 2]
            );
            log_weights.extend(energies.into_data().iter::<f64>().map(|energy| -energy));
        }
        Self::normalize(range, side, log_weights)
    }

    /// A density known on the host by its logarithm (with any constant), on the square `[low,
    /// high]^2`.
    ///
    /// Normalised on the square as well: [`log_partition`](Self::log_partition) says how much of
    /// its mass was there.
    ///
    /// # Panics
    ///
    /// If `low < high` doesn't hold, `side` is 0, or the logarithms are NaN, plus infinity, or
    /// nowhere finite.
    pub fn from_log_density(
        range: impl Into<Interval>,
        side: usize,
        log_density: impl Fn([f64; 2]) -> f64 + Sync,
    ) -> Self {
        let range = range.into();
        let log_weights = middles(range, side).into_par_iter().map(&log_density);
        match Self::normalize(range, side, log_weights.collect()) {
            Ok(grid) => grid,
            Err(error) => panic!("a log-density on a grid: {error}"),
        }
    }

    fn normalize(
        range: Interval,
        side: usize,
        mut log_weights: Vec<f64>,
    ) -> Result<Self, DensityGridError> {
        let bad = |&weight: &f64| weight.is_nan() || weight == f64::INFINITY;
        let count = log_weights.iter().copied().filter(bad).count();
        if count > 0 {
            let cells = log_weights.len();
            return Err(DensityGridError::NotFinite { count, cells });
        }
        let largest = log_weights
            .iter()
            .copied()
            .fold(f64::NEG_INFINITY, f64::max);
        if largest == f64::NEG_INFINITY {
            return Err(DensityGridError::NoMass);
        }
        let sum: f64 = log_weights.iter().map(|w| (w - largest).exp()).sum();
        let cell = range.width() / side as f64;
        let log_partition = largest + sum.ln() + 2.0 * cell.ln();
        for weight in &mut log_weights {
            *weight -= log_partition;
        }
        Ok(Self {
            range,
            side,
            log_density: log_weights,
            log_partition,
        })
    }

    /// `log Z`, the logarithm of the integral of `exp(-E)` over the square, in nats.
    pub fn log_partition(&self) -> f64 {
        self.log_partition
    }

    /// The square: the lowest and highest value of both coordinates.
    pub fn range(&self) -> Interval {
        self.range
    }

    /// Cells along each side.
    pub fn side(&self) -> usize {
        self.side
    }

    /// `log p` at the middle of each cell, normalised on the square, row by row from the top
    /// (largest second coordinate): `side * side` values in nats.
    pub fn log_density(&self) -> &[f64] {
        &self.log_density
    }

    /// `p` at the middle of each cell, in the order of [`log_density`](Self::log_density).
    pub fn density(&self) -> Vec<f64> {
        self.log_density.iter().map(|log_p| log_p.exp()).collect()
    }

    /// The middles of the cells, in the order of [`log_density`](Self::log_density).
    pub fn middles(&self) -> Vec<[f64; 2]> {
        middles(self.range, self.side)
    }

    /// The differential entropy on the square, `-integral of p log p`, in nats.
    pub fn entropy(&self) -> f64 {
        self.mean(|_, log_p| if log_p.is_finite() { -log_p } else { 0.0 })
    }

    /// The Kullback-Leibler divergence `KL(self || other) = integral of p log(p / q)` on the
    /// square, in nats; infinite if `other` has no mass somewhere where this one has.
    ///
    /// Both densities are normalised on the square, so that it is 0 only for equal ones, and never
    /// negative but for rounding.
    ///
    /// # Panics
    ///
    /// If the grids differ.
    pub fn kl_divergence_to(&self, other: &Self) -> f64 {
        assert_eq!(
            (self.range, self.side),
            (other.range, other.side),
            "densities on different grids (range, side) can't be compared"
        );
        self.mean(|cell, log_p| log_p - other.log_density[cell])
    }

    /// The share of the mass in a frame of two percent of the side along the border (at least one
    /// cell wide).
    ///
    /// A uniform density has 0.078 there. Where there is mass at the border there may be mass
    /// beyond, which `log Z` lacks.
    pub fn border_mass(&self) -> f64 {
        let width = ((BORDER * self.side as f64).round() as usize).max(1);
        let at_border = |index: usize| index < width || index + width >= self.side;
        self.mean(|cell, _| {
            let (row, column) = (cell / self.side, cell % self.side);
            f64::from(u8::from(at_border(row) || at_border(column)))
        })
    }

    /// The expectation under the density of a function of the cell and its log-density, where there
    /// is mass.
    fn mean(&self, function: impl Fn(usize, f64) -> f64) -> f64 {
        let area = (self.range.width() / self.side as f64).powi(2);
        let cells = self.log_density.iter().enumerate();
        cells
            .filter(|(_, log_p)| **log_p > f64::NEG_INFINITY)
            .map(|(cell, &log_p)| area * log_p.exp() * function(cell, log_p))
            .sum()
    }
}

/// The middles of the cells, row by row from the top.
fn middles(Interval { low, high }: Interval, side: usize) -> Vec<[f64; 2]> {
    assert!(
        low < high && (high - low).is_finite() && side > 0,
        "a grid needs low < high and a cell, found [{low}, {high}] and {side} cells a side"
    );
    let place = |index: usize| low + (high - low) * (index as f64 + 0.5) / side as f64;
    (0..side)
        .rev()
        .flat_map(|row| (0..side).map(move |column| [place(column), place(row)]))
        .collect()
}
