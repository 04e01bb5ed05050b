//! A gauge of samples tells data from what is worse in each of the ways that models fail.

use burn::tensor::{Device, Tensor};
use ebm_ops::{Interval, Noise};
use ebm_sampling::Interrupt;
use ebm_train::Examples;
use ebm_train::data::{Split, digits};
use ebm_train::judging::quality::{
    Classifier, ClassifierOptions, FeatureChoice, Features, GaugeOptions, QualityGauge,
    QualityReport, RandomConvolutions, TOTAL_VARIANCE,
};

const RANGE: Interval = Interval::new(-1.0, 1.0);

fn examples(split: Split) -> Examples<4> {
    let images = digits(split).unwrap();
    Examples::from_images(&images, RANGE.into(), &Device::flex())
}

fn all(examples: &Examples<4>) -> Tensor<4> {
    let indices: Vec<usize> = (0..examples.len()).collect();
    examples.batch(&indices).x
}

fn classifier(train: &Examples<4>, held_out: &Examples<4>) -> Classifier {
    let options = ClassifierOptions {
        updates: 300,
        ..ClassifierOptions::default()
    };
    let (noise, never) = (&mut Noise::new(1), &mut Interrupt::never());
    Classifier::fit(train, Some(held_out), RANGE, options, noise, &mut (), never).unwrap()
}

/// A gauge of digits with features of each kind that suits them.
fn gauges() -> [QualityGauge; 2] {
    let (train, held_out) = (examples(Split::Train), examples(Split::Test));
    let random = RandomConvolutions::new(1, RANGE, &Device::flex());
    let classifier = classifier(&train, &held_out);
    assert!(classifier.accuracy().unwrap() > 0.9);
    let start = Noise::new(2).uniform_in([256, 1, 8, 8], RANGE, &Device::flex());
    [
        Features::RandomConvolutions(random.clone()),
        Features::Classifier(Box::new(classifier), random),
    ]
    .map(|features| {
        let (options, noise) = (GaugeOptions::default(), Noise::new(3));
        QualityGauge::new(features, &train, Some(&held_out), RANGE, options, noise)
            .with_start(Tensor::clone(&start))
    })
}

fn distance(report: &QualityReport) -> f64 {
    report.distance.unwrap()
}

#[test]
fn what_is_worse_than_data_is_further_from_it() {
    let device = Device::flex();
    let train = examples(Split::Train);
    let held_out = all(&examples(Split::Test));
    let [count, ..] = held_out.dims();
    assert_eq!(
        FeatureChoice::for_examples(&train, RANGE),
        FeatureChoice::Classifier
    );
    let mut noise = Noise::new(4);
    // Spread over all of them: writers come one after the other.
    let spread: Vec<usize> = (0..count).map(|at| at * train.len() / count).collect();
    let real = train.batch(&spread).x;
    let grain: Tensor<4> = noise.normal([count, 1, 8, 8], &device);
    let grainy = (real.clone() + grain.mul_scalar(0.5)).clamp(-1.0, 1.0);
    let middle: Tensor<4> = real.clone().mean_dim(0);
    let single = middle.expand([count, 1, 8, 8]);
    let pure: Tensor<4> = noise.uniform_in([count, 1, 8, 8], RANGE, &device);
    // Two of the ten digits.
    let few = real.clone().narrow(0, 0, 2).repeat_dim(0, count / 2);
    for mut gauge in gauges() {
        let real = gauge.measure(real.clone());
        let (floor, start) = (real.floor.unwrap(), real.start_distance.unwrap());
        // Data are as far from data as other data are.
        assert!((0.4..2.5).contains(&(distance(&real) / floor)), "{real:?}");
        assert!(real.precision.unwrap() > 0.8 && real.recall.unwrap() > 0.8);
        assert!(real.outside.unwrap() < 0.05, "{real:?}");

        let grainy = gauge.measure(grainy.clone());
        assert!(distance(&grainy) > 3.0 * distance(&real), "{grainy:?}");
        assert!(grainy.precision.unwrap() < 0.5 * real.precision.unwrap());

        // Copies of the mean image are as far away as the data spread, and more.
        let single = gauge.measure(single.clone());
        assert!(distance(&single) > 0.8 * TOTAL_VARIANCE, "{single:?}");
        assert!(single.recall.unwrap() < 0.05);

        let pure = gauge.measure(pure.clone());
        assert!(distance(&pure) > 0.8 * start && distance(&pure) < 1.2 * start);
        assert!(start > TOTAL_VARIANCE && pure.outside == Some(1.0));
        assert!(pure.precision.unwrap() < 0.05);

        let few = gauge.measure(few.clone());
        assert!(few.recall.unwrap() < 0.3 && few.precision.unwrap() > 0.8);
        if let (Some(few), Some(data)) = (few.class_entropy, few.data_class_entropy) {
            assert!(few < 1.0 && data > 2.2, "{few} {data}");
        }

        let broken = gauge.measure(Tensor::full([4, 1, 8, 8], f32::NAN, &device));
        assert_eq!((broken.distance, broken.outside), (None, Some(1.0)));
    }
}

#[test]
fn a_classifier_comes_back_from_its_file() {
    let (train, held_out) = (examples(Split::Train), examples(Split::Test));
    let found = classifier(&train, &held_out);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("features.safetensors");
    found.save(&path).unwrap();
    let loaded = Classifier::load(&path, &Device::flex()).unwrap();
    assert_eq!(loaded.examples(), train.fingerprint());
    assert_eq!(loaded.accuracy(), found.accuracy());
    let images = all(&held_out);
    assert_eq!(loaded.look(images.clone()), found.look(images));
    // What was trained with the same noise is the same.
    let again = classifier(&train, &held_out);
    assert_eq!(again.look(all(&held_out)), found.look(all(&held_out)));
}
