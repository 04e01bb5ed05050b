//! One step of Langevin dynamics over parameters by its formula; schedules, state, steps that
//! aren't finite, ensembles.
#![allow(clippy::unwrap_used)]

mod posterior;

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor, TensorData};
use ebm_ops::Noise;
use ebm_testing::assert_close;
use ebm_train::{
    Ensemble, ParameterGradients, RmsPropPreconditioner, SgldError, StepSizeSchedule,
    StochasticGradientLangevin, StochasticGradientLangevinConfig, load_weights, weights,
};
use posterior::{Replicas, config, constant, devices, tensor, values};

/// Parameters of two ranks with the loss `sum |matrix - 1|^2 c + sum vector^3`, and one that the
/// loss doesn't see.
#[derive(Module, Debug)]
struct Pair {
    matrix: Param<Tensor<2>>,
    vector: Param<Tensor<1>>,
    unused: Param<Tensor<1>>,
}

const MATRIX: [f64; 6] = [0.5, -1.0, 2.0, 0.25, 1.5, -0.75];
const VECTOR: [f64; 5] = [1.0, -0.5, 0.75, 2.0, -1.25];

impl Pair {
    fn new(device: &Device) -> Self {
        Self {
            matrix: Param::from_tensor(tensor(&MATRIX, [2, 3], device)),
            vector: Param::from_tensor(tensor(&VECTOR, [5], device)),
            unused: Param::from_tensor(tensor(&[7.0], [1], device)),
        }
        .train()
    }

    /// Of the loss with this `c`.
    fn gradients(&self, c: f64) -> ParameterGradients {
        let square = self.matrix.val().sub_scalar(1.0).square().sum();
        let cube = self.vector.val().powi_scalar(3).sum();
        ParameterGradients::collect(self, (square.mul_scalar(c) + cube).backward())
    }

    /// All parameters in the order of the fields.
    fn flat(&self) -> Vec<f64> {
        let mut flat = values(self.matrix.val());
        flat.extend(values(self.vector.val()));
        flat.extend(values(self.unused.val()));
        flat
    }
}

/// The same in double precision.
fn gradients_by_hand(theta: &[f64], c: f64) -> Vec<f64> {
    let matrix = theta[..6].iter().map(|x| 2.0 * c * (x - 1.0));
    let vector = theta[6..11].iter().map(|x| 3.0 * x * x);
    matrix.chain(vector).collect()
}

fn preconditioned(decay: f64, offset: f64) -> Option<RmsPropPreconditioner> {
    Some(RmsPropPreconditioner { decay, offset })
}

#[test]
fn steps_follow_their_formula_in_double_precision() {
    let schedule = StepSizeSchedule::polynomial(0.004, 1.0, 0.8).unwrap();
    for device in devices() {
        for (preconditioner, prior_precision, temperature) in [
            (None, 0.0, 1.0),
            (None, 3.0, 0.5),
            (preconditioned(0.7, 0.2), 3.0, 0.5),
            (preconditioned(0.0, 1.5), 0.0, 1.0),
        ] {
            let size = 20;
            let mut langevin = config(size, schedule)
                .with_prior_precision(prior_precision)
                .with_temperature(temperature)
                .with_preconditioner(preconditioner)
                .init()
                .unwrap();
            let mut model = Pair::new(&device);
            let mut expected = model.flat();
            let mut mean_square = [0.0; 11];
            let mut noise = Noise::new(1);
            for step in 1..=5 {
                // The matrix draws first, then the vector, and the parameter without a gradient
                // nothing.
                let mut copy = noise.clone();
                let mut z = values::<2>(copy.normal([2, 3], &device));
                z.extend(values::<1>(copy.normal([5], &device)));
                let c = 0.1 * f64::from(step);
                let gradients = model.gradients(c);
                let eps = 0.004 * f64::from(step).powf(-0.8);
                assert!((langevin.step_size() - eps).abs() < 1e-12);
                model = langevin.step(model, gradients, &mut noise);
                assert_eq!(noise, copy, "the noise that a step takes");
                let by_hand = gradients_by_hand(&expected, c);
                for (i, g) in by_hand.into_iter().enumerate() {
                    let scale = preconditioner.map_or(1.0, |keys| {
                        mean_square[i] = keys.decay * mean_square[i] + (1.0 - keys.decay) * g * g;
                        let unbiased = mean_square[i] / (1.0 - keys.decay.powi(step));
                        1.0 / (keys.offset + unbiased.sqrt())
                    });
                    let gradient = prior_precision * expected[i] + size as f64 * g;
                    expected[i] +=
                        -eps / 2.0 * scale * gradient + (eps * temperature * scale).sqrt() * z[i];
                }
                let what = format!("{preconditioner:?}, step {step} on {device:?}");
                assert_close(&model.flat(), &expected, 2e-6, &what);
            }
            assert_eq!((langevin.steps_done(), langevin.skipped_steps()), (5, 0));
        }
    }
}

