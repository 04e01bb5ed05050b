//! All stabilisers at once resume exactly.

use burn::tensor::Device;
use ebm_models::{MlpConfig, Precision};
use ebm_ops::Noise;
use ebm_train::recipe::{ChainsConfig, OptimizerConfig, ReplayBufferConfig};
use ebm_train::{
    ContrastiveDivergence, Examples, GradientPenalty, PenalizedPoints, Recipe, Scalar, StepOutcome,
    Trainer, weights,
};

use crate::common::recipe;
use crate::gaussians;

/// All of them at once.
fn stabilized(precision: Precision) -> Recipe {
    let objective = ContrastiveDivergence::default()
        .with_energy_regularizer(0.1)
        .with_trim(0.1)
        .with_contrastive_limit(0.02)
        .with_gradient_penalty(GradientPenalty::new(0.05).at(PenalizedPoints::Both));
    let buffer = ReplayBufferConfig::new(64, 0.1)
        .evicting_above(1.0)
        .evicting_frozen(0.5);
    recipe()
        .with_batch_size(16)
        .with_objective(objective)
        .with_chains(ChainsConfig::from(buffer).with_long_chains(2, 3))
        .with_optimizer(
            OptimizerConfig::adam(1e-2)
                .with_gradient_clip(0.5)
                .with_sharpness_radius(0.05)
                .with_spectral_limit(0.5),
        )
        .with_moving_average(0.9)
        .with_precision(precision)
}

#[test]
fn with_all_of_them_training_resumes_bit_for_bit() {
    let device = Device::flex();
    let points = gaussians::data(64, &device, &mut Noise::new(3));
    let model = MlpConfig::new(gaussians::COUNT, vec![8]).init(&device, &mut Noise::new(4));
    for precision in [Precision::F32, Precision::Bf16] {
        let trainer = |seed: u64| {
            let examples = Examples::from_tensor(points.clone());
            let recipe = stabilized(precision);
            Trainer::new(recipe, model.clone(), examples, Noise::new(seed)).unwrap()
        };
        let (mut first, mut second) = (trainer(1), trainer(2));
        for _ in 0..3 {
            first.step();
            second.step();
        }
        first.lengthen_chains(1.5);
        assert_ne!(weights(first.model()), weights(second.model()));
        second.restore(first.checkpoint()).unwrap();
        let (mut evicted, mut clamped) = (0.0, Vec::new());
        for _ in 0..10 {
            let outcome = first.step();
            assert!(matches!(outcome, StepOutcome::Applied(_)), "{outcome:?}");
            assert_eq!(outcome, second.step());
            evicted += outcome.metrics().get(Scalar::EVICTED).unwrap();
            clamped.push(outcome.metrics().get(Scalar::CLAMPED).unwrap());
        }
        assert!(evicted > 0.0, "nothing was evicted");
        assert!(
            clamped.contains(&1.0) && clamped.contains(&0.0),
            "{clamped:?}"
        );
        assert_eq!(weights(first.model()), weights(second.model()));
        let [first, second] = [first, second].map(|trainer| trainer.checkpoint());
        assert_eq!(first.tensors, second.tensors);
    }
}
