//! Convolutions and their gradients as correlations of images that lie channels last.

use std::array;
use std::cell::RefCell;

use burn::tensor::Shape;

use super::panels::{Out, Panels, Rows, Vectors, add_outer_products, multiply};
use super::winograd::{self, Three, Two};
use crate::description::Stride2d;

/// Values of the padded images that a task holds at a time: they stay in the second-level cache.
const VALUES: usize = 1 << 16;

/// Images at a time where those are transformed.
const IMAGES: usize = 32;

/// Channels and maps from which transformed images are worth it.
const WIDE: usize = 16;

/// The sizes of a convolution of any number of images.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sizes {
    pub(super) channels: usize,
    pub(super) image: [usize; 2],
    pub(super) maps: usize,
    pub(super) kernel: [usize; 2],
    pub(super) output: [usize; 2],
    pub(super) steps: Stride2d,
}

impl Sizes {
    /// Of images and weights of these shapes.
    ///
    /// # Panics
    ///
    /// If channels differ, or a kernel is larger than the padded image.
    pub(super) fn new(x: &Shape, weight: &Shape, steps: Stride2d) -> Self {
        assert_eq!(
            x[1], weight[1],
            "weights of shape {weight:?} don't fit images of shape {x:?}: channels differ"
        );
        let output = |side: usize| {
            let padded = x[2 + side] + 2 * steps.padding[side];
            assert!(
                weight[2 + side] <= padded,
                "a kernel of shape {weight:?} is larger than padded images of shape {x:?}"
            );
            (padded - weight[2 + side]) / steps.stride[side] + 1
        };
        Self {
            channels: x[1],
            image: [x[2], x[3]],
            maps: weight[0],
            kernel: [weight[2], weight[3]],
            output: [output(0), output(1)],
            steps,
        }
    }

    pub(super) fn image_values(&self) -> usize {
        self.image[0] * self.image[1] * self.channels
    }

    pub(super) fn output_values(&self) -> usize {
        self.output[0] * self.output[1] * self.maps
    }

    pub(super) fn patch_values(&self) -> usize {
        self.kernel[0] * self.kernel[1] * self.channels
    }

    /// The convolution itself.
    pub(super) fn forward(&self) -> Correlation {
        Correlation {
            channels: self.channels,
            maps: self.maps,
            kernel: self.kernel,
            source: self.image,
            origin: self.steps.padding.map(|padding| -(padding as isize)),
            step: self.steps.stride,
            target: self.output,
            count: self.output,
            offset: [0; 2],
            spread: [1; 2],
        }
    }

    /// The gradient with respect to the images: a correlation of the gradient of the output for
    /// each place that a pixel can have between two steps, with the first tap of the kernel that
    /// meets it. Pixels that no tap meets are in none.
    pub(super) fn backward(&self) -> Vec<(Correlation, [usize; 2])> {
        let [vertical, horizontal] = array::from_fn(|side| self.phases(side));
        let mut all = Vec::new();
        for y in &vertical {
            for x in &horizontal {
                let both = |of: fn(&Phase) -> usize| [of(y), of(x)];
                let correlation = Correlation {
                    channels: self.maps,
                    maps: self.channels,
                    kernel: both(|phase| phase.taps),
                    source: self.output,
                    origin: [y.origin, x.origin],
                    step: [1; 2],
                    target: self.image,
                    count: both(|phase| phase.count),
                    offset: both(|phase| phase.offset),
                    spread: self.steps.stride,
                };
                all.push((correlation, both(|phase| phase.first_tap)));
            }
        }
        all
    }

    fn phases(&self, side: usize) -> Vec<Phase> {
        let (stride, padding) = (self.steps.stride[side], self.steps.padding[side]);
        (0..stride.min(self.kernel[side]))
            .filter_map(|first_tap| {
                let taps = (self.kernel[side] - first_tap).div_ceil(stride);
                // The first pixel that this tap meets: pixel + padding = tap + stride * output.
                let offset = (first_tap + stride - padding % stride) % stride;
                let output = (offset + padding) as isize - first_tap as isize;
                let count = self.image[side].saturating_sub(offset).div_ceil(stride);
                (count > 0).then_some(Phase {
                    first_tap,
                    taps,
                    offset,
                    count,
                    origin: output / stride as isize - (taps as isize - 1),
                })
            })
            .collect()
    }
}

/// The pixels that taps meet which are a stride apart, along one side.
struct Phase {
    first_tap: usize,
    taps: usize,
    offset: usize,
    count: usize,
    origin: isize,
}

