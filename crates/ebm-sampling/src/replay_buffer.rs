//! The replay buffer: chains on the device between updates, drawn and written back in place.

use std::fmt;

use burn::tensor::{Bool, DType, Device, Int, Tensor, TensorData};
use ebm_ops::{Interval, Noise, Rows, StartingPoints, row_indices};

/// How a [`ReplayBuffer`] starts, renews and stores its chains.
#[derive(Clone, Debug)]
pub struct ReplayBufferConfig {
    /// Probability that a drawn chain is restarted from [`starting_points`](Self::starting_points),
    /// 0 to 1.
    pub fresh_fraction: f64,
    /// Where chains start.
    pub starting_points: StartingPoints,
    /// What is kept of a position.
    pub storage: Storage,
}

/// What a [`ReplayBuffer`] keeps of a position.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Storage {
    /// The value itself, 4 bytes.
    F32,
    /// One byte, for values in `[low, high]`, which the bytes 0 and 255 stand for; a stored
    /// position is off by at most `(high - low) / 510`.
    U8(Interval),
}

/// Chains kept between updates (Tieleman 2008; Du & Mordatch 2019).
///
/// Each update draws some chains *without replacement*, moves them, and writes them back where they
/// came from, so that no chain is lost or duplicated. A drawn chain is restarted with a small
/// probability.
#[derive(Clone, Debug)]
pub struct ReplayBuffer<const D: usize> {
    /// One chain a row: `[capacity, values]`.
    rows: Rows,
    shape: [usize; D],
    config: ReplayBufferConfig,
}

/// Chains drawn from a [`ReplayBuffer`].
#[derive(Clone, Debug)]
pub struct Draw<const D: usize> {
    /// Where the chains are, restarts included: `[count, ..]`.
    pub positions: Tensor<D>,
    /// Which chains they are, all different: `[count]`. Give it to [`ReplayBuffer::write_back`].
    pub indices: Tensor<1, Int>,
}

/// Stored chains that don't fit a buffer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainsMismatch {
    /// The shape of the stored chains.
    pub found: Vec<usize>,
    /// The shape that the buffer has.
    pub expected: [usize; 2],
    /// The type of the stored values.
    pub found_type: DType,
    /// The type that the buffer keeps, `F32` (any float will do) or `U8`.
    pub expected_type: DType,
}

impl fmt::Display for ChainsMismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the stored chains are {:?} of shape {:?}, but the buffer keeps {:?} of shape {:?}",
            self.found_type, self.found, self.expected_type, self.expected
        )
    }
}

impl std::error::Error for ChainsMismatch {}

impl<const D: usize> ReplayBuffer<D> {
    /// A buffer of chains at fresh starting points; `shape` is `[capacity, ..]`.
    ///
    /// # Panics
    ///
    /// If the capacity is zero, `fresh_fraction` isn't in `[0, 1]`, or the range of [`Storage::U8`]
    /// is empty.
    pub fn new(
        shape: [usize; D],
        config: ReplayBufferConfig,
        device: &Device,
        noise: &mut Noise,
    ) -> Self {
        assert!(
            shape[0] > 0,
            "a replay buffer needs at least one chain, got shape {shape:?}"
        );
        assert!(
            (0.0..=1.0).contains(&config.fresh_fraction),
            "fresh_fraction must lie in [0, 1], got {}",
            config.fresh_fraction
        );
        if let Storage::U8(range) = config.storage {
            let Interval { low, high } = range;
            assert!(
                low < high && range.width().is_finite(),
                "storage as bytes needs low < high and a finite range, got low = {low} and high = {high}"
            );
        }
        let positions = flatten(config.starting_points.draw(shape, device, noise));
        Self {
            rows: match config.storage {
                Storage::F32 => Rows::Floats(positions),
                Storage::U8(range) => Rows::rounded(positions, range),
            },
            shape,
            config,
        }
    }

    /// The number of chains.
    pub fn capacity(&self) -> usize {
        self.shape[0]
    }

    /// Draws `count` different chains; each is restarted with probability `fresh_fraction`.
    ///
    /// # Panics
    ///
    /// If `count` exceeds the capacity.
    pub fn draw(&self, count: usize, noise: &mut Noise) -> Draw<D> {
        let capacity = self.capacity();
        assert!(
            count <= capacity,
            "can't draw {count} chains from a buffer of {capacity}"
        );
        let device = self.rows.device();
        let indices = row_indices(&noise.choose(count, capacity), &device);
        let mut shape = self.shape;
        shape[0] = count;
        let stored = self.rows.select(indices.clone()).reshape(shape);
        let positions = if self.config.fresh_fraction > 0.0 && count > 0 {
            let fraction = self.config.fresh_fraction;
            self.config.starting_points.restart(stored, fraction, noise)
        } else {
            stored
        };
        Draw { positions, indices }
    }

    /// Moves the chains of `positions` that `which` names to fresh starting points, and leaves the
    /// others. Fresh values are drawn for all, so that the noise moves on by the same amount.
    ///
    /// # Shapes
    ///
    /// - `positions` and output: `[count, ..]`
    /// - `which`: `[count]`
    pub fn restart(
        &self,
        positions: Tensor<D>,
        which: Tensor<1, Bool>,
        noise: &mut Noise,
    ) -> Tensor<D> {
        let shape = positions.dims();
        let points = &self.config.starting_points;
        let fresh = points.draw(shape, &positions.device(), noise);
        let mut column = [1; D];
        column[0] = shape[0];
        positions.mask_where(which.reshape(column).expand(shape), fresh)
    }

    /// Stores moved chains where they were drawn from.
    ///
    /// # Shapes
    ///
    /// - `indices`: `[count]`, from [`draw`](Self::draw)
    /// - `positions`: `[count, ..]`
    pub fn write_back(&mut self, indices: Tensor<1, Int>, positions: Tensor<D>) {
        self.rows.assign(indices, flatten(positions));
    }

    /// All chains, for a checkpoint: `[capacity, values]`, `f32` or `u8` as they are stored.
    pub fn to_data(&self) -> TensorData {
        self.rows.to_data()
    }

    /// Replaces all chains by what [`to_data`](Self::to_data) gave.
    ///
    /// # Errors
    ///
    /// If the data are not of this buffer's shape, or are bytes where it keeps floats or the
    /// reverse.
    pub fn restore(&mut self, data: TensorData) -> Result<(), ChainsMismatch> {
        let expected = [self.shape[0], self.shape[1..].iter().product()];
        let found_type = data.dtype();
        let (expected_type, same_type) = match self.config.storage {
            Storage::F32 => (DType::F32, found_type.is_float()),
            Storage::U8(_) => (DType::U8, found_type == DType::U8),
        };
        if data.shape()[..] != expected || !same_type {
            return Err(ChainsMismatch {
                found: data.shape().to_vec(),
                expected,
                found_type,
                expected_type,
            });
        }
        let device = self.rows.device();
        self.rows = match self.config.storage {
            Storage::F32 => Rows::Floats(Tensor::from_data(data.convert::<f32>(), &device)),
            Storage::U8(range) => Rows::upload_bytes(data, range, &device),
        };
        Ok(())
    }
}

/// `[batch, ..]` as `[batch, values]`.
fn flatten<const D: usize>(x: Tensor<D>) -> Tensor<2> {
    let shape = x.dims();
    x.reshape([shape[0], shape[1..].iter().product()])
}
