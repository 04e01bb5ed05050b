//! Convolutions and their three gradients against sums written out in f64.
#![allow(clippy::unwrap_used)]

use burn::tensor::{Device, Tensor, TensorData};
use ebm_ops::{Noise, Stride2d, conv2d};
use ebm_testing::{devices, floats};

/// Batch, channels, height, width; maps, kernel height and width; steps.
type Case = ([usize; 4], [usize; 3], Stride2d);

/// The layers of the UvA tutorial, colours, odd and rectangular sizes, kernels that overhang, a
/// batch that isn't a multiple of anything; then many channels, in tiles that images end in the
/// middle of, and steps beyond the kernel.
fn cases() -> Vec<Case> {
    let steps = |stride, padding| Stride2d { stride, padding };
    vec![
        ([5, 1, 28, 28], [16, 5, 5], steps([2, 2], [4, 4])),
        ([5, 16, 16, 16], [32, 3, 3], steps([2, 2], [1, 1])),
        ([37, 64, 4, 4], [64, 3, 3], steps([2, 2], [1, 1])),
        ([3, 3, 9, 7], [5, 3, 2], steps([1, 2], [0, 1])),
        ([2, 2, 5, 6], [3, 4, 5], steps([3, 1], [3, 4])),
        ([1, 1, 1, 1], [1, 1, 1], steps([1, 1], [0, 0])),
        ([2, 3, 4, 4], [2, 1, 1], steps([2, 2], [2, 2])),
        ([3, 17, 8, 8], [33, 3, 3], steps([1, 1], [1, 1])),
        ([3, 32, 7, 9], [16, 3, 3], steps([1, 1], [0, 2])),
        ([40, 16, 2, 1], [16, 3, 3], steps([1, 1], [1, 1])),
        ([4, 32, 8, 10], [48, 4, 4], steps([2, 2], [1, 1])),
        ([5, 16, 9, 7], [20, 4, 4], steps([2, 2], [2, 3])),
        ([2, 20, 5, 6], [16, 2, 2], steps([1, 1], [0, 1])),
        ([3, 9, 6, 5], [70, 1, 1], steps([1, 1], [0, 0])),
        ([3, 9, 7, 8], [12, 2, 1], steps([3, 2], [1, 0])),
        ([2, 64, 1, 1], [16, 3, 3], steps([2, 2], [1, 1])),
    ]
}

/// `y`, and the gradients of `sum(y g)`, in f64.
struct Reference {
    y: Vec<f64>,
    x: Vec<f64>,
    weight: Vec<f64>,
    bias: Vec<f64>,
}

fn output([_, _, h, w]: [usize; 4], [_, kh, kw]: [usize; 3], s: Stride2d) -> [usize; 2] {
    [
        (h + 2 * s.padding[0] - kh) / s.stride[0] + 1,
        (w + 2 * s.padding[1] - kw) / s.stride[1] + 1,
    ]
}

fn reference(case: Case, x: &[f32], weight: &[f32], bias: &[f32], g: &[f32]) -> Reference {
    let ([n, c, h, w], [maps, kh, kw], s) = case;
    let [oh, ow] = output(case.0, case.1, s);
    let mut r = Reference {
        y: vec![0.0; n * maps * oh * ow],
        x: vec![0.0; x.len()],
        weight: vec![0.0; weight.len()],
        bias: vec![0.0; maps],
    };
    for (index, y) in r.y.iter_mut().enumerate() {
        let (j, i) = (index % ow, index / ow % oh);
        let (o, b) = (index / (ow * oh) % maps, index / (ow * oh * maps));
        let g = f64::from(g[index]);
        *y = f64::from(bias[o]);
        r.bias[o] += g;
        for (ch, k, l) in
            (0..c).flat_map(|ch| (0..kh).flat_map(move |k| (0..kw).map(move |l| (ch, k, l))))
        {
            let (Some(row), Some(column)) = (
                (i * s.stride[0] + k)
                    .checked_sub(s.padding[0])
                    .filter(|&row| row < h),
                (j * s.stride[1] + l)
                    .checked_sub(s.padding[1])
                    .filter(|&column| column < w),
            ) else {
                continue;
            };
            let (xi, wi) = (
                ((b * c + ch) * h + row) * w + column,
                ((o * c + ch) * kh + k) * kw + l,
            );
            *y += f64::from(x[xi]) * f64::from(weight[wi]);
            r.x[xi] += f64::from(weight[wi]) * g;
            r.weight[wi] += f64::from(x[xi]) * g;
        }
    }
    r
}

