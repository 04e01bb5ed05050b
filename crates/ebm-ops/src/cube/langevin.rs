//! The step of Langevin dynamics on GPUs, in one pass.

use burn::tensor::Shape;
use burn_cubecl::cubecl;
use burn_cubecl::kernel::into_contiguous;
use burn_cubecl::tensor::CubeTensor;
use cubecl::prelude::*;

use super::draws::normals_of;
use super::elementary::rounded;
use super::philox::{Place, argument, block};
use super::tensors::{ZERO, addresses, count, empty, per_row};
use crate::description::LangevinStep;
use crate::fill::BLOCK;

/// The bits of an exponent: all of them are set where a value is not finite.
const EXPONENT: u32 = 0x7f80_0000;

/// The numbers of a [`LangevinStep`].
#[derive(CubeLaunch, CubeType, Clone, Copy)]
struct Numbers {
    step_size: f32,
    noise: f32,
    clip: f32,
    low: f32,
    high: f32,
    zero: u32,
}

/// The next positions, and 1 for each chain that made its step, else 0.
pub(super) fn update(
    step: LangevinStep,
    x: CubeTensor,
    gradient: CubeTensor,
    energies: CubeTensor,
    start: CubeTensor,
) -> (CubeTensor, CubeTensor) {
    let (x, gradient) = (into_contiguous(x), into_contiguous(gradient));
    let (energies, start) = (into_contiguous(energies), into_contiguous(start));
    let batch = x.meta.shape()[0];
    let next = empty(&x, x.meta.shape().clone());
    let finite = empty(&x, Shape::new([batch]));
    if batch == 0 {
        return (next, finite);
    }
    let values = count(&x) / batch;
    let client = x.client.clone();
    // A chain may begin and end inside a block.
    let cubes = per_row(&client, batch, values.div_ceil(BLOCK));
    // No limit is the largest number: what lies beyond it is a fault in any case.
    let largest = |limit: f32| limit.clamp(f32::MIN, f32::MAX);
    let numbers = NumbersLaunch::new(
        step.step_size,
        step.noise,
        largest(step.clip),
        largest(step.clamp.0),
        largest(step.clamp.1),
        ZERO,
    );
    move_chains::launch(
        &client,
        cubes.count,
        cubes.dim,
        addresses(&[&x, &gradient, &start, &next]),
        x.into_buffer_arg(),
        gradient.into_buffer_arg(),
        energies.into_buffer_arg(),
        start.into_buffer_arg(),
        next.clone().into_buffer_arg(),
        finite.clone().into_buffer_arg(),
        values as u32,
        argument(step.place),
        numbers,
        step.noise > 0.0,
        cubes.dim.num_elems() as usize,
    );
    (next, finite)
}

#[cube(launch, address_type = "dynamic")]
fn move_chains(
    x: &[f32],
    gradient: &[f32],
    energies: &[f32],
    start: &[f32],
    next: &mut [f32],
    finite: &mut [f32],
    values: u32,
    place: Place,
    numbers: Numbers,
    #[comptime] noisy: bool,
    #[comptime] cube_units: usize,
) {
    let chain = CUBE_POS * CUBE_DIM_Y as usize + UNIT_POS_Y as usize;
    let inside = chain < finite.len();
    let first = chain * values as usize;
    let end = select(inside, first + values as usize, first);
    let stride = CUBE_DIM_X as usize;
    let mut faults = 0u32;

    let mut b = first / 4 + UNIT_POS_X as usize;
    while b * 4 < end {
        let mut draws = Array::<f32>::new(4usize);
        if comptime!(noisy) {
            let z = normals_of(block(&place, b as u32), numbers.zero);
            draws[0] = z.a;
            draws[1] = z.b;
            draws[2] = z.c;
            draws[3] = z.d;
        }
        #[unroll]
        for k in 0..4usize {
            let i = b * 4 + k;
            if i >= first && i < end {
                let g = gradient[i];
                let drift = limited(g, -numbers.clip, numbers.clip) * numbers.step_size;
                let mut moved = x[i] - rounded(drift, numbers.zero);
                if comptime!(noisy) {
                    moved += rounded(draws[k] * numbers.noise, numbers.zero);
                }
                faults |= fault(g) | fault(moved);
                next[i] = limited(moved, numbers.low, numbers.high);
            }
        }
        b += stride;
    }

    // Each row of units shares what it has found.
    let mut found = Shared::<[u32]>::new_slice(cube_units);
    let here = UNIT_POS as usize;
    found[here] = faults;
    sync_cube();
    let mut half = CUBE_DIM_X / 2;
    while half > 0 {
        if UNIT_POS_X < half {
            let other = found[here + half as usize];
            found[here] |= other;
        }
        sync_cube();
        half /= 2;
    }

    if inside {
        let found_any = found[(UNIT_POS_Y * CUBE_DIM_X) as usize];
        let stays = (found_any | fault(energies[chain])) != 0u32;
        if stays {
            let mut b = first / 4 + UNIT_POS_X as usize;
            while b * 4 < end {
                #[unroll]
                for k in 0..4usize {
                    let i = b * 4 + k;
                    if i >= first && i < end {
                        next[i] = start[i];
                    }
                }
                b += stride;
            }
        }
        if UNIT_POS_X == 0 {
            finite[chain] = select(stays, 0.0f32, 1.0f32);
        }
    }
}

/// The nearest value of `[low, high]`.
#[cube]
fn limited(x: f32, low: f32, high: f32) -> f32 {
    let raised = select(x < low, low, x);
    select(raised > high, high, raised)
}

/// 1 where a value is not finite, else 0.
#[cube]
fn fault(x: f32) -> u32 {
    select((u32::reinterpret(x) & EXPONENT) == EXPONENT, 1u32, 0u32)
}
