//! The peak signal-to-noise ratio, by which denoised images are judged.

use burn::tensor::Tensor;

/// `10 log10(peak^2 / MSE)` in decibels, with the mean squared error over all pixels of all images;
/// infinite for equal ones.
///
/// `peak` is the distance from black to white, in units of the pixels: 2 for a range of -1 to 1.
/// Ratios are comparable only at the same noise, peak and way of averaging: the mean of the ratios
/// of single images is larger.
///
/// # Shapes
///
/// - `images`, `reference`: the same
///
/// # Panics
///
/// If shapes differ, there is no pixel, or the peak isn't positive.
pub fn psnr<const D: usize>(images: Tensor<D>, reference: Tensor<D>, peak: f64) -> f64 {
    let shapes = (images.dims(), reference.dims());
    assert_eq!(shapes.0, shapes.1, "images and reference differ in shape");
    assert!(
        shapes.0.iter().all(|&side| side > 0),
        "there is no pixel in {:?}",
        shapes.0
    );
    assert!(peak > 0.0, "a peak must be above 0, found {peak}");
    let squares = (images - reference).square().into_data();
    let (mut sum, mut count) = (0.0, 0.0);
    for square in squares.iter::<f64>() {
        sum += square;
        count += 1.0;
    }
    10.0 * (peak * peak * count / sum).log10()
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Device;

    #[test]
    fn an_error_of_a_tenth_of_the_peak_is_20_decibels() {
        let device = Device::flex();
        let reference = Tensor::<1>::from_floats([-1.0, 0.0, 1.0, 0.5], &device);
        let signs = Tensor::<1>::from_floats([1.0, -1.0, 1.0, -1.0], &device);
        let images = reference.clone() + signs.mul_scalar(0.2);
        let found = psnr(images, reference.clone(), 2.0);
        assert!((found - 20.0).abs() < 1e-5, "{found}");
        assert_eq!(psnr(reference.clone(), reference, 2.0), f64::INFINITY);
    }
}
