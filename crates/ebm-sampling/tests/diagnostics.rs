//! Diagnostics equal those of ArviZ 0.21, and are right on chains whose law is known.

mod common;

use burn::tensor::Tensor;
use common::{Quadratic, assert_within_error, devices, values};
use ebm_ops::Noise;
use ebm_sampling::diagnostics::{
    autocorrelation, bulk_effective_sample_size, effective_sample_size, monte_carlo_error,
    quantile_effective_sample_size, r_hat, split_r_hat, summary, table, tail_effective_sample_size,
};
use ebm_sampling::hamiltonian::HamiltonianMonteCarlo;
use ebm_sampling::metropolis_hastings::RandomWalkMetropolis;
use ebm_sampling::{Kernel, run, run_with};

/// Autoregressive chains of approximate normals from a linear congruential generator, the same in
/// any language: `x <- persistence x + z`, chain `c` shifted by `c * shift`.
fn chains(length: usize, count: usize, persistence: f64, shift: f64) -> Vec<Vec<f64>> {
    let mut state: u64 = 12345;
    (0..count)
        .map(|chain| {
            let mut x = 0.0;
            (0..length)
                .map(|_| {
                    let mut z = 0.0;
                    for _ in 0..12 {
                        state = (1_664_525 * state + 1_013_904_223) % (1 << 32);
                        z += state as f64 / 4_294_967_296.0;
                    }
                    z -= 6.0;
                    x = persistence * x + z;
                    x + shift * chain as f64
                })
                .collect()
        })
        .collect()
}

/// `az.ess` with methods bulk, tail and mean, `az.rhat` with methods rank and split, `az.mcse`, of
/// ArviZ 0.21.0.
#[test]
fn the_numbers_of_arviz() {
    #[rustfmt::skip]
    let cases = [
        ((1000, 4, 0.7, 0.0), [672.7384661551027, 1348.2667939452895, 673.17043011701, 1.0033449914445622, 1.0026529385012306, 0.05453784148635772]),
        ((500, 3, 0.0, 0.0), [1305.6650800972882, 1314.0520940865008, 1310.5200993945507, 0.9995019040265556, 0.9989522562343305, 0.02747346557987764]),
        ((400, 2, -0.6, 0.0), [2322.471989593555, 612.7496047703876, 2322.471989593555, 1.0010608947732476, 0.9982422049503918, 0.024982560065195638]),
        ((300, 4, 0.3, 0.8), [9.813879970205427, 139.04170872130263, 9.693228796103066, 1.3486034611952793, 1.3556951455163364, 0.4512823666429452]),
        ((101, 2, 0.5, 0.1), [65.7582004820811, 108.4976661874309, 66.11731075909, 1.0272237999785743, 1.0276853761890343, 0.14708265955328365]),
    ];
    for ((length, count, persistence, shift), expected) in cases {
        let draws = chains(length, count, persistence, shift);
        let found = [
            bulk_effective_sample_size(&draws),
            tail_effective_sample_size(&draws),
            effective_sample_size(&draws),
            r_hat(&draws),
            split_r_hat(&draws),
            monte_carlo_error(&draws),
        ];
        for (index, (found, expected)) in found.iter().zip(expected).enumerate() {
            assert!(
                (found / expected - 1.0).abs() < 1e-9,
                "{length} draws, number {index}: found {found}, ArviZ {expected}"
            );
        }
    }
}

/// Effective sample sizes of the bulk, the tail, the mean and the 25 % quantile, against those of
/// ArviZ.
fn assert_arviz(draws: &[Vec<f64>], expected: [f64; 4], what: &str) {
    let found = [
        bulk_effective_sample_size(draws),
        tail_effective_sample_size(draws),
        effective_sample_size(draws),
        quantile_effective_sample_size(draws, 0.25),
    ];
    for (index, (found, expected)) in found.iter().zip(expected).enumerate() {
        assert!(
            (found / expected - 1.0).abs() < 1e-9,
            "{what}, number {index}: found {found}, ArviZ {expected}"
        );
    }
}

