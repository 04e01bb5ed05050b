//! Energies over a few sites of a few values: probabilities, exact draws, transition matrices.
#![allow(dead_code)] // each test file uses a part

use burn::tensor::{Device, Tensor};
use ebm_models::Energy;
use ebm_ops::Noise;
use ebm_sampling::Kernel;
use ebm_testing::states::States;
#[allow(unused_imports)]
pub(crate) use ebm_testing::{
    chi_square,
    states::{CODINGS, two_values},
};

use crate::common::{assert_chi_square, tensor, values};

/// Row by row, `[from][to]`.
pub(crate) type Matrix = Vec<Vec<f64>>;

/// All states of some sites, with their energies.
pub(crate) struct Finite {
    pub(crate) states: States,
    pub(crate) energies: Vec<f64>,
}

impl Finite {
    /// Energies by a formula of the host.
    pub(crate) fn of_formula(values: &[f64], sites: usize, energy: impl Fn(&[f64]) -> f64) -> Self {
        let states = States::new(values, sites);
        let energies = states.all().iter().map(|state| energy(state)).collect();
        Self { states, energies }
    }

    /// Energies as a model gives them, for models whose energies are tested elsewhere.
    pub(crate) fn of_model<E: Energy<2>>(
        values: &[f64],
        sites: usize,
        energy: &E,
        device: &Device,
    ) -> Self {
        let mut finite = Self::of_formula(values, sites, |_| 0.0);
        let all = tensor(
            &finite.states.all().concat(),
            [finite.count(), sites],
            device,
        );
        finite.energies = self::values(energy.energy(all));
        finite
    }

    pub(crate) fn count(&self) -> usize {
        self.energies.len()
    }

    pub(crate) fn state(&self, index: usize) -> Vec<f64> {
        self.states.state(index)
    }

    pub(crate) fn indices<const D: usize>(&self, states: Tensor<D>) -> Vec<usize> {
        self.states.numbers(states)
    }

    /// `exp(-E / temperature)`, normalised.
    pub(crate) fn probabilities(&self, temperature: f64) -> Vec<f64> {
        let lowest = self.energies.iter().copied().fold(f64::INFINITY, f64::min);
        let weight = |energy: &f64| ((lowest - energy) / temperature).exp();
        let sum: f64 = self.energies.iter().map(weight).sum();
        self.energies.iter().map(|e| weight(e) / sum).collect()
    }

    /// Exact draws: `[count, sites]`.
    pub(crate) fn draws(
        &self,
        probabilities: &[f64],
        count: usize,
        device: &Device,
        noise: &mut Noise,
    ) -> Tensor<2> {
        self.states.draw(probabilities, count, device, noise)
    }

    /// Fails where states don't follow the probabilities; false-positive rate 2.9e-7.
    pub(crate) fn assert_distribution<const D: usize>(
        &self,
        states: Tensor<D>,
        probabilities: &[f64],
        what: &str,
    ) {
        let (statistic, cells) = chi_square(&self.states.counts(states), probabilities);
        assert!(cells >= 4.0, "{what}: {cells} cells");
        assert_chi_square(statistic, cells - 1.0, what);
    }

    /// The transition matrix of Metropolis-Hastings with the proposal `q[from][to]`, by its
    /// formula: `P_ij = min(q_ij, q_ji exp(-(E_j - E_i) / T))` for `i != j`.
    pub(crate) fn metropolis_hastings(&self, temperature: f64, q: &Matrix) -> Matrix {
        let n = self.count();
        let mut matrix = vec![vec![0.0; n]; n];
        for (i, row) in matrix.iter_mut().enumerate() {
            for j in (0..n).filter(|&j| j != i) {
                let fall = (self.energies[i] - self.energies[j]) / temperature;
                row[j] = q[i][j].min(q[j][i] * fall.exp());
            }
            row[i] = 1.0 - row.iter().sum::<f64>();
        }
        matrix
    }

