//! Requests to stop: Ctrl-C, `kill`, a terminal that is closed. What was ignored at the start stays
//! ignored, as `nohup` wants it.

/// The signal of a terminal that is closed.
pub(super) const HANG_UP: i32 = 1;

/// Calls `handler` with the number of each request to stop, on a thread of its own.
#[cfg(unix)]
pub(super) fn on_stop(mut handler: impl FnMut(i32) + Send + 'static) -> std::io::Result<()> {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    let wanted = [SIGHUP, SIGINT, SIGTERM].into_iter();
    let heard = wanted.filter(|&signal| !is_ignored(signal));
    let mut signals = signal_hook::iterator::Signals::new(heard)?;
    let listen = move || signals.forever().for_each(&mut handler);
    std::thread::Builder::new()
        .name("signals".into())
        .spawn(listen)?;
    Ok(())
}

/// Calls `handler` at each Ctrl-C.
#[cfg(not(unix))]
pub(super) fn on_stop(mut handler: impl FnMut(i32) + Send + 'static) -> std::io::Result<()> {
    ctrlc::set_handler(move || handler(2)).map_err(std::io::Error::other)
}

/// Ends the process as the signal would have ended it.
pub(super) fn end_by(signal: i32) -> ! {
    #[cfg(unix)]
    let _ = signal_hook::low_level::emulate_default_handler(signal);
    std::process::exit(128 + signal)
}

/// Whether the process was started with the signal ignored.
#[cfg(unix)]
fn is_ignored(signal: i32) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").ok();
    let known = status.and_then(|status| is_in_mask(&status, signal));
    known.unwrap_or_else(|| survives_in_a_child(signal))
}

/// What Linux says of a process: a line `SigIgn:` with a bit for each signal, the lowest for signal
/// 1.
#[cfg(unix)]
fn is_in_mask(status: &str, signal: i32) -> Option<bool> {
    let mask = status
        .lines()
        .find_map(|line| line.strip_prefix("SigIgn:"))?;
    let mask = u64::from_str_radix(mask.trim(), 16).ok()?;
    Some(mask >> (signal - 1) & 1 == 1)
}

/// The same elsewhere: what is ignored is so in children, which otherwise die of it.
#[cfg(unix)]
fn survives_in_a_child(signal: i32) -> bool {
    let kill = format!("kill -{signal} $$");
    let child = std::process::Command::new("sh")
        .args(["-c", &kill])
        .status();
    child.is_ok_and(|status| status.success())
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use signal_hook::consts::{SIGHUP, SIGINT, SIGPIPE, SIGUSR1};

    #[test]
    fn masks_of_linux_are_read() {
        // As `nohup` starts a process: signal 1 is ignored.
        let status = "Name:\tebm\nSigBlk:\t0000000000000002\nSigIgn:\t0000000000001001\n";
        assert_eq!(is_in_mask(status, SIGHUP), Some(true));
        assert_eq!(is_in_mask(status, SIGPIPE), Some(true));
        assert_eq!(is_in_mask(status, SIGINT), Some(false));
        assert_eq!(is_in_mask("Name:\tebm\n", SIGHUP), None);
    }

    #[test]
    fn children_tell_what_is_ignored() {
        assert!(!survives_in_a_child(SIGUSR1));
        // Signals that do nothing by default are survived like ignored ones: a child that lives to
        // tell.
        assert!(survives_in_a_child(signal_hook::consts::SIGCHLD));
    }
}
