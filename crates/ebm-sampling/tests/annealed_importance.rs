//! Annealed importance sampling of layered machines, against exact partition functions.
#![allow(clippy::unwrap_used)]

mod common;

use burn::tensor::{Device, Tensor};
use common::{assert_chi_square, assert_within_error, devices, mean_and_error, tensor, values};
use ebm_models::{Conditional, Layers, Parity, VisibleUnits, log_partition, states};
use ebm_ops::{Interval, Noise};
use ebm_sampling::partition::{
    AnnealedImportance, AnnealingPath, LayeredPath, LayeredState, PartitionEstimate,
    TemperingSchedule,
};

const PARITIES: [Parity; 2] = [Parity::Even, Parity::Odd];

/// Weights and biases from normals times `scale`.
fn machine(sizes: &[usize], units: VisibleUnits, scale: f64, seed: u64, device: &Device) -> Layers {
    let mut noise = Noise::new(seed);
    let weights = sizes
        .windows(2)
        .map(|pair| {
            let weight: Tensor<2> = noise.normal([pair[0], pair[1]], device);
            weight.mul_scalar(scale)
        })
        .collect();
    let biases = sizes
        .iter()
        .map(|&size| {
            let bias: Tensor<1> = noise.normal([size], device);
            bias.mul_scalar(scale)
        })
        .collect();
    Layers::new(units, weights, biases)
}

/// Machines with couplings of order 1: two layers, real visible units, three and four layers.
fn machines(device: &Device) -> Vec<Layers> {
    use VisibleUnits::{Bernoulli, Gaussian};
    vec![
        machine(&[5, 4], Bernoulli, 1.2, 1, device),
        machine(&[3, 4], Gaussian, 0.6, 2, device),
        machine(&[4, 3, 2], Bernoulli, 1.2, 3, device),
        machine(&[3, 3, 2, 2], Bernoulli, 1.2, 4, device),
        machine(&[2, 3, 2], Gaussian, 0.6, 5, device),
    ]
}

/// The base rates of the tests: something other than the machine's own bias.
fn base_bias(machine: &Layers) -> Tensor<1> {
    let units = machine.sizes()[0];
    let bias: Vec<f64> = (0..units).map(|i| 0.7 - 0.5 * i as f64).collect();
    tensor(&bias, [units], &machine.bias(0).device())
}

/// Both parities and two base rates for each machine.
fn paths(machine: &Layers) -> Vec<LayeredPath> {
    PARITIES
        .into_iter()
        .flat_map(|summed| {
            let path = LayeredPath::new(machine).summing(summed);
            [path.clone().with_base_bias(base_bias(machine)), path]
        })
        .collect()
}

fn exact(machine: &Layers) -> f64 {
    log_partition(machine, &mut ()).unwrap()
}

fn annealing(temperatures: usize, chains: usize) -> AnnealedImportance {
    AnnealedImportance {
        schedule: TemperingSchedule::linear(temperatures),
        chains,
    }
}

fn forward(
    annealing: &AnnealedImportance,
    path: &LayeredPath,
    seed: u64,
) -> PartitionEstimate<LayeredState> {
    annealing.run(path, &mut Noise::new(seed), &mut ())
}

fn draw(units: Conditional, noise: &mut Noise) -> Tensor<2> {
    match units {
        Conditional::Bernoulli(field) => noise.bernoulli(burn::tensor::activation::sigmoid(field)),
        Conditional::Gaussian(mean) => {
            let normal: Tensor<2> = noise.normal(mean.shape(), &mean.device());
            mean + normal
        }
    }
}

