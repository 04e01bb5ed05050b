//! Langevin dynamics over parameters against exact laws: Gaussian posteriors, regression,
//! calibration, preconditioning.
#![allow(clippy::unwrap_used)]

mod posterior;

use burn::module::{Module, Param};
use burn::tensor::{Device, Int, Tensor, TensorData};
use ebm_ops::Noise;
use ebm_train::{ParameterGradients, RmsPropPreconditioner, StepSizeSchedule};
use posterior::{
    Quadratic, Replicas, assert_normal_moments, assert_within_error, config, constant, devices,
    moments, tensor, values, walk,
};

/// Ten examples, not normal, with their mean and their variance (that of the set, not an estimate).
fn examples() -> (Vec<f64>, f64, f64) {
    let examples = vec![2.5, 2.0, 3.0, 2.25, 2.75, -1.0, -0.5, 0.0, -0.25, -0.75];
    let n = examples.len() as f64;
    let mean = examples.iter().sum::<f64>() / n;
    let variance = examples.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n;
    (examples, mean, variance)
}

const SIGMA: f64 = 1.5;
const PRIOR_PRECISION: f64 = 1.2;

/// The posterior of the mean of [`examples`] under `N(theta, SIGMA^2)` and the prior, without
/// minibatches.
fn conjugate(temperature: f64) -> Quadratic {
    let (examples, mean, _) = examples();
    let information = examples.len() as f64 / (SIGMA * SIGMA);
    let curvature = information + PRIOR_PRECISION;
    Quadratic {
        curvature,
        mode: information * mean / curvature,
        temperature,
        gradient_noise: 0.0,
    }
}

/// 40,000 independent chains: the standard error of a variance is 0.7 %, the biases of the steps
/// here are 5 to 300 %.
#[test]
fn chains_of_a_gaussian_posterior_have_the_exact_law() {
    const CHAINS: usize = 40_000;
    let (examples, mean, _) = examples();
    // The share of the stability limit, the temperature, and the number of steps: on the way, and
    // there.
    for (share, temperature, steps) in [
        (0.05, 1.0, 10),
        (0.25, 1.0, 25),
        (0.75, 1.0, 40),
        (0.25, 0.1, 25),
    ] {
        let target = conjugate(temperature);
        let eps = share * 4.0 / target.curvature;
        if steps > 10 {
            let (_, limit) = target.law(-2.0, steps, |_| eps);
            assert!((limit / target.stationary_variance(eps) - 1.0).abs() < 1e-3);
        }
        for device in devices() {
            let mut langevin = config(examples.len(), constant(eps))
                .with_prior_precision(PRIOR_PRECISION)
                .with_temperature(temperature)
                .init()
                .unwrap();
            let replicas = walk(
                &mut langevin,
                Replicas::at(-2.0, [1, CHAINS], &device),
                tensor(&[SIGMA], [1, 1], &device),
                steps,
                &mut Noise::new(1),
                |_| tensor(&[mean], [1, 1], &device),
            );
            assert_normal_moments(
                &values(replicas.theta.val()),
                target.law(-2.0, steps, |_| eps),
                &format!("{share} of the limit at temperature {temperature} on {device:?}"),
            );
        }
    }
}

/// The step falls by a factor of 20; the bias of the first step's size would be 33 %, what is left
/// at the end is 2 %, and the standard error 0.7 %.
#[test]
fn falling_steps_have_the_exact_law_and_lose_their_bias() {
    let device = Device::flex();
    let (examples, mean, _) = examples();
    let target = conjugate(1.0);
    let schedule = StepSizeSchedule::polynomial(2.0 / target.curvature, 2.0, 0.9).unwrap();
    let mut langevin = config(examples.len(), schedule)
        .with_prior_precision(PRIOR_PRECISION)
        .init()
        .unwrap();
    let steps = 60;
    let replicas = walk(
        &mut langevin,
        Replicas::at(3.0, [1, 40_000], &device),
        tensor(&[SIGMA], [1, 1], &device),
        steps,
        &mut Noise::new(2),
        |_| tensor(&[mean], [1, 1], &device),
    );
    let law = target.law(3.0, steps, |step| schedule.at(step));
    assert!((law.1 * target.curvature - 1.0).abs() < 0.03, "{law:?}");
    assert_normal_moments(&values(replicas.theta.val()), law, "falling steps");
}

