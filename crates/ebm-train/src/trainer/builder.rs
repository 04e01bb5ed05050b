//! How a trainer is put together: a recipe, and parts of one's own in place of those that it names.

use burn::tensor::{Device, Tensor};
use ebm_models::{Precision, Structure};
use ebm_ops::{Interval, Noise};
use ebm_sampling::Kernel;

use super::Trainer;
use super::error::TrainError;
use crate::augmentation::AugmentationKeys;
use crate::chains::{NegativePhase, OnStates, TransitionKernel, starting_points};
use crate::examples::{Examples, Order};
use crate::files::memory;
use crate::keys::{InvalidValue, check};
use crate::objectives::Objective;
use crate::optimizer::MovingAverage;
use crate::optimizer::ParameterOptimizer;
use crate::recipe::{ChainsConfig, Recipe, StartConfig};
use crate::samplers::has_real_states;
use crate::trainable::Trainable;
use crate::trainable::{has_hidden_units, state_shape};

/// A trainer that is still being put together.
pub struct TrainerBuilder<M, const D: usize> {
    recipe: Recipe,
    kernel: Option<Box<dyn TransitionKernel<M, D>>>,
    objective: Option<Box<dyn Objective<M, D>>>,
}

impl<M: Trainable<D>, const D: usize> TrainerBuilder<M, D> {
    pub(super) fn new(recipe: Recipe) -> Self {
        Self {
            recipe,
            kernel: None,
            objective: None,
        }
    }

    /// Moves chains by this kernel, and not by the one that the recipe's sampler names; the
    /// recipe's sampler still says how many transitions an update makes.
    #[must_use]
    pub fn with_kernel<K: Kernel<M, Tensor<D>> + Send + 'static>(self, kernel: K) -> Self {
        self.with_transition_kernel(OnStates(kernel))
    }

    /// As [`with_kernel`](Self::with_kernel), for what isn't one kernel over states: of layers, of
    /// replicas.
    #[must_use]
    pub fn with_transition_kernel(mut self, kernel: impl TransitionKernel<M, D> + 'static) -> Self {
        self.kernel = Some(Box::new(kernel));
        self
    }

    /// Minimises this objective, and not the one that the recipe names.
    #[must_use]
    pub fn with_objective(mut self, objective: impl Objective<M, D> + 'static) -> Self {
        self.objective = Some(Box::new(objective));
        self
    }

    /// Prepares training; `noise` is the source of all its randomness.
    ///
    /// # Errors
    ///
    /// As for [`Trainer::new`].
    pub fn build(
        self,
        model: M,
        examples: Examples<D>,
        mut noise: Noise,
    ) -> Result<Trainer<M, D>, TrainError> {
        let recipe = self.recipe;
        recipe.validate()?;
        let batch_size = recipe.batch_size;
        if batch_size > examples.len() {
            return Err(TrainError::BatchTooLarge {
                batch_size,
                examples: examples.len(),
            });
        }
        let objective = self
            .objective
            .unwrap_or_else(|| recipe.objective.objective());
        let structure = model.structure();
        let kernel = match self.kernel {
            Some(kernel) => kernel,
            None => {
                if objective.needs_chains() {
                    check_two_values(&recipe, &structure, &examples)?;
                }
                recipe.sampler.kernel(&model, recipe.range)?
            }
        };
        check_gradient(&recipe, &structure)?;
        check_augmentation(&recipe, &structure, &examples)?;
        let device = examples.device();
        check_precision(recipe.precision, &model, &device)?;
        let mut shape = state_shape(&structure, examples.shape());
        shape[0] = batch_size;
        if objective.needs_chains() {
            check_chains(&recipe, kernel.replicas(), shape, &device)?;
        }
        let order = Order::new(noise.split());
        check_batch(shape, &device)?;
        check_fitted(&recipe, &structure)?;
        // Chains that start at the data are drawn from noise once training is over.
        let start = recipe.chains.start().unwrap_or_default();
        let starts = starting_points(start, recipe.range, &examples);
        let negative_phase = objective.needs_chains().then(|| {
            NegativePhase::new(
                &recipe.chains,
                &starts,
                recipe.range,
                kernel.replicas(),
                shape,
                &device,
                &mut noise,
            )
        });
        Ok(Trainer {
            average: recipe
                .ema_decay
                .map(|decay| MovingAverage::new(&model, decay)),
            infers: has_hidden_units(&structure),
            model: model.train(),
            optimizer: ParameterOptimizer::new(&recipe.optimizer),
            sparsity: recipe.objective.keys().sparsity(),
            objective,
            kernel,
            negative_phase,
            starts,
            examples,
            order,
            noise,
            step: 0,
            rollbacks: 0,
            chain_factor: 1.0,
            recipe,
        })
    }
}

/// Fails if chains are to start at Gaussians of the examples where states are more than those, or
/// hold two values.
fn check_fitted(recipe: &Recipe, structure: &Structure) -> Result<(), InvalidValue> {
    let fits = has_real_states(structure) && !has_hidden_units(structure);
    match recipe.chains.start() {
        Some(start @ StartConfig::Fitted) => check(
            fits,
            "chains.start",
            start,
            "\"binary\" for a model of units that hold two values",
        ),
        _ => Ok(()),
    }
}

