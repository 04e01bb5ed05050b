//! A log of a run, opened for going on with it: it loses what a roll-back takes back, and nothing
//! else, and never ends training.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::log_lines::{Aside, LogLines, Unreadable, aside};
use ebm_train::files::write_whole_with;

/// Bytes of lines that are kept in memory while they can't be written.
const MOST_WAITING: usize = 1 << 20;

/// A line of a log.
pub(crate) trait Logged: DeserializeOwned {
    /// The updates made when it was written; `None` of a log that a roll-back leaves alone.
    fn step(&self) -> Option<u64>;
}

/// A log that lines are added to. What can't be written waits in memory, and is written once that
/// works.
#[derive(Debug)]
pub(crate) struct LogFile {
    path: PathBuf,
    file: Option<File>,
    /// What isn't written yet, up to half of a line of which the file has the other half.
    waiting: Vec<u8>,
    /// That other half, the start of the line.
    begun: Vec<u8>,
    /// Lines that there was no room for.
    lost: u64,
    /// Whether the last attempt failed, which was said then.
    failing: bool,
}

impl LogFile {
    /// Opens a log for going on after `step` updates, and shows `keep` each line of it that stays.
    /// Lines of later updates are taken out, since they will be written again. Lines that can't be
    /// read are moved into a file beside it.
    ///
    /// The text is a warning, if there is reason for one; the log can be written to in any case.
    pub(crate) fn open<T: Logged>(
        path: &Path,
        step: u64,
        keep: impl FnMut(T),
    ) -> (Self, Option<String>) {
        let mut log = Self {
            path: path.to_path_buf(),
            file: None,
            waiting: Vec::new(),
            begun: Vec::new(),
            lost: 0,
            failing: false,
        };
        let mut warnings = log.take_back(step, keep);
        // Said now, and not with the first line.
        warnings.extend(log.flush());
        let warning = (!warnings.is_empty()).then(|| warnings.join("; "));
        (log, warning)
    }

    /// Goes back to where the log was after `step` updates, and shows `keep` each line that stays,
    /// also of those that couldn't be written so far. The text is a warning.
    pub(crate) fn go_back<T: Logged>(
        &mut self,
        step: u64,
        mut keep: impl FnMut(T),
    ) -> Option<String> {
        let mut warnings: Vec<String> = self.flush().into_iter().collect();
        // A line of which half is in the file waits as a whole.
        let mut pending = Vec::new();
        if cut_end(&self.path, &self.begun).is_ok() {
            pending.append(&mut self.begun);
        }
        self.begun.clear();
        pending.append(&mut self.waiting);
        self.file = None;
        warnings.extend(self.take_back(step, &mut keep));
        for line in pending.split_inclusive(|&byte| byte == b'\n') {
            // What stands here was written by `write`, but for half a line whose other half
            // somebody else took away.
            if let Ok(value) = serde_json::from_slice::<T>(line)
                && stays(&value, step)
            {
                self.waiting.extend(line);
                keep(value);
            }
        }
        warnings.extend(self.flush());
        (!warnings.is_empty()).then(|| warnings.join("; "))
    }

    /// Takes lines of later updates and those that can't be read out of the file, as far as it lets
    /// itself be written; gives warnings.
    fn take_back<T: Logged>(&mut self, step: u64, mut keep: impl FnMut(T)) -> Vec<String> {
        let mut warnings = Vec::new();
        let path = self.path.as_path();
        // What is written into a device or a pipe isn't there to be read.
        if path.is_file() {
            match Content::read(path, step, &mut keep) {
                Ok(content) => {
                    let unreadable = content.unreadable.describe(path);
                    let mended = content.mend::<T>(path, step);
                    if mended.is_err() || !content.is_ended() {
                        // The next line starts on a line of its own.
                        self.waiting.push(b'\n');
                    }
                    warnings.extend(unreadable.map(|unreadable| match &mended {
                        Ok(()) => format!("{unreadable}; moved to {}", aside(path).display()),
                        Err(_) => unreadable,
                    }));
                    warnings.extend(mended.err().map(|error| {
                        format!(
                            "can't take lines out of {} that are written again or can't be read: {error}; they stay where they are",
                            path.display()
                        )
                    }));
                }
                Err(error) => {
                    self.waiting.push(b'\n');
                    warnings.push(format!("can't read {}: {error}", path.display()));
                }
            }
        }
        warnings
    }

    /// Adds a line. The text is a warning: it comes when writing starts to fail, and when it works
    /// again and lines were lost.
    pub(crate) fn write(&mut self, line: &impl Serialize) -> Option<String> {
        let text = match serde_json::to_string(line) {
            Ok(text) => text,
            Err(error) => return Some(format!("can't write {}: {error}", self.path.display())),
        };
        if self.waiting.len() + text.len() < MOST_WAITING {
            self.waiting.extend(text.as_bytes());
            self.waiting.push(b'\n');
        } else {
            self.lost += 1;
        }
        self.flush()
    }

    /// Tries to write what waits; the text is a warning as of [`Self::write`].
    pub(crate) fn flush(&mut self) -> Option<String> {
        let failed = self.failing;
        let written = self.write_waiting();
        self.failing = written.is_err();
        match written {
            Err(error) if !failed => Some(format!(
                "can't write {}: {error}; training goes on, and what is missing is written when that works again",
                self.path.display()
            )),
            Err(_) => None,
            Ok(()) => {
                let lost = std::mem::take(&mut self.lost);
                (lost > 0).then(|| {
                    format!(
                        "{} can be written again; {lost} lines were lost",
                        self.path.display()
                    )
                })
            }
        }
    }

