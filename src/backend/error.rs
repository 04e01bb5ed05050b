//! Why a backend can't be used, and what to build or install.

use super::{Backend, names};

/// A backend that can't be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BackendError {
    /// There is no backend of this name.
    #[error(
        "unknown backend `{name}`{} (flag `--backend`, variable EBM_BACKEND or config key `backend`): choose auto or one of {}",
        nearest(name),
        names(&Backend::ALL)
    )]
    Unknown {
        /// What was asked for.
        name: String,
    },
    /// The backend was left out of this build.
    #[error(
        "backend `{backend}` is not compiled in (this build has {compiled}): build with `cargo build --release --features {backend}`{}",
        backend.building()
    )]
    NotCompiledIn {
        /// What was asked for.
        backend: Backend,
        /// What there is.
        compiled: String,
    },
    /// There is no device for the backend.
    #[error("backend `{backend}` finds no device {index}: {reason}; {}", backend.advice(*count))]
    NoDevice {
        /// What was asked for.
        backend: Backend,
        /// Which device of it.
        index: usize,
        /// How many devices there are.
        count: usize,
        /// What the driver said.
        reason: String,
    },
    /// `auto` passes over a GPU backend that would run on the processor.
    #[error(
        "backend `{backend}` has only a software driver, slower than the CPU backends: `--backend {backend}` uses it all the same"
    )]
    SoftwareDriver {
        /// The backend.
        backend: Backend,
    },
    /// This build has no backend at all.
    #[error("no backend is compiled in: build with `cargo build --release --features flex`")]
    None,
}

impl Backend {
    /// What to install where no device is found, or to choose where there are `count` others.
    fn advice(self, count: usize) -> String {
        if count > 0 {
            return match count {
                1 => "use `--device 0`".into(),
                _ => format!("use `--device 0` to `--device {}`", count - 1),
            };
        }
        format!("{}, or use `--backend auto`", self.missing())
    }
}

/// `; did you mean NAME?` for names of hardware and misspelt ones, or nothing.
fn nearest(name: &str) -> String {
    let lower = name.to_lowercase();
    let meant = match lower.as_str() {
        "cpu" => Backend::Flex.name(),
        "gpu" | "webgpu" => Backend::Wgpu.name(),
        "nvidia" => Backend::Cuda.name(),
        "amd" | "hip" => Backend::Rocm.name(),
        "mps" | "apple" => Backend::Metal.name(),
        other => other,
    };
    did_you_mean(meant)
}

#[cfg(feature = "run")]
fn did_you_mean(meant: &str) -> String {
    ebm_run::did_you_mean(meant, Backend::ALL.map(Backend::name))
}

/// What compares words comes with `run`: without it the names are listed, and that is all.
#[cfg(not(feature = "run"))]
fn did_you_mean(_meant: &str) -> String {
    String::new()
}
