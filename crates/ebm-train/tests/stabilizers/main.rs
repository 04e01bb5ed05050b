//! Stabilisers do what their formulas say, and nothing where they are off.
#![allow(clippy::unwrap_used)]

#[path = "../common/mod.rs"]
mod common;
mod eviction;
#[path = "../gaussians/mod.rs"]
mod gaussians;
mod lengths;
mod objective;
mod resume;
mod sharpness;
mod spectral;

use burn::tensor::{Device, Tensor};

pub(crate) fn line(values: &[f32]) -> Tensor<1> {
    Tensor::from_floats(values, &Device::flex())
}

pub(crate) fn assert_close(found: &[f32], expected: &[f32], tolerance: f32, what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (index, (found, expected)) in found.iter().zip(expected).enumerate() {
        assert!(
            (found - expected).abs() <= tolerance * (1.0 + expected.abs()),
            "{what}[{index}]: {found}, expected {expected}"
        );
    }
}
