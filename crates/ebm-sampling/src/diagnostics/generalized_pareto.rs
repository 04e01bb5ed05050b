//! The generalised Pareto distribution, fitted to the excesses of a tail.

/// Weight of the prior of the shape, in observations.
const PRIOR_WEIGHT: f64 = 10.0;

/// Where that prior pulls to.
const PRIOR_SHAPE: f64 = 0.5;

/// Spread of the prior of `shape / scale`, in quartiles of the data.
const PRIOR_QUARTILES: f64 = 3.0;

/// `P(X > x) = (1 + shape x / scale)^(-1 / shape)`, `x >= 0`: moments of an order below `1 / shape`
/// are finite.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct GeneralizedPareto {
    /// `k`: above 0 a power law, 0 exponential, below 0 the tail ends at `-scale / shape`.
    pub(super) shape: f64,
    /// `sigma`.
    pub(super) scale: f64,
}

impl GeneralizedPareto {
    /// The empirical Bayes estimate of Zhang & Stephens (Technometrics 51(3), 2009), with the weak
    /// prior on the shape of Vehtari, Simpson, Gelman, Yao & Gabry (JMLR 25(72), 2024), as loo and
    /// ArviZ have it.
    ///
    /// `excesses` are in order, not negative, and at least one. `None` where the fit fails, e.g.
    /// where a quarter of them is 0.
    pub(super) fn fit(excesses: &[f64]) -> Option<Self> {
        let count = excesses.len();
        let (n, largest) = (count as f64, *excesses.last()?);
        let quartile = excesses[((n / 4.0 + 0.5) as usize).max(1) - 1];
        // `theta = -shape / scale`, the one parameter of the profile likelihood, on a grid.
        let grid_size = 30 + n.sqrt() as usize;
        let grid: Vec<f64> = (1..=grid_size)
            .map(|j| {
                let spread = 1.0 - (grid_size as f64 / (j as f64 - 0.5)).sqrt();
                1.0 / largest + spread / (PRIOR_QUARTILES * quartile)
            })
            .collect();
        let shape_at = |theta: f64| excesses.iter().map(|x| (-theta * x).ln_1p()).sum::<f64>() / n;
        let mean = excesses.iter().sum::<f64>() / n;
        // The exponential distribution, where both are 0, has the mean as its scale.
        let scale_at = |theta: f64, shape: f64| match theta {
            0.0 => mean,
            _ => -shape / theta,
        };
        let log_likelihoods: Vec<f64> = grid
            .iter()
            .map(|&theta| {
                let shape = shape_at(theta);
                n * (-scale_at(theta, shape).ln() - shape - 1.0)
            })
            .collect();
        let mut weights: Vec<f64> = log_likelihoods
            .iter()
            .map(|here| {
                1.0 / log_likelihoods
                    .iter()
                    .map(|l| (l - here).exp())
                    .sum::<f64>()
            })
            .collect();
        // As ArviZ does, so that results agree to the last digits.
        for weight in &mut weights {
            if *weight < 10.0 * f64::EPSILON {
                *weight = 0.0;
            }
        }
        let total: f64 = weights.iter().sum();
        let pairs = grid.iter().zip(&weights);
        let theta = pairs.map(|(theta, weight)| theta * weight).sum::<f64>() / total;
        let shape = shape_at(theta);
        let scale = scale_at(theta, shape);
        let shape = (n * shape + PRIOR_WEIGHT * PRIOR_SHAPE) / (n + PRIOR_WEIGHT);
        (shape.is_finite() && scale > 0.0).then_some(Self { shape, scale })
    }

    /// Where the distribution function is `p`, `0 < p < 1`.
    pub(super) fn quantile(&self, p: f64) -> f64 {
        let exponential = -(-p).ln_1p();
        if self.shape.abs() < f64::EPSILON {
            return self.scale * exponential;
        }
        self.scale * (self.shape * exponential).exp_m1() / self.shape
    }
}
