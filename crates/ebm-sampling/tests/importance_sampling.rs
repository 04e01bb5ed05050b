//! Importance sampling is right within honest errors, and refuses where it has none.
#![allow(clippy::unwrap_used)]

mod common;

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use common::{
    NanWherePositive, Quadratic, WallWherePositive, assert_chi_square, assert_close_to,
    assert_within_error, devices, phi, values,
};
use ebm_models::{Energy, MlpConfig};
use ebm_ops::{Interval, Noise};
use ebm_sampling::density::{Density, NormalDensity, UniformDensity};
use ebm_sampling::importance_sampling::{
    ImportanceError, ImportanceSample, ImportanceWeights, importance_sample,
};

/// `log Z` of `x^2 / 2`.
fn log_z() -> f64 {
    0.5 * std::f64::consts::TAU.ln()
}

/// Draws of a normal, weighted for the standard normal.
fn normals(std: f64, count: usize, seed: u64, device: &Device) -> ImportanceSample<2> {
    let proposal = NormalDensity::isotropic(0.0, std, &[1], device);
    let energy = Quadratic::new(1.0, device);
    importance_sample(&energy, &proposal, count, &mut Noise::new(seed)).unwrap()
}

fn squares(draws: &ImportanceSample<2>) -> Tensor<1> {
    draws.samples.clone().square().sum_dim(1).squeeze_dim(1)
}

#[test]
fn expectations_and_log_z_of_a_known_target() {
    for device in devices() {
        for values_each in [1, 3] {
            let proposal = NormalDensity::isotropic(0.3, 1.2, &[values_each], &device);
            let energy = Quadratic::new(2.0, &device);
            let noise = &mut Noise::new(1);
            let draws: ImportanceSample<2> =
                importance_sample(&energy, &proposal, 20_000, noise).unwrap();
            assert_eq!(draws.samples.dims(), [20_000, values_each]);
            assert_eq!(draws.not_a_number, 0);
            assert!(draws.weights.pareto_k() < 0.5);
            let n = values_each as f64;
            let mean = draws.samples.clone().sum_dim(1).squeeze_dim(1);
            let log_partition = draws.weights.log_partition();
            for (found, expected, what) in [
                (
                    draws.expectation(squares(&draws)).unwrap(),
                    0.5 * n,
                    "E x^2",
                ),
                (draws.expectation(mean).unwrap(), 0.0, "E x"),
                (log_partition, n * (log_z() - 0.5 * 2_f64.ln()), "log Z"),
            ] {
                assert!(found.standard_error > 0.0 && found.standard_error < 0.05);
                assert_within_error(found.value, expected, found.standard_error, what);
            }
            let Interval { low, high } = draws.weights.log_partition_interval();
            assert!(low < log_partition.value && log_partition.value < high);
        }
    }
}

/// 1,000 runs of 1,000 draws: squared errors in standard errors have mean 1 and variance 2, and 95
/// % of the intervals cover, with a binomial standard deviation of 6.9 runs. Two statistics for two
/// numbers at five standard errors: false-positive rate 2.3e-6.
#[test]
fn standard_errors_are_honest() {
    let device = Device::flex();
    let (mut squared, mut covered) = ([0.0; 2], [0.0; 2]);
    for seed in 0..1000 {
        let draws = normals(1.5, 1000, seed, &device);
        let square = draws.expectation(squares(&draws)).unwrap();
        let log_partition = draws.weights.log_partition();
        for (index, (found, expected)) in [(square, 1.0), (log_partition, log_z())]
            .into_iter()
            .enumerate()
        {
            let z = (found.value - expected) / found.standard_error;
            squared[index] += z * z;
            covered[index] += f64::from(z.abs() < 1.959_963_984_540_054);
        }
    }
    for index in 0..2 {
        let error = (2.0 / 1000.0_f64).sqrt();
        assert_within_error(squared[index] / 1000.0, 1.0, error, "squared z");
        let error = (1000.0 * 0.95 * 0.05_f64).sqrt();
        assert_within_error(covered[index], 950.0, error, "covered");
    }
}

