//! Gibbs sampling of a pairwise machine, one unit after the other, at the speed of matrix products.

use burn::tensor::{Bool, Device, IndexingUpdateOp, Int, Tensor, TensorData};
use ebm_models::{Coding, PairwiseMachine, PairwiseParameters};
use ebm_ops::Noise;
use serde::{Deserialize, Serialize};

use crate::kernel::{Kernel, StepInfo};

/// Units whose fields come from one matrix product.
const BLOCK: usize = 64;

/// The order in which a sweep visits the units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SiteOrder {
    /// First unit to last, in every sweep.
    Fixed,
    /// A new random permutation for every sweep, the same for all chains of a batch.
    #[default]
    RandomPermutation,
}

/// Redraws every free unit given all others, one at a time: one step is one sweep (Geman & Geman
/// 1984; for Boltzmann machines Ackley, Hinton & Sejnowski 1985).
///
/// At temperature `T` unit `i` becomes high with probability `sigma(scale z_i / T)`, `z = y W + b`
/// ([`Coding::field_scale`]), so that `exp(-E / T)` is stationary exactly. At temperature 0 it
/// takes the sign of its field and stays where that is zero up to rounding
/// ([`PairwiseParameters::field_tolerance`]): Hopfield's asynchronous dynamics, which never raise
/// the energy.
///
/// Units are visited in blocks. One matrix product gives the fields of a block; inside it each
/// change is carried to the fields of the units still to come, `z_j += W_ij dy_i`. That is
/// sequential Gibbs sampling exactly, and the cost of a sweep is that of `states x W` plus a few
/// small operations a unit.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct SingleSiteGibbs {
    /// Temperature in nats, 0 or more.
    pub temperature: f64,
    /// The order in which units are visited.
    pub order: SiteOrder,
    /// So many leading units keep their values; with the number of visible units this samples the
    /// hidden ones given the data (the clamped phase).
    pub clamped: usize,
}

impl SingleSiteGibbs {
    /// Gibbs sampling of `exp(-E / temperature)` in random order, with no unit clamped.
    pub fn new(temperature: f64) -> Self {
        Self {
            temperature,
            order: SiteOrder::default(),
            clamped: 0,
        }
    }

    /// Visits the units in this order.
    pub fn with_order(mut self, order: SiteOrder) -> Self {
        self.order = order;
        self
    }

    /// Keeps the values of the first `units` units.
    pub fn with_clamped(mut self, units: usize) -> Self {
        self.clamped = units;
        self
    }

    /// Visits every free unit once.
    pub(crate) fn sweep(
        &self,
        mut state: SingleSiteGibbsState,
        noise: &mut Noise,
    ) -> SingleSiteGibbsState {
        let [units, batch] = state.high.dims();
        let device = state.high.device();
        let visits = self.visits(units, noise);
        let mut first = self.clamped;
        while first < units {
            let size = BLOCK.min(units - first);
            let block = match &visits {
                None => Block::range(&state, first, size),
                Some(order) => {
                    let start = first - self.clamped;
                    Block::selected(&state, &order[start..start + size], &device)
                }
            };
            let threshold = if self.temperature > 0.0 {
                let scale = self.temperature / (state.coding.field_scale() * range(state.coding));
                noise.logistic([size, batch], &device).mul_scalar(scale)
            } else {
                // Above it a low unit goes up; not above its opposite, a high unit goes down.
                block.tolerance.clone() * block.high.clone().mul_scalar(-2.0).add_scalar(1.0)
            };
            state.high = block.redraw(state.high, threshold);
            first += size;
        }
        state
    }

    /// The units of one sweep in the order of visit; `None` for the natural order.
    fn visits(&self, units: usize, noise: &mut Noise) -> Option<Vec<i64>> {
        match self.order {
            SiteOrder::Fixed => None,
            SiteOrder::RandomPermutation => Some(
                noise
                    .permutation(units - self.clamped)
                    .into_iter()
                    .map(|unit| (self.clamped + unit) as i64)
                    .collect(),
            ),
        }
    }
}

/// Chains over the states of a pairwise machine, with the couplings and biases that their sweeps
/// use.
///
/// The parameters are those at `init`: after an update of the machine, start again from the
/// position. Fields are kept in units of `high - low`, where a unit that goes from low to high
/// changes the field of another by `W_ij` in either coding.
#[derive(Clone, Debug)]
pub struct SingleSiteGibbsState {
    /// Where the chains are, 1 where a unit is high and 0 where it is low: `[units, batch]`.
    high: Tensor<2>,
    /// `W`: `[units, units]`.
    couplings: Tensor<2>,
    /// The field where every unit is low: `[units, 1]`.
    offset: Tensor<2>,
    /// Fields nearer to zero than this are ties: `[units, 1]`.
    tolerance: Tensor<2>,
    coding: Coding,
}

/// `high - low`.
fn range(coding: Coding) -> f64 {
    coding.high() - coding.low()
}

impl SingleSiteGibbsState {
    /// Chains at `position`, `[batch, units]`.
    pub(crate) fn new(parameters: PairwiseParameters, position: Tensor<2>) -> Self {
        let coding = parameters.coding;
        let tolerance: Tensor<2> = parameters.field_tolerance().unsqueeze_dim(1);
        let lowest = parameters.couplings.clone().sum_dim(1) * coding.low();
        let offset = lowest + parameters.bias.unsqueeze_dim(1);
        Self {
            high: position
                .greater_scalar(0.5 * (coding.low() + coding.high()))
                .float()
                .transpose(),
            couplings: parameters.couplings,
            offset: offset.div_scalar(range(coding)),
            tolerance: tolerance.div_scalar(range(coding)),
            coding,
        }
    }

