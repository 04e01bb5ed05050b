//! What a model of the plane is worth: the likelihood of held-out points, exact but for the grid, beside the true density.

use burn::tensor::{Device, Tensor};
use serde::Serialize;

use super::density_grid::{DensityGrid, DensityGridError};
use super::likelihood::Estimate;
use ebm_train::Examples;
use ebm_train::data::Plane;

/// Points looked at in one go.
const BATCH: usize = 4096;
/// More mass at the border than this is worth a warning.
const MOST_BORDER_MASS: f64 = 1e-3;
/// A change of log Z with twice the cells a side that is worth a warning, in nats.
const MOST_REFINEMENT: f64 = 0.01;

/// How a density of the plane is judged.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PlaneOptions {
    /// The square `[low, high]^2`; the model's density is that on the square.
    pub range: (f64, f64),
    /// Cells along each side of the grid.
    pub side: usize,
}

/// What the grid says of a model of the plane; everything in nats.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PlaneReport {
    /// The lowest and highest value of both coordinates.
    pub range: (f64, f64),
    /// Cells along each side.
    pub side: usize,
    /// `log Z` on the square, by the midpoint rule.
    pub log_partition: f64,
    /// By how much `log Z` changed when the cells along each side were doubled to `side`: whether the grid is fine enough.
    pub refinement: f64,
    /// The share of the model's mass along the border, see [`DensityGrid::border_mass`]: whether the grid is wide enough.
    pub border_mass: f64,
    /// The differential entropy of the model's density.
    pub entropy: f64,
    /// The differential entropy of the true density, where it is known: minus this is the best mean log-likelihood there is.
    pub true_entropy: Option<f64>,
    /// `KL(true || model)`, where the true density is known.
    pub divergence: Option<f64>,
}

/// How likely a model of the plane finds points, in nats a point.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PlaneLikelihood {
    /// The number of points.
    pub points: usize,
    /// How many of them lie outside the square, where the model's density isn't defined; they count with their energy there.
    pub outside: usize,
    /// The mean of `log p(x) = -E(x) - log Z` and its standard error over points.
    pub log_likelihood: Estimate,
    /// The same of the true density, where it is known.
    pub true_log_likelihood: Option<Estimate>,
    /// The mean of `log p_true(x) - log p(x)`, an estimate of the divergence whose error is smaller than those of its
    /// parts, since both are means over the same points.
    pub log_ratio: Option<Estimate>,
}

impl PlaneReport {
    /// Judges the density of an energy on a square; gives it beside the true density, on the same grid.
    ///
    /// # Shapes
    ///
    /// - `energy`: `[batch, 2]` -> `[batch]`
    ///
    /// # Errors
    ///
    /// If energies on the grid are not finite.
    ///
    /// # Panics
    ///
    /// If the range is empty or there are fewer than two cells a side.
    pub fn new(
        energy: &dyn Fn(Tensor<2>) -> Tensor<1>,
        plane: Option<&Plane>,
        options: PlaneOptions,
        device: &Device,
    ) -> Result<(Self, PlaneDensities), DensityGridError> {
        let PlaneOptions { range, side } = options;
        assert!(
            side >= 2,
            "a grid that can be compared with a coarser one needs 2 cells a side or more, found {side}"
        );
        let model = DensityGrid::from_energy(range, side, device, energy)?;
        let coarse = DensityGrid::from_energy(range, side / 2, device, energy)?;
        let truth = plane
            .and_then(Plane::density)
            .map(|density| DensityGrid::from_log_density(range, side, |x| density.log_density(x)));
        let report = Self {
            range,
            side,
            log_partition: model.log_partition(),
            refinement: model.log_partition() - coarse.log_partition(),
            border_mass: model.border_mass(),
            entropy: model.entropy(),
            true_entropy: truth.as_ref().map(DensityGrid::entropy),
            divergence: truth.as_ref().map(|truth| truth.kl_divergence_to(&model)),
        };
        Ok((report, PlaneDensities { model, truth }))
    }

    /// How likely the model finds points; `[count, 2]`.
    ///
    /// `None` if there is no point.
    pub fn likelihood(
        &self,
        energy: &dyn Fn(Tensor<2>) -> Tensor<1>,
        plane: Option<&Plane>,
        points: &Examples<2>,
    ) -> Option<PlaneLikelihood> {
        let density = plane.and_then(Plane::density);
        let (low, high) = self.range;
        let mut outside = 0;
        let (mut model, mut truth) = (Vec::new(), Vec::new());
        for batch in points.batches(BATCH) {
            let batch = batch.x;
            let energies = energy(batch.clone()).into_data();
            model.extend(
                energies
                    .iter::<f64>()
                    .map(|energy| -energy - self.log_partition),
            );
            let values: Vec<f64> = batch.into_data().iter::<f64>().collect();
            for point in values.as_chunks::<2>().0 {
                outside += usize::from(point.iter().any(|x| !(low..=high).contains(x)));
                truth.extend(density.as_ref().map(|density| density.log_density(*point)));
            }
        }
        let ratios: Vec<f64> = truth.iter().zip(&model).map(|(p, q)| p - q).collect();
        Some(PlaneLikelihood {
            points: model.len(),
            outside,
            log_likelihood: estimate(&model)?,
            true_log_likelihood: estimate(&truth),
            log_ratio: estimate(&ratios),
        })
    }

    /// What speaks against the numbers, a sentence each: a grid too coarse, a square too small.
    pub fn warnings(&self) -> Vec<String> {
        let (low, high) = self.range;
        let mut warnings = Vec::new();
        if self.refinement.abs() > MOST_REFINEMENT {
            warnings.push(format!(
                "log Z changed by {:.4} nats from {} to {} cells a side: the grid is too coarse for this density",
                self.refinement,
                self.side / 2,
                self.side
            ));
        }
        if self.border_mass > MOST_BORDER_MASS {
            warnings.push(format!(
                "{:.2} % of the model's mass lies along the border of [{low}, {high}]^2: what lies beyond is not counted",
                100.0 * self.border_mass
            ));
        }
        warnings
    }
}

/// A model's density and the true one, on the same grid.
#[derive(Clone, Debug)]
pub struct PlaneDensities {
    /// The model's.
    pub model: DensityGrid,
    /// The true one, where it is known.
    pub truth: Option<DensityGrid>,
}

/// The mean and its standard error; `None` of nothing.
fn estimate(values: &[f64]) -> Option<Estimate> {
    if values.is_empty() {
        return None;
    }
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    Some(Estimate {
        mean,
        standard_error: (squares / (count - 1.0).max(1.0) / count).sqrt(),
    })
}
