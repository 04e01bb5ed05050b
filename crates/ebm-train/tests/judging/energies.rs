//! Energies, slopes and likelihoods, of machines and of closures.

use burn::tensor::{Device, Tensor, TensorData};
use ebm_models::{Energy, LayeredMachine, Rbm, VisibleUnits};
use ebm_ops::Noise;
use ebm_train::Examples;
use ebm_train::judging::{
    JudgingError, check_samples, energies, energies_are_bounds, evaluate, example_energies,
    gradient_norms,
};

const MEAN: [f32; 4] = [0.5, -0.3, 1.0, 0.0];

fn floats<const D: usize>(x: Tensor<D>) -> Vec<f32> {
    x.into_data().iter::<f32>().collect()
}

fn mean() -> Tensor<1> {
    Tensor::from_data(TensorData::new(MEAN.to_vec(), [4]), &Device::flex())
}

/// `E = |x - b|^2 / 2`, as a closure.
fn normal() -> impl Fn(Tensor<4>) -> Tensor<1> {
    |x: Tensor<4>| {
        let [count, ..] = x.dims();
        let difference = x.reshape([count, 4]) - mean().unsqueeze();
        let squares: Tensor<2> = difference.square().sum_dim(1);
        squares.squeeze_dim::<1>(1).mul_scalar(0.5)
    }
}

/// `E = |x - b|^2 / 2` up to a constant, as a machine.
fn normal_machine() -> Rbm {
    let device = Device::flex();
    Rbm::from_parameters(
        Tensor::zeros([4, 1], &device),
        mean(),
        Tensor::zeros([1], &device),
        VisibleUnits::Gaussian,
    )
}

/// `E = |x - b|^2 / 2` has the gradient `x - b`.
#[test]
fn gradient_norms_are_those_of_the_energy() {
    let device = Device::flex();
    let x: Tensor<4> = Noise::new(3).normal([300, 1, 2, 2], &device);
    let values = floats(x.clone());
    let examples = Examples::from_tensor(x);
    let mut seen = 0;
    let closure = gradient_norms(&normal(), &examples, &mut |done, _| seen = done);
    assert_eq!(seen, 300);
    let machine = gradient_norms(&normal_machine(), &examples, &mut ());
    for norms in [closure, machine] {
        assert_eq!(norms.len(), 300);
        for (x, norm) in values.chunks(4).zip(norms) {
            let squares = x.iter().zip(&MEAN).map(|(x, b)| (x - b) * (x - b));
            let expected = squares.sum::<f32>().sqrt();
            assert!((norm - expected).abs() < 1e-5 * expected.max(1.0));
        }
    }
}

/// What is known of a closure: its energies, and the likelihood but for `log Z`.
#[test]
fn a_closure_is_judged_by_its_energies() {
    let device = Device::flex();
    let x: Tensor<4> = Noise::new(4).normal([1500, 1, 2, 2], &device);
    let expected: Vec<f32> = floats(x.clone())
        .chunks(4)
        .map(|x| {
            let squares = x.iter().zip(&MEAN).map(|(x, b)| (x - b) * (x - b));
            squares.sum::<f32>() / 2.0
        })
        .collect();
    let examples = Examples::from_tensor(x.clone());
    let energy = normal();
    let found = energies(&energy, &examples, &mut ()).unwrap();
    assert_eq!(floats(example_energies(&energy, x).unwrap()), found);
    for (found, expected) in found.iter().zip(&expected) {
        assert!((found - expected).abs() < 1e-5 * expected.max(1.0));
    }
    let structure = Energy::<4>::structure(&energy);
    assert!(!energies_are_bounds(&structure));
    let report = evaluate(&energy, &examples, &mut Noise::new(1), &mut ()).unwrap();
    assert_eq!((report.examples, &report.energies), (1500, &found));
    let mean = found.iter().map(|&e| f64::from(e)).sum::<f64>() / 1500.0;
    assert!((report.unnormalized_log_likelihood.mean + mean).abs() < 1e-9);
    // Nothing is known of single pixels, and a closure makes nothing of an example.
    assert_eq!(report.pseudo_log_likelihood, None);
    assert_eq!(report.reconstruction_error, None);
}

/// A restricted machine is judged by its free energy, a machine without weights by that of its
/// biases.
#[test]
fn a_machine_is_judged_by_its_free_energy() {
    let device = Device::flex();
    let machine = Rbm::from_parameters(
        Tensor::zeros([4, 2], &device),
        mean(),
        Tensor::zeros([2], &device),
        VisibleUnits::Bernoulli,
    );
    let x: Tensor<4> = Noise::new(5).bernoulli(Tensor::full([200, 1, 2, 2], 0.5, &device));
    let examples = Examples::from_tensor(x.clone());
    let report = evaluate(&machine, &examples, &mut Noise::new(1), &mut ()).unwrap();
    let free = floats(machine.energy(x));
    assert_eq!(report.energies, free);
    assert_eq!(floats(machine.layers().bias(0)), MEAN);
    // Units are independent: log p(x_i) = log sigmoid(+-b_i), 4 of them for the one that is drawn.
    let found = report.pseudo_log_likelihood.unwrap();
    let softplus = |x: f64| x.exp().ln_1p();
    let all = MEAN.map(|b| softplus(f64::from(b).abs()));
    let most = 4.0 * all.iter().fold(0.0_f64, |most, x| most.max(*x));
    assert!(found.mean < 0.0 && found.mean > -most, "{found:?}");
}

#[test]
fn what_is_not_finite_is_an_error() {
    let device = Device::flex();
    let nowhere = |x: Tensor<2>| x.sum_dim(1).squeeze_dim::<1>(1).mul_scalar(f32::INFINITY);
    let examples = Examples::from_tensor(Tensor::<2>::ones([3, 2], &device));
    let error = energies(&nowhere, &examples, &mut ()).unwrap_err();
    let what = "the energy of an example";
    assert_eq!(error, JudgingError::NotFinite { what });
    let error = check_samples(&nowhere, &Tensor::<2>::ones([3, 2], &device)).unwrap_err();
    let what = "the energy of an image";
    assert_eq!(error, JudgingError::NotFinite { what });
    let fine = |x: Tensor<2>| x.sum_dim(1).squeeze_dim::<1>(1);
    let samples = Tensor::<2>::full([3, 2], f32::NAN, &device);
    let error = check_samples(&fine, &samples).unwrap_err();
    assert_eq!(error, JudgingError::NotFinite { what: "a pixel" });
    let empty = examples.skip(2).and_then(|rest| rest.skip(1));
    assert!(empty.is_none());
}
