//! Problems of the plane follow their stated densities, and a density on a grid has its exact
//! numbers.

use std::f64::consts::PI;

use burn::tensor::{Device, Tensor};
use ebm_ops::Noise;
use ebm_train::Examples;
use ebm_train::data::{PLANE_RANGE, Plane, PlaneProblem};
use ebm_train::judging::{DensityGrid, DensityGridError, PlaneOptions, PlaneReport};

/// `E(x) = |x - mean|^2 / (2 std^2)`, not normalised: `Z = 2 pi std^2`.
fn gaussian(mean: [f64; 2], std: f64) -> impl Fn(Tensor<2>) -> Tensor<1> {
    move |x| {
        let mean = Tensor::<1>::from_floats(mean.map(|m| m as f32), &x.device()).unsqueeze();
        let square: Tensor<1> = (x - mean).square().sum_dim(1).squeeze_dim(1);
        square.div_scalar(2.0 * std * std)
    }
}

fn log_density_of_gaussian(mean: [f64; 2], std: f64) -> impl Fn([f64; 2]) -> f64 + Sync {
    move |[x, y]| {
        let square = (x - mean[0]).powi(2) + (y - mean[1]).powi(2);
        -square / (2.0 * std * std) - (2.0 * PI * std * std).ln()
    }
}

#[test]
fn a_gaussian_has_its_partition_function_and_entropy() {
    let device = Device::flex();
    for (range, side, mean, std) in [
        ((-8.0, 8.0), 100, [0.0, 0.0], 1.0),
        ((-1.5, 1.5), 120, [0.1, -0.2], 0.15),
        ((2.0, 12.0), 200, [7.0, 6.5], 0.7),
    ] {
        let energy = gaussian(mean, std);
        let grid = DensityGrid::from_energy(&energy, range, side, &device).unwrap();
        let log_z = (2.0 * PI * std * std).ln();
        let found = grid.log_partition();
        assert!((found - log_z).abs() < 1e-6, "{found} for {log_z}");
        assert!((grid.entropy() - (1.0 + log_z)).abs() < 1e-5);
        assert!(grid.border_mass() < 1e-9);
        // In the middle of cells, row by row from the top.
        let middles = grid.middles();
        let [x, y] = middles[side + 2];
        let cell = (range.1 - range.0) / side as f64;
        assert!((x - (range.0 + 2.5 * cell)).abs() < 1e-12);
        assert!((y - (range.1 - 1.5 * cell)).abs() < 1e-12);
        let truth = log_density_of_gaussian(mean, std);
        for (place, log_p) in middles.iter().zip(grid.log_density()) {
            // In f32, relative to energies of up to a hundred and more.
            let error = (log_p - truth(*place)).abs();
            assert!(error < 1e-5 * (1.0 + log_p.abs()), "{place:?}: {error}");
        }
    }
}

#[test]
fn large_energies_neither_overflow_nor_vanish() {
    let device = Device::flex();
    for shift in [-5e4, 5e4] {
        let shifted = |x: Tensor<2>| gaussian([0.0, 0.0], 1.0)(x).add_scalar(shift);
        let grid = DensityGrid::from_energy(&shifted, (-8.0, 8.0), 60, &device).unwrap();
        let expected = (2.0 * PI).ln() - shift;
        // f32 has steps of 0.004 there.
        assert!((grid.log_partition() - expected).abs() < 5e-3);
    }
}

