//! An update rule after which no weight matrix stretches a vector by more than a limit.

use burn::optim::{LearningRate, Optimizer, RecordState, StateSink, StateSource};
use burn::tensor::{Device, Tensor};
use ebm_ops::per_chain;

/// Where the singular vector is kept in a checkpoint.
pub(crate) const SINGULAR_VECTOR: &str = "singular_vector";

/// Iterations from a vector that nothing is known of, and from that of the last update.
const FIRST_ITERATIONS: usize = 30;
const ITERATIONS: usize = 3;
/// Keeps a vector of zeros finite.
const TINY: f64 = 1e-12;

/// A rule, and then `W <- W min(1, limit / s)` where `s` is the largest singular value of `W` as a
/// matrix of its first dimension by all others (Miyato et al. 2018, "Spectral normalization for
/// generative adversarial networks", algorithm 1, as a projection of the weights as in Gouk et al.
/// 2021, "Regularisation of neural networks by enforcing Lipschitz continuity"). Parameters of one
/// dimension are left alone.
///
/// What `s` is comes from power iteration: `u = W v / |W v|`, `v = W' u / |W' u|`, `s = |W' u|`, a
/// few times an update, with `v` remembered.
#[derive(Clone, Debug)]
pub(crate) struct SpectralLimit<O> {
    pub(crate) rule: O,
    pub(crate) limit: f64,
}

/// What the rule remembers of a parameter, and its right singular vector.
#[derive(Clone, Debug)]
pub(crate) struct SpectralState<S> {
    rule: Option<S>,
    /// `[columns, 1]`; none of a parameter of one dimension.
    vector: Option<Tensor<2>>,
}

impl<S: RecordState> RecordState for SpectralState<S> {
    fn state_flatten(&self, prefix: &str, out: &mut StateSink) {
        if let Some(rule) = &self.rule {
            rule.state_flatten(prefix, out);
        }
        if let Some(vector) = &self.vector {
            out.push_tensor(prefix, SINGULAR_VECTOR, vector.clone().into_data());
        }
    }

    fn state_unflatten(prefix: &str, src: &mut StateSource, device: &Device) -> Option<Self> {
        let vector = src.take_tensor(prefix, SINGULAR_VECTOR);
        Some(Self {
            rule: S::state_unflatten(prefix, src, device),
            vector: vector.map(|data| Tensor::from_data(data, device)),
        })
    }
}

impl<O: Optimizer> Optimizer for SpectralLimit<O> {
    type State<const D: usize> = SpectralState<O::State<D>>;

    fn step<const D: usize>(
        &self,
        learning_rate: LearningRate,
        weight: Tensor<D>,
        gradient: Tensor<D>,
        state: Option<Self::State<D>>,
    ) -> (Tensor<D>, Option<Self::State<D>>) {
        let (rule, vector) = state.map_or((None, None), |state| (state.rule, state.vector));
        let (weight, rule) = self.rule.step(learning_rate, weight, gradient, rule);
        if D == 1 {
            return (weight, Some(SpectralState { rule, vector: None }));
        }
        let (value, vector) = follow(per_chain(weight.clone()), vector);
        let factor = value.add_scalar(TINY).recip().mul_scalar(self.limit);
        let weight = weight * factor.clamp_max(1.0).reshape([1; D]);
        let vector = Some(vector);
        (weight, Some(SpectralState { rule, vector }))
    }

    fn to_device<const D: usize>(state: Self::State<D>, device: &Device) -> Self::State<D> {
        SpectralState {
            rule: state.rule.map(|rule| O::to_device(rule, device)),
            vector: state.vector.map(|vector| vector.to_device(device)),
        }
    }
}

/// The largest singular value of a matrix, `[1]`, and its right vector, from that of a matrix
/// nearby.
fn follow(matrix: Tensor<2>, vector: Option<Tensor<2>>) -> (Tensor<1>, Tensor<2>) {
    let [_, columns] = matrix.dims();
    let iterations = match vector {
        Some(_) => ITERATIONS,
        None => FIRST_ITERATIONS,
    };
    let mut vector = vector.unwrap_or_else(|| Tensor::ones([columns, 1], &matrix.device()));
    let mut value = Tensor::zeros([1], &matrix.device());
    for _ in 0..iterations {
        let (_, left) = normalize(matrix.clone().matmul(vector));
        (value, vector) = normalize(matrix.clone().transpose().matmul(left));
    }
    (value, vector)
}

/// A vector's length and its direction.
fn normalize(vector: Tensor<2>) -> (Tensor<1>, Tensor<2>) {
    let length = vector.clone().powi_scalar(2).sum().sqrt();
    let direction = vector / length.clone().add_scalar(TINY).reshape([1, 1]);
    (length, direction)
}
