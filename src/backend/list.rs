//! The backends that this workspace supports: one entry each.

use burn::tensor::Device;

/// Defines [`Backend`] by its list. An entry has a name, which is also the Cargo feature, and
/// burn's type of its devices; what building with it takes beside the feature; and what to do where
/// it finds no device.
macro_rules! backends {
    ($(
        $(#[$doc:meta])*
        $name:literal => $variant:ident { device: $device:ident, building: $building:literal, missing: $missing:literal },
    )+) => {
        /// A burn backend that this workspace supports.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Backend {
            $($(#[$doc])* $variant,)+
        }

        impl Backend {
            /// All backends, in the order in which `auto` tries them.
            pub const ALL: [Self; [$($name),+].len()] = [$(Self::$variant),+];

            /// The name, which is also the Cargo feature.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }

            /// Whether this build has it.
            pub fn is_compiled_in(self) -> bool {
                match self {
                    $(Self::$variant => cfg!(feature = $name),)+
                }
            }

            /// What building with it takes, beside the feature.
            pub(super) fn building(self) -> &'static str {
                match self {
                    $(Self::$variant => $building,)+
                }
            }

            /// What to do where it finds no device.
            pub(super) fn missing(self) -> &'static str {
                match self {
                    $(Self::$variant => $missing,)+
                }
            }

            /// Lists its devices; none of a backend that isn't compiled in.
            #[allow(unreachable_patterns, reason = "all of them may be compiled in")]
            pub(super) fn enumerate(self) -> Vec<Device> {
                match self {
                    $(
                        #[cfg(feature = $name)]
                        Self::$variant => {
                            Device::enumerate(burn::tensor::DeviceType::$device).into_vec()
                        }
                    )+
                    _ => Vec::new(),
                }
            }
        }
    };
}

backends! {
    /// NVIDIA GPUs.
    "cuda" => Cuda {
        device: Cuda,
        building: " (it downloads an LLVM build unless one is in place, and needs libdevice of CUDA to run: docs/backends.md)",
        missing: "install NVIDIA's driver (`nvidia-smi` shows whether it works)"
    },
    /// AMD GPUs.
    "rocm" => Rocm {
        device: Rocm,
        building: " (it needs the ROCm toolkit)",
        missing: "install AMD's ROCm (`rocminfo` shows whether it works)"
    },
    /// Apple GPUs.
    "metal" => Metal {
        device: Metal,
        building: " on macOS",
        missing: "Metal needs macOS and an Apple GPU"
    },
    /// Any GPU with a Vulkan driver, compiled to SPIR-V.
    "vulkan" => Vulkan {
        device: Vulkan,
        building: "",
        missing: "install the Vulkan driver of your GPU (for AMD and Intel, and without a GPU, Debian's package `mesa-vulkan-drivers`; NVIDIA's own for NVIDIA; `vulkaninfo` shows what there is)"
    },
    /// Any GPU, compiled to WGSL.
    "wgpu" => Wgpu {
        device: Wgpu,
        building: "",
        missing: "install the Vulkan driver of your GPU (for AMD and Intel, and without a GPU, Debian's package `mesa-vulkan-drivers`; NVIDIA's own for NVIDIA; `vulkaninfo` shows what there is)"
    },
    /// The CPU.
    "flex" => Flex { device: Flex, building: "", missing: "the CPU is always there" },
    /// The CPU, by the older ndarray backend.
    "ndarray" => NdArray { device: NdArray, building: "", missing: "the CPU is always there" },
}
