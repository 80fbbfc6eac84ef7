//! How often something may happen in a second, over all processes. What was too much is counted.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Zeroed memory is one that has permitted nothing.
pub struct Rate {
    /// The second, and how many were permitted in it.
    window: AtomicU64,
    suppressed: AtomicU64,
}

const USED: u64 = u32::MAX as u64;

impl Default for Rate {
    fn default() -> Rate {
        Rate::new()
    }
}

impl Rate {
    #[must_use]
    pub const fn new() -> Rate {
        Rate { window: AtomicU64::new(0), suppressed: AtomicU64::new(0) }
    }

    /// May it happen in this second? Then: how many were suppressed since the last that was permitted. None: it is
    /// suppressed itself, and counted.
    pub fn permit(&self, second: u32, most: u32) -> Option<u64> {
        let mut seen = self.window.load(Relaxed);
        loop {
            let (of, used) = (seen >> 32, seen & USED);
            let next = if of != u64::from(second) {
                u64::from(second) << 32 | 1
            } else if used < u64::from(most) {
                seen + 1
            } else {
                self.suppressed.fetch_add(1, Relaxed);
                return None;
            };
            match self.window.compare_exchange_weak(seen, next, Relaxed, Relaxed) {
                Ok(_) => return Some(self.suppressed.swap(0, Relaxed)),
                Err(now) => seen = now,
            }
        }
    }
}
