//! The processor and the memory that programs run on, as the system tells them.

use std::fs;
use std::thread;

/// What a machine computes with where no GPU does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Processor {
    /// How it calls itself; `None` where the system doesn't say.
    pub name: Option<String>,
    /// Threads that this process may run at a time.
    pub threads: Option<usize>,
    /// Main memory in bytes; `None` where the system doesn't say.
    pub memory: Option<u64>,
}

impl Processor {
    /// That of this machine. Name and memory are known on Linux, from `/proc`.
    pub fn here() -> Self {
        Self {
            name: field("/proc/cpuinfo", "model name"),
            threads: thread::available_parallelism()
                .ok()
                .map(|threads| threads.get()),
            memory: field("/proc/meminfo", "MemTotal").and_then(|text| kibibytes(&text)),
        }
    }
}

/// The value of the first line `key : value` of one of Linux's files of facts; elsewhere there is
/// none.
fn field(path: &str, key: &str) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    text.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        (name.trim() == key).then(|| value.trim().to_string())
    })
}

/// `16384 kB` in bytes.
fn kibibytes(text: &str) -> Option<u64> {
    let number: u64 = text.strip_suffix("kB")?.trim().parse().ok()?;
    number.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_are_read_where_there_are_any() {
        assert_eq!(kibibytes("16384 kB"), Some(16_777_216));
        assert_eq!(kibibytes("16384"), None);
        assert_eq!(field("/no/such/file", "MemTotal"), None);
        let here = Processor::here();
        assert!(here.threads >= Some(1));
        assert_eq!(here.memory.is_some(), cfg!(target_os = "linux"));
    }
}
