//! Precision and recall of samples among features: of samples that are like the data, and of data
//! that samples are like.

use rayon::prelude::*;

use super::rows::FeatureRows;

/// How samples lie among data.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PrecisionRecall {
    /// Share of the samples that lie in the manifold of the data, 0 to 1: are they any good?
    pub precision: f64,
    /// Share of the data that lie in the manifold of the samples, 0 to 1: do they cover the data?
    pub recall: f64,
}

/// Precision and recall of `generated` among `real` features, by their [`Manifold`]s. `None` where
/// a set has no more than `neighbors` rows or a value that isn't finite.
///
/// Sets of finite size from one distribution don't reach 1, the less the more features there are:
/// compare with the values of real rows among real ones.
///
/// Source: Kynkaanniemi et al., "Improved precision and recall metric for assessing generative
/// models", NeurIPS 2019, who take three neighbours of 50,000 images.
///
/// # Panics
///
/// If the rows are of two sizes, or `neighbors` is 0.
pub fn precision_recall(
    real: &FeatureRows,
    generated: &FeatureRows,
    neighbors: usize,
) -> Option<PrecisionRecall> {
    Some(PrecisionRecall {
        precision: Manifold::new(real, neighbors)?.share_of(generated)?,
        recall: Manifold::new(generated, neighbors)?.share_of(real)?,
    })
}

/// The balls around the rows of a set that reach to their `k`-th nearest neighbour in the set: an
/// estimate of where its distribution has mass.
#[derive(Clone, Debug)]
pub struct Manifold<'a> {
    rows: &'a FeatureRows,
    /// Squares of the radii.
    radii: Vec<f64>,
}

impl<'a> Manifold<'a> {
    /// Finds the radii; `None` of no more than `neighbors` rows, or of values that aren't finite.
    ///
    /// # Panics
    ///
    /// If `neighbors` is 0.
    pub fn new(rows: &'a FeatureRows, neighbors: usize) -> Option<Self> {
        assert!(neighbors > 0, "a manifold needs at least 1 neighbour");
        if rows.len() <= neighbors || !rows.is_finite() {
            return None;
        }
        let radius = |index: usize| {
            let row = rows.row(index);
            let others = rows.iter().enumerate().filter(|(other, _)| *other != index);
            let mut distances: Vec<f64> = others.map(|(_, y)| squared_distance(row, y)).collect();
            *distances
                .select_nth_unstable_by(neighbors - 1, f64::total_cmp)
                .1
        };
        // A row of distances a thread is all the memory that is needed.
        let radii = (0..rows.len()).into_par_iter().map(radius).collect();
        Some(Self { rows, radii })
    }

    /// Share of `queries` that lie in at least one of the balls, ends included; `None` of no
    /// queries, or of values that aren't finite.
    ///
    /// # Panics
    ///
    /// If the queries are of another size.
    pub fn share_of(&self, queries: &FeatureRows) -> Option<f64> {
        assert_eq!(self.rows.size(), queries.size(), "rows of two sizes");
        if queries.is_empty() || !queries.is_finite() {
            return None;
        }
        let inside = (0..queries.len())
            .into_par_iter()
            .filter(|&index| self.contains(queries.row(index)))
            .count();
        Some(inside as f64 / queries.len() as f64)
    }

    fn contains(&self, query: &[f64]) -> bool {
        let mut balls = self.rows.iter().zip(&self.radii);
        balls.any(|(centre, &radius)| squared_distance(query, centre) <= radius)
    }
}

fn squared_distance(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(values: &[f64]) -> FeatureRows {
        FeatureRows::new(values.to_vec(), 1)
    }

    #[test]
    fn shares_are_those_counted_by_hand() {
        // Radii to the nearest other: 1, 1, 9; to the second: 10, 9, 10.
        let real = line(&[0.0, 1.0, 10.0]);
        let real = |neighbors| Manifold::new(&real, neighbors).map(|m| m.radii);
        assert_eq!(real(1), Some(vec![1.0, 1.0, 81.0]));
        assert_eq!(real(2), Some(vec![100.0, 81.0, 100.0]));
        assert_eq!(real(3), None);

        // Balls of the real: [-1, 1], [0, 2], [1, 19]; of the generated: [6, 12], [9, 15],
        // [33, 47], [40, 54].
        let (real, generated) = (line(&[0.0, 1.0, 10.0]), line(&[9.0, 12.0, 40.0, 47.0]));
        let found = precision_recall(&real, &generated, 1).expect("there are enough");
        assert_eq!((found.precision, found.recall), (0.5, 1.0 / 3.0));
    }

    #[test]
    fn ends_of_balls_belong_to_them() {
        let real = line(&[0.0, 1.0]);
        let manifold = Manifold::new(&real, 1).expect("there are enough");
        assert_eq!(
            manifold.share_of(&line(&[-1.0, 2.0, 2.0001])),
            Some(2.0 / 3.0)
        );
    }

    #[test]
    fn equal_rows_are_whole_and_what_is_far_is_nothing() {
        let rows = FeatureRows::new((0..40).map(|i| f64::from(i * i % 17)).collect(), 2);
        let found = precision_recall(&rows, &rows, 3).expect("there are enough");
        assert_eq!((found.precision, found.recall), (1.0, 1.0));
        let far = rows.clone().scaled(&[-1e3; 2]);
        let far = FeatureRows::new(far.values().iter().map(|x| x - 1e6).collect(), 2);
        let found = precision_recall(&rows, &far, 3).expect("there are enough");
        assert_eq!((found.precision, found.recall), (0.0, 0.0));
    }

    #[test]
    fn too_few_rows_and_values_that_are_no_numbers_have_none() {
        let rows = line(&[0.0, 1.0, 2.0, 3.0]);
        assert_eq!(precision_recall(&rows, &line(&[f64::NAN; 4]), 3), None);
        assert_eq!(precision_recall(&line(&[f64::INFINITY; 4]), &rows, 3), None);
        assert_eq!(precision_recall(&rows, &line(&[0.0; 3]), 3), None);
    }
}
