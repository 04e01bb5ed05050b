//! The elementwise functions that have kernels of their own.

/// A function of one value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Elementwise {
    /// `x sigmoid(x)`.
    Swish,
    /// `1 / (1 + exp(-x))`.
    Sigmoid,
    /// `log(1 + exp(x))`.
    Softplus,
    /// `x` where positive, `slope x` elsewhere.
    LeakyRelu(f32),
}
