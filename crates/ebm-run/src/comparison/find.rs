//! Run folders under the folders that were named.

use std::fs;
use std::path::{Path, PathBuf};

use crate::error::RunError;
use crate::run::RunFolder;

/// How many folders deep runs are looked for: one of runs, and one of series of runs.
const DEPTH: usize = 2;

/// The run folders among `folders` and, of those that are none, up to two folders below them: each
/// once, in the order in which they were named, and by name in a folder.
///
/// # Errors
///
/// If a folder can't be read, or holds no run.
pub fn find_runs(folders: &[PathBuf]) -> Result<Vec<PathBuf>, RunError> {
    let mut found = Vec::new();
    for folder in folders {
        let before = found.len();
        search(folder, DEPTH, &mut found)?;
        if found.len() == before {
            return Err(RunError::NoRuns {
                path: folder.clone(),
            });
        }
    }
    let mut seen = Vec::new();
    found.retain(|run| {
        let place = run.canonicalize().unwrap_or_else(|_| run.clone());
        let is_new = !seen.contains(&place);
        seen.push(place);
        is_new
    });
    Ok(found)
}

fn search(folder: &Path, depth: usize, found: &mut Vec<PathBuf>) -> Result<(), RunError> {
    if RunFolder::open(folder).is_ok() {
        found.push(folder.to_path_buf());
        return Ok(());
    }
    if depth == 0 {
        return Ok(());
    }
    let failed = RunError::io("read the folder", folder);
    let entries = fs::read_dir(folder).map_err(failed)?;
    let folders = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let mut folders: Vec<PathBuf> = folders.filter(|path| path.is_dir()).collect();
    folders.sort_by_cached_key(|folder| natural(folder));
    for below in folders {
        match search(&below, depth - 1, found) {
            // One that isn't ours to read holds no runs of ours.
            Err(RunError::Io { .. }) => {}
            searched => searched?,
        }
    }
    Ok(())
}

/// A name in parts that order as people count: `seed-2` comes before `seed-10`.
fn natural(path: &Path) -> Vec<(String, u64)> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let mut parts = vec![(String::new(), 0_u64)];
    let mut in_digits = false;
    for c in name.chars() {
        let digit = c.to_digit(10);
        if digit.is_none() && in_digits {
            parts.push((String::new(), 0));
        }
        in_digits = digit.is_some();
        if let Some(part) = parts.last_mut() {
            match digit {
                Some(digit) => part.1 = part.1.saturating_mul(10).saturating_add(digit.into()),
                None => part.0.push(c),
            }
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_found_two_folders_deep_once_and_in_order() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let root = folder.path();
        let runs = ["a/seed-10", "a/seed-2", "b", "deep/er/x", "deep/er/still/y"];
        for run in runs {
            fs::create_dir_all(root.join(run)).expect("a folder");
            fs::write(root.join(run).join("config.toml"), "").expect("a file");
        }
        fs::create_dir(root.join("empty")).expect("a folder");
        let found = |folders: &[&str]| {
            let folders: Vec<PathBuf> = folders.iter().map(|name| root.join(name)).collect();
            let found = find_runs(&folders)?;
            let below = found.iter().filter_map(|run| run.strip_prefix(root).ok());
            Ok::<_, RunError>(
                below
                    .map(|run| run.display().to_string())
                    .collect::<Vec<_>>(),
            )
        };
        let names = |folders: &[&str]| found(folders).expect("there are runs");
        assert_eq!(names(&[""]), ["a/seed-2", "a/seed-10", "b"]);
        assert_eq!(names(&["b", "a", "b"]), ["b", "a/seed-2", "a/seed-10"]);
        assert_eq!(names(&["deep"]), ["deep/er/x"]);
        for (missing, needle) in [("empty", "no run"), ("nowhere", "nowhere")] {
            let error = found(&["b", missing])
                .expect_err("there is none")
                .to_string();
            assert!(error.contains(needle), "{error}");
        }
    }
}
