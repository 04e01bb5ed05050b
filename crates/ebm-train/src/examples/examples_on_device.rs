//! Training examples on the device, and the order in which they are visited.

use burn::tensor::{Device, Int, Tensor, TensorData};
use ebm_ops::{Noise, Rows, row_indices};
use serde::{Deserialize, Serialize};

use super::batch::Batch;
use crate::data::{Images, Labels, Plane, Points};

/// Examples that are looked at in one go where all of them are gone through, unless they are very
/// large.
pub const ROWS_AT_A_TIME: usize = 4096;

/// Values that are looked at in one go, at most: of 1 GB.
const VALUES_AT_A_TIME: usize = 1 << 28;

/// Examples that were uploaded once; batches are gathered and normalised on the device.
#[derive(Clone, Debug)]
pub struct Examples<const D: usize> {
    /// One example a row: `[count, values]`.
    rows: Rows,
    labels: Option<RowLabels>,
    shape: [usize; D],
    /// CRC-32 of the pixels; `None` for values that were computed, whose last bits depend on the
    /// machine.
    checksum: Option<u32>,
}

/// Which class each row belongs to.
#[derive(Clone, Debug)]
struct RowLabels {
    /// `[count]`, from 0 to below `classes`.
    indices: Tensor<1, Int>,
    classes: usize,
    /// Of each class, if the data name them.
    names: Option<Vec<String>>,
}

impl RowLabels {
    fn upload(labels: &Labels, device: &Device) -> Self {
        let indices: Vec<i32> = labels.indices().iter().map(|&label| label as i32).collect();
        let data = TensorData::new(indices, [labels.len()]);
        Self {
            indices: Tensor::from_data(data, device),
            classes: labels.classes(),
            names: labels.names().map(<[String]>::to_vec),
        }
    }

    fn select(&self, rows: Tensor<1, Int>) -> Tensor<1, Int> {
        self.indices.clone().select(0, rows)
    }
}

/// What tells one set of examples from another, for a checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fingerprint {
    /// The number of examples.
    pub count: usize,
    /// CRC-32 of their pixels, where they are images.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checksum: Option<u32>,
}

impl Fingerprint {
    /// Whether these are certainly other examples.
    pub fn differs(self, other: Self) -> bool {
        let checksums = self.checksum.zip(other.checksum);
        self.count != other.count || checksums.is_some_and(|(a, b)| a != b)
    }
}

impl Examples<4> {
    /// Images, kept as bytes, with their labels; pixel 0 becomes `low` and pixel 255 `high`.
    pub fn from_images(images: &Images, range: (f64, f64), device: &Device) -> Self {
        Self::from_owned_images(images.clone(), range, device)
    }

    /// As [`from_images`](Self::from_images), without a copy where the device takes the host's
    /// memory.
    pub fn from_owned_images(images: Images, (low, high): (f64, f64), device: &Device) -> Self {
        let [channels, height, width] = images.shape();
        let count = images.len();
        let checksum = crc32fast::hash(images.pixels());
        let labels = images.labels();
        let labels = labels.map(|labels| RowLabels::upload(labels, device));
        let data = TensorData::new(images.into_pixels(), [count, channels * height * width]);
        Self {
            rows: Rows::upload_bytes(data, (low, high), device),
            labels,
            shape: [count, channels, height, width],
            checksum: Some(checksum),
        }
    }
}

impl Examples<2> {
    /// Points of the plane: `[count, 2]`.
    pub fn from_points(points: &Points, device: &Device) -> Self {
        let data = TensorData::new(points.values().to_vec(), [points.len(), 2]);
        Self::from_tensor(Tensor::from_data(data, device))
    }

    /// `count` points drawn from a problem of the plane: `[count, 2]`.
    pub fn from_plane(plane: &Plane, count: usize, device: &Device, noise: &mut Noise) -> Self {
        let floats = |x: Tensor<1>| x.into_data().convert::<f32>().iter::<f32>().collect();
        let uniforms: Vec<f32> =
            floats(noise.uniform([count * plane.uniforms_per_point()], device));
        let normals: Vec<f32> = floats(noise.normal([2 * count], device));
        Self::from_points(&plane.points(count, &uniforms, &normals), device)
    }
}

impl<const D: usize> Examples<D> {
    /// The same examples, one a row.
    pub fn flattened(&self) -> Examples<2> {
        Examples {
            rows: self.rows.clone(),
            labels: self.labels.clone(),
            shape: [self.shape[0], self.shape[1..].iter().product()],
            checksum: self.checksum,
        }
    }

    /// The same examples in another shape: `[count, ..]`.
    ///
    /// # Panics
    ///
    /// If an example would have another number of values.
    pub fn reshaped<const N: usize>(&self, shape: [usize; N]) -> Examples<N> {
        let size = |shape: &[usize]| (shape[0], shape[1..].iter().product::<usize>());
        assert_eq!(
            size(&self.shape),
            size(&shape),
            "examples of shape {:?} can't take the shape {shape:?}",
            self.shape
        );
        Examples {
            rows: self.rows.clone(),
            labels: self.labels.clone(),
            shape,
            checksum: self.checksum,
        }
    }

    /// Examples that are on the device already: `[count, ..]`.
    pub fn from_tensor(examples: Tensor<D>) -> Self {
        let shape = examples.dims();
        Self {
            rows: Rows::Floats(examples.reshape([shape[0], shape[1..].iter().product()])),
            labels: None,
            shape,
            checksum: None,
        }
    }

