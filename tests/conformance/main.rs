//! One suite for every backend: what it computes is what Flex computes.
//!
//! `EBM_BACKEND` names the backend and `EBM_DEVICE` its device; without them it is ndarray. Flex
//! itself is compared bit for bit, which shows that it computes the same twice. `docs/backends.md`
//! says how to run the suite on a software driver.
#![cfg(all(feature = "cli", feature = "flex", feature = "ndarray"))]
#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod checkpoints;
mod commands;
#[path = "../common/mod.rs"]
mod common;
mod energies;
mod noise;
mod partition;
mod precision;
mod samplers;
mod trainers;
mod training;

use std::sync::LazyLock;

use burn::tensor::{Device, TensorData};
use ebm::backend::{Backend, select};
use ebm_testing::floats;

/// The backend and the device under test.
static TESTED: LazyLock<(Backend, Device)> = LazyLock::new(|| {
    let name = std::env::var("EBM_BACKEND").unwrap_or_else(|_| "ndarray".into());
    let index = std::env::var("EBM_DEVICE").map_or(0, |text| text.parse().unwrap());
    match select(&name, index) {
        Ok(choice) => (choice.backend, choice.device),
        Err(error) => panic!("nothing to compare: {error}"),
    }
});

/// The backend under test.
fn backend() -> Backend {
    TESTED.0
}

/// The device under test.
fn device() -> Device {
    TESTED.1.clone()
}

/// The device that everything is compared with.
fn reference() -> Device {
    Device::flex()
}

/// What Flex and the device under test make of the same.
fn on_both<T>(compute: impl Fn(&Device) -> T) -> (T, T) {
    (compute(&reference()), compute(&device()))
}

fn values(data: &TensorData) -> Vec<f32> {
    data.iter::<f32>().collect()
}

/// How far values are apart: the largest difference as a share of the expected value or, where that
/// is small, of the root mean square of all.
fn distance(found: &[f32], expected: &[f32]) -> f64 {
    assert_eq!(found.len(), expected.len());
    let squares: f64 = expected.iter().map(|&x| f64::from(x).powi(2)).sum();
    let scale = (squares / expected.len().max(1) as f64).sqrt();
    let pairs = found.iter().zip(expected);
    let shares = pairs.map(|(&a, &b)| {
        let (a, b) = (f64::from(a), f64::from(b));
        // Equal zeros, and infinities, are no distance apart.
        if a == b {
            0.0
        } else {
            (a - b).abs() / b.abs().max(scale)
        }
    });
    // `max` would drop a NaN.
    shares.fold(0.0, |largest, share| {
        if share > largest || share.is_nan() {
            share
        } else {
            largest
        }
    })
}

/// Fails if values are further apart than `tolerance` (see [`distance`]), or at all where Flex is
/// compared with itself.
fn assert_close(what: &str, found: &[f32], expected: &[f32], tolerance: f64) {
    assert!(
        expected.iter().any(|&x| x != 0.0) && expected.iter().all(|x| x.is_finite()),
        "{what}: nothing to compare in {expected:?}"
    );
    let tolerance = if backend() == Backend::Flex {
        0.0
    } else {
        tolerance
    };
    let distance = distance(found, expected);
    assert!(
        distance <= tolerance,
        "{what} on {}: {distance:.2e} from Flex, expected at most {tolerance:.0e}\n{found:?}\n{expected:?}",
        backend()
    );
}
