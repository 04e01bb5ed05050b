//! Steps of parameters and chosen chains: their formulas, and memory of others left alone.
#![allow(clippy::unwrap_used)]

use burn::tensor::{Bool, Device, Tensor, TensorData};
use ebm_ops::{
    GradientDescent, Noise, Rows, moving_average, row_indices, select_chains, square_sum,
};
use ebm_testing::{devices, floats};

/// Sizes around a vector and the share of a thread, plain and transposed.
const SHAPES: [[usize; 2]; 4] = [[1, 1], [3, 5], [17, 1000], [300, 311]];

fn draws(shape: [usize; 2], device: &Device, noise: &mut Noise) -> [Tensor<2>; 3] {
    [(); 3].map(|()| {
        let x: Tensor<2> = noise.normal([shape[1], shape[0]], device);
        x.transpose()
    })
}

#[test]
fn descent_follows_its_formula() {
    for device in devices() {
        for shape in SHAPES {
            for weight_decay in [0.0, 0.3] {
                let step = GradientDescent {
                    learning_rate: 0.1,
                    weight_decay,
                    momentum: 0.7,
                };
                let [weight, gradient, velocity] = draws(shape, &device, &mut Noise::new(1));
                let before = [&weight, &gradient, &velocity].map(|x| floats(x.clone()));
                let alone = floats(step.step(weight.clone(), gradient.clone()));
                let (first, begun) =
                    step.step_with_velocity(weight.clone(), gradient.clone(), None);
                let (moved, kept) = step.step_with_velocity(
                    weight.clone(),
                    gradient.clone(),
                    Some(velocity.clone()),
                );
                assert_eq!(floats(first), alone, "the first step has no velocity");
                let [moved, kept, begun] = [moved, kept, begun].map(floats);
                let [w, g, v] = &before;
                for i in 0..w.len() {
                    let slope = if weight_decay > 0.0 {
                        w[i] * 0.3 + g[i]
                    } else {
                        g[i]
                    };
                    assert_eq!(alone[i], w[i] - slope * 0.1, "value {i} of {shape:?}");
                    assert_eq!(begun[i], slope);
                    let next = slope + v[i] * 0.7;
                    assert_eq!(kept[i], next, "velocity {i} of {shape:?}");
                    assert_eq!(moved[i], w[i] - next * 0.1);
                }
                let after = [weight, gradient, velocity].map(floats);
                assert_eq!(after, before, "arrays that others hold have changed");
            }
        }
    }
}

#[test]
fn moving_averages_and_sums_of_squares() {
    for device in devices() {
        for shape in SHAPES {
            let [average, value, _] = draws(shape, &device, &mut Noise::new(2));
            let before = [&average, &value].map(|x| floats(x.clone()));
            let mixed = floats(moving_average(average.clone(), value.clone(), 0.9));
            let rest = (1.0 - 0.9_f64) as f32;
            for (i, mixed) in mixed.into_iter().enumerate() {
                assert_eq!(mixed, before[0][i] * 0.9 + before[1][i] * rest, "value {i}");
            }
            let exact: f64 = before[1].iter().map(|&x| f64::from(x).powi(2)).sum();
            let found = f64::from(floats(square_sum(value.clone()))[0]);
            // Lanes of at most 16,384 / 16 squares, each rounded: 2^-24 a term would be 6e-5, their
            // random walk a few 1e-7.
            assert!(
                (found - exact).abs() < 3e-6 * exact,
                "{shape:?}: {found}, expected {exact}"
            );
            assert_eq!([average, value].map(floats), before, "others hold these");
        }
    }
}

/// Rows of either side, whoever else holds them.
#[test]
fn chains_are_chosen_row_by_row() {
    for device in devices() {
        for shape in [[1, 1], [5, 3], [1000, 50], [300, 784]] {
            let mask: Vec<bool> = (0..shape[0]).map(|i| i % 3 == 1).collect();
            let chosen = TensorData::new(mask.clone(), [shape[0]]);
            let chosen = Tensor::<1, Bool>::from_data(chosen, &device);
            let [others, taken, _] = draws(shape, &device, &mut Noise::new(3));
            let before = [&others, &taken].map(|x| floats(x.clone()));
            let expected: Vec<f32> = (0..shape[0] * shape[1])
                .map(|at| before[usize::from(mask[at / shape[1]])][at])
                .collect();
            let own = |x: &Tensor<2>| x.clone() + 0.0;
            for (others, taken) in [
                (others.clone(), taken.clone()),
                (own(&others), taken.clone()),
                (others.clone(), own(&taken)),
                (own(&others), own(&taken)),
            ] {
                assert_eq!(floats(select_chains(&chosen, others, taken)), expected);
            }
            assert_eq!([others, taken].map(floats), before, "others hold these");
        }
    }
}

#[test]
fn rows_are_overwritten_and_no_others() {
    for device in devices() {
        let mut noise = Noise::new(4);
        let all: Tensor<2> = noise.normal([40, 7], &device);
        let fresh: Tensor<2> = noise.normal([3, 7], &device);
        let mut rows = Rows::Floats(all.clone());
        rows.assign(row_indices(&[39, 0, 17], &device), fresh.clone());
        let mut expected = floats(all.clone());
        let fresh = floats(fresh);
        for (i, row) in [39, 0, 17].into_iter().enumerate() {
            expected[row * 7..(row + 1) * 7].copy_from_slice(&fresh[i * 7..(i + 1) * 7]);
        }
        assert_eq!(rows.to_data().iter::<f32>().collect::<Vec<_>>(), expected);
        assert_ne!(floats(all), expected, "a copy that others hold has changed");
    }
}

#[test]
#[should_panic(expected = "rows of shape")]
fn rows_that_do_not_fit_are_refused() {
    let device = Device::flex();
    let mut rows = Rows::Floats(Tensor::zeros([4, 3], &device));
    rows.assign(row_indices(&[1], &device), Tensor::ones([1, 2], &device));
}
