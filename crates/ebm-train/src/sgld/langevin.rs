//! Langevin dynamics over the parameters of a module, by gradients of minibatches.

use std::collections::BTreeMap;

use burn::config::Config;
use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::Tensor;
use ebm_ops::{Noise, lift};

use super::error::{SgldError, check};
use super::preconditioner::{MeanSquare, RmsPropPreconditioner};
use super::step_size::StepSizeSchedule;
use crate::optimizer::ParameterGradients;
use crate::saving::{ModulePath, track_path};

/// Settings of [`StochasticGradientLangevin`].
#[derive(Config, Debug)]
pub struct StochasticGradientLangevinConfig {
    /// `|D|`, the number of examples that the likelihood is a product over: at least 1.
    ///
    /// The gradient is that of a mean, so this is what turns it into that of the whole
    /// log-likelihood, and nothing else in the program would notice a wrong value: with `c |D|` the
    /// chain samples the posterior of every example seen `c` times, which is too narrow by about
    /// `sqrt(c)`. It is the size of the training set, not of a minibatch, and counts what the loss
    /// is averaged over: pixels, if it is a mean over pixels.
    pub data_size: usize,
    /// `eps_t`.
    pub step_size: StepSizeSchedule,
    /// Precision of the prior `N(0, 1 / precision)` of every parameter, biases too; at least 0. 0
    /// is a flat prior, with which a posterior need not exist.
    ///
    /// Another prior goes into the loss, as `-log p(theta) / |D|`, and this stays 0.
    #[config(default = "0.0")]
    pub prior_precision: f64,
    /// The posterior is sampled to the power `1 / temperature`, likelihood and prior alike; at
    /// least 0.
    ///
    /// Below 1 it is a cold posterior (Wenzel et al. 2020), and 0 is gradient descent to the mode.
    #[config(default = "1.0")]
    pub temperature: f64,
    /// A step size of each parameter's own; `None` is plain SGLD.
    pub preconditioner: Option<RmsPropPreconditioner>,
}

