//! The Frechet distance between Gaussians that are fitted to two sets of features.

use ebm_ops::Noise;

use super::rows::FeatureRows;
use super::symmetric::Matrix;
use crate::judging::Estimate;

/// Groups of rows that are left out in turn where the standard error is found.
const GROUPS: usize = 16;

/// The squared Frechet distance (or Wasserstein-2 distance) of the Gaussians that have the means
/// and covariances of two sets of features:
///
/// ```text
/// |m_a - m_b|^2 + tr(S_a + S_b - 2 (S_a^(1/2) S_b S_a^(1/2))^(1/2))
/// ```
///
/// in squares of the features' unit, at least 0. `None` where a set has fewer than two rows or a
/// value that isn't finite. Covariances may be singular, so there may be fewer rows than features.
///
/// Of two sets from one distribution it isn't 0, since sets of finite size differ: of `d` features
/// with unit covariance it is about `d (1 / n_a + 1 / n_b) (1 + (d + 1) / 4)` where there are many
/// more rows than features. So distances can be compared only where `n_a` and `n_b` stay the same,
/// and the distance of real rows from real ones, with these numbers, is the floor.
///
/// Source: Dowson & Landau, "The Frechet distance between multivariate normal distributions",
/// J. Multivariate Analysis 1982; of features of images: Heusel et al., NeurIPS 2017, whose
/// features are those of another network.
///
/// # Panics
///
/// If the rows are of two sizes.
pub fn frechet_distance(a: &FeatureRows, b: &FeatureRows) -> Option<f64> {
    FrechetReference::new(a)?.distance(b)
}

/// A Gaussian fitted to features, with which many sets are compared.
#[derive(Clone, Debug)]
pub struct FrechetReference {
    mean: Vec<f64>,
    /// `L` with `L L^T` the covariance.
    factor: Matrix,
    /// The trace of the covariance.
    variance: f64,
}

impl FrechetReference {
    /// Fits mean and covariance; `None` of fewer than two rows, or of values that aren't finite.
    pub fn new(rows: &FeatureRows) -> Option<Self> {
        let Gaussian { mean, covariance } = Gaussian::fit(rows)?;
        Some(Self {
            mean,
            variance: covariance.trace(),
            factor: covariance.factor(),
        })
    }

    /// The distance of rows, as [`frechet_distance`].
    ///
    /// # Panics
    ///
    /// If the rows are of another size.
    pub fn distance(&self, rows: &FeatureRows) -> Option<f64> {
        assert_eq!(rows.size(), self.mean.len(), "rows of two sizes");
        self.to_gaussian(&Gaussian::fit(rows)?)
    }

    /// The distance of rows and its standard error, by the jackknife that leaves out one of up to
    /// 16 groups of rows in turn (Kott 2001); `noise` draws the groups.
    ///
    /// It is the error that comes of the rows alone: that of the reference is the same for all that
    /// is compared with it.
    ///
    /// # Panics
    ///
    /// If the rows are of another size.
    pub fn distance_with_error(&self, rows: &FeatureRows, noise: &mut Noise) -> Option<Estimate> {
        let mean = self.distance(rows)?;
        let centre = rows.mean();
        let order = noise.permutation(rows.len());
        let all = Sums::of(rows, &order, &centre);
        let groups = GROUPS.min(rows.len());
        let left_out: Vec<f64> = (0..groups)
            .filter_map(|group| {
                let [start, end] = [group, group + 1].map(|at| at * rows.len() / groups);
                let group = Sums::of(rows, &order[start..end], &centre);
                self.to_gaussian(&all.without(&group).gaussian(&centre)?)
            })
            .collect();
        let count = left_out.len() as f64;
        let middle = left_out.iter().sum::<f64>() / count;
        let squares: f64 = left_out.iter().map(|value| (value - middle).powi(2)).sum();
        Some(Estimate {
            mean,
            // Two rows leave nothing to be left out.
            standard_error: if left_out.len() < 2 {
                f64::INFINITY
            } else {
                (squares * (count - 1.0) / count).sqrt()
            },
        })
    }

    /// The distance to another Gaussian; `None` where it overflows.
    fn to_gaussian(&self, other: &Gaussian) -> Option<f64> {
        let pairs = self.mean.iter().zip(&other.mean);
        let means: f64 = pairs.map(|(a, b)| (a - b).powi(2)).sum();
        let outer = means + self.variance + other.covariance.trace();
        // Its eigenvalues are those of S_a^(1/2) S_b S_a^(1/2), for any factor of S_a.
        let product = other.covariance.between(&self.factor);
        if !outer.is_finite() || !product.is_finite() {
            return None;
        }
        let values = product.eigenvalues();
        let cross: f64 = values.iter().map(|value| value.max(0.0).sqrt()).sum();
        Some((outer - 2.0 * cross).max(0.0))
    }
}

/// A mean, `[size]`, and a covariance, `[size, size]`.
struct Gaussian {
    mean: Vec<f64>,
    covariance: Matrix,
}

