//! What the energies of a run are measured in.

use std::fmt::{self, Display, Formatter};

use super::{ModelConfig, RunConfig, SamplerConfig};
use crate::kinds::WeightsLayout;
use crate::text::number::number;

/// A temperature that differs by less, as a share, from 1 is 1: noise and step size rarely say it
/// exactly.
const TOLERANCE: f64 = 1e-3;

/// The unit of energies, and of what is made of them: gaps, and gradients for each unit of `x`.
///
/// Energies are in nats where the distribution is `exp(-E(x)) / Z`. Chains of a run follow
/// `exp(-E(x) / T)` with the temperature `T` of its sampler, so that a network that was trained at
/// another temperature than 1 has energies in units of its own, and `E / T` is in nats. Written
/// out, it goes between brackets after a name: `energy (nats)`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum EnergyUnit {
    /// The distribution is `exp(-E(x)) / Z`.
    Nats,
    /// The model's own.
    Model {
        /// The temperature of the run's sampler, 0 or more.
        temperature: f64,
    },
}

impl EnergyUnit {
    /// The unit of the energies of a model that is trained with a sampler.
    ///
    /// Machines have nats whatever moves their chains, since their likelihoods and partition
    /// functions are those of `exp(-E)`.
    pub fn of(model: &ModelConfig, sampler: &SamplerConfig) -> Self {
        let temperature = sampler.temperature();
        match model.weights().layout {
            WeightsLayout::Smooth { .. } if (temperature - 1.0).abs() > TOLERANCE => {
                Self::Model { temperature }
            }
            _ => Self::Nats,
        }
    }

    /// Its name: `nats` or `model units`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Nats => "nats",
            Self::Model { .. } => "model units",
        }
    }

    /// What has to be said where it isn't nats, as a sentence.
    pub fn explanation(&self) -> Option<String> {
        match *self {
            Self::Nats => None,
            Self::Model { temperature: 0.0 } => Some(
                "Energies are in units of the model's own: the sampler's temperature is 0.".into(),
            ),
            Self::Model { temperature } => Some(format!(
                "Energies are in units of the model's own: the sampler's temperature is {0}, and energies divided by {0} are in nats.",
                number(temperature)
            )),
        }
    }
}

impl Display for EnergyUnit {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.name())?;
        match *self {
            Self::Nats => Ok(()),
            Self::Model { temperature } => {
                write!(f, "; the sampler's temperature is {}", number(temperature))
            }
        }
    }
}

impl RunConfig {
    /// What the energies of the run are measured in.
    pub fn energy_unit(&self) -> EnergyUnit {
        EnergyUnit::of(&self.model, &self.sampler)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::ConfigTable;

    fn unit(preset: &str, changes: &[&str]) -> EnergyUnit {
        let mut table = ConfigTable::from_preset(preset).expect("it exists");
        for change in changes {
            table.set(change).expect("a change");
        }
        table.read().expect("a configuration").energy_unit()
    }

    #[test]
    fn networks_have_nats_at_temperature_1_alone_and_machines_always() {
        for machine in ["rbm-digits", "dbm-mnist", "hopfield-digits"] {
            assert_eq!(unit(machine, &[]), EnergyUnit::Nats, "{machine}");
        }
        for at_one in ["two-moons", "rings"] {
            assert_eq!(unit(at_one, &[]), EnergyUnit::Nats, "{at_one}");
        }
        let digits = unit("digits", &[]);
        assert_eq!(
            digits.to_string(),
            "model units; the sampler's temperature is 4.5e-5"
        );
        let explained = digits.explanation().expect("it isn't nats");
        assert!(
            explained.contains("divided by 4.5e-5 are in nats"),
            "{explained}"
        );
        // sqrt(2 * 10): a temperature of 1 up to rounding.
        assert_eq!(unit("digits", &["sampler.noise=4.4721"]), EnergyUnit::Nats);
        let cold = unit("digits", &["sampler.noise=0.0"]);
        assert_eq!(
            cold.to_string(),
            "model units; the sampler's temperature is 0"
        );
        let hot = unit("rings", &["sampler.temperature=2.0"]);
        assert_eq!(hot, EnergyUnit::Model { temperature: 2.0 });
    }
}
