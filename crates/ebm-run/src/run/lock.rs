//! The lock of a run folder: the system's where it has locks, else a file that says who writes
//! there.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process;
use std::thread;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::error::RunError;
use ebm_train::files::process::{has_ended, host, namespace, start_of};
use ebm_train::files::temporary_name;

/// The file that the system locks.
pub(super) const LOCK_FILE: &str = "run.lock";
/// The file that says who writes here, on file systems without locks (Lustre, NFS, FUSE).
pub(super) const OWNER_FILE: &str = "run.owner";

/// How often, and with what pauses, a lock is asked for: one that is only looked at
/// ([`Lock::is_held`]) is free soon.
const TRIES: u32 = 5;
const PAUSE: Duration = Duration::from_millis(10);
/// After this time a file that doesn't say whose it is was left by a process that was killed while
/// it wrote it.
const UNSIGNED: Duration = Duration::from_secs(10);

/// A lock on a folder, which ends with this value.
#[derive(Debug)]
pub(super) enum Lock {
    /// The system's, which ends with the process too, however that ends.
    System(File),
    /// A file of our own, which a killed process leaves behind.
    Owner(PathBuf, Owner),
}

/// The process that writes in a folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Owner {
    pid: u32,
    /// The name of its machine.
    host: String,
    /// Where its number means something: containers number their processes apart.
    #[serde(default)]
    namespace: String,
    /// When it started, as the system counts, since numbers are given again.
    #[serde(default)]
    started: Option<u64>,
}

/// What a file of an owner says.
enum Claim {
    /// There is none.
    Nobody,
    /// It is this one's, which as far as can be told still runs.
    Held(Owner),
    /// It is being written.
    Unsigned,
    /// It was left behind by a process that is gone.
    Stale,
}

impl Lock {
    /// Locks a folder for writing.
    ///
    /// # Errors
    ///
    /// If another process holds it, or no file can be made there.
    pub(super) fn acquire(root: &Path) -> Result<Self, RunError> {
        let path = root.join(LOCK_FILE);
        let open = || File::create(&path).map_err(RunError::io("make the lock file", &path));
        let mut file = open()?;
        let mut tries = TRIES;
        while tries > 0 {
            tries -= 1;
            match file.try_lock() {
                // A start that failed took the file away meanwhile: others lock the one that is
                // there now.
                Ok(()) if !is_at(&file, &path) => {
                    if tries > 0 {
                        file = open()?;
                    }
                }
                Ok(()) => {
                    // Another machine may see the same folder without locks.
                    if yield_to_owner(root)? {
                        return Ok(Self::System(file));
                    }
                    if tries > 0 {
                        thread::sleep(PAUSE);
                    }
                }
                Err(TryLockError::WouldBlock) if tries > 0 => thread::sleep(PAUSE),
                Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(error)) => {
                    tracing::warn!(path = %path.display(), %error, "no locks here: a file takes their place");
                    return own(root);
                }
            }
        }
        Err(RunError::Locked {
            path: root.to_path_buf(),
        })
    }

    /// Whether a process holds the lock of a folder.
    pub(super) fn is_held(root: &Path) -> bool {
        // The system's is held for no longer than the question takes; whoever wants to train
        // meanwhile tries again.
        let held = File::open(root.join(LOCK_FILE))
            .is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)));
        held || matches!(
            claim(&root.join(OWNER_FILE)),
            Claim::Held(_) | Claim::Unsigned
        )
    }

    /// Whether the file system has no locks, so that a file takes their place.
    pub(super) fn is_a_file(&self) -> bool {
        matches!(self, Self::Owner(..))
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        match self {
            // Closing the file would do, had not a program that is just being started by another
            // thread a copy of it.
            Self::System(file) => {
                let _ = file.unlock();
            }
            Self::Owner(path, owner) => {
                if read(path).is_ok_and(|found| found.as_ref() == Some(owner)) {
                    let _ = fs::remove_file(path);
                }
            }
        }
    }
}

/// Whether a file that is open is still the one of that name.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let known = |metadata: fs::Metadata| (metadata.dev(), metadata.ino());
    file.metadata()
        .is_ok_and(|open| fs::metadata(path).is_ok_and(|there| known(open) == known(there)))
}

