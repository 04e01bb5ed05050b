//! `ebm devices`: what is compiled in, and what is found.

use ebm::backend::{self, Backend, BackendError, DeviceDescription};
use ebm::models::Precision;

use super::failure::Failure;
use super::terminal::say;

/// List the backends that are compiled in and the devices they find.
///
/// Of each device: the number that --device takes, its name, its driver and memory where the system
/// tells them, and the types that it computes in (config key training.precision).
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {}

const EXAMPLES: &str = "\
Examples:
  ebm devices";

pub(crate) fn run(_args: Args) -> Result<(), Failure> {
    for backend in Backend::ALL {
        match backend.devices() {
            Ok(devices) => {
                for (number, device) in devices.iter().enumerate() {
                    // The number stands where `--device` wants it; the name is not repeated.
                    let name = if number == 0 { backend.name() } else { "" };
                    let described = DeviceDescription::of(backend, device);
                    say(format_args!("{name:8} {number}: {}", line(&described)));
                }
            }
            Err(BackendError::NotCompiledIn { .. }) => say(format_args!(
                "{:8} not compiled in; build with --features {backend}",
                backend.name()
            )),
            Err(error) => say(format_args!("{:8} {error}", backend.name())),
        }
    }
    let choice = backend::select("auto", 0)?;
    say(format_args!(""));
    say(format_args!("--backend auto takes {}", choice.backend));
    Ok(())
}

/// Name, driver, memory and types, as far as they are known.
fn line(device: &DeviceDescription) -> String {
    let mut parts = vec![device.name.clone()];
    if device.is_software {
        parts.push("a software driver".into());
    }
    if let Some(driver) = &device.driver {
        parts.push(format!("driver {driver}"));
    }
    if let Some(bytes) = device.memory {
        parts.push(format!("{:.1} GiB", bytes as f64 / f64::from(1 << 30)));
    }
    let names: Vec<&str> = device
        .precisions
        .iter()
        .map(|p: &Precision| p.name())
        .collect();
    parts.push(names.join(" "));
    if !device.has_bytes {
        parts.push("bytes take four".into());
    }
    parts.join("; ")
}
