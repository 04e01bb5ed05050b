//! How images are denoised: the noise in them, and which image of the posterior is meant.

use super::chains::ChainOptions;

/// Which image of the posterior is meant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DenoisedImage {
    /// Of real-valued pixels the most probable image (MAP): gradient descent to a minimum of the
    /// posterior energy. Of two-valued ones that of the most probable pixels, each by itself (the
    /// maximum of posterior marginals), which has the fewest wrong ones on average.
    #[default]
    MostProbable,
    /// The mean of draws, which has the smallest expected squared error: the second half of a
    /// chain.
    Mean,
    /// One draw.
    Draw,
}

/// How an image came to be noisy.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum PixelNoise {
    /// `y = x + std z` with `z ~ N(0, 1)` in each pixel.
    Normal {
        /// Standard deviation, in units of the pixels.
        std: f64,
    },
    /// Two-valued pixels, each flipped with a probability, independently of the others.
    Flips {
        /// Above 0 and below 1.
        probability: f64,
    },
}

/// How images are denoised.
#[derive(Clone, Debug, PartialEq)]
pub struct DenoiseOptions {
    /// The noise in the observation.
    pub noise: PixelNoise,
    /// How chains move. Step, gradient clip and clamp of Langevin dynamics are used where the noise
    /// is normal.
    pub chains: ChainOptions,
    /// The temperature `T` at which the model stands for images, `p(x) ∝ exp(-E(x) / T)`, above 0;
    /// by default that of the sampler.
    pub temperature: Option<f64>,
    /// Steps of the chains.
    pub steps: usize,
    /// Which image.
    pub image: DenoisedImage,
}
