//! Simulated annealing of a pairwise machine: sweeps at falling temperatures.

use std::fmt;

use burn::tensor::Tensor;
use ebm_models::PairwiseMachine;
use ebm_ops::Noise;
use serde::{Deserialize, Serialize};

use crate::gibbs::SingleSiteGibbs;
use crate::kernel::Kernel;

/// Temperatures from `start` to `end`, one a sweep, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Unchecked")]
pub struct TemperatureSchedule {
    cooling: Cooling,
    start: f64,
    end: f64,
    steps: usize,
}

/// How the temperature goes from its start to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cooling {
    /// `T_k = start (end / start)^(k / (steps - 1))` (Kirkpatrick, Gelatt & Vecchi 1983).
    Geometric,
    /// `T_k = start + (end - start) k / (steps - 1)`; may end at 0.
    Linear,
}

/// A schedule that can't be followed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum TemperatureScheduleError {
    /// A temperature that isn't finite, is negative, or is zero where it must be positive.
    Temperature {
        /// Which one: `"start"` or `"end"`.
        name: &'static str,
        /// What was found.
        found: f64,
        /// How the temperature falls.
        cooling: Cooling,
    },
    /// No step at all.
    NoSteps,
}

impl fmt::Display for TemperatureScheduleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Temperature {
                name,
                found,
                cooling: Cooling::Geometric,
            } => write!(
                f,
                "{name} of a geometric schedule must be above 0, found {found}; a linear one may end at 0"
            ),
            Self::Temperature { name, found, .. } => {
                write!(
                    f,
                    "{name} of a linear schedule must be 0 or more, found {found}"
                )
            }
            Self::NoSteps => write!(f, "steps must be 1 or more, found 0"),
        }
    }
}

impl std::error::Error for TemperatureScheduleError {}

/// A schedule as it is written, before its values are checked.
#[derive(Deserialize)]
struct Unchecked {
    cooling: Cooling,
    start: f64,
    end: f64,
    steps: usize,
}

impl TryFrom<Unchecked> for TemperatureSchedule {
    type Error = TemperatureScheduleError;

    fn try_from(raw: Unchecked) -> Result<Self, TemperatureScheduleError> {
        Self::new(raw.cooling, raw.start, raw.end, raw.steps)
    }
}

impl TemperatureSchedule {
    /// `steps` temperatures from `start` to `end`, in nats.
    ///
    /// # Errors
    ///
    /// If a temperature isn't finite, or is negative, or zero for [`Cooling::Geometric`]; or if
    /// there is no step.
    pub fn new(
        cooling: Cooling,
        start: f64,
        end: f64,
        steps: usize,
    ) -> Result<Self, TemperatureScheduleError> {
        for (name, found) in [("start", start), ("end", end)] {
            let allowed = match cooling {
                Cooling::Geometric => found > 0.0,
                Cooling::Linear => found >= 0.0,
            };
            if !allowed || !found.is_finite() {
                return Err(TemperatureScheduleError::Temperature {
                    name,
                    found,
                    cooling,
                });
            }
        }
        if steps == 0 {
            return Err(TemperatureScheduleError::NoSteps);
        }
        Ok(Self {
            cooling,
            start,
            end,
            steps,
        })
    }

    /// [`Cooling::Geometric`], see [`new`](Self::new).
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    pub fn geometric(start: f64, end: f64, steps: usize) -> Result<Self, TemperatureScheduleError> {
        Self::new(Cooling::Geometric, start, end, steps)
    }

    /// [`Cooling::Linear`], see [`new`](Self::new).
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    pub fn linear(start: f64, end: f64, steps: usize) -> Result<Self, TemperatureScheduleError> {
        Self::new(Cooling::Linear, start, end, steps)
    }

    /// The number of temperatures.
    pub fn steps(&self) -> usize {
        self.steps
    }

    /// The temperatures in the order of use; of a single one, `start`.
    pub fn temperatures(&self) -> impl Iterator<Item = f64> {
        let schedule = *self;
        (0..self.steps).map(move |step| schedule.at(step))
    }

    fn at(&self, step: usize) -> f64 {
        // Exactly the ends, whatever the rounding between them.
        if step == 0 {
            return self.start;
        }
        if step + 1 == self.steps {
            return self.end;
        }
        let fraction = step as f64 / (self.steps - 1) as f64;
        match self.cooling {
            Cooling::Geometric => self.start * (self.end / self.start).powf(fraction),
            Cooling::Linear => self.start + (self.end - self.start) * fraction,
        }
    }
}

/// Where annealed chains ended.
#[derive(Clone, Debug)]
pub struct Annealed {
    /// The states after the last sweep: `[batch, units]`.
    pub last: Tensor<2>,
    /// For each unit the value that it had more often after the last sweeps, the sign of the
    /// average of its states; at a draw that of the last sweep. `[batch, units]`
    pub majority: Tensor<2>,
}

/// Sweeps once at each temperature of the schedule, and returns the last states with the majority
/// of the last `average_last` of them.
///
/// `sweep` says in which order units are visited and how many of them are clamped; its temperature
/// isn't used. Clamped visible units turn this into the completion of a pattern. Nothing is read
/// back from the device.
///
/// Source: Kirkpatrick, Gelatt & Vecchi, Science 220 (1983); Ackley, Hinton & Sejnowski, Cognitive
/// Science 9 (1985).
///
/// # Shapes
///
/// - `states`: `[batch, units]`
///
/// # Panics
///
/// If a state hasn't `units` values, or `average_last` isn't in `1..=steps`.
pub fn anneal<M: PairwiseMachine>(
    machine: &M,
    states: Tensor<2>,
    schedule: &TemperatureSchedule,
    sweep: &SingleSiteGibbs,
    average_last: usize,
    noise: &mut Noise,
) -> Annealed {
    let steps = schedule.steps();
    assert!(
        (1..=steps).contains(&average_last),
        "the last {average_last} of {steps} states can't be averaged"
    );
    let mut chains = SingleSiteGibbs {
        temperature: 0.0,
        ..*sweep
    }
    .init(machine, states);
    let mut sum: Option<Tensor<2>> = None;
    for (step, temperature) in schedule.temperatures().enumerate() {
        let kernel = SingleSiteGibbs {
            temperature,
            ..*sweep
        };
        (chains, _) = kernel.step(machine, chains, noise);
        if step + average_last >= steps {
            let now = chains.position();
            sum = Some(sum.map_or_else(|| now.clone(), |sum| sum + now.clone()));
        }
    }
    let last = chains.position();
    let coding = machine.coding();
    let middle = 0.5 * (coding.low() + coding.high()) * average_last as f64;
    let majority = sum.map_or_else(
        || last.clone(),
        |sum| {
            // Sums are exact, and differ from the middle by multiples of 1/2.
            let high = sum.clone().greater_scalar(middle);
            let low = sum.lower_scalar(middle);
            let majority = last.clone().mask_fill(high, coding.high());
            majority.mask_fill(low, coding.low())
        },
    );
    Annealed { last, majority }
}
