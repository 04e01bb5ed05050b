//! A log keeps every line that can be read and isn't taken back, whatever stands between them.

use super::*;
use serde::Deserialize;

#[derive(Debug, Deserialize, Serialize)]
struct Line {
    step: u64,
    #[serde(default)]
    text: String,
}

impl Logged for Line {
    fn step(&self) -> Option<u64> {
        Some(self.step)
    }
}

fn line(step: u64) -> Line {
    Line {
        step,
        text: "x".into(),
    }
}

struct Folder(tempfile::TempDir);

impl Folder {
    fn with(content: &[u8]) -> Self {
        let folder = Self(tempfile::tempdir().expect("a temporary folder"));
        fs::write(folder.log(), content).expect("a file");
        folder
    }

    fn log(&self) -> PathBuf {
        self.0.path().join("lines.jsonl")
    }

    /// Opens the log after `step` updates, adds a line, and gives the steps shown and the warning.
    fn open(&self, step: u64) -> (Vec<u64>, Option<String>) {
        let mut shown = Vec::new();
        let (mut log, warning) =
            LogFile::open(&self.log(), step, |line: Line| shown.push(line.step));
        assert_eq!(log.write(&line(step + 1)), None);
        (shown, warning)
    }

    /// The steps in the log, all of whose lines are whole.
    fn steps(&self) -> Vec<u64> {
        let text = fs::read_to_string(self.log()).expect("a file");
        assert!(text.ends_with('\n'), "{text}");
        let lines = text.lines().filter(|line| !line.is_empty());
        lines
            .map(|line| serde_json::from_str::<Line>(line).expect(line).step)
            .collect()
    }

    fn aside(&self) -> Option<Vec<u8>> {
        fs::read(aside(&self.log())).ok()
    }
}

#[test]
fn what_cannot_be_read_is_moved_and_all_else_stays() {
    let long = vec![b'7'; 3 << 20];
    let bad: [&[u8]; 6] = [
        b"{\"step\":2,\"te",
        b"\xff\xfe",
        b"{\"step\":2,\"text\":\"\xff\"}",
        b"{\"text\":\"no step\"}",
        b"\0\0\0\0",
        &long,
    ];
    for (number, bad) in bad.into_iter().enumerate() {
        // At the start, between lines, and at the end with a line end and without.
        let good = ["{\"step\":1}\n", "{\"step\":2}\n", "{\"step\":3}\n"];
        for at in 0..=4 {
            let mut content = Vec::new();
            for (index, good) in good.iter().enumerate() {
                if index == at {
                    content.extend([bad, b"\n"].concat());
                }
                content.extend(good.as_bytes());
            }
            match at {
                3 => content.extend([bad, b"\n"].concat()),
                4 => content.extend(bad),
                _ => {}
            }
            let folder = Folder::with(&content);
            let (shown, warning) = folder.open(3);
            assert_eq!(shown, [1, 2, 3], "{number} at {at}");
            assert_eq!(folder.steps(), [1, 2, 3, 4], "{number} at {at}");
            let aside = folder.aside().expect("it is kept");
            assert_eq!(aside, [bad, b"\n"].concat(), "{number} at {at}");
            let warning = warning.expect("it is said");
            let sign = format!("1 line can't be read (line {}: ", at.min(3) + 1);
            assert!(warning.contains(&sign), "{warning}");
            assert!(warning.contains("lines.jsonl.unreadable"), "{warning}");
            // Once.
            assert_eq!(folder.open(4), (vec![1, 2, 3, 4], None));
            assert_eq!(folder.aside().expect("it is kept").len(), bad.len() + 1);
        }
    }
}

#[test]
fn what_is_written_again_goes_and_a_last_line_without_an_end_stays() {
    let content = b"{\"step\":1}\n\n{\"step\":2}\n{\"step\":3}\n{\"step\":4}";
    for (step, expected) in [(0, vec![]), (2, vec![1, 2]), (4, vec![1, 2, 3, 4])] {
        let folder = Folder::with(content);
        let (shown, warning) = folder.open(step);
        assert_eq!((&shown, warning), (&expected, None));
        assert_eq!(folder.steps(), [expected, vec![step + 1]].concat());
        assert_eq!(folder.aside(), None);
    }
}

