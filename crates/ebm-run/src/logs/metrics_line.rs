//! A line of `metrics.jsonl` as it is read back: by today's keys, yesterday's and tomorrow's.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};

use super::thinned::Row;

/// Makes the line of the list below: what it holds, is read by, and is thinned by.
macro_rules! metrics_line {
    ($($(#[doc = $doc:literal])* $name:ident,)+) => {
        /// What `metrics.jsonl` says of the updates since the line before: averages, but for
        /// `step`, `learning_rate` and `seconds`, which are those of the last, and `resets`, which
        /// is a sum. A number that is missing or wasn't finite is NaN.
        #[derive(Clone, Debug, PartialEq)]
        pub struct MetricsLine {
            /// The number of updates so far.
            pub step: u64,
            $($(#[doc = $doc])* pub $name: f64,)+
            /// Numbers under other keys, in the order of the line.
            pub other: Vec<(String, f64)>,
        }

        /// Numbers of a line that have names here.
        pub(crate) const NUMBERS: usize = [$(stringify!($name)),+].len();

        impl MetricsLine {
            /// The place of the number under a key.
            fn number_mut(&mut self, key: &str) -> Option<&mut f64> {
                match key {
                    $(stringify!($name) => Some(&mut self.$name),)+
                    _ => None,
                }
            }
        }

        impl Default for MetricsLine {
            fn default() -> Self {
                Self {
                    step: 0,
                    $($name: f64::NAN,)+
                    other: Vec::new(),
                }
            }
        }

        impl Row<NUMBERS> for MetricsLine {
            fn step(&self) -> u64 {
                self.step
            }

            fn numbers(&self) -> [f64; NUMBERS] {
                [$(self.$name),+]
            }

            fn of(step: u64, [$($name),+]: [f64; NUMBERS]) -> Self {
                Self {
                    step,
                    $($name,)+
                    other: Vec::new(),
                }
            }
        }
    };
}

metrics_line! {
    /// The objective.
    loss,
    /// Mean energy of the batches, in the run's [`EnergyUnit`](crate::config::EnergyUnit).
    data_energy,
    /// Mean energy of the samples, in the same unit.
    sample_energy,
    /// `sample_energy - data_energy`.
    gap,
    /// Norm of the gradient before clipping.
    gradient_norm,
    /// Root mean square distance, per value, that chains moved in an update.
    displacement,
    /// Share of accepted proposals, for samplers that reject.
    acceptance,
    /// Chain steps that were not finite, for samplers that don't reject.
    resets,
    /// Learning rate.
    learning_rate,
    /// Updates a second.
    steps_per_second,
    /// Chains moved through all their transitions a second.
    samples_per_second,
    /// Seconds of training so far, those before a stop included.
    seconds,
}

impl<'de> Deserialize<'de> for MetricsLine {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Line)
    }
}

/// A key, borrowed from the line where that is possible: there are a dozen of them in each of a
/// million lines.
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
            if key == "step" {
                step = Some(map.next_value()?);
                continue;
            }
            let Some(number) = line.number_mut(&key) else {
                let value: serde_json::Value = map.next_value()?;
                let number = value.as_f64();
                line.other
                    .extend(number.map(|value| (key.into_owned(), value)));
                continue;
            };
            // JSON has no NaN; it is written as null.
            *number = map.next_value::<Option<f64>>()?.unwrap_or(f64::NAN);
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
        assert_eq!(line.acceptance, 0.75);
        assert!(line.loss.is_nan() && line.gap.is_nan() && line.resets.is_nan());
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
