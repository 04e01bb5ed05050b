//! Precision: matrix products and convolutions of half-precision values, everything else in f32.

use std::fmt;

use burn::module::{Module, ModuleMapper, Param};
use burn::nn::Linear;
use burn::tensor::{DType, Device, Tensor};
use serde::{Deserialize, Serialize};

/// The type in which matrix products and convolutions take their values.
///
/// As in the automatic mixed precision of PyTorch, only the products are narrow: their inputs are
/// rounded, and so are their results. Sums inside a product are f32 where the device makes them so,
/// as tensor cores and the CPU backends of this workspace do. Parameters of one dimension,
/// activations, energies, gradients, log-weights and positions stay f32.
///
/// Source: Micikevicius et al., "Mixed Precision Training" (2018).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// 24 bits of precision, exponents to 2^127: no mixed precision.
    #[default]
    F32,
    /// 8 bits of precision, the exponents of f32.
    Bf16,
    /// 11 bits of precision, values up to 65,504.
    F16,
}

impl Precision {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::F32, Self::Bf16, Self::F16];

    /// The name, as in configurations.
    pub const fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::Bf16 => "bf16",
            Self::F16 => "f16",
        }
    }

    /// The type of the values.
    pub const fn dtype(self) -> DType {
        match self {
            Self::F32 => DType::F32,
            Self::Bf16 => DType::BF16,
            Self::F16 => DType::F16,
        }
    }

    /// Whether a device computes in this type.
    pub fn is_supported_by(self, device: &Device) -> bool {
        self == Self::F32 || device.supports_dtype(self.dtype())
    }

    /// A frozen copy of a model, off the autodiff graph, whose weights (parameters of two
    /// dimensions and more) have this type.
    ///
    /// [`Mlp`](crate::Mlp), [`ConvNet`](crate::ConvNet), [`Rbm`](crate::Rbm), [`Dbm`](crate::Dbm)
    /// and [`ReplicatedRbm`](crate::ReplicatedRbm) then make their products in it. They still take
    /// and give f32.
    #[must_use]
    pub fn frozen<M: Module>(self, model: &M) -> M {
        let model = model.valid();
        if self == Self::F32 {
            return model;
        }
        model.map(&mut RoundedWeights(self.dtype()))
    }
}

impl fmt::Display for Precision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Gives weights another type; biases and offsets keep theirs.
struct RoundedWeights(DType);

impl ModuleMapper for RoundedWeights {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        if D < 2 {
            return param;
        }
        param.map(|weight| weight.cast(self.0))
    }
}

/// `x W` in the type of the weight, given in that of `x`: `[batch, inputs]`, `[inputs, outputs]` ->
/// `[batch, outputs]`.
pub(crate) fn product(x: Tensor<2>, weight: Tensor<2>) -> Tensor<2> {
    let (outside, inside) = (x.dtype(), weight.dtype());
    if outside == inside {
        return x.matmul(weight);
    }
    x.cast(inside).matmul(weight).cast(outside)
}

/// `x W + b`, the product in the type of the weight: `[batch, inputs]`, `[inputs, outputs]`,
/// `[outputs]` -> `[batch, outputs]`.
pub(crate) fn affine(x: Tensor<2>, weight: Tensor<2>, bias: Tensor<1>) -> Tensor<2> {
    if weight.dtype() == x.dtype() {
        return ebm_ops::linear(x, weight, bias);
    }
    product(x, weight) + bias.unsqueeze()
}

/// A matrix times a vector, in the type of the vector: `[rows, columns]`, `[columns]` -> `[rows]`.
pub(crate) fn times(matrix: Tensor<2>, vector: Tensor<1>) -> Tensor<1> {
    let matrix = matrix.cast(vector.dtype());
    matrix.matmul(vector.unsqueeze_dim(1)).squeeze_dim(1)
}

/// A fully connected layer, its product in the type of its weight and its bias added in that of
/// `x`.
pub(crate) fn linear(layer: &Linear, x: Tensor<2>) -> Tensor<2> {
    let weight = layer.weight.val();
    match &layer.bias {
        Some(bias) => affine(x, weight, bias.val()),
        None => product(x, weight),
    }
}
