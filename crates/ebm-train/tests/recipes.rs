//! Recipes are written and read, and what is wrong in them is named.
#![allow(clippy::unwrap_used)]

use ebm_train::Recipe;
use ebm_train::recipe::{
    ChainsConfig, ContrastiveDivergence, ExponentialConfig, GibbsConfig, GibbsWithGradientsConfig,
    GradientPenalty, HamiltonianConfig, LangevinConfig, MalaConfig, MetropolisConfig,
    ObjectiveConfig, OptimizerConfig, ParallelTemperingConfig, PenalizedPoints, ReplayBufferConfig,
    SamplerConfig, ScheduleConfig, ScheduleKind, Sparsity, StartConfig, UnderdampedLangevinConfig,
};

fn samplers() -> Vec<SamplerConfig> {
    let mala = MalaConfig::new(5, 0.01).without_clamp();
    vec![
        LangevinConfig::new(20, 10.0).with_noise(0.03).into(),
        LangevinConfig::new(20, 0.01).with_temperature(1.0).into(),
        MetropolisConfig::new(20, 0.125).into(),
        mala.clone().into(),
        HamiltonianConfig::new(2, 0.25, 5)
            .with_random_length()
            .into(),
        UnderdampedLangevinConfig::new(20, 0.05, 1.5).into(),
        GibbsConfig::new(5).with_temperature(0.5).into(),
        GibbsWithGradientsConfig::new(50).into(),
        ParallelTemperingConfig::new(1, 8, 0.0).into(),
        ParallelTemperingConfig::new(1, 8, 0.1).of(mala).into(),
    ]
}

fn recipes() -> Vec<Recipe> {
    let (target, cost) = (0.1, 3.0);
    let sparsity = Sparsity { target, cost };
    let exponential = ScheduleKind::Exponential(ExponentialConfig {
        factor: 0.97,
        every: 500,
    });
    let mut recipes = vec![
        Recipe::image_energy(),
        Recipe::density(),
        Recipe::boltzmann_machine(),
        Recipe::image_energy().with_chains(ChainsConfig::from_data()),
        Recipe::image_energy().with_chains(ChainsConfig::from_noise(StartConfig::Normal)),
        Recipe::density().with_optimizer(OptimizerConfig::sgd(0.1).with_momentum(0.5)),
        Recipe::density()
            .with_optimizer(OptimizerConfig::adam(0.1).with_sharpness_radius(0.05))
            .with_objective(
                objective()
                    .with_trim(0.1)
                    .with_contrastive_limit(0.02)
                    .with_gradient_penalty(
                        GradientPenalty::new(0.5)
                            .at(PenalizedPoints::Both)
                            .with_step(0.01),
                    ),
            )
            .with_chains(
                ChainsConfig::from(buffer().evicting_above(6.0).evicting_frozen(0.9))
                    .with_long_chains(10, 5),
            ),
        Recipe::density().with_chains(ChainsConfig::from_data().with_long_chains(2, 3)),
        Recipe::density().with_schedule(ScheduleConfig {
            warmup: 100,
            decay: exponential,
        }),
        Recipe::boltzmann_machine()
            .with_objective(ContrastiveDivergence::default().with_sparsity(sparsity)),
    ];
    recipes.extend(samplers().into_iter().map(|sampler| {
        Recipe::density()
            .with_sampler(sampler)
            .with_chains(ChainsConfig::persistent(StartConfig::Binary))
    }));
    recipes
}

#[test]
fn a_recipe_survives_being_written_and_read() {
    for recipe in recipes() {
        recipe.validate().unwrap();
        let text = serde_json::to_string(&recipe).unwrap();
        let read: Recipe = serde_json::from_str(&text).unwrap();
        assert_eq!(read, recipe, "{text}");
    }
}

#[test]
fn every_sampler_is_tried() {
    let names: Vec<&str> = samplers().iter().map(SamplerConfig::name).collect();
    for name in SamplerConfig::NAMES {
        assert!(names.contains(name), "nothing tries {name}");
    }
}

