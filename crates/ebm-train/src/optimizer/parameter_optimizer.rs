//! Burn's optimizers over a module's parameters, with a state that is kept by parameter name.
//!
//! Burn's own `ModuleOptimizer` keys its state by random parameter ids and restores it on the
//! default device, which may be a GPU that isn't there.

use std::collections::BTreeMap;
use std::sync::Arc;

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::optim::decay::WeightDecayConfig;
use burn::optim::{
    AdamConfig, AdamWConfig, DynOptimizer, DynState, Optimizer, StateSink, StateSource,
};
use burn::tensor::{Device, Tensor, TensorData};
use ebm_ops::lift;

use super::config::OptimizerConfig;
use super::gradient_descent::DescentRule;
use super::gradients::ParameterGradients;
use super::spectral_limit::{SINGULAR_VECTOR, SpectralLimit};
use crate::saving::{ModulePath, StateMismatch, fitting, track_path};

/// An update rule and what it remembers of each parameter.
///
/// Weight decay is for parameters of two dimensions or more, the weights; biases are left alone
/// (Hinton 2012, section 10).
#[derive(Clone)]
pub struct ParameterOptimizer {
    config: OptimizerConfig,
    weights: Arc<dyn DynOptimizer>,
    biases: Arc<dyn DynOptimizer>,
    /// The momentum of the two rules.
    momentum: f64,
    states: BTreeMap<String, DynState>,
}

impl ParameterOptimizer {
    /// The rule of a configuration, with nothing remembered yet.
    pub fn new(config: &OptimizerConfig) -> Self {
        let momentum = momentum(config, 0);
        Self {
            config: config.clone(),
            weights: rule(config, config.weight_decay(), momentum),
            biases: rule(config, 0.0, momentum),
            momentum,
            states: BTreeMap::new(),
        }
    }

    /// Takes the momentum of update `step`, from 0; what is remembered stays.
    fn set_step(&mut self, step: u64) {
        let momentum = momentum(&self.config, step);
        if momentum != self.momentum {
            self.weights = rule(&self.config, self.config.weight_decay(), momentum);
            self.biases = rule(&self.config, 0.0, momentum);
            self.momentum = momentum;
        }
    }

    /// The rule for parameters of `dimensions`.
    fn rule(&self, dimensions: usize) -> &dyn DynOptimizer {
        if dimensions > 1 {
            &*self.weights
        } else {
            &*self.biases
        }
    }

    /// Update number `step` (from 0): moves the parameters of `module` against their gradients,
    /// each multiplied by `factor` first.
    pub fn step<M: Module>(
        &mut self,
        step: u64,
        learning_rate: f64,
        module: M,
        gradients: ParameterGradients,
        factor: f64,
    ) -> M {
        self.set_step(step);
        module.map(&mut Update {
            path: ModulePath::default(),
            optimizer: self,
            learning_rate,
            gradients,
            factor,
        })
    }

    /// What is remembered: arrays, and step counters, both by `parameter.field`.
    pub fn state(&self) -> (BTreeMap<String, TensorData>, BTreeMap<String, u64>) {
        let mut sink = StateSink::default();
        for (name, state) in &self.states {
            // What is remembered doesn't depend on the decay.
            self.weights.state_flatten(name, state, &mut sink);
        }
        let counters = sink
            .scalars
            .into_iter()
            .filter_map(|(name, value)| Some((name, value.try_into().ok()?)));
        (sink.tensors.into_iter().collect(), counters.collect())
    }

    /// Restores what [`state`](Self::state) gave, for the parameters of `module`.
    ///
    /// What another rule remembered of a parameter is forgotten, as after a change of the
    /// configuration.
    ///
    /// # Errors
    ///
    /// A message that names an array or counter that is missing, left over or not of its
    /// parameter's shape. Nothing has changed then.
    pub fn restore<M: Module>(
        &mut self,
        module: &M,
        arrays: BTreeMap<String, TensorData>,
        counters: BTreeMap<String, u64>,
    ) -> Result<(), StateMismatch> {
        let mut restore = Restore {
            path: ModulePath::default(),
            optimizer: self,
            others: other_rules(),
            arrays,
            counters,
            states: BTreeMap::new(),
            problem: None,
        };
        module.visit(&mut restore);
        let left = restore.arrays.keys().chain(restore.counters.keys()).next();
        let unknown = left.map(|name| format!("it has an unknown value {name} of an optimizer"));
        if let Some(problem) = restore.problem.or(unknown) {
            return Err(problem.into());
        }
        self.states = restore.states;
        Ok(())
    }
}

/// What a rule remembers of a parameter after one update: arrays of zeros, and counters.
fn remembered<const D: usize>(
    rule: &dyn DynOptimizer,
    name: &str,
    param: &Param<Tensor<D>>,
) -> StateSink {
    let device: Device = param.lazy_device().inner();
    let zero = || Tensor::<D>::zeros(param.lazy_shape(), &device).into_bridge();
    let (_, state) = rule.step_dyn(D, 0.0, zero(), zero(), None);
    let mut sink = StateSink::default();
    if let Some(state) = state {
        rule.state_flatten(name, &state, &mut sink);
    }
    sink
}

/// A rule of every kind, each remembering all that it can.
fn other_rules() -> [Arc<dyn DynOptimizer>; 3] {
    let limit = Some(1.0);
    let descent = DescentRule {
        weight_decay: 0.0,
        momentum: Some(0.0),
    };
    [
        limited(AdamConfig::new().build(), limit),
        limited(AdamWConfig::new().build(), limit),
        limited(descent, limit),
    ]
}

