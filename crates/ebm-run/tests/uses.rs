//! Models of runs against each other and against outliers: what the command uses and compares.
#![allow(clippy::unwrap_used)]

use burn::tensor::{Device, Tensor, TensorData};
use ebm_models::{HopfieldConfig, MlpConfig, Rbm, VisibleUnits};
use ebm_ops::Noise;
use ebm_run::config::ConfigTable;
use ebm_run::evaluation_data::{HeldOutOrigin, OutlierSource, held_out};
use ebm_run::uses::{ComposedModels, ModelsError, inpaint};
use ebm_run::{AnyModel, ModelFile};
use ebm_train::Examples;
use ebm_train::judging::energies;
use ebm_train::using::{CompositionError, CompositionKind, PixelMask, Rectangle};

/// Keys that every model of these tests shares.
fn file(model: AnyModel, shape: [usize; 3], changes: &[&str]) -> ModelFile {
    let base = r#"
data = { kind = "digits", range = [0.0, 1.0], limit = 20 }
model = { kind = "rbm", hidden = 2 }
sampler = { kind = "gibbs", steps = 1 }
chains = { kind = "persistent", start = "binary" }
optimizer = { kind = "sgd", learning_rate = 0.1 }
training = { steps = 1, batch_size = 4 }
"#;
    let mut table = ConfigTable::parse(base, "test".into()).unwrap();
    for change in changes {
        table.set(change).unwrap();
    }
    ModelFile::new(model, table.read().unwrap(), shape)
}

const LANGEVIN: &str =
    "sampler={kind=\"langevin\", steps=1, step_size=0.05, temperature=1.0, clamp=false}";

fn floats<const D: usize>(x: Tensor<D>) -> Vec<f32> {
    x.into_data().iter::<f32>().collect()
}

fn tensor<const D: usize>(values: &[f32], shape: [usize; D]) -> Tensor<D> {
    Tensor::from_data(TensorData::new(values.to_vec(), shape), &Device::flex())
}

/// A restricted machine of 4 visible units, an image of 2x2, with weights of order 1.
fn rbm(seed: u64, hidden: usize) -> AnyModel {
    let device = Device::flex();
    let mut noise = Noise::new(seed);
    let w: Tensor<2> = noise.normal([4, hidden], &device);
    let b: Tensor<1> = noise.normal([4], &device);
    let c: Tensor<1> = noise.normal([hidden], &device);
    AnyModel::Rbm(Rbm::from_parameters(w, b, c, VisibleUnits::Bernoulli))
}

#[test]
fn models_that_do_not_fit_are_not_composed() {
    let device = Device::flex();
    let a = file(rbm(1, 3), [1, 2, 2], &[]);
    let other_shape = file(rbm(1, 3), [1, 1, 4], &[]);
    let network = MlpConfig::new(4, vec![3]).init(&device, &mut Noise::new(1));
    let network = file(AnyModel::Mlp(network), [1, 2, 2], &[LANGEVIN]);
    let compose = |models: &[&ModelFile], weights: &[f64]| {
        let models: Vec<ModelFile> = models.iter().map(|&model| model.clone()).collect();
        ComposedModels::new(&models, CompositionKind::Product, weights).unwrap_err()
    };
    assert_eq!(compose(&[], &[]), CompositionError::Nothing.into());
    let error = compose(&[&a, &a], &[1.0]);
    let weights = CompositionError::Weights {
        weights: 1,
        models: 2,
    };
    assert_eq!(error, weights.into());
    assert_eq!(compose(&[&a], &[0.0]), CompositionError::Weight(0.0).into());
    let error = compose(&[&a, &other_shape], &[1.0, 1.0]);
    assert!(matches!(error, ModelsError::Images { index: 2, .. }));
    let error = compose(&[&a, &network], &[1.0, 1.0]);
    assert_eq!(error, ModelsError::Pixels { index: 2 });
}

