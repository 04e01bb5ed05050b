//! What an update has to tell: a few numbers that every update has, and scalars by name.

use burn::tensor::Tensor;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

/// How the values of several updates become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Combine {
    /// Their mean.
    Mean,
    /// Their sum: for counts.
    Sum,
}

/// A number that updates tell by name. Whoever trains may make scalars of their own; those that
/// this crate tells are constants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Scalar {
    /// Its name, as in `metrics.jsonl`: small letters and underscores.
    pub name: &'static str,
    /// How the values of several updates become one.
    pub combine: Combine,
    /// Whether it is an energy: an update whose energies aren't finite, or are beyond the recipe's
    /// limit, is refused.
    pub is_energy: bool,
}

impl Scalar {
    /// Mean energy of the batch, in the model's unit.
    pub const DATA_ENERGY: Self = Self::energy("data_energy");
    /// Mean energy of the samples, in the same unit.
    pub const SAMPLE_ENERGY: Self = Self::energy("sample_energy");
    /// `sample_energy - data_energy`, where an update tells both: positive where the model prefers
    /// the data.
    pub const GAP: Self = Self::mean("gap");
    /// Root mean square distance, per value, that the chains of this update moved.
    pub const DISPLACEMENT: Self = Self::mean("displacement");
    /// Mean share of accepted proposals, for samplers that reject.
    pub const ACCEPTANCE: Self = Self::mean("acceptance");
    /// Steps of chains that were not finite and sent the chain back to where it started; for
    /// samplers that don't reject.
    pub const RESETS: Self = Self::count("resets");
    /// Share of the chains of this update that were outliers, or frozen, and start anew.
    pub const EVICTED: Self = Self::mean("evicted");
    /// 1 where the limit of the contrastive term was reached, else 0: over several updates, the
    /// share of those that learned nothing by it.
    pub const CLAMPED: Self = Self::mean("clamped");
    /// The penalty of the energy's slope, its factor included.
    pub const GRADIENT_PENALTY: Self = Self::mean("gradient_penalty");

    /// A number whose mean over updates means something.
    pub const fn mean(name: &'static str) -> Self {
        Self {
            name,
            combine: Combine::Mean,
            is_energy: false,
        }
    }

    /// A number of events.
    pub const fn count(name: &'static str) -> Self {
        Self {
            name,
            combine: Combine::Sum,
            is_energy: false,
        }
    }

    /// An energy.
    pub const fn energy(name: &'static str) -> Self {
        Self {
            name,
            combine: Combine::Mean,
            is_energy: true,
        }
    }
}

/// Scalars on the device, `[1]` each, until an update reads them back.
pub type DeviceScalars = Vec<(Scalar, Tensor<1>)>;

/// What one update has to tell.
#[derive(Clone, Debug, PartialEq)]
pub struct Metrics {
    /// The number of updates so far, this one included.
    pub step: u64,
    /// The objective.
    pub loss: f64,
    /// Norm of the gradient before clipping.
    pub gradient_norm: f64,
    /// Learning rate of this update.
    pub learning_rate: f64,
    /// All else that it tells, by name.
    pub scalars: Vec<(Scalar, f64)>,
}

/// What became of an update.
#[derive(Clone, Debug, PartialEq)]
pub enum StepOutcome {
    /// The parameters moved.
    Applied(Metrics),
    /// Objective or gradient were not finite, or an energy beyond the limit: nothing changed but
    /// the step number, the noise and the place in the data.
    Refused(Metrics),
}

impl StepOutcome {
    /// What the update has to tell, whatever became of it.
    pub fn metrics(&self) -> &Metrics {
        match self {
            Self::Applied(metrics) | Self::Refused(metrics) => metrics,
        }
    }
}

