//! Convolution on Flex: correlations of images that lie channels last, a few images at a time on
//! several threads.

use std::sync::Arc;

use burn::backend::flex::{FlexTensor, Layout};
use burn::tensor::{DType, Shape};
use rayon::prelude::*;

use super::correlation::{Buffers, Correlator, Sizes, list_starts, room, with_buffers};
use super::elementwise::{new, slice};
use super::kept::{self, Purpose};
use super::panels::{Out, Panels, Rows, multiply};
use crate::description::Stride2d;

/// Partial sums of the gradient of the weights. Their number is fixed, so that the sum doesn't
/// depend on the threads.
const PARTIAL_SUMS: usize = 8;

/// Channels below which the gradient with respect to images is first that of their patches: vectors
/// would be mostly empty.
const FEW_CHANNELS: usize = 8;

/// Values of patches that a task holds at a time.
const PATCH_VALUES: usize = 1 << 16;

/// The layout of `[batch, channels, height, width]` that lies channels last.
fn layout(batch: usize, channels: usize, [height, width]: [usize; 2]) -> Layout {
    Layout::contiguous(Shape::new([batch, height, width, channels])).permute(&[0, 3, 1, 2])
}

/// A tensor `[batch, channels, height, width]` as values that lie channels last.
fn channels_last(x: &FlexTensor) -> FlexTensor {
    permuted(x, &[0, 2, 3, 1])
}

/// A tensor with its dimensions in another order, row after row.
fn permuted(x: &FlexTensor, order: &[usize]) -> FlexTensor {
    let layout = x.layout().permute(order);
    FlexTensor::from_arc(x.data_arc(), layout, DType::F32).to_contiguous()
}

/// The convolution of images.
pub(super) fn forward(
    x: &FlexTensor,
    weight: &FlexTensor,
    bias: FlexTensor,
    steps: Stride2d,
) -> FlexTensor {
    let (batch, sizes) = sizes(x.layout().shape(), weight, steps);
    let (x, bias) = (channels_last(x), bias.to_contiguous());
    let (x, bias) = (slice(&x), slice(&bias));
    assert_eq!(
        bias.len(),
        sizes.maps,
        "a bias of {} values for {} maps",
        bias.len(),
        sizes.maps
    );
    let correlator: Arc<Correlator> = kept::of(weight, Purpose::Convolution(sizes), || {
        Correlator::new(sizes.forward(), slice(&permuted(weight, &[2, 3, 1, 0])))
    });
    let mut y = vec![0.0; batch * sizes.output_values()];
    let images = images_at_a_time(batch, correlator.images_at_a_time());
    y.par_chunks_mut((images * sizes.output_values()).max(1))
        .zip(x.par_chunks((images * sizes.image_values()).max(1)))
        .for_each(|(y, x)| correlator.apply(x, Some(bias), y));
    new(y, layout(batch, sizes.maps, sizes.output))
}

/// What the gradient with respect to images is made with.
#[derive(Debug)]
enum Backward {
    /// `[maps, kernel height * kernel width * channels]`: the gradient of patches, which are added
    /// up.
    Patches(Panels),
    /// A correlation for each place of a pixel between two steps.
    Correlators(Vec<Correlator>),
}

impl Backward {
    fn new(sizes: &Sizes, weight: &FlexTensor) -> Self {
        if sizes.channels < FEW_CHANNELS {
            let taps = permuted(weight, &[0, 2, 3, 1]);
            let shape = [sizes.maps, sizes.patch_values()];
            return Self::Patches(Panels::pack(slice(&taps), shape));
        }
        let taps = permuted(weight, &[2, 3, 0, 1]);
        let taps = slice(&taps);
        let size = sizes.maps * sizes.channels;
        let correlators = sizes.backward().into_iter().map(|(correlation, first)| {
            // From the last of its taps to the first, as a convolution is turned around.
            let [rows, columns] = correlation.kernel;
            let mut own = Vec::with_capacity(rows * columns * size);
            for i in (0..rows).rev() {
                for j in (0..columns).rev() {
                    let row = first[0] + i * sizes.steps.stride[0];
                    let column = first[1] + j * sizes.steps.stride[1];
                    let tap = row * sizes.kernel[1] + column;
                    own.extend_from_slice(&taps[tap * size..][..size]);
                }
            }
            Correlator::new(correlation, &own)
        });
        Self::Correlators(correlators.collect())
    }

    fn images_at_a_time(&self, sizes: &Sizes) -> usize {
        match self {
            Self::Patches(_) => {
                let pixels = sizes.output[0] * sizes.output[1];
                (PATCH_VALUES / (pixels * sizes.patch_values()).max(1)).max(1)
            }
            Self::Correlators(all) => all
                .iter()
                .map(Correlator::images_at_a_time)
                .min()
                .unwrap_or(1),
        }
    }
}

/// The gradient with respect to the images, of this shape.
pub(super) fn input_gradient(
    gradient: &FlexTensor,
    weight: &FlexTensor,
    shape: &Shape,
    steps: Stride2d,
) -> FlexTensor {
    let (batch, sizes) = sizes(shape, weight, steps);
    let gradient = channels_last(gradient);
    let gradient = slice(&gradient);
    let backward: Arc<Backward> = kept::of(weight, Purpose::InputGradient(sizes), || {
        Backward::new(&sizes, weight)
    });
    let mut x = vec![0.0; batch * sizes.image_values()];
    let images = images_at_a_time(batch, backward.images_at_a_time(&sizes));
    x.par_chunks_mut((images * sizes.image_values()).max(1))
        .zip(gradient.par_chunks((images * sizes.output_values()).max(1)))
        .for_each(|(x, gradient)| match &*backward {
            Backward::Patches(weights) => add_patches(&sizes, weights, gradient, x),
            Backward::Correlators(all) => {
                for correlator in all {
                    correlator.apply(gradient, None, x);
                }
            }
        });
    new(x, layout(batch, sizes.channels, sizes.image))
}

