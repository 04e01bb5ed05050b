//! Gaussians that have the mean and the covariance of groups of examples, of low rank.

use burn::tensor::{Device, Tensor, TensorData};

use crate::description::Interval;
use crate::noise::Noise;

/// The distribution of `clamp(mean_k + z directions_k)`, `z ~ N(0, 1)`, with the group `k` drawn by
/// its share: a mixture of Gaussians, kept in a range.
///
/// Chains that start there have the brightness, the colours and the broad shapes of the examples
/// already, where uniform noise has to find them, and go to modes that noise never reaches
/// ("informative initialisation", Yang & Ji, ICCV 2021).
#[derive(Clone, Debug)]
pub struct FittedGaussians {
    /// How often each group is drawn: `[groups]`.
    shares: Vec<f32>,
    /// `[groups, values]`.
    means: Tensor<2>,
    /// `[groups, directions, values]`.
    directions: Tensor<3>,
    range: Interval,
}

impl FittedGaussians {
    /// Gaussians of these parts, kept in `range`.
    ///
    /// # Shapes
    ///
    /// - `shares`: `[groups]`, not negative; only their ratios matter
    /// - `means`: `[groups, values]`
    /// - `directions`: `[groups, count, values]`, with a `count` of at least 1
    ///
    /// # Panics
    ///
    /// If the numbers of groups or values differ, there is no direction, or the shares don't add up
    /// to something positive.
    pub fn new(shares: &[f32], means: Tensor<2>, directions: Tensor<3>, range: Interval) -> Self {
        let ([groups, values], found) = (means.dims(), directions.dims());
        assert!(
            groups == shares.len() && found[0] == groups && found[1] > 0 && found[2] == values,
            "{} shares, means of shape {:?} and directions of shape {found:?}",
            shares.len(),
            means.dims()
        );
        let total: f32 = shares.iter().sum();
        assert!(
            total > 0.0 && total.is_finite() && shares.iter().all(|&share| share >= 0.0),
            "shares {shares:?} of groups"
        );
        Self {
            shares: shares.iter().map(|share| share / total).collect(),
            means,
            directions,
            range,
        }
    }

    /// The Gaussian of each group of examples, with `directions` directions.
    ///
    /// A direction is a random sum of the centred examples, `sum_i w_i (x_i - mean) / sqrt(n d)`
    /// with `w_i ~ N(0, 1)`, `n` examples and `d` directions: their outer products add up to the
    /// covariance on average, nothing is decomposed, and no direction is an example.
    ///
    /// # Shapes
    ///
    /// - `shares`: `[groups]`
    /// - each of `groups`: `[count, values]`
    ///
    /// # Panics
    ///
    /// If there is no group, or one without examples.
    pub fn fit(
        shares: &[f32],
        groups: Vec<Tensor<2>>,
        directions: usize,
        range: Interval,
        noise: &mut Noise,
    ) -> Self {
        let (means, directions) = groups
            .into_iter()
            .map(|examples| {
                let examples = examples.inner();
                let count = examples.dims()[0];
                assert!(count > 0, "a Gaussian can't be fitted to no example");
                let mean = examples.clone().mean_dim(0);
                let weights: Tensor<2> = noise.normal([directions, count], &examples.device());
                let scale = 1.0 / ((count * directions) as f64).sqrt();
                let sums = weights.mul_scalar(scale).matmul(examples - mean.clone());
                (mean, sums.unsqueeze_dim(0))
            })
            .unzip();
        Self::new(
            shares,
            Tensor::cat(means, 0),
            Tensor::cat(directions, 0),
            range,
        )
    }

    /// How often each group is drawn, 1 in all: `[groups]`.
    pub fn shares(&self) -> &[f32] {
        &self.shares
    }

    /// The means: `[groups, values]`.
    pub fn means(&self) -> Tensor<2> {
        self.means.clone()
    }

    /// The directions: `[groups, count, values]`; a covariance is the sum of their outer products.
    pub fn directions(&self) -> Tensor<3> {
        self.directions.clone()
    }

    /// Draws points of a shape, on a device; off the autodiff graph.
    ///
    /// # Panics
    ///
    /// If a point of this shape hasn't as many values as the means.
    pub(crate) fn draw<const D: usize>(
        &self,
        shape: [usize; D],
        device: &Device,
        noise: &mut Noise,
    ) -> Tensor<D> {
        let [groups, count, values] = self.directions.dims();
        assert_eq!(
            shape[1..].iter().product::<usize>(),
            values,
            "points of shape {shape:?} don't fit Gaussians of {values} values"
        );
        let device = device.clone().inner();
        let group = self.choose_groups(shape[0], &device, noise);
        let z: Tensor<2> = noise.normal([shape[0], count], &device);
        // The draws of a point at the directions of its group, 0 at all others.
        let z: Tensor<3> = group.clone().unsqueeze_dim::<3>(2) * z.unsqueeze_dim(1);
        let directions = self.directions.clone().to_device(&device);
        let away = z
            .reshape([shape[0], groups * count])
            .matmul(directions.reshape([groups * count, values]));
        let points = group.matmul(self.means.clone().to_device(&device)) + away;
        points.clamp(self.range.low, self.range.high).reshape(shape)
    }