/// `az.ess` with methods bulk, tail, mean and quantile (0.25), of ArviZ 0.21.0 with SciPy 1.14: of
/// the chains above, from the fewest draws on; the last of a row says whether they are rounded
/// down, so that many are equal.
#[test]
fn effective_sample_sizes_of_few_draws_are_those_of_arviz() {
    #[rustfmt::skip]
    let cases = [
        ((4, 1, 0.9, false), [2.4082399653118496, 2.4082399653118496, 2.4082399653118496, 2.4082399653118496]),
        ((4, 3, 0.9, false), [12.9501749525715, 12.9501749525715, 12.9501749525715, 12.9501749525715]),
        ((4, 2, -0.9, false), [7.224719895935548, 7.224719895935548, 7.224719895935548, 7.224719895935548]),
        ((5, 1, 0.9, false), [2.4082399653118496, 2.4082399653118496, 2.4082399653118496, 2.4082399653118496]),
        ((5, 3, 0.9, false), [12.9501749525715, 12.9501749525715, 12.9501749525715, 12.9501749525715]),
        ((5, 2, -0.9, false), [7.224719895935548, 7.224719895935548, 7.224719895935548, 7.224719895935548]),
        ((6, 1, 0.9, false), [4.668907502301862, 4.668907502301862, 4.668907502301862, 4.668907502301862]),
        ((6, 3, 0.9, false), [22.594905091859506, 22.594905091859506, 22.594905091859506, 22.594905091859506]),
        ((6, 2, -0.9, false), [12.9501749525715, 12.9501749525715, 12.9501749525715, 12.9501749525715]),
        ((7, 1, 0.9, false), [4.668907502301862, 4.668907502301862, 4.668907502301862, 4.668907502301862]),
        ((7, 3, 0.9, false), [22.594905091859506, 22.594905091859506, 22.594905091859506, 22.594905091859506]),
        ((7, 2, -0.9, false), [12.9501749525715, 12.0, 12.9501749525715, 12.9501749525715]),
        ((8, 1, 0.9, false), [7.224719895935548, 7.224719895935548, 7.224719895935548, 7.224719895935548]),
        ((8, 3, 0.9, false), [33.12506980107854, 33.12506980107854, 33.12506980107854, 33.12506980107854]),
        ((8, 2, -0.9, false), [19.265919722494797, 19.265919722494797, 19.265919722494797, 19.265919722494797]),
        ((9, 1, 0.9, false), [7.224719895935548, 7.224719895935548, 7.224719895935548, 7.224719895935548]),
        ((9, 3, 0.9, false), [33.12506980107854, 33.12506980107854, 33.12506980107854, 33.12506980107854]),
        ((9, 2, -0.9, false), [19.265919722494797, 19.265919722494797, 19.265919722494797, 19.265919722494797]),
        ((10, 1, 0.9, false), [3.3687324460248598, 10.0, 3.0965001767992155, 4.95049504950495]),
        ((10, 3, 0.9, false), [10.340900607801979, 14.778325123152708, 10.14611356321872, 15.986509274873525]),
        ((10, 2, -0.9, false), [26.020599913279625, 26.020599913279625, 26.020599913279625, 11.797752808988767]),
        ((11, 1, 0.9, false), [3.1152171920682865, 10.0, 2.722228992874638, 4.95049504950495]),
        ((11, 3, 0.9, false), [9.467425199661267, 29.126213592233007, 9.36050179301039, 17.14285714285714]),
        ((11, 2, -0.9, false), [26.020599913279625, 15.0375939849624, 26.020599913279625, 25.954198473282442]),
        ((12, 1, 0.9, false), [3.580159765558594, 12.70588235294118, 3.232639591628844, 6.428571428571429]),
        ((12, 3, 0.9, false), [10.294577261704715, 17.60869565217391, 10.162553981652339, 12.188420019627085]),
        ((12, 2, -0.9, false), [33.12506980107854, 22.978723404255312, 33.12506980107854, 33.12506980107854]),
        ((21, 1, 0.9, false), [8.7915858365198, 11.221945137157109, 7.474349863076177, 12.452830188679243]),
        ((21, 3, 0.9, false), [11.472004527728085, 26.176911544227874, 10.504626885525653, 18.74199707963607]),
        ((21, 2, -0.9, false), [64.08239965311849, 56.86274509803921, 64.08239965311849, 64.08239965311849]),
        ((40, 1, 0.9, false), [10.870792156303732, 21.105248542071642, 9.379338074467789, 20.50359712230216]),
        ((40, 3, 0.9, false), [5.136305959418588, 18.21522729088439, 5.106099965879984, 5.718742143325463]),
        ((40, 2, -0.9, false), [152.24719895935547, 50.795114081585616, 152.24719895935547, 97.81793385611994]),
        ((10, 1, 0.5, true), [10.0, 7.5187969924812, 10.0, 10.0]),
        ((11, 3, 0.5, true), [19.75805830632011, 14.778325123152708, 17.513242263730138, 41.9548872180451]),
        ((20, 2, 0.9, true), [13.851889900847548, 21.106296201886316, 12.912727445484347, 19.345859429366737]),
        ((101, 4, 0.5, true), [156.27522877374247, 170.22294851648996, 154.54226250363047, 195.3773698721224]),
        ((1000, 2, 0.8, true), [217.1976462269038, 452.9256379127705, 216.94659931508187, 289.355129776756]),
        ((21, 1, -0.5, true), [26.020599913279625, 20.0, 26.020599913279625, 26.020599913279625]),
    ];
    for ((length, count, persistence, is_rounded), expected) in cases {
        let mut draws = chains(length, count, persistence, 0.0);
        if is_rounded {
            draws.iter_mut().flatten().for_each(|x| *x = x.floor());
        }
        let what = format!("{count} chains of {length}, {persistence}, rounded {is_rounded}");
        assert_arviz(&draws, expected, &what);
    }
}

