//! Half precision where the device has it: close to f32 but not the same, parameters untouched, and
//! refused elsewhere.

use burn::module::Module;
use burn::tensor::DType;
use ebm::models::{
    ConvLayerConfig, ConvNetConfig, DbmConfig, Energy, LayeredMachine, MlpConfig, Precision,
    RbmConfig, log_partition,
};
use ebm::ops::Noise;
use ebm::run::AnyModel;
use ebm::run::config::RunConfig;
use ebm::sampling::energy_and_gradient;
use ebm::training::{Examples, TrainError, Trainer};

use crate::trainers::{IMAGE, MACHINE, NETWORK, advance, all_weights, trainer};
use crate::{device, distance, floats};

/// Half-precision types, and the unit of their rounding.
const HALVES: [(Precision, f64); 2] = [
    (Precision::Bf16, 1.0 / 256.0),
    (Precision::F16, 1.0 / 2048.0),
];

fn supported() -> impl Iterator<Item = (Precision, f64)> {
    HALVES
        .into_iter()
        .filter(|(precision, _)| precision.is_supported_by(&device()))
}

/// Energies and gradients err by a few roundings of the products, and come back as f32.
fn check<E: Energy<D> + Module, const D: usize>(
    what: &str,
    shape: [usize; D],
    build: impl Fn(&mut Noise) -> E,
) {
    for (precision, unit) in supported() {
        let mut noise = Noise::new(41);
        let model = build(&mut noise);
        let x = noise.uniform_in(shape, [0.0, 1.0], &device());
        let wide = energy_and_gradient(&model, x.clone());
        let narrow = energy_and_gradient(&precision.frozen(&model), x);
        assert_eq!(narrow.0.dtype(), DType::F32, "{what} in {precision}");
        assert_eq!(narrow.1.dtype(), DType::F32, "{what} in {precision}");
        for (part, narrow, wide) in [
            ("energies", floats(narrow.0), floats(wide.0)),
            ("gradients", floats(narrow.1), floats(wide.1)),
        ] {
            let distance = distance(&narrow, &wide);
            assert!(
                distance > 0.0 && distance < 8.0 * unit,
                "{part} of {what} in {precision}: {distance:.1e} from f32"
            );
        }
    }
}

#[test]
fn energies_err_by_a_few_roundings() {
    let device = device();
    check("a perceptron", [4, 16], |noise| {
        MlpConfig::new(16, vec![8, 8]).init(&device, noise)
    });
    check("convolutions", [3, 1, 6, 6], |noise| {
        let config = ConvNetConfig::new([1, 6, 6].into());
        let config = config.with_layers(vec![ConvLayerConfig::new(3, 3, 2, 2)]);
        config.with_hidden(5).init(&device, noise).unwrap()
    });
    check("a restricted machine", [4, 16], |noise| {
        let config = RbmConfig::new(16, 6)
            .with_weight_std(0.5)
            .with_centered(true);
        config.init(&device, noise)
    });
    check("a deep machine", [4, 12], |noise| {
        let config = DbmConfig::new(6, vec![4, 2]).with_weight_std(0.5);
        config.init(&device, noise)
    });
}

#[test]
fn log_z_moves_by_little() {
    for (precision, unit) in supported() {
        let mut noise = Noise::new(42);
        let config = RbmConfig::new(16, 8).with_weight_std(1.0);
        let machine = config.init(&device(), &mut noise);
        let log_z = |precision: Precision| {
            log_partition(&precision.frozen(&machine).layers(), &mut ()).unwrap()
        };
        let (wide, narrow) = (log_z(Precision::F32), log_z(precision));
        assert!(
            wide != narrow && (wide - narrow).abs() < 8.0 * unit * wide.abs(),
            "log Z {wide} in f32, {narrow} in {precision}"
        );
    }
}

fn config(base: &str, precision: Precision) -> RunConfig {
    let change = format!("training.precision={precision}");
    crate::common::config(base, &[&change])
}

#[test]
fn chains_move_in_half_precision_and_parameters_stay_f32() {
    for base in [NETWORK, MACHINE] {
        let weights = |precision| {
            let mut trainer = trainer(&config(base, precision), &device());
            advance(&mut trainer, 3);
            for (name, data) in &trainer.checkpoint().tensors {
                assert_eq!(data.dtype(), DType::F32, "{name} in {precision}");
            }
            all_weights(&trainer)
        };
        let wide = weights(Precision::F32);
        for (precision, _) in supported() {
            let narrow = weights(precision);
            if base == NETWORK {
                assert_ne!(narrow, wide, "{precision} changes nothing");
            }
            let distance = distance(&narrow, &wide);
            assert!(distance < 0.1, "{distance:.1e} from f32 in {precision}");
        }
    }
}

#[test]
fn what_can_not_do_with_less_refuses() {
    let refused = |config: &RunConfig| {
        let mut noise = Noise::new(1);
        let [channels, height, width] = IMAGE;
        let examples = noise.uniform([8, channels, height, width], &device());
        let model = AnyModel::new(&config.model, IMAGE.into(), &device(), &mut noise).unwrap();
        Trainer::new(
            config.recipe(),
            model,
            Examples::from_tensor(examples),
            noise,
        )
        .err()
    };
    for (precision, _) in HALVES {
        let error = refused(&config(NETWORK, precision));
        if precision.is_supported_by(&device()) {
            assert!(error.is_none(), "{precision}: {error:?}");
        } else {
            let Some(TrainError::UnsupportedPrecision { precision: found }) = error else {
                panic!("{precision} was not refused: {error:?}");
            };
            assert_eq!(found, precision);
        }
    }
    let mut spins = config(MACHINE, Precision::Bf16);
    let change = r#"model={kind="boltzmann_machine", coding="binary"}"#;
    spins.model = crate::common::config(MACHINE, &[change]).model;
    let error = refused(&spins).unwrap().to_string();
    assert!(
        error.contains("training.precision") && error.contains("\"bf16\""),
        "{error}"
    );
}
