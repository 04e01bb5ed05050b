//! An exponential moving average of the weights, which samples are drawn with.

use std::collections::BTreeMap;

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::Tensor;
use burn::tensor::kind::BridgeTensor;
use ebm_ops::moving_average;

use crate::saving::{ModulePath, track_path};

/// `average <- decay * average + (1 - decay) * weights` after each update (Polyak & Juditsky 1992).
///
/// In the first steps the decay is at most `(1 + n) / (10 + n)` for the `n`-th update, so that the
/// random initial weights are soon forgotten.
#[derive(Clone, Debug)]
pub struct MovingAverage<M> {
    model: M,
    decay: f64,
}

impl<M: Module> MovingAverage<M> {
    /// Starts at the weights of `model`.
    pub fn new(model: &M, decay: f64) -> Self {
        Self {
            model: model.valid(),
            decay,
        }
    }

    /// The model with the averaged weights, off the autodiff graph.
    pub fn model(&self) -> &M {
        &self.model
    }

    /// Replaces the averaged weights.
    pub(crate) fn set_model(&mut self, model: M) {
        self.model = model;
    }

    /// Takes the weights after update number `updates` (from 0) in, in place where nobody else
    /// holds the average.
    #[must_use = "the average with the new weights is the result"]
    pub fn updated(self, model: &M, updates: u64) -> Self {
        let n = updates as f64;
        let mut collector = Collector::default();
        model.visit(&mut collector);
        let model = self.model.map(&mut Blend {
            path: ModulePath::default(),
            weights: collector.weights,
            decay: self.decay.min((1.0 + n) / (10.0 + n)),
        });
        Self { model, ..self }
    }
}

#[derive(Default)]
struct Collector {
    path: ModulePath,
    weights: BTreeMap<String, BridgeTensor>,
}

impl ModuleVisitor for Collector {
    track_path!();

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.weights
            .insert(self.path.name(), param.val().inner().into_bridge());
    }
}

struct Blend {
    path: ModulePath,
    weights: BTreeMap<String, BridgeTensor>,
    decay: f64,
}

impl ModuleMapper for Blend {
    track_path!();

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let Some(weight) = self.weights.remove(&self.path.name()) else {
            return param;
        };
        let weight = Tensor::<D>::from_bridge(weight);
        param.map(|average| moving_average(average, weight, self.decay))
    }
}
