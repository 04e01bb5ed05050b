//! Compositions of trained models, sampled: products, mixtures, and one model without another.

use burn::tensor::{Device, Tensor};
use ebm_models::{
    BoltzmannMachine, Coding, Energy, LayeredMachine, Mixture, PairwiseMachine, Rbm, VisibleUnits,
    WeightedSum,
};
use ebm_ops::Noise;
use ebm_sampling::{GibbsWithGradients, Interrupt, StartingPoints, Tempered, run};

use crate::config::SamplerConfig;
use crate::kinds::AnyModel as Network;
use crate::run::{CHAINS_AT_A_TIME, ModelFile, floats, starting_points};
use ebm_train::{Trainable, run_continuous};

/// How models are composed. `T` is the temperature of the sampler, at which each of them is a distribution `p_k ∝ exp(-E_k / T)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CompositionKind {
    /// `p(x) ∝ prod_k p_k(x)^w_k`, `E = sum_k w_k E_k` (Hinton 2002): likely where every model finds it so.
    Product,
    /// `p(x) ∝ sum_k w_k exp(-E_k(x) / T)`: likely where any model finds it so. The models' `Z` are unknown, so that the share of model
    /// `k` is `w_k Z_k / sum_j w_j Z_j`: an offset of its energy counts like a weight.
    Mixture,
    /// `p(x) ∝ p_1(x)^w_1 / prod_{k>1} p_k(x)^w_k` (Du, Li & Mordatch 2020): likely for the first model and unlikely for the others;
    /// of one model alone its opposite, `p(x)^-w`.
    Negation,
}

/// Models that can't be composed.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
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
    /// Models of different images.
    #[error(
        "model {index} is of images of shape {found:?} in {found_range:?}, but the first of {expected:?} in {expected_range:?}"
    )]
    Images {
        /// The model, from 1.
        index: usize,
        /// Channels, height and width of its images.
        found: [usize; 3],
        /// The range of its pixels.
        found_range: (f64, f64),
        /// Those of the first model.
        expected: [usize; 3],
        /// The range of the first model's pixels.
        expected_range: (f64, f64),
    },
    /// Two-valued and real pixels.
    #[error(
        "model {index} and the first differ in what a pixel is: one takes two values, the other real ones"
    )]
    Pixels {
        /// The model, from 1.
        index: usize,
    },
    /// A machine whose hidden units can't be summed out.
    #[error(
        "model {index} is a {model} whose hidden units can't be summed out, so that it has no energy of images alone"
    )]
    Hidden {
        /// The model, from 1.
        index: usize,
        /// Its kind.
        model: &'static str,
    },
    /// A temperature of 0 where one above is needed.
    #[error("the sampler of the first model has temperature 0, expected one above 0")]
    Frozen,
}

/// The energy of a composition.
#[derive(Clone, Debug)]
enum Composition {
    Sum(WeightedSum<Vec<Network>>),
    /// `T (-log sum_k w_k exp(-E_k / T))`.
    Mixture(Tempered<Mixture<Vec<Tempered<Network>>>>),
}

/// A composition of trained models over the same images, itself an energy, with what is needed to sample it: the sampler and the
/// starting points of the first model.
#[derive(Clone, Debug)]
pub struct Composed {
    energy: Composition,
    /// A machine of the same distribution, whose units can be redrawn exactly.
    machine: Option<Network>,
    /// The two values of a pixel, where it has two.
    coding: Option<Coding>,
    temperature: f64,
    sampler: SamplerConfig,
    start: StartingPoints,
    range: (f64, f64),
    shape: [usize; 3],
}

