//! The samplers that a recipe can name, one file each: their keys and their kernels.
//!
//! A new sampler is a file here and a line of the list below.

/// What a sampler that moves states as they are has in common with its like. It brings a method
/// `tempered(&self, beta, range) -> Result<K, InvalidValue>`: the kernel of replicas at the inverse
/// temperature `beta`, on the energy `beta E`, which is its own kernel where `beta` is 1.
macro_rules! move_states {
    () => {
        fn transitions(&self) -> usize {
            self.steps
        }

        fn kernel<E: ebm_models::Energy<D> + Clone, const D: usize>(
            &self,
            _energy: &E,
            range: ebm_ops::Interval,
        ) -> Result<Box<dyn crate::chains::TransitionKernel<E, D>>, InvalidValue> {
            Ok($crate::samplers::on_states(self.tempered(1.0, range)?))
        }

        fn replicate<E: ebm_models::Energy<D> + Clone, const D: usize>(
            &self,
            ladder: ebm_sampling::tempering::Ladder,
            range: ebm_ops::Interval,
        ) -> Result<Box<dyn crate::chains::TransitionKernel<E, D>>, InvalidValue> {
            $crate::samplers::check_unit_temperature(self.temperature())?;
            $crate::samplers::on_replicas(ladder, self.steps, |beta| self.tempered(beta, range))
        }
    };
}

mod gibbs;
mod gibbs_with_gradients;
mod hamiltonian;
mod langevin;
mod mala;
mod metropolis;
mod parallel_tempering;
mod underdamped_langevin;

use burn::tensor::Tensor;
use ebm_models::{Coding, Energy, HiddenUnits, Structure, VisibleUnits};
use ebm_ops::Interval;
use ebm_sampling::Kernel;
use ebm_sampling::tempering::{Ladder, ParallelTempering, Tempered};

pub use gibbs::GibbsConfig;
pub use gibbs_with_gradients::GibbsWithGradientsConfig;
pub use hamiltonian::HamiltonianConfig;
pub use langevin::LangevinConfig;
pub use mala::MalaConfig;
pub use metropolis::MetropolisConfig;
pub use parallel_tempering::ParallelTemperingConfig;
pub use underdamped_langevin::UnderdampedLangevinConfig;

use crate::chains::{OnReplicas, OnStates, TransitionKernel};
use crate::keys::{InvalidValue, check, check_transitions};

/// The list: a name in files, a variant, the keys.
macro_rules! samplers {
    ($use_list:ident) => {
        $use_list! {
            /// Unadjusted Langevin dynamics.
            "langevin" => Langevin(LangevinConfig),
            /// Random-walk Metropolis.
            "metropolis" => Metropolis(MetropolisConfig),
            /// Langevin steps, accepted or rejected: the Metropolis-adjusted Langevin algorithm.
            "mala" => Mala(MalaConfig),
            /// Hamiltonian Monte Carlo: trajectories of several leapfrog steps, accepted or
            /// rejected.
            "hamiltonian" => Hamiltonian(HamiltonianConfig),
            /// Langevin dynamics with velocities that last.
            "underdamped_langevin" => UnderdampedLangevin(UnderdampedLangevinConfig),
            /// Gibbs sampling of the units of a Boltzmann machine: blocks where it has them, else
            /// unit by unit.
            "gibbs" => Gibbs(GibbsConfig),
            /// Flips of two-valued units, chosen by the gradient of the energy.
            "gibbs_with_gradients" => GibbsWithGradients(GibbsWithGradientsConfig),
            /// Replicas at several temperatures that swap places: of the blocks of a machine with
            /// layers, or of another sampler.
            "parallel_tempering" => ParallelTempering(ParallelTemperingConfig),
        }
    };
}

/// What a recipe asks of the keys of a sampler.
pub trait Sampler {
    /// Checks every value against its range.
    ///
    /// # Errors
    ///
    /// The first value that is out of range.
    fn validate(&self) -> Result<(), InvalidValue>;

    /// Transitions of each chain, in an update or from noise.
    fn transitions(&self) -> usize;

    /// The temperature, in the unit of the energy, of the distribution that chains follow, the
    /// lowest of several.
    fn temperature(&self) -> f64 {
        1.0
    }

    /// Rows that each chain takes: more than 1 where replicas at other temperatures move beside it.
    fn replicas(&self) -> usize {
        1
    }

