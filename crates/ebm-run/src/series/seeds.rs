//! Seeds of a series of runs that differ in nothing else.

use std::str::FromStr;

use super::trial::Trial;
use crate::config::RunConfig;

/// Most seeds of a series.
const MOST: usize = 1000;

/// Seeds, each once: parsed from an inclusive range such as `1..5`, or a list such as `1,2,7`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seeds(Vec<u64>);

impl Seeds {
    /// The runs of a configuration with each seed: `seed-1`, and so on.
    pub fn trials(&self, config: &RunConfig) -> Vec<Trial> {
        let trial = |&seed: &u64| Trial {
            name: format!("seed-{seed}"),
            config: RunConfig {
                seed,
                ..config.clone()
            },
        };
        self.0.iter().map(trial).collect()
    }
}

impl FromStr for Seeds {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = |found: &str| {
            format!(
                "found {found}, expected a range such as 1..5, both ends included, or a list such as 1,2,7"
            )
        };
        let seed = |part: &str| match part.trim().parse::<u64>() {
            Ok(seed) if i64::try_from(seed).is_ok() => Ok(seed),
            Ok(seed) => Err(format!(
                "found {seed}, expected seeds of at most {}",
                i64::MAX
            )),
            Err(_) => Err(wrong(&format!("`{part}`"))),
        };
        let seeds = match text.split_once("..") {
            Some((first, last)) => {
                let (first, last) = (seed(first)?, seed(last)?);
                if last < first {
                    return Err(wrong(&format!("{first}..{last}, which is empty")));
                }
                // Never more than are refused below.
                (first..=last).take(MOST + 1).collect()
            }
            None => text.split(',').map(seed).collect::<Result<Vec<_>, _>>()?,
        };
        if seeds.len() > MOST {
            return Err(format!(
                "found more than {MOST} seeds, expected 1 to {MOST}"
            ));
        }
        let twice = (1..seeds.len()).find(|&at| seeds[..at].contains(&seeds[at]));
        match twice {
            Some(at) => Err(format!(
                "found the seed {} twice, expected each once",
                seeds[at]
            )),
            None => Ok(Self(seeds)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_include_their_ends_and_what_is_wrong_is_said() {
        let seeds = |text: &str| text.parse::<Seeds>().map(|seeds| seeds.0);
        assert_eq!(seeds("1..3"), Ok(vec![1, 2, 3]));
        assert_eq!(seeds("7..7"), Ok(vec![7]));
        assert_eq!(seeds("1, 7,2"), Ok(vec![1, 7, 2]));
        assert_eq!(seeds("5"), Ok(vec![5]));
        for (text, needle) in [
            ("5..1", "empty"),
            ("", "``"),
            ("1,,2", "``"),
            ("a..3", "`a`"),
            ("-1", "`-1`"),
            ("1..=3", "`=3`"),
            ("1,2,1", "1 twice"),
            ("0..1000", "more than 1000"),
            ("0..9223372036854775807", "more than 1000"),
            ("9223372036854775808", "at most"),
        ] {
            let error = seeds(text).expect_err(text);
            assert!(error.contains(needle), "{text}: {error}");
        }
    }
}