/// Exact samples of all layers: the odd ones by their number, the even ones given those.
fn exact_draws(machine: &Layers, count: usize, noise: &mut Noise) -> Vec<Tensor<2>> {
    let device = machine.bias(0).device();
    let sizes = machine.sizes();
    let odd = || (0..sizes.len()).filter(|l| l % 2 == 1);
    let units: usize = odd().map(|l| sizes[l]).sum();
    let all = states(0, 1 << units, units, 0.0, 1.0, &device);
    let split = |rows: Tensor<2>| {
        let mut layers = vec![Tensor::zeros([0, 0], &device); sizes.len()];
        let mut start = 0;
        for l in odd() {
            layers[l] = rows.clone().narrow(1, start, sizes[l]);
            start += sizes[l];
        }
        layers
    };
    let free = values(machine.free_energy(Parity::Even, &split(all.clone())));
    let log_z = exact(machine);
    let mut cumulative = Vec::new();
    let mut sum = 0.0;
    for free in free {
        sum += (-free - log_z).exp();
        cumulative.push(sum);
    }
    assert!((sum - 1.0).abs() < 1e-4, "probabilities sum to {sum}");
    let uniforms: Tensor<1> = noise.uniform([count], &device);
    let all = values(all);
    let rows: Vec<f64> = values(uniforms)
        .into_iter()
        .flat_map(|u| {
            let number = cumulative.partition_point(|&c| c <= u * sum);
            let number = number.min(cumulative.len() - 1);
            all[number * units..(number + 1) * units].to_vec()
        })
        .collect();
    let mut layers = split(tensor(&rows, [count, units], &device));
    for l in (0..sizes.len()).step_by(2) {
        layers[l] = draw(machine.conditional(l, &layers), noise);
    }
    layers
}

/// The machine that `p_beta` is, by the definition of the path.
fn at(machine: &Layers, base: Tensor<1>, beta: f64) -> Layers {
    let count = machine.count();
    let visible = base.mul_scalar(1.0 - beta) + machine.bias(0).mul_scalar(beta);
    let hidden = (1..count).map(|l| machine.bias(l).mul_scalar(beta));
    Layers::new(
        machine.visible_units(),
        (1..count)
            .map(|l| machine.weight(l - 1).mul_scalar(beta))
            .collect(),
        std::iter::once(visible).chain(hidden).collect(),
    )
}

#[test]
fn log_ratios_are_differences_of_free_energies() {
    for device in devices() {
        for machine in machines(&device) {
            let draws = exact_draws(&machine, 50, &mut Noise::new(1));
            let own = machine.bias(0);
            for summed in PARITIES {
                for base in [own.clone(), base_bias(&machine)] {
                    let path = LayeredPath::new(&machine)
                        .summing(summed)
                        .with_base_bias(base.clone());
                    let state = path.state(&draws);
                    for (from, to) in [
                        (0.0, 0.01),
                        (0.3, 0.7),
                        (0.0, 1.0),
                        (1.0, 0.999),
                        (1.0, 0.2),
                    ] {
                        let [before, after] = [from, to].map(|beta| {
                            let machine = at(&machine, base.clone(), beta);
                            values(machine.free_energy(summed, &draws))
                        });
                        let found = values(path.log_ratio(&state, from, to));
                        for ((found, before), after) in found.iter().zip(before).zip(after) {
                            let expected = before - after;
                            assert!(
                                (found - expected).abs() < 1e-5,
                                "{summed:?}, {from} to {to}: {found}, expected {expected}"
                            );
                        }
                    }
                }
            }
        }
    }
}

/// Fields of a thousand, where `exp` would overflow.
#[test]
fn log_ratios_of_large_fields_are_finite() {
    for device in devices() {
        let weight = tensor(&[1000.0, -1000.0, 1000.0, 0.5], [2, 2], &device);
        let bias = |values: &[f64]| tensor(values, [2], &device);
        let machine = Layers::new(
            VisibleUnits::Bernoulli,
            vec![weight],
            vec![bias(&[1.0, -2.0]), bias(&[0.5, 300.0])],
        );
        let ones: Tensor<2> = Tensor::ones([1, 2], &device);
        let draws = [ones.clone(), ones];
        for path in paths(&machine) {
            let state = path.state(&draws);
            for (from, to) in [(0.0, 1.0), (1.0, 0.0), (0.4, 0.6)] {
                let there = values(path.log_ratio(&state, from, to))[0];
                let back = values(path.log_ratio(&state, to, from))[0];
                assert!(there.abs() > 100.0 && there.is_finite(), "{there}");
                assert!((there + back).abs() < 1e-3, "{there}, {back}");
            }
        }
    }
}

#[test]
fn the_base_is_the_machine_at_zero() {
    for device in devices() {
        for machine in machines(&device) {
            for base in [machine.bias(0), base_bias(&machine)] {
                let path = LayeredPath::new(&machine).with_base_bias(base.clone());
                let expected = exact(&at(&machine, base, 0.0));
                let found = path.base_log_partition();
                assert!((found - expected).abs() < 1e-5, "{found}, {expected}");
            }
        }
    }
}

