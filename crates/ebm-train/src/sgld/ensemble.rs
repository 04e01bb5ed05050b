//! Draws of a module's parameters, evenly thinned to a bounded number, and averages over them.

use burn::module::Module;
use burn::tensor::Tensor;

/// Modules with parameters drawn from their posterior, off the autodiff graph.
///
/// After `burn_in` offers every `every`-th module is kept, `capacity` at most. **When one more
/// would be kept, every second member is dropped and `every` is doubled**: the members are always
/// evenly spread over the whole chain after its burn-in, however long it gets, and there are
/// between half the capacity and all of it. The last ones alone would be close to each other, and
/// tell of the chain's end only.
///
/// Members count alike, which suits a constant step size. Memory is `capacity` times the
/// parameters.
#[derive(Clone, Debug)]
pub struct Ensemble<M> {
    members: Vec<M>,
    burn_in: u64,
    every: u64,
    capacity: usize,
    offers: u64,
}

impl<M: Module> Ensemble<M> {
    /// Without a member.
    ///
    /// # Panics
    ///
    /// If `every` or `capacity` is 0.
    pub fn new(burn_in: u64, every: u64, capacity: usize) -> Self {
        assert!(
            every > 0 && capacity > 0,
            "an ensemble needs `every` and `capacity` of at least 1, found {every} and {capacity}"
        );
        Self {
            members: Vec::new(),
            burn_in,
            every,
            capacity,
            offers: 0,
        }
    }

    /// Takes the module of the next step, if it is its turn; returns whether it did.
    pub fn offer(&mut self, module: &M) -> bool {
        self.offers += 1;
        let Some(turn) = self.offers.checked_sub(self.burn_in) else {
            return false;
        };
        if turn == 0 || !turn.is_multiple_of(self.every) {
            return false;
        }
        if self.members.len() == self.capacity {
            // Member i, from 0, was offered at (i + 1) * every.
            let mut index = 0;
            self.members.retain(|_| {
                index += 1;
                index % 2 == 0
            });
            self.every *= 2;
            if !turn.is_multiple_of(self.every) {
                return false;
            }
        }
        self.members.push(module.valid());
        true
    }

    /// The members, the oldest first.
    pub fn members(&self) -> &[M] {
        &self.members
    }

    /// Iterates over the members, the oldest first.
    pub fn iter(&self) -> std::slice::Iter<'_, M> {
        self.members.iter()
    }

    /// The number of members.
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Whether there is no member.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// The number of offers from one member to the next, now.
    pub fn spacing(&self) -> u64 {
        self.every
    }

    /// The mean of a function over the members, such as a predictive mean, element by element;
    /// `None` without a member.
    pub fn mean<const D: usize>(&self, f: impl FnMut(&M) -> Tensor<D>) -> Option<Tensor<D>> {
        self.moments(f).map(|(mean, _)| mean)
    }

    /// Mean and standard deviation of a function over the members, element by element: a prediction
    /// and how sure the posterior is of it. `None` with fewer than two members.
    ///
    /// The standard deviation is the root of the unbiased variance. It is that of the function, not
    /// of an observation: noise of the data is no part of it. One value of the function at a time
    /// is held, by Welford's recursion (1962).
    pub fn mean_and_standard_deviation<const D: usize>(
        &self,
        f: impl FnMut(&M) -> Tensor<D>,
    ) -> Option<(Tensor<D>, Tensor<D>)> {
        if self.len() < 2 {
            return None;
        }
        let (mean, squares) = self.moments(f)?;
        let variance = squares.div_scalar((self.len() - 1) as f64);
        Some((mean, variance.sqrt()))
    }

    /// The mean, and the sum of squares around it.
    fn moments<const D: usize>(
        &self,
        mut f: impl FnMut(&M) -> Tensor<D>,
    ) -> Option<(Tensor<D>, Tensor<D>)> {
        let mut members = self.members.iter();
        let first = f(members.next()?).inner();
        let mut squares = first.zeros_like();
        let mut mean = first;
        for (index, member) in members.enumerate() {
            let value = f(member).inner();
            let from_old = value.clone() - mean.clone();
            mean = mean + from_old.clone().div_scalar((index + 2) as f64);
            squares = squares + from_old * (value - mean.clone());
        }
        Some((mean, squares))
    }
}

impl<'a, M: Module> IntoIterator for &'a Ensemble<M> {
    type Item = &'a M;
    type IntoIter = std::slice::Iter<'a, M>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}
