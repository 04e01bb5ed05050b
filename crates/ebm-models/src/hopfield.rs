//! The Hopfield network: a memory whose stored patterns are valleys of a pairwise energy.

use burn::config::Config;
use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};

use crate::energy::Energy;
use crate::pairwise::{self, Coding, PairwiseMachine};
use crate::structure::{PairwiseStructure, Structure};

/// Sizes of a [`Hopfield`] network.
#[derive(Config, Debug)]
pub struct HopfieldConfig {
    /// Number of visible units.
    pub visible: usize,
    /// Number of hidden units.
    #[config(default = 0)]
    pub hidden: usize,
}

/// Spins `y_i` in `{-1, +1}` with `E(y) = -1/2 y^T W y - b^T y`, updated one at a time towards the
/// sign of their field (Hopfield 1982).
///
/// Each such update lowers the energy or leaves it, so that the state runs into a valley: a memory.
/// [`store`](Self::store) digs one at each pattern.
///
/// # Capacity
///
/// For `P` random patterns on `N` units with Hebbian couplings:
///
/// - From a stored pattern, the probability that a unit's first update is wrong is
///   `1/2 erfc(sqrt(N / 2P))`: the pattern itself adds 1 to the field, and the others add
///   `N(0, P/N)` (Hertz, Krogh & Palmer 1991, section 2.2).
/// - All patterns are recalled without a wrong unit up to about `P = N / (4 ln N)` (McEliece et al.
///   1987).
/// - Recall with few errors ends at `P = 0.1379 N`, where 1.6 % of the units are wrong (an overlap
///   of 0.967). Above that load the overlap falls abruptly (Amit, Gutfreund & Sompolinsky 1985).
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use ebm_models::{Energy, HopfieldConfig, PairwiseMachine};
///
/// # fn demo(device: Device, patterns: Tensor<2>) {
/// // Patterns are [count, 64] of -1 and +1.
/// let network = HopfieldConfig::new(64).init(&device).store(patterns);
/// let state = network.synchronous_update(Tensor::<2>::ones([1, 64], &device));
/// let energy = network.energy(state); // [1]
/// # }
/// ```
#[derive(Module, Debug)]
pub struct Hopfield {
    weight: Param<Tensor<2>>,
    bias: Param<Tensor<1>>,
    visible: usize,
}

impl HopfieldConfig {
    /// Builds a network that has stored nothing: couplings and biases are zero.
    ///
    /// # Panics
    ///
    /// If there is no visible unit.
    pub fn init(&self, device: &Device) -> Hopfield {
        let units = self.visible + self.hidden;
        Hopfield::from_parameters(
            Tensor::zeros([units, units], device),
            Tensor::zeros([units], device),
            self.visible,
        )
    }
}

impl Hopfield {
    /// A network of given parameters; only the symmetric, off-diagonal part of `weight` counts.
    ///
    /// # Shapes
    ///
    /// - `weight`: `[units, units]`
    /// - `bias`: `[units]`
    ///
    /// # Panics
    ///
    /// If the shapes don't fit each other, or `visible` isn't in `1..=units`.
    pub fn from_parameters(weight: Tensor<2>, bias: Tensor<1>, visible: usize) -> Self {
        pairwise::assert_parameters(weight.dims(), bias.dims(), visible);
        Self {
            weight: Param::from_tensor(weight),
            bias: Param::from_tensor(bias),
            visible,
        }
    }

    /// Adds patterns to the memory by Hebb's rule, `W <- W + 1/N sum_p y_p y_p^T` off the diagonal,
    /// with `N` the number of units; biases stay.
    ///
    /// # Shapes
    ///
    /// - `patterns`: `[count, units]` of -1 and +1, hidden units included
    ///
    /// # Panics
    ///
    /// If a pattern hasn't `units` values.
    #[must_use = "the network with the patterns is the result"]
    pub fn store(&self, patterns: Tensor<2>) -> Self {
        let [count, _] = patterns.dims();
        let units = self.units() as f64;
        self.adapted(patterns, count as f64 / units, 0.0)
    }