/// 1, -1, 1, .. in each chain, and chains that stay where they are, at 0, 1 and 2; ArviZ 0.21.0.
#[test]
fn chains_that_alternate_or_stay_are_judged_as_arviz_does() {
    #[rustfmt::skip]
    let alternating = [
        ((4, 1), [2.4082399653118496, 2.4082399653118496, 2.4082399653118496, 2.4082399653118496]),
        ((4, 4), [19.265919722494797, 16.0, 19.265919722494797, 19.265919722494797]),
        ((9, 1), [7.224719895935548, 7.224719895935548, 7.224719895935548, 7.224719895935548]),
        ((9, 4), [48.16479930623699, 32.0, 48.16479930623699, 48.16479930623699]),
        ((10, 1), [10.0, 10.0, 10.0, 10.0]),
        ((10, 4), [64.08239965311849, 40.0, 64.08239965311849, 64.08239965311849]),
        ((11, 1), [10.0, 10.0, 10.0, 10.0]),
        ((11, 4), [64.08239965311849, 40.0, 64.08239965311849, 64.08239965311849]),
        ((12, 1), [12.9501749525715, 12.0, 12.9501749525715, 12.9501749525715]),
        ((12, 4), [80.69957939402819, 48.0, 80.69957939402819, 80.69957939402819]),
        ((30, 1), [44.31363764158987, 30.0, 44.31363764158987, 44.31363764158987]),
        ((30, 4), [249.50174952571496, 120.0, 249.50174952571496, 249.50174952571496]),
        ((401, 1), [1040.823996531185, 400.0, 1040.823996531185, 1040.823996531185]),
        ((401, 4), [5126.591972249479, 1600.0, 5126.591972249479, 5126.591972249479]),
    ];
    for ((length, count), expected) in alternating {
        let chain: Vec<f64> = (0..length)
            .map(|t| if t % 2 == 0 { 1.0 } else { -1.0 })
            .collect();
        let draws = vec![chain; count];
        assert_arviz(
            &draws,
            expected,
            &format!("{count} alternating chains of {length}"),
        );
    }
    #[rustfmt::skip]
    let apart = [
        (4, [12.9501749525715, 12.0, 12.9501749525715, 12.9501749525715]),
        (9, [33.12506980107854, 24.0, 33.12506980107854, 33.12506980107854]),
        (10, [7.5, 7.5, 7.5, 7.5]),
        (30, [3.75, 3.75, 3.75, 3.75]),
    ];
    for (length, expected) in apart {
        let draws: Vec<Vec<f64>> = (0..3).map(|c| vec![f64::from(c); length]).collect();
        assert_arviz(&draws, expected, &format!("3 chains of {length} that stay"));
    }
}

#[test]
fn an_autoregressive_chain_has_its_autocorrelation() {
    let chain = &chains(200_000, 1, 0.7, 0.0)[0];
    for (lag, rho) in autocorrelation(chain, 10).into_iter().enumerate() {
        // Bartlett's standard error of an autocorrelation of an AR(1) is below sqrt((1 + a^2) /
        // (1 - a^2) / n) = 0.0038; five of them.
        let expected = 0.7_f64.powi(lag as i32);
        assert!((rho - expected).abs() < 0.019, "lag {lag}: {rho}");
    }
}