/// Minibatches of two of ten examples, a pair for each of 40,000 chains, make the variance larger
/// by a half. Two-point noise of minibatches has lighter tails than normal, so that the standard
/// error is no larger than assumed.
#[test]
fn minibatches_add_the_variance_of_their_gradients() {
    const CHAINS: usize = 40_000;
    let device = Device::flex();
    let (examples, _, variance) = examples();
    let n = examples.len();
    let data: Tensor<1> = tensor(&examples, [n], &device);
    for with_replacement in [true, false] {
        let mut target = conjugate(1.0);
        let correction = if with_replacement {
            1.0
        } else {
            (n - 2) as f64 / (n - 1) as f64
        };
        target.gradient_noise = (n * n) as f64 * variance / SIGMA.powi(4) / 2.0 * correction;
        let eps = 0.4 / target.curvature;
        let mut langevin = config(n, constant(eps))
            .with_prior_precision(PRIOR_PRECISION)
            .init()
            .unwrap();
        let replicas = walk(
            &mut langevin,
            Replicas::at(0.0, [1, CHAINS], &device),
            tensor(&[SIGMA], [1, 1], &device),
            40,
            &mut Noise::new(3),
            |noise| {
                let first: Tensor<1, Int> = noise.indices(CHAINS, n, &device);
                let second = if with_replacement {
                    noise.indices(CHAINS, n, &device)
                } else {
                    // Any other example: so many places further on.
                    let places = noise.indices(CHAINS, n - 1, &device).add_scalar(1);
                    (first.clone() + places).remainder_scalar(n as i64)
                };
                let sum = data.clone().select(0, first) + data.clone().select(0, second);
                sum.div_scalar(2.0).unsqueeze()
            },
        );
        let law = target.law(0.0, 40, |_| eps);
        let without = conjugate(1.0).stationary_variance(eps);
        assert!((law.1 / target.stationary_variance(eps) - 1.0).abs() < 1e-3);
        assert!(law.1 > 1.2 * without, "{} {without}", law.1);
        assert_normal_moments(
            &values(replicas.theta.val()),
            law,
            &format!("minibatches, with replacement: {with_replacement}"),
        );
    }
}

/// Chains of three coefficients, `[3, chains]`.
#[derive(Module, Debug)]
struct Coefficients {
    beta: Param<Tensor<2>>,
}

