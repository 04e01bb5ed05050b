//! When a weighted sum of energies is one machine again.

use burn::tensor::Tensor;

use super::{HiddenUnits, LayeredStructure, PairwiseStructure, Structure};
use crate::layered::{Layers, VisibleUnits};
use crate::pairwise::{PairwiseMachine, PairwiseParameters};

/// Most copies of the hidden units of one machine. The machine grows with the weights, so that a
/// product with larger weights is better sampled by its energy alone.
const MOST_COPIES: f64 = 16.0;

impl Structure {
    /// What `sum_k w_k E_k` is made of, if it is one machine; else [`Smooth`](Structure::Smooth).
    ///
    /// - A product of restricted machines on the same Bernoulli units with small whole weights is a
    ///   restricted machine: hidden units side by side, those of machine `k` `w_k` times, and the
    ///   visible bias `sum_k w_k b_k`.
    /// - A sum of pairwise machines of one coding on the same units, as many of them visible, is
    ///   the pairwise machine with `sum_k w_k W_k` and `sum_k w_k b_k`, whatever the weights.
    pub(crate) fn weighted_sum(terms: &[Self], weights: &[f64]) -> Self {
        restricted(terms, weights)
            .map(Self::Layered)
            .or_else(|| pairwise(terms, weights).map(Self::Pairwise))
            .unwrap_or(Self::Smooth)
    }
}

/// The product of restricted machines; `None` if a term is another or a weight isn't a small whole
/// number.
fn restricted(terms: &[Structure], weights: &[f64]) -> Option<LayeredStructure> {
    let (mut couplings, mut hidden) = (Vec::new(), Vec::new());
    let mut visible: Option<Tensor<1>> = None;
    for (term, &weight) in terms.iter().zip(weights) {
        let Structure::Layered(machine) = term else {
            return None;
        };
        let layers = machine.layers();
        let whole = weight.fract() == 0.0 && (1.0..=MOST_COPIES).contains(&weight);
        if !whole
            || machine.hidden() != HiddenUnits::SummedOut
            || layers.visible_units() != VisibleUnits::Bernoulli
        {
            return None;
        }
        for _ in 0..weight as usize {
            couplings.push(layers.weight(0));
            hidden.push(layers.bias(1));
        }
        let bias = layers.bias(0).mul_scalar(weight);
        visible = Some(match visible {
            None => bias,
            Some(sum) if sum.dims() == bias.dims() => sum + bias,
            Some(_) => return None,
        });
    }
    let layers = Layers::new(
        VisibleUnits::Bernoulli,
        vec![Tensor::cat(couplings, 1)],
        vec![visible?, Tensor::cat(hidden, 0)],
    );
    Some(LayeredStructure::restricted(layers))
}

/// The sum of pairwise machines; `None` if a term is another or is of other units.
fn pairwise(terms: &[Structure], weights: &[f64]) -> Option<PairwiseStructure> {
    let mut sum: Option<PairwiseStructure> = None;
    for (term, &weight) in terms.iter().zip(weights) {
        let Structure::Pairwise(machine) = term else {
            return None;
        };
        let parameters = machine.parameters();
        let (couplings, bias) = (
            parameters.couplings.mul_scalar(weight),
            parameters.bias.mul_scalar(weight),
        );
        let (couplings, bias) = match sum {
            None => (couplings, bias),
            Some(sum) if are_alike(&sum, machine) => {
                let before = sum.parameters();
                (before.couplings + couplings, before.bias + bias)
            }
            Some(_) => return None,
        };
        let parameters = PairwiseParameters {
            couplings,
            bias,
            coding: machine.coding(),
        };
        sum = Some(PairwiseStructure::new(parameters, machine.visible_units()));
    }
    sum
}

/// Whether states of two machines are alike.
fn are_alike(a: &PairwiseStructure, b: &PairwiseStructure) -> bool {
    a.coding() == b.coding() && a.units() == b.units() && a.visible_units() == b.visible_units()
}