    /// Raises the energy of fake memories and lowers that of data:
    ///
    /// ```text
    /// W <- W - rate (E_fake[y y^T] - E_data[y y^T])    (off the diagonal)
    /// b <- b - rate (E_fake[y] - E_data[y])
    /// ```
    ///
    /// This is a step against the gradient of `E(data) - E(fake)`, averaged over each batch. With
    /// fakes that the network falls into from random states it is the unlearning of Hopfield,
    /// Feinstein & Palmer (Nature 304, 1983), changed so that it keeps the data. With fakes near
    /// the data it is contrastive learning at temperature 0.
    ///
    /// # Shapes
    ///
    /// - `fakes`, `data`: `[count, units]`, counts may differ
    ///
    /// # Panics
    ///
    /// If a state hasn't `units` values, or a batch is empty.
    #[must_use = "the network after unlearning is the result"]
    pub fn unlearn(&self, fakes: Tensor<2>, data: Tensor<2>, rate: f64) -> Self {
        self.adapted(data, rate, rate).adapted(fakes, -rate, -rate)
    }

    /// `W + rate E[y y^T]` off the diagonal and `b + bias_rate E[y]`, with averages over `states`.
    fn adapted(&self, states: Tensor<2>, rate: f64, bias_rate: f64) -> Self {
        let [count, units] = states.dims();
        pairwise::assert_units(self.units(), [count, units]);
        assert!(
            count > 0,
            "an average over no states, of shape [0, {units}]"
        );
        let states = states.detach();
        let products = states.clone().transpose().matmul(states.clone());
        let change = pairwise::symmetric(products.mul_scalar(rate / count as f64));
        let means: Tensor<1> = states.mean_dim(0).squeeze_dim(0);
        Self {
            weight: moved(&self.weight, change),
            bias: moved(&self.bias, means.mul_scalar(bias_rate)),
            visible: self.visible,
        }
    }
}

/// The parameter plus a change, a leaf of the graph as before.
fn moved<const D: usize>(parameter: &Param<Tensor<D>>, change: Tensor<D>) -> Param<Tensor<D>> {
    parameter.clone().map(|value| {
        let trained = value.is_require_grad();
        (value.detach() + change).detach().set_require_grad(trained)
    })
}

/// The overlap `m = 1/N sum_i a_i b_i` of spin states, row by row: 1 for equal states, -1 for
/// opposite ones, about 0 for unrelated ones; the share of units that differ is `(1 - m) / 2`.
///
/// # Shapes
///
/// - `a`, `b`: `[batch, units]`
/// - output: `[batch]`
///
/// # Panics
///
/// If the shapes differ.
pub fn overlap(a: Tensor<2>, b: Tensor<2>) -> Tensor<1> {
    let (left, right) = (a.dims(), b.dims());
    assert_eq!(
        left, right,
        "the overlap of states of shape {left:?} with {right:?}"
    );
    (a * b).mean_dim(1).squeeze_dim(1)
}

impl PairwiseMachine for Hopfield {
    fn couplings(&self) -> Tensor<2> {
        pairwise::symmetric(self.weight.val())
    }

    fn bias(&self) -> Tensor<1> {
        self.bias.val()
    }

    fn coding(&self) -> Coding {
        Coding::Spin
    }

    fn units(&self) -> usize {
        self.bias.dims()[0]
    }

    fn visible_units(&self) -> usize {
        self.visible
    }
}

impl<const D: usize> Energy<D> for Hopfield {
    fn energy(&self, x: Tensor<D>) -> Tensor<1> {
        self.joint_energy(pairwise::states(self.units(), x))
    }

    fn structure(&self) -> Structure {
        Structure::Pairwise(PairwiseStructure::of(self))
    }
}