#[test]
fn draws_that_are_not_finite_or_do_not_move() {
    let mut draws = chains(50, 2, 0.0, 0.0);
    draws[1][7] = f64::NAN;
    for result in [
        r_hat(&draws),
        split_r_hat(&draws),
        effective_sample_size(&draws),
        bulk_effective_sample_size(&draws),
        tail_effective_sample_size(&draws),
        quantile_effective_sample_size(&draws, 0.5),
        monte_carlo_error(&draws),
    ] {
        assert!(result.is_nan());
    }
    for length in 4..20 {
        let still = vec![vec![2.0; length]; 3];
        // The middle draw of an odd number is in neither half.
        let all = (length / 2 * 2 * 3) as f64;
        assert_eq!(effective_sample_size(&still), all);
        assert_eq!(bulk_effective_sample_size(&still), all);
        assert_eq!(tail_effective_sample_size(&still), all);
    }
}

#[test]
#[should_panic(expected = "chain 1 has 4 draws, but chain 0 has 5")]
fn chains_of_different_lengths_are_refused() {
    r_hat(&[vec![0.0; 5], vec![0.0; 4]]);
}

#[test]
#[should_panic(expected = "at least 4 draws, got 2 chains of 3")]
fn chains_that_are_too_short_are_refused() {
    effective_sample_size(&[vec![0.0; 3], vec![0.0; 3]]);
}

/// The first value of each chain over the steps.
fn traces<K: Kernel<Quadratic, Tensor<2>>>(kernel: &K, steps: usize) -> Vec<Vec<f64>> {
    let [device, _] = devices();
    let mut noise = Noise::new(11);
    let energy = Quadratic::new(1.0, &device);
    let start: Tensor<2> = noise.normal([8, 2], &device);
    let mut traces = vec![Vec::new(); 8];
    run_with(kernel, &energy, start, steps, &mut noise, |_, state, _| {
        for (trace, row) in traces
            .iter_mut()
            .zip(values(kernel.position(state)).chunks(2))
        {
            trace.push(row[0]);
        }
    });
    traces
}

/// Chains of a sampler: R-hat near 1, the mean within its error, Hamiltonian draws worth more than
/// those of a random walk.
#[test]
fn chains_of_samplers_are_judged() {
    let walk = traces(&RandomWalkMetropolis::new(1.0), 1500);
    let hamiltonian = traces(&HamiltonianMonteCarlo::new(0.3, 5), 1500);
    for (name, draws) in [("walk", &walk), ("hamiltonian", &hamiltonian)] {
        assert!(r_hat(draws) < 1.02, "{name}: {}", r_hat(draws));
        let mean = draws.iter().flatten().sum::<f64>() / 12_000.0;
        assert_within_error(mean, 0.0, monte_carlo_error(draws), name);
    }
    let [slow, fast] = [&walk, &hamiltonian].map(|draws| bulk_effective_sample_size(draws));
    assert!(fast > 3.0 * slow, "{fast} {slow}");
    let text = table(&[summary("walk", &walk), summary("hamiltonian", &hamiltonian)]);
    assert_eq!(text.lines().count(), 3);
    for word in [
        "mean",
        "sd",
        "mcse",
        "ess_bulk",
        "ess_tail",
        "r_hat",
        "hamiltonian",
    ] {
        assert!(text.contains(word), "{text}");
    }
    // Nobody mixes chains that sit in different places.
    let [device, _] = devices();
    let apart = |at: f64| {
        let start = Tensor::<2>::full([1, 2], at, &device);
        let energy = Quadratic::new(1.0, &device);
        let kernel = RandomWalkMetropolis::new(0.01);
        let mut noise = Noise::new(1);
        (0..50)
            .map(|steps| {
                values(run(&kernel, &energy, start.clone(), steps, &mut noise).position)[0]
            })
            .collect::<Vec<f64>>()
    };
    assert!(r_hat(&[apart(-2.0), apart(2.0)]) > 1.5);
}

/// The mean of equal draws is that draw, whatever rounds in their sum: no R-hat and no error is
/// made of rounding.
#[test]
fn chains_that_stand_still_have_no_variance() {
    for length in 4..60 {
        for value in [0.1, 1.0 / 3.0, -2.7e5] {
            let still = vec![vec![value; length]; 3];
            assert_eq!(monte_carlo_error(&still), 0.0, "{value}, {length}");
            assert!(r_hat(&still).is_nan(), "{value}, {length}");
            assert!(split_r_hat(&still).is_nan(), "{value}, {length}");
            let apart = [vec![value; length], vec![value + 1.0; length]];
            assert_eq!(r_hat(&apart), f64::INFINITY, "{value}, {length}");
            assert_eq!(split_r_hat(&apart), f64::INFINITY, "{value}, {length}");
        }
    }
}
