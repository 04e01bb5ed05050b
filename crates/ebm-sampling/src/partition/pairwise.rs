//! The annealing path of pairwise machines, which are redrawn one unit after the other.

use burn::tensor::{Bool, Tensor};
use ebm_models::{PairwiseMachine, PairwiseParameters, log_odds};
use ebm_ops::Noise;

use super::annealing_path::AnnealingPath;
use super::replicas::ReplicaPath;
use crate::gibbs::{SingleSiteGibbs, SingleSiteGibbsState, SiteOrder};

/// From independent units to a pairwise machine: `p_beta` has the couplings `beta W` and the biases
/// `(1 - beta) b_A + beta b`, in the machine's own coding.
///
/// At `beta = 0` units are independent with the biases `b_A`, so that
/// `Z_0 = prod_i (exp(b_A,i low) + exp(b_A,i high))`. No unit is summed out.
///
/// # Transitions
///
/// A transition is one sweep of [`SingleSiteGibbs`] over the units in fixed order, and at
/// `beta = 0` an independent draw. Each redraw of a unit is reversible, the sweep is not: backwards
/// in time it would visit the units from last to first. It leaves `p_beta` as it is, and the
/// estimates of either direction need no more: the reverse one is annealing in its own right, from
/// the model to the base (Neal 2001). Orders of visit from a permutation that is drawn anew each
/// time would be reversible, but copy the couplings in every sweep.
///
/// For `beta > 0` the sweep is that of the untouched `W` with the biases
/// `(1 - beta) / beta b_A + b` at the temperature `1 / beta`, so that no couplings are scaled on
/// the way.
///
/// All arrays are used off the autodiff graph.
#[derive(Clone, Debug)]
pub struct PairwisePath {
    machine: PairwiseParameters,
    visible: usize,
    /// `b_A`, `[units]`.
    base_bias: Tensor<1>,
    /// `W (low, .., low)`, `[units, 1]`.
    coupling_where_low: Tensor<2>,
}

impl PairwisePath {
    /// The path to a machine, from units that have the machine's own biases.
    pub fn new<M: PairwiseMachine>(machine: &M) -> Self {
        let visible = machine.visible_units();
        let machine = machine.parameters().inner();
        let sums: Tensor<2> = machine.couplings.clone().sum_dim(1);
        Self {
            visible,
            base_bias: machine.bias.clone(),
            coupling_where_low: sums.mul_scalar(machine.coding.low()),
            machine,
        }
    }

    /// Takes the biases of visible units at `beta = 0` from the means of data; hidden units are
    /// fair coins there.
    ///
    /// A unit with the mean `m` is high with probability `p = (m - low) / (high - low)`, and
    /// independent units have `p` with the bias `log(p / (1 - p)) / (high - low)`:
    /// `log(m / (1 - m))` for binary units, `atanh(m)` for spins. `p` is kept in
    /// `[margin, 1 - margin]`.
    ///
    /// # Shapes
    ///
    /// - `mean`: `[visible]`, values from low to high
    ///
    /// # Panics
    ///
    /// If there isn't one mean a visible unit, or `margin` isn't above 0 and below 1/2.
    pub fn with_visible_means(self, mean: Tensor<1>, margin: f64) -> Self {
        assert!(
            margin > 0.0 && margin < 0.5,
            "the margin of base rates must be above 0 and below 1/2, got {margin}"
        );
        assert_eq!(
            mean.dims(),
            [self.visible],
            "{} visible units take as many means, got {:?}",
            self.visible,
            mean.dims()
        );
        let coding = self.machine.coding;
        let range = coding.field_scale();
        let p = mean.inner().sub_scalar(coding.low()).div_scalar(range);
        let hidden = self.base_bias.dims()[0] - self.visible;
        let mut bias = vec![log_odds(p, margin).div_scalar(range)];
        if hidden > 0 {
            bias.push(Tensor::zeros([hidden], &self.base_bias.device()));
        }
        self.with_base_bias(Tensor::cat(bias, 0))
    }

    /// Sets `b_A` itself, `[units]`.
    ///
    /// # Panics
    ///
    /// If there isn't one value a unit.
    pub fn with_base_bias(mut self, bias: Tensor<1>) -> Self {
        assert_eq!(
            bias.dims(),
            self.base_bias.dims(),
            "a base bias of shape {:?} doesn't fit units of shape {:?}",
            bias.dims(),
            self.base_bias.dims()
        );
        self.base_bias = bias.inner();
        self
    }

    /// Chains at given states, e.g. samples of the model for reverse annealing.
    ///
    /// # Shapes
    ///
    /// - `states`: `[chains, units]`
    ///
    /// # Panics
    ///
    /// If a state hasn't as many values as there are units.
    pub fn state(&self, states: Tensor<2>) -> SingleSiteGibbsState {
        let (units, shape) = (self.base_bias.dims()[0], states.dims());
        assert_eq!(
            shape[1], units,
            "this machine has {units} units, but states of shape {shape:?} have {}",
            shape[1]
        );
        SingleSiteGibbsState::new(self.machine.clone(), states.inner())
    }
}

impl AnnealingPath for PairwisePath {
    type State = SingleSiteGibbsState;

    fn base_log_partition(&self) -> f64 {
        let coding = self.machine.coding;
        let bias = self.base_bias.clone().into_data();
        bias.iter::<f64>()
            .map(|b| {
                let (low, high) = (b * coding.low(), b * coding.high());
                low.max(high) + (-(high - low).abs()).exp().ln_1p()
            })
            .sum()
    }

    fn draw_base(&self, chains: usize, noise: &mut Noise) -> SingleSiteGibbsState {
        let coding = self.machine.coding;
        let odds = self.base_bias.clone().mul_scalar(coding.field_scale());
        let odds: Tensor<2> = odds.unsqueeze();
        let high = noise.bernoulli_logits(odds.expand([chains, self.base_bias.dims()[0]]));
        let range = coding.high() - coding.low();
        self.state(high.mul_scalar(range).add_scalar(coding.low()))
    }

    /// `(to - from) (1/2 y^T W y + (b - b_A)^T y)`.
    fn log_ratio(&self, state: &SingleSiteGibbsState, from: f64, to: f64) -> Tensor<1> {
        let slope = PairwiseParameters {
            bias: self.machine.bias.clone() - self.base_bias.clone(),
            ..self.machine.clone()
        };
        slope.energy(state.position()).mul_scalar(from - to)
    }

    fn step(
        &self,
        state: SingleSiteGibbsState,
        beta: f64,
        noise: &mut Noise,
    ) -> SingleSiteGibbsState {
        if beta == 0.0 {
            let chains = state.position().dims()[0];
            return self.draw_base(chains, noise);
        }
        let base = self.base_bias.clone().mul_scalar((1.0 - beta) / beta);
        let bias: Tensor<2> = (base + self.machine.bias.clone()).unsqueeze_dim(1);
        let sweep = SingleSiteGibbs::new(1.0 / beta).with_order(SiteOrder::Fixed);
        let state = state.with_field_where_low(self.coupling_where_low.clone() + bias);
        sweep.sweep(state, noise)
    }
}

impl ReplicaPath for PairwisePath {
    fn exchange(
        &self,
        a: SingleSiteGibbsState,
        b: SingleSiteGibbsState,
        swapped: &Tensor<1, Bool>,
    ) -> (SingleSiteGibbsState, SingleSiteGibbsState) {
        SingleSiteGibbsState::exchange(a, b, swapped)
    }

    /// Each step sets the fields anew.
    fn adopt(&self, state: SingleSiteGibbsState) -> SingleSiteGibbsState {
        state
    }
}
