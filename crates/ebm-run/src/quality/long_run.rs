//! `long_run.json` of a run folder: the quality of its model's chains at several lengths.

use std::path::Path;
use std::{fs, io};

use ebm_train::files::write_whole;
use ebm_train::judging::quality::TOTAL_VARIANCE;
use serde::{Deserialize, Serialize};

use super::line::QualityLine;
use crate::error::RunError;

/// By which factor the distance of long chains may exceed the shortest: more than the noise of
/// some hundred samples.
const LOSS: f64 = 1.5;
/// And by how much of the spread of the data: a twentieth is hardly seen.
const HARDLY_SEEN: f64 = 0.05 * TOTAL_VARIANCE;

/// Chains of a model, measured at several lengths.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LongRun {
    /// A line for each number of [`transitions`](QualityLine::transitions), ascending.
    pub lines: Vec<QualityLine>,
}

impl LongRun {
    /// Reads the file; `None` if there is none.
    ///
    /// # Errors
    ///
    /// If it can't be read, or isn't such a file.
    pub fn read(path: &Path) -> Result<Option<Self>, RunError> {
        let bytes = match fs::read(path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => {
                return Err(RunError::Io {
                    action: "read",
                    path: path.to_path_buf(),
                    source,
                });
            }
        };
        let found = serde_json::from_slice(&bytes).map_err(|error| RunError::LongRun {
            path: path.to_path_buf(),
            message: error.to_string(),
        })?;
        Ok(Some(found))
    }

    /// Writes the file whole or not at all.
    ///
    /// # Errors
    ///
    /// If the disk refuses.
    pub fn write(&self, path: &Path) -> Result<(), RunError> {
        let written = serde_json::to_vec_pretty(self).map_err(io::Error::from);
        written
            .and_then(|bytes| write_whole(path, &[&*bytes, b"\n"].concat()))
            .map_err(|source| RunError::Io {
                action: "write",
                path: path.to_path_buf(),
                source,
            })
    }

    /// The longest chains whose distance, and that of all shorter ones, is at most 1.5 times the
    /// smallest of those before, or hardly more; `None` where no distance is known.
    pub fn good_for(&self) -> Option<u64> {
        let mut best = f64::INFINITY;
        let mut good = None;
        for line in &self.lines {
            // Samples that aren't finite have no distance.
            let distance = line.distance.unwrap_or(f64::INFINITY);
            let is_worse = distance > (LOSS * best).max(best + HARDLY_SEEN);
            if !distance.is_finite() || is_worse {
                break;
            }
            best = best.min(distance);
            good = line.transitions;
        }
        good
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn run(distances: &[Option<f64>]) -> LongRun {
        let line = |(at, &distance): (usize, &Option<f64>)| QualityLine {
            transitions: Some([256, 1000, 4000, 10_000][at]),
            distance,
            ..QualityLine::default()
        };
        LongRun {
            lines: distances.iter().enumerate().map(line).collect(),
        }
    }

    #[test]
    fn chains_are_good_until_their_distance_grows_by_half() {
        let [flat, grows] = [29.0, 59.0].map(Some);
        assert_eq!(run(&[]).good_for(), None);
        assert_eq!(run(&[None, flat]).good_for(), None);
        assert_eq!(run(&[flat, grows, Some(228.0)]).good_for(), Some(256));
        // What falls first is measured by the smallest.
        assert_eq!(
            run(&[grows, flat, Some(40.0), grows]).good_for(),
            Some(4000)
        );
        assert_eq!(run(&[flat, flat, flat, flat]).good_for(), Some(10_000));
        // Of two good ones.
        let good = [2.5, 7.0, 9.0].map(Some);
        assert_eq!(run(&good).good_for(), Some(1000));
    }

    #[test]
    fn what_is_written_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("long_run.json");
        assert_eq!(LongRun::read(&path).unwrap(), None);
        let found = run(&[Some(29.0), None]);
        found.write(&path).unwrap();
        assert_eq!(LongRun::read(&path).unwrap(), Some(found));
        fs::write(&path, "{").unwrap();
        let message = LongRun::read(&path).unwrap_err().to_string();
        assert!(message.contains("long_run.json"), "{message}");
    }
}
