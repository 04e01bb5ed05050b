//! What can be wrong with a sweep.

use std::path::PathBuf;

/// A sweep that can't be made, or isn't the one that is in its folder.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SweepError {
    /// A flag says nothing that can be swept over.
    #[error("`{flag} {text}`: {message}; write {example}")]
    Flag {
        /// The flag.
        flag: &'static str,
        /// What was written after it.
        text: String,
        /// What was found and what was expected.
        message: String,
        /// How it is written.
        example: &'static str,
    },
    /// More trials than anybody waits for.
    #[error("`{flag}`: found {count} trials, expected 1 to {most}")]
    Count {
        /// The flag.
        flag: &'static str,
        /// How many trials it makes.
        count: u128,
        /// The most that are made.
        most: usize,
    },
    /// A trial's configuration is wrong.
    #[error("`{flag}`: {trial}, with {changes}: {message}")]
    Trial {
        /// The flag that its values come from.
        flag: &'static str,
        /// Its name.
        trial: String,
        /// Its values.
        changes: String,
        /// What is wrong.
        message: String,
    },
    /// There is a plan, and it is another one.
    #[error("{} is the plan of another sweep: its {part} is {found}, and now it would be {expected}; choose another folder with `--out DIR`, or go on with that sweep by `ebm sweep {}`", path.display(), folder(path))]
    OtherPlan {
        /// The plan.
        path: PathBuf,
        /// What differs first.
        part: String,
        /// What it is there.
        found: String,
        /// What it would be.
        expected: String,
    },
    /// There is no plan.
    #[error("there is no {}: a sweep is begun by `ebm sweep --out DIR --grid KEY=V1,V2`", path.display())]
    NoPlan {
        /// The file that would be it.
        path: PathBuf,
    },
    /// A plan can't be read.
    #[error("{} isn't the plan of a sweep: {message}", path.display())]
    Plan {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        message: String,
    },
}

/// The folder of a plan.
fn folder(plan: &std::path::Path) -> String {
    let folder = plan.parent().unwrap_or(plan);
    folder.display().to_string()
}
