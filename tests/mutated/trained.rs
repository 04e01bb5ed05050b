//! Checkpoints and models of every kind with an array or a number that is wrong.

use std::fs;
use std::path::Path;

use burn::tensor::{DType, Device, Tensor, TensorData};
use ebm::models::Energy;
use ebm::ops::Noise;
use ebm::run::ModelFile;
use ebm::training::{Checkpoint, StepOutcome, TensorFile};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::trainers::{IMAGE, KINDS, NETWORK, advance, configuration, trainer};
use crate::{below, cases, outcome};

/// Wrong values of numbers and texts of a state.
fn wrong_values() -> Vec<Value> {
    vec![
        json!(null),
        json!(-1),
        json!(0),
        json!(1),
        json!(3),
        json!(1.5),
        json!(u32::MAX),
        json!(i64::MAX),
        json!(u64::MAX),
        json!(1e300),
        json!(true),
        json!(""),
        json!("ffffffffffffffff"),
        json!("many"),
        json!([]),
        json!({}),
    ]
}

/// Wrong texts of a file's metadata.
const WRONG_TEXTS: [&str; 16] = [
    "",
    "0",
    "1",
    "-1",
    "1x4x4",
    "0x4x4",
    "1x0x4",
    "1x4",
    "2x4x4",
    "16x1x1",
    "1x4x4x1",
    "1x4294967296x4294967296",
    "18446744073709551615x18446744073709551615x2",
    "1x3000000000x1",
    "{}",
    "[model]\nkind = \"mlp\"\nhidden = [65536, 65536]\n",
];

/// Changes one array; says what it did.
fn mutate_array(file: &mut TensorFile, noise: &mut Noise) -> String {
    let names: Vec<String> = file.tensors.keys().cloned().collect();
    let name = names[below(noise, names.len())].clone();
    let data = file.tensors[&name].clone();
    let shape = data.shape().as_slice().to_vec();
    let elements: usize = shape.iter().product();
    let theirs = file.tensors[&names[below(noise, names.len())]].clone();
    let floats = |shape: Vec<usize>| TensorData::zeros::<f32, _>(shape);
    let mut put = |data| {
        file.tensors.insert(name.clone(), data);
    };
    let what = match below(noise, 13) {
        0 => {
            file.tensors.remove(&name);
            "dropped"
        }
        1 => {
            let data = file.tensors.remove(&name).unwrap();
            file.tensors.insert(format!("{name}.more"), data);
            "renamed"
        }
        2 => {
            file.tensors.insert(format!("{name}.more"), data);
            "doubled"
        }
        3 => {
            put(floats([shape, vec![1]].concat()));
            "of a higher rank"
        }
        4 => {
            put(floats(vec![elements]));
            "flat"
        }
        5 => {
            put(floats(Vec::new()));
            "a scalar"
        }
        6 => {
            let turned = shape.into_iter().rev().collect();
            put(floats(turned));
            "transposed"
        }
        7 => {
            let mut larger = shape;
            if let Some(side) = larger.first_mut() {
                *side += 1;
            }
            put(floats(larger));
            "longer"
        }
        8 => {
            let mut empty = shape;
            if let Some(side) = empty.last_mut() {
                *side = 0;
            }
            put(floats(empty));
            "empty"
        }
        9 => {
            let types = [
                DType::F64,
                DType::F16,
                DType::BF16,
                DType::I64,
                DType::I32,
                DType::U8,
            ];
            let dtype = types[below(noise, types.len())];
            put(floats(shape).convert_dtype(dtype));
            "of another type"
        }
        10 => {
            put(TensorData::new(vec![f32::NAN; elements], shape));
            "not a number"
        }
        11 => {
            put(TensorData::new(vec![-3e38_f32; elements], shape));
            "huge"
        }
        _ => {
            put(theirs);
            "another's"
        }
    };
    format!("{name} {what}")
}

/// Changes one number or text of the state of a checkpoint; says which.
fn mutate_state(file: &mut TensorFile, noise: &mut Noise) -> String {
    let mut state: Value = serde_json::from_str(&file.metadata["state"]).unwrap();
    let mut paths = Vec::new();
    leaves(&state, String::new(), &mut paths);
    let path = paths[below(noise, paths.len())].clone();
    let all = wrong_values();
    let value = all[below(noise, all.len())].clone();
    let what = format!("{path} = {value}");
    *state.pointer_mut(&path).unwrap() = value;
    file.metadata.insert("state".into(), state.to_string());
    what
}

/// The JSON pointers of everything in a value.
fn leaves(value: &Value, path: String, out: &mut Vec<String>) {
    if let Value::Object(entries) = value {
        for (key, value) in entries {
            leaves(value, format!("{path}/{key}"), out);
        }
    }
    if !path.is_empty() {
        out.push(path);
    }
}

fn mutate_text(file: &mut TensorFile, noise: &mut Noise) -> String {
    let keys: Vec<String> = file.metadata.keys().cloned().collect();
    let key = keys[below(noise, keys.len())].clone();
    let text = WRONG_TEXTS[below(noise, WRONG_TEXTS.len())];
    let what = format!("{key} = {text:?}");
    file.metadata.insert(key, text.into());
    what
}

