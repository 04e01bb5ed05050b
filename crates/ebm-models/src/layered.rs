//! Layered Boltzmann machines: layers of units, each coupled to the next, so that every second layer is independent given the rest.

use burn::module::Module;
use burn::tensor::Tensor;
use ebm_ops::activation::sigmoid;
use ebm_ops::softplus_sum;

use crate::precision::{affine, product};
use crate::rbm::times;

/// What the visible units of a layered machine are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VisibleUnits {
    /// Values 0 and 1.
    #[default]
    Bernoulli,
    /// Real values with standard deviation 1 around their mean; data are standardised first.
    Gaussian,
}

/// The distribution of the units of one layer given the others: independent, with natural parameter `field`.
#[derive(Clone, Debug)]
pub enum Conditional {
    /// `P(x_i = 1) = sigmoid(field_i)`: `[batch, units]`.
    Bernoulli(Tensor<2>),
    /// `x_i ~ N(field_i, 1)`: `[batch, units]`.
    Gaussian(Tensor<2>),
}

impl Conditional {
    /// The mean of each unit: `[batch, units]`.
    pub fn mean(self) -> Tensor<2> {
        match self {
            Self::Bernoulli(field) => sigmoid(field),
            Self::Gaussian(field) => field,
        }
    }
}

/// Units in blocks, each of which can be redrawn exactly given the others: what block Gibbs sampling needs.
pub trait BlockConditional {
    /// The number of units of each block.
    fn block_sizes(&self) -> Vec<usize>;

    /// The blocks in the order in which a sweep redraws them.
    fn sweep(&self) -> Vec<usize>;

    /// The distribution of one block given the others; `states[block]` itself isn't used.
    ///
    /// # Shapes
    ///
    /// - `states`: for each block `[batch, units]`
    /// - output: `[batch, units of the block]`
    fn conditional(&self, block: usize, states: &[Tensor<2>]) -> Conditional;

    /// The energy of all units together, in nats: `[batch]`.
    fn joint_energy(&self, states: &[Tensor<2>]) -> Tensor<1>;
}

/// Layers `x_0` (visible), `x_1`, ... `x_L` with
/// `E(x) = E_0(x_0) - sum_l b_l . x_l - sum_l x_l W_l x_{l+1}`,
/// where `E_0` is 0 for Bernoulli units and `|x_0|^2 / 2` for Gaussian ones.
///
/// A restricted Boltzmann machine has two layers (Smolensky 1986), a deep Boltzmann machine more (Salakhutdinov
/// & Hinton 2009). The field of layer `l` is `b_l + x_{l-1} W_{l-1} + x_{l+1} W_l^T`; given the layers beside
/// it, its units are independent, so that all even layers, or all odd ones, can be redrawn at once or summed
/// out in closed form.
pub trait LayeredMachine: Module {
    /// What the visible units are.
    fn visible_units(&self) -> VisibleUnits;

    /// The couplings of layer `l` with layer `l + 1`, `[units of l, units of l + 1]`, for all `l < L`.
    fn weights(&self) -> Vec<Tensor<2>>;

    /// The bias of each layer, `[units]`; offsets of a centred machine are folded in.
    fn biases(&self) -> Vec<Tensor<1>>;

    /// The machine as plain arrays, taken once for work that uses them many times.
    fn layers(&self) -> Layers {
        Layers::new(self.visible_units(), self.weights(), self.biases())
    }
}

/// The arrays of a [`LayeredMachine`], and its conditional distributions, energies and sums.
#[derive(Clone, Debug)]
pub struct Layers {
    visible_units: VisibleUnits,
    weights: Vec<Tensor<2>>,
    biases: Vec<Tensor<1>>,
}

impl Layers {
    /// Gathers the arrays of a machine.
    ///
    /// # Panics
    ///
    /// If there is no hidden layer, or shapes don't fit each other.
    pub fn new(
        visible_units: VisibleUnits,
        weights: Vec<Tensor<2>>,
        biases: Vec<Tensor<1>>,
    ) -> Self {
        assert!(
            !weights.is_empty() && biases.len() == weights.len() + 1,
            "{} weights need one bias more, got {}",
            weights.len(),
            biases.len()
        );
        for (l, weight) in weights.iter().enumerate() {
            let expected = [biases[l].dims()[0], biases[l + 1].dims()[0]];
            assert_eq!(
                weight.dims(),
                expected,
                "the weight of layers {l} and {} has shape {:?}, but their biases are {expected:?}",
                l + 1,
                weight.dims()
            );
        }
        Self {
            visible_units,
            weights,
            biases,
        }
    }

    /// The number of layers, the visible one included.
    pub fn count(&self) -> usize {
        self.biases.len()
    }

    /// The number of units of each layer.
    pub fn sizes(&self) -> Vec<usize> {
        self.biases.iter().map(|bias| bias.dims()[0]).collect()
    }

    /// What the visible units are.
    pub fn visible_units(&self) -> VisibleUnits {
        self.visible_units
    }

    /// The couplings of layer `l` with layer `l + 1`.
    pub fn weight(&self, l: usize) -> Tensor<2> {
        self.weights[l].clone()
    }

    /// The bias of a layer.
    pub fn bias(&self, l: usize) -> Tensor<1> {
        self.biases[l].clone()
    }

    /// What the layers beside `l` send to it, without its bias: `[batch, units of l]`.
    pub fn input(&self, l: usize, states: &[Tensor<2>]) -> Tensor<2> {
        let below = (l > 0).then(|| self.from_below(l, states[l - 1].clone()));
        let above = (l + 1 < self.count()).then(|| self.from_above(l, states[l + 1].clone()));
        match (below, above) {
            (Some(below), Some(above)) => below + above,
            (Some(input), None) | (None, Some(input)) => input,
            (None, None) => unreachable!("a machine has at least two layers"),
        }
    }

