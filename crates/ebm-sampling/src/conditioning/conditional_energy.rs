//! The energy of some coordinates when the others are given.

use burn::tensor::{IndexingUpdateOp, Int, Tensor};
use ebm_models::Energy;
use ebm_ops::{lift, per_chain};

use super::{indices, mask, numbers};

/// `E(u) = E(x)` with `x` equal to `u` on the free coordinates and to what is given on the others,
/// so that
///
/// ```text
/// p(u) ∝ exp(-E(u, x_fixed)) ∝ p(x_free = u | x_fixed)
/// ```
///
/// exactly: `p(x_fixed)` is a factor that doesn't depend on `u`. Positions of chains are the free
/// coordinates alone, so that what is given can't move, whatever the kernel: Langevin dynamics,
/// Metropolis-Hastings, Hamiltonian Monte Carlo, tempering.
///
/// ```
/// # use burn::tensor::{Device, Tensor};
/// # use ebm_models::MlpConfig;
/// # use ebm_ops::Noise;
/// use ebm_sampling::run;
/// use ebm_sampling::conditioning::ConditionalEnergy;
/// use ebm_sampling::langevin::Langevin;
///
/// # fn demo(device: Device, images: Tensor<4>) {
/// # let mut noise = Noise::new(7);
/// let energy = MlpConfig::new(64, vec![64]).init(&device, &mut noise);
/// let lower_half: Vec<bool> = (0..64).map(|pixel| pixel >= 32).collect();
/// let conditional = ConditionalEnergy::new(energy, images, &lower_half); // [batch, 1, 8, 8]
/// let start: Tensor<2> = noise.uniform_in([16, 32], [-1.0, 1.0], &device);
/// let free = run(&Langevin::new(10.0, 0.03), &conditional, start, 256, &mut noise).position;
/// let images = conditional.complete(free); // [16, 1, 8, 8]
/// # }
/// ```
///
/// # Shapes
///
/// Positions are `[batch, free coordinates]`. What is given has the same batch, one configuration a
/// chain, or a batch of 1 that all chains share.
#[derive(Clone, Debug)]
pub struct ConditionalEnergy<E, const D: usize> {
    energy: E,
    /// What is given, 0 at the free coordinates: `[batch, coordinates]`.
    given: Tensor<2>,
    /// The free coordinates: `[free]`.
    free: Tensor<1, Int>,
    /// The shape of what is given.
    shape: [usize; D],
}

impl<E: Energy<D>, const D: usize> ConditionalEnergy<E, D> {
    /// Conditions `energy` on the coordinates of `given` where `free` is false. What `given` is at
    /// free coordinates isn't used.
    ///
    /// # Shapes
    ///
    /// - `given`: `[batch, ..]` or `[1, ..]`
    /// - `free`: a value for each coordinate of a configuration, row by row, the same for all
    ///   chains
    ///
    /// # Panics
    ///
    /// If there isn't one value a coordinate, or no coordinate is free.
    pub fn new(energy: E, given: Tensor<D>, free: &[bool]) -> Self {
        let shape = given.dims();
        let coordinates: usize = shape[1..].iter().product();
        assert_eq!(
            free.len(),
            coordinates,
            "configurations of shape {:?} have {coordinates} coordinates, but {} are said to be free or fixed",
            &shape[1..],
            free.len()
        );
        let numbers = numbers(free, true);
        assert!(
            !numbers.is_empty(),
            "all {coordinates} coordinates are fixed: nothing is left to move"
        );
        let device = given.device();
        let given = per_chain(given.inner());
        let at_free = mask(free, &device).expand(given.shape());
        Self {
            energy,
            // Filled, not multiplied by 0, so that values there need not be finite.
            given: given.mask_fill(at_free, 0.0),
            free: indices(&numbers, &device),
            shape,
        }
    }

    /// The number of free coordinates.
    pub fn free(&self) -> usize {
        self.free.dims()[0]
    }

    /// The free coordinates of configurations: `[batch, ..]` -> `[batch, free]`.
    pub fn restrict(&self, x: Tensor<D>) -> Tensor<2> {
        per_chain(x).select(1, self.free.clone())
    }

    /// Configurations with these values at the free coordinates, and what is given at the others,
    /// bit for bit.
    ///
    /// # Shapes
    ///
    /// - `free`: `[batch, free]`
    /// - output: `[batch, ..]`
    ///
    /// # Panics
    ///
    /// If the batch isn't that of what is given; where one configuration is given for all chains,
    /// any batch is right.
    pub fn complete(&self, free: Tensor<2>) -> Tensor<D> {
        let [batch, count] = free.dims();
        let (given, coordinates) = (self.given.dims()[0], self.given.dims()[1]);
        assert!(
            count == self.free() && (given == batch || given == 1),
            "{} free coordinates of {given} configurations are asked for, but found shape {:?}",
            self.free(),
            [batch, count]
        );
        let given = self.given.clone().expand([batch, coordinates]);
        let given = lift(given, &free);
        let mut shape = self.shape;
        shape[0] = batch;
        // 0 + u at the free coordinates; the others aren't computed with.
        given
            .select_assign(1, self.free.clone(), free, IndexingUpdateOp::Add)
            .reshape(shape)
    }
}

impl<E: Energy<D>, const D: usize> Energy<2> for ConditionalEnergy<E, D> {
    fn energy(&self, x: Tensor<2>) -> Tensor<1> {
        self.energy.energy(self.complete(x))
    }
}
