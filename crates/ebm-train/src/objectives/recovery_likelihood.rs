//! Diffusion recovery likelihood: what data were before their last noise, level by level.

use burn::tensor::{Int, Tensor};
use ebm_models::Energy;
use ebm_ops::lift;
use ebm_sampling::langevin::Langevin;
use ebm_sampling::noise_levels::{NoiseLevels, RecoveryEnergy};
use ebm_sampling::run;

use super::{Loss, Objective, Points, Update};
use crate::metrics::Scalar;

/// The likelihood of data at a level of noise given them at the level above, each example at a
/// level of its own, drawn anew in each update (Gao, Song, Poole, Wu & Kingma 2021, "Learning
/// energy-based models by diffusion recovery likelihood", algorithm 1).
///
/// With the `x_t` of [`NoiseLevels`], `y_t = a_t x_t` and `x_(t+1) = y_t + d_t e`, the loss of an
/// example is `E(y_t, t) - E(y', t)`, where `y'` ends a Langevin chain at temperature 1 on
/// `E(y, t) + |x_(t+1) - y|^2 / (2 d_t^2)` that started at `x_(t+1)`. That density is nearly
/// Gaussian, so that short chains sample it and none outlives an update.
///
/// The model takes one more entry of dimension 1 than the examples have: the level. Its density of
/// the data is [`NoiseLevels::data_energy`], and [`NoiseLevels::sample`] draws from it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RecoveryLikelihood {
    levels: NoiseLevels,
    transitions: usize,
    step_size: f64,
}

impl RecoveryLikelihood {
    /// By chains of 30 transitions with steps of 0.3 in units of the narrowest density.
    pub fn new(levels: NoiseLevels) -> Self {
        Self {
            levels,
            transitions: 30,
            step_size: 0.3,
        }
    }

    /// The same by chains of so many transitions.
    #[must_use]
    pub fn with_transitions(mut self, transitions: usize) -> Self {
        self.transitions = transitions;
        self
    }

    /// The same with steps of another size, in units of the squared width of the narrowest density
    /// that there can be, the inverse of [`NoiseLevels::fall`]. At 2 steps are unstable, and as
    /// chains that overshoot make the energy steeper, training must stay well below it.
    #[must_use]
    pub fn with_step_size(mut self, step_size: f64) -> Self {
        self.step_size = step_size;
        self
    }

    /// What moves chains in training, and from level to level.
    pub fn kernel(&self) -> Langevin {
        Langevin::at_temperature(self.step_size / self.levels.fall(), 1.0)
    }
}

impl<M: Energy<D>, const D: usize> Objective<M, D> for RecoveryLikelihood {
    fn choose_points(&self, update: &mut Update<'_, M, D>) -> Points<D> {
        let data = update.data();
        let (shape, device) = (data.dims(), data.device());
        let levels = self.levels;
        let noise = update.noise();
        let drawn: Tensor<1, Int> = noise.indices(shape[0], levels.count(), &device);
        let of_each =
            |value: fn(&NoiseLevels, usize) -> f64| levels.select(value, drawn.clone(), &data);
        let signal = of_each(NoiseLevels::signal);
        let noise_here = signal.clone().square().neg().add_scalar(1.0).sqrt();
        let [first, second]: [Tensor<D>; 2] = [(); 2].map(|()| noise.normal(shape, &device));
        let x = data.clone() * signal + first * noise_here;
        let y = x * of_each(NoiseLevels::scale);
        let noisier = y.clone() + second * of_each(NoiseLevels::step_noise);

        let model = update.model();
        let energy = RecoveryEnergy::new(levels, model, drawn, noisier);
        let start = Tensor::zeros(shape, &device);
        let chains = run(
            &self.kernel(),
            &energy,
            start,
            self.transitions,
            update.noise(),
        );
        if let Some(resets) = chains.resets() {
            update.tell(Scalar::RESETS, resets.sum());
        }
        let samples = energy.position(chains.position);
        let x = Tensor::cat(vec![energy.with_level(y), energy.with_level(samples)], 0);
        let (count, step_noises) = (shape[0], energy.step_noises());
        Points::new(x, move |energies| {
            let step_noises = lift(step_noises.clone(), &energies);
            let mean = |part: Tensor<1>| (part / step_noises.clone()).mean();
            let data_energy = mean(energies.clone().slice(0..count));
            let sample_energy = mean(energies.slice(count..2 * count));
            Loss {
                value: data_energy.clone() - sample_energy.clone(),
                scalars: vec![
                    (Scalar::DATA_ENERGY, data_energy),
                    (Scalar::SAMPLE_ENERGY, sample_energy),
                ],
            }
        })
    }
}
