//! Arrays in NumPy's `.npy` format, written.

use std::io::{self, Write};

use burn::tensor::TensorData;

/// The start of an array is aligned to so many bytes (format specification, "Format Version 1.0").
const ALIGNMENT: usize = 64;

/// Bytes of values that are written in one go.
const PART: usize = 1 << 16;

/// Writes an array as little-endian `f32` in row-major order; `numpy.load` reads it with its shape.
///
/// Source: the `.npy` format of NumPy, version 1.0.
///
/// # Errors
///
/// If the writer fails.
pub fn write_npy(mut writer: impl Write, array: &TensorData) -> io::Result<()> {
    let sizes: Vec<String> = array.shape().iter().map(usize::to_string).collect();
    // A Python tuple; one of a single element has a comma after it.
    let comma = if sizes.len() == 1 { "," } else { "" };
    let shape = format!("({}{comma})", sizes.join(", "));
    let mut header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}");
    // Magic string, version and length before the header, a line end after it.
    let before = 10;
    let length = (before + header.len() + 1).next_multiple_of(ALIGNMENT) - before;
    header.push_str(&" ".repeat(length - header.len() - 1));
    header.push('\n');
    let length = u16::try_from(length).map_err(|_| {
        io::Error::new(
            io::ErrorKind::InvalidInput,
            "the shape has more dimensions than a .npy header can hold",
        )
    })?;
    writer.write_all(b"\x93NUMPY\x01\x00")?;
    writer.write_all(&length.to_le_bytes())?;
    writer.write_all(header.as_bytes())?;
    // A part at a time: the bytes of a whole large array would take as much memory again.
    let mut values = array.iter::<f32>();
    let mut part = Vec::with_capacity(PART);
    loop {
        part.extend(values.by_ref().take(PART / 4).flat_map(f32::to_le_bytes));
        if part.is_empty() {
            return writer.flush();
        }
        writer.write_all(&part)?;
        part.clear();
    }
}
