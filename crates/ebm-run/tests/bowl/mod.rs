//! What the tests of runs that fail share: a run that diverges by its learning rate alone.
#![allow(clippy::unwrap_used)]

use ebm_run::config::{ConfigTable, RunConfig};

/// A linear energy on the digits, which plain gradient descent makes converge or explode by its
/// learning rate alone: the squares in the objective are a quadratic bowl.
const BOWL: &str = r#"
seed = 5

[data]
kind = "digits"
limit = 64

[model]
kind = "mlp"
hidden = []

[sampler]
kind = "langevin"
steps = 1
step_size = 0.1
noise = 0.1

[chains]
kind = "replay_buffer"
capacity = 64

[objective]
energy_regularizer = 0.1

[optimizer]
kind = "sgd"
learning_rate = 0.1

[training]
steps = 60
batch_size = 16
ema_decay = 0.9

[recovery]
max_bad_steps = 3
max_rollbacks = 8
energy_limit = 1000.0

[output]
log_every = 1
sample_every = 1000
sample_count = 1
sample_steps = 1
checkpoint_every = 4
keep_checkpoints = 3
quality_samples = 0
"#;

/// The bowl with keys changed as `--set` does.
pub(crate) fn config(changes: &[&str]) -> RunConfig {
    let mut table = ConfigTable::parse(BOWL, "test".into()).unwrap();
    for change in changes {
        table.set(change).unwrap();
    }
    table.read().unwrap()
}
