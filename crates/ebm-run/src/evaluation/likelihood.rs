//! How likely a Boltzmann machine finds data, up to its partition function, and how well it makes them again.

use burn::tensor::{Tensor, activation};
use ebm_models::{Energy, LayeredMachine, PairwiseMachine, Rbm, VisibleUnits};
use ebm_ops::Noise;
use serde::Serialize;

use super::energies::{BATCH, finite, fully_visible, inferred};
use super::partition::Progress;
use crate::error::RunError;
use crate::kinds::AnyModel as Network;
use crate::run::floats;
use ebm_train::Examples;
use ebm_train::rows;

/// A mean over examples.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Estimate {
    /// The mean.
    pub mean: f64,
    /// Its standard error: the standard deviation over the root of the number of examples.
    pub standard_error: f64,
}

/// What a model says of a set of examples; all energies and logarithms in nats.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SetReport {
    /// The number of examples.
    pub examples: usize,
    /// `log p(x) + log Z`: exact (minus the free energy) for a restricted machine and networks, a variational lower bound
    /// for a deep one.
    pub unnormalized_log_likelihood: Estimate,
    /// The pseudo-log-likelihood `sum_i log p(x_i | the other pixels)`, one pixel drawn an example; `None` where the
    /// free energy isn't known or pixels aren't binary.
    pub pseudo_log_likelihood: Option<Estimate>,
    /// Mean squared difference, a pixel, of an example and what the machine makes of it in one pass up and down.
    pub reconstruction_error: Option<Estimate>,
    /// The energy of each example in its order, minus the above: `-log p(x) - log Z`, or its upper bound.
    #[serde(skip)]
    pub energies: Vec<f32>,
}

/// Looks at every example once. `noise` draws the pixels of the pseudo-likelihood.
///
/// # Errors
///
/// If examples haven't the shape of the model, or a result isn't finite.
pub fn evaluate(
    model: &Network,
    examples: &Examples<4>,
    noise: &mut Noise,
    progress: &mut Progress<'_>,
) -> Result<SetReport, RunError> {
    let count = examples.len();
    let mut likelihoods = Moments::default();
    let mut pseudo = Moments::default();
    let mut errors = Moments::default();
    let mut all = Vec::with_capacity(count);
    for batch in examples.batches(BATCH) {
        let energies = match model {
            Network::Rbm(rbm) => {
                let visible = rows(batch);
                let energies = rbm.energy(visible.clone());
                if rbm_is_binary(rbm) {
                    pseudo.add(pseudo_likelihood(
                        rbm,
                        visible.clone(),
                        energies.clone(),
                        noise,
                    ));
                }
                errors.add(squared_error(visible.clone(), rbm.reconstruction(visible)));
                energies
            }
            Network::Dbm(dbm) => {
                let visible = rows(batch);
                let (means, energies) = inferred(dbm, visible.clone());
                errors.add(squared_error(visible, dbm.visible_means(&means)));
                energies
            }
            Network::BoltzmannMachine(machine) => {
                let states = fully_visible(machine, batch)?;
                pseudo.add(site_pseudo_likelihood(machine, states.clone()));
                machine.joint_energy(states)
            }
            Network::Hopfield(machine) => {
                let states = fully_visible(machine, batch)?;
                pseudo.add(site_pseudo_likelihood(machine, states.clone()));
                machine.joint_energy(states)
            }
            Network::Mlp(_) | Network::ConvNet(_) => model.energy(batch),
        };
        likelihoods.add(energies.clone().neg());
        all.extend(floats(energies));
        progress("looking at examples", all.len() as u64, count as u64);
    }
    finite(&all, "the energy of an example")?;
    for estimate in [pseudo.estimate(), errors.estimate()].into_iter().flatten() {
        if !(estimate.mean.is_finite() && estimate.standard_error.is_finite()) {
            let what = "the pseudo-likelihood or the reconstruction error";
            return Err(RunError::NotFinite { what });
        }
    }
    Ok(SetReport {
        examples: count,
        unnormalized_log_likelihood: likelihoods.estimate().ok_or(RunError::NoExamples)?,
        pseudo_log_likelihood: pseudo.estimate(),
        reconstruction_error: errors.estimate(),
        energies: all,
    })
}

/// `sum_i log P(y_i | rest)`: all fields come from one product.
fn site_pseudo_likelihood<M: PairwiseMachine>(machine: &M, states: Tensor<2>) -> Tensor<1> {
    let coding = machine.coding();
    // +1 where a unit is high, -1 where it is low.
    let middle = (coding.low() + coding.high()) / 2.0;
    let signs = states.clone().sub_scalar(middle).sign();
    let margins = machine.fields(states).mul_scalar(coding.field_scale()) * signs;
    activation::log_sigmoid(margins).sum_dim(1).squeeze_dim(1)
}

fn rbm_is_binary(rbm: &Rbm) -> bool {
    rbm.visible_units() == VisibleUnits::Bernoulli
}

/// `n log p(x_i | rest)` for one pixel `i` of `n` drawn for each example, which has the pseudo-log-likelihood as its mean:
/// `log p(x_i | rest) = log sigmoid(F(x with i flipped) - F(x))`.
fn pseudo_likelihood(
    rbm: &Rbm,
    visible: Tensor<2>,
    energies: Tensor<1>,
    noise: &mut Noise,
) -> Tensor<1> {
    let [count, pixels] = visible.dims();
    let device = visible.device();
    let drawn = noise.indices(count, pixels, &device);
    let chosen: Tensor<2> = drawn.one_hot::<2>(pixels).float();
    // 1 - x where chosen, x elsewhere.
    let flip = visible.clone().mul_scalar(-2.0).add_scalar(1.0);
    let flipped = visible + chosen * flip;
    let difference = rbm.energy(flipped) - energies;
    activation::log_sigmoid(difference).mul_scalar(pixels as f64)
}

fn squared_error(examples: Tensor<2>, made: Tensor<2>) -> Tensor<1> {
    (examples - made).square().mean_dim(1).squeeze_dim(1)
}

/// Sums of values and of their squares around the first, in f64.
#[derive(Default)]
struct Moments {
    count: f64,
    first: f64,
    sum: f64,
    squares: f64,
}

impl Moments {
    fn add(&mut self, values: Tensor<1>) {
        for value in values.into_data().iter::<f64>() {
            if self.count == 0.0 {
                self.first = value;
            }
            // Around some value of their own size, so that the squares don't cancel.
            let value = value - self.first;
            self.count += 1.0;
            self.sum += value;
            self.squares += value * value;
        }
    }

    fn estimate(&self) -> Option<Estimate> {
        if self.count == 0.0 {
            return None;
        }
        let mean = self.sum / self.count;
        let variance = (self.squares - self.count * mean * mean) / (self.count - 1.0).max(1.0);
        Some(Estimate {
            mean: self.first + mean,
            standard_error: (variance.max(0.0) / self.count).sqrt(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Device;

    #[test]
    fn moments_are_those_of_the_textbook() {
        let device = Device::flex();
        let mut moments = Moments::default();
        assert_eq!(moments.estimate(), None);
        moments.add(Tensor::from_floats([1000.0, 1001.0], &device));
        moments.add(Tensor::from_floats([1002.0, 1005.0], &device));
        let estimate = moments.estimate().expect("there are values");
        assert_eq!(estimate.mean, 1002.0);
        // Variance (4 + 1 + 0 + 9) / 3, over 4 values.
        assert!((estimate.standard_error - (14.0_f64 / 12.0).sqrt()).abs() < 1e-12);
    }
}
