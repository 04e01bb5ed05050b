//! Hamiltonian Monte Carlo leaves its target as it is; its integrator is reversible, keeps volume and is of second order.
#![allow(clippy::unwrap_used)]

mod common;

use burn::tensor::{Device, Tensor};
use common::{
    DoubleWell, Quadratic, Tabulated, assert_close_to, assert_rejects_nan, assert_stationary,
    assert_within_error, devices, tensor, values,
};
use ebm_models::Energy;
use ebm_ops::Noise;
use ebm_sampling::{GradientState, HamiltonianMonteCarlo, Kernel, run};

#[test]
fn the_target_is_stationary() {
    for (index, (temperature, step_size, steps)) in [(1.0, 0.3, 4), (0.5, 0.25, 3), (3.0, 0.25, 7)]
        .into_iter()
        .enumerate()
    {
        let density = Tabulated::new(DoubleWell::at, temperature, (-3.5, 3.5));
        let kernel = HamiltonianMonteCarlo::new(step_size, steps).with_temperature(temperature);
        let what = format!("temperature {temperature}");
        assert_stationary(&kernel, &density, 0.3..0.99, 10 + index as u64, &what);
    }
}

/// The end of a trajectory with its momentum turned round is the start of one that ends where the first began.
#[test]
fn trajectories_are_reversible() {
    for device in devices() {
        let mut noise = Noise::new(1);
        let kernel = HamiltonianMonteCarlo::new(0.1, 15);
        let start: Tensor<2> = noise.normal([200, 3], &device);
        let momentum: Tensor<2> = noise.normal([200, 3], &device);
        let state = Kernel::<DoubleWell, Tensor<2>>::init(&kernel, &DoubleWell {}, start.clone());
        let (end, turned) = kernel.leapfrog(&DoubleWell {}, state, momentum.clone());
        let moved = values((end.position.clone() - start.clone()).abs().mean())[0];
        assert!(moved > 0.3, "{moved}");
        let (back, again) = kernel.leapfrog(&DoubleWell {}, end, turned.neg());
        assert_close_to(&values(back.position), &values(start), 1e-4);
        assert_close_to(&values(again.neg()), &values(momentum), 1e-4);
    }
}

/// For a quadratic energy a trajectory is a linear map of (x, p): its determinant is 1.
#[test]
fn trajectories_keep_volume() {
    let device = Device::flex();
    let energy = Quadratic::new(1.7, &device);
    let kernel = HamiltonianMonteCarlo::new(0.4, 7).with_temperature(1.3);
    let image = |x: f64, p: f64| {
        let state = Kernel::<_, Tensor<2>>::init(&kernel, &energy, tensor(&[x], [1, 1], &device));
        let (end, momentum) = kernel.leapfrog(&energy, state, tensor(&[p], [1, 1], &device));
        [values(end.position)[0], values(momentum)[0]]
    };
    let (a, b) = (image(1.0, 0.0), image(0.0, 1.0));
    let determinant = a[0] * b[1] - a[1] * b[0];
    assert!((determinant - 1.0).abs() < 1e-5, "{determinant}");
    assert!((a[0] - 1.0).abs() > 0.1, "the map is nearly the identity");
}

/// Half the step and twice the steps: the error of the energy falls to a quarter.
#[test]
fn the_error_of_the_energy_is_of_second_order() {
    let device = Device::flex();
    let mut noise = Noise::new(2);
    let position: Tensor<2> = noise.normal([4000, 2], &device);
    let momentum: Tensor<2> = noise.normal([4000, 2], &device);
    let error = |step_size: f64, steps: usize| {
        let kernel = HamiltonianMonteCarlo::new(step_size, steps);
        let energy = Quadratic::new(1.0, &device);
        let total = |state: &GradientState<2>, p: &Tensor<2>| {
            let kinetic: Tensor<1> = p.clone().square().sum_dim(1).squeeze_dim(1);
            let potential = energy.energy(state.position.clone());
            potential + kinetic.mul_scalar(0.5)
        };
        let state = Kernel::<_, Tensor<2>>::init(&kernel, &energy, position.clone());
        let before = total(&state, &momentum);
        let (end, p) = kernel.leapfrog(&energy, state, momentum.clone());
        let difference = total(&end, &p) - before;
        values(difference.square().mean().sqrt())[0]
    };
    let (coarse, fine) = (error(0.4, 5), error(0.2, 10));
    assert!((3.7..4.3).contains(&(coarse / fine)), "{coarse} / {fine}");
}

/// Chains that start far away come to the target, correlated values included: mean, variance and covariance of a Gaussian
/// that is stretched along its diagonal.
#[test]
fn far_chains_come_to_a_correlated_gaussian() {
    /// `E = (x^2 + y^2 - 2 r x y) / (2 (1 - r^2))`.
    #[derive(burn::module::Module, Debug)]
    struct Correlated {}

    const R: f64 = 0.9;

    impl Energy<2> for Correlated {
        fn energy(&self, x: Tensor<2>) -> Tensor<1> {
            let squares: Tensor<1> = x.clone().square().sum_dim(1).squeeze_dim(1);
            let product: Tensor<1> = x.prod_dim(1).squeeze_dim(1);
            (squares - product.mul_scalar(2.0 * R)).div_scalar(2.0 * (1.0 - R * R))
        }
    }

    let n = 20_000;
    for device in devices() {
        let mut noise = Noise::new(3);
        let start = tensor(&vec![4.0; 2 * n], [n, 2], &device);
        let kernel = HamiltonianMonteCarlo::new(0.25, 8);
        let x = values(run(&kernel, &Correlated {}, start, 60, &mut noise).position);
        let mean = |f: &dyn Fn(&[f64]) -> f64| x.chunks(2).map(f).sum::<f64>() / n as f64;
        let root = (n as f64).sqrt();
        assert_within_error(mean(&|x| x[0]), 0.0, 1.0 / root, "mean");
        assert_within_error(
            mean(&|x| x[1] * x[1]),
            1.0,
            2.0_f64.sqrt() / root,
            "variance",
        );
        // Var(x y) = 1 + r^2.
        assert_within_error(
            mean(&|x| x[0] * x[1]),
            R,
            (1.0 + R * R).sqrt() / root,
            "covariance",
        );
    }
}

#[test]
fn what_is_not_a_number_is_rejected() {
    assert_rejects_nan(&HamiltonianMonteCarlo::new(0.1, 3), 0.2..0.98);
}

#[test]
#[should_panic(expected = "at least one leapfrog step, got 0")]
fn a_trajectory_without_steps_is_refused() {
    let device = Device::flex();
    let start = tensor(&[0.0], [1, 1], &device);
    let kernel = HamiltonianMonteCarlo::new(0.1, 0);
    run(
        &kernel,
        &Quadratic::new(1.0, &device),
        start,
        1,
        &mut Noise::new(1),
    );
}

/// Pinned, to be changed only on purpose.
#[test]
fn the_numbers_of_a_seed() {
    for device in devices() {
        let energy = Quadratic::new(1.0, &device);
        let start = tensor(&[0.5, -1.0, 2.0], [3, 1], &device);
        let kernel = HamiltonianMonteCarlo::new(0.4, 3);
        let chains = run(&kernel, &energy, start, 4, &mut Noise::new(42));
        assert_close_to(&values(chains.position), &PINNED, 1e-5);
    }
}

const PINNED: [f64; 3] = [0.1239807, -2.1446598, 0.5187815];
