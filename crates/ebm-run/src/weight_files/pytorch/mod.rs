//! PyTorch's state dicts, `.pt` and `.pth`, as named arrays.

mod arrays;
mod container;
mod pickle;
mod state_dict;

use std::collections::BTreeMap;
use std::path::Path;

use burn::tensor::{Shape, TensorData};

use arrays::ArrayPlan;
use container::{Container, starts_like_torch};
use state_dict::state_dict;

use ebm_train::is_safetensors;

/// How many times larger than the file all arrays together may be: views of a storage can repeat
/// its numbers.
const MOST_EXPANDED: usize = 8;

/// What of a file of `torch.save` can be weights.
#[derive(Default)]
pub(super) struct TorchFile {
    pub(super) arrays: BTreeMap<String, TensorData>,
    /// What stands between the arrays and is none, by the name of its type.
    pub(super) others: BTreeMap<String, String>,
    /// What was left out around the arrays, as it is called in the file.
    pub(super) ignored: Vec<String>,
    /// The names before those of the arrays, joined by dots.
    pub(super) wrapper: String,
}

/// Whether a file is one of `torch.save`, by its first bytes, or, where these don't tell, by its
/// name.
pub(super) fn is_pytorch(path: &Path, start: &[u8]) -> bool {
    if is_safetensors(start) {
        return false;
    }
    let extension = path.extension().unwrap_or_default().to_ascii_lowercase();
    ["pt", "pth", "ckpt", "bin"]
        .iter()
        .any(|known| extension == *known)
        || starts_like_torch(start)
}

/// The arrays of a file by their dotted names, without the key of the dictionary that holds them.
///
/// All that the file declares is checked against its own size before memory is taken for it.
///
/// # Errors
///
/// A message, if the file is none of `torch.save`, is damaged, or declares more than it can hold.
pub(super) fn read_state_dict(bytes: &[u8]) -> Result<TorchFile, String> {
    let unreadable = |message| format!("it is no PyTorch file that can be read ({message})");
    let container = Container::open(bytes).map_err(unreadable)?;
    let found = state_dict(&container.pickle).map_err(unreadable)?;
    let limit = bytes.len().saturating_mul(MOST_EXPANDED);
    check_size(&found.arrays, bytes.len(), limit)?;
    // One storage at a time, however many arrays it has.
    let mut by_storage: BTreeMap<String, Vec<(String, ArrayPlan)>> = BTreeMap::new();
    for (name, plan) in found.arrays {
        let plans = by_storage.entry(plan.key.clone()).or_default();
        plans.push((name, plan));
    }
    let mut arrays = BTreeMap::new();
    for (key, plans) in by_storage {
        let storage = container.storage(&key, limit);
        for (name, plan) in plans {
            let values = match &storage {
                Ok(storage) => plan.read(storage),
                Err(message) => Err(message.clone()),
            };
            let values =
                values.map_err(|message| format!("array `{name}` can't be read ({message})"))?;
            let shape = Shape::from(plan.shape);
            let data = TensorData::from_bytes_vec(values, shape, plan.dtype);
            arrays.insert(name, data);
        }
    }
    Ok(TorchFile {
        arrays,
        others: found.others,
        ignored: found.ignored,
        wrapper: found.wrapper,
    })
}

/// Fails if arrays would take many times the file's own size.
fn check_size(
    arrays: &BTreeMap<String, ArrayPlan>,
    size: usize,
    limit: usize,
) -> Result<(), String> {
    let mut total = 0_usize;
    for (name, plan) in arrays {
        let bytes = plan.bytes().unwrap_or(usize::MAX);
        total = total.saturating_add(bytes);
        if total > limit {
            return Err(format!(
                "up to array `{name}` of shape {:?} its arrays take more than {limit} bytes, {MOST_EXPANDED} times the \
                 {size} of the file: save them without repetition (`.contiguous()`)",
                plan.shape
            ));
        }
    }
    Ok(())
}

/// What follows `prefix` and a dot in a name.
pub(super) fn rest_after<'a>(name: &'a str, prefix: &str) -> Option<&'a str> {
    name.strip_prefix(prefix)?.strip_prefix('.')
}

/// The arrays whose names start with `prefix` and a dot, named without these.
pub(super) fn without_prefix<T>(arrays: BTreeMap<String, T>, prefix: &str) -> BTreeMap<String, T> {
    arrays
        .into_iter()
        .filter_map(|(name, array)| {
            let rest = rest_after(&name, prefix)?.to_string();
            Some((rest, array))
        })
        .collect()
}