/// Stochastic-gradient Langevin dynamics (Welling & Teh 2011, equation 4): draws from the posterior
/// of a module's parameters.
///
/// With `U = -log p(theta) - sum_i log p(x_i | theta)` over the data set `D`, and its gradient
/// estimated on a minibatch `M`,
///
/// ```text
/// theta <- theta - eps_t / 2 grad U + N(0, eps_t T)
/// grad U = precision theta + |D| g,   g = -(1 / |M|) sum_M grad log p(x_i | theta)
/// ```
///
/// The caller brings `g`, the gradient of the **mean** negative log-likelihood of a minibatch drawn
/// anew each step. With a preconditioner (pSGLD) the step is
/// `-eps_t / 2 G grad U + N(0, eps_t T G)`. The likelihood must be tractable up to a constant: that
/// of a classifier or a regression is, that of an unnormalised energy isn't.
///
/// # What it samples
///
/// No step is rejected, so draws are off the posterior by two biases. Where `U` is quadratic with
/// curvature `A`, a constant step `eps` makes an autoregressive chain with the factor
/// `1 - eps A / 2` a step, whose noise has the variance `eps T + eps^2 C / 4`; `C` is the variance
/// of `|D| g` due to the choice of the minibatch. It is stationary with the right mean and the
/// variance
///
/// ```text
/// (T + eps C / 4) / (A (1 - eps A / 4))         where the posterior's is T / A
/// ```
///
/// So a step must be well below `4 / A` for the largest curvature, at which the chain diverges;
/// `eps A / 4` is its relative error, `2 / (eps A)` about its relaxation time in steps for the
/// smallest curvature; and `eps C / 4` must be small against `T`, or minibatches blur the
/// posterior. With `s^2` the variance of a single example's gradient over the data set,
/// `C = |D|^2 s^2 / |M|` for minibatches drawn with replacement, times `(|D| - |M|) / (|D| - 1)`
/// without. Halving `eps` halves both biases. For vectors `A` is the Hessian, and the covariance
/// without minibatches is `T A^-1 (1 - eps A / 4)^-1`.
///
/// # Randomness
///
/// A step draws standard normals of each parameter's shape from `noise`, in the order of the
/// module's fields (that of [`Module::map`]), so that a seed gives the same chain on every backend,
/// up to how each rounds. Parameters without a gradient are left alone and draw nothing: freezing
/// one conditions on its value. Steps without noise (temperature 0, exploration) draw nothing.
///
/// # Steps that aren't finite
///
/// If a single new value, of a parameter or of a mean square, would not be finite (a NaN in the
/// loss, an overflow), the whole step is skipped as if it had not been tried: parameters, mean
/// squares, step counter and `noise` stay. Only [`skipped_steps`](Self::skipped_steps) tells.
/// Moving the other parameters alone would be a step of no chain. One number a step is read back
/// from the device for this. A chain that skips often samples something else, and one that always
/// does has diverged: make the step smaller.
///
/// ```
/// # use burn::module::Module;
/// # use burn::tensor::{Device, Tensor};
/// # use ebm_models::MlpConfig;
/// # use ebm_ops::Noise;
/// use ebm_train::{
///     Ensemble, ParameterGradients, StepSizeSchedule, StochasticGradientLangevinConfig,
/// };
///
/// # fn demo(x: Tensor<2>, y: Tensor<1>, device: Device) -> Result<(), ebm_train::SgldError> {
/// // y = f(x) + N(0, 0.1^2) for 1000 examples, x: [1000, 3], y: [1000]
/// # let mut noise = Noise::new(7);
/// let mut model = MlpConfig::new(3, vec![16]).init(&device, &mut noise).train();
/// let steps = StepSizeSchedule::constant(1e-6)?;
/// let mut langevin = StochasticGradientLangevinConfig::new(1000, steps)
///     .with_prior_precision(1.0)
///     .init()?;
/// let mut ensemble = Ensemble::new(2000, 10, 100);
/// for _ in 0..6000 {
///     let batch = noise.indices(50, 1000, &device);
///     let (x, y) = (x.clone().select(0, batch.clone()), y.clone().select(0, batch));
///     let residual = model.forward(x.autodiff()) - y.autodiff();
///     let loss = residual.square().mean().div_scalar(2.0 * 0.1 * 0.1);
///     let gradients = ParameterGradients::collect(&model, loss.backward());
///     model = langevin.step(model, gradients, &mut noise);
///     ensemble.offer(&model);
/// }
/// let prediction = ensemble.mean_and_standard_deviation(|model| model.forward(x.clone()));
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct StochasticGradientLangevin {
    pub(super) config: StochasticGradientLangevinConfig,
    /// `V` by parameter name.
    pub(super) mean_squares: BTreeMap<String, MeanSquare>,
    pub(super) steps: u64,
    pub(super) skipped: u64,
}

impl StochasticGradientLangevinConfig {
    /// The dynamics before their first step.
    ///
    /// # Errors
    ///
    /// If a value is out of range.
    pub fn init(&self) -> Result<StochasticGradientLangevin, SgldError> {
        let size = self.data_size;
        check(size > 0, "data_size", size as f64, "at least 1 example")?;
        for (name, found) in [
            ("prior_precision", self.prior_precision),
            ("temperature", self.temperature),
        ] {
            let fits = found >= 0.0 && found.is_finite();
            check(fits, name, found, "a finite number of at least 0")?;
        }
        if let Some(preconditioner) = &self.preconditioner {
            preconditioner.validate()?;
        }
        Ok(StochasticGradientLangevin {
            config: self.clone(),
            mean_squares: BTreeMap::new(),
            steps: 0,
            skipped: 0,
        })
    }
}

