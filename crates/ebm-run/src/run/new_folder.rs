//! Folders in which a run may begin: those that are made for it, and go again if it doesn't come
//! about, and those that a kill left.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::folder::{CONFIG, RunFolder};
use super::lock::{LOCK_FILE, OWNER_FILE};
use super::model_file::ModelFile;
use crate::config::RunConfig;
use crate::error::RunError;
use ebm_train::files::{UNFINISHED, sync_folder, write_whole};

impl RunFolder {
    /// Makes the folder of a new run, locked for writing.
    ///
    /// # Errors
    ///
    /// If there is something in it already but what a start that was killed has left, another
    /// process is about to write in it, or it can't be made.
    pub fn create(root: &Path, config: &RunConfig) -> Result<Self, RunError> {
        Self::create_by(root, |folder| folder.write_config(config))
    }

    /// Makes the folder of a run of which only the model is known. Until all of it is there it is
    /// no run folder.
    pub(crate) fn create_with_model(root: &Path, model: &ModelFile) -> Result<Self, RunError> {
        Self::create_by(root, |folder| {
            let staged = folder.staged_config();
            write_whole(&staged, model.config.to_toml()?.as_bytes())
                .map_err(RunError::io("write", &staged))?;
            let written = model.save(&folder.model()).and_then(|()| {
                let path = folder.config();
                fs::rename(&staged, &path)
                    .and_then(|()| sync_folder(&path))
                    .map_err(RunError::io("write", &path))
            });
            if written.is_err() {
                // Without its configuration it is no run, whatever else is left.
                let _ = fs::remove_file(folder.config());
                let _ = fs::remove_file(folder.model());
                let _ = fs::remove_file(&staged);
            }
            written
        })
    }

    /// Makes and locks a folder, which becomes that of a run by what `write` writes. Nothing that
    /// was made is left if something fails.
    fn create_by(
        root: &Path,
        write: impl FnOnce(&Self) -> Result<(), RunError>,
    ) -> Result<Self, RunError> {
        Self::check_free(root)?;
        let mut made = NewFolders::default();
        made.make(root)?;
        let mut folder = Self {
            root: root.to_path_buf(),
            lock: None,
        };
        let lock_file = root.join(LOCK_FILE);
        let locked_before = lock_file.exists();
        let written = folder.lock().and_then(|()| {
            // Another process may have been faster, and have ended.
            Self::check_free(root)?;
            folder.delete_leftovers()?;
            made.make(&folder.samples())?;
            made.make(&folder.checkpoints())?;
            write(&folder)
        });
        match written {
            Ok(()) => {
                made.keep();
                Ok(folder)
            }
            Err(error) => {
                let in_use = matches!(error, RunError::Locked { .. } | RunError::LockedBy { .. });
                // While it is still locked: once it is free, it may be another's.
                if !in_use && !locked_before {
                    let _ = fs::remove_file(&lock_file);
                }
                Err(error)
            }
        }
    }

    /// Finds out whether a run may begin in a folder: there is none, or it holds nothing but what a
    /// start that was killed has left.
    ///
    /// # Errors
    ///
    /// If there is something in it.
    pub(crate) fn check_free(root: &Path) -> Result<(), RunError> {
        if !root.exists() || holds_leftovers_only(root)? {
            return Ok(());
        }
        let hint = if root.join(CONFIG).exists() {
            format!(
                ", or continue the run in it with `ebm resume {}`",
                root.display()
            )
        } else {
            String::new()
        };
        Err(RunError::OutputNotEmpty {
            path: root.to_path_buf(),
            hint,
        })
    }

    /// Deletes what would be taken for something of the run that begins here.
    fn delete_leftovers(&self) -> Result<(), RunError> {
        // What the model is known by as a leftover goes last.
        for path in [self.model(), self.staged_config()] {
            if path.exists() {
                fs::remove_file(&path).map_err(RunError::io("delete", &path))?;
            }
        }
        self.delete_unfinished();
        Ok(())
    }
}

/// Folders that were made on the way to a run. Those that are still empty are removed with this
/// value, unless it is told to [keep](Self::keep) them.
#[derive(Debug, Default)]
struct NewFolders(Vec<PathBuf>);

