//! The file that a command writes, found good or bad before the work and not after.

use std::fmt::Arguments;
use std::path::Path;

use ebm::training::files::is_special_file;

use super::failure::Failure;
use super::terminal::confirm;

/// What is written, by the name of the file.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Picture,
    Npy,
    Npz,
}

fn by_name(path: &Path) -> Option<Format> {
    let extension = path.extension()?.to_ascii_lowercase();
    match extension.to_str()? {
        "png" | "jpg" | "jpeg" => Some(Format::Picture),
        "npy" => Some(Format::Npy),
        "npz" => Some(Format::Npz),
        _ => None,
    }
}

/// The format of pictures or arrays.
pub(super) fn format(path: &Path) -> Result<Format, Failure> {
    by_name(path).ok_or_else(|| wrong_name(path, ".png, .jpg, .npy or .npz"))
}

/// Fails where no picture can be written.
pub(super) fn check_picture(path: &Path) -> Result<(), Failure> {
    match by_name(path) {
        Some(Format::Picture) => check_place("--out", path),
        _ => Err(wrong_name(path, ".png or .jpg")),
    }
}

fn wrong_name(path: &Path, endings: &str) -> Failure {
    Failure::Argument {
        argument: "--out",
        message: format!(
            "found {}, expected a name that ends in {endings}",
            path.display()
        ),
    }
}

/// Fails where no file can be written: a folder is in its way, or the one that it goes into isn't
/// there.
pub(super) fn check_place(argument: &'static str, path: &Path) -> Result<(), Failure> {
    let wrong = |message: String| Err(Failure::Argument { argument, message });
    if path.is_dir() {
        return wrong(format!(
            "{} is a folder, expected the name of a file",
            path.display()
        ));
    }
    match path.parent() {
        Some(folder) if folder != Path::new("") && !folder.is_dir() => wrong(format!(
            "found {}, and there is no folder {}: make it first",
            path.display(),
            folder.display()
        )),
        _ => Ok(()),
    }
}

/// Fails where no folder can be made, since a file is in its way.
pub(super) fn check_folder(folder: &Path) -> Result<(), Failure> {
    let there = folder.ancestors().find(|path| path.exists());
    if there.is_none_or(Path::is_dir) {
        return Ok(());
    }
    Err(Failure::Argument {
        argument: "--out",
        message: format!(
            "a file is in the way of {}; choose another folder with `--out DIR`",
            folder.display()
        ),
    })
}

/// Fails for a file that is there, but for those that are written into: devices and pipes.
pub(super) fn check_new(argument: &'static str, path: &Path) -> Result<(), Failure> {
    if !path.exists() || is_special_file(path) {
        return Ok(());
    }
    Err(Failure::Argument {
        argument,
        message: format!(
            "{} exists already, and nothing is written over it: choose another name",
            path.display()
        ),
    })
}

/// Prints a line of a file that was written, unless it went to where the line would go too.
pub(super) fn confirm_file(path: &Path, line: Arguments<'_>) {
    if !is_standard_output(path) {
        confirm(line);
    }
}

/// Whether a name is one of the standard output: `/dev/stdout`, or a link to it.
#[cfg(unix)]
fn is_standard_output(path: &Path) -> bool {
    use std::fs::{self, File};
    use std::io;
    use std::os::fd::AsFd;
    use std::os::unix::fs::MetadataExt;
    let is_same = || -> io::Result<bool> {
        let file = File::from(io::stdout().as_fd().try_clone_to_owned()?);
        let (output, found) = (file.metadata()?, fs::metadata(path)?);
        Ok((output.dev(), output.ino()) == (found.dev(), found.ino()))
    };
    is_special_file(path) && is_same().unwrap_or(false)
}

#[cfg(not(unix))]
fn is_standard_output(_path: &Path) -> bool {
    false
}
