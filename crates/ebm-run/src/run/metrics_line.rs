//! A line of `metrics.jsonl` as it is read back: by today's keys, yesterday's and tomorrow's.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};

/// What `metrics.jsonl` says of the updates since the line before: averages, but for `step`, `learning_rate` and `seconds`,
/// which are those of the last, and `resets`, which is a sum. A number that is missing or wasn't finite is NaN.
#[derive(Clone, Debug, PartialEq)]
pub struct MetricsLine {
    /// The number of updates so far.
    pub step: u64,
    /// The objective.
    pub loss: f64,
    /// Mean energy of the batches, in the run's [`EnergyUnit`](crate::config::EnergyUnit).
    pub data_energy: f64,
    /// Mean energy of the samples, in the same unit.
    pub sample_energy: f64,
    /// `sample_energy - data_energy`.
    pub gap: f64,
    /// Norm of the gradient before clipping.
    pub gradient_norm: f64,
    /// Root mean square distance, per value, that chains moved in an update.
    pub displacement: f64,
    /// Share of accepted proposals, for samplers that reject.
    pub acceptance: Option<f64>,
    /// Chain steps that were not finite.
    pub resets: Option<f64>,
    /// Learning rate.
    pub learning_rate: f64,
    /// Updates a second.
    pub steps_per_second: f64,
    /// Chains moved through all their transitions a second.
    pub samples_per_second: f64,
    /// Seconds of training so far, those before a stop included.
    pub seconds: f64,
    /// Numbers under keys that this version doesn't know, in the order of the line.
    pub other: Vec<(String, f64)>,
}

impl Default for MetricsLine {
    fn default() -> Self {
        Self {
            step: 0,
            loss: f64::NAN,
            data_energy: f64::NAN,
            sample_energy: f64::NAN,
            gap: f64::NAN,
            gradient_norm: f64::NAN,
            displacement: f64::NAN,
            acceptance: None,
            resets: None,
            learning_rate: f64::NAN,
            steps_per_second: f64::NAN,
            samples_per_second: f64::NAN,
            seconds: f64::NAN,
            other: Vec::new(),
        }
    }
}

impl<'de> Deserialize<'de> for MetricsLine {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Line)
    }
}

/// A key, borrowed from the line where that is possible: there are a dozen of them in each of a million lines.
struct Key<'de>(Cow<'de, str>);

impl<'de> Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;

        impl<'de> Visitor<'de> for Text {
            type Value = Key<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a key")
            }

            fn visit_borrowed_str<E: Error>(self, key: &'de str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Borrowed(key)))
            }

            fn visit_str<E: Error>(self, key: &str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Owned(key.to_string())))
            }
        }

        deserializer.deserialize_str(Text)
    }
}

struct Line;

impl<'de> Visitor<'de> for Line {
    type Value = MetricsLine;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of metrics")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<MetricsLine, M::Error> {
        let mut line = MetricsLine::default();
        let mut step = None;
        while let Some(Key(key)) = map.next_key()? {
            let field = match key.as_ref() {
                "step" => {
                    step = Some(map.next_value()?);
                    continue;
                }
                "acceptance" => {
                    line.acceptance = map.next_value()?;
                    continue;
                }
                "resets" => {
                    line.resets = map.next_value()?;
                    continue;
                }
                "loss" => &mut line.loss,
                "data_energy" => &mut line.data_energy,
                "sample_energy" => &mut line.sample_energy,
                "gap" => &mut line.gap,
                "gradient_norm" => &mut line.gradient_norm,
                "displacement" => &mut line.displacement,
                "learning_rate" => &mut line.learning_rate,
                "steps_per_second" => &mut line.steps_per_second,
                "samples_per_second" => &mut line.samples_per_second,
                "seconds" => &mut line.seconds,
                _ => {
                    let value: serde_json::Value = map.next_value()?;
                    let number = value.as_f64();
                    line.other
                        .extend(number.map(|value| (key.into_owned(), value)));
                    continue;
                }
            };
            // JSON has no NaN; it is written as null.
            *field = map.next_value::<Option<f64>>()?.unwrap_or(f64::NAN);
        }
        line.step = step.ok_or_else(|| M::Error::missing_field("step"))?;
        Ok(line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<MetricsLine, serde_json::Error> {
        serde_json::from_str(text)
    }

    #[test]
    fn known_keys_are_typed_and_other_numbers_are_kept() {
        let line = parse(
            r#"{"step":40,"loss":null,"data_energy":-1.5,"acceptance":0.75,"name":"x",
                "held_out\u005fenergy":2,"nested":{"a":[1]},"seconds":3.5}"#,
        )
        .expect("a line");
        assert_eq!((line.step, line.data_energy), (40, -1.5));
        assert_eq!((line.acceptance, line.resets), (Some(0.75), None));
        assert!(line.loss.is_nan() && line.gap.is_nan());
        assert_eq!(line.other, [("held_out_energy".to_string(), 2.0)]);
    }

    #[test]
    fn a_line_without_a_step_or_with_text_for_a_number_is_refused() {
        for (text, named) in [
            (r#"{"loss":1.0}"#, "step"),
            (r#"{"step":1,"loss":"high"}"#, "high"),
            (r#"{"step":-1}"#, "-1"),
            ("[1]", "an object of metrics"),
        ] {
            let message = parse(text).expect_err(text).to_string();
            assert!(message.contains(named), "{text}: {message}");
        }
    }
}