impl NewFolders {
    /// Makes a folder and those above it, as far as they are missing.
    fn make(&mut self, path: &Path) -> Result<(), RunError> {
        let missing: Vec<&Path> = path
            .ancestors()
            .take_while(|folder| !folder.as_os_str().is_empty() && !folder.exists())
            .collect();
        for folder in missing.into_iter().rev() {
            match fs::create_dir(folder) {
                Ok(()) => self.0.push(folder.to_path_buf()),
                // Another process made it meanwhile.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists && folder.is_dir() => {}
                Err(error) => return Err(RunError::io("make the folder", folder)(error)),
            }
        }
        Ok(())
    }

    /// Leaves the folders where they are.
    fn keep(&mut self) {
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

/// A folder that nobody else will take for a run: it was made for this one. If it is still empty in
/// the end, it is removed.
#[derive(Debug)]
pub struct ClaimedFolder {
    path: PathBuf,
    _made: NewFolders,
}

impl ClaimedFolder {
    /// Makes the first of `PARENT/NAME-1`, `PARENT/NAME-2`, ... that doesn't exist. Of processes
    /// that do this at once each gets a folder of its own.
    ///
    /// # Errors
    ///
    /// If no folder can be made there.
    pub fn next_free(parent: &Path, name: &str) -> Result<Self, RunError> {
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
                Err(error) => return Err(RunError::io("make the folder", &path)(error)),
            }
        }
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// Whether a folder holds nothing, or nothing but what a start that was killed has left: its locks,
/// files that aren't finished, folders of such, and the model of an import whose configuration
/// isn't there yet.
fn holds_leftovers_only(root: &Path) -> Result<bool, RunError> {
    let entries = fs::read_dir(root).map_err(RunError::io("read the folder", root))?;
    for entry in entries {
        let entry = entry.map_err(RunError::io("read the folder", root))?;
        let path = entry.path();
        let name = entry.file_name();
        let left = match name.to_str() {
            Some(LOCK_FILE | OWNER_FILE) => true,
            Some("samples" | "checkpoints") if path.is_dir() => {
                let mut inside =
                    fs::read_dir(&path).map_err(RunError::io("read the folder", &path))?;
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
fn is_unfinished(path: &Path) -> bool {
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

    fn config() -> RunConfig {
        let table = crate::config::ConfigTable::from_preset("digits").expect("a preset");
        table.read().expect("it is right")
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_new_run_takes_what_a_killed_start_has_left_away() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut ended = std::process::Command::new("true").spawn().expect("it runs");
        ended.wait().expect("it ends");
        let left = [
            "samples/a.png",
            "model.safetensors",
            "checkpoints/step-00000000.safetensors",
        ]
        .map(|name| folder.path().join(format!("{name}.{}-5-0.tmp", ended.id())));
        for path in &left {
            fs::create_dir_all(path.parent().expect("it has one")).expect("a folder");
            let file = fs::File::create(path).expect("a file");
            let a_while_ago = std::time::SystemTime::now() - std::time::Duration::from_secs(300);
            file.set_modified(a_while_ago).expect("a time");
        }
        RunFolder::create(folder.path(), &config()).expect("nothing is in the way");
        for path in left {
            assert!(!path.exists(), "{}", path.display());
        }
    }

    #[test]
    fn a_start_that_fails_leaves_no_lock_file_that_it_made() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let root = folder.path();
        let failed = RunFolder::create_by(root, |folder| {
            assert!(folder.is_running());
            Err(RunError::io("write", root)(io::Error::other("full")))
        });
        assert!(failed.is_err());
        let left = fs::read_dir(root).expect("a folder").count();
        assert_eq!(left, 0);
    }

    #[test]
    fn a_checkpoint_that_cannot_be_deleted_keeps_no_other() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let run = RunFolder::create(&folder.path().join("run"), &config()).expect("it is free");
        for step in [1, 2, 8, 9] {
            fs::write(run.checkpoint(step), "x").expect("a file");
        }
        // Not a file, and not deleted as one.
        fs::create_dir(run.checkpoint(5)).expect("a folder");
        let error = run.prune_checkpoints(2).expect_err("one stays").to_string();
        assert!(error.contains("step-00000005"), "{error}");
        assert_eq!(run.checkpoint_steps().expect("they are read"), [9, 8, 5]);
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
