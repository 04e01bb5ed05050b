//! Ladders start at 1 and fall; adapted ones have equal swap rates.
#![allow(clippy::unwrap_used)]

mod common;

use burn::tensor::{Device, Tensor};
use common::{assert_close_to, tensor, values};
use ebm_sampling::tempering::{BlockParallelTempering, Ladder};

#[test]
fn ladders_are_spaced_as_documented() {
    let linear = Ladder::linear(4, 0.1).unwrap();
    assert_close_to(linear.values(), &[1.0, 0.7, 0.4, 0.1], 1e-12);
    let geometric = Ladder::geometric(4, 0.125).unwrap();
    assert_close_to(geometric.values(), &[1.0, 0.5, 0.25, 0.125], 1e-12);
    assert_eq!(geometric.temperatures(), 4);
    for count in 2..200 {
        assert_eq!(Ladder::geometric(count, 1e-6).unwrap().values()[0], 1.0);
        assert_eq!(
            Ladder::geometric(count, 0.3).unwrap().values()[count - 1],
            0.3
        );
    }
    assert_eq!(
        *BlockParallelTempering::from(linear.clone()).ladder(),
        linear
    );
}

#[test]
fn invalid_ladders_are_refused_with_what_was_found() {
    for invalid in [
        vec![],
        vec![1.0],
        vec![0.9, 0.5],
        vec![1.0, 1.0],
        vec![1.0, 0.5, 0.6],
        vec![1.0, 0.5, -0.1],
        vec![1.0, f64::NAN],
        vec![f64::NAN, 0.5],
    ] {
        let message = Ladder::new(invalid.clone()).unwrap_err().to_string();
        assert!(message.contains(&format!("{invalid:?}")), "{message}");
    }
    for (count, lowest) in [
        (0, 0.5),
        (1, 0.5),
        (3, 0.0),
        (3, 1.0),
        (3, -0.5),
        (2, -0.5),
        (2, 2.0),
        (3, f64::NAN),
    ] {
        assert!(
            Ladder::geometric(count, lowest).is_err(),
            "{count}, {lowest}"
        );
    }
}

#[test]
fn a_ladder_is_read_as_a_list_and_checked() {
    let ladder: Ladder = serde_json::from_str("[1.0, 0.5, 0.25]").unwrap();
    assert_eq!(ladder, Ladder::geometric(3, 0.25).unwrap());
    assert_eq!(serde_json::to_string(&ladder).unwrap(), "[1.0,0.5,0.25]");
    let error = serde_json::from_str::<Ladder>("[1.0, 1.5]").unwrap_err();
    assert!(error.to_string().contains("start at 1 and fall"), "{error}");
}

#[test]
fn rows_are_temperature_by_temperature() {
    let device = Device::flex();
    let ladder = Ladder::linear(3, 0.0).unwrap();
    let chains: Tensor<2> = tensor(&[1.0, 2.0], [2, 1], &device);
    let rows = ladder.replicate(chains);
    assert_eq!(values(rows), [1.0, 2.0, 1.0, 2.0, 1.0, 2.0]);
    let rows: Tensor<1> = tensor(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], [6], &device);
    assert_eq!(values(ladder.cold(rows.clone())), [1.0, 2.0]);
    assert_eq!(values(ladder.replicas(rows, 2)), [5.0, 6.0]);
}

#[test]
#[should_panic(expected = "there is no temperature 3 on a ladder of 3")]
fn a_temperature_that_is_not_there_is_refused() {
    let rows: Tensor<1> = Tensor::zeros([6], &Device::flex());
    let _ = Ladder::linear(3, 0.0).unwrap().replicas(rows, 3);
}

/// Rejections 0.6 and 0.2: the barrier is 0.8, its half is reached after two thirds of the first
/// gap.
#[test]
fn an_adapted_ladder_halves_the_barrier() {
    let ladder = Ladder::new(vec![1.0, 0.7, 0.1]).unwrap();
    let adapted = ladder.adapted(&[0.4, 0.8]);
    assert_close_to(adapted.values(), &[1.0, 0.8, 0.1], 1e-12);
}

/// Of normals in four dimensions `rate = 2 (3 x^2 - 2 x^3)`, `x = c / (b + c)`, depends on the
/// ratio of neighbours alone: a linear ladder that is adapted again and again becomes the geometric
/// one.
#[test]
fn adapted_ladders_of_normals_become_geometric() {
    let rates = |ladder: &Ladder| -> Vec<f64> {
        let pairs = ladder.values().windows(2);
        pairs
            .map(|pair| {
                let x = pair[1] / (pair[0] + pair[1]);
                2.0 * x * x * (3.0 - 2.0 * x)
            })
            .collect()
    };
    let mut ladder = Ladder::linear(8, 0.02).unwrap();
    for _ in 0..60 {
        ladder = ladder.adapted(&rates(&ladder));
    }
    let geometric = Ladder::geometric(8, 0.02).unwrap();
    assert_close_to(ladder.values(), geometric.values(), 1e-6);
    assert_close_to(&rates(&ladder), &rates(&geometric), 1e-6);
}

/// Rates that say nothing leave the ladder as it is; extreme ones leave it valid.
#[test]
fn extreme_rates_are_borne() {
    let ladder = Ladder::geometric(5, 0.05).unwrap();
    for rate in [0.0, 0.5, 1.0, 1.0 + 1e-6] {
        assert_close_to(ladder.adapted(&[rate; 4]).values(), ladder.values(), 1e-12);
    }
    let adapted = ladder.adapted(&[1.0, 0.0, 1.0, 1.0]);
    assert!(adapted.values().windows(2).all(|pair| pair[0] > pair[1]));
    let mut narrow = Ladder::new(vec![1.0, 0.5, 0.5 - f64::EPSILON / 4.0, 0.1]).unwrap();
    narrow = narrow.adapted(&[1.0, 0.0, 1.0]);
    assert!(Ladder::new(narrow.values().to_vec()).is_ok());
}

#[test]
#[should_panic(expected = "5 temperatures have 4 pairs of neighbours, but 3 swap rates were given")]
fn rates_of_another_ladder_are_refused() {
    let _ = Ladder::geometric(5, 0.05).unwrap().adapted(&[0.5; 3]);
}

#[test]
#[should_panic(expected = "swap rates must be between 0 and 1, found [0.5, NaN]")]
fn rates_that_are_no_rates_are_refused() {
    let _ = Ladder::linear(3, 0.05).unwrap().adapted(&[0.5, f64::NAN]);
}
