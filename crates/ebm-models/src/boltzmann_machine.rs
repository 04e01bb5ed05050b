//! The general Boltzmann machine: any unit may be coupled to any other, some of them hidden.

use burn::config::Config;
use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor, TensorData};
use ebm_ops::Noise;

use crate::energy::Energy;
use crate::pairwise::{self, Coding, PairwiseMachine};
use crate::structure::{PairwiseStructure, Structure};

/// Sizes and coding of a [`BoltzmannMachine`].
#[derive(Config, Debug)]
pub struct BoltzmannMachineConfig {
    /// Number of visible units.
    pub visible: usize,
    /// Number of hidden units.
    #[config(default = 0)]
    pub hidden: usize,
    /// The two values of a unit.
    #[config(default = "Coding::Spin")]
    pub coding: Coding,
    /// Standard deviation of the initial couplings.
    #[config(default = 0.01)]
    pub weight_std: f64,
}

/// `p(y) = exp(-E(y)) / Z` with `E(y) = -1/2 y^T W y - b^T y` over two-valued units (Ackley, Hinton
/// & Sejnowski 1985).
///
/// The parameter `weight` is stored raw. The couplings that it stands for are
/// `W = (weight + weight^T) / 2` with a zero diagonal, so that gradients keep the symmetry: each of
/// the two entries of a pair gets half of `dE/dw_ij = -y_i y_j`, and an optimizer moves both in the
/// same way. [`with_connectivity`](Self::with_connectivity) removes couplings for ever.
///
/// A configuration is a full state, the visible units first. Its [`energy`](Energy::energy) is the
/// joint energy. So the gradient of the log-likelihood of data is that of `E(free) - E(clamped)`,
/// where the hidden units of the clamped states are drawn given the data.
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use ebm_models::{BoltzmannMachineConfig, Energy};
/// use ebm_ops::Noise;
///
/// # fn demo(device: Device) {
/// let mut noise = Noise::new(7);
/// let machine = BoltzmannMachineConfig::new(64).with_hidden(16).init(&device, &mut noise);
/// let energies = machine.energy(Tensor::<2>::ones([10, 80], &device)); // [10]
/// # }
/// ```
#[derive(Module, Debug)]
pub struct BoltzmannMachine {
    weight: Param<Tensor<2>>,
    bias: Param<Tensor<1>>,
    /// 1 where two units are connected; a parameter without gradient, since only parameters are
    /// saved.
    connectivity: Option<Param<Tensor<2>>>,
    visible: usize,
    #[module(skip)]
    coding: Coding,
}

impl BoltzmannMachineConfig {
    /// Builds the machine with couplings from `N(0, weight_std^2)` and zero biases.
    ///
    /// # Panics
    ///
    /// If there is no visible unit.
    pub fn init(&self, device: &Device, noise: &mut Noise) -> BoltzmannMachine {
        let units = self.visible + self.hidden;
        // One draw a pair, mirrored: averaging two draws would give a smaller deviation.
        let draws: Tensor<2> = noise.normal([units, units], device);
        let upper = draws.mul_scalar(self.weight_std).triu(1);
        BoltzmannMachine::from_parameters(
            upper.clone() + upper.transpose(),
            Tensor::zeros([units], device),
            self.visible,
            self.coding,
        )
    }
}

impl BoltzmannMachine {
    /// A machine of given parameters; only the symmetric, off-diagonal part of `weight` counts.
    ///
    /// # Shapes
    ///
    /// - `weight`: `[units, units]`
    /// - `bias`: `[units]`
    ///
    /// # Panics
    ///
    /// If the shapes don't fit each other, or `visible` isn't in `1..=units`.
    pub fn from_parameters(
        weight: Tensor<2>,
        bias: Tensor<1>,
        visible: usize,
        coding: Coding,
    ) -> Self {
        pairwise::assert_parameters(weight.dims(), bias.dims(), visible);
        Self {
            weight: Param::from_tensor(weight),
            bias: Param::from_tensor(bias),
            connectivity: None,
            visible,
            coding,
        }
    }

    /// An Ising model, all of its spins visible: `E(s) = -sum_{i<j} J_ij s_i s_j - sum_i h_i s_i`,
    /// with the inverse temperature inside `J` and `h`.
    ///
    /// # Shapes
    ///
    /// - `couplings`: `J`, `[units, units]`, symmetric
    /// - `field`: `h`, `[units]`
    ///
    /// # Panics
    ///
    /// If the shapes don't fit each other.
    pub fn ising(couplings: Tensor<2>, field: Tensor<1>) -> Self {
        let [units] = field.dims();
        Self::from_parameters(couplings, field, units, Coding::Spin)
    }

