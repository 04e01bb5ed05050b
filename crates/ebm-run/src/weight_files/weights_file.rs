//! A file of weights that another program may have written, and the names of its arrays.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use burn::tensor::TensorData;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::pytorch::{TorchFile, is_pytorch, read_state_dict, rest_after, without_prefix};
use ebm_train::CheckpointError;
use ebm_train::{TensorFile, read};
use ebm_train::{find_infinite, floats};

/// Metadata key of the kind of model.
pub(crate) const MODEL: &str = "model";

/// The arrays of a safetensors file or of a PyTorch state dict, and the text beside them.
///
/// Names and layouts are those that the kind of the model describes
/// ([`Kind::weights`](crate::kinds::Kind::weights)); `ebm import --help` lists them. Visible units
/// come first. Of units that are 0 or 1 a diagonal of the couplings is half of it a bias, since
/// `y^2 = y`; of spins it is a constant of the energy, which no model here has, so that one that
/// doesn't add up to 0 is an error.
///
/// Names and layouts of networks are those of a PyTorch `state_dict` of `torch.nn.Linear` and
/// `torch.nn.Conv2d` under these names. A file whose layers are numbered as in one
/// `torch.nn.Sequential` (`0.weight`, `2.weight`, .., with or without a name before the number) is
/// taken, too.
///
/// What arrays don't say is text beside them in an exported file: `model`, `shape`, for networks
/// `config`, and the [options](crate::kinds::Weights::options) of the kind.
#[derive(Clone, Debug)]
pub struct WeightsFile {
    path: PathBuf,
    /// The names of all arrays, for messages.
    found: String,
    /// The arrays by name.
    pub arrays: BTreeMap<String, TensorData>,
    /// The text by name; a PyTorch file has none.
    pub metadata: BTreeMap<String, String>,
    /// What stands between the arrays and is none, by the name of its type.
    others: BTreeMap<String, String>,
    /// What was left out around the arrays.
    ignored: Vec<String>,
    /// The names before those of the arrays, joined by dots.
    wrapper: String,
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
    /// Reads a safetensors file or one of PyTorch: which it is its first bytes say, or else its
    /// name (`.pt`, `.pth`, `.ckpt`, `.bin`).
    ///
    /// Of a PyTorch checkpoint, the dictionary under `state_dict`, `model_state_dict`,
    /// `ema_state_dict`, `ema`, `model`, `network`, `net` or `module` is taken, if nothing beside
    /// it holds arrays but the state of the training under a key that is known for it, such as
    /// `optimizer` or `lr_schedulers`; [`ignored`](Self::ignored) says what was left out. Such a
    /// name before those of all arrays, and `_orig_mod`, is left out, too. In every other case
    /// arrays keep all of their names, and what no model knows is an error of
    /// [`import`](crate::import): no array is passed over in silence.
    ///
    /// # Errors
    ///
    /// If the file can't be read, is of neither format, or declares more than it can hold.
    pub fn read(path: &Path) -> Result<Self, CheckpointError> {
        let bytes = read(path)?;
        let mut torch = TorchFile::default();
        let file = if is_pytorch(path, &bytes) {
            torch = read_state_dict(&bytes).map_err(|message| CheckpointError::Import {
                path: path.to_path_buf(),
                message,
            })?;
            TensorFile {
                tensors: std::mem::take(&mut torch.arrays),
                ..TensorFile::default()
            }
        } else {
            let (file, unread) = TensorFile::with_unread(&bytes, path)?;
            torch.others = unread;
            file
        };
        tracing::info!(path = %path.display(), arrays = %names(&file.tensors), "weights read");
        Ok(Self {
            path: path.to_path_buf(),
            found: names(&file.tensors),
            arrays: file.tensors,
            metadata: file.metadata,
            others: torch.others,
            ignored: torch.ignored,
            wrapper: torch.wrapper,
        })
    }

    /// What stands around the weights in a checkpoint of PyTorch and was left out, such as `epoch`
    /// and `optimizer`.
    pub fn ignored(&self) -> &[String] {
        &self.ignored
    }