#[test]
fn divergences_of_gaussians_are_those_of_the_formula() {
    let range = (-6.0, 6.0);
    let grid =
        |mean, std| DensityGrid::from_log_density(range, 240, log_density_of_gaussian(mean, std));
    let (a, b) = (grid([0.3, 0.0], 0.5), grid([0.0, -0.4], 0.8));
    // ln(s_b^2 / s_a^2) + s_a^2 / s_b^2 + |m_a - m_b|^2 / (2 s_b^2) - 1
    let (ratio, distance) = (0.25 / 0.64, 0.25);
    let expected = -f64::ln(ratio) + ratio + distance / 1.28 - 1.0;
    assert!((a.kl_divergence_to(&b) - expected).abs() < 1e-9);
    assert_eq!(a.kl_divergence_to(&a), 0.0);
    assert!(b.kl_divergence_to(&a) > a.kl_divergence_to(&b) + 0.1);
    // A density without mass where the other has some.
    let left =
        DensityGrid::from_log_density(
            range,
            240,
            |[x, _]| if x < 0.0 { 0.0 } else { f64::NEG_INFINITY },
        );
    assert_eq!(a.kl_divergence_to(&left), f64::INFINITY);
    assert!(left.kl_divergence_to(&a).is_finite());
    // Uniform on half of the square: entropy ln of its area, and 72 of 4 * 12 * 0.24 - .. of the
    // frame.
    assert!((left.entropy() - 72.0_f64.ln()).abs() < 1e-9);
    let uniform = DensityGrid::from_log_density(range, 100, |_| 3.0);
    assert!((uniform.border_mass() - (1.0 - 0.96 * 0.96)).abs() < 1e-12);
    assert!((uniform.log_partition() - (3.0 + 144.0_f64.ln())).abs() < 1e-12);
}

#[test]
#[should_panic(expected = "densities on different grids")]
fn grids_that_differ_are_not_compared() {
    let grid = |side| DensityGrid::from_log_density(PLANE_RANGE, side, |_| 0.0);
    let _ = grid(4).kl_divergence_to(&grid(5));
}

#[test]
fn energies_that_are_not_finite_are_an_error() {
    let device = Device::flex();
    let filled = |value: f32| {
        let energy = move |x: Tensor<2>| {
            let [count, _] = x.dims();
            Tensor::full([count], value, &x.device())
        };
        DensityGrid::from_energy(&energy, PLANE_RANGE, 4, &device).unwrap_err()
    };
    let all = DensityGridError::NotFinite {
        count: 16,
        cells: 16,
    };
    assert_eq!(filled(f32::NAN), all);
    assert_eq!(filled(f32::NEG_INFINITY), all);
    assert_eq!(filled(f32::INFINITY), DensityGridError::NoMass);
}

#[test]
fn true_densities_have_all_their_mass_in_the_square() {
    for problem in PlaneProblem::ALL {
        let density = Plane::new(problem).density().unwrap();
        let grid =
            |side| DensityGrid::from_log_density(PLANE_RANGE, side, |x| density.log_density(x));
        // Tails of the pinwheel: an arm ends at four standard deviations, with a mass of 3e-5
        // beyond.
        let (coarse, fine) = (grid(150), grid(200));
        assert!(
            fine.log_partition().abs() < 1e-4,
            "{problem}: {}",
            fine.log_partition()
        );
        assert!(
            fine.border_mass() < 1e-4,
            "{problem}: {}",
            fine.border_mass()
        );
        let change = fine.entropy() - coarse.entropy();
        assert!(change.abs() < 2e-3, "{problem}: {change}");
    }
    // Points on curves have none.
    assert!(
        Plane::new(PlaneProblem::Rings)
            .with_noise(0.0)
            .density()
            .is_none()
    );
    // Uniform on eight squares of 0.6.
    let board = Plane::new(PlaneProblem::Checkerboard).with_noise(0.0);
    let density = board.density().unwrap();
    let grid = DensityGrid::from_log_density(PLANE_RANGE, 100, |x| density.log_density(x));
    assert!((grid.entropy() - (8.0 * 0.36_f64).ln()).abs() < 1e-9);
}

