//! Mean-field inference in machines with layers, and the bound of the likelihood that it gives.

use burn::tensor::Tensor;
use ebm_ops::activation::sigmoid;

use super::layers::Layers;

/// How far mean-field inference goes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MeanField {
    /// It stops where no mean moves by more than this. With 0 it makes all steps without looking,
    /// and reads nothing back from the device.
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

impl Layers {
    /// The means of the fully factorised `q(h | v)` that bounds `log p(v)` best: the visible units,
    /// then the means of each hidden layer.
    ///
    /// It starts with one pass up. On the way the input of each layer from below is doubled, in
    /// place of the input from above that is still missing. Then it repeats
    /// `mu_l = sigmoid(c_l + mu_{l-1} W_{l-1} + mu_{l+1} W_l^T)` over the layers, first the odd
    /// ones and then the even ones, which never lowers the bound (Salakhutdinov & Hinton 2009,
    /// section 3.2).
    ///
    /// `until` says how far it goes. It also ends before a round where `interrupted` says true;
    /// what it gives then are the means so far. `&mut || false` is never interrupted.
    ///
    /// # Shapes
    ///
    /// - `visible`: `[batch, visible]`
    /// - output: for each layer `[batch, units]`
    pub fn mean_field(
        &self,
        visible: Tensor<2>,
        until: &MeanField,
        interrupted: &mut dyn FnMut() -> bool,
    ) -> Vec<Tensor<2>> {
        let last = self.count() - 1;
        let below_first = self.from_below(1, visible.clone());
        let bias = |l: usize| self.bias(l).unsqueeze();
        // The visible units don't change, and neither does what they send.
        let below = |l: usize, means: &[Tensor<2>]| match l {
            1 => below_first.clone(),
            _ => self.from_below(l, means[l - 1].clone()),
        };
        let mut means = vec![visible];
        for l in 1..=last {
            let copies = if l < last { 2.0 } else { 1.0 };
            let field = below(l, &means).mul_scalar(copies) + bias(l);
            means.push(sigmoid(field));
        }
        for _ in 0..until.max_steps {
            if interrupted() {
                break;
            }
            let mut moved: Vec<Tensor<1>> = Vec::new();
            for l in (1..=last).step_by(2).chain((2..=last).step_by(2)) {
                let mut field = bias(l) + below(l, &means);
                if l < last {
                    field = field + self.from_above(l, means[l + 1].clone());
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

    /// The variational bound without the partition function, `L(v) + log Z <= log p(v) + log Z`:
    /// `-E(v, mu) + sum_i H(mu_i)` at means of the hidden units, as
    /// [`mean_field`](Self::mean_field) gives them: `[batch]`.
    ///
    /// `E(v, mu)` is the mean energy under `q`, since the energy is linear in each hidden unit.
    pub fn unnormalized_bound(&self, means: &[Tensor<2>]) -> Tensor<1> {
        let mut bound = self.energy(means).neg();
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
