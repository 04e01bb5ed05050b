//! Files that appear whole or not at all, whenever the process is killed.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::files::input_file::is_stream;
use crate::files::process::has_ended;

/// The suffix of files that are not finished.
pub const UNFINISHED: &str = "tmp";
/// Bytes of a file's name that its temporary name starts with: names of more than 255 bytes are
/// refused by most systems.
const NAME_BYTES: usize = 180;
/// Links that are followed before they are taken for a circle, as Linux does.
const LINKS: usize = 40;
/// No writer takes that long: an unfinished file that wasn't touched since is nobody's, whatever
/// its process number says.
const ABANDONED: Duration = Duration::from_secs(3600);
/// How long nobody may have touched a file whose writer isn't there, where others may write: a
/// process of another machine or container isn't seen from here, and a number may be given there
/// too.
const QUIET: Duration = Duration::from_secs(60);

/// Writes a file whole or not at all: `bytes` under a temporary name, a wait for the disk, a new
/// name.
///
/// A file that isn't one of bytes on a disk (`/dev/stdout`, `/dev/null`, a pipe) is written into
/// directly. A link stays: what it points to is written.
///
/// # Errors
///
/// If the disk refuses. What was there before is then still there, and nothing else; unless the
/// disk takes the whole file under its name, but fails to say that the name would outlast a power
/// cut.
pub fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    write_whole_with(path, |file| file.write_all(bytes))
}

/// Writes a file whole or not at all, see [`write_whole`], by a function for content that isn't
/// held in memory.
pub fn write_whole_with(
    path: &Path,
    fill: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>,
) -> io::Result<()> {
    if let Some(file) = open_special(path)? {
        let mut file = BufWriter::new(file);
        fill(&mut file)?;
        return file.flush();
    }
    let path = behind_links(path);
    let (file, temporary) = Temporary::create(&path)?;
    if let Ok(before) = fs::metadata(&path) {
        // Who may read a file is for its owner to say. Not all file systems know it.
        let _ = file.set_permissions(before.permissions());
    }
    let mut file = BufWriter::new(file);
    fill(&mut file)?;
    // A writer that is dropped keeps its last error to itself.
    file.into_inner()?.sync_all()?;
    temporary.rename(&path)?;
    sync_folder(&path)
}

/// Whether a path is something that is written into, and not replaced: a device, a pipe, the
/// standard output.
pub fn is_special_file(path: &Path) -> bool {
    standard_stream(path).is_some() || fs::metadata(path).is_ok_and(|metadata| is_stream(&metadata))
}

fn open_special(path: &Path) -> io::Result<Option<File>> {
    if let Some(stream) = standard_stream(path) {
        return stream.map(Some);
    }
    if is_special_file(path) {
        return OpenOptions::new().write(true).open(path).map(Some);
    }
    Ok(None)
}

/// The standard output or error under its name as a file. Opened by that name it would have a place
/// of its own in a file that it is redirected to, and what else is printed would be written over
/// it.
#[cfg(unix)]
fn standard_stream(path: &Path) -> Option<io::Result<File>> {
    use std::os::fd::AsFd;
    let owned = match path.to_str()? {
        "/dev/stdout" | "/dev/fd/1" | "/proc/self/fd/1" => {
            let _ = io::stdout().flush();
            io::stdout().as_fd().try_clone_to_owned()
        }
        "/dev/stderr" | "/dev/fd/2" | "/proc/self/fd/2" => {
            io::stderr().as_fd().try_clone_to_owned()
        }
        _ => return None,
    };
    Some(owned.map(File::from))
}

#[cfg(not(unix))]
fn standard_stream(_path: &Path) -> Option<io::Result<File>> {
    None
}

/// The file that a link, and a link of a link, points to.
fn behind_links(path: &Path) -> PathBuf {
    let mut path = path.to_path_buf();
    for _ in 0..LINKS {
        let Ok(target) = fs::read_link(&path) else {
            break;
        };
        path = path.parent().unwrap_or(Path::new("")).join(target);
    }
    path
}

/// The name of a file that isn't finished, which ends with this value unless it got its own name.
struct Temporary(Option<PathBuf>);

