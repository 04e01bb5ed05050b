//! The Gaussian that has the mean and the covariance of examples, of low rank.

use burn::tensor::{Device, Tensor};

use crate::description::Interval;
use crate::noise::Noise;

/// The distribution of `clamp(mean + z directions)`, `z ~ N(0, 1)`: a Gaussian, kept in a range.
///
/// Chains that start there have the brightness, the colours and the broad shapes of the examples
/// already, where uniform noise has to find them ("informative initialisation", Yang & Ji, ICCV
/// 2021).
#[derive(Clone, Debug)]
pub struct FittedGaussian {
    /// `[values]`.
    mean: Tensor<1>,
    /// `[directions, values]`.
    directions: Tensor<2>,
    range: Interval,
}

impl FittedGaussian {
    /// A Gaussian of these parts, kept in `range`.
    ///
    /// # Shapes
    ///
    /// - `mean`: `[values]`
    /// - `directions`: `[count, values]`
    ///
    /// # Panics
    ///
    /// If the numbers of values differ.
    pub fn new(mean: Tensor<1>, directions: Tensor<2>, range: Interval) -> Self {
        assert_eq!(
            mean.dims()[0],
            directions.dims()[1],
            "a mean of {} values and directions of {}",
            mean.dims()[0],
            directions.dims()[1]
        );
        Self {
            mean,
            directions,
            range,
        }
    }

    /// The Gaussian of examples, with `directions` directions.
    ///
    /// A direction is a random sum of the centred examples, `sum_i w_i (x_i - mean) / sqrt(n k)`
    /// with `w_i ~ N(0, 1)`, `n` examples and `k` directions: their outer products add up to the
    /// covariance on average, nothing is decomposed, and no direction is an example.
    ///
    /// # Shapes
    ///
    /// - `examples`: `[count, values]`
    ///
    /// # Panics
    ///
    /// If there is no example.
    pub fn fit(examples: Tensor<2>, directions: usize, range: Interval, noise: &mut Noise) -> Self {
        let examples = examples.inner();
        let count = examples.dims()[0];
        assert!(count > 0, "a Gaussian can't be fitted to no example");
        let mean = examples.clone().mean_dim(0);
        let weights: Tensor<2> = noise.normal([directions, count], &examples.device());
        let scale = 1.0 / ((count * directions) as f64).sqrt();
        let directions = weights.mul_scalar(scale).matmul(examples - mean.clone());
        Self::new(mean.squeeze_dim(0), directions, range)
    }

    /// The mean: `[values]`.
    pub fn mean(&self) -> Tensor<1> {
        self.mean.clone()
    }

    /// The directions: `[count, values]`; the covariance is the sum of their outer products.
    pub fn directions(&self) -> Tensor<2> {
        self.directions.clone()
    }

    /// Draws points of a shape, on a device; off the autodiff graph.
    ///
    /// # Panics
    ///
    /// If a point of this shape hasn't as many values as the mean.
    pub(crate) fn draw<const D: usize>(
        &self,
        shape: [usize; D],
        device: &Device,
        noise: &mut Noise,
    ) -> Tensor<D> {
        let (found, values) = (shape[1..].iter().product::<usize>(), self.mean.dims()[0]);
        assert_eq!(
            found, values,
            "points of shape {shape:?} don't fit a Gaussian of {values} values"
        );
        let device = device.clone().inner();
        let z: Tensor<2> = noise.normal([shape[0], self.directions.dims()[0]], &device);
        let mean: Tensor<2> = self.mean.clone().to_device(&device).unsqueeze_dim(0);
        let points = z.matmul(self.directions.clone().to_device(&device)) + mean;
        points.clamp(self.range.low, self.range.high).reshape(shape)
    }
}

#[cfg(all(test, feature = "flex"))]
mod tests {
    use super::*;

    const RANGE: Interval = Interval::new(-9.0, 9.0);

    /// Two values that go together, `x_1 = 2 x_0`, and one that is always 0.5.
    fn examples(count: usize, device: &Device) -> Tensor<2> {
        let x: Tensor<2> = Noise::new(3).normal([count, 1], device);
        Tensor::cat(
            vec![
                x.clone(),
                x.clone().mul_scalar(2.0),
                x.mul_scalar(0.0).add_scalar(0.5),
            ],
            1,
        )
    }

    fn values<const D: usize>(x: Tensor<D>) -> Vec<f32> {
        x.into_data().iter::<f32>().collect()
    }

    /// 20,000 draws: the standard error of a covariance c of normals is about 0.01 c, and that of
    /// the covariance that 4,096 directions have another 0.022 c; six of both, 1e-9 by chance.
    #[test]
    fn draws_have_mean_and_covariance_of_the_examples() {
        let device = Device::flex();
        let examples = examples(2000, &device);
        let mean = values(examples.clone().mean_dim(0));
        let noise = &mut Noise::new(5);
        let gaussian = FittedGaussian::fit(examples.clone(), 4096, RANGE, noise);
        let draws: Tensor<2> = gaussian.draw([20_000, 3], &device, noise);
        let covariance = |x: Tensor<2>| {
            let centred = x.clone() - x.clone().mean_dim(0);
            values(
                centred
                    .clone()
                    .transpose()
                    .matmul(centred)
                    .div_scalar(x.dims()[0] as f64),
            )
        };
        let (found, expected) = (covariance(draws.clone()), covariance(examples));
        for (found, expected) in found.iter().zip(&expected) {
            assert!(
                (found - expected).abs() < 0.15 * expected.abs() + 1e-4,
                "{found} {expected}"
            );
        }
        for (found, expected) in values(draws.mean_dim(0)).iter().zip(&mean) {
            assert!((found - expected).abs() < 0.09, "{found} {expected}");
        }
    }

    #[test]
    fn draws_are_kept_in_the_range_and_take_any_shape() {
        let device = Device::flex();
        let range = Interval::new(0.0, 0.25);
        let noise = &mut Noise::new(5);
        let gaussian = FittedGaussian::fit(examples(50, &device), 8, range, noise);
        let draws: Tensor<4> = gaussian.draw([7, 1, 3, 1], &device, noise);
        assert!(
            values(draws.clone())
                .iter()
                .all(|x| (0.0..=0.25).contains(x))
        );
        assert_eq!(values(draws.narrow(2, 2, 1)), [0.25; 7]);
    }

    #[test]
    #[should_panic(expected = "points of shape [7, 4] don't fit a Gaussian of 3 values")]
    fn other_shapes_are_refused() {
        let device = Device::flex();
        let noise = &mut Noise::new(5);
        let gaussian = FittedGaussian::fit(examples(50, &device), 8, RANGE, noise);
        let _: Tensor<2> = gaussian.draw([7, 4], &device, noise);
    }
}
