//! Long series in little memory: a few thousand of their rows, with all extremes, and means of the
//! others.

/// Columns beyond which neighbours are joined; more than half as many stay, which is more than a
/// chart has pixels to show.
const MOST_COLUMNS: usize = 2048;
/// Rows of a column beyond which it is thinned, while it grows.
const MOST_ROWS: usize = 64;

/// A row of a series: `N` numbers after a number of updates.
pub(crate) trait Row<const N: usize>: Sized {
    /// The updates.
    fn step(&self) -> u64;

    /// The numbers, those that are missing NaN.
    fn numbers(&self) -> [f64; N];

    /// The row of these numbers.
    fn of(step: u64, numbers: [f64; N]) -> Self;
}

/// A series of any length.
///
/// Updates are cut into columns of equal width. Each keeps its first and last row and, of each
/// number, the rows where it is lowest and highest, so that a drawn line is that of all rows (M4,
/// see [`thin`](crate::report::thin)); and beside them the sums of all. When there are too many
/// columns, they get twice as wide. A series of fewer rows than columns is kept whole.
#[derive(Clone, Debug)]
pub(crate) struct Thinned<R, const N: usize> {
    columns: Vec<Column<R, N>>,
    /// Updates in a column: a power of 2.
    width: u64,
    count: u64,
}

impl<R, const N: usize> Default for Thinned<R, N> {
    fn default() -> Self {
        Self {
            columns: Vec::new(),
            width: 1,
            count: 0,
        }
    }
}

/// The end of a series, see [`Thinned::last`].
pub(crate) struct End<'a, R> {
    /// The means of its numbers, as far as they are finite, at their mean update.
    pub(crate) mean: R,
    /// Its first row.
    pub(crate) first: &'a R,
    /// Its rows.
    pub(crate) count: u64,
}

impl<R: Row<N>, const N: usize> Thinned<R, N> {
    /// Adds a row.
    pub(crate) fn add(&mut self, row: R) {
        self.count += 1;
        let index = row.step() / self.width;
        match self.columns.last_mut() {
            Some(last) if last.index == index => last.add(row),
            last => {
                if let Some(full) = last {
                    full.close();
                }
                self.columns.push(Column::new(index, row));
                if self.columns.len() > MOST_COLUMNS {
                    self.widen();
                }
            }
        }
    }

    /// Joins columns until half of them are left, so that this is seldom done.
    fn widen(&mut self) {
        while self.columns.len() > MOST_COLUMNS / 2 {
            self.width *= 2;
            let mut joined: Vec<Column<R, N>> = Vec::with_capacity(self.columns.len());
            for mut column in self.columns.drain(..) {
                column.index /= 2;
                match joined.last_mut() {
                    Some(last) if last.index == column.index => last.join(column),
                    _ => joined.push(column),
                }
            }
            self.columns = joined;
        }
    }

    /// The rows that were added.
    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    /// Whether each row was kept.
    pub(crate) fn is_whole(&self) -> bool {
        self.rows().count() as u64 == self.count
    }

    /// The rows that were kept, in their order.
    pub(crate) fn rows(&self) -> impl DoubleEndedIterator<Item = &R> {
        self.columns.iter().flat_map(|column| &column.rows)
    }

    /// The mean row of each column.
    pub(crate) fn means(&self) -> impl Iterator<Item = R> {
        self.columns.iter().map(|column| column.sums.mean())
    }

    /// The last columns that have one row of `parts`, or a little more; `None` if there is no row.
    pub(crate) fn last(&self, parts: u64) -> Option<End<'_, R>> {
        let wanted = self.count.div_ceil(parts);
        let mut sums = Sums::default();
        let mut first = None;
        for column in self.columns.iter().rev() {
            sums.join(&column.sums);
            first = column.rows.first();
            if sums.count >= wanted {
                break;
            }
        }
        first.map(|first| End {
            mean: sums.mean(),
            first,
            count: sums.count,
        })
    }
}

#[derive(Clone, Debug)]
struct Column<R, const N: usize> {
    index: u64,
    rows: Vec<R>,
    sums: Sums<N>,
}

impl<R: Row<N>, const N: usize> Column<R, N> {
    fn new(index: u64, row: R) -> Self {
        let mut sums = Sums::default();
        sums.add(&row);
        let rows = vec![row];
        Self { index, rows, sums }
    }

    fn add(&mut self, row: R) {
        self.sums.add(&row);
        self.rows.push(row);
        if self.rows.len() > MOST_ROWS {
            self.thin();
        }
    }

    /// Takes the column after this one in.
    fn join(&mut self, next: Self) {
        self.sums.join(&next.sums);
        self.rows.extend(next.rows);
        self.close();
    }

    /// No row comes for now.
    fn close(&mut self) {
        if self.rows.len() > 2 + 2 * N {
            self.thin();
        }
        self.rows.shrink_to_fit();
    }

    /// Keeps the first and last row and those of extremes.
    fn thin(&mut self) {
        let numbers: Vec<[f64; N]> = self.rows.iter().map(R::numbers).collect();
        let mut keeps = vec![false; numbers.len()];
        for end in [0, numbers.len() - 1] {
            keeps[end] = true;
        }
        for number in 0..N {
            let finite = || (0..numbers.len()).filter(|&row| numbers[row][number].is_finite());
            let by = |a: &usize, b: &usize| numbers[*a][number].total_cmp(&numbers[*b][number]);
            for row in [finite().min_by(by), finite().max_by(by)] {
                row.into_iter().for_each(|row| keeps[row] = true);
            }
        }
        let mut keeps = keeps.into_iter();
        self.rows.retain(|_| keeps.next().unwrap_or(true));
    }
}

