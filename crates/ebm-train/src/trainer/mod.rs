//! The trainer: one update after the other, all of its state in a checkpoint.

mod builder;
mod error;
mod gradient;
mod state;

use ebm_ops::Noise;
use ebm_sampling::{Interrupt, StartingPoints};

pub use builder::TrainerBuilder;
pub use error::TrainError;

use crate::augmentation::augmented;
use crate::chains::{NegativePhase, Negatives, TransitionKernel};
use crate::examples::{Examples, Order};
use crate::metrics::{Metrics, StepOutcome};
use crate::objectives::{Chains, Objective, PositivePhase, Sparsity, Update};
use crate::optimizer::MovingAverage;
use crate::optimizer::ParameterOptimizer;
use crate::recipe::Recipe;
use crate::saving::{LONGEST_CHAINS, weights};
use crate::trainable::Trainable;

/// Updates refused one after the other after which training is given up.
const REFUSED_IN_A_ROW: u32 = 10;

/// Trains one energy on one set of examples.
///
/// An update follows an estimate of the gradient of the negative log-likelihood,
///
/// ```text
/// d/dw -log p(x_data)  ≈  mean over a batch of dE(x_data)/dw - mean over chains of dE(x_sample)/dw
/// ```
///
/// with samples that Markov chains draw from the model as it is (Hinton 2002; chains that live on
/// between updates: Tieleman 2008, Du & Mordatch 2019), or another [`Objective`] of the same form.
/// It is: a batch, the points that the objective chooses by the frozen model, their energies, the
/// optimizer. One array of scalars is read back from the device, after the chains have run, since a
/// step that isn't finite must not be applied.
///
/// # Shapes
///
/// `D` is the rank of a batch of examples: 2 for vectors `[batch, features]`, 4 for images
/// `[batch, channels, height, width]`.
pub struct Trainer<M, const D: usize> {
    recipe: Recipe,
    model: M,
    average: Option<MovingAverage<M>>,
    optimizer: ParameterOptimizer,
    objective: Box<dyn Objective<M, D>>,
    kernel: Box<dyn TransitionKernel<M, D>>,
    /// `None` for an objective that needs no chains.
    negative_phase: Option<NegativePhase<D>>,
    /// Where fresh chains start.
    starts: StartingPoints,
    /// A penalty beside the objective.
    sparsity: Option<Sparsity>,
    /// Whether a state holds more than its example.
    infers: bool,
    examples: Examples<D>,
    order: Order,
    noise: Noise,
    step: u64,
    rollbacks: u32,
    chain_factor: f32,
}

impl<M: Trainable<D>, const D: usize> Trainer<M, D> {
    /// Prepares training by a recipe; `noise` is the source of all its randomness. A kernel or an
    /// objective of one's own goes in by a [builder](Self::builder).
    ///
    /// # Errors
    ///
    /// If a value is out of range, the sampler can't move chains of the model, there are fewer
    /// examples than a batch takes, or the chains don't fit into memory.
    pub fn new(
        recipe: Recipe,
        model: M,
        examples: Examples<D>,
        noise: Noise,
    ) -> Result<Self, TrainError> {
        Self::builder(recipe).build(model, examples, noise)
    }

    /// Begins a trainer with parts of one's own.
    pub fn builder(recipe: Recipe) -> TrainerBuilder<M, D> {
        TrainerBuilder::new(recipe)
    }

    /// Makes the updates that the recipe still asks for, and tells each to `observe`.
    ///
    /// # Errors
    ///
    /// If update after update is refused: training has diverged.
    pub fn train(&mut self, mut observe: impl FnMut(&StepOutcome)) -> Result<(), TrainError> {
        let mut refused_in_a_row = 0;
        while self.step < self.recipe.steps {
            let outcome = self.step();
            observe(&outcome);
            refused_in_a_row = match outcome {
                StepOutcome::Applied(_) => 0,
                StepOutcome::Refused(_) => refused_in_a_row + 1,
            };
            if refused_in_a_row == REFUSED_IN_A_ROW {
                return Err(TrainError::Diverged { step: self.step });
            }
        }
        Ok(())
    }

    /// Makes one update.
    pub fn step(&mut self) -> StepOutcome {
        loop {
            // What nobody interrupts is made the first time.
            if let Some(outcome) = self.step_unless(&mut Interrupt::never()) {
                return outcome;
            }
        }
    }

