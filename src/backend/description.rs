//! What is known of a device: its name, its driver, its memory, and the types that it computes in.

use std::fs;

use burn::tensor::{DType, Device};
use ebm_models::Precision;
use ebm_run::Processor;

use super::{Backend, is_software};

/// A device as it describes itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceDescription {
    /// The name of the processor or adapter.
    pub name: String,
    /// The kernel's driver and its version; `None` for a processor, or where the system doesn't
    /// say.
    pub driver: Option<String>,
    /// Memory of the device in bytes; `None` where the system doesn't say.
    pub memory: Option<u64>,
    /// The floating-point types that it computes in.
    pub precisions: Vec<Precision>,
    /// Whether it keeps bytes as bytes, a quarter of the memory of f32.
    pub has_bytes: bool,
    /// Whether a GPU's driver runs on the processor.
    pub is_software: bool,
}

impl DeviceDescription {
    /// Asks the device and the system. Opens the device.
    pub fn of(backend: Backend, device: &Device) -> Self {
        let precisions = Precision::ALL
            .into_iter()
            .filter(|precision| precision.is_supported_by(device))
            .collect();
        let (name, driver, memory) = match backend {
            Backend::Flex | Backend::NdArray => processor(),
            _ => adapter(device),
        };
        Self {
            name,
            driver,
            memory,
            precisions,
            has_bytes: device.supports_dtype(DType::U8),
            is_software: is_software(backend, device),
        }
    }
}

/// The processor's name with its threads, and the machine's memory.
fn processor() -> (String, Option<String>, Option<u64>) {
    let here = Processor::here();
    let name = here.name.unwrap_or_else(|| "CPU".into());
    let threads = here.threads.unwrap_or(1);
    (format!("{name}, {threads} threads"), None, here.memory)
}

#[cfg(not(feature = "gpu"))]
fn adapter(device: &Device) -> (String, Option<String>, Option<u64>) {
    (format!("{device:?}"), None, None)
}

#[cfg(feature = "gpu")]
fn adapter(device: &Device) -> (String, Option<String>, Option<u64>) {
    let Some(identity) = device.identity() else {
        return (format!("{device:?}"), None, None);
    };
    let address = identity.physical.and_then(|card| card.pci_address);
    let (driver, memory) = match address {
        Some(address) => card(&address.to_string()),
        None => (None, None),
    };
    (identity.name, driver, memory)
}

/// The driver and the memory of the card at a PCI address, from Linux's `/sys` and, since NVIDIA's
/// driver writes nothing there, from NVIDIA's own tool.
#[cfg_attr(not(feature = "gpu"), allow(dead_code))]
fn card(address: &str) -> (Option<String>, Option<u64>) {
    let folder = format!("/sys/bus/pci/devices/{address}");
    let module = fs::read_link(format!("{folder}/driver"))
        .ok()
        .and_then(|path| Some(path.file_name()?.to_str()?.to_string()));
    let driver =
        module.map(
            |module| match fs::read_to_string(format!("/sys/module/{module}/version")) {
                Ok(version) => format!("{module} {}", version.trim()),
                Err(_) => module,
            },
        );
    let memory = fs::read_to_string(format!("{folder}/mem_info_vram_total"))
        .ok()
        .and_then(|text| text.trim().parse().ok());
    if memory.is_some()
        || !driver
            .as_deref()
            .is_some_and(|name| name.starts_with("nvidia"))
    {
        return (driver, memory);
    }
    let output = std::process::Command::new("nvidia-smi")
        .args([
            "--query-gpu=memory.total",
            "--format=csv,noheader,nounits",
            &format!("--id={address}"),
        ])
        .output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    (driver, text.ok().as_deref().and_then(mebibytes))
}

/// What NVIDIA's tool prints, a number of MiB, as bytes.
fn mebibytes(text: &str) -> Option<u64> {
    let number: u64 = text.trim().parse().ok()?;
    number.checked_mul(1 << 20)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_of_a_card_is_read_in_mebibytes() {
        assert_eq!(mebibytes("143771\n"), Some(143_771 << 20));
        assert_eq!(mebibytes("No devices were found\n"), None);
        assert_eq!(mebibytes(""), None);
        // No such card: nothing is known, and nothing fails.
        assert_eq!(card("ffff:ff:1f.7"), (None, None));
    }
}
