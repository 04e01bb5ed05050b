//! Compositions: their energies are their formulas, and what is sampled follows them.

use burn::tensor::{Device, Tensor};
use ebm_models::{Coding, DbmConfig, Energy, HopfieldConfig, Rbm};
use ebm_ops::Noise;
use ebm_sampling::StartingPoints;
use ebm_train::recipe::{GibbsConfig, SamplerConfig};
use ebm_train::using::{Composition, CompositionError, CompositionKind};

use super::{
    all_images, assert_distribution, assert_normal, chains, floats, gibbs, langevin, metropolis,
    rbm, tensor,
};

/// Restricted machines composed, of pixels 0 and 1.
fn composition(
    models: &[Rbm],
    kind: CompositionKind,
    weights: &[f64],
) -> Result<Composition<Rbm, 4>, CompositionError> {
    let chains = chains(gibbs(), 0.0, 1.0);
    Composition::new(models.to_vec(), kind, weights, chains, Some(Coding::Binary))
}

/// Fair coins as images of 2x2 pixels.
fn coins(count: usize, ends: [f64; 2], noise: &mut Noise) -> Tensor<4> {
    StartingPoints::Binary(ends.into()).draw([count, 1, 2, 2], &Device::flex(), noise)
}

/// Energies of products and mixtures are their formulas on all states, and what is sampled follows
/// them: a product as one machine by block Gibbs sampling, weights of another kind and mixtures by
/// Gibbs with gradients. 5 tests at 2.9e-7.
#[test]
fn compositions_are_sampled_exactly() {
    const CHAINS: usize = 10_000;
    let models = [rbm(1, 3), rbm(2, 2)];
    let f = models
        .each_ref()
        .map(|model| floats(model.energy(all_images())));
    let has_greys = |images: &Tensor<4>| {
        let values = floats(images.clone());
        values.iter().any(|&x| x != 0.0 && x != 1.0)
    };
    for (kind, weights) in [
        (CompositionKind::Product, [1.0, 2.0]),
        (CompositionKind::Product, [0.5, 1.5]),
        (CompositionKind::Mixture, [1.0, 3.0]),
        (CompositionKind::Negation, [1.0, 0.5]),
    ] {
        let what = format!("{kind:?} {weights:?}");
        let composed = composition(&models, kind, &weights).unwrap();
        let expected: Vec<f64> = (0..16)
            .map(|state| {
                let [a, b] = f.each_ref().map(|f| f64::from(f[state]));
                match kind {
                    CompositionKind::Product => weights[0] * a + weights[1] * b,
                    CompositionKind::Negation => weights[0] * a - weights[1] * b,
                    CompositionKind::Mixture => {
                        -(weights[0] * (-a).exp() + weights[1] * (-b).exp()).ln()
                    }
                }
            })
            .collect();
        let found = floats(composed.energy(all_images()));
        for (found, expected) in found.iter().zip(&expected) {
            assert!((f64::from(*found) - expected).abs() < 1e-4, "{what}");
        }
        let mut noise = Noise::new(9);
        let start = coins(CHAINS, [0.0, 1.0], &mut noise);
        let drawn = composed.sample(start, 30, &mut noise).unwrap();
        let whole = kind == CompositionKind::Product && weights[0] == 1.0;
        // One machine is shown by the probabilities of its pixels, coins of which are draws of it.
        assert_eq!(has_greys(&drawn), whole, "{what}");
        let drawn = if whole { noise.bernoulli(drawn) } else { drawn };
        let weights: Vec<f64> = expected.iter().map(|e| (-e).exp()).collect();
        assert_distribution(drawn, &weights, &what);
    }
}

/// A sum of two Hopfield networks' energies is the energy of one, at any weights; its draws follow
/// it. One test at 2.9e-7.
#[test]
fn pairwise_machines_compose_to_one() {
    let device = Device::flex();
    let patterns = [[1.0, 1.0, -1.0, -1.0], [1.0, -1.0, 1.0, -1.0]];
    let models = patterns.map(|pattern| {
        let machine = HopfieldConfig::new(4).init(&device);
        machine.store(tensor(&pattern, [1, 4]))
    });
    let weights = [1.0, 0.7];
    let chains = chains(gibbs(), -1.0, 1.0);
    let kind = CompositionKind::Product;
    let composed =
        Composition::new(models.to_vec(), kind, &weights, chains, Some(Coding::Spin)).unwrap();
    let spins = all_images().mul_scalar(2.0).sub_scalar(1.0);
    let energies = floats(composed.energy(spins));
    let mut noise = Noise::new(2);
    let start = coins(10_000, [-1.0, 1.0], &mut noise);
    let drawn = composed.sample(start, 30, &mut noise).unwrap();
    let probabilities: Vec<f64> = energies.iter().map(|e| f64::from(-e).exp()).collect();
    let drawn = drawn.add_scalar(1.0).div_scalar(2.0);
    assert_distribution(drawn, &probabilities, "two memories");
}

#[test]
fn what_does_not_fit_is_not_composed() {
    let kind = CompositionKind::Product;
    let one = rbm(1, 3);
    let refused = |models: &[Rbm], weights: &[f64]| composition(models, kind, weights).unwrap_err();
    assert_eq!(refused(&[], &[]), CompositionError::Nothing);
    let two = [one.clone(), one.clone()];
    let error = CompositionError::Weights {
        weights: 1,
        models: 2,
    };
    assert_eq!(refused(&two, &[1.0]), error);
    assert_eq!(refused(&two[..1], &[0.0]), CompositionError::Weight(0.0));
    let huge = refused(&two[..1], &[1e300]);
    assert_eq!(huge, CompositionError::Overflow(vec![1e300]));
    let deep = DbmConfig::new(4, vec![3, 2]).init(&Device::flex(), &mut Noise::new(1));
    let chains = chains(gibbs(), 0.0, 1.0);
    let error = Composition::<_, 4>::new(vec![deep], kind, &[1.0], chains, None).unwrap_err();
    let model = "machine with layers";
    assert_eq!(error, CompositionError::Hidden { index: 1, model });
}