    fn write_waiting(&mut self) -> io::Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            closed => {
                let opened = OpenOptions::new()
                    .create(true)
                    .append(true)
                    .open(&self.path);
                closed.insert(opened?)
            }
        };
        while !self.waiting.is_empty() {
            match file.write(&self.waiting) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => {
                    let bytes = self.waiting.drain(..written);
                    let ended = bytes.as_slice().iter().rposition(|&byte| byte == b'\n');
                    if let Some(end) = ended {
                        self.begun.clear();
                        self.begun.extend(bytes.skip(end + 1));
                    } else {
                        self.begun.extend(bytes);
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

/// Takes `end` off a file, if that is how it ends.
fn cut_end(path: &Path, end: &[u8]) -> io::Result<()> {
    let metadata = fs::metadata(path)?;
    if end.is_empty() || !metadata.is_file() {
        return Ok(());
    }
    let mut file = OpenOptions::new().read(true).write(true).open(path)?;
    let wrong = || io::Error::from(io::ErrorKind::InvalidData);
    let start = metadata
        .len()
        .checked_sub(end.len() as u64)
        .ok_or_else(wrong)?;
    let mut found = Vec::new();
    file.seek(SeekFrom::Start(start))?;
    file.read_to_end(&mut found)?;
    if found != end {
        return Err(wrong());
    }
    file.set_len(start)
}

/// What is to become of a line.
enum Fate {
    Stays,
    /// It is of a later update.
    Goes,
    Unreadable,
}

/// What stands in a log, as far as it has to be known to mend it.
#[derive(Debug, Default)]
struct Content {
    /// The bytes up to the first line that goes or is unreadable, and all bytes.
    intact: u64,
    length: u64,
    /// Whether a line that stays comes after one that doesn't.
    is_mixed: bool,
    /// Whether what stays ends with a line end, or is nothing.
    ends_whole: bool,
    unreadable: Unreadable,
}

impl Content {
    fn read<T: Logged>(path: &Path, step: u64, keep: &mut impl FnMut(T)) -> io::Result<Self> {
        let mut content = Self {
            ends_whole: true,
            ..Self::default()
        };
        let mut broken = false;
        let mut lines = LogLines::new(BufReader::new(File::open(path)?));
        let mut number = 0;
        while let Some(line) = lines.next()? {
            number += 1;
            content.length += line.length;
            match line.parse::<T>() {
                Ok(None) => {}
                Ok(Some(value)) if stays(&value, step) => {
                    content.is_mixed |= broken;
                    content.ends_whole = line.is_whole;
                    keep(value);
                }
                Ok(Some(_)) => broken = true,
                Err(message) => {
                    broken = true;
                    content.unreadable.add(number, message);
                }
            }
            if !broken {
                content.intact = content.length;
                content.ends_whole = line.is_whole;
            }
        }
        Ok(content)
    }

    /// Whether the log ends with a line end once it is mended.
    fn is_ended(&self) -> bool {
        self.is_mixed || self.ends_whole
    }

    /// Takes the lines out that go, and those that can't be read once they are kept elsewhere.
    fn mend<T: Logged>(&self, path: &Path, step: u64) -> io::Result<()> {
        if self.intact == self.length {
            return Ok(());
        }
        if self.unreadable.count > 0 {
            let mut aside = Aside::open(path)?;
            let file = File::open(path)?;
            self.each_after::<T>(path, step, |fate, start, length| {
                if let Fate::Unreadable = fate {
                    let mut piece = &file;
                    piece.seek(SeekFrom::Start(start))?;
                    aside.add(BufReader::new(piece.take(length)))?;
                }
                Ok(())
            })?;
            aside.finish()?;
        }
        if !self.is_mixed {
            // A log may be long, and this is the common case: a roll-back.
            return OpenOptions::new()
                .write(true)
                .open(path)?
                .set_len(self.intact);
        }
        let mut file = File::open(path)?;
        write_whole_with(path, |mended| {
            io::copy(&mut (&mut file).take(self.intact), mended)?;
            self.each_after::<T>(path, step, |fate, start, length| {
                if let Fate::Stays = fate {
                    file.seek(SeekFrom::Start(start))?;
                    let mut line = Vec::new();
                    (&mut file).take(length).read_to_end(&mut line)?;
                    mended.write_all(line.trim_ascii())?;
                    mended.write_all(b"\n")?;
                }
                Ok(())
            })
        })
    }

    /// Calls `action` with the fate, the place and the length of each line after the intact ones,
    /// blank ones left out.
    fn each_after<T: Logged>(
        &self,
        path: &Path,
        step: u64,
        mut action: impl FnMut(Fate, u64, u64) -> io::Result<()>,
    ) -> io::Result<()> {
        let mut file = File::open(path)?;
        file.seek(SeekFrom::Start(self.intact))?;
        let mut lines = LogLines::new(BufReader::new(file));
        let mut start = self.intact;
        while let Some(line) = lines.next()? {
            let length = line.length;
            let fate = match line.parse::<T>() {
                Ok(None) => None,
                Ok(Some(value)) if stays(&value, step) => Some(Fate::Stays),
                Ok(Some(_)) => Some(Fate::Goes),
                Err(_) => Some(Fate::Unreadable),
            };
            if let Some(fate) = fate {
                action(fate, start, length)?;
            }
            start += length;
        }
        Ok(())
    }
}

fn stays(line: &impl Logged, step: u64) -> bool {
    line.step().is_none_or(|at| at <= step)
}

#[cfg(test)]
#[path = "log_file_tests.rs"]
mod tests;
