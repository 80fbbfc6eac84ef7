//! Where an attempt belongs in a trace: W3C trace context, as a caller hands it on.

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
    pub fn choose(metadata: Option<&Json>, setting: Option<&str>, headers: Option<&str>) -> Option<TraceContext> {
        let of_metadata = || metadata?.fields()?.get("traceparent")?.string();
        let of_setting = || setting.filter(|text| !text.is_empty()).map(str::to_owned);
        let of_headers = || {
            let fields: serde_json::Map<String, serde_json::Value> = serde_json::from_str(headers?).ok()?;
            let field = fields.into_iter().find(|(name, _)| name.eq_ignore_ascii_case("traceparent"))?;
            field.1.as_str().map(str::to_owned)
        };
        let given = of_metadata().or_else(of_setting).or_else(of_headers)?;
        TraceContext::parse(&given)
    }
}

/// A number of so many lower-case hexadecimal digits.
fn hex(text: Option<&str>, length: usize) -> Option<u128> {
    let text = text?;
    let digits = text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
    (digits && text.len() == length).then(|| u128::from_str_radix(text, 16).ok()).flatten()
}
