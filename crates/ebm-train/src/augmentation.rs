//! Random changes of images that leave them images of the same kind: mirrored, shifted, turned,
//! magnified.

use burn::tensor::{Int, Tensor};
use ebm_ops::Noise;
use serde::{Deserialize, Serialize};

use crate::keys::{InvalidValue, check};

/// Numbers drawn for an image.
const DRAWS: usize = 5;

crate::keys! {
/// Random changes of images, each drawn anew for every image. What comes in from outside of the
/// image repeats its edge.
///
/// Of examples they make more of few, and tell the model what doesn't matter; of the chains of
/// a replay buffer they make chains move between modes that they would stay in (Du, Li, Tenenbaum &
/// Mordatch 2021, "Improved contrastive divergence training of energy-based models", section 3.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Augmentation {
    /// Whether half of the images are mirrored, left to right.
    #[serde(default)]
    pub flip: bool,
    /// Pixels by which images are moved along either side at most, a whole number each time.
    #[serde(default)]
    pub shift: usize,
    /// Degrees by which images are turned about their middle at most, either way, 0 to 180.
    #[serde(default)]
    pub rotation: f64,
    /// How much larger or smaller images become at most, 0 or more: by a factor from
    /// `1 / (1 + zoom)` to `1 + zoom`.
    #[serde(default)]
    pub zoom: f64,
}
}

/// The keys of an augmentation in one place of a file.
pub(crate) struct AugmentationKeys {
    pub(crate) all: &'static str,
    pub(crate) shift: &'static str,
    pub(crate) rotation: &'static str,
    pub(crate) zoom: &'static str,
}

impl AugmentationKeys {
    pub(crate) const OF_EXAMPLES: Self = Self {
        all: "training.augmentation",
        shift: "training.augmentation.shift",
        rotation: "training.augmentation.rotation",
        zoom: "training.augmentation.zoom",
    };
    pub(crate) const OF_CHAINS: Self = Self {
        all: "chains.augmentation",
        shift: "chains.augmentation.shift",
        rotation: "chains.augmentation.rotation",
        zoom: "chains.augmentation.zoom",
    };
}

/// Where each pixel of the changed images comes from: `[batch, height * width]`, in pixels.
struct Sources {
    rows: Tensor<2>,
    columns: Tensor<2>,
}

impl Augmentation {
    /// Mirrors half of the images, left to right.
    #[must_use]
    pub fn with_flip(mut self) -> Self {
        self.flip = true;
        self
    }

    /// Moves images by so many pixels along either side at most.
    #[must_use]
    pub fn with_shift(mut self, pixels: usize) -> Self {
        self.shift = pixels;
        self
    }

    /// Turns images by so many degrees at most, either way.
    #[must_use]
    pub fn with_rotation(mut self, degrees: f64) -> Self {
        self.rotation = degrees;
        self
    }

    /// Makes images larger or smaller by a factor of `1 + zoom` at most.
    #[must_use]
    pub fn with_zoom(mut self, zoom: f64) -> Self {
        self.zoom = zoom;
        self
    }

    /// Changes images, each in its own way. Turned and magnified pixels are bilinear means of four;
    /// without either each pixel is one of the image, to the bit.
    ///
    /// # Shapes
    ///
    /// - `images`: `[batch, channels, height, width]`, on any device -> the same
    pub fn apply(&self, images: Tensor<4>, noise: &mut Noise) -> Tensor<4> {
        if *self == Self::default() {
            return images;
        }
        let [batch, channels, height, width] = images.dims();
        let draws: Tensor<2> = noise.uniform([batch, DRAWS], &images.device());
        let sources = self.sources(draws, [height, width]);
        // A pixel with all its channels is a row.
        let pixels = images
            .permute([0, 2, 3, 1])
            .reshape([batch * height * width, channels]);
        let pixels = if self.mixes() {
            sources.mix(pixels, [height, width])
        } else {
            let [rows, columns] = [&sources.rows, &sources.columns].map(|at| at.clone().round());
            take(pixels, rows, columns, [height, width])
        };
        pixels
            .reshape([batch, height, width, channels])
            .permute([0, 3, 1, 2])
    }

    /// Whether pixels of the changed images lie between those of the images.
    pub(crate) fn mixes(&self) -> bool {
        self.rotation > 0.0 || self.zoom > 0.0
    }

