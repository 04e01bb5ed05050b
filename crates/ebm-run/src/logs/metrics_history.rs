//! All of `metrics.jsonl` in a few megabytes, however long it is.

use super::json_lines::Collect;
use super::metrics_line::{MetricsLine, NUMBERS};
use super::thinned::{Point, Thinned};

/// Keys beyond those of this version that are kept.
const MOST_OTHERS: usize = 64;

/// The lines of `metrics.jsonl`, thinned where there are more than a picture can show: their
/// extremes and means are those of all.
#[derive(Clone, Debug, Default)]
pub struct MetricsHistory {
    lines: Thinned<MetricsLine, NUMBERS>,
    resets: f64,
    others: Vec<(String, Thinned<Point<1>, 1>)>,
}

/// Means over the last lines.
#[derive(Clone, Debug)]
pub struct RecentMetrics<'a> {
    /// The means, as far as numbers are finite.
    pub mean: MetricsLine,
    /// The first of the lines.
    pub first: &'a MetricsLine,
    /// How many they are.
    pub count: u64,
}

impl MetricsHistory {
    /// Whether there is no line.
    pub fn is_empty(&self) -> bool {
        self.lines.count() == 0
    }

    /// The number of lines.
    pub fn count(&self) -> u64 {
        self.lines.count()
    }

    /// The lines that were kept, in their order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &MetricsLine> {
        self.lines.rows()
    }

    /// The first line.
    pub fn first(&self) -> Option<&MetricsLine> {
        self.iter().next()
    }

    /// The last line.
    pub fn last(&self) -> Option<&MetricsLine> {
        self.iter().next_back()
    }

    /// Means of a few neighbouring lines each, where lines were left out; `None` if all were kept.
    pub fn means(&self) -> Option<impl Iterator<Item = MetricsLine>> {
        (!self.lines.is_whole()).then(|| self.lines.means())
    }

    /// The last lines, one in `parts` or a few more; `None` if there is none.
    ///
    /// # Panics
    ///
    /// If `parts` is 0.
    pub fn recent(&self, parts: u64) -> Option<RecentMetrics<'_>> {
        self.lines.last(parts).map(|end| RecentMetrics {
            mean: end.mean,
            first: end.first,
            count: end.count,
        })
    }

    /// Chain steps that were not finite, in all lines.
    pub fn resets(&self) -> f64 {
        self.resets
    }

    /// The keys beyond those that this version knows, in the order in which they appeared, 64 at
    /// most.
    pub fn other_keys(&self) -> impl Iterator<Item = &str> {
        self.others.iter().map(|(key, _)| key.as_str())
    }

    /// The numbers under such a key over their updates, thinned as the lines are.
    pub fn other_curve(&self, key: &str) -> Vec<(f64, f64)> {
        let found = self.others.iter().find(|(other, _)| other == key);
        let points = found.into_iter().flat_map(|(_, series)| series.rows());
        points
            .map(|point| (point.step as f64, point.numbers[0]))
            .collect()
    }
}

impl Collect for MetricsHistory {
    type Line = MetricsLine;

    fn add(&mut self, mut line: MetricsLine) {
        for (key, value) in std::mem::take(&mut line.other) {
            let known = self.others.iter().position(|(other, _)| *other == key);
            let at = match known {
                Some(at) => at,
                None if self.others.len() == MOST_OTHERS => continue,
                None => {
                    self.others.push((key, Thinned::default()));
                    self.others.len() - 1
                }
            };
            self.others[at].1.add(Point {
                step: line.step,
                numbers: [value],
            });
        }
        if !line.resets.is_nan() {
            self.resets += line.resets;
        }
        self.lines.add(line);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_keys_are_kept_apart_from_the_lines_and_are_bounded() {
        let mut history = MetricsHistory::default();
        for step in 1..=3 {
            let other = (0..100).map(|key| (format!("key {key}"), key as f64));
            history.add(MetricsLine {
                step,
                resets: 2.0,
                other: other.collect(),
                ..MetricsLine::default()
            });
        }
        assert_eq!(history.other_keys().count(), MOST_OTHERS);
        assert_eq!(history.other_keys().next(), Some("key 0"));
        let expected = [(1.0, 5.0), (2.0, 5.0), (3.0, 5.0)];
        assert_eq!(history.other_curve("key 5"), expected);
        assert!(history.other_curve("key 99").is_empty());
        assert_eq!((history.resets(), history.count()), (6.0, 3));
        assert!(history.iter().all(|line| line.other.is_empty()));
    }
}
