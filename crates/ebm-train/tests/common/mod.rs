//! What the tests of the trainer and its parts share: a small configuration, and values on the host.
#![allow(clippy::unwrap_used, unreachable_pub)]

use ebm_run::config::ConfigTable;
pub use ebm_testing::floats;
use ebm_train::Recipe;

/// A linear energy of points, learned by maximum likelihood.
const BASE: &str = r#"
[data]
kind = "two_moons"

[model]
kind = "mlp"
hidden = []

[sampler]
kind = "langevin"
steps = 10
step_size = 0.02
temperature = 1.0

[chains]
kind = "persistent"

[optimizer]
kind = "adam"
learning_rate = 1e-2
beta_1 = 0.5

[schedule.decay]
kind = "cosine"
final_factor = 0.02

[training]
steps = 1200
batch_size = 128
"#;

/// [`BASE`] with keys changed as `--set` does.
pub fn config(changes: &[&str]) -> Recipe {
    let mut table = ConfigTable::parse(BASE, "test".into()).unwrap();
    for change in changes {
        table.set(change).unwrap();
    }
    table.read().unwrap().recipe()
}
