//! Regular files opened for reading, with a bound on what is read: a pipe may block for ever, a
//! device may never end.

use std::fs::{self, File, FileType, Metadata};
use std::io::{self, Read};
use std::path::Path;

use crate::files::memory;

/// Files of at most so many bytes are read without a look at the memory that is free.
const SMALL: u64 = 1 << 20;

/// Why a file can't be read; whoever reports it says which file it was.
#[derive(Debug, thiserror::Error)]
pub enum InputError {
    /// The system refused.
    #[error("{0}; check that it exists and that you may access it")]
    Io(#[from] io::Error),
    /// Something that has no end, or no bytes at all.
    #[error(
        "found {0}, expected a regular file; give the path of one, or copy what it holds into one"
    )]
    NotAFile(&'static str),
    /// More bytes than there is memory for.
    #[error("found a file of {0}, expected one that fits into this machine's memory")]
    TooLarge(String),
    /// More bytes than a file of its kind has.
    #[error("found more than {limit} bytes, expected fewer; check that it is the right file")]
    TooLong {
        /// The most that are read.
        limit: u64,
    },
    /// Text in another encoding.
    #[error("found {0}, expected text in UTF-8; save it in that encoding")]
    Encoding(&'static str),
}

/// Opens a regular file, and gives its length. Nothing else is opened: to open a pipe waits for
/// whoever writes into it.
pub fn open(path: &Path) -> Result<(File, u64), InputError> {
    if let Some(kind) = special(fs::metadata(path)?.file_type()) {
        return Err(InputError::NotAFile(kind));
    }
    let file = File::open(path)?;
    let length = file.metadata()?.len();
    Ok((file, length))
}

/// The bytes of a regular file of at most `limit` bytes.
pub fn read_bytes(path: &Path, limit: u64) -> Result<Vec<u8>, InputError> {
    let (file, length) = open(path)?;
    if length > limit {
        return Err(InputError::TooLong { limit });
    }
    let too_large = || InputError::TooLarge(memory::amount_of_bytes(length.into()));
    // The system gives addresses for more than it has memory, and ends the process that uses them.
    if length > SMALL && !memory::fits_bytes(length.into()) {
        return Err(too_large());
    }
    let mut bytes = Vec::new();
    bytes
        .try_reserve_exact(usize::try_from(length).unwrap_or(usize::MAX))
        .map_err(|_| too_large())?;
    // The length of some files of the system is 0, whatever they hold.
    read_to_end(file, &mut bytes, limit)?;
    Ok(bytes)
}

/// Reads what is left, `limit` bytes at most.
fn read_to_end(file: File, bytes: &mut Vec<u8>, limit: u64) -> Result<(), InputError> {
    file.take(limit.saturating_add(1)).read_to_end(bytes)?;
    if bytes.len() as u64 > limit {
        return Err(InputError::TooLong { limit });
    }
    Ok(())
}

/// A pipe that this process was started with, such as `/dev/stdin` behind `|`, or what a shell
/// makes of `<(command)`: somebody has it open for writing, so that it comes to an end.
fn open_own_pipe(path: &Path) -> io::Result<Option<File>> {
    let own = ["/dev/fd", "/proc/self/fd"].map(Path::new);
    let is_own =
        path == Path::new("/dev/stdin") || path.parent().is_some_and(|at| own.contains(&at));
    if is_own && special(fs::metadata(path)?.file_type()) == Some(PIPE) {
        return File::open(path).map(Some);
    }
    Ok(None)
}

/// The text of a regular file of at most `limit` bytes of UTF-8, without the byte order mark that
/// editors put before it. A pipe that the process was started with (`/dev/stdin`, `<(command)`)
/// serves as well.
///
/// # Errors
///
/// If it can't be read, is no regular file (a pipe of another name, a device, a folder), is longer,
/// or is in another encoding.
pub fn read_text(path: &Path, limit: u64) -> Result<String, InputError> {
    let bytes = match open_own_pipe(path)? {
        Some(pipe) => {
            let mut bytes = Vec::new();
            read_to_end(pipe, &mut bytes, limit)?;
            bytes
        }
        None => read_bytes(path, limit)?,
    };
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return Err(InputError::Encoding("UTF-16"));
    }
    let mut text = String::from_utf8(bytes)
        .map_err(|_| InputError::Encoding("bytes that are no text in UTF-8"))?;
    if text.starts_with('\u{feff}') {
        text.drain(..'\u{feff}'.len_utf8());
    }
    Ok(text)
}

/// Whether something is read and written as it comes, and has no bytes that stay: a device, a pipe,
/// a socket.
pub fn is_stream(metadata: &Metadata) -> bool {
    !metadata.is_file() && !metadata.is_dir()
}

const PIPE: &str = "a pipe";

/// What something is called that isn't a regular file.
pub fn special(kind: FileType) -> Option<&'static str> {
    if kind.is_file() {
        return None;
    }
    if kind.is_dir() {
        return Some("a directory");
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt;
        if kind.is_fifo() {
            return Some(PIPE);
        }
        if kind.is_socket() {
            return Some("a socket");
        }
        if kind.is_char_device() || kind.is_block_device() {
            return Some("a device");
        }
    }
    Some("something that is no file")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    #[test]
    fn a_byte_order_mark_is_no_part_of_the_text() {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("text");
        fs::write(&path, "\u{feff}0\n1\n").unwrap();
        assert_eq!(read_text(&path, 100).unwrap(), "0\n1\n");
        fs::write(&path, [0xff, 0xfe, b'0', 0]).unwrap();
        assert!(matches!(
            read_text(&path, 100),
            Err(InputError::Encoding("UTF-16"))
        ));
        fs::write(&path, [b'0', 0xff]).unwrap();
        assert!(matches!(
            read_text(&path, 100),
            Err(InputError::Encoding(_))
        ));
    }

    #[test]
    fn what_is_longer_than_expected_is_refused() {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("bytes");
        fs::write(&path, [7; 10]).unwrap();
        assert_eq!(read_bytes(&path, 10).unwrap(), [7; 10]);
        assert!(matches!(
            read_bytes(&path, 9),
            Err(InputError::TooLong { limit: 9 })
        ));
    }

    #[cfg(unix)]
    #[test]
    fn only_regular_files_are_opened() {
        let folder = TempDir::new().unwrap();
        let pipe = folder.path().join("pipe");
        // To open it would wait for ever: nobody writes into it.
        let made = std::process::Command::new("mkfifo").arg(&pipe).status();
        assert!(made.unwrap().success());
        let socket = folder.path().join("socket");
        let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        for (path, kind) in [
            (pipe.as_path(), "a pipe"),
            (socket.as_path(), "a socket"),
            (Path::new("/dev/zero"), "a device"),
            (folder.path(), "a directory"),
        ] {
            let error = read_bytes(path, 100).unwrap_err();
            assert!(
                matches!(error, InputError::NotAFile(found) if found == kind),
                "{error}"
            );
        }
    }
}