/// Sums of the finite numbers of some rows.
#[derive(Clone, Debug)]
struct Sums<const N: usize> {
    count: u64,
    steps: f64,
    numbers: [(f64, u64); N],
}

impl<const N: usize> Default for Sums<N> {
    fn default() -> Self {
        Self {
            count: 0,
            steps: 0.0,
            numbers: [(0.0, 0); N],
        }
    }
}

impl<const N: usize> Sums<N> {
    fn add(&mut self, row: &impl Row<N>) {
        self.count += 1;
        self.steps += row.step() as f64;
        for ((sum, count), number) in self.numbers.iter_mut().zip(row.numbers()) {
            if number.is_finite() {
                *sum += number;
                *count += 1;
            }
        }
    }

    fn join(&mut self, other: &Self) {
        self.count += other.count;
        self.steps += other.steps;
        for ((sum, count), (more, many)) in self.numbers.iter_mut().zip(other.numbers) {
            *sum += more;
            *count += many;
        }
    }

    fn mean<R: Row<N>>(&self) -> R {
        let step = (self.steps / self.count.max(1) as f64).round() as u64;
        R::of(step, self.numbers.map(|(sum, count)| sum / count as f64))
    }
}

/// One number after a number of updates.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Point<const N: usize> {
    /// The updates.
    pub(crate) step: u64,
    /// The numbers.
    pub(crate) numbers: [f64; N],
}

impl<const N: usize> Row<N> for Point<N> {
    fn step(&self) -> u64 {
        self.step
    }

    fn numbers(&self) -> [f64; N] {
        self.numbers
    }

    fn of(step: u64, numbers: [f64; N]) -> Self {
        Self { step, numbers }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Series = Thinned<Point<2>, 2>;

    fn series(points: impl IntoIterator<Item = (u64, [f64; 2])>) -> Series {
        let mut series = Series::default();
        for (step, numbers) in points {
            series.add(Point { step, numbers });
        }
        series
    }

    #[test]
    fn a_series_of_fewer_rows_than_columns_is_kept_whole() {
        for every in [1, 7, 1000] {
            let points = (1..=MOST_COLUMNS as u64).map(|at| (at * every, [at as f64, f64::NAN]));
            let series = series(points);
            assert!(series.is_whole());
            let steps = series.rows().map(|row| row.step);
            assert!(steps.eq((1..=MOST_COLUMNS as u64).map(|at| at * every)));
            assert!(series.means().all(|row| row.numbers[1].is_nan()));
        }
    }

    #[test]
    fn a_long_series_keeps_its_ends_its_extremes_and_its_means_in_little_memory() {
        let count = 300_000;
        let spikes = [(77_777, 0, -900.0), (77_778, 1, 800.0), (299_990, 1, -5.0)];
        for every in [1, 10, 333] {
            let series = series((1..=count).map(|at| {
                let mut numbers = [(at % 1000) as f64 / 500.0, 1.0];
                for (spike, number, value) in spikes {
                    if at == spike {
                        numbers[number] = value;
                    }
                }
                (at * every, numbers)
            }));
            assert_eq!(series.count(), count);
            assert!(!series.is_whole());
            let columns = series.columns.len();
            assert!(
                (MOST_COLUMNS / 4..=MOST_COLUMNS).contains(&columns),
                "{columns}"
            );
            let rows: Vec<_> = series.rows().collect();
            assert!(rows.len() <= 6 * MOST_COLUMNS + MOST_ROWS, "{}", rows.len());
            assert!(rows.is_sorted_by(|a, b| a.step < b.step));
            assert_eq!(rows[0].step, every);
            assert_eq!(rows[rows.len() - 1].step, count * every);
            for (spike, number, value) in spikes {
                let row = rows.iter().find(|row| row.step == spike * every);
                assert_eq!(row.expect("it stands out").numbers[number], value);
            }
            let mean: f64 = series.means().map(|row| row.numbers[0]).sum::<f64>() / columns as f64;
            assert!((mean - 0.999).abs() < 0.05, "{mean}");
            let last = series.last(10).expect("there are rows");
            assert!((30_000..31_000).contains(&last.count), "{}", last.count);
            assert!((last.mean.numbers[0] - 0.999).abs() < 0.05);
        }
    }

    #[test]
    fn the_end_of_a_short_series_is_exact_and_leaves_out_what_is_not_finite() {
        assert!(series([]).last(10).is_none());
        let series = series((1..=20).map(|at| (at, [at as f64, f64::NAN])));
        let last = series.last(5).expect("there are rows");
        assert_eq!((last.count, last.first.step), (4, 17));
        assert_eq!(last.mean.numbers[0], 18.5);
        assert!(last.mean.numbers[1].is_nan());
    }

    #[test]
    fn steps_that_go_back_or_stand_still_stay_within_bounds() {
        let series = series((0..200_000).map(|at| (at * 7919 % 100_003, [1.0, at as f64])));
        assert!(series.columns.len() <= MOST_COLUMNS);
        assert!(
            series
                .columns
                .iter()
                .all(|column| column.rows.len() <= MOST_ROWS)
        );
        assert_eq!(series.last(1).expect("there are rows").count, 200_000);
    }
}
