//! Where an attempt belongs in a trace: W3C trace context, as a caller hands it on.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use crate::rules::json::Json;

/// The trace of a caller, and the span that the attempt is a child of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TraceContext {
    pub trace: u128,
    pub parent: u64,
}

const VERSION: usize = 2;
const TRACE: usize = 32;
const SPAN: usize = 16;
const FLAGS: usize = 2;

impl TraceContext {
    /// Reads a `traceparent`: `00-<trace id>-<span id>-<flags>`. None: it is not valid, so a new trace begins.
    #[must_use]
    pub fn parse(text: &str) -> Option<TraceContext> {
        let mut parts = text.trim_matches([' ', '\t']).split('-');
        let [version, trace, parent, flags] = [VERSION, TRACE, SPAN, FLAGS].map(|length| hex(parts.next(), length));
        let (version, trace, parent) = (version?, trace?, parent?);
        flags?;
        // What a later version adds comes after these four; version 255 is forbidden.
        let whole = parts.next().is_none();
        let valid = version != 255 && trace != 0 && parent != 0 && (whole || version > 0);
        valid.then_some(TraceContext { trace, parent: parent as u64 })
    }

    /// The one that counts, of those that were given: the call's own first. The first that is there decides, also when it
    /// is not valid: nobody is put into the trace of somebody else.
    #[must_use]
    pub fn choose(
        metadata: Option<&Json>,
        setting: impl FnOnce() -> Option<String>,
        headers: impl FnOnce() -> Option<String>,
    ) -> Option<TraceContext> {
        let of_metadata = || metadata?.fields()?.get(FIELD)?.string();
        let of_setting = || setting().filter(|text| !text.is_empty());
        let given = of_metadata().or_else(of_setting).or_else(|| of_headers(&headers()?))?;
        TraceContext::parse(&given)
    }
}

const FIELD: &str = "traceparent";

/// Most requests have none: nothing is parsed for these.
fn of_headers(headers: &str) -> Option<String> {
    let mut places = headers.as_bytes().windows(FIELD.len());
    if !places.any(|place| place.eq_ignore_ascii_case(FIELD.as_bytes())) {
        return None;
    }
    let fields: BTreeMap<String, &RawValue> = serde_json::from_str(headers).ok()?;
    let (_, value) = fields.into_iter().find(|(name, _)| name.eq_ignore_ascii_case(FIELD))?;
    serde_json::from_str(value.get()).ok()
}

/// A number of so many lower-case hexadecimal digits.
fn hex(text: Option<&str>, length: usize) -> Option<u128> {
    let text = text?;
    let digits = text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
    (digits && text.len() == length).then(|| u128::from_str_radix(text, 16).ok()).flatten()
}
