//! The mean of numbers and its standard error.

use burn::tensor::Tensor;
use serde::Serialize;

/// A mean over examples.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Estimate {
    /// The mean.
    pub mean: f64,
    /// Its standard error: the standard deviation over the root of the number of examples.
    pub standard_error: f64,
}

/// Sums of values and of their squares around the first, in f64.
#[derive(Default)]
pub(super) struct Moments {
    count: f64,
    first: f64,
    sum: f64,
    squares: f64,
}

impl Moments {
    /// Takes in values: `[count]`.
    pub(super) fn add(&mut self, values: Tensor<1>) {
        for value in values.into_data().iter::<f64>() {
            if self.count == 0.0 {
                self.first = value;
            }
            // Around some value of their own size, so that the squares don't cancel.
            let value = value - self.first;
            self.count += 1.0;
            self.sum += value;
            self.squares += value * value;
        }
    }

    /// Their mean; `None` of nothing.
    pub(super) fn estimate(&self) -> Option<Estimate> {
        if self.count == 0.0 {
            return None;
        }
        let mean = self.sum / self.count;
        let variance = (self.squares - self.count * mean * mean) / (self.count - 1.0).max(1.0);
        Some(Estimate {
            mean: self.first + mean,
            standard_error: (variance.max(0.0) / self.count).sqrt(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Device;

    #[test]
    fn moments_are_those_of_the_textbook() {
        let device = Device::flex();
        let mut moments = Moments::default();
        assert_eq!(moments.estimate(), None);
        moments.add(Tensor::from_floats([1000.0, 1001.0], &device));
        moments.add(Tensor::from_floats([1002.0, 1005.0], &device));
        let estimate = moments.estimate().expect("there are values");
        assert_eq!(estimate.mean, 1002.0);
        // Variance (4 + 1 + 0 + 9) / 3, over 4 values.
        assert!((estimate.standard_error - (14.0_f64 / 12.0).sqrt()).abs() < 1e-12);
    }
}
