//! What commands write is there whole, or they fail and leave what was there; devices and pipes are
//! written into.
#![cfg(target_os = "linux")]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use crate::common::{self, names, succeed, text, train, workspace};
use crate::train_machines;

/// Commands that write one file, whose name comes last.
const WRITE: [&[&str]; 9] = [
    &[
        "sample", "--run", "network", "-n", "2", "--steps", "1", "--out", "x.png",
    ],
    &[
        "sample", "--run", "network", "-n", "2", "--steps", "1", "--out", "x.jpg",
    ],
    &[
        "sample", "--run", "network", "-n", "2", "--steps", "1", "--out", "x.npz",
    ],
    &[
        "sample", "--run", "network", "-n", "2", "--steps", "1", "--out", "x.npy",
    ],
    &[
        "inpaint", "--run", "rbm", "-n", "2", "--steps", "1", "--out", "x.png",
    ],
    &[
        "denoise", "--run", "network", "-n", "2", "--noise", "0.2", "--steps", "1", "--out",
        "x.png",
    ],
    &[
        "compose", "network", "network", "-n", "2", "--steps", "1", "--out", "x.png",
    ],
    &["recall", "--run", "memory", "--out", "x.png"],
    &["report", "network", "--samples", "0", "--out", "x.html"],
];

fn runs(folder: &Path) {
    train(folder, "network", &[]);
    train_machines(folder);
}

#[test]
fn a_full_disk_is_an_error_and_leaves_what_was_there() {
    let folder = workspace();
    let folder = folder.path();
    runs(folder);
    let before = names(folder);
    for arguments in WRITE {
        let file = folder.join(arguments.last().unwrap());
        // A device that is always full, behind a link.
        symlink("/dev/full", &file).unwrap();
        let output = common::run(folder, arguments);
        let (said, printed) = (text(&output.stderr), text(&output.stdout));
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {said}");
        assert!(said.contains("can't write"), "{arguments:?}: {said}");
        assert!(said.contains("No space left"), "{arguments:?}: {said}");
        assert!(!printed.contains("wrote"), "{arguments:?}: {printed}");
        fs::remove_file(&file).unwrap();
        // A disk that takes no byte more.
        let mut shell = Command::new("sh");
        shell.current_dir(folder).env("EBM_BACKEND", "flex");
        shell.args(["-c", "trap '' 25; ulimit -f 0; exec \"$0\" \"$@\""]);
        let output = shell
            .arg(env!("CARGO_BIN_EXE_ebm"))
            .args(arguments)
            .output()
            .unwrap();
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {said}");
        assert!(said.contains("File too large"), "{arguments:?}: {said}");
        assert_eq!(names(folder), before, "{arguments:?}");
    }
    // Of many files: none that is half.
    let mut shell = Command::new("sh");
    shell.current_dir(folder).env("EBM_BACKEND", "flex");
    let script = "trap '' 25; ulimit -f 0; exec \"$0\" eval --run memory --out e";
    let output = shell
        .args(["-c", script, env!("CARGO_BIN_EXE_ebm")])
        .output()
        .unwrap();
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("can't write e/report.json"), "{said}");
    assert_eq!(names(&folder.join("e")), [""; 0]);
}

#[test]
fn pipes_and_devices_are_written_into() {
    let folder = workspace();
    let folder = folder.path();
    runs(folder);
    for arguments in WRITE {
        let file = folder.join(arguments.last().unwrap());
        symlink("/dev/null", &file).unwrap();
        succeed_quietly(folder, arguments);
        assert!(file.is_symlink(), "{arguments:?}");
        fs::remove_file(&file).unwrap();
        succeed_quietly(folder, arguments);
        let whole = fs::read(&file).unwrap();
        fs::remove_file(&file).unwrap();
        let made = Command::new("mkfifo").arg(&file).status().unwrap();
        assert!(made.success());
        let through = std::thread::scope(|scope| {
            let reader = scope.spawn(|| fs::read(&file).unwrap());
            succeed_quietly(folder, arguments);
            reader.join().unwrap()
        });
        // A report says when it was made.
        assert!(
            through == whole || arguments[0] == "report",
            "{arguments:?}"
        );
        assert!(through.len() > 100, "{arguments:?}");
        fs::remove_file(&file).unwrap();
    }
    let page = succeed(
        folder,
        &[
            "-q",
            "report",
            "network",
            "--samples",
            "0",
            "--out",
            "/dev/stdout",
        ],
    );
    assert!(page.starts_with("<!DOCTYPE html>") && page.ends_with("</html>\n"));
    // What goes to the standard output is there alone, without a word of where it went.
    let links = ["link.npy", "link.png"];
    for name in links {
        symlink("/dev/stdout", folder.join(name)).unwrap();
    }
    let sample = ["sample", "network", "-n", "1", "--steps", "1", "--out"];
    #[rustfmt::skip]
    let commands = [
        vec!["report", "network", "--samples", "0", "--out", "/dev/stdout"],
        vec!["export", "network", "/dev/stdout"],
        vec!["export", "--run", "network", "/dev/fd/1"],
        [&sample[..], &links[..1]].concat(),
        [&sample[..], &links[1..]].concat(),
    ];
    for arguments in &commands {
        let output = common::run(folder, arguments);
        let complaint = text(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {complaint}");
        let wrote = output.stdout.windows(5).any(|bytes| bytes == b"wrote");
        assert!(!wrote && output.stdout.len() > 100, "{arguments:?}");
    }
    let line = "\"$0\" report network --samples 0 --out /dev/stdout >page.html";
    let status = Command::new("sh")
        .args(["-c", line, env!("CARGO_BIN_EXE_ebm")])
        .current_dir(folder)
        .env("EBM_BACKEND", "flex")
        .status();
    assert!(status.unwrap().success());
    let page = fs::read_to_string(folder.join("page.html")).unwrap();
    assert!(page.starts_with("<!DOCTYPE html>") && page.ends_with("</html>\n"));
}

/// Runs the command, which must succeed; what it says of progress is not looked at.
fn succeed_quietly(folder: &Path, arguments: &[&str]) {
    let output = common::run(folder, arguments);
    let said = text(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {said}");
}