    /// `q[from][to]` for `flips` flipped units, every set equally likely.
    pub(crate) fn flips(&self, flips: usize) -> Matrix {
        let n = self.count();
        let distance = |i: usize, j: usize| (i ^ j).count_ones() as usize == flips;
        (0..n)
            .map(|i| {
                let sets = (0..n).filter(|&j| distance(i, j)).count() as f64;
                (0..n)
                    .map(|j| f64::from(u8::from(distance(i, j))) / sets)
                    .collect()
            })
            .collect()
    }

    /// How often chains went from each state to each, with `repeats` chains in every state.
    pub(crate) fn transitions<E, K: Kernel<E, Tensor<2>>>(
        &self,
        kernel: &K,
        energy: &E,
        repeats: usize,
        device: &Device,
        noise: &mut Noise,
    ) -> Matrix {
        let from: Vec<usize> = (0..repeats).flat_map(|_| 0..self.count()).collect();
        let start: Vec<f64> = from.iter().flat_map(|&i| self.state(i)).collect();
        let start = tensor(&start, [from.len(), self.states.sites], device);
        let state = kernel.init(energy, start);
        let (state, _) = kernel.step(energy, state, noise);
        let mut counts = vec![vec![0.0; self.count()]; self.count()];
        for (from, to) in from.iter().zip(self.indices(kernel.position(&state))) {
            counts[*from][to] += 1.0;
        }
        counts
    }
}

/// Fails where transitions don't follow their matrix, each row by itself; false-positive rate
/// 2.9e-7.
pub(crate) fn assert_transitions(counts: &Matrix, matrix: &Matrix, what: &str) {
    let (mut statistic, mut freedom) = (0.0, 0.0);
    for (counts, row) in counts.iter().zip(matrix) {
        let (of_row, cells) = chi_square(counts, row);
        statistic += of_row;
        freedom += f64::max(cells - 1.0, 0.0);
    }
    assert!(freedom >= 1.5 * matrix.len() as f64, "{what}: {freedom}");
    assert_chi_square(statistic, freedom, what);
}

/// `E(x) = (a . x)^3 + (b . x)^2 + c . x`: not linear in a unit, so that a gradient tells a flip
/// only to first order.
#[derive(Clone, Debug)]
pub(crate) struct Cubic {
    /// `a`, `b` and `c` as columns: `[units, 3]`.
    directions: Tensor<2>,
    host: Vec<f64>,
}

impl Cubic {
    pub(crate) fn random(units: usize, device: &Device, noise: &mut Noise) -> Self {
        let draws: Tensor<2> = noise.normal([units, 3], device);
        let directions = draws.mul_scalar(0.4);
        Self {
            host: values(directions.clone()),
            directions,
        }
    }

    fn projections(&self, x: &[f64]) -> [f64; 3] {
        let column = |k: usize| {
            let terms = self.host.iter().skip(k).step_by(3).zip(x);
            terms.map(|(w, x)| w * x).sum()
        };
        [column(0), column(1), column(2)]
    }

    pub(crate) fn at(&self, x: &[f64]) -> f64 {
        let [a, b, c] = self.projections(x);
        a.powi(3) + b * b + c
    }

    pub(crate) fn gradient(&self, x: &[f64]) -> Vec<f64> {
        let [a, b, _] = self.projections(x);
        self.host
            .chunks(3)
            .map(|w| 3.0 * a * a * w[0] + 2.0 * b * w[1] + w[2])
            .collect()
    }
}

impl<const D: usize> Energy<D> for Cubic {
    fn energy(&self, x: Tensor<D>) -> Tensor<1> {
        let units = self.host.len() / 3;
        let batch = x.dims()[0];
        let projections = x.reshape([batch, units]).matmul(self.directions.clone());
        let column = |k: usize| -> Tensor<1> { projections.clone().narrow(1, k, 1).squeeze_dim(1) };
        column(0).powi_scalar(3) + column(1).square() + column(2)
    }
}
