//! Correlations with fewer multiplications (Winograd 1980; Lavin & Gray, CVPR 2016): tiles of 2x2
//! pixels, each from a window of values that are multiplied by transformed weights point by point.
//!
//! A kernel of 3x3 taps takes 16 multiplications a tile in place of 36, one of 2x2 takes 9 in place
//! of 16. A kernel of 4x4 taps with a step of 2 is one of 2x2 taps over four images, those of the
//! even and the odd rows and columns. All transforms are sums and differences, so that rounding is
//! that of plain sums.

#![expect(
    clippy::needless_range_loop,
    reason = "arrays stay in registers where all indices are constants"
)]

use std::array;
use std::marker::PhantomData;
use std::ops::Range;

use pulp::{Arch, NullaryFnOnce, Simd, WithSimd};

use super::correlation::{Buffers, Correlation, list_starts, room, with_buffers};
use super::panels::{Out, Panels, Rows, load, multiply, store};

/// Sides of a tile.
const TILE: usize = 2;
/// Values of transformed windows and of products that a task holds at a time: they stay in the
/// second-level cache.
const VALUES: usize = 1 << 16;
/// Tiles at least: with fewer, weights are read more often than they are used.
const TILES: usize = 96;

/// How a tile comes from a window of `SIDE` values and `TAPS` taps, along one side.
pub(super) trait Scheme<const TAPS: usize, const SIDE: usize>: Copy + Send + Sync {
    fn transform_taps(taps: [f32; TAPS]) -> [f32; SIDE];
    fn transform_window<S: Simd>(simd: S, x: [S::f32s; SIDE]) -> [S::f32s; SIDE];
    fn sum_products<S: Simd>(simd: S, products: [S::f32s; SIDE]) -> [S::f32s; TILE];
}

/// Two taps: three multiplications in place of four.
#[derive(Clone, Copy, Debug)]
pub(super) struct Two;

impl Scheme<2, 3> for Two {
    fn transform_taps([a, b]: [f32; 2]) -> [f32; 3] {
        [a, a + b, b]
    }

    #[inline(always)]
    fn transform_window<S: Simd>(simd: S, [a, b, c]: [S::f32s; 3]) -> [S::f32s; 3] {
        [simd.sub_f32s(a, b), b, simd.sub_f32s(c, b)]
    }

    #[inline(always)]
    fn sum_products<S: Simd>(simd: S, [a, b, c]: [S::f32s; 3]) -> [S::f32s; TILE] {
        [simd.add_f32s(a, b), simd.add_f32s(b, c)]
    }
}

/// Three taps: four multiplications in place of six.
#[derive(Clone, Copy, Debug)]
pub(super) struct Three;

impl Scheme<3, 4> for Three {
    fn transform_taps([a, b, c]: [f32; 3]) -> [f32; 4] {
        [a, 0.5 * (a + b + c), 0.5 * (a - b + c), c]
    }

    #[inline(always)]
    fn transform_window<S: Simd>(simd: S, [a, b, c, d]: [S::f32s; 4]) -> [S::f32s; 4] {
        [
            simd.sub_f32s(a, c),
            simd.add_f32s(b, c),
            simd.sub_f32s(c, b),
            simd.sub_f32s(b, d),
        ]
    }

    #[inline(always)]
    fn sum_products<S: Simd>(simd: S, [a, b, c, d]: [S::f32s; 4]) -> [S::f32s; TILE] {
        [
            simd.add_f32s(simd.add_f32s(a, b), c),
            simd.sub_f32s(simd.sub_f32s(b, c), d),
        ]
    }
}

/// The weights of each point of a window, `[step * step * channels, maps]`, of taps
/// `[kernel height, kernel width, channels, maps]`.
pub(super) fn transform_taps<F, const TAPS: usize, const SIDE: usize>(
    correlation: &Correlation,
    taps: &[f32],
) -> Vec<Panels>
where
    F: Scheme<TAPS, SIDE>,
{
    let Correlation {
        channels,
        maps,
        kernel,
        step,
        ..
    } = *correlation;
    let size = channels * maps;
    let phases = step[0] * step[1];
    let mut points = vec![vec![0.0; phases * size]; SIDE * SIDE];
    for phase in 0..phases {
        let (top, left) = (phase / step[1], phase % step[1]);
        for at in 0..size {
            let tap = |i: usize, j: usize| {
                let place = (top + i * step[0]) * kernel[1] + left + j * step[1];
                taps[place * size + at]
            };
            let rows: [[f32; SIDE]; TAPS] =
                array::from_fn(|i| F::transform_taps(array::from_fn(|j| tap(i, j))));
            for j in 0..SIDE {
                let column = F::transform_taps(array::from_fn(|i| rows[i][j]));
                for (i, value) in column.into_iter().enumerate() {
                    points[i * SIDE + j][phase * size + at] = value;
                }
            }
        }
    }
    let shape = [phases * channels, maps];
    points
        .iter()
        .map(|point| Panels::pack(point, shape))
        .collect()
}