    /// Draws where the pixels come from.
    ///
    /// # Shapes
    ///
    /// - `draws`: `[batch, 5]`, on `[0, 1)`
    fn sources(&self, draws: Tensor<2>, [height, width]: [usize; 2]) -> Sources {
        let device = draws.device();
        let draw = |index: usize| draws.clone().narrow(1, index, 1);
        // From -1 to 1.
        let either_way = |index| draw(index).mul_scalar(2.0).sub_scalar(1.0);
        let pixels = |index| {
            let places = (2 * self.shift + 1) as f64;
            let drawn = draw(index).mul_scalar(places).floor();
            drawn.clamp_max(places - 1.0).sub_scalar(self.shift as f64)
        };
        let middle = [height, width].map(|side| (side as f64 - 1.0) / 2.0);
        let places = Tensor::<1, Int>::arange(0..(height * width) as i64, &device);
        let row = places.clone().div_scalar(width as i64).float();
        let column = places.remainder_scalar(width as i64).float();
        let [y, x] = [(row, middle[0]), (column, middle[1])]
            .map(|(at, middle)| at.sub_scalar(middle).unsqueeze::<2>());
        // Pixels come from where they go, moved back, turned back and mirrored.
        let (mut y, mut x) = (y - pixels(0), x - pixels(1));
        if self.mixes() {
            let angle = either_way(2).mul_scalar(self.rotation.to_radians());
            let scale = either_way(3).mul_scalar(-self.zoom.ln_1p()).exp();
            let sin = angle.clone().sin() * scale.clone();
            let cos = angle.cos() * scale;
            (y, x) = (
                y.clone() * cos.clone() - x.clone() * sin.clone(),
                x * cos + y * sin,
            );
        }
        if self.flip {
            let mirrored = draw(4).lower_elem(0.5).float();
            x = x * mirrored.mul_scalar(-2.0).add_scalar(1.0);
        }
        Sources {
            rows: y.add_scalar(middle[0]),
            columns: x.add_scalar(middle[1]),
        }
    }

    /// Checks every value against its range.
    pub(crate) fn validate(&self, keys: &AugmentationKeys) -> Result<(), InvalidValue> {
        check(
            self.shift <= 65_536,
            keys.shift,
            self.shift,
            "pixels, at most 65,536",
        )?;
        check(
            (0.0..=180.0).contains(&self.rotation),
            keys.rotation,
            format!("{:?}", self.rotation),
            "degrees, from 0 to 180",
        )?;
        check(
            (0.0..=10.0).contains(&self.zoom),
            keys.zoom,
            format!("{:?}", self.zoom),
            "a number from 0 to 10",
        )
    }
}

impl Sources {
    /// Bilinear means of the four pixels around each source.
    fn mix(self, pixels: Tensor<2>, sides: [usize; 2]) -> Tensor<2> {
        let [top, left] = [&self.rows, &self.columns].map(|at| at.clone().floor());
        let below = self.rows - top.clone();
        let right = self.columns - left.clone();
        let near = |share: &Tensor<2>| share.clone().neg().add_scalar(1.0);
        let corner = |rows: Tensor<2>, columns: Tensor<2>, weight: Tensor<2>| {
            let values = weight.dims()[0] * weight.dims()[1];
            take(pixels.clone(), rows, columns, sides) * weight.reshape([values, 1])
        };
        let [next, beside] = [&top, &left].map(|at| at.clone().add_scalar(1.0));
        corner(top.clone(), left.clone(), near(&below) * near(&right))
            + corner(top, beside.clone(), near(&below) * right.clone())
            + corner(next.clone(), left, below.clone() * near(&right))
            + corner(next, beside, below * right)
    }
}

/// The pixels of each image at whole places, those of its edge beyond it.
///
/// # Shapes
///
/// - `pixels`: `[batch * height * width, channels]` -> the same
/// - `rows`, `columns`: `[batch, height * width]`
fn take(
    pixels: Tensor<2>,
    rows: Tensor<2>,
    columns: Tensor<2>,
    [height, width]: [usize; 2],
) -> Tensor<2> {
    let [batch, values] = rows.dims();
    let [row, column] =
        [(rows, height), (columns, width)].map(|(at, side)| at.clamp(0.0, (side - 1) as f64).int());
    let first = Tensor::<1, Int>::arange(0..batch as i64, &pixels.device())
        .mul_scalar(values as i64)
        .reshape([batch, 1]);
    let places = first + row.mul_scalar(width as i64) + column;
    pixels.select(0, places.reshape([batch * values]))
}

/// States as they are, or changed as images.
///
/// # Panics
///
/// If they are to be changed and aren't `[batch, channels, height, width]`.
pub(crate) fn augmented<const D: usize>(
    augmentation: Option<Augmentation>,
    states: Tensor<D>,
    noise: &mut Noise,
) -> Tensor<D> {
    let Some(augmentation) = augmentation else {
        return states;
    };
    let shape = states.dims();
    let [batch, channels, height, width] = shape[..] else {
        panic!("images of shape [batch, channels, height, width] can be augmented, found {shape:?}")
    };
    let images = states.reshape([batch, channels, height, width]);
    augmentation.apply(images, noise).reshape(shape)
}
