//! What was made of weights once, for as long as they stay what they are.

use std::any::Any;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};

use burn::backend::flex::{FlexTensor, Layout};
use burn::tensor::Bytes;

use super::correlation::Sizes;

/// Entries at most: those of a few networks.
const ENTRIES: usize = 64;

/// What something was made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Products with a matrix, or with its transpose.
    Product { turned: bool },
    /// The convolution of images.
    Convolution(Sizes),
    /// Its gradient with respect to the images.
    InputGradient(Sizes),
}

struct Entry {
    /// Those that it was made of. Their memory isn't kept, but who writes into it, or lets go of
    /// it, does so under a new number, and this one is dead from then on.
    weights: Weak<Bytes>,
    layout: Layout,
    purpose: Purpose,
    made: Arc<OnceLock<Arc<dyn Any + Send + Sync>>>,
}

static ENTRIES_KEPT: Mutex<Vec<Entry>> = Mutex::new(Vec::new());

/// What `make` makes of weights for a purpose: made now, or before of the same weights. The weights
/// of a chain are those of its first step.
pub(super) fn of<T: Any + Send + Sync>(
    weights: &FlexTensor,
    purpose: Purpose,
    make: impl FnOnce() -> T,
) -> Arc<T> {
    let slot = slot(weights, purpose);
    let made = slot.get().cloned().unwrap_or_else(|| {
        // Not while others wait for it: a thread that waits for tasks of its own may take up one
        // that wants the same.
        let made: Arc<dyn Any + Send + Sync> = Arc::new(make());
        slot.get_or_init(|| made).clone()
    });
    made.downcast()
        .expect("a purpose has one type of what is made for it")
}

/// The place of what is made, with or without it.
fn slot(weights: &FlexTensor, purpose: Purpose) -> Arc<OnceLock<Arc<dyn Any + Send + Sync>>> {
    let data = weights.data_arc();
    let mut entries = ENTRIES_KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    let found = entries.iter().find(|entry| {
        entry.purpose == purpose
            && std::ptr::eq(entry.weights.as_ptr(), Arc::as_ptr(&data))
            && entry.weights.strong_count() > 0
            && entry.layout == *weights.layout()
    });
    if let Some(entry) = found {
        return entry.made.clone();
    }
    entries.retain(|entry| entry.weights.strong_count() > 0);
    if entries.len() >= ENTRIES {
        entries.remove(0);
    }
    let made = Arc::default();
    entries.push(Entry {
        weights: Arc::downgrade(&data),
        layout: weights.layout().clone(),
        purpose,
        made: Arc::clone(&made),
    });
    made
}