/// Correlates images, one after another, channels last; on one thread.
pub(super) fn correlate<F, const TAPS: usize, const SIDE: usize>(
    correlation: &Correlation,
    points: &[Panels],
    x: &[f32],
    bias: Option<&[f32]>,
    y: &mut [f32],
) where
    F: Scheme<TAPS, SIDE>,
{
    let images = x.len() / correlation.source_values();
    let grid = correlation.count.map(|count| count.div_ceil(TILE));
    let tiles = images * grid[0] * grid[1];
    let [inner, maps] = points[0].shape();
    let at_a_time = VALUES / (SIDE * SIDE * (inner + maps));
    let at_a_time = at_a_time.max(TILES).min(tiles);
    let zeros = vec![0.0; correlation.channels];
    with_buffers(|buffers| {
        let Buffers {
            first,
            second,
            starts,
            others,
        } = buffers;
        let (apart, products_apart) = (plane(at_a_time * inner), plane(at_a_time * maps));
        let windows = room(first, SIDE * SIDE * apart);
        let products = room(second, SIDE * SIDE * products_apart);
        for first in (0..tiles).step_by(at_a_time) {
            let tiles = first..tiles.min(first + at_a_time);
            list_starts(starts, tiles.len(), inner);
            list_starts(others, tiles.len(), maps);
            let task = Task::<F, TAPS, SIDE> {
                correlation,
                grid,
                tiles,
                scheme: PhantomData,
            };
            Arch::new().dispatch(Windows {
                task: &task,
                x,
                zeros: &zeros,
                out: windows,
                apart,
            });
            let planes = windows
                .chunks_exact(apart)
                .zip(products.chunks_exact_mut(products_apart));
            for (point, (windows, products)) in points.iter().zip(planes) {
                let rows = Rows::whole(windows, starts);
                let out = Out {
                    values: products,
                    starts: others,
                    bias: None,
                };
                multiply(rows, point, out);
            }
            Arch::new().dispatch(Tiles {
                task: &task,
                products,
                apart: products_apart,
                bias,
                y,
            });
        }
    });
}

/// Values from the plane of a point to that of the next: more than there are, so that the same
/// place in each of them doesn't fall onto the same lines of the cache.
fn plane(values: usize) -> usize {
    values.next_multiple_of(1024) + 80
}

/// Some of the tiles of all images.
struct Task<'a, F, const TAPS: usize, const SIDE: usize> {
    correlation: &'a Correlation,
    /// Tiles of an image, down and across.
    grid: [usize; 2],
    tiles: Range<usize>,
    scheme: PhantomData<F>,
}

impl<F, const TAPS: usize, const SIDE: usize> Task<'_, F, TAPS, SIDE> {
    /// The image of each tile, and its first pixel.
    fn each(&self) -> impl Iterator<Item = (usize, [usize; 2])> + use<'_, F, TAPS, SIDE> {
        let [rows, columns] = self.grid;
        self.tiles.clone().map(move |tile| {
            let (row, column) = (tile / columns % rows, tile % columns);
            (tile / (rows * columns), [row * TILE, column * TILE])
        })
    }
}

/// Transforms the windows of tiles: `[points, tiles, step * step * channels]`.
struct Windows<'a, F, const TAPS: usize, const SIDE: usize> {
    task: &'a Task<'a, F, TAPS, SIDE>,
    x: &'a [f32],
    /// What lies around images.
    zeros: &'a [f32],
    out: &'a mut [f32],
    /// Values from a point to the next.
    apart: usize,
}

impl<F, const TAPS: usize, const SIDE: usize> WithSimd for Windows<'_, F, TAPS, SIDE>
where
    F: Scheme<TAPS, SIDE>,
{
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        simd.vectorize(WindowsOn {
            simd,
            windows: self,
        });
    }
}

struct WindowsOn<'a, S, F, const TAPS: usize, const SIDE: usize> {
    simd: S,
    windows: Windows<'a, F, TAPS, SIDE>,
}

