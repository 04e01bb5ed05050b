//! Burn's optimizers over a module's parameters, with a state that is kept by parameter name.
//!
//! Burn's own `ModuleOptimizer` keys its state by random parameter ids and restores it on the default
//! device, which may be a GPU that isn't there.

use std::collections::BTreeMap;
use std::sync::Arc;

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::optim::decay::WeightDecayConfig;
use burn::optim::{AdamConfig, AdamWConfig, DynOptimizer, DynState, StateSink, StateSource};
use burn::tensor::{Device, Tensor, TensorData};
use ebm_ops::lift;

use crate::config::OptimizerConfig;
use crate::gradient_descent::DescentRule;
use crate::gradients::ParameterGradients;
use crate::weights::{ModulePath, track_path};

/// An update rule and what it remembers of each parameter.
///
/// Weight decay is for parameters of two dimensions or more, the weights; biases are left alone (Hinton 2012, section 10).
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

    /// Update number `step` (from 0): moves the parameters of `module` against their gradients, each multiplied by `factor`
    /// first.
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
    pub fn restore<M: Module>(
        &mut self,
        module: &M,
        arrays: BTreeMap<String, TensorData>,
        counters: BTreeMap<String, u64>,
    ) {
        let mut source = StateSource::new(
            counters
                .into_iter()
                .map(|(name, value)| (name, value.into()))
                .collect(),
        );
        for (name, data) in arrays {
            source.insert_tensor(name, data);
        }
        self.states.clear();
        module.visit(&mut Restore {
            path: ModulePath::default(),
            optimizer: self,
            source,
        });
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
    match config {
        OptimizerConfig::Adam(keys) => Arc::new(
            AdamConfig::new()
                .with_beta_1(keys.beta_1 as f32)
                .with_beta_2(keys.beta_2 as f32)
                .with_epsilon(keys.epsilon as f32)
                .with_weight_decay(decay)
                .build(),
        ),
        OptimizerConfig::AdamW(keys) => Arc::new(
            AdamWConfig::new()
                .with_beta_1(keys.beta_1 as f32)
                .with_beta_2(keys.beta_2 as f32)
                .with_epsilon(keys.epsilon as f32)
                .with_weight_decay(weight_decay as f32)
                .build(),
        ),
        OptimizerConfig::Sgd(keys) => {
            // A run that starts without momentum and gets it later remembers its steps from the start.
            let remembers = momentum > 0.0 || keys.momentum > 0.0;
            Arc::new(DescentRule {
                weight_decay,
                momentum: remembers.then_some(momentum),
            })
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
    optimizer: &'a mut ParameterOptimizer,
    source: StateSource,
}

impl ModuleVisitor for Restore<'_> {
    track_path!();

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let name = self.path.name();
        let device: Device = param.lazy_device().inner();
        if let Some(state) =
            self.optimizer
                .rule(D)
                .state_unflatten(D, &name, &mut self.source, &device)
        {
            self.optimizer.states.insert(name, state);
        }
    }
}
