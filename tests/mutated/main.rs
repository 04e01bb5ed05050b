//! Files that are wrong in thousands of ways behind a right checksum: each is read, or refused with
//! an error; nothing panics.
#![cfg(all(feature = "cli", feature = "flex"))]
#![allow(clippy::unwrap_used)]

#[path = "../common/mod.rs"]
mod common;
mod trained;
#[allow(dead_code)]
#[path = "../conformance/trainers.rs"]
mod trainers;
mod weights;

use std::panic::{AssertUnwindSafe, catch_unwind};

use burn::tensor::TensorData;
use ebm::ops::Noise;

/// How many cases a test tries, `EBM_MUTATIONS` times as many if that is set.
fn cases(count: usize) -> usize {
    let times = std::env::var("EBM_MUTATIONS").map_or(1, |text| text.parse().unwrap());
    count * times
}

/// A number below `bound`.
fn below(noise: &mut Noise, bound: usize) -> usize {
    let uniform = noise.host_uniforms(1)[0];
    ((uniform * bound as f64) as usize).min(bound - 1)
}

/// Whether the file was taken; fails with what was changed if anything panics.
fn outcome<T, E: std::fmt::Display>(what: &str, read: impl FnOnce() -> Result<T, E>) -> bool {
    match catch_unwind(AssertUnwindSafe(read)) {
        Ok(Ok(_)) => true,
        Ok(Err(error)) => {
            assert!(!error.to_string().is_empty(), "{what}");
            false
        }
        Err(_) => panic!("{what}: a panic instead of an error"),
    }
}

/// The values of a tensor on the host.
fn values(data: &TensorData) -> Vec<f32> {
    data.iter::<f32>().collect()
}
