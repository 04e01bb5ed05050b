//! Parallel tempering: replicas at several temperatures swap places to cross barriers.

use burn::tensor::Tensor;
use ebm_models::Energy;
use ebm_ops::{Noise, finite_chains, per_chain, select_chains};

use super::ladder::Ladder;
use super::swaps::Swaps;
use super::tempered::Tempered;
use crate::kernel::{Kernel, StepInfo};

/// Replicas of each chain at inverse temperatures `1 = b_0 > b_1 > ... > b_n >= 0`, moved by a
/// kernel of their own on the energy `b_t E`, and swaps of neighbours, accepted with probability
///
/// ```text
/// min(1, exp((b_t - b_{t+1}) (E(x_t) - E(x_{t+1}))))
/// ```
///
/// (Swendsen & Wang 1986; Geyer 1991), first of the pairs (0, 1), (2, 3), ..., then (1, 2), (3, 4),
/// ...: deterministic pairs carry replicas faster than random ones (Okabe et al. 2001; Syed et al.
/// 2022). Hot replicas cross barriers and hand what they find down. The product of all
/// `exp(-b_t E)` is stationary if each kernel keeps its own target, so the coldest replicas sample
/// `exp(-E)`; many swaps don't prove that all modes were found.
///
/// Any kernel over tensors serves, continuous or discrete, exact or unadjusted, with the bias of
/// the latter; it is built at its temperature 1. Machines with blocks of units move in one batch by
/// [`BlockParallelTempering`](crate::tempering::BlockParallelTempering).
///
/// # Shapes
///
/// Positions are *all* replicas, temperature by temperature: `[temperatures * chains, ..]`, where a
/// run starts ([`Ladder::replicate`]) and ends. The first `chains` rows are the samples of the
/// model: [`Ladder::cold`]. In a [`StepInfo`] and a [`Run`](crate::Run) `accepted` and its like are
/// of the kernels, `[temperatures * chains]`, the shares of the transitions between two swaps;
/// `swapped` is `[temperatures - 1, chains]`.
///
/// # Cost
///
/// One step is `transitions` steps of each kernel, one energy of all replicas for the swaps, and
/// one [`init`](Kernel::init) of each kernel where they have swapped to (an energy, with its
/// gradient if the kernel uses it), whatever was accepted. So several
/// [transitions](Self::with_transitions) between swaps cost less each. What a kernel keeps besides
/// its position starts anew after swaps. Nothing is read back from the device.
///
/// # What is not finite
///
/// A configuration whose energy isn't finite never goes to the colder of two temperatures; one
/// whose energy is `+inf` always goes to the hotter, if its neighbour has a finite one. A replica
/// that an unadjusted kernel has moved to where position or energy are not finite goes back to
/// where it was after the last swaps, which counts as a reset.
///
/// An inverse temperature of 0 is for bounded domains (discrete states, kernels with bounds);
/// elsewhere it is no distribution.
///
/// ```
/// # use burn::tensor::{Device, Tensor};
/// # use ebm_models::MlpConfig;
/// # use ebm_ops::Noise;
/// use ebm_sampling::run;
/// use ebm_sampling::metropolis_hastings::Mala;
/// use ebm_sampling::tempering::{Ladder, ParallelTempering};
///
/// # fn demo(device: Device) -> Result<(), ebm_sampling::tempering::InvalidLadder> {
/// # let mut noise = Noise::new(7);
/// # let energy = MlpConfig::new(2, vec![64]).init(&device, &mut noise);
/// # let start: Tensor<2> = noise.normal([100, 2], &device);
/// let ladder = Ladder::geometric(6, 0.05)?;
/// // Hotter replicas take larger steps.
/// let kernel = ParallelTempering::new(ladder.clone(), |b| Mala::new(0.1 / b)).with_transitions(5);
/// let after = run(&kernel, &energy, ladder.replicate(start), 200, &mut noise);
/// let rates = after.swap_rates(); // [5]
/// let samples = ladder.cold(after.position); // [100, 2]
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct ParallelTempering<K> {
    ladder: Ladder,
    /// One a temperature.
    kernels: Vec<K>,
    transitions: usize,
}

/// Replicas of a [`ParallelTempering`].
#[derive(Clone, Debug)]
pub struct ParallelTemperingState<S, const D: usize> {
    /// The state of the kernel of each temperature, the coldest first.
    pub replicas: Vec<S>,
    /// Where they all are: `[temperatures * chains, ..]`.
    pub position: Tensor<D>,
    /// Their energies `E`: `[temperatures * chains]`.
    pub energy: Tensor<1>,
    swaps: Swaps,
}