impl Metrics {
    /// The one read-back of an update.
    pub(crate) fn read_back(
        step: u64,
        learning_rate: f64,
        loss: Tensor<1>,
        gradient_norm: Option<Tensor<1>>,
        scalars: DeviceScalars,
    ) -> Self {
        let (names, tensors): (Vec<Scalar>, Vec<Tensor<1>>) = scalars.into_iter().unzip();
        let has_norm = gradient_norm.is_some();
        let all = [loss].into_iter().chain(tensors).chain(gradient_norm);
        let values = Tensor::cat(all.collect(), 0).into_data().convert::<f32>();
        let mut values = values.iter::<f32>().map(f64::from);
        let mut next = || values.next().unwrap_or(f64::NAN);
        let loss = next();
        let mut scalars: Vec<(Scalar, f64)> =
            names.into_iter().map(|name| (name, next())).collect();
        let gradient_norm = if has_norm { next() } else { 0.0 };
        let place = |wanted| scalars.iter().position(|(scalar, _)| *scalar == wanted);
        if let (Some(data), Some(samples)) =
            (place(Scalar::DATA_ENERGY), place(Scalar::SAMPLE_ENERGY))
        {
            let gap = scalars[samples].1 - scalars[data].1;
            scalars.insert(data.max(samples) + 1, (Scalar::GAP, gap));
        }
        Self {
            step,
            loss,
            gradient_norm,
            learning_rate,
            scalars,
        }
    }

    /// A scalar, if the update told it.
    pub fn get(&self, scalar: Scalar) -> Option<f64> {
        let found = self.scalars.iter().find(|(told, _)| *told == scalar);
        found.map(|(_, value)| *value)
    }

    /// Mean energy of the batch; not a number where the objective doesn't tell it.
    pub fn data_energy(&self) -> f64 {
        self.get(Scalar::DATA_ENERGY).unwrap_or(f64::NAN)
    }

    /// Mean energy of the samples; not a number where the objective has none.
    pub fn sample_energy(&self) -> f64 {
        self.get(Scalar::SAMPLE_ENERGY).unwrap_or(f64::NAN)
    }

    /// Whether objective, energies and gradient are finite.
    pub fn is_finite(&self) -> bool {
        let mut all = [self.loss, self.gradient_norm]
            .into_iter()
            .chain(self.energies());
        all.all(f64::is_finite)
    }

    /// The largest energy without its sign; 0 where none is told.
    pub(crate) fn largest_energy(&self) -> f64 {
        self.energies().map(f64::abs).fold(0.0, f64::max)
    }

    fn energies(&self) -> impl Iterator<Item = f64> {
        let energies = self.scalars.iter().filter(|(scalar, _)| scalar.is_energy);
        energies.map(|(_, value)| *value)
    }

    /// The metrics of several updates as one: the step and the learning rate of the last, and of
    /// each number that the last tells the mean or the sum; `None` if there are none.
    pub fn combine(updates: &[Self]) -> Option<Self> {
        let last = updates.last()?;
        let count = updates.len() as f64;
        let mean = |value: fn(&Self) -> f64| updates.iter().map(value).sum::<f64>() / count;
        let scalars = last.scalars.iter().map(|&(scalar, _)| {
            let values = updates.iter().filter_map(|metrics| metrics.get(scalar));
            let total: f64 = values.sum();
            let value = match scalar.combine {
                Combine::Mean => total / count,
                Combine::Sum => total,
            };
            (scalar, value)
        });
        Some(Self {
            step: last.step,
            loss: mean(|metrics| metrics.loss),
            gradient_norm: mean(|metrics| metrics.gradient_norm),
            learning_rate: last.learning_rate,
            scalars: scalars.collect(),
        })
    }
}

impl Serialize for Metrics {
    /// As one map, in which scalars stand by their names.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(4 + self.scalars.len()))?;
        map.serialize_entry("step", &self.step)?;
        map.serialize_entry("loss", &self.loss)?;
        for (scalar, value) in &self.scalars {
            map.serialize_entry(scalar.name, value)?;
        }
        map.serialize_entry("gradient_norm", &self.gradient_norm)?;
        map.serialize_entry("learning_rate", &self.learning_rate)?;
        map.end()
    }
}
