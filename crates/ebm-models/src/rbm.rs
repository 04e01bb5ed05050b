//! The restricted Boltzmann machine: a visible and a hidden layer, without couplings inside them.

use burn::config::Config;
use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};
use ebm_ops::activation::sigmoid;
use ebm_ops::{Noise, lift};

use crate::energy::{Energy, flatten};
use crate::layered::{LayeredMachine, Parity, VisibleUnits};
use crate::precision::{affine, times};
use crate::structure::{LayeredStructure, Structure};

/// Sizes and initial parameters of an [`Rbm`].
#[derive(Config, Debug)]
pub struct RbmConfig {
    /// Number of visible units.
    pub visible: usize,
    /// Number of hidden units.
    pub hidden: usize,
    /// What the visible units are.
    #[config(default = "VisibleUnits::Bernoulli")]
    pub visible_units: VisibleUnits,
    /// Standard deviation of the initial weights (Hinton 2012, section 8).
    #[config(default = "0.01")]
    pub weight_std: f64,
    /// Whether units are centred: see [`Rbm`].
    #[config(default = "false")]
    pub centered: bool,
}

/// `E(v, h) = E_0(v) - b . v - c . h - v W h`, with hidden units 0 and 1 (Smolensky 1986; Hinton
/// 2002).
///
/// Its energy as a model of `v` is the free energy, hidden units summed out:
/// `F(v) = E_0(v) - b . v - sum_j softplus(c_j + (v W)_j)`, so that `p(v) = exp(-F(v)) / Z` and `Z`
/// counts hidden states too. `E_0` is 0 for Bernoulli and `|v|^2 / 2` for Gaussian visible units.
/// Gaussian ones are for data with standard deviation 1 around their conditional mean (Welling,
/// Rosen-Zvi & Hinton 2004).
///
/// # Centring
///
/// A centred machine (Montavon & Mueller 2012; Melchior, Fischer & Wiskott 2016) couples
/// `(v - mu) W (h - lambda)` with offsets `mu`, `lambda` that follow the means of the units. It is
/// the same family of distributions: a machine with `b - W lambda` and `c - W^T mu` has the same
/// energies up to a constant, and all methods compute with that machine. What differs is the
/// gradient of `W`, which no longer contains the mean activity of the units.
/// [`uncentered`](Self::uncentered) gives the conventional parameters.
#[derive(Module, Debug)]
pub struct Rbm {
    weight: Param<Tensor<2>>,
    visible_bias: Param<Tensor<1>>,
    hidden_bias: Param<Tensor<1>>,
    /// `mu`, `[visible]`: moved by hand, not by a gradient.
    visible_offset: Option<Param<Tensor<1>>>,
    /// `lambda`, `[hidden]`.
    hidden_offset: Option<Param<Tensor<1>>>,
    #[module(skip)]
    visible_units: VisibleUnits,
}

impl RbmConfig {
    /// Builds the machine: `W ~ N(0, weight_std^2)`, biases 0, offsets 0 (visible) and 1/2
    /// (hidden).
    ///
    /// # Panics
    ///
    /// If there are no visible or no hidden units.
    pub fn init(&self, device: &Device, noise: &mut Noise) -> Rbm {
        assert!(
            self.visible > 0 && self.hidden > 0,
            "a restricted Boltzmann machine needs visible and hidden units, got {} and {}",
            self.visible,
            self.hidden
        );
        let shape = [self.visible, self.hidden];
        let weight: Tensor<2> = noise.normal(shape, device);
        let mut machine = Rbm::from_parameters(
            weight.mul_scalar(self.weight_std),
            Tensor::zeros([self.visible], device),
            Tensor::zeros([self.hidden], device),
            self.visible_units,
        );
        if self.centered {
            machine.visible_offset = Some(offset(Tensor::zeros([self.visible], device)));
            machine.hidden_offset = Some(offset(Tensor::full([self.hidden], 0.5, device)));
        }
        machine
    }

    /// The number of parameters that are trained.
    pub fn num_params(&self) -> u128 {
        let (visible, hidden) = (self.visible as u128, self.hidden as u128);
        visible * hidden + visible + hidden
    }
}

impl Rbm {
    /// A machine of given parameters, without offsets.
    ///
    /// # Shapes
    ///
    /// - `weight`: `[visible, hidden]`
    /// - `visible_bias`: `[visible]`
    /// - `hidden_bias`: `[hidden]`
    ///
    /// # Panics
    ///
    /// If shapes don't fit each other.
    pub fn from_parameters(
        weight: Tensor<2>,
        visible_bias: Tensor<1>,
        hidden_bias: Tensor<1>,
        visible_units: VisibleUnits,
    ) -> Self {
        let expected = [visible_bias.dims()[0], hidden_bias.dims()[0]];
        assert_eq!(
            weight.dims(),
            expected,
            "a weight of shape {:?} doesn't fit biases of {expected:?} units",
            weight.dims()
        );
        Self {
            weight: Param::from_tensor(weight),
            visible_bias: Param::from_tensor(visible_bias),
            hidden_bias: Param::from_tensor(hidden_bias),
            visible_offset: None,
            hidden_offset: None,
            visible_units,
        }
    }

    /// The number of visible units.
    pub fn visible(&self) -> usize {
        self.weight.dims()[0]
    }

    /// The number of hidden units.
    pub fn hidden(&self) -> usize {
        self.weight.dims()[1]
    }

    /// The couplings, `[visible, hidden]`.
    pub fn weight(&self) -> Tensor<2> {
        self.weight.val()
    }