/// Changed only on purpose: what seed 11 gives after three steps, on every backend.
#[test]
fn a_seed_gives_these_numbers() {
    let pins = [(None, PLAIN), (preconditioned(0.9, 1e-3), PRECONDITIONED)];
    for device in devices() {
        for (preconditioner, expected) in pins {
            let mut langevin = config(10, constant(0.01))
                .with_prior_precision(1.0)
                .with_preconditioner(preconditioner)
                .init()
                .unwrap();
            let mut model = Pair::new(&device);
            let mut noise = Noise::new(11);
            for _ in 0..3 {
                let gradients = model.gradients(0.3);
                model = langevin.step(model, gradients, &mut noise);
            }
            // The last two bits may be rounded differently.
            assert_close(&model.flat(), &expected, 3e-7, &format!("{device:?}"));
        }
    }
}

const PLAIN: [f64; 12] = [
    0.67196476,
    -0.6479269,
    1.6424019,
    0.4503622,
    1.4038414,
    -0.71471596,
    0.9049261,
    -0.87048155,
    0.61519486,
    0.6971073,
    -2.0062904,
    7.0,
];
const PRECONDITIONED: [f64; 12] = [
    0.8449608,
    -0.68774843,
    1.4756145,
    0.59333986,
    1.2625867,
    -0.72136754,
    1.0361181,
    -0.8981079,
    0.6672838,
    1.7703619,
    -1.3048412,
    7.0,
];

/// Everything of a chain, to be compared bit for bit.
fn snapshot(langevin: &StochasticGradientLangevin, model: &Pair, noise: &Noise) -> String {
    let bits = |data: TensorData| -> Vec<u32> { data.iter::<f32>().map(f32::to_bits).collect() };
    let (arrays, counters) = langevin.state();
    let arrays: Vec<_> = arrays.into_iter().map(|(k, v)| (k, bits(v))).collect();
    let weights: Vec<_> = weights(model)
        .into_iter()
        .map(|(k, v)| (k, bits(v)))
        .collect();
    format!("{arrays:?} {counters:?} {weights:?} {noise:?}")
}

/// A chain whose step size falls, with a mean square to remember.
fn chain_config() -> StochasticGradientLangevinConfig {
    config(10, StepSizeSchedule::polynomial(0.01, 1.0, 0.6).unwrap())
        .with_prior_precision(1.0)
        .with_preconditioner(preconditioned(0.8, 0.1))
}

