//! Exact draws of a target still follow it after a few steps of every adjusted kernel.
#![allow(clippy::unwrap_used)]

mod common;
mod targets;

use burn::tensor::{Device, Tensor};
use common::values;
use ebm_models::Energy;
use ebm_ops::Noise;
use ebm_sampling::adaptation::{StepSize, adapt_step_size, chees_adaptation, window_adaptation};
use ebm_sampling::density::NormalDensity;
use ebm_sampling::hamiltonian::HamiltonianMonteCarlo;
use ebm_sampling::metropolis_hastings::{
    Independence, Mala, MetropolisHastings, RandomWalkMetropolis, UniformWalk,
};
use ebm_sampling::{Kernel, run};
use targets::{Banana, Funnel, Gaussian, assert_independent, quantiles_of_normal};

const CHAINS: usize = 10_000;

/// A target with `CHAINS` draws of it, and functions of two values that are standard normal under
/// it.
struct Known<'a, E> {
    energy: E,
    draws: Tensor<2>,
    normals: &'a [&'a dyn Fn(f64, f64) -> f64],
}

impl<E: Energy<2>> Known<'_, E> {
    /// Five steps on, within five standard errors of independent chains, 5.7e-7 each. The share of
    /// accepted proposals is neither 0 nor 1, so that chains moved and rejections decided.
    fn assert_stays<K: Kernel<E, Tensor<2>>>(&self, kernel: &K, what: &str) {
        let mut noise = Noise::new(2);
        let after = run(kernel, &self.energy, self.draws.clone(), 5, &mut noise);
        let share = values(after.acceptance().unwrap().mean())[0];
        assert!((0.1..0.99).contains(&share), "{what}: accepted {share}");
        let dimensions = self.draws.dims()[1];
        let x = values(after.position);
        for (index, normal) in self.normals.iter().enumerate() {
            let z = x.chunks(dimensions).map(|x| normal(x[0], x[1])).collect();
            let what = format!("{what}, normal {index}");
            assert_independent(z, 0.0, 1.0, &quantiles_of_normal(0.0, 1.0), &what);
        }
    }

    /// Kernels of these scales, and what warm-ups from them make.
    fn assert_kernels_stay(&self, [walk, mala, hamiltonian]: [f64; 3], envelope: [f64; 2]) {
        let walk = RandomWalkMetropolis::new(walk);
        self.assert_stays(&walk, "random walk");
        let box_walk = UniformWalk {
            half_width: 1.5 * walk.proposal.scale,
        };
        self.assert_stays(&MetropolisHastings::proposing(box_walk), "uniform walk");
        let mala = Mala::new(mala);
        self.assert_stays(&mala, "MALA");
        let hamiltonian = HamiltonianMonteCarlo::new(hamiltonian, 4);
        self.assert_stays(&hamiltonian, "HMC");
        let dimensions = self.draws.dims()[1];
        if dimensions == 2 {
            let density = NormalDensity::new(&[0.0; 2], &envelope, &[2], &Device::flex());
            let independence = MetropolisHastings::proposing(Independence { density });
            self.assert_stays(&independence, "independence");
        }

        let mut noise = Noise::new(3);
        let start = || self.draws.clone().narrow(0, 0, 64);
        let target = Mala::TARGET_ACCEPTANCE;
        let (tuned, _) = adapt_step_size(&mala, &self.energy, start(), 80, target, &mut noise);
        self.assert_stays(&tuned, "adapted MALA");
        let random = hamiltonian.clone().with_random_length();
        let (tuned, _) = window_adaptation(&random, &self.energy, start(), 60, 0.8, &mut noise);
        assert!(tuned.inverse_mass_matrix.is_some());
        self.assert_stays(&tuned, "HMC adapted in windows");
        let (tuned, _) = chees_adaptation(&tuned, &self.energy, start(), 60, 0.651, &mut noise);
        self.assert_stays(&tuned, "ChEES");
    }
}

#[test]
fn at_a_correlated_gaussian() {
    let energy = Gaussian::turned(0.1, [0.0; 2], &Device::flex());
    let along = |[a, b]: [f64; 2], std: f64| move |x: f64, y: f64| (a * x + b * y) / std;
    let [wide, thin] = Gaussian::DIRECTIONS;
    Known {
        draws: energy.draw(CHAINS, &mut Noise::new(1)),
        normals: &[&along(wide, 1.0), &along(thin, 0.1)],
        energy,
    }
    .assert_kernels_stay([0.25, 0.006, 0.12], [1.0, 0.7]);
}

#[test]
fn at_a_banana() {
    Known {
        energy: Banana {},
        draws: Banana::draw(CHAINS, &Device::flex(), &mut Noise::new(2)),
        normals: &[&|x, _| x, &Banana::straightened],
    }
    .assert_kernels_stay([0.7, 0.06, 0.25], [1.5, 2.5]);
}

/// Neal's own: chains from exact draws are everywhere, in the neck too, where most proposals are
/// rejected.
#[test]
fn at_a_funnel() {
    let energy = Funnel { spread: 3.0 };
    Known {
        draws: energy.draw(CHAINS, 4, &Device::flex(), &mut Noise::new(3)),
        normals: &[&|v, _| v / 3.0, &|v, x| x * (-0.5 * v).exp()],
        energy,
    }
    .assert_kernels_stay([0.7, 0.06, 0.3], [1.0; 2]);
}
