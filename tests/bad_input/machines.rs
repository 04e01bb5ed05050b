//! Configurations of Boltzmann machines and Hopfield networks that describe no run.

use crate::common::workspace;
use crate::refuse_in_a_line;

/// A change that makes the restricted machine of the preset another model.
const DBM: &str = "model={kind=\"dbm\", hidden=[5, 4]}";
const SPINS: &str = "model={kind=\"boltzmann_machine\"}";
const HOPFIELD: &str = "model={kind=\"hopfield\"}";
const SIGNED: &str = "data.range=[-1, 1]";
const LANGEVIN: &str = "sampler={kind=\"langevin\", steps=1, step_size=0.1, noise=0.1}";
const TEMPERING: &str = "sampler={kind=\"parallel_tempering\", steps=1}";

/// `ebm train --preset PRESET` with changes must be refused before anything is written.
fn refuse(preset: &str, cases: &[(&[&str], &[&str])]) {
    let folder = workspace();
    for (changes, needles) in cases {
        let mut arguments = vec![
            "train",
            "--preset",
            preset,
            "--out",
            "out",
            "--backend",
            "flex",
        ];
        for change in *changes {
            arguments.extend(["--set", change]);
        }
        refuse_in_a_line(folder.path(), &arguments, 2, needles);
        assert!(
            !folder.path().join("out").exists(),
            "{changes:?} left a folder"
        );
    }
}

#[test]
#[rustfmt::skip]
fn models() {
    refuse("rbm-digits", &[
        (&["model.hidden=0"], &["`model.hidden`", "found 0", "from 1"]),
        (&["model.hidden=2000000"], &["`model.hidden`", "found 2000000", "to 1048576"]),
        (&["model.hidden=[5]"], &["key `model.hidden`", "list", "whole number"]),
        (&["model.hidden=none"], &["key `model.hidden`", "found nothing"]),
        (&["model.weight_std=-1"], &["`model.weight_std`", "found -1.0", "at least 0"]),
        (&["model.weight_std=nan"], &["`model.weight_std`", "found NaN"]),
        (&["model.centered=1"], &["key `model.centered`", "`1`", "boolean"]),
        (&["model.visible_units=softmax"], &["key `model.visible_units`", "`softmax`", "`bernoulli`", "`gaussian`"]),
        (&["model.activation=swish"], &["key `model.activation`", "expected one of `hidden`"]),
        (&["model={kind=\"dbm\", hidden=[5]}"], &["`model.hidden`", "found [5]", "two or more"]),
        (&["model={kind=\"dbm\", hidden=[]}"], &["`model.hidden`", "found []", "two or more"]),
        (&["model={kind=\"dbm\", hidden=[5, 0]}"], &["`model.hidden`", "found [5, 0]", "from 1"]),
        (&["model={kind=\"dbm\", hidden=5}"], &["key `model.hidden`", "`5`", "expected a list"]),
        (&[DBM, "model.coding=spin"], &["key `model.coding`", "expected one of `hidden`"]),
        (&[DBM, "model.weight_std=-1"], &["`model.weight_std`", "at least 0"]),
        (&[DBM, "model.mean_field_steps=0"], &["`model.mean_field_steps`", "found 0", "from 1"]),
        (&[DBM, "model.mean_field_tolerance=-1"], &["`model.mean_field_tolerance`", "at least 0"]),
        (&[DBM, "model.pretraining=5"], &["key `model.pretraining`", "`5`", "expected a section"]),
        (&[DBM, "model.pretraining.gibbs_steps=1"], &["key `model.pretraining.steps`", "found nothing"]),
        (&[DBM, "model.pretraining.steps=0"], &["`model.pretraining.steps`", "found 0", "at least 1"]),
        (&[DBM, "model.pretraining={steps=1, learning_rate=0}"], &["`model.pretraining.learning_rate`", "above 0"]),
        (&[DBM, "model.pretraining={steps=1, gibbs_steps=0}"], &["`model.pretraining.gibbs_steps`", "from 1"]),
        (&["model={kind=\"boltzmann_machine\", coding=\"ternary\"}"], &["key `model.coding`", "`ternary`", "`spin`", "`binary`"]),
        (&[SIGNED, "model={kind=\"boltzmann_machine\", hidden=2000000}"], &["`model.hidden`", "2000000", "up to 1048576"]),
        (&[SIGNED, "model={kind=\"boltzmann_machine\", hidden=1000000}"], &["`model`", "parameters", "smaller"]),
        (&[SIGNED, "model={kind=\"hopfield\", hidden=2000000}"], &["`model.hidden`", "up to 1048576"]),
        (&[SIGNED, "model={kind=\"hopfield\", hidden=-1}"], &["key `model.hidden`", "`-1`"]),
        (&["model={kind=\"hopfield\", coding=\"spin\"}"], &["key `model.coding`", "expected `hidden`"]),
    ]);
}

