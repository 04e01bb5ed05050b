//! Ten updates of every kind of trainer end at the same weights, averages and chains.

use crate::trainers::{KINDS, advance, all_weights, configuration, trainer};
use crate::{assert_close, on_both, values};

/// Of weights after ten updates, relative. Rounding of 1e-7 grows with each update, and Adam
/// divides by gradients.
const TOLERANCE: f64 = 1e-3;
const UPDATES: usize = 10;

#[test]
fn ten_updates_of_every_kind() {
    for kind in KINDS {
        let config = configuration(kind);
        let (expected, found) = on_both(|device| {
            let mut trainer = trainer(&config, device);
            let before = all_weights(&trainer);
            advance(&mut trainer, UPDATES);
            (before, all_weights(&trainer), trainer.checkpoint())
        });
        let what = |part: &str| format!("{part} of the {}", kind.0);
        if kind.0 != "Hopfield network" && kind.0 != "perceptron" {
            assert_ne!(expected.0, expected.1, "{} learned nothing", kind.0);
        }
        assert_close(&what("initial weights"), &found.0, &expected.0, 1e-5);
        assert_close(&what("weights"), &found.1, &expected.1, TOLERANCE);
        // Streams, order of the data, counters: bit for bit.
        let state = |checkpoint: &ebm::training::Checkpoint| {
            serde_json::to_value(&checkpoint.state).unwrap()
        };
        assert_eq!(state(&found.2), state(&expected.2), "{}", kind.0);
        for (name, data) in &expected.2.tensors {
            let other = &found.2.tensors[name];
            assert_eq!(other.shape(), data.shape(), "{}: {name}", kind.0);
            assert_eq!(other.dtype(), data.dtype(), "{}: {name}", kind.0);
            if name == "chains" {
                // Bytes may round to a neighbour.
                let most = if kind.0.contains("bytes") {
                    1.01 / 64.0
                } else {
                    TOLERANCE
                };
                assert_close(&what("chains"), &values(other), &values(data), most);
            }
        }
    }
}