impl Temporary {
    /// Makes a file beside `path` that no other process or thread writes.
    fn create(path: &Path) -> io::Result<(File, Self)> {
        loop {
            let name = temporary_name(path);
            match File::create_new(&name) {
                Ok(file) => return Ok((file, Self(Some(name)))),
                // Of a process with this number on another machine.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn rename(mut self, path: &Path) -> io::Result<()> {
        if let Some(name) = &self.0 {
            fs::rename(name, path)?;
            self.0 = None;
        }
        Ok(())
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if let Some(name) = &self.0 {
            // The disk has just refused something else.
            let _ = fs::remove_file(name);
        }
    }
}

/// `NAME.PROCESS-START-NUMBER.tmp` beside `path`, another each time.
pub fn temporary_name(path: &Path) -> PathBuf {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let name = &name[..name.floor_char_boundary(NAME_BYTES)];
    let (process, start) = (process::id(), start());
    path.with_file_name(format!("{name}.{process}-{start:x}-{number}.{UNFINISHED}"))
}

/// Tells this process from an earlier one of the same number: in a container they all may have it.
fn start() -> u64 {
    static START: OnceLock<u64> = OnceLock::new();
    *START.get_or_init(|| {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        since.map_or(0, |time| time.as_nanos() as u64)
    })
}

/// Deletes what writers that are gone left in a folder under temporary names; `owned` says of the
/// name of a file whether only the caller writes it: then it needn't have been untouched for a
/// while, and the temporary name may be one of an earlier version, which doesn't say whose it is.
pub fn delete_unfinished(folder: &Path, owned: impl Fn(&str) -> bool) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let Some(name) = name.to_str().and_then(|name| name.strip_suffix(UNFINISHED)) else {
            continue;
        };
        let Some(name) = name.strip_suffix('.') else {
            continue;
        };
        let gone = match writer(name) {
            Some((file, process, start)) => {
                let quiet = owned(file) || is_untouched_for(QUIET, &entry.path());
                quiet && is_gone(process, start) || is_abandoned(&entry.path())
            }
            None => owned(name),
        };
        if gone {
            tracing::debug!(path = %entry.path().display(), "unfinished file deleted");
            // It's in nobody's way.
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// Name of the file, process and start in a temporary name without its suffix.
fn writer(name: &str) -> Option<(&str, u32, u64)> {
    let (file, writer) = name.rsplit_once('.')?;
    let mut parts = writer.split('-');
    let process = parts.next()?.parse().ok()?;
    let start = u64::from_str_radix(parts.next()?, 16).ok()?;
    parts.next()?.parse::<u32>().ok()?;
    parts.next().is_none().then_some((file, process, start))
}

/// Whether there is no such process here; only Linux tells it by files.
fn is_gone(process: u32, started: u64) -> bool {
    if process == process::id() {
        return started != start();
    }
    has_ended(process, None)
}

/// Whether nobody can be writing a file any more.
pub fn is_abandoned(path: &Path) -> bool {
    is_untouched_for(ABANDONED, path)
}

fn is_untouched_for(time: Duration, path: &Path) -> bool {
    let modified = fs::metadata(path).and_then(|metadata| metadata.modified());
    modified.is_ok_and(|modified| modified.elapsed().is_ok_and(|age| age > time))
}

/// Makes the new name of a file durable. Only Unix lets a folder be opened for this.
#[cfg(unix)]
pub fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    tolerated(File::open(folder).and_then(|folder| folder.sync_all()))
}

/// Whether a folder was synced, or doesn't let itself be: some file systems (FUSE, CIFS, 9p) don't
/// open folders or don't know how to sync them, and some folders may be written in but not read.
/// The file is whole under its name then.
#[cfg(unix)]
fn tolerated(synced: io::Result<()>) -> io::Result<()> {
    use io::ErrorKind::{InvalidInput, PermissionDenied, Unsupported};
    match synced {
        Err(error) if matches!(error.kind(), InvalidInput | PermissionDenied | Unsupported) => {
            tracing::debug!(%error, "a folder can't be synced");
            Ok(())
        }
        other => other,
    }
}

#[cfg(not(unix))]
pub fn sync_folder(_path: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
#[path = "whole_file_tests.rs"]
mod tests;