/// The number of a row of binary units.
fn numbers(layers: Vec<Tensor<2>>) -> Vec<usize> {
    let rows = Tensor::cat(layers, 1);
    let units = rows.dims()[1];
    values(rows)
        .chunks(units)
        .map(|row| row.iter().fold(0, |number, &x| 2 * number + x as usize))
        .collect()
}

/// Chi-square of two samples of the same size: that they come from one distribution. Cells in which
/// they have fewer than ten draws together are one cell.
fn assert_same(a: &[usize], b: &[usize], cells: usize, what: &str) {
    let count = |sample: &[usize]| {
        let mut counts = vec![0.0; cells];
        sample.iter().for_each(|&cell| counts[cell] += 1.0);
        counts
    };
    let (mut rare, mut statistic, mut used) = ((0.0_f64, 0.0_f64), 0.0, 0);
    for (a, b) in count(a).into_iter().zip(count(b)) {
        if a + b < 10.0 {
            rare = (rare.0 + a, rare.1 + b);
        } else {
            statistic += (a - b) * (a - b) / (a + b);
            used += 1;
        }
    }
    if rare.0 + rare.1 >= 10.0 {
        statistic += (rare.0 - rare.1).powi(2) / (rare.0 + rare.1);
        used += 1;
    }
    assert!(used > 8, "{what}: {used} cells");
    assert_chi_square(statistic, f64::from(used - 1), what);
}

/// Real units by the side of 0.4 on which they are.
fn binned(machine: &Layers, mut layers: Vec<Tensor<2>>) -> Vec<Tensor<2>> {
    if machine.visible_units() == VisibleUnits::Gaussian {
        layers[0] = layers[0].clone().greater_scalar(0.4).float();
    }
    layers
}

/// Exact draws of `p_beta` are still ones after three transitions, all layers looked at together;
/// and so are draws of the base.
#[test]
fn transitions_keep_their_distribution() {
    const DRAWS: usize = 20_000;
    for device in devices() {
        for (index, machine) in machines(&device).into_iter().enumerate() {
            let cells = 1 << machine.sizes().iter().sum::<usize>();
            let base = base_bias(&machine);
            for summed in PARITIES {
                let path = LayeredPath::new(&machine)
                    .summing(summed)
                    .with_base_bias(base.clone());
                let mut noise = Noise::new(100 + index as u64);
                for beta in [0.0, 0.5, 1.0] {
                    let what = format!("machine {index}, {summed:?}, {beta}, {device:?}");
                    let tempered = at(&machine, base.clone(), beta);
                    let sample = |noise: &mut Noise| {
                        numbers(binned(&machine, exact_draws(&tempered, DRAWS, noise)))
                    };
                    let reference = sample(&mut noise);
                    let mut state = path.state(&exact_draws(&tempered, DRAWS, &mut noise));
                    for _ in 0..3 {
                        state = path.step(state, beta, &mut noise);
                    }
                    let found = path.draw_layers(&state, beta, &mut noise);
                    assert_same(&numbers(binned(&machine, found)), &reference, cells, &what);
                    if beta == 0.0 {
                        let state = path.draw_base(DRAWS, &mut noise);
                        let found = path.draw_layers(&state, beta, &mut noise);
                        assert_same(&numbers(binned(&machine, found)), &reference, cells, &what);
                    }
                }
            }
        }
    }
}

/// Few temperatures, where weights vary much and a wrong order of ratios and transitions shows:
/// `E[w] = Z / Z_0` and from exact samples `E[w'] = Z_0 / Z`. Five standard errors: false-positive
/// rate 5.7e-7 each.
#[test]
fn weights_are_unbiased_in_both_directions() {
    const CHAINS: usize = 20_000;
    for device in devices() {
        for (index, machine) in machines(&device).into_iter().enumerate() {
            let log_z = exact(&machine);
            for (variant, path) in paths(&machine).into_iter().enumerate() {
                for temperatures in [1, 3, 8] {
                    let what = format!("machine {index}, path {variant}, {temperatures}");
                    let annealing = annealing(temperatures, CHAINS);
                    let seed = 1000 + (index * 10 + variant) as u64;
                    let found = forward(&annealing, &path, seed);
                    let ratio = log_z - found.base_log_partition;
                    let relative: Vec<f64> = found
                        .log_weights
                        .iter()
                        .map(|w| (w - ratio).exp())
                        .collect();
                    let (average, error) = mean_and_error(&relative);
                    assert!(error < 0.2, "{what}: {error}");
                    assert_within_error(average, 1.0, error, &format!("{what}, forward"));

                    let mut noise = Noise::new(seed + 500);
                    let start = path.state(&exact_draws(&machine, CHAINS, &mut noise));
                    let found = annealing.run_reverse(&path, start, &mut noise, &mut ());
                    let relative: Vec<f64> = found
                        .log_weights
                        .iter()
                        .map(|w| (w + ratio).exp())
                        .collect();
                    let (average, error) = mean_and_error(&relative);
                    assert!(error < 0.2, "{what}: {error}");
                    assert_within_error(average, 1.0, error, &format!("{what}, reverse"));
                }
            }
        }
    }
}

