//! Data sets in memory and the readers of their files: folders of images in the [`FORMATS`] on a
//! list, embedded digits, problems of the plane.
//!
//! Nothing here knows a tensor: images are bytes, points are `f32`, both on the host. Every reader
//! checks what it reads, and every error says in one line where, what was found, what was expected,
//! and what to do.
//!
//! [`load_folder`] is the door for a path that a user gives; [`digits`](digits()) needs none.

mod binarize;
mod buffer;
mod dataset;
mod decode;
mod digits;
mod error;
mod files;
pub mod formats;
mod hold_out;
pub mod idx;
mod image_options;
mod labels;
mod plane;
mod read_options;
mod scaling;
mod survey;
mod turns;
mod whole;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use binarize::Binarize;
pub use dataset::Images;
pub use digits::digits;
pub use error::DataError;
pub use files::{load_image_files, load_image_files_like};
pub use formats::{FORMATS, Format, has_split, load_folder, sniff};
pub use hold_out::hold_out;
pub use image_options::{Fit, ImageOptions};
pub use labels::Labels;
pub use plane::{
    PLANE_RANGE, Plane, PlaneDensity, PlaneProblem, Points, UnknownPlaneProblem, two_moons,
};
pub use read_options::ReadOptions;
pub use survey::Survey;

/// Which part of a data set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Split {
    /// What a model is trained on.
    #[default]
    Train,
    /// What it is judged by.
    Test,
}

impl fmt::Display for Split {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Train => "train",
            Self::Test => "test",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_are_written_as_they_are_read() {
        assert_eq!(
            [Split::Train, Split::Test].map(|split| split.to_string()),
            ["train", "test"]
        );
    }
}
