//! Named arrays and text in one safetensors file, with a checksum.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use burn::tensor::{DType, Shape, TensorData};
use safetensors::tensor::{Dtype, TensorView};
use safetensors::{SafeTensors, serialize};

use crate::error::CheckpointError;
use crate::files::write_whole;

/// Metadata key of the checksum.
const CHECKSUM: &str = "crc32";

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
        let bytes = self
            .to_bytes()
            .map_err(|message| failed(std::io::Error::other(message)))?;
        write_whole(path, &bytes).map_err(failed)
    }

    /// Reads a file and checks it against its checksum.
    ///
    /// # Errors
    ///
    /// If the file can't be read, is no safetensors file, or was damaged.
    pub fn load(path: &Path) -> Result<Self, CheckpointError> {
        Self::from_bytes(&read(path)?)
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
        Self::from_bytes(&read(path)?).map_err(|message| CheckpointError::Import {
            path: path.to_path_buf(),
            message: format!("it is no safetensors file that can be read ({message})"),
        })
    }

    fn to_bytes(&self) -> Result<Vec<u8>, String> {
        let views = self
            .tensors
            .iter()
            .map(|(name, data)| {
                let dtype = to_safetensors(data.dtype())?;
                let view = TensorView::new(dtype, data.shape().to_vec(), data.as_bytes());
                Ok((name.as_str(), view.map_err(|error| error.to_string())?))
            })
            .collect::<Result<Vec<_>, String>>()?;
        let mut metadata: HashMap<String, String> = self.metadata.clone().into_iter().collect();
        metadata.insert(CHECKSUM.to_string(), format!("{:08x}", self.checksum()));
        serialize(views, Some(metadata)).map_err(|error| error.to_string())
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self, String> {
        let (_, header) = SafeTensors::read_metadata(bytes).map_err(|error| error.to_string())?;
        let content = SafeTensors::deserialize(bytes).map_err(|error| error.to_string())?;
        let metadata: BTreeMap<String, String> = header
            .metadata()
            .iter()
            .flatten()
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect();
        let tensors = content
            .iter()
            .map(|(name, view)| {
                let shape = Shape::from(view.shape().to_vec());
                let data = TensorData::from_bytes_vec(
                    view.data().to_vec(),
                    shape,
                    from_safetensors(view.dtype())?,
                );
                Ok((name.to_string(), data))
            })
            .collect::<Result<_, String>>()?;
        Ok(Self { tensors, metadata })
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
        for (key, value) in &self.metadata {
            hasher.update(format!("{key}={value};").as_bytes());
        }
        hasher.finalize()
    }
}

fn read(path: &Path) -> Result<Vec<u8>, CheckpointError> {
    std::fs::read(path).map_err(|source| CheckpointError::Io {
        action: "read",
        path: path.to_path_buf(),
        source,
    })
}

fn to_safetensors(dtype: DType) -> Result<Dtype, String> {
    Ok(match dtype {
        DType::F64 => Dtype::F64,
        DType::F32 => Dtype::F32,
        DType::F16 => Dtype::F16,
        DType::BF16 => Dtype::BF16,
        DType::I64 => Dtype::I64,
        DType::I32 => Dtype::I32,
        DType::U8 => Dtype::U8,
        other => return Err(format!("arrays of type {other:?} can't be written")),
    })
}

fn from_safetensors(dtype: Dtype) -> Result<DType, String> {
    Ok(match dtype {
        Dtype::F64 => DType::F64,
        Dtype::F32 => DType::F32,
        Dtype::F16 => DType::F16,
        Dtype::BF16 => DType::BF16,
        Dtype::I64 => DType::I64,
        Dtype::I32 => DType::I32,
        Dtype::U8 => DType::U8,
        other => return Err(format!("arrays of type {other:?} can't be read")),
    })
}