/// Fails if what isn't an image is to be changed as one, or values come in between two.
fn check_augmentation<const D: usize>(
    recipe: &Recipe,
    structure: &Structure,
    examples: &Examples<D>,
) -> Result<(), InvalidValue> {
    let of_chains = recipe.chains.augmentation();
    let wanted = [
        (recipe.augmentation, AugmentationKeys::OF_EXAMPLES.all),
        (of_chains, AugmentationKeys::OF_CHAINS.all),
    ];
    for (augmentation, key) in wanted {
        let Some(augmentation) = augmentation else {
            continue;
        };
        let shape = &examples.shape()[1..];
        check(
            D == 4 && shape[1..].iter().any(|&side| side > 1),
            key,
            format!("examples of shape {shape:?}"),
            "images of more than one pixel, of shape [channels, height, width]",
        )?;
        check(
            !augmentation.mixes() || has_real_states(structure),
            key,
            "a model of units that hold two values",
            "no rotation and no zoom with it, which have values in between",
        )?;
    }
    check(
        of_chains.is_none() || !has_hidden_units(structure),
        AugmentationKeys::OF_CHAINS.all,
        "a model with hidden units in its states",
        "one whose states are images",
    )
}

/// Fails if the recipe's objective needs gradients in the states of a model that has none there.
fn check_gradient(recipe: &Recipe, structure: &Structure) -> Result<(), InvalidValue> {
    match recipe.objective.keys().needs_gradient() {
        Some(key) if !has_real_states(structure) => Err(InvalidValue {
            key,
            found: "a model of units that hold two values".into(),
            expected: "one whose energy has a slope in its states: a network, or a machine with Gaussian visible units".into(),
        }),
        _ => Ok(()),
    }
}

/// Fails unless chains that hold two values alone find no others where they start at the data.
fn check_two_values<const D: usize>(
    recipe: &Recipe,
    structure: &Structure,
    examples: &Examples<D>,
) -> Result<(), InvalidValue> {
    if !recipe.sampler.keys().has_two_values() || recipe.chains.start().is_some() {
        return Ok(());
    }
    let sampler = recipe.sampler.name();
    if matches!(structure, Structure::Layered(_)) && has_hidden_units(structure) {
        return Err(InvalidValue {
            key: "chains.kind",
            found: format!("\"{}\"", recipe.chains.name()),
            expected: format!(
                "\"persistent\" with sampler.kind \"{sampler}\" and this model: hidden units that are inferred from data are means, not 0 or 1"
            ),
        });
    }
    let Interval { low, high } = recipe.range;
    let two_valued = examples.batches(examples.rows_at_a_time()).all(|batch| {
        let is_low = batch.x.clone().equal_elem(low);
        is_low.bool_or(batch.x.equal_elem(high)).all().into_scalar()
    });
    check(
        two_valued,
        "data.binarize",
        "data with values in between",
        format!(
            "data that are {low:?} or {high:?}, at which chains of sampler.kind \"{sampler}\" can start, or chains.start \"binary\""
        ),
    )
}

/// Fails unless replicas live on between updates, and chains of states of `shape` fit into memory.
fn check_chains<const D: usize>(
    recipe: &Recipe,
    replicas: usize,
    mut shape: [usize; D],
    device: &Device,
) -> Result<(), InvalidValue> {
    let persistent = matches!(recipe.chains, ChainsConfig::Persistent(_));
    if replicas > 1 && !persistent {
        return Err(InvalidValue {
            key: "chains.kind",
            found: format!("\"{}\"", recipe.chains.name()),
            expected: "\"persistent\" with replicas, which live on between updates".into(),
        });
    }
    let (key, found) = match &recipe.chains {
        ChainsConfig::ReplayBuffer(keys) => {
            shape[0] = keys.capacity;
            ("chains.capacity", keys.capacity)
        }
        _ => {
            shape[0] = shape[0].saturating_mul(replicas);
            ("sampler.temperatures", replicas)
        }
    };
    // Where chains start is drawn, brought to its range and stored, the one from the other.
    let values = memory::product(&shape).saturating_mul(3);
    if memory::fits_on(values, device) {
        return Ok(());
    }
    Err(InvalidValue {
        key,
        found: found.to_string(),
        expected: format!(
            "chains that fit into memory (these take {})",
            memory::amount(values)
        ),
    })
}

/// Fails unless batches of states of `shape` fit into memory.
fn check_batch<const D: usize>(shape: [usize; D], device: &Device) -> Result<(), InvalidValue> {
    // Data, the same with noise, chains, their gradients, and the pass over data and chains
    // together.
    let values = memory::product(&shape).saturating_mul(6);
    if memory::fits_on(values, device) {
        return Ok(());
    }
    Err(InvalidValue {
        key: "training.batch_size",
        found: shape[0].to_string(),
        expected: format!(
            "batches of examples and chains that fit into memory (these take {})",
            memory::amount(values)
        ),
    })
}

/// Fails unless model and device make their products in this type.
fn check_precision<M: Trainable<D>, const D: usize>(
    precision: Precision,
    model: &M,
    device: &Device,
) -> Result<(), TrainError> {
    if !model.supports_precision(precision) {
        return Err(InvalidValue {
            key: "training.precision",
            found: format!("\"{precision}\""),
            expected: "\"f32\" with this model: networks and machines with layers can do with less"
                .into(),
        }
        .into());
    }
    if !precision.is_supported_by(device) {
        return Err(TrainError::UnsupportedPrecision { precision });
    }
    Ok(())
}