#[test]
fn a_wrong_name_lists_those_that_there_are() {
    let sampler = serde_json::from_str::<SamplerConfig>(r#"{"kind": "nuts", "steps": 1}"#);
    let message = sampler.unwrap_err().to_string();
    let objective = serde_json::from_str::<ObjectiveConfig>(r#"{"kind": "likelihood"}"#);
    let other = objective.unwrap_err().to_string();
    for (message, names) in [
        (message, SamplerConfig::NAMES),
        (other, ObjectiveConfig::NAMES),
    ] {
        for name in names {
            assert!(message.contains(&format!("\"{name}\"")), "{message}");
        }
    }
}

#[test]
fn an_objective_without_a_kind_is_contrastive_divergence() {
    let read: ObjectiveConfig = serde_json::from_str(r#"{"energy_regularizer": 0.25}"#).unwrap();
    let expected = ContrastiveDivergence::default().with_energy_regularizer(0.25);
    assert_eq!(read, ObjectiveConfig::from(expected));
    let empty: ObjectiveConfig = serde_json::from_str("{}").unwrap();
    assert_eq!(empty, ObjectiveConfig::default());
}

fn objective() -> ContrastiveDivergence {
    ContrastiveDivergence::default()
}

fn buffer() -> ReplayBufferConfig {
    ReplayBufferConfig::new(4096, 0.1)
}

#[test]
fn a_value_out_of_range_is_named_when_a_recipe_is_checked() {
    let cases = [
        (Recipe::density().with_steps(0), "training.steps"),
        (Recipe::density().with_batch_size(0), "training.batch_size"),
        (
            Recipe::density().with_data_noise(-1.0),
            "training.data_noise",
        ),
        (
            Recipe::density().with_moving_average(1.0),
            "training.ema_decay",
        ),
        (
            Recipe::density().with_learning_rate(0.0),
            "optimizer.learning_rate",
        ),
        (
            Recipe::density().with_chains(ChainsConfig::replay_buffer(8, 0.1)),
            "chains.capacity",
        ),
        (
            Recipe::density().with_sampler(LangevinConfig::new(20, 0.01)),
            "sampler.noise",
        ),
        (
            Recipe::density().with_sampler(HamiltonianConfig::new(1, 0.1, 0)),
            "sampler.leapfrog_steps",
        ),
        (
            Recipe::density().with_sampler(UnderdampedLangevinConfig::new(1, 0.1, 0.0)),
            "sampler.friction",
        ),
        (
            Recipe::density()
                .with_sampler(ParallelTemperingConfig::new(1, 1, 0.0))
                .with_chains(ChainsConfig::persistent(StartConfig::Uniform)),
            "sampler.temperatures",
        ),
        (
            Recipe::density()
                .with_objective(ContrastiveDivergence::default().with_energy_regularizer(f64::NAN)),
            "objective.energy_regularizer",
        ),
        (
            Recipe::density().with_objective(objective().with_trim(0.0)),
            "objective.trim",
        ),
        (
            Recipe::density().with_objective(objective().with_trim(1.0)),
            "objective.trim",
        ),
        (
            Recipe::density().with_objective(objective().with_contrastive_limit(0.0)),
            "objective.contrastive_limit",
        ),
        (
            Recipe::density()
                .with_objective(objective().with_gradient_penalty(GradientPenalty::new(-1.0))),
            "objective.gradient_penalty.weight",
        ),
        (
            Recipe::density().with_objective(
                objective().with_gradient_penalty(GradientPenalty::new(1.0).with_step(0.0)),
            ),
            "objective.gradient_penalty.step",
        ),
        (
            Recipe::density().with_optimizer(OptimizerConfig::adam(0.1).with_sharpness_radius(0.0)),
            "optimizer.sharpness_radius",
        ),
        (
            Recipe::density().with_chains(buffer().evicting_above(0.0)),
            "chains.evict_above",
        ),
        (
            Recipe::density().with_chains(buffer().evicting_frozen(1.5)),
            "chains.evict_frozen",
        ),
        (
            Recipe::density().with_chains(ChainsConfig::from_data().with_long_chains(0, 2)),
            "chains.long.every",
        ),
        (
            Recipe::density().with_chains(ChainsConfig::from(buffer()).with_long_chains(2, 0)),
            "chains.long.factor",
        ),
    ];
    for (recipe, key) in cases {
        assert_eq!(recipe.validate().unwrap_err().key, key);
    }
}