/// On average over small groups of chains the forward estimate is below, the reverse one above;
/// with few temperatures by more than five standard errors.
#[test]
fn the_exact_value_is_sandwiched() {
    let device = Device::flex();
    for (index, machine) in machines(&device).into_iter().enumerate() {
        let log_z = exact(&machine);
        let path = LayeredPath::new(&machine).with_base_bias(base_bias(&machine));
        let annealing = annealing(2, 5);
        let mut noise = Noise::new(40 + index as u64);
        let mut lower = Vec::new();
        let mut upper = Vec::new();
        for _ in 0..1000 {
            let found = annealing.run(&path, &mut noise, &mut ());
            assert!(found.mean_bound <= found.log_partition + 1e-9);
            lower.push(found.log_partition - log_z);
            let start = path.state(&exact_draws(&machine, 5, &mut noise));
            let found = annealing.run_reverse(&path, start, &mut noise, &mut ());
            assert!(found.mean_bound >= found.log_partition - 1e-9);
            upper.push(found.log_partition - log_z);
        }
        let (lower, error) = mean_and_error(&lower);
        assert!(lower < -5.0 * error, "machine {index}: {lower} +- {error}");
        let (upper, error) = mean_and_error(&upper);
        assert!(upper > 5.0 * error, "machine {index}: {upper} +- {error}");
    }
}

/// Of 300 intervals of 95 %, the exact value is missed by a handful, on either side: more than 40
/// have a probability of 1e-8. They aren't much wider than the estimates spread.
#[test]
fn intervals_cover_the_exact_value() {
    let device = Device::flex();
    let machine = machine(&[5, 4], VisibleUnits::Bernoulli, 1.2, 1, &device);
    let log_z = exact(&machine);
    let path = LayeredPath::new(&machine).with_base_bias(base_bias(&machine));
    let annealing = annealing(10, 100);
    let mut noise = Noise::new(50);
    for reverse in [false, true] {
        let (mut missed, mut width, mut estimates) = (0, 0.0, Vec::new());
        for _ in 0..300 {
            let found = if reverse {
                let start = path.state(&exact_draws(&machine, 100, &mut noise));
                annealing.run_reverse(&path, start, &mut noise, &mut ())
            } else {
                annealing.run(&path, &mut noise, &mut ())
            };
            let Interval { low, high } = found.interval;
            assert!(low < found.log_partition && found.log_partition < high);
            missed += usize::from(log_z < low || log_z > high);
            width += (high - low) / 300.0;
            estimates.push(found.log_partition);
        }
        let spread = mean_and_error(&estimates).1 * 300_f64.sqrt();
        assert!(missed <= 40, "reverse {reverse}: {missed} missed");
        // The standard deviation of 300 estimates is known to 4 %.
        let ratio = width / (2.0 * 1.96 * spread);
        assert!((0.8..1.5).contains(&ratio), "reverse {reverse}: {ratio}");
    }
}

/// Without couplings and with the machine's own bias every chain has the exact weight.
#[test]
fn independent_units_leave_no_variance() {
    for device in devices() {
        for machine in machines(&device) {
            let count = machine.count();
            let still = Layers::new(
                machine.visible_units(),
                (1..count)
                    .map(|l| machine.weight(l - 1).zeros_like())
                    .collect(),
                (0..count)
                    .map(|l| match l {
                        // Kept hidden units with a bias would vary.
                        1 => machine.bias(1),
                        0 => machine.bias(0),
                        _ => machine.bias(l).zeros_like(),
                    })
                    .collect(),
            );
            let path = LayeredPath::new(&still).summing(Parity::Odd);
            let found = forward(&annealing(7, 20), &path, 1);
            let log_z = exact(&still);
            assert!((found.log_partition - log_z).abs() < 1e-5, "{found:?}");
            let first = found.log_weights[0];
            assert!(found.log_weights.iter().all(|w| (w - first).abs() < 1e-9));
            assert!((found.effective_sample_size - 20.0).abs() < 1e-6);
            assert!(found.interval.width() < 1e-6);
            assert!((found.mean_bound - found.log_partition).abs() < 1e-9);
        }
    }
}