impl Gaussian {
    fn fit(rows: &FeatureRows) -> Option<Self> {
        if !rows.is_finite() {
            return None;
        }
        let centre = rows.mean();
        let all: Vec<usize> = (0..rows.len()).collect();
        Sums::of(rows, &all, &centre).gaussian(&centre)
    }
}

/// Sums over rows `x`, around a centre `c` near them so that little cancels.
struct Sums {
    count: f64,
    /// `sum (x - c)`
    first: Vec<f64>,
    /// `sum (x - c) (x - c)^T`
    second: Matrix,
}

impl Sums {
    fn of(rows: &FeatureRows, indices: &[usize], centre: &[f64]) -> Self {
        let size = rows.size();
        let (mut first, mut second) = (vec![0.0; size], Matrix::zeros(size));
        let mut difference = vec![0.0; size];
        for &index in indices {
            let pairs = rows.row(index).iter().zip(centre);
            difference
                .iter_mut()
                .zip(pairs)
                .for_each(|(d, (x, c))| *d = x - c);
            first
                .iter_mut()
                .zip(&difference)
                .for_each(|(sum, d)| *sum += d);
            second.add_outer(&difference, 1.0);
        }
        Self {
            count: indices.len() as f64,
            first,
            second,
        }
    }

    fn without(&self, others: &Self) -> Self {
        let mut second = self.second.clone();
        second.add(&others.second, -1.0);
        let pairs = self.first.iter().zip(&others.first);
        Self {
            count: self.count - others.count,
            first: pairs.map(|(all, others)| all - others).collect(),
            second,
        }
    }

