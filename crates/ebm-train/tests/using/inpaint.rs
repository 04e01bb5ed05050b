//! Inpainting draws from the conditional distribution, and leaves what is given alone.

use burn::tensor::{Device, Tensor};
use ebm_models::{
    BoltzmannMachineConfig, DbmConfig, Energy, HopfieldConfig, MlpConfig, PairwiseMachine,
};
use ebm_ops::Noise;
use ebm_sampling::StartingPoints;
use ebm_train::recipe::SamplerConfig;
use ebm_train::using::{InpaintOptions, PixelMask, Rectangle, Side, inpaint};

use super::{
    all_images, assert_distribution, assert_normal, chains, floats, gibbs, langevin, metropolis,
    rbm, tensor,
};

/// From fair coins on.
fn options(sampler: SamplerConfig, steps: usize) -> InpaintOptions {
    InpaintOptions {
        chains: chains(sampler, 0.0, 1.0),
        start: StartingPoints::Binary([0.0, 1.0].into()),
        steps,
    }
}

/// Free pixels of a restricted machine follow the enumerated conditional, fixed ones stay. One test
/// at 2.9e-7.
#[test]
fn inpainting_draws_from_the_conditional() {
    let model = rbm(5, 3);
    let mask = PixelMask::half([2, 2], Side::Right).unwrap();
    let images = tensor(&[1.0, 0.0, 0.0, 0.0], [1, 1, 2, 2]).expand([10_000, 1, 2, 2]);
    let mut noise = Noise::new(4);
    let options = options(gibbs(), 30);
    let filled = inpaint(&model, images, &mask.values(1), &options, &mut noise).unwrap();
    // Fixed pixels are 0 or 1, free ones probabilities given hidden units, coins of which are
    // draws.
    let drawn = noise.bernoulli(filled);
    let energies = floats(model.energy(all_images()));
    let weights: Vec<f64> = (0..16)
        .map(|state| {
            let fits = state & 1 == 1 && state >> 2 & 1 == 0;
            f64::from(u8::from(fits)) * f64::from(-energies[state]).exp()
        })
        .collect();
    assert_distribution(drawn, &weights, "inpainted");
}

/// Whatever the model, fixed pixels come back bit for bit, and free ones don't.
#[test]
fn fixed_pixels_are_untouched_bit_for_bit() {
    let device = Device::flex();
    let mlp = MlpConfig::new(4, vec![3]).init(&device, &mut Noise::new(1));
    let bowl = |x: Tensor<4>| {
        let [count, ..] = x.dims();
        let squares = x.reshape([count, 4]).square().sum_dim(1);
        squares.squeeze_dim::<1>(1)
    };
    check_fixed(&rbm(3, 3), gibbs(), "restricted machine");
    check_fixed(&mlp, langevin(0.05), "perceptron");
    check_fixed(&mlp, metropolis(0.3), "perceptron");
    check_fixed(
        &HopfieldConfig::new(4).init(&device),
        gibbs(),
        "Hopfield network",
    );
    let deep = DbmConfig::new(4, vec![3, 2]).init(&device, &mut Noise::new(1));
    check_fixed(&deep, gibbs(), "deep machine");
    check_fixed(&bowl, langevin(0.05), "closure");
    check_fixed(&bowl, metropolis(0.3), "closure");
}

fn check_fixed<E: Energy<4> + Clone>(energy: &E, sampler: SamplerConfig, name: &str) {
    let rectangle = Rectangle {
        top: 1,
        left: 0,
        height: 1,
        width: 2,
    };
    let mask = PixelMask::rectangle([2, 2], rectangle).unwrap();
    let images = [0.1, 0.73, 0.2, 0.4, -0.0, 1.0, 0.9, 0.3];
    let before = tensor(&images, [2, 1, 2, 2]);
    let options = options(sampler, 5);
    let mut noise = Noise::new(2);
    let after = inpaint(energy, before, &mask.values(1), &options, &mut noise).unwrap();
    let after = floats(after);
    for (index, (before, after)) in images.iter().zip(&after).enumerate() {
        let fixed = index % 4 < 2;
        let same = before.to_bits() == after.to_bits();
        assert_eq!(same, fixed, "{name}: pixel {index}, {before} -> {after}");
    }
}