/// The content of a file that another is made of.
fn content(path: &Path) -> TensorFile {
    TensorFile::load(path).unwrap()
}

#[test]
fn checkpoints_of_every_kind_are_restored_or_refused() {
    let folder = TempDir::new().unwrap();
    let device = Device::flex();
    let path = folder.path().join("checkpoint.safetensors");
    let mut noise = Noise::new(31);
    let (mut taken, mut refused) = (0, 0);
    let more = [(
        "perceptron, AdamW",
        NETWORK,
        &["optimizer={kind=\"adamw\", learning_rate=0.01, weight_decay=0.1}"][..],
    )];
    for kind in KINDS.into_iter().chain(more) {
        let config = configuration(kind);
        let mut first = trainer(&config, &device);
        advance(&mut first, 3);
        first.checkpoint().save(&path).unwrap();
        let good = content(&path);
        for case in 0..cases(300) {
            let mut file = good.clone();
            let what = match case % 4 {
                0 | 1 => mutate_array(&mut file, &mut noise),
                2 => mutate_state(&mut file, &mut noise),
                _ => mutate_text(&mut file, &mut noise),
            };
            let what = format!("{}: {what}", kind.0);
            // Without a wait for the disk.
            fs::write(&path, file.to_bytes().unwrap()).unwrap();
            let mut second = trainer(&config, &device);
            let before = ebm::training::weights(second.model());
            let restored = outcome(&what, || {
                let checkpoint = Checkpoint::load(&path).map_err(|error| error.to_string())?;
                second
                    .restore(checkpoint)
                    .map_err(|mismatch| mismatch.to_string())
            });
            if !restored {
                refused += 1;
                // Nothing of it was taken over.
                assert_eq!(second.steps_done(), 0, "{what}");
                let after = ebm::training::weights(second.model());
                assert!(
                    before.iter().all(|(name, data)| after[name] == *data),
                    "{what}: weights changed"
                );
                continue;
            }
            taken += 1;
            outcome(&what, || match second.step() {
                StepOutcome::Applied(_) | StepOutcome::Refused(_) => Ok::<(), String>(()),
            });
        }
    }
    // Most changes are to be noticed; some, such as other noise, are as good as what was there.
    assert!(
        taken > 50 && refused > taken,
        "{taken} taken, {refused} refused"
    );
}

#[test]
fn models_of_every_kind_are_read_or_refused() {
    let folder = TempDir::new().unwrap();
    let device = Device::flex();
    let path = folder.path().join("model.safetensors");
    let mut noise = Noise::new(32);
    let (mut taken, mut refused) = (0, 0);
    for kind in KINDS {
        let config = configuration(kind);
        let mut first = trainer(&config, &device);
        advance(&mut first, 2);
        let model = ModelFile::new(first.sampling_model(), config, IMAGE);
        model.save(&path).unwrap();
        let good = content(&path);
        for case in 0..cases(200) {
            let mut file = good.clone();
            let what = match case % 2 {
                0 => mutate_array(&mut file, &mut noise),
                _ => mutate_text(&mut file, &mut noise),
            };
            let what = format!("{}: {what}", kind.0);
            // Without a wait for the disk.
            fs::write(&path, file.to_bytes().unwrap()).unwrap();
            let taken_here = outcome(&what, || {
                let read = ModelFile::load(&path, &device)?;
                let [channels, height, width] = read.shape;
                let visible = channels * height * width;
                // Machines whose states are all their units have more of these.
                let units = match kind.0 {
                    "DBM" => visible + 9,
                    "Boltzmann machine" => visible + 2,
                    _ => visible,
                };
                let x = if units == visible {
                    Tensor::<4>::zeros([2, channels, height, width], &device)
                } else {
                    Tensor::<4>::zeros([2, units, 1, 1], &device)
                };
                let energies = read.model.energy(x).into_data();
                assert_eq!(energies.shape().as_slice(), [2], "{what}");
                Ok::<(), ebm::run::RunError>(())
            });
            if taken_here {
                taken += 1;
            } else {
                refused += 1;
            }
        }
    }
    assert!(
        taken > 20 && refused > taken,
        "{taken} taken, {refused} refused"
    );
}

#[test]
fn equal_content_is_equal_bytes() {
    let folder = TempDir::new().unwrap();
    let device = Device::flex();
    for kind in KINDS {
        let config = configuration(kind);
        let mut files = Vec::new();
        for name in ["a", "b"] {
            let mut trainer = trainer(&config, &device);
            advance(&mut trainer, 2);
            let path = folder.path().join(name);
            trainer.checkpoint().save(&path).unwrap();
            files.push(fs::read(&path).unwrap());
            let model = ModelFile::new(trainer.sampling_model(), config.clone(), IMAGE);
            model.save(&path).unwrap();
            files.push(fs::read(&path).unwrap());
            ebm::run::export(&model, &path).unwrap();
            files.push(fs::read(&path).unwrap());
        }
        let (first, second) = files.split_at(3);
        assert!(first == second, "{}: the bytes differ", kind.0);
    }
}
