//! Files of one JSON object a line that another process may still be writing: read as they grow.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;

use crate::error::TrainError;

/// A file of JSON lines, and how far it was read.
///
/// A last line that isn't whole yet is left for the next time. A file that was replaced (training went back to a
/// checkpoint, or was resumed) is read again from its start.
#[derive(Debug)]
pub struct JsonLines<T> {
    path: PathBuf,
    items: Vec<T>,
    /// Bytes and lines that were read.
    offset: u64,
    lines: usize,
    /// The last bytes that were read: what stands before `offset` for as long as the file is the same.
    seen: Vec<u8>,
}

/// How many bytes tell one file from another: more than a line of either log takes.
const SEEN: usize = 1024;

impl<T: DeserializeOwned> JsonLines<T> {
    /// Reads a file to its end; one that isn't there yet is empty.
    ///
    /// # Errors
    ///
    /// If the file can't be read, or a line that is whole isn't what it should be.
    pub fn open(path: &Path) -> Result<Self, TrainError> {
        let mut lines = Self {
            path: path.to_path_buf(),
            items: Vec::new(),
            offset: 0,
            lines: 0,
            seen: Vec::new(),
        };
        lines.poll()?;
        Ok(lines)
    }

    /// What was read so far, in the order of the file.
    pub fn items(&self) -> &[T] {
        &self.items
    }

    /// Hands out what was read so far; the next [`Self::poll`] adds to nothing.
    pub fn take_items(&mut self) -> Vec<T> {
        std::mem::take(&mut self.items)
    }

    /// Reads what was added since the last time; whether anything changed.
    ///
    /// # Errors
    ///
    /// As for [`Self::open`].
    pub fn poll(&mut self) -> Result<bool, TrainError> {
        let failed = |source| TrainError::Io {
            action: "read",
            path: self.path.clone(),
            source,
        };
        let mut file = match File::open(&self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let changed = !self.items.is_empty();
                self.restart();
                return Ok(changed);
            }
            Err(error) => return Err(failed(error)),
        };
        let restarted = !self.continues(&mut file).map_err(failed)?;
        let mut added = Vec::new();
        let start = if restarted { 0 } else { self.offset };
        file.seek(SeekFrom::Start(start)).map_err(failed)?;
        file.read_to_end(&mut added).map_err(failed)?;
        if restarted {
            self.restart();
        }
        let before = self.items.len();
        self.take(&added)?;
        Ok(restarted || self.items.len() != before)
    }

    fn restart(&mut self) {
        self.items.clear();
        self.seen.clear();
        (self.offset, self.lines) = (0, 0);
    }

    /// Whether the file still starts with what was read.
    fn continues(&self, file: &mut File) -> io::Result<bool> {
        if file.metadata()?.len() < self.offset {
            return Ok(false);
        }
        let mut now = vec![0; self.seen.len()];
        file.seek(SeekFrom::Start(self.offset - self.seen.len() as u64))?;
        file.read_exact(&mut now)?;
        Ok(now == self.seen)
    }

    fn take(&mut self, added: &[u8]) -> Result<(), TrainError> {
        let mut taken = 0;
        for line in added.split_inclusive(|&byte| byte == b'\n') {
            let whole = line.ends_with(b"\n");
            if !line.trim_ascii().is_empty() {
                match serde_json::from_slice(line) {
                    Ok(item) => self.items.push(item),
                    // A writer is in the middle of it, or was killed there.
                    Err(_) if !whole => break,
                    Err(error) => {
                        return Err(TrainError::MalformedLine {
                            path: self.path.clone(),
                            line: self.lines + 1,
                            message: error.to_string(),
                        });
                    }
                }
            }
            taken += line.len();
            self.lines += usize::from(whole);
        }
        self.offset += taken as u64;
        self.seen.extend_from_slice(&added[..taken]);
        let surplus = self.seen.len().saturating_sub(SEEN);
        self.seen.drain(..surplus);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::io::Write;

    type Numbers = JsonLines<Vec<u32>>;

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
        assert_eq!(lines.items(), [[1], [2]]);
        assert!(!lines.poll().expect("no error"), "nothing was added");
        append(&path, "5]\n[6]");
        assert!(lines.poll().expect("no error"));
        assert_eq!(lines.items(), [vec![1], vec![2], vec![3, 45], vec![6]]);
        append(&path, "\n[7]\n");
        assert!(lines.poll().expect("no error"));
        assert_eq!(lines.items()[4..], [[7]]);
    }

    #[test]
    fn a_malformed_line_names_file_and_line() {
        for (text, line) in [
            ("[1]\n[2\n[3]\n", 2),
            ("\nx\n", 2),
            ("[1]\n[2]\n{}\n", 3),
            ("[1]\n\0\0\n", 2),
        ] {
            let (_folder, path) = file(text);
            let message = Numbers::open(&path).expect_err(text).to_string();
            assert!(message.contains(&path.display().to_string()), "{message}");
            assert!(message.contains(&format!("line {line}")), "{message}");
        }
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
            assert_eq!(lines.items(), expected, "{text}");
        }
        fs::remove_file(&path).expect("it is there");
        assert!(lines.poll().expect("no error"));
        assert!(lines.items().is_empty());
    }

    #[test]
    fn a_file_that_is_not_there_is_empty() {
        let (folder, _) = file("");
        let lines = Numbers::open(&folder.path().join("none")).expect("no error");
        assert!(lines.items().is_empty());
    }
}
