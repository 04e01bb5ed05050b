//! Compositions of energies, sampled: products, mixtures, and one model without another.

use burn::tensor::Tensor;
use ebm_models::{Coding, Energy, HiddenUnits, Mixture, PairwiseMachine, Structure, WeightedSum};
use ebm_ops::Noise;
use ebm_sampling::metropolis_hastings::GibbsWithGradients;
use ebm_sampling::run;
use ebm_sampling::tempering::Tempered;

use super::chains::{ChainOptions, move_chains};
use super::error::UsingError;
use super::shown::show_states;
use crate::examples::host_values;
use crate::rows;

/// How models are composed. `T` is the temperature of the sampler, at which each of them is a
/// distribution `p_k ∝ exp(-E_k / T)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CompositionKind {
    /// `p(x) ∝ prod_k p_k(x)^w_k`, `E = sum_k w_k E_k` (Hinton 2002): likely where every model
    /// finds it so.
    Product,
    /// `p(x) ∝ sum_k w_k exp(-E_k(x) / T)`: likely where any model finds it so. The models' `Z` are
    /// unknown, so that the share of model `k` is `w_k Z_k / sum_j w_j Z_j`: an offset of its
    /// energy counts like a weight.
    Mixture,
    /// `p(x) ∝ p_1(x)^w_1 / prod_{k>1} p_k(x)^w_k` (Du, Li & Mordatch 2020): likely for the first
    /// model and unlikely for the others; of one model alone its opposite, `p(x)^-w`.
    Negation,
}

/// Models that can't be composed.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum CompositionError {
    /// No model was given.
    #[error("there is no model to compose")]
    Nothing,
    /// Weights that don't fit the models.
    #[error("found {weights} weights for {models} models, expected one each")]
    Weights {
        /// The number of weights.
        weights: usize,
        /// The number of models.
        models: usize,
    },
    /// A weight out of range.
    #[error("found weight {0:?}, expected a number above 0")]
    Weight(f64),
    /// Energies that overflow.
    #[error(
        "weights {0:?} make the parameters of the composition overflow 32 bits: expected smaller ones"
    )]
    Overflow(Vec<f64>),
    /// A machine whose hidden units can't be summed out.
    #[error(
        "model {index} is a {model} whose hidden units can't be summed out, so that it has no energy of images alone"
    )]
    Hidden {
        /// The model, from 1.
        index: usize,
        /// What it is.
        model: &'static str,
    },
    /// A temperature of 0 where one above is needed.
    #[error("the sampler of the first model has temperature 0, expected one above 0")]
    Frozen,
}

/// The energy of a composition.
#[derive(Clone, Debug)]
enum Composed<E> {
    Sum(WeightedSum<Vec<E>>),
    /// `T (-log sum_k w_k exp(-E_k / T))`.
    Mixture(Tempered<Mixture<Vec<Tempered<E>>>>),
}

/// A composition of energies over the same configurations, itself an energy, with what is needed to
/// sample it.
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use ebm_ops::Noise;
/// use ebm_train::recipe::{LangevinConfig, SamplerConfig};
/// use ebm_train::using::{ChainOptions, Composition, CompositionKind};
///
/// // Normal densities around -1 and 1: their product is one around 0, with half the variance.
/// let normal = |mean: f64| {
///     move |x: Tensor<2>| (x - mean).square().mul_scalar(0.5).squeeze_dim::<1>(1)
/// };
/// let langevin = LangevinConfig {
///     steps: 100,
///     step_size: 0.05,
///     noise: None,
///     temperature: Some(1.0),
///     gradient_clip: None,
///     clamp: false,
/// };
/// let chains = ChainOptions {
///     sampler: SamplerConfig::Langevin(langevin),
///     range: [-5.0, 5.0].into(),
/// };
/// let models = vec![normal(-1.0), normal(1.0)];
/// let product = Composition::new(models, CompositionKind::Product, &[1.0, 1.0], chains, None)?;
/// let start = Tensor::<2>::zeros([1000, 1], &Device::flex());
/// let drawn = product.sample(start, 100, &mut Noise::new(1))?;
/// let mean = drawn.mean().into_scalar::<f64>();
/// assert!(mean.abs() < 0.12); // 5 standard errors
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Composition<E, const D: usize> {
    composed: Composed<E>,
    chains: ChainOptions,
    /// The two values of a pixel, where it has two.
    coding: Option<Coding>,
}

