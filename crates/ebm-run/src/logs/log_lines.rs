//! The lines of a log, one at a time and none longer than memory is worth, and what is done with
//! those that can't be read.

use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;

/// Bytes of a line beyond which it is no line of a log.
const LONGEST: u64 = 1 << 20;

/// The lines of a file, each read into the same memory.
pub(crate) struct LogLines<R> {
    reader: R,
    buffer: Vec<u8>,
}

/// A line as it stands in the file.
pub(crate) struct LogLine<'a> {
    /// Its bytes, as far as they are kept.
    bytes: &'a [u8],
    /// Its bytes in the file, line end included.
    pub(crate) length: u64,
    /// Whether it has a line end: the last may be about to be written.
    pub(crate) is_whole: bool,
}

impl<R: BufRead> LogLines<R> {
    pub(crate) fn new(reader: R) -> Self {
        let buffer = Vec::new();
        Self { reader, buffer }
    }

    /// The next line; `None` at the end of the file.
    pub(crate) fn next(&mut self) -> io::Result<Option<LogLine<'_>>> {
        self.buffer.clear();
        let mut line = (&mut self.reader).take(LONGEST);
        let mut length = line.read_until(b'\n', &mut self.buffer)? as u64;
        let mut is_whole = self.buffer.ends_with(b"\n");
        while length >= LONGEST && !is_whole {
            let rest = self.reader.fill_buf()?;
            if rest.is_empty() {
                break;
            }
            let end = rest.iter().position(|&byte| byte == b'\n');
            is_whole = end.is_some();
            let taken = end.map_or(rest.len(), |end| end + 1);
            length += taken as u64;
            self.reader.consume(taken);
        }
        Ok((length > 0).then_some(LogLine {
            bytes: &self.buffer,
            length,
            is_whole,
        }))
    }
}

impl<'a> LogLine<'a> {
    /// What the line says; `None` if it is blank.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    pub(crate) fn parse<T: DeserializeOwned>(&self) -> Result<Option<T>, String> {
        if self.length > self.bytes.len() as u64 {
            return Err(format!("it has {} bytes", self.length));
        }
        let line = self.text();
        if line.is_empty() {
            return Ok(None);
        }
        // Asked for once and for all: values that are passed over are not looked at.
        let line = str::from_utf8(line).map_err(|error| error.to_string())?;
        match serde_json::from_str(line) {
            Ok(value) => Ok(Some(value)),
            Err(error) => Err(error.to_string()),
        }
    }

    /// The line without its end.
    pub(crate) fn text(&self) -> &'a [u8] {
        self.bytes.trim_ascii()
    }
}

/// `NAME.unreadable` beside a log: what couldn't be read in it.
pub(crate) struct Aside(BufWriter<File>);

impl Aside {
    /// Opens the file for adding to it.
    pub(crate) fn open(log: &Path) -> io::Result<Self> {
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(aside(log))?;
        Ok(Self(BufWriter::new(file)))
    }

    /// Adds a piece, and a line end if it has none.
    pub(crate) fn add(&mut self, mut piece: impl BufRead) -> io::Result<()> {
        let mut ends = true;
        loop {
            let bytes = piece.fill_buf()?;
            let Some(last) = bytes.last() else { break };
            ends = *last == b'\n';
            self.0.write_all(bytes)?;
            let taken = bytes.len();
            piece.consume(taken);
        }
        if ends {
            Ok(())
        } else {
            self.0.write_all(b"\n")
        }
    }

    /// Waits for the disk: only then may the pieces be taken out of the log.
    pub(crate) fn finish(self) -> io::Result<()> {
        self.0.into_inner()?.sync_all()
    }
}

/// The name of the file of what can't be read in a log.
pub(crate) fn aside(log: &Path) -> PathBuf {
    let mut name = OsString::from(log);
    name.push(".unreadable");
    PathBuf::from(name)
}

/// The lines of a log that can't be read, counted.
#[derive(Clone, Debug, Default)]
pub(crate) struct Unreadable {
    /// How many.
    pub(crate) count: u64,
    /// The first: its number from 1, and what is wrong with it.
    first: Option<(u64, String)>,
}

impl Unreadable {
    pub(crate) fn add(&mut self, line: u64, message: String) {
        self.count += 1;
        self.first.get_or_insert((line, message));
    }

    /// `metrics.jsonl: 2 lines can't be read (line 17: ...)`, if there are any.
    pub(crate) fn describe(&self, log: &Path) -> Option<String> {
        self.describe_as("line", log)
    }

    /// The same of something that isn't made of lines.
    pub(crate) fn describe_as(&self, part: &str, log: &Path) -> Option<String> {
        let (number, message) = self.first.as_ref()?;
        let parts = match (self.count, part) {
            (1, _) => part,
            (_, "entry") => "entries",
            _ => "lines",
        };
        let first = if self.count == 1 { "" } else { "the first is " };
        Some(format!(
            "{}: {} {parts} can't be read ({first}{part} {number}: {message})",
            log.display(),
            self.count
        ))
    }
}