/// `E[w]^2 / E[w^2] = sqrt(2 s^2 - 1) / s^2` for the standard normal under one of standard
/// deviation `s`. The error is that of the mean of 50 runs, from themselves (Student's t, 49
/// degrees: false-positive rate 8e-6).
#[test]
fn the_effective_sample_size_is_that_of_the_closed_form() {
    for device in devices() {
        for std in [0.9, 1.0, 1.5, 3.0_f64] {
            let found: Vec<f64> = (0..50)
                .map(|seed| {
                    let draws = normals(std, 2000, 100 + seed, &device);
                    draws.weights.effective_sample_size() / 2000.0
                })
                .collect();
            let mean = found.iter().sum::<f64>() / 50.0;
            let variance = found.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / 49.0;
            let expected = (2.0 * std * std - 1.0).sqrt() / (std * std);
            // The same density has weights that differ by rounding alone.
            let error = (variance / 50.0).sqrt().max(1e-9);
            assert_within_error(mean, expected, error, &format!("std {std}"));
        }
    }
}

/// A normal of standard deviation 0.35 has weights with a tail of shape `1 - 0.35^2 = 0.88`: no
/// variance, hardly a mean. The seed is one of many where the effective sample size is above 900
/// all the same, and the answer is off by far more than its error.
#[test]
fn a_proposal_that_is_too_narrow_is_refused() {
    for device in devices() {
        let draws = normals(0.35, 40_000, 10, &device);
        let effective = draws.weights.effective_sample_size();
        assert!(effective > 900.0, "{effective}");
        let error = draws.expectation(squares(&draws)).unwrap_err();
        let ImportanceError::HeavyTail {
            pareto_k,
            limit,
            effective_sample_size,
            draws: 40_000,
        } = error
        else {
            panic!("{error}");
        };
        assert_eq!((limit, effective_sample_size), (0.7, effective));
        assert_eq!(pareto_k, draws.weights.pareto_k());
        assert!(pareto_k > 0.7, "{pareto_k}");
        let message = error.to_string();
        assert!(
            message.contains(&format!("Pareto k-hat is {pareto_k}, above 0.7")),
            "{message}"
        );
        assert!(message.contains("with_pareto_k_limit"));
        assert_eq!(draws.resample(10, &mut Noise::new(1)).unwrap_err(), error);

        let believed = draws.weights.clone().with_pareto_k_limit(f64::INFINITY);
        assert!(believed.resample(10, &mut Noise::new(1)).is_ok());
        let wrong = believed.expectation(&values(squares(&draws))).unwrap();
        assert!(1.0 - wrong.value > 5.0 * wrong.standard_error, "{wrong}");
        // A limit of its own can be stricter too.
        let good = normals(1.5, 40_000, 6, &device).weights;
        assert!(good.check().is_ok());
        assert!(good.with_pareto_k_limit(-2.0).check().is_err());
    }
}

/// The largest weights were missed by chance, so that k-hat of the weights passes, and the answer
/// is off by 26 standard errors: the products with the values show it.
#[test]
fn products_with_values_are_judged_too() {
    let draws = normals(0.35, 40_000, 19, &Device::flex());
    assert!(draws.weights.check().is_ok());
    let error = draws.expectation(squares(&draws)).unwrap_err();
    let ImportanceError::HeavyTailOfValues {
        pareto_k,
        limit: 0.7,
        draws: 40_000,
    } = error
    else {
        panic!("{error}");
    };
    assert!(pareto_k > 0.7 && pareto_k.is_finite());
    assert!(
        error
            .to_string()
            .contains(&format!("weight times value is {pareto_k}, above 0.7"))
    );
    let believed = draws.weights.clone().with_pareto_k_limit(pareto_k);
    assert!(believed.expectation(&values(squares(&draws))).is_ok());

    // Of a good proposal: values that are 0 but for four draws can't be judged, 0 throughout they
    // can, and so can a rare event.
    let good = normals(1.5, 4000, 20, &Device::flex());
    let mut few = vec![0.0; 4000];
    assert_eq!(good.weights.expectation(&few).unwrap().value, 0.0);
    few[..4].fill(1.0);
    let error = good.weights.expectation(&few).unwrap_err();
    assert!(matches!(
        error,
        ImportanceError::HeavyTailOfValues {
            pareto_k: f64::INFINITY,
            ..
        }
    ));
    let beyond = good
        .samples
        .clone()
        .greater_scalar(2.5)
        .float()
        .squeeze_dim(1);
    let found = good.expectation(beyond).unwrap();
    assert_within_error(
        found.value,
        1.0 - phi(2.5),
        found.standard_error,
        "P(x > 2.5)",
    );
}

