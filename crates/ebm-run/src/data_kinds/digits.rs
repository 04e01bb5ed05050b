//! The embedded digits.

use std::path::PathBuf;

use ebm_train::Examples;
use ebm_train::data::{self, Binarize};
use serde::{Deserialize, Serialize};

use super::{DataKind, ExamplesRequest, default_range, images};
use crate::error::RunError;

ebm_train::keys! {
/// Keys of the embedded digits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DigitsConfig {
    /// What the darkest and the brightest pixel are mapped to, the lower first.
    #[serde(default = "default_range")]
    pub range: [f64; 2],
    /// How grey pixels become black or white: `"threshold"` (white from 128 up) or `"sample"`
    /// (white with the pixel's value as probability, drawn once, the same for every run); absent:
    /// they stay grey.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub binarize: Option<Binarize>,
    /// Use only the first so many examples, 1 or more; absent: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
}
}

impl DataKind for DigitsConfig {
    fn place(&self, _kind: &'static str) -> PathBuf {
        "the embedded digits".into()
    }

    fn range(&self) -> (f64, f64) {
        self.range.into()
    }

    fn limit(&self) -> Option<usize> {
        self.limit
    }

    fn binarize(&self) -> Option<Binarize> {
        self.binarize
    }

    fn examples(&self, request: ExamplesRequest<'_>) -> Result<Examples<4>, RunError> {
        let images = data::digits(request.split)?;
        Ok(images::upload(self, images, &request))
    }
}
