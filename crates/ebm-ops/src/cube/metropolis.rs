//! Decisions of Metropolis and Hastings on GPUs, each with its uniform number.

use burn_cubecl::cubecl;
use burn_cubecl::kernel::into_contiguous;
use burn_cubecl::tensor::CubeTensor;
use cubecl::prelude::*;

use super::elementary::{exp, ln, of_24_bits};
use super::philox::{Place, argument, block};
use super::tensors::{ZERO, addresses, count, each, empty};
use crate::description;
use crate::fill::BLOCK;

/// All bits but the sign, and those of infinity.
const MAGNITUDE: u32 = 0x7fff_ffff;
const INFINITY: u32 = 0x7f80_0000;

/// 1 for each proposal that is accepted, else 0, and the probability with which each was.
pub(super) fn decide(log_ratio: CubeTensor, place: description::Place) -> (CubeTensor, CubeTensor) {
    let log_ratio = into_contiguous(log_ratio);
    let accepted = empty(&log_ratio, log_ratio.meta.shape().clone());
    let probability = empty(&log_ratio, log_ratio.meta.shape().clone());
    let values = count(&log_ratio);
    if values == 0 {
        return (accepted, probability);
    }
    let client = log_ratio.client.clone();
    let (cubes, dim) = each(&client, values.div_ceil(BLOCK));
    decisions::launch(
        &client,
        cubes,
        dim,
        addresses(&[&log_ratio]),
        log_ratio.into_buffer_arg(),
        accepted.clone().into_buffer_arg(),
        probability.clone().into_buffer_arg(),
        argument(place),
        ZERO,
    );
    (accepted, probability)
}

#[cube(launch, address_type = "dynamic")]
fn decisions(
    log_ratio: &[f32],
    accepted: &mut [f32],
    probability: &mut [f32],
    place: Place,
    zero: u32,
) {
    let first = ABSOLUTE_POS * 4;
    if first >= log_ratio.len() {
        terminate!();
    }
    let words = block(&place, ABSOLUTE_POS as u32);
    decision(log_ratio, accepted, probability, first, words.a, zero);
    decision(log_ratio, accepted, probability, first + 1, words.b, zero);
    decision(log_ratio, accepted, probability, first + 2, words.c, zero);
    decision(log_ratio, accepted, probability, first + 3, words.d, zero);
}

#[cube]
fn decision(
    log_ratio: &[f32],
    accepted: &mut [f32],
    probability: &mut [f32],
    i: usize,
    word: u32,
    zero: u32,
) {
    if i < log_ratio.len() {
        let ratio = log_ratio[i];
        // By its bits: a shader's compiler may assume that there is no NaN.
        let is_number = (u32::reinterpret(ratio) & MAGNITUDE) <= INFINITY;
        let above = is_number && ratio >= 0.0;
        let below = select(
            is_number && ratio > -87.0f32 && ratio < 0.0f32,
            ratio,
            -88.0f32,
        );
        let log_probability = select(above, 0.0f32, below);
        // 1 - u, which lies in (0, 1].
        let rest = of_24_bits(0x100_0000u32 - (word >> 8u32));
        accepted[i] = select(ln(rest, zero) <= log_probability, 1.0f32, 0.0f32);
        probability[i] = exp(log_probability, zero);
    }
}
