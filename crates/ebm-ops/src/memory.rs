//! Keeps freed memory with the process, so that the next tensor doesn't wait for the kernel to clear pages.

use std::hint::black_box;
use std::sync::Once;

/// Just below the largest block whose release changes glibc's mind, 32 MiB on 64-bit machines.
const BLOCK: usize = (32 << 20) - (64 << 10);

static KEPT: Once = Once::new();

/// Asks the allocator, once, to keep what is freed.
///
/// Every operation makes a tensor of some megabytes and frees it soon. By default glibc hands such blocks back to the kernel at
/// once and gets them again page by page, cleared: half of the time of a Langevin step through a convolutional network. Its
/// threshold for that adapts itself: it rises to the size of the largest block below 32 MiB that was freed, and blocks at the end of
/// the heap are kept up to twice that (mallopt(3), `M_MMAP_THRESHOLD`). So one block is taken and freed here; it is never
/// touched, hence never in memory. Other allocators don't mind.
pub(crate) fn keep() {
    KEPT.call_once(|| drop(black_box(Vec::<u8>::with_capacity(BLOCK))));
}
