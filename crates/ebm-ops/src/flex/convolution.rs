//! Convolution on Flex: patches of a few images at a time, multiplied by the weights.

use std::cell::RefCell;

use burn::backend::flex::{FlexTensor, Layout};
use burn::tensor::{DType, Shape};
use rayon::prelude::*;

use super::elementwise::{new, slice};
use super::product::{Matrix, product};
use crate::description::Stride2d;

/// Values of the patches that a task gathers at a time: they stay in the second-level cache.
const PATCH_VALUES: usize = 1 << 16;

/// Partial sums of the gradient of the weights. Their number is fixed, so that the sum doesn't
/// depend on the threads.
const PARTIAL_SUMS: usize = 8;

thread_local! {
    /// The patches of the task at hand.
    static PATCHES: RefCell<Vec<f32>> = const { RefCell::new(Vec::new()) };
}

/// The sizes of a convolution.
#[derive(Clone, Copy, Debug)]
struct Sizes {
    batch: usize,
    channels: usize,
    image: [usize; 2],
    maps: usize,
    kernel: [usize; 2],
    output: [usize; 2],
    steps: Stride2d,
}

impl Sizes {
    fn new(x: &Shape, weight: &Shape, steps: Stride2d) -> Self {
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
            batch: x[0],
            channels: x[1],
            image: [x[2], x[3]],
            maps: weight[0],
            kernel: [weight[2], weight[3]],
            output: [output(0), output(1)],
            steps,
        }
    }

    fn image_values(&self) -> usize {
        self.image[0] * self.image[1] * self.channels
    }

    fn patch_values(&self) -> usize {
        self.kernel[0] * self.kernel[1] * self.channels
    }

    fn pixels(&self) -> usize {
        self.output[0] * self.output[1]
    }

    /// Images that a task takes at a time.
    fn images(&self) -> usize {
        (PATCH_VALUES / (self.pixels() * self.patch_values())).max(1)
    }

    /// The layout of `[batch, channels, height, width]` that lies channels last.
    fn layout(batch: usize, channels: usize, [height, width]: [usize; 2]) -> Layout {
        Layout::contiguous(Shape::new([batch, height, width, channels])).permute(&[0, 3, 1, 2])
    }

    /// Visits each row of each patch of an image, with its start in the patches, its start in the
    /// image and its number of values inside of the image; what lies outside isn't visited.
    fn each_row(&self, mut visit: impl FnMut(usize, usize, usize)) {
        let [height, width] = self.image.map(|side| side as isize);
        let row_values = self.kernel[1] * self.channels;
        let corner = |output: usize, side: usize| {
            (output * self.steps.stride[side]) as isize - self.steps.padding[side] as isize
        };
        let mut patch = 0;
        for i in 0..self.output[0] {
            for j in 0..self.output[1] {
                let (top, left) = (corner(i, 0), corner(j, 1));
                let first = left.max(0);
                let last = (left + self.kernel[1] as isize).min(width);
                for k in 0..self.kernel[0] {
                    let y = top + k as isize;
                    if (0..height).contains(&y) && first < last {
                        visit(
                            patch + k * row_values + (first - left) as usize * self.channels,
                            (y * width + first) as usize * self.channels,
                            (last - first) as usize * self.channels,
                        );
                    }
                }
                patch += self.kernel[0] * row_values;
            }
        }
    }

    /// Copies the patches of each image, `[images * pixels, patch]`.
    fn gather(&self, images: &[f32], patches: &mut [f32]) {
        // What lies outside the images stays zero.
        patches.fill(0.0);
        let of_image = self.pixels() * self.patch_values();
        for (image, patches) in images
            .chunks(self.image_values())
            .zip(patches.chunks_mut(of_image))
        {
            self.each_row(|to, from, count| {
                patches[to..to + count].copy_from_slice(&image[from..from + count]);
            });
        }
    }

    /// Adds the patches of each image to it.
    fn scatter(&self, patches: &[f32], images: &mut [f32]) {
        let of_image = self.pixels() * self.patch_values();
        for (image, patches) in images
            .chunks_mut(self.image_values())
            .zip(patches.chunks(of_image))
        {
            self.each_row(|from, to, count| {
                let image = &mut image[to..to + count];
                for (value, patch) in image.iter_mut().zip(&patches[from..from + count]) {
                    *value += *patch;
                }
            });
        }
    }
}

/// Lends a buffer of `values` values, which may hold anything.
fn with_patches<T>(values: usize, work: impl FnOnce(&mut [f32]) -> T) -> T {
    PATCHES.with_borrow_mut(|buffer| {
        if buffer.len() < values {
            buffer.resize(values, 0.0);
        }
        work(&mut buffer[..values])
    })
}

