//! `Noise`, the only source of randomness of models, samplers and trainer: a key and a counter.

use crate::description::{Distribution, HalfOpen, Interval, Place};
use crate::fill::{self, BLOCK};
#[cfg(any(feature = "cube", feature = "flex"))]
use crate::kernels;
use burn::tensor::{DType, Device, Int, Shape, Tensor, TensorData};
use rand::TryRng;
use rand::seq::SliceRandom;
use serde::{Deserialize, Serialize};
use std::convert::Infallible;

/// Domain in which children's keys are drawn.
const SPLIT: u32 = 1;

/// A reproducible stream of random numbers, which is two numbers in a checkpoint.
///
/// The same seed draws the same numbers, bit for bit, on every backend, processor and number of
/// threads. Cloning a stream repeats its numbers; [`Noise::split`] makes an independent one.
///
/// # Layout
///
/// Block `n` of a stream is
/// `philox4x32_10([n mod 2^32, n / 2^32, 0, domain], [key mod 2^32, key / 2^32])`, four words (see
/// [`philox4x32_10`](crate::philox4x32_10)). The domain is 0 for values and 1 for the keys of
/// children (words 0 and 1, the low half first), so that a child's key doesn't come from a block
/// that its parent draws, whatever is drawn. Word 2 of the counter is reserved.
///
/// A tensor of `n` elements takes the next `ceil(n / 4)` blocks: **element `i`, in row-major order,
/// comes from block `counter + i / 4`**, and the counter moves on by `ceil(n / 4)`. So any element
/// can be computed alone, and this is a contract that kernels for other devices keep. It also means
/// that drawing `n` and then `m` elements equals drawing `n + m` only where `n` is a multiple of 4.
/// The counter wraps after 2^64 blocks.
///
/// Streams with different keys are different permutations of the counter. Keys are 64-bit hashes:
/// among `s` streams, two share a key with a probability of about `s^2 / 2^65`.
///
/// # Serialised form
///
/// `{"key": "<16 hex digits>", "counter": "<16 hex digits>"}`. Strings, because some readers keep
/// numbers as f64 (JavaScript, jq) or i64 (TOML), which can't hold every u64. A stream read back
/// continues exactly.
///
/// Source: Salmon et al. 2011 for the generator; splitting as in Claessen and Pałka, "Splittable
/// pseudorandom number generators using cryptographic hashing", Haskell 2013.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Noise {
    #[serde(with = "hex")]
    key: u64,
    #[serde(with = "hex")]
    counter: u64,
}