#[test]
fn a_stopped_chain_goes_on_bit_for_bit() {
    for device in devices() {
        let run = |stop: bool| {
            let mut langevin = chain_config().init().unwrap();
            let mut model = Pair::new(&device);
            let mut noise = Noise::new(12);
            for step in 0..20 {
                if step == 3 {
                    // Skipped, and counted.
                    let gradients = model.gradients(f64::NAN);
                    model = langevin.step(model, gradients, &mut noise);
                }
                if stop && step == 9 {
                    let (arrays, counters) = langevin.state();
                    let stored = weights(&model);
                    langevin = chain_config().init().unwrap();
                    model = load_weights(Pair::new(&device), stored).unwrap();
                    langevin.restore(&model, arrays, counters).unwrap();
                }
                let gradients = model.gradients(0.1 * f64::from(step));
                model = langevin.step(model, gradients, &mut noise);
            }
            assert_eq!((langevin.steps_done(), langevin.skipped_steps()), (20, 1));
            snapshot(&langevin, &model, &noise)
        };
        assert_eq!(run(false), run(true));
    }
}

#[test]
fn a_state_of_another_chain_is_refused() {
    let device = Device::flex();
    let mut noise = Noise::new(13);
    let mut langevin = chain_config().init().unwrap();
    let model = Pair::new(&device);
    let gradients = model.gradients(1.0);
    let model = langevin.step(model, gradients, &mut noise);
    let (arrays, counters) = langevin.state();
    let before = snapshot(&langevin, &model, &noise);
    let mut refuse = |arrays, counters, expected: &str| {
        let error = langevin.restore(&model, arrays, counters).unwrap_err();
        assert_eq!(error.to_string(), expected);
        assert_eq!(snapshot(&langevin, &model, &noise), before);
    };

    let mut without = counters.clone();
    without.remove("steps");
    refuse(arrays.clone(), without, "the state has no counter steps");
    let mut without = counters.clone();
    without.remove("matrix.updates");
    refuse(
        arrays.clone(),
        without,
        "the state has no counter matrix.updates",
    );
    refuse(
        [].into(),
        counters.clone(),
        "the state has made 1 steps, but has no mean squares: it is that of a chain without a preconditioner",
    );
    let mut other = arrays.clone();
    other.insert(
        "bias.mean_square".into(),
        arrays["vector.mean_square"].clone(),
    );
    refuse(
        other,
        counters.clone(),
        "the state has an unknown array bias.mean_square",
    );
    let mut other = arrays.clone();
    other.insert(
        "matrix.mean_square".into(),
        arrays["vector.mean_square"].clone(),
    );
    refuse(
        other,
        counters.clone(),
        "the state's array matrix.mean_square has shape [5], expected [2, 3]",
    );
    let mut plain = config(10, constant(0.01)).init().unwrap();
    let error = plain.restore(&model, arrays, counters).unwrap_err();
    assert!(matches!(error, SgldError::UnknownArray { .. }), "{error}");
}

#[test]
fn a_step_that_is_not_finite_has_not_been_tried() {
    for device in devices() {
        for preconditioner in [None, preconditioned(0.9, 1e-3)] {
            let mut langevin = config(10, constant(0.01))
                .with_preconditioner(preconditioner)
                .init()
                .unwrap();
            let mut model = Pair::new(&device);
            let mut noise = Noise::new(14);
            let gradients = model.gradients(1.0);
            model = langevin.step(model, gradients, &mut noise);
            let mut skipped = 0;
            // Not a number in the matrix alone; infinite; and finite, but too large once multiplied
            // by 10.
            for c in [f64::NAN, f64::INFINITY, 3e38] {
                let (arrays, mut counters) = langevin.state();
                assert_eq!(counters["skipped"], skipped);
                let before = snapshot(&langevin, &model, &noise);
                let gradients = model.gradients(c);
                model = langevin.step(model, gradients, &mut noise);
                skipped += 1;
                assert_eq!(langevin.skipped_steps(), skipped);
                // But for the count, nothing has happened.
                counters.insert("skipped".into(), skipped);
                let mut copy = langevin.clone();
                copy.restore(&model, arrays, counters).unwrap();
                let after = snapshot(&copy, &model, &noise);
                assert_eq!(after, snapshot(&langevin, &model, &noise));
                let count = |skipped: u64| format!("\"skipped\": {skipped}");
                assert_eq!(after, before.replace(&count(skipped - 1), &count(skipped)));
            }
            let before = model.flat();
            let gradients = model.gradients(1.0);
            model = langevin.step(model, gradients, &mut noise);
            assert_ne!(model.flat(), before);
            assert!(model.flat().iter().all(|x| x.is_finite()));
            assert_eq!(langevin.steps_done(), 2);
        }
    }
}