    /// The Ising model on a `length x length` square lattice with periodic borders and no field.
    /// `coupling` is `beta J`.
    ///
    /// Spin `(row, column)` is unit `row * length + column`, and each has four neighbours. At
    /// `beta J = ln(1 + sqrt 2) / 2` the infinite lattice is critical (Onsager 1944).
    ///
    /// # Panics
    ///
    /// If `length < 3`, where the neighbours to both sides would be the same spin.
    pub fn ising_torus(length: usize, coupling: f64, device: &Device) -> Self {
        assert!(
            length >= 3,
            "a torus needs a length of 3 or more, found {length}"
        );
        let units = length * length;
        let mut couplings = vec![0.0_f32; units * units];
        for unit in 0..units {
            let (row, column) = (unit / length, unit % length);
            let right = row * length + (column + 1) % length;
            let below = (row + 1) % length * length + column;
            for neighbour in [right, below] {
                couplings[unit * units + neighbour] = coupling as f32;
                couplings[neighbour * units + unit] = coupling as f32;
            }
        }
        let couplings = TensorData::new(couplings, [units, units]);
        Self::ising(
            Tensor::from_data(couplings, device),
            Tensor::zeros([units], device),
        )
    }

    /// Keeps only the couplings where `connectivity` is 1; it is saved with the machine and never
    /// trained.
    ///
    /// # Shapes
    ///
    /// - `connectivity`: `[units, units]`, symmetric, zeros and ones; the diagonal isn't used
    ///
    /// # Panics
    ///
    /// If it isn't of that shape.
    pub fn with_connectivity(mut self, connectivity: Tensor<2>) -> Self {
        let (found, expected) = (connectivity.dims(), self.weight.dims());
        assert_eq!(
            found, expected,
            "the connectivity has shape {found:?}, the weights {expected:?}"
        );
        let fixed = connectivity.detach();
        self.connectivity = Some(Param::from_tensor(fixed).set_require_grad(false));
        self
    }

    /// The same distribution in another coding, and the constant by which its energies differ:
    /// `E(y) = E'(y') + constant` for every configuration, with `y_spin = 2 y_binary - 1`.
    ///
    /// ```text
    /// spin -> binary:  W' = 4 W,  b' = 2 b - 2 W 1,      constant = 1^T b - 1/2 1^T W 1
    /// binary -> spin:  W' = W/4,  b' = b/2 + W 1 / 4,    constant = -1/2 1^T b - 1/8 1^T W 1
    /// ```
    ///
    /// Reads the parameters back from the device.
    pub fn recoded(&self, coding: Coding) -> (Self, f64) {
        if coding == self.coding {
            return (self.clone(), 0.0);
        }
        let (couplings, bias) = (
            self.couplings().inner().detach(),
            self.bias().inner().detach(),
        );
        let sums: Tensor<1> = couplings.clone().sum_dim(1).squeeze_dim(1);
        let (w, b) = (total(couplings.clone()), total(bias.clone()));
        let (weight, bias, constant) = match coding {
            Coding::Binary => (
                couplings.mul_scalar(4.0),
                (bias - sums).mul_scalar(2.0),
                b - 0.5 * w,
            ),
            Coding::Spin => (
                couplings.mul_scalar(0.25),
                bias.mul_scalar(0.5) + sums.mul_scalar(0.25),
                -0.5 * b - 0.125 * w,
            ),
        };
        let mut machine = Self::from_parameters(weight, bias, self.visible, coding);
        machine.connectivity = self.connectivity.clone();
        (machine, constant)
    }
}

/// The sum of all elements, accumulated in f64 on the host.
fn total<const D: usize>(tensor: Tensor<D>) -> f64 {
    tensor.into_data().iter::<f64>().sum()
}

impl PairwiseMachine for BoltzmannMachine {
    fn couplings(&self) -> Tensor<2> {
        let symmetric = pairwise::symmetric(self.weight.val());
        match &self.connectivity {
            Some(connectivity) => symmetric * connectivity.val(),
            None => symmetric,
        }
    }

    fn bias(&self) -> Tensor<1> {
        self.bias.val()
    }

    fn coding(&self) -> Coding {
        self.coding
    }

    fn units(&self) -> usize {
        self.bias.dims()[0]
    }

    fn visible_units(&self) -> usize {
        self.visible
    }
}

impl<const D: usize> Energy<D> for BoltzmannMachine {
    fn energy(&self, x: Tensor<D>) -> Tensor<1> {
        self.joint_energy(pairwise::states(self.units(), x))
    }

    fn structure(&self) -> Structure {
        Structure::Pairwise(PairwiseStructure::of(self))
    }
}