#[test]
fn lines_that_stay_behind_lines_that_go_are_kept() {
    let content = b"{\"step\":1}\n{\"step\":9}\nx\n{\"step\":2}\n{\"step\":8}\ny\n{\"step\":3}";
    let folder = Folder::with(content);
    let (shown, warning) = folder.open(3);
    assert_eq!(shown, [1, 2, 3]);
    assert_eq!(folder.steps(), [1, 2, 3, 4]);
    assert_eq!(folder.aside().expect("it is kept"), b"x\ny\n");
    let warning = warning.expect("it is said");
    assert!(warning.contains("2 lines can't be read (the first is line 3: "));
}

#[test]
fn a_log_that_is_not_there_is_made() {
    let folder = Folder::with(b"");
    fs::remove_file(folder.log()).expect("it is there");
    assert_eq!(folder.open(0), (vec![], None));
    assert_eq!(folder.steps(), [1]);
}

#[test]
fn what_cannot_be_written_waits_and_is_said_once() {
    let folder = Folder::with(b"");
    let path = folder.0.path().join("later/lines.jsonl");
    let (mut log, warning) = LogFile::open(&path, 0, |_: Line| {});
    let warning = warning.expect("there is no folder");
    assert!(warning.contains("training goes on"), "{warning}");
    for step in 1..4 {
        assert_eq!(log.write(&line(step)), None);
    }
    fs::create_dir(folder.0.path().join("later")).expect("a folder");
    assert_eq!(log.write(&line(4)), None);
    let text = fs::read_to_string(&path).expect("it is written");
    assert_eq!(text.lines().count(), 4, "{text}");
    // Fails again, and is said again; what memory isn't worth is lost, and that is said too.
    log.file = None;
    fs::remove_dir_all(folder.0.path().join("later")).expect("a folder");
    let large = Line {
        step: 5,
        text: "y".repeat(MOST_WAITING / 4),
    };
    assert!(log.write(&large).is_some());
    for _ in 0..5 {
        assert_eq!(log.write(&large), None);
    }
    assert!(log.waiting.len() < MOST_WAITING);
    fs::create_dir(folder.0.path().join("later")).expect("a folder");
    let warning = log.write(&line(6)).expect("lines were lost");
    assert!(warning.contains("3 lines were lost"), "{warning}");
    let text = fs::read_to_string(&path).expect("it is written");
    assert_eq!(text.lines().count(), 4, "three large ones and the last");
}

#[cfg(target_os = "linux")]
#[test]
fn a_device_is_written_into_and_not_read() {
    let folder = Folder::with(b"");
    let link = folder.0.path().join("link.jsonl");
    // Endless zeros to who reads it.
    std::os::unix::fs::symlink("/dev/full", &link).expect("a link");
    let (mut log, warning) = LogFile::open(&link, 0, |_: Line| {});
    assert_eq!(warning, None);
    assert!(log.write(&line(1)).is_some());
    assert_eq!(log.write(&line(2)), None);
}

#[test]
fn what_waits_goes_back_with_the_log_and_else_is_written_whole() {
    for (to, expected) in [
        (3, &[1, 2, 3][..]),
        (2, &[1, 2]),
        (1, &[1]),
        (9, &[1, 2, 3, 4]),
    ] {
        let folder = Folder::with(b"");
        let (mut log, _) = LogFile::open(&folder.log(), 0, |_: Line| {});
        assert_eq!(log.write(&line(1)), None);
        assert!(log.begun.is_empty() && log.waiting.is_empty());
        // A disk that takes half of a line and then nothing more.
        let second = serde_json::to_string(&line(2)).expect("plain values") + "\n";
        let (half, rest) = second.split_at(9);
        let mut file = OpenOptions::new().append(true).open(folder.log());
        let file = file.as_mut().expect("a file");
        file.write_all(half.as_bytes()).expect("it is written");
        log.begun = half.into();
        log.waiting = rest.into();
        log.file = Some(File::open(folder.log()).expect("a file that can't be written"));
        assert!(log.write(&line(3)).is_some());
        assert_eq!(log.write(&line(4)), None, "it was said");
        let mut shown = Vec::new();
        let warning = log.go_back(to, |line: Line| shown.push(line.step));
        assert_eq!(warning, None);
        assert_eq!(shown, expected);
        assert_eq!(folder.steps(), expected);
        assert_eq!(log.write(&line(5)), None);
        assert_eq!(folder.steps(), [expected, &[5]].concat());
        assert_eq!(folder.aside(), None);
    }
}
