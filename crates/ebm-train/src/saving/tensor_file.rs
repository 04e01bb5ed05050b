//! Named arrays and text in one safetensors file, with a checksum.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{Error, ErrorKind};
use std::path::Path;

use burn::tensor::{DType, Shape, TensorData};
use safetensors::SafeTensors;
use safetensors::tensor::Dtype;

use super::error::CheckpointError;
use crate::files::input_file::{InputError, read_bytes};
use crate::files::write_whole;

/// Metadata key of the checksum.
const CHECKSUM: &str = "crc32";
/// Where the header of a safetensors file has its text.
const METADATA: &str = "__metadata__";
/// The bytes before the header, which are its length, and what they are rounded up to.
const LENGTH: usize = size_of::<u64>();
/// The longest header that is read, in bytes; names, shapes and text take a few kilobytes.
const LONGEST_HEADER: u64 = 16 << 20;

/// The content of a safetensors file, which NumPy and PyTorch read too.
#[derive(Clone, Debug, Default)]
pub struct TensorFile {
    /// The arrays by name.
    pub tensors: BTreeMap<String, TensorData>,
    /// The text by name.
    pub metadata: BTreeMap<String, String>,
}

impl TensorFile {
    /// Writes the file whole or not at all.
    ///
    /// # Errors
    ///
    /// If the disk refuses, or an array is of a type that the format lacks.
    pub fn save(&self, path: &Path) -> Result<(), CheckpointError> {
        let failed = |source| CheckpointError::Io {
            action: "write",
            path: path.to_path_buf(),
            source,
        };
        let bytes = self.to_bytes().map_err(failed)?;
        write_whole(path, &bytes).map_err(failed)
    }

    /// Reads a file and checks it against its checksum.
    ///
    /// # Errors
    ///
    /// If the file can't be read, is no safetensors file, or was damaged.
    pub fn load(path: &Path) -> Result<Self, CheckpointError> {
        Self::from_bytes(&read(path)?)
            .and_then(all_read)
            .and_then(Self::checked)
            .map_err(|message| CheckpointError::Corrupt {
                path: path.to_path_buf(),
                message,
            })
    }

    /// Reads a file that another program wrote, which has no checksum.
    ///
    /// # Errors
    ///
    /// If the file can't be read, or is no safetensors file.
    pub fn load_unchecked(path: &Path) -> Result<Self, CheckpointError> {
        Self::from_bytes(&read(path)?)
            .and_then(all_read)
            .map_err(unreadable(path))
    }

    /// What [`load_unchecked`](Self::load_unchecked) gives of the bytes of the file at `path`, and
    /// beside it the arrays of types that aren't read, each in words.
    pub fn with_unread(
        bytes: &[u8],
        path: &Path,
    ) -> Result<(Self, BTreeMap<String, String>), CheckpointError> {
        Self::from_bytes(bytes).map_err(unreadable(path))
    }

    /// The bytes of the file, checksum and all: equal content is equal bytes.
    ///
    /// # Errors
    ///
    /// If an array is of a type that the format lacks.
    // The format of safetensors 0.8: length of the header, header in JSON, arrays. The library for
    // it writes the text in an order that differs from run to run.
    pub fn to_bytes(&self) -> std::io::Result<Vec<u8>> {
        self.encode().map_err(Error::other)
    }

