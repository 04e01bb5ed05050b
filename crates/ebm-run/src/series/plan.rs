//! `sweep.toml`: the plan of a sweep, kept in its folder.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use ebm_train::files::write_whole;
use toml::Table;

use super::sweep::Sweep;
use super::trial::first_difference;
use crate::config::ConfigError;
use crate::error::{RunError, SweepError};

/// The file of the plan.
const FILE: &str = "sweep.toml";
/// What stands above it.
const REMARK: &str = "# The plan of a sweep: `ebm sweep DIR` goes on with it.\n\n";

impl Sweep {
    /// The file of the plan in a folder.
    pub fn path(folder: &Path) -> PathBuf {
        folder.join(FILE)
    }

    /// Reads the plan of the sweep in a folder.
    ///
    /// # Errors
    ///
    /// If there is none, or it can't be read.
    pub fn read(folder: &Path) -> Result<Self, RunError> {
        let path = Self::path(folder);
        let wrong = |message: String| SweepError::Plan {
            path: path.clone(),
            message,
        };
        match fs::read_to_string(&path) {
            Ok(text) => {
                let sweep = toml::from_str(&text);
                Ok(sweep.map_err(|error| wrong(error.message().into()))?)
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {
                Err(SweepError::NoPlan { path }.into())
            }
            Err(error) => Err(RunError::io("read", &path)(error)),
        }
    }

    /// Writes the plan into a folder that is new or empty, or finds the same there.
    ///
    /// # Errors
    ///
    /// If there is another plan, or something else, or the disk refuses.
    pub fn write(&self, folder: &Path) -> Result<(), RunError> {
        let path = Self::path(folder);
        match Self::read(folder) {
            Ok(before) if before == *self => return Ok(()),
            Ok(before) => {
                let (part, found, expected) = first_difference(&before.table()?, &self.table()?);
                return Err(SweepError::OtherPlan {
                    path,
                    part,
                    found,
                    expected,
                }
                .into());
            }
            Err(RunError::Sweep(SweepError::NoPlan { .. })) => {}
            Err(error) => return Err(error),
        }
        let mut entries = match fs::read_dir(folder) {
            Ok(entries) => Some(entries),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => return Err(RunError::io("read the folder", folder)(error)),
        };
        if entries
            .as_mut()
            .is_some_and(|entries| entries.next().is_some())
        {
            return Err(RunError::OutputNotEmpty {
                path: folder.to_path_buf(),
                hint: String::new(),
            });
        }
        fs::create_dir_all(folder).map_err(RunError::io("make the folder", folder))?;
        let text = format!("{REMARK}{}", self.text()?);
        write_whole(&path, text.as_bytes()).map_err(RunError::io("write", &path))
    }

    fn text(&self) -> Result<String, ConfigError> {
        toml::to_string(self).map_err(|error| ConfigError::Write {
            message: error.to_string(),
        })
    }

    fn table(&self) -> Result<Table, ConfigError> {
        Ok(self.text()?.parse().unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::RunConfig;
    use crate::series::{GridAxis, RandomRange};

    fn config() -> RunConfig {
        RunConfig::from_preset("digits").expect("a preset")
    }

    fn axes(texts: &[&str]) -> Vec<GridAxis> {
        let axes = texts.iter().map(|text| text.parse().expect("an axis"));
        axes.collect()
    }

    fn grid(texts: &[&str]) -> Result<Sweep, RunError> {
        Sweep::grid(&config(), axes(texts))
    }

    fn ranges(texts: &[&str]) -> Vec<RandomRange> {
        let ranges = texts.iter().map(|text| text.parse().expect("a range"));
        ranges.collect()
    }

    #[test]
    fn a_grid_has_every_combination_and_survives_its_file() {
        let sweep = grid(&[
            "sampler.steps=20,40",
            "optimizer.learning_rate=1e-3,1e-4,1e-5",
        ]);
        let sweep = sweep.expect("it is valid");
        let folder = tempfile::tempdir().expect("a temporary folder");
        let root = folder.path().join("new/sweep");
        sweep.write(&root).expect("the folder is new");
        sweep.write(&root).expect("it is the same");
        let read = Sweep::read(&root).expect("it is there");
        assert_eq!(read, sweep);
        let trials = read.trials().expect("they are valid");
        assert_eq!(trials.len(), 6);
        assert_eq!(
            (&*trials[0].name, &*trials[5].name),
            ("trial-001", "trial-006")
        );
        let rates = trials
            .iter()
            .map(|trial| trial.config.optimizer.learning_rate());
        assert_eq!(
            rates.collect::<Vec<_>>(),
            [1e-3, 1e-4, 1e-5, 1e-3, 1e-4, 1e-5]
        );
        let other = grid(&["sampler.steps=20,60"]).expect("it is valid");
        let error = other.write(&root).expect_err("another plan").to_string();
        for needle in ["another sweep", "grid", "40", "60", "ebm sweep"] {
            assert!(error.contains(needle), "{needle}: {error}");
        }
        let error = other.write(folder.path()).expect_err("it isn't empty");
        assert!(matches!(error, RunError::OutputNotEmpty { .. }), "{error}");
        let error = Sweep::read(folder.path()).expect_err("no plan").to_string();
        assert!(error.contains("sweep.toml"), "{error}");
    }

    #[test]
    fn drawn_values_are_in_their_ranges_and_repeat() {
        let texts = [
            "optimizer.learning_rate=1e-5..1e-2:log",
            "sampler.steps=1..3",
            "training.data_noise=0.0..0.5",
        ];
        let drawn = |trials: usize| {
            let sweep = Sweep::random(&config(), trials, ranges(&texts)).expect("it is valid");
            let folder = tempfile::tempdir().expect("a temporary folder");
            sweep.write(folder.path()).expect("it is empty");
            assert_eq!(Sweep::read(folder.path()).expect("it is there"), sweep);
            let trials = sweep.trials().expect("they are valid");
            let values = trials.iter().map(|trial| {
                let config = trial.config.to_toml().expect("plain values");
                let config: Table = config.parse().expect("TOML");
                let steps = config["sampler"]["steps"].as_integer().expect("whole");
                let rate = trial.config.optimizer.learning_rate();
                (rate, steps, trial.config.training.data_noise)
            });
            values.collect::<Vec<_>>()
        };
        let found = drawn(200);
        assert_eq!(found[..20], drawn(20));
        assert!(found.iter().all(|(rate, ..)| (1e-5..=1e-2).contains(rate)));
        // Half are below the geometric mean: 100 of 200, 57 off with probability below 1e-15.
        let low = found.iter().filter(|(rate, ..)| *rate < 10_f64.powf(-3.5));
        assert!((43..=157).contains(&low.count()));
        for steps in 1..=3 {
            assert!(found.iter().any(|(_, found, _)| *found == steps), "{steps}");
        }
        assert!(
            found
                .iter()
                .all(|(_, steps, noise)| (1..=3).contains(steps) && (0.0..=0.5).contains(noise))
        );
        // Another seed draws others.
        let other = RunConfig {
            seed: 99,
            ..config()
        };
        let other = Sweep::random(&other, 20, ranges(&texts)).expect("it is valid");
        let rate = other.trials().expect("valid")[0]
            .config
            .optimizer
            .learning_rate();
        assert!((rate - found[0].0).abs() > 1e-12);
    }

    #[test]
    fn what_cannot_be_swept_over_is_named_by_its_flag() {
        for (text, needle) in [
            ("sampler.steps", "no `=`"),
            ("=1", "key is empty"),
            ("sampler.steps=1,,2", "empty value"),
            ("sampler.steps=1,1", "1 twice"),
        ] {
            let error = text.parse::<GridAxis>().expect_err(text).to_string();
            assert!(
                error.starts_with("`--grid ") && error.contains(needle),
                "{error}"
            );
        }
        for (text, needle) in [
            ("a=1", "`..`"),
            ("a=1..x", "`x`"),
            ("a=2..1", "2 to 1"),
            ("a=0..1:log", "above 0"),
            ("a=1..2:ln", "`ln`"),
            ("a=1..inf", "`inf`"),
        ] {
            let error = text.parse::<RandomRange>().expect_err(text).to_string();
            assert!(
                error.starts_with("`--range ") && error.contains(needle),
                "{error}"
            );
        }
        for (texts, needles) in [
            (
                &["sampler.stesp=1,2"][..],
                &["--grid", "trial-001", "stesp", "steps"][..],
            ),
            (&["sampler.steps=2,-1"], &["trial-002", "sampler.steps=-1"]),
            (&["seed=1", "seed=2"], &["seed", "twice"]),
        ] {
            let error = grid(texts).expect_err("it isn't valid").to_string();
            for needle in needles {
                assert!(error.contains(needle), "{needle}: {error}");
            }
        }
        let many: Vec<String> = (0..40).map(|seed| seed.to_string()).collect();
        let many = many.join(",");
        let error = grid(&[&format!("seed={many}"), &format!("sampler.steps={many}")]);
        let error = error.expect_err("too many").to_string();
        assert!(error.contains("1600 trials"), "{error}");
        for trials in [0, 1000] {
            let error = Sweep::random(&config(), trials, ranges(&["seed=1..5"]));
            assert!(
                error
                    .expect_err("too many")
                    .to_string()
                    .contains("--random")
            );
        }
    }
}
