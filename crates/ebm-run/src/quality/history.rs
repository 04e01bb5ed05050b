//! All of `quality.jsonl`, and the best of it.

use super::line::QualityLine;
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

    /// The line of the best model: that of the lowest score, the first of equals.
    pub fn best(&self) -> Option<&QualityLine> {
        let scored = self
            .lines
            .iter()
            .filter_map(|line| Some((line.score()?, line)));
        let best = scored.min_by(|(a, _), (b, _)| a.value.total_cmp(&b.value));
        best.map(|(_, line)| line)
    }

    /// What the lines mean.
    pub fn verdict(&self) -> Verdict {
        Verdict::of(&self.lines)
    }
}

impl Collect for QualityHistory {
    type Line = QualityLine;

    fn add(&mut self, line: QualityLine) {
        self.lines.push(line);
    }
}

impl FromIterator<QualityLine> for QualityHistory {
    fn from_iter<I: IntoIterator<Item = QualityLine>>(lines: I) -> Self {
        Self {
            lines: lines.into_iter().collect(),
        }
    }
}