    /// `x_{l-1} W_{l-1}`.
    pub fn from_below(&self, l: usize, below: Tensor<2>) -> Tensor<2> {
        product(below, self.weights[l - 1].clone())
    }

    /// `x_{l+1} W_l^T`.
    pub fn from_above(&self, l: usize, above: Tensor<2>) -> Tensor<2> {
        product(above, self.weights[l].clone().transpose())
    }

    /// The field of layer `l`, its bias included: `[batch, units of l]`.
    pub fn field(&self, l: usize, states: &[Tensor<2>]) -> Tensor<2> {
        let bias = self.bias(l);
        if l == 0 {
            return affine(states[1].clone(), self.weights[0].clone().transpose(), bias);
        }
        let below = affine(states[l - 1].clone(), self.weights[l - 1].clone(), bias);
        if l + 1 == self.count() {
            return below;
        }
        below + self.from_above(l, states[l + 1].clone())
    }

    /// The distribution of layer `l` given the layers beside it.
    pub fn conditional(&self, l: usize, states: &[Tensor<2>]) -> Conditional {
        self.with_field(l, self.field(l, states))
    }

    /// The distribution of layer `l` whose field is known.
    pub fn with_field(&self, l: usize, field: Tensor<2>) -> Conditional {
        match self.visible_units {
            VisibleUnits::Gaussian if l == 0 => Conditional::Gaussian(field),
            _ => Conditional::Bernoulli(field),
        }
    }

    /// The energy of all layers together: `[batch]`.
    ///
    /// Multilinear in Bernoulli layers: with independent units of known means it is the mean energy.
    pub fn energy(&self, states: &[Tensor<2>]) -> Tensor<1> {
        assert_eq!(
            states.len(),
            self.count(),
            "a machine of {} layers got the states of {}",
            self.count(),
            states.len()
        );
        // Each layer but the first meets its bias and what comes from below, the first its bias alone.
        let mut total = self.visible_energy(states[0].clone());
        for l in 1..self.count() {
            let below = states[l - 1].clone();
            let field = affine(below, self.weights[l - 1].clone(), self.bias(l));
            total = total - dot(states[l].clone(), field);
        }
        total
    }

    /// The free energy `-log sum exp(-E)` of every second layer, the others summed out: `[batch]`.
    ///
    /// `states[l]` of a layer that is summed out isn't used. With `summed == Parity::Odd` on two layers it is the
    /// free energy of the visible units, `-b . v - sum_j softplus(c_j + v W_j)`.
    pub fn free_energy(&self, summed: Parity, states: &[Tensor<2>]) -> Tensor<1> {
        let mut total: Option<Tensor<1>> = None;
        for l in 0..self.count() {
            let energy = if summed.contains(l) {
                log_sum(self.conditional(l, states)).neg()
            } else if l == 0 {
                self.visible_energy(states[0].clone())
            } else {
                times(states[l].clone(), self.biases[l].clone()).neg()
            };
            total = Some(match total {
                Some(total) => total + energy,
                None => energy,
            });
        }
        total.unwrap_or_else(|| unreachable!("a machine has at least two layers"))
    }

    /// `E_0(x_0) - b_0 . x_0`: what the visible layer costs alone.
    pub fn visible_energy(&self, visible: Tensor<2>) -> Tensor<1> {
        let linear = times(visible.clone(), self.biases[0].clone()).neg();
        match self.visible_units {
            VisibleUnits::Bernoulli => linear,
            VisibleUnits::Gaussian => {
                visible
                    .square()
                    .sum_dim(1)
                    .squeeze_dim::<1>(1)
                    .mul_scalar(0.5)
                    + linear
            }
        }
    }
}

impl BlockConditional for Layers {
    fn block_sizes(&self) -> Vec<usize> {
        self.sizes()
    }

    /// Odd layers first, so that a sweep needs only the even ones to start.
    fn sweep(&self) -> Vec<usize> {
        let odd = (1..self.count()).step_by(2);
        odd.chain((0..self.count()).step_by(2)).collect()
    }

    fn conditional(&self, block: usize, states: &[Tensor<2>]) -> Conditional {
        Layers::conditional(self, block, states)
    }

    fn joint_energy(&self, states: &[Tensor<2>]) -> Tensor<1> {
        self.energy(states)
    }
}

/// Every second layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parity {
    /// The visible layer, the second hidden layer, ...
    Even,
    /// The first hidden layer, the third, ...
    Odd,
}

impl Parity {
    /// Whether layer `l` is one of them.
    pub fn contains(self, l: usize) -> bool {
        (l % 2 == 1) == (self == Self::Odd)
    }

    /// The other layers.
    pub fn other(self) -> Self {
        match self {
            Self::Even => Self::Odd,
            Self::Odd => Self::Even,
        }
    }
}

/// `sum_i log sum_x exp(x field_i - E_0(x))`, the logarithm of what a layer of units sums to: `[batch]`.
///
/// `sum_i softplus(field_i)` for Bernoulli units, `sum_i (field_i^2 + log 2 pi) / 2` for Gaussian ones.
pub fn log_sum(units: Conditional) -> Tensor<1> {
    match units {
        Conditional::Bernoulli(field) => softplus_sum(field),
        Conditional::Gaussian(field) => field
            .square()
            .add_scalar(std::f64::consts::TAU.ln())
            .sum_dim(1)
            .squeeze_dim::<1>(1)
            .mul_scalar(0.5),
    }
}

/// The inner product of each row: `[batch]`.
fn dot(a: Tensor<2>, b: Tensor<2>) -> Tensor<1> {
    (a * b).sum_dim(1).squeeze_dim::<1>(1)
}
