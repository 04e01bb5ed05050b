//! `ebm export` of machines whose matrix holds more than counts.

use burn::tensor::{Tensor, TensorData};
use ebm::models::{BoltzmannMachine, Coding, Hopfield};
use ebm::run::AnyModel;
use ebm::run::config::ConfigTable;
use ebm::run::{ModelFile, export};
use ebm::training::TensorFile;

use crate::common::succeed;
use crate::interchange::{log_partition, log_sum};
use crate::workspace;

#[test]
fn what_a_machine_ignores_of_its_matrix_does_not_go_out() {
    let folder = workspace();
    let device = ebm::backend::select("flex", 0).unwrap().device;
    let weight: Vec<f32> = (0..16).map(|k| (k as f32 * 1.7 + 0.3).sin()).collect();
    let weight = || Tensor::from_data(TensorData::new(weight.clone(), [4, 4]), &device);
    let bias = || Tensor::from_data([0.5, -0.25, 0.125, 1.0], &device);
    let machine = |coding| BoltzmannMachine::from_parameters(weight(), bias(), 4, coding);
    let binary = r#"model={kind="boltzmann_machine", coding="binary"}"#;
    let spin = r#"model={kind="boltzmann_machine"}"#;
    let hopfield = r#"model={kind="hopfield"}"#;
    for (model, kind, low, changes) in [
        (
            AnyModel::BoltzmannMachine(machine(Coding::Binary)),
            "boltzmann-machine",
            0.0,
            [binary, "data.range=[0.0, 1.0]"],
        ),
        (
            AnyModel::BoltzmannMachine(machine(Coding::Spin)),
            "boltzmann-machine",
            -1.0,
            [spin, "data.range=[-1.0, 1.0]"],
        ),
        (
            AnyModel::Hopfield(Hopfield::from_parameters(weight(), bias(), 4)),
            "hopfield",
            -1.0,
            [hopfield, "data.range=[-1.0, 1.0]"],
        ),
    ] {
        let mut table = ConfigTable::from_preset("rbm-mnist").unwrap();
        changes.iter().for_each(|change| table.set(change).unwrap());
        let config = table.read().unwrap();
        let file = ModelFile::new(model, config, [1, 2, 2]);
        let name = format!("{}{low}.safetensors", kind);
        export(&file, &folder.path().join(&name)).unwrap();
        let arrays = TensorFile::load(&folder.path().join(&name))
            .unwrap()
            .tensors;
        let of = |name: &str| -> Vec<f64> { arrays[name].iter::<f64>().collect() };
        for unit in 0..4 {
            assert_eq!(of("weight")[5 * unit], 0.0, "{name}");
        }
        let out = format!("{kind}{low}");
        succeed(
            folder.path(),
            &["import", &name, "--model", kind, "--out", &out],
        );
        if kind == "hopfield" {
            continue;
        }
        let mut off: Vec<f64> = weight().into_data().iter::<f64>().collect();
        off.iter_mut().step_by(5).for_each(|own| *own = 0.0);
        let expected = log_sum(&off, &of("bias"), low);
        let found = log_partition(folder.path(), &out, &[]);
        assert!(
            (found - expected).abs() < 1e-5,
            "{name}: {found}, expected {expected}"
        );
    }
}
