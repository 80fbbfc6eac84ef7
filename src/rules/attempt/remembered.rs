//! What the server's memory says of a key that no table knows: the last attempt under it was refused, and raised.

use super::LastAttempt;
use crate::rules::refusal::Refusal;
use crate::rules::refusal::failure::sqlstate_unpack;
use crate::rules::refusal::outcome::{Disposition, Outcome};
use crate::rules::trace::span::{KEY_BYTES, Span};

/// Bytes of one character: a key is cut by so many at most.
const LONGEST_CHARACTER: usize = 4;
/// Said to whoever asks, for the answer may change without anybody having called.
const HINT: &str = "Nothing of it is written, and the key is free. The server's memory says so; once it has forgotten, the answer is never_seen.";

/// The last attempt under the key among the spans of its booking. None: none is remembered, or it came to something that
/// a rollback took back. A span without its key, or with what may be the beginning of a long one, may be of another key.
#[must_use]
pub fn last(key: &str, spans: impl IntoIterator<Item = Span>) -> Option<LastAttempt> {
    let is_under = |span: &Span| span.function.takes_tables() && span.key.as_deref() == Some(key);
    let is_whole = key.len() + LONGEST_CHARACTER <= KEY_BYTES;
    let last = spans.into_iter().filter(|span| is_whole && is_under(span)).max_by_key(|span| span.ended)?;
    let entry = last.outcome.entry();
    (entry.disposition != Disposition::Success).then(|| LastAttempt {
        outcome: entry.name.to_owned(),
        refusal: Some(refusal(&last)),
        receipt: None,
        decided_at: Some(last.ended),
    })
}

fn refusal(span: &Span) -> Refusal {
    let message = span.message.clone().unwrap_or_else(|| span.outcome.entry().sentence.to_owned());
    let refusal = Refusal::new(span.outcome, message);
    let hint = format!("{} {HINT}", refusal.hint);
    // What the server or a trigger raised has an SQLSTATE of its own.
    let own = (span.outcome == Outcome::Failed && span.sqlstate != 0)
        .then(|| format!("SQLSTATE {}", sqlstate_unpack(span.sqlstate)));
    let detail: Vec<String> = own.into_iter().chain(span.detail.clone()).collect();
    let refusal = refusal.hint(hint);
    if detail.is_empty() { refusal } else { refusal.detail(detail.join(", ")) }
}
