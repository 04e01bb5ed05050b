//! The minutes of a training in the lines that say how it was chosen: written and read here.

use super::automatic::AutomaticConfig;
use crate::text::number::number;

/// What stands before the minutes, and after them.
const AROUND: [&str; 2] = ["which fit into ", " minutes (--minutes)"];

impl AutomaticConfig {
    /// The minutes that training is to take, as lines say them.
    pub fn minutes_said(&self) -> String {
        number(self.minutes())
    }

    /// How the number of updates follows from the minutes.
    pub(super) fn fitting(&self) -> String {
        let [before, after] = AROUND;
        format!("{before}{}{after}", self.minutes_said())
    }

    /// The minutes in the lines of [`reasons`](Self::reasons), as
    /// [`minutes_said`](Self::minutes_said) has them; `None` where the number of updates was given.
    pub fn minutes_of(reasons: &[String]) -> Option<&str> {
        let [before, after] = AROUND;
        reasons.iter().find_map(|line| {
            let (_, rest) = line.split_once(before)?;
            Some(rest.split_once(after)?.0)
        })
    }
}
