//! Configurations that work, by name.

use crate::error::ConfigError;
use crate::text::suggestion::did_you_mean;

/// Name and text of every preset.
pub const PRESETS: [(&str, &str); 14] = [
    ("digits", include_str!("../../presets/digits.toml")),
    (
        "fashion-mnist",
        include_str!("../../presets/fashion-mnist.toml"),
    ),
    ("mnist", include_str!("../../presets/mnist.toml")),
    ("cifar10", include_str!("../../presets/cifar10.toml")),
    ("dbm-mnist", include_str!("../../presets/dbm-mnist.toml")),
    (
        "hopfield-digits",
        include_str!("../../presets/hopfield-digits.toml"),
    ),
    ("rbm-digits", include_str!("../../presets/rbm-digits.toml")),
    (
        "rbm-fashion-mnist",
        include_str!("../../presets/rbm-fashion-mnist.toml"),
    ),
    ("rbm-mnist", include_str!("../../presets/rbm-mnist.toml")),
    (
        "checkerboard",
        include_str!("../../presets/checkerboard.toml"),
    ),
    ("gaussians", include_str!("../../presets/gaussians.toml")),
    ("pinwheel", include_str!("../../presets/pinwheel.toml")),
    ("rings", include_str!("../../presets/rings.toml")),
    ("two-moons", include_str!("../../presets/two-moons.toml")),
];

/// The text of a preset.
///
/// # Errors
///
/// If there is none of this name.
pub fn preset(name: &str) -> Result<&'static str, ConfigError> {
    PRESETS
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, text)| *text)
        .ok_or_else(|| ConfigError::UnknownPreset {
            name: name.to_string(),
            known: format!(
                "{}{}",
                PRESETS.map(|(known, _)| known).join(", "),
                did_you_mean(name, PRESETS.map(|(known, _)| known))
            ),
        })
}
