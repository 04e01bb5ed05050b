//! Pairwise machines: two-valued units with symmetric couplings, `E(y) = -1/2 y^T W y - b^T y`.

use burn::tensor::{Bool, Tensor};
use serde::{Deserialize, Serialize};

/// The two values of a unit.
///
/// Both codings describe the same distributions, with other couplings and biases
/// ([`BoltzmannMachine::recoded`](crate::BoltzmannMachine::recoded)).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Coding {
    /// `{-1, +1}`, as in Hopfield networks and Ising models.
    #[default]
    Spin,
    /// `{0, 1}`, as in restricted Boltzmann machines.
    Binary,
}

impl Coding {
    /// The lower value.
    pub const fn low(self) -> f64 {
        match self {
            Self::Spin => -1.0,
            Self::Binary => 0.0,
        }
    }

    /// The higher value.
    pub const fn high(self) -> f64 {
        1.0
    }

    /// `high - low`: 2 for spins, 1 for binary units, the factor of the field in a unit's
    /// conditional probability.
    ///
    /// With every other unit fixed, the energy is linear in `y_i` (`W` has no diagonal):
    /// `E = const - z_i y_i` with the field `z_i = sum_j W_ij y_j + b_i`. So
    /// `E(y_i = low) - E(y_i = high) = (high - low) z_i`, and at temperature `T`
    ///
    /// ```text
    /// P(y_i = high | rest) = 1 / (1 + exp(-(E(low) - E(high)) / T)) = sigma((high - low) z_i / T)
    /// ```
    pub const fn field_scale(self) -> f64 {
        self.high() - self.low()
    }
}

/// A network of two-valued units with symmetric couplings `W` (zero diagonal) and biases `b`:
///
/// ```text
/// E(y) = -1/2 y^T W y - b^T y
/// ```
///
/// Hopfield networks and Boltzmann machines are pairwise machines; they differ in where `W` comes
/// from and in the temperature at which units are updated. A state lists the visible units first,
/// then the hidden ones.
///
/// Source: Hopfield, PNAS 79 (1982); Ackley, Hinton & Sejnowski, Cognitive Science 9 (1985).
pub trait PairwiseMachine {
    /// The effective couplings `W`: symmetric, with zero diagonal, zero where units aren't
    /// connected.
    ///
    /// # Shapes
    ///
    /// `[units, units]`
    fn couplings(&self) -> Tensor<2>;

    /// The biases `b`: `[units]`.
    fn bias(&self) -> Tensor<1>;

    /// The two values of a unit.
    fn coding(&self) -> Coding;

    /// The number of units, visible and hidden.
    fn units(&self) -> usize;

    /// The number of visible units, which come first in a state.
    fn visible_units(&self) -> usize;

    /// The number of hidden units, which come last in a state.
    fn hidden_units(&self) -> usize {
        self.units() - self.visible_units()
    }

    /// Couplings and biases worked out once, for loops that use them many times.
    fn parameters(&self) -> PairwiseParameters {
        PairwiseParameters {
            couplings: self.couplings(),
            bias: self.bias(),
            coding: self.coding(),
        }
    }

    /// The fields of states, see [`PairwiseParameters::fields`].
    fn fields(&self, states: Tensor<2>) -> Tensor<2> {
        self.parameters().fields(states)
    }

    /// The energy of full states, visible and hidden, see [`PairwiseParameters::energy`].
    fn joint_energy(&self, states: Tensor<2>) -> Tensor<1> {
        self.parameters().energy(states)
    }

    /// All units at once take the sign of their field, see
    /// [`PairwiseParameters::synchronous_update`].
    fn synchronous_update(&self, states: Tensor<2>) -> Tensor<2> {
        self.parameters().synchronous_update(states)
    }
}

/// What fixes the distribution of a [`PairwiseMachine`], as plain tensors.
///
/// # Panics
///
/// All methods that take states panic if a state hasn't as many values as there are units.
#[derive(Clone, Debug)]
pub struct PairwiseParameters {
    /// `W`, symmetric with zero diagonal: `[units, units]`.
    pub couplings: Tensor<2>,
    /// `b`: `[units]`.
    pub bias: Tensor<1>,
    /// The two values of a unit.
    pub coding: Coding,
}

impl PairwiseParameters {
    /// The same without a graph, for chains.
    pub fn inner(self) -> Self {
        Self {
            couplings: self.couplings.inner(),
            bias: self.bias.inner(),
            coding: self.coding,
        }
    }

