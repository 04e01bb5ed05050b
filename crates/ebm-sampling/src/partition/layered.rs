//! The annealing path of layered Boltzmann machines, every second layer summed out.

use burn::tensor::{Bool, Tensor, activation};
use ebm_models::{Layers, Parity, VisibleUnits, log_odds};
use ebm_ops::{Noise, select_chains};

use super::annealing_path::AnnealingPath;
use super::replicas::ReplicaPath;
use crate::gibbs::draw;

/// From independent units to a layered machine: `p_beta` has the weights `beta W`, hidden biases
/// `beta c` and the visible bias `(1 - beta) b_A + beta b` (Salakhutdinov & Murray 2008, equations
/// 14-18; Salakhutdinov & Hinton 2009, section 3.3).
///
/// At `beta = 0` hidden units are fair coins and visible units independent with the bias `b_A`, the
/// base-rate bias. Gaussian visible units keep their variance of 1 and have the mean `b_A` there.
///
/// Chains hold every second layer, the even or the odd ones; the others are summed out of the
/// densities, so that they add no noise to the weights. A transition draws the summed layers given
/// the kept ones, then the kept ones given those: it is reversible.
///
/// All arrays are used off the autodiff graph.
#[derive(Clone, Debug)]
pub struct LayeredPath {
    layers: Layers,
    summed: Parity,
    /// `b_A`, `[visible]`.
    base_bias: Tensor<1>,
}

/// Chains of a [`LayeredPath`].
#[derive(Clone, Debug)]
pub struct LayeredState {
    /// For each layer that is kept its states `[chains, units]`; nothing for the others.
    kept: Vec<Option<Tensor<2>>>,
    /// For each layer that is summed out `d field / d beta`, `[chains, units]`: what the kept
    /// layers send to it, its bias included. Once a state, for the ratio of densities and for
    /// drawing the layer.
    slopes: Vec<Option<Tensor<2>>>,
    /// `d log p*_beta / d beta` of what the kept layers have alone: `[chains]`.
    linear: Tensor<1>,
}

impl LayeredPath {
    /// The path to a machine, with the machine's own visible bias as base rate.
    ///
    /// A machine of two layers has its hidden layer summed out, a deeper one the even layers,
    /// visible units included.
    pub fn new(machine: &Layers) -> Self {
        let count = machine.count();
        let weights = (1..count).map(|l| machine.weight(l - 1).inner()).collect();
        let biases = (0..count).map(|l| machine.bias(l).inner()).collect();
        let layers = Layers::new(machine.visible_units(), weights, biases);
        Self {
            summed: if count == 2 {
                Parity::Odd
            } else {
                Parity::Even
            },
            base_bias: layers.bias(0),
            layers,
        }
    }

    /// Sums out the even or the odd layers.
    pub fn summing(mut self, parity: Parity) -> Self {
        self.summed = parity;
        self
    }

    /// Takes the base rates from the means of data: `b_A = log(p / (1 - p))` with `p` kept in
    /// `[margin, 1 - margin]` for Bernoulli units, the mean itself for Gaussian ones.
    ///
    /// A base close to the data is closer to the model (Salakhutdinov & Murray 2008, section 4.1).
    ///
    /// # Panics
    ///
    /// If there isn't one mean a visible unit, or `margin` isn't above 0 and below 1/2.
    pub fn with_visible_means(self, mean: Tensor<1>, margin: f64) -> Self {
        assert!(
            margin > 0.0 && margin < 0.5,
            "the margin of base rates must be above 0 and below 1/2, got {margin}"
        );
        let bias = match self.layers.visible_units() {
            VisibleUnits::Gaussian => mean,
            VisibleUnits::Bernoulli => log_odds(mean, margin),
        };
        self.with_base_bias(bias)
    }

    /// Sets `b_A` itself, `[visible]`.
    ///
    /// # Panics
    ///
    /// If there isn't one value a visible unit.
    pub fn with_base_bias(mut self, bias: Tensor<1>) -> Self {
        assert_eq!(
            bias.dims(),
            self.base_bias.dims(),
            "a base bias of shape {:?} doesn't fit visible units of shape {:?}",
            bias.dims(),
            self.base_bias.dims()
        );
        self.base_bias = bias.inner();
        self
    }