/// A rule, with a limit of the largest singular value if there is one.
fn limited<O>(rule: O, limit: Option<f64>) -> Arc<dyn DynOptimizer>
where
    O: Optimizer + 'static,
{
    match limit {
        Some(limit) => Arc::new(SpectralLimit { rule, limit }),
        None => Arc::new(rule),
    }
}

/// The momentum of update `step`.
fn momentum(config: &OptimizerConfig, step: u64) -> f64 {
    match config {
        OptimizerConfig::Sgd(keys) => keys.momentum_at(step),
        OptimizerConfig::Adam(_) | OptimizerConfig::AdamW(_) => 0.0,
    }
}

/// The update rule of a configuration, with this weight decay and momentum.
fn rule(config: &OptimizerConfig, weight_decay: f64, momentum: f64) -> Arc<dyn DynOptimizer> {
    let decay = (weight_decay > 0.0).then(|| WeightDecayConfig::new(weight_decay as f32));
    let limit = config.spectral_limit();
    match config {
        OptimizerConfig::Adam(keys) => {
            let adam = AdamConfig::new()
                .with_beta_1(keys.beta_1 as f32)
                .with_beta_2(keys.beta_2 as f32)
                .with_epsilon(keys.epsilon as f32)
                .with_weight_decay(decay);
            limited(adam.build(), limit)
        }
        OptimizerConfig::AdamW(keys) => {
            let adam = AdamWConfig::new()
                .with_beta_1(keys.beta_1 as f32)
                .with_beta_2(keys.beta_2 as f32)
                .with_epsilon(keys.epsilon as f32)
                .with_weight_decay(weight_decay as f32);
            limited(adam.build(), limit)
        }
        OptimizerConfig::Sgd(keys) => {
            // A run that starts without momentum and gets it later remembers its steps from the
            // start.
            let remembers = momentum > 0.0 || keys.momentum > 0.0;
            let descent = DescentRule {
                weight_decay,
                momentum: remembers.then_some(momentum),
            };
            limited(descent, limit)
        }
    }
}

struct Update<'a> {
    path: ModulePath,
    optimizer: &'a mut ParameterOptimizer,
    learning_rate: f64,
    gradients: ParameterGradients,
    factor: f64,
}

impl ModuleMapper for Update<'_> {
    track_path!();

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let name = self.path.name();
        let Some(gradient) = self.gradients.take::<D>(&name, self.factor) else {
            return param;
        };
        let (id, old, mapper) = param.consume();
        let state = self.optimizer.states.remove(&name);
        let (value, state) = self.optimizer.rule(D).step_dyn(
            D,
            self.learning_rate,
            old.clone().inner().into_bridge(),
            gradient.into_bridge(),
            state,
        );
        if let Some(state) = state {
            self.optimizer.states.insert(name, state);
        }
        Param::from_mapped_value(id, lift(Tensor::from_bridge(value), &old), mapper)
    }
}

struct Restore<'a> {
    path: ModulePath,
    optimizer: &'a ParameterOptimizer,
    others: [Arc<dyn DynOptimizer>; 3],
    arrays: BTreeMap<String, TensorData>,
    counters: BTreeMap<String, u64>,
    states: BTreeMap<String, DynState>,
    problem: Option<String>,
}

impl Restore<'_> {
    /// Takes what is stored of one parameter, all of it or none.
    fn take<const D: usize>(&mut self, name: &str, param: &Param<Tensor<D>>) -> Result<(), String> {
        let rule = self.optimizer.rule(D);
        let own = remembered(rule, name, param);
        let (mut found, mut missing) = (None, None);
        let mut counters = BTreeMap::new();
        for (counter, _) in own.scalars {
            let Some(count) = self.counters.remove(&counter) else {
                missing = Some(counter);
                continue;
            };
            // Rules raise numbers to it as an i32.
            if !(1..i32::MAX as u64).contains(&count) {
                return Err(format!(
                    "counter {counter} is {count}, expected the number of updates"
                ));
            }
            found = Some(counter.clone());
            counters.insert(counter, count.into());
        }
        let mut source = StateSource::new(counters);
        for (array, like) in own.tensors {
            match self.arrays.remove(&array) {
                Some(data) => {
                    let data = fitting(&array, data, like.shape())?;
                    source.insert_tensor(array.clone(), data);
                    found = Some(array);
                }
                // A limit that was set later finds it anew.
                None if array.ends_with(SINGULAR_VECTOR) => {}
                None => missing = Some(array),
            }
        }
        if let (Some(found), Some(missing)) = (&found, &missing) {
            return Err(format!(
                "it has {found} of the optimizer, but lacks {missing}"
            ));
        }
        if found.is_none() {
            for other in &self.others {
                let theirs = remembered(&**other, name, param);
                for (array, _) in theirs.tensors {
                    self.arrays.remove(&array);
                }
                for (counter, _) in theirs.scalars {
                    self.counters.remove(&counter);
                }
            }
            return Ok(());
        }
        // That of a limit that was lifted since.
        self.arrays.remove(&format!("{name}.{SINGULAR_VECTOR}"));
        let device: Device = param.lazy_device().inner();
        let state = rule.state_unflatten(D, name, &mut source, &device);
        let state =
            state.ok_or_else(|| format!("what the optimizer remembers of {name} can't be read"))?;
        self.states.insert(name.to_string(), state);
        Ok(())
    }
}

impl ModuleVisitor for Restore<'_> {
    track_path!();

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let name = self.path.name();
        if let Err(problem) = self.take(&name, param) {
            self.problem.get_or_insert(problem);
        }
    }
}
