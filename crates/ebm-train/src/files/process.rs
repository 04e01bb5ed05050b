//! Whether a process that is named in a file still runs: its number means something on one machine,
//! in one container, for a while.

use std::fs;
use std::process;

/// The name of this machine.
pub fn host() -> String {
    let name = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let variable = || {
        let names = ["HOSTNAME", "COMPUTERNAME"];
        names.into_iter().find_map(|name| std::env::var(name).ok())
    };
    match name.trim() {
        "" => variable().unwrap_or_else(|| "an unnamed machine".into()),
        name => name.to_string(),
    }
}

/// Where the numbers of processes mean what they mean here: containers number theirs apart.
pub fn namespace() -> String {
    let link = fs::read_link("/proc/self/ns/pid");
    link.map(|link| link.display().to_string())
        .unwrap_or_default()
}

/// When a process of this machine and container started, in ticks since the system did; `None` if
/// there is no such process, or the system doesn't say.
pub fn start_of(pid: u32) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name, in brackets, may hold anything; the start is the 22nd field, the 20th after it.
    let (_, fields) = text.rsplit_once(')')?;
    let mut fields = fields.split_whitespace();
    // A process that has ended and wasn't waited for writes nothing any more.
    let state = fields.next()?;
    let start = fields.nth(18)?.parse().ok()?;
    (!matches!(state, "Z" | "X")).then_some(start)
}

/// Whether a process of this machine and container has ended, that started at that time if it is
/// known, since numbers are given again. Where the system doesn't list processes, nothing is known
/// of any.
pub fn has_ended(pid: u32, started: Option<u64>) -> bool {
    if start_of(process::id()).is_none() {
        return false;
    }
    let now = start_of(pid);
    now.is_none() || (started.is_some() && now != started)
}