    /// Chains at given states of the kept layers, e.g. samples of the model for reverse annealing.
    ///
    /// # Shapes
    ///
    /// - `states`: for each layer of the machine `[chains, units]`; those of the summed layers
    ///   aren't used
    ///
    /// # Panics
    ///
    /// If there isn't one entry a layer, or a kept one hasn't the units of its layer.
    pub fn state(&self, states: &[Tensor<2>]) -> LayeredState {
        let sizes = self.layers.sizes();
        assert_eq!(
            states.len(),
            sizes.len(),
            "a machine of {} layers got the states of {}",
            sizes.len(),
            states.len()
        );
        let kept = (0..sizes.len())
            .map(|l| {
                if self.summed.contains(l) {
                    return None;
                }
                let found = states[l].dims();
                assert_eq!(
                    found[1], sizes[l],
                    "layer {l} has {} units, but its states have the shape {found:?}",
                    sizes[l]
                );
                Some(states[l].clone().inner())
            })
            .collect();
        self.with_slopes(kept)
    }

    /// All layers of the chains at `beta`, the summed ones drawn given the kept ones: for each
    /// layer `[chains, units]`.
    pub fn draw_layers(
        &self,
        state: &LayeredState,
        beta: f64,
        noise: &mut Noise,
    ) -> Vec<Tensor<2>> {
        let layers = state.kept.iter().zip(&state.slopes).enumerate();
        layers
            .map(|(l, (kept, slope))| match (kept, slope) {
                (Some(kept), _) => kept.clone(),
                (None, Some(slope)) => self.draw(l, self.field(l, slope.clone(), beta), noise),
                (None, None) => unreachable!("a layer is kept or summed out"),
            })
            .collect()
    }

    /// `d field_l / d beta` from what the layers beside it send.
    fn slope(&self, l: usize, input: Tensor<2>) -> Tensor<2> {
        let slope = input + self.layers.bias(l).unsqueeze();
        if l == 0 {
            slope - self.base_bias.clone().unsqueeze()
        } else {
            slope
        }
    }

    /// The field of a layer at `beta`: `[chains, units]`.
    fn field(&self, l: usize, slope: Tensor<2>, beta: f64) -> Tensor<2> {
        let field = slope.mul_scalar(beta);
        if l == 0 {
            field + self.base_bias.clone().unsqueeze()
        } else {
            field
        }
    }

    fn draw(&self, l: usize, field: Tensor<2>, noise: &mut Noise) -> Tensor<2> {
        draw(self.layers.with_field(l, field), noise)
    }

    /// What layer `l` gets from those beside it, without its bias.
    fn input(&self, l: usize, states: &[Option<Tensor<2>>]) -> Tensor<2> {
        let state = |l: usize| states.get(l).cloned().flatten();
        let below = l.checked_sub(1).and_then(state);
        let below = below.map(|below| self.layers.from_below(l, below));
        let above = state(l + 1).map(|above| self.layers.from_above(l, above));
        match (below, above) {
            (Some(below), Some(above)) => below + above,
            (Some(input), None) | (None, Some(input)) => input,
            (None, None) => unreachable!("the layers beside each are of the other parity"),
        }
    }

    fn with_slopes(&self, kept: Vec<Option<Tensor<2>>>) -> LayeredState {
        let slopes = (0..kept.len())
            .map(|l| {
                self.summed
                    .contains(l)
                    .then(|| self.slope(l, self.input(l, &kept)))
            })
            .collect();
        let mut linear: Option<Tensor<1>> = None;
        for (l, states) in kept.iter().enumerate() {
            let Some(states) = states else { continue };
            let bias = if l == 0 {
                self.layers.bias(0) - self.base_bias.clone()
            } else {
                self.layers.bias(l)
            };
            let product = states.clone().matmul(bias.unsqueeze_dim(1));
            let product = product.squeeze_dim::<1>(1);
            linear = Some(match linear {
                Some(linear) => linear + product,
                None => product,
            });
        }
        LayeredState {
            kept,
            slopes,
            linear: linear.unwrap_or_else(|| unreachable!("one layer in two is kept")),
        }
    }
}

impl AnnealingPath for LayeredPath {
    type State = LayeredState;

    fn base_log_partition(&self) -> f64 {
        let bias = self.base_bias.clone().into_data();
        let visible: f64 = match self.layers.visible_units() {
            VisibleUnits::Bernoulli => bias.iter::<f64>().map(softplus).sum(),
            VisibleUnits::Gaussian => bias
                .iter::<f64>()
                .map(|b| (b * b + std::f64::consts::TAU.ln()) / 2.0)
                .sum(),
        };
        let hidden: usize = self.layers.sizes()[1..].iter().sum();
        visible + hidden as f64 * std::f64::consts::LN_2
    }

    fn draw_base(&self, chains: usize, noise: &mut Noise) -> LayeredState {
        let device = self.base_bias.device();
        let sizes = self.layers.sizes();
        let kept = (0..sizes.len())
            .map(|l| {
                let still = Tensor::zeros([chains, sizes[l]], &device);
                (!self.summed.contains(l)).then(|| self.draw(l, self.field(l, still, 0.0), noise))
            })
            .collect();
        self.with_slopes(kept)
    }