    /// The same without replicas at other temperatures; `None` where there are none.
    fn without_replicas(&self) -> Option<SamplerConfig> {
        None
    }

    /// Whether chains hold two values alone, so that they have to start at such.
    fn has_two_values(&self) -> bool {
        false
    }

    /// Whether it can move chains of models of this structure.
    fn moves(structure: &Structure) -> bool
    where
        Self: Sized;

    /// The kernel for an energy that it can [move](Self::moves), for data in `range`.
    ///
    /// # Errors
    ///
    /// If a value doesn't fit the energy.
    fn kernel<E: Energy<D> + Clone, const D: usize>(
        &self,
        energy: &E,
        range: Interval,
    ) -> Result<Box<dyn TransitionKernel<E, D>>, InvalidValue>
    where
        Self: Sized;

    /// The kernel of replicas at the inverse temperatures of a ladder, which make so many
    /// transitions between swaps as an update has of them.
    ///
    /// # Errors
    ///
    /// If replicas don't serve this sampler, or it isn't at temperature 1.
    fn replicate<E: Energy<D> + Clone, const D: usize>(
        &self,
        ladder: Ladder,
        range: Interval,
    ) -> Result<Box<dyn TransitionKernel<E, D>>, InvalidValue>
    where
        Self: Sized;
}

macro_rules! define {
    ($($list:tt)*) => {
        crate::kinds! {
            /// The transition and how many of them an update makes.
            pub enum SamplerConfig { $($list)* }
        }
    };
}
samplers!(define);