impl<E: Energy<D> + Clone, const D: usize> Composition<E, D> {
    /// Composes models with one weight each. `chains` says how chains of the composition move where
    /// it isn't a machine whose units are redrawn, and at which temperature the models are
    /// distributions; `coding` which values a coordinate takes where it has only two.
    ///
    /// Models of several types are one where they are trait objects, such as
    /// `&(dyn Fn(Tensor<2>) -> Tensor<1> + Sync)`.
    ///
    /// # Errors
    ///
    /// If weights and models don't fit each other, a model has hidden units that can't be summed
    /// out, or the temperature is 0 where the composition needs one.
    pub fn new(
        models: Vec<E>,
        kind: CompositionKind,
        weights: &[f64],
        chains: ChainOptions,
        coding: Option<Coding>,
    ) -> Result<Self, CompositionError> {
        check(&models, weights)?;
        let temperature = chains.sampler_at_one_temperature().temperature();
        let count = models.len();
        let composed = if kind == CompositionKind::Mixture {
            if temperature <= 0.0 {
                return Err(CompositionError::Frozen);
            }
            let colder = models.into_iter();
            let colder = colder.map(|model| Tempered::new(model, 1.0 / temperature));
            let mixture = Mixture::new(colder.collect(), weights);
            Composed::Mixture(Tempered::new(mixture, temperature))
        } else {
            let signed = weights.iter().enumerate();
            let signed = signed.map(|(index, &weight)| match kind {
                CompositionKind::Negation if index > 0 || count == 1 => -weight,
                _ => weight,
            });
            Composed::Sum(WeightedSum::new(models, signed.collect()))
        };
        let composition = Self {
            composed,
            chains,
            coding,
        };
        let structure = composition.structure();
        if !is_finite(&structure) || weights.iter().any(|&weight| !(weight as f32).is_finite()) {
            return Err(CompositionError::Overflow(weights.to_vec()));
        }
        let flips = coding.is_some() && matches!(structure, Structure::Smooth);
        if flips && temperature <= 0.0 {
            return Err(CompositionError::Frozen);
        }
        Ok(composition)
    }

    /// Moves chains by so many steps from where they start: `[count, ..]`.
    ///
    /// A product of restricted machines with whole weights is a restricted machine, and a weighted
    /// sum of pairwise machines is one, which Gibbs sampling moves; units of layers are shown by
    /// their probabilities. Other compositions of two-valued coordinates are sampled by Gibbs with
    /// gradients, where a step is as many flips offered as there are coordinates. All others are
    /// moved through by the sampler.
    ///
    /// # Errors
    ///
    /// If the sampler doesn't move chains of the composition.
    pub fn sample(
        &self,
        start: Tensor<D>,
        steps: usize,
        noise: &mut Noise,
    ) -> Result<Tensor<D>, UsingError> {
        let shape = start.dims();
        let structure = self.structure();
        if let (Structure::Smooth, Some(coding)) = (&structure, self.coding) {
            // Starting points other than coins are made the two values.
            let middle = (coding.low() + coding.high()) / 2.0;
            let start = start
                .greater_equal_scalar(middle)
                .float()
                .mul_scalar(coding.high() - coding.low())
                .add_scalar(coding.low());
            let temperature = self.chains.sampler_at_one_temperature().temperature();
            let kernel = GibbsWithGradients::new(coding).with_temperature(temperature);
            let flips = steps * shape[1..].iter().product::<usize>();
            return Ok(run(&kernel, self, start, flips, noise).position);
        }
        let end = move_chains(self, start, &self.chains, steps, noise)?;
        Ok(show_states(&structure, rows(end), noise).reshape(shape))
    }
}

/// The energies of configurations, in the unit of the models' own: `[batch, ..]` -> `[batch]`. At
/// the temperature of the sampler they are those of the composition.
impl<E: Energy<D>, const D: usize> Energy<D> for Composition<E, D> {
    fn energy(&self, x: Tensor<D>) -> Tensor<1> {
        match &self.composed {
            Composed::Sum(energy) => energy.energy(x),
            Composed::Mixture(energy) => energy.energy(x),
        }
    }

    fn structure(&self) -> Structure {
        match &self.composed {
            Composed::Sum(energy) => Energy::<D>::structure(energy),
            Composed::Mixture(energy) => Energy::<D>::structure(energy),
        }
    }
}

fn check<E: Energy<D>, const D: usize>(
    models: &[E],
    weights: &[f64],
) -> Result<(), CompositionError> {
    if models.is_empty() {
        return Err(CompositionError::Nothing);
    }
    if weights.len() != models.len() {
        return Err(CompositionError::Weights {
            weights: weights.len(),
            models: models.len(),
        });
    }
    let fault = |weight: &&f64| !(**weight > 0.0 && weight.is_finite());
    if let Some(&weight) = weights.iter().find(fault) {
        return Err(CompositionError::Weight(weight));
    }
    for (index, model) in models.iter().enumerate() {
        let structure = model.structure();
        let has_hidden = match &structure {
            Structure::Layered(machine) => machine.hidden() != HiddenUnits::SummedOut,
            Structure::Pairwise(machine) => machine.hidden_units() > 0,
            Structure::Smooth => false,
        };
        if has_hidden {
            return Err(CompositionError::Hidden {
                index: index + 1,
                model: structure.description(),
            });
        }
    }
    Ok(())
}

/// Whether the parameters that are sums of those of several machines are finite.
fn is_finite(structure: &Structure) -> bool {
    let are_finite = |values: Tensor<1>| host_values(values).iter().all(|x| x.is_finite());
    match structure {
        Structure::Layered(machine) => are_finite(machine.layers().bias(0)),
        Structure::Pairwise(machine) => {
            let parameters = machine.parameters();
            are_finite(parameters.bias) && are_finite(parameters.couplings.flatten(0, 1))
        }
        Structure::Smooth => true,
    }
}
