//! The Langevin update follows its formula, value by value, and resets what is not finite.
#![allow(clippy::unwrap_used)]

use burn::tensor::{Tensor, TensorData};
use ebm_ops::{Interval, LangevinUpdate, Noise};
use ebm_testing::{devices, flags, floats, langevin_updates};

/// One value by the formula, in f32 as the tensors are.
fn moved(update: &LangevinUpdate, x: f32, g: f32, z: f32) -> f32 {
    let clip = update
        .gradient_clip
        .map_or(f32::INFINITY, |clip| clip as f32);
    let mut x = x - g.clamp(-clip, clip) * update.step_size as f32;
    if update.noise > 0.0 {
        x += z * update.noise as f32;
    }
    match update.clamp {
        Some(Interval { low, high }) => x.clamp(low as f32, high as f32),
        None => x,
    }
}

/// Shapes around a block of the noise, a row of it, and the share of a thread; images too. The
/// noise moves on as for normals of that shape.
#[test]
fn positions_are_those_of_the_formula() {
    for device in devices() {
        for (seed, update) in langevin_updates().into_iter().enumerate() {
            for shape in [
                [1, 1, 1],
                [3, 1, 1],
                [5, 7, 1],
                [64, 8, 8],
                [300, 3, 37],
                [2, 100, 130],
            ] {
                let mut noise = Noise::new(seed as u64);
                let draw = |noise: &mut Noise| -> Tensor<3> { noise.normal(shape, &device) };
                let (x, g, start) = (draw(&mut noise), draw(&mut noise), draw(&mut noise));
                let energies = Tensor::zeros([shape[0]], &device);
                let mut copy = noise.clone();
                let z = if update.noise > 0.0 {
                    floats(draw(&mut copy))
                } else {
                    vec![0.0; shape.iter().product()]
                };
                let (after, finite) =
                    update.apply(x.clone(), g.clone(), &energies, &start, &mut noise);
                assert_eq!(noise, copy, "the noise is elsewhere in its stream");
                assert!(flags(finite).into_iter().all(|finite| finite));
                let (x, g) = (floats(x), floats(g));
                for (i, after) in floats(after).into_iter().enumerate() {
                    let expected = moved(&update, x[i], g[i], z[i]);
                    assert!(
                        (after - expected).abs() <= expected.abs() * f32::EPSILON,
                        "{update:?}, {shape:?}, value {i}: {after}, expected {expected}"
                    );
                }
            }
        }
    }
}

/// Every kind of fault, under a clip and a clamp that would hide it; the neighbours move as if
/// alone.
#[test]
fn what_is_not_finite_goes_back() {
    for device in devices() {
        for update in langevin_updates() {
            let shape = [7, 6];
            let mut noise = Noise::new(3);
            let draw = |noise: &mut Noise| -> Tensor<2> { noise.normal(shape, &device) };
            let start = draw(&mut noise);
            let (mut x, mut g) = (floats(draw(&mut noise)), floats(draw(&mut noise)));
            let mut energies = vec![0.0_f32; 7];
            let clean = (x.clone(), g.clone());
            g[6 + 5] = f32::NAN;
            g[2 * 6] = f32::INFINITY;
            energies[3] = f32::NAN;
            energies[4] = f32::NEG_INFINITY;
            x[5 * 6 + 3] = f32::NAN;
            let tensor = |x: &[f32]| -> Tensor<2> {
                Tensor::from_data(TensorData::new(x.to_vec(), shape), &device)
            };
            let energies: Tensor<1> = Tensor::from_floats(energies.as_slice(), &device);
            let (after, finite) = update.apply(
                tensor(&x),
                tensor(&g),
                &energies,
                &start,
                &mut noise.clone(),
            );
            let none = Tensor::zeros([7], &device);
            let (alone, _) = update.apply(
                tensor(&clean.0),
                tensor(&clean.1),
                &none,
                &start,
                &mut noise,
            );
            assert_eq!(
                flags(finite),
                [true, false, false, false, false, false, true],
                "{update:?} on {device:?}"
            );
            let (after, alone, start) = (floats(after), floats(alone), floats(start));
            for row in 0..7 {
                let range = row * 6..(row + 1) * 6;
                let expected = if row == 0 || row == 6 { &alone } else { &start };
                assert_eq!(after[range.clone()], expected[range], "row {row}");
            }
        }
    }
}
