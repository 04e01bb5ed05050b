//! The Ising model as a Boltzmann machine: Gibbs sampling through its phase transition.
//!
//! Arguments: an output folder for the picture, the length of the torus (default 20).
//!
//! First, log Z of tori of 9 and 16 spins, summed over all states, beside Kaufman's (1949) formula.
//! Then chains at temperatures from cold to hot, in units of the coupling: the energy a spin beside
//! that of the same torus (by the formula, exact) and of an infinite lattice (Onsager 1944), and
//! the magnetisation beside Yang's (1952) for an infinite lattice. Look at the energies: they agree
//! with those of the torus within their errors (`z`, in standard errors). Magnetisations of a torus
//! don't vanish above the critical temperature 2.269, they fall with its size.
//!
//! Look at the picture: spins below, at and above the critical temperature, and the two curves.
#![allow(clippy::print_stdout)]

use std::error::Error;
use std::path::PathBuf;

use burn::tensor::{Device, Tensor};
use ebm::backend;
use ebm::models::{BoltzmannMachine, Energy, log_partition_of};
use ebm::ops::Noise;
use ebm::run::{Extent, LinePlot, image_grid};
use ebm::sampling::diagnostics::monte_carlo_error;
use ebm::sampling::gibbs::SingleSiteGibbs;
use ebm::sampling::{Schedule, sample};
use image::imageops::{FilterType, crop_imm, replace, resize};
use image::{Rgb, RgbImage};

/// `2 / ln(1 + sqrt 2)`.
const CRITICAL: f64 = 2.269_185_314_213_022;
const TEMPERATURES: [f64; 9] = [1.6, 1.9, 2.1, 2.2, CRITICAL, 2.35, 2.5, 2.8, 3.4];
/// Independent chains at each temperature, sweeps before the first draw, draws, sweeps for each.
const CHAINS: usize = 24;
const SCHEDULE: [usize; 3] = [100, 60, 3];
/// Width of the whole picture, that of a plot, and of the gap between spins.
const WIDTH: u32 = 900;
const GAP: u32 = 12;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = PathBuf::from(std::env::args().nth(1).unwrap_or_else(|| ".".into()));
    std::fs::create_dir_all(&folder)?;
    let length: usize = std::env::args()
        .nth(2)
        .map_or(Ok(20), |text| text.parse())?;
    let device = backend::select("auto", 0)?.device;
    let mut noise = Noise::new(5);

    println!("log Z             all states       Kaufman");
    for (small, coupling) in [(3, 0.2), (3, 1.0 / CRITICAL), (4, 1.0 / CRITICAL), (4, 0.6)] {
        println!(
            "{small} x {small}, K = {coupling:.3}   {:10.6}    {:10.6}",
            by_enumeration(small, coupling, &device)?,
            log_partition(small, coupling)
        );
    }

    let spins = length * length;
    println!("\n{length} x {length} spins, {CHAINS} chains");
    println!(
        "    T    energy a spin        of the torus      z   infinite    |m|               infinite"
    );
    // Coupling 1 at temperature T is coupling 1 / T at temperature 1. From cold to hot, so that no
    // chain gets stuck between two halves of opposite spins.
    let machine = BoltzmannMachine::ising_torus(length, 1.0, &device);
    let mut states: Tensor<2> = Tensor::ones([CHAINS, spins], &device);
    let mut curves = [vec![], vec![], vec![], vec![]];
    let mut shown = Vec::new();
    for temperature in TEMPERATURES {
        let [warmup, draws, thin] = SCHEDULE;
        let schedule = Schedule::new(warmup, draws).with_thin(thin);
        let kernel = SingleSiteGibbs::new(temperature);
        let (drawn, run) = sample(&kernel, &machine, states, schedule, &mut noise);
        states = run.position;

        // Draws of all chains, one a row: [draws * chains, spins].
        let drawn = Tensor::<3>::from_data(drawn.to_data(), &device);
        let rows = drawn.reshape([draws * CHAINS, spins]);
        let energies = machine.energy(rows.clone()).div_scalar(spins as f64);
        let (energy, error) = mean_and_error(energies);
        let (magnetisation, spread) = mean_and_error(rows.mean_dim(1).abs().squeeze_dim(1));
        let exact = energy_of_torus(length, temperature);
        println!(
            "{temperature:.3}   {energy:+.5} ± {error:.5}   {exact:+.5}     {:+5.2}   {:+.5}   {magnetisation:.4} ± {spread:.4}   {:.4}",
            (energy - exact) / error,
            onsager(temperature),
            yang(temperature)
        );
        curves[0].push((temperature, magnetisation));
        curves[1].push((temperature, -energy / 2.0));
        if [TEMPERATURES[1], CRITICAL, TEMPERATURES[7]].contains(&temperature) {
            shown.push(states.clone().narrow(0, 0, 1));
        }
    }
    for step in 0..=300 {
        let temperature = TEMPERATURES[0] + 1.8 * f64::from(step) / 300.0;
        curves[2].push((temperature, yang(temperature)));
        curves[3].push((temperature, -onsager(temperature) / 2.0));
    }

    let path = folder.join("ising.png");
    picture(&shown, length, curves)
        .ok_or("nothing to plot")?
        .save(&path)?;
    println!(
        "look at {}: spins at T = {}, {CRITICAL:.3} and {}, and magnetisation and energy over T",
        path.display(),
        TEMPERATURES[1],
        TEMPERATURES[7]
    );
    Ok(())
}

