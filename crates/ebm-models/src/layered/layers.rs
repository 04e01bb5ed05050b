//! The arrays of a layered machine, with its conditional distributions, energies and sums.

use burn::tensor::Tensor;

use super::conditional::{BlockConditional, Conditional, log_sum};
use super::parity::Parity;
use crate::precision::{affine, product, times};

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

/// The arrays of a [`LayeredMachine`](super::LayeredMachine), and its conditional distributions,
/// energies and sums.
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

    /// The number of all units.
    pub fn units(&self) -> usize {
        self.sizes().iter().sum()
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

    /// The mean of each visible unit given the first hidden layer: `[batch, visible]`.
    pub fn visible_means(&self, states: &[Tensor<2>]) -> Tensor<2> {
        self.conditional(0, states).mean()
    }

    /// The mean of each hidden unit given the layers beside its own: for each hidden layer
    /// `[batch, units]`.
    pub fn hidden_means(&self, states: &[Tensor<2>]) -> Vec<Tensor<2>> {
        (1..self.count())
            .map(|l| self.conditional(l, states).mean())
            .collect()
    }

    /// The distribution of layer `l` whose field is known.
    pub fn with_field(&self, l: usize, field: Tensor<2>) -> Conditional {
        match self.visible_units {
            VisibleUnits::Gaussian if l == 0 => Conditional::Gaussian(field),
            _ => Conditional::Bernoulli(field),
        }
    }

    /// Rows of all units, `[batch, units]`, layer by layer: for each layer `[batch, units of it]`.
    ///
    /// # Panics
    ///
    /// If a row has fewer values than there are units.
    pub fn split(&self, states: Tensor<2>) -> Vec<Tensor<2>> {
        split(states, &self.sizes())
    }

    /// Layers as rows of all units, `[batch, units]`: what [`split`](Self::split) takes apart.
    pub fn join(&self, layers: Vec<Tensor<2>>) -> Tensor<2> {
        Tensor::cat(layers, 1)
    }

    /// The energy of all layers together: `[batch]`.
    ///
    /// It is linear in each Bernoulli unit. So at the means of independent units it is the mean
    /// energy.
    pub fn energy(&self, states: &[Tensor<2>]) -> Tensor<1> {
        assert_eq!(
            states.len(),
            self.count(),
            "a machine of {} layers got the states of {}",
            self.count(),
            states.len()
        );
        // The first layer has its bias alone, each other one its bias and its input from below.
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
    /// `states[l]` of a layer that is summed out isn't used. With `summed == Parity::Odd` on two
    /// layers it is the free energy of the visible units, `-b . v - sum_j softplus(c_j + v W_j)`.
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

/// Rows cut into columns of these sizes.
pub(crate) fn split(rows: Tensor<2>, sizes: &[usize]) -> Vec<Tensor<2>> {
    let mut start = 0;
    sizes
        .iter()
        .map(|&size| {
            let part = rows.clone().narrow(1, start, size);
            start += size;
            part
        })
        .collect()
}

/// The inner product of each row: `[batch]`.
fn dot(a: Tensor<2>, b: Tensor<2>) -> Tensor<1> {
    (a * b).sum_dim(1).squeeze_dim::<1>(1)
}
