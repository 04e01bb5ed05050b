//! Arrays are written as NumPy writes them, byte for byte.
#![allow(clippy::unwrap_used)]

use burn::tensor::TensorData;
use ebm_ops::write_npy;

fn written(values: Vec<f32>, shape: &[usize]) -> Vec<u8> {
    let mut bytes = Vec::new();
    write_npy(&mut bytes, &TensorData::new(values, shape)).unwrap();
    bytes
}

/// The header of `numpy.save(f, numpy.array([[1.5, -2, 0], [3, 4, 1e-3]], dtype='<f4'))` of NumPy 2
/// and what follows.
#[test]
fn a_matrix_is_what_numpy_writes() {
    let bytes = written(vec![1.5, -2.0, 0.0, 3.0, 4.0, 1e-3], &[2, 3]);
    let mut expected = b"\x93NUMPY\x01\x00\x76\x00".to_vec();
    let header = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }";
    expected.extend(format!("{header:<117}\n").bytes());
    for value in [1.5_f32, -2.0, 0.0, 3.0, 4.0, 1e-3] {
        expected.extend(value.to_le_bytes());
    }
    assert_eq!(bytes, expected);
    // Data start where the format wants them.
    assert_eq!((bytes.len() - 6 * 4) % 64, 0);
}

/// A tuple of one element needs its comma; a long shape makes a longer header, still aligned.
#[test]
fn vectors_and_many_dimensions() {
    let vector = written(vec![7.0], &[1]);
    assert!(String::from_utf8_lossy(&vector).contains("'shape': (1,), }"));
    let deep = written(
        vec![0.0; 3],
        &[3, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1],
    );
    let length = usize::from(u16::from_le_bytes([deep[8], deep[9]]));
    assert_eq!(deep.len(), 10 + length + 3 * 4);
    assert_eq!((10 + length) % 64, 0);
    assert_eq!(deep[10 + length - 1], b'\n');
}
