//! Draws of known targets by our adaptive samplers, and what gradients they took: our side of
//! `compare/samplers.py`.
#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout)]

mod common;

use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use burn::tensor::activation::softplus;
use burn::tensor::{Device, Tensor, TensorData};
use ebm::models::Energy;
use ebm::ops::Noise;
use ebm::sampling::adaptation::{chees_adaptation, window_adaptation};
use ebm::sampling::density::NormalDensity;
use ebm::sampling::hamiltonian::HamiltonianMonteCarlo;
use ebm::sampling::{Schedule, sample};

/// As in `compare/samplers.py`.
const CHAINS: usize = 16;
const WARMUP: usize = 400;
const DRAWS: usize = 1000;

/// An energy that counts how often it is asked: each leapfrog step of all chains is one.
#[derive(Clone, Debug)]
struct Counted<E> {
    energy: E,
    calls: Calls,
}

#[derive(Clone, Debug, Default)]
struct Calls(Arc<AtomicUsize>);

impl<E: Energy<2> + Clone> Energy<2> for Counted<E> {
    fn energy(&self, x: Tensor<2>) -> Tensor<1> {
        self.calls.0.fetch_add(1, Ordering::Relaxed);
        self.energy.energy(x)
    }
}

/// Two standard normals of correlation 0.95.
#[derive(Clone, Debug)]
struct Correlated {}

impl Energy<2> for Correlated {
    fn energy(&self, x: Tensor<2>) -> Tensor<1> {
        let r = 0.95;
        let squares: Tensor<1> = x.clone().square().sum_dim(1).squeeze_dim(1);
        let product: Tensor<1> = x.prod_dim(1).squeeze_dim(1);
        (squares - product.mul_scalar(2.0 * r)).div_scalar(2.0 * (1.0 - r * r))
    }
}

/// Neal's funnel with a mild neck: `v ~ N(0, 1)`, then four values `N(0, exp(v))`.
#[derive(Clone, Debug)]
struct Funnel {}

impl Energy<2> for Funnel {
    fn energy(&self, x: Tensor<2>) -> Tensor<1> {
        let v = x.clone().narrow(1, 0, 1);
        let squares = x.narrow(1, 1, 4).square().sum_dim(1);
        let terms = squares * v.clone().neg().exp() + v.clone().mul_scalar(4.0) + v.square();
        terms.mul_scalar(0.5).squeeze_dim(1)
    }
}

/// Ten values, multivariate Student t with five degrees of freedom.
#[derive(Clone, Debug)]
struct Student {}

impl Energy<2> for Student {
    fn energy(&self, x: Tensor<2>) -> Tensor<1> {
        let squares: Tensor<1> = x.square().sum_dim(1).squeeze_dim(1);
        squares.div_scalar(5.0).log1p().mul_scalar(7.5)
    }
}

/// The posterior of five coefficients of a logistic regression with the prior `N(0, 2.5^2)`.
#[derive(Clone, Debug)]
struct Logistic {
    /// `[5, 200]`, turned about for negative observations:
    /// `E(b) = sum_i softplus(-b s_i x_i) + |b|^2 / 12.5`.
    signed: Tensor<2>,
}

impl Logistic {
    /// Observations by formulas, the same in either program.
    fn new(device: &Device) -> Self {
        let (features, observations) = (5, 200);
        let coefficients = [-0.5, 1.0, -1.0, 0.5, 2.0];
        let mut signed = vec![0.0_f32; features * observations];
        for i in 1..=observations {
            let t = i as f64;
            let base = (1.7 * t).sin();
            let x = [
                1.0,
                base,
                base + 0.5 * (2.9 * t).cos(),
                3.0 * (0.7 * t).cos(),
                0.3 * (4.1 * t).sin(),
            ];
            let logit: f64 = x.iter().zip(coefficients).map(|(x, b)| x * b).sum();
            let u = (t * 0.618_033_988_749_894_9).fract();
            let sign = if u < 1.0 / (1.0 + (-logit).exp()) {
                1.0
            } else {
                -1.0
            };
            for (j, x) in x.iter().enumerate() {
                signed[j * observations + i - 1] = (sign * x) as f32;
            }
        }
        let data = TensorData::new(signed, [features, observations]);
        Self {
            signed: Tensor::from_data(data, device),
        }
    }
}

