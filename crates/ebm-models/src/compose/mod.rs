//! Compositions of energies, themselves energies: weighted sums, mixtures and negations.

mod module;

use burn::tensor::Tensor;

use crate::energy::Energy;
use crate::structure::Structure;

/// Several models held together: a `Vec` of one type, or a tuple of two to four types.
pub trait Group {
    /// The number of models.
    fn count(&self) -> usize;
}

/// Several energies over the same configurations.
pub trait Terms<const D: usize>: Group + Sync {
    /// The energies of a batch, one `[batch]` a model.
    fn energies(&self, x: Tensor<D>) -> Vec<Tensor<1>>;

    /// What each model is made of.
    fn structures(&self) -> Vec<Structure>;
}

impl<M> Group for Vec<M> {
    fn count(&self) -> usize {
        self.len()
    }
}

impl<const D: usize, E: Energy<D>> Terms<D> for Vec<E> {
    fn energies(&self, x: Tensor<D>) -> Vec<Tensor<1>> {
        self.iter().map(|model| model.energy(x.clone())).collect()
    }

    fn structures(&self) -> Vec<Structure> {
        self.iter().map(Energy::<D>::structure).collect()
    }
}

macro_rules! tuple_terms {
    ($count:literal: $($model:ident . $index:tt),+) => {
        impl<$($model),+> Group for ($($model,)+) {
            fn count(&self) -> usize {
                $count
            }
        }

        impl<const D: usize, $($model: Energy<D>),+> Terms<D> for ($($model,)+) {
            fn energies(&self, x: Tensor<D>) -> Vec<Tensor<1>> {
                vec![$(self.$index.energy(x.clone())),+]
            }

            fn structures(&self) -> Vec<Structure> {
                vec![$(self.$index.structure()),+]
            }
        }
    };
}

tuple_terms!(2: A.0, B.1);
tuple_terms!(3: A.0, B.1, C.2);
tuple_terms!(4: A.0, B.1, C.2, F.3);

/// A product of experts, `E(x) = sum_k w_k E_k(x)`, so `p(x) ∝ prod_k p_k(x)^w_k` (Hinton 2002).
///
/// A configuration is likely only where every expert finds it likely. An expert with a negative
/// weight makes likely what it finds unlikely. One model with weight `1 / T` is that model at
/// temperature `T`.
#[derive(Clone, Debug)]
pub struct WeightedSum<M> {
    terms: M,
    weights: Vec<f64>,
}

impl<M> WeightedSum<M> {
    /// Combines `terms` with one weight each.
    ///
    /// # Panics
    ///
    /// If the number of weights is not the number of models, or is zero.
    pub fn new(terms: M, weights: Vec<f64>) -> Self
    where
        M: Group,
    {
        check_counts(terms.count(), weights.len());
        Self { terms, weights }
    }
}

impl<const D: usize, M: Terms<D>> Energy<D> for WeightedSum<M> {
    fn energy(&self, x: Tensor<D>) -> Tensor<1> {
        let weighted = self
            .terms
            .energies(x)
            .into_iter()
            .zip(&self.weights)
            .map(|(energy, &weight)| energy.mul_scalar(weight));
        sum(weighted)
    }

    /// A product of restricted machines on the same Bernoulli units, with whole weights of 1 to 16,
    /// is a restricted machine. A sum of pairwise machines of the same units and coding is a
    /// pairwise machine, whatever the weights. Other sums are smooth.
    fn structure(&self) -> Structure {
        Structure::weighted_sum(&self.terms.structures(), &self.weights)
    }
}

/// A mixture, `E(x) = -log sum_k w_k exp(-E_k(x))`: a configuration is likely where any component
/// finds it likely.
///
/// The weights multiply *unnormalised* densities: the share of component `k` in the mixture is
/// `w_k Z_k / sum_j w_j Z_j`, and equals `w_k` only if all `Z_k` are equal.
#[derive(Clone, Debug)]
pub struct Mixture<M> {
    terms: M,
    log_weights: Vec<f64>,
}

impl<M> Mixture<M> {
    /// Mixes `terms` with one positive weight each.
    ///
    /// # Panics
    ///
    /// If the number of weights is not the number of models, is zero, or a weight is not positive.
    pub fn new(terms: M, weights: &[f64]) -> Self
    where
        M: Group,
    {
        check_counts(terms.count(), weights.len());
        assert!(
            weights
                .iter()
                .all(|&weight| weight > 0.0 && weight.is_finite()),
            "the weights of a mixture must be positive and finite, got {weights:?}"
        );
        let log_weights = weights.iter().map(|weight| weight.ln()).collect();
        Self { terms, log_weights }
    }
}

impl<const D: usize, M: Terms<D>> Energy<D> for Mixture<M> {
    fn energy(&self, x: Tensor<D>) -> Tensor<1> {
        let log_terms: Vec<Tensor<1>> = self
            .terms
            .energies(x)
            .into_iter()
            .zip(&self.log_weights)
            .map(|(energy, &log_weight)| energy.neg().add_scalar(log_weight))
            .collect();
        // The largest term is taken out, so that no exponential overflows. It cancels in the value
        // and in the gradient, so that it can be detached. It is kept finite, since the difference
        // of two infinities is NaN.
        let largest = log_terms
            .iter()
            .cloned()
            .reduce(Tensor::max_pair)
            .map(|largest| largest.detach().clamp_min(f64::from(f32::MIN)))
            .expect("`new` refuses an empty mixture");
        let total = sum(log_terms
            .into_iter()
            .map(|term| (term - largest.clone()).exp()));
        (total.log() + largest).neg()
    }
}

/// The opposite energy, `-E(x)`: a configuration is likely where the model finds it unlikely. It is
/// a distribution only on a bounded domain.
#[derive(Clone, Debug)]
pub struct Negation<M> {
    model: M,
}

impl<M> Negation<M> {
    /// Negates `model`.
    pub fn new(model: M) -> Self {
        Self { model }
    }
}

impl<const D: usize, M: Energy<D>> Energy<D> for Negation<M> {
    fn energy(&self, x: Tensor<D>) -> Tensor<1> {
        self.model.energy(x).neg()
    }

    /// The opposite of a pairwise machine is a pairwise machine; others are smooth.
    fn structure(&self) -> Structure {
        Structure::weighted_sum(&[self.model.structure()], &[-1.0])
    }

    fn takes_parts(&self) -> bool {
        self.model.takes_parts()
    }
}

fn check_counts(models: usize, weights: usize) {
    assert!(models > 0, "a composition needs at least one model");
    assert_eq!(
        models, weights,
        "{models} models were given {weights} weights"
    );
}

fn sum(terms: impl Iterator<Item = Tensor<1>>) -> Tensor<1> {
    terms
        .reduce(|total, term| total + term)
        .expect("`new` refuses an empty composition")
}
