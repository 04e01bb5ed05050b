//! Rows of values on the device, as floats or as bytes, read and overwritten by their number.

use burn::tensor::{Device, IndexingUpdateOp, Int, Tensor, TensorData};

use crate::bytes::{byte_dtype, from_bytes, to_bytes};
use crate::description::Interval;

/// Many rows, a few of which are used at a time: training examples, or the chains of a replay
/// buffer.
#[derive(Clone, Debug)]
pub enum Rows {
    /// The values: `[rows, values]`.
    Floats(Tensor<2>),
    /// A byte a value, which stands for `low + (high - low) * byte / 255`.
    Bytes {
        /// The bytes: `[rows, values]`.
        bytes: Tensor<2, Int>,
        /// The values of the bytes 0 and 255, `[low, high]`.
        range: Interval,
    },
}

impl Rows {
    /// Keeps values of the range `[low, high]` as bytes; each is off by at most
    /// `(high - low) / 510`.
    pub fn rounded(values: Tensor<2>, range: impl Into<Interval>) -> Self {
        let range = range.into();
        Self::Bytes {
            bytes: to_bytes(values, range),
            range,
        }
    }

    /// Uploads bytes, `[rows, values]`, that stand for values of a range.
    pub fn upload_bytes(bytes: TensorData, range: impl Into<Interval>, device: &Device) -> Self {
        Self::Bytes {
            bytes: Tensor::from_data(bytes, (device, byte_dtype(device))),
            range: range.into(),
        }
    }

    /// The device that holds them.
    pub fn device(&self) -> Device {
        match self {
            Self::Floats(values) => values.device(),
            Self::Bytes { bytes, .. } => bytes.device(),
        }
    }

    /// The values of some rows.
    ///
    /// # Shapes
    ///
    /// - `indices`: `[count]`, from [`row_indices`]
    /// - output: `[count, values]`
    pub fn select(&self, indices: Tensor<1, Int>) -> Tensor<2> {
        match self {
            Self::Floats(values) => values.clone().select(0, indices),
            Self::Bytes { bytes, range } => from_bytes(bytes.clone().select(0, indices), *range),
        }
    }

    /// Some rows, kept as these are.
    ///
    /// # Shapes
    ///
    /// - `indices`: `[count]`, from [`row_indices`]
    #[must_use]
    pub fn subset(&self, indices: Tensor<1, Int>) -> Self {
        match self {
            Self::Floats(values) => Self::Floats(values.clone().select(0, indices)),
            Self::Bytes { bytes, range } => Self::Bytes {
                bytes: bytes.clone().select(0, indices),
                range: *range,
            },
        }
    }

    /// Overwrites some rows. They are moved out and in, so that a backend can do it in place.
    ///
    /// # Shapes
    ///
    /// - `indices`: `[count]`, all different
    /// - `values`: `[count, values]`
    pub fn assign(&mut self, indices: Tensor<1, Int>, values: Tensor<2>) {
        let assign = IndexingUpdateOp::Assign;
        match self {
            #[cfg(feature = "flex")]
            Self::Floats(rows)
                if crate::flex::has_kernels(rows) && crate::flex::has_kernels(&values) =>
            {
                rows.inplace(|rows| crate::flex::assign_rows(rows, indices, values));
            }
            Self::Floats(rows) => {
                rows.inplace(|rows| rows.select_assign(0, indices, values, assign));
            }
            Self::Bytes { bytes, range } => {
                let values = to_bytes(values, *range);
                bytes.inplace(|rows| rows.select_assign(0, indices, values, assign));
            }
        }
    }

    /// All rows on the host, `f32` or `u8` as they are kept.
    pub fn to_data(&self) -> TensorData {
        match self {
            Self::Floats(values) => values.to_data(),
            Self::Bytes { bytes, .. } => bytes.to_data_as::<u8>(),
        }
    }
}

/// Numbers of rows as a device takes them: `[indices]`.
pub fn row_indices(indices: &[usize], device: &Device) -> Tensor<1, Int> {
    let count = indices.len();
    let indices: Vec<i32> = indices.iter().map(|&index| index as i32).collect();
    Tensor::from_data(TensorData::new(indices, [count]), device)
}
