//! Activation functions by name, so that a configuration file can choose one.

use std::f64::consts::SQRT_2;
use std::fmt;
use std::str::FromStr;

use burn::tensor::{Tensor, activation};
use ebm_ops::activation::{leaky_relu, sigmoid, softplus, swish};
use serde::{Deserialize, Serialize};

/// An elementwise non-linearity.
///
/// Written and read as its name: `"swish"`, `"relu"`, `"leaky_relu"` or `"leaky_relu(0.05)"`, ...
///
/// An energy that is sampled by its gradient should have a smooth activation. The piecewise linear
/// ones are cheaper and often good enough.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Activation {
    /// `x * sigmoid(x)`, also called SiLU (Ramachandran et al. 2017).
    #[default]
    Swish,
    /// `max(x, 0)`.
    Relu,
    /// `x` where positive, `slope * x` elsewhere; the slope is 0.01 unless it is given.
    LeakyRelu(f64),
    /// `x` where positive, `exp(x) - 1` elsewhere (Clevert et al. 2015).
    Elu,
    /// `x * Phi(x)` with the normal distribution function `Phi` (Hendrycks & Gimpel 2016).
    Gelu,
    /// `log(1 + exp(x))`.
    Softplus,
    /// `tanh(x)`.
    Tanh,
    /// `1 / (1 + exp(-x))`.
    Sigmoid,
}

/// `max(x, 0) + exp(min(x, 0)) - 1`. Burn's own function takes `exp(x)` of positive `x` too, where
/// it isn't used. From x = 89 on that overflows, and the gradient is `0 * inf = NaN`.
fn elu<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    let positive = activation::relu(x.clone());
    positive + x.clamp_max(0.0).exp().sub_scalar(1.0)
}

/// `x / 2 (1 + erf(x / sqrt(2)))`. The gradient of burn's own function is that of the tanh
/// approximation on every backend but Flex: it is off by up to 9e-4, and not the same everywhere.
fn gelu<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    let erf = x.clone().div_scalar(SQRT_2).erf();
    x.mul_scalar(0.5) * erf.add_scalar(1.0)
}

/// The slope of [`Activation::LeakyRelu`] when only its name is given, as in PyTorch.
const DEFAULT_SLOPE: f64 = 0.01;

impl Activation {
    /// Applies the function to each element.
    pub fn forward<const D: usize>(&self, x: Tensor<D>) -> Tensor<D> {
        match *self {
            Self::Swish => swish(x),
            Self::Relu => activation::relu(x),
            Self::LeakyRelu(slope) => leaky_relu(x, slope),
            Self::Elu => elu(x),
            Self::Gelu => gelu(x),
            Self::Softplus => softplus(x),
            Self::Tanh => activation::tanh(x),
            Self::Sigmoid => sigmoid(x),
        }
    }
}

impl fmt::Display for Activation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Swish => f.write_str("swish"),
            Self::Relu => f.write_str("relu"),
            Self::LeakyRelu(slope) => write!(f, "leaky_relu({slope})"),
            Self::Elu => f.write_str("elu"),
            Self::Gelu => f.write_str("gelu"),
            Self::Softplus => f.write_str("softplus"),
            Self::Tanh => f.write_str("tanh"),
            Self::Sigmoid => f.write_str("sigmoid"),
        }
    }
}

/// A name that is no activation's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "unknown activation `{0}`: expected swish (or silu), relu, leaky_relu, leaky_relu(SLOPE) with 0 <= SLOPE < 1, elu, gelu, softplus, tanh or sigmoid"
)]
pub struct UnknownActivation(String);

impl FromStr for Activation {
    type Err = UnknownActivation;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let unknown = || UnknownActivation(name.to_string());
        Ok(match name {
            "swish" | "silu" => Self::Swish,
            "relu" => Self::Relu,
            "leaky_relu" => Self::LeakyRelu(DEFAULT_SLOPE),
            "elu" => Self::Elu,
            "gelu" => Self::Gelu,
            "softplus" => Self::Softplus,
            "tanh" => Self::Tanh,
            "sigmoid" => Self::Sigmoid,
            _ => {
                let slope: f64 = name
                    .strip_prefix("leaky_relu(")
                    .and_then(|rest| rest.strip_suffix(')'))
                    .and_then(|slope| slope.trim().parse().ok())
                    .ok_or_else(unknown)?;
                if !(0.0..1.0).contains(&slope) {
                    return Err(unknown());
                }
                Self::LeakyRelu(slope)
            }
        })
    }
}

impl TryFrom<String> for Activation {
    type Error = UnknownActivation;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        name.parse()
    }
}

impl From<Activation> for String {
    fn from(activation: Activation) -> Self {
        activation.to_string()
    }
}