/// A normal density of three coordinates with precision `P` and mean `m`, the first given: the
/// others are normal around `m_f - P_ff^-1 P_fg (x_g - m_g)` with the precision `P_ff`. Metropolis
/// is exact, Langevin dynamics has the mean and a variance that the step makes larger. 8 statements
/// at 5.7e-7.
#[test]
fn a_closure_is_filled_in_by_its_conditional() {
    const MEAN: [f32; 3] = [0.3, -0.4, 0.2];
    // The free coordinates aren't coupled, so that each conditional is known by itself.
    const PRECISION: [f32; 9] = [2.0, 0.8, -0.5, 0.8, 2.0, 0.0, -0.5, 0.0, 1.0];
    let energy = |x: Tensor<2>| {
        let x = x - tensor(&MEAN, [1, 3]);
        let slope = x.clone().matmul(tensor(&PRECISION, [3, 3]));
        (x * slope).sum_dim(1).squeeze_dim::<1>(1).mul_scalar(0.5)
    };
    let count = 10_000;
    let given = tensor(&[1.5, 0.0, 0.0], [1, 3]).expand([count, 3]);
    let free = [false, true, true];
    let step = 0.1;
    for (sampler, is_exact) in [(metropolis(1.0), true), (langevin(step), false)] {
        let options = options(sampler, 300);
        let mut noise = Noise::new(8);
        let filled = inpaint(&energy, given.clone(), &free, &options, &mut noise).unwrap();
        let filled = floats(filled);
        for (at, coupling, precision) in [(1, 0.8, 2.0), (2, -0.5, 1.0)] {
            let values = filled.iter().skip(at).step_by(3).map(|&x| f64::from(x));
            let values: Vec<f64> = values.collect();
            let mean = f64::from(MEAN[at]) - coupling / precision * (1.5 - 0.3);
            let bias = if is_exact {
                1.0
            } else {
                1.0 - step * precision / 2.0
            };
            let what = format!("{}, coordinate {at}", options.chains.sampler.name());
            assert_normal(&values, mean, 1.0 / precision / bias, &what);
        }
        assert!(filled.iter().step_by(3).all(|&x| x == 1.5));
    }
}

/// A machine with hidden units between its pixels: free ones follow the sum over all states. One
/// test at 2.9e-7.
#[test]
fn hidden_units_of_a_pairwise_machine_are_free() {
    let device = Device::flex();
    let config = BoltzmannMachineConfig::new(4)
        .with_hidden(2)
        .with_weight_std(1.0);
    let config = config.with_coding(ebm_models::Coding::Binary);
    let machine = config.init(&device, &mut Noise::new(3));
    let images = tensor(&[1.0, 0.0, 0.0, 0.0], [1, 1, 2, 2]).expand([10_000, 1, 2, 2]);
    let mask = PixelMask::half([2, 2], Side::Right).unwrap();
    let options = options(gibbs(), 40);
    let mut noise = Noise::new(4);
    let drawn = inpaint(&machine, images, &mask.values(1), &options, &mut noise).unwrap();
    let all = ebm_models::states(0, 64, 6, 0.0, 1.0, &device);
    let energies = floats(machine.joint_energy(all));
    let weights: Vec<f64> = (0..16)
        .map(|state| {
            let fits = state & 1 == 1 && state >> 2 & 1 == 0;
            let hidden = (0..4).map(|hidden| f64::from(-energies[state + 16 * hidden]).exp());
            f64::from(u8::from(fits)) * hidden.sum::<f64>()
        })
        .collect();
    assert_distribution(drawn, &weights, "pairwise");
}

/// Units aren't redrawn where there are none, and no slope is followed where there is none.
#[test]
fn a_sampler_that_moves_nothing_is_an_error() {
    let free = [false, true, true, true];
    let images = tensor(&[0.0; 4], [1, 1, 2, 2]);
    let bowl = |x: Tensor<4>| x.square().sum().reshape([1]);
    let options_of = |sampler| options(sampler, 1);
    let noise = &mut Noise::new(1);
    let error = inpaint(&bowl, images.clone(), &free, &options_of(gibbs()), noise).unwrap_err();
    assert!(error.to_string().contains("\"langevin\""), "{error}");
    let machine = HopfieldConfig::new(4).init(&Device::flex());
    let options = options_of(langevin(0.1));
    let error = inpaint(&machine, images, &free, &options, noise).unwrap_err();
    assert!(error.to_string().contains("pairwise machine"), "{error}");
}