/// For each `i` below `count`, in both directions:
///
/// ```text
/// y[offset + spread i] = bias + sum_k w[k] x[origin + step i + k]
/// ```
///
/// with zeros around `x`, which has as many pixels as `source`; `y` has as many as `target`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Correlation {
    pub(super) channels: usize,
    pub(super) maps: usize,
    pub(super) kernel: [usize; 2],
    pub(super) source: [usize; 2],
    pub(super) origin: [isize; 2],
    pub(super) step: [usize; 2],
    pub(super) target: [usize; 2],
    pub(super) count: [usize; 2],
    pub(super) offset: [usize; 2],
    pub(super) spread: [usize; 2],
}

impl Correlation {
    pub(super) fn source_values(&self) -> usize {
        self.source[0] * self.source[1] * self.channels
    }

    /// The first value of a pixel of `y`, of the images that lie one after another.
    pub(super) fn start_of(&self, image: usize, [i, j]: [usize; 2]) -> usize {
        let row = self.offset[0] + self.spread[0] * i;
        let column = self.offset[1] + self.spread[1] * j;
        ((image * self.target[0] + row) * self.target[1] + column) * self.maps
    }

    /// Whether a scheme for so many taps a step is faster than the plain sum.
    fn suits(&self, taps: usize) -> bool {
        let fits = |side: usize| self.kernel[side] == taps * self.step[side];
        let is_wide = self.channels.min(self.maps) >= WIDE;
        fits(0) && fits(1) && is_wide && self.step[0] == self.step[1] && self.step[0] <= 2
    }

    /// Height and width of the part of an image, and of the zeros around it, that is read.
    fn window(&self) -> [usize; 2] {
        array::from_fn(|side| (self.count[side] - 1) * self.step[side] + self.kernel[side])
    }

    /// Images that a task takes at a time.
    pub(super) fn images_at_a_time(&self) -> usize {
        let [height, width] = self.window();
        (VALUES / (height * width * self.channels).max(1)).max(1)
    }

    /// Images with the zeros around them that windows reach into; the images themselves, where they
    /// reach into none.
    fn pad<'a>(&self, x: &'a [f32], buffer: &'a mut Vec<f32>) -> Padded<'a> {
        let [height, width] = self.window();
        let within =
            |side: usize, length: usize| self.origin[side] == 0 && length <= self.source[side];
        if within(0, height) && within(1, width) {
            return Padded {
                values: x,
                row: self.source[1] * self.channels,
                image: self.source_values(),
            };
        }
        let row = width * self.channels;
        let image = height * row;
        let images = x.len() / self.source_values();
        let before = self.origin[1].min(0).unsigned_abs().min(width);
        let first = self.origin[1].max(0) as usize;
        let count = self.source[1].saturating_sub(first).min(width - before);
        let padded = room(buffer, images * image);
        let sources = x.chunks_exact(self.source_values());
        for (source, padded) in sources.zip(padded.chunks_exact_mut(image)) {
            for (i, padded) in padded.chunks_exact_mut(row).enumerate() {
                let y = i as isize + self.origin[0];
                if y < 0 || y as usize >= self.source[0] || count == 0 {
                    padded.fill(0.0);
                    continue;
                }
                let from = (y as usize * self.source[1] + first) * self.channels;
                let (left, rest) = padded.split_at_mut(before * self.channels);
                let (middle, right) = rest.split_at_mut(count * self.channels);
                left.fill(0.0);
                middle.copy_from_slice(&source[from..][..middle.len()]);
                right.fill(0.0);
            }
        }
        Padded {
            values: padded,
            row,
            image,
        }
    }

    /// The first value of each window of images, one after another.
    fn windows(&self, images: usize, padded: &Padded<'_>, starts: &mut Vec<usize>) {
        starts.clear();
        let ([rows, columns], channels) = (self.count, self.channels);
        for image in 0..images {
            for i in 0..rows {
                let row = image * padded.image + i * self.step[0] * padded.row;
                starts.extend((0..columns).map(|j| row + j * self.step[1] * channels));
            }
        }
    }

    /// Adds the gradient with respect to the weights, `[kernel height, kernel width, channels,
    /// maps]`, from images and the gradients of their correlations.
    pub(super) fn add_weight_gradient(&self, x: &[f32], gradient: &[f32], sum: &mut [f32]) {
        with_buffers(
            |Buffers {
                 first,
                 starts,
                 others,
                 ..
             }| {
                let padded = self.pad(x, first);
                self.windows(x.len() / self.source_values(), &padded, starts);
                list_starts(others, starts.len(), self.maps);
                let length = self.kernel[1] * self.channels;
                for sum in sum.chunks_exact_mut(length * self.maps) {
                    let rows = Vectors {
                        values: padded.values,
                        starts,
                        length,
                    };
                    let gradients = Vectors {
                        values: gradient,
                        starts: others,
                        length: self.maps,
                    };
                    add_outer_products(rows, gradients, sum);
                    // The next row of the kernel.
                    starts.iter_mut().for_each(|start| *start += padded.row);
                }
            },
        );
    }
}

