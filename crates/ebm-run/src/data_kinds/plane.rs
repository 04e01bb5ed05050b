//! The problems of the plane, all of which have the same keys: their names are the kinds.

use std::path::PathBuf;

use ebm_train::Examples;
use ebm_train::data::{PLANE_RANGE, Plane, PlaneProblem, Split, UnknownPlaneProblem};
use ebm_train::keys::{InvalidValue, check_count, check_not_negative};
use serde::{Deserialize, Serialize};

use super::{DataKind, ExamplesRequest};
use crate::error::RunError;

ebm_train::keys! {
/// Keys of a problem of the plane.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlaneConfig {
    /// Number of points, 1 to 100,000,000.
    #[serde(default = "PlaneConfig::default_count")]
    pub count: usize,
    /// Standard deviation, 0 or more, of the noise around moons, rings and centres, of the board's
    /// edges, or across the pinwheel's arms; absent: what shows the problem best. It is in units of
    /// the plane, where rings have radii of 0.4, 0.8 and 1.2, squares sides of 0.6, and centres lie
    /// on a circle of radius 1; for two moons in their radius.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub noise: Option<f64>,
}
}

impl PlaneConfig {
    fn default_count() -> usize {
        10_000
    }

    /// The problem whose name is the kind.
    fn of_kind(&self, kind: &'static str) -> Result<Plane, UnknownPlaneProblem> {
        let plane = Plane::new(kind.parse()?);
        Ok(match self.noise {
            Some(noise) => plane.with_noise(noise),
            None => plane,
        })
    }
}

impl DataKind for PlaneConfig {
    fn place(&self, kind: &'static str) -> PathBuf {
        let title = kind.parse().map_or(kind, PlaneProblem::title);
        format!("the {title}").into()
    }

    fn range(&self) -> (f64, f64) {
        PLANE_RANGE
    }

    fn validate(&self) -> Result<(), InvalidValue> {
        check_count("data.count", self.count, 100_000_000)?;
        check_not_negative("data.noise", self.noise.unwrap_or(0.0))
    }

    fn plane(&self, kind: &'static str) -> Option<(Plane, usize)> {
        Some((self.of_kind(kind).ok()?, self.count))
    }

    fn examples(&self, request: ExamplesRequest<'_>) -> Result<Examples<4>, RunError> {
        let plane = self.of_kind(request.kind).map_err(|error| InvalidValue {
            key: "data.kind",
            found: error.found,
            expected: error.known,
        })?;
        let (count, device, noise) = (self.count, request.device, request.noise);
        let points = match request.split {
            Split::Train => Examples::from_plane(&plane, count, device, noise),
            // Held-out points come from a stream of their own.
            Split::Test => Examples::from_plane(&plane, count, device, &mut noise.split()),
        };
        Ok(points.reshaped([count, 2, 1, 1]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data_kinds::DataConfig;

    fn of_kind(kind: &str) -> DataConfig {
        serde_json::from_value(serde_json::json!({ "kind": kind })).expect("no key is needed")
    }

    #[test]
    fn every_problem_is_a_kind_and_no_kind_has_another_name() {
        for problem in PlaneProblem::ALL {
            let data = of_kind(problem.name());
            let (plane, count) = data.plane().expect("points of the plane");
            assert_eq!((plane, count), (Plane::new(problem), 10_000));
            assert!(!data.is_image());
        }
        let kinds = DataConfig::NAMES
            .iter()
            .filter(|kind| !of_kind(kind).is_image());
        assert_eq!(kinds.count(), PlaneProblem::ALL.len());
    }

    #[test]
    fn places_are_named_in_words() {
        let places = ["two_moons", "gaussians"].map(|kind| of_kind(kind).place());
        assert_eq!(
            places,
            ["the two moons", "the Gaussians"].map(PathBuf::from)
        );
    }
}
