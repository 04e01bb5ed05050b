//! Mean-field inference in a deep Boltzmann machine, and the bound of the likelihood that it gives.

use burn::tensor::Tensor;
use ebm_ops::activation::sigmoid;

use super::Dbm;
use crate::layered::LayeredMachine;

/// How far mean-field inference goes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MeanField {
    /// It stops where no mean moves by more than this; 0 makes all steps without looking, and without reading
    /// anything back from the device.
    pub tolerance: f64,
    /// Most rounds over all hidden layers.
    pub max_steps: usize,
}

impl Default for MeanField {
    fn default() -> Self {
        Self {
            tolerance: 1e-4,
            max_steps: 50,
        }
    }
}

impl Dbm {
    /// The means of the fully factorised `q(h | v)` that bounds `log p(v)` best: the visible units, then the
    /// means of each hidden layer.
    ///
    /// Starts with one pass up in which each layer's input from below is doubled in place of the missing input from
    /// above, then repeats `mu_l = sigmoid(c_l + mu_{l-1} W_{l-1} + mu_{l+1} W_l^T)` over the layers, even and odd in
    /// turn, which never lowers the bound (Salakhutdinov & Hinton 2009, section 3.2).
    ///
    /// # Shapes
    ///
    /// - `visible`: `[batch, visible]`
    /// - output: for each layer `[batch, units]`
    pub fn mean_field(&self, visible: Tensor<2>) -> Vec<Tensor<2>> {
        self.mean_field_unless(visible, &mut || false)
    }

    /// As [`mean_field`](Self::mean_field), but ends after the round before which `stop` says so.
    pub fn mean_field_unless(
        &self,
        visible: Tensor<2>,
        stop: &mut dyn FnMut() -> bool,
    ) -> Vec<Tensor<2>> {
        let until = self.inference;
        let layers = self.layers();
        let last = layers.count() - 1;
        let below_first = layers.from_below(1, visible.clone());
        let bias = |l: usize| layers.bias(l).unsqueeze();
        // The visible units don't change, and neither does what they send.
        let below = |l: usize, means: &[Tensor<2>]| match l {
            1 => below_first.clone(),
            _ => layers.from_below(l, means[l - 1].clone()),
        };
        let mut means = vec![visible];
        for l in 1..=last {
            let copies = if l < last { 2.0 } else { 1.0 };
            let field = below(l, &means).mul_scalar(copies) + bias(l);
            means.push(sigmoid(field));
        }
        for _ in 0..until.max_steps {
            if stop() {
                break;
            }
            let mut moved: Vec<Tensor<1>> = Vec::new();
            for l in (1..=last).step_by(2).chain((2..=last).step_by(2)) {
                let mut field = bias(l) + below(l, &means);
                if l < last {
                    field = field + layers.from_above(l, means[l + 1].clone());
                }
                let new = sigmoid(field);
                if until.tolerance > 0.0 {
                    moved.push((new.clone() - means[l].clone()).abs().max());
                }
                means[l] = new;
            }
            if until.tolerance > 0.0 {
                let moved = Tensor::cat(moved, 0).max().into_scalar::<f32>();
                if f64::from(moved) <= until.tolerance || moved.is_nan() {
                    break;
                }
            }
        }
        means
    }

    /// `E[v | h_1]` at the means of the first hidden layer: `[batch, visible]`.
    pub fn visible_means(&self, means: &[Tensor<2>]) -> Tensor<2> {
        self.layers().conditional(0, means).mean()
    }

    /// The variational bound without the partition function, `L(v) + log Z <= log p(v) + log Z`:
    /// `-E(v, mu) + sum_i H(mu_i)` at the means that [`mean_field`](Self::mean_field) gave: `[batch]`.
    pub fn unnormalized_bound(&self, means: &[Tensor<2>]) -> Tensor<1> {
        let mut bound = self.layers().energy(means).neg();
        for layer in &means[1..] {
            bound = bound + entropy(layer.clone());
        }
        bound
    }
}

/// The entropy of independent coins in nats: `[batch, units]` -> `[batch]`.
fn entropy(p: Tensor<2>) -> Tensor<1> {
    // x ln x tends to 0 with x; the smallest normal f32 in place of 0 leaves that.
    let x_log_x = |x: Tensor<2>| x.clone() * x.clamp_min(f64::from(f32::MIN_POSITIVE)).log();
    let q = p.clone().neg().add_scalar(1.0);
    (x_log_x(p) + x_log_x(q))
        .sum_dim(1)
        .squeeze_dim::<1>(1)
        .neg()
}
