//! Symmetric matrices on the host: a factor of semidefinite ones, and eigenvalues.

/// How much smaller than the largest a pivot may be before it counts as 0.
const SMALLEST_PIVOT: f64 = 1e-14;

/// Rotations for one eigenvalue at most; two or three are usual.
const MOST_ITERATIONS: usize = 64;

/// A square matrix, row-major.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Matrix {
    values: Vec<f64>,
    size: usize,
}

impl Matrix {
    pub(super) fn zeros(size: usize) -> Self {
        Self {
            values: vec![0.0; size * size],
            size,
        }
    }

    pub(super) fn row(&self, index: usize) -> &[f64] {
        &self.values[index * self.size..(index + 1) * self.size]
    }

    fn row_mut(&mut self, index: usize) -> &mut [f64] {
        &mut self.values[index * self.size..(index + 1) * self.size]
    }

    pub(super) fn at(&self, row: usize, column: usize) -> f64 {
        self.values[row * self.size + column]
    }

    fn set(&mut self, row: usize, column: usize, value: f64) {
        self.values[row * self.size + column] = value;
    }

    pub(super) fn is_finite(&self) -> bool {
        self.values.iter().all(|value| value.is_finite())
    }

    pub(super) fn trace(&self) -> f64 {
        (0..self.size).map(|index| self.at(index, index)).sum()
    }

    /// Adds `factor x x^T`.
    pub(super) fn add_outer(&mut self, x: &[f64], factor: f64) {
        for (row, a) in self.values.chunks_exact_mut(self.size).zip(x) {
            let a = factor * a;
            row.iter_mut().zip(x).for_each(|(value, b)| *value += a * b);
        }
    }

    /// Adds `factor` times another matrix.
    pub(super) fn add(&mut self, other: &Self, factor: f64) {
        let pairs = self.values.iter_mut().zip(&other.values);
        pairs.for_each(|(a, b)| *a += factor * b);
    }

    pub(super) fn scale(&mut self, factor: f64) {
        self.values.iter_mut().for_each(|value| *value *= factor);
    }

    fn transposed(&self) -> Self {
        let mut result = Self::zeros(self.size);
        for row in 0..self.size {
            for column in 0..self.size {
                result.set(column, row, self.at(row, column));
            }
        }
        result
    }

    fn times(&self, other: &Self) -> Self {
        let mut product = Self::zeros(self.size);
        for index in 0..self.size {
            let row = product.row_mut(index);
            for (a, other) in self
                .row(index)
                .iter()
                .zip(other.values.chunks_exact(self.size))
            {
                row.iter_mut().zip(other).for_each(|(sum, b)| *sum += a * b);
            }
        }
        product
    }

    /// `L^T S L` of a symmetric `S`.
    pub(super) fn between(&self, factor: &Self) -> Self {
        factor.transposed().times(&self.times(factor))
    }

    /// A factor `L` of a symmetric positive semidefinite matrix, `L L^T = S`, by Cholesky's method
    /// with the largest pivot next; columns of pivots that are no more than rounding stay 0.
    pub(super) fn factor(mut self) -> Self {
        let size = self.size;
        let mut factor = Self::zeros(size);
        let largest = (0..size).map(|i| self.at(i, i)).fold(0.0, f64::max);
        for column in 0..size {
            // What is left of the matrix after the columns before.
            let pivots = (0..size).map(|i| (i, self.at(i, i)));
            let Some((pivot, value)) = pivots.max_by(|a, b| a.1.total_cmp(&b.1)) else {
                break;
            };
            if value <= SMALLEST_PIVOT * largest {
                break;
            }
            let root = value.sqrt();
            let x: Vec<f64> = self.row(pivot).iter().map(|entry| entry / root).collect();
            self.add_outer(&x, -1.0);
            for (row, x) in x.into_iter().enumerate() {
                factor.set(row, column, x);
            }
            // Rounding leaves next to nothing there, which isn't to be found again.
            for other in 0..size {
                self.set(pivot, other, 0.0);
                self.set(other, pivot, 0.0);
            }
        }
        factor
    }

