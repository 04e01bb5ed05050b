//! Files of one JSON object a line that another process may still be writing: read as they grow.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;

use super::log_lines::{LogLines, Unreadable};
use crate::error::RunError;
use ebm_train::files::input_file::is_stream;

/// What the lines of a file are gathered in, one after the other.
pub trait Collect: Default {
    /// A line.
    type Line: DeserializeOwned;

    /// Takes the next line in.
    fn add(&mut self, line: Self::Line);
}

/// A file of JSON lines, what stands in it, and how far it was read.
///
/// A line that can't be read is counted and left out. A last line that isn't whole yet is left for
/// the next time. A file that was replaced (training went back to a checkpoint, or was resumed) is
/// read again from its start.
#[derive(Debug)]
pub struct JsonLines<C> {
    path: PathBuf,
    content: C,
    /// Bytes and lines that were read.
    offset: u64,
    lines: u64,
    unreadable: Unreadable,
    /// What is wrong with a last line that isn't whole.
    torn: Option<String>,
    /// The last bytes that were read: what stands before `offset` for as long as the file is the
    /// same.
    seen: Vec<u8>,
}

/// How many bytes tell one file from another: more than a line of either log takes.
const SEEN: u64 = 1024;

impl<C: Collect> JsonLines<C> {
    /// Reads a file to its end; one that isn't there yet is empty.
    ///
    /// # Errors
    ///
    /// If the file can't be read. A line that can't be is no error.
    pub fn open(path: &Path) -> Result<Self, RunError> {
        let mut lines = Self {
            path: path.to_path_buf(),
            content: C::default(),
            offset: 0,
            lines: 0,
            unreadable: Unreadable::default(),
            torn: None,
            seen: Vec::new(),
        };
        lines.poll()?;
        Ok(lines)
    }

    /// What was read so far.
    pub fn content(&self) -> &C {
        &self.content
    }

    /// What was read.
    pub fn into_content(self) -> C {
        self.content
    }

    /// Says how many lines couldn't be read, and what is wrong with the first; `None` if there is
    /// none. A last line that isn't whole counts unless somebody is writing it.
    pub fn unreadable(&self, is_written: bool) -> Option<String> {
        let mut unreadable = self.unreadable.clone();
        if let (Some(torn), false) = (&self.torn, is_written) {
            unreadable.add(self.lines + 1, torn.clone());
        }
        unreadable.describe(&self.path)
    }

    /// Reads what was added since the last time; whether anything changed.
    ///
    /// # Errors
    ///
    /// As for [`Self::open`].
    pub fn poll(&mut self) -> Result<bool, RunError> {
        self.read().map_err(RunError::io("read", &self.path))
    }

    fn read(&mut self) -> io::Result<bool> {
        let before = (self.offset, self.torn.is_some());
        let mut file = match File::open(&self.path) {
            // What devices and pipes give isn't what was written into them.
            Ok(file) if !is_stream(&file.metadata()?) => file,
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {
                self.restart();
                return Ok(before.0 > 0);
            }
        };
        let restarted = !self.continues(&mut file)?;
        if restarted {
            self.restart();
        }
        file.seek(SeekFrom::Start(self.offset))?;
        let mut lines = LogLines::new(BufReader::new(&file));
        self.torn = None;
        while let Some(line) = lines.next()? {
            match line.parse() {
                Ok(parsed) => parsed.into_iter().for_each(|line| self.content.add(line)),
                // A writer is in the middle of it, or was killed there.
                Err(message) if !line.is_whole => {
                    self.torn = Some(message);
                    break;
                }
                Err(message) => self.unreadable.add(self.lines + 1, message),
            }
            self.offset += line.length;
            self.lines += u64::from(line.is_whole);
        }
        self.remember(&mut file);
        Ok(restarted || before != (self.offset, self.torn.is_some()))
    }

    fn restart(&mut self) {
        self.content = C::default();
        self.seen.clear();
        (self.offset, self.lines) = (0, 0);
        self.unreadable = Unreadable::default();
        self.torn = None;
    }

    /// Whether the file still starts with what was read.
    fn continues(&self, file: &mut File) -> io::Result<bool> {
        if self.offset > 0 && self.seen.is_empty() || file.metadata()?.len() < self.offset {
            return Ok(false);
        }
        Ok(self
            .bytes_before_offset(file)
            .is_ok_and(|now| now == self.seen))
    }

    /// Keeps the last bytes that were read; where the file was cut meanwhile it will be read again.
    fn remember(&mut self, file: &mut File) {
        self.seen = self.bytes_before_offset(file).unwrap_or_default();
    }