/// Linear regression whose first two columns are nearly the same: coefficients are correlated by
/// -0.8. Mean and covariance of 4,000 chains against the exact law of each step, which is off the
/// posterior by at most a tenth.
#[test]
fn regression_has_the_mean_and_covariance_of_its_correlated_posterior() {
    const CHAINS: usize = 4000;
    const ROWS: usize = 20;
    let (noise_std, prior_precision) = (0.5, 1.0);
    let mut source = Noise::new(4);
    let device = Device::flex();
    let z = values::<2>(source.normal([ROWS, 4], &device));
    let mut x = Vec::new();
    let mut y = Vec::new();
    for z in z.chunks(4) {
        let row = [z[0], 0.9 * z[0] + 0.5 * z[1], z[2]].map(|x| f64::from(x as f32));
        let target = row[0] - 0.5 * row[1] + 2.0 * row[2] + noise_std * z[3];
        x.push(row);
        y.push(f64::from(target as f32));
    }
    // U = beta' A beta / 2 - b' beta
    let mut a = [[0.0; 3]; 3];
    let mut b = [0.0; 3];
    for (row, y) in x.iter().zip(&y) {
        for i in 0..3 {
            b[i] += row[i] * y / (noise_std * noise_std);
            for j in 0..3 {
                a[i][j] += row[i] * row[j] / (noise_std * noise_std);
            }
        }
    }
    for (i, row) in a.iter_mut().enumerate() {
        row[i] += prior_precision;
    }
    let trace = a[0][0] + a[1][1] + a[2][2];
    // The largest curvature is at most the trace: a tenth of the limit 4 / A.
    let eps = 0.4 / trace;
    let steps = 500;

    // m <- m - eps/2 (A m - b), S <- F S F + eps I with F = I - eps/2 A
    let mut mean = [0.0; 3];
    let mut covariance = [[0.0; 3]; 3];
    let factor = table(|i, j| f64::from(u8::from(i == j)) - eps / 2.0 * a[i][j]);
    for _ in 0..steps {
        let gradient: [f64; 3] =
            std::array::from_fn(|i| (0..3).map(|k| a[i][k] * mean[k]).sum::<f64>() - b[i]);
        for i in 0..3 {
            mean[i] -= eps / 2.0 * gradient[i];
        }
        covariance = product(&product(&factor, &covariance), &factor);
        for (i, row) in covariance.iter_mut().enumerate() {
            row[i] += eps;
        }
    }
    // Which is about the posterior: A S = I within eps A / 4, and A m = b.
    let identity = product(&a, &covariance);
    for i in 0..3 {
        let image: f64 = (0..3).map(|k| a[i][k] * mean[k]).sum();
        assert!((image - b[i]).abs() < 0.01 * b[i].abs(), "{image} {b:?}");
        for (j, value) in identity[i].iter().enumerate() {
            assert!(
                (value - f64::from(u8::from(i == j))).abs() < 0.12,
                "{identity:?}"
            );
        }
    }
    let correlation = covariance[0][1] / (covariance[0][0] * covariance[1][1]).sqrt();
    assert!(correlation < -0.75, "{correlation}");

    let x: Tensor<2> = tensor(&x.concat(), [ROWS, 3], &device);
    let y: Tensor<2> = tensor(&y, [ROWS, 1], &device);
    let mut langevin = config(ROWS, constant(eps))
        .with_prior_precision(prior_precision)
        .init()
        .unwrap();
    let mut model = Coefficients {
        beta: Param::from_tensor(Tensor::zeros([3, CHAINS], &device)),
    }
    .train();
    let mut noise = source.split();
    for _ in 0..steps {
        let residual = x.clone().autodiff().matmul(model.beta.val()) - y.clone().autodiff();
        // The mean over examples, the sum over chains.
        let scale = 2.0 * noise_std * noise_std * ROWS as f64;
        let loss = residual.square().sum().div_scalar(scale);
        let gradients = ParameterGradients::collect(&model, loss.backward());
        model = langevin.step(model, gradients, &mut noise);
    }
    let beta = values(model.beta.val());
    let found: Vec<&[f64]> = beta.chunks(CHAINS).collect();
    let centers: Vec<f64> = found.iter().map(|sample| moments(sample).0).collect();
    for i in 0..3 {
        let error = (covariance[i][i] / CHAINS as f64).sqrt();
        assert_within_error(centers[i], mean[i], error, &format!("mean {i}"));
        for j in 0..=i {
            let products = found[i].iter().zip(found[j]);
            let sum: f64 = products
                .map(|(x, y)| (x - centers[i]) * (y - centers[j]))
                .sum();
            // Isserlis: the variance of a product of normals.
            let square = covariance[i][i] * covariance[j][j] + covariance[i][j].powi(2);
            assert_within_error(
                sum / (CHAINS - 1) as f64,
                covariance[i][j],
                (square / CHAINS as f64).sqrt(),
                &format!("covariance {i}, {j}"),
            );
        }
    }
}

fn table(entry: impl Fn(usize, usize) -> f64) -> [[f64; 3]; 3] {
    std::array::from_fn(|i| std::array::from_fn(|j| entry(i, j)))
}

fn product(a: &[[f64; 3]; 3], b: &[[f64; 3]; 3]) -> [[f64; 3]; 3] {
    table(|i, j| (0..3).map(|k| a[i][k] * b[k][j]).sum())
}

/// Simulation-based calibration (Talts et al. 2018): a parameter from the prior, data from the
/// parameter, 15 chains on the data; the parameter's rank among their ends is uniform on 0..=15.
/// 3,000 data sets. The steps are a hundredth of the limit, so that variances are off by 1 %, and
/// 300 of them leave 0.3 % of the start: neither moves the statistic by more than 0.2. Limit of
/// chi-square with 15 degrees of freedom: 58.8, false-positive rate 4e-7. Ranks can't tell a
/// missing prior, which leaves calibrated draws around the mean of the data; the exact laws above
/// can.
#[test]
fn ranks_of_true_parameters_are_uniform() {
    const SETS: usize = 3000;
    const DRAWS: usize = 15;
    const EXAMPLES: usize = 5;
    let (sigma, prior_precision) = (1.0_f64, 1.0_f64);
    let device = Device::flex();
    let mut noise = Noise::new(5);
    let truth: Tensor<2> = noise
        .normal([SETS, 1], &device)
        .div_scalar(prior_precision.sqrt());
    let data: Tensor<2> = noise.normal([SETS, EXAMPLES], &device).mul_scalar(sigma) + truth.clone();
    let center = data.mean_dim(1);
    let curvature = EXAMPLES as f64 / (sigma * sigma) + prior_precision;
    let mut langevin = config(EXAMPLES, constant(0.04 / curvature))
        .with_prior_precision(prior_precision)
        .init()
        .unwrap();
    let start: Tensor<2> = noise.normal([SETS, DRAWS], &device);
    let replicas = walk(
        &mut langevin,
        Replicas::start(start),
        tensor(&[sigma], [1, 1], &device),
        300,
        &mut noise,
        |_| center.clone(),
    );
    let mut counts = [0.0; DRAWS + 1];
    let draws = values(replicas.theta.val());
    for (draws, truth) in draws.chunks(DRAWS).zip(values(truth)) {
        counts[draws.iter().filter(|&&draw| draw < truth).count()] += 1.0;
    }
    let expected = SETS as f64 / counts.len() as f64;
    let statistic: f64 = counts
        .iter()
        .map(|count| (count - expected).powi(2) / expected)
        .sum();
    assert!(statistic < 58.8, "{statistic}: {counts:?}");
}

