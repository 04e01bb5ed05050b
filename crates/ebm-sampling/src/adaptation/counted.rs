//! Which chains warm-up learns from: those that stand where the energy is finite.

use burn::tensor::{Bool, Tensor};
use ebm_ops::{per_chain, row_indices};

use crate::kernel::{Kernel, StepInfo};

/// Checks which chains stand where the energy is finite, until all of them do. No kernel moves a
/// chain away from there, so nothing has to be read back after that.
#[derive(Default)]
pub(super) struct Lookout {
    all_count: bool,
}

/// The chains that count at one step.
#[derive(Clone)]
pub(super) enum Counted {
    All,
    /// `[batch]`, and the indices of those that do, which the host knows once it has counted them.
    Some(Box<Tensor<1, Bool>>, Vec<usize>),
}

impl Lookout {
    /// Reads back which chains count, if any may not.
    pub(super) fn look<K: Kernel<E, X>, E, X>(&mut self, kernel: &K, state: &K::State) -> Counted {
        if self.all_count {
            return Counted::All;
        }
        let counted = Counted::of(kernel, state);
        self.all_count = matches!(counted, Counted::All);
        counted
    }
}

impl Counted {
    /// Which chains count at a state.
    pub(super) fn of<K: Kernel<E, X>, E, X>(kernel: &K, state: &K::State) -> Self {
        let Some(finite) = kernel.is_finite(state) else {
            return Self::All;
        };
        let flags = finite.clone().into_data();
        let chains = flags.iter::<bool>().enumerate();
        let chains: Vec<usize> = chains.filter(|(_, finite)| *finite).map(|x| x.0).collect();
        if chains.len() == finite.dims()[0] {
            Self::All
        } else {
            Self::Some(Box::new(finite), chains)
        }
    }

    /// Whether there is no chain to learn from.
    pub(super) fn is_none(&self) -> bool {
        matches!(self, Self::Some(_, chains) if chains.is_empty())
    }

    /// The mean acceptance probability of the chains that count, read back; `None` if there are
    /// none.
    ///
    /// # Panics
    ///
    /// If the kernel never rejects.
    pub(super) fn mean_acceptance(&self, info: &StepInfo) -> Option<f64> {
        let Some(probability) = info.acceptance_probability.clone() else {
            panic!("a step size is tuned by acceptance probabilities, but this kernel reports none")
        };
        let read = |mean: Tensor<1>| mean.into_data().iter::<f64>().next();
        match self {
            Self::All => read(probability.mean()),
            Self::Some(_, chains) if chains.is_empty() => None,
            Self::Some(counts, chains) => {
                let others = counts.as_ref().clone().bool_not();
                let sum = probability.mask_fill(others, 0.0).sum();
                read(sum.div_scalar(chains.len() as f64))
            }
        }
    }

    /// The chains that count: `[batch, ..]` -> `[counted, values]`; `None` if there are none.
    pub(super) fn rows<const D: usize>(&self, x: Tensor<D>) -> Option<Tensor<2>> {
        let x = per_chain(x);
        match self {
            Self::All => Some(x),
            Self::Some(_, chains) if chains.is_empty() => None,
            Self::Some(_, chains) => {
                let chains = row_indices(chains, &x.device());
                Some(x.select(0, chains))
            }
        }
    }

    /// What a step told, and which chains were left out of it.
    pub(super) fn note(&self, info: StepInfo) -> StepInfo {
        match self {
            Self::All => info,
            Self::Some(counts, _) => StepInfo {
                left_out: Some(counts.as_ref().clone().bool_not().float()),
                ..info
            },
        }
    }
}
