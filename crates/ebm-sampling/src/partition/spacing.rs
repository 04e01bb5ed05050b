//! Where the temperatures of replicas stand to begin with.

use burn::tensor::Tensor;
use ebm_ops::Noise;

use super::annealing_path::AnnealingPath;

/// Steps and chains of the short annealing that finds out how far apart temperatures may be.
const PILOT: (usize, usize) = (256, 64);

/// Inverse temperatures that are about 1 apart in thermodynamic length, from 0 to 1.
pub(super) fn evenly_apart<P: AnnealingPath>(path: &P, most: usize, noise: &mut Noise) -> Vec<f64> {
    let (steps, chains) = PILOT;
    let step = 1.0 / steps as f64;
    let mut state = path.draw_base(chains, noise);
    let mut ratios = Vec::with_capacity(steps);
    for k in 0..steps {
        let (from, to) = (k as f64 * step, (k + 1) as f64 * step);
        ratios.push(path.log_ratio(&state, from, to).inner());
        state = path.step(state, to, noise);
    }
    let values = read(ratios);
    // Draws of the base where the model has no probability are left out: they say nothing about
    // where temperatures should be.
    let lengths: Vec<f64> = values.chunks_exact(chains).map(deviation).collect();
    let total: f64 = lengths.iter().filter(|length| length.is_finite()).sum();
    let gaps = (total.ceil() as usize).clamp(3, most - 1);
    // Every step counts a little, so that the length grows everywhere.
    let floor = (1e-3 * total / steps as f64).max(f64::MIN_POSITIVE);
    let mut reached = vec![0.0];
    for length in lengths {
        let length = if length.is_finite() { length } else { floor };
        reached.push(reached[reached.len() - 1] + length.max(floor));
    }
    let whole = reached[steps];
    let mut betas: Vec<f64> = (0..=gaps)
        .map(|k| {
            let level = whole * k as f64 / gaps as f64;
            let above = reached.partition_point(|&r| r <= level).clamp(1, steps);
            let (low, high) = (reached[above - 1], reached[above]);
            (above as f64 - 1.0 + (level - low) / (high - low)) * step
        })
        .collect();
    (betas[0], betas[gaps]) = (0.0, 1.0);
    betas
}

/// The standard deviation of what is finite; NaN of fewer than two values.
fn deviation(values: &[f64]) -> f64 {
    let finite = || values.iter().copied().filter(|x| x.is_finite());
    let n = finite().count() as f64;
    let mean = finite().sum::<f64>() / n;
    let squares: f64 = finite().map(|x| (x - mean).powi(2)).sum();
    (squares / (n - 1.0)).sqrt()
}

/// All values, tensor by tensor.
pub(super) fn read(tensors: Vec<Tensor<1>>) -> Vec<f64> {
    Tensor::cat(tensors, 0).into_data().iter::<f64>().collect()
}

/// `gaps + 1` values between the ends of others that rise, in the same proportions.
pub(super) fn spread(values: &[f64], gaps: usize) -> Vec<f64> {
    let last = values.len() - 1;
    (0..=gaps)
        .map(|k| {
            let place = k as f64 * last as f64 / gaps as f64;
            let below = (place as usize).min(last - 1);
            values[below] + (values[below + 1] - values[below]) * (place - below as f64)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;
    use crate::density::NormalDensity;
    use crate::metropolis_hastings::RandomWalkMetropolis;
    use crate::partition::EnergyPath;

    /// Half of the base draws have no probability at a normal 120 times narrower than the base: the
    /// path is as long as it is without the wall, more than 4 temperatures.
    #[test]
    fn a_wall_leaves_the_temperatures_where_they_are() {
        let device = Device::flex();
        let spaced = |is_walled: bool| {
            let energy = move |x: Tensor<2>| {
                let beyond = x
                    .clone()
                    .greater_scalar(if is_walled { 0.0 } else { f64::INFINITY });
                let squares = x.square().mul_scalar(5000.0);
                squares.mask_fill(beyond, f64::INFINITY).squeeze_dim::<1>(1)
            };
            let base = NormalDensity::isotropic(0.0, 1.2, &[1], &device);
            let kernel = |beta: f64| RandomWalkMetropolis::new(1.5 / (0.7 + 1e4 * beta).sqrt());
            let path = EnergyPath::<_, _, _, 2>::new(energy, base, kernel);
            evenly_apart(&path, 32, &mut Noise::new(3)).len()
        };
        let (open, walled) = (spaced(false), spaced(true));
        assert!(open > 5 && open.abs_diff(walled) <= 2, "{open} {walled}");
    }

    #[test]
    fn the_deviation_is_that_of_what_is_finite() {
        let values = [f64::NEG_INFINITY, 1.0, f64::NAN, 3.0, f64::INFINITY, 5.0];
        assert_eq!(deviation(&values), 2.0);
        assert!(deviation(&[1.0, f64::NEG_INFINITY]).is_nan());
    }
}