impl Noise {
    /// The stream of a seed, at its start. Any two seeds, neighbours too, give unrelated streams.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self {
            key: seed,
            counter: 0,
        }
    }

    /// An independent child stream; the next call gives another.
    ///
    /// Takes one block of this stream, however the child is used. Parts of a program that each have
    /// a child can be reordered or changed without changing each other's numbers.
    #[must_use = "splitting advances this stream; the child is the result"]
    pub fn split(&mut self) -> Self {
        let [low, high, ..] = fill::block(self.key, self.take(1), SPLIT);
        Self::new(join(low, high))
    }

    /// Uniforms on `[0, 1)`, multiples of 2^-24.
    ///
    /// Element `i` is `(w >> 8) * 2^-24` with `w` word `i mod 4` of block `counter + i / 4`. Values
    /// are made as f32 and then take the device's float type; the tensor carries no gradient.
    ///
    /// # Panics
    ///
    /// If `shape` hasn't `D` dimensions.
    pub fn uniform<const D: usize>(
        &mut self,
        shape: impl Into<Shape>,
        device: &Device,
    ) -> Tensor<D> {
        self.draw(shape.into(), Distribution::Uniform(HalfOpen::UNIT), device)
    }

    /// Uniforms on `[low, high)`: `low + (high - low) u` with the `u` of [`Noise::uniform`].
    ///
    /// Where rounding would give `high`, the value is the largest f32 below it.
    ///
    /// # Panics
    ///
    /// If `low < high` doesn't hold or `high - low` isn't finite, both as f32, or if `shape` hasn't
    /// `D` dimensions.
    pub fn uniform_in<const D: usize>(
        &mut self,
        shape: impl Into<Shape>,
        range: impl Into<Interval>,
        device: &Device,
    ) -> Tensor<D> {
        let range = HalfOpen::new(range.into());
        self.draw(shape.into(), Distribution::Uniform(range), device)
    }

    /// Standard normals, by the transform of Box and Muller (1958) inside each block.
    ///
    /// Words `(a, b)` give two elements, `r cos(2 pi v)` and `r sin(2 pi v)`, with
    /// `r = sqrt(-2 ln u)`, `u = ((a >> 8) + 1) * 2^-24` in `(0, 1]` and `v = (b >> 8) * 2^-24`:
    /// words 0 and 1 of block `counter + i / 4` make its elements 0 and 1, words 2 and 3 its
    /// elements 2 and 3. The logarithm and the angle functions are our own, since those of each
    /// platform round differently. 24 bits of `u` cut the tails at `sqrt(48 ln 2) = 5.77`; a true
    /// normal passes that once in 1.2e8 draws. Type and gradient as for [`Noise::uniform`].
    ///
    /// # Panics
    ///
    /// If `shape` hasn't `D` dimensions.
    pub fn normal<const D: usize>(
        &mut self,
        shape: impl Into<Shape>,
        device: &Device,
    ) -> Tensor<D> {
        self.draw(shape.into(), Distribution::Normal, device)
    }

    /// Independent coins: 1 with the given probability, else 0, i.e. `1[u < p]` with the `u` of
    /// [`Noise::uniform`].
    ///
    /// # Shapes
    ///
    /// `probability: [..]` -> the same, on its device and of its type, without a gradient. A
    /// probability of 0 or less (or NaN) always gives 0, of 1 or more always 1; others are met to
    /// within 2^-24. The comparison is made in f32.
    pub fn bernoulli<const D: usize>(&mut self, probability: Tensor<D>) -> Tensor<D> {
        let device = probability.device();
        let dtype = probability.dtype();
        let uniform = Distribution::Uniform(HalfOpen::UNIT);
        let u: Tensor<D> = self.draw_as(DType::F32, probability.shape(), uniform, &device);
        u.lower(probability.detach().cast(DType::F32))
            .float()
            .cast(dtype)
    }

    /// Standard logistics, `ln u - ln(1 - u)`, whose distribution function is the sigmoid.
    ///
    /// `u = (2 (w >> 9) + 1) * 2^-24` with `w` word `i mod 4` of block `counter + i / 4`; the
    /// logarithm is our own. Values lie within `ln(2^24 - 1) = 16.64` of 0. Type and gradient as
    /// for [`Noise::uniform`].
    ///
    /// # Panics
    ///
    /// If `shape` hasn't `D` dimensions.
    pub fn logistic<const D: usize>(
        &mut self,
        shape: impl Into<Shape>,
        device: &Device,
    ) -> Tensor<D> {
        self.draw(shape.into(), Distribution::Logistic, device)
    }

    /// Independent coins with the given log-odds: 1 with probability `sigmoid(logits)`, else 0.
    ///
    /// It is `1[l < z]` with the `l` of [`Noise::logistic`]: the units of a Boltzmann machine are
    /// drawn from their fields without a sigmoid.
    ///
    /// # Shapes
    ///
    /// `logits: [..]` -> the same, on its device and of its type, without a gradient. Beyond
    /// +-16.64 a coin is certain, with an error of less than 6e-8; others are met to within 2^-23.
    /// NaN gives 0. The comparison is made in f32.
    pub fn bernoulli_logits<const D: usize>(&mut self, logits: Tensor<D>) -> Tensor<D> {
        #[cfg(any(feature = "cube", feature = "flex"))]
        if kernels::has_kernels(&logits) {
            let place = self.place(logits.shape().num_elements());
            return kernels::coins(logits, place);
        }
        let device = logits.device();
        let dtype = logits.dtype();
        let logistic = Distribution::Logistic;
        let l: Tensor<D> = self.draw_as(DType::F32, logits.shape(), logistic, &device);
        l.lower(logits.detach().cast(DType::F32))
            .float()
            .cast(dtype)
    }

    /// Uniform integers in `[0, bound)`, drawn with replacement.
    ///
    /// Element `i` is `floor(w * bound / 2^32)` with `w` word `i mod 4` of block `counter + i / 4`.
    /// Each integer's probability differs from `1 / bound` by less than 2^-32, that is by a
    /// fraction of less than `bound / 2^32`; it is exact where `bound` is a power of two.
    ///
    /// # Shapes
    ///
    /// `-> [count]`, of the device's integer type, which must hold `bound - 1`.
    ///
    /// # Panics
    ///
    /// If `bound` is 0 or above 2^32.
    pub fn indices(&mut self, count: usize, bound: usize, device: &Device) -> Tensor<1, Int> {
        let limit = bound as u64;
        assert!(
            (1..=1 << 32).contains(&limit),
            "indices needs a bound from 1 to 2^32, found {bound}"
        );
        let mut values = vec![0; count];
        fill::indices(self.key, self.take_for(count), limit, &mut values);
        Tensor::from_data(TensorData::new(values, [count]), device)
    }

    /// `count` uniforms on `[0, 1)` on the host, multiples of 2^-53: for decisions whose
    /// probabilities 24 bits don't resolve.
    ///
    /// Element `i` is `(v >> 11) * 2^-53` with `v` the words `2 (i mod 2)` (the low half) and
    /// `2 (i mod 2) + 1` of block `counter + i / 2`; the counter moves on by `ceil(count / 2)`.
    pub fn host_uniforms(&mut self, count: usize) -> Vec<f64> {
        let first = self.take(count.div_ceil(2) as u64);
        (0..count)
            .map(|i| {
                let words = fill::block(self.key, first.wrapping_add(i as u64 / 2), fill::DRAW);
                let pair = 2 * (i % 2);
                (join(words[pair], words[pair + 1]) >> 11) as f64 * (0.5 * f64::EPSILON)
            })
            .collect()
    }

    /// A uniformly random order of `0..n` (Fisher and Yates), on the host.
    pub fn permutation(&mut self, n: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..n).collect();
        order.shuffle(self);
        order
    }

    /// `count` distinct indices of `0..n`, in random order: every such sequence is equally likely.
    ///
    /// # Panics
    ///
    /// If `count > n`.
    pub fn choose(&mut self, count: usize, n: usize) -> Vec<usize> {
        assert!(
            count <= n,
            "choose can't take {count} distinct indices of {n}"
        );
        rand::seq::index::sample(self, n, count).into_vec()
    }

    /// Values of the device's float type.
    fn draw<const D: usize>(
        &mut self,
        shape: Shape,
        distribution: Distribution,
        device: &Device,
    ) -> Tensor<D> {
        let dtype = device.settings().float_dtype.into();
        self.draw_as(dtype, shape, distribution, device)
    }

    /// Values as f32 or as the device's float type: made by its kernels, or here and then uploaded.
    fn draw_as<const D: usize>(
        &mut self,
        dtype: DType,
        shape: Shape,
        distribution: Distribution,
        device: &Device,
    ) -> Tensor<D> {
        #[cfg(any(feature = "cube", feature = "flex"))]
        if kernels::draws_on(device) {
            let place = self.place(shape.num_elements());
            return kernels::draw(shape, device, distribution, place);
        }
        let mut values = vec![0.0; shape.num_elements()];
        fill::draw(distribution, self.place(values.len()), &mut values);
        Tensor::from_data(TensorData::new(values, shape), (device, dtype))
    }

    /// Where so many values are drawn; the counter moves past their blocks.
    pub(crate) fn place(&mut self, values: usize) -> Place {
        Place {
            key: self.key,
            first: self.take_for(values),
        }
    }

    /// The first of the blocks that `values` values need; the counter moves past them.
    fn take_for(&mut self, values: usize) -> u64 {
        self.take(values.div_ceil(BLOCK) as u64)
    }

    fn take(&mut self, blocks: u64) -> u64 {
        let first = self.counter;
        self.counter = first.wrapping_add(blocks);
        first
    }
}

