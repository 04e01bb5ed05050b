//! The simplest statistics of images, the range that those of the data have, and how many samples
//! leave it.

use burn::tensor::Tensor;
use ebm_ops::Interval;

use crate::examples::host_values;
use crate::judging::quantile;

/// Share of the data that lie outside of the range of a statistic, on each side, before it is
/// widened.
const TAIL: f64 = 0.005;

/// By how much of its width a range is widened on each side.
const MARGIN: f64 = 0.25;

/// The least by which a range is widened, as a share of the range of values: of a byte's 256 levels
/// five.
const LEAST_MARGIN: f64 = 0.02;

/// How far from an end a value counts as saturated, as a share of the range of values.
const SATURATED: f64 = 0.05;

/// What is known of an image without looking at shapes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PixelStatistics {
    /// The mean of all values, in the range of the data.
    pub mean: f64,
    /// Their standard deviation.
    pub standard_deviation: f64,
    /// The mean absolute difference of neighbours, down and to the right: large of noise, small of
    /// what is blurred.
    pub variation: f64,
    /// Share of the values that lie within 5 % of an end of the range, or beyond.
    pub saturated: f64,
}

impl PixelStatistics {
    /// The statistics of an image, row-major, of `shape` (channels, height, width), with values of
    /// a range.
    ///
    /// # Panics
    ///
    /// If the image hasn't the shape.
    pub fn of(image: &[f32], shape: [usize; 3], range: Interval) -> Self {
        let [_, height, width] = shape;
        let count = image.len();
        assert_eq!(
            count,
            shape.iter().product::<usize>(),
            "an image of shape {shape:?}"
        );
        let values = || image.iter().map(|&value| f64::from(value));
        let mean = values().sum::<f64>() / count as f64;
        let squares: f64 = values().map(|value| (value - mean).powi(2)).sum();
        let near = SATURATED * range.width();
        let saturated = |value: &f64| *value <= range.low + near || *value >= range.high - near;
        let (mut differences, mut pairs) = (0.0, 0usize);
        for (at, value) in values().enumerate() {
            let (row, column) = (at / width % height, at % width);
            if column + 1 < width {
                differences += (f64::from(image[at + 1]) - value).abs();
                pairs += 1;
            }
            if row + 1 < height {
                differences += (f64::from(image[at + width]) - value).abs();
                pairs += 1;
            }
        }
        Self {
            mean,
            standard_deviation: (squares / count as f64).sqrt(),
            variation: differences / pairs.max(1) as f64,
            saturated: values().filter(saturated).count() as f64 / count as f64,
        }
    }

    /// The statistics of images, `[count, channels, height, width]`.
    pub fn of_all(images: Tensor<4>, range: Interval) -> Vec<Self> {
        let [_, channels, height, width] = images.dims();
        let shape = [channels, height, width];
        let values = host_values(images);
        let images = values.chunks_exact(channels * height * width);
        images.map(|image| Self::of(image, shape, range)).collect()
    }

    /// Whether all values of the image are finite.
    pub fn is_finite(&self) -> bool {
        self.values().iter().all(|value| value.is_finite())
    }

    fn values(self) -> [f64; 4] {
        [
            self.mean,
            self.standard_deviation,
            self.variation,
            self.saturated,
        ]
    }
}

/// The range of each of the [`PixelStatistics`] over the data: their quantiles of 0.5 % and 99.5 %,
/// widened by a quarter on each side.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PixelRange {
    /// Of the mean, the standard deviation, the variation and the share of saturated values.
    ranges: [Interval; 4],
}

impl PixelRange {
    /// Learns the ranges from statistics of images with values of a range; `None` of none, or where
    /// one isn't finite.
    pub fn learn(statistics: &[PixelStatistics], values: Interval) -> Option<Self> {
        let ranges = std::array::from_fn(|index| {
            let mut sorted: Vec<f64> = statistics.iter().map(|all| all.values()[index]).collect();
            sorted.sort_unstable_by(f64::total_cmp);
            if sorted.is_empty() {
                return Interval::new(f64::NAN, f64::NAN);
            }
            let [low, high] = [TAIL, 1.0 - TAIL].map(|share| quantile(&sorted, share));
            // A share is no value of the range.
            let unit = if index == 3 { 1.0 } else { values.width() };
            let margin = (MARGIN * (high - low)).max(LEAST_MARGIN * unit);
            Interval::new(low - margin, high + margin)
        });
        let is_finite = ranges.iter().all(|range| range.width().is_finite());
        is_finite.then_some(Self { ranges })
    }

    /// Whether one of the statistics lies outside of its range, or isn't finite.
    pub fn excludes(&self, statistics: PixelStatistics) -> bool {
        let mut ranges = self.ranges.iter().zip(statistics.values());
        !ranges.all(|(range, value)| range.contains(value))
    }

    /// Share of images with a statistic outside of its range or a value that isn't finite: about
    /// 0.01 of the data, 1 of noise. 0 of no images.
    pub fn share_outside(&self, statistics: &[PixelStatistics]) -> f64 {
        let outside = statistics.iter().filter(|all| self.excludes(**all)).count();
        outside as f64 / statistics.len().max(1) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Examples;
    use crate::data::{Split, digits};
    use burn::tensor::Device;
    use ebm_ops::Noise;

    const VALUES: Interval = Interval::new(-1.0, 1.0);

    #[test]
    fn statistics_are_those_counted_by_hand() {
        // Two channels of one row and of one column.
        let found = PixelStatistics::of(&[-1.0, 1.0, 0.5, -0.5], [2, 1, 2], VALUES);
        assert_eq!((found.mean, found.saturated), (0.0, 0.5));
        assert_eq!(found.standard_deviation, 0.625f64.sqrt());
        assert_eq!(found.variation, 1.5);
        let column = PixelStatistics::of(&[-1.0, 1.0, 0.5, -0.5], [2, 2, 1], VALUES);
        assert_eq!(column, found);
        // Rows of two: differences 2, 1.5, 1.5 and 1 over four pairs.
        let square = PixelStatistics::of(&[-1.0, 1.0, 0.5, -0.5], [1, 2, 2], VALUES);
        assert_eq!(square.variation, (2.0 + 1.0 + 1.5 + 1.5) / 4.0);
        let one = PixelStatistics::of(&[0.25], [1, 1, 1], VALUES);
        assert_eq!((one.variation, one.mean), (0.0, 0.25));
    }

    #[test]
    fn data_lie_inside_and_noise_what_is_faded_and_what_is_no_number_outside() {
        let device = Device::flex();
        let statistics = |images| PixelStatistics::of_all(images, VALUES);
        let digits = |split| {
            let images = digits(split).expect("they are embedded");
            let examples = Examples::from_images(&images, VALUES.into(), &device);
            examples.batch(&(0..examples.len()).collect::<Vec<_>>()).x
        };
        let (train, test) = (digits(Split::Train), digits(Split::Test));
        let train = statistics(train);
        let range = PixelRange::learn(&train, VALUES).expect("the data are finite");
        let outside = |images| range.share_outside(&statistics(images));
        assert!(range.share_outside(&train) < 0.02);
        assert!(outside(test.clone()) < 0.02);
        let noise: Tensor<4> = Noise::new(1).uniform_in([200, 1, 8, 8], VALUES, &device);
        assert_eq!(outside(noise), 1.0);
        assert_eq!(outside(test.clone().mul_scalar(0.1)), 1.0);
        assert_eq!(outside(test.mul_scalar(f32::NAN)), 1.0);
        assert_eq!(PixelRange::learn(&[], VALUES), None);
    }
}
