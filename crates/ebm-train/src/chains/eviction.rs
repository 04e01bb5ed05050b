//! Eviction: which chains of an update are outliers, or frozen, and should start anew.

use burn::tensor::{Bool, Tensor};
use ebm_models::Energy;
use ebm_ops::Interval;

use crate::trainable::rows;

/// Makes the median absolute deviation of a normal distribution its standard deviation: the inverse
/// of its third quartile (Rousseeuw & Croux 1993).
const NORMAL: f64 = 1.4826;

/// Shares of the range within which a value is at one of its ends, and rests: half of what a byte
/// tells apart.
const TOLERANCE: f64 = 1.0 / 510.0;

/// Which chains leave a replay buffer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Eviction {
    /// Those whose energy is more than so many robust standard deviations above the median of
    /// their batch.
    pub above: Option<f64>,
    /// Those of which this share of values, or more, lies where it was before, at an end of the
    /// range.
    pub frozen: Option<f64>,
    /// The range of the data.
    pub range: Interval,
}

impl Eviction {
    /// Which chains of a batch leave: `[batch]`. One pass of the model where it looks at energies;
    /// GPUs sort them on the host.
    ///
    /// # Shapes
    ///
    /// - `start`, `end`: where the chains were and are, `[batch, ..]`
    pub fn find<E: Energy<D>, const D: usize>(
        &self,
        model: &E,
        start: Tensor<D>,
        end: Tensor<D>,
    ) -> Tensor<1, Bool> {
        let outliers = self
            .above
            .map(|above| far_above(above, model.energy(end.clone())));
        let frozen = self
            .frozen
            .map(|share| frozen(share, self.range, start, end.clone()));
        match (outliers, frozen) {
            (Some(outliers), Some(frozen)) => outliers.bool_or(frozen),
            (Some(found), None) | (None, Some(found)) => found,
            (None, None) => Tensor::full([end.dims()[0]], false, &end.device()),
        }
    }
}

/// The chains whose energy is an outlier: `E_i > median + above * 1.4826 * MAD`, where MAD is
/// the median absolute deviation from the median; `[batch]`, as the energies. None where more
/// than half of the energies are equal.
fn far_above(above: f64, energies: Tensor<1>) -> Tensor<1, Bool> {
    let excess = energies.clone() - energies.median(0);
    let deviation = excess.clone().abs().median(0);
    let nobody = deviation.clone().equal_elem(0.0);
    let limit = deviation.mul_scalar(NORMAL * above);
    let limit = limit.mask_fill(nobody, f32::INFINITY);
    (excess - limit).greater_elem(0.0)
}

/// The chains of which at least `share` of the values lie at an end of the range where they lay
/// before: `[batch]`.
///
/// # Shapes
///
/// - `start`, `end`: `[batch, ..]`
fn frozen<const D: usize>(
    share: f64,
    range: Interval,
    start: Tensor<D>,
    end: Tensor<D>,
) -> Tensor<1, Bool> {
    let tolerance = TOLERANCE * range.width();
    let rests = (end.clone() - start).abs().lower_equal_elem(tolerance);
    let from_middle = end.sub_scalar(range.middle()).abs();
    let is_at_end = from_middle.greater_equal_elem(range.width() / 2.0 - tolerance);
    let frozen = rows(rests.bool_and(is_at_end).float());
    let [_, values] = frozen.dims();
    let counts = frozen.sum_dim(1).squeeze_dim::<1>(1);
    counts.greater_equal_elem(share * values as f64)
}
