//! Tensors from values on the host, and back.

use burn::tensor::{Bool, Device, Tensor, TensorData};

/// The CPU backends. What is true of one must be true of the other.
pub fn devices() -> [Device; 2] {
    #[expect(deprecated, reason = "still a backend that we support")]
    [Device::flex(), Device::ndarray()]
}

/// A tensor with these values, rounded to f32, row by row.
///
/// # Panics
///
/// If the shape takes another number of values.
pub fn tensor<const D: usize>(values: &[f64], shape: [usize; D], device: &Device) -> Tensor<D> {
    let values: Vec<f32> = values.iter().map(|&value| value as f32).collect();
    Tensor::from_data(TensorData::new(values, shape), device)
}

/// The values of a tensor in f64, row by row.
pub fn values<const D: usize>(x: Tensor<D>) -> Vec<f64> {
    x.into_data().iter::<f64>().collect()
}

/// The values of a tensor of f32, row by row.
///
/// # Panics
///
/// If the tensor is of another type.
pub fn floats<const D: usize>(x: Tensor<D>) -> Vec<f32> {
    x.into_data().try_to_vec().expect("the tensor is of f32")
}

/// The bits of the values of a tensor of f32, row by row.
///
/// # Panics
///
/// If the tensor is of another type.
pub fn bits<const D: usize>(x: Tensor<D>) -> Vec<u32> {
    floats(x).into_iter().map(f32::to_bits).collect()
}

/// The values of a tensor of truth values, row by row.
pub fn flags<const D: usize>(x: Tensor<D, Bool>) -> Vec<bool> {
    x.into_data().iter::<bool>().collect()
}