impl<K> ParallelTempering<K> {
    /// A kernel for each inverse temperature `b`, at its own temperature 1 on the energy `b E`; one
    /// transition between swaps.
    ///
    /// Kernels that are scaled by lengths take steps in proportion to `1 / sqrt(b)`, those that
    /// follow the gradient by a factor of it in proportion to `1 / b`.
    pub fn new(ladder: Ladder, kernel: impl FnMut(f64) -> K) -> Self {
        Self {
            kernels: ladder.values().iter().copied().map(kernel).collect(),
            ladder,
            transitions: 1,
        }
    }

    /// As [`new`](Self::new), for kernels that may not exist.
    ///
    /// # Errors
    ///
    /// The first of `kernel`.
    pub fn try_new<F>(ladder: Ladder, kernel: impl FnMut(f64) -> Result<K, F>) -> Result<Self, F> {
        let kernels: Result<Vec<K>, F> = ladder.values().iter().copied().map(kernel).collect();
        Ok(Self {
            kernels: kernels?,
            ladder,
            transitions: 1,
        })
    }

    /// Makes so many transitions of each kernel between swaps.
    ///
    /// # Panics
    ///
    /// If there are none.
    pub fn with_transitions(mut self, transitions: usize) -> Self {
        assert!(
            transitions > 0,
            "swaps need transitions between them, got 0"
        );
        self.transitions = transitions;
        self
    }

    /// The inverse temperatures.
    pub fn ladder(&self) -> &Ladder {
        &self.ladder
    }

    /// The kernel of each temperature, the coldest first.
    pub fn kernels(&self) -> &[K] {
        &self.kernels
    }

    /// Each kernel with the energy on which it moves.
    fn moves<E: Clone>(&self, energy: &E) -> impl Iterator<Item = (&K, Tempered<E>)> {
        let values = self.ladder.values().iter();
        let energies = values.map(|&beta| Tempered::new(energy.clone(), beta));
        self.kernels.iter().zip(energies)
    }

    /// The states of replicas at `position`, `[temperatures * chains, ..]`.
    fn states<E, const D: usize>(&self, energy: &E, position: &Tensor<D>) -> Vec<K::State>
    where
        E: Energy<D> + Clone,
        K: Kernel<Tempered<E>, Tensor<D>>,
    {
        let moves = self.moves(energy).enumerate();
        moves
            .map(|(t, (kernel, energy))| {
                kernel.init(&energy, self.ladder.replicas(position.clone(), t))
            })
            .collect()
    }
}

impl<E, K, const D: usize> Kernel<E, Tensor<D>> for ParallelTempering<K>
where
    E: Energy<D> + Clone,
    K: Kernel<Tempered<E>, Tensor<D>>,
{
    type State = ParallelTemperingState<K::State, D>;

    /// # Panics
    ///
    /// If the rows aren't a whole number of chains.
    fn init(&self, energy: &E, position: Tensor<D>) -> Self::State {
        let position = position.inner();
        ParallelTemperingState {
            replicas: self.states(energy, &position),
            energy: energy.energy(position.clone()).inner(),
            swaps: Swaps::new(&self.ladder, &position.device()),
            position,
        }
    }

    fn step(&self, energy: &E, state: Self::State, noise: &mut Noise) -> (Self::State, StepInfo) {
        let mut infos = Vec::with_capacity(self.kernels.len());
        let mut positions = Vec::with_capacity(self.kernels.len());
        for ((kernel, energy), mut replicas) in self.moves(energy).zip(state.replicas) {
            let mut total = StepInfo::default();
            for _ in 0..self.transitions {
                let info;
                (replicas, info) = kernel.step(&energy, replicas, noise);
                total.add(info);
            }
            infos.push(total.of_transitions(self.transitions));
            positions.push(kernel.position(&replicas));
        }
        let mut info = StepInfo::cat(infos);
        let moved = Tensor::cat(positions, 0);
        let energies = energy.energy(moved.clone()).inner();
        let finite = finite_chains(&energies, moved.clone());
        info.reset = info
            .reset
            .map(|resets| resets + finite.clone().bool_not().float());
        let position = select_chains(&finite, state.position, moved);
        let mut energies = select_chains(&finite, state.energy, energies);

        let shape = position.dims();
        let mut rows = [per_chain(position)];
        let swapped = state.swaps.apply(&mut energies, &mut rows, noise);
        let [rows] = rows;
        let position = rows.reshape(shape);
        let state = ParallelTemperingState {
            replicas: self.states(energy, &position),
            position,
            energy: energies,
            swaps: state.swaps,
        };
        let info = StepInfo {
            swapped: Some(swapped.accepted),
            swap_probability: Some(swapped.probability),
            ..info
        };
        (state, info)
    }

    /// All replicas, temperature by temperature: `[temperatures * chains, ..]`.
    fn position(&self, state: &Self::State) -> Tensor<D> {
        state.position.clone()
    }
}
