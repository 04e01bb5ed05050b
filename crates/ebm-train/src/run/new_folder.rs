//! Folders in which a run may begin: those that are made for it, and go again if it doesn't come about, and those that a kill left.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::folder::CONFIG;
use super::lock::{LOCK_FILE, OWNER_FILE};
use crate::error::TrainError;
use crate::files::UNFINISHED;

/// Folders that were made on the way to a run. Those that are still empty are removed with this value, unless it is told to
/// [keep](Self::keep) them.
#[derive(Debug, Default)]
pub(super) struct NewFolders(Vec<PathBuf>);

impl NewFolders {
    /// Makes a folder and those above it, as far as they are missing.
    pub(super) fn make(&mut self, path: &Path) -> Result<(), TrainError> {
        let missing: Vec<&Path> = path
            .ancestors()
            .take_while(|folder| !folder.as_os_str().is_empty() && !folder.exists())
            .collect();
        for folder in missing.into_iter().rev() {
            match fs::create_dir(folder) {
                Ok(()) => self.0.push(folder.to_path_buf()),
                // Another process made it meanwhile.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists && folder.is_dir() => {}
                Err(error) => return Err(TrainError::io("make the folder", folder)(error)),
            }
        }
        Ok(())
    }

    /// Leaves the folders where they are.
    pub(super) fn keep(&mut self) {
        self.0.clear();
    }
}

impl Drop for NewFolders {
    fn drop(&mut self) {
        for folder in self.0.iter().rev() {
            // Fails, rightly, where something is in it.
            let _ = fs::remove_dir(folder);
        }
    }
}

/// A folder that nobody else will take for a run: it was made for this one. If it is still empty in the end, it is removed.
#[derive(Debug)]
pub struct ClaimedFolder {
    path: PathBuf,
    _made: NewFolders,
}

impl ClaimedFolder {
    /// Makes the first of `PARENT/NAME-1`, `PARENT/NAME-2`, ... that doesn't exist. Of processes that do this at once each gets a folder
    /// of its own.
    ///
    /// # Errors
    ///
    /// If no folder can be made there.
    pub fn next_free(parent: &Path, name: &str) -> Result<Self, TrainError> {
        let mut made = NewFolders::default();
        let mut number: u64 = 1;
        loop {
            let path = parent.join(format!("{name}-{number}"));
            if path.symlink_metadata().is_ok() {
                number += 1;
                continue;
            }
            made.make(parent)?;
            match fs::create_dir(&path) {
                Ok(()) => {
                    made.0.push(path.clone());
                    return Ok(Self { path, _made: made });
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => number += 1,
                // A start beside this one failed and took the folder above with it.
                Err(error) if error.kind() == io::ErrorKind::NotFound && !parent.exists() => {}
                Err(error) => return Err(TrainError::io("make the folder", &path)(error)),
            }
        }
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// Whether a folder holds nothing, or nothing but what a start that was killed has left: its locks, files that aren't finished, folders of
/// such, and the model of an import whose configuration isn't there yet.
pub(super) fn holds_leftovers_only(root: &Path) -> Result<bool, TrainError> {
    let entries = fs::read_dir(root).map_err(TrainError::io("read the folder", root))?;
    for entry in entries {
        let entry = entry.map_err(TrainError::io("read the folder", root))?;
        let path = entry.path();
        let name = entry.file_name();
        let left = match name.to_str() {
            Some(LOCK_FILE | OWNER_FILE) => true,
            Some("samples" | "checkpoints") if path.is_dir() => {
                let mut inside =
                    fs::read_dir(&path).map_err(TrainError::io("read the folder", &path))?;
                inside.all(|entry| entry.is_ok_and(|entry| is_unfinished(&entry.path())))
            }
            Some("model.safetensors") => root.join(format!("{CONFIG}.{UNFINISHED}")).exists(),
            _ => is_unfinished(&path),
        };
        if !left {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Whether a kill left this file before it was finished.
pub(super) fn is_unfinished(path: &Path) -> bool {
    let extension = path.extension();
    extension.is_some_and(|extension| extension == UNFINISHED) && !path.is_dir()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::thread;

    use super::*;

    #[test]
    fn folders_claimed_at_once_are_all_different_and_empty_ones_go_again() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let parent = folder.path().join("deep/runs");
        let claimed: Vec<ClaimedFolder> = thread::scope(|scope| {
            let claim = || ClaimedFolder::next_free(&parent, "x").expect("there is room");
            let threads: Vec<_> = (0..16).map(|_| scope.spawn(claim)).collect();
            let joined = threads.into_iter().map(|thread| thread.join());
            joined.map(|claim| claim.expect("no panic")).collect()
        });
        let paths: BTreeSet<&Path> = claimed.iter().map(ClaimedFolder::path).collect();
        let expected: BTreeSet<PathBuf> = (1..=16).map(|n| parent.join(format!("x-{n}"))).collect();
        assert!(paths.iter().all(|path| expected.contains(*path)));
        assert_eq!(paths.len(), 16);
        fs::write(claimed[3].path().join("file"), "").expect("it is written");
        let kept = claimed[3].path().to_path_buf();
        drop(claimed);
        let left: Vec<PathBuf> = fs::read_dir(&parent)
            .expect("it holds one")
            .map(|entry| entry.expect("it is read").path())
            .collect();
        assert_eq!(left, [kept]);
    }

    #[test]
    fn a_name_that_is_taken_by_a_file_or_a_dead_link_is_passed_over() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        fs::write(folder.path().join("x-1"), "").expect("it is written");
        #[cfg(unix)]
        std::os::unix::fs::symlink("nowhere", folder.path().join("x-2")).expect("a link");
        let claimed = ClaimedFolder::next_free(folder.path(), "x").expect("there is room");
        let number = if cfg!(unix) { 3 } else { 2 };
        assert_eq!(claimed.path(), folder.path().join(format!("x-{number}")));
    }
}
