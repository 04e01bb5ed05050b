//! The file that a command writes, found good or bad before the work and not after.

use std::path::Path;

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
pub(super) fn format(path: &Path) -> Result<Format, String> {
    by_name(path).ok_or_else(|| "expected a name that ends in .png, .jpg, .npy or .npz".to_string())
}

/// Whether a picture can be written there.
pub(super) fn check_picture(path: &Path) -> Result<(), String> {
    match by_name(path) {
        Some(Format::Picture) => check_place(path),
        _ => Err("expected a name that ends in .png or .jpg".into()),
    }
}

/// Whether a file can be written there: no folder is in its way, and the one that it goes into is there.
pub(super) fn check_place(path: &Path) -> Result<(), String> {
    if path.is_dir() {
        return Err("it is a folder, expected the name of a file".into());
    }
    match path.parent() {
        Some(folder) if folder != Path::new("") && !folder.is_dir() => Err(format!(
            "there is no folder {}: make it first",
            folder.display()
        )),
        _ => Ok(()),
    }
}
