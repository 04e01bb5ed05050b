//! Files are whole or not at all, links and special files stay what they are, and only what is
//! nobody's is deleted.

use super::*;
use std::thread;

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| {
            entry
                .expect("an entry")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    names.sort();
    names
}

#[test]
fn writers_at_once_leave_one_whole_file() {
    let folder = folder();
    let path = folder.path().join("report.html");
    thread::scope(|scope| {
        for letter in [b'a', b'b', b'c', b'd'] {
            let path = &path;
            scope.spawn(move || {
                for _ in 0..40 {
                    write_whole(path, &vec![letter; 20_000]).expect("it is written");
                }
            });
        }
    });
    let bytes = fs::read(&path).expect("a file");
    assert_eq!(bytes.len(), 20_000);
    assert!(bytes.iter().all(|byte| *byte == bytes[0]));
    assert_eq!(names(folder.path()), ["report.html"]);
}

#[test]
fn a_failure_leaves_what_was_there_and_nothing_else() {
    let folder = folder();
    let path = folder.path().join("model");
    write_whole(&path, b"before").expect("it is written");
    let failed = write_whole_with(&path, |file| {
        file.write_all(b"half")?;
        Err(io::Error::other("full"))
    });
    assert_eq!(failed.expect_err("it fails").to_string(), "full");
    assert_eq!(fs::read(&path).expect("a file"), b"before");
    assert_eq!(names(folder.path()), ["model"]);
    // A folder is in the way.
    let path = folder.path().join("folder");
    fs::create_dir(&path).expect("a folder");
    assert!(write_whole(&path, b"x").is_err());
    assert_eq!(names(folder.path()), ["folder", "model"]);
}

#[test]
fn a_name_as_long_as_the_system_takes_is_taken() {
    let folder = folder();
    let name = "ä".repeat(127);
    write_whole(&folder.path().join(&name), b"x").expect("it is written");
    assert_eq!(names(folder.path()), [name]);
}

#[cfg(unix)]
#[test]
fn links_stay_and_so_do_the_rights_of_a_file() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let folder = folder();
    let at = |name: &str| folder.path().join(name);
    fs::create_dir(at("elsewhere")).expect("a folder");
    symlink("elsewhere/file", at("link")).expect("a link");
    symlink("link", at("link-of-a-link")).expect("a link");
    // To a file that isn't there yet, and again.
    for text in ["one", "two"] {
        write_whole(&at("link-of-a-link"), text.as_bytes()).expect("it is written");
        assert_eq!(fs::read_to_string(at("elsewhere/file")).expect("it"), text);
        fs::set_permissions(at("elsewhere/file"), fs::Permissions::from_mode(0o600)).expect("it");
    }
    let mode = fs::metadata(at("elsewhere/file"))
        .expect("it")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    assert!(at("link").is_symlink() && at("link-of-a-link").is_symlink());
    assert_eq!(names(&at("elsewhere")), ["file"]);
}

#[cfg(target_os = "linux")]
#[test]
fn devices_and_pipes_are_written_into() {
    use std::os::unix::fs::FileTypeExt;
    let folder = folder();
    write_whole(Path::new("/dev/null"), b"x").expect("it takes all");
    let full = write_whole(Path::new("/dev/full"), b"x").expect_err("it is full");
    assert_eq!(full.kind(), io::ErrorKind::StorageFull);
    let pipe = folder.path().join("pipe");
    let made = process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.expect("mkfifo").success());
    thread::scope(|scope| {
        let reader = scope.spawn(|| fs::read(&pipe).expect("a pipe"));
        write_whole(&pipe, b"through").expect("somebody reads");
        assert_eq!(reader.join().expect("no panic"), b"through");
    });
    let kind = fs::metadata(&pipe).expect("it is there").file_type();
    assert!(kind.is_fifo() && is_special_file(&pipe));
    assert!(!is_special_file(folder.path()));
    assert!(!is_special_file(&folder.path().join("none")));
    assert_eq!(names(folder.path()), ["pipe"]);
}

#[cfg(target_os = "linux")]
#[test]
fn only_what_is_nobodys_is_deleted() {
    let folder = folder();
    // A process that is there, one that has ended, and this one under another start.
    let (here, now) = (process::id(), start());
    let mut child = process::Command::new("sleep")
        .arg("60")
        .spawn()
        .expect("a process");
    let mut ended = process::Command::new("true").spawn().expect("a process");
    ended.wait().expect("it ends");
    // And one that was killed, after which nobody has asked yet.
    let mut killed = process::Command::new("sleep")
        .arg("60")
        .spawn()
        .expect("a process");
    killed.kill().expect("it is there");
    let asked = std::time::Instant::now();
    while !is_gone(killed.id(), 5) {
        assert!(asked.elapsed() < Duration::from_secs(20), "it doesn't end");
        thread::yield_now();
    }
    let (child_id, ended_id) = (child.id(), ended.id());
    let stays = [
        format!("a.png.{child_id}-5-0.tmp"),
        format!("a.png.{here}-{now:x}-7.tmp"),
        "of-a-user.tmp".to_string(),
        "model.safetensors".to_string(),
        "tmp".to_string(),
    ];
    let goes = [
        format!("a.png.{ended_id}-5-0.tmp"),
        format!("a.png.{}-5-0.tmp", killed.id()),
        format!("a.png.{here}-{:x}-0.tmp", now ^ 1),
        "old.safetensors.tmp".to_string(),
    ];
    // What was touched just now may be of a process elsewhere, which isn't seen from here.
    let touched = format!("c.png.{ended_id}-5-2.tmp");
    for name in stays.iter().chain(&goes).chain([&touched]) {
        let file = File::create(folder.path().join(name)).expect("a file");
        if *name != touched {
            let a_while_ago = SystemTime::now() - 2 * QUIET;
            file.set_modified(a_while_ago).expect("a time");
        }
    }
    let old = format!("b.png.{child_id}-5-1.tmp");
    let file = File::create(folder.path().join(&old)).expect("a file");
    let long_ago = SystemTime::now() - 2 * ABANDONED;
    file.set_modified(long_ago).expect("a time");
    delete_unfinished(folder.path(), |name| name == "old.safetensors");
    assert!(folder.path().join(&touched).exists());
    // Where nobody else writes it goes at once.
    delete_unfinished(folder.path(), |name| name == "c.png");
    killed.wait().expect("it ends");
    child.kill().expect("it is there");
    child.wait().expect("it ends");
    let mut expected = stays.to_vec();
    expected.sort();
    assert_eq!(names(folder.path()), expected);
}

#[cfg(target_os = "linux")]
#[test]
fn a_folder_that_cannot_be_synced_is_no_failure_but_a_broken_disk_is() {
    // EACCES, EINVAL and EOPNOTSUPP; EIO and ENOSPC.
    for code in [13, 22, 95] {
        let refused = io::Error::from_raw_os_error(code);
        assert!(tolerated(Err(refused)).is_ok(), "{code}");
    }
    for code in [5, 28] {
        let failed = io::Error::from_raw_os_error(code);
        assert!(tolerated(Err(failed)).is_err(), "{code}");
    }
    assert!(sync_folder(Path::new("a-file-here")).is_ok());
}
