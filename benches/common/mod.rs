//! The device that the benchmarks run on: `flex`, or what `EBM_BACKEND` names and `EBM_DEVICE`
//! numbers.

use burn::tensor::Device;

/// Opens the device.
pub(crate) fn device() -> Device {
    let name = std::env::var("EBM_BACKEND").unwrap_or_else(|_| "flex".into());
    let number = std::env::var("EBM_DEVICE").map_or(Ok(0), |text| text.parse());
    let number = number.unwrap_or_else(|error| panic!("EBM_DEVICE: {error}"));
    match ebm::backend::select(&name, number) {
        Ok(choice) => choice.device,
        Err(error) => panic!("EBM_BACKEND: {error}"),
    }
}

/// Waits for the device, so that what is timed has happened.
#[allow(dead_code)] // what only counts gradients times nothing
pub(crate) fn finish(device: &Device) {
    device.sync().unwrap();
}