#[cfg(not(unix))]
fn is_at(_file: &File, path: &Path) -> bool {
    path.exists()
}

/// Claims a folder by a file that only one process can make.
fn own(root: &Path) -> Result<Lock, RunError> {
    let path = root.join(OWNER_FILE);
    let owner = Owner::this_process();
    for _ in 0..TRIES {
        match OpenOptions::new().write(true).create_new(true).open(&path) {
            Ok(file) => {
                if let Err(error) = sign(file, &owner) {
                    let _ = fs::remove_file(&path);
                    return Err(RunError::io("write", &path)(error));
                }
                return Ok(Lock::Owner(path, owner));
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                if !yield_to_owner(root)? {
                    thread::sleep(PAUSE);
                }
            }
            Err(error) => return Err(RunError::io("make the lock file", &path)(error)),
        }
    }
    Err(RunError::Locked {
        path: root.to_path_buf(),
    })
}

fn sign(mut file: File, owner: &Owner) -> io::Result<()> {
    let text = serde_json::to_string(owner)?;
    file.write_all(format!("{text}\n").as_bytes())?;
    file.sync_all()
}

/// Whether nobody claims the folder; where a claim is just being written, that is not yet known.
/// What a process that is gone has left is removed.
///
/// # Errors
///
/// If a process says that it writes here.
fn yield_to_owner(root: &Path) -> Result<bool, RunError> {
    let path = root.join(OWNER_FILE);
    let held = |owner: Owner| RunError::LockedBy {
        path: root.to_path_buf(),
        process: owner.pid,
        host: owner.host,
        file: path.clone(),
    };
    match claim(&path) {
        Claim::Nobody => Ok(true),
        Claim::Unsigned => Ok(false),
        Claim::Held(owner) => Err(held(owner)),
        Claim::Stale => {
            // Under a name of our own first: of several processes that found it stale, the first
            // takes it away, and those after it what has been put in its place since.
            let aside = temporary_name(&path);
            if fs::rename(&path, &aside).is_err() {
                return Ok(false);
            }
            match claim(&aside) {
                Claim::Stale | Claim::Nobody => {
                    fs::remove_file(&aside).map_err(RunError::io("delete", &aside))?;
                    Ok(true)
                }
                other => {
                    // Another was faster, and this is its claim, signed or not yet.
                    let _ = fs::rename(&aside, &path);
                    match other {
                        Claim::Held(owner) => Err(held(owner)),
                        _ => Err(RunError::Locked {
                            path: root.to_path_buf(),
                        }),
                    }
                }
            }
        }
    }
}

fn claim(path: &Path) -> Claim {
    match read(path) {
        Ok(Some(owner)) if owner.is_gone() => Claim::Stale,
        Ok(Some(owner)) => Claim::Held(owner),
        Ok(None) => {
            let changed = fs::metadata(path).and_then(|file| file.modified());
            let age = changed.ok().and_then(|at| at.elapsed().ok());
            if age.is_some_and(|age| age > UNSIGNED) {
                Claim::Stale
            } else {
                Claim::Unsigned
            }
        }
        Err(_) => Claim::Nobody,
    }
}

/// Whose file it is; `None` if it doesn't say.
fn read(path: &Path) -> io::Result<Option<Owner>> {
    let text = fs::read(path)?;
    Ok(serde_json::from_slice(&text).ok())
}

impl Owner {
    fn this_process() -> Self {
        let pid = process::id();
        Self {
            pid,
            host: host(),
            namespace: namespace(),
            started: start_of(pid),
        }
    }

