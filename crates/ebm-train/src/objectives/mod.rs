//! What training minimises: objectives as signed, weighted points, one file each.
//!
//! Every first-order objective has the gradient `sum_i w_i dE(x_i)/dw` at constant points with
//! constant weights, so that one forward and one backward pass serve all of them: an [`Objective`]
//! says at which points the energy is wanted, and what it makes of the energies there. The weights
//! are what automatic differentiation finds of that.
//!
//! A new objective is a file here and a line of the list below.

mod contrastive_divergence;
mod gradient_penalty;
mod recovery_likelihood;
mod sparsity;
mod update;

use burn::tensor::Tensor;
use ebm_models::Energy;

pub use contrastive_divergence::ContrastiveDivergence;
pub use gradient_penalty::{GradientPenalty, PenalizedPoints};
pub use recovery_likelihood::RecoveryLikelihood;
pub use sparsity::Sparsity;
pub use update::Update;
pub(crate) use update::{Chains, PositivePhase};

use crate::keys::InvalidValue;
use crate::metrics::{DeviceScalars, Scalar};

/// The list: a name in files, a variant, the keys. What isn't named in a file is the first.
macro_rules! objectives {
    ($use_list:ident) => {
        $use_list! {
            /// Contrastive divergence (Hinton 2002): the energy of data falls, that of samples
            /// rises.
            "contrastive_divergence" => ContrastiveDivergence(ContrastiveDivergence),
        }
    };
}

/// What is minimised, and by which estimate of its gradient.
pub trait Objective<M, const D: usize>: Send {
    /// Whether it asks for [samples](Update::negatives). A trainer of one that doesn't keeps no
    /// chains.
    fn needs_chains(&self) -> bool {
        false
    }

    /// The points of an update at which the energy is wanted, with what is made of it there.
    /// Nothing of this is on the autodiff graph. What it gives once the update was called off isn't
    /// used.
    fn choose_points(&self, update: &mut Update<'_, M, D>) -> Points<D>;

    /// Leaves out this share of the samples from now on, those of the highest energies, unless it
    /// does already; nothing where an objective has no such choice.
    fn trim(&mut self, _share: f64) {}
}

/// Where an objective wants the energy, and what it makes of it.
pub struct Points<const D: usize> {
    /// The points: `[points, ..]`.
    pub x: Tensor<D>,
    /// From their energies, `[points]` on the autodiff graph, to the loss. The weight of a point in
    /// the gradient is the derivative of the loss by its energy. It may be asked for several times.
    pub loss: Box<dyn Fn(Tensor<1>) -> Loss>,
}

/// What is minimised, on the autodiff graph, and what else there is to tell.
#[derive(Clone, Debug)]
pub struct Loss {
    /// What is minimised: `[1]`.
    pub value: Tensor<1>,
    /// Numbers for the metrics, `[1]` each, off the graph or on it.
    pub scalars: DeviceScalars,
}

impl<const D: usize> Points<D> {
    /// Points whose loss is any function of their energies.
    pub fn new(x: Tensor<D>, loss: impl Fn(Tensor<1>) -> Loss + 'static) -> Self {
        Self {
            x,
            loss: Box::new(loss),
        }
    }

    /// The loss of a model, on the autodiff graph where the model is: one pass over all points.
    pub fn evaluate<E: Energy<D>>(&self, model: &E) -> Loss {
        (self.loss)(model.energy(self.x.clone().autodiff()))
    }

    /// These and others, in one pass: the losses are summed, and both tell their scalars.
    #[must_use]
    pub fn with(self, others: Self) -> Self {
        let count = self.x.dims()[0];
        let x = Tensor::cat(vec![self.x, others.x], 0);
        let (loss, others) = (self.loss, others.loss);
        Self::new(x, move |energies| {
            let total = energies.dims()[0];
            let mut sum = loss(energies.clone().slice(0..count));
            let other = others(energies.slice(count..total));
            sum.value = sum.value + other.value;
            sum.scalars.extend(other.scalars);
            sum
        })
    }

    /// Points with constant signed weights: the loss `sum_i w_i E(x_i)`.
    ///
    /// # Shapes
    ///
    /// - `x`: `[points, ..]`
    /// - `weights`: `[points]`, in which a positive weight lowers the energy of its point
    pub fn weighted(x: Tensor<D>, weights: Tensor<1>) -> Self {
        Self::new(x, move |energies| Loss {
            value: (energies * weights.clone().autodiff()).sum(),
            scalars: Vec::new(),
        })
    }
}

impl Loss {
    /// A loss that tells the mean energy of the data, `[1]`.
    pub fn with_data_energy(mut self, energy: Tensor<1>) -> Self {
        self.scalars.push((Scalar::DATA_ENERGY, energy));
        self
    }
}

/// What a recipe asks of the keys of an objective.
pub trait ObjectiveKeys {
    /// Checks every value against its range.
    ///
    /// # Errors
    ///
    /// The first value that is out of range.
    fn validate(&self) -> Result<(), InvalidValue>;

    /// Where the objective itself stops energies, without their sign: `1 / (2 alpha)` with a factor
    /// `alpha` of their squares. `None`: nowhere.
    fn energy_bound(&self) -> Option<f64> {
        None
    }

    /// The key of what needs the gradient of the energy by the states, if there is such.
    fn needs_gradient(&self) -> Option<&'static str> {
        None
    }

    /// A target for the activity of hidden units, as a penalty beside the loss.
    fn sparsity(&self) -> Option<Sparsity> {
        None
    }
}

macro_rules! define {
    ($($list:tt)*) => {
        crate::kinds! {
            /// What is minimised.
            pub enum ObjectiveConfig or "contrastive_divergence" { $($list)* }
        }
    };
}
objectives!(define);

macro_rules! dispatch {
    ($($(#[$($attribute:tt)*])* $name:literal => $variant:ident($keys:ty),)+) => {
        $(impl From<$keys> for ObjectiveConfig {
            fn from(objective: $keys) -> Self {
                Self::$variant(objective)
            }
        })+

        impl ObjectiveConfig {
            /// Its keys.
            pub fn keys(&self) -> &dyn ObjectiveKeys {
                match self {
                    $(Self::$variant(keys) => keys,)+
                }
            }

            /// The objective for models of type `M`.
            pub fn objective<M: Energy<D> + 'static, const D: usize>(
                &self,
            ) -> Box<dyn Objective<M, D>> {
                match self.clone() {
                    $(Self::$variant(objective) => Box::new(objective),)+
                }
            }
        }
    };
}
objectives!(dispatch);

impl Default for ObjectiveConfig {
    fn default() -> Self {
        Self::ContrastiveDivergence(ContrastiveDivergence::default())
    }
}
