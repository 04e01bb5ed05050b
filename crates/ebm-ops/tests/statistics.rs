//! The numbers follow their distributions; each threshold has its rate of false alarms beside it.
//!
//! Seeds are fixed, so a test that passes once passes always; the rate tells how surprising a
//! failure after a change of seed or code is.

use burn::tensor::{Device, Tensor};
use ebm_ops::Noise;
use ebm_testing::{phi, values};

const N: usize = 1 << 20;

/// Bound on a standard normal statistic: exceeded on either side in 5.7e-7 of all cases.
const SIGMAS: f64 = 5.0;

fn uniforms(noise: &mut Noise, n: usize) -> Vec<f64> {
    values::<1>(noise.uniform([n], &Device::flex()))
}

fn normals(noise: &mut Noise, n: usize) -> Vec<f64> {
    values::<1>(noise.normal([n], &Device::flex()))
}

/// Kolmogorov and Smirnov: `P(sqrt(n) D > t)` tends to `2 exp(-2 t^2)`; t = 2.7 gives a
/// false-positive rate of 9.3e-7.
fn assert_follows(mut sample: Vec<f64>, distribution: impl Fn(f64) -> f64) {
    sample.sort_unstable_by(f64::total_cmp);
    let n = sample.len() as f64;
    let distance = sample
        .iter()
        .enumerate()
        .map(|(i, &x)| {
            let f = distribution(x);
            (f - i as f64 / n)
                .abs()
                .max((f - (i as f64 + 1.0) / n).abs())
        })
        .fold(0.0, f64::max);
    assert!(distance * n.sqrt() < 2.7, "D = {distance}, n = {n}");
}

/// Pearson's chi-square of equally likely cells, by the normal approximation of Wilson and
/// Hilferty; false-positive rate 5.7e-7, half of it for counts that are too even.
fn assert_even(counts: &[u64], scale: f64) {
    let cells = counts.len() as f64;
    let expected = counts.iter().sum::<u64>() as f64 / cells;
    let chi_square = counts
        .iter()
        .map(|&count| (count as f64 - expected).powi(2) / expected)
        .sum::<f64>()
        * scale;
    let freedom = cells - 1.0;
    let spread = 2.0 / (9.0 * freedom);
    let z = ((chi_square / freedom).cbrt() - (1.0 - spread)) / spread.sqrt();
    assert!(
        z.abs() < SIGMAS,
        "chi-square {chi_square} with {freedom} degrees: z = {z}"
    );
}

fn assert_uncorrelated(a: &[f64], b: &[f64], what: &str) {
    let n = a.len().min(b.len()) as f64;
    let sum: f64 = a.iter().zip(b).map(|(x, y)| x * y).sum();
    let z = sum / n.sqrt();
    assert!(z.abs() < SIGMAS, "{what}: z = {z}");
}

/// Uniforms scaled to mean 0 and variance 1.
fn standardised(noise: &mut Noise) -> Vec<f64> {
    uniforms(noise, N)
        .into_iter()
        .map(|u| (u - 0.5) * 12.0_f64.sqrt())
        .collect()
}

#[test]
fn uniforms_are_uniform() {
    for seed in 0..4 {
        assert_follows(uniforms(&mut Noise::new(seed), N), |u| u);
    }
    assert_follows(Noise::new(8).host_uniforms(N), |u| u);
    let drawn: Tensor<1> = Noise::new(9).uniform_in([N], [-2.0, 6.0], &Device::flex());
    assert_follows(values(drawn), |x| (x + 2.0) / 8.0);
}

#[test]
fn normals_are_normal() {
    assert!((phi(-1.959_963_984_540_054) - 0.025).abs() < 1e-15);
    for seed in 0..4 {
        assert_follows(normals(&mut Noise::new(seed), N), phi);
    }
}

#[test]
fn logistics_are_logistic() {
    for seed in 20..24 {
        let drawn: Tensor<1> = Noise::new(seed).logistic([N], &Device::flex());
        assert_follows(values(drawn), |l| 1.0 / (1.0 + (-l).exp()));
    }
}

/// The number of ones among coins of one probability is binomial; |z| < 5 fails in 5.7e-7 of all
/// cases, 9 cases.
#[test]
fn coins_of_logits_have_the_probability_of_the_sigmoid() {
    for (seed, logit) in [-12.0, -6.0, -2.0, -0.5, 0.0, 0.3, 1.7, 5.0, 11.0_f64]
        .into_iter()
        .enumerate()
    {
        let logits = Tensor::<1>::full([N], logit, &Device::flex());
        let ones: f64 = values(Noise::new(seed as u64).bernoulli_logits(logits))
            .iter()
            .sum();
        let p = 1.0 / (1.0 + (-logit).exp());
        let z = (ones - N as f64 * p) / (N as f64 * p * (1.0 - p)).sqrt();
        assert!(z.abs() < SIGMAS, "logit {logit}: {ones} ones, z = {z}");
    }
    let sure = Tensor::<1>::from_floats(
        [-17.0, 17.0, f32::NEG_INFINITY, f32::INFINITY, f32::NAN],
        &Device::flex(),
    );
    for seed in 0..100 {
        let drawn = values(Noise::new(seed).bernoulli_logits(sure.clone()));
        assert_eq!(drawn, [0.0, 1.0, 0.0, 1.0, 0.0]);
    }
}

