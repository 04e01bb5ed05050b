//! Sums of softplus over rows on GPUs, a free energy's hidden units.

use burn::tensor::Shape;
use burn_cubecl::cubecl;
use burn_cubecl::kernel::into_contiguous;
use burn_cubecl::tensor::CubeTensor;
use cubecl::prelude::*;

use super::elementwise::{sigmoids, softplus};
use super::tensors::{ZERO, addresses, count, each, empty, per_row};

/// `sum_j softplus(x_ij)` of each row.
pub(super) fn softplus_sum(x: CubeTensor) -> CubeTensor {
    let x = into_contiguous(x);
    let (rows, columns) = (x.meta.shape()[0], x.meta.shape()[1]);
    let sums = empty(&x, Shape::new([rows]));
    if rows == 0 {
        return sums;
    }
    let client = x.client.clone();
    let cubes = per_row(&client, rows, columns);
    sum_rows::launch(
        &client,
        cubes.count,
        cubes.dim,
        addresses(&[&x, &sums]),
        x.into_buffer_arg(),
        sums.clone().into_buffer_arg(),
        columns as u32,
        ZERO,
        cubes.dim.num_elems() as usize,
    );
    sums
}

/// The gradient of `x` from that of the sums.
pub(super) fn softplus_sum_gradient(x: CubeTensor, gradient: CubeTensor) -> CubeTensor {
    let (x, gradient) = (into_contiguous(x), into_contiguous(gradient));
    let out = empty(&x, x.meta.shape().clone());
    if count(&x) == 0 {
        return out;
    }
    let columns = x.meta.shape()[1];
    let client = x.client.clone();
    let (cubes, dim) = each(&client, count(&x));
    scale_rows::launch(
        &client,
        cubes,
        dim,
        addresses(&[&x, &out]),
        x.into_buffer_arg(),
        gradient.into_buffer_arg(),
        out.clone().into_buffer_arg(),
        columns as u32,
        ZERO,
    );
    out
}

#[cube(launch, address_type = "dynamic")]
fn sum_rows(x: &[f32], sums: &mut [f32], columns: u32, zero: u32, #[comptime] cube_units: usize) {
    let row = CUBE_POS * CUBE_DIM_Y as usize + UNIT_POS_Y as usize;
    let columns = columns as usize;
    let mut sum = 0.0f32;
    if row < sums.len() {
        let mut column = UNIT_POS_X as usize;
        while column < columns {
            sum += softplus(x[row * columns + column], zero);
            column += CUBE_DIM_X as usize;
        }
    }
    // Halves are added until one value is left.
    let mut partial = Shared::<[f32]>::new_slice(cube_units);
    let place = UNIT_POS as usize;
    partial[place] = sum;
    sync_cube();
    let mut half = CUBE_DIM_X / 2;
    while half > 0 {
        if UNIT_POS_X < half {
            let other = partial[place + half as usize];
            partial[place] += other;
        }
        sync_cube();
        half /= 2;
    }
    if row < sums.len() && UNIT_POS_X == 0 {
        sums[row] = partial[place];
    }
}

#[cube(launch, address_type = "dynamic")]
fn scale_rows(x: &[f32], gradient: &[f32], out: &mut [f32], columns: u32, zero: u32) {
    let i = ABSOLUTE_POS;
    if i >= out.len() {
        terminate!();
    }
    out[i] = gradient[i / columns as usize] * sigmoids(x[i], zero).value;
}