    /// The file under other names.
    ///
    /// # Errors
    ///
    /// If a prefix or a name to be mapped isn't there, or two arrays would be called the same.
    pub fn renamed(mut self, renaming: &Renaming) -> Result<Self, CheckpointError> {
        let given = renaming.prefix.as_deref().map(|prefix| self.inside(prefix));
        if let Some(prefix) = given.filter(|prefix| !self.is_unwrapped(prefix)) {
            let prefix = &prefix.to_string();
            self.others = without_prefix(std::mem::take(&mut self.others), prefix);
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

    /// A prefix without the names before it that were left out when the arrays were read.
    fn inside<'a>(&self, prefix: &'a str) -> &'a str {
        if self.is_of_array(prefix) {
            return prefix;
        }
        rest_after(prefix, &self.wrapper).unwrap_or(prefix)
    }

    /// Whether the names of the arrays had this before them, or between what was before them, which
    /// was left out when they were read: whoever wrote the file knows a part of it by that name.
    fn is_unwrapped(&self, prefix: &str) -> bool {
        let of_wrapper = format!(".{}.", self.wrapper).contains(&format!(".{prefix}."));
        of_wrapper && !self.is_of_array(prefix)
    }

    fn is_of_array(&self, prefix: &str) -> bool {
        let mut names = self.arrays.keys();
        names.any(|name| rest_after(name, prefix).is_some())
    }

    /// Fails if something stands between the arrays that isn't one, and would be passed over.
    pub(crate) fn check_others(&self) -> Result<(), CheckpointError> {
        let Some((name, kind)) = self.others.iter().next() else {
            return Ok(());
        };
        let more = match self.others.len() - 1 {
            0 => String::new(),
            more => format!(", and {more} more are no arrays either"),
        };
        Err(self.fail(format!(
            "`{name}` is {kind}, expected an array of floating-point numbers{more}; save the model's \
             state_dict() alone, or choose what is wanted with `--prefix`"
        )))
    }

    /// The kind of model that the file says it holds.
    pub fn model(&self) -> Option<&str> {
        self.metadata.get(MODEL).map(String::as_str)
    }

    /// The value of a text: numbers and lists are JSON, names are as they are.
    pub(crate) fn parse<T: DeserializeOwned>(key: &str, text: &str) -> Result<T, String> {
        serde_json::from_str(text)
            .or_else(|_| serde_json::from_value(Value::String(text.to_string())))
            .map_err(|_| format!("its metadata say that {key} is `{text}`, which can't be read"))
    }

    /// What was asked for, else what the file says of itself.
    ///
    /// # Errors
    ///
    /// If these are not the same, or the file says something that can't be read.
    pub(crate) fn agreed<T: DeserializeOwned + PartialEq>(
        &self,
        key: &str,
        asked: Option<T>,
    ) -> Result<Option<T>, String> {
        let Some(text) = self.metadata.get(key) else {
            return Ok(asked);
        };
        let said = Self::parse(key, text)?;
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
    pub(crate) fn take(&mut self, name: &str) -> Result<TensorData, String> {
        let Some(data) = self.arrays.get(name) else {
            return Err(self.lacks(name));
        };
        let data = finite(name, data)?;
        self.arrays.remove(name);
        Ok(data)
    }

    /// What to say of an array that isn't there.
    pub(crate) fn lacks(&self, name: &str) -> String {
        if self.arrays.is_empty() {
            return format!("there is no array `{name}`, found {}", self.found);
        }
        format!(
            "there is no array `{name}`, found {}; `--prefix` takes those of one part alone, `--map OLD=NEW` gives arrays other \
             names",
            self.found
        )
    }

    /// The error of this file.
    pub(crate) fn fail(&self, message: String) -> CheckpointError {
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
    crate::text::listing::listed(arrays.keys().map(String::as_str))
}

/// What of a name `--map` keeps: what follows `old`, from a dot on, or nothing.
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
    let data = floats(data.clone()).map_err(|found| {
        format!("array `{name}` holds {found:?} values, expected floating-point numbers")
    })?;
    if let Some((index, _)) = find_infinite(&data) {
        return Err(format!(
            "value {index} of array `{name}` is not a finite 32-bit number"
        ));
    }
    Ok(data)
}
