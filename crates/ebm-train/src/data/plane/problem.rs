//! Which problems of the plane there are, by name.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Which problem of the plane.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PlaneProblem {
    /// Two interleaved half circles, as [`two_moons`](super::two_moons()) has them.
    TwoMoons,
    /// Three circles around the origin, of radius 0.4, 0.8 and 1.2; points are uniform along all of
    /// them.
    Rings,
    /// Every second square of a board of 4 x 4 squares with sides of 0.6.
    Checkerboard,
    /// Five arms that wind around the origin, after Johnson et al. 2016.
    Pinwheel,
    /// Eight Gaussians of equal weight, evenly on a circle of radius 1.
    Gaussians,
}

/// A name that is no problem's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no problem of the plane `{found}`: choose one of {known}")]
pub struct UnknownPlaneProblem {
    /// What was asked for.
    pub found: String,
    /// The names there are.
    pub known: String,
}

impl PlaneProblem {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::TwoMoons,
        Self::Rings,
        Self::Checkerboard,
        Self::Pinwheel,
        Self::Gaussians,
    ];

    /// Its name, as a configuration has it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::TwoMoons => "two_moons",
            Self::Rings => "rings",
            Self::Checkerboard => "checkerboard",
            Self::Pinwheel => "pinwheel",
            Self::Gaussians => "gaussians",
        }
    }

    /// Its name in a sentence.
    pub const fn title(self) -> &'static str {
        match self {
            Self::TwoMoons => "two moons",
            Self::Rings => "rings",
            Self::Checkerboard => "checkerboard",
            Self::Pinwheel => "pinwheel",
            Self::Gaussians => "Gaussians",
        }
    }

    /// The noise that shows the problem best, see [`Plane::with_noise`](super::Plane::with_noise)
    /// for its meaning.
    pub const fn default_noise(self) -> f64 {
        match self {
            Self::TwoMoons | Self::Gaussians => 0.1,
            Self::Rings => 0.06,
            Self::Checkerboard => 0.02,
            Self::Pinwheel => 0.07,
        }
    }
}

impl fmt::Display for PlaneProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for PlaneProblem {
    type Err = UnknownPlaneProblem;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|problem| problem.name() == text)
            .ok_or_else(|| UnknownPlaneProblem {
                found: text.to_string(),
                known: Self::ALL.map(Self::name).join(", "),
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_they_are_written() {
        for problem in PlaneProblem::ALL {
            assert_eq!(problem.name().parse(), Ok(problem));
        }
        let error = "spiral".parse::<PlaneProblem>();
        let error = error.map_or_else(|error| error.to_string(), |found| found.to_string());
        assert!(
            error.contains("`spiral`") && error.contains("rings"),
            "{error}"
        );
    }
}