impl Energy<2> for Logistic {
    fn energy(&self, b: Tensor<2>) -> Tensor<1> {
        let logits = b.clone().matmul(self.signed.clone());
        let terms = softplus(logits.neg(), 1.0).sum_dim(1) + b.square().sum_dim(1).div_scalar(12.5);
        terms.squeeze_dim(1)
    }
}

/// What one seed gives: a file of draws, and a line
/// `target, method, seed, gradients of all chains`.
struct Report<'a, E> {
    target: &'a str,
    energy: Counted<E>,
    seed: u64,
    folder: &'a PathBuf,
}

impl<E: Energy<2> + Clone> Report<'_, E> {
    fn write(
        &self,
        method: &str,
        kernel: &HamiltonianMonteCarlo,
        position: Tensor<2>,
        noise: &mut Noise,
    ) {
        let calls = &self.energy.calls.0;
        calls.store(0, Ordering::Relaxed);
        let schedule = Schedule::new(0, DRAWS);
        let (draws, _) = sample(kernel, &self.energy, position, schedule, noise);
        let gradients = calls.load(Ordering::Relaxed) * CHAINS;
        let (target, seed) = (self.target, self.seed);
        let path = self.folder.join(format!("{target}.{method}.{seed}.npy"));
        draws.write_npy(File::create(path).unwrap()).unwrap();
        println!("{target}\t{method}\t{seed}\t{gradients}");
    }

    /// `steps` are the leapfrog steps of the trajectories whose length isn't learnt.
    fn all(&self, dimensions: usize, steps: usize, device: &Device) {
        let mut noise = Noise::new(self.seed);
        let start: Tensor<2> = noise.normal([CHAINS, dimensions], device);
        let fixed = HamiltonianMonteCarlo::new(1.0, steps);
        let random = fixed.clone().with_random_length();
        let window = |kernel: &HamiltonianMonteCarlo, count, noise: &mut Noise| {
            window_adaptation(kernel, &self.energy, start.clone(), count, 0.8, noise)
        };
        for (method, kernel) in [("hmc", &fixed), ("hmc_random", &random)] {
            let (kernel, warm) = window(kernel, WARMUP, &mut noise);
            self.write(method, &kernel, warm.position, &mut noise);
        }
        let first = HamiltonianMonteCarlo::new(0.1, 1);
        let chees = |kernel: &HamiltonianMonteCarlo, from, count, noise: &mut Noise| {
            chees_adaptation(kernel, &self.energy, from, count, 0.651, noise)
        };
        let (kernel, warm) = chees(&first, start.clone(), WARMUP, &mut noise);
        self.write("chees", &kernel, warm.position, &mut noise);
        let (mut kernel, warm) = window(&random, WARMUP / 2, &mut noise);
        kernel.leapfrog_steps = 2;
        let (kernel, warm) = chees(&kernel, warm.position, WARMUP / 2, &mut noise);
        self.write("chees_metric", &kernel, warm.position, &mut noise);
    }
}

/// One process a target and seed would do as well; all are quick.
fn report<E: Energy<2> + Clone>(
    target: &str,
    energy: E,
    (dimensions, steps): (usize, usize),
    (seeds, folder): (u64, &PathBuf),
    device: &Device,
) {
    for seed in 1..=seeds {
        let energy = Counted {
            energy: energy.clone(),
            calls: Calls::default(),
        };
        Report {
            target,
            energy,
            seed,
            folder,
        }
        .all(dimensions, steps, device);
    }
}

fn main() {
    // Cargo adds `--bench`.
    let mut arguments = std::env::args()
        .skip(1)
        .filter(|argument| argument != "--bench");
    let (Some(folder), Some(seeds)) = (arguments.next(), arguments.next()) else {
        println!("samplers: run by benches/compare/samplers.py, or with -- FOLDER SEEDS");
        return;
    };
    let (folder, seeds) = (PathBuf::from(folder), seeds.parse().unwrap());
    let (device, to) = (common::device(), (seeds, &folder));
    let std: Vec<f64> = (0..50)
        .map(|i| 10.0_f64.powf(-1.0 + 2.0 * f64::from(i) / 49.0))
        .collect();
    let wide = NormalDensity::new(&[0.5; 50], &std, &[50], &device);
    report("gaussian_50", wide, (50, 4), to, &device);
    report("correlated_2", Correlated {}, (2, 8), to, &device);
    report("funnel_5", Funnel {}, (5, 8), to, &device);
    report("logistic_5", Logistic::new(&device), (5, 4), to, &device);
    report("student_10", Student {}, (10, 4), to, &device);
}