/// Posterior standard deviations 1 and 0.01, a condition of 10^4, both chains at a tenth of the
/// stability limit of the stiff parameter. With a mean square that stays what it is at
/// stationarity, `V = A / |D|^2`, the condition is its root, 100.
#[test]
fn a_constant_preconditioner_mixes_where_plain_steps_do_not() {
    const CHAINS: usize = 10_000;
    const SIZE: usize = 100;
    const STEPS: usize = 800;
    let device = Device::flex();
    let curvatures = [1.0_f64, 1e4];
    let sigmas = curvatures.map(|curvature| (SIZE as f64 / curvature).sqrt());
    let target = |curvature: f64| Quadratic {
        curvature,
        mode: 0.0,
        temperature: 1.0,
        gradient_noise: 0.0,
    };
    let run = |langevin: &mut _, seed| {
        let replicas = walk(
            langevin,
            Replicas::at(0.0, [2, CHAINS], &device),
            tensor(&sigmas, [2, 1], &device),
            STEPS,
            &mut Noise::new(seed),
            |_| Tensor::zeros([1, 1], &device),
        );
        values(replicas.theta.val())
    };

    let eps = 0.4 / curvatures[1];
    let mut plain = config(SIZE, constant(eps)).init().unwrap();
    let draws = run(&mut plain, 6);
    for (draws, curvature) in draws.chunks(CHAINS).zip(curvatures) {
        let law = target(curvature).law(0.0, STEPS, |_| eps);
        assert_normal_moments(draws, law, &format!("plain, curvature {curvature}"));
    }
    let (_, slow) = moments(&draws[..CHAINS]);
    assert!(slow < 0.05, "{slow} of 1");

    // G = |D| / sqrt(A), and a decay so near 1 that single precision sees no change.
    let scales = curvatures.map(|curvature| SIZE as f64 / curvature.sqrt());
    let eps = 0.4 / (scales[1] * curvatures[1]);
    let mut preconditioned = config(SIZE, constant(eps))
        .with_preconditioner(Some(RmsPropPreconditioner {
            decay: 1.0 - 1e-12,
            offset: 1e-12,
        }))
        .init()
        .unwrap();
    let mean_square = scales.map(|scale| [scale.powi(-2) as f32; CHAINS]).concat();
    preconditioned
        .restore(
            &Replicas::at(0.0, [2, CHAINS], &device),
            [(
                "theta.mean_square".to_string(),
                TensorData::new(mean_square, [2, CHAINS]),
            )]
            .into(),
            // So many that the running mean isn't corrected for its start.
            [
                ("steps", 1 << 52),
                ("skipped", 0),
                ("theta.updates", 1 << 52),
            ]
            .map(|(name, count)| (name.to_string(), count))
            .into(),
        )
        .unwrap();
    let draws = run(&mut preconditioned, 7);
    for ((draws, curvature), scale) in draws.chunks(CHAINS).zip(curvatures).zip(scales) {
        // A constant G is a step size of the parameter's own.
        let law = target(curvature).law(0.0, STEPS, |_| eps * scale);
        assert_normal_moments(draws, law, &format!("preconditioned, {curvature}"));
        assert!(law.1 * curvature > 0.75, "{law:?}");
    }
}

