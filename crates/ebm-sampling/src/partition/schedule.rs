//! The inverse temperatures through which annealing passes from the base distribution to the model.

use std::fmt;

/// The number of characters that a message shows of a text that is not a number.
const LONGEST_SHOWN: usize = 40;

/// Inverse temperatures `0 = beta_0 < beta_1 < ... < beta_K = 1`.
#[derive(Clone, Debug, PartialEq)]
pub struct TemperingSchedule {
    values: Vec<f64>,
}

/// Where in a schedule a fault was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SchedulePlace {
    /// The index of the value, from 0.
    Index(usize),
    /// The line of the text, from 1.
    Line(usize),
}

impl fmt::Display for SchedulePlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Index(index) => write!(f, "at index {index}"),
            Self::Line(line) => write!(f, "in line {line}"),
        }
    }
}

/// Values that are no schedule.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum TemperingScheduleError {
    /// There are no values.
    #[error("the schedule is empty: expected inverse temperatures that rise from 0 to 1")]
    Empty,
    /// Something other than a number.
    #[error("`{found}` {place} of the schedule is not a number")]
    NotANumber {
        /// Where it is.
        place: SchedulePlace,
        /// The text.
        found: String,
    },
    /// NaN or an infinity.
    #[error("the inverse temperature {value} {place} of the schedule is not finite")]
    NotFinite {
        /// Where it is.
        place: SchedulePlace,
        /// The value.
        value: f64,
    },
    /// The first value isn't 0.
    #[error(
        "the schedule starts with {value} {place}: expected 0, the base distribution, whose partition function is known"
    )]
    Start {
        /// Where it is.
        place: SchedulePlace,
        /// The value.
        value: f64,
    },
    /// A value not above the one before it.
    #[error(
        "the inverse temperature {value} {place} of the schedule doesn't rise above {previous} before it"
    )]
    NotRising {
        /// Where it is.
        place: SchedulePlace,
        /// The value.
        value: f64,
        /// The one before.
        previous: f64,
    },
    /// The last value isn't 1.
    #[error("the schedule ends with {value} {place}: expected 1, the model itself")]
    End {
        /// Where it is.
        place: SchedulePlace,
        /// The value.
        value: f64,
    },
}

impl TemperingSchedule {
    /// `steps + 1` evenly spaced values, `k / steps`.
    ///
    /// # Panics
    ///
    /// If `steps` is 0.
    pub fn linear(steps: usize) -> Self {
        assert!(steps > 0, "a schedule needs at least one step, got 0");
        let values = (0..=steps).map(|k| k as f64 / steps as f64).collect();
        Self { values }
    }

    /// The schedule of Salakhutdinov & Murray (2008, section 4) for machines of hundreds of units:
    /// 500 steps of 1/1000 from 0 to 0.5, 4,000 of 1/10,000 to 0.9 and 10,000 of 1/100,000 to 1.
    ///
    /// Where two pieces meet, the end of one is the start of the next, once: 14,500 steps, 14,501
    /// values with 0. (The authors' program has 0.5 and 0.9 twice, which changes no weight.)
    pub fn salakhutdinov2008() -> Self {
        let coarse = (0..500).map(|k| f64::from(k) / 1000.0);
        let middle = (0..4_000).map(|k| f64::from(5_000 + k) / 10_000.0);
        let fine = (0..=10_000).map(|k| f64::from(90_000 + k) / 100_000.0);
        let values = coarse.chain(middle).chain(fine).collect();
        Self { values }
    }

    /// A schedule of given values.
    ///
    /// # Errors
    ///
    /// If the values don't start at 0, rise strictly and end at 1.
    pub fn from_values(values: Vec<f64>) -> Result<Self, TemperingScheduleError> {
        let places: Vec<SchedulePlace> = (0..values.len()).map(SchedulePlace::Index).collect();
        Self::validated(values, &places)
    }

    /// A schedule from a text: numbers between blanks, commas or line ends; what follows a `#` in a
    /// line is a comment. A byte order mark before the first is skipped.
    ///
    /// # Errors
    ///
    /// If something isn't a number, or the values don't start at 0, rise strictly and end at 1.
    pub fn parse(text: &str) -> Result<Self, TemperingScheduleError> {
        let mut values = Vec::new();
        let mut places = Vec::new();
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        for (index, line) in text.lines().enumerate() {
            let place = SchedulePlace::Line(index + 1);
            let numbers = line.split('#').next().unwrap_or_default();
            let words = numbers.split(|c: char| c.is_whitespace() || c == ',');
            for word in words.filter(|word| !word.is_empty()) {
                values.push(
                    word.parse()
                        .map_err(|_| TemperingScheduleError::NotANumber {
                            place,
                            found: word.chars().take(LONGEST_SHOWN).collect(),
                        })?,
                );
                places.push(place);
            }
        }
        Self::validated(values, &places)
    }

    fn validated(
        values: Vec<f64>,
        places: &[SchedulePlace],
    ) -> Result<Self, TemperingScheduleError> {
        let (Some(&first), Some(&last)) = (values.first(), values.last()) else {
            return Err(TemperingScheduleError::Empty);
        };
        for (&value, &place) in values.iter().zip(places) {
            if !value.is_finite() {
                return Err(TemperingScheduleError::NotFinite { place, value });
            }
        }
        if first != 0.0 {
            let place = places[0];
            return Err(TemperingScheduleError::Start {
                place,
                value: first,
            });
        }
        for (pair, &place) in values.windows(2).zip(&places[1..]) {
            let (previous, value) = (pair[0], pair[1]);
            if value <= previous {
                return Err(TemperingScheduleError::NotRising {
                    place,
                    value,
                    previous,
                });
            }
        }
        if last != 1.0 {
            let place = places[places.len() - 1];
            return Err(TemperingScheduleError::End { place, value: last });
        }
        Ok(Self { values })
    }

    /// The inverse temperatures, 0 and 1 included.
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// The number of steps from one inverse temperature to the next.
    pub fn steps(&self) -> usize {
        self.values.len() - 1
    }
}