/// The proposal is the target, so that weights differ by rounding alone, if at all: nothing is
/// refused.
#[test]
fn the_target_itself_is_the_best_proposal() {
    for device in devices() {
        for seed in 0..20 {
            for count in [300, 1000, 5000] {
                let draws = normals(1.0, count, seed, &device);
                let n = count as f64;
                assert!((draws.weights.effective_sample_size() - n).abs() < 1e-6 * n);
                let found = draws.expectation(squares(&draws)).unwrap();
                assert_within_error(found.value, 1.0, (2.0 / n).sqrt(), "E x^2");
                assert!((draws.weights.log_partition().value - log_z()).abs() < 1e-6);
            }
        }
    }
    let equal = ImportanceWeights::new(vec![3.0; 50]).unwrap();
    assert_eq!(equal.pareto_k(), f64::NEG_INFINITY);
    let found = equal.expectation(&[2.0; 50]).unwrap();
    assert!((found.value - 2.0).abs() < 1e-14 && found.standard_error < 1e-14);
}

/// A tail too heavy for raw weights' error, light enough to be believed: smoothed weights give the
/// same within errors, and k-hat stays.
#[test]
fn smoothed_weights_agree_with_raw_ones() {
    let device = Device::flex();
    let draws = normals(0.8, 20_000, 7, &device);
    let smoothed = draws.weights.smoothed();
    assert!(smoothed != draws.weights);
    assert_eq!(smoothed.pareto_k(), draws.weights.pareto_k());
    assert!(smoothed.pareto_k() > 0.1 && smoothed.pareto_k() < 0.5);
    let found = smoothed.expectation(&values(squares(&draws))).unwrap();
    assert_within_error(found.value, 1.0, found.standard_error, "E x^2");
    let found = smoothed.log_partition();
    assert_within_error(found.value, log_z(), found.standard_error, "log Z");
}

/// Five draws of known weights. One copy at a time is drawn in proportion to them; of seven, each
/// draw has its expected number rounded down or up, in the right proportion.
#[test]
fn resampling_is_unbiased() {
    let weights = [0.05, 0.0, 0.4, 0.33, 0.22];
    let logarithms = weights.iter().map(|w: &f64| w.ln() - 700.0).collect();
    let drawn = ImportanceWeights::new(logarithms)
        .unwrap()
        .with_pareto_k_limit(f64::INFINITY);
    assert_close_to(drawn.normalized(), &weights, 1e-12);
    let runs = 20_000.0;
    let mut noise = Noise::new(8);
    let (mut single, mut copies) = ([0.0; 5], [0.0; 5]);
    for _ in 0..20_000 {
        single[drawn.resample(1, &mut noise).unwrap()[0]] += 1.0;
        let mut counts = [0.0; 5];
        let indices = drawn.resample(7, &mut noise).unwrap();
        assert_eq!(indices.len(), 7);
        assert!(indices.is_sorted());
        indices.into_iter().for_each(|index| counts[index] += 1.0);
        for (index, count) in counts.into_iter().enumerate() {
            assert!((count - 7.0 * weights[index]).abs() < 1.0);
            copies[index] += count;
        }
    }
    assert_eq!(single[1] + copies[1], 0.0);
    let terms = single.iter().zip(weights).filter(|(_, w)| *w > 0.0);
    let statistic = terms
        .map(|(count, w)| (count - runs * w).powi(2) / (runs * w))
        .sum();
    assert_chi_square(statistic, 3.0, "one at a time");
    for (copies, weight) in copies.into_iter().zip(weights).filter(|(_, w)| *w > 0.0) {
        let up = (7.0 * weight).fract();
        let error = (runs * up * (1.0 - up)).sqrt();
        assert_within_error(copies, runs * 7.0 * weight, error, "copies");
    }
}

