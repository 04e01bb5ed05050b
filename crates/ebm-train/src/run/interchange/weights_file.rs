//! A file of weights that another program may have written, and the names of its arrays.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use burn::tensor::{DType, TensorData};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::pytorch::{is_pytorch, read_state_dict, without_prefix};
use crate::error::CheckpointError;
use crate::tensor_file::TensorFile;

/// Metadata key of the kind of model.
pub(super) const MODEL: &str = "model";

/// The arrays of a safetensors file or of a PyTorch state dict, and the text beside them.
///
/// | model | arrays |
/// | --- | --- |
/// | RBM | `weight` `[visible, hidden]`, `visible_bias` `[visible]`, `hidden_bias` `[hidden]` |
/// | DBM | `weights.0` `[visible, hidden 1]`, `weights.1` `[hidden 1, hidden 2]`, ..; `visible_bias`; `hidden_biases.0`, .. |
/// | Boltzmann machine, Hopfield network | `weight` `[units, units]` (its symmetric part counts), `bias` `[units]` |
/// | MLP | `layers.0.weight` `[outputs, inputs]`, `layers.0.bias` `[outputs]`, `layers.1.weight`, ..; the last has one output |
/// | ConvNet | `convolutions.0.weight` `[outputs, inputs, height, width]`, `convolutions.0.bias`, ..; `hidden.weight` `[hidden, features]`, `hidden.bias`; `output.weight` `[1, hidden]`, `output.bias` |
///
/// Visible units come first. The energies are those of the models' documentation: `E = - b.v - c.h - v W h`,
/// `-1/2 y W y - b.y` for pairwise machines, and minus the output for networks, whose names and layouts are those of a PyTorch
/// `state_dict` of `torch.nn.Linear` and `torch.nn.Conv2d` under these names. A file whose layers are numbered as in one
/// `torch.nn.Sequential` (`0.weight`, `2.weight`, .., with or without a name before the number) is taken, too.
///
/// What arrays don't say is text beside them in an exported file: `model`, `visible_units`, `coding`, `visible`, `activation`,
/// `strides`, `paddings`, `shape` and `config`.
#[derive(Clone, Debug)]
pub struct WeightsFile {
    path: PathBuf,
    /// The names of all arrays, for messages.
    found: String,
    /// The arrays by name.
    pub arrays: BTreeMap<String, TensorData>,
    /// The text by name; a PyTorch file has none.
    pub metadata: BTreeMap<String, String>,
}

/// How the arrays of a file are called here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Renaming {
    /// Only arrays whose names start with this and a dot are taken, without it.
    pub prefix: Option<String>,
    /// Names, or whole leading parts of them, and what they become; the first that fits counts.
    pub map: Vec<(String, String)>,
}

impl WeightsFile {
    /// Reads a safetensors file or, by its name (`.pt`, `.pth`, `.ckpt`, `.bin`) or its first bytes, one of PyTorch. Of a
    /// PyTorch checkpoint, the dictionary under `state_dict`, `model_state_dict`, `model`, `network` or `module` is taken.
    ///
    /// # Errors
    ///
    /// If the file can't be read, or is of neither format.
    pub fn read(path: &Path) -> Result<Self, CheckpointError> {
        let fail = |source| CheckpointError::Io {
            action: "read",
            path: path.to_path_buf(),
            source,
        };
        let mut start = Vec::new();
        File::open(path)
            .and_then(|file| file.take(4).read_to_end(&mut start))
            .map_err(fail)?;
        let file = if is_pytorch(path, &start) {
            let tensors = read_state_dict(path).map_err(|message| CheckpointError::Import {
                path: path.to_path_buf(),
                message,
            })?;
            TensorFile {
                tensors,
                ..TensorFile::default()
            }
        } else {
            TensorFile::load_unchecked(path)?
        };
        tracing::info!(path = %path.display(), arrays = %names(&file.tensors), "weights read");
        Ok(Self {
            path: path.to_path_buf(),
            found: names(&file.tensors),
            arrays: file.tensors,
            metadata: file.metadata,
        })
    }

