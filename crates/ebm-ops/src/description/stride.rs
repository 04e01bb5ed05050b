//! How the kernel of a convolution moves over an image.

/// How a kernel moves over an image, in pixels, vertically and horizontally.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stride2d {
    /// Step between applications, at least 1.
    pub stride: [usize; 2],
    /// Zeros added on each side.
    pub padding: [usize; 2],
}