    /// The same examples with one label each.
    ///
    /// # Panics
    ///
    /// If there isn't one label an example.
    #[must_use]
    pub fn with_labels(mut self, labels: &Labels) -> Self {
        assert_eq!(
            labels.len(),
            self.len(),
            "{} labels for {} examples",
            labels.len(),
            self.len()
        );
        self.labels = Some(RowLabels::upload(labels, &self.device()));
        self
    }

    /// The number of examples.
    pub fn len(&self) -> usize {
        self.shape[0]
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// `[count, ..]`.
    pub fn shape(&self) -> [usize; D] {
        self.shape
    }

    /// The examples after the first `count`; `None` if there are none.
    pub fn skip(&self, count: usize) -> Option<Self> {
        let indices: Vec<usize> = (count..self.len()).collect();
        if indices.is_empty() {
            return None;
        }
        let mut shape = self.shape;
        shape[0] = indices.len();
        let rows = row_indices(&indices, &self.device());
        Some(Self {
            labels: self.labels.as_ref().map(|labels| RowLabels {
                indices: labels.select(rows.clone()),
                classes: labels.classes,
                names: labels.names.clone(),
            }),
            rows: self.rows.subset(rows),
            shape,
            checksum: None,
        })
    }

    /// The class of each example: `[count]`, from 0 to below [`classes`](Self::classes); `None`
    /// where the data have no labels.
    pub fn labels(&self) -> Option<Tensor<1, Int>> {
        self.labels.as_ref().map(|labels| labels.indices.clone())
    }

    /// The number of classes, those included that no example belongs to; `None` where the data have
    /// no labels.
    pub fn classes(&self) -> Option<usize> {
        self.labels.as_ref().map(|labels| labels.classes)
    }

    /// The name of each class, by its label; `None` where the data name none.
    pub fn class_names(&self) -> Option<&[String]> {
        self.labels.as_ref()?.names.as_deref()
    }

    /// What tells them from other examples; labels don't.
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint {
            count: self.len(),
            checksum: self.checksum,
        }
    }

    /// How many to look at in one go where all of them are gone through.
    pub fn rows_at_a_time(&self) -> usize {
        let size = self.shape[1..].iter().product::<usize>().max(1);
        (VALUES_AT_A_TIME / size).clamp(1, ROWS_AT_A_TIME)
    }

    /// The device that holds them.
    pub fn device(&self) -> Device {
        self.rows.device()
    }

    /// The mean of each value over all examples, `[values]`.
    pub fn mean(&self) -> Tensor<1> {
        let count = self.len() as f64;
        let parts = self
            .flattened()
            .batches(self.rows_at_a_time())
            .map(|part| part.x.sum_dim(0).div_scalar(count))
            .collect();
        Tensor::cat(parts, 0).sum_dim(0).squeeze_dim(0)
    }

    /// All examples in their order, up to `size` at a time: `[size, ..]`, the last batch smaller.
    ///
    /// # Panics
    ///
    /// If `size` is 0.
    pub fn batches(&self, size: usize) -> impl Iterator<Item = Batch<D>> {
        let count = self.len();
        (0..count).step_by(size).map(move |first| {
            let indices: Vec<usize> = (first..count.min(first + size)).collect();
            self.batch(&indices)
        })
    }

    /// The examples at `indices`, `[indices, ..]`, and their labels.
    pub fn batch(&self, indices: &[usize]) -> Batch<D> {
        let mut shape = self.shape;
        shape[0] = indices.len();
        let rows = row_indices(indices, &self.device());
        let labels = self.labels.as_ref();
        Batch {
            labels: labels.map(|labels| labels.select(rows.clone())),
            x: self.rows.select(rows).reshape(shape),
        }
    }
}

/// Visits all examples once an epoch, in an order that is shuffled anew for each.
///
/// What an epoch's end leaves of less than a batch is dropped. The state is a noise stream and a
/// position; the order itself is drawn again from them.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Order {
    /// The stream as it was before the order of this epoch was drawn.
    noise: Noise,
    /// The number of examples visited in this epoch.
    position: usize,
    #[serde(skip)]
    order: Vec<usize>,
}

impl Order {
    /// An order that draws its shuffles from `noise`.
    pub fn new(noise: Noise) -> Self {
        Self {
            noise,
            position: 0,
            order: Vec::new(),
        }
    }

    /// This place, to go back to: what was drawn from the state isn't copied.
    pub fn place(&self) -> Self {
        Self {
            noise: self.noise.clone(),
            position: self.position,
            order: Vec::new(),
        }
    }

    /// The next `batch` of `count` examples.
    ///
    /// # Panics
    ///
    /// If `batch` exceeds `count`.
    pub fn next(&mut self, batch: usize, count: usize) -> &[usize] {
        assert!(
            batch <= count,
            "can't take a batch of {batch} from {count} examples"
        );
        // A place that was read may be one of more examples than there are now.
        if self.position.saturating_add(batch) > count {
            self.noise.permutation(count);
            self.position = 0;
            self.order.clear();
        }
        if self.order.len() != count {
            self.order = self.noise.clone().permutation(count);
        }
        let start = self.position;
        self.position += batch;
        &self.order[start..self.position]
    }
}

#[cfg(test)]
#[path = "examples_tests.rs"]
mod tests;
