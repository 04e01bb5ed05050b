//! Several arrays in NumPy's `.npz` format, written.

use std::io::{self, Cursor};

use burn::tensor::TensorData;
use ebm_ops::write_npy;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// From this size on, an entry of a ZIP archive needs the fields of ZIP64.
const LARGE: usize = 1 << 31;

/// The bytes of an archive with an entry `NAME.npy` for each array, not compressed, which
/// `numpy.load` reads as a dictionary.
///
/// Arrays are little-endian `f32` in row-major order. The same arrays give the same bytes: no time
/// is stored.
///
/// Source: `numpy.savez`, and the `.npy` format of NumPy, version 1.0.
///
/// # Errors
///
/// If two arrays have one name, or a shape has more dimensions than a header can hold.
pub fn write_npz(arrays: &[(&str, &TensorData)]) -> io::Result<Vec<u8>> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, array) in arrays {
        let values: usize = array.shape().iter().product();
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Stored)
            .large_file(values >= LARGE / size_of::<f32>());
        archive.start_file(format!("{name}.npy"), options)?;
        write_npy(&mut archive, array)?;
    }
    Ok(archive.finish()?.into_inner())
}
