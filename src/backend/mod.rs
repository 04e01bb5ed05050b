//! The backend, chosen at run time among those compiled in; never a silent fall-back.

#[cfg(feature = "run")]
mod description;
mod error;
mod list;

use std::fmt;

use burn::tensor::Device;

#[cfg(feature = "run")]
pub use description::DeviceDescription;
pub use error::BackendError;
pub use list::Backend;

/// A device, and how it was chosen.
#[derive(Clone, Debug)]
pub struct Choice {
    /// The backend.
    pub backend: Backend,
    /// The device.
    pub device: Device,
    /// For `auto`: what was passed over, and why.
    pub passed_over: Vec<BackendError>,
}

impl Backend {
    /// The devices found on this machine, as their drivers describe them.
    ///
    /// # Errors
    ///
    /// If the backend is not compiled in, or finds no device.
    pub fn devices(self) -> Result<Vec<Device>, BackendError> {
        if !self.is_compiled_in() {
            return Err(BackendError::NotCompiledIn {
                backend: self,
                compiled: names(&compiled()),
            });
        }
        let (devices, reason) = match guarded(|| self.enumerate()) {
            Ok(devices) => (devices, "no driver reports one".into()),
            Err(reason) => (Vec::new(), reason),
        };
        if devices.is_empty() {
            return Err(BackendError::NoDevice {
                backend: self,
                index: 0,
                count: 0,
                reason,
            });
        }
        Ok(devices)
    }

    /// Opens the device of this number and makes it compute something.
    ///
    /// # Errors
    ///
    /// If the backend is not compiled in, or there is no such device.
    pub fn open(self, index: usize) -> Result<Device, BackendError> {
        let devices = self.devices()?;
        let count = devices.len();
        let no_device = |count: usize, reason: String| BackendError::NoDevice {
            backend: self,
            index,
            count,
            reason,
        };
        let Some(device) = devices.into_iter().nth(index) else {
            let reason = format!("there are {count}, numbered from 0");
            return Err(no_device(count, reason));
        };
        guarded(|| probe(&device)).map_err(|reason| no_device(0, reason))?;
        Ok(device)
    }
}

impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The backends compiled in.
pub fn compiled() -> Vec<Backend> {
    Backend::ALL
        .into_iter()
        .filter(|backend| backend.is_compiled_in())
        .collect()
}

/// The device number `index` of the backend called `name`; `auto` takes the first backend that has
/// one, GPUs first, and says what it passed over.
///
/// # Errors
///
/// If there is no such backend, it is not compiled in, or it finds no device.
pub fn select(name: &str, index: usize) -> Result<Choice, BackendError> {
    if name == "auto" {
        return select_automatically(index);
    }
    let backend = Backend::ALL
        .into_iter()
        .find(|backend| backend.name() == name)
        .ok_or_else(|| BackendError::Unknown { name: name.into() })?;
    Ok(Choice {
        backend,
        device: backend.open(index)?,
        passed_over: Vec::new(),
    })
}

fn select_automatically(index: usize) -> Result<Choice, BackendError> {
    let mut passed_over = Vec::new();
    for backend in compiled() {
        match backend.open(index) {
            // Slower than the CPU backends: only for who asks for it by name.
            Ok(device) if is_software(backend, &device) => {
                passed_over.push(BackendError::SoftwareDriver { backend });
            }
            Ok(device) => {
                return Ok(Choice {
                    backend,
                    device,
                    passed_over,
                });
            }
            Err(error) => passed_over.push(error),
        }
    }
    Err(passed_over.pop().unwrap_or(BackendError::None))
}

fn names(backends: &[Backend]) -> String {
    let names: Vec<&str> = backends.iter().map(|backend| backend.name()).collect();
    if names.is_empty() {
        "none".into()
    } else {
        names.join(", ")
    }
}

/// Whether a GPU backend's device is the CPU in disguise, such as Mesa's lavapipe.
#[allow(unused_variables, unreachable_patterns)]
fn is_software(backend: Backend, device: &Device) -> bool {
    #[cfg(any(feature = "wgpu", feature = "vulkan"))]
    use burn::tensor::DeviceKind;
    match backend {
        #[cfg(feature = "wgpu")]
        Backend::Wgpu => *device == Device::wgpu(DeviceKind::Cpu),
        #[cfg(feature = "vulkan")]
        Backend::Vulkan => *device == Device::vulkan(DeviceKind::Cpu),
        _ => false,
    }
}

/// Makes a device compute, since some are only opened by their first use.
fn probe(device: &Device) {
    let one = burn::tensor::Tensor::<1>::ones([1], device);
    let _ = one.add_scalar(1.0).into_data();
}

/// Burn reports a missing driver by a panic; this makes it an error, without the panic's message on
/// the terminal.
fn guarded<T>(action: impl FnOnce() -> T) -> Result<T, String> {
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(action));
    std::panic::set_hook(hook);
    result.map_err(|panic| {
        let message = panic.downcast_ref::<String>().map(String::as_str);
        let message = message
            .or_else(|| panic.downcast_ref::<&str>().copied())
            .unwrap_or("it failed");
        message.lines().next().unwrap_or_default().to_string()
    })
}
