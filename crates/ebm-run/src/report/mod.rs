//! A run as one HTML page that needs nothing but itself: how good its model is, curves, pictures,
//! memorisation, configuration, machine.
//!
//! A page is a list of sections, each in a file of its own under `sections/`; a section that
//! doesn't apply to a kind of model is left out, and one whose material is missing says so.

mod bars;
mod chart;
mod html;
mod page;
mod run_data;
mod sections;
mod svg;
mod thin;

use std::fs;
use std::io::{ErrorKind, Read};
use std::path::Path;

use burn::tensor::Device;
use ebm_ops::Progress;

pub use run_data::RunState;
pub use thin::thin;

use crate::error::RunError;
use ebm_train::files::{is_special_file, write_whole};
use run_data::RunData;
use sections::{SECTIONS, Section};

/// What a report computes beyond what is in the folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReportOptions {
    /// Fresh samples that are compared with the training examples; 0: none.
    pub samples: usize,
    /// Seed of their chains.
    pub seed: u64,
}

impl Default for ReportOptions {
    fn default() -> Self {
        Self {
            samples: 16,
            seed: 0,
        }
    }
}

/// Makes the report of a run that may still be going on: a whole page of HTML, pictures and style
/// included.
///
/// `progress` is told of each section, which is a part of the work: its number from 0, and how many
/// there are.
///
/// # Errors
///
/// If `run` is no run folder, or a file of it can't be read. What isn't there yet, samples or a
/// model, is no error, nor is a damaged line of a log.
pub fn report(
    run: &Path,
    options: &ReportOptions,
    device: &Device,
    progress: &mut dyn Progress,
) -> Result<String, RunError> {
    report_with_warnings(run, options, device, progress).map(|(page, _)| page)
}

/// As [`report`], with what couldn't be read of the logs and was left out, which the page says too.
///
/// # Errors
///
/// As for [`report`].
pub fn report_with_warnings(
    run: &Path,
    options: &ReportOptions,
    device: &Device,
    progress: &mut dyn Progress,
) -> Result<(String, Vec<String>), RunError> {
    let data = RunData::read(run, options, device)?;
    let mut sections: Vec<Section> = Vec::new();
    for (number, (name, section)) in SECTIONS.iter().enumerate() {
        progress.begin(name);
        progress.advance(number, SECTIONS.len());
        sections.extend(section(&data));
    }
    let page = page::render(&data, &sections);
    Ok((page, data.unreadable))
}

/// Writes a report, whole or not at all. It takes the place of an earlier report, and of nothing
/// else.
///
/// # Errors
///
/// If there is another file, or the disk refuses.
pub fn write_report(page: &str, path: &Path) -> Result<(), RunError> {
    check_report_path(path)?;
    write_whole(path, page.as_bytes()).map_err(RunError::io("write", path))
}

/// Finds out whether a report may be written there. Devices and pipes take it as they take
/// anything.
///
/// # Errors
///
/// If there is a file that is no report, or a folder.
pub fn check_report_path(path: &Path) -> Result<(), RunError> {
    if is_special_file(path) {
        return Ok(());
    }
    let mut start = Vec::new();
    let read = fs::File::open(path).and_then(|file| {
        let length = page::START.len() as u64;
        file.take(length).read_to_end(&mut start)
    });
    match read {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Ok(_) if start == page::START.as_bytes() => Ok(()),
        _ => Err(RunError::NotAReport {
            path: path.to_path_buf(),
        }),
    }
}
