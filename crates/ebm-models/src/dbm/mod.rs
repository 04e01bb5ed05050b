//! The deep Boltzmann machine: a visible and several hidden layers, each coupled to the next.

mod centering;

use burn::config::Config;
use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};
use ebm_ops::Noise;

use crate::energy::{Energy, flatten};
use crate::layered::{self, LayeredMachine, Layers, MeanField, VisibleUnits};
use crate::rbm::{Rbm, log_odds, replace};
use crate::structure::{LayeredStructure, Structure};

use centering::sent;

/// Sizes and initial parameters of a [`Dbm`].
#[derive(Config, Debug)]
pub struct DbmConfig {
    /// Number of visible units.
    pub visible: usize,
    /// Number of units of each hidden layer.
    pub hidden: Vec<usize>,
    /// Standard deviation of the initial weights.
    #[config(default = "0.01")]
    pub weight_std: f64,
    /// Whether units are centred: see [`Dbm`].
    #[config(default = "false")]
    pub centered: bool,
}

/// `E(v, h_1, .., h_L) = -b . v - sum_l c_l . h_l - v W_0 h_1 - sum_l h_l W_l h_{l+1}`, all units 0
/// or 1 (Salakhutdinov & Hinton 2009).
///
/// As an [`Energy`] it takes all units of a configuration in one row, visible units first, then
/// each hidden layer ([`join`](Self::join), [`split`](Self::split)).
///
/// # Centring
///
/// As in a restricted machine ([`Rbm`](crate::Rbm#centring)), each layer can have offsets
/// `lambda_l` that follow the means of its units. Layers are then coupled by
/// `(x_l - lambda_l) W_l (x_{l+1} - lambda_{l+1})`. It is the same family of distributions, with
/// the biases `b_l - W_l lambda_{l+1} - W_{l-1}^T lambda_{l-1}`, and these biases are what all
/// methods use. But a centred machine learns all of its layers at once, without pretraining
/// (Montavon & Mueller 2012).
///
/// # Composition
///
/// [`compose`](Self::compose) stacks machines that were trained one on the hidden means of the
/// other, with doubled inputs ([`ReplicatedRbm`](crate::ReplicatedRbm)). Weights are taken as they
/// are. A layer between two machines has two biases, `c` as the hidden layer of the lower one and
/// `b` as the visible layer of the upper one. It gets their mean, `(c + b) / 2`, for this reason:
/// with doubled inputs the lower machine says `sigmoid(c + 2 v W_0)` about the layer, and the upper
/// one `sigmoid(b + 2 h_2 W_1^T)`. The doubling is made for the geometric mean of the two
/// distributions (Salakhutdinov & Hinton 2012, section 3), which is
/// `sigmoid((c + b) / 2 + v W_0 + h_2 W_1^T)`.
#[derive(Module, Debug)]
pub struct Dbm {
    weights: Vec<Param<Tensor<2>>>,
    visible_bias: Param<Tensor<1>>,
    hidden_biases: Vec<Param<Tensor<1>>>,
    /// `lambda_l` of each layer, `[units]`, the visible one first: moved by hand, not by a
    /// gradient.
    offsets: Option<Vec<Param<Tensor<1>>>>,
    #[module(skip)]
    inference: MeanField,
}

impl DbmConfig {
    /// Builds the machine: weights from `N(0, weight_std^2)`, biases 0.
    ///
    /// # Panics
    ///
    /// If there is no hidden layer, or a layer without units.
    pub fn init(&self, device: &Device, noise: &mut Noise) -> Dbm {
        let sizes = self.sizes();
        assert!(
            sizes.len() > 1 && sizes.iter().all(|&size| size > 0),
            "a deep Boltzmann machine needs hidden layers, and units in every layer, got {sizes:?}"
        );
        let weights = sizes
            .windows(2)
            .map(|pair| {
                let weight: Tensor<2> = noise.normal([pair[0], pair[1]], device);
                weight.mul_scalar(self.weight_std)
            })
            .collect();
        let biases = sizes
            .iter()
            .map(|&size| Tensor::zeros([size], device))
            .collect();
        let machine = Dbm::from_parameters(weights, biases);
        if self.centered {
            machine.centered()
        } else {
            machine
        }
    }

    /// The number of parameters that are trained.
    pub fn num_params(&self) -> u128 {
        let sizes = self.sizes();
        let weights: u128 = sizes
            .windows(2)
            .map(|pair| pair[0] as u128 * pair[1] as u128)
            .sum();
        weights + sizes.iter().map(|&size| size as u128).sum::<u128>()
    }

    fn sizes(&self) -> Vec<usize> {
        std::iter::once(self.visible)
            .chain(self.hidden.iter().copied())
            .collect()
    }
}

impl Dbm {
    /// A machine of given parameters.
    ///
    /// # Shapes
    ///
    /// - `weights`: for each layer but the last `[units, units of the next layer]`
    /// - `biases`: for each layer `[units]`, the visible one first
    ///
    /// # Panics
    ///
    /// If shapes don't fit each other.
    pub fn from_parameters(weights: Vec<Tensor<2>>, biases: Vec<Tensor<1>>) -> Self {
        let layers = Layers::new(VisibleUnits::Bernoulli, weights.clone(), biases);
        Self {
            weights: weights.into_iter().map(Param::from_tensor).collect(),
            visible_bias: Param::from_tensor(layers.bias(0)),
            hidden_biases: (1..layers.count())
                .map(|l| Param::from_tensor(layers.bias(l)))
                .collect(),
            offsets: None,
            inference: MeanField::default(),
        }
    }

