//! Memory of a GPU's tensors as kernels take it, and how many units work on it.

use burn::tensor::{DType, Shape};
use burn_cubecl::cubecl::prelude::*;
use burn_cubecl::cubecl::{calculate_cube_count_elemwise, client::Client};
use burn_cubecl::kernel::into_contiguous;
use burn_cubecl::ops::numeric::empty_device_contiguous_dtype;
use burn_cubecl::tensor::CubeTensor;

use crate::layout::dense_values;

/// What is 0 in [`super::elementary::rounded`].
pub(super) const ZERO: u32 = 0;

/// How many values there are.
pub(super) fn count(x: &CubeTensor) -> usize {
    x.meta.shape().num_elements()
}

/// A tensor of this shape that lies row after row, on the device of `x`; its values are not set.
pub(super) fn empty(x: &CubeTensor, shape: Shape) -> CubeTensor {
    let (client, device) = (x.client.clone(), x.device.clone());
    empty_device_contiguous_dtype(client, device, shape, DType::F32)
}

/// A tensor with the layout of `x`, which [`is_dense`]; its values are not set.
pub(super) fn empty_like(x: &CubeTensor) -> CubeTensor {
    let mut y = empty(x, x.meta.shape().clone());
    y.meta = x.meta.clone();
    y
}

/// The same tensor, with every value of its memory used exactly once, in any order: a permuted
/// layout is left as it is.
pub(super) fn dense(x: CubeTensor) -> CubeTensor {
    if is_dense(&x) { x } else { into_contiguous(x) }
}

/// Whether the values fill the memory from the tensor's start on without a gap.
fn is_dense(x: &CubeTensor) -> bool {
    let strides = x.meta.strides().iter().map(|&stride| stride as isize);
    let dimensions = strides.zip(x.meta.shape().iter().copied());
    !x.meta.is_tiled() && dense_values(dimensions).is_some()
}

/// Whether two dense tensors have the same order in memory.
pub(super) fn same_layout(x: &CubeTensor, y: &CubeTensor) -> bool {
    x.meta.shape() == y.meta.shape() && x.meta.strides() == y.meta.strides()
}

/// Cubes, and their size, for so many units that each do one thing.
pub(super) fn each(client: &Client, units: usize) -> (CubeCount, CubeDim) {
    let dim = CubeDim::new(client, units);
    (calculate_cube_count_elemwise(client, units, dim), dim)
}

/// The integers that index the largest of these tensors.
pub(super) fn addresses(tensors: &[&CubeTensor]) -> AddressType {
    tensors
        .iter()
        .map(|x| x.required_address_type())
        .max()
        .unwrap_or_default()
}

/// Units of a cube that works on rows.
const ROW_UNITS: u32 = 256;

/// How cubes share rows among them.
pub(super) struct RowCubes {
    pub(super) count: CubeCount,
    pub(super) dim: CubeDim,
}

/// Cubes for `rows` rows of `pieces` pieces of work each: a row gets as many units as it has
/// pieces, up to a whole cube.
pub(super) fn per_row(client: &Client, rows: usize, pieces: usize) -> RowCubes {
    let units = (pieces.clamp(1, ROW_UNITS as usize) as u32).next_power_of_two();
    let dim = CubeDim::new_2d(units, ROW_UNITS / units);
    // One unit of this count is a cube of the launch.
    let cubes = rows.div_ceil(dim.y as usize);
    let count = calculate_cube_count_elemwise(client, cubes, CubeDim::new_1d(1));
    RowCubes { count, dim }
}
