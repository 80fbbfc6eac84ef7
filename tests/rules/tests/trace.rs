//! Trace context: what is valid by the W3C's recommendation, and which of several counts.

use std::collections::BTreeSet;

use holdfast::rules::json::Json;
use holdfast::rules::trace::context::TraceContext;
use holdfast::rules::trace::id_stream::IdStream;

const VALID: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const OTHER: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00";

fn trace(text: &str) -> Option<u128> {
    TraceContext::parse(text).map(|context| context.trace)
}

#[test]
fn a_valid_one_is_read() {
    let read = TraceContext::parse(VALID).expect("valid");
    assert_eq!((read.trace, read.parent), (0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736, 0x00f0_67aa_0ba9_02b7));
    assert!(trace(&format!(" {VALID}\t")).is_some(), "space around it is allowed in a header");
    assert!(trace(&VALID.replacen("00", "01", 1)).is_some(), "a later version");
    assert!(trace(&format!("{}-more", VALID.replacen("00", "cc", 1))).is_some(), "what a later version adds");
}

#[test]
fn an_invalid_one_is_none() {
    let wrong = [
        "",
        "00",
        "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
        "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
        "00-4bf92f3577b34da6a3ce929d0e0e473-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-+0f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e473ü-0f067aa0ba902b7-01",
        "4bf92f3577b34da6a3ce929d0e0e4736",
    ];
    assert_eq!(wrong.map(trace), [None; 13]);
}

#[test]
fn the_first_that_is_there_decides() {
    let (mine, other) = (trace(VALID), trace(OTHER));
    let metadata = |value: &str| Json::of_text(format!("{{\"a\": 1, \"traceparent\": {value}}}"));
    let headers = format!("{{\"Accept\": \"x\", \"TraceParent\": \"{OTHER}\"}}");
    let choose = |metadata: Option<&Json>, setting: Option<&str>, headers: Option<&str>| {
        let owned = |text: Option<&str>| text.map(str::to_owned);
        TraceContext::choose(metadata, || owned(setting), || owned(headers)).map(|context| context.trace)
    };
    let (good, bad) = (metadata(&format!("\"{VALID}\"")), metadata("\"nonsense\""));
    assert_eq!(choose(Some(&good), Some(OTHER), Some(&headers)), mine);
    assert_eq!(choose(Some(&bad), Some(OTHER), Some(&headers)), None, "an invalid one begins a new trace");
    assert_eq!(choose(Some(&Json::of_text("{}".to_owned())), Some(OTHER), None), other);
    assert_eq!(choose(Some(&metadata("7")), Some(""), Some(&headers)), other, "a number is none");
    assert_eq!(choose(None, None, Some(&headers)), other);
    let nothing = ["", "[]", "{", "null", "{\"traceparent\": {}}", "{\"traceparent\": null}"];
    assert_eq!(nothing.map(|headers| choose(None, None, Some(headers))), [None; 6]);
    // What decides is read, and no more.
    let unread = || -> Option<String> { panic!("nobody asked") };
    assert_eq!(TraceContext::choose(Some(&good), unread, unread).map(|context| context.trace), mine);
    assert_eq!(TraceContext::choose(None, || Some(OTHER.to_owned()), unread).map(|context| context.trace), other);
}

#[test]
fn ids_are_drawn_from_one_seed_and_none_comes_again() {
    let draw = |seed| {
        let mut stream = IdStream::new(seed);
        (0..1000).map(|_| stream.draw()).collect::<Vec<_>>()
    };
    let (one, other) = (draw([1, 2, 3]), draw([1, 2, 4]));
    let traces: BTreeSet<u128> = one.iter().map(|(trace, _)| *trace).collect();
    let spans: BTreeSet<u64> = one.iter().chain(&other).map(|(_, span)| *span).collect();
    assert_eq!((traces.len(), spans.len()), (1000, 2000));
    assert!(!traces.contains(&0) && !spans.contains(&0));
    assert_eq!(one, draw([1, 2, 3]));
}
