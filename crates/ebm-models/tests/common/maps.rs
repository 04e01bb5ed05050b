//! A naive convolution.

use ebm_models::ConvLayerConfig;

use super::Parameter;

/// Feature maps on the host: `[channels][height][width]`, flat.
pub(crate) struct Maps {
    pub(crate) shape: [usize; 3],
    pub(crate) values: Vec<f64>,
}

impl Maps {
    /// The value at a position that may lie in the padding.
    fn at(&self, channel: usize, row: isize, column: isize) -> f64 {
        let [_, height, width] = self.shape;
        let inside = (0..height as isize).contains(&row) && (0..width as isize).contains(&column);
        if inside {
            self.values[(channel * height + row as usize) * width + column as usize]
        } else {
            0.0
        }
    }
}

/// The positions of a kernel along a side, found by trying.
pub(crate) fn positions(side: usize, layer: &ConvLayerConfig) -> usize {
    (0..)
        .map(|index| index * layer.stride + layer.kernel)
        .take_while(|&end| end <= side + 2 * layer.padding)
        .count()
}

pub(crate) fn convolve(parameters: &mut &[Parameter], layer: &ConvLayerConfig, x: &Maps) -> Maps {
    let [weight, bias, rest @ ..] = parameters else {
        panic!("a layer has a weight and a bias");
    };
    *parameters = rest;
    let [channels, height, width] = x.shape;
    let kernel = layer.kernel;
    assert_eq!(weight.shape, [layer.channels, channels, kernel, kernel]);
    let shape = [
        layer.channels,
        positions(height, layer),
        positions(width, layer),
    ];
    let mut values = Vec::new();
    for out in 0..shape[0] {
        for row in 0..shape[1] {
            for column in 0..shape[2] {
                let mut sum = bias.values[out];
                for channel in 0..channels {
                    for i in 0..kernel {
                        for j in 0..kernel {
                            let pixel = x.at(
                                channel,
                                (row * layer.stride + i) as isize - layer.padding as isize,
                                (column * layer.stride + j) as isize - layer.padding as isize,
                            );
                            let index = ((out * channels + channel) * kernel + i) * kernel + j;
                            sum += weight.values[index] * pixel;
                        }
                    }
                }
                values.push(sum);
            }
        }
    }
    Maps { shape, values }
}
