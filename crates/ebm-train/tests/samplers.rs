//! Every sampler that a recipe can name trains what it can move, and resumes bit for bit.
#![allow(clippy::unwrap_used)]

mod gaussians;
mod machines;

use burn::tensor::{Device, Tensor};
use ebm_models::{BoltzmannMachine, BoltzmannMachineConfig, Coding, RbmConfig};
use ebm_ops::Noise;
use ebm_sampling::{Kernel, StepInfo};
use ebm_train::recipe::{
    ChainsConfig, ContrastiveDivergence, GibbsConfig, GibbsWithGradientsConfig, HamiltonianConfig,
    LangevinConfig, MalaConfig, MetropolisConfig, OptimizerConfig, ParallelTemperingConfig,
    SamplerConfig, ScheduleConfig, StartConfig, UnderdampedLangevinConfig,
};
use ebm_train::{Examples, Recipe, StepOutcome, Trainable, Trainer, weights};
use gaussians::{Biases, Gaussians, MEAN, WIDTH, assert_mean, data, values};
use machines::{divergence, in_proportion, rows_of, visible_probabilities};

/// Persistent chains in a range that holds all but 1e-5 of the density. By plain descent with a
/// rate that falls to 0 what a parameter started with is forgotten to less than exp(-20): the
/// curvature of the likelihood is 2 for the logarithm of a width and more for a mean, and rates add
/// up to 10.
fn recipe(sampler: impl Into<SamplerConfig>) -> Recipe {
    Recipe::density()
        .with_steps(500)
        .with_sampler(sampler)
        .with_chains(ChainsConfig::persistent(StartConfig::Uniform))
        .with_objective(ContrastiveDivergence::default())
        .with_optimizer(OptimizerConfig::sgd(0.04))
        .with_schedule(ScheduleConfig::linear(0.0))
        .with_range([-2.0, 2.0])
        .without_moving_average()
}

/// Each sampler of real states, the width that its chains make of the data's, and how far from that
/// it may be.
fn samplers_of_reals() -> Vec<(SamplerConfig, f64, f64)> {
    // The chain x' = x (1 - h / w^2) + sqrt(2 h) z has the variance w^2 / (1 - h / (2 w^2)). Where
    // that is the data's, v, the width w solves w^4 - v w^2 + v h / 2 = 0.
    let (h, v) = (0.01, WIDTH * WIDTH);
    let langevin_width = ((v + (v * v - 2.0 * v * h).sqrt()) / 2.0).sqrt();
    let mala = MalaConfig::new(5, 0.05).without_clamp();
    let hamiltonian = HamiltonianConfig::new(3, 0.15, 4);
    // The variance is that of the model, and larger by up to (h / w)^2 / 4 since each update draws
    // velocities anew.
    let step: f64 = 0.05;
    let underdamped_bias = WIDTH * (step / WIDTH).powi(2) / 8.0;
    let langevin = LangevinConfig::new(10, h).with_temperature(1.0);
    vec![
        (langevin.without_clamp().into(), langevin_width, 0.0),
        (MetropolisConfig::new(15, 0.24).into(), WIDTH, 0.0),
        (mala.clone().into(), WIDTH, 0.0),
        (hamiltonian.clone().into(), WIDTH, 0.0),
        (
            UnderdampedLangevinConfig::new(10, step, 3.0).into(),
            WIDTH,
            underdamped_bias,
        ),
        (
            ParallelTemperingConfig::new(1, 3, 0.4).of(mala).into(),
            WIDTH,
            0.0,
        ),
        (
            ParallelTemperingConfig::new(1, 3, 0.4)
                .of(hamiltonian.with_random_length())
                .into(),
            WIDTH,
            0.0,
        ),
    ]
}

/// What a sampler is called in a failure.
fn describe(sampler: &SamplerConfig) -> String {
    match sampler {
        SamplerConfig::ParallelTempering(keys) => match &keys.of {
            Some(of) => format!("parallel_tempering of {}", of.name()),
            None => "parallel_tempering".into(),
        },
        other => other.name().into(),
    }
}

/// Trains to the end; every update must be applied.
fn trained<M: Trainable<2>>(mut trainer: Trainer<M, 2>) -> M {
    let mut refused = 0;
    trainer
        .train(|outcome| refused += u32::from(matches!(outcome, StepOutcome::Refused(_))))
        .unwrap();
    assert_eq!(refused, 0);
    trainer.sampling_model()
}

