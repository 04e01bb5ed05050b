//! The unit of energies as results in JSON say it.

use ebm::run::config::EnergyUnit;
use serde::Serialize;

/// A part of a result, whose keys stand among the others.
#[derive(Clone, Copy, Serialize)]
pub(super) struct Unit {
    /// `nats`, or `model units`, of which `temperature` are a nat.
    #[serde(rename = "unit")]
    pub(super) name: &'static str,
    /// The temperature of the run's sampler, where energies aren't in nats.
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
}

impl From<EnergyUnit> for Unit {
    fn from(unit: EnergyUnit) -> Self {
        Self {
            name: unit.name(),
            temperature: match unit {
                EnergyUnit::Nats => None,
                EnergyUnit::Model { temperature } => Some(temperature),
            },
        }
    }
}
