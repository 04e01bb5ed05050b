//! Configurations in TOML say the same as typed recipes, those of older versions too.
#![allow(clippy::unwrap_used)]

use ebm_run::config::{ConfigTable, ObjectiveConfig, RunConfig};
use ebm_train::Recipe;
use ebm_train::recipe::{ContrastiveDivergence, MetropolisConfig, Sparsity};

/// The constructors of recipes are these presets without their data and models.
#[test]
fn constructors_have_the_numbers_of_presets() {
    let metropolis = Recipe::density()
        .with_sampler(MetropolisConfig::new(20, 0.12))
        .with_steps(5000);
    for (preset, recipe) in [
        ("fashion-mnist", Recipe::image_energy()),
        ("mnist", Recipe::image_energy()),
        ("two-moons", Recipe::density()),
        ("rings", metropolis.clone()),
        ("checkerboard", metropolis.clone()),
        ("pinwheel", metropolis.clone()),
        ("gaussians", metropolis),
        ("rbm-digits", Recipe::boltzmann_machine()),
    ] {
        let config = RunConfig::from_preset(preset).unwrap();
        assert_eq!(config.recipe(), recipe, "{preset}");
    }
}

/// Before there were other objectives the section had no `kind`.
#[test]
fn an_old_objective_section_is_read() {
    let old = "[objective]\nenergy_regularizer = 0.25\n\n[objective.sparsity]\ntarget = 0.1\ncost = 3.0\n";
    let preset = ebm_run::config::preset("rbm-digits").unwrap();
    let read = |objective: &str| {
        let text = format!("{preset}\n{objective}");
        let table = ConfigTable::parse(&text, "test".into()).unwrap();
        table.read().unwrap()
    };
    let (target, cost) = (0.1, 3.0);
    let expected = ContrastiveDivergence::default()
        .with_energy_regularizer(0.25)
        .with_sparsity(Sparsity { target, cost });
    let found = read(old);
    assert_eq!(found.objective, ObjectiveConfig::from(expected));
    // What is written has the name, and means the same.
    let written = found.to_toml().unwrap();
    assert!(
        written.contains("kind = \"contrastive_divergence\""),
        "{written}"
    );
    let table = ConfigTable::parse(&written, "test".into()).unwrap();
    assert_eq!(table.read().unwrap(), found);
    // Without the section there is no regulariser.
    assert_eq!(read("").objective, ObjectiveConfig::default());
}