    /// The offsets `(mu, lambda)` of a centred machine.
    pub fn offsets(&self) -> Option<(Tensor<1>, Tensor<1>)> {
        Some((
            self.visible_offset.as_ref()?.val(),
            self.hidden_offset.as_ref()?.val(),
        ))
    }

    /// `E[h | v] = sigmoid(c + v W)`: `[batch, visible]` -> `[batch, hidden]`.
    pub fn hidden_means(&self, visible: Tensor<2>) -> Tensor<2> {
        let layers = self.layers();
        sigmoid(affine(visible, layers.weight(0), layers.bias(1)))
    }

    /// `E[v | h]`: `[batch, hidden]` -> `[batch, visible]`.
    pub fn visible_means(&self, hidden: Tensor<2>) -> Tensor<2> {
        let layers = self.layers();
        let field = affine(hidden, layers.weight(0).transpose(), layers.bias(0));
        layers.with_field(0, field).mean()
    }

    /// `E[v | E[h | v]]`, what the machine makes of an example in one step up and down:
    /// `[batch, visible]`.
    pub fn reconstruction(&self, visible: Tensor<2>) -> Tensor<2> {
        self.visible_means(self.hidden_means(visible))
    }

    /// Sets the visible biases so that, without couplings, visible units have the mean `mean`; a
    /// centred machine takes the mean as its visible offset too.
    ///
    /// For Bernoulli units `b = log(p / (1 - p))` (Hinton 2012, section 8), with `p` kept in
    /// `[margin, 1 - margin]` so that a pixel that is never on can still be learned.
    ///
    /// # Panics
    ///
    /// If there isn't one mean a visible unit.
    pub fn with_visible_means(mut self, mean: Tensor<1>, margin: f64) -> Self {
        assert_eq!(
            mean.dims(),
            [self.visible()],
            "{} visible units take as many means, got {:?}",
            self.visible(),
            mean.dims()
        );
        let bias = match self.visible_units {
            VisibleUnits::Bernoulli => log_odds(mean.clone(), margin),
            VisibleUnits::Gaussian => mean.clone(),
        };
        if let Some(visible) = self.visible_offset.take() {
            self.visible_offset = Some(replace(visible, mean));
        }
        // The machine without offsets shall have this bias: b = bias + W lambda.
        let bias = match &self.hidden_offset {
            Some(hidden) => bias + times(self.weight.val().inner(), hidden.val().inner()),
            None => bias,
        };
        self.visible_bias = replace(self.visible_bias, bias);
        self
    }

    /// Moves the hidden offsets towards `mean` by `rate` times their distance, and the distribution
    /// stays the same: `lambda' = lambda + rate (mean - lambda)` and
    /// `b' = b + W (lambda' - lambda)`.
    ///
    /// A machine without offsets stays as it is.
    pub fn with_hidden_means(mut self, mean: Tensor<1>, rate: f64) -> Self {
        let Some(old) = self.hidden_offset.take() else {
            return self;
        };
        let change = (mean - old.val().inner()).mul_scalar(rate);
        let bias =
            self.visible_bias.val().inner() + times(self.weight.val().inner(), change.clone());
        self.visible_bias = replace(self.visible_bias, bias);
        let value = old.val().inner() + change;
        self.hidden_offset = Some(replace(old, value));
        self
    }

    /// The same distribution with conventional parameters: `b - W lambda` and `c - W^T mu`, no
    /// offsets.
    pub fn uncentered(&self) -> Self {
        let [visible, hidden] = self.effective_biases();
        Self::from_parameters(
            self.weight.val().detach(),
            visible.detach(),
            hidden.detach(),
            self.visible_units,
        )
    }

    fn effective_biases(&self) -> [Tensor<1>; 2] {
        let weight = self.weight.val();
        let less =
            |bias: Tensor<1>, weight: Tensor<2>, offset: &Option<Param<Tensor<1>>>| match offset {
                Some(offset) => bias - times(weight, offset.val()),
                None => bias,
            };
        [
            less(self.visible_bias.val(), weight.clone(), &self.hidden_offset),
            less(
                self.hidden_bias.val(),
                weight.transpose(),
                &self.visible_offset,
            ),
        ]
    }
}

impl LayeredMachine for Rbm {
    fn visible_units(&self) -> VisibleUnits {
        self.visible_units
    }

    fn weights(&self) -> Vec<Tensor<2>> {
        vec![self.weight.val()]
    }

    fn biases(&self) -> Vec<Tensor<1>> {
        self.effective_biases().into()
    }
}

impl<const D: usize> Energy<D> for Rbm {
    fn energy(&self, x: Tensor<D>) -> Tensor<1> {
        let visible = flatten(x, self.visible(), "Rbm");
        let none = Tensor::zeros([0, 0], &visible.device());
        self.layers().free_energy(Parity::Odd, &[visible, none])
    }

    fn structure(&self) -> Structure {
        Structure::Layered(LayeredStructure::restricted(self.layers()))
    }
}

/// `log(p / (1 - p))` with `p` kept in `[margin, 1 - margin]`: the bias of a binary unit with the
/// mean `p`.
pub fn log_odds(p: Tensor<1>, margin: f64) -> Tensor<1> {
    let p = p.clamp(margin, 1.0 - margin);
    p.clone().log() - p.neg().add_scalar(1.0).log()
}

fn offset(value: Tensor<1>) -> Param<Tensor<1>> {
    Param::from_tensor(value).set_require_grad(false)
}

/// Gives a parameter another value. It keeps its id, and whether it is on the autodiff graph: even
/// the order of sums depends on both.
pub(crate) fn replace(param: Param<Tensor<1>>, value: Tensor<1>) -> Param<Tensor<1>> {
    param.map(|old| lift(value, &old))
}