/// For the shuffles and samples of `rand`. Every `u32` and `u64` takes a whole block and leaves 12
/// or 8 of its 16 bytes unused, and so does the last block of a byte fill: this keeps the state
/// free of a buffer. Fill tensors with the methods above.
impl TryRng for Noise {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(fill::block(self.key, self.take(1), fill::DRAW)[0])
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let [low, high, ..] = fill::block(self.key, self.take(1), fill::DRAW);
        Ok(join(low, high))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        for chunk in bytes.chunks_mut(4 * BLOCK) {
            let words = fill::block(self.key, self.take(1), fill::DRAW);
            for (part, word) in chunk.chunks_mut(4).zip(words) {
                part.copy_from_slice(&word.to_le_bytes()[..part.len()]);
            }
        }
        Ok(())
    }
}

const fn join(low: u32, high: u32) -> u64 {
    low as u64 | (high as u64) << 32
}

/// A u64 as exactly 16 lower-case hexadecimal digits.
mod hex {
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(value: &u64, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{value:016x}"))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
        let text = String::deserialize(deserializer)?;
        // The parser alone would take a sign and any length.
        let digits = text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        u64::from_str_radix(&text, 16)
            .ok()
            .filter(|_| digits)
            .ok_or_else(|| {
                D::Error::custom(format!(
                    "noise state: expected 16 hexadecimal digits, found {text:?}"
                ))
            })
    }
}
