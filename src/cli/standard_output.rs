//! Standard output as results need it: what can't be written is remembered, and the command fails
//! by it at its end.

use std::io::{self, ErrorKind, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

/// Whether the command was started with standard output closed.
static WAS_CLOSED: AtomicBool = AtomicBool::new(false);

/// The first result that couldn't be written.
static LOST: Mutex<Option<io::Error>> = Mutex::new(None);

// The standard library opens /dev/null in place of what is closed before `main`, so that it has to
// be looked at before that.
#[cfg(unix)]
ctor::declarative::ctor! {
    #[ctor(unsafe)]
    fn look_at_standard_output() {
        let is_there = |path: &str| std::fs::symlink_metadata(path).is_ok();
        let closed = !is_there("/dev/fd/1") && is_there("/dev/fd/.");
        WAS_CLOSED.store(closed, Ordering::Relaxed);
    }
}

/// Writes a part of a result.
pub(super) fn write_result(bytes: &[u8]) {
    let mut output = io::stdout().lock();
    remember(output.write_all(bytes).and_then(|()| output.flush()));
}

/// Writes what nobody has to read: a full disk must not end a training.
pub(super) fn write_remark(bytes: &[u8]) {
    let _ = io::stdout().write_all(bytes);
}

/// Remembers why a result couldn't be written. Whoever closes a pipe has read enough.
pub(super) fn remember(written: io::Result<()>) {
    let written = match written {
        Ok(()) if WAS_CLOSED.load(Ordering::Relaxed) => Err(io::Error::other("it is closed")),
        written => written,
    };
    if let Err(error) = written
        && error.kind() != ErrorKind::BrokenPipe
    {
        let mut lost = LOST.lock().unwrap_or_else(PoisonError::into_inner);
        lost.get_or_insert(error);
    }
}

/// Fails if a result couldn't be written.
pub(super) fn check() -> io::Result<()> {
    let lost = LOST.lock().unwrap_or_else(PoisonError::into_inner).take();
    lost.map_or(Ok(()), Err)
}