#[test]
fn eight_gaussians_are_the_mixture_that_is_stated() {
    let device = Device::flex();
    let plane = Plane::new(PlaneProblem::Gaussians);
    let density = plane.density().unwrap();
    // The mixture once more, on the device: -log sum_k exp(-|x - c_k|^2 / (2 s^2)), from
    // single-precision arithmetic.
    let mixture = |x: Tensor<2>| {
        let terms: Vec<Tensor<1>> = (0..8)
            .map(|k| {
                let angle = f64::from(k) * PI / 4.0;
                gaussian([angle.cos(), angle.sin()], 0.1)(x.clone()).neg()
            })
            .collect();
        let terms: Tensor<2> = Tensor::stack(terms, 1);
        let largest = terms.clone().max_dim(1);
        let sum = (terms - largest.clone()).exp().sum_dim(1).log() + largest;
        sum.squeeze_dim::<1>(1).neg()
    };
    let options = PlaneOptions {
        range: PLANE_RANGE.into(),
        side: 200,
    };
    let (report, _) = PlaneReport::new(&mixture, Some(&plane), options, &device).unwrap();
    let log_z = (8.0 * 2.0 * PI * 0.01_f64).ln();
    assert!((report.log_partition - log_z).abs() < 1e-5);
    assert!(report.divergence.unwrap().abs() < 1e-6);
    assert!((report.entropy - report.true_entropy.unwrap()).abs() < 1e-5);
    assert_eq!(report.warnings(), Vec::<String>::new());

    let mut noise = Noise::new(5);
    let points = Examples::from_plane(&plane, 5000, &device, &mut noise);
    let found = report.likelihood(&mixture, Some(&plane), &points).unwrap();
    assert_eq!((found.points, found.outside), (5000, 0));
    let ratio = found.log_ratio.unwrap();
    assert!(
        ratio.mean.abs() < 1e-5 && ratio.standard_error < 1e-5,
        "{ratio:?}"
    );
    // The mean over 5,000 points is normal: 4.5 standard errors have a false-positive rate of 7e-6.
    let truth = found.true_log_likelihood.unwrap();
    let error = truth.mean + report.true_entropy.unwrap();
    assert!(
        error.abs() < 4.5 * truth.standard_error,
        "{error} ± {truth:?}"
    );
    // log p of a Gaussian varies by 1 nat: chi-square with two degrees of freedom, halved.
    assert!((truth.standard_error - 1.0 / 5000.0_f64.sqrt()).abs() < 2e-3);
    let values: Vec<f64> = points
        .batch(&(0..5000).collect::<Vec<_>>())
        .x
        .into_data()
        .iter::<f64>()
        .collect();
    let mean = values
        .as_chunks::<2>()
        .0
        .iter()
        .map(|x| density.log_density(*x))
        .sum::<f64>()
        / 5000.0;
    assert!((mean - truth.mean).abs() < 1e-9);
}

#[test]
fn a_grid_too_coarse_or_too_small_is_told() {
    let device = Device::flex();
    let report = |side, std| {
        let options = PlaneOptions {
            range: PLANE_RANGE.into(),
            side,
        };
        let energy = gaussian([0.0, 0.0], std);
        PlaneReport::new(&energy, None, options, &device).unwrap().0
    };
    assert!(report(100, 0.2).warnings().is_empty());
    let coarse = report(20, 0.03).warnings();
    assert!(
        coarse.len() == 1 && coarse[0].contains("too coarse"),
        "{coarse:?}"
    );
    let small = report(100, 1.0).warnings();
    assert!(small.len() == 1 && small[0].contains("border"), "{small:?}");
    assert_eq!(report(100, 0.2).true_entropy, None);

    // Points beyond the square are counted.
    let points = Tensor::<2>::from_floats([[0.0, 0.0], [1.6, 0.0], [0.0, -1.5]], &device);
    let energy = gaussian([0.0, 0.0], 0.2);
    let found = report(100, 0.2)
        .likelihood(&energy, None, &Examples::from_tensor(points))
        .unwrap();
    assert_eq!((found.points, found.outside), (3, 1));
    assert_eq!(found.true_log_likelihood, None);
}