/// With 14,500 temperatures rounding must not add up: weights that telescope to an exact value, of
/// fields up to 30, with hidden units summed out and with visible ones.
#[test]
fn thousands_of_ratios_don_t_lose_precision() {
    let device = Device::flex();
    let spread = |units: usize| -> Tensor<1> {
        let values: Vec<f64> = (0..units)
            .map(|i| 60.0 * (i as f64 * 0.618).fract() - 30.0)
            .collect();
        tensor(&values, [units], &device)
    };
    for (sizes, summed) in [([4, 784], Parity::Odd), ([784, 4], Parity::Even)] {
        let biases = match summed {
            Parity::Odd => vec![Tensor::zeros([4], &device), spread(784)],
            Parity::Even => vec![spread(784), Tensor::zeros([4], &device)],
        };
        let weight = Tensor::zeros(sizes, &device);
        let still = Layers::new(VisibleUnits::Bernoulli, vec![weight], biases);
        let path = LayeredPath::new(&still)
            .summing(summed)
            .with_base_bias(Tensor::full([sizes[0]], 0.1, &device));
        // Kept visible units would vary with any base but their own.
        let path = match summed {
            Parity::Odd => path.with_base_bias(still.bias(0)),
            Parity::Even => path,
        };
        let annealing = AnnealedImportance {
            schedule: TemperingSchedule::salakhutdinov2008(),
            chains: 2,
        };
        let found = forward(&annealing, &path, 1).log_partition;
        let softplus = |x: f64| x.max(0.0) + (-x.abs()).exp().ln_1p();
        let log_z: f64 = (0..2)
            .flat_map(|l| values(still.bias(l)))
            .map(softplus)
            .sum();
        assert!((found - log_z).abs() < 1e-3, "{summed:?}: {found}, {log_z}");
    }
}

/// 1,500 temperatures on 784 visible units find the enumerated value to a few hundredths of a nat,
/// from either side.
#[test]
fn a_machine_of_hundreds_of_units_is_estimated() {
    let device = Device::flex();
    let mut noise = Noise::new(60);
    let weight: Tensor<2> = noise.normal([784, 10], &device);
    let visible: Tensor<1> = noise.normal([784], &device);
    let hidden: Tensor<1> = noise.normal([10], &device);
    let machine = Layers::new(
        VisibleUnits::Bernoulli,
        vec![weight.mul_scalar(0.25)],
        vec![visible.sub_scalar(1.0), hidden],
    );
    let log_z = exact(&machine);
    let path = LayeredPath::new(&machine);
    let annealing = annealing(1500, 50);
    let found = annealing.run(&path, &mut noise, &mut ());
    let start = path.state(&exact_draws(&machine, 50, &mut noise));
    let above = annealing.run_reverse(&path, start, &mut noise, &mut ());
    for estimate in [&found, &above] {
        let Interval { low, high } = estimate.interval;
        let error = (high - low) / (2.0 * 1.96);
        assert!(error < 0.1, "{error}");
        assert_within_error(estimate.log_partition, log_z, error, "log Z");
        assert!(estimate.effective_sample_size > 20.0);
    }
}

#[test]
fn a_seed_fixes_the_estimate() {
    for device in devices() {
        let machine = machine(&[5, 4], VisibleUnits::Bernoulli, 1.2, 1, &device);
        let path = LayeredPath::new(&machine);
        let weights = |seed| forward(&annealing(70, 10), &path, seed).log_weights;
        assert_eq!(weights(1), weights(1));
        assert_ne!(weights(1), weights(2));
    }
}