    /// The file under other names.
    ///
    /// # Errors
    ///
    /// If a prefix or a name to be mapped isn't there, or two arrays would be called the same.
    pub fn renamed(mut self, renaming: &Renaming) -> Result<Self, CheckpointError> {
        if let Some(prefix) = &renaming.prefix {
            let kept = without_prefix(std::mem::take(&mut self.arrays), prefix);
            if kept.is_empty() {
                return Err(self.fail(format!(
                    "no array starts with `{prefix}.` (`--prefix`), found {}",
                    self.found
                )));
            }
            self.found = names(&kept);
            self.arrays = kept;
        }
        for (old, _) in &renaming.map {
            if !self.arrays.keys().any(|name| rest(name, old).is_some()) {
                return Err(self.fail(format!(
                    "no array is called `{old}` or starts with `{old}.` (`--map`), found {}",
                    self.found
                )));
            }
        }
        let mut arrays = BTreeMap::new();
        for (name, data) in std::mem::take(&mut self.arrays) {
            let mapped = renaming
                .map
                .iter()
                .find_map(|(old, new)| Some(format!("{new}{}", rest(&name, old)?)));
            let name = mapped.unwrap_or(name);
            if arrays.insert(name.clone(), data).is_some() {
                return Err(self.fail(format!("two arrays are called `{name}` after `--map`")));
            }
        }
        self.found = names(&arrays);
        self.arrays = arrays;
        Ok(self)
    }

    /// The kind of model that the file says it holds.
    pub fn model(&self) -> Option<&str> {
        self.metadata.get(MODEL).map(String::as_str)
    }

    /// What was asked for, else what the file says of itself.
    ///
    /// # Errors
    ///
    /// If these are not the same, or the file says something that can't be read.
    pub(super) fn agreed<T: DeserializeOwned + PartialEq>(
        &self,
        key: &str,
        asked: Option<T>,
    ) -> Result<Option<T>, String> {
        let Some(text) = self.metadata.get(key) else {
            return Ok(asked);
        };
        // Numbers and lists are JSON, names are as they are.
        let said: T = serde_json::from_str(text)
            .or_else(|_| serde_json::from_value(Value::String(text.clone())))
            .map_err(|_| format!("its metadata say that {key} is `{text}`, which can't be read"))?;
        match asked {
            Some(asked) if asked != said => Err(format!(
                "its metadata say that {key} is `{text}`, which is not what was asked for: leave the flag out"
            )),
            _ => Ok(Some(said)),
        }
    }

    /// An array of floating-point numbers, as f32.
    ///
    /// # Errors
    ///
    /// If it isn't there, is empty, of other numbers, or a number isn't finite.
    pub(super) fn take(&mut self, name: &str) -> Result<TensorData, String> {
        let Some(data) = self.arrays.get(name) else {
            return Err(self.lacks(name));
        };
        let data = finite(name, data)?;
        self.arrays.remove(name);
        Ok(data)
    }

    /// What to say of an array that isn't there.
    pub(super) fn lacks(&self, name: &str) -> String {
        format!("there is no array `{name}`, found {}", self.found)
    }

    /// The error of this file.
    pub(super) fn fail(&self, message: String) -> CheckpointError {
        CheckpointError::Import {
            path: self.path.clone(),
            message,
        }
    }
}

/// Names for a message.
fn names(arrays: &BTreeMap<String, TensorData>) -> String {
    if arrays.is_empty() {
        return "none".into();
    }
    crate::listing::listed(arrays.keys().map(String::as_str))
}

/// What follows `old` in a name, at a dot or the end.
fn rest<'a>(name: &'a str, old: &str) -> Option<&'a str> {
    name.strip_prefix(old)
        .filter(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// The numbers of an array as f32.
fn finite(name: &str, data: &TensorData) -> Result<TensorData, String> {
    let shape = data.shape().as_slice().to_vec();
    if shape.contains(&0) {
        return Err(format!("array `{name}` of shape {shape:?} is empty"));
    }
    if !matches!(
        data.dtype(),
        DType::F64 | DType::F32 | DType::F16 | DType::BF16
    ) {
        return Err(format!(
            "array `{name}` holds {:?} values, expected floating-point numbers",
            data.dtype()
        ));
    }
    let data = data.clone().convert::<f32>();
    if let Some(index) = data.iter::<f32>().position(|value| !value.is_finite()) {
        return Err(format!(
            "value {index} of array `{name}` is not a finite 32-bit number"
        ));
    }
    Ok(data)
}
