//! A bound on the memory of images that are decoded at the same time: large ones wait for their
//! turn.

use std::sync::{Condvar, Mutex, PoisonError};

/// Bytes that are in use, and how many may be. What needs more than that alone gets its turn when
/// nothing else has one.
pub(super) struct Turns {
    most: u64,
    used: Mutex<u64>,
    freed: Condvar,
}

/// Bytes that may be used until this is dropped.
pub(super) struct Turn<'a> {
    turns: &'a Turns,
    bytes: u64,
}

impl Turns {
    pub(super) const fn new(most: u64) -> Self {
        Self {
            most,
            used: Mutex::new(0),
            freed: Condvar::new(),
        }
    }

    /// Waits until `bytes` more may be used.
    pub(super) fn wait(&self, bytes: u64) -> Turn<'_> {
        let bytes = bytes.min(self.most);
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        while *used + bytes > self.most {
            used = self
                .freed
                .wait(used)
                .unwrap_or_else(PoisonError::into_inner);
        }
        *used += bytes;
        Turn { turns: self, bytes }
    }
}

impl Turn<'_> {
    /// Takes `bytes` in place of what was taken, if they are there now. Whoever waited for them
    /// here could wait for another who does the same.
    pub(super) fn grow(&mut self, bytes: u64) -> bool {
        let bytes = bytes.min(self.turns.most);
        let mut used = self
            .turns
            .used
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let others = *used - self.bytes;
        if others + bytes > self.turns.most {
            return false;
        }
        *used = others + bytes;
        self.bytes = bytes;
        true
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut used = self
            .turns
            .used
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *used -= self.bytes;
        drop(used);
        self.turns.freed.notify_all();
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    #[test]
    fn no_more_is_used_at_a_time_than_allowed() {
        let turns = Turns::new(10);
        let (used, most) = (AtomicU64::new(0), AtomicU64::new(0));
        std::thread::scope(|scope| {
            for bytes in [4, 4, 4, 10, 25, 3, 1, 6] {
                let (turns, used, most) = (&turns, &used, &most);
                scope.spawn(move || {
                    for _ in 0..200 {
                        let _turn = turns.wait(bytes);
                        let counted = bytes.min(10);
                        let now = used.fetch_add(counted, Ordering::SeqCst) + counted;
                        most.fetch_max(now, Ordering::SeqCst);
                        std::thread::yield_now();
                        used.fetch_sub(counted, Ordering::SeqCst);
                    }
                });
            }
        });
        assert_eq!(most.load(Ordering::SeqCst), 10);
        assert_eq!(*turns.used.lock().unwrap(), 0);
    }

    #[test]
    fn a_turn_grows_where_there_is_room_and_waits_for_nobody() {
        let turns = Turns::new(10);
        let mut one = turns.wait(3);
        let other = turns.wait(4);
        assert!(one.grow(6));
        assert!(!one.grow(7));
        drop(other);
        assert!(one.grow(25));
        drop(one);
        assert_eq!(*turns.used.lock().unwrap(), 0);
    }
}
