//! All of `quality.jsonl`, and the best of it.

use super::line::QualityLine;
use super::rules::best_of;
use super::verdict::Verdict;
use crate::logs::Collect;

/// The lines of `quality.jsonl` in their order: one with each picture.
#[derive(Clone, Debug, Default)]
pub struct QualityHistory {
    lines: Vec<QualityLine>,
}

impl QualityHistory {
    /// The lines.
    pub fn lines(&self) -> &[QualityLine] {
        &self.lines
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// The newest line.
    pub fn last(&self) -> Option<&QualityLine> {
        self.lines.last()
    }

    /// The line of the best model: the newest whose score is the lowest up to its standard error.
    pub fn best(&self) -> Option<&QualityLine> {
        best_of(&self.lines)
    }

    /// How many lines there are since the last that was better than all before by more than its
    /// standard error.
    pub fn since_improvement(&self) -> usize {
        let mut lowest = f64::INFINITY;
        let mut last = 0;
        for (at, line) in self.lines.iter().enumerate() {
            let Some(score) = line.score() else { continue };
            if score.value + score.error < lowest {
                (lowest, last) = (score.value, at);
            }
        }
        self.lines.len().saturating_sub(last + 1)
    }

    /// What the lines mean while training goes on.
    pub fn verdict(&self) -> Verdict {
        Verdict::of(&self.lines)
    }

    /// What the lines of a run of so many updates mean.
    pub fn verdict_of_run(&self, steps: Option<u64>) -> Verdict {
        let last = self.last().map(|line| line.step);
        match last.zip(steps) {
            Some((last, steps)) if last >= steps => self.final_verdict(),
            _ => self.verdict(),
        }
    }

    /// What the lines of a training that has ended mean.
    pub fn final_verdict(&self) -> Verdict {
        Verdict::at_the_end(&self.lines)
    }
}

impl Collect for QualityHistory {
    type Line = QualityLine;

    fn add(&mut self, line: QualityLine) {
        // A run that went back measures an update again.
        if let Some(at) = self.lines.iter().position(|known| known.step >= line.step) {
            self.lines.truncate(at);
        }
        self.lines.push(line);
    }
}

impl FromIterator<QualityLine> for QualityHistory {
    fn from_iter<I: IntoIterator<Item = QualityLine>>(lines: I) -> Self {
        let mut history = Self::default();
        lines.into_iter().for_each(|line| history.add(line));
        history
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_improvement_exceeds_its_error_and_may_be_slow() {
        let history = |distances: &[f64]| -> QualityHistory {
            let line = |(at, &distance): (usize, &f64)| QualityLine {
                step: at as u64,
                distance: Some(distance),
                distance_error: Some(1.0),
                ..QualityLine::default()
            };
            distances.iter().enumerate().map(line).collect()
        };
        for (distances, expected) in [
            (&[][..], 0),
            (&[20.0], 0),
            (&[20.0, 19.5, 19.2], 2),
            // By half an error each: the third is better than the first.
            (&[20.0, 19.5, 18.9], 0),
            (&[20.0, 10.0, 10.5, 9.5, 30.0], 3),
        ] {
            assert_eq!(
                history(distances).since_improvement(),
                expected,
                "{distances:?}"
            );
        }
    }
}