impl Composed {
    /// Composes models with one weight each.
    ///
    /// # Errors
    ///
    /// If weights or models don't fit each other.
    pub fn new(
        models: &[ModelFile],
        kind: CompositionKind,
        weights: &[f64],
    ) -> Result<Self, CompositionError> {
        let first = models.first().ok_or(CompositionError::Nothing)?;
        check(models, first, weights)?;
        let config = &first.config;
        let sampler = config.sampler.at_one_temperature();
        let temperature = sampler.temperature();
        let binary = first.takes_binary();
        let networks: Vec<Network> = models.iter().map(|file| file.model.clone()).collect();
        let signed: Vec<f64> = weights
            .iter()
            .enumerate()
            .map(|(index, &weight)| match kind {
                CompositionKind::Negation if index > 0 || models.len() == 1 => -weight,
                _ => weight,
            })
            .collect();
        let machine = match kind {
            CompositionKind::Mixture => None,
            _ => one_rbm(&networks, &signed).or_else(|| one_pairwise(&networks, &signed)),
        };
        let are_finite = |values: Tensor<1>| floats(values).iter().all(|x| x.is_finite());
        let fits = match &machine {
            Some(Network::Rbm(rbm)) => are_finite(rbm.layers().bias(0)),
            Some(Network::BoltzmannMachine(machine)) => {
                let parameters = machine.parameters();
                are_finite(parameters.bias) && are_finite(parameters.couplings.flatten(0, 1))
            }
            _ => true,
        };
        if !fits || weights.iter().any(|&weight| !(weight as f32).is_finite()) {
            return Err(CompositionError::Overflow(weights.to_vec()));
        }
        let needs_temperature = kind == CompositionKind::Mixture || binary && machine.is_none();
        if needs_temperature && temperature <= 0.0 {
            return Err(CompositionError::Frozen);
        }
        let energy = if kind == CompositionKind::Mixture {
            let colder = networks
                .into_iter()
                .map(|network| Tempered::new(network, 1.0 / temperature))
                .collect();
            let mixture = Mixture::new(colder, weights);
            Composition::Mixture(Tempered::new(mixture, temperature))
        } else {
            Composition::Sum(WeightedSum::new(networks, signed))
        };
        let range = config.data.range();
        let coding = binary.then_some(if range.0 < 0.0 {
            Coding::Spin
        } else {
            Coding::Binary
        });
        Ok(Self {
            energy,
            machine,
            coding,
            temperature,
            sampler,
            start: starting_points(config),
            range,
            shape: first.shape,
        })
    }

    /// The energies of images, in the unit of the models' own: `[batch, channels, height, width]` -> `[batch]`. At the temperature of the sampler they are
    /// those of the composition.
    pub fn energy(&self, images: Tensor<4>) -> Tensor<1> {
        match &self.energy {
            Composition::Sum(energy) => energy.energy(images),
            Composition::Mixture(energy) => energy.energy(images),
        }
    }

    /// Draws images by chains from noise, `[count, channels, height, width]`.
    ///
    /// Networks are moved by the sampler of the first model. A product of restricted machines with whole weights is a restricted
    /// machine, and a weighted sum of pairwise machines is one, which Gibbs sampling moves; other compositions of models of
    /// two-valued pixels are sampled by Gibbs with gradients, where a step is as many flips offered as there are pixels.
    ///
    /// # Panics
    ///
    /// If `count` is 0.
    pub fn sample(
        &self,
        count: usize,
        steps: usize,
        device: &Device,
        noise: &mut Noise,
    ) -> Tensor<4> {
        let batches = (0..count)
            .step_by(CHAINS_AT_A_TIME)
            .map(|first| {
                let count = CHAINS_AT_A_TIME.min(count - first);
                self.batch(count, steps, device, noise)
            })
            .collect();
        Tensor::cat(batches, 0)
    }

    /// Some images at once.
    fn batch(&self, count: usize, steps: usize, device: &Device, noise: &mut Noise) -> Tensor<4> {
        let [channels, height, width] = self.shape;
        let shape = [count, channels, height, width];
        let start = self.start.draw(shape, device, noise);
        if let Some(machine) = &self.machine {
            let never = &mut Interrupt::never();
            let end = machine.run(&self.sampler, start, steps, self.range, noise, never);
            return machine.visible_means(end.position, self.shape, noise);
        }
        let Some(coding) = self.coding else {
            let end = run_continuous(&self.energy, &self.sampler, start, steps, self.range, noise);
            return end.position;
        };
        // Starting points other than coins are made the two values.
        let middle = (coding.low() + coding.high()) / 2.0;
        let start = start
            .greater_equal_scalar(middle)
            .float()
            .mul_scalar(coding.high() - coding.low())
            .add_scalar(coding.low());
        let kernel = GibbsWithGradients::new(coding).with_temperature(self.temperature);
        let flips = steps * channels * height * width;
        run(&kernel, &self.energy, start, flips, noise).position
    }

