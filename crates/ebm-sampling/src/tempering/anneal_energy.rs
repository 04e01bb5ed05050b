//! Simulated annealing of any energy by any kernel, towards its deepest valleys.

use burn::tensor::Tensor;
use ebm_models::Energy;
use ebm_ops::{Noise, finite_chains, select_chains};

use super::annealing::TemperatureSchedule;
use super::tempered::Tempered;
use crate::kernel::{Kernel, run};

/// Where chains were annealed to.
#[derive(Clone, Debug)]
pub struct AnnealedEnergy<const D: usize> {
    /// The configurations at the last temperature: `[batch, ..]`.
    pub last: Tensor<D>,
    /// Of each chain the configuration of lowest energy among its start and those at the end of
    /// each temperature: `[batch, ..]`.
    pub lowest: Tensor<D>,
    /// The energies of those, in nats: `[batch]`. `+inf` where none was finite.
    pub lowest_energy: Tensor<1>,
}

/// Makes `transitions` transitions at each temperature `T` of the schedule, by `kernel(T)` at its
/// own temperature 1 on the energy `E / T`.
///
/// Kernels that are scaled by lengths take steps in proportion to `sqrt(T)`, those that follow the
/// gradient by a factor of it in proportion to `T`. Besides the kernels' own, one energy a
/// temperature is computed. Nothing is read back from the device. Pairwise machines are annealed
/// faster by [`anneal`](crate::tempering::anneal). A chain that an unadjusted kernel has moved to
/// where position or energy are not finite goes back to where it was at the end of the temperature
/// before.
///
/// Source: Kirkpatrick, Gelatt & Vecchi, Science 220 (1983).
///
/// # Shapes
///
/// - `start`: `[batch, ..]`
///
/// # Panics
///
/// If the schedule reaches temperature 0, where `E / T` is none, or there are no transitions.
pub fn anneal_energy<E, K, const D: usize>(
    energy: &E,
    start: Tensor<D>,
    schedule: &TemperatureSchedule,
    transitions: usize,
    mut kernel: impl FnMut(f64) -> K,
    noise: &mut Noise,
) -> AnnealedEnergy<D>
where
    E: Energy<D> + Clone,
    K: Kernel<Tempered<E>, Tensor<D>>,
{
    assert!(
        transitions > 0,
        "annealing needs transitions at each temperature, got 0"
    );
    let mut last = start.inner();
    // Which chains have a finite position and energy: others are no minimum.
    let look = |x: &Tensor<D>| {
        let energies = energy.energy(x.clone()).inner();
        let finite = finite_chains(&energies, x.clone());
        let nowhere = finite.clone().bool_not();
        (finite, energies.mask_fill(nowhere, f64::INFINITY))
    };
    let (mut lowest, mut lowest_energy) = (last.clone(), look(&last).1);
    for temperature in schedule.temperatures() {
        assert!(
            temperature > 0.0,
            "an energy can't be divided by the temperature 0: end the schedule above it"
        );
        let target = Tempered::new(energy.clone(), 1.0 / temperature);
        let chains = run(
            &kernel(temperature),
            &target,
            last.clone(),
            transitions,
            noise,
        );
        let (finite, now) = look(&chains.position);
        last = select_chains(&finite, last, chains.position);
        let lower = now.clone().lower(lowest_energy.clone());
        lowest = select_chains(&lower, lowest, last.clone());
        lowest_energy = select_chains(&lower, lowest_energy, now);
    }
    AnnealedEnergy {
        last,
        lowest,
        lowest_energy,
    }
}