/// Moment k has variance `E z^2k - (E z^k)^2` over n: 1, 2, 15, 96, and 10,170 for the sixth.
#[test]
fn moments_of_normals() {
    let z = normals(&mut Noise::new(11), N);
    for (power, mean, variance) in [
        (1, 0.0, 1.0),
        (2, 1.0, 2.0),
        (3, 0.0, 15.0),
        (4, 3.0, 96.0),
        (6, 15.0, 10_170.0),
    ] {
        let moment = z.iter().map(|z| z.powi(power)).sum::<f64>() / N as f64;
        let score = (moment - mean) / (variance / N as f64).sqrt();
        assert!(score.abs() < SIGMAS, "E z^{power} = {moment}: z = {score}");
    }
    let extreme = z.iter().fold(0.0_f64, |most, z| most.max(z.abs()));
    // 2^20 draws stay below 4.0 with a probability of 2e-29 and pass 5.8 never.
    assert!((4.0..5.8).contains(&extreme), "{extreme}");
}

/// The two normals of a pair share a radius: bins of equal probability in both must fill evenly.
#[test]
fn pairs_of_normals_are_independent() {
    let z = normals(&mut Noise::new(12), N);
    for offset in [0, 1] {
        let mut counts = [0; 32 * 32];
        for pair in z[offset..].chunks_exact(2) {
            let [a, b] = [pair[0], pair[1]].map(|z| (phi(z) * 32.0) as usize);
            counts[a * 32 + b] += 1;
        }
        assert_even(&counts, 1.0);
    }
}

/// Lags within a block, to the next block and to the same place of the next block; squares show a
/// shared radius.
#[test]
fn no_serial_correlation() {
    let u = standardised(&mut Noise::new(13));
    let z = normals(&mut Noise::new(14), N);
    let squares: Vec<f64> = z.iter().map(|z| (z * z - 1.0) / 2.0_f64.sqrt()).collect();
    for lag in 1..=8 {
        assert_uncorrelated(&u, &u[lag..], &format!("uniforms, lag {lag}"));
        assert_uncorrelated(&z, &z[lag..], &format!("normals, lag {lag}"));
        assert_uncorrelated(&squares, &squares[lag..], &format!("squares, lag {lag}"));
    }
}

#[test]
fn streams_are_uncorrelated() {
    let mut parent = Noise::new(15);
    let mut child = parent.split();
    let mut streams = vec![
        standardised(&mut child.split()),
        standardised(&mut child),
        standardised(&mut parent.split()),
        standardised(&mut parent),
    ];
    // Neighbouring seeds are different keys, no more alike than children.
    streams.extend([14, 16].map(|seed| standardised(&mut Noise::new(seed))));
    for (i, a) in streams.iter().enumerate() {
        for (j, b) in streams[..i].iter().enumerate() {
            assert_uncorrelated(a, b, &format!("streams {i} and {j}"));
            assert_uncorrelated(a, &b[4..], &format!("streams {i} and {j}, one block on"));
        }
    }
}

#[test]
fn indices_are_even() {
    let mut noise = Noise::new(16);
    for bound in [2, 10, 1000, 4099] {
        let mut counts = vec![0; bound];
        for index in noise
            .indices(N, bound, &Device::flex())
            .into_data()
            .iter::<i64>()
        {
            counts[index as usize] += 1;
        }
        assert_even(&counts, 1.0);
    }
}

#[test]
fn coins_land_as_often_as_their_probability() {
    let mut noise = Noise::new(17);
    for p in [0.001, 0.1, 0.5, 0.9, 0.999] {
        let coins = values(noise.bernoulli(Tensor::<1>::full([N], p, &Device::flex())));
        assert!(coins.iter().all(|&coin| coin == 0.0 || coin == 1.0));
        let heads = coins.iter().sum::<f64>();
        let z = (heads - N as f64 * p) / (N as f64 * p * (1.0 - p)).sqrt();
        assert!(z.abs() < SIGMAS, "p = {p}: {heads} heads, z = {z}");
    }
}

/// Each of the algorithms that `rand` chooses between. A draw takes an index at most once, so the
/// counts vary less than independent ones: their chi-square is scaled by `(n - 1) / (n - count)`.
#[test]
fn choices_are_equally_likely() {
    let mut noise = Noise::new(18);
    for (count, n, draws) in [
        (1, 7, 50_000),
        (5, 20, 50_000),
        (40, 60, 20_000),
        (200, 300, 5_000),
    ] {
        let mut counts = vec![0; n];
        for _ in 0..draws {
            for index in noise.choose(count, n) {
                counts[index] += 1;
            }
        }
        assert_even(&counts, (n - 1) as f64 / (n - count) as f64);
    }
}

/// All 24 orders of four things, drawn by both functions that promise a random order.
#[test]
fn orders_are_equally_likely() {
    let mut noise = Noise::new(19);
    for draw in [
        |noise: &mut Noise| noise.permutation(4),
        |noise: &mut Noise| noise.choose(4, 4),
    ] {
        let mut counts = std::collections::BTreeMap::new();
        for _ in 0..48_000 {
            *counts.entry(draw(&mut noise)).or_insert(0_u64) += 1;
        }
        assert_eq!(counts.len(), 24);
        assert_even(&counts.into_values().collect::<Vec<_>>(), 1.0);
    }
}