    fn encode(&self) -> Result<Vec<u8>, String> {
        let json = |text: &str| serde_json::to_string(text).map_err(|error| error.to_string());
        let checksum = format!("{:08x}", self.checksum());
        let mut metadata: BTreeMap<&str, &str> = self
            .metadata
            .iter()
            .map(|(key, text)| (key.as_str(), text.as_str()))
            .collect();
        metadata.insert(CHECKSUM, &checksum);
        let metadata = serde_json::to_string(&metadata).map_err(|error| error.to_string())?;
        let mut arrays = self
            .tensors
            .iter()
            .map(|(name, data)| Ok((to_safetensors(name, data.dtype())?, name, data)))
            .collect::<Result<Vec<_>, String>>()?;
        // The widest numbers first, so that all are aligned; by name among these.
        arrays.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(b.1)));
        let mut header = format!("{{\"{METADATA}\":{metadata}");
        let mut end = 0;
        for (dtype, name, data) in &arrays {
            if *name == METADATA {
                return Err(format!("an array can't be called {METADATA}"));
            }
            let (start, shape) = (end, data.shape().as_slice());
            end += data.as_bytes().len();
            write!(
                header,
                ",{}:{{\"dtype\":\"{dtype}\",\"shape\":{shape:?},\"data_offsets\":[{start},{end}]}}",
                json(name)?
            )
            .map_err(|error| error.to_string())?;
        }
        header.push('}');
        let padding = header.len().next_multiple_of(LENGTH) - header.len();
        header.extend(std::iter::repeat_n(' ', padding));
        let mut bytes = Vec::with_capacity(LENGTH + header.len() + end);
        bytes.extend((header.len() as u64).to_le_bytes());
        bytes.extend(header.as_bytes());
        for (_, _, data) in arrays {
            bytes.extend(data.as_bytes());
        }
        Ok(bytes)
    }

    /// The file, and the arrays of types that aren't read, each in words.
    fn from_bytes(bytes: &[u8]) -> Result<(Self, BTreeMap<String, String>), String> {
        let length = bytes
            .first_chunk()
            .map(|length| u64::from_le_bytes(*length));
        if let Some(length) = length.filter(|&length| length > LONGEST_HEADER) {
            return Err(format!(
                "its header is said to take {length} bytes, expected at most {LONGEST_HEADER}"
            ));
        }
        let (_, header) = SafeTensors::read_metadata(bytes).map_err(|error| error.to_string())?;
        let content = SafeTensors::deserialize(bytes).map_err(|error| error.to_string())?;
        let metadata: BTreeMap<String, String> = header
            .metadata()
            .iter()
            .flatten()
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect();
        let (mut tensors, mut unread) = (BTreeMap::new(), BTreeMap::new());
        for (name, view) in content.iter() {
            let Some(dtype) = from_safetensors(view.dtype()) else {
                unread.insert(
                    name.to_string(),
                    format!("an array of type {:?}", view.dtype()),
                );
                continue;
            };
            let shape = Shape::from(view.shape().to_vec());
            let data = TensorData::from_bytes_vec(view.data().to_vec(), shape, dtype);
            tensors.insert(name.to_string(), data);
        }
        Ok((Self { tensors, metadata }, unread))
    }

    /// The file without its checksum, if that is right.
    fn checked(mut self) -> Result<Self, String> {
        let expected = self.metadata.remove(CHECKSUM).ok_or("it has no checksum")?;
        let found = format!("{:08x}", self.checksum());
        if found != expected {
            return Err(format!("its checksum is {found}, expected {expected}"));
        }
        Ok(self)
    }

    /// CRC-32 over names, shapes, bytes and text, in the order of the names.
    fn checksum(&self) -> u32 {
        let mut hasher = crc32fast::Hasher::new();
        for (name, data) in &self.tensors {
            hasher.update(
                format!("{name}:{:?}:{:?};", data.shape().as_slice(), data.dtype()).as_bytes(),
            );
            hasher.update(data.as_bytes());
        }
        for (key, value) in self.metadata.iter().filter(|(key, _)| *key != CHECKSUM) {
            hasher.update(format!("{key}={value};").as_bytes());
        }
        hasher.finalize()
    }
}

/// The file, if all of its arrays were read.
fn all_read((file, unread): (TensorFile, BTreeMap<String, String>)) -> Result<TensorFile, String> {
    match unread.iter().next() {
        None => Ok(file),
        Some((name, kind)) => Err(format!("`{name}` is {kind}, which isn't read")),
    }
}

/// The error of a file of another program.
fn unreadable(path: &Path) -> impl FnOnce(String) -> CheckpointError {
    let path = path.to_path_buf();
    move |message| CheckpointError::Import {
        path,
        message: format!("it is no safetensors file that can be read ({message})"),
    }
}

/// Whether a file starts as those of safetensors do: with a length that it can hold, and a
/// dictionary.
pub fn is_safetensors(bytes: &[u8]) -> bool {
    bytes.split_first_chunk().is_some_and(|(length, rest)| {
        u64::from_le_bytes(*length) <= rest.len() as u64 && rest.starts_with(b"{")
    })
}

/// The bytes of a file, of which none are read if it is no plain file or doesn't fit into memory.
pub fn read(path: &Path) -> Result<Vec<u8>, CheckpointError> {
    read_bytes(path, u64::MAX).map_err(|error| CheckpointError::Io {
        action: "read",
        path: path.to_path_buf(),
        source: match error {
            InputError::Io(source) => source,
            other => Error::new(ErrorKind::InvalidInput, other),
        },
    })
}

fn to_safetensors(name: &str, dtype: DType) -> Result<Dtype, String> {
    Ok(match dtype {
        DType::F64 => Dtype::F64,
        DType::F32 => Dtype::F32,
        DType::F16 => Dtype::F16,
        DType::BF16 => Dtype::BF16,
        DType::I64 => Dtype::I64,
        DType::I32 => Dtype::I32,
        DType::I16 => Dtype::I16,
        DType::I8 => Dtype::I8,
        DType::U64 => Dtype::U64,
        DType::U32 => Dtype::U32,
        DType::U16 => Dtype::U16,
        DType::U8 => Dtype::U8,
        other => return Err(format!("array {name} of type {other:?} can't be written")),
    })
}

/// The type here, if there is one. What is true or false is 0 or 1.
fn from_safetensors(dtype: Dtype) -> Option<DType> {
    Some(match dtype {
        Dtype::F64 => DType::F64,
        Dtype::F32 => DType::F32,
        Dtype::F16 => DType::F16,
        Dtype::BF16 => DType::BF16,
        Dtype::I64 => DType::I64,
        Dtype::I32 => DType::I32,
        Dtype::I16 => DType::I16,
        Dtype::I8 => DType::I8,
        Dtype::U64 => DType::U64,
        Dtype::U32 => DType::U32,
        Dtype::U16 => DType::U16,
        Dtype::U8 | Dtype::BOOL => DType::U8,
        _ => return None,
    })
}