impl StochasticGradientLangevin {
    /// Moves the parameters of `module` by one step, along the gradients of a minibatch's mean
    /// negative log-likelihood.
    ///
    /// A step that would not be finite is skipped, see [above](Self#steps-that-arent-finite).
    pub fn step<M: Module>(
        &mut self,
        module: M,
        gradients: ParameterGradients,
        noise: &mut Noise,
    ) -> M {
        let mut trial_noise = noise.clone();
        let mut trial = Step {
            path: ModulePath::default(),
            config: &self.config,
            step_size: self.step_size(),
            temperature: if self.explores() {
                0.0
            } else {
                self.config.temperature
            },
            gradients,
            noise: &mut trial_noise,
            mean_squares: self.mean_squares.clone(),
            zero: None,
        };
        let moved = module.clone().map(&mut trial);
        let Step {
            mean_squares, zero, ..
        } = trial;
        let is_finite = zero.is_none_or(|zero| zero.into_data().iter::<f64>().all(f64::is_finite));
        if !is_finite {
            self.skipped += 1;
            return module;
        }
        self.mean_squares = mean_squares;
        self.steps += 1;
        *noise = trial_noise;
        moved
    }

    /// The size of the next step.
    pub fn step_size(&self) -> f64 {
        self.config.step_size.at(self.steps)
    }

    /// Whether the next step is one of exploration, made without noise
    /// ([`StepSizeSchedule::cyclical_cosine`]).
    pub fn explores(&self) -> bool {
        self.config.step_size.explores(self.steps)
    }

    /// The number of steps made, skipped ones not counted.
    pub fn steps_done(&self) -> u64 {
        self.steps
    }

    /// The number of steps that were skipped because they were not finite.
    pub fn skipped_steps(&self) -> u64 {
        self.skipped
    }

    /// The settings.
    pub fn config(&self) -> &StochasticGradientLangevinConfig {
        &self.config
    }
}

/// One step, on trial.
struct Step<'a> {
    path: ModulePath,
    config: &'a StochasticGradientLangevinConfig,
    step_size: f64,
    temperature: f64,
    gradients: ParameterGradients,
    noise: &'a mut Noise,
    mean_squares: BTreeMap<String, MeanSquare>,
    /// 0 times everything that is new, `[1]`: 0, or NaN if anything isn't finite.
    zero: Option<Tensor<1>>,
}

impl Step<'_> {
    fn watch<const D: usize>(&mut self, value: &Tensor<D>) {
        let zero = value.clone().mul_scalar(0.0).sum();
        self.zero = Some(match self.zero.take() {
            Some(total) => total + zero,
            None => zero,
        });
    }

    /// `G` with this gradient taken in; `None` where it is 1.
    fn scale<const D: usize>(&mut self, name: &str, gradient: &Tensor<D>) -> Option<Tensor<D>> {
        let preconditioner = self.config.preconditioner?;
        let mean_square = preconditioner.update(self.mean_squares.get(name), gradient);
        // Where it overflows G is 0 and the parameter stays, so that nothing else would show it.
        self.watch(&Tensor::<D>::from_bridge(mean_square.value.clone()));
        let scale = preconditioner.scale(&mean_square);
        self.mean_squares.insert(name.to_string(), mean_square);
        Some(scale)
    }
}

impl ModuleMapper for Step<'_> {
    track_path!();

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let name = self.path.name();
        let Some(gradient) = self.gradients.take::<D>(&name, 1.0) else {
            return param;
        };
        let (id, old, mapper) = param.consume();
        let position = old.clone().inner();
        let scale = self.scale(&name, &gradient);
        let half = 0.5 * self.step_size;
        let mut drift = gradient.mul_scalar(half * self.config.data_size as f64);
        if self.config.prior_precision > 0.0 {
            drift = drift
                + position
                    .clone()
                    .mul_scalar(half * self.config.prior_precision);
        }
        if let Some(scale) = &scale {
            drift = drift * scale.clone();
        }
        let mut value = position - drift;
        if self.temperature > 0.0 {
            let std = (self.step_size * self.temperature).sqrt();
            let z: Tensor<D> = self.noise.normal(value.shape(), &value.device());
            let z = z.mul_scalar(std);
            value = value
                + match scale {
                    Some(scale) => z * scale.sqrt(),
                    None => z,
                };
        }
        self.watch(&value);
        Param::from_mapped_value(id, lift(value, &old), mapper)
    }
}