/// The same condition with a mean square that is learned from nothing and averages over 100 steps;
/// minibatches make ten times as much of it as the posterior does. The stiff parameter relaxes in
/// 10 steps and sees a constant `G`. The slow one takes 1,000 steps, `V` follows it, and the
/// neglected term gives the density `p / G`, that is, 9 % more variance. The standard error is 4 %;
/// the lag of `V` takes off at most a fifth of the 9 %, and fluctuations of `V` change the stiff
/// variance by about 1 %.
#[test]
fn a_learned_preconditioner_finds_both_scales() {
    const CHAINS: usize = 1500;
    const SIZE: usize = 100;
    const BATCH: usize = 10;
    const STEPS: usize = 4000;
    let device = Device::flex();
    let curvatures = [1.0_f64, 1e4];
    let sigmas = curvatures.map(|curvature| (SIZE as f64 / curvature).sqrt());
    let ratio = SIZE as f64 / BATCH as f64;
    // Of the mean of a minibatch out of many normal examples.
    let spread: Tensor<2> = tensor(&sigmas, [2, 1], &device).div_scalar((BATCH as f64).sqrt());
    // The largest G that minibatches alone allow, and the limit 4 / (G A).
    let scale = SIZE as f64 / (ratio * curvatures[1]).sqrt();
    let eps = 0.2 / (scale * curvatures[1]);
    let mut langevin = config(SIZE, constant(eps))
        .with_preconditioner(Some(RmsPropPreconditioner {
            decay: 0.99,
            offset: 1e-6,
        }))
        .init()
        .unwrap();
    let replicas = walk(
        &mut langevin,
        Replicas::at(0.0, [2, CHAINS], &device),
        tensor(&sigmas, [2, 1], &device),
        STEPS,
        &mut Noise::new(8),
        |noise| noise.normal([2, CHAINS], &device) * spread.clone(),
    );
    // With G = |D| / sqrt(C + A^2 v), where v depends on G in turn: the share of the limit, and the
    // law.
    let constant_scale = |curvature: f64| {
        let target = Quadratic {
            curvature,
            mode: 0.0,
            temperature: 1.0,
            gradient_noise: ratio * curvature,
        };
        let mut variance = 1.0 / curvature;
        let mut scale = 0.0;
        for _ in 0..50 {
            scale = SIZE as f64 / (target.gradient_noise + curvature * curvature * variance).sqrt();
            // A constant G is a step size of the parameter's own.
            variance = target.stationary_variance(eps * scale);
        }
        (eps * scale * curvature, variance * curvature)
    };
    // p / G is exp(-u^2 / 2) sqrt(ratio + u^2) in posterior standard deviations u.
    let weigh = |moment: i32| -> f64 {
        (-800..=800)
            .map(|i| f64::from(i) / 100.0)
            .map(|u| (-u * u / 2.0).exp() * (ratio + u * u).sqrt() * u.powi(moment))
            .sum()
    };
    let followed = weigh(2) / weigh(0);
    assert!((followed - 1.09).abs() < 0.01, "{followed}");
    let draws = values(replicas.theta.val());
    for ((draws, curvature), factor) in draws.chunks(CHAINS).zip(curvatures).zip([followed, 1.0]) {
        let (share, variance) = constant_scale(curvature);
        assert!(share < 0.2 && (1.0..1.6).contains(&variance));
        assert_normal_moments(
            draws,
            (0.0, factor * variance / curvature),
            &format!("learned, curvature {curvature}"),
        );
    }
}

/// With a decay of 0 the neglected `Gamma` shows: for a standard normal posterior `p / G` is
/// `(offset + |theta|) exp(-theta^2 / 2)`, whose variance is 1.61 for an offset of 1/2, and not 1.
/// Steps of 0.02 leave a bias of about 1 %, the standard error is 2 %.
#[test]
fn the_neglected_term_biases_as_documented() {
    const CHAINS: usize = 8000;
    let device = Device::flex();
    let offset = 0.5;
    let mut langevin = config(1, constant(0.02))
        .with_preconditioner(Some(RmsPropPreconditioner { decay: 0.0, offset }))
        .init()
        .unwrap();
    let replicas = walk(
        &mut langevin,
        Replicas::at(0.0, [1, CHAINS], &device),
        Tensor::ones([1, 1], &device),
        900,
        &mut Noise::new(9),
        |_| Tensor::zeros([1, 1], &device),
    );
    // Moments of |theta| under the standard normal: 1, r, 1, 2 r, 3, 8 r.
    let r = (2.0 / std::f64::consts::PI).sqrt();
    let total = offset + r;
    let variance = (offset + 2.0 * r) / total;
    let fourth = (3.0 * offset + 8.0 * r) / total;
    let squares: Vec<f64> = values(replicas.theta.val()).iter().map(|x| x * x).collect();
    let error = ((fourth - variance * variance) / CHAINS as f64).sqrt();
    assert_within_error(moments(&squares).0, variance, error, "second moment");
}