    fn bytes_before_offset(&self, file: &mut File) -> io::Result<Vec<u8>> {
        let count = self.offset.min(SEEN);
        let mut bytes = vec![0; count as usize];
        file.seek(SeekFrom::Start(self.offset - count))?;
        file.read_exact(&mut bytes)?;
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::io::Write;

    type Numbers = JsonLines<Vec<Vec<u32>>>;

    impl Collect for Vec<Vec<u32>> {
        type Line = Vec<u32>;

        fn add(&mut self, line: Vec<u32>) {
            self.push(line);
        }
    }

    fn file(text: &str) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("lines.jsonl");
        fs::write(&path, text).expect("a file");
        (folder, path)
    }

    fn append(path: &Path, text: &str) {
        let mut file = fs::OpenOptions::new().append(true).open(path).expect("it");
        file.write_all(text.as_bytes()).expect("written");
    }

    #[test]
    fn a_torn_last_line_is_read_when_it_is_whole() {
        let (_folder, path) = file("[1]\n[2]\n[3, 4");
        let mut lines = Numbers::open(&path).expect("no error");
        assert_eq!(lines.content()[..], [[1], [2]]);
        assert!(!lines.poll().expect("no error"), "nothing was added");
        append(&path, "5]\n[6]");
        assert!(lines.poll().expect("no error"));
        assert_eq!(
            lines.content()[..],
            [vec![1], vec![2], vec![3, 45], vec![6]]
        );
        append(&path, "\n[7]\n");
        assert!(lines.poll().expect("no error"));
        assert_eq!(lines.content()[4..], [[7]]);
    }

    #[test]
    fn what_cannot_be_read_is_left_out_and_counted() {
        for (text, expected, count, line) in [
            ("[1]\n[2\n[3]\n", vec![1, 3], 1, 2),
            ("\nx\n", vec![], 1, 2),
            ("[1]\n[2]\n{}\n", vec![1, 2], 1, 3),
            ("[1]\n\0\0\n[4]\nx\n[5]\n", vec![1, 4, 5], 2, 2),
        ] {
            let (_folder, path) = file(text);
            let mut lines = Numbers::open(&path).expect(text);
            assert_eq!(lines.content().concat(), expected, "{text}");
            let said = lines.unreadable(true).expect("it is said");
            assert!(said.starts_with(&path.display().to_string()), "{said}");
            let names = format!("{count} line");
            assert!(
                said.contains(&names) && said.contains(&format!("line {line}: ")),
                "{said}"
            );
            // What comes after is read, and nothing counted twice.
            append(&path, "[6]\n");
            assert!(lines.poll().expect(text));
            assert_eq!(lines.content().concat(), [expected, vec![6]].concat());
            assert_eq!(lines.unreadable(true), Some(said));
        }
        let (_folder, path) = file("[1]\n");
        fs::write(&path, b"[1]\n[2\xff]\n[3]\n").expect("a file");
        let lines = Numbers::open(&path).expect("no error");
        assert_eq!(lines.content().concat(), [1, 3]);
        assert!(lines.unreadable(true).is_some());
    }

    #[test]
    fn a_torn_last_line_counts_once_nobody_writes() {
        let (_folder, path) = file("[1]\n[2");
        let lines = Numbers::open(&path).expect("no error");
        assert_eq!(lines.unreadable(true), None);
        let said = lines.unreadable(false).expect("it is torn");
        assert!(said.contains("1 line can't be read (line 2: "), "{said}");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_device_is_empty() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("lines.jsonl");
        std::os::unix::fs::symlink("/dev/zero", &path).expect("a link");
        assert!(Numbers::open(&path).expect("no error").content().is_empty());
    }

    #[test]
    fn a_file_that_was_replaced_is_read_again() {
        let (_folder, path) = file("[1]\n[2]\n[3]\n");
        let mut lines = Numbers::open(&path).expect("no error");
        // Shorter; then longer than what was read, but other lines.
        for (text, expected) in [
            ("[1]\n", vec![[1]]),
            ("[9]\n[8]\n", vec![[9], [8]]),
            ("", vec![]),
            ("[5]\n", vec![[5]]),
        ] {
            fs::write(&path, text).expect("a file");
            assert!(lines.poll().expect("no error"), "{text}");
            assert_eq!(lines.content()[..], expected, "{text}");
        }
        fs::remove_file(&path).expect("it is there");
        assert!(lines.poll().expect("no error"));
        assert!(lines.content().is_empty());
    }

    #[test]
    fn a_file_that_is_not_there_is_empty() {
        let (folder, _) = file("");
        let lines = Numbers::open(&folder.path().join("none")).expect("no error");
        assert!(lines.content().is_empty());
    }
}