    /// The same chains under another bias: `field_where_low` is `W (low, .., low) + b`,
    /// `[units, 1]`.
    pub(crate) fn with_field_where_low(mut self, field_where_low: Tensor<2>) -> Self {
        self.offset = field_where_low.div_scalar(range(self.coding));
        self
    }

    /// Two batches of chains with the chains swapped where `swapped` is true, `[batch]`.
    pub(crate) fn exchange(mut a: Self, mut b: Self, swapped: &Tensor<1, Bool>) -> (Self, Self) {
        let swapped: Tensor<2, Bool> = swapped.clone().unsqueeze_dim(0);
        let swapped = swapped.expand(a.high.shape());
        let taken = a.high.clone().mask_where(swapped.clone(), b.high.clone());
        b.high = b.high.mask_where(swapped, a.high);
        a.high = taken;
        (a, b)
    }

    /// Where the chains are: `[batch, units]`.
    pub fn position(&self) -> Tensor<2> {
        self.high
            .clone()
            .transpose()
            .mul_scalar(range(self.coding))
            .add_scalar(self.coding.low())
    }
}

impl<E: PairwiseMachine> Kernel<E, Tensor<2>> for SingleSiteGibbs {
    type State = SingleSiteGibbsState;

    /// # Panics
    ///
    /// If a state hasn't as many values as the machine units, more units are clamped than there
    /// are, or the temperature is negative or not finite.
    fn init(&self, machine: &E, position: Tensor<2>) -> Self::State {
        let (units, shape) = (machine.units(), position.dims());
        assert_eq!(
            shape[1], units,
            "this machine has {units} units, but states of shape {shape:?} have {}",
            shape[1]
        );
        assert!(
            self.clamped <= units,
            "{} units can't be clamped of {units}",
            self.clamped
        );
        assert!(
            self.temperature >= 0.0 && self.temperature.is_finite(),
            "a temperature must be 0 or more, found {}",
            self.temperature
        );
        Self::State::new(machine.parameters().inner(), position.inner())
    }

    fn step(&self, _machine: &E, state: Self::State, noise: &mut Noise) -> (Self::State, StepInfo) {
        (self.sweep(state, noise), StepInfo::default())
    }

    fn position(&self, state: &Self::State) -> Tensor<2> {
        state.position()
    }
}

/// The units that share one matrix product.
struct Block {
    /// The first of them, where they follow each other.
    first: usize,
    /// Which they are, where they don't: `[size]`.
    indices: Option<Tensor<1, Int>>,
    /// Their values before the sweep reaches them: `[size, batch]`.
    high: Tensor<2>,
    /// The fields, as long as no unit of the block has changed: `[size, batch]`.
    fields: Tensor<2>,
    /// Couplings inside the block: `[size, size]`.
    couplings: Tensor<2>,
    /// `[size, 1]`
    tolerance: Tensor<2>,
}

impl Block {
    /// The units `first..first + size`.
    fn range(state: &SingleSiteGibbsState, first: usize, size: usize) -> Self {
        let rows = |tensor: &Tensor<2>| tensor.clone().narrow(0, first, size);
        let couplings = rows(&state.couplings);
        Self {
            first,
            indices: None,
            high: rows(&state.high),
            fields: couplings.clone().matmul(state.high.clone()) + rows(&state.offset),
            couplings: couplings.narrow(1, first, size),
            tolerance: rows(&state.tolerance),
        }
    }

    /// The units of these indices.
    fn selected(state: &SingleSiteGibbsState, units: &[i64], device: &Device) -> Self {
        let data = TensorData::new(units.to_vec(), [units.len()]);
        let indices = Tensor::<1, Int>::from_data(data, device);
        let rows = |tensor: &Tensor<2>| tensor.clone().select(0, indices.clone());
        let couplings = rows(&state.couplings);
        Self {
            high: rows(&state.high),
            fields: couplings.clone().matmul(state.high.clone()) + rows(&state.offset),
            couplings: couplings.select(1, indices.clone()),
            tolerance: rows(&state.tolerance),
            first: 0,
            indices: Some(indices),
        }
    }

    /// Redraws the units one after the other: high where the field exceeds the threshold. Gives all
    /// units, `[units, batch]`.
    fn redraw(self, all: Tensor<2>, threshold: Tensor<2>) -> Tensor<2> {
        let [size, batch] = self.high.dims();
        // Fields are kept relative to the thresholds, and only those of units still to come.
        let mut excess = self.fields - threshold;
        let mut redrawn = Vec::with_capacity(size);
        for unit in 0..size {
            let remaining = size - unit - 1;
            let old = self.high.clone().narrow(0, unit, 1);
            let new = excess.clone().narrow(0, 0, 1).greater_scalar(0.0).float();
            if remaining > 0 {
                let change = new.clone() - old;
                let column = self.couplings.clone().narrow(0, unit + 1, remaining);
                let column = column.narrow(1, unit, 1);
                excess = excess.narrow(0, 1, remaining) + column * change;
            }
            redrawn.push(new);
        }
        let redrawn = Tensor::cat(redrawn, 0);
        match self.indices {
            None => all.slice_assign([self.first..self.first + size, 0..batch], redrawn),
            Some(indices) => {
                all.select_assign(0, indices, redrawn - self.high, IndexingUpdateOp::Add)
            }
        }
    }
}

/// Independent fair units: `[batch, units]` of the coding's two values.
pub fn random_states(
    coding: Coding,
    shape: [usize; 2],
    device: &Device,
    noise: &mut Noise,
) -> Tensor<2> {
    let uniforms: Tensor<2> = noise.uniform(shape, device);
    let high: Tensor<2, Bool> = uniforms.greater_equal_scalar(0.5);
    high.float()
        .mul_scalar(range(coding))
        .add_scalar(coding.low())
}
