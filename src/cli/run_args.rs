//! The run that a command works on, as the first name or as `--run`, and its model.

use std::path::{Path, PathBuf};

use burn::tensor::Device;
use ebm::run::config::ConfigTable;
use ebm::run::{ModelFile, load_model};

use super::failure::Failure;
use super::layers::DeviceArgs;

/// The model of a run, on the device that the command computes on.
pub(crate) struct OpenRun {
    pub(crate) model: ModelFile,
    pub(crate) device: Device,
}

impl OpenRun {
    /// Opens the device, and loads the model.
    pub(crate) fn open(run: &Path, device: &DeviceArgs) -> Result<Self, Failure> {
        let device = device.open(None)?.device;
        let model = load_model(run, &device)?;
        Ok(Self { model, device })
    }

    /// With the data in another folder, if there is one.
    pub(crate) fn with_data(mut self, folder: Option<&Path>) -> Result<Self, Failure> {
        if let Some(folder) = folder {
            let config = self.model.config.to_toml()?;
            let mut table = ConfigTable::parse(&config, "the run's config".into())?;
            table.set_data_folder(folder)?;
            self.model.config = table.read()?;
        }
        Ok(self)
    }
}

/// The run, for commands that take no other names.
#[derive(clap::Args)]
#[group(required = true, multiple = false)]
pub(crate) struct RunArgs {
    /// Run folder, made by `ebm train` or `ebm import`
    #[arg(value_name = "DIR")]
    folder: Option<PathBuf>,
    /// The same, as a flag
    #[arg(long, value_name = "DIR")]
    run: Option<PathBuf>,
}

impl RunArgs {
    pub(crate) fn path(&self) -> &Path {
        let given = self.run.as_deref().or(self.folder.as_deref());
        // The parser has seen to it that one of them is there.
        given.unwrap_or(Path::new(""))
    }

    /// The model of the run, on the device.
    pub(crate) fn open(&self, device: &DeviceArgs) -> Result<OpenRun, Failure> {
        OpenRun::open(self.path(), device)
    }
}

/// Several runs.
#[derive(clap::Args)]
#[group(required = true, multiple = false)]
pub(crate) struct RunsArgs {
    /// Run folders, made by `ebm train` or `ebm import`, of models of images of one shape
    #[arg(value_name = "DIR")]
    folders: Vec<PathBuf>,
    /// The same, as a flag; may be repeated
    #[arg(long = "run", value_name = "DIR")]
    runs: Vec<PathBuf>,
}

impl RunsArgs {
    pub(crate) fn paths(self) -> Vec<PathBuf> {
        [self.folders, self.runs].concat()
    }
}

/// The run, for commands that take files too: the folder stands before them, unless `--run` names
/// it.
#[derive(clap::Args)]
pub(crate) struct RunBeforeFilesArgs {
    /// Run folder, made by `ebm train` or `ebm import`
    #[arg(value_name = "DIR")]
    first: Option<PathBuf>,
    /// The same, as a flag
    #[arg(long, value_name = "DIR")]
    run: Option<PathBuf>,
}

impl RunBeforeFilesArgs {
    /// The run, and all files; `files` are the names after the first.
    pub(crate) fn split(self, files: Vec<PathBuf>) -> Result<(PathBuf, Vec<PathBuf>), Failure> {
        let wrong = |message: String| Failure::Argument {
            argument: "DIR",
            message,
        };
        match (self.run, self.first) {
            (Some(run), Some(first)) if first.join("config.toml").is_file() => Err(wrong(format!(
                "found two runs, {} and `--run {}`, expected one",
                first.display(),
                run.display()
            ))),
            (Some(run), first) => Ok((run, first.into_iter().chain(files).collect())),
            (None, Some(first)) if first.is_file() => Err(wrong(format!(
                "found the file {}, expected a run folder before the files, or `--run DIR`",
                first.display()
            ))),
            (None, Some(run)) => Ok((run, files)),
            (None, None) => Err(wrong(
                "found none, expected a run folder, made by `ebm train`, or `--run DIR`".into(),
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_first_name_is_the_run_unless_a_flag_names_it() {
        let folder = tempfile::tempdir().unwrap();
        let (run, file) = (folder.path().join("run"), folder.path().join("a.png"));
        std::fs::create_dir(&run).unwrap();
        std::fs::write(run.join("config.toml"), "").unwrap();
        std::fs::write(&file, "").unwrap();
        let split = |first: Option<&PathBuf>, flag: Option<&PathBuf>, files: &[&PathBuf]| {
            let args = RunBeforeFilesArgs {
                first: first.cloned(),
                run: flag.cloned(),
            };
            args.split(files.iter().map(|&file| file.clone()).collect())
        };
        let expected = (run.clone(), vec![file.clone(), file.clone()]);
        assert_eq!(split(Some(&run), None, &[&file, &file]).unwrap(), expected);
        assert_eq!(split(Some(&file), Some(&run), &[&file]).unwrap(), expected);
        assert_eq!(split(None, Some(&run), &[]).unwrap(), (run.clone(), vec![]));
        for (first, flag) in [(Some(&run), Some(&run)), (Some(&file), None), (None, None)] {
            assert!(split(first, flag, &[&file]).is_err());
        }
    }
}