/// Images with room around them.
struct Padded<'a> {
    values: &'a [f32],
    /// Values from a row to the next, and from an image to the next.
    row: usize,
    image: usize,
}

/// A correlation with the weights that it multiplies by.
#[derive(Debug)]
pub(super) struct Correlator {
    correlation: Correlation,
    weights: Weights,
}

#[derive(Debug)]
enum Weights {
    /// `[kernel height * kernel width * channels, maps]`.
    Plain(Panels),
    /// Of each point of transformed windows, `[channels, maps]`: for two taps a step, and for
    /// three.
    Two(Vec<Panels>),
    Three(Vec<Panels>),
}

impl Correlator {
    /// Of taps `[kernel height, kernel width, channels, maps]`.
    pub(super) fn new(correlation: Correlation, taps: &[f32]) -> Self {
        let weights = if correlation.suits(2) {
            Weights::Two(winograd::transform_taps::<Two, _, _>(&correlation, taps))
        } else if correlation.suits(3) {
            Weights::Three(winograd::transform_taps::<Three, _, _>(&correlation, taps))
        } else {
            let [height, width] = correlation.kernel;
            let inner = height * width * correlation.channels;
            Weights::Plain(Panels::pack(taps, [inner, correlation.maps]))
        };
        Self {
            correlation,
            weights,
        }
    }

    /// Images that a task takes at a time.
    pub(super) fn images_at_a_time(&self) -> usize {
        let images = self.correlation.images_at_a_time();
        match &self.weights {
            Weights::Plain(_) => images,
            // They have their own measure.
            Weights::Two(_) | Weights::Three(_) => images.max(IMAGES),
        }
    }

    /// Correlates images, one after another, channels last; on one thread.
    pub(super) fn apply(&self, x: &[f32], bias: Option<&[f32]>, y: &mut [f32]) {
        let correlation = &self.correlation;
        match &self.weights {
            Weights::Plain(weights) => correlate(correlation, weights, x, bias, y),
            Weights::Two(points) => {
                winograd::correlate::<Two, _, _>(correlation, points, x, bias, y);
            }
            Weights::Three(points) => {
                winograd::correlate::<Three, _, _>(correlation, points, x, bias, y);
            }
        }
    }
}

fn correlate(
    correlation: &Correlation,
    weights: &Panels,
    x: &[f32],
    bias: Option<&[f32]>,
    y: &mut [f32],
) {
    with_buffers(
        |Buffers {
             first,
             starts,
             others,
             ..
         }| {
            let images = x.len() / correlation.source_values();
            let padded = correlation.pad(x, first);
            correlation.windows(images, &padded, starts);
            others.clear();
            let [rows, columns] = correlation.count;
            for image in 0..images {
                for i in 0..rows {
                    others.extend((0..columns).map(|j| correlation.start_of(image, [i, j])));
                }
            }
            let windows = Rows {
                values: padded.values,
                starts,
                segments: correlation.kernel[0],
                stride: padded.row,
            };
            let out = Out {
                values: y,
                starts: others,
                bias,
            };
            multiply(windows, weights, out);
        },
    );
}

/// What a task works with, lent by its thread.
#[derive(Default)]
pub(super) struct Buffers {
    pub(super) first: Vec<f32>,
    pub(super) second: Vec<f32>,
    pub(super) starts: Vec<usize>,
    pub(super) others: Vec<usize>,
}

/// Lends the buffers of this thread to work that has no tasks of its own.
pub(super) fn with_buffers<T>(work: impl FnOnce(&mut Buffers) -> T) -> T {
    thread_local! {
        static BUFFERS: RefCell<Buffers> = RefCell::default();
    }
    BUFFERS.with_borrow_mut(work)
}

/// Lists where so many rows start that lie one after another, each so many values long.
pub(super) fn list_starts(starts: &mut Vec<usize>, rows: usize, values: usize) {
    starts.clear();
    starts.extend((0..rows).map(|row| row * values));
}

/// So many values of a buffer, which may be anything.
pub(super) fn room(buffer: &mut Vec<f32>, values: usize) -> &mut [f32] {
    if buffer.len() < values {
        buffer.resize(values, 0.0);
    }
    &mut buffer[..values]
}
