//! The training examples that are nearest to samples: whether a model makes something new, or has
//! learned by heart.

use burn::tensor::Tensor;

use crate::Examples;
use crate::examples::host_values;
use crate::rows;

/// A training example near a query.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Neighbor {
    /// Which example.
    pub index: usize,
    /// `|x - y|^2`, summed over values, in the units of the data.
    pub squared_distance: f64,
}

/// For each query the `count` nearest examples, nearest first, by the squared distance `|x - y|^2`;
/// fewer if there are fewer. Of examples that are equally near the first come first.
///
/// `own[i]` is the index of query `i` where it is one of the examples, which is then not its own
/// neighbour.
///
/// The examples are gone through in blocks on their device by `|x|^2 + |y|^2 - 2 x y`, and the few
/// that are nearest by that are compared again by differences, so that equal images have distance
/// 0.
///
/// # Shapes
///
/// - `queries`: `[queries, ..]`, of the size of an example
/// - output: `[queries][count]`
///
/// # Panics
///
/// If a query hasn't the size of an example, or `own` isn't one entry a query.
pub fn nearest_neighbors<const D: usize>(
    queries: Tensor<D>,
    examples: &Examples<D>,
    count: usize,
    own: Option<&[usize]>,
) -> Vec<Vec<Neighbor>> {
    let examples = examples.flattened();
    let queries: Tensor<2> = rows(queries);
    let ([asked, size], [_, expected]) = (queries.dims(), examples.shape());
    assert_eq!(
        size, expected,
        "queries have {size} values, expected those of an example, {expected}"
    );
    assert!(
        own.is_none_or(|own| own.len() == asked),
        "own indices must be one a query, {asked}"
    );
    // More than are asked for, since rounding may change the order of those that are about equally
    // near.
    let candidates = count + 8;
    let mut nearest: Vec<Vec<Neighbor>> = vec![Vec::new(); asked];
    let squares = queries.clone().powi_scalar(2).sum_dim(1);
    let rows_at_a_time = examples.rows_at_a_time();
    for (block, part) in examples.batches(rows_at_a_time).enumerate() {
        let part = part.x;
        let [width, _] = part.dims();
        let part_squares = part.clone().powi_scalar(2).sum_dim(1).transpose();
        let products = queries.clone().matmul(part.transpose());
        let distances = host_values(squares.clone() + part_squares - products.mul_scalar(2.0));
        for (query, (found, distances)) in
            nearest.iter_mut().zip(distances.chunks(width)).enumerate()
        {
            let first = block * rows_at_a_time;
            found.extend(distances.iter().enumerate().filter_map(|(at, &distance)| {
                let index = first + at;
                let itself = own.is_some_and(|own| own[query] == index);
                (!itself).then(|| Neighbor {
                    index,
                    squared_distance: f64::from(distance),
                })
            }));
            keep_nearest(found, candidates);
        }
    }
    let queries = host_values(queries);
    for (query, found) in queries.chunks(size).zip(&mut nearest) {
        let indices: Vec<usize> = found.iter().map(|neighbor| neighbor.index).collect();
        if indices.is_empty() {
            continue;
        }
        let values = host_values(examples.batch(&indices).x);
        for (neighbor, example) in found.iter_mut().zip(values.chunks(size)) {
            let square = |(a, b): (&f32, &f32)| (f64::from(*a) - f64::from(*b)).powi(2);
            neighbor.squared_distance = query.iter().zip(example).map(square).sum();
        }
        keep_nearest(found, count);
    }
    nearest
}

fn keep_nearest(found: &mut Vec<Neighbor>, count: usize) {
    let order = |a: &Neighbor, b: &Neighbor| {
        let by_distance = a.squared_distance.total_cmp(&b.squared_distance);
        by_distance.then(a.index.cmp(&b.index))
    };
    if found.len() > count {
        // Most are far: sorting them all would take longer than the distances did.
        found.select_nth_unstable_by(count, order);
        found.truncate(count);
    }
    found.sort_by(order);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ROWS_AT_A_TIME;
    use burn::tensor::Device;
    use ebm_ops::Noise;

    /// All distances by their definition.
    fn by_definition(query: &[f32], examples: &[f32], skip: Option<usize>) -> Vec<(usize, f64)> {
        let mut all: Vec<(usize, f64)> = examples
            .chunks(query.len())
            .map(|y| {
                let terms = query.iter().zip(y);
                terms.map(|(&a, &b)| (f64::from(a) - f64::from(b)).powi(2))
            })
            .map(Iterator::sum)
            .enumerate()
            .filter(|(index, _)| Some(*index) != skip)
            .collect();
        all.sort_by(|a, b| a.1.total_cmp(&b.1));
        all
    }

    #[test]
    fn neighbours_are_those_of_the_definition() {
        let device = Device::flex();
        let mut noise = Noise::new(4);
        // Two whole blocks and a part; a mean far from 0 makes the products round.
        let count = 2 * ROWS_AT_A_TIME + 5;
        let examples: Tensor<4> = noise.normal([count, 1, 2, 3], &device) + 3.0;
        let own = [0, ROWS_AT_A_TIME, count - 1];
        let values = host_values(examples.clone());
        let examples = Examples::from_tensor(examples);
        let fresh: Tensor<4> = noise.normal([7, 1, 2, 3], &device) + 3.0;
        for (queries, own) in [(fresh, None), (examples.batch(&own).x, Some(&own[..]))] {
            let found = nearest_neighbors(queries.clone(), &examples, 3, own);
            for (at, query) in host_values(queries).chunks(6).enumerate() {
                let expected = by_definition(query, &values, own.map(|own| own[at]));
                let found: Vec<(usize, f64)> = found[at]
                    .iter()
                    .map(|neighbor| (neighbor.index, neighbor.squared_distance))
                    .collect();
                assert_eq!(found, expected[..3]);
            }
        }
    }

    #[test]
    fn a_copy_has_distance_zero_and_few_examples_give_few_neighbours() {
        let device = Device::flex();
        let examples: Tensor<4> = Noise::new(1).normal([2, 1, 2, 2], &device) * 100.0;
        let examples = Examples::from_tensor(examples);
        let found = nearest_neighbors(examples.batch(&[1]).x, &examples, 3, None);
        assert_eq!(found[0].len(), 2);
        assert_eq!((found[0][0].index, found[0][0].squared_distance), (1, 0.0));
        let found = nearest_neighbors(examples.batch(&[1]).x, &examples, 3, Some(&[1]));
        assert_eq!((found[0].len(), found[0][0].index), (1, 0));
    }
}