/// Sums of products of normals: rounding grows like the root of their number, 1e-6 of the largest
/// value is far above it.
fn assert_close(found: Vec<f32>, expected: &[f64], what: &str) {
    let largest = expected.iter().fold(1e-3, |a: f64, b| a.max(b.abs()));
    assert_eq!(found.len(), expected.len(), "{what}");
    for (index, (&found, expected)) in found.iter().zip(expected).enumerate() {
        assert!(
            (f64::from(found) - expected).abs() < 2e-6 * largest,
            "{what}, value {index}: found {found}, expected {expected}"
        );
    }
}

#[test]
fn values_and_gradients() {
    for device in devices() {
        for (number, case) in cases().into_iter().enumerate() {
            let (image, [maps, kh, kw], steps) = case;
            let mut noise = Noise::new(number as u64);
            let [oh, ow] = output(image, case.1, steps);
            let x: Tensor<4> = noise.normal(image, &device);
            let weight: Tensor<4> = noise.normal([maps, image[1], kh, kw], &device);
            let bias: Tensor<1> = noise.normal([maps], &device);
            let g: Tensor<4> = noise.normal([image[0], maps, oh, ow], &device);
            let r = reference(
                case,
                &floats(x.clone()),
                &floats(weight.clone()),
                &floats(bias.clone()),
                &floats(g.clone()),
            );
            let (x, weight, bias) = (
                x.autodiff().require_grad(),
                weight.autodiff().require_grad(),
                bias.autodiff().require_grad(),
            );
            let y = conv2d(x.clone(), weight.clone(), bias.clone(), steps);
            assert_eq!(y.dims(), [image[0], maps, oh, ow]);
            assert_close(
                floats(y.clone().inner()),
                &r.y,
                &format!("y of case {number}"),
            );
            let mut gradients = (y * g.clone().autodiff()).sum().backward();
            let of_x = x.grad_remove(&mut gradients).unwrap();
            assert_close(floats(of_x), &r.x, &format!("x of case {number}"));
            let of_weight = weight.grad_remove(&mut gradients).unwrap();
            assert_close(
                floats(of_weight),
                &r.weight,
                &format!("weights of case {number}"),
            );
            let of_bias = bias.grad_remove(&mut gradients).unwrap();
            assert_close(floats(of_bias), &r.bias, &format!("bias of case {number}"));

            // Frozen weights: the same gradient of x.
            let frozen = conv2d(
                x.clone(),
                weight.inner().autodiff(),
                bias.inner().autodiff(),
                steps,
            );
            let mut gradients = (frozen * g.autodiff()).sum().backward();
            let of_x = x.grad_remove(&mut gradients).unwrap();
            assert_close(
                floats(of_x),
                &r.x,
                &format!("x of case {number}, weights frozen"),
            );
        }
    }
}

