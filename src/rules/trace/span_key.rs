//! How much of a key a span keeps, and whether any.

use super::span::{KEY_BYTES, Span, cut};
use crate::rules::confirm::request::KEY_MAX_BYTES;

impl Span {
    /// The key, before it is checked: of one that is too long, as much as a valid one could have.
    pub fn remember_key(&mut self, key: Option<&str>) {
        self.key = key.map(|key| cut(Some(key), KEY_MAX_BYTES).0.to_owned());
    }

    /// Leaves the key out, also where a text repeats it.
    pub fn forget_key(&mut self) {
        if let Some(key) = self.key.take().filter(|key| !key.is_empty()) {
            for text in [&mut self.message, &mut self.detail].into_iter().flatten() {
                *text = text.replace(&key, "…");
            }
        }
    }

    /// Is this kept key that of a call, or its beginning as far as there was room?
    #[must_use]
    pub fn is_kept_of(kept: &str, key: &str) -> bool {
        cut(Some(key), KEY_BYTES).0 == kept
    }
}