    /// The fields `z = y W + b`, so that `P(y_i = high | rest) = sigma(scale z_i / T)` with
    /// [`Coding::field_scale`].
    ///
    /// # Shapes
    ///
    /// - `states`: `[batch, units]`
    /// - output: `[batch, units]`
    pub fn fields(&self, states: Tensor<2>) -> Tensor<2> {
        assert_units(self.bias.dims()[0], states.dims());
        states.matmul(self.couplings.clone()) + self.bias.clone().unsqueeze()
    }

    /// The energy `E(y) = -sum_i y_i (1/2 (y W)_i + b_i)`, in nats.
    ///
    /// # Shapes
    ///
    /// - `states`: `[batch, units]`
    /// - output: `[batch]`
    pub fn energy(&self, states: Tensor<2>) -> Tensor<1> {
        assert_units(self.bias.dims()[0], states.dims());
        let halves = states
            .clone()
            .matmul(self.couplings.clone())
            .mul_scalar(0.5);
        let terms = states * (halves + self.bias.clone().unsqueeze());
        terms.sum_dim(1).squeeze_dim::<1>(1).neg()
    }

    /// How near to zero a computed field is a tie: `16 eps (sum_j |W_ij| + |b_i|)`, `eps = 2^-23`.
    ///
    /// A field is a sum of `units` products in f32, and its rounding depends on the order of
    /// summation. At temperature 0 only the sign counts. Fields that are exactly zero on paper are
    /// common: those of Hebbian networks are multiples of `1/N`. There the rounding would decide,
    /// and a unit could flip for ever. So deterministic dynamics leave a unit alone whose field is
    /// this near to zero.
    ///
    /// # Shapes
    ///
    /// `[units]`, positive
    pub fn field_tolerance(&self) -> Tensor<1> {
        let sums: Tensor<1> = self.couplings.clone().abs().sum_dim(1).squeeze_dim(1);
        (sums + self.bias.clone().abs())
            .mul_scalar(16.0 * f64::from(f32::EPSILON))
            .clamp_min(1e-30)
    }

    /// All units at once take the sign of their field: high where `z_i > 0`, low where `z_i < 0`,
    /// unchanged at a tie (see [`field_tolerance`](Self::field_tolerance)).
    ///
    /// Unlike updates of one unit at a time, this can raise the energy, and it may end in a cycle
    /// of two states (Little 1974).
    ///
    /// # Shapes
    ///
    /// `states`: `[batch, units]` -> the same
    pub fn synchronous_update(&self, states: Tensor<2>) -> Tensor<2> {
        let fields = self.fields(states.clone());
        let tolerance: Tensor<2> = self.field_tolerance().unsqueeze();
        let tolerance = tolerance.expand(fields.shape());
        let up = fields.clone().greater(tolerance.clone());
        let down = fields.lower(tolerance.neg());
        states
            .mask_fill(up, self.coding.high())
            .mask_fill(down, self.coding.low())
    }
}

/// `(M + M^T) / 2` with a zero diagonal: what a raw weight matrix stands for.
pub(crate) fn symmetric(raw: Tensor<2>) -> Tensor<2> {
    let [units, _] = raw.dims();
    let off_diagonal = Tensor::<2, Bool>::diag_mask([units, units], 0, &raw.device());
    (raw.clone() + raw.transpose())
        .mul_scalar(0.5)
        .mask_fill(off_diagonal.bool_not(), 0.0)
}

/// Configurations of any rank as states `[batch, units]`.
pub(crate) fn states<const D: usize>(units: usize, x: Tensor<D>) -> Tensor<2> {
    let shape = x.dims();
    let values: usize = shape[1..].iter().product();
    assert_units(units, shape);
    x.reshape([shape[0], values])
}

pub(crate) fn assert_units<const D: usize>(units: usize, shape: [usize; D]) {
    let values: usize = shape[1..].iter().product();
    assert_eq!(
        values, units,
        "this machine has {units} units, but states of shape {shape:?} have {values}"
    );
}

pub(crate) fn assert_parameters(weight: [usize; 2], bias: [usize; 1], visible: usize) {
    let [units] = bias;
    assert!(
        weight == [units, units] && units > 0,
        "a machine needs a square weight matrix and a bias a unit, found {weight:?} and {bias:?}"
    );
    assert!(
        (1..=units).contains(&visible),
        "{visible} visible units of {units}: a machine needs at least one, and no more than all"
    );
}