    /// The eigenvalues of a symmetric matrix of finite numbers, in no order: reflections make it
    /// tridiagonal, rotations diagonal (Golub & Van Loan, "Matrix computations", 2013, algorithms
    /// 8.3.1 and 8.3.3).
    pub(super) fn eigenvalues(self) -> Vec<f64> {
        let (diagonal, beside) = self.tridiagonal();
        eigenvalues_of_tridiagonal(diagonal, beside)
    }

    /// The diagonal and what is beside it, `[size]` and `[size - 1]`, of a tridiagonal matrix with
    /// the same eigenvalues.
    fn tridiagonal(mut self) -> (Vec<f64>, Vec<f64>) {
        let size = self.size;
        let mut beside = Vec::with_capacity(size.saturating_sub(1));
        for first in 1..size {
            // The column below the diagonal becomes a multiple of the first unit vector.
            let mut v: Vec<f64> = (first..size).map(|row| self.at(row, first - 1)).collect();
            let norm = v.iter().map(|x| x * x).sum::<f64>().sqrt();
            let end = if v[0] > 0.0 { -norm } else { norm };
            beside.push(end);
            v[0] -= end;
            let square: f64 = v.iter().map(|x| x * x).sum();
            if square == 0.0 {
                continue;
            }
            // A <- A - v w^T - w v^T with p = 2 A v / |v|^2 and w = p - (p v / |v|^2) v.
            let rows = first..size;
            let mut w: Vec<f64> = rows
                .clone()
                .map(|row| 2.0 * dot(&self.row(row)[first..], &v) / square)
                .collect();
            let along = dot(&w, &v) / square;
            w.iter_mut().zip(&v).for_each(|(w, v)| *w -= along * v);
            for row in rows {
                let (a, b) = (v[row - first], w[row - first]);
                let entries = self.row_mut(row)[first..].iter_mut();
                let pairs = entries.zip(v.iter().zip(&w));
                pairs.for_each(|(entry, (v, w))| *entry -= a * w + b * v);
            }
        }
        let diagonal = (0..size).map(|index| self.at(index, index)).collect();
        (diagonal, beside)
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// The eigenvalues of a symmetric tridiagonal matrix, by QR steps with Wilkinson's shift.
fn eigenvalues_of_tridiagonal(mut diagonal: Vec<f64>, mut beside: Vec<f64>) -> Vec<f64> {
    let mut end = diagonal.len().saturating_sub(1);
    let mut iterations = 0;
    while end > 0 {
        let is_small = |at: usize, diagonal: &[f64], beside: &[f64]| {
            let around = diagonal[at].abs() + diagonal[at + 1].abs();
            beside[at].abs() <= f64::EPSILON * around || beside[at].abs() < f64::MIN_POSITIVE
        };
        if is_small(end - 1, &diagonal, &beside) || iterations == MOST_ITERATIONS {
            end -= 1;
            iterations = 0;
            continue;
        }
        iterations += 1;
        // The block that doesn't fall apart.
        let start = (0..end - 1)
            .rev()
            .find(|&at| is_small(at, &diagonal, &beside))
            .map_or(0, |at| at + 1);
        let half = (diagonal[end - 1] - diagonal[end]) / 2.0;
        let square = beside[end - 1] * beside[end - 1];
        let root = half.hypot(beside[end - 1]);
        let shift = diagonal[end] - square / (half + root.copysign(half));
        let (mut x, mut z) = (diagonal[start] - shift, beside[start]);
        for k in start..end {
            // The rotation that makes z 0.
            let length = x.hypot(z);
            let (c, s) = if length == 0.0 {
                (1.0, 0.0)
            } else {
                (x / length, z / length)
            };
            if k > start {
                beside[k - 1] = length;
            }
            let (a, b, e) = (diagonal[k], diagonal[k + 1], beside[k]);
            diagonal[k] = c * c * a + 2.0 * c * s * e + s * s * b;
            diagonal[k + 1] = s * s * a - 2.0 * c * s * e + c * c * b;
            beside[k] = c * s * (b - a) + (c * c - s * s) * e;
            x = beside[k];
            if k + 1 < end {
                z = s * beside[k + 1];
                beside[k + 1] *= c;
            }
        }
    }
    diagonal
}

#[cfg(test)]
mod tests {
    use super::*;
    use ebm_ops::Noise;

    /// `A A^T` of a matrix of `rank` random columns.
    fn semidefinite(size: usize, rank: usize, seed: u64) -> Matrix {
        let mut noise = Noise::new(seed);
        let mut matrix = Matrix::zeros(size);
        for _ in 0..rank {
            let x = noise.host_uniforms(size);
            matrix.add_outer(&x.iter().map(|x| x - 0.5).collect::<Vec<_>>(), 1.0);
        }
        matrix
    }

    fn sorted(mut values: Vec<f64>) -> Vec<f64> {
        values.sort_by(f64::total_cmp);
        values
    }

    #[test]
    fn eigenvalues_of_known_matrices_are_found() {
        // 2 on the diagonal, -1 beside it: 2 - 2 cos(pi k / (n + 1)).
        let size = 40;
        let mut chain = Matrix::zeros(size);
        for i in 0..size {
            chain.set(i, i, 2.0);
            if i > 0 {
                chain.set(i, i - 1, -1.0);
                chain.set(i - 1, i, -1.0);
            }
        }
        let step = std::f64::consts::PI / (size + 1) as f64;
        let expected = (1..=size).map(|k| 2.0 - 2.0 * (k as f64 * step).cos());
        for (found, expected) in sorted(chain.eigenvalues()).iter().zip(expected) {
            assert!((found - expected).abs() < 1e-13, "{found}, not {expected}");
        }
        // All ones: n once, else 0.
        let mut ones = Matrix::zeros(5);
        ones.add_outer(&[1.0; 5], 1.0);
        let found = sorted(ones.eigenvalues());
        assert!((found[4] - 5.0).abs() < 1e-14, "{found:?}");
        assert!(found[..4].iter().all(|x| x.abs() < 1e-14), "{found:?}");
        assert_eq!(Matrix::zeros(3).eigenvalues(), [0.0; 3]);
        assert!(Matrix::zeros(0).eigenvalues().is_empty());
    }

    #[test]
    fn sums_of_powers_of_eigenvalues_are_traces() {
        for (size, rank) in [(1, 1), (2, 5), (17, 40), (64, 20), (128, 300)] {
            let matrix = semidefinite(size, rank, 3);
            let values = matrix.clone().eigenvalues();
            let second = matrix.times(&matrix);
            let third = second.times(&matrix);
            for (power, matrix) in [(1, matrix), (2, second), (3, third)] {
                let sum: f64 = values.iter().map(|value| value.powi(power)).sum();
                let trace = matrix.trace();
                assert!((sum / trace - 1.0).abs() < 1e-12, "{size}: {sum}, {trace}");
            }
            let positive = values.iter().filter(|value| **value > 1e-10).count();
            assert_eq!(positive, size.min(rank), "{size}");
        }
    }

    #[test]
    fn a_factor_times_itself_is_the_matrix() {
        for (size, rank) in [(1, 1), (30, 7), (30, 90), (4, 0)] {
            let matrix = semidefinite(size, rank, 8);
            let factor = matrix.clone().factor();
            let again = factor.times(&factor.transposed());
            let pairs = again.values.iter().zip(&matrix.values);
            let worst = pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
            assert!(worst < 1e-12, "{size}, {rank}: {worst}");
        }
    }
}
