//! Pareto k-hat and smoothed weights equal those of ArviZ 0.21, and are defined where it fails.

use ebm_sampling::diagnostics::{pareto_k, pareto_k_threshold, pareto_smoothed};

/// Well-spread numbers in `(0, 1)`, the same in any language: `i * 0.6180339887498949 mod 1`.
fn spread(count: usize) -> Vec<f64> {
    let golden = |i: usize| (i as f64 * 0.618_033_988_749_894_9) % 1.0;
    (1..=count).map(golden).collect()
}

fn of_spread(count: usize, log_weight: impl Fn(f64) -> f64) -> Vec<f64> {
    spread(count).into_iter().map(log_weight).collect()
}

/// Log-weights; k-hat; smoothed log-weights at 0, 7, the largest, the last and 12; the sum of
/// squared smoothed weights.
type Case = (Vec<f64>, f64, [f64; 5], f64);

/// `smoothed, k = az.psislw(log_weights)` of ArviZ 0.21.0, with NumPy's
/// `u = np.mod(np.arange(1, n + 1) * 0.6180339887498949, 1)` in place of [`spread`], and
/// `(np.exp(smoothed) ** 2).sum()`.
fn cases() -> Vec<Case> {
    let pareto = |shape: f64| move |u: f64| -shape * (1.0 - u).ln();
    vec![
        (
            of_spread(500, pareto(0.2)),
            0.222_250_067_749_203_75,
            [
                -6.244_781_375_690_126,
                -5.857_132_596_756_055,
                -5.089_872_995_542_726,
                -6.433_838_018_410_139,
                -6.430_256_314_724_302,
            ],
            0.002_126_079_059_420_362,
        ),
        (
            of_spread(200, pareto(0.5)),
            0.476_763_547_465_206_7,
            [
                -5.487_176_456_250_586,
                -4.528_499_025_011_079,
                -3.081_117_330_951_309_4,
                -5.501_672_697_113_539,
                -5.950_863_803_836_024,
            ],
            0.009_062_773_828_309_528,
        ),
        (
            of_spread(3000, pareto(0.9)),
            0.870_946_992_850_434,
            [
                -8.956_064_971_036_316,
                -7.223_702_400_821_737,
                -2.111_440_136_451_252_5,
                -9.725_453_391_379_103,
                -9.790_702_196_690_106,
            ],
            0.020_236_510_150_979_05,
        ),
        (
            of_spread(64, pareto(1.5)),
            0.936_701_838_159_623_5,
            [
                -5.604_946_888_260_072,
                -2.885_759_350_431_556_4,
                -0.929_386_124_217_003_6,
                -5.836_838_250_422_193,
                -6.996_008_931_016_387,
            ],
            0.189_354_866_754_812_94,
        ),
        (
            of_spread(400, |u| 0.7 * u.ln()),
            -0.746_406_227_399_907_7,
            [
                -5.800_099_579_158_348,
                -5.498_725_689_960_135,
                -5.464_082_163_418_133,
                -6.543_821_169_428_021,
                -7.821_189_244_408_668,
            ],
            0.003_007_825_416_127_467,
        ),
        (
            of_spread(1000, |u| 0.8 * (u / (1.0 - u)).ln() - 300.0),
            0.767_649_720_746_77,
            [
                -7.736_382_941_615_357,
                -5.856_455_657_401_415_5,
                -2.144_008_126_517_467,
                -10.799_069_118_302_423,
                -10.788_099_458_038_1,
            ],
            0.021_547_177_124_228_1,
        ),
        (
            of_spread(1000, |u| {
                if u < 0.9 {
                    f64::NEG_INFINITY
                } else {
                    pareto(0.3)(u)
                }
            }),
            0.336_853_973_185_860_36,
            [
                f64::NEG_INFINITY,
                -4.789_152_138_892_009,
                -3.345_373_991_692_742_5,
                f64::NEG_INFINITY,
                f64::NEG_INFINITY,
            ],
            0.011_756_668_406_788_148,
        ),
        (
            of_spread(21, f64::ln),
            0.068_022_774_993_332_94,
            [
                -2.857_864_557_401_460_3,
                -2.398_168_787_695_109_7,
                -2.398_168_787_695_109_7,
                -2.398_168_787_695_109_7,
                -5.745_135_507_759_061,
            ],
            0.062_761_004_229_920_44,
        ),
    ]
}

fn assert_near(found: f64, expected: f64, what: &str) {
    assert!(
        found == expected || (found - expected).abs() < 1e-9 * expected.abs().max(1.0),
        "{what}: found {found}, expected {expected}"
    );
}