/// A tensor `[batch, channels, height, width]` as values that lie channels last.
fn channels_last(x: &FlexTensor) -> FlexTensor {
    let layout = x.layout().permute(&[0, 2, 3, 1]);
    FlexTensor::from_arc(x.data_arc(), layout, DType::F32).to_contiguous()
}

/// The convolution of images.
pub(super) fn forward(
    x: &FlexTensor,
    weight: &FlexTensor,
    bias: FlexTensor,
    steps: Stride2d,
) -> FlexTensor {
    let sizes = Sizes::new(x.layout().shape(), weight.layout().shape(), steps);
    let (x, weight, bias) = (
        channels_last(x),
        channels_last(weight),
        bias.to_contiguous(),
    );
    let (x, weight) = (slice(&x), slice(&weight));
    let (patch, maps) = (sizes.patch_values(), sizes.maps);
    let bias = slice(&bias);
    assert_eq!(
        bias.len(),
        maps,
        "a bias of {} values for {maps} maps",
        bias.len()
    );
    let images = sizes.images();
    let mut y = vec![0.0; sizes.batch * sizes.pixels() * maps];
    y.par_chunks_mut(images * sizes.pixels() * maps)
        .zip(x.par_chunks(images * sizes.image_values()))
        .for_each(|(y, x)| {
            for y in y.chunks_mut(maps) {
                y.copy_from_slice(bias);
            }
            let rows = y.len() / maps;
            with_patches(rows * patch, |patches| {
                sizes.gather(x, patches);
                product(
                    Matrix::rows(patches, [rows, patch]),
                    Matrix::rows(weight, [maps, patch]).transpose(),
                    y,
                    true,
                );
            });
        });
    new(y, Sizes::layout(sizes.batch, maps, sizes.output))
}

/// The gradient with respect to the images, of this shape.
pub(super) fn input_gradient(
    gradient: &FlexTensor,
    weight: &FlexTensor,
    shape: &Shape,
    steps: Stride2d,
) -> FlexTensor {
    let sizes = Sizes::new(shape, weight.layout().shape(), steps);
    let (gradient, weight) = (channels_last(gradient), channels_last(weight));
    let (gradient, weight) = (slice(&gradient), slice(&weight));
    let (patch, maps) = (sizes.patch_values(), sizes.maps);
    let images = sizes.images();
    let mut x = vec![0.0; sizes.batch * sizes.image_values()];
    x.par_chunks_mut(images * sizes.image_values())
        .zip(gradient.par_chunks(images * sizes.pixels() * maps))
        .for_each(|(x, gradient)| {
            let rows = gradient.len() / maps;
            with_patches(rows * patch, |patches| {
                product(
                    Matrix::rows(gradient, [rows, maps]),
                    Matrix::rows(weight, [maps, patch]),
                    patches,
                    false,
                );
                sizes.scatter(patches, x);
            });
        });
    new(x, Sizes::layout(sizes.batch, sizes.channels, sizes.image))
}

/// The gradient with respect to weights of this shape.
pub(super) fn weight_gradient(
    x: &FlexTensor,
    gradient: &FlexTensor,
    shape: &Shape,
    steps: Stride2d,
) -> FlexTensor {
    let sizes = Sizes::new(x.layout().shape(), shape, steps);
    let (x, gradient) = (channels_last(x), channels_last(gradient));
    let (x, gradient) = (slice(&x), slice(&gradient));
    let (patch, maps) = (sizes.patch_values(), sizes.maps);
    let share = sizes.batch.div_ceil(PARTIAL_SUMS).max(1);
    let partial: Vec<Vec<f32>> = x
        .par_chunks(share * sizes.image_values())
        .zip(gradient.par_chunks(share * sizes.pixels() * maps))
        .map(|(x, gradient)| {
            let mut sum = vec![0.0; maps * patch];
            let images = sizes.images();
            for (x, gradient) in x
                .chunks(images * sizes.image_values())
                .zip(gradient.chunks(images * sizes.pixels() * maps))
            {
                let rows = gradient.len() / maps;
                with_patches(rows * patch, |patches| {
                    sizes.gather(x, patches);
                    product(
                        Matrix::rows(gradient, [rows, maps]).transpose(),
                        Matrix::rows(patches, [rows, patch]),
                        &mut sum,
                        true,
                    );
                });
            }
            sum
        })
        .collect();
    let layout = Sizes::layout(maps, sizes.channels, sizes.kernel);
    new(total(partial, maps * patch), layout).to_contiguous()
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
        .par_chunks(share * image)
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