macro_rules! dispatch {
    ($($(#[$($attribute:tt)*])* $name:literal => $variant:ident($keys:ty),)+) => {
        impl SamplerConfig {
            /// Its keys.
            pub fn keys(&self) -> &dyn Sampler {
                match self {
                    $(Self::$variant(keys) => keys,)+
                }
            }

            /// The names of the samplers that can move chains of models of this structure.
            pub fn names_that_move(structure: &Structure) -> Vec<&'static str> {
                let mut names = Vec::new();
                $(if <$keys as Sampler>::moves(structure) {
                    names.push($name);
                })+
                names
            }

            fn moves(&self, structure: &Structure) -> bool {
                match self {
                    $(Self::$variant(_) => <$keys as Sampler>::moves(structure),)+
                }
            }

            fn kernel_of<E: Energy<D> + Clone, const D: usize>(
                &self,
                energy: &E,
                range: Interval,
            ) -> Result<Box<dyn TransitionKernel<E, D>>, InvalidValue> {
                match self {
                    $(Self::$variant(keys) => keys.kernel(energy, range),)+
                }
            }

            fn replicate<E: Energy<D> + Clone, const D: usize>(
                &self,
                ladder: Ladder,
                range: Interval,
            ) -> Result<Box<dyn TransitionKernel<E, D>>, InvalidValue> {
                match self {
                    $(Self::$variant(keys) => keys.replicate(ladder, range),)+
                }
            }
        }
    };
}
samplers!(dispatch);

macro_rules! convert {
    ($($(#[$($attribute:tt)*])* $name:literal => $variant:ident($keys:ty),)+) => {
        $(impl From<$keys> for SamplerConfig {
            fn from(keys: $keys) -> Self {
                Self::$variant(keys)
            }
        })+
    };
}
samplers!(convert);

impl SamplerConfig {
    /// The kernel that moves the states of a model, for data in `range`.
    ///
    /// # Errors
    ///
    /// If the sampler can't move chains of this model, with the names of those that can.
    pub fn kernel<E: Energy<D> + Clone, const D: usize>(
        &self,
        energy: &E,
        range: Interval,
    ) -> Result<Box<dyn TransitionKernel<E, D>>, InvalidValue> {
        let structure = energy.structure();
        if self.moves(&structure) {
            return self.kernel_of(energy, range);
        }
        let names: Vec<String> = Self::names_that_move(&structure)
            .into_iter()
            .map(|name| format!("\"{name}\""))
            .collect();
        Err(InvalidValue {
            key: "sampler.kind",
            found: format!("\"{}\"", self.name()),
            expected: format!(
                "a sampler that can move chains of this model: {}",
                names.join(", ")
            ),
        })
    }

    /// Transitions of each chain, in an update or from noise.
    pub fn transitions(&self) -> usize {
        self.keys().transitions()
    }

    /// The temperature, in the unit of the energy, of the distribution that chains follow, the
    /// lowest of several; of Langevin dynamics the one that step and noise imply.
    pub fn temperature(&self) -> f64 {
        self.keys().temperature()
    }

    /// Rows that each chain takes: one a temperature.
    pub fn replicas(&self) -> usize {
        self.keys().replicas()
    }

    /// The sampler without replicas at other temperatures.
    pub fn at_one_temperature(&self) -> Self {
        self.keys()
            .without_replicas()
            .unwrap_or_else(|| self.clone())
    }

    /// Checks every value against its range.
    ///
    /// # Errors
    ///
    /// The first value that is out of range.
    pub fn validate(&self) -> Result<(), InvalidValue> {
        check_transitions("sampler.steps", self.transitions(), 1)?;
        self.keys().validate()
    }
}

/// Whether states are real numbers: those of smooth energies, and of machines with Gaussian visible
/// units whose hidden units are summed out.
pub(crate) fn has_real_states(structure: &Structure) -> bool {
    match structure {
        Structure::Smooth => true,
        Structure::Layered(machine) => {
            machine.hidden() == HiddenUnits::SummedOut
                && machine.layers().visible_units() == VisibleUnits::Gaussian
        }
        Structure::Pairwise(_) => false,
    }
}

/// Whether all units of a state may be two-valued.
fn may_have_two_values(structure: &Structure) -> bool {
    match structure {
        Structure::Smooth | Structure::Pairwise(_) => true,
        Structure::Layered(machine) => machine.layers().visible_units() == VisibleUnits::Bernoulli,
    }
}

/// The coding of units whose values are the ends of `range`.
fn coding_of(range: Interval, sampler: &str) -> Result<Coding, InvalidValue> {
    let coding = [Coding::Binary, Coding::Spin]
        .into_iter()
        .find(|coding| Interval::new(coding.low(), coding.high()) == range);
    coding.ok_or_else(|| InvalidValue {
        key: "data.range",
        found: format!("[{:?}, {:?}]", range.low, range.high),
        expected: format!(
            "[0.0, 1.0] or [-1.0, 1.0] with sampler.kind \"{sampler}\", whose units take two values"
        ),
    })
}

/// A kernel for states as they are.
fn on_states<E, K, const D: usize>(kernel: K) -> Box<dyn TransitionKernel<E, D>>
where
    K: Kernel<E, Tensor<D>> + Send + 'static,
{
    Box::new(OnStates(kernel))
}

/// Replicas of a kernel, each made for an inverse temperature.
///
/// # Errors
///
/// The first of `kernel`.
fn on_replicas<E, K, const D: usize>(
    ladder: Ladder,
    transitions: usize,
    kernel: impl FnMut(f64) -> Result<K, InvalidValue>,
) -> Result<Box<dyn TransitionKernel<E, D>>, InvalidValue>
where
    E: Energy<D> + Clone,
    K: Kernel<Tempered<E>, Tensor<D>> + Send + 'static,
{
    let replicas = ladder.temperatures();
    let kernel = ParallelTempering::try_new(ladder, kernel)?.with_transitions(transitions);
    Ok(Box::new(OnReplicas { kernel, replicas }))
}

/// Fails unless a sampler whose replicas are wanted is at temperature 1.
fn check_unit_temperature(temperature: f64) -> Result<(), InvalidValue> {
    check(
        (temperature - 1.0).abs() < 1e-3,
        "sampler.of.temperature",
        format!("{temperature:?}"),
        "1.0: replicas stand at temperatures of their own, the coldest at 1",
    )
}

/// The error for a sampler that has no replicas of this sort.
fn refuse_replicas(name: &str) -> InvalidValue {
    InvalidValue {
        key: "sampler.of.kind",
        found: format!("\"{name}\""),
        expected: "a sampler that moves states as they are, such as \"mala\"; the blocks of a machine with layers are tempered without `of`".into(),
    }
}

/// How much longer steps are that are scaled by lengths, at an inverse temperature.
fn stretch_length(beta: f64) -> f64 {
    beta.sqrt().recip()
}

/// How much longer steps are that follow the gradient by a factor of it, at an inverse temperature.
fn stretch_gradient(beta: f64) -> f64 {
    beta.recip()
}

/// Temperature 1, where none is given.
fn unit_temperature() -> f64 {
    1.0
}

/// Positions are kept in the range of the data, where nothing else is said.
fn clamp_by_default() -> bool {
    true
}
