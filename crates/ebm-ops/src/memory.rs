//! Keeps freed memory in the process, so that the next tensor needs no new pages.

use std::hint::black_box;
use std::sync::Once;

/// Just below 32 MiB, the largest block whose release raises glibc's threshold on 64-bit machines.
const BLOCK: usize = (32 << 20) - (64 << 10);

static KEPT: Once = Once::new();

/// Asks the allocator, once, to keep what is freed.
///
/// Every operation makes a tensor of some megabytes and frees it soon. By default glibc returns
/// such blocks to the kernel at once, and then gets them again page by page, filled with zeros:
/// this took half of the time of a Langevin step through a convolutional network. Above a threshold
/// blocks are returned; the threshold rises to the size of the largest block below 32 MiB that was
/// ever freed, and memory at the end of the heap is kept up to twice that (mallopt(3),
/// `M_MMAP_THRESHOLD`). So one such block is taken and freed here. It is never written to, so it
/// takes no memory. Other allocators are not affected.
pub(crate) fn keep() {
    KEPT.call_once(|| drop(black_box(Vec::<u8>::with_capacity(BLOCK))));
}