impl<S, F, const TAPS: usize, const SIDE: usize> NullaryFnOnce for WindowsOn<'_, S, F, TAPS, SIDE>
where
    S: Simd,
    F: Scheme<TAPS, SIDE>,
{
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { simd, windows } = self;
        let Windows {
            task,
            x,
            zeros,
            out,
            apart,
        } = windows;
        let Correlation {
            channels,
            source,
            origin,
            step,
            ..
        } = *task.correlation;
        let size = task.correlation.source_values();
        let mut to = 0;
        for (image, pixel) in task.each() {
            let x = &x[image * size..][..size];
            for top in 0..step[0] {
                for left in 0..step[1] {
                    let phase = [top, left];
                    let corner: [isize; 2] =
                        array::from_fn(|d| origin[d] + (pixel[d] * step[d] + phase[d]) as isize);
                    let mut window = [[zeros; SIDE]; SIDE];
                    for (i, window) in window.iter_mut().enumerate() {
                        let row = corner[0] + (i * step[0]) as isize;
                        if row < 0 || row as usize >= source[0] {
                            continue;
                        }
                        for (j, values) in window.iter_mut().enumerate() {
                            let column = corner[1] + (j * step[1]) as isize;
                            if column < 0 || column as usize >= source[1] {
                                continue;
                            }
                            let place = row as usize * source[1] + column as usize;
                            *values = &x[place * channels..][..channels];
                        }
                    }
                    for first in (0..channels).step_by(S::F32_LANES) {
                        let count = S::F32_LANES.min(channels - first);
                        let mut values = [[simd.splat_f32s(0.0); SIDE]; SIDE];
                        for i in 0..SIDE {
                            for j in 0..SIDE {
                                values[i][j] = load(simd, &window[i][j][first..][..count]);
                            }
                            values[i] = F::transform_window(simd, values[i]);
                        }
                        for j in 0..SIDE {
                            let mut column = values[0];
                            for i in 0..SIDE {
                                column[i] = values[i][j];
                            }
                            let column = F::transform_window(simd, column);
                            for i in 0..SIDE {
                                let start = (i * SIDE + j) * apart + to + first;
                                store(simd, &mut out[start..][..count], column[i]);
                            }
                        }
                    }
                    to += channels;
                }
            }
        }
    }
}

/// Sums products `[points, tiles, maps]` up to tiles.
struct Tiles<'a, F, const TAPS: usize, const SIDE: usize> {
    task: &'a Task<'a, F, TAPS, SIDE>,
    products: &'a [f32],
    /// Values from a point to the next.
    apart: usize,
    bias: Option<&'a [f32]>,
    y: &'a mut [f32],
}

impl<F, const TAPS: usize, const SIDE: usize> WithSimd for Tiles<'_, F, TAPS, SIDE>
where
    F: Scheme<TAPS, SIDE>,
{
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        simd.vectorize(TilesOn { simd, tiles: self });
    }
}

struct TilesOn<'a, S, F, const TAPS: usize, const SIDE: usize> {
    simd: S,
    tiles: Tiles<'a, F, TAPS, SIDE>,
}

impl<S, F, const TAPS: usize, const SIDE: usize> NullaryFnOnce for TilesOn<'_, S, F, TAPS, SIDE>
where
    S: Simd,
    F: Scheme<TAPS, SIDE>,
{
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { simd, tiles } = self;
        let Tiles {
            task,
            products,
            apart,
            bias,
            y,
        } = tiles;
        let Correlation { maps, count, .. } = *task.correlation;
        let zero = simd.splat_f32s(0.0);
        for (tile, (image, pixel)) in task.each().enumerate() {
            for first in (0..maps).step_by(S::F32_LANES) {
                let size = S::F32_LANES.min(maps - first);
                let bias = bias.map_or(zero, |bias| load(simd, &bias[first..][..size]));
                let mut rows = [[zero; TILE]; SIDE];
                for i in 0..SIDE {
                    let mut values = [zero; SIDE];
                    for j in 0..SIDE {
                        let start = (i * SIDE + j) * apart + tile * maps + first;
                        values[j] = load(simd, &products[start..][..size]);
                    }
                    rows[i] = F::sum_products(simd, values);
                }
                for j in 0..TILE {
                    let mut column = [zero; SIDE];
                    for i in 0..SIDE {
                        column[i] = rows[i][j];
                    }
                    let column = F::sum_products(simd, column);
                    for i in 0..TILE {
                        let place = [pixel[0] + i, pixel[1] + j];
                        if place[0] < count[0] && place[1] < count[1] {
                            let start = task.correlation.start_of(image, place) + first;
                            let value = simd.add_f32s(column[i], bias);
                            store(simd, &mut y[start..][..size], value);
                        }
                    }
                }
            }
        }
    }
}
