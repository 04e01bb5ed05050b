//! Long curves with as many points as a picture can show, and all of their extremes.

use std::ops::Range;

/// Thins a curve whose points go from left to right to at most four a column of `x`: the first, the
/// lowest, the highest and the last of each, in their order, so that the drawn line is that of all
/// points.
///
/// M4 of Jugel, Jerzak, Hackenbroich and Markl, "M4: a visualization-oriented time series data
/// aggregation", VLDB 2014. Points that aren't finite are left out.
pub fn thin(
    points: impl IntoIterator<Item = (f64, f64)>,
    x: Range<f64>,
    columns: usize,
) -> Vec<(f64, f64)> {
    let width = (x.end - x.start) / columns as f64;
    let mut thinned = Vec::new();
    let mut column: Option<Column> = None;
    for point in points {
        if !(point.0.is_finite() && point.1.is_finite()) {
            continue;
        }
        let index = if width > 0.0 {
            ((point.0 - x.start) / width).floor() as i64
        } else {
            0
        };
        match &mut column {
            Some(now) if now.index == index => now.take(point),
            _ => {
                if let Some(full) = column.replace(Column::new(index, point)) {
                    full.write(&mut thinned);
                }
            }
        }
    }
    if let Some(full) = column {
        full.write(&mut thinned);
    }
    thinned
}

/// What is kept of one column: each point with its place among those of the column.
struct Column {
    index: i64,
    count: usize,
    kept: [(usize, (f64, f64)); 4],
}

const FIRST: usize = 0;
const LOWEST: usize = 1;
const HIGHEST: usize = 2;
const LAST: usize = 3;

impl Column {
    fn new(index: i64, point: (f64, f64)) -> Self {
        Self {
            index,
            count: 1,
            kept: [(FIRST, point); 4],
        }
    }

    fn take(&mut self, point: (f64, f64)) {
        let here = (self.count, point);
        self.count += 1;
        if point.1 < self.kept[LOWEST].1.1 {
            self.kept[LOWEST] = here;
        }
        if point.1 > self.kept[HIGHEST].1.1 {
            self.kept[HIGHEST] = here;
        }
        self.kept[LAST] = here;
    }

    fn write(mut self, thinned: &mut Vec<(f64, f64)>) {
        self.kept.sort_by_key(|(place, _)| *place);
        let mut before = None;
        for (place, point) in self.kept {
            if before != Some(place) {
                thinned.push(point);
            }
            before = Some(place);
        }
    }
}

/// The centred mean of `window` points, an odd number, around each that has as many.
pub(super) fn smooth(points: &[(f64, f64)], window: usize) -> Vec<(f64, f64)> {
    let mut sums = Vec::with_capacity(points.len() + 1);
    let mut sum = 0.0;
    sums.push(sum);
    for (_, y) in points {
        sum += y;
        sums.push(sum);
    }
    let reach = window / 2;
    // Means of fewer at the ends would lean, or jump as single points do.
    (reach..points.len().saturating_sub(reach))
        .map(|at| {
            let (from, to) = (at - reach, at + reach + 1);
            (points[at].0, (sums[to] - sums[from]) / (to - from) as f64)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extremes_survive_in_their_place() {
        // A million points between -1 and 1, and a few that stand out, next to each other and at
        // the ends.
        let count = 1_000_000;
        let mut points: Vec<(f64, f64)> = (0..count)
            .map(|at| (f64::from(at), (f64::from(at) * 0.37).sin()))
            .collect();
        let spikes = [
            (0, 5.0),
            (123_456, 900.0),
            (123_457, -900.0),
            (500_000, 7.0),
            (999_999, -3.0),
        ];
        for (at, y) in spikes {
            points[at].1 = y;
        }
        let thinned = thin(points.iter().copied(), 0.0..f64::from(count - 1), 800);
        assert!(thinned.len() <= 4 * 801, "{}", thinned.len());
        assert!(thinned.is_sorted_by(|a, b| a.0 < b.0));
        for (at, y) in spikes {
            assert!(thinned.contains(&(at as f64, y)), "{at}");
        }
        // Every column keeps its range, not only those with spikes.
        for column in 0..800 {
            let inside =
                |(x, _): &&(f64, f64)| ((x / (f64::from(count - 1) / 800.0)) as i64) == column;
            let range = |points: &[(f64, f64)]| {
                points
                    .iter()
                    .filter(inside)
                    .fold((f64::MAX, f64::MIN), |(low, high), (_, y)| {
                        (low.min(*y), high.max(*y))
                    })
            };
            let (low, high) = range(&thinned);
            let first = (column as usize * 1250).saturating_sub(3);
            let (all_low, all_high) = range(&points[first..(first + 1260).min(points.len())]);
            assert_eq!((low, high), (all_low, all_high), "column {column}");
        }
    }

    #[test]
    fn short_curves_stay_as_they_are() {
        let points = [(1.0, 2.0), (2.0, -1.0), (3.0, 5.0)];
        assert_eq!(thin(points, 1.0..3.0, 100), points);
        assert_eq!(thin(points, 1.0..3.0, 1), points);
        assert_eq!(thin([(1.0, 2.0)], 1.0..1.0, 100), [(1.0, 2.0)]);
        assert!(thin([], 0.0..1.0, 10).is_empty());
        let broken = [(1.0, f64::NAN), (2.0, 1.0), (3.0, f64::INFINITY)];
        assert_eq!(thin(broken, 1.0..3.0, 100), [(2.0, 1.0)]);
    }

    #[test]
    fn a_smoothed_line_is_the_line_and_alternation_is_averaged_away() {
        let line: Vec<(f64, f64)> = (0..50).map(|at| (f64::from(at), f64::from(at))).collect();
        let smoothed = smooth(&line, 9);
        assert_eq!((smoothed.len(), smoothed[0].0), (42, 4.0));
        for (x, y) in smoothed {
            assert!((x - y).abs() < 1e-12);
        }
        assert!(smooth(&line[..8], 9).is_empty());
        let alternating: Vec<(f64, f64)> = (0..50)
            .map(|at| (f64::from(at), f64::from(at % 2)))
            .collect();
        for (_, y) in smooth(&alternating, 21) {
            assert!((y - 0.5).abs() < 0.025, "{y}");
        }
    }
}