/// Adds the gradient of each patch to the images that it was taken from.
fn add_patches(sizes: &Sizes, weights: &Panels, gradient: &[f32], x: &mut [f32]) {
    let patch = sizes.patch_values();
    let rows = gradient.len() / sizes.maps;
    with_buffers(|buffers| {
        let Buffers {
            first,
            starts,
            others,
            ..
        } = buffers;
        list_starts(starts, rows, sizes.maps);
        list_starts(others, rows, patch);
        let patches = room(first, rows * patch);
        let rows = Rows::whole(gradient, starts);
        let out = Out {
            values: patches,
            starts: others,
            bias: None,
        };
        multiply(rows, weights, out);
        let of_image = sizes.output[0] * sizes.output[1] * patch;
        for (image, patches) in x
            .chunks_exact_mut(sizes.image_values())
            .zip(patches.chunks_exact(of_image))
        {
            each_row(sizes, |from, to, count| {
                let image = &mut image[to..to + count];
                for (value, patch) in image.iter_mut().zip(&patches[from..from + count]) {
                    *value += *patch;
                }
            });
        }
    });
}

/// Visits each row of each patch of an image, with its start in the patches, its start in the image
/// and its number of values inside of the image; what lies outside isn't visited.
fn each_row(sizes: &Sizes, mut visit: impl FnMut(usize, usize, usize)) {
    let [height, width] = sizes.image.map(|side| side as isize);
    let row_values = sizes.kernel[1] * sizes.channels;
    let corner = |output: usize, side: usize| {
        (output * sizes.steps.stride[side]) as isize - sizes.steps.padding[side] as isize
    };
    let mut patch = 0;
    for i in 0..sizes.output[0] {
        for j in 0..sizes.output[1] {
            let (top, left) = (corner(i, 0), corner(j, 1));
            let first = left.max(0);
            let last = (left + sizes.kernel[1] as isize).min(width);
            for k in 0..sizes.kernel[0] {
                let y = top + k as isize;
                if (0..height).contains(&y) && first < last {
                    visit(
                        patch + k * row_values + (first - left) as usize * sizes.channels,
                        (y * width + first) as usize * sizes.channels,
                        (last - first) as usize * sizes.channels,
                    );
                }
            }
            patch += sizes.kernel[0] * row_values;
        }
    }
}

/// The gradient with respect to weights of this shape.
pub(super) fn weight_gradient(
    x: &FlexTensor,
    gradient: &FlexTensor,
    weight: &FlexTensor,
    steps: Stride2d,
) -> FlexTensor {
    let (batch, sizes) = sizes(x.layout().shape(), weight, steps);
    let (x, gradient) = (channels_last(x), channels_last(gradient));
    let (x, gradient) = (slice(&x), slice(&gradient));
    let values = sizes.patch_values() * sizes.maps;
    let correlation = sizes.forward();
    let share = batch.div_ceil(PARTIAL_SUMS).max(1);
    let images = correlation.images_at_a_time();
    let partial: Vec<Vec<f32>> = x
        .par_chunks((share * sizes.image_values()).max(1))
        .zip(gradient.par_chunks((share * sizes.output_values()).max(1)))
        .map(|(x, gradient)| {
            let mut sum = vec![0.0; values];
            for (x, gradient) in x
                .chunks(images * sizes.image_values())
                .zip(gradient.chunks(images * sizes.output_values()))
            {
                correlation.add_weight_gradient(x, gradient, &mut sum);
            }
            sum
        })
        .collect();
    let [height, width] = sizes.kernel;
    let shape = Shape::new([height, width, sizes.channels, sizes.maps]);
    let layout = Layout::contiguous(shape).permute(&[3, 2, 0, 1]);
    new(total(partial, values), layout).to_contiguous()
}

/// The gradient with respect to the bias.
pub(super) fn bias_gradient(gradient: &FlexTensor) -> FlexTensor {
    let gradient = channels_last(gradient);
    let shape = gradient.layout().shape();
    let (batch, maps) = (shape[0], shape[3]);
    let image = shape[1] * shape[2] * maps;
    let values = slice(&gradient);
    let share = batch.div_ceil(PARTIAL_SUMS).max(1);
    let partial = values
        .par_chunks((share * image).max(1))
        .map(|gradient| {
            let mut sum = vec![0.0; maps];
            for row in gradient.chunks(maps) {
                for (sum, value) in sum.iter_mut().zip(row) {
                    *sum += *value;
                }
            }
            sum
        })
        .collect();
    new(total(partial, maps), Layout::contiguous(Shape::new([maps])))
}

/// The number of images of this shape, and the sizes of the convolution of one.
fn sizes(x: &Shape, weight: &FlexTensor, steps: Stride2d) -> (usize, Sizes) {
    (x[0], Sizes::new(x, weight.layout().shape(), steps))
}

/// Images of a task: as many as are at best held at a time, but no fewer tasks than threads.
fn images_at_a_time(batch: usize, most: usize) -> usize {
    let share = batch.div_ceil(rayon::current_num_threads());
    most.min(share).max(1)
}

/// The sum of lists, first to last.
fn total(lists: Vec<Vec<f32>>, values: usize) -> Vec<f32> {
    let mut total = vec![0.0; values];
    for list in lists {
        for (total, value) in total.iter_mut().zip(list) {
            *total += value;
        }
    }
    total
}