    /// With one degree of freedom taken by the mean; `None` of fewer than two rows, or where the
    /// squares overflow.
    fn gaussian(self, centre: &[f64]) -> Option<Gaussian> {
        if self.count < 2.0 {
            return None;
        }
        let shift: Vec<f64> = self.first.iter().map(|sum| sum / self.count).collect();
        let mut covariance = self.second;
        covariance.add_outer(&shift, -self.count);
        covariance.scale(1.0 / (self.count - 1.0));
        covariance.is_finite().then(|| Gaussian {
            mean: centre
                .iter()
                .zip(&shift)
                .map(|(c, shift)| c + shift)
                .collect(),
            covariance,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::{Device, Tensor};

    /// `count` rows of `x = m + A z` with standard normal `z`.
    fn normal(count: usize, mean: &[f64], mix: &[&[f64]], noise: &mut Noise) -> FeatureRows {
        let z: Tensor<2> = noise.normal([count, mean.len()], &Device::flex());
        let z = FeatureRows::from_tensor(z);
        let values = z.iter().flat_map(|z| {
            mean.iter().zip(mix).map(move |(mean, mix)| {
                let mixed: f64 = mix.iter().zip(z).map(|(a, z)| a * z).sum();
                mean + mixed
            })
        });
        FeatureRows::new(values.collect(), mean.len())
    }

    /// Rows that have exactly the mean `m` and the covariance `sum_i a_i a_i^T`, where the `a_i`
    /// are the columns of `mix`: `2 d` points on its axes.
    fn exact(mean: [f64; 2], columns: [[f64; 2]; 2]) -> FeatureRows {
        // The unbiased covariance of +-s a_1 and +-s a_2 is 2 s^2 / 3 times the sum.
        let scale = 1.5f64.sqrt();
        let points = columns.iter().flat_map(|[x, y]| {
            [scale, -scale].map(|sign| [mean[0] + sign * x, mean[1] + sign * y])
        });
        FeatureRows::new(points.flatten().collect(), 2)
    }

    fn close(found: Option<f64>, expected: f64) {
        let found = found.expect("it is a number");
        assert!((found - expected).abs() < 1e-9, "{found}, not {expected}");
    }

    #[test]
    fn the_distance_of_diagonal_gaussians_is_in_closed_form() {
        // |m|^2 = 25, (3 - 1)^2 + (2 - 5)^2 = 13
        let a = exact([0.0, 0.0], [[3.0, 0.0], [0.0, 2.0]]);
        let b = exact([3.0, -4.0], [[1.0, 0.0], [0.0, 5.0]]);
        close(frechet_distance(&a, &b), 38.0);
        close(frechet_distance(&b, &a), 38.0);
        close(frechet_distance(&a, &a), 0.0);
    }

    #[test]
    fn the_distance_of_rotated_gaussians_is_in_closed_form() {
        // Turning both changes nothing.
        let (c, s) = (0.8, 0.6);
        let turn = |[x, y]: [f64; 2]| [c * x - s * y, s * x + c * y];
        let a = exact([0.0, 0.0], [[3.0, 0.0], [0.0, 2.0]].map(turn));
        let b = exact(turn([3.0, -4.0]), [[1.0, 0.0], [0.0, 5.0]].map(turn));
        close(frechet_distance(&a, &b), 38.0);
        // Turned against each other: of two by two matrices tr(M^(1/2))^2 is
        // tr M + 2 det(M)^(1/2), where M = S_a S_b.
        let b = exact([0.0, 0.0], [[1.0, 0.0], [0.0, 5.0]].map(turn));
        let [b00, b11] = [c * c + 25.0 * s * s, s * s + 25.0 * c * c];
        let trace: f64 = 9.0 * b00 + 4.0 * b11;
        let root = (trace + 2.0 * (6.0 * 5.0)).sqrt();
        let a = exact([0.0, 0.0], [[3.0, 0.0], [0.0, 2.0]]);
        close(frechet_distance(&a, &b), 13.0 + 26.0 - 2.0 * root);
        close(frechet_distance(&b, &a), 13.0 + 26.0 - 2.0 * root);
    }

    #[test]
    fn singular_covariances_and_few_rows_have_a_distance() {
        let line = exact([0.0, 1.0], [[2.0, 0.0], [0.0, 0.0]]);
        let point = FeatureRows::new(vec![0.0, 0.0, 0.0, 0.0], 2);
        close(frechet_distance(&line, &point), 5.0);
        close(frechet_distance(&point, &line), 5.0);
        close(frechet_distance(&point, &point), 0.0);
        // Three rows of fifty features.
        let mut noise = Noise::new(3);
        let few =
            |noise: &mut Noise| FeatureRows::from_tensor(noise.normal([3, 50], &Device::flex()));
        let (a, b) = (few(&mut noise), few(&mut noise));
        let distance = frechet_distance(&a, &b).expect("it is a number");
        close(frechet_distance(&b, &a), distance);
        assert!(distance > 10.0, "{distance}");
    }

    #[test]
    fn what_has_no_covariance_has_no_distance() {
        let rows = exact([0.0, 0.0], [[3.0, 0.0], [0.0, 2.0]]);
        assert_eq!(frechet_distance(&rows, &rows.part(0, 1)), None);
        assert_eq!(frechet_distance(&rows.part(0, 0), &rows), None);
        for value in [f64::NAN, f64::INFINITY, 1e200] {
            let broken = FeatureRows::new(vec![value, 1.0, 2.0, 3.0], 2);
            assert_eq!(frechet_distance(&rows, &broken), None, "{value}");
            assert_eq!(frechet_distance(&broken, &rows), None, "{value}");
        }
    }

    #[test]
    fn finite_sets_are_apart_by_as_much_as_is_said() {
        let mut noise = Noise::new(11);
        let (size, count) = (6, 600);
        let unit: Vec<Vec<f64>> = (0..size)
            .map(|i| (0..size).map(|j| f64::from(u8::from(i == j))).collect())
            .collect();
        let unit: Vec<&[f64]> = unit.iter().map(Vec::as_slice).collect();
        let rounds = 60;
        let distances: Vec<f64> = (0..rounds)
            .map(|_| {
                let [a, b] = [0, 1].map(|_| normal(count, &[0.0; 6], &unit, &mut noise));
                frechet_distance(&a, &b).expect("it is a number")
            })
            .collect();
        let mean = distances.iter().sum::<f64>() / rounds as f64;
        let squares: f64 = distances.iter().map(|d| (d - mean).powi(2)).sum();
        let error = (squares / (rounds * (rounds - 1)) as f64).sqrt();
        let d = size as f64;
        let expected = d * 2.0 / count as f64 * (1.0 + (d + 1.0) / 4.0);
        // Four standard errors: once in 16,000; the next order of 1 / n is far below one of them.
        assert!(
            (mean - expected).abs() < 4.0 * error,
            "{mean} +- {error}, expected {expected}"
        );
    }

    #[test]
    fn the_standard_error_is_that_of_many_draws() {
        let mut noise = Noise::new(5);
        let mix: [&[f64]; 2] = [&[1.0, 0.0], &[0.5, 1.0]];
        let reference = normal(4000, &[0.0, 0.0], &mix, &mut noise);
        let reference = FrechetReference::new(&reference).expect("it is finite");
        let rounds = 200;
        let (mut distances, mut errors) = (Vec::new(), 0.0);
        for _ in 0..rounds {
            let rows = normal(300, &[0.7, 0.0], &mix, &mut noise);
            let found = reference.distance_with_error(&rows, &mut noise.split());
            let Estimate {
                mean,
                standard_error,
            } = found.expect("it is finite");
            distances.push(mean);
            errors += standard_error.powi(2) / rounds as f64;
        }
        let mean = distances.iter().sum::<f64>() / rounds as f64;
        let squares: f64 = distances.iter().map(|d| (d - mean).powi(2)).sum();
        let ratio = errors / (squares / (rounds - 1) as f64);
        // A variance of 200 draws has a relative error of 10 %, the mean of the jackknife's one of
        // 3 %: three of both together.
        assert!((ratio - 1.0).abs() < 0.33, "{ratio}");
    }

    #[test]
    fn two_rows_have_a_distance_of_unknown_error() {
        let rows = FeatureRows::new(vec![0.0, 1.0, 2.0, 0.0], 2);
        let reference = FrechetReference::new(&rows).expect("it is finite");
        let found = reference.distance_with_error(&rows, &mut Noise::new(0));
        let found = found.expect("there are two rows");
        assert!(found.mean < 1e-9 && found.standard_error.is_infinite());
    }
}
