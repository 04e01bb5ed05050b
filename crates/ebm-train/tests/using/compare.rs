//! Comparisons are differences of energies, free energies where there are hidden units.

use burn::tensor::{Device, Tensor};
use ebm_models::{DbmConfig, Energy};
use ebm_ops::Noise;
use ebm_train::using::{Preferred, compare};

use super::{all_images, floats, rbm, tensor};

#[test]
fn a_comparison_is_a_difference_of_free_energies() {
    let model = rbm(6, 3);
    let images = all_images();
    let pick = |index: usize| images.clone().narrow(0, index, 1);
    let found = compare(&model, pick(3), pick(12)).unwrap();
    let energies = floats(model.energy(images.clone()));
    let expected = f64::from(energies[12]) - f64::from(energies[3]);
    assert_eq!(found.len(), 1);
    assert!(!found[0].bound);
    assert!((found[0].log_ratio - expected).abs() < 1e-6);
    let deep = DbmConfig::new(4, vec![3, 2]).init(&Device::flex(), &mut Noise::new(1));
    assert!(compare(&deep, pick(3), pick(12)).unwrap()[0].bound);
}

/// Of `E = x^2 / 2`, the nearer to 0 is preferred, by half the difference of the squares.
#[test]
fn a_closure_prefers_what_is_lower() {
    let energy = |x: Tensor<2>| x.square().squeeze_dim::<1>(1).mul_scalar(0.5);
    let first = tensor(&[1.0, 3.0, -2.0], [3, 1]);
    let second = tensor(&[2.0, -1.0, 2.0], [3, 1]);
    let found = compare(&energy, first, second).unwrap();
    let preferred: Vec<Preferred> = found.iter().map(|found| found.preferred).collect();
    let expected = [Preferred::First, Preferred::Second, Preferred::Neither];
    assert_eq!(preferred, expected);
    let ratios: Vec<f64> = found.iter().map(|found| found.log_ratio).collect();
    assert_eq!(ratios, [1.5, -4.0, 0.0]);
    assert!(found.iter().all(|found| !found.bound));
}
