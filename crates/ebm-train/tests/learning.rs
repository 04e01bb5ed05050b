//! The trainer learns: a density in the plane is recovered from points alone.
#![allow(clippy::unwrap_used)]

mod common;

use burn::tensor::{Device, Tensor, TensorData};
use common::{floats, recipe};
use ebm_models::{Energy, Mlp, MlpConfig};
use ebm_ops::Noise;
use ebm_train::recipe::LangevinConfig;
use ebm_train::{Examples, StepOutcome, Trainer};

/// Two normal distributions of equal weight around `(+-1, 0)`.
struct Mixture {
    std: [f64; 2],
}

impl Mixture {
    fn draw(&self, count: usize, noise: &mut Noise, device: &Device) -> Tensor<2> {
        let normals: Tensor<2> = noise.normal([count, 2], device);
        let std = Tensor::<1>::from_floats(self.std.map(|std| std as f32), device);
        let side = noise
            .bernoulli(Tensor::<1>::full([count], 0.5, device))
            .mul_scalar(2.0)
            .sub_scalar(1.0);
        let zero = side.zeros_like();
        let centers: Tensor<2> = Tensor::stack(vec![side, zero], 1);
        normals * std.unsqueeze() + centers
    }

    fn density(&self, [x, y]: [f64; 2]) -> f64 {
        let normal = |x: f64, std: f64| {
            (-0.5 * (x / std).powi(2)).exp() / (std * (2.0 * std::f64::consts::PI).sqrt())
        };
        let [a, b] = self.std;
        0.5 * (normal(x - 1.0, a) + normal(x + 1.0, a)) * normal(y, b)
    }
}

/// The Kullback-Leibler divergence from the mixture to the model, in nats, and the model's mean of
/// `x^2` and `y^2`, by summation over a grid that holds all of the mass.
fn compare(mixture: &Mixture, model: &Mlp, device: &Device) -> (f64, [f64; 2]) {
    const SIDE: usize = 81;
    let place = |index: usize| 8.0 * (index as f64 / (SIDE - 1) as f64 - 0.5);
    let points: Vec<[f64; 2]> = (0..SIDE * SIDE)
        .map(|index| [place(index / SIDE), place(index % SIDE)])
        .collect();
    let values: Vec<f32> = points.iter().flatten().map(|&x| x as f32).collect();
    let grid = Tensor::<2>::from_data(TensorData::new(values, [SIDE * SIDE, 2]), device);
    let energies: Vec<f64> = floats(model.energy(grid))
        .into_iter()
        .map(f64::from)
        .collect();
    let lowest = energies.iter().copied().fold(f64::INFINITY, f64::min);
    let model_weights: Vec<f64> = energies
        .iter()
        .map(|energy| (lowest - energy).exp())
        .collect();
    let data_weights: Vec<f64> = points.iter().map(|&point| mixture.density(point)).collect();
    let (z_model, z_data): (f64, f64) = (model_weights.iter().sum(), data_weights.iter().sum());
    let mut divergence = 0.0;
    let mut moments = [0.0; 2];
    for ((point, p), q) in points.iter().zip(&data_weights).zip(&model_weights) {
        let (p, q) = (p / z_data, q / z_model);
        if p > 0.0 {
            divergence += p * (p / q.max(1e-300)).ln();
        }
        moments[0] += q * point[0] * point[0];
        moments[1] += q * point[1] * point[1];
    }
    (divergence, moments)
}

#[test]
fn a_mixture_of_two_normals_is_learned_as_a_density() {
    let device = Device::flex();
    let mixture = Mixture { std: [0.4, 0.6] };
    let mut noise = Noise::new(3);
    let model = MlpConfig::new(2, vec![32, 32]).init(&device, &mut noise);
    let points = mixture.draw(4000, &mut noise, &device);
    let langevin = LangevinConfig::new(10, 0.02).with_temperature(1.0);
    let recipe = recipe()
        .with_sampler(langevin.without_clamp())
        .with_moving_average(0.98);
    let steps = recipe.steps;
    let (before, _) = compare(&mixture, &model, &device);
    let mut trainer = Trainer::new(recipe, model, Examples::from_tensor(points), noise).unwrap();
    for _ in 0..steps {
        let outcome = trainer.step();
        assert!(matches!(outcome, StepOutcome::Applied(_)), "{outcome:?}");
    }
    let (after, [x2, y2]) = compare(&mixture, &trainer.sampling_model(), &device);
    // The true moments are 1 + 0.4^2 and 0.6^2. 4,000 points alone fix them to 1 % and 2 %.
    assert!(before > 1.0, "it knew already: {before} nats");
    assert!(after < 0.03, "{after} nats from the data");
    assert!((x2 / 1.16 - 1.0).abs() < 0.15, "E[x^2] = {x2}");
    assert!((y2 / 0.36 - 1.0).abs() < 0.15, "E[y^2] = {y2}");
}
