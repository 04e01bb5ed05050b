//! What is seen of the states of chains.

use burn::tensor::Tensor;
use ebm_models::{HiddenUnits, PairwiseMachine, Structure};
use ebm_ops::Noise;

/// The visible units of states of chains, `[batch, units of a state]` -> `[batch, visible]`. Units
/// of layers, which are drawn by coins, are shown by their probability given the hidden units, of
/// which a machine that sums them out draws new ones.
pub(super) fn show_states(
    structure: &Structure,
    states: Tensor<2>,
    noise: &mut Noise,
) -> Tensor<2> {
    match structure {
        Structure::Layered(machine) => {
            let layers = match machine.hidden() {
                HiddenUnits::SummedOut => {
                    let mut hidden = machine.hidden_means(states.clone());
                    let hidden = noise.bernoulli(hidden.swap_remove(0));
                    vec![states, hidden]
                }
                HiddenUnits::InStates(_) => machine.split(states),
            };
            machine.layers().visible_means(&layers)
        }
        Structure::Pairwise(machine) => states.narrow(1, 0, machine.visible_units()),
        Structure::Smooth => states,
    }
}
