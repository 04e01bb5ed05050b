//! Whether this machine could hold what is asked for, before it is allocated: an allocation that
//! fails aborts.

use std::fs;
use std::path::{Path, PathBuf};

use burn::tensor::Device;

/// Whether the system would give memory for so many `f32` values at once. Nothing is touched, let
/// alone kept.
pub fn fits(values: u128) -> bool {
    fits_bytes(values.saturating_mul(size_of::<f32>() as u128))
}

/// The same of values that lie on a device. Of the memory of a GPU nothing is known here: what is
/// free beside the processor says nothing about it.
pub fn fits_on(values: u128, device: &Device) -> bool {
    let bytes = values.saturating_mul(size_of::<f32>() as u128);
    if is_of_processor(&format!("{device:?}")) {
        fits_bytes(bytes)
    } else {
        is_addressable(bytes)
    }
}

/// Whether a device computes in main memory, by its name for debugging: burn has no other that
/// tells devices of backends that aren't compiled in apart.
fn is_of_processor(device: &str) -> bool {
    ["Flex", "NdArray", "Cpu"]
        .iter()
        .any(|name| device.contains(name))
}

/// Whether the system would give so many bytes at once: whether there is room for them in the
/// address space, which `ulimit -v` bounds, and in the memory that is free, which the machine or a
/// control group bounds.
pub fn fits_bytes(bytes: u128) -> bool {
    is_addressable(bytes) && available().is_none_or(|available| bytes <= u128::from(available))
}

fn is_addressable(bytes: u128) -> bool {
    usize::try_from(bytes).is_ok_and(|bytes| Vec::<u8>::new().try_reserve_exact(bytes).is_ok())
}

/// The memory of so many `f32` values, in words.
pub fn amount(values: u128) -> String {
    amount_of_bytes(values.saturating_mul(size_of::<f32>() as u128))
}

/// So many bytes, in words.
pub fn amount_of_bytes(bytes: u128) -> String {
    format!("{:.1} GB", bytes as f64 / 1e9)
}

/// The product of sizes.
pub fn product(sizes: &[usize]) -> u128 {
    sizes
        .iter()
        .fold(1, |total, &size| u128::saturating_mul(total, size as u128))
}

/// Bytes that could be used now, by Linux's account; `None` where there is none.
fn available() -> Option<u64> {
    let machine = fs::read_to_string("/proc/meminfo").ok();
    let machine = machine.and_then(|text| available_of(&text));
    let group = fs::read_to_string("/proc/self/cgroup").ok();
    let group = group.and_then(|text| left_in_groups(&text, Path::new("/sys/fs/cgroup")));
    [machine, group].into_iter().flatten().min()
}

/// Memory that is free or can be freed, and swap, from the text of `/proc/meminfo`.
fn available_of(meminfo: &str) -> Option<u64> {
    let entry = |name: &str| -> Option<u64> {
        let line = meminfo.lines().find_map(|line| line.strip_prefix(name))?;
        let kilobytes: u64 = line.split_whitespace().next()?.parse().ok()?;
        kilobytes.checked_mul(1024)
    };
    Some(entry("MemAvailable:")?.saturating_add(entry("SwapFree:").unwrap_or(0)))
}

/// The least that the limits of a process's control groups leave, from the text of
/// `/proc/self/cgroup`; `None` without a limit.
fn left_in_groups(groups: &str, root: &Path) -> Option<u64> {
    groups
        .lines()
        .filter_map(|line| {
            let (_, rest) = line.split_once(':')?;
            let (controllers, path) = rest.split_once(':')?;
            let files = if controllers.is_empty() {
                (root.to_path_buf(), ["memory.max", "memory.current"])
            } else if controllers.split(',').any(|name| name == "memory") {
                let names = ["memory.limit_in_bytes", "memory.usage_in_bytes"];
                (root.join("memory"), names)
            } else {
                return None;
            };
            Some((
                files.0,
                files.1,
                PathBuf::from(path.trim_start_matches('/')),
            ))
        })
        .flat_map(|(mount, names, path)| {
            // A group is bounded by those around it too.
            let within: Vec<PathBuf> = path.ancestors().map(|path| mount.join(path)).collect();
            within.into_iter().filter_map(move |group| {
                let number = |name: &str| -> Option<u64> {
                    let text = fs::read_to_string(group.join(name)).ok()?;
                    text.trim().parse().ok()
                };
                // "max" is no number: no limit.
                let limit = number(names[0])?;
                let used = number(names[1])?.saturating_sub(reclaimable(&group));
                Some(limit.saturating_sub(used))
            })
        })
        .min()
}

/// Bytes of files that the system keeps for a group, and drops when memory is wanted.
fn reclaimable(group: &Path) -> u64 {
    let text = fs::read_to_string(group.join("memory.stat")).unwrap_or_default();
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("inactive_file "));
    line.and_then(|number| number.trim().parse().ok())
        .unwrap_or(0)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_page_fits_and_an_exabyte_does_not() {
        assert!(fits(1024));
        assert!(!fits(product(&[1 << 30, 1 << 30])));
        assert!(!fits(product(&[usize::MAX; 3])));
        assert_eq!(amount(250_000_000), "1.0 GB");
    }

    #[test]
    fn memory_beside_the_processor_is_asked_for_arrays_there_alone() {
        for device in [Device::flex(), Device::flex().autodiff()] {
            assert!(is_of_processor(&format!("{device:?}")), "{device:?}");
            assert!(fits_on(1024, &device));
            assert!(!fits_on(product(&[1 << 30, 1 << 30]), &device));
        }
        assert!(is_of_processor("Device<NdArray(Cpu)>"));
        for name in [
            "Device<Cube(Cuda(CudaDevice { index: 0 }))>",
            "Device<Autodiff { device: Cube(Wgpu(DefaultDevice)), checkpointing: Disabled }>",
            "Device<Cube(Wgpu(DiscreteGpu(0)))>",
        ] {
            assert!(!is_of_processor(name), "{name}");
        }
    }

    #[test]
    fn free_memory_is_that_which_can_be_freed_and_swap() {
        let text = "MemTotal: 100 kB\nMemAvailable:  30 kB\nSwapFree: 4 kB\n";
        assert_eq!(available_of(text), Some(34 * 1024));
        assert_eq!(available_of("MemTotal: 100 kB\n"), None);
    }

    #[test]
    fn the_tightest_control_group_counts() {
        let root = tempfile::TempDir::new().unwrap();
        let write = |name: &str, text: &str| {
            let path = root.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        write("a/memory.max", "1000\n");
        write("a/memory.current", "900\n");
        write("a/memory.stat", "anon 5\ninactive_file 300\n");
        write("a/b/memory.max", "max\n");
        write("a/b/memory.current", "10\n");
        assert_eq!(left_in_groups("0::/a/b\n", root.path()), Some(400));
        assert_eq!(left_in_groups("0::/c\n", root.path()), None);
        write("memory/d/memory.limit_in_bytes", "50\n");
        write("memory/d/memory.usage_in_bytes", "60\n");
        let both = "4:cpu,memory:/d\n0::/a/b\n";
        assert_eq!(left_in_groups(both, root.path()), Some(0));
    }
}