    /// Whether the process certainly ended: it ran on this machine, and isn't there any more.
    fn is_gone(&self) -> bool {
        // Of another machine's processes nothing is known.
        let here = self.host == host() && self.namespace == namespace();
        here && has_ended(self.pid, self.started)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> tempfile::TempDir {
        tempfile::tempdir().expect("a temporary folder")
    }

    fn write(root: &Path, owner: &Owner) {
        let text = serde_json::to_string(owner).expect("plain values");
        fs::write(root.join(OWNER_FILE), text).expect("it is written");
    }

    #[test]
    fn without_locks_of_the_system_one_process_owns_the_folder() {
        let folder = folder();
        let root = folder.path();
        assert!(!Lock::is_held(root));
        let lock = own(root).expect("nobody else is there");
        assert!(lock.is_a_file());
        assert!(Lock::is_held(root));
        let error = own(root).expect_err("it is owned").to_string();
        for needle in [process::id().to_string().as_str(), OWNER_FILE, "in use"] {
            assert!(error.contains(needle), "{error}");
        }
        // Who has locks gives way too.
        assert!(Lock::acquire(root).is_err());
        drop(lock);
        assert!(!root.join(OWNER_FILE).exists());
        assert!(!Lock::is_held(root));
        drop(own(root).expect("it is free again"));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn what_a_process_that_is_gone_has_left_is_taken_over() {
        let mut child = process::Command::new("true").spawn().expect("it runs");
        let pid = child.id();
        child.wait().expect("it ends");
        let here = Owner::this_process();
        let gone = Owner {
            pid,
            ..here.clone()
        };
        // Its number was given to another process, this one.
        let replaced = Owner {
            started: here.started.map(|start| start + 1),
            ..here.clone()
        };
        for owner in [gone, replaced] {
            let folder = folder();
            write(folder.path(), &owner);
            assert!(!Lock::is_held(folder.path()), "{owner:?}");
            let lock = own(folder.path()).expect("its owner is gone");
            assert!(Lock::is_held(folder.path()));
            drop(lock);
            write(folder.path(), &owner);
            drop(Lock::acquire(folder.path()).expect("its owner is gone"));
            assert!(!folder.path().join(OWNER_FILE).exists());
        }
    }

    #[test]
    fn of_processes_elsewhere_nothing_is_known() {
        let here = Owner::this_process();
        for owner in [
            Owner {
                host: "elsewhere".into(),
                ..here.clone()
            },
            Owner {
                namespace: "another container".into(),
                ..here.clone()
            },
        ] {
            let folder = folder();
            write(folder.path(), &owner);
            assert!(Lock::is_held(folder.path()));
            for locked in [own(folder.path()), Lock::acquire(folder.path())] {
                let error = locked.expect_err("it may be running").to_string();
                assert!(error.contains(&owner.host), "{error}");
                assert!(error.contains("delete"), "{error}");
            }
        }
    }

    #[test]
    fn a_file_that_is_being_written_is_waited_for_and_an_old_one_is_no_claim() {
        let folder = folder();
        let path = folder.path().join(OWNER_FILE);
        fs::write(&path, "").expect("it is written");
        assert!(Lock::is_held(folder.path()));
        assert!(own(folder.path()).is_err());
        let file = File::options().write(true).open(&path).expect("a file");
        let long_ago = std::time::SystemTime::now() - 6 * UNSIGNED;
        file.set_modified(long_ago).expect("it can be changed");
        assert!(!Lock::is_held(folder.path()));
        drop(own(folder.path()).expect("it was left behind"));
    }

    #[test]
    fn a_claim_that_is_being_written_keeps_who_has_locks_away_too() {
        let folder = folder();
        let path = folder.path().join(OWNER_FILE);
        fs::write(&path, "").expect("it is written");
        let error = Lock::acquire(folder.path()).expect_err("it is being written");
        assert!(matches!(error, RunError::Locked { .. }), "{error}");
        assert!(path.exists());
    }

    #[cfg(unix)]
    #[test]
    fn a_lock_on_a_file_that_was_taken_away_is_none() {
        let folder = folder();
        let path = folder.path().join(LOCK_FILE);
        let first = Lock::acquire(folder.path()).expect("it is free");
        fs::remove_file(&path).expect("it is there");
        let Lock::System(file) = &first else {
            panic!("a system with locks");
        };
        assert!(!is_at(file, &path));
        let second = Lock::acquire(folder.path()).expect("the file is a new one");
        let Lock::System(file) = &second else {
            panic!("a system with locks");
        };
        assert!(is_at(file, &path));
        assert!(Lock::acquire(folder.path()).is_err());
    }
}