    /// 1 at the group of each point, 0 at the others: `[count, groups]`.
    fn choose_groups(&self, count: usize, device: &Device, noise: &mut Noise) -> Tensor<2> {
        let groups = self.shares.len();
        let mut ends = Vec::with_capacity(groups);
        let mut sum = 0.0;
        for share in &self.shares {
            sum += share;
            ends.push(sum);
        }
        // Rounding leaves no point without a group.
        ends[groups - 1] = 1.0;
        let starts = [&[0.0], &ends[..groups - 1]].concat();
        let row = |values: Vec<f32>| -> Tensor<2> {
            let row: Tensor<2> = Tensor::from_data(TensorData::new(values, [1, groups]), device);
            row.expand([count, groups])
        };
        let u: Tensor<2> = noise.uniform([count, 1], device);
        let u = u.expand([count, groups]);
        let after = u.clone().greater_equal(row(starts));
        after.bool_and(u.lower(row(ends))).float()
    }
}

#[cfg(all(test, feature = "flex"))]
mod tests {
    use super::*;

    const RANGE: Interval = Interval::new(-9.0, 9.0);

    /// Two values that go together, `x_1 = 2 x_0`, and one that is always 0.5.
    fn examples(count: usize, device: &Device) -> Tensor<2> {
        let x: Tensor<2> = Noise::new(3).normal([count, 1], device);
        let constant = x.clone().mul_scalar(0.0).add_scalar(0.5);
        Tensor::cat(vec![x.clone(), x.mul_scalar(2.0), constant], 1)
    }

    fn values<const D: usize>(x: Tensor<D>) -> Vec<f32> {
        x.into_data().iter::<f32>().collect()
    }

    fn covariance(x: Tensor<2>) -> Vec<f32> {
        let count = x.dims()[0] as f64;
        let centred = x.clone() - x.mean_dim(0);
        values(
            centred
                .clone()
                .transpose()
                .matmul(centred)
                .div_scalar(count),
        )
    }

    /// 20,000 draws: the standard error of a covariance c of normals is about 0.01 c, and that of
    /// the covariance that 4,096 directions have another 0.022 c; six of both, 1e-9 by chance.
    #[test]
    fn draws_have_mean_and_covariance_of_the_examples() {
        let device = Device::flex();
        let examples = examples(2000, &device);
        let mean = values(examples.clone().mean_dim(0));
        let noise = &mut Noise::new(5);
        let groups = vec![examples.clone()];
        let gaussians = FittedGaussians::fit(&[1.0], groups, 4096, RANGE, noise);
        let draws: Tensor<2> = gaussians.draw([20_000, 3], &device, noise);
        let (found, expected) = (covariance(draws.clone()), covariance(examples));
        for (found, expected) in found.iter().zip(&expected) {
            let allowed = 0.15 * expected.abs() + 1e-4;
            assert!((found - expected).abs() < allowed, "{found} {expected}");
        }
        for (found, expected) in values(draws.mean_dim(0)).iter().zip(&mean) {
            assert!((found - expected).abs() < 0.09, "{found} {expected}");
        }
    }

    /// 10,000 draws: a share of a fifth has a standard error of 0.004; five of them, 6e-7 by
    /// chance.
    #[test]
    fn groups_come_by_their_shares_and_keep_their_directions() {
        let device = Device::flex();
        let noise = &mut Noise::new(5);
        let moved = examples(50, &device).add_scalar(-7.0);
        let still = examples(50, &device).mul_scalar(0.0).add_scalar(3.0);
        let groups = vec![still, moved];
        let gaussians = FittedGaussians::fit(&[2.0, 8.0], groups, 16, RANGE, noise);
        let draws: Tensor<2> = gaussians.draw([10_000, 3], &device, noise);
        let draws = values(draws);
        let (still, moved): (Vec<&[f32]>, Vec<&[f32]>) =
            draws.chunks(3).partition(|row| row[2] == 3.0);
        let share = still.len() as f64 / 10_000.0;
        assert!((share - 0.2).abs() < 0.02, "{share}");
        assert!(still.iter().all(|row| row[..2] == [3.0, 3.0]));
        // Its third value is always -6.5, but for rounding.
        assert!(moved.iter().all(|row| (row[2] + 6.5).abs() < 1e-5));
    }

    #[test]
    fn draws_are_kept_in_the_range_and_take_any_shape() {
        let device = Device::flex();
        let range = Interval::new(0.0, 0.25);
        let noise = &mut Noise::new(5);
        let groups = vec![examples(50, &device)];
        let gaussians = FittedGaussians::fit(&[1.0], groups, 8, range, noise);
        let draws: Tensor<4> = gaussians.draw([7, 1, 3, 1], &device, noise);
        let inside = values(draws.clone())
            .iter()
            .all(|x| (0.0..=0.25).contains(x));
        assert!(inside);
        assert_eq!(values(draws.narrow(2, 2, 1)), [0.25; 7]);
    }

    #[test]
    #[should_panic(expected = "points of shape [7, 4] don't fit Gaussians of 3 values")]
    fn other_shapes_are_refused() {
        let device = Device::flex();
        let noise = &mut Noise::new(5);
        let groups = vec![examples(50, &device)];
        let gaussians = FittedGaussians::fit(&[1.0], groups, 8, RANGE, noise);
        let _: Tensor<2> = gaussians.draw([7, 4], &device, noise);
    }
}