    /// Sets how far [`mean_field`](Self::mean_field) goes.
    pub fn with_inference(mut self, inference: MeanField) -> Self {
        self.inference = inference;
        self
    }

    /// The machine that a stack of pretrained ones makes, from the lowest up (see
    /// [Composition](Self#composition)).
    ///
    /// # Panics
    ///
    /// If the stack is empty, the hidden units of one aren't as many as the visible units of the
    /// next, or visible units aren't Bernoulli.
    pub fn compose(stack: &[Rbm]) -> Self {
        for (index, part) in stack.iter().enumerate() {
            assert_eq!(
                part.visible_units(),
                VisibleUnits::Bernoulli,
                "the visible units of machine {index} of the stack are {:?}",
                part.visible_units()
            );
        }
        for (index, pair) in stack.windows(2).enumerate() {
            assert_eq!(
                pair[0].hidden(),
                pair[1].visible(),
                "machine {index} of the stack has {} hidden units, the next {} visible ones",
                pair[0].hidden(),
                pair[1].visible()
            );
        }
        let parts: Vec<Rbm> = stack.iter().map(Rbm::uncentered).collect();
        let biases: Vec<Vec<Tensor<1>>> = parts.iter().map(LayeredMachine::biases).collect();
        let between = biases
            .windows(2)
            .map(|pair| (pair[0][1].clone() + pair[1][0].clone()).mul_scalar(0.5));
        let (Some(first), Some(last)) = (biases.first(), biases.last()) else {
            panic!("a deep Boltzmann machine is composed of at least one machine, got none");
        };
        let all = std::iter::once(first[0].clone())
            .chain(between)
            .chain(std::iter::once(last[1].clone()))
            .collect();
        Self::from_parameters(parts.iter().map(Rbm::weight).collect(), all)
    }

    /// Sets the visible biases to the log-odds of `mean`, kept in `[margin, 1 - margin]`. Units
    /// then have these means as long as all couplings are near 0. A centred machine takes `mean`
    /// and 1/2 as its offsets.
    pub fn with_visible_means(mut self, mean: Tensor<1>, margin: f64) -> Self {
        let found = mean.dims();
        let expected = self.visible_bias.dims();
        assert_eq!(
            found, expected,
            "visible units of shape {expected:?} take as many means, got {found:?}"
        );
        self.visible_bias = replace(self.visible_bias, log_odds(mean.clone(), margin));
        if self.offsets.is_none() {
            return self;
        }
        let halves = self.hidden_biases.iter().map(|bias| bias.val().inner());
        let halves = halves.map(|bias| bias.zeros_like().add_scalar(0.5));
        let means: Vec<Tensor<1>> = std::iter::once(mean).chain(halves).collect();
        self.with_means(&means, 1.0)
    }

    /// The number of units of each layer, the visible one first.
    pub fn sizes(&self) -> Vec<usize> {
        std::iter::once(self.visible_bias.dims()[0])
            .chain(self.hidden_biases.iter().map(|bias| bias.dims()[0]))
            .collect()
    }

    /// The number of all units.
    pub fn units(&self) -> usize {
        self.sizes().iter().sum()
    }

    /// How far mean-field inference goes.
    pub fn inference(&self) -> MeanField {
        self.inference
    }

    /// The means of all layers given the visible units, by [`Layers::mean_field`] that goes as far
    /// as [`inference`](Self::inference) says.
    ///
    /// # Shapes
    ///
    /// - `visible`: `[batch, visible]`
    /// - output: for each layer `[batch, units]`
    pub fn mean_field(&self, visible: Tensor<2>) -> Vec<Tensor<2>> {
        self.layers()
            .mean_field(visible, &self.inference, &mut || false)
    }

    /// `E[v | h_1]` at the means of the first hidden layer: `[batch, visible]`.
    pub fn visible_means(&self, means: &[Tensor<2>]) -> Tensor<2> {
        self.layers().visible_means(means)
    }

    /// The variational bound without the partition function at means that
    /// [`mean_field`](Self::mean_field) gave, see [`Layers::unnormalized_bound`]: `[batch]`.
    pub fn unnormalized_bound(&self, means: &[Tensor<2>]) -> Tensor<1> {
        self.layers().unnormalized_bound(means)
    }

    /// Rows of all units, `[batch, units]`, layer by layer.
    pub fn split(&self, states: Tensor<2>) -> Vec<Tensor<2>> {
        layered::split(states, &self.sizes())
    }

    /// Layers as rows of all units, `[batch, units]`.
    pub fn join(&self, layers: Vec<Tensor<2>>) -> Tensor<2> {
        Tensor::cat(layers, 1)
    }
}

impl LayeredMachine for Dbm {
    fn visible_units(&self) -> VisibleUnits {
        VisibleUnits::Bernoulli
    }

    fn weights(&self) -> Vec<Tensor<2>> {
        self.weights.iter().map(Param::val).collect()
    }

    fn biases(&self) -> Vec<Tensor<1>> {
        let biases = std::iter::once(self.visible_bias.val())
            .chain(self.hidden_biases.iter().map(Param::val));
        let Some(offsets) = self.offsets() else {
            return biases.collect();
        };
        let sent = sent(&self.weights(), &offsets);
        biases.zip(sent).map(|(bias, sent)| bias - sent).collect()
    }
}

impl<const D: usize> Energy<D> for Dbm {
    fn energy(&self, x: Tensor<D>) -> Tensor<1> {
        let states = self.split(flatten(x, self.units(), "Dbm"));
        self.layers().energy(&states)
    }

    fn structure(&self) -> Structure {
        Structure::Layered(LayeredStructure::deep(self.layers(), self.inference))
    }
}