fn assert_learned(model: &Gaussians, width: f64, bias: f64, what: &str) {
    let means = values(model.mean.val());
    assert_mean(&means, MEAN, 0.0, 0.05, &format!("{what}, mean"));
    let widths = values(model.log_width.val().exp());
    assert_mean(&widths, width, bias, 0.05, &format!("{what}, width"));
}

#[test]
fn samplers_of_real_states_learn_means_and_widths() {
    let device = Device::flex();
    for (seed, (sampler, width, bias)) in samplers_of_reals().into_iter().enumerate() {
        let what = describe(&sampler);
        let mut noise = Noise::new(20 + seed as u64);
        let examples = Examples::from_tensor(data(4096, &device, &mut noise));
        let model = Gaussians::new(&device);
        let trainer = Trainer::new(recipe(sampler), model, examples, noise).unwrap();
        assert_learned(&trained(trainer), width, bias, &what);
    }
}

/// Draws from the model itself, whatever the chains were.
struct ExactDraws;

impl Kernel<Gaussians, Tensor<2>> for ExactDraws {
    type State = Tensor<2>;

    fn init(&self, _energy: &Gaussians, position: Tensor<2>) -> Tensor<2> {
        position
    }

    fn step(&self, model: &Gaussians, x: Tensor<2>, noise: &mut Noise) -> (Tensor<2>, StepInfo) {
        let draws: Tensor<2> = noise.normal(x.dims(), &x.device());
        let scaled = draws * model.log_width.val().exp().unsqueeze();
        (scaled + model.mean.val().unsqueeze(), StepInfo::default())
    }

    fn position(&self, state: &Tensor<2>) -> Tensor<2> {
        state.clone()
    }
}

#[test]
fn a_kernel_of_ones_own_takes_the_place_of_the_recipes() {
    let device = Device::flex();
    let mut noise = Noise::new(31);
    let examples = Examples::from_tensor(data(4096, &device, &mut noise));
    // A sampler of the recipe that could not move these chains: it is not asked.
    let trainer = Trainer::builder(recipe(GibbsConfig::new(1)))
        .with_kernel(ExactDraws)
        .build(Gaussians::new(&device), examples, noise)
        .unwrap();
    assert_learned(&trained(trainer), WIDTH, 0.0, "exact draws");
}

/// Binary units whose mean is 0.3: the bias is its logit.
#[test]
fn flips_by_gradients_learn_the_biases_of_any_energy() {
    const COUNT: usize = gaussians::COUNT;
    let device = Device::flex();
    // 300 of 1000 examples have the unit on, others for each unit.
    let ranks: Tensor<2> = Noise::new(32).uniform([1000, COUNT], &device);
    let on = ranks.argsort(0).lower_elem(300).float();
    let recipe = recipe(GibbsWithGradientsConfig::new(10))
        .with_chains(ChainsConfig::persistent(StartConfig::Binary))
        .with_range([0.0, 1.0])
        .with_learning_rate(0.4)
        .with_steps(600);
    let tempered = ParallelTemperingConfig::new(1, 3, 0.4).of(GibbsWithGradientsConfig::new(10));
    for recipe in [recipe.clone(), recipe.with_sampler(tempered)] {
        let what = describe(&recipe.sampler);
        let examples = Examples::from_tensor(on.clone());
        let model = Biases::new(&device);
        let trainer = Trainer::new(recipe, model, examples, Noise::new(33)).unwrap();
        let found = values(trained(trainer).bias.val());
        let logit = (0.3_f64 / 0.7).ln();
        assert_mean(&found, logit, 0.0, 0.2, &what);
    }
}

const UNITS: usize = 5;

/// Data in the proportions of a machine without hidden units, whose likelihood has one maximum.
fn teacher(device: &Device) -> (BoltzmannMachine, Vec<f64>, Tensor<2>) {
    let config = BoltzmannMachineConfig::new(UNITS).with_coding(Coding::Binary);
    let teacher = config.clone().with_weight_std(2.0);
    let teacher = teacher.init(device, &mut Noise::new(5));
    let target = visible_probabilities(&teacher, UNITS, UNITS, Coding::Binary, device);
    let examples = rows_of(&in_proportion(&target, 1000), UNITS, Coding::Binary, device);
    (config.init(device, &mut Noise::new(6)), target, examples)
}