#[test]
#[rustfmt::skip]
fn data_and_training() {
    refuse("rbm-digits", &[
        (&[SIGNED], &["`data.range`", "found [-1.0, 1.0]", "[0.0, 1.0]", "units"]),
        (&[DBM, SIGNED], &["`data.range`", "[0.0, 1.0]"]),
        (&[SPINS], &["`data.range`", "found [0.0, 1.0]", "[-1.0, 1.0]"]),
        (&[HOPFIELD], &["`data.range`", "[-1.0, 1.0]"]),
        (&["model={kind=\"boltzmann_machine\", coding=\"binary\"}", SIGNED], &["`data.range`", "[0.0, 1.0]"]),
        (&["data={kind=\"two_moons\"}"], &["`data.range`", "found [-1.5, 1.5]"]),
        (&["data.binarize=dither"], &["key `data.binarize`", "`dither`", "`threshold`", "`sample`"]),
        (&["data.binarize=5"], &["key `data.binarize`", "integer `5`", "name in quotes"]),
        (&[HOPFIELD, SIGNED, "data.binarize=none"], &["`data.binarize`", "found nothing", "threshold"]),
        (&[SPINS, SIGNED, "data.binarize=none"], &["`data.binarize`", "found nothing", "sample"]),
        (&["training.data_noise=0.1"], &["`training.data_noise`", "found 0.1", "expected 0.0"]),
        (&["objective.sparsity={target=2, cost=1}"], &["`objective.sparsity.target`", "found 2.0", "between 0 and 1"]),
        (&["objective.sparsity={target=0, cost=1}"], &["`objective.sparsity.target`", "found 0.0"]),
        (&["objective.sparsity={target=0.1, cost=-1}"], &["`objective.sparsity.cost`", "at least 0"]),
        (&["objective.sparsity.target=0.1"], &["key `objective.sparsity.cost`", "found nothing"]),
        (&["objective.sparsity=0.1"], &["key `objective.sparsity`", "expected a section"]),
        (&["chains.start=ternary"], &["key `chains.start`", "`ternary`", "`binary`"]),
        (&["data.limit=63"], &["`training.batch_size`", "found 64", "examples, 63"]),
    ]);
}

#[test]
#[rustfmt::skip]
fn samplers() {
    refuse("rbm-digits", &[
        (&["sampler.steps=0"], &["`sampler.steps`", "at least 1"]),
        (&["sampler.temperature=-1"], &["`sampler.temperature`", "at least 0"]),
        (&["sampler.temperature=0"], &["`sampler.temperature`", "found 0.0", "above 0", "hopfield"]),
        (&[DBM, "sampler.temperature=0"], &["`sampler.temperature`", "found 0.0"]),
        (&[LANGEVIN], &["`sampler.kind`", "found \"langevin\"", "\"gibbs\""]),
        (&[DBM, LANGEVIN], &["`sampler.kind`", "found \"langevin\"", "\"gibbs\""]),
        (&[SPINS, SIGNED, LANGEVIN], &["`sampler.kind`", "found \"langevin\"", "\"gibbs\", \"gibbs_with_gradients\""]),
        (&["sampler={kind=\"metropolis\", steps=1, scale=1}"], &["`sampler.kind`", "found \"metropolis\""]),
        (&[TEMPERING, "sampler.temperatures=1"], &["`sampler.temperatures`", "found 1", "from 2"]),
        (&[TEMPERING, "sampler.temperatures=1001"], &["`sampler.temperatures`", "to 1000"]),
        (&[TEMPERING, "sampler.lowest=1.0"], &["`sampler.lowest`", "found 1.0", "below 1"]),
        (&[TEMPERING, "sampler.lowest=-0.1"], &["`sampler.lowest`", "at least 0"]),
        (&[TEMPERING, "sampler.lowest=nan"], &["`sampler.lowest`", "found NaN"]),
        (&[TEMPERING, "sampler.temperature=1"], &["key `sampler.temperature`", "expected one of `steps`"]),
        (&[TEMPERING, "chains={kind=\"data\"}"], &["`chains.kind`", "found \"data\"", "\"persistent\""]),
        (&[TEMPERING, "chains={kind=\"replay_buffer\"}"], &["`chains.kind`", "found \"replay_buffer\""]),
        (&[TEMPERING, SPINS, SIGNED], &["`sampler.of`", "found nothing", "\"gibbs_with_gradients\""]),
        (&["sampler.kind=anneal"], &["key `sampler.kind`", "\"anneal\"", "\"gibbs_with_gradients\" \"parallel_tempering\""]),
    ]);
    refuse("digits", &[
        (&["sampler={kind=\"gibbs\", steps=1}"], &["`sampler.kind`", "found \"gibbs\"", "\"langevin\""]),
        (&["sampler={kind=\"gibbs\", steps=1, temperature=0}"], &["`sampler.kind`", "found \"gibbs\"", "\"langevin\""]),
        (&[TEMPERING, "chains={kind=\"persistent\"}"], &["`sampler.of`", "found nothing", "\"mala\""]),
    ]);
}
