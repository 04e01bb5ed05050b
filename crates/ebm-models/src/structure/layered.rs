//! The structure of machines with layers: their arrays, and which of the units a state holds.

use burn::tensor::Tensor;

use crate::layered::{Layers, MeanField, Parity};

/// Where the hidden units of a machine with layers are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum HiddenUnits {
    /// Summed out in closed form: a state is the visible units alone, and its energy is their free
    /// energy. Only a machine of two layers can be summed out so.
    SummedOut,
    /// Part of the state, after the visible units: a state holds all units, layer by layer. Given
    /// visible units they are inferred by mean field, which goes as far as this says.
    InStates(MeanField),
}

/// A machine with layers: its arrays, and which of the units a row of states holds.
///
/// # Shapes
///
/// - states: `[batch, units of a state]`, see [`state_units`](Self::state_units)
/// - layers: for each layer `[batch, units of the layer]`, the visible one first
#[derive(Clone, Debug)]
pub struct LayeredStructure {
    layers: Layers,
    hidden: HiddenUnits,
}

impl LayeredStructure {
    /// A restricted machine: states are the visible units, the hidden ones are summed out.
    ///
    /// # Panics
    ///
    /// If there are more layers than two.
    pub fn restricted(layers: Layers) -> Self {
        let count = layers.count();
        assert_eq!(
            count, 2,
            "the hidden units of a machine of {count} layers can't be summed out: it takes two layers"
        );
        Self {
            layers,
            hidden: HiddenUnits::SummedOut,
        }
    }

    /// A deep machine: states are all units, and `inference` says how far mean field goes.
    pub fn deep(layers: Layers, inference: MeanField) -> Self {
        Self {
            layers,
            hidden: HiddenUnits::InStates(inference),
        }
    }

    /// The same machine with inference that goes as far as this; where hidden units are summed out
    /// nothing changes.
    #[must_use]
    pub fn with_inference(mut self, inference: MeanField) -> Self {
        if let HiddenUnits::InStates(until) = &mut self.hidden {
            *until = inference;
        }
        self
    }

    /// The arrays, with offsets of a centred machine folded into the biases.
    pub fn layers(&self) -> &Layers {
        &self.layers
    }

    /// Where the hidden units are.
    pub fn hidden(&self) -> HiddenUnits {
        self.hidden
    }

    /// The number of visible units.
    pub fn visible_count(&self) -> usize {
        self.layers.sizes()[0]
    }

    /// The number of units that a row of states holds.
    pub fn state_units(&self) -> usize {
        match self.hidden {
            HiddenUnits::SummedOut => self.visible_count(),
            HiddenUnits::InStates(_) => self.layers.units(),
        }
    }

    /// The energy of states, as [`Energy::energy`](crate::Energy::energy) of the model gives it:
    /// `[batch]`.
    ///
    /// # Panics
    ///
    /// If a row hasn't as many values as a state has units.
    pub fn energy(&self, states: Tensor<2>) -> Tensor<1> {
        let layers = self.split(states);
        match self.hidden {
            HiddenUnits::SummedOut => self.layers.free_energy(Parity::Odd, &layers),
            HiddenUnits::InStates(_) => self.layers.energy(&layers),
        }
    }

    /// The layers of states, where chains of block Gibbs sampling start. Hidden units that a state
    /// doesn't hold are zeros: a sweep draws them before it looks at them.
    ///
    /// # Panics
    ///
    /// If a row hasn't as many values as a state has units.
    pub fn split(&self, states: Tensor<2>) -> Vec<Tensor<2>> {
        let [batch, values] = states.dims();
        let expected = self.state_units();
        assert_eq!(
            values, expected,
            "a state of this machine holds {expected} units, but states of shape [{batch}, {values}] have {values}"
        );
        match self.hidden {
            HiddenUnits::SummedOut => {
                let device = states.device();
                let hidden = self.layers.sizes().into_iter().skip(1);
                let hidden = hidden.map(|units| Tensor::zeros([batch, units], &device));
                let hidden: Vec<Tensor<2>> = hidden.collect();
                std::iter::once(states).chain(hidden).collect()
            }
            HiddenUnits::InStates(_) => self.layers.split(states),
        }
    }

    /// The states of layers, where chains of block Gibbs sampling end: what
    /// [`split`](Self::split) takes apart.
    ///
    /// # Panics
    ///
    /// If there are no layers.
    pub fn join(&self, mut layers: Vec<Tensor<2>>) -> Tensor<2> {
        match self.hidden {
            HiddenUnits::SummedOut => layers.swap_remove(0),
            HiddenUnits::InStates(_) => self.layers.join(layers),
        }
    }

    /// The means of each hidden unit given the units beside its layer in states: for each hidden
    /// layer `[batch, units]`.
    pub fn hidden_means(&self, states: Tensor<2>) -> Vec<Tensor<2>> {
        self.layers.hidden_means(&self.split(states))
    }

    /// The means of all layers given the visible units: exact where hidden units are summed out,
    /// else by mean field ([`Layers::mean_field`]), which ends before a round where `interrupted`
    /// says true.
    ///
    /// # Shapes
    ///
    /// - `visible`: `[batch, visible]`
    pub fn infer(
        &self,
        visible: Tensor<2>,
        interrupted: &mut dyn FnMut() -> bool,
    ) -> Vec<Tensor<2>> {
        match self.hidden {
            HiddenUnits::SummedOut => {
                let mut layers = self.split(visible);
                let means = self.layers.hidden_means(&layers);
                layers.truncate(1);
                layers.extend(means);
                layers
            }
            HiddenUnits::InStates(until) => self.layers.mean_field(visible, &until, interrupted),
        }
    }

    /// The free energy of the visible units, `-log p(v) - log Z`, with hidden units of these means:
    /// `[batch]`.
    ///
    /// It is exact where hidden units are summed out, whatever their means. Else it is the
    /// variational free energy, an [upper bound](Self::free_energy_is_bound), tightest at the means
    /// that [`infer`](Self::infer) gives.
    pub fn free_energy(&self, means: &[Tensor<2>]) -> Tensor<1> {
        match self.hidden {
            HiddenUnits::SummedOut => self.layers.free_energy(Parity::Odd, means),
            HiddenUnits::InStates(_) => self.layers.unnormalized_bound(means).neg(),
        }
    }

    /// Whether the [free energy](Self::free_energy) is an upper bound and not the free energy
    /// itself.
    pub fn free_energy_is_bound(&self) -> bool {
        matches!(self.hidden, HiddenUnits::InStates(_))
    }
}
