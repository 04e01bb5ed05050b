//! A sweep: one configuration with some of its keys at several values.

use std::str::FromStr;

use ebm_ops::Noise;
use serde::{Deserialize, Serialize};
use toml::{Table, Value};

use super::split::values;
use super::trial::Trial;
use crate::comparison::shown;
use crate::config::{ConfigTable, RunConfig};
use crate::error::{RunError, SweepError};

/// Most trials of a sweep.
const MOST: usize = 999;
/// The flags of the two kinds of sweeps.
const GRID: &str = "--grid";
const RANGE: &str = "--range";
const RANDOM: &str = "--random";
/// Significant digits of numbers that are drawn: more would tell nothing, and fill tables.
const DIGITS: usize = 4;

/// What tells the seed of a sweep's values from that of its runs: `sweep` in ASCII.
const OWN_STREAM: u64 = 0x73_7765_6570;

/// The plan of a sweep: what all trials have in common, and what each has for itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sweep {
    /// Trials with values that are drawn; 0: every combination of the values of `grid`.
    #[serde(default, skip_serializing_if = "is_zero")]
    random: usize,
    /// Keys with their values.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    grid: Vec<GridAxis>,
    /// Keys with the ranges that their values are drawn from.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    range: Vec<RandomRange>,
    /// The configuration that they are changed in.
    config: Table,
}

/// A key and its values: parsed from `key=v1,v2`, with values as in TOML, or text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GridAxis {
    /// The key with its section.
    key: String,
    /// Its values; `"none"` leaves the key out.
    values: Vec<Value>,
}

/// A key and the range that its values are drawn from: parsed from `key=low..high`, both ends
/// included, and `key=low..high:log` for a logarithm that is uniform. Between two whole numbers
/// whole numbers are drawn.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RandomRange {
    /// The key with its section.
    key: String,
    /// The lowest value.
    low: Value,
    /// The highest.
    high: Value,
    /// Whether the logarithm is uniform, not the value.
    #[serde(default)]
    log: bool,
}

impl Sweep {
    /// All combinations of the values of `grid`, the last key changing fastest.
    ///
    /// # Errors
    ///
    /// If there are more than 999, a key is there twice, or a trial has no valid configuration.
    pub fn grid(config: &RunConfig, grid: Vec<GridAxis>) -> Result<Self, RunError> {
        Self::checked(config, 0, grid, Vec::new())
    }

    /// `trials` times a value of each range, drawn by the seed of the configuration.
    ///
    /// # Errors
    ///
    /// As for [`grid`](Self::grid).
    pub fn random(
        config: &RunConfig,
        trials: usize,
        range: Vec<RandomRange>,
    ) -> Result<Self, RunError> {
        if trials == 0 {
            return Err(too_many(RANDOM, 0).into());
        }
        Self::checked(config, trials, Vec::new(), range)
    }

    fn checked(
        config: &RunConfig,
        random: usize,
        grid: Vec<GridAxis>,
        range: Vec<RandomRange>,
    ) -> Result<Self, RunError> {
        let text = config.clone().with_absolute_paths().to_toml()?;
        let sweep = Self {
            random,
            grid,
            range,
            config: text.parse().unwrap_or_default(),
        };
        sweep.trials()?;
        Ok(sweep)
    }

    /// The configuration that keys are changed in.
    ///
    /// # Errors
    ///
    /// If this version can't read it.
    pub fn config(&self) -> Result<RunConfig, RunError> {
        let table = ConfigTable::from_sections(self.config.clone(), "the plan's config".into());
        Ok(table.read()?)
    }

    /// The runs: `trial-001`, and so on.
    ///
    /// # Errors
    ///
    /// As for [`grid`](Self::grid).
    pub fn trials(&self) -> Result<Vec<Trial>, RunError> {
        let flag = if self.random > 0 { RANGE } else { GRID };
        let keys = || {
            let grid = self.grid.iter().map(|axis| &axis.key);
            grid.chain(self.range.iter().map(|range| &range.key))
        };
        for (at, key) in keys().enumerate() {
            if keys().take(at).any(|before| before == key) {
                return Err(SweepError::Flag {
                    flag,
                    text: key.clone(),
                    message: "the key is there twice, expected each once".into(),
                    example: if self.random > 0 {
                        EXAMPLE_RANGE
                    } else {
                        EXAMPLE_GRID
                    },
                }
                .into());
            }
        }
        let numbered = self.changes()?.into_iter().zip(1..);
        let trial = |(changes, number): (Vec<(&str, Value)>, u32)| {
            let name = format!("trial-{number:03}");
            let config = self.changed(&changes).map_err(|message| {
                let changes = changes
                    .iter()
                    .map(|(key, value)| format!("{key}={}", shown(value)));
                SweepError::Trial {
                    flag,
                    trial: name.clone(),
                    changes: changes.collect::<Vec<_>>().join(" "),
                    message,
                }
            })?;
            Ok(Trial { name, config })
        };
        numbered.map(trial).collect()
    }

    /// What each trial has for itself.
    fn changes(&self) -> Result<Vec<Vec<(&str, Value)>>, SweepError> {
        if self.random > 0 {
            if self.random > MOST {
                return Err(too_many(RANDOM, self.random as u128));
            }
            return Ok(self.drawn());
        }
        let sizes = self.grid.iter().map(|axis| axis.values.len() as u128);
        let count = sizes.fold(1_u128, u128::saturating_mul);
        if count > MOST as u128 || count == 0 {
            return Err(too_many(GRID, count));
        }
        let mut all: Vec<Vec<(&str, Value)>> = vec![Vec::new()];
        for axis in &self.grid {
            let mut longer = Vec::new();
            for changes in &all {
                for value in &axis.values {
                    let change = (axis.key.as_str(), value.clone());
                    longer.push([&changes[..], &[change]].concat());
                }
            }
            all = longer;
        }
        Ok(all)
    }