/// The mean over all draws, and its Monte Carlo error, which knows that draws of a chain resemble
/// each other.
fn mean_and_error(values: Tensor<1>) -> (f64, f64) {
    let values: Vec<f64> = values.into_data().iter::<f64>().collect();
    let chains: Vec<Vec<f64>> = (0..CHAINS)
        .map(|chain| values.iter().skip(chain).step_by(CHAINS).copied().collect())
        .collect();
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    (mean, monte_carlo_error(&chains))
}

/// `log Z` by its definition: the sum over all states.
fn by_enumeration(length: usize, coupling: f64, device: &Device) -> Result<f64, Box<dyn Error>> {
    let machine = BoltzmannMachine::ising_torus(length, coupling, device);
    let energy = |states: Tensor<2>| machine.energy(states);
    let spins = length * length;
    Ok(log_partition_of(energy, spins, -1.0, 1.0, device, &mut ())?)
}

/// `log Z` of a torus of `length x length` spins at coupling `K = J / T`.
///
/// `Z = (2 sinh 2K)^(L^2 / 2) / 2 (Z_1 + Z_2 + Z_3 + Z_4)`, products over `L` angles of `2 cosh`
/// and `2 sinh` of `L g_k / 2` with `cosh g_k = cosh 2K coth 2K - cos(pi k / L)`, over odd `k` and
/// over even `k`; `g_0 = 2K + ln tanh K` has a sign (Kaufman 1949; Ferdinand & Fisher 1969).
fn log_partition(length: usize, coupling: f64) -> f64 {
    let l = length as f64;
    let angle = |k: usize| {
        if k == 0 {
            return 2.0 * coupling + coupling.tanh().ln();
        }
        let cosine = (std::f64::consts::PI * k as f64 / l).cos();
        ((2.0 * coupling).cosh() / (2.0 * coupling).tanh() - cosine).acosh()
    };
    let log_two_cosh = |x: f64| x.abs() + (-2.0 * x.abs()).exp().ln_1p();
    let log_two_sinh = |x: f64| x.abs() + (-(-2.0 * x.abs()).exp_m1()).ln();
    let product = |first: usize, function: &dyn Fn(f64) -> f64| -> f64 {
        (0..length)
            .map(|r| function(0.5 * l * angle(2 * r + first)))
            .sum()
    };
    let logs = [
        product(1, &log_two_cosh),
        product(1, &log_two_sinh),
        product(0, &log_two_cosh),
        product(0, &log_two_sinh),
    ];
    let largest = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let [a, b, c, d] = logs.map(|log| (log - largest).exp());
    let sum = a + b + c + d * angle(0).signum();
    0.5 * l * l * (2.0 * (2.0 * coupling).sinh()).ln() - 2.0_f64.ln() + largest + sum.ln()
}