/// A mean square overflows long before its gradient does, and `G = 0` would hide it.
#[test]
fn a_mean_square_that_overflows_skips_the_step() {
    let device = Device::flex();
    let mut langevin = config(1, constant(1e-30))
        .with_preconditioner(preconditioned(0.9, 1e-3))
        .init()
        .unwrap();
    let model = Pair::new(&device);
    let gradients = model.gradients(1e25);
    let model = langevin.step(model, gradients, &mut Noise::new(15));
    assert_eq!((langevin.steps_done(), langevin.skipped_steps()), (0, 1));
    assert!(langevin.state().0.is_empty());
    assert_close(&model.flat()[..6], &MATRIX, 0.0, "matrix");
}

#[test]
fn a_chain_beyond_the_limit_of_stability_stays_finite() {
    let device = Device::flex();
    let mut langevin = config(1, constant(50.0)).init().unwrap();
    let mut replicas = Replicas::at(1.0, [1, 4], &device);
    let mut noise = Noise::new(16);
    let sigma = tensor(&[1.0], [1, 1], &device);
    for _ in 0..200 {
        let gradients = replicas.gradients(Tensor::zeros([1, 1], &device), sigma.clone());
        replicas = langevin.step(replicas, gradients, &mut noise);
    }
    assert!(langevin.skipped_steps() > 100);
    assert_eq!(langevin.steps_done() + langevin.skipped_steps(), 200);
    assert!(values(replicas.theta.val()).iter().all(|x| x.is_finite()));
}

#[test]
fn a_frozen_parameter_stays_and_draws_nothing() {
    let device = Device::flex();
    let mut langevin = chain_config().init().unwrap();
    let mut model = Pair::new(&device);
    model.matrix = model.matrix.no_grad();
    let mut noise = Noise::new(17);
    let mut copy = noise.clone();
    let gradients = model.gradients(1.0);
    model = langevin.step(model, gradients, &mut noise);
    assert_close(&model.flat()[..6], &MATRIX, 0.0, "matrix");
    assert_ne!(model.flat()[6..11], VECTOR);
    assert_close(&model.flat()[11..], &[7.0], 0.0, "unused");
    let _: Tensor<1> = copy.normal([5], &device);
    assert_eq!(noise, copy);
    assert_eq!(
        langevin.state().0.into_keys().collect::<Vec<_>>(),
        ["vector.mean_square"]
    );
}

#[test]
fn cycles_explore_without_noise() {
    let device = Device::flex();
    let schedule = StepSizeSchedule::cyclical_cosine(0.01, 4, 0.5).unwrap();
    let mut langevin = config(10, schedule).init().unwrap();
    let mut model = Pair::new(&device);
    let mut noise = Noise::new(18);
    for step in 0..8 {
        let explores = step % 4 < 2;
        assert_eq!(langevin.explores(), explores);
        let (start, before) = (model.flat(), noise.clone());
        let eps = langevin.step_size();
        let gradients = model.gradients(0.2);
        model = langevin.step(model, gradients, &mut noise);
        assert_eq!(noise == before, explores, "step {step}");
        if explores {
            let by_hand = gradients_by_hand(&start, 0.2);
            let expected: Vec<f64> = start
                .iter()
                .zip(by_hand)
                .map(|(x, g)| x - eps / 2.0 * 10.0 * g)
                .collect();
            assert_close(&model.flat()[..11], &expected, 2e-6, "exploration");
        }
    }
}

