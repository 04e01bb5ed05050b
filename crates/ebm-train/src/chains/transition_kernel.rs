//! What moves the chains of a model: any kernel over its states.

use burn::tensor::Tensor;
use ebm_models::{Energy, Layers, PairwiseStructure, Structure};
use ebm_ops::Noise;
use ebm_sampling::{Interrupt, Kernel, Run, run_unless};

use crate::trainable::rows;

/// A transition kernel for the states of models of type `E`, chosen when a trainer is built: a
/// [`Kernel`] of which nobody sees the state.
///
/// # Shapes
///
/// States are `[replicas * batch, ..]`, replica by replica; the first `batch` rows follow the
/// model.
pub trait TransitionKernel<E, const D: usize>: Send {
    /// Rows that each chain takes: more than 1 where replicas at other temperatures move beside it.
    fn replicas(&self) -> usize {
        1
    }

    /// Moves chains by `transitions` transitions, by fewer where `interrupt` calls them off between
    /// two of them, which [`Run::steps`] tells.
    fn run(
        &self,
        energy: &E,
        states: Tensor<D>,
        transitions: usize,
        noise: &mut Noise,
        interrupt: &mut Interrupt<'_>,
    ) -> Run<Tensor<D>>;
}

/// A kernel that moves states as they are.
#[derive(Clone, Debug)]
pub struct OnStates<K>(pub K);

impl<E, K, const D: usize> TransitionKernel<E, D> for OnStates<K>
where
    K: Kernel<E, Tensor<D>> + Send,
{
    fn run(
        &self,
        energy: &E,
        states: Tensor<D>,
        transitions: usize,
        noise: &mut Noise,
        interrupt: &mut Interrupt<'_>,
    ) -> Run<Tensor<D>> {
        run_unless(&self.0, energy, states, transitions, noise, interrupt)
    }
}

/// A kernel that moves several replicas of each chain at once.
#[derive(Clone, Debug)]
pub struct OnReplicas<K> {
    /// What moves all replicas.
    pub kernel: K,
    /// How many each chain has.
    pub replicas: usize,
}

impl<E, K, const D: usize> TransitionKernel<E, D> for OnReplicas<K>
where
    K: Kernel<E, Tensor<D>> + Send,
{
    fn replicas(&self) -> usize {
        self.replicas
    }

    fn run(
        &self,
        energy: &E,
        states: Tensor<D>,
        transitions: usize,
        noise: &mut Noise,
        interrupt: &mut Interrupt<'_>,
    ) -> Run<Tensor<D>> {
        run_unless(&self.kernel, energy, states, transitions, noise, interrupt)
    }
}

/// A kernel that redraws the layers of a machine, on states of a model that has layers.
#[derive(Clone, Debug)]
pub struct OnLayers<K> {
    /// What redraws the layers.
    pub kernel: K,
    /// Rows that each chain takes.
    pub replicas: usize,
}

impl<E, K, const D: usize> TransitionKernel<E, D> for OnLayers<K>
where
    E: Energy<D>,
    K: Kernel<Layers, Vec<Tensor<2>>> + Send,
{
    fn replicas(&self) -> usize {
        self.replicas
    }

    /// # Panics
    ///
    /// If the model has no layers, which
    /// [`SamplerConfig::kernel`](crate::samplers::SamplerConfig::kernel) finds before.
    fn run(
        &self,
        energy: &E,
        states: Tensor<D>,
        transitions: usize,
        noise: &mut Noise,
        interrupt: &mut Interrupt<'_>,
    ) -> Run<Tensor<D>> {
        let Structure::Layered(machine) = energy.structure() else {
            panic!("a kernel that redraws layers was given a model without layers");
        };
        let shape = states.dims();
        let layers = machine.split(rows(states));
        let layers_of = machine.layers();
        run_unless(
            &self.kernel,
            layers_of,
            layers,
            transitions,
            noise,
            interrupt,
        )
        .map(|layers| machine.join(layers).reshape(shape))
    }
}

/// A kernel that redraws single units, on states of a pairwise machine.
#[derive(Clone, Debug)]
pub struct OnUnits<K>(pub K);

impl<E, K, const D: usize> TransitionKernel<E, D> for OnUnits<K>
where
    E: Energy<D>,
    K: Kernel<PairwiseStructure, Tensor<2>> + Send,
{
    /// # Panics
    ///
    /// If the model is no pairwise machine, which
    /// [`SamplerConfig::kernel`](crate::samplers::SamplerConfig::kernel) finds before.
    fn run(
        &self,
        energy: &E,
        states: Tensor<D>,
        transitions: usize,
        noise: &mut Noise,
        interrupt: &mut Interrupt<'_>,
    ) -> Run<Tensor<D>> {
        let Structure::Pairwise(machine) = energy.structure() else {
            panic!(
                "a kernel that redraws single units was given a model that is no pairwise machine"
            );
        };
        let shape = states.dims();
        run_unless(
            &self.0,
            &machine,
            rows(states),
            transitions,
            noise,
            interrupt,
        )
        .map(|units| units.reshape(shape))
    }
}
