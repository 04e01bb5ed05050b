//! Values kept as bytes on the device, and turned into floats where they are used.

use burn::tensor::{DType, Device, Int, Tensor};

use crate::description::Interval;

/// The largest byte, to which the upper end of a range is mapped.
const MAX: f64 = 255.0;

/// The integer type that holds bytes on `device`: `u8` where the backend has it, otherwise `i32`.
///
/// WGSL has no 8-bit integers, so byte tensors take four bytes a value there.
pub fn byte_dtype(device: &Device) -> DType {
    if device.supports_dtype(DType::U8) {
        DType::U8
    } else {
        DType::I32
    }
}

/// Bytes as floats of a range `[low, high]`, `low + (high - low) * byte / 255`.
///
/// # Shapes
///
/// Input and output have the same shape; the output is `f32` and lies in `[low, high]`.
pub fn from_bytes<const D: usize>(bytes: Tensor<D, Int>, range: impl Into<Interval>) -> Tensor<D> {
    let range = range.into();
    let scale = range.width() / MAX;
    bytes.float().mul_scalar(scale).add_scalar(range.low)
}

/// Floats as bytes, `round(255 * (x - low) / (high - low))`, values outside `[low, high]` clamped
/// to it.
///
/// The error after [`from_bytes`] is at most `(high - low) / 510`.
pub fn to_bytes<const D: usize>(x: Tensor<D>, range: impl Into<Interval>) -> Tensor<D, Int> {
    let range = range.into();
    let dtype = byte_dtype(&x.device());
    x.sub_scalar(range.low)
        .mul_scalar(MAX / range.width())
        .clamp(0.0, MAX)
        .round()
        .int()
        .cast(dtype)
}