    /// Channels, height and width of an image.
    pub fn shape(&self) -> [usize; 3] {
        self.shape
    }

    /// The range of the pixels.
    pub fn range(&self) -> (f64, f64) {
        self.range
    }
}

impl Energy<4> for Composition {
    fn energy(&self, x: Tensor<4>) -> Tensor<1> {
        match self {
            Self::Sum(energy) => energy.energy(x),
            Self::Mixture(energy) => energy.energy(x),
        }
    }
}

fn check(models: &[ModelFile], first: &ModelFile, weights: &[f64]) -> Result<(), CompositionError> {
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
        let index = index + 1;
        let (found_range, expected_range) = (model.config.data.range(), first.config.data.range());
        if model.shape != first.shape || found_range != expected_range {
            return Err(CompositionError::Images {
                index,
                found: model.shape,
                found_range,
                expected: first.shape,
                expected_range,
            });
        }
        if model.takes_binary() != first.takes_binary() {
            return Err(CompositionError::Pixels { index });
        }
        let hidden = match &model.model {
            Network::Dbm(_) => true,
            Network::BoltzmannMachine(machine) => machine.hidden_units() > 0,
            Network::Hopfield(machine) => machine.hidden_units() > 0,
            _ => false,
        };
        if hidden {
            let model = model.model.name();
            return Err(CompositionError::Hidden { index, model });
        }
    }
    Ok(())
}

/// A product of restricted machines, `sum_k w_k F_k`, as one machine: hidden units side by side, those of machine `k` `w_k` times.
/// `None` if a model is another or a weight isn't a small whole number.
fn one_rbm(networks: &[Network], weights: &[f64]) -> Option<Network> {
    const MOST_COPIES: f64 = 16.0;
    let (mut couplings, mut hidden) = (Vec::new(), Vec::new());
    let mut visible: Option<Tensor<1>> = None;
    for (network, &weight) in networks.iter().zip(weights) {
        let Network::Rbm(rbm) = network else {
            return None;
        };
        let layers = rbm.layers();
        let whole = weight.fract() == 0.0 && (1.0..=MOST_COPIES).contains(&weight);
        if !whole || layers.visible_units() != VisibleUnits::Bernoulli {
            return None;
        }
        for _ in 0..weight as usize {
            couplings.push(layers.weight(0));
            hidden.push(layers.bias(1));
        }
        let bias = layers.bias(0).mul_scalar(weight);
        visible = Some(match visible {
            Some(sum) => sum + bias,
            None => bias,
        });
    }
    let rbm = Rbm::from_parameters(
        Tensor::cat(couplings, 1),
        visible?,
        Tensor::cat(hidden, 0),
        VisibleUnits::Bernoulli,
    );
    Some(Network::Rbm(rbm))
}

/// A weighted sum of pairwise energies of one coding as one machine. `None` if a model is another.
fn one_pairwise(networks: &[Network], weights: &[f64]) -> Option<Network> {
    let mut sum: Option<(Tensor<2>, Tensor<1>, Coding)> = None;
    for (network, &weight) in networks.iter().zip(weights) {
        let parameters = match network {
            Network::BoltzmannMachine(machine) => machine.parameters(),
            Network::Hopfield(machine) => machine.parameters(),
            _ => return None,
        };
        let couplings = parameters.couplings.mul_scalar(weight);
        let bias = parameters.bias.mul_scalar(weight);
        sum = Some(match sum {
            None => (couplings, bias, parameters.coding),
            Some((w, b, coding)) if coding == parameters.coding => {
                (w + couplings, b + bias, coding)
            }
            Some(_) => return None,
        });
    }
    let (couplings, bias, coding) = sum?;
    let units = bias.dims()[0];
    let machine = BoltzmannMachine::from_parameters(couplings, bias, units, coding);
    Some(Network::BoltzmannMachine(machine))
}