/// Mixtures, and flips that gradients propose, need a temperature.
#[test]
fn a_composition_without_temperature_is_refused() {
    let energy = |x: Tensor<2>| x.square().sum_dim(1).squeeze_dim::<1>(1);
    let cold = SamplerConfig::Gibbs(GibbsConfig {
        steps: 1,
        temperature: 0.0,
    });
    let refused = |kind, coding| {
        let chains = chains(cold.clone(), 0.0, 1.0);
        let found = Composition::new(vec![energy], kind, &[1.0], chains, coding);
        found.map(|_| ()).unwrap_err()
    };
    let mixture = refused(CompositionKind::Mixture, None);
    assert_eq!(mixture, CompositionError::Frozen);
    let flips = refused(CompositionKind::Product, Some(Coding::Binary));
    assert_eq!(flips, CompositionError::Frozen);
}

/// `E = p (x - m)^2 / 2`.
fn normal(mean: f64, precision: f64) -> impl Fn(Tensor<2>) -> Tensor<1> + Clone {
    move |x: Tensor<2>| {
        let squares = (x - mean).square().sum_dim(1);
        squares.squeeze_dim::<1>(1).mul_scalar(precision / 2.0)
    }
}

/// The product of normal densities with weights is normal: precisions add up, means are weighed by
/// them. One without another is what is left of the precision. 4 statements at 5.7e-7, each of a
/// closure's.
#[test]
fn closures_compose_to_their_formulas() {
    let models = vec![normal(1.0, 2.0), normal(-0.5, 1.0)];
    for (kind, weights, signs) in [
        (CompositionKind::Product, [1.0, 0.5], [1.0, 0.5]),
        (CompositionKind::Negation, [1.0, 0.5], [1.0, -0.5]),
    ] {
        let chains = chains(metropolis(1.0), -5.0, 5.0);
        let composed = Composition::new(models.clone(), kind, &weights, chains, None).unwrap();
        let precision = 2.0 * signs[0] + signs[1];
        let mean = (2.0 * signs[0] - 0.5 * signs[1]) / precision;
        let start = Tensor::<2>::zeros([10_000, 1], &Device::flex());
        let drawn = composed.sample(start, 200, &mut Noise::new(3)).unwrap();
        let drawn: Vec<f64> = floats(drawn).into_iter().map(f64::from).collect();
        assert_normal(&drawn, mean, 1.0 / precision, &format!("{kind:?}"));
    }
    let kind = CompositionKind::Mixture;
    let chains = chains(langevin(0.05), -5.0, 5.0);
    let mixture = Composition::new(models, kind, &[1.0, 3.0], chains, None).unwrap();
    let energy = floats(mixture.energy(tensor(&[0.2], [1, 1])))[0];
    let density = |mean: f64, precision: f64| (-precision * (0.2 - mean).powi(2) / 2.0).exp();
    let expected = -(density(1.0, 2.0) + 3.0 * density(-0.5, 1.0)).ln();
    assert!((f64::from(energy) - expected).abs() < 1e-5);
}

/// Models of several types are one as trait objects; where coordinates have two values, flips
/// sample them. One test at 2.9e-7.
#[test]
fn closures_of_two_values_are_sampled_by_flips() {
    let machine = rbm(1, 3);
    let first = |x: Tensor<4>| machine.energy(x);
    let pull = tensor(&[0.5, -1.0, 0.2, 0.8], [4]);
    let second = |x: Tensor<4>| {
        let [count, ..] = x.dims();
        let terms = x.reshape([count, 4]) * pull.clone().unsqueeze();
        terms.sum_dim(1).squeeze_dim::<1>(1)
    };
    let models: Vec<&(dyn Fn(Tensor<4>) -> Tensor<1> + Sync)> = vec![&first, &second];
    let kind = CompositionKind::Product;
    let chains = chains(gibbs(), 0.0, 1.0);
    let coding = Some(Coding::Binary);
    let composed = Composition::new(models, kind, &[1.0, 0.7], chains, coding).unwrap();
    let mut noise = Noise::new(5);
    let start = coins(10_000, [0.0, 1.0], &mut noise);
    let drawn = composed.sample(start, 30, &mut noise).unwrap();
    let energies = floats(composed.energy(all_images()));
    let weights: Vec<f64> = energies.iter().map(|e| f64::from(-e).exp()).collect();
    assert_distribution(drawn, &weights, "closures");
}

/// A closure isn't sampled by a sampler of units.
#[test]
fn a_sampler_that_moves_nothing_is_an_error() {
    let kind = CompositionKind::Product;
    let chains = chains(gibbs(), -5.0, 5.0);
    let models = vec![normal(1.0, 2.0)];
    let composed = Composition::new(models, kind, &[1.0], chains, None).unwrap();
    let start = Tensor::<2>::zeros([1, 1], &Device::flex());
    let error = composed.sample(start, 1, &mut Noise::new(1)).unwrap_err();
    let message = error.to_string();
    assert!(
        message.contains("langevin") && message.contains("gibbs"),
        "{message}"
    );
}