    /// Values drawn from the ranges: those of the first trials don't depend on how many there are.
    fn drawn(&self) -> Vec<Vec<(&str, Value)>> {
        let seed = self.config.get("seed").and_then(Value::as_integer);
        // A stream of its own: runs draw from that of the seed itself.
        let mut noise = Noise::new(seed.unwrap_or(0).unsigned_abs() ^ OWN_STREAM);
        let trial = |_| {
            let uniforms = noise.host_uniforms(self.range.len());
            let ranges = self.range.iter().zip(uniforms);
            ranges
                .map(|(range, uniform)| (range.key.as_str(), range.at(uniform)))
                .collect()
        };
        (0..self.random).map(trial).collect()
    }

    /// The configuration with changes, or what is wrong with it.
    fn changed(&self, changes: &[(&str, Value)]) -> Result<RunConfig, String> {
        let mut table = ConfigTable::from_sections(self.config.clone(), "this trial".into());
        for (key, value) in changes {
            table.set_value(key, value)?;
        }
        table.read().map_err(|error| error.to_string())
    }
}

impl RandomRange {
    /// The value at a share of the way, 0 to below 1.
    fn at(&self, share: f64) -> Value {
        let number = |value: &Value| {
            let whole = value.as_integer().map(|whole| whole as f64);
            value.as_float().or(whole).unwrap_or(f64::NAN)
        };
        let (low, high) = (number(&self.low), number(&self.high));
        let between = |low: f64, high: f64| low + share * (high - low);
        if self.low.is_integer() && self.high.is_integer() {
            // Each whole number has as much room as the others, those at the ends too.
            let drawn = if self.log {
                between((low - 0.5).ln(), (high + 0.5).ln()).exp().round()
            } else {
                between(low, high + 1.0).floor()
            };
            return Value::Integer(drawn.clamp(low, high) as i64);
        }
        let drawn = if self.log {
            between(low.ln(), high.ln()).exp()
        } else {
            between(low, high)
        };
        let rounded: f64 = format!("{drawn:.*e}", DIGITS - 1).parse().unwrap_or(drawn);
        Value::Float(rounded.clamp(low, high))
    }
}

fn is_zero(count: &usize) -> bool {
    *count == 0
}

const EXAMPLE_GRID: &str = "`--grid KEY=V1,V2`, for example `--grid sampler.steps=20,40`";
const EXAMPLE_RANGE: &str =
    "`--range KEY=LOW..HIGH[:log]`, for example `--range optimizer.learning_rate=1e-5..1e-3:log`";

fn too_many(flag: &'static str, count: u128) -> SweepError {
    SweepError::Count {
        flag,
        count,
        most: MOST,
    }
}

/// The key of `key=...` and what follows it.
fn key_of(text: &str) -> Result<(String, &str), String> {
    match text.split_once('=') {
        None => Err("there is no `=`".into()),
        Some((key, _)) if key.trim().is_empty() => Err("the key is empty".into()),
        Some((key, rest)) => Ok((key.trim().into(), rest.trim())),
    }
}

impl FromStr for GridAxis {
    type Err = SweepError;

    fn from_str(text: &str) -> Result<Self, SweepError> {
        let wrong = |message: String| SweepError::Flag {
            flag: GRID,
            text: text.into(),
            message,
            example: EXAMPLE_GRID,
        };
        let (key, rest) = key_of(text).map_err(wrong)?;
        let values = values(rest).map_err(wrong)?;
        let twice = (1..values.len()).find(|&at| values[..at].contains(&values[at]));
        match twice {
            Some(at) => Err(wrong(format!(
                "found {} twice, expected each value once",
                shown(&values[at])
            ))),
            None => Ok(Self { key, values }),
        }
    }
}

impl FromStr for RandomRange {
    type Err = SweepError;

    fn from_str(text: &str) -> Result<Self, SweepError> {
        let wrong = |message: String| SweepError::Flag {
            flag: RANGE,
            text: text.into(),
            message,
            example: EXAMPLE_RANGE,
        };
        let (key, rest) = key_of(text).map_err(wrong)?;
        let (ends, log) = match rest.split_once(':') {
            None => (rest, false),
            Some((ends, "log")) => (ends, true),
            Some((_, scale)) => {
                return Err(wrong(format!(
                    "found the scale `{scale}`, expected `log`, or none"
                )));
            }
        };
        let (low, high) = ends.split_once("..").ok_or_else(|| {
            wrong(format!(
                "found `{ends}`, expected two numbers with `..` between"
            ))
        })?;
        let number = |text: &str| match text.trim().parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(number),
            _ => Err(wrong(format!("found `{text}`, expected a number"))),
        };
        let (lowest, highest) = (number(low)?, number(high)?);
        if lowest >= highest {
            return Err(wrong(format!(
                "found {lowest} to {highest}, expected a low number and a higher one"
            )));
        }
        if log && lowest <= 0.0 {
            return Err(wrong(format!(
                "found {lowest}, expected a number above 0, since only those have logarithms"
            )));
        }
        let whole = low
            .trim()
            .parse::<i64>()
            .ok()
            .zip(high.trim().parse::<i64>().ok());
        let (low, high) = match whole {
            Some((low, high)) => (Value::Integer(low), Value::Integer(high)),
            None => (Value::Float(lowest), Value::Float(highest)),
        };
        Ok(Self {
            key,
            low,
            high,
            log,
        })
    }
}