/// Log-ratios are read every so often: none is lost at the end of a schedule, whatever its length.
#[test]
fn progress_reaches_the_end() {
    let device = Device::flex();
    let machine = machine(&[3, 2], VisibleUnits::Bernoulli, 1.0, 1, &device);
    let path = LayeredPath::new(&machine);
    for temperatures in [1, 63, 64, 65, 128, 200] {
        let mut seen = Vec::new();
        let annealing = annealing(temperatures, 3);
        let found = annealing.run(&path, &mut Noise::new(1), &mut |done, total| {
            seen.push((done, total));
        });
        assert_eq!(seen.last(), Some(&(temperatures, temperatures)));
        assert!(seen.windows(2).all(|pair| pair[0].0 < pair[1].0));
        assert_eq!(found.log_weights.len(), 3);
    }
}

/// A machine under training gives the same numbers, and chains that are on no graph.
#[test]
fn trainable_parameters_leave_no_graph() {
    let device = Device::flex();
    let found = [device.clone(), device.autodiff()].map(|device| {
        let machine = machine(&[4, 3, 2], VisibleUnits::Bernoulli, 1.0, 1, &device);
        let mean = Tensor::full([4], 0.3, &device);
        let path = LayeredPath::new(&machine).with_visible_means(mean, 0.01);
        let found = forward(&annealing(5, 4), &path, 1);
        let layers = path.draw_layers(&found.states, 1.0, &mut Noise::new(2));
        for layer in &layers {
            assert!(!layer.is_autodiff());
            assert_eq!(layer.dims()[0], 4);
        }
        (found.log_weights, values(Tensor::cat(layers, 1)))
    });
    assert_eq!(found[0], found[1]);
}

/// `log Z_0` says what the base rates are: their log-odds, kept off certainty, or the means of real
/// units.
#[test]
fn base_rates_come_from_means() {
    for device in devices() {
        for units in [VisibleUnits::Bernoulli, VisibleUnits::Gaussian] {
            let machine = machine(&[3, 2], units, 1.0, 1, &device);
            let mean = tensor(&[0.0, 0.4, 0.99], [3], &device);
            let path = LayeredPath::new(&machine).with_visible_means(mean, 0.05);
            let expected: f64 = match units {
                // softplus(log(p / (1 - p))) = -log(1 - p)
                VisibleUnits::Bernoulli => {
                    [0.05, 0.4, 0.95].map(|p: f64| -(1.0 - p).ln()).iter().sum()
                }
                VisibleUnits::Gaussian => [0.0, 0.4, 0.99]
                    .map(|m: f64| (m * m + std::f64::consts::TAU.ln()) / 2.0)
                    .iter()
                    .sum(),
            };
            let expected = expected + 2.0 * std::f64::consts::LN_2;
            let found = path.base_log_partition();
            assert!((found - expected).abs() < 1e-5, "{found}, {expected}");
        }
    }
}

#[test]
fn a_single_chain_has_no_finite_interval_and_a_broken_machine_no_value() {
    let device = Device::flex();
    let sound = machine(&[3, 2], VisibleUnits::Bernoulli, 1.0, 1, &device);
    let found = forward(&annealing(5, 1), &LayeredPath::new(&sound), 1);
    let nothing = Interval::new(f64::NEG_INFINITY, f64::INFINITY);
    assert_eq!(found.interval, nothing);
    let broken = machine(&[3, 2], VisibleUnits::Bernoulli, f64::NAN, 1, &device);
    let found = forward(&annealing(5, 4), &LayeredPath::new(&broken), 1);
    assert!(found.log_partition.is_nan(), "{found:?}");
}

#[test]
#[should_panic(expected = "layer 1 has 2 units, but its states have the shape [5, 3]")]
fn states_that_don_t_fit_are_named() {
    let device = Device::flex();
    let machine = machine(&[3, 2], VisibleUnits::Bernoulli, 1.0, 1, &device);
    let rows = || Tensor::<2>::zeros([5, 3], &device);
    LayeredPath::new(&machine)
        .summing(Parity::Even)
        .state(&[rows(), rows()]);
}

#[test]
#[should_panic(expected = "a base bias of shape [2] doesn't fit visible units of shape [3]")]
fn a_base_that_doesn_t_fit_is_named() {
    let device = Device::flex();
    let machine = machine(&[3, 2], VisibleUnits::Bernoulli, 1.0, 1, &device);
    let bias = Tensor::<1>::zeros([2], &device);
    let _ = LayeredPath::new(&machine).with_base_bias(bias);
}
