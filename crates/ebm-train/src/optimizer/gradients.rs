//! Gradients of a module by parameter name: their norm, their scaling, a step up.

use std::collections::BTreeMap;

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::kind::BridgeTensor;
use burn::tensor::{Gradients, Tensor};
use ebm_ops::{lift, square_sum};

use crate::saving::{ModulePath, track_path};

/// Keeps a step up finite where there is no gradient.
const TINY: f64 = 1e-12;

/// The gradient of each parameter of a module, off the autodiff graph.
#[derive(Default)]
pub struct ParameterGradients {
    gradients: BTreeMap<String, BridgeTensor>,
    square_sum: Option<Tensor<1>>,
}

impl ParameterGradients {
    /// Takes the gradients of `module`'s parameters out of a backward pass.
    pub fn collect<M: Module>(module: &M, gradients: Gradients) -> Self {
        let mut collector = Collector {
            path: ModulePath::default(),
            gradients,
            collected: Self::default(),
        };
        module.visit(&mut collector);
        collector.collected
    }

    /// The Euclidean norm over all parameters, `[1]`, on the device; `None` without parameters.
    pub fn norm(&self) -> Option<Tensor<1>> {
        self.square_sum.clone().map(Tensor::sqrt)
    }

    /// The module a step of length `radius` up the whole gradient, `w + radius g / |g|`, where
    /// sharpness-aware minimisation takes its gradient (Foret et al. 2021, equation 2).
    pub fn ascend<M: Module>(self, module: M, radius: f64) -> M {
        let Some(norm) = self.norm() else {
            return module;
        };
        module.map(&mut Ascent {
            path: ModulePath::default(),
            factor: norm.add_scalar(TINY).recip().mul_scalar(radius),
            gradients: self,
        })
    }

    /// Takes the gradient of one parameter, multiplied by `factor`.
    pub(crate) fn take<const D: usize>(&mut self, name: &str, factor: f64) -> Option<Tensor<D>> {
        let gradient = Tensor::from_bridge(self.gradients.remove(name)?);
        Some(if factor == 1.0 {
            gradient
        } else {
            gradient.mul_scalar(factor)
        })
    }
}

struct Collector {
    path: ModulePath,
    gradients: Gradients,
    collected: ParameterGradients,
}

impl ModuleVisitor for Collector {
    track_path!();

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let Some(gradient) = param.val().grad_remove(&mut self.gradients) else {
            return;
        };
        let square_sum = square_sum(gradient.clone());
        self.collected.square_sum = Some(match self.collected.square_sum.take() {
            Some(total) => total + square_sum,
            None => square_sum,
        });
        self.collected
            .gradients
            .insert(self.path.name(), gradient.into_bridge());
    }
}

struct Ascent {
    path: ModulePath,
    gradients: ParameterGradients,
    factor: Tensor<1>,
}

impl ModuleMapper for Ascent {
    track_path!();

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let Some(gradient) = self.gradients.take::<D>(&self.path.name(), 1.0) else {
            return param;
        };
        let (id, old, mapper) = param.consume();
        let step = gradient * self.factor.clone().reshape([1; D]);
        let value = lift(old.clone().inner() + step, &old);
        Param::from_mapped_value(id, value, mapper)
    }
}