    /// Makes one update, unless `interrupt` calls it off while its chains are moved. It is then as
    /// if it had not been tried, `None`: the noise, the chains and the place in the data are as
    /// before, so that the update that comes next is the same, bit for bit.
    pub fn step_unless(&mut self, interrupt: &mut Interrupt<'_>) -> Option<StepOutcome> {
        let (noise, place) = (self.noise.clone(), self.order.place());
        let recipe = &self.recipe;
        let (learning_rate, transitions) = (self.learning_rate(), self.transitions());
        let indices = self.order.next(recipe.batch_size, self.examples.len());
        let mut batch = self.examples.batch(indices);
        batch.x = augmented(recipe.augmentation, batch.x, &mut self.noise);

        let frozen = self.model.valid();
        // The same, but for the type of its products where chains are to move in half precision.
        let moving = recipe.precision.frozen(&frozen);
        let chains = self.negative_phase.as_ref().map(|phase| Chains {
            phase,
            kernel: &*self.kernel,
            transitions,
            moving: &moving,
        });
        let positive = PositivePhase {
            sampler: &recipe.sampler,
            data_noise: recipe.data_noise,
            range: recipe.range,
            infers: self.infers,
        };
        let mut interrupted = || interrupt.is_raised();
        let mut update = Update::new(
            batch,
            &frozen,
            positive,
            chains,
            &mut self.noise,
            &mut interrupted,
        );
        let points = self.objective.choose_points(&mut update);
        let chosen = update.finish();
        if interrupt.was_raised() {
            (self.noise, self.order) = (noise, place);
            return None;
        }

        let (loss, gradients) = self.differentiate(&points, &chosen.data);
        self.step += 1;
        let mut scalars = loss.scalars;
        scalars.extend(chosen.scalars);
        scalars.extend(chosen.negatives.iter().flat_map(Negatives::scalars));
        let (value, norm) = (loss.value, gradients.norm());
        let metrics = Metrics::read_back(self.step, learning_rate, value, norm, scalars);
        if !metrics.is_finite() || metrics.largest_energy() > recipe.energy_limit {
            return Some(StepOutcome::Refused(metrics));
        }
        let factor = match recipe.optimizer.gradient_clip() {
            Some(limit) if metrics.gradient_norm > limit => limit / metrics.gradient_norm,
            _ => 1.0,
        };
        if let (Some(phase), Some(negatives)) = (&mut self.negative_phase, chosen.negatives) {
            phase.keep(negatives);
        }
        let model = self.model.clone();
        self.model = self
            .optimizer
            .step(self.step - 1, learning_rate, model, gradients, factor)
            .follow(chosen.data);
        let average = self.average.take();
        self.average = average.map(|average| average.updated(&self.model, self.step - 1));
        Some(StepOutcome::Applied(metrics))
    }

    /// The number of updates so far, refused ones included.
    pub fn steps_done(&self) -> u64 {
        self.step
    }

    /// The recipe.
    pub fn recipe(&self) -> &Recipe {
        &self.recipe
    }

    /// Where fresh chains start; at uniform noise where those of training start at the data.
    pub fn starting_points(&self) -> &StartingPoints {
        &self.starts
    }

    /// The examples.
    pub fn examples(&self) -> &Examples<D> {
        &self.examples
    }

    /// The model that is being trained, on the autodiff graph.
    pub fn model(&self) -> &M {
        &self.model
    }

    /// Replaces the model before the first update, by one that was trained in another way, say.
    pub fn set_model(&mut self, model: M) {
        if let Some(average) = &mut self.average {
            average.set_model(model.valid());
        }
        self.model = model.train();
    }

    /// The model to sample from, off the autodiff graph: the moving average of the weights if one
    /// is kept, else the weights.
    pub fn sampling_model(&self) -> M {
        self.average
            .as_ref()
            .map_or_else(|| self.model.valid(), |average| average.model().clone())
    }

    /// Whether every weight is a finite number. Reads them back from the device.
    pub fn has_finite_weights(&self) -> bool {
        weights(&self.model)
            .into_values()
            .all(|data| data.convert::<f32>().iter::<f32>().all(f32::is_finite))
    }

    /// The learning rate of the next update: the schedule's, halved by each roll-back.
    pub fn learning_rate(&self) -> f64 {
        self.recipe.learning_rate(self.step, self.rollbacks)
    }

    /// The transitions that each chain makes in the next update: those of the recipe, times the
    /// factors by which chains were [lengthened](Self::lengthen_chains), rounded up.
    pub fn transitions(&self) -> usize {
        self.recipe
            .transitions(self.step, f64::from(self.chain_factor))
    }

    /// Makes the chains of all later updates so many times as long, as when short ones led to a
    /// collapse. It outlasts [roll-backs](Self::roll_back), and is part of a checkpoint.
    ///
    /// # Panics
    ///
    /// If `factor` is below 1.
    pub fn lengthen_chains(&mut self, factor: f64) {
        assert!(
            factor >= 1.0,
            "chains can't be lengthened by a factor of {factor}, expected 1 or more"
        );
        let all = f64::from(self.chain_factor) * factor;
        self.chain_factor = all.min(LONGEST_CHAINS.into()) as f32;
    }

    /// [Trims](Objective::trim) the samples of all later updates, as when outliers among them led
    /// to a collapse. It outlasts [roll-backs](Self::roll_back), and is no part of a checkpoint.
    pub fn trim_samples(&mut self, share: f64) {
        self.objective.trim(share);
    }

    /// How many times as long as the recipe says chains are, by all that lengthened them: 1 or
    /// more.
    pub fn chain_factor(&self) -> f64 {
        self.chain_factor.into()
    }

    /// The number of times that training went back to a checkpoint.
    pub fn rollbacks(&self) -> u32 {
        self.rollbacks
    }
}