/// Rows are copied whole, and their plain mean is the weighted mean: systematic resampling moves a
/// mean of monotone order by no more than multinomial noise, `sqrt(variance / count)`.
#[test]
fn resampled_draws_stand_for_the_target() {
    for device in devices() {
        let proposal = NormalDensity::isotropic(0.5, 1.5, &[2], &device);
        let energy = Quadratic::new(1.0, &device);
        let draws: ImportanceSample<2> =
            importance_sample(&energy, &proposal, 20_000, &mut Noise::new(9)).unwrap();
        let resampled = draws.resample(30_000, &mut Noise::new(10)).unwrap();
        assert_eq!(resampled.dims(), [30_000, 2]);
        let rows = |x: Tensor<2>| -> Vec<[f64; 2]> {
            values(x).chunks(2).map(|row| [row[0], row[1]]).collect()
        };
        let mut known = rows(draws.samples.clone());
        known.sort_by(|a, b| a.partial_cmp(b).unwrap());
        for row in rows(resampled.clone()) {
            assert!(
                known
                    .binary_search_by(|at| at.partial_cmp(&row).unwrap())
                    .is_ok()
            );
        }
        for side in 0..2 {
            let column =
                |x: &Tensor<2>| -> Tensor<1> { x.clone().narrow(1, side, 1).squeeze_dim(1) };
            let weighted = draws.expectation(column(&draws.samples)).unwrap().value;
            let plain = values(column(&resampled).mean())[0];
            assert_within_error(plain, weighted, (1.0 / 30_000.0_f64).sqrt(), "mean");
        }
    }
}

/// Half the box has an energy of 0, so that `Z = 1`.
#[test]
fn energies_that_are_not_finite_have_no_weight_and_are_counted() {
    for device in devices() {
        let proposal = UniformDensity::new([-1.0, 1.0], &[1], &device);
        let draws = |nan: bool, noise: &mut Noise| -> ImportanceSample<2> {
            match nan {
                true => importance_sample(&NanWherePositive {}, &proposal, 10_000, noise),
                false => importance_sample(&WallWherePositive {}, &proposal, 10_000, noise),
            }
            .unwrap()
        };
        for nan in [true, false] {
            let draws = draws(nan, &mut Noise::new(11));
            let positions = values(draws.samples.clone());
            let outside = positions.iter().filter(|&&x| x > 0.0).count();
            assert_eq!(draws.not_a_number, if nan { outside } else { 0 });
            for (x, weight) in positions.iter().zip(draws.weights.normalized()) {
                assert_eq!(*x > 0.0, *weight == 0.0);
            }
            let log_partition = draws.weights.log_partition();
            assert_within_error(
                log_partition.value,
                0.0,
                log_partition.standard_error,
                "log Z",
            );
            // Values where the weight is zero aren't looked at.
            let roots: Vec<f64> = positions.iter().map(|x| (-x).sqrt()).collect();
            let found = draws.weights.expectation(&roots).unwrap();
            assert_within_error(found.value, 2.0 / 3.0, found.standard_error, "E sqrt");
        }
        let nowhere = UniformDensity::new([0.5, 1.0], &[1], &device);
        let none: Result<ImportanceSample<2>, _> =
            importance_sample(&NanWherePositive {}, &nowhere, 30, &mut Noise::new(12));
        assert_eq!(none.unwrap_err(), ImportanceError::AllZero { draws: 30 });
    }
}

/// A density that says zero at some of its own draws.
#[derive(Clone, Debug)]
struct Broken {
    draws: UniformDensity,
}

impl Energy<2> for Broken {
    fn energy(&self, x: Tensor<2>) -> Tensor<1> {
        WallWherePositive {}.energy(x)
    }
}

impl Density<2> for Broken {
    fn draw(&self, count: usize, noise: &mut Noise) -> Tensor<2> {
        self.draws.draw(count, noise)
    }
}

/// Where the target is zero too that is harmless, elsewhere the weight is infinite.
#[test]
fn a_density_that_is_zero_at_its_own_draws() {
    for device in devices() {
        let draws = UniformDensity::new([-1.0, 1.0], &[1], &device);
        let broken = Broken { draws };
        let noise = || Noise::new(14);
        let harmless: ImportanceSample<2> =
            importance_sample(&WallWherePositive {}, &broken, 50, &mut noise()).unwrap();
        assert_eq!(harmless.not_a_number, 0);
        let flat = Quadratic::new(0.0, &device);
        let drawn: Result<ImportanceSample<2>, _> =
            importance_sample(&flat, &broken, 50, &mut noise());
        assert!(matches!(
            drawn.unwrap_err(),
            ImportanceError::Infinite { .. }
        ));
    }
}

