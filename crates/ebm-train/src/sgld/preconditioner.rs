//! The diagonal preconditioner of pSGLD: a step size of each parameter's own, from its mean squared
//! gradient.

use burn::tensor::Tensor;
use burn::tensor::kind::BridgeTensor;
use serde::{Deserialize, Serialize};

use super::error::{SgldError, check, check_positive};

/// `G = 1 / (offset + sqrt(V))` with `V <- decay V + (1 - decay) g * g`, element by element, where
/// `g` is the mean gradient of a minibatch (Li, Chen, Carlson & Carin, AAAI 2016, algorithm 1).
/// RMSprop's scaling, of gradient and noise alike.
///
/// `V` starts at 0 and is divided by `1 - decay^t`, as in Adam (Kingma & Ba 2015). The paper
/// doesn't: its first steps are up to `1 / sqrt(1 - decay)` times too large, which a long average
/// and a stiff parameter don't survive. After a few `1 / (1 - decay)` steps both are the same.
///
/// # What it is biased by
///
/// `G` depends on the parameters, and a Langevin diffusion with such a `G` needs the drift
/// `Gamma / 2`, `Gamma_i = dG_ii / dtheta_i`. It is neglected here as in the paper. Where `V`
/// follows the parameters at once (`decay` 0, no minibatch noise), what is sampled is then
/// `p(theta | x) / G(theta)` and not `p(theta | x)`: too much mass where gradients are large, that
/// is, tails that are too heavy. A Gaussian posterior gets up to twice its variance. The bias goes
/// to 0 as `V` gets independent of the parameters: by a `decay` so close to 1 that `V` averages
/// over many relaxation times of the chain, or by minibatch noise that dominates `V`, as small
/// minibatches of a large data set do. With an average that is shorter than the relaxation, the
/// variance is too large by about `1 / (1 + r)`, where `r` is how many times more minibatch noise
/// adds to `V` than the posterior's width does; `r` is about `|D| / |M|` where the model is right.
///
/// A parameter whose gradient vanishes, behind a dead unit say, gets `G = 1 / offset`: with 1e-5
/// its noise is that of a step `1e5 eps`. Raise `offset` where a network has such parameters.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RmsPropPreconditioner {
    /// What is kept of the mean square a step, `alpha` in the paper: at least 0, below 1.
    pub decay: f64,
    /// What is added to the root, `lambda` in the paper: above 0, in units of the mean gradient.
    pub offset: f64,
}

impl Default for RmsPropPreconditioner {
    /// The paper's values: a decay of 0.99 and an offset of 1e-5.
    fn default() -> Self {
        Self {
            decay: 0.99,
            offset: 1e-5,
        }
    }
}

/// `V` of one parameter.
#[derive(Clone)]
pub(super) struct MeanSquare {
    pub(super) value: BridgeTensor,
    /// The number of gradients in it.
    pub(super) updates: u64,
}

impl RmsPropPreconditioner {
    pub(super) fn validate(&self) -> Result<(), SgldError> {
        check(
            (0.0..1.0).contains(&self.decay),
            "preconditioner.decay",
            self.decay,
            "a number of at least 0, below 1",
        )?;
        check_positive("preconditioner.offset", self.offset)
    }

    /// Takes one more gradient into `V`.
    pub(super) fn update<const D: usize>(
        &self,
        old: Option<&MeanSquare>,
        gradient: &Tensor<D>,
    ) -> MeanSquare {
        let square = gradient.clone().square().mul_scalar(1.0 - self.decay);
        let (value, updates) = match old {
            Some(old) => {
                let kept = Tensor::<D>::from_bridge(old.value.clone()).mul_scalar(self.decay);
                (kept + square, old.updates + 1)
            }
            None => (square, 1),
        };
        MeanSquare {
            value: value.into_bridge(),
            updates,
        }
    }

    /// `G`.
    pub(super) fn scale<const D: usize>(&self, mean_square: &MeanSquare) -> Tensor<D> {
        let weight = 1.0 - self.decay.powf(mean_square.updates as f64);
        Tensor::from_bridge(mean_square.value.clone())
            .div_scalar(weight)
            .sqrt()
            .add_scalar(self.offset)
            .recip()
    }
}
