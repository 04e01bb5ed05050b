//! Tests of what is chosen for a folder of images.

use super::*;
use crate::config::ModelConfig;
use crate::kinds::AnyModel;

fn of(channels: usize, side: usize, count: usize, is_scaled: bool) -> AutomaticConfig {
    let survey = Survey {
        count,
        classes: None,
        channels,
        size: [side, side],
        sizes: 1,
        is_scaled,
        has_test: false,
    };
    AutomaticConfig::with_survey(Path::new("shapes"), survey, None)
}

fn read(automatic: &AutomaticConfig, updates: u64) -> RunConfig {
    let table = automatic.table(updates).expect("a path of text");
    table.read().expect("it is valid")
}

fn layers(config: &RunConfig) -> Vec<[usize; 4]> {
    match &config.model {
        ModelConfig::ConvNet(keys) => keys.layers.clone(),
        other => panic!("found {other:?}"),
    }
}

#[test]
fn networks_grow_with_images_and_every_choice_builds() {
    let (second, next) = ([48, 3, 2, 1], [64, 3, 2, 1]);
    for (channels, side, count, scaled, expected) in [
        (3, 16, 540, true, vec![[48, 4, 2, 1], next]),
        (3, 32, 5000, true, vec![[32, 4, 2, 1], second, next]),
        (1, 28, 60_000, false, vec![[16, 4, 2, 1], second, next]),
        (3, 64, 200, true, vec![[32, 4, 2, 1], second, next, next]),
        (3, 500, 200, true, vec![[32, 4, 2, 1], second, next, next]),
        (1, 8, 20, true, vec![[16, 4, 2, 1]]),
        (1, 3, 9, true, vec![[16, 4, 2, 1]]),
        (1, 1, 2, true, vec![[16, 3, 2, 1]]),
    ] {
        let automatic = of(channels, side, count, scaled);
        let config = read(&automatic, 5000);
        assert_eq!(layers(&config), expected, "{channels}x{side}x{side}");
        let shape = automatic.shape;
        let device = burn::tensor::Device::flex();
        let mut noise = ebm_ops::Noise::new(1);
        AnyModel::new(&config.model, shape.into(), &device, &mut noise).expect("it builds");
        assert!(shape[1] <= LARGEST_SIDE);
        // A tenth is held out of what a batch is taken from.
        assert!(config.training.batch_size <= (count - count.div_ceil(10)).max(1));
        let long = config.chains.long().expect("chains are long now and then");
        let transitions = config.sampler.transitions() as f64 * long.mean_factor();
        assert!((transitions - MEAN_TRANSITIONS).abs() < 1e-9);
        assert_eq!(config.output.sample_every, 500);
        assert!(automatic.reasons(&config, Pace::Given).len() >= 6);
    }
}

#[test]
fn all_that_was_chosen_is_written_out() {
    let automatic = of(3, 16, 540, true);
    let text = read(&automatic, 9800).to_toml().expect("plain values");
    for line in [
        "path = \"shapes\"",
        "channels = 3",
        "size = [16, 16]",
        "test_fraction = 0.1",
        "batch_size = 32",
        "capacity = 1024",
        "steps = 9800",
        "sample_every = 810",
    ] {
        assert!(text.contains(&format!("{line}\n")), "no {line} in\n{text}");
    }
    let of_fixed_shape = read(&of(1, 28, 60_000, false), 100);
    let text = of_fixed_shape.to_toml().expect("plain values");
    assert!(
        !text.contains("channels =") && !text.contains("\nsize ="),
        "{text}"
    );
}

#[test]
fn a_size_that_is_asked_for_has_a_network_of_its_own() {
    let automatic = of(3, 500, 540, true);
    let mut table = automatic.table(1).expect("a path of text");
    for change in ["data.size=[32, 16]", "data.channels=1"] {
        table.set(change).expect("a key");
    }
    let asked = table.read().expect("it is valid");
    let automatic = automatic.following(&asked);
    let config = read(&automatic, 5000);
    assert_eq!(layers(&config), [[16, 4, 2, 1], [48, 3, 2, 1], NEXT]);
    assert_eq!(config.data, asked.data);
    let said = automatic.reasons(&config, Pace::Given);
    assert!(
        said[1].contains("scaled to 32x16: as was asked for"),
        "{said:?}"
    );
}

#[test]
fn steps_grow_with_the_number_of_pixels() {
    for (side, expected) in [(8, 10.0), (16, 10.0), (32, 40.0), (64, 160.0)] {
        let config = read(&of(3, side, 540, true), 5000);
        let text = config.to_toml().expect("plain values");
        assert!(
            text.contains(&format!("step_size = {expected:?}\n")),
            "{text}"
        );
    }
}

#[test]
fn updates_fill_the_minutes() {
    let automatic = of(3, 16, 540, true);
    // 5 minutes, of which four fifths are updates.
    assert_eq!(automatic.updates(0.03), 12 * 660);
    assert_eq!(automatic.updates(0.0285), 12 * 700);
    assert_eq!(automatic.updates(0.1), 4 * 600);
    assert_eq!(automatic.updates(0.8), 4 * 75);
    assert_eq!(automatic.updates(1e9), 4);
    assert_eq!(of(3, 32, 540, true).updates(0.001), MOST_OF_LARGE);
    for updates in [4, 17, 99, 2399, 2500, 5999, 12_345] {
        let seconds = 240.0 / updates as f64;
        let steps = automatic.updates(seconds);
        let config = read(&automatic, steps);
        assert!(
            steps <= updates && 10 * steps >= 7 * updates,
            "{steps} of {updates}"
        );
        assert_eq!(steps % config.output.sample_every, 0, "{updates}");
    }
    // What it was made for: about 20 ms at 16x16, three times that at 32x32.
    let (small, large) = (automatic.expected_seconds(), of(3, 32, 5000, true));
    assert!((0.012..0.03).contains(&small), "{small}");
    assert!((2.0..4.0).contains(&(large.expected_seconds() / small)));
    assert_eq!(
        [0, 7, 99, 100, 987, 12_345].map(two_digits),
        [1, 7, 99, 100, 980, 12_000]
    );
}

#[test]
fn what_is_lacking_is_said() {
    assert!(of(3, 16, 540, true).warnings(8000).is_empty());
    let lacking = |automatic: AutomaticConfig, updates, needle: &str| {
        let said = automatic.warnings(updates);
        assert!(said.len() == 1 && said[0].contains(needle), "{said:?}");
    };
    lacking(of(3, 16, 49, true), 8000, "found 49 images");
    lacking(of(3, 64, 200, true), 600, "time for 600 updates");
    lacking(of(1, 96, 200, false), 8000, "isn't scaled");
    let large = of(3, 500, 200, true);
    let large = large.reasons(&read(&large, 8000), Pace::Measured(0.5));
    assert!(large[1].contains("scaled to 64x64"), "{large:?}");
}