    fn log_ratio(&self, state: &LayeredState, from: f64, to: f64) -> Tensor<1> {
        let rise = to - from;
        let mut total = state.linear.clone().mul_scalar(rise);
        for (l, slope) in state.slopes.iter().enumerate() {
            let Some(slope) = slope.clone() else { continue };
            let sums = match (l, self.layers.visible_units()) {
                (0, VisibleUnits::Gaussian) => {
                    // (to^2 - from^2) / 2 of the fields is their difference times their mean.
                    let mean = self.field(0, slope.clone(), (from + to) / 2.0);
                    sum((slope * mean).mul_scalar(rise))
                }
                (0, VisibleUnits::Bernoulli) => {
                    let before = self.field(0, slope.clone(), from);
                    let after = self.field(0, slope.clone(), to);
                    let opposite = before.clone().neg();
                    // relu(after) - relu(before) without the rounding of large fields.
                    let linear = opposite.clone().max_pair(slope.mul_scalar(rise))
                        - activation::relu(opposite);
                    sum(linear) + log_tails(after, before)
                }
                _ => {
                    let linear = sum(activation::relu(slope.clone())).mul_scalar(rise);
                    linear + log_tails(slope.clone().mul_scalar(to), slope.mul_scalar(from))
                }
            };
            total = total + sums;
        }
        total
    }

    fn step(&self, state: LayeredState, beta: f64, noise: &mut Noise) -> LayeredState {
        let LayeredState { slopes, .. } = state;
        let summed: Vec<_> = slopes
            .into_iter()
            .enumerate()
            .map(|(l, slope)| slope.map(|slope| self.draw(l, self.field(l, slope, beta), noise)))
            .collect();
        let kept = (0..summed.len())
            .map(|l| {
                (!self.summed.contains(l)).then(|| {
                    let slope = self.slope(l, self.input(l, &summed));
                    self.draw(l, self.field(l, slope, beta), noise)
                })
            })
            .collect();
        self.with_slopes(kept)
    }
}

impl ReplicaPath for LayeredPath {
    fn exchange(
        &self,
        a: LayeredState,
        b: LayeredState,
        swapped: &Tensor<1, Bool>,
    ) -> (LayeredState, LayeredState) {
        let rows = |others: &[Option<Tensor<2>>], taken: &[Option<Tensor<2>>]| {
            let layers = others.iter().zip(taken);
            layers
                .map(|(others, taken)| {
                    let (others, taken) = (others.clone()?, taken.clone()?);
                    Some(select_chains(swapped, others, taken))
                })
                .collect()
        };
        let chosen = |others: &LayeredState, taken: &LayeredState| LayeredState {
            kept: rows(&others.kept, &taken.kept),
            slopes: rows(&others.slopes, &taken.slopes),
            linear: select_chains(swapped, others.linear.clone(), taken.linear.clone()),
        };
        (chosen(&a, &b), chosen(&b, &a))
    }

    fn adopt(&self, state: LayeredState) -> LayeredState {
        self.with_slopes(state.kept)
    }
}

/// `sum_i log (1 + exp(-|after_i|)) - log (1 + exp(-|before_i|))`: `[chains, units]` -> `[chains]`.
///
/// The rest of `softplus(x) = relu(x) + log(1 + exp(-|x|))`, as `sum_i log(1 + r_i)` with `r` in
/// `[-1/2, 1]`. At thousands of temperatures `r` is about 1e-5; rounding `1 + r` to f32 would err
/// by 1e-2 of that, the same way at each.
fn log_tails(after: Tensor<2>, before: Tensor<2>) -> Tensor<1> {
    let exp = |field: Tensor<2>| field.abs().neg().exp();
    let before = exp(before);
    let mut r = (exp(after) - before.clone()) / before.add_scalar(1.0);
    // Eight factors take one logarithm, (1 + a) (1 + b) = 1 + (a + b + a b); more could round to
    // 1 - 1.
    for _ in 0..3 {
        let units = r.dims()[1];
        if units % 2 == 1 {
            break;
        }
        let half = units / 2;
        let (a, b) = (r.clone().narrow(1, 0, half), r.narrow(1, half, half));
        r = a.clone() * b.clone() + a + b;
    }
    sum(r.log1p())
}

fn sum(x: Tensor<2>) -> Tensor<1> {
    x.sum_dim(1).squeeze_dim(1)
}

/// `log(1 + e^x)` in f64.
fn softplus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}
