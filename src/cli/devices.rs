//! `ebm devices`: what is compiled in, and what is found.

use ebm::backend::{self, Backend, BackendError};

use super::failure::Failure;
use super::terminal::say;

/// List the backends that are compiled in and the devices they find.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {}

const EXAMPLES: &str = "\
Examples:
  ebm devices";

pub(crate) fn run(_args: Args) -> Result<(), Failure> {
    for backend in Backend::ALL {
        let found = match backend.devices() {
            Ok(devices) => {
                let devices: Vec<String> = devices
                    .iter()
                    .enumerate()
                    .map(|(number, device)| format!("{number}: {}", describe(backend, device)))
                    .collect();
                devices.join(", ")
            }
            Err(BackendError::NotCompiledIn { .. }) => {
                format!("not compiled in; build with --features {backend}")
            }
            Err(error) => error.to_string(),
        };
        say(format_args!("{:8} {found}", backend.name()));
    }
    let choice = backend::select("auto", 0)?;
    say(format_args!("\n--backend auto takes {}", choice.backend));
    Ok(())
}

fn describe(backend: Backend, device: &burn::tensor::Device) -> String {
    if matches!(backend, Backend::Flex | Backend::NdArray) {
        return "CPU".into();
    }
    #[cfg(any(
        feature = "wgpu",
        feature = "vulkan",
        feature = "cuda",
        feature = "metal",
        feature = "rocm"
    ))]
    if let Some(identity) = device.identity() {
        return identity.name;
    }
    format!("{device:?}")
}
