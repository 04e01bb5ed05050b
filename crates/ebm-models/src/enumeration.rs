//! Exact partition functions of small machines: the sum over all states, block by block.

use burn::tensor::{Device, Tensor, TensorData};
use ebm_ops::Progress;

use crate::layered::{Layers, Parity, VisibleUnits};

/// Most units that are enumerated: 2^25 states.
pub const MAX_ENUMERATED_UNITS: usize = 25;

/// Values in a block of states: enough work for a device, and few enough to stay in a processor's
/// cache. (With blocks of four times as many values all states take 2.5 times as long on two
/// cores.)
const BLOCK_VALUES: usize = 1 << 20;

/// More units than can be enumerated.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "can't enumerate the 2^{units} states of {units} binary units: at most {limit} units; estimate the partition \
     function instead, e.g. by annealed importance sampling"
)]
pub struct TooManyStates {
    /// The units that would have to be enumerated.
    pub units: usize,
    /// The most that can be.
    pub limit: usize,
}

/// `log Z` of a layered machine, exact but for rounding.
///
/// `Z = sum_x exp(-F(x))` over all states `x` of every second layer, the even or the odd ones,
/// whichever have fewer units, with the free energy `F` of [`Layers::free_energy`] in which the
/// other layers are summed out. Gaussian visible units are always summed out. Energies are f32,
/// their log-sum-exp is f64: for free energies of a few hundred nats the result is good to about
/// 1e-4.
///
/// `progress` is told after each block of states. Memory doesn't grow with the number of states.
///
/// # Errors
///
/// If the smaller side has more than [`MAX_ENUMERATED_UNITS`] units.
pub fn log_partition(machine: &Layers, progress: &mut dyn Progress) -> Result<f64, TooManyStates> {
    let sizes = machine.sizes();
    let side = |parity: Parity| (0..sizes.len()).filter(move |&l| parity.contains(l));
    let units = |parity| side(parity).map(|l| sizes[l]).sum::<usize>();
    let gaussian = machine.visible_units() == VisibleUnits::Gaussian;
    let enumerated = if gaussian || units(Parity::Odd) <= units(Parity::Even) {
        Parity::Odd
    } else {
        Parity::Even
    };

    let device = machine.bias(0).device();
    let free_energy = |rows: Tensor<2>| {
        let mut states = vec![Tensor::zeros([0, 0], &device); sizes.len()];
        let mut start = 0;
        for l in side(enumerated) {
            states[l] = rows.clone().narrow(1, start, sizes[l]);
            start += sizes[l];
        }
        machine.free_energy(enumerated.other(), &states)
    };
    let count = Count::of(units(enumerated), units(enumerated.other()))?;
    let sum = |first, rows| free_energy(states(first, rows, count.units, 0.0, 1.0, &device));
    Ok(count.log_sum(sum, progress))
}

/// `log sum_x exp(-E(x))` over all `x` in `{low, high}^units`, exact but for rounding.
///
/// `progress` is told after each block of states. Memory doesn't grow with the number of states.
///
/// # Shapes
///
/// - `energy`: `[batch, units]` -> `[batch]`
///
/// # Errors
///
/// If there are more than [`MAX_ENUMERATED_UNITS`] units.
pub fn log_partition_of(
    energy: impl Fn(Tensor<2>) -> Tensor<1>,
    units: usize,
    low: f64,
    high: f64,
    device: &Device,
    progress: &mut dyn Progress,
) -> Result<f64, TooManyStates> {
    let count = Count::of(units, units)?;
    let sum = |first, rows| energy(states(first, rows, units, low, high, device));
    Ok(count.log_sum(sum, progress))
}

/// How many states there are, and how many rows a block of them has.
struct Count {
    units: usize,
    block: u64,
}

impl Count {
    /// Of states each of which takes `width` values to work on.
    fn of(units: usize, width: usize) -> Result<Self, TooManyStates> {
        let limit = MAX_ENUMERATED_UNITS;
        if units > limit {
            return Err(TooManyStates { units, limit });
        }
        let block = (BLOCK_VALUES / width.max(1)).clamp(1 << 8, 1 << 14) as u64;
        Ok(Self { units, block })
    }

    /// The log-sum-exp of minus the energies of all states.
    fn log_sum(
        &self,
        energies: impl Fn(u64, usize) -> Tensor<1>,
        progress: &mut dyn Progress,
    ) -> f64 {
        let total = 1_u64 << self.units;
        let mut sum = LogSumExp::default();
        let mut first = 0;
        while first < total {
            let rows = self.block.min(total - first);
            let energies = energies(first, rows as usize).inner().into_data();
            energies.iter::<f64>().for_each(|energy| sum.add(-energy));
            first += rows;
            progress.advance(first as usize, total as usize);
        }
        sum.value()
    }
}

/// The configurations of binary units with the numbers `first`, `first + 1`, ...: `[count, units]`.
///
/// Unit `i` is `high` where bit `i` of the number (bit 0 the lowest) is set, else `low`. Numbers
/// beyond `2^units` begin again at 0.
///
/// # Panics
///
/// If there are more than 64 units.
pub fn states(
    first: u64,
    count: usize,
    units: usize,
    low: f64,
    high: f64,
    device: &Device,
) -> Tensor<2> {
    assert!(
        units <= 64,
        "a number of 64 bits can't count the states of {units} units"
    );
    let [low, high] = [low as f32, high as f32];
    let mut values = Vec::with_capacity(count * units);
    for number in first..first + count as u64 {
        values.extend((0..units).map(|unit| if number >> unit & 1 == 1 { high } else { low }));
    }
    Tensor::from_data(TensorData::new(values, [count, units]), device)
}

/// `log sum_i exp(x_i)`, term by term, without overflow.
struct LogSumExp {
    largest: f64,
    /// `sum_i exp(x_i - largest)`.
    sum: f64,
}

impl Default for LogSumExp {
    fn default() -> Self {
        Self {
            largest: f64::NEG_INFINITY,
            sum: 0.0,
        }
    }
}

impl LogSumExp {
    fn add(&mut self, x: f64) {
        if x > self.largest {
            self.sum = self.sum * (self.largest - x).exp() + 1.0;
            self.largest = x;
        } else if x != f64::NEG_INFINITY {
            // Not a number if x is not, so that a broken energy shows.
            self.sum += (x - self.largest).exp();
        }
    }

    fn value(&self) -> f64 {
        self.largest + self.sum.ln()
    }
}