/// The chi-square statistic of points on a board of cells against a density, and its degrees of
/// freedom. Cells that expect fewer than five points, and all that lies outside, count as one.
fn chi_square(points: &[f32], log_density: impl Fn([f64; 2]) -> f64 + Sync) -> (f64, usize) {
    const CELLS: usize = 15;
    const FINER: usize = 10;
    let (low, high) = PLANE_RANGE;
    let count = (points.len() / 2) as f64;
    let mut observed = vec![0.0; CELLS * CELLS];
    for &[x, y] in points.as_chunks::<2>().0 {
        let [column, row] =
            [x, y].map(|x| ((f64::from(x) - low) / (high - low) * CELLS as f64).floor());
        let inside = |place: f64| (0.0..CELLS as f64).contains(&place);
        if inside(column) && inside(row) {
            observed[row as usize * CELLS + column as usize] += 1.0;
        }
    }
    let fine = CELLS * FINER;
    let grid = DensityGrid::from_log_density(PLANE_RANGE, fine, log_density);
    let area = ((high - low) / fine as f64).powi(2) * grid.log_partition().exp();
    let mut expected = vec![0.0; CELLS * CELLS];
    for (index, p) in grid.density().into_iter().enumerate() {
        let (row, column) = (fine - 1 - index / fine, index % fine);
        expected[row / FINER * CELLS + column / FINER] += count * area * p;
    }
    let (mut statistic, mut cells) = (0.0, 0);
    let mut rest = (count, count);
    for (observed, expected) in observed.into_iter().zip(expected) {
        if expected >= 5.0 {
            statistic += (observed - expected) * (observed - expected) / expected;
            cells += 1;
            rest = (rest.0 - observed, rest.1 - expected);
        }
    }
    if rest.1 >= 5.0 {
        return (statistic + (rest.0 - rest.1).powi(2) / rest.1, cells);
    }
    // Too few are left for a cell: what is observed there can at most be a handful.
    assert!(
        rest.0 < 40.0,
        "{} points where {} are expected",
        rest.0,
        rest.1
    );
    (statistic, cells - 1)
}

/// The deviate of a standard normal that is as unlikely as a chi-square statistic (Wilson &
/// Hilferty 1931).
fn deviate((statistic, degrees): (f64, usize)) -> f64 {
    let variance = 2.0 / (9.0 * degrees as f64);
    ((statistic / degrees as f64).cbrt() - (1.0 - variance)) / variance.sqrt()
}

#[test]
fn points_follow_the_stated_densities() {
    let device = Device::flex();
    // The blur of the board's edges is too narrow to be measured on these cells, so it is there
    // once more with a wider one.
    let wide = Plane::new(PlaneProblem::Checkerboard).with_noise(0.1);
    for plane in PlaneProblem::ALL.map(Plane::new).into_iter().chain([wide]) {
        let name = format!("{}, noise {}", plane.problem(), plane.noise());
        let density = plane.density().unwrap();
        let mut noise = Noise::new(11);
        let examples = Examples::from_plane(&plane, 100_000, &device, &mut noise);
        let all: Vec<usize> = (0..examples.len()).collect();
        let points: Vec<f32> = examples.batch(&all).x.into_data().iter::<f32>().collect();
        let found = chi_square(&points, |x| density.log_density(x));
        // One-sided: 4.75 has a false-positive rate of 1e-6, six times.
        assert!(deviate(found) < 4.75, "{name}: {found:?}");
        if plane.noise() > 0.05 {
            // The same points are not those of a density that is 10 % less noisy.
            let other = plane.with_noise(plane.noise() * 0.9).density().unwrap();
            let found = chi_square(&points, |x| other.log_density(x));
            assert!(deviate(found) > 4.75, "{name} times 0.9: {found:?}");
        }
    }
}

#[test]
fn two_moons_are_the_points_that_they_were() {
    // The order of draws is part of what a run can be resumed from.
    let device = Device::flex();
    let mut noise = Noise::new(3);
    let mut again = noise.clone();
    let points = Examples::from_plane(&Plane::new(PlaneProblem::TwoMoons), 7, &device, &mut noise);
    let uniforms: Tensor<1> = again.uniform([7], &device);
    let normals: Tensor<2> = again.normal([7, 2], &device);
    let floats = |data: burn::tensor::TensorData| data.iter::<f32>().collect::<Vec<f32>>();
    let expected = ebm_train::data::two_moons(
        7,
        0.1,
        &floats(uniforms.into_data()),
        &floats(normals.into_data()),
    );
    let found = points.batch(&[0, 1, 2, 3, 4, 5, 6]).x;
    assert_eq!(floats(found.into_data()), expected.values());
}
