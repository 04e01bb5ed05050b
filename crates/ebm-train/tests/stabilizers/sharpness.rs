//! Sharpness-aware steps on a quadratic.

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};
use ebm_models::Energy;
use ebm_ops::Noise;
use ebm_train::recipe::{OptimizerConfig, ScheduleConfig};
use ebm_train::{Examples, Loss, Objective, Points, Trainable, Trainer, Update};

use crate::common::{floats, recipe};
use crate::{assert_close, line};

/// `E(x) = (2 a^2 + b_1^2 + 3 b_2^2) / 2` wherever `x` is.
#[derive(Module, Debug)]
struct Bowl {
    a: Param<Tensor<1>>,
    b: Param<Tensor<1>>,
}

impl Energy<2> for Bowl {
    fn energy(&self, x: Tensor<2>) -> Tensor<1> {
        let curvature = line(&[1.0, 3.0]).autodiff();
        let height =
            self.a.val().square().sum() + (self.b.val().square() * curvature).sum().div_scalar(2.0);
        x.sum_dim(1).squeeze_dim::<1>(1).mul_scalar(0.0) + height
    }
}

impl Trainable<2> for Bowl {}

/// The mean energy of the data.
struct Descend;

impl<M: Energy<2>> Objective<M, 2> for Descend {
    fn choose_points(&self, update: &mut Update<'_, M, 2>) -> Points<2> {
        Points::new(update.data(), |energies| Loss {
            value: energies.mean(),
            scalars: Vec::new(),
        })
    }
}

#[test]
fn sharpness_aware_steps_are_those_computed_by_hand() {
    let device = Device::flex();
    let (radius, rate) = (0.5_f64, 0.1_f64);
    let (start, curvature) = ([1.0_f64, -2.0, 0.5], [2.0_f64, 1.0, 3.0]);
    for clip in [None, Some(1.0_f64)] {
        let mut optimizer = OptimizerConfig::sgd(rate).with_sharpness_radius(radius);
        if let Some(limit) = clip {
            optimizer = optimizer.with_gradient_clip(limit);
        }
        let recipe = recipe().with_batch_size(4).with_optimizer(optimizer);
        let recipe = recipe.with_schedule(ScheduleConfig::constant());
        let model = Bowl {
            a: Param::from_tensor(line(&[1.0])),
            b: Param::from_tensor(line(&[-2.0, 0.5])),
        };
        let examples = Examples::from_tensor(Tensor::zeros([8, 2], &device));
        let builder = Trainer::builder(recipe).with_objective(Descend);
        let mut trainer = builder.build(model, examples, Noise::new(1)).unwrap();
        let mut w = start;
        for _ in 0..3 {
            let gradient = |w: [f64; 3]| [0, 1, 2].map(|index| curvature[index] * w[index]);
            let size = |g: [f64; 3]| g.iter().map(|g| g * g).sum::<f64>().sqrt();
            let height = |w: [f64; 3]| {
                let squares = w.iter().zip(curvature).map(|(w, c)| c * w * w);
                squares.sum::<f64>() / 2.0
            };
            let here = gradient(w);
            let above = [0, 1, 2].map(|index| w[index] + radius * here[index] / size(here));
            let there = gradient(above);
            let factor = clip.map_or(1.0, |limit| (limit / size(there)).min(1.0));
            // The loss is that of the weights, the gradient that of the sharpest point.
            let (loss, norm) = (height(w), size(there));
            w = [0, 1, 2].map(|index| w[index] - rate * factor * there[index]);

            let outcome = trainer.step();
            let metrics = outcome.metrics();
            assert_close(
                &[metrics.loss as f32, metrics.gradient_norm as f32],
                &[loss as f32, norm as f32],
                1e-5,
                "loss and norm",
            );
            let mut found = floats(trainer.model().a.val().inner());
            found.extend(floats(trainer.model().b.val().inner()));
            assert_close(&found, &w.map(|w| w as f32), 1e-6, "weights");
        }
    }
}