/// Whatever the model, fixed pixels come back bit for bit, and free ones don't.
#[test]
fn fixed_pixels_are_untouched_bit_for_bit() {
    let device = Device::flex();
    let rectangle = Rectangle {
        top: 1,
        left: 0,
        height: 1,
        width: 2,
    };
    let mask = PixelMask::rectangle([2, 2], rectangle).unwrap();
    let mlp = MlpConfig::new(4, vec![3]).init(&device, &mut Noise::new(1));
    let hopfield = HopfieldConfig::new(4).init(&device);
    let metropolis = "sampler={kind=\"metropolis\", steps=1, scale=0.3}";
    for (model, change) in [
        (rbm(3, 3), "seed=1"),
        (AnyModel::Mlp(mlp.clone()), LANGEVIN),
        (AnyModel::Mlp(mlp), metropolis),
        (AnyModel::Hopfield(hopfield), "seed=1"),
    ] {
        let name = model.name();
        let model = file(model, [1, 2, 2], &[change]);
        let images = [0.1, 0.73, 0.2, 0.4, -0.0, 1.0, 0.9, 0.3];
        let before = tensor(&images, [2, 1, 2, 2]);
        let after = inpaint(&model, before, &mask, 5, &mut Noise::new(2)).unwrap();
        let after = floats(after);
        for (index, (before, after)) in images.iter().zip(&after).enumerate() {
            let fixed = index % 4 < 2;
            let same = before.to_bits() == after.to_bits();
            assert_eq!(same, fixed, "{name}: pixel {index}, {before} -> {after}");
        }
    }
}

/// Shuffling keeps the values of each image, noise and constants are what their names say, and
/// binary models get black and white.
#[test]
fn outliers_are_what_they_are_called() {
    let device = Device::flex();
    let network = MlpConfig::new(64, vec![3]).init(&device, &mut Noise::new(1));
    let network = file(AnyModel::Mlp(network), [1, 8, 8], &[LANGEVIN]);
    let w = Tensor::zeros([64, 2], &device);
    let zeros = |n| Tensor::zeros([n], &device);
    let machine = Rbm::from_parameters(w, zeros(64), zeros(2), VisibleUnits::Bernoulli);
    let machine = file(AnyModel::Rbm(machine), [1, 8, 8], &[]);
    for (model, binary) in [(network, false), (machine, true)] {
        let data = held_out(&model, &device).unwrap();
        assert_eq!(data.origin, HeldOutOrigin::TestSplit);
        let count = data.examples.len();
        let mut noise = Noise::new(3);
        let mut draw = |source: OutlierSource| -> Vec<f32> {
            let drawn = source.draw(&model, &data.examples, &device, &mut noise);
            let drawn: Examples<4> = drawn.unwrap();
            assert_eq!(drawn.shape(), [count, 1, 8, 8]);
            drawn
                .batches(count)
                .flat_map(|batch| floats(batch.x))
                .collect()
        };
        let constant = draw(OutlierSource::Constant);
        assert!(constant.chunks(64).all(|x| x.iter().all(|&y| y == x[0])));
        assert!(constant.chunks(64).any(|x| x[0] != constant[0]));
        let uniform = draw(OutlierSource::Uniform);
        let two = uniform.iter().all(|&x| x == 0.0 || x == 1.0);
        assert_eq!(two, binary);
        let mean = uniform.iter().map(|&x| f64::from(x)).sum::<f64>() / uniform.len() as f64;
        // At most a standard deviation of 1/2 a pixel: 5 standard errors, a false-positive rate
        // below 5.7e-7.
        assert!(
            (mean - 0.5).abs() < 2.5 / (uniform.len() as f64).sqrt(),
            "{mean}"
        );
        let shuffled = draw(OutlierSource::Shuffled);
        let intact: Vec<f32> = data
            .examples
            .batches(count)
            .flat_map(|batch| floats(batch.x))
            .collect();
        assert_ne!(shuffled, intact);
        for (shuffled, intact) in shuffled.chunks(64).zip(intact.chunks(64)) {
            let sorted = |image: &[f32]| {
                let mut image = image.to_vec();
                image.sort_by(f32::total_cmp);
                image
            };
            assert_eq!(sorted(shuffled), sorted(intact));
        }
        let all = energies(&model.model, &data.examples, &mut ()).unwrap();
        assert_eq!(all.len(), count);
    }
}