/// The exact distance from the maximum of the likelihood, 0. What is left is the noise of the last
/// updates: of 15 parameters, 15 / (2 n) nats for n independent examples and chains that they
/// average over, and n = 100 * 50 at least, the batches of the last 50 updates; times 5 for the
/// correlation of chains, and for their own noise twice.
#[test]
fn samplers_of_units_learn_a_boltzmann_machine() {
    let device = Device::flex();
    let flips = GibbsWithGradientsConfig::new(10);
    let samplers: [SamplerConfig; 3] = [
        GibbsConfig::new(2).into(),
        flips.clone().into(),
        ParallelTemperingConfig::new(1, 3, 0.3).of(flips).into(),
    ];
    for sampler in samplers {
        let what = describe(&sampler);
        let (student, target, examples) = teacher(&device);
        let distance = |model: &BoltzmannMachine| {
            let found = visible_probabilities(model, UNITS, UNITS, Coding::Binary, &device);
            divergence(&target, &found)
        };
        let before = distance(&student);
        let recipe = machines::recipe()
            .with_sampler(sampler)
            .with_learning_rate(0.4);
        let examples = Examples::from_tensor(examples);
        let trainer = Trainer::new(recipe, student, examples, Noise::new(7)).unwrap();
        let after = distance(&trained(trainer));
        assert!(before > 0.3, "{what}: it knew already: {before}");
        assert!(after < 0.015, "{what}: {after} nats from the data");
    }
}

/// A restricted machine represents two prototypes exactly; the tolerance is that of the test of
/// block Gibbs sampling and of its replicas in `boltzmann.rs`, which this sampler has to reach too.
#[test]
fn flips_by_gradients_learn_a_restricted_machine() {
    let device = Device::flex();
    let target = machines::two_prototypes();
    let examples = rows_of(&in_proportion(&target, 1000), 6, Coding::Binary, &device);
    let model = RbmConfig::new(6, 3)
        .with_weight_std(0.1)
        .init(&device, &mut Noise::new(1));
    let recipe = machines::recipe().with_sampler(GibbsWithGradientsConfig::new(20));
    let examples = Examples::from_tensor(examples);
    let trainer = Trainer::new(recipe, model, examples, Noise::new(2)).unwrap();
    let model = trained(trainer);
    let found = visible_probabilities(&model, 6, 6, Coding::Binary, &device);
    let after = divergence(&target, &found);
    assert!(after < 0.03, "{after} nats from the data");
}

/// After a checkpoint a trainer of another seed makes, bit for bit, the updates that would have
/// followed.
fn assert_resumes<M: Trainable<2>>(recipe: Recipe, model: &M, examples: &Tensor<2>) {
    let what = describe(&recipe.sampler);
    let trainer = |seed: u64| {
        let examples = Examples::from_tensor(examples.clone());
        Trainer::new(recipe.clone(), model.clone(), examples, Noise::new(seed)).unwrap()
    };
    let (mut first, mut second) = (trainer(1), trainer(2));
    for _ in 0..5 {
        first.step();
        second.step();
    }
    assert_ne!(weights(first.model()), weights(second.model()), "{what}");
    second.restore(first.checkpoint()).unwrap();
    for _ in 0..5 {
        let outcome = first.step();
        assert!(matches!(outcome, StepOutcome::Applied(_)), "{what}");
        assert_eq!(outcome, second.step(), "{what}");
    }
    assert_eq!(weights(first.model()), weights(second.model()), "{what}");
    assert_eq!(
        first.checkpoint().tensors,
        second.checkpoint().tensors,
        "{what}"
    );
}

#[test]
fn every_sampler_resumes_bit_for_bit() {
    let device = Device::flex();
    let mut seen = Vec::new();
    let points = data(512, &device, &mut Noise::new(3));
    for (sampler, _, _) in samplers_of_reals() {
        seen.push(sampler.name());
        assert_resumes(recipe(sampler), &Gaussians::new(&device), &points);
    }
    let (machine, _, units) = teacher(&device);
    let rbm = RbmConfig::new(UNITS, 3).init(&device, &mut Noise::new(8));
    let flips = GibbsWithGradientsConfig::new(4);
    let samplers: [SamplerConfig; 3] = [
        GibbsConfig::new(2).into(),
        flips.clone().into(),
        ParallelTemperingConfig::new(1, 3, 0.3).of(flips).into(),
    ];
    for sampler in samplers {
        seen.push(sampler.name());
        let recipe = machines::recipe().with_sampler(sampler);
        assert_resumes(recipe.clone(), &machine, &units);
        assert_resumes(recipe, &rbm, &units);
    }
    let blocks = machines::recipe().with_sampler(ParallelTemperingConfig::new(2, 3, 0.0));
    assert_resumes(blocks, &rbm, &units);
    for name in SamplerConfig::NAMES {
        assert!(seen.contains(name), "nothing tries {name}");
    }
}
