//! Features of images on the host, one image a row.

use std::ops::Range;

use burn::tensor::Tensor;

use crate::examples::host_values;

/// Features of images, `[count, size]`, row-major.
#[derive(Clone, Debug, PartialEq)]
pub struct FeatureRows {
    values: Vec<f64>,
    size: usize,
}

impl FeatureRows {
    /// Rows of `size` numbers each.
    ///
    /// # Panics
    ///
    /// If `size` is 0, or the values aren't a whole number of rows.
    pub fn new(values: Vec<f64>, size: usize) -> Self {
        assert!(
            size > 0 && values.len().is_multiple_of(size),
            "{} values aren't a whole number of rows of {size}",
            values.len()
        );
        Self { values, size }
    }

    /// No rows, of no size yet.
    pub fn none() -> Self {
        Self::new(Vec::new(), 1)
    }

    /// The rows of a tensor, `[count, size]`, read back from its device.
    ///
    /// # Panics
    ///
    /// If rows have no values.
    pub fn from_tensor(rows: Tensor<2>) -> Self {
        let [_, size] = rows.dims();
        Self::new(host_values(rows).into_iter().map(f64::from).collect(), size)
    }

    /// The number of rows.
    pub fn len(&self) -> usize {
        self.values.len() / self.size
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Numbers in a row.
    pub fn size(&self) -> usize {
        self.size
    }

    /// All numbers, row by row.
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// One row.
    ///
    /// # Panics
    ///
    /// If `index` isn't below [`len`](Self::len).
    pub fn row(&self, index: usize) -> &[f64] {
        &self.values[index * self.size..(index + 1) * self.size]
    }

    /// The rows in their order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &[f64]> {
        self.values.chunks_exact(self.size)
    }

    /// `count` rows from row `start` on, or those that there are.
    #[must_use]
    pub fn part(&self, start: usize, count: usize) -> Self {
        let start = start.min(self.len());
        let end = start.saturating_add(count).min(self.len());
        Self {
            values: self.values[start * self.size..end * self.size].to_vec(),
            size: self.size,
        }
    }

    /// These rows and then others; no rows take the size of the others.
    ///
    /// # Panics
    ///
    /// If the others are of another size.
    pub fn extend(&mut self, others: &Self) {
        if self.is_empty() {
            self.size = others.size;
        }
        assert_eq!(self.size, others.size, "rows of two sizes");
        self.values.extend_from_slice(&others.values);
    }

    /// These rows, each with that of others behind it.
    ///
    /// # Panics
    ///
    /// If there aren't as many others.
    #[must_use]
    pub fn beside(&self, others: &Self) -> Self {
        assert_eq!(self.len(), others.len(), "rows beside others");
        let pairs = self.iter().zip(others.iter());
        Self {
            values: pairs.flat_map(|(a, b)| [a, b]).flatten().copied().collect(),
            size: self.size + others.size,
        }
    }

    /// The numbers at some places of each row.
    ///
    /// # Panics
    ///
    /// If a row isn't as long.
    #[must_use]
    pub fn columns(&self, places: Range<usize>) -> Self {
        let rows = self.iter().map(|row| &row[places.clone()]);
        Self::new(rows.flatten().copied().collect(), places.len())
    }

    /// Each number of a row multiplied by its factor.
    ///
    /// # Panics
    ///
    /// If there aren't as many factors as numbers in a row.
    #[must_use]
    pub fn scaled(mut self, factors: &[f64]) -> Self {
        assert!(
            self.is_empty() || factors.len() == self.size,
            "{} factors for rows of {}",
            factors.len(),
            self.size
        );
        for row in self.values.chunks_exact_mut(self.size) {
            row.iter_mut()
                .zip(factors)
                .for_each(|(x, factor)| *x *= factor);
        }
        self
    }

    /// Whether all numbers are finite.
    pub fn is_finite(&self) -> bool {
        self.values.iter().all(|value| value.is_finite())
    }

    /// The mean row: `[size]`; of no rows zeros.
    pub fn mean(&self) -> Vec<f64> {
        let mut mean = vec![0.0; self.size];
        for row in self.iter() {
            mean.iter_mut().zip(row).for_each(|(sum, x)| *sum += x);
        }
        let count = self.len().max(1) as f64;
        mean.iter_mut().for_each(|sum| *sum /= count);
        mean
    }

    /// The variance of each number, with one degree of freedom taken by the mean: `[size]`.
    pub fn variances(&self) -> Vec<f64> {
        let mean = self.mean();
        let mut squares = vec![0.0; self.size];
        for row in self.iter() {
            for ((sum, x), mean) in squares.iter_mut().zip(row).zip(&mean) {
                *sum += (x - mean).powi(2);
            }
        }
        let freedom = self.len().saturating_sub(1).max(1) as f64;
        squares.iter_mut().for_each(|sum| *sum /= freedom);
        squares
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_slices_and_moments_those_of_the_textbook() {
        let mut rows = FeatureRows::new(vec![1.0, 2.0, 3.0, 6.0], 2);
        assert_eq!((rows.len(), rows.size()), (2, 2));
        assert_eq!(rows.row(1), [3.0, 6.0]);
        assert_eq!(rows.mean(), [2.0, 4.0]);
        assert_eq!(rows.variances(), [2.0, 8.0]);
        assert_eq!(rows.part(0, 1).values(), [1.0, 2.0]);
        assert_eq!(rows.part(1, 9).values(), [3.0, 6.0]);
        assert!(rows.part(2, 1).is_empty());
        rows.extend(&rows.part(0, 1).scaled(&[2.0, 3.0]));
        assert_eq!(rows.row(2), [2.0, 6.0]);
        let beside = rows.beside(&rows.columns(1..2));
        assert_eq!(beside.row(1), [3.0, 6.0, 6.0]);
        assert_eq!((beside.len(), beside.size()), (3, 3));
        assert!(rows.is_finite());
        assert!(!rows.scaled(&[1.0, f64::NAN]).is_finite());
    }
}