#[test]
fn schedules_follow_their_formulas() {
    assert_eq!(constant(0.3).at(0), 0.3);
    assert_eq!(constant(0.3).at(1 << 40), 0.3);
    let falling = StepSizeSchedule::polynomial(2.0, 10.0, 0.55).unwrap();
    for step in [0, 1, 7, 100_000] {
        let expected = 2.0 / (10.0 + step as f64).powf(0.55);
        assert!((falling.at(step) / expected - 1.0).abs() < 1e-12);
    }
    let cycles = StepSizeSchedule::cyclical_cosine(1.0, 4, 0.25).unwrap();
    let expected = [1.0, 0.5 + 0.125_f64.sqrt(), 0.5, 0.5 - 0.125_f64.sqrt()];
    for step in 0..12 {
        let place = step as usize % 4;
        assert!((cycles.at(step) - expected[place]).abs() < 1e-12, "{step}");
        assert_eq!(cycles.explores(step), place == 0, "{step}");
    }
    assert!(!falling.explores(0) && !constant(1.0).explores(0));
}

#[test]
fn settings_out_of_range_are_refused_by_name() {
    let nan = f64::NAN;
    let schedules = [
        ("step_size", StepSizeSchedule::constant(0.0)),
        ("step_size", StepSizeSchedule::constant(nan)),
        ("step_size", StepSizeSchedule::constant(f64::INFINITY)),
        ("scale", StepSizeSchedule::polynomial(-1.0, 1.0, 0.6)),
        ("offset", StepSizeSchedule::polynomial(1.0, 0.0, 0.6)),
        ("exponent", StepSizeSchedule::polynomial(1.0, 1.0, 0.5)),
        ("exponent", StepSizeSchedule::polynomial(1.0, 1.0, 1.01)),
        ("exponent", StepSizeSchedule::polynomial(1.0, 1.0, nan)),
        ("initial", StepSizeSchedule::cyclical_cosine(0.0, 3, 0.0)),
        ("period", StepSizeSchedule::cyclical_cosine(1.0, 0, 0.0)),
        (
            "exploration",
            StepSizeSchedule::cyclical_cosine(1.0, 3, 1.0),
        ),
        (
            "exploration",
            StepSizeSchedule::cyclical_cosine(1.0, 3, nan),
        ),
    ];
    let fine = || config(5, constant(0.1));
    let settings = [
        ("data_size", config(0, constant(0.1))),
        ("prior_precision", fine().with_prior_precision(-1.0)),
        ("prior_precision", fine().with_prior_precision(nan)),
        ("temperature", fine().with_temperature(-0.1)),
        ("temperature", fine().with_temperature(f64::INFINITY)),
        (
            "preconditioner.decay",
            fine().with_preconditioner(preconditioned(1.0, 0.1)),
        ),
        (
            "preconditioner.offset",
            fine().with_preconditioner(preconditioned(0.9, 0.0)),
        ),
    ];
    let schedules = schedules.map(|(name, result)| (name, result.err()));
    let settings = settings.map(|(name, config)| (name, config.init().err()));
    for (expected, error) in schedules.into_iter().chain(settings) {
        let Some(SgldError::Value { name, .. }) = &error else {
            panic!("{expected}: {error:?}");
        };
        assert_eq!(*name, expected);
    }
    assert!(StepSizeSchedule::polynomial(1.0, 1.0, 1.0).is_ok());
    assert!(StepSizeSchedule::cyclical_cosine(1.0, 1, 0.0).is_ok());
    assert!(fine().with_temperature(0.0).init().is_ok());
}

