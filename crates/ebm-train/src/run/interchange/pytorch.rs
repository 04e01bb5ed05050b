//! PyTorch's state dicts, `.pt` and `.pth`, as named arrays.

use std::collections::BTreeMap;
use std::path::Path;

use burn::tensor::{DType, Shape, TensorData};
use pytorch_reader::{DType as Stored, PytorchReader, Tensor};

/// Keys under which training programs keep the weights of a network beside other things.
const WRAPPERS: [&str; 5] = [
    "state_dict",
    "model_state_dict",
    "model",
    "network",
    "module",
];

/// Whether a file is one of `torch.save`, by its name or its first bytes (those of a ZIP archive).
pub(super) fn is_pytorch(path: &Path, start: &[u8]) -> bool {
    let extension = path.extension().unwrap_or_default().to_ascii_lowercase();
    ["pt", "pth", "ckpt", "bin"]
        .iter()
        .any(|known| extension == *known)
        || start.starts_with(b"PK\x03\x04")
}

/// The arrays of a file by their dotted names, without the key of the dictionary that holds them.
///
/// # Errors
///
/// A message, if the file is none of `torch.save` or is damaged.
pub(super) fn read_state_dict(path: &Path) -> Result<BTreeMap<String, TensorData>, String> {
    let reader = PytorchReader::new(path)
        .map_err(|error| format!("it is no PyTorch file that can be read ({error})"))?;
    let mut found: BTreeMap<String, Tensor> = reader.into_tensors().into_iter().collect();
    while let Some(wrapper) = wrapper(&found) {
        found = without_prefix(found, &wrapper);
    }
    found
        .into_iter()
        .map(|(name, tensor)| {
            let bytes = tensor
                .read()
                .map_err(|error| format!("array `{name}` can't be read ({error})"))?;
            let shape = Shape::from(tensor.shape().to_vec());
            Ok((
                name,
                TensorData::from_bytes_vec(bytes, shape, dtype(tensor.dtype())),
            ))
        })
        .collect()
}

/// The arrays whose names start with `prefix` and a dot, named without these.
pub(super) fn without_prefix<T>(arrays: BTreeMap<String, T>, prefix: &str) -> BTreeMap<String, T> {
    arrays
        .into_iter()
        .filter_map(|(name, array)| {
            let rest = name.strip_prefix(prefix)?.strip_prefix('.')?;
            Some((rest.to_string(), array))
        })
        .collect()
}

/// The known key that holds weights. What lies beside it, such as the state of an optimizer, isn't wanted.
fn wrapper<T>(arrays: &BTreeMap<String, T>) -> Option<String> {
    WRAPPERS
        .iter()
        .find(|wrapper| {
            arrays.keys().any(|name| {
                name.strip_prefix(**wrapper)
                    .is_some_and(|rest| rest.starts_with('.'))
            })
        })
        .map(ToString::to_string)
}

fn dtype(stored: Stored) -> DType {
    match stored {
        Stored::F64 => DType::F64,
        Stored::F32 => DType::F32,
        Stored::F16 => DType::F16,
        Stored::BF16 => DType::BF16,
        Stored::I64 => DType::I64,
        Stored::I32 => DType::I32,
        Stored::I16 => DType::I16,
        Stored::I8 => DType::I8,
        Stored::U64 => DType::U64,
        Stored::U32 => DType::U32,
        Stored::U16 => DType::U16,
        // One byte, 0 or 1.
        Stored::U8 | Stored::Bool => DType::U8,
    }
}