/// The exact energy a spin of a torus: `-d log Z / dK / L^2`, by a central difference.
fn energy_of_torus(length: usize, temperature: f64) -> f64 {
    let (coupling, step) = (1.0 / temperature, 1e-5);
    let slope = log_partition(length, coupling + step) - log_partition(length, coupling - step);
    -slope / (2.0 * step) / (length * length) as f64
}

/// The energy a spin of the infinite lattice (Onsager 1944): `-coth 2K (1 + 2/pi (2 tanh^2 2K - 1)
/// K(k))` with the complete elliptic integral of modulus `k = 2 sinh 2K / cosh^2 2K`, by the
/// arithmetic-geometric mean.
fn onsager(temperature: f64) -> f64 {
    let twice = 2.0 / temperature;
    let modulus = 2.0 * twice.sinh() / twice.cosh().powi(2);
    // At the critical point the integral is infinite and its factor zero.
    let (mut a, mut b) = (1.0_f64, (1.0 - modulus * modulus).max(1e-30).sqrt());
    for _ in 0..60 {
        (a, b) = (0.5 * (a + b), (a * b).sqrt());
    }
    let integral = std::f64::consts::FRAC_PI_2 / a;
    let factor = 2.0 * twice.tanh().powi(2) - 1.0;
    -(1.0 + 2.0 / std::f64::consts::PI * factor * integral) / twice.tanh()
}

/// The magnetisation of the infinite lattice (Yang 1952): `(1 - sinh(2K)^-4)^(1/8)`, and 0 from the
/// critical temperature on.
fn yang(temperature: f64) -> f64 {
    if temperature >= CRITICAL {
        return 0.0;
    }
    (1.0 - (2.0 / temperature).sinh().powi(-4)).powf(0.125)
}

/// Spins at three temperatures above the plot of the curves.
fn picture(shown: &[Tensor<2>], length: usize, curves: [Vec<(f64, f64)>; 4]) -> Option<RgbImage> {
    let side = (WIDTH - 4 * GAP) / 3;
    let [magnetisation, energy, yang, onsager] = curves;
    let plot = LinePlot {
        title: "Ising model on a torus",
        x: "temperature, in units of the coupling",
        y: "magnetisation; energy over that of the ground state",
        extent: Extent::Whole,
        curves: vec![
            ("|m|, measured", vec![magnetisation]),
            ("energy, measured", vec![energy]),
            ("|m|, infinite lattice (Yang)", vec![yang]),
            ("energy, infinite lattice (Onsager)", vec![onsager]),
        ],
    }
    .draw()?;
    let height = side + 2 * GAP + plot.height();
    let mut picture = RgbImage::from_pixel(WIDTH, height, Rgb([150, 150, 150]));
    for (index, state) in shown.iter().enumerate() {
        let spins: Vec<f32> = state.to_data().iter::<f32>().collect();
        let panel = image_grid(&spins, [1, length, length], (-1.0, 1.0));
        // Without the frame that the grid draws around images.
        let frame = 2;
        let inside = panel.width() - 2 * frame;
        let panel = crop_imm(&panel, frame, frame, inside, inside).to_image();
        let panel = resize(&panel, side, side, FilterType::Nearest);
        let left = GAP + index as u32 * (side + GAP);
        replace(&mut picture, &panel, i64::from(left), i64::from(GAP));
    }
    replace(&mut picture, &plot, 0, i64::from(side + 2 * GAP));
    Some(picture)
}