#[test]
fn faulty_weights_and_values_are_errors() {
    let of = |change: &dyn Fn(&mut Vec<f64>)| {
        let mut log_weights = vec![-5.0; 40];
        change(&mut log_weights);
        ImportanceWeights::new(log_weights)
    };
    assert_eq!(
        of(&|w| w[3] = f64::NAN),
        Err(ImportanceError::NotANumber { index: 3 })
    );
    assert_eq!(
        of(&|w| w[4] = f64::INFINITY),
        Err(ImportanceError::Infinite { index: 4 })
    );
    assert_eq!(
        of(&|w| w.fill(f64::NEG_INFINITY)),
        Err(ImportanceError::AllZero { draws: 40 })
    );
    assert_eq!(of(&Vec::clear), Err(ImportanceError::AllZero { draws: 0 }));
    let weights = of(&|_| {}).unwrap();
    let mut faulty = vec![1.0; 40];
    faulty[6] = f64::NEG_INFINITY;
    let error = ImportanceError::NotFinite {
        index: 6,
        value: f64::NEG_INFINITY,
    };
    assert_eq!(weights.expectation(&faulty), Err(error));
    // 20 draws can't be judged, however good they are.
    let few = ImportanceWeights::new(vec![0.0; 20]).unwrap();
    assert!(matches!(
        few.check(),
        Err(ImportanceError::HeavyTail { draws: 20, .. })
    ));
}

#[test]
#[should_panic(expected = "3 draws take as many values, got 2")]
fn too_few_values_panic() {
    let weights = ImportanceWeights::new(vec![0.0; 3]).unwrap();
    let _ = weights.expectation(&[1.0; 2]);
}

/// An energy of `-inf` is an infinite weight, not one that overflows to something.
#[test]
fn an_infinite_weight_is_an_error() {
    #[derive(Clone, Debug)]
    struct Pit {}
    impl Energy<2> for Pit {
        fn energy(&self, x: Tensor<2>) -> Tensor<1> {
            WallWherePositive {}.energy(x).neg()
        }
    }
    let device = Device::flex();
    let proposal = UniformDensity::new([0.5, 1.0], &[1], &device);
    let drawn = importance_sample(&Pit {}, &proposal, 30, &mut Noise::new(13));
    assert_eq!(drawn.unwrap_err(), ImportanceError::Infinite { index: 0 });
}

#[test]
fn trainable_parameters_leave_no_graph_and_rank_does_not_matter() {
    for device in devices() {
        let training = device.clone().autodiff();
        let model = MlpConfig::new(6, vec![4]).init(&training, &mut Noise::new(1));
        let on = |device: &Device| NormalDensity::isotropic(0.0, 1.0, &[1, 2, 3], device);
        let noise = || Noise::new(2);
        let draws = importance_sample::<_, _, 4>(&model, &on(&training), 40, &mut noise()).unwrap();
        assert!(!draws.samples.is_autodiff());
        assert_eq!(draws.samples.dims(), [40, 1, 2, 3]);
        let frozen =
            importance_sample::<_, _, 4>(&model.valid(), &on(&device), 40, &mut noise()).unwrap();
        assert_eq!(draws.weights, frozen.weights);
        let believed = ImportanceSample {
            weights: draws.weights.with_pareto_k_limit(f64::INFINITY),
            ..draws
        };
        let resampled = believed.resample(8, &mut noise()).unwrap();
        assert_eq!(resampled.dims(), [8, 1, 2, 3]);
    }
}

/// Pinned, to be changed only on purpose.
#[test]
fn the_numbers_of_a_seed() {
    for device in devices() {
        let draws = normals(1.5, 50, 42, &device);
        let square = draws.expectation(squares(&draws)).unwrap();
        let log_partition = draws.weights.log_partition();
        let found = [
            square.value,
            square.standard_error,
            log_partition.value,
            draws.weights.pareto_k(),
        ];
        assert_close_to(&found, &PINNED, 1e-5);
        let resampled = draws.weights.resample(5, &mut Noise::new(43)).unwrap();
        assert_eq!(resampled, [2, 11, 20, 32, 41]);
    }
}

const PINNED: [f64; 4] = [1.216_678_056, 0.165_471_966, 0.871_810_824, -0.873_816_096];