#[test]
fn settings_survive_being_written_and_are_checked_when_read() {
    let schedules = [
        constant(0.1),
        StepSizeSchedule::polynomial(1.0, 2.0, 0.75).unwrap(),
        StepSizeSchedule::cyclical_cosine(1.0, 5, 0.2).unwrap(),
    ];
    for schedule in schedules {
        let written = serde_json::to_string(
            &config(3, schedule).with_preconditioner(preconditioned(0.9, 0.1)),
        )
        .unwrap();
        let read: StochasticGradientLangevinConfig = serde_json::from_str(&written).unwrap();
        assert_eq!(read.step_size, schedule);
        assert_eq!(read.preconditioner, preconditioned(0.9, 0.1));
        assert_eq!(read.data_size, 3);
    }
    let wrong = r#"{"kind": "polynomial", "scale": 1.0, "offset": 1.0, "exponent": 0.5}"#;
    let error = serde_json::from_str::<StepSizeSchedule>(wrong).unwrap_err();
    assert!(error.to_string().contains("exponent: found 0.5"), "{error}");
}

/// Modules whose parameter is the number of the offer.
fn offered(number: u64, device: &Device) -> Replicas {
    Replicas::at(number as f64, [1, 1], device)
}

fn numbers(ensemble: &Ensemble<Replicas>) -> Vec<u64> {
    ensemble
        .iter()
        .map(|member| values(member.theta.val())[0] as u64)
        .collect()
}

#[test]
fn an_ensemble_stays_evenly_spread_and_bounded() {
    let device = Device::flex();
    for capacity in 1..=9 {
        for every in [1, 3] {
            let burn_in = 5;
            let mut ensemble = Ensemble::new(burn_in, every, capacity);
            assert!(ensemble.is_empty());
            for number in 1..=100 {
                let before = ensemble.len();
                let kept = ensemble.offer(&offered(number, &device));
                let spacing = ensemble.spacing();
                // All multiples of the spacing after the burn-in, the smallest that fits.
                let expected: Vec<u64> = (burn_in + 1..=number)
                    .filter(|offer| (offer - burn_in).is_multiple_of(spacing))
                    .collect();
                assert_eq!(numbers(&ensemble), expected);
                assert_eq!(kept, expected.last() == Some(&number));
                assert!(ensemble.len() <= capacity);
                assert!(ensemble.len() >= before.min(capacity / 2));
                let turns = number.saturating_sub(burn_in) / every;
                let doublings = spacing / every;
                assert!(doublings == 1 || turns / (doublings / 2) > capacity as u64);
            }
        }
    }
}

#[test]
#[should_panic(expected = "found 1 and 0")]
fn an_ensemble_without_room_panics() {
    let _ = Ensemble::<Replicas>::new(0, 1, 0);
}

#[test]
fn an_ensemble_averages_functions_off_the_graph() {
    for device in devices() {
        let mut ensemble = Ensemble::new(0, 1, 10);
        let x: Tensor<1> = tensor(&[1.0, -2.0], [2], &device);
        let f = |member: &Replicas| {
            let theta: Tensor<1> = member.theta.val().squeeze_dim(0);
            assert!(!theta.is_autodiff());
            x.clone() * theta.square()
        };
        assert!(ensemble.mean(f).is_none());
        for number in [1, 2, 4] {
            ensemble.offer(&offered(number, &device));
            if number == 1 {
                assert_eq!(values(ensemble.mean(f).unwrap()), [1.0, -2.0]);
                assert!(ensemble.mean_and_standard_deviation(f).is_none());
            }
        }
        // 1, 4, 16: the mean is 7, the squares around it 36 + 9 + 81 = 126.
        let (mean, deviation) = ensemble.mean_and_standard_deviation(f).unwrap();
        let root = 63.0_f64.sqrt();
        assert_close(&values(mean), &[7.0, -14.0], 1e-6, "mean");
        assert_close(&values(deviation), &[root, 2.0 * root], 1e-6, "deviation");
        // A function on the graph leaves none behind.
        let lifted = ensemble.mean(|member| f(member).autodiff()).unwrap();
        assert!(!lifted.is_autodiff());
        assert_eq!((&ensemble).into_iter().count(), ensemble.members().len());
    }
}
