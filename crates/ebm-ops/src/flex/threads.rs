//! Slices handed to threads in chunks.

use rayon::prelude::*;

/// Values a thread takes at a time: 64 KiB of f32, some ten microseconds of work.
const CHUNK: usize = 16_384;

/// Up to here one thread is faster than waking another.
const SERIAL: usize = 2 * CHUNK;

/// Calls `work` on the whole slice, chunk by chunk on several threads if it is long.
pub(super) fn each(x: &mut [f32], work: impl Fn(&mut [f32]) + Send + Sync) {
    if x.len() <= SERIAL {
        return work(x);
    }
    x.par_chunks_mut(CHUNK).for_each(work);
}

/// Like [`each`] with a second slice of the same length, cut in the same places.
pub(super) fn each_pair(
    x: &mut [f32],
    y: &mut [f32],
    work: impl Fn(&mut [f32], &mut [f32]) + Sync,
) {
    if x.len() <= SERIAL {
        return work(x, y);
    }
    x.par_chunks_mut(CHUNK)
        .zip(y.par_chunks_mut(CHUNK))
        .for_each(|(x, y)| work(x, y));
}

/// Like [`each`] with a second slice of the same length that is only read.
pub(super) fn each_with(x: &mut [f32], y: &[f32], work: impl Fn(&mut [f32], &[f32]) + Sync) {
    if x.len() <= SERIAL {
        return work(x, y);
    }
    x.par_chunks_mut(CHUNK)
        .zip(y.par_chunks(CHUNK))
        .for_each(|(x, y)| work(x, y));
}
