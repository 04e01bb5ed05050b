//! Recall from a pairwise memory at temperature 0.

use burn::tensor::Tensor;
use ebm_models::PairwiseMachine;
use ebm_ops::Noise;
use serde::{Deserialize, Serialize};

use crate::gibbs::{SingleSiteGibbs, SingleSiteGibbsState, SiteOrder};
use crate::kernel::Kernel;

/// How units take the sign of their field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dynamics {
    /// One after the other (Hopfield 1982): the energy never rises, so that recall ends in a
    /// valley.
    Asynchronous(SiteOrder),
    /// All at once (Little 1974): the energy may rise, and recall may end in a cycle of two states.
    Synchronous,
}

impl Default for Dynamics {
    fn default() -> Self {
        Self::Asynchronous(SiteOrder::default())
    }
}

/// Where recall ended, and how it got there.
#[derive(Clone, Debug)]
pub struct Recall {
    /// The states reached: `[batch, units]`.
    pub states: Tensor<2>,
    /// The number of sweeps made, the last one without a flip if all chains converged.
    pub sweeps: usize,
    /// For each chain whether its last sweep changed nothing: its state is stable under any single
    /// flip.
    pub converged: Vec<bool>,
    /// The energies before the first sweep and after each: `[sweeps + 1, batch]`.
    pub energies: Tensor<2>,
}

/// Runs chains at temperature 0 until a sweep changes nothing, or for `max_sweeps`.
///
/// A sweep visits every unit once. Reads one number a chain back from the device after each sweep.
/// Only asynchronous dynamics in random order use `noise`.
///
/// # Shapes
///
/// - `states`: `[batch, units]`
///
/// # Panics
///
/// If a state hasn't `units` values.
pub fn recall<M: PairwiseMachine>(
    machine: &M,
    states: Tensor<2>,
    max_sweeps: usize,
    dynamics: Dynamics,
    noise: &mut Noise,
) -> Recall {
    let order = match dynamics {
        Dynamics::Asynchronous(order) => Some(order),
        Dynamics::Synchronous => None,
    };
    let kernel = SingleSiteGibbs::new(0.0).with_order(order.unwrap_or(SiteOrder::Fixed));
    let [batch, _] = states.dims();
    let mut states = states.inner();
    let parameters = machine.parameters().inner();
    let mut chains = SingleSiteGibbsState::new(parameters.clone(), states.clone());
    let mut energies = vec![parameters.energy(states.clone())];
    let mut converged = vec![false; batch];
    let mut sweeps = 0;
    while sweeps < max_sweeps && !converged.iter().all(|&still| still) {
        let next = match order {
            Some(_) => {
                (chains, _) = kernel.step(machine, chains, noise);
                chains.position()
            }
            None => parameters.synchronous_update(states.clone()),
        };
        let changes = (next.clone() - states).abs().sum_dim(1).into_data();
        converged = changes.iter::<f64>().map(|change| change == 0.0).collect();
        energies.push(parameters.energy(next.clone()));
        states = next;
        sweeps += 1;
    }
    Recall {
        states,
        sweeps,
        converged,
        energies: Tensor::stack(energies, 0),
    }
}