/// What the first makes the second reads; a part of a batch and a permuted image lie elsewhere in
/// memory.
#[test]
fn layouts_do_not_matter() {
    let device = Device::flex();
    let mut noise = Noise::new(9);
    let steps = Stride2d {
        stride: [1, 1],
        padding: [1, 1],
    };
    let weight: Tensor<4> = noise.normal([4, 2, 3, 3], &device);
    let bias: Tensor<1> = noise.normal([4], &device);
    let x: Tensor<4> = noise.normal([6, 2, 5, 5], &device);
    let convolve = |x: Tensor<4>| conv2d(x, weight.clone(), bias.clone(), steps);
    let whole = convolve(x.clone());
    let part = convolve(x.clone().narrow(0, 2, 3));
    assert_eq!(floats(part), floats(whole.clone().narrow(0, 2, 3)));
    // Channels last in memory.
    let permuted = Tensor::<4>::from_data(
        TensorData::new(floats(x.clone().permute([0, 2, 3, 1])), [6, 5, 5, 2]),
        &device,
    );
    assert_eq!(
        floats(convolve(permuted.permute([0, 3, 1, 2]))),
        floats(whole.clone())
    );
    // Twice in a row, against a copy that lies channels first.
    let second: Tensor<4> = noise.normal([3, 4, 3, 3], &device);
    let zero = Tensor::zeros([3], &device);
    let copy = Tensor::<4>::from_data(whole.to_data(), &device);
    let again = |x| floats(conv2d(x, second.clone(), zero.clone(), steps));
    assert_eq!(again(whole), again(copy));
}

/// What is made of weights is kept as long as they stay what they are, and no longer.
#[test]
fn weights_that_change_are_read_anew() {
    let device = Device::flex();
    let mut noise = Noise::new(10);
    for (maps, kernel) in [(4, 3), (16, 3), (16, 5)] {
        let steps = Stride2d {
            stride: [1, 1],
            padding: [1, 1],
        };
        let x: Tensor<4> = noise.normal([2, 16, 6, 6], &device);
        let bias: Tensor<1> = noise.normal([maps], &device);
        let mut weight: Tensor<4> = noise.normal([maps, 16, kernel, kernel], &device);
        let mut before = Vec::new();
        for _ in 0..3 {
            let copy = Tensor::<4>::from_data(weight.to_data(), &device);
            let convolve = |weight| {
                let x = x.clone().autodiff().require_grad();
                let y = conv2d(x.clone(), weight, bias.clone().autodiff(), steps);
                let gradient = x.grad(&y.clone().sum().backward()).unwrap();
                [floats(y), floats(gradient)].concat()
            };
            let found = convolve(weight.clone().autodiff());
            assert_eq!(found, convolve(weight.clone().autodiff()));
            assert_eq!(found, convolve(copy.autodiff()));
            assert_ne!(found, before);
            before = found;
            // In place, as nobody else holds them.
            weight = weight.mul_scalar(-0.5);
        }
    }
}

#[test]
fn images_do_not_depend_on_their_batch() {
    let device = Device::flex();
    let mut noise = Noise::new(11);
    for (maps, kernel, stride) in [(16, 3, 1), (16, 4, 2), (8, 3, 2)] {
        let steps = Stride2d {
            stride: [stride; 2],
            padding: [1, 1],
        };
        let x: Tensor<4> = noise.normal([70, 16, 10, 10], &device);
        let weight: Tensor<4> = noise.normal([maps, 16, kernel, kernel], &device);
        let bias: Tensor<1> = noise.normal([maps], &device);
        let convolve = |x: Tensor<4>| {
            let x = x.autodiff().require_grad();
            let (weight, bias) = (weight.clone().autodiff(), bias.clone().autodiff());
            let y = conv2d(x.clone(), weight, bias, steps);
            let gradient = x.grad(&y.clone().powi_scalar(2).sum().backward()).unwrap();
            (y.inner(), gradient)
        };
        let (y, gradient) = convolve(x.clone());
        for first in [0, 3, 69] {
            let (own, own_gradient) = convolve(x.clone().narrow(0, first, 1));
            assert_eq!(floats(own), floats(y.clone().narrow(0, first, 1)));
            let part = gradient.clone().narrow(0, first, 1);
            assert_eq!(floats(own_gradient), floats(part));
        }
    }
}

#[test]
#[should_panic(expected = "channels differ")]
fn channels_that_do_not_fit_are_refused() {
    let device = Device::flex();
    let steps = Stride2d {
        stride: [1, 1],
        padding: [0, 0],
    };
    conv2d(
        Tensor::zeros([1, 2, 3, 3], &device),
        Tensor::zeros([1, 3, 3, 3], &device),
        Tensor::zeros([1], &device),
        steps,
    );
}
