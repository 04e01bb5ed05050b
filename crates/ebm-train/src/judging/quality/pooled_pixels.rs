//! The pixels themselves as features, pooled where there are many.

use burn::tensor::{Tensor, module};

use crate::rows;

/// The longest side of what is left of an image.
const MOST_ROWS: usize = 8;

/// The values of an image, `[channels, height, width]`, of sides of up to 8: longer ones are
/// averaged over a grid of 8 cells.
///
/// Small images have nothing that a network would find; of two-valued ones the mean over a cell is
/// the share of its pixels that are set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PooledPixels;

impl PooledPixels {
    /// The features of images.
    ///
    /// # Shapes
    ///
    /// - `images`: `[count, channels, height, width]`
    /// - output: `[count, channels * min(height, 8) * min(width, 8)]`
    pub fn features(self, images: Tensor<4>) -> Tensor<2> {
        let [_, _, height, width] = images.dims();
        let sides = [height, width].map(|side| side.min(MOST_ROWS));
        if sides == [height, width] {
            return rows(images);
        }
        rows(module::adaptive_avg_pool2d(images, sides))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host_values;
    use burn::tensor::Device;

    #[test]
    fn small_images_are_left_alone_and_large_ones_averaged() {
        let device = Device::flex();
        let image = |side: i64| Tensor::arange(0..side * side, &device).float();
        let small: Tensor<4> = image(4).reshape([1, 1, 4, 4]);
        let features = PooledPixels.features(small.clone());
        assert_eq!(host_values(features), host_values(small));
        let large: Tensor<4> = image(16).reshape([1, 1, 16, 16]);
        let features = PooledPixels.features(large);
        assert_eq!(features.dims(), [1, 64]);
        // 0, 1, 16 and 17.
        assert_eq!(host_values(features)[0], 8.5);
        let line = Tensor::<4>::ones([2, 3, 1, 20], &device);
        assert_eq!(PooledPixels.features(line).dims(), [2, 24]);
    }
}