fn largest(values: &[f64]) -> usize {
    let order = |&a: &usize, &b: &usize| values[a].total_cmp(&values[b]);
    (0..values.len()).max_by(order).unwrap_or(0)
}

#[test]
fn equal_to_arviz() {
    for (index, (log_weights, k, expected, squares)) in cases().into_iter().enumerate() {
        assert_near(pareto_k(&log_weights), k, &format!("k of {index}"));
        let smoothed = pareto_smoothed(&log_weights);
        let log_sum = smoothed.iter().map(|w| w.exp()).sum::<f64>().ln();
        let places = [0, 7, largest(&log_weights), log_weights.len() - 1, 12];
        for (place, expected) in places.into_iter().zip(expected) {
            assert_near(
                smoothed[place] - log_sum,
                expected,
                &format!("{index} at {place}"),
            );
        }
        let found: f64 = smoothed.iter().map(|w| (2.0 * (w - log_sum)).exp()).sum();
        assert_near(found, squares, &format!("squares of {index}"));
    }
}

/// Tied log-weights: smoothing depends on the order of equals, k-hat doesn't.
#[test]
fn k_of_ties_equals_arviz() {
    let ties = of_spread(300, |u| (8.0 * u).floor() * 0.25);
    assert_near(pareto_k(&ties), -4.662_635_207_012_263, "ties");
}

/// A constant factor of the weights changes nothing, however large.
#[test]
fn k_is_free_of_the_scale() {
    for (log_weights, k, ..) in cases() {
        for constant in [-1000.0, 3.0, 5000.0] {
            let moved: Vec<f64> = log_weights.iter().map(|w| w + constant).collect();
            let found = pareto_k(&moved);
            // Adding 5000 rounds logarithms to 1e-12.
            assert!((found - k).abs() < 1e-8 * k.abs().max(1.0), "{found} {k}");
        }
    }
}

/// Where too few lie above the place of the cut, ArviZ says infinity.
#[test]
fn ties_at_the_cut() {
    // No tail at all.
    assert_eq!(pareto_k(&[3.0; 100]), f64::NEG_INFINITY);
    let rounded = of_spread(100, |u| 3.0 + 9e-6 * u);
    assert_eq!(pareto_k(&rounded), f64::NEG_INFINITY);
    assert!(pareto_k(&of_spread(100, |u| 3.0 + 2e-5 * u)).is_finite());
    // Two states, half each: bounded weights.
    let halves = of_spread(200, |u| if u < 0.5 { 0.0 } else { 1.0 });
    assert!(pareto_k(&halves) < 0.0, "{}", pareto_k(&halves));
    assert_eq!(pareto_smoothed(&halves), halves);
    // Three above many equals, which are above others: the tail begins below the equals.
    let mut steps = of_spread(1000, |u| if u < 0.5 { u - 2.0 } else { 0.0 });
    steps[..3].copy_from_slice(&[0.1, 0.11, 0.12]);
    assert!(pareto_k(&steps) < 0.5, "{}", pareto_k(&steps));
    // Three above nothing but equals: nobody can tell.
    let mut lonely = vec![0.0; 1000];
    lonely[..3].copy_from_slice(&[2.0, 3.0, 4.0]);
    assert_eq!(pareto_k(&lonely), f64::INFINITY);
    assert_eq!(pareto_smoothed(&lonely), lonely);
    // Zero weights but for three.
    let mut zeros = vec![f64::NEG_INFINITY; 1000];
    zeros[..3].copy_from_slice(&[2.0, 3.0, 4.0]);
    assert_eq!(pareto_k(&zeros), f64::INFINITY);
}

#[test]
fn what_has_no_tail() {
    assert_eq!(pareto_k(&of_spread(20, f64::ln)), f64::INFINITY);
    assert!(pareto_k(&of_spread(21, f64::ln)).is_finite());
    for log_weights in [vec![], vec![f64::NEG_INFINITY; 50]] {
        assert!(pareto_k(&log_weights).is_nan());
    }
    for fault in [f64::NAN, f64::INFINITY] {
        let mut log_weights = of_spread(50, f64::ln);
        log_weights[7] = fault;
        assert!(pareto_k(&log_weights).is_nan());
    }
}

#[test]
fn thresholds() {
    for (n, expected) in [(100, 0.5), (1000, 2.0 / 3.0), (10_000, 0.7), (10, 0.0)] {
        assert!((pareto_k_threshold(n) - expected).abs() < 1e-12);
    }
    assert!(pareto_k_threshold(2154) < 0.7 && pareto_k_threshold(2155) == 0.7);
    assert_eq!(pareto_k_threshold(1), f64::NEG_INFINITY);
}
